/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/wire/handshake.h"
#include "host/encode/encoder.h"
#include "host/gpu/dmabuf.h"
#include "host/media/clock.h"
#include "host/session/video.h"

/* A session whose GPU breaks, hangs, or has its pictures where nothing reads them; the GPU is a stand-in. */

#define MS	 1000000ull
#define WAIT_NS	 (20000 * MS)
#define MAX_SENT 1024u

enum { SIDE = 64, STRIDE = SIDE * 4 };

/* What the stand-in does, set before it starts; and what it did. */
static struct {
	unsigned breaks_after; /* pictures */
	int error;
	bool opens, takes_memory_only, turns;
	_Atomic unsigned n_made, n_turned, n_alive;
} fake;

struct fake_encoder {
	struct encoder base;
	unsigned n;
};

static const struct encoder_impl fake_impl;

static int fake_create(struct encoder **out, const struct encoder_params *params)
{
	if (!fake.opens)
		return PF_E_UNSUPPORTED;
	struct fake_encoder *e = calloc(1, sizeof(*e));
	assert_non_null(e);
	e->base.impl = &fake_impl;
	e->base.params = *params;
	e->base.caps = (struct encoder_caps){
		.dmabuf = true,
		.bitrate_keyframe = fake.turns,
		.coded_width = params->width,
		.coded_height = params->height,
	};
	fake.n_made++;
	fake.n_alive++;
	*out = &e->base;
	return PF_OK;
}

static void fake_destroy(struct encoder *base)
{
	fake.n_alive--;
	free(base);
}

static int fake_encode(
	struct encoder *base, struct frame *frame, bool force_keyframe, struct unit *unit)
{
	struct fake_encoder *e = (struct fake_encoder *)base;
	if (!frame->pixels && fake.takes_memory_only)
		return PF_E_UNSUPPORTED;
	if (e->n >= fake.breaks_after)
		return fake.error;
	assert_int_equal(unit->number, e->n);
	int err = unit_reserve(unit, 64);
	assert_int_equal(err, PF_OK);
	memset(unit->data, 0x11, 64);
	unit->len = 64;
	unit->width = frame->width;
	unit->height = frame->height;
	unit->keyframe = force_keyframe || !e->n;
	unit->pts_ns = clock_to_realtime_ns(frame->times.captured_ns);
	unit->convert_start_ns = unit->convert_end_ns = unit->encode_start_ns =
		unit->encode_end_ns = clock_now_ns();
	unit->times = frame->times;
	e->n++;
	return PF_OK;
}

static int fake_set_bitrate(struct encoder *base, uint32_t kbps)
{
	(void)kbps;
	if (!fake.turns)
		return PF_E_IO;
	fake.n_turned++;
	return PF_OK;
}

static const struct encoder_impl fake_impl = {
	.name = "fake",
	.colour = {1, 1, 1, 0},
	.codecs = PF_CODEC_H264,
	.hardware = true,
	.create = fake_create,
	.destroy = fake_destroy,
	.encode = fake_encode,
	.set_bitrate = fake_set_bitrate,
};

struct stage {
	struct video video;
	struct frame frames[4];
	uint64_t seq;
	uint32_t pixels[SIDE * SIDE];
	uint32_t index[MAX_SENT];
	bool keyframe[MAX_SENT];
	_Atomic unsigned n_sent, n_failed, n_unreadable;
};

static int take_unit(struct unit *u, uint32_t index, void *userdata)
{
	struct stage *s = userdata;
	unsigned n = atomic_load(&s->n_sent);
	assert_true(n < MAX_SENT);
	s->index[n] = index;
	s->keyframe[n] = u->keyframe;
	atomic_store(&s->n_sent, n + 1);
	return 1;
}

static void note_failed(const char *why, void *userdata)
{
	struct stage *s = userdata;
	assert_true(strlen(why) > 8);
	atomic_fetch_add(&s->n_failed, 1);
}

static void note_unreadable(void *userdata)
{
	struct stage *s = userdata;
	atomic_fetch_add(&s->n_unreadable, 1);
}

static struct stage *stage_start(const char *encoder)
{
	struct stage *s = calloc(1, sizeof(*s));
	assert_non_null(s);
	for (unsigned i = 0; i < 4; i++) {
		frame_init(&s->frames[i]);
		s->frames[i].width = s->frames[i].height = SIDE;
		s->frames[i].stride = STRIDE;
		s->frames[i].pixels = (const uint8_t *)s->pixels;
	}
	s->video.encoder_name = encoder;
	s->video.codec = PF_CODEC_H264;
	s->video.sink.video = take_unit;
	s->video.sink.userdata = s;
	s->video.on_failed = note_failed;
	s->video.on_unreadable = note_unreadable;
	s->video.userdata = s;
	atomic_store(&s->video.bitrate_kbps, 1000);
	atomic_store(&s->video.refresh_hz, 60);
	assert_int_equal(video_start(&s->video), 0);
	return s;
}

static void stage_stop(struct stage *s)
{
	video_stop(&s->video);
	for (unsigned i = 0; i < atomic_load(&s->n_sent); i++)
		assert_int_equal(s->index[i], i);
	free(s);
	encoder_stand_in(NULL);
	assert_int_equal(fake.n_alive, 0);
}

static void wait_for(const _Atomic unsigned *what, unsigned n)
{
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (atomic_load(what) < n) {
		assert_true(clock_now_ns() < until);
		usleep(200);
	}
}

/* fd -1: a picture in memory. */
static void give(struct stage *s, int fd)
{
	struct frame *f = &s->frames[++s->seq % 4];
	f->seq = s->seq;
	f->times.captured_ns = clock_now_ns();
	f->pixels = fd < 0 ? (const uint8_t *)s->pixels : NULL;
	f->dmabuf = (struct frame_dmabuf){.n_planes = fd >= 0,
		.fourcc = DMABUF_XR24,
		.modifier = 0x0300000000606014u,
		.fd = {fd},
		.stride = {STRIDE}};
	video_push(&s->video, f);
}

static void push(struct stage *s, int fd, unsigned n)
{
	while (n--) {
		unsigned before = atomic_load(&s->n_sent);
		give(s, fd);
		wait_for(&s->n_sent, before + 1);
	}
}

static void use_fake(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.opens = true;
	fake.breaks_after = UINT32_MAX;
	fake.error = PF_E_IO;
	encoder_stand_in(&fake_impl);
}

static void a_broken_one_is_followed_by_another(void **state)
{
	(void)state;
	if (!(encoder_codecs(NULL) & PF_CODEC_H264)) {
		print_message("no other encoder of H.264 is in this build: not tried\n");
		return;
	}
	use_fake();
	fake.breaks_after = 3;
	struct stage *s = stage_start("fake");
	push(s, -1, 6);
	assert_int_equal(fake.n_made, 1);
	assert_true(s->keyframe[0] && s->keyframe[3]);
	assert_int_equal(atomic_load(&s->n_failed), 0);
	/* And for sessions to come, by its name as well. */
	assert_true(encoder_codecs("fake") & PF_CODEC_H264);
	assert_int_equal(fake.n_made, 1);
	stage_stop(s);
}

/* The same where it breaks at once, with what one might take for a fault of the picture. */
static void each_error_of_the_device_is_one(void **state)
{
	(void)state;
	static const int errors[] = {
		PF_E_IO, PF_E_NOMEM, PF_E_CLOSED, PF_E_UNSUPPORTED, PF_E_INVALID};
	if (!(encoder_codecs(NULL) & PF_CODEC_H264))
		return;
	for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		use_fake();
		fake.breaks_after = 0;
		fake.error = errors[i];
		struct stage *s = stage_start("auto");
		push(s, -1, 2);
		assert_int_equal(atomic_load(&s->n_failed), 0);
		stage_stop(s);
	}
}

static void without_another_the_session_ends(void **state)
{
	(void)state;
	use_fake();
	fake.opens = false;
	struct stage *s = stage_start("fake");
	give(s, -1);
	wait_for(&s->n_failed, 1);
	assert_int_equal(atomic_load(&s->n_sent), 0);
	stage_stop(s);
}

static void pictures_nobody_reads_are_asked_for_anew(void **state)
{
	(void)state;
	FILE *file = tmpfile();
	assert_non_null(file);
	int fd = fileno(file);
	use_fake();
	fake.takes_memory_only = true;
	struct stage *s = stage_start("fake");
	give(s, fd);
	wait_for(&s->n_unreadable, 1);
	give(s, fd);
	push(s, -1, 3); /* what the session does then */
	assert_int_equal(atomic_load(&s->n_unreadable), 1);
	assert_int_equal(atomic_load(&s->n_failed), 0);
	assert_int_equal(fake.n_made, 1);
	assert_true(s->keyframe[0]);
	stage_stop(s);
	fclose(file);
}

/* Its fence never comes: nothing is readable before something was written. */
static void a_picture_that_is_never_drawn_holds_nothing_up(void **state)
{
	(void)state;
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	use_fake();
	struct stage *s = stage_start("fake");
	push(s, -1, 1);
	give(s, ends[0]);
	usleep(2 * DMABUF_WAIT_MS * 1000);
	assert_int_equal(atomic_load(&s->n_sent), 1);
	push(s, -1, 2);
	assert_int_equal(write(ends[1], "", 1), 1);
	push(s, ends[0], 2);
	assert_int_equal(atomic_load(&s->n_failed), 0);
	assert_int_equal(atomic_load(&s->n_unreadable), 0);
	stage_stop(s);
	close(ends[0]);
	close(ends[1]);
}

/* A descriptor that is none; more planes than there are. */
static void lies_are_left_out(void **state)
{
	(void)state;
	use_fake();
	struct stage *s = stage_start("fake");
	push(s, -1, 1);
	give(s, 900);
	usleep(20000);
	struct frame *f = &s->frames[++s->seq % 4];
	f->seq = s->seq;
	f->pixels = NULL;
	f->dmabuf.n_planes = FRAME_MAX_PLANES + 1;
	video_push(&s->video, f);
	usleep(20000);
	push(s, -1, 2);
	assert_int_equal(atomic_load(&s->n_failed), 0);
	stage_stop(s);
}

/* Neither a new encoder nor more keyframes than the picture gains by. */
static void a_change_of_rate_reaches_it(void **state)
{
	(void)state;
	use_fake();
	fake.turns = true;
	struct stage *s = stage_start("fake");
	push(s, -1, 2);
	for (unsigned i = 0; i < 5; i++) {
		atomic_store(&s->video.bitrate_kbps, 2000 + 100 * i);
		push(s, -1, 2);
	}
	assert_int_equal(fake.n_turned, 0);
	uint64_t start = clock_now_ns();
	while (!fake.n_turned && clock_now_ns() - start < WAIT_NS) {
		usleep(20000);
		push(s, -1, 1);
	}
	assert_int_equal(fake.n_turned, 1);
	/* A link that fell is followed sooner. */
	atomic_store(&s->video.bitrate_kbps, 600);
	push(s, -1, 1);
	start = clock_now_ns();
	while (fake.n_turned < 2 && clock_now_ns() - start < WAIT_NS) {
		usleep(20000);
		push(s, -1, 1);
	}
	assert_int_equal(fake.n_turned, 2);
	assert_int_equal(fake.n_made, 1);
	stage_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_broken_one_is_followed_by_another),
		cmocka_unit_test(each_error_of_the_device_is_one),
		cmocka_unit_test(without_another_the_session_ends),
		cmocka_unit_test(pictures_nobody_reads_are_asked_for_anew),
		cmocka_unit_test(a_picture_that_is_never_drawn_holds_nothing_up),
		cmocka_unit_test(lies_are_left_out),
		cmocka_unit_test(a_change_of_rate_reaches_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
