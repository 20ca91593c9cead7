/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <linux/input-event-codes.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libei.h>
#include <systemd/sd-event.h>
#include <xkbcommon/xkbcommon.h>

#include "host/base/loop.h"
#include "host/inject/inject.h"
#include "tests/support/eis_server.h"

/* Input through libei into a real libeis, on one thread. */

#define POINTER	 (EIS_DEVICE_CAP_POINTER | EIS_DEVICE_CAP_BUTTON | EIS_DEVICE_CAP_SCROLL)
#define ABSOLUTE (EIS_DEVICE_CAP_POINTER_ABSOLUTE | EIS_DEVICE_CAP_BUTTON | EIS_DEVICE_CAP_SCROLL)

static const struct eis_server_device desktop[] = {
	{POINTER, "pointer", {{0}}, 0},
	{ABSOLUTE, "screens",
		{{0, 0, 1920, 1080, "first"}, {1920, 100, 1280, 720, "mine"},
			{3200, 0, 640, 480, NULL}},
		0},
	{EIS_DEVICE_CAP_KEYBOARD, "keyboard", {{0}}, 0},
	{EIS_DEVICE_CAP_TOUCH, "touch", {{1920, 100, 1280, 720, "mine"}}, 0},
	{0},
};

/* As gamescope makes it. */
static const struct eis_server_device gamescope[] = {
	{POINTER | ABSOLUTE | EIS_DEVICE_CAP_KEYBOARD, "Gamescope Virtual Input",
		{{0, 0, INT32_MAX, INT32_MAX, "Mr. Worldwide"}}, 0},
	{0},
};

struct rig {
	struct loop *loop;
	struct eis_server server;
	struct inject *inject;
	struct eis_server_config config;
	int n_lost;
};

static void on_lost(const char *why, void *userdata)
{
	struct rig *r = userdata;
	assert_non_null(why);
	r->n_lost++;
}

/* Both ends until neither has anything more to say. */
static void turn(struct rig *r)
{
	for (int quiet = 0; quiet < 3;) {
		const size_t before = r->server.n_lines;
		if (r->server.eis)
			eis_server_turn(&r->server);
		const int n = sd_event_run(loop_sd_event(r->loop), 2000);
		assert_true(n >= 0);
		quiet = n || r->server.n_lines != before ? 0 : quiet + 1;
	}
}

static int open_inject(struct rig *r, int fd, const char *mapping_id)
{
	const struct inject_params params = {
		.loop = r->loop,
		.width = 1280,
		.height = 720,
		.eis_fd = fd,
		.mapping_id = mapping_id,
		.on_lost = on_lost,
		.userdata = r,
	};
	return inject_create(&r->inject, "libei", &params);
}

static void start(struct rig *r, const struct eis_server_config *config)
{
	*r = (struct rig){.config = *config};
	assert_int_equal(loop_create(&r->loop), 0);
	assert_int_equal(eis_server_init(&r->server, config, NULL), 0);
	assert_int_equal(open_inject(r, eis_server_connect(&r->server), "mine"), 0);
	turn(r);
}

static void start_desktop(struct rig *r, const struct eis_server_device *devices)
{
	const struct eis_server_config config = {.devices = devices};
	start(r, &config);
}

static void end(struct rig *r)
{
	inject_destroy(r->inject);
	r->inject = NULL;
	if (r->server.eis)
		turn(r);
	eis_server_finish(&r->server);
	loop_destroy(r->loop);
}

static void act(struct rig *r, uint8_t kind, uint32_t code, int32_t x, int32_t y, uint32_t flags)
{
	const struct pf_input e = {.kind = kind, .code = code, .x = x, .y = y, .flags = flags};
	inject_event(r->inject, &e);
	turn(r);
}

/* What the server's library says by itself, and what goes with every event. */
static bool is_noise(const char *line)
{
	return !strncmp(line, "start", 5) || !strncmp(line, "bind", 4) || !strcmp(line, "stop") ||
		!strcmp(line, "frame");
}

static void expect(struct rig *r, size_t *at, const char *line)
{
	while (*at < r->server.n_lines && is_noise(r->server.lines[*at]))
		++*at;
	if (*at == r->server.n_lines)
		fail_msg("expected: %s", line);
	assert_string_equal(r->server.lines[*at], line);
	++*at;
}

static void expect_nothing(struct rig *r, size_t at)
{
	for (; at < r->server.n_lines; at++) {
		if (!is_noise(r->server.lines[at]))
			fail_msg("not expected: %s", r->server.lines[at]);
	}
}

static void what_a_seat_has_is_asked_for(void **state)
{
	struct rig r;
	size_t at = 0;
	start_desktop(&r, desktop);
	assert_string_equal(r.server.lines[0], "bind 63");
	for (int i = 0; i < 4; i++)
		assert_true(eis_server_find(&r.server, &at, "start ") >= 0);
	end(&r);
	start_desktop(&r, gamescope);
	assert_string_equal(r.server.lines[0], "bind 55"); /* no touch */
	end(&r);
}

static void every_event_arrives_as_sent(void **state)
{
	struct rig r;
	start_desktop(&r, desktop);
	size_t at = r.server.n_lines;
	act(&r, PF_INPUT_KEY_DOWN, 'A', 0, 0, 0);
	act(&r, PF_INPUT_KEY_UP, 'A', 0, 0, 0);
	act(&r, PF_INPUT_MOUSE_REL, 0, -7, 300, 0);
	act(&r, PF_INPUT_BUTTON_DOWN, 3, 0, 0, 0);
	act(&r, PF_INPUT_BUTTON_UP, 3, 0, 0, 0);
	act(&r, PF_INPUT_SCROLL, 0, 120, 0, 0);
	act(&r, PF_INPUT_SCROLL, 1, -60, 0, 0);
	act(&r, PF_INPUT_SMOOTH_SCROLL, 0, -384, 0, INJECT_SCROLL_FINGER);
	act(&r, PF_INPUT_SMOOTH_SCROLL, 0, 0, 0, INJECT_SCROLL_FINGER);
	const size_t first = at;
	expect(&r, &at, "key 30 1");
	expect(&r, &at, "key 30 0");
	expect(&r, &at, "rel -7 300");
	expect(&r, &at, "button 273 1");
	expect(&r, &at, "button 273 0");
	expect(&r, &at, "wheel 0 -120");
	expect(&r, &at, "wheel -60 0");
	expect(&r, &at, "scroll 0 1.5");
	expect(&r, &at, "scroll stop 0 1");
	expect_nothing(&r, at);
	/* Each event is a frame of its own. */
	size_t n_frames = 0;
	for (at = first; eis_server_find(&r.server, &at, "frame") >= 0; n_frames++)
		;
	assert_int_equal(n_frames, 9);
	end(&r);
}

static void place(struct rig *r, int32_t x, int32_t y, uint32_t w, uint32_t h, double px, double py)
{
	size_t at = r->server.n_lines;
	double gx, gy;
	act(r, PF_INPUT_MOUSE_ABS, 0, x, y, w << 16 | h);
	const int line = eis_server_find(&r->server, &at, "abs ");
	assert_true(line >= 0);
	assert_int_equal(sscanf(r->server.lines[line], "abs %lf %lf", &gx, &gy), 2);
	assert_true(gx > px - 1 && gx < px + 1);
	assert_true(gy > py - 1 && gy < py + 1);
}

static void points_land_on_the_sessions_screen(void **state)
{
	struct rig r;
	start_desktop(&r, desktop);
	place(&r, 0, 0, 1280, 720, 1920, 100);
	place(&r, 1279, 719, 1280, 720, 3199, 819);
	place(&r, 640, 360, 1280, 720, 2560, 460);
	place(&r, 960, 540, 1920, 1080, 2560, 460); /* another size of window */
	place(&r, 65534, 65534, 65535, 65535, 3199.98, 819.98);
	end(&r);
	start_desktop(&r, gamescope);
	place(&r, 0, 0, 1280, 720, 0, 0);
	place(&r, 1279, 719, 1280, 720, 1279, 719);
	place(&r, 99, 49, 100, 50, 1267.2, 705.6);
	end(&r);
}

static void a_screen_of_the_outputs_size_is_the_output(void **state)
{
	static const struct eis_server_device devices[] = {
		{ABSOLUTE, NULL, {{0, 0, 1920, 1080, "a"}}, 0},
		{ABSOLUTE, NULL, {{1920, 0, 1280, 720, "b"}}, 0},
		{0},
	};
	struct rig r;
	start_desktop(&r, devices);
	place(&r, 1279, 0, 1280, 720, 3199, 0);
	end(&r);
}

static void a_stranger_among_many_screens_is_left_alone(void **state)
{
	static const struct eis_server_device devices[] = {
		{ABSOLUTE, NULL, {{0, 0, 1920, 1080, "a"}}, 0},
		{ABSOLUTE, NULL, {{1920, 0, 800, 600, "b"}}, 0},
		{0},
	};
	struct rig r;
	start_desktop(&r, devices);
	const size_t at = r.server.n_lines;
	act(&r, PF_INPUT_MOUSE_ABS, 0, 5, 5, 1280u << 16 | 720);
	expect_nothing(&r, at);
	end(&r);
}

static void fingers_are_fingers(void **state)
{
	struct rig r;
	const uint32_t size = 1280u << 16 | 720;
	start_desktop(&r, desktop);
	size_t at = r.server.n_lines;
	act(&r, PF_INPUT_TOUCH_DOWN, 7, 10, 20, size);
	act(&r, PF_INPUT_TOUCH_DOWN, 9, 1279, 719, size);
	act(&r, PF_INPUT_TOUCH_MOVE, 7, 11, 21, size);
	act(&r, PF_INPUT_TOUCH_UP, 7, 0, 0, 0);
	act(&r, PF_INPUT_TOUCH_MOVE, 7, 12, 22, size);
	act(&r, PF_INPUT_TOUCH_UP, 9, 0, 0, 0);
	expect(&r, &at, "down 1930 120");
	expect(&r, &at, "down 3199 819");
	expect(&r, &at, "move 1931 121");
	expect(&r, &at, "up");
	expect(&r, &at, "up");
	expect_nothing(&r, at);
	end(&r);
}

static void without_a_touch_screen_one_finger_is_the_pointer(void **state)
{
	struct rig r;
	const uint32_t size = 1280u << 16 | 720;
	start_desktop(&r, gamescope);
	size_t at = r.server.n_lines;
	act(&r, PF_INPUT_TOUCH_DOWN, 7, 10, 20, size);
	act(&r, PF_INPUT_TOUCH_DOWN, 8, 100, 200, size);
	act(&r, PF_INPUT_TOUCH_MOVE, 7, 11, 21, size);
	act(&r, PF_INPUT_TOUCH_UP, 8, 0, 0, 0);
	act(&r, PF_INPUT_TOUCH_UP, 7, 0, 0, 0);
	expect(&r, &at, "abs 10 20");
	expect(&r, &at, "button 272 1");
	expect(&r, &at, "abs 11 21");
	expect(&r, &at, "button 272 0");
	expect_nothing(&r, at);
	end(&r);
}

/* gamescope takes each unit of a smooth scroll for a detent. */
static void gamescope_gets_its_scrolling_in_detents(void **state)
{
	struct rig r;
	start_desktop(&r, gamescope);
	size_t at = r.server.n_lines;
	act(&r, PF_INPUT_SMOOTH_SCROLL, 0, 15 * 256, 0, INJECT_SCROLL_FINGER);
	for (int i = 0; i < 32; i++)
		act(&r, PF_INPUT_SMOOTH_SCROLL, 1, 1, 0, INJECT_SCROLL_FINGER);
	expect(&r, &at, "wheel 0 -120");
	expect(&r, &at, "wheel 1 0");
	expect_nothing(&r, at);
	end(&r);
}

static char *keymap_of(const char *layout)
{
	const struct xkb_rule_names names = {.rules = "evdev", .model = "pc105", .layout = layout};
	struct xkb_context *c = xkb_context_new(XKB_CONTEXT_NO_ENVIRONMENT_NAMES);
	struct xkb_keymap *m = xkb_keymap_new_from_names(c, &names, 0);
	char *text = xkb_keymap_get_as_string(m, XKB_KEYMAP_FORMAT_TEXT_V1);
	assert_non_null(text);
	xkb_keymap_unref(m);
	xkb_context_unref(c);
	return text;
}

/* What a program would read of the keys that came, by the keymap. */
static void read_typed(struct rig *r, size_t at, const char *keymap, char *out, size_t cap)
{
	struct xkb_context *c = xkb_context_new(XKB_CONTEXT_NO_ENVIRONMENT_NAMES);
	struct xkb_keymap *m = xkb_keymap_new_from_string(c, keymap, XKB_KEYMAP_FORMAT_TEXT_V1, 0);
	struct xkb_state *s = xkb_state_new(m);
	size_t len = 0;
	unsigned code, down;
	for (; at < r->server.n_lines; at++) {
		if (sscanf(r->server.lines[at], "key %u %u", &code, &down) != 2)
			continue;
		if (down)
			len += (size_t)xkb_state_key_get_utf8(s, code + 8, out + len, cap - len);
		xkb_state_update_key(s, code + 8, down ? XKB_KEY_DOWN : XKB_KEY_UP);
	}
	assert_int_equal(xkb_state_serialize_mods(s, XKB_STATE_MODS_DEPRESSED), 0);
	out[len] = 0;
	xkb_state_unref(s);
	xkb_keymap_unref(m);
	xkb_context_unref(c);
}

static void text_is_typed_on_the_servers_keymap(void **state)
{
	static const uint32_t chars[] = {'a', 'Z', '1', '!', '@', 0x20AC, 0xE4, 0xC4, 0x4E2D, '.'};
	char *keymap = keymap_of("de"), typed[128];
	const struct eis_server_config config = {.devices = desktop, .keymap = keymap};
	struct rig r;
	start(&r, &config);
	const size_t at = r.server.n_lines;
	for (size_t i = 0; i < sizeof(chars) / sizeof(chars[0]); i++)
		act(&r, PF_INPUT_TEXT, chars[i], 0, 0, 0);
	read_typed(&r, at, keymap, typed, sizeof(typed));
	assert_string_equal(typed, "aZ1!@\u20ac\u00e4\u00c4.");
	assert_int_equal(r.inject->dropped, 1); /* no key has that one */
	end(&r);
	free(keymap);
}

static void held_keys_do_not_change_text(void **state)
{
	char *keymap = keymap_of("us"), typed[64];
	const struct eis_server_config config = {.devices = desktop, .keymap = keymap};
	struct rig r;
	start(&r, &config);
	const size_t at = r.server.n_lines;
	act(&r, PF_INPUT_KEY_DOWN, 0xA2, 0, 0, 0); /* left Ctrl */
	act(&r, PF_INPUT_KEY_DOWN, 0xA0, 0, 0, 0); /* left Shift */
	act(&r, PF_INPUT_TEXT, 'q', 0, 0, 0);
	act(&r, PF_INPUT_KEY_UP, 0xA0, 0, 0, 0);
	act(&r, PF_INPUT_KEY_UP, 0xA2, 0, 0, 0);
	read_typed(&r, at, keymap, typed, sizeof(typed));
	assert_string_equal(typed, "q");
	end(&r);
	free(keymap);
}

static void without_a_keymap_the_layout_is_guessed(void **state)
{
	struct rig r;
	start_desktop(&r, gamescope);
	size_t at = r.server.n_lines;
	act(&r, PF_INPUT_TEXT, 'A', 0, 0, 0);
	expect(&r, &at, "key 42 1");
	expect(&r, &at, "key 30 1");
	expect(&r, &at, "key 30 0");
	expect(&r, &at, "key 42 0");
	end(&r);
}

static void a_bad_keymap_costs_text_only(void **state)
{
	const struct eis_server_config configs[] = {
		{.devices = desktop, .keymap = "xkb_keymap { garbage"},
		{.devices = desktop, .keymap = "short", .keymap_size = 1u << 20},
		{.devices = desktop, .keymap = "short", .keymap_size = 1u << 30},
	};
	for (size_t i = 0; i < 3; i++) {
		struct rig r;
		start(&r, &configs[i]);
		size_t at = r.server.n_lines;
		act(&r, PF_INPUT_TEXT, 'a', 0, 0, 0);
		act(&r, PF_INPUT_KEY_DOWN, 'B', 0, 0, 0);
		expect(&r, &at, "key 48 1");
		end(&r);
	}
}

/*
 * libeis (1.3) pauses no device that the client emulates on, though the protocol lets a server do it: here the news of
 * a modifier arrives as that of a pause, and as that of its end.
 */
static enum ei_event_type disguise;

enum ei_event_type __real_ei_event_get_type(struct ei_event *e);
enum ei_event_type __wrap_ei_event_get_type(struct ei_event *e);

enum ei_event_type __wrap_ei_event_get_type(struct ei_event *e)
{
	const enum ei_event_type type = __real_ei_event_get_type(e);
	return disguise && type == EI_EVENT_KEYBOARD_MODIFIERS ? disguise : type;
}

static void tell(struct rig *r, enum ei_event_type type)
{
	disguise = type;
	eis_device_keyboard_send_xkb_modifiers(r->server.devices[0], 0, 0, 0, 0);
	turn(r);
	disguise = 0;
}

static const struct eis_server_device all_in_one[] = {
	{EIS_DEVICE_CAP_KEYBOARD | EIS_DEVICE_CAP_TOUCH, NULL, {{0, 0, 1280, 720, NULL}}, 0},
	{0},
};

static void start_pausing(struct rig *r, char **keymap)
{
	*keymap = keymap_of("us");
	const struct eis_server_config config = {.devices = all_in_one, .keymap = *keymap};
	start(r, &config);
}

static void what_happens_in_a_pause_is_made_up_for(void **state)
{
	struct rig r;
	char *keymap;
	start_pausing(&r, &keymap);
	size_t at = r.server.n_lines;
	act(&r, PF_INPUT_KEY_DOWN, 'A', 0, 0, 0);
	act(&r, PF_INPUT_KEY_DOWN, 'B', 0, 0, 0);
	tell(&r, EI_EVENT_DEVICE_PAUSED);
	expect(&r, &at, "key 30 1");
	expect(&r, &at, "key 48 1");
	act(&r, PF_INPUT_KEY_UP, 'A', 0, 0, 0);
	act(&r, PF_INPUT_KEY_DOWN, 'C', 0, 0, 0);
	act(&r, PF_INPUT_KEY_DOWN, 'D', 0, 0, 0);
	act(&r, PF_INPUT_KEY_UP, 'D', 0, 0, 0);
	act(&r, PF_INPUT_TEXT, 'x', 0, 0, 0);
	expect_nothing(&r, at);
	tell(&r, EI_EVENT_DEVICE_RESUMED);
	expect(&r, &at, "key 30 0");
	expect(&r, &at, "key 46 1");
	expect_nothing(&r, at);
	end(&r);
	free(keymap);
}

static void a_finger_that_left_in_a_pause_goes_up_after_it(void **state)
{
	struct rig r;
	char *keymap;
	start_pausing(&r, &keymap);
	size_t at = r.server.n_lines;
	act(&r, PF_INPUT_TOUCH_DOWN, 1, 5, 6, 1280u << 16 | 720);
	tell(&r, EI_EVENT_DEVICE_PAUSED);
	act(&r, PF_INPUT_TOUCH_MOVE, 1, 7, 7, 1280u << 16 | 720);
	act(&r, PF_INPUT_TOUCH_UP, 1, 0, 0, 0);
	expect(&r, &at, "down 5 6");
	expect_nothing(&r, at);
	tell(&r, EI_EVENT_DEVICE_RESUMED);
	expect(&r, &at, "up");
	act(&r, PF_INPUT_TOUCH_DOWN, 1, 8, 9, 1280u << 16 | 720);
	expect(&r, &at, "down 8 9");
	end(&r);
	free(keymap);
}

static void a_new_keyboard_gets_what_is_held(void **state)
{
	struct rig r;
	start_desktop(&r, desktop);
	size_t at = r.server.n_lines;
	act(&r, PF_INPUT_KEY_DOWN, 'A', 0, 0, 0);
	expect(&r, &at, "key 30 1");
	eis_server_remove_device(&r.server, 2);
	turn(&r);
	expect_nothing(&r, at);
	eis_server_add_device(&r.server, 2);
	turn(&r);
	expect(&r, &at, "key 30 1");
	act(&r, PF_INPUT_KEY_UP, 'A', 0, 0, 0);
	expect(&r, &at, "key 30 0");
	end(&r);
}

static void a_finger_goes_on_when_its_screen_is_replaced(void **state)
{
	struct rig r;
	const uint32_t size = 1280u << 16 | 720;
	start_desktop(&r, desktop);
	size_t at = r.server.n_lines;
	act(&r, PF_INPUT_TOUCH_DOWN, 7, 10, 20, size);
	act(&r, PF_INPUT_TOUCH_DOWN, 9, 30, 40, size);
	expect(&r, &at, "down 1930 120");
	expect(&r, &at, "down 1950 140");
	eis_server_remove_device(&r.server, 3);
	turn(&r);
	act(&r, PF_INPUT_TOUCH_MOVE, 7, 11, 21, size); /* to where there is none */
	eis_server_add_device(&r.server, 3);
	turn(&r);
	act(&r, PF_INPUT_TOUCH_UP, 9, 0, 0, 0);
	expect_nothing(&r, at);
	act(&r, PF_INPUT_TOUCH_MOVE, 7, 12, 22, size);
	act(&r, PF_INPUT_TOUCH_MOVE, 9, 12, 22, size); /* that one is up */
	act(&r, PF_INPUT_TOUCH_MOVE, 7, 13, 23, size);
	act(&r, PF_INPUT_TOUCH_UP, 7, 0, 0, 0);
	expect(&r, &at, "down 1932 122");
	expect(&r, &at, "move 1933 123");
	expect(&r, &at, "up");
	expect_nothing(&r, at);
	end(&r);
}

static void devices_that_go_take_nothing_with_them(void **state)
{
	struct rig r;
	start_desktop(&r, desktop);
	act(&r, PF_INPUT_BUTTON_DOWN, 1, 0, 0, 0);
	act(&r, PF_INPUT_KEY_DOWN, 'A', 0, 0, 0);
	act(&r, PF_INPUT_TOUCH_DOWN, 1, 0, 0, 1280u << 16 | 720);
	for (size_t i = 0; i < 4; i++)
		eis_server_remove_device(&r.server, i);
	/* Before the client has heard of it, and after. */
	for (int i = 0; i < 2; i++) {
		act(&r, PF_INPUT_TOUCH_MOVE, 1, 5, 5, 1280u << 16 | 720);
		act(&r, PF_INPUT_MOUSE_ABS, 0, 5, 5, 1280u << 16 | 720);
		act(&r, PF_INPUT_MOUSE_REL, 0, 1, 1, 0);
		act(&r, PF_INPUT_SCROLL, 0, 120, 0, 0);
		act(&r, PF_INPUT_TEXT, 'x', 0, 0, 0);
	}
	act(&r, PF_INPUT_TOUCH_UP, 1, 0, 0, 0);
	assert_int_equal(r.n_lost, 0);
	end(&r);
}

static void early_input_waits_for_the_devices(void **state)
{
	const struct eis_server_config config = {.devices = desktop, .asleep = true};
	struct rig r;
	start(&r, &config);
	size_t at = r.server.n_lines;
	act(&r, PF_INPUT_MOUSE_ABS, 0, 3, 4, 1280u << 16 | 720);
	act(&r, PF_INPUT_KEY_DOWN, 'A', 0, 0, 0);
	expect_nothing(&r, at);
	for (size_t i = 0; i < 4; i++)
		eis_device_resume(r.server.devices[i]);
	turn(&r);
	assert_true(eis_server_find(&r.server, &(size_t){at}, "abs 1923 104") >= 0);
	assert_true(eis_server_find(&r.server, &(size_t){at}, "key 30 1") >= 0);
	end(&r);
}

static void everything_held_is_let_go_at_the_end(void **state)
{
	struct rig r;
	start_desktop(&r, desktop);
	act(&r, PF_INPUT_KEY_DOWN, 'A', 0, 0, 0);
	act(&r, PF_INPUT_BUTTON_DOWN, 1, 0, 0, 0);
	act(&r, PF_INPUT_TOUCH_DOWN, 1, 0, 0, 1280u << 16 | 720);
	size_t at = r.server.n_lines;
	inject_destroy(r.inject);
	r.inject = NULL;
	turn(&r);
	assert_true(eis_server_find(&r.server, &(size_t){at}, "up") >= 0);
	assert_true(eis_server_find(&r.server, &(size_t){at}, "key 30 0") >= 0);
	assert_true(eis_server_find(&r.server, &(size_t){at}, "button 272 0") >= 0);
	assert_true(eis_server_find(&r.server, &(size_t){at}, "stop") >= 0);
	assert_true(r.server.left);
	end(&r);
}

static void a_server_that_leaves_is_told_once(void **state)
{
	struct rig r;
	start_desktop(&r, desktop);
	act(&r, PF_INPUT_KEY_DOWN, 'A', 0, 0, 0);
	act(&r, PF_INPUT_TOUCH_DOWN, 1, 0, 0, 1280u << 16 | 720);
	eis_server_finish(&r.server);
	turn(&r);
	assert_int_equal(r.n_lost, 1);
	act(&r, PF_INPUT_KEY_UP, 'A', 0, 0, 0);
	act(&r, PF_INPUT_MOUSE_REL, 0, 1, 1, 0);
	act(&r, PF_INPUT_TEXT, 'x', 0, 0, 0);
	inject_claim(r.inject);
	assert_int_equal(r.n_lost, 1);
	end(&r);
}

static void a_server_that_gives_nothing_gets_nothing(void **state)
{
	const struct eis_server_config configs[] = {
		{.devices = desktop, .no_seat = true}, {.devices = desktop, .no_devices = true}};
	for (size_t i = 0; i < 2; i++) {
		struct rig r;
		start(&r, &configs[i]);
		size_t at = r.server.n_lines;
		act(&r, PF_INPUT_KEY_DOWN, 'A', 0, 0, 0);
		act(&r, PF_INPUT_MOUSE_ABS, 0, 3, 4, 1280u << 16 | 720);
		expect_nothing(&r, at);
		assert_int_equal(r.n_lost, 0);
		end(&r);
	}
}

static void garbage_regions_take_no_points(void **state)
{
	static const struct eis_server_device devices[] = {
		{ABSOLUTE | EIS_DEVICE_CAP_TOUCH, NULL,
			{{UINT32_MAX, UINT32_MAX, 0, 0, "mine"}, {0, 0, 0, 5, "mine"},
				{7, 7, 5, 0, NULL}},
			3},
		{ABSOLUTE, NULL, {{UINT32_MAX, UINT32_MAX, UINT32_MAX, 1, NULL}}, 1},
		{0},
	};
	struct rig r;
	start_desktop(&r, devices);
	act(&r, PF_INPUT_MOUSE_ABS, 0, 3, 4, 1280u << 16 | 720);
	act(&r, PF_INPUT_TOUCH_DOWN, 3, 4, 4, 1280u << 16 | 720);
	act(&r, PF_INPUT_TOUCH_UP, 3, 0, 0, 0);
	assert_int_equal(r.n_lost, 0);
	end(&r);
}

/* More than a reader that sleeps lets through: nothing waits for it. */
static void a_server_that_does_not_read_holds_nobody(void **state)
{
	struct rig r;
	start_desktop(&r, desktop);
	const struct pf_input e = {.kind = PF_INPUT_MOUSE_REL, .x = 1, .y = 1};
	for (int i = 0; i < 20000; i++)
		inject_event(r.inject, &e);
	assert_true(r.n_lost <= 1);
	turn(&r);
	end(&r);
}

/* What a server says first is handshake_version, interface_version and connection, of object 0. */
static size_t put_message(uint8_t *p, uint32_t opcode, const void *body, size_t len)
{
	const uint32_t size = (uint32_t)(16 + len);
	memset(p, 0, 8);
	memcpy(p + 8, &size, 4);
	memcpy(p + 12, &opcode, 4);
	memcpy(p + 16, body, len);
	return size;
}

static size_t greeting(uint8_t *p)
{
	static const uint8_t body[] = {14, 0, 0, 0, 'e', 'i', '_', 'c', 'o', 'n', 'n', 'e', 'c',
		't', 'i', 'o', 'n', 0, 0, 0, 1, 0, 0, 0};
	static const uint8_t connection[] = {1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xff, 1, 0, 0, 0};
	uint8_t named[sizeof(body)];
	size_t n = put_message(p, 0, (uint8_t[4]){1, 0, 0, 0}, 4);
	memcpy(named, body, sizeof(body));
	n += put_message(p + n, 1, named, sizeof(named));
	return n + put_message(p + n, 2, connection, sizeof(connection));
}

static void a_server_that_speaks_another_language_is_lost(void **state)
{
	uint64_t seed = 11;
	for (int round = 0; round < 150; round++) {
		struct rig r = {0};
		int fds[2];
		uint8_t junk[512];
		size_t len = sizeof(junk);
		assert_int_equal(loop_create(&r.loop), 0);
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
		assert_int_equal(open_inject(&r, fds[0], NULL), 0);
		for (size_t i = 0; i < sizeof(junk); i++)
			junk[i] = (uint8_t)test_rand(&seed);
		if (round > 20) { /* nearly right */
			len = greeting(junk);
			junk[test_rand(&seed) % len] ^= (uint8_t)(1u << test_rand(&seed) % 8);
			if (round % 3 == 0)
				len = test_rand(&seed) % len;
			else if (round % 3 == 1)
				len = sizeof(junk);
		}
		assert_int_equal(write(fds[1], junk, len), len);
		turn(&r);
		close(fds[1]);
		turn(&r);
		assert_int_equal(r.n_lost, 1);
		end(&r);
	}
}

/* Where Debian 13's library follows a null pointer. */
static void a_server_that_hangs_up_at_once_is_lost(void **state)
{
	uint8_t bytes[512];
	const size_t len = greeting(bytes);
	for (size_t n = 0; n <= len; n++) {
		struct rig r = {0};
		int fds[2];
		assert_int_equal(loop_create(&r.loop), 0);
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
		assert_int_equal(open_inject(&r, fds[0], NULL), 0);
		assert_int_equal(write(fds[1], bytes, n), n);
		if (n % 2)
			turn(&r);
		close(fds[1]);
		turn(&r);
		assert_int_equal(r.n_lost, 1);
		end(&r);
	}
}

static void leaving_before_the_handshake_is_over_is_safe(void **state)
{
	struct rig r = {.config = {.devices = desktop}};
	assert_int_equal(loop_create(&r.loop), 0);
	assert_int_equal(eis_server_init(&r.server, &r.config, NULL), 0);
	for (int steps = 0; steps < 12; steps++) {
		const int fd = eis_server_connect(&r.server);
		assert_true(fd >= 0);
		assert_int_equal(open_inject(&r, fd, NULL), 0);
		for (int i = 0; i < steps; i++) {
			eis_server_turn(&r.server);
			assert_true(sd_event_run(loop_sd_event(r.loop), 0) >= 0);
		}
		inject_destroy(r.inject);
		r.inject = NULL;
		turn(&r);
	}
	assert_int_equal(r.n_lost, 0);
	end(&r);
}

static void bad_descriptors_are_refused(void **state)
{
	struct rig r = {0};
	assert_int_equal(loop_create(&r.loop), 0);
	assert_int_equal(open_inject(&r, -1, NULL), PF_E_INVALID);
	assert_true(open_inject(&r, 987, NULL) < 0);
	assert_null(r.inject);
	loop_destroy(r.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_seat_has_is_asked_for),
		cmocka_unit_test(every_event_arrives_as_sent),
		cmocka_unit_test(points_land_on_the_sessions_screen),
		cmocka_unit_test(a_screen_of_the_outputs_size_is_the_output),
		cmocka_unit_test(a_stranger_among_many_screens_is_left_alone),
		cmocka_unit_test(fingers_are_fingers),
		cmocka_unit_test(without_a_touch_screen_one_finger_is_the_pointer),
		cmocka_unit_test(gamescope_gets_its_scrolling_in_detents),
		cmocka_unit_test(text_is_typed_on_the_servers_keymap),
		cmocka_unit_test(held_keys_do_not_change_text),
		cmocka_unit_test(without_a_keymap_the_layout_is_guessed),
		cmocka_unit_test(a_bad_keymap_costs_text_only),
		cmocka_unit_test(what_happens_in_a_pause_is_made_up_for),
		cmocka_unit_test(a_finger_that_left_in_a_pause_goes_up_after_it),
		cmocka_unit_test(a_new_keyboard_gets_what_is_held),
		cmocka_unit_test(a_finger_goes_on_when_its_screen_is_replaced),
		cmocka_unit_test(devices_that_go_take_nothing_with_them),
		cmocka_unit_test(early_input_waits_for_the_devices),
		cmocka_unit_test(everything_held_is_let_go_at_the_end),
		cmocka_unit_test(a_server_that_leaves_is_told_once),
		cmocka_unit_test(a_server_that_gives_nothing_gets_nothing),
		cmocka_unit_test(garbage_regions_take_no_points),
		cmocka_unit_test(a_server_that_does_not_read_holds_nobody),
		cmocka_unit_test(a_server_that_speaks_another_language_is_lost),
		cmocka_unit_test(a_server_that_hangs_up_at_once_is_lost),
		cmocka_unit_test(leaving_before_the_handshake_is_over_is_safe),
		cmocka_unit_test(bad_descriptors_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
