/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/integration/desk.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/media/clock.h"
#include "tests/test.h"

#define SKIP_CODE 77

/* What a failed test left open: the next one must not meet it. */
static struct desk *open_desks[4];
static struct eye *open_eyes[4];

static void **slot_of(void **slots, const void *value)
{
	for (int i = 0; i < 4; i++) {
		if (slots[i] == value)
			return &slots[i];
	}
	abort();
}

int desk_close_all(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		if (open_eyes[i])
			eye_close(open_eyes[i]);
	}
	for (int i = 0; i < 4; i++) {
		if (open_desks[i])
			desk_close(open_desks[i]);
	}
	return 0;
}

static void handle_lost(const char *why, void *userdata)
{
	struct desk *d = userdata;
	d->n_lost++;
	snprintf(d->lost_why, sizeof(d->lost_why), "%s", why);
}

int desk_begin(const char *programs, int argc, char **argv)
{
	char command[128];
	unsetenv("SWAYSOCK");
	unsetenv("SUDO_UID");
	snprintf(command, sizeof(command),
		"for p in %s; do command -v $p >/dev/null || exit 1; done", programs);
	if (system(command) != 0) {
		printf("not all of these are installed: %s; scripts/deps installs them\n",
			programs);
		return SKIP_CODE;
	}
	log_set_level(LOG_WARN);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return 0;
}

void desk_open(struct desk *d, bool own, const char *app)
{
	memset(d, 0, sizeof(*d));
	assert_int_equal(loop_create(&d->loop), 0);
	const struct vdisplay_params params = {.loop = d->loop,
		.own_session = own,
		.app = app,
		.on_lost = handle_lost,
		.userdata = d};
	const char *why = NULL;
	const int err = vdisplay_create(&d->vdisplay, "wlroots", &params, &why);
	*slot_of((void **)open_desks, NULL) = d;
	if (err < 0)
		fail_msg("vdisplay_create: %d: %s", err, why);
}

void desk_close(struct desk *d)
{
	*slot_of((void **)open_desks, d) = NULL;
	vdisplay_destroy(d->vdisplay);
	loop_destroy(d->loop);
}

bool desk_run(struct desk *d, unsigned timeout_ms, bool (*check)(void *data), void *data)
{
	const uint64_t deadline_ns = clock_now_ns() + timeout_ms * UINT64_C(1000000);
	while (clock_now_ns() < deadline_ns) {
		if (check && check(data))
			return true;
		assert_true(sd_event_run(loop_sd_event(d->loop), 5000) >= 0);
	}
	return check && check(data);
}

static int children(int pid, int *out, int cap)
{
	char path[64], text[4096];
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	FILE *f = fopen(path, "re");
	int n = 0;
	if (f && fgets(text, sizeof(text), f)) {
		for (char *p = strtok(text, " "); p && n < cap; p = strtok(NULL, " "))
			out[n++] = atoi(p);
	}
	if (f)
		fclose(f);
	return n;
}

int desk_sway_pid(void)
{
	int shepherds[8], programs[32];
	const int n = children(getpid(), shepherds, 8);
	for (int i = 0; i < n; i++) {
		const int m = children(shepherds[i], programs, 32);
		for (int k = 0; k < m; k++) {
			char path[64], name[32] = "";
			snprintf(path, sizeof(path), "/proc/%d/comm", programs[k]);
			FILE *f = fopen(path, "re");
			if (f && fgets(name, sizeof(name), f) && strcmp(name, "sway\n") == 0) {
				fclose(f);
				return programs[k];
			}
			if (f)
				fclose(f);
		}
	}
	return 0;
}

static void on_frame(struct frame *frame, void *userdata)
{
	struct eye *e = userdata;
	pthread_mutex_lock(&e->lock);
	frame_unref(e->frame);
	e->frame = frame_ref(frame);
	e->n_frames++;
	e->newest_ns = clock_now_ns();
	pthread_mutex_unlock(&e->lock);
}

static void on_cursor(struct cursor_shape *shape, const struct cursor_state *state, void *userdata)
{
	struct eye *e = userdata;
	pthread_mutex_lock(&e->lock);
	if (shape) {
		cursor_shape_unref(e->shape);
		e->shape = cursor_shape_ref(shape);
	}
	e->cursor = *state;
	e->n_cursor++;
	pthread_mutex_unlock(&e->lock);
}

bool eye_cursor(struct eye *e, struct cursor_state *out)
{
	pthread_mutex_lock(&e->lock);
	*out = e->cursor;
	const bool told = e->n_cursor;
	pthread_mutex_unlock(&e->lock);
	return told;
}

static void on_capture_lost(int err, const char *why, void *userdata)
{
	struct eye *e = userdata;
	(void)err;
	pthread_mutex_lock(&e->lock);
	e->n_lost++;
	snprintf(e->lost_why, sizeof(e->lost_why), "%s", why);
	pthread_mutex_unlock(&e->lock);
}

void eye_open(struct eye *e, const struct vdisplay_output *output)
{
	memset(e, 0, sizeof(*e));
	pthread_mutex_init(&e->lock, NULL);
	const struct capture_params params = {
		.wayland_display = output->wayland_display,
		.output_name = output->name,
		.cursor = true,
		.on_frame = on_frame,
		.on_cursor = on_cursor,
		.on_lost = on_capture_lost,
		.userdata = e,
	};
	*slot_of((void **)open_eyes, NULL) = e;
	assert_int_equal(capture_create(&e->capture, "wlr", &params), 0);
	assert_int_equal(capture_start(e->capture), 0);
}

void eye_close(struct eye *e)
{
	*slot_of((void **)open_eyes, e) = NULL;
	capture_destroy(e->capture);
	/* A picture outlives its capture: it is read here on purpose. */
	volatile uint8_t last = e->frame ? e->frame->pixels[0] : 0;
	(void)last;
	frame_unref(e->frame);
	cursor_shape_unref(e->shape);
	pthread_mutex_destroy(&e->lock);
}

uint64_t eye_count(struct eye *e)
{
	pthread_mutex_lock(&e->lock);
	const uint64_t n = e->n_frames;
	pthread_mutex_unlock(&e->lock);
	return n;
}

static struct frame *newest(struct eye *e)
{
	pthread_mutex_lock(&e->lock);
	struct frame *f = e->frame ? frame_ref(e->frame) : NULL;
	pthread_mutex_unlock(&e->lock);
	return f;
}

static uint32_t pixel(const struct frame *f, uint32_t x, uint32_t y)
{
	const uint8_t *p = f->pixels + (size_t)(f->y_invert ? f->height - 1 - y : y) * f->stride +
		x * 4u;
	return f->format == FRAME_BGRX ? (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0]
				       : (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static bool near(uint32_t a, uint32_t b)
{
	for (int shift = 0; shift < 24; shift += 8) {
		const int d = (int)(a >> shift & 0xFF) - (int)(b >> shift & 0xFF);
		if (d < -8 || d > 8)
			return false;
	}
	return true;
}

double eye_share(struct eye *e, uint32_t width, uint32_t height, uint32_t rgb)
{
	struct frame *f = newest(e);
	uint64_t hits = 0;
	if (f && f->width == width && f->height == height) {
		for (uint32_t y = 0; y < height; y++) {
			for (uint32_t x = 0; x < width; x++)
				hits += near(pixel(f, x, y), rgb);
		}
	}
	frame_unref(f);
	return (double)hits / ((double)width * height);
}

uint64_t eye_sized_ns(struct eye *e, uint32_t width, uint32_t height)
{
	pthread_mutex_lock(&e->lock);
	const bool is = e->frame && e->frame->width == width && e->frame->height == height;
	const uint64_t at = is ? e->newest_ns : 0;
	pthread_mutex_unlock(&e->lock);
	return at;
}

bool eye_wait_share(
	struct desk *d, struct eye *e, uint32_t w, uint32_t h, uint32_t rgb, double share)
{
	const uint64_t deadline_ns = clock_now_ns() + UINT64_C(10000000000);
	while (eye_share(e, w, h, rgb) < share) {
		if (clock_now_ns() > deadline_ns)
			return false;
		desk_run(d, 20, NULL, NULL);
	}
	return true;
}

void eye_save(struct eye *e, const char *name)
{
	const char *dir = getenv("PUNKTFUNK_TEST_PICTURES");
	char path[512];
	if (!dir)
		return;
	struct frame *f = newest(e);
	snprintf(path, sizeof(path), "%s/%s.ppm", dir, name);
	FILE *file = f ? fopen(path, "we") : NULL;
	if (file) {
		fprintf(file, "P6\n%u %u\n255\n", f->width, f->height);
		for (uint32_t y = 0; y < f->height; y++) {
			for (uint32_t x = 0; x < f->width; x++) {
				const uint32_t rgb = pixel(f, x, y);
				fputc((int)(rgb >> 16), file);
				fputc((int)(rgb >> 8 & 0xFF), file);
				fputc((int)(rgb & 0xFF), file);
			}
		}
		fclose(file);
	}
	frame_unref(f);
}

static void press(struct inject *i, uint32_t vk, bool shift)
{
	struct pf_input e = {.kind = PF_INPUT_KEY_DOWN, .code = 0xA0};
	if (shift)
		inject_event(i, &e);
	e.code = vk;
	inject_event(i, &e);
	e.kind = PF_INPUT_KEY_UP;
	inject_event(i, &e);
	e.code = 0xA0;
	if (shift)
		inject_event(i, &e);
}

void desk_type(struct inject *i, const char *text)
{
	static const struct {
		char plain, shifted;
		uint8_t vk;
	} keys[] = {{'\n', 0, 0x0D}, {' ', 0, 0x20}, {';', ':', 0xBA}, {'=', '+', 0xBB},
		{',', '<', 0xBC}, {'-', '_', 0xBD}, {'.', '>', 0xBE}, {'/', '?', 0xBF},
		{'[', '{', 0xDB}, {'\\', '|', 0xDC}, {']', '}', 0xDD}, {'\'', '"', 0xDE},
		{'1', '!', '1'}, {'2', '@', '2'}, {'3', '#', '3'}, {'4', '$', '4'}, {'5', '%', '5'},
		{'7', '&', '7'}, {'8', '*', '8'}, {'9', '(', '9'}, {'0', ')', '0'}};
	for (; *text; text++) {
		const char c = *text;
		bool found = isalpha((unsigned char)c) || c == '6';
		if (found)
			press(i, (uint32_t)toupper((unsigned char)c), isupper((unsigned char)c));
		for (size_t k = 0; !found && k < sizeof(keys) / sizeof(keys[0]); k++) {
			found = c == keys[k].plain || c == keys[k].shifted;
			if (found)
				press(i, keys[k].vk, c == keys[k].shifted);
		}
		assert_true(found);
	}
}
