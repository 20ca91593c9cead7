/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <dirent.h>
#include <linux/input-event-codes.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/capture/capture.h"
#include "host/inject/inject.h"
#include "host/media/clock.h"
#include "host/vdisplay/vdisplay.h"
#include "tests/support/gnome.h"

/* A real mutter, started by us without a screen. */

#define WAIT_MS 10000u

static struct gnome gnome;
static struct loop *loop;
static struct vdisplay *display;
static int n_lost;
static char lost_why[256];

/* What a capture has brought so far; static, for a test that fails leaves it running. */
struct eye {
	struct capture *capture;
	pthread_mutex_t lock;
	uint32_t width, height;
	uint64_t n_frames, sized_ns; /* the first of this size */
	int n_lost;
};

static struct eye *open_eyes[4];

static void on_lost(const char *why, void *userdata)
{
	(void)userdata;
	n_lost++;
	snprintf(lost_why, sizeof(lost_why), "%s", why);
}

static bool run(unsigned timeout_ms, bool (*check)(void *data), void *data)
{
	const uint64_t until_ns = clock_now_ns() + timeout_ms * UINT64_C(1000000);
	while (clock_now_ns() < until_ns) {
		if (check && check(data))
			return true;
		assert_true(sd_event_run(loop_sd_event(loop), 2000) >= 0);
	}
	return check && check(data);
}

static void on_frame(struct frame *frame, void *userdata)
{
	struct eye *e = userdata;
	pthread_mutex_lock(&e->lock);
	if (e->width != frame->width || e->height != frame->height)
		e->sized_ns = clock_now_ns();
	e->width = frame->width;
	e->height = frame->height;
	e->n_frames++;
	pthread_mutex_unlock(&e->lock);
}

static void on_capture_lost(int err, const char *why, void *userdata)
{
	struct eye *e = userdata;
	(void)err;
	(void)why;
	pthread_mutex_lock(&e->lock);
	e->n_lost++;
	pthread_mutex_unlock(&e->lock);
}

static void eye_open(struct eye *e, const struct vdisplay_output *o)
{
	memset(e, 0, sizeof(*e));
	pthread_mutex_init(&e->lock, NULL);
	const struct capture_params params = {
		.output_name = o->name,
		.node_id = o->node.id,
		.node_remote = o->node.remote,
		.width = o->width,
		.height = o->height,
		.refresh_mhz = o->refresh_mhz,
		.cursor = true,
		.on_frame = on_frame,
		.on_lost = on_capture_lost,
		.userdata = e,
	};
	size_t at = 0;
	while (open_eyes[at])
		assert_true(++at < 4);
	open_eyes[at] = e;
	assert_int_equal(capture_create(&e->capture, o->capture, &params), 0);
	assert_int_equal(capture_start(e->capture), 0);
}

static void eye_close(struct eye *e)
{
	for (size_t i = 0; i < 4; i++) {
		if (open_eyes[i] == e)
			open_eyes[i] = NULL;
	}
	capture_destroy(e->capture);
	pthread_mutex_destroy(&e->lock);
}

struct size {
	struct eye *eye;
	uint32_t width, height;
	uint64_t at_ns;
};

static bool is_sized(void *data)
{
	struct size *s = data;
	pthread_mutex_lock(&s->eye->lock);
	const bool yes = s->eye->width == s->width && s->eye->height == s->height;
	s->at_ns = s->eye->sized_ns;
	pthread_mutex_unlock(&s->eye->lock);
	return yes;
}

static bool eye_is_lost(void *data)
{
	struct eye *e = data;
	pthread_mutex_lock(&e->lock);
	const bool yes = e->n_lost > 0;
	pthread_mutex_unlock(&e->lock);
	return yes;
}

static bool is_lost(void *data)
{
	(void)data;
	return n_lost > 0;
}

/* A picture of that size comes; returns when. */
static uint64_t see(struct eye *e, uint32_t width, uint32_t height)
{
	struct size s = {e, width, height, 0};
	assert_true(run(WAIT_MS, is_sized, &s));
	return s.at_ns;
}

static void add(uint32_t width, uint32_t height, uint32_t mhz, struct vdisplay_output *o)
{
	assert_int_equal(vdisplay_add_output(display, width, height, mhz, o), 0);
	assert_int_equal(o->width, width);
	assert_int_equal(o->height, height);
	assert_int_equal(o->refresh_mhz, mhz);
	assert_string_equal(o->capture, "pipewire");
	assert_int_not_equal(o->node.id, 0);
	assert_non_null(o->remote.bus);
}

/* --- */

static void a_display_of_each_mode_is_seen(void **state)
{
	static const uint32_t modes[][3] = {
		{1280, 720, 60000}, {802, 602, 59940}, {1920, 1080, 30000}};
	uint64_t worst_ns = 0;
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct vdisplay_output o;
		static struct eye e;
		const uint64_t began_ns = clock_now_ns();
		add(modes[i][0], modes[i][1], modes[i][2], &o);
		eye_open(&e, &o);
		const uint64_t took_ns = see(&e, o.width, o.height) - began_ns;
		worst_ns = took_ns > worst_ns ? took_ns : worst_ns;
		vdisplay_remove_output(display, &o);
		assert_true(run(WAIT_MS, eye_is_lost, &e));
		eye_close(&e);
	}
	print_message("[ figures  ] add_output to first picture: %.0f ms at most\n",
		(double)worst_ns / 1e6);
	assert_int_equal(n_lost, 0);
}

static void a_change_of_mode_keeps_the_display(void **state)
{
	static const uint32_t modes[][3] = {
		{1920, 1080, 60000}, {1280, 800, 50000}, {1280, 720, 60000}};
	struct vdisplay_output o;
	static struct eye e;
	(void)state;
	add(1280, 720, 60000, &o);
	const uint32_t node = o.node.id;
	eye_open(&e, &o);
	see(&e, 1280, 720);
	for (size_t i = 0; i < 3; i++) {
		const uint64_t began_ns = clock_now_ns();
		assert_int_equal(
			vdisplay_set_mode(display, &o, modes[i][0], modes[i][1], modes[i][2]), 0);
		assert_int_equal(o.node.id, node);
		assert_int_equal(capture_set_mode(e.capture, o.width, o.height, o.refresh_mhz), 0);
		const uint64_t took_ns = see(&e, modes[i][0], modes[i][1]) - began_ns;
		print_message("[ figures  ] to %ux%u: %.0f ms\n", o.width, o.height,
			(double)took_ns / 1e6);
	}
	assert_false(eye_is_lost(&e));
	vdisplay_remove_output(display, &o);
	eye_close(&e);
}

static void another_rate_alone_is_another_node(void **state)
{
	struct vdisplay_output o;
	static struct eye e;
	(void)state;
	add(640, 480, 60000, &o);
	const struct vdisplay_output before = o;
	eye_open(&e, &o);
	see(&e, 640, 480);
	assert_int_equal(vdisplay_set_mode(display, &o, 640, 480, 30000), 0);
	assert_int_not_equal(o.node.id, before.node.id);
	assert_string_not_equal(o.remote.session, before.remote.session);
	assert_int_equal(o.refresh_mhz, 30000);
	assert_true(run(WAIT_MS, eye_is_lost, &e));
	eye_close(&e);
	eye_open(&e, &o);
	see(&e, 640, 480);
	vdisplay_remove_output(display, &o);
	eye_close(&e);
}

static void several_displays_live_side_by_side(void **state)
{
	struct vdisplay_output o[3];
	static struct eye e[3];
	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		add(640 + 64 * i, 480, 60000, &o[i]);
		eye_open(&e[i], &o[i]);
	}
	for (uint32_t i = 0; i < 3; i++)
		see(&e[i], 640 + 64 * i, 480);
	vdisplay_remove_output(display, &o[1]);
	assert_true(run(WAIT_MS, eye_is_lost, &e[1]));
	assert_int_equal(vdisplay_set_mode(display, &o[0], 800, 600, 60000), 0);
	assert_int_equal(capture_set_mode(e[0].capture, 800, 600, 60000), 0);
	see(&e[0], 800, 600);
	assert_false(eye_is_lost(&e[0]));
	assert_false(eye_is_lost(&e[2]));
	for (uint32_t i = 0; i < 3; i += 2)
		vdisplay_remove_output(display, &o[i]);
	for (uint32_t i = 0; i < 3; i++)
		eye_close(&e[i]);
	assert_int_equal(n_lost, 0);
}

static size_t descriptors(pid_t pid)
{
	char path[64];
	size_t n = 0;
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	DIR *dir = opendir(path);
	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

struct fewer {
	size_t most;
};

static bool mutter_has_few(void *data)
{
	return descriptors(gnome.mutter) <= ((struct fewer *)data)->most;
}

static void a_hundred_displays_leave_nothing(void **state)
{
	struct vdisplay_output o;
	static struct eye e;
	(void)state;
	run(300, NULL, NULL); /* what the tests before left goes */
	const size_t ours = descriptors(getpid());
	struct fewer theirs = {descriptors(gnome.mutter)};
	const uint64_t began_ns = clock_now_ns();
	for (int i = 0; i < 100; i++) {
		add(640, 480, 60000, &o);
		if (i % 20 == 0) {
			eye_open(&e, &o);
			see(&e, 640, 480);
			eye_close(&e);
		}
		vdisplay_remove_output(display, &o);
	}
	print_message(
		"[ figures  ] 100 displays: %.0f ms\n", (double)(clock_now_ns() - began_ns) / 1e6);
	assert_true(run(WAIT_MS, mutter_has_few, &theirs));
	assert_int_equal(descriptors(getpid()), ours);
	assert_int_equal(n_lost, 0);
}

/* --- input --- */

static struct gnome_reader window;

struct expected {
	const char *begin;
	char line[128];
};

static bool has_line(void *data)
{
	struct expected *x = data;
	return gnome_read(&window, x->begin, x->line, sizeof(x->line));
}

static void expect(const char *begin)
{
	struct expected x = {.begin = begin};
	if (!run(WAIT_MS, has_line, &x))
		fail_msg("the window was not told: %s", begin);
}

/* In either order. */
static void expect_both(const char *a, const char *b)
{
	struct expected any = {.begin = ""};
	for (bool has_a = false, has_b = false; !has_a || !has_b;) {
		if (!run(WAIT_MS, has_line, &any))
			fail_msg("the window was not told: %s", has_a ? b : a);
		has_a |= strcmp(any.line, a) == 0;
		has_b |= strcmp(any.line, b) == 0;
	}
}

static void send(
	struct inject *i, uint8_t kind, uint32_t code, int32_t x, int32_t y, uint32_t flags)
{
	inject_event(
		i, &(struct pf_input){.kind = kind, .code = code, .x = x, .y = y, .flags = flags});
}

/* By mutter's own calls, or by what the output says, which is libei where both have it. */
static struct inject *make_inject(const struct vdisplay_output *o, const char *name)
{
	struct inject *i;
	const struct inject_params params = {.loop = loop,
		.output_name = o->name,
		.width = o->width,
		.height = o->height,
		.bus = o->remote.bus,
		.remote_session = o->remote.session,
		.remote_stream = o->remote.stream,
		.mapping_id = o->mapping,
		.eis_fd = strcmp(name, "libei") == 0 ? vdisplay_open_eis(display, o) : -1};
	assert_int_equal(inject_create(&i, name, &params), 0);
	return i;
}

static void point_and_press(struct inject *i, uint32_t width, uint32_t height)
{
	struct expected place = {.begin = "motion"};
	double x = -1, y = -1, to_x = -1, to_y = -1;
	/* A surface of half the size: the middle of its pixel. */
	const uint32_t half = (width / 2) << 16 | height / 2;
	/* A screen that is just being changed takes none. */
	for (int n = 0; n < 50 && (x < 200 || x > 202 || y < 100 || y > 102); n++) {
		send(i, PF_INPUT_MOUSE_ABS, 0, 100, 50, half);
		if (run(200, has_line, &place))
			assert_int_equal(sscanf(place.line, "motion %lf %lf", &x, &y), 2);
	}
	assert_true(x >= 200 && x <= 202 && y >= 100 && y <= 102);
	send(i, PF_INPUT_MOUSE_REL, 0, 7, -5, 0);
	do { /* mutter may tell one place twice */
		assert_true(run(WAIT_MS, has_line, &place));
		assert_int_equal(sscanf(place.line, "motion %lf %lf", &to_x, &to_y), 2);
	} while (to_x == x && to_y == y);
	if (to_x != x + 7 || to_y != y - 5)
		fail_msg("+7,-5 from %.2f,%.2f is %.2f,%.2f", x, y, to_x, to_y);
	send(i, PF_INPUT_BUTTON_DOWN, 1, 0, 0, 0);
	expect("button 272 1");
	send(i, PF_INPUT_BUTTON_UP, 1, 0, 0, 0);
	expect("button 272 0");
}

static void roll(struct inject *i)
{
	send(i, PF_INPUT_SCROLL, 0, 240, 0, 0); /* up: Wayland's axis points down */
	expect("detents 0 -1");
	expect("detents 0 -1");
	send(i, PF_INPUT_SCROLL, 1, 120, 0, 0);
	expect("detents 1 1");
	send(i, PF_INPUT_SMOOTH_SCROLL, 0, -5 * 256, 0, INJECT_SCROLL_FINGER);
	expect("axis 0 5.00");
	send(i, PF_INPUT_SMOOTH_SCROLL, 0, 0, 0,
		INJECT_SCROLL_FINGER); /* mutter 43 tells no stop */
}

static void type(struct inject *i)
{
	send(i, PF_INPUT_KEY_DOWN, 0xA0, 0, 0, 0); /* Shift */
	send(i, PF_INPUT_KEY_DOWN, 'Q', 0, 0, 0);
	expect("key 16 1");
	expect("text 81");
	inject_release_all(i);
	expect("key 42 0");
	send(i, PF_INPUT_TEXT, '?', 0, 0, 0);
	expect("text 63");
	send(i, PF_INPUT_KEY_DOWN, 0x67, 0, 0, 0); /* the keypad's 7 */
	expect("text 55");
	send(i, PF_INPUT_KEY_UP, 0x67, 0, 0, 0);
	expect("key 71 0");
}

/* Which finger it is, mutter numbers as it likes. */
static int expect_finger(const char *what, double x, double y)
{
	struct expected finger;
	char format[64];
	int id = -1;
	double at_x = 0, at_y = 0;
	finger.begin = what;
	assert_true(run(WAIT_MS, has_line, &finger));
	snprintf(format, sizeof(format), "%s %%d %%lf %%lf", what);
	assert_int_equal(sscanf(finger.line, format, &id, &at_x, &at_y), 3);
	assert_true(at_x == x && at_y == y);
	return id;
}

static void touch(struct inject *i, uint32_t width, uint32_t height)
{
	const uint32_t size = width << 16 | height;
	send(i, PF_INPUT_TOUCH_DOWN, 77, 30, 40, size);
	const int first = expect_finger("touch down", 30, 40);
	send(i, PF_INPUT_TOUCH_DOWN, 5, 300, 400, size);
	assert_int_not_equal(expect_finger("touch down", 300, 400), first);
	send(i, PF_INPUT_TOUCH_MOVE, 77, 31, 42, size);
	assert_int_equal(expect_finger("touch motion", 31, 42), first);
	inject_release_all(i);
	expect("touch up");
	expect("touch up");
}

static void do_all(const char *app, bool own_calls)
{
	const char *const argv[] = {app, "1024x768", "2060c0", NULL};
	struct vdisplay_output o;
	static struct eye e;
	add(1024, 768, 60000, &o);
	eye_open(&e, &o);
	see(&e, 1024, 768);
	const char *name = own_calls ? "mutter" : o.inject;
	print_message("[ note     ] input by %s\n", name);
	struct inject *i = make_inject(&o, name);
	assert_true(i->caps.text && i->caps.touch && i->caps.smooth_scroll);
	setenv("WAYLAND_DISPLAY", gnome.wayland, 1);
	assert_int_equal(gnome_run(&window, argv), 0);
	expect("shown 1024 768");
	/* Until it is shown, nothing comes. */
	struct expected first = {.begin = "motion"};
	for (int n = 0; n < 50 && !run(200, has_line, &first); n++)
		send(i, PF_INPUT_MOUSE_ABS, 0, n, n, 1024u << 16 | 768u);
	point_and_press(i, 1024, 768);
	roll(i);
	type(i);
	touch(i, 1024, 768);
	/* Input follows another size. */
	assert_int_equal(vdisplay_set_mode(display, &o, 1280, 720, 60000), 0);
	assert_int_equal(capture_set_mode(e.capture, 1280, 720, 60000), 0);
	inject_set_size(i, 1280, 720);
	see(&e, 1280, 720);
	expect("shown 1280 720");
	point_and_press(i, 1280, 720);
	/* What is held goes up when the client vanishes. */
	send(i, PF_INPUT_KEY_DOWN, 'A', 0, 0, 0);
	send(i, PF_INPUT_BUTTON_DOWN, 3, 0, 0, 0);
	inject_destroy(i);
	expect("key 30 1");
	expect_both("key 30 0", "button 273 0");
	gnome_stop(&window);
	vdisplay_remove_output(display, &o);
	eye_close(&e);
}

static void a_window_gets_what_is_done(void **state)
{
	struct vdisplay_output o;
	(void)state;
	const char *app = getenv("PUNKTFUNK_WL_APP");
	if (!app) {
		print_message("[ note     ] no input: wl_app was not built, install "
			      "wayland-protocols\n");
		return;
	}
	add(640, 480, 60000, &o);
	const bool both = strcmp(o.inject, "mutter") != 0;
	vdisplay_remove_output(display, &o);
	do_all(app, true);
	if (both)
		do_all(app, false);
}

/* --- the end --- */

/* What the process that is killed does. */
static int be_host(void)
{
	const struct vdisplay_params params = {0};
	struct vdisplay *v;
	struct vdisplay_output o;
	if (vdisplay_create(&v, "mutter", &params, NULL) < 0 ||
		vdisplay_add_output(v, 720, 576, 60000, &o) < 0 ||
		write(1, &o, sizeof(o)) != sizeof(o))
		return 1;
	for (;;)
		pause();
}

static void a_killed_host_leaves_nothing(void **state)
{
	struct vdisplay_output o;
	static struct eye e;
	int ends[2], status;
	(void)state;
	assert_int_equal(pipe(ends), 0);
	const pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ends[1], 1);
		execl("/proc/self/exe", "mutter_test", "--host", NULL);
		_exit(127);
	}
	assert_int_equal(read(ends[0], &o, sizeof(o)), sizeof(o));
	o.capture = "pipewire"; /* the pointer is the other's */
	eye_open(&e, &o);
	see(&e, 720, 576);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(run(WAIT_MS, eye_is_lost, &e));
	eye_close(&e);
	close(ends[0]);
	close(ends[1]);
}

static void a_mutter_that_ends_is_told_once_and_found_again(void **state)
{
	struct vdisplay_output o[2], failed;
	static struct eye e;
	(void)state;
	add(640, 480, 60000, &o[0]);
	add(640, 480, 60000, &o[1]);
	struct inject *i = make_inject(&o[0], o[0].inject);
	eye_open(&e, &o[0]);
	see(&e, 640, 480);
	gnome_end(&gnome.mutter);
	assert_true(run(WAIT_MS, is_lost, NULL));
	assert_true(run(WAIT_MS, eye_is_lost, &e));
	run(200, NULL, NULL);
	assert_int_equal(n_lost, 1);
	assert_non_null(strstr(lost_why, "GNOME"));
	send(i, PF_INPUT_KEY_DOWN, 'A', 0, 0, 0);
	inject_destroy(i);
	eye_close(&e);
	assert_int_equal(vdisplay_set_mode(display, &o[0], 800, 600, 60000), PF_E_IO);
	vdisplay_remove_output(display, &o[0]);
	assert_true(vdisplay_add_output(display, 640, 480, 60000, &failed) < 0);
	assert_int_equal(gnome_start_mutter(&gnome), 0);
	add(640, 480, 60000, &o[0]);
	eye_open(&e, &o[0]);
	see(&e, 640, 480);
	vdisplay_remove_output(display, &o[1]); /* of the one before */
	assert_false(eye_is_lost(&e));
	vdisplay_remove_output(display, &o[0]);
	eye_close(&e);
	assert_int_equal(n_lost, 1);
}

static void a_bus_that_ends_is_told_once(void **state)
{
	struct vdisplay_output o;
	(void)state;
	add(640, 480, 60000, &o);
	struct inject *i = make_inject(&o, o.inject);
	gnome_end(&gnome.bus);
	assert_true(run(WAIT_MS, is_lost, NULL));
	send(i, PF_INPUT_KEY_DOWN, 'A', 0, 0, 0);
	inject_destroy(i);
	run(200, NULL, NULL);
	assert_int_equal(n_lost, 1);
	assert_true(vdisplay_add_output(display, 640, 480, 60000, &o) < 0);
	gnome_end(&gnome.mutter); /* it stays without its bus */
	assert_int_equal(gnome_start_bus(&gnome), 0);
	assert_int_equal(gnome_start_mutter(&gnome), 0);
	add(640, 480, 60000, &o);
	vdisplay_remove_output(display, &o);
}

static void a_probe_changes_nothing(void **state)
{
	const struct vdisplay_params params = {0};
	char note[VDISPLAY_NOTE_LEN];
	(void)state;
	assert_int_equal(vdisplay_mutter_impl.probe(&params, note), VDISPLAY_RUNS);
	assert_non_null(strstr(note, "GNOME"));
	assert_non_null(strstr(note, "version"));
	setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
	assert_true(vdisplay_mutter_impl.probe(&params, note) < 0);
	assert_non_null(strstr(note, "/nonexistent/bus"));
	char address[200];
	snprintf(address, sizeof(address), "unix:path=%s/bus", gnome.pw.dir);
	setenv("DBUS_SESSION_BUS_ADDRESS", address, 1);
}

static int open_desk(void **state)
{
	const struct vdisplay_params params = {.loop = loop, .on_lost = on_lost};
	const char *why = NULL;
	(void)state;
	n_lost = 0;
	if (vdisplay_create(&display, "mutter", &params, &why) >= 0)
		return 0;
	print_error("%s\n", why);
	return -1;
}

static int close_desk(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		if (open_eyes[i])
			eye_close(open_eyes[i]);
	}
	gnome_stop(&window);
	vdisplay_destroy(display);
	display = NULL;
	return 0;
}

static int start_all(void **state)
{
	(void)state;
	if (loop_create(&loop) < 0 || gnome_init(&gnome, "pf-mutter") < 0 ||
		gnome_start_bus(&gnome) < 0)
		return -1;
	const uint64_t began_ns = clock_now_ns();
	const int err = gnome_start_mutter(&gnome);
	print_message("[ figures  ] mutter was up after %.0f ms\n",
		(double)(clock_now_ns() - began_ns) / 1e6);
	return err;
}

static int end_all(void **state)
{
	(void)state;
	gnome_finish(&gnome);
	loop_destroy(loop);
	return 0;
}

#define DESK_TEST(name) cmocka_unit_test_setup_teardown(name, open_desk, close_desk)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(a_display_of_each_mode_is_seen),
		DESK_TEST(a_change_of_mode_keeps_the_display),
		DESK_TEST(another_rate_alone_is_another_node),
		DESK_TEST(several_displays_live_side_by_side),
		DESK_TEST(a_hundred_displays_leave_nothing),
		DESK_TEST(a_window_gets_what_is_done),
		DESK_TEST(a_killed_host_leaves_nothing),
		DESK_TEST(a_probe_changes_nothing),
		DESK_TEST(a_mutter_that_ends_is_told_once_and_found_again),
		DESK_TEST(a_bus_that_ends_is_told_once),
	};
	log_set_level(LOG_WARN);
	if (argc > 1 && strcmp(argv[1], "--host") == 0)
		return be_host();
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, start_all, end_all);
}
