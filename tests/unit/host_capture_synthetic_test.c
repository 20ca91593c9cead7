/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/log.h"
#include "host/base/mailbox.h"
#include "host/capture/capture.h"
#include "host/capture/synthetic_mark.h"
#include "host/media/clock.h"

#define SECOND_NS 1000000000ull
#define N_HELD	  8

struct sink {
	struct mailbox mailbox;
	_Atomic unsigned n_frames;
	_Atomic bool hoard; /* keep a reference of everything */
	struct frame *held[N_HELD];
	_Atomic unsigned n_held;
};

static void take_frame(struct frame *frame, void *userdata)
{
	struct sink *s = userdata;
	atomic_fetch_add(&s->n_frames, 1);
	if (atomic_load(&s->hoard)) {
		unsigned i = atomic_load(&s->n_held);
		assert_true(i < N_HELD);
		s->held[i] = frame_ref(frame);
		atomic_store(&s->n_held, i + 1);
		return;
	}
	frame_unref(mailbox_put(&s->mailbox, frame_ref(frame)));
}

static struct capture_params make_params(struct sink *s, uint32_t w, uint32_t h, uint32_t hz)
{
	memset(s, 0, sizeof(*s));
	mailbox_init(&s->mailbox);
	return (struct capture_params){.width = w,
		.height = h,
		.refresh_mhz = hz * 1000,
		.on_frame = take_frame,
		.userdata = s};
}

static void drain(struct sink *s)
{
	frame_unref(mailbox_take(&s->mailbox, 0));
}

/* Luma as a decoder would give it, near enough: the green byte in limited range. */
static bool read_mark(const struct frame *f, uint64_t *seq, uint64_t *time_ns)
{
	struct synthetic_mark_layout layout;
	assert_true(synthetic_mark_layout(&layout, f->width, f->height));
	uint8_t *luma = malloc((size_t)f->width * f->height);
	assert_non_null(luma);
	for (uint32_t y = 0; y < layout.rows * layout.block; y++)
		for (uint32_t x = 0; x < f->width; x++)
			luma[(size_t)y * f->width + x] = (uint8_t)(16 +
				f->pixels[y * f->stride + 4 * (size_t)x + 1] * 219 / 255);
	bool ok = synthetic_read_mark(luma, f->width, f->width, f->height, seq, time_ns);
	free(luma);
	return ok;
}

static void check_size(uint32_t width, uint32_t height)
{
	struct sink s;
	struct capture *c;
	struct capture_params params = make_params(&s, width, height, 200);
	assert_int_equal(capture_create(&c, "synthetic", &params), 0);
	assert_int_equal(capture_start(c), 0);
	uint64_t last = 0;
	for (int i = 0; i < 6; i++) {
		struct frame *f = mailbox_take(&s.mailbox, 10 * SECOND_NS);
		assert_non_null(f);
		assert_int_equal(f->width, width);
		assert_int_equal(f->height, height);
		assert_true(f->stride >= width * 4);
		uint64_t seq, time_ns;
		assert_true(read_mark(f, &seq, &time_ns));
		assert_int_equal(seq, f->seq);
		assert_true(i == 0 || seq > last);
		last = seq;
		uint64_t captured = clock_to_realtime_ns(f->times.captured_ns);
		assert_true(time_ns <= captured + 1000000 && captured - time_ns < 5 * SECOND_NS);
		assert_int_equal(f->times.presented_ns, f->times.captured_ns);
		frame_unref(f);
	}
	capture_stop(c);
	drain(&s);
	capture_destroy(c);
}

static void marks_are_read_at_every_size(void **state)
{
	static const uint32_t sizes[][2] = {{64, 64}, {65, 67}, {128, 72}, {320, 240}, {640, 480},
		{1280, 720}, {1365, 767}, {1366, 768}, {64, 1024}, {1024, 64}, {3840, 2160}};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		check_size(sizes[i][0], sizes[i][1]);
}

/* Only the pointer has white below the mark. */
static unsigned count_white(const struct frame *f)
{
	struct synthetic_mark_layout layout;
	unsigned n = 0;
	assert_true(synthetic_mark_layout(&layout, f->width, f->height));
	for (uint32_t y = layout.rows * layout.block; y < f->height; y++)
		for (uint32_t x = 0; x < f->width; x++)
			n += !memcmp(f->pixels + y * f->stride + 4 * (size_t)x, "\xff\xff\xff", 3);
	return n;
}

struct pointer {
	struct sink sink;
	_Atomic unsigned n_told, n_shapes;
	_Atomic int32_t x, y;
};

static void take_cursor(struct cursor_shape *shape, const struct cursor_state *at, void *userdata)
{
	struct pointer *p = userdata;
	atomic_fetch_add(&p->n_told, 1);
	atomic_fetch_add(&p->n_shapes, shape != NULL);
	assert_true(!shape || shape->serial == at->serial);
	assert_true(at->visible);
	atomic_store(&p->x, at->x);
	atomic_store(&p->y, at->y);
}

static void the_pointer_is_told_and_drawn_or_not(void **state)
{
	struct pointer p;
	struct capture *c;
	struct capture_params params = make_params(&p.sink, 320, 240, 200);
	(void)state;
	memset(&p, 0, sizeof(p));
	params.cursor = true;
	params.on_cursor = take_cursor;
	params.userdata = &p;
	assert_int_equal(capture_create(&c, "synthetic", &params), 0);
	assert_true(c->caps.cursor);
	assert_int_equal(capture_start(c), 0);
	unsigned most = 0;
	for (int i = 0; i < 40; i++) {
		struct frame *f = mailbox_take(&p.sink.mailbox, 10 * SECOND_NS);
		assert_non_null(f);
		unsigned n = count_white(f);
		/* The shape is the same for two seconds: more would be a trail. */
		most = n > most ? n : most;
		assert_true(n > 0 && n < 32 * 32);
		frame_unref(f);
	}
	assert_true(most < 32 * 32 / 2);
	capture_draw_cursor(c, false);
	unsigned n = 1;
	for (int i = 0; i < 40 && n; i++) {
		struct frame *f = mailbox_take(&p.sink.mailbox, 10 * SECOND_NS);
		assert_non_null(f);
		n = i < 6 ? 1 : count_white(f);
		frame_unref(f);
	}
	assert_int_equal(n, 0);
	capture_stop(c);
	assert_true(atomic_load(&p.n_told) >= 40);
	assert_true(atomic_load(&p.n_told) <= atomic_load(&p.sink.n_frames));
	assert_int_equal(atomic_load(&p.n_shapes), 1);
	assert_in_range(atomic_load(&p.x), 0, 319);
	assert_in_range(atomic_load(&p.y), 0, 239);
	drain(&p.sink);
	capture_destroy(c);
}

static void a_picture_without_a_mark_is_refused(void **state)
{
	static uint8_t luma[320 * 240];
	uint64_t seq, time_ns, seed = 11;
	assert_false(synthetic_read_mark(luma, 320, 320, 240, &seq, &time_ns));
	memset(luma, 235, sizeof(luma));
	assert_false(synthetic_read_mark(luma, 320, 320, 240, &seq, &time_ns));
	for (size_t i = 0; i < sizeof(luma); i++)
		luma[i] = (uint8_t)test_rand(&seed);
	assert_false(synthetic_read_mark(luma, 320, 320, 240, &seq, &time_ns));
	assert_false(synthetic_read_mark(luma, 16, 16, 16, &seq, &time_ns));
	assert_false(synthetic_read_mark(luma, 0, 0, 0, &seq, &time_ns));
}

static void the_rate_is_kept_without_drift(void **state)
{
	struct sink s;
	struct capture *c;
	struct capture_params params = make_params(&s, 640, 480, 144);
	assert_int_equal(capture_create(&c, "synthetic", &params), 0);
	uint64_t start = clock_now_ns();
	assert_int_equal(capture_start(c), 0);
	while (atomic_load(&c->n_frames) + atomic_load(&c->n_skipped) < 73) {
		struct frame *f = mailbox_take(&s.mailbox, 10 * SECOND_NS);
		assert_non_null(f);
		frame_unref(f);
	}
	/* Frame 72 is due half a second after frame 0, which is due at once. Load can only make it later. */
	assert_true(clock_now_ns() - start >= SECOND_NS / 2);
	capture_stop(c);
	/* Made and skipped together never run ahead of the clock, however late the thread was. */
	uint64_t elapsed = clock_now_ns() - start;
	assert_true(c->n_frames + c->n_skipped <= elapsed * 144 / SECOND_NS + 1);
	drain(&s);
	capture_destroy(c);
}

static void frames_are_skipped_when_all_are_held(void **state)
{
	struct sink s;
	struct capture *c;
	struct capture_params params = make_params(&s, 320, 240, 500);
	s.hoard = true;
	assert_int_equal(capture_create(&c, "synthetic", &params), 0);
	assert_int_equal(capture_start(c), 0);
	uint64_t guard = clock_now_ns() + 10 * SECOND_NS;
	while (atomic_load(&s.n_held) < 4 && clock_now_ns() < guard)
		sched_yield();
	uint64_t skipped = atomic_load(&c->n_skipped);
	while (atomic_load(&c->n_skipped) < skipped + 5 && clock_now_ns() < guard)
		sched_yield();
	assert_true(clock_now_ns() < guard);
	assert_int_equal(s.n_held, 4);
	/* Held pictures are not drawn over. */
	for (unsigned i = 0; i < 4; i++) {
		uint64_t seq, time_ns;
		assert_true(read_mark(s.held[i], &seq, &time_ns));
		assert_int_equal(seq, s.held[i]->seq);
		assert_int_equal(seq, i);
	}
	/* Released ones are used again. */
	atomic_store(&s.hoard, false);
	unsigned before = atomic_load(&s.n_frames);
	frame_unref(s.held[0]);
	frame_unref(s.held[1]);
	while (atomic_load(&s.n_frames) < before + 3 && clock_now_ns() < guard)
		frame_unref(mailbox_take(&s.mailbox, 1000000));
	assert_true(clock_now_ns() < guard);
	capture_stop(c);
	drain(&s);
	/* What is out outlives the capture. */
	capture_destroy(c);
	uint64_t seq, time_ns;
	assert_true(read_mark(s.held[3], &seq, &time_ns));
	assert_int_equal(seq, 3);
	frame_unref(s.held[2]);
	frame_unref(s.held[3]);
}

static struct frame *wait_for_width(struct sink *s, uint32_t width)
{
	for (int i = 0; i < 100; i++) {
		struct frame *f = mailbox_take(&s->mailbox, 10 * SECOND_NS);
		assert_non_null(f);
		if (f->width == width)
			return f;
		frame_unref(f);
	}
	return NULL;
}

static void the_mode_changes_at_run_time(void **state)
{
	struct sink s;
	struct capture *c;
	struct capture_params params = make_params(
		&s, 640, 480, 1); /* 1 Hz: no waiting for its end */
	assert_int_equal(capture_create(&c, "synthetic", &params), 0);
	assert_int_equal(capture_start(c), 0);
	assert_int_equal(capture_start(c), PF_E_INVALID);
	struct frame *old = wait_for_width(&s, 640);
	assert_non_null(old);
	assert_int_equal(capture_set_mode(c, 800, 600, 100000), 0);
	struct frame *f = wait_for_width(&s, 800);
	assert_non_null(f);
	assert_int_equal(f->height, 600);
	assert_true(f->seq > old->seq);
	frame_unref(f);
	uint64_t seq, time_ns;
	assert_true(read_mark(old, &seq, &time_ns)); /* survives its mode */
	frame_unref(old);
	assert_int_equal(capture_set_mode(c, 0, 600, 100000), PF_E_INVALID);
	assert_int_equal(capture_set_mode(c, 800, 600, 0), PF_E_INVALID);
	assert_int_equal(capture_set_mode(c, 800, 600, 100000000), PF_E_INVALID);
	assert_int_equal(capture_set_mode(c, 100000, 600, 60000), PF_E_INVALID);
	assert_int_equal(capture_set_mode(c, 63, 600, 60000), PF_E_INVALID);
	/* Two changes in a row, the second before the thread saw the first. */
	assert_int_equal(capture_set_mode(c, 128, 128, 100000), 0);
	assert_int_equal(capture_set_mode(c, 256, 256, 100000), 0);
	f = wait_for_width(&s, 256);
	assert_non_null(f);
	frame_unref(f);
	capture_stop(c);
	capture_stop(c);
	drain(&s);
	unsigned n = s.n_frames;
	assert_int_equal(capture_start(c), 0); /* starts again, numbers go on */
	f = mailbox_take(&s.mailbox, 10 * SECOND_NS);
	assert_non_null(f);
	assert_true(f->seq >= n);
	frame_unref(f);
	capture_destroy(c); /* stops first */
	drain(&s);
}

static void bad_parameters_are_refused(void **state)
{
	struct sink s;
	struct capture *c = (struct capture *)&s;
	struct capture_params params = make_params(&s, 640, 480, 60);
	log_set_level(LOG_ERROR);
	assert_int_equal(capture_create(&c, "no-such", &params), PF_E_UNSUPPORTED);
	assert_null(c);
	assert_int_equal(capture_create(&c, NULL, &params), PF_E_INVALID);
	params.on_frame = NULL;
	assert_int_equal(capture_create(&c, "synthetic", &params), PF_E_INVALID);
	params = make_params(&s, 640, 480, 0);
	assert_int_equal(capture_create(&c, "synthetic", &params), PF_E_INVALID);
	params = make_params(&s, 32, 480, 60);
	assert_int_equal(capture_create(&c, "synthetic", &params), PF_E_INVALID);
	assert_null(c);
	params = make_params(&s, UINT32_MAX, UINT32_MAX, 60);
	assert_int_equal(capture_create(&c, "synthetic", &params), PF_E_INVALID);
	capture_destroy(NULL);
	/* Never started. */
	params = make_params(&s, 640, 480, 60);
	assert_int_equal(capture_create(&c, "synthetic", &params), 0);
	assert_int_equal(capture_set_mode(c, 320, 240, 30000), 0);
	capture_stop(c);
	capture_destroy(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(marks_are_read_at_every_size),
		cmocka_unit_test(the_pointer_is_told_and_drawn_or_not),
		cmocka_unit_test(a_picture_without_a_mark_is_refused),
		cmocka_unit_test(the_rate_is_kept_without_drift),
		cmocka_unit_test(frames_are_skipped_when_all_are_held),
		cmocka_unit_test(the_mode_changes_at_run_time),
		cmocka_unit_test(bad_parameters_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
