/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/moonlight/audio.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <opus_multistream.h>

#include "tests/test.h"

#define RATE	     48000
#define SEED	     0x736f756eu
#define DATAGRAM_MAX 2048u
#define PART	     (RATE / 10)
#define SAMPLES_MAX  5760 /* 120 ms, the longest that Opus has */

struct moon_audio {
	struct moon_audio_params params;
	struct moon_ping ping;
	struct nv_audio_rx *rx;
	OpusMSDecoder *decoder;
	struct moon_audio_stats stats;
	uint64_t random, unheard; /* unheard: did not decode */
	float pcm[SAMPLES_MAX * MOON_CHANNELS_MAX];
	float newest[RATE * MOON_CHANNELS_MAX]; /* a ring, by stats.samples */
};

static void on_packet(uint16_t sequence, const uint8_t *opus, size_t len, void *userdata)
{
	struct moon_audio *a = userdata;
	struct moon_audio_stats *s = &a->stats;
	const uint64_t now = moon_now_ns();
	(void)sequence;
	if (!s->first_ns)
		s->first_ns = now;
	else if (now - s->last_ns > s->gap_max_ns)
		s->gap_max_ns = now - s->last_ns;
	s->last_ns = now;
	s->packets++;
	int n = opus_multistream_decode_float(a->decoder, opus, (int)len, a->pcm, SAMPLES_MAX, 0);
	if (n != (int)a->params.packet_ms * RATE / 1000) {
		a->unheard++;
		return;
	}
	const unsigned channels = a->params.channels;
	for (unsigned i = 0; i < (unsigned)n; i++)
		memcpy(&a->newest[(s->samples + i) % RATE * channels], &a->pcm[i * channels],
			channels * sizeof(float));
	s->samples += (uint64_t)n;
}

struct moon_audio *moon_audio_create(const struct moon_audio_params *p)
{
	int err = 0;
	struct moon_audio *a = calloc(1, sizeof(*a));
	if (!a)
		return NULL;
	a->params = *p;
	a->ping.fd = -1;
	a->random = SEED;
	a->rx = nv_audio_rx_create(p->packet_ms, p->key, p->key_id, on_packet, a);
	a->decoder = opus_multistream_decoder_create(
		RATE, (int)p->channels, (int)p->streams, (int)p->coupled, p->mapping, &err);
	if (!a->rx || !a->decoder || !moon_ping_open(&a->ping, p->to, p->port, p->token)) {
		moon_audio_destroy(a);
		return NULL;
	}
	return a;
}

void moon_audio_destroy(struct moon_audio *a)
{
	if (!a)
		return;
	moon_ping_close(&a->ping);
	nv_audio_rx_destroy(a->rx);
	if (a->decoder)
		opus_multistream_decoder_destroy(a->decoder);
	free(a);
}

struct moon_ping *moon_audio_ping(struct moon_audio *a)
{
	return &a->ping;
}

void moon_audio_turn(struct moon_audio *a)
{
	uint8_t datagram[DATAGRAM_MAX];
	ssize_t n;
	moon_ping_turn(&a->ping);
	while ((n = recv(a->ping.fd, datagram, sizeof(datagram), 0)) >= 0) {
		a->stats.datagrams++;
		if (a->params.drop_percent &&
			test_rand(&a->random) % 100 < a->params.drop_percent) {
			a->stats.withheld++;
			continue;
		}
		nv_audio_rx_add(a->rx, datagram, (size_t)n);
	}
}

const struct moon_audio_stats *moon_audio_stats(struct moon_audio *a)
{
	const struct nv_audio_stats *rx = nv_audio_rx_stats(a->rx);
	a->stats.lost = rx->lost;
	a->stats.bad = rx->bad + a->unheard;
	return &a->stats;
}

/* Of the part that begins at this place of the ring, under a window that leaves other tones out. */
static double level_of_part(
	const struct moon_audio *a, unsigned first, unsigned channel, unsigned hz)
{
	double re = 0, im = 0;
	for (unsigned i = 0; i < PART; i++) {
		const double turn = 2 * M_PI * i * hz / RATE;
		const double weight = 1 - cos(2 * M_PI * i / PART);
		const double v = weight *
			(double)a->newest[(first + i) % RATE * a->params.channels + channel];
		re += v * cos(turn);
		im += v * sin(turn);
	}
	return 2 * sqrt(re * re + im * im) / PART;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

double moon_audio_level(const struct moon_audio *a, unsigned channel, unsigned hz)
{
	double levels[RATE / PART];
	const unsigned n = RATE / PART;
	if (a->stats.samples < RATE)
		return 0;
	for (unsigned i = 0; i < n; i++)
		levels[i] = level_of_part(
			a, (unsigned)(a->stats.samples % RATE) + i * PART, channel, hz);
	qsort(levels, n, sizeof(levels[0]), compare);
	return levels[n / 2];
}
