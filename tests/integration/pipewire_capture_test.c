/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/capture/capture.h"
#include "host/media/clock.h"
#include "tests/support/pw_daemon.h"
#include "tests/support/pw_source.h"

/* The capture of a PipeWire node against a daemon of the test's own and nodes that do as compositors do, and worse. */

#define WAIT_NS	 8000000000ull
#define MAX_HELD 32u
#define STOP_NS	 500000000ull

static struct pw_daemon pw;

/* What a consumer sees. */
struct eye {
	pthread_mutex_t lock;
	uint64_t n_frames, n_damaged, n_painted, n_shapes, n_cursors;
	uint32_t width, height, value;
	uint64_t last_seq;
	bool torn, gap;	   /* a picture of two; a number left out */
	uint64_t worst_ns; /* node to us */
	struct cursor_state cursor;
	struct frame *held[MAX_HELD];
	unsigned n_held, want_held;
	int lost;
	const char *why;
	uint64_t lost_ns;
};

static struct eye eye;

static bool is_painted(const struct frame *f)
{
	for (uint32_t y = 0; y < f->height; y++)
		for (uint32_t x = 0; x < f->width; x++) {
			const uint8_t *p = f->pixels + y * f->stride + (size_t)x * 4;
			if (p[2] == 255 && p[1] == 0 && p[0] == 0)
				return true;
		}
	return false;
}

static bool is_one_picture(const struct frame *f, uint32_t *value)
{
	*value = f->pixels[(f->height - 1) * f->stride];
	for (uint32_t y = 0; y < f->height; y++)
		for (uint32_t x = 0; x < f->width; x += 7)
			if (f->pixels[y * f->stride + (size_t)x * 4 + 1] != *value &&
				f->pixels[y * f->stride + (size_t)x * 4 + 1] != 0)
				return false;
	return true;
}

static void on_frame(struct frame *f, void *userdata)
{
	struct eye *e = userdata;
	uint32_t value;
	pthread_mutex_lock(&e->lock);
	e->gap |= e->n_frames && f->seq != e->last_seq + 1;
	e->last_seq = f->seq;
	e->n_frames++;
	e->n_damaged += f->damage.known;
	e->n_painted += is_painted(f);
	e->torn |= !is_one_picture(f, &value);
	e->width = f->width;
	e->height = f->height;
	e->value = value;
	uint64_t late_ns = clock_now_ns() - f->times.presented_ns;
	e->worst_ns = late_ns > e->worst_ns ? late_ns : e->worst_ns;
	if (e->n_held < e->want_held)
		e->held[e->n_held++] = frame_ref(f);
	pthread_mutex_unlock(&e->lock);
}

static void on_cursor(struct cursor_shape *shape, const struct cursor_state *state, void *userdata)
{
	struct eye *e = userdata;
	pthread_mutex_lock(&e->lock);
	e->n_cursors++;
	e->n_shapes += shape != NULL;
	e->cursor = *state;
	if (shape && (shape->width != 16 || shape->hot_x != 2 || shape->rgba[0] != 255))
		e->torn = true;
	pthread_mutex_unlock(&e->lock);
}

static void on_lost(int err, const char *why, void *userdata)
{
	struct eye *e = userdata;
	pthread_mutex_lock(&e->lock);
	e->lost = err;
	e->why = why;
	e->lost_ns = clock_now_ns();
	pthread_mutex_unlock(&e->lock);
}

static void open_eye(struct eye *e)
{
	memset(e, 0, sizeof(*e));
	pthread_mutex_init(&e->lock, NULL);
}

static struct eye look(struct eye *e)
{
	struct eye copy;
	pthread_mutex_lock(&e->lock);
	copy = *e;
	pthread_mutex_unlock(&e->lock);
	return copy;
}

static void want_held(struct eye *e, unsigned n)
{
	pthread_mutex_lock(&e->lock);
	e->want_held = n;
	pthread_mutex_unlock(&e->lock);
}

static void let_go(struct eye *e)
{
	pthread_mutex_lock(&e->lock);
	e->want_held = 0;
	while (e->n_held)
		frame_unref(e->held[--e->n_held]);
	pthread_mutex_unlock(&e->lock);
}

#define WAIT_FOR(cond) \
	do { \
		uint64_t until_ = clock_now_ns() + WAIT_NS; \
		while (!(cond)) { \
			if (clock_now_ns() > until_) \
				fail_msg("waited too long for " #cond "; lost: %s", \
					look(&eye).why ? look(&eye).why : "no"); \
			usleep(1000); \
		} \
	} while (0)

static const char *remote; /* the daemon's socket; NULL = the environment's */

/* Until no picture has come for a while: what was under way is here. */
static void wait_quiet(void)
{
	const uint64_t until_ns = clock_now_ns() + WAIT_NS;
	uint64_t before = 0;
	for (unsigned quiet = 0; quiet < 5; usleep(20000)) {
		const uint64_t now = look(&eye).n_frames;
		quiet = now == before ? quiet + 1 : 0;
		before = now;
		assert_true(clock_now_ns() < until_ns);
	}
}

static bool sized; /* the node has a size of its own */

static struct capture *watch_as(
	uint32_t node, uint32_t width, uint32_t height, uint32_t mhz, bool cursor, struct eye *e)
{
	struct capture *c;
	open_eye(e);
	const struct capture_params params = {
		.node_id = node,
		.node_sized = sized,
		.node_remote = remote,
		.width = width,
		.height = height,
		.refresh_mhz = mhz,
		.cursor = cursor,
		.on_frame = on_frame,
		.on_cursor = on_cursor,
		.on_lost = on_lost,
		.userdata = e,
	};
	assert_int_equal(capture_create(&c, "pipewire", &params), 0);
	assert_true(c->caps.cursor && c->caps.resizes && c->caps.damage_driven);
	assert_int_equal(capture_start(c), 0);
	return c;
}

static struct capture *watch(uint32_t node, uint32_t width, uint32_t height)
{
	return watch_as(node, width, height, 59940, false, &eye);
}

static void end(struct capture *c)
{
	uint64_t start_ns = clock_now_ns();
	capture_stop(c);
	assert_true(clock_now_ns() - start_ns < STOP_NS * (TEST_SLOW ? 10 : 1));
	let_go(&eye);
	capture_destroy(c);
}

static struct pw_source *source(struct pw_source_params params)
{
	params.interval_ms = params.interval_ms ? params.interval_ms : 10;
	struct pw_source *s = pw_source_start(&params);
	assert_non_null(s);
	return s;
}

static void expect_lost(const char *part)
{
	WAIT_FOR(look(&eye).why);
	if (!strstr(look(&eye).why, part))
		fail_msg("lost because '%s', not '%s'", look(&eye).why, part);
}

/* --- pictures --- */

static void the_size_and_rate_asked_for_are_made(void **state)
{
	(void)state;
	uint32_t width, height, mhz;
	struct pw_source *s = source((struct pw_source_params){0});
	struct capture *c = watch(pw_source_node(s), 322, 182);
	WAIT_FOR(look(&eye).n_frames >= 40);
	pw_source_mode(s, &width, &height, &mhz);
	assert_int_equal(width, 322);
	assert_int_equal(height, 182);
	assert_int_equal(mhz, 59940);
	WAIT_FOR(pw_source_limit(s) == 1000000); /* else Mutter leaves pictures out */
	struct eye e = look(&eye);
	assert_int_equal(e.width, 322);
	assert_int_equal(e.height, 182);
	assert_false(e.torn);
	assert_false(e.gap);
	assert_true(e.n_damaged >= 38); /* all but the first */
	assert_int_equal(e.n_painted + e.n_cursors, 0);
	end(c);
	pw_source_stop(s);
}

static void a_node_of_one_size_is_taken_as_it_is(void **state)
{
	(void)state;
	struct pw_source *s = source((struct pw_source_params){.width = 200, .height = 100});
	struct capture *c = watch(pw_source_node(s), 320, 240);
	WAIT_FOR(look(&eye).n_frames >= 5);
	assert_int_equal(look(&eye).width, 200);
	assert_int_equal(look(&eye).height, 100);
	assert_null(look(&eye).why);
	end(c);
	pw_source_stop(s);
}

static void a_new_mode_comes_on_the_same_node(void **state)
{
	(void)state;
	struct pw_source *s = source((struct pw_source_params){0});
	struct capture *c = watch(pw_source_node(s), 320, 240);
	WAIT_FOR(look(&eye).n_frames >= 3);
	/* One that is held over the change stays as it is. */
	want_held(&eye, 1);
	WAIT_FOR(look(&eye).n_held == 1);
	struct frame *old = look(&eye).held[0];
	uint32_t before, after;
	assert_true(is_one_picture(old, &before));
	uint64_t start_ns = clock_now_ns();
	for (unsigned k = 0; k < 4; k++) {
		uint32_t width = k % 2 ? 320 : 400;
		assert_int_equal(capture_set_mode(c, width, 200, 60000 + k * 1000), 0);
		WAIT_FOR(look(&eye).width == width && look(&eye).height == 200);
		assert_false(look(&eye).torn);
	}
	print_message("# a mode change: %.0f ms\n", (double)(clock_now_ns() - start_ns) / 4e6);
	uint32_t width, height, mhz;
	pw_source_mode(s, &width, &height, &mhz);
	assert_int_equal(mhz, 63000);
	assert_int_equal(old->width, 320);
	assert_int_equal(old->height, 240);
	assert_true(is_one_picture(old, &after));
	/* Each further buffer of the node's has its own memory, so nobody drew in this one. */
	assert_int_equal(before, after);
	assert_null(look(&eye).why);
	assert_int_equal(capture_set_mode(c, 0, 200, 60000), PF_E_INVALID);
	end(c);
	pw_source_stop(s);
}

/* KWin's: the display takes another mode first, and its node tells that by itself. */
static void a_node_may_change_its_size_by_itself(void **state)
{
	(void)state;
	sized = true;
	for (unsigned still = 0; still < 2; still++) {
		struct pw_source *s = source(
			(struct pw_source_params){.width = 320, .height = 200, .still = still});
		struct capture *c = watch(pw_source_node(s), 320, 200);
		WAIT_FOR(look(&eye).n_frames >= 1);
		for (unsigned k = 0; k < 4; k++) {
			const uint32_t width = k % 2 ? 320 : 400;
			/* Whoever is told first. */
			if (k < 2)
				pw_source_resize(s, width, 240);
			assert_int_equal(capture_set_mode(c, width, 240, 60000), 0);
			if (k >= 2) {
				usleep(20000);
				pw_source_resize(s, width, 240);
			}
			WAIT_FOR(look(&eye).width == width && look(&eye).height == 240);
		}
		assert_false(look(&eye).torn);
		assert_null(look(&eye).why);
		end(c);
		pw_source_stop(s);
	}
	sized = false;
}

/* A window that is dragged larger asks for a size at every step. */
static void modes_may_come_faster_than_they_are_made(void **state)
{
	(void)state;
	uint64_t seed = 6;
	uint32_t width = 0;
	struct pw_source *s = source((struct pw_source_params){.interval_ms = 4});
	struct capture *c = watch(pw_source_node(s), 320, 240);
	for (unsigned k = 0; k < 60; k++) {
		width = 100 + (uint32_t)(test_rand(&seed) % 400);
		assert_int_equal(capture_set_mode(c, width, 200, 60000), 0);
		usleep((unsigned)(test_rand(&seed) % 16000));
	}
	WAIT_FOR(look(&eye).width == width && look(&eye).height == 200);
	assert_null(look(&eye).why);
	end(c);
	pw_source_stop(s);
}

static void who_holds_every_buffer_gets_the_newest_later(void **state)
{
	(void)state;
	for (uint32_t n = 1; n <= 4; n++) {
		struct pw_source *s = source((struct pw_source_params){.n_buffers = n});
		struct capture *c = watch(pw_source_node(s), 64, 64);
		want_held(&eye, MAX_HELD);
		WAIT_FOR(c->n_skipped >= 1);
		assert_true(look(&eye).n_held < MAX_HELD);
		pw_source_pause(s, true, false);
		usleep(50000);
		/* An idle screen from here on: its last picture must come all the same. */
		uint32_t newest = (uint32_t)(pw_source_sent(s) - 1) & 0xff;
		let_go(&eye);
		WAIT_FOR(look(&eye).value == newest);
		assert_false(look(&eye).torn);
		assert_false(look(&eye).gap);
		pw_source_pause(s, false, false);
		uint64_t before = look(&eye).n_frames;
		WAIT_FOR(look(&eye).n_frames >= before + 5);
		end(c);
		pw_source_stop(s);
	}
}

static void every_kind_of_memory_is_read(void **state)
{
	(void)state;
	static const enum pw_source_memory kinds[] = {PW_SOURCE_UNSEALED, PW_SOURCE_POINTER};
	for (unsigned k = 0; k < 2; k++) {
		struct pw_source *s = source((struct pw_source_params){.memory = kinds[k]});
		struct capture *c = watch(pw_source_node(s), 130, 70);
		want_held(&eye, 2);
		WAIT_FOR(look(&eye).n_frames >= 10);
		assert_false(look(&eye).torn);
		assert_int_equal(look(&eye).width, 130);
		/* Frames that are out outlive the node and the capture. */
		struct frame *held = frame_ref(look(&eye).held[1]);
		end(c);
		pw_source_stop(s);
		uint32_t value;
		assert_true(is_one_picture(held, &value));
		frame_unref(held);
	}
}

static void memory_that_shrinks_does_no_harm(void **state)
{
	(void)state;
	struct pw_source *s = source(
		(struct pw_source_params){.memory = PW_SOURCE_UNSEALED, .shrinks = true});
	struct capture *c = watch(pw_source_node(s), 256, 256);
	WAIT_FOR(pw_source_sent(s) >= 30);
	assert_null(look(&eye).why);
	end(c);
	pw_source_stop(s);
	s = source((struct pw_source_params){.memory = PW_SOURCE_SEALS_NOT_TRUE});
	c = watch(pw_source_node(s), 256, 256);
	expect_lost("memory");
	end(c);
	pw_source_stop(s);
}

/* --- the pointer --- */

static void the_pointer_comes_apart(void **state)
{
	(void)state;
	struct pw_source *s = source((struct pw_source_params){.cursor = true});
	struct capture *c = watch(pw_source_node(s), 320, 240);
	WAIT_FOR(look(&eye).n_cursors >= 10);
	struct eye e = look(&eye);
	assert_int_equal(e.n_shapes, 1);
	assert_true(e.cursor.visible);
	assert_int_equal(e.cursor.y, 20);
	assert_int_equal(e.n_painted, 0);
	/* Only the pointer moves: no picture comes for that. */
	pw_source_pause(s, true, true);
	wait_quiet();
	uint64_t frames = look(&eye).n_frames, cursors = look(&eye).n_cursors;
	WAIT_FOR(look(&eye).n_cursors >= cursors + 5);
	assert_int_equal(look(&eye).n_frames, frames);
	assert_false(look(&eye).torn);
	/* Until it is to be in the pictures. */
	capture_draw_cursor(c, true);
	WAIT_FOR(look(&eye).n_painted >= 5);
	assert_true(look(&eye).n_damaged >= 5);
	/* And once more without it, even where nothing moves at all. */
	pw_source_pause(s, true, false);
	wait_quiet();
	uint64_t painted = look(&eye).n_painted;
	frames = look(&eye).n_frames;
	capture_draw_cursor(c, false);
	WAIT_FOR(look(&eye).n_frames == frames + 1);
	assert_int_equal(look(&eye).n_painted, painted);
	assert_false(look(&eye).torn);
	assert_false(look(&eye).gap);
	end(c);
	pw_source_stop(s);
}

static void the_pointer_is_drawn_where_few_buffers_are(void **state)
{
	(void)state;
	for (uint32_t n = 1; n <= 3; n++) {
		struct pw_source *s = source(
			(struct pw_source_params){.cursor = true, .n_buffers = n});
		struct capture *c = watch_as(pw_source_node(s), 320, 240, 60000, true, &eye);
		WAIT_FOR(look(&eye).n_painted >= 10);
		assert_false(look(&eye).gap);
		end(c);
		pw_source_stop(s);
	}
}

/* --- bad nodes --- */

static void buffers_without_a_picture_are_left_out(void **state)
{
	(void)state;
	struct pw_source *s = source((struct pw_source_params){0});
	struct capture *c = watch(pw_source_node(s), 64, 64);
	WAIT_FOR(look(&eye).n_frames >= 3);
	for (enum pw_source_chunk k = PW_SOURCE_CORRUPTED; k < PW_SOURCE_CHUNKS; k++) {
		pw_source_chunks(s, k);
		wait_quiet();
		uint64_t frames = look(&eye).n_frames;
		usleep(100000);
		assert_int_equal(look(&eye).n_frames, frames);
		pw_source_chunks(s, PW_SOURCE_GOOD);
		WAIT_FOR(look(&eye).n_frames >= frames + 3);
		assert_null(look(&eye).why);
	}
	end(c);
	pw_source_stop(s);
}

static void garbage_ends_the_capture(void **state)
{
	(void)state;
	for (enum pw_source_chunk k = PW_SOURCE_BAD_STRIDE; k <= PW_SOURCE_BAD_SIZE; k++) {
		struct pw_source *s = source((struct pw_source_params){.interval_ms = 1});
		struct capture *c = watch(pw_source_node(s), 64, 64);
		WAIT_FOR(look(&eye).n_frames >= 2);
		pw_source_chunks(s, k);
		expect_lost("pictures that are none");
		end(c);
		pw_source_stop(s);
	}
}

static void a_format_that_nobody_knows_is_refused(void **state)
{
	(void)state;
	struct pw_source *s = source((struct pw_source_params){.planar = true});
	struct capture *c = watch(pw_source_node(s), 64, 64);
	expect_lost("picture format");
	end(c);
	pw_source_stop(s);
}

/* Root gets in everywhere, and a link in somebody's folder leads anywhere. */
static void the_daemon_is_of_whom_the_folder_belongs_to(void **state)
{
	(void)state;
	char dir[192], path[256], real[256];
	snprintf(dir, sizeof(dir), "%s/user", getenv("XDG_RUNTIME_DIR"));
	snprintf(path, sizeof(path), "%s/pipewire-0", dir);
	snprintf(real, sizeof(real), "%s/pipewire-0", getenv("XDG_RUNTIME_DIR"));
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(symlink(real, path), 0);
	struct pw_source *s = source((struct pw_source_params){0});
	remote = path;
	struct capture *c = watch(pw_source_node(s), 64, 64);
	WAIT_FOR(look(&eye).n_frames >= 1);
	end(c);
	if (geteuid() == 0) {
		assert_int_equal(chown(dir, 65534, 65534), 0);
		c = watch(pw_source_node(s), 64, 64);
		expect_lost("no PipeWire daemon answers");
		end(c);
	}
	remote = NULL;
	pw_source_stop(s);
	assert_int_equal(unlink(path) + rmdir(dir), 0);
}

static void a_node_that_hangs_is_given_up(void **state)
{
	(void)state;
	struct pw_source *s = source((struct pw_source_params){.hangs = true});
	/* At any time of that it can be stopped. */
	struct capture *c = watch(pw_source_node(s), 64, 64);
	usleep(200000);
	end(c);
	uint64_t start_ns = clock_now_ns();
	c = watch(pw_source_node(s), 64, 64);
	expect_lost("does not agree");
	assert_true(look(&eye).lost_ns - start_ns < 5000000000ull);
	end(c);
	pw_source_stop(s);
}

static void a_node_that_goes_is_told(void **state)
{
	(void)state;
	struct pw_source *s = source((struct pw_source_params){0});
	struct capture *c = watch(pw_source_node(s), 64, 64);
	uint32_t node = pw_source_node(s);
	WAIT_FOR(look(&eye).n_frames >= 3);
	want_held(&eye, 2);
	WAIT_FOR(look(&eye).n_held == 2);
	pw_source_stop(s);
	expect_lost("is gone");
	assert_int_equal(look(&eye).lost, PF_E_CLOSED);
	uint32_t value;
	assert_true(is_one_picture(look(&eye).held[0], &value));
	end(c);
	c = watch(node + 1000, 64, 64);
	expect_lost("not there");
	end(c);
}

/* 30 captures come and go, some while they are being made. */
static unsigned count_fds(void)
{
	unsigned n = 0;
	DIR *d = opendir("/proc/self/fd");
	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void captures_leave_nothing_behind(void **state)
{
	(void)state;
	unsigned before = count_fds();
	struct pw_source *s = source((struct pw_source_params){0});
	for (unsigned k = 0; k < 30; k++) {
		struct capture *c = watch(pw_source_node(s), 64 + k, 64);
		usleep(k % 10 * 1500);
		if (k == 29)
			WAIT_FOR(look(&eye).n_frames >= 3);
		end(c);
	}
	pw_source_stop(s);
	WAIT_FOR(count_fds() <= before);
}

static void a_daemon_that_goes_is_told(void **state)
{
	(void)state;
	struct pw_source *s = source((struct pw_source_params){0});
	struct capture *c = watch(pw_source_node(s), 64, 64);
	WAIT_FOR(look(&eye).n_frames >= 3);
	pw_daemon_end(&pw);
	expect_lost("gone");
	end(c);
	pw_source_stop(s);
	/* Nobody there. */
	c = watch(40, 64, 64);
	expect_lost("no PipeWire daemon");
	end(c);
	assert_int_equal(pw_daemon_start(&pw), 0);
	s = source((struct pw_source_params){0});
	c = watch(pw_source_node(s), 64, 64);
	WAIT_FOR(look(&eye).n_frames >= 3);
	end(c);
	pw_source_stop(s);
}

/* A portal's connection sees no factory of links, and there is no session manager that had one. */
static void where_nobody_links_the_remedy_is_told(void **state)
{
	(void)state;
	static struct pw_daemon other = {.no_links = true};
	assert_int_equal(pw_daemon_init(&other, "pwnolinks"), 0);
	struct pw_source *s = source((struct pw_source_params){0});
	uint64_t start_ns = clock_now_ns();
	struct capture *c = watch(pw_source_node(s), 64, 64);
	expect_lost("install wireplumber");
	assert_true(look(&eye).lost_ns - start_ns < 5000000000ull * (TEST_SLOW ? 10 : 1));
	end(c);
	pw_source_stop(s);
	assert_int_equal(pw_daemon_finish(&other), 0);
	setenv("XDG_RUNTIME_DIR", pw.dir, 1);
}

/* It is there and says nothing: before the first picture, and after it. */
static void a_daemon_that_hangs_holds_nobody(void **state)
{
	(void)state;
	struct pw_source *s = source((struct pw_source_params){0});
	struct capture *c = watch(pw_source_node(s), 64, 64);
	WAIT_FOR(look(&eye).n_frames >= 3);
	assert_int_equal(kill(pw.pid, SIGSTOP), 0);
	usleep(50000);
	end(c);
	c = watch(pw_source_node(s), 64, 64);
	expect_lost("does not answer");
	end(c);
	c = watch(pw_source_node(s), 64, 64);
	usleep(50000);
	end(c);
	assert_int_equal(kill(pw.pid, SIGCONT), 0);
	c = watch(pw_source_node(s), 64, 64);
	WAIT_FOR(look(&eye).n_frames >= 3);
	end(c);
	pw_source_stop(s);
}

/* Agrees, and then sends nothing: that takes longest to be sure of, so it lies beside the others. */
static struct {
	struct pw_source *source;
	struct capture *capture;
	struct eye eye;
} silent;

static void start_silent(void **state)
{
	(void)state;
	silent.source = source((struct pw_source_params){.silent = true});
	silent.capture = watch_as(pw_source_node(silent.source), 64, 64, 60000, false, &silent.eye);
}

static void a_node_that_sends_nothing_is_given_up(void **state)
{
	(void)state;
	uint64_t until_ns = clock_now_ns() + 2 * WAIT_NS;
	while (!look(&silent.eye).why && clock_now_ns() < until_ns)
		usleep(5000);
	assert_non_null(look(&silent.eye).why);
	assert_non_null(strstr(look(&silent.eye).why, "sent none"));
	capture_destroy(silent.capture);
	pw_source_stop(silent.source);
}

static int group_setup(void **state)
{
	(void)state;
	return pw_daemon_init(&pw, "pwcapture");
}

static int group_teardown(void **state)
{
	(void)state;
	return pw_daemon_finish(&pw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(start_silent),
		cmocka_unit_test(the_size_and_rate_asked_for_are_made),
		cmocka_unit_test(a_node_of_one_size_is_taken_as_it_is),
		cmocka_unit_test(a_new_mode_comes_on_the_same_node),
		cmocka_unit_test(a_node_may_change_its_size_by_itself),
		cmocka_unit_test(modes_may_come_faster_than_they_are_made),
		cmocka_unit_test(who_holds_every_buffer_gets_the_newest_later),
		cmocka_unit_test(every_kind_of_memory_is_read),
		cmocka_unit_test(memory_that_shrinks_does_no_harm),
		cmocka_unit_test(the_pointer_comes_apart),
		cmocka_unit_test(the_pointer_is_drawn_where_few_buffers_are),
		cmocka_unit_test(buffers_without_a_picture_are_left_out),
		cmocka_unit_test(garbage_ends_the_capture),
		cmocka_unit_test(a_format_that_nobody_knows_is_refused),
		cmocka_unit_test(the_daemon_is_of_whom_the_folder_belongs_to),
		cmocka_unit_test(a_node_that_hangs_is_given_up),
		cmocka_unit_test(a_node_that_goes_is_told),
		cmocka_unit_test(captures_leave_nothing_behind),
		cmocka_unit_test(where_nobody_links_the_remedy_is_told),
		cmocka_unit_test(a_daemon_that_hangs_holds_nobody),
		cmocka_unit_test(a_node_that_sends_nothing_is_given_up),
		cmocka_unit_test(a_daemon_that_goes_is_told),
	};
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
