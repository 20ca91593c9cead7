/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * A real host and the Moonlight side of the protocol: from pairing to pictures, with and without loss, and with each
 * kind of encryption.
 */
#include "tests/integration/gamestream_rig.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#define SLOWNESS   (TEST_SLOW ? 10 : 1)
#define MS	   1000000ull
#define LAUNCH_MS  1000.0 /* what people may wait, see issue 5 */
#define RESUME_MS  500.0
#define HEAL_NS	   (100 * MS)
#define STREAM_MS  3000
#define LOSSY_MS   8000
#define LATENCY_MS 1.0

static struct rig rig;

static void a_launch_shows_a_picture_at_once(void **state)
{
	struct moon_session s = rig_session(&rig, &rig.alice);
	(void)state;
	rig_launch(&s);
	print_message("# launch to first picture: %.0f ms\n", moon_session_start_ms(&s));
	assert_true(s.rtsp.sealed);
	assert_int_equal(moon_control_granted(s.control), MOON_CHANNELS);
	assert_true(moon_session_start_ms(&s) < LAUNCH_MS * SLOWNESS);
	assert_int_equal(moon_video_stats(s.video)->width, 640);
	assert_int_equal(moon_video_stats(s.video)->height, 480);
	moon_session_leave(&s);
	assert_true(moon_session_resume(&s));
	print_message("# resume to first picture: %.0f ms\n", moon_session_start_ms(&s));
	assert_true(moon_session_start_ms(&s) < RESUME_MS * SLOWNESS);
	moon_session_leave(&s);
	assert_true(moon_session_cancel(&s));
}

static int compare(const void *a, const void *b)
{
	const uint16_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

/* In ms, of the frames that are kept. */
static double median_latency(const struct moon_video *v)
{
	static uint16_t values[MOON_FRAMES];
	size_t n = moon_video_count(v);
	n = n < MOON_FRAMES ? n : MOON_FRAMES;
	for (size_t i = 0; i < n; i++)
		values[i] = moon_video_frame(v, i)->latency;
	qsort(values, n, sizeof(values[0]), compare);
	return n ? values[n / 2] / 10.0 : 0;
}

/* In ms, of what the encoder took, as the host's trace of its last session has it. */
static double median_encode(void)
{
	static uint16_t values[MOON_FRAMES];
	char path[128], line[512];
	size_t n = 0;
	snprintf(path, sizeof(path), "%s/trace.csv", rig.host.process.dir);
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f) && n < MOON_FRAMES) {
		unsigned long long from, to;
		if (sscanf(line, "%*u,%*u,%*u,%*u,%*u,%*u,%llu,%llu", &from, &to) == 2)
			values[n++] = (uint16_t)((to - from) / 10000); /* 0.01 ms */
	}
	if (f)
		fclose(f);
	assert_true(n > 10);
	qsort(values, n, sizeof(values[0]), compare);
	return values[n / 2] / 100.0;
}

static void nothing_is_lost_on_loopback(void **state)
{
	struct moon_session s = rig_session(&rig, &rig.alice);
	(void)state;
	rig_launch(&s);
	moon_session_run(&s, STREAM_MS);
	const struct moon_video_stats *v = moon_video_stats(s.video);
	const struct nv_video_stats *rx = moon_video_received(s.video);
	print_message("# %llu frames, %llu clean, host latency p50 %.1f ms, gap %.0f ms\n",
		(unsigned long long)v->frames, (unsigned long long)v->clean,
		median_latency(s.video), (double)v->gap_max_ns / 1e6);
	assert_int_equal(v->lost, 0);
	assert_int_equal(rx->bad, 0);
	assert_int_equal(rx->rebuilt, 0);
	assert_int_equal(v->broken, 0);
	assert_int_equal(v->clean, v->frames);
	assert_int_equal(s.invalidations + s.idr_requests + s.reports, 0);
	assert_true(v->frames > STREAM_MS * 60 / 1000 * 9 / 10 / SLOWNESS);
	/* One picture of the source after the other, without a hole in the index or a step back. */
	uint64_t mark = 0;
	for (size_t i = 0; i < moon_video_count(s.video); i++) {
		const struct moon_frame *f = moon_video_frame(s.video, i);
		assert_int_equal(f->index, i + 1);
		assert_true(i == 0 ? f->type == 2 : f->mark > mark);
		assert_int_not_equal(f->latency, 0);
		mark = f->mark;
	}
	assert_int_equal(moon_audio_stats(s.audio)->lost + moon_audio_stats(s.audio)->bad, 0);
	assert_int_equal(moon_control_bad(s.control), 0);
	const double latency_ms = median_latency(s.video);
	moon_session_leave(&s);
	assert_true(moon_session_cancel(&s));
	print_message("# encoding p50 %.2f ms\n", median_encode());
	assert_true(latency_ms < median_encode() + LATENCY_MS * SLOWNESS);
	assert_true(latency_ms + LATENCY_MS > median_encode());
}

static void each_loss_heals(void **state)
{
	struct moon_session s = rig_session(&rig, &rig.alice);
	(void)state;
	s.drop_percent = 2;
	rig_launch(&s);
	moon_session_run(&s, LOSSY_MS);
	const struct moon_video_stats *v = moon_video_stats(s.video);
	const struct nv_video_stats *rx = moon_video_received(s.video);
	print_message("# %llu of %llu datagrams lost: %llu frames, %llu lost, %llu dropped, "
		      "%llu shards rebuilt; %llu heals of at most %.0f ms\n",
		(unsigned long long)v->withheld, (unsigned long long)v->datagrams,
		(unsigned long long)v->frames, (unsigned long long)v->lost,
		(unsigned long long)v->dropped, (unsigned long long)rx->rebuilt,
		(unsigned long long)v->heals, (double)v->heal_max_ns / 1e6);
	assert_int_equal(rx->bad, 0);
	assert_int_equal(v->broken, 0);
	assert_true(v->withheld > 0 && rx->rebuilt > 0 && s.reports > 0);
	assert_true(
		v->lost * 50 <= v->frames + v->lost); /* parity is only what the host began with */
	assert_true(v->heal_max_ns < HEAL_NS * SLOWNESS);
	moon_session_leave(&s);
	assert_true(moon_session_cancel(&s));
}

static bool healed(const struct moon_session *s)
{
	return moon_video_stats(s->video)->heals > 0;
}

static void an_invalidation_is_answered_by_its_type(void **state)
{
	struct moon_session s = rig_session(&rig, &rig.alice);
	(void)state;
	rig_launch(&s);
	moon_session_run(&s, 300);
	assert_true(s.streams.invalidation);
	const uint64_t idrs = moon_video_stats(s.video)->types[2];
	for (int i = 0; i < 5; i++) {
		moon_video_lose(s.video, 60); /* several frames, whatever parity they have */
		moon_session_run(&s, 300);
	}
	const struct moon_video_stats *v = moon_video_stats(s.video);
	assert_true(moon_session_until(&s, healed, 2000));
	print_message("# %llu invalidations: %llu frames of type 5, %llu keyframes, healed in "
		      "%.0f ms at most\n",
		(unsigned long long)s.invalidations, (unsigned long long)v->types[5],
		(unsigned long long)(v->types[2] - idrs), (double)v->heal_max_ns / 1e6);
	assert_true(s.invalidations > 0 && v->types[5] > 0);
	assert_int_equal(v->broken, 0);
	assert_true(v->heal_max_ns < HEAL_NS * SLOWNESS);
	moon_session_leave(&s);
	assert_true(moon_session_cancel(&s));
}

static void an_idr_comes_when_it_is_asked_for(void **state)
{
	struct moon_session s = rig_session(&rig, &rig.alice);
	(void)state;
	rig_launch(&s);
	moon_session_run(&s, 300);
	const uint64_t idrs = moon_video_stats(s.video)->types[2];
	assert_true(moon_control_idr(s.control));
	moon_session_run(&s, 300 * SLOWNESS);
	assert_true(moon_video_stats(s.video)->types[2] > idrs);
	assert_int_equal(moon_video_stats(s.video)->broken, 0);
	moon_session_leave(&s);
	assert_true(moon_session_cancel(&s));
}

#define SOME_FRAMES 5
#define SOME_MS	    5000 /* on a machine that does much else */

static bool some_clean(const struct moon_session *s)
{
	return moon_video_stats(s->video)->clean > SOME_FRAMES;
}

static void every_encryption_works(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		struct moon_session s = rig_session(&rig, &rig.alice);
		s.corever = i & 1;
		s.wish.encrypt_video = i & 2;
		s.wish.encrypt_audio = i & 4;
		rig_launch(&s);
		assert_true(moon_session_until(&s, some_clean, SOME_MS));
		const struct moon_video_stats *v = moon_video_stats(s.video);
		assert_int_equal(s.rtsp.sealed, s.corever);
		assert_int_equal(s.streams.encryption, 1u | (i & 6u));
		assert_int_equal(v->lost + v->broken, 0);
		assert_int_equal(moon_video_received(s.video)->unopened, 0);
		assert_int_equal(moon_video_received(s.video)->bad, 0);
		moon_session_leave(&s);
		assert_true(moon_session_cancel(&s));
	}
}

static int setup(void **state)
{
	(void)state;
	return rig_start(&rig, NULL);
}

static int teardown(void **state)
{
	(void)state;
	return rig_end(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_launch_shows_a_picture_at_once),
		cmocka_unit_test(nothing_is_lost_on_loopback),
		cmocka_unit_test(each_loss_heals),
		cmocka_unit_test(an_invalidation_is_answered_by_its_type),
		cmocka_unit_test(an_idr_comes_when_it_is_asked_for),
		cmocka_unit_test(every_encryption_works),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
