/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <string.h>
#include <unistd.h>

#include <opus_multistream.h>

#include "host/audio/source.h"
#include "host/config/config.h"
#include "host/media/clock.h"
#include "host/session/audio.h"
#include "tests/support/tones.h"

#define WAIT_NS	    20000000000ull
#define MAX_PACKETS 1024u
#define PACKET	    240u

struct listener {
	_Atomic uint32_t n;
	uint32_t bad; /* seq, length or time not as they must be */
	size_t len;
	uint64_t first_ns, last_ns;
	uint8_t packets[MAX_PACKETS][160];
};

static void take_packet(
	const uint8_t *opus, size_t len, uint32_t seq, uint64_t pts_ns, void *userdata)
{
	struct listener *l = userdata;
	uint32_t n = atomic_load(&l->n);
	if (n == MAX_PACKETS)
		return;
	l->bad += seq != n || len != 160 || pts_ns <= l->last_ns;
	if (!n)
		l->first_ns = pts_ns;
	l->last_ns = pts_ns;
	memcpy(l->packets[n], opus, len < 160 ? len : 160);
	atomic_store(&l->n, n + 1);
}

static void wait_packets(struct listener *l, uint32_t n)
{
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (atomic_load(&l->n) < n) {
		assert_true(clock_now_ns() < until);
		usleep(2000);
	}
}

static struct audio *start(struct listener *l, struct audio_source *source)
{
	struct audio *a;
	const struct audio_params params = {
		.source = source, .packet_ms = 5, .packet = take_packet, .userdata = l};
	assert_int_equal(audio_start(&a, &params), 0);
	return a;
}

static struct audio_source *make_source(const char *name)
{
	struct audio_source *source;
	const struct config config = {.audio = name};
	assert_int_equal(
		audio_make_source(&source, &config, 6, (const uint8_t *)"\x12\xab\xff\x01", "A"),
		0);
	return source;
}

/* Of a busy machine some packets may be gaps: of the tone's loudest half second is enough. */
static void the_tone_goes_the_whole_way(void **state)
{
	(void)state;
	static struct listener l;
	static float pcm[MAX_PACKETS * PACKET * 6];
	static const unsigned char identity[6] = {0, 1, 2, 3, 4, 5};
	struct audio_source *source = make_source("tone");
	struct audio *a = start(&l, source);
	wait_packets(&l, 400);
	audio_stop(a);
	uint32_t n = atomic_load(&l.n);
	assert_int_equal(l.bad, 0);
	int err;
	OpusMSDecoder *d = opus_multistream_decoder_create(48000, 6, 4, 2, identity, &err);
	assert_non_null(d);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(opus_multistream_decode_float(d, l.packets[i], 160,
					 pcm + (size_t)i * PACKET * 6, PACKET, 0),
			PACKET);
	opus_multistream_decoder_destroy(d);
	for (unsigned ch = 0; ch < 6; ch++) {
		double best = 0;
		for (uint32_t at = 0; at + 40 <= n; at += 20) {
			double v = tone_amplitude(pcm + (size_t)at * PACKET * 6, 6, ch, 40 * PACKET,
				audio_tone_hz(ch));
			best = v > best ? v : best;
		}
		assert_true(best > 0.15 && best < 0.35);
	}
	audio_source_destroy(source);
}

/* Silence flows at the packets' rate, and a source outlives its listeners. */
static void silence_flows_as_well(void **state)
{
	(void)state;
	struct audio_source *source = make_source("off");
	for (unsigned k = 0; k < 3; k++) {
		static struct listener l;
		struct audio_stats stats;
		memset(&l, 0, sizeof(l));
		struct audio *a = start(&l, source);
		uint64_t start_ns = clock_now_ns();
		wait_packets(&l, 60);
		assert_true(clock_now_ns() - start_ns > 250000000);
		audio_get_stats(a, &stats);
		assert_true(stats.packets >= 60 && stats.silent == stats.packets);
		audio_stop(a);
		assert_int_equal(l.bad, 0);
		uint32_t n = atomic_load(&l.n);
		usleep(20000);
		assert_int_equal(atomic_load(&l.n), n);
	}
	audio_source_destroy(source);
}

/* For protocols that can: nothing is sent while nothing plays. */
static void silence_may_rest(void **state)
{
	(void)state;
	static struct listener l;
	memset(&l, 0, sizeof(l));
	struct audio *a;
	struct audio_source *source = make_source("off");
	const struct audio_params params = {.source = source,
		.packet_ms = 5,
		.rest_ms = 100,
		.packet = take_packet,
		.userdata = &l};
	assert_int_equal(audio_start(&a, &params), 0);
	usleep(50000);
	assert_int_equal(atomic_load(&l.n), 0);
	float click[PACKET * 6] = {0.5f};
	audio_pace_push(&source->pace, click, PACKET, clock_now_ns());
	wait_packets(&l, 20);
	usleep(200000);
	uint32_t n = atomic_load(&l.n);
	assert_in_range(n, 20, 30);
	usleep(50000);
	assert_int_equal(atomic_load(&l.n), n);
	assert_int_equal(l.bad, 0);
	audio_stop(a);
	audio_source_destroy(source);
}

static void bad_parameters_are_refused(void **state)
{
	(void)state;
	struct listener l = {0};
	struct audio *a;
	struct audio_source *source = make_source("off");
	struct audio_params params = {.packet_ms = 5, .packet = take_packet, .userdata = &l};
	assert_int_equal(audio_start(&a, &params), PF_E_INVALID);
	params.source = source;
	params.packet_ms = 7;
	assert_int_equal(audio_start(&a, &params), PF_E_INVALID);
	params.packet_ms = 5;
	params.packet = NULL;
	assert_int_equal(audio_start(&a, &params), PF_E_INVALID);
	assert_null(a);
	audio_stop(NULL);
	audio_source_destroy(source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_tone_goes_the_whole_way),
		cmocka_unit_test(silence_flows_as_well),
		cmocka_unit_test(silence_may_rest),
		cmocka_unit_test(bad_parameters_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
