/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_MOONLIGHT_AUDIO_H
#define TESTS_MOONLIGHT_AUDIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/moonlight/ping.h"
#include "tests/support/nv_receiver.h"

/*
 * The Moonlight side of GameStream's sound for tests: pings, receives with repair, opens and decodes. Thread: one.
 */

#define MOON_CHANNELS_MAX 8u

struct moon_audio_stats {
	uint64_t datagrams, withheld;
	uint64_t packets, lost, bad; /* lost: after repair */
	uint64_t samples;	     /* of each channel */
	uint64_t gap_max_ns;	     /* between two packets */
	uint64_t first_ns, last_ns;
	double energy
		[MOON_CHANNELS_MAX]; /* sum of squares, 1.0 = full scale; FL FR C LFE BL BR SL SR */
};

struct moon_audio_params {
	const char *to; /* IPv4 address */
	uint16_t port;
	const char *token;
	unsigned packet_ms;
	const uint8_t *key; /* NULL = in clear */
	uint32_t key_id;
	unsigned channels, streams, coupled;
	const uint8_t *mapping;
	unsigned drop_percent;
};

struct moon_audio;

struct moon_audio *moon_audio_create(
	const struct moon_audio_params *p);    /* NULL: no memory, or layout */
void moon_audio_destroy(struct moon_audio *a); /* takes NULL */
struct moon_ping *moon_audio_ping(struct moon_audio *a);
void moon_audio_turn(struct moon_audio *a);
const struct moon_audio_stats *moon_audio_stats(struct moon_audio *a);
/*
 * The amplitude of a tone in the newest second of a channel (FL FR C LFE BL BR SL SR), 1 = full scale: the median of
 * ten parts, so that one where the host ran late does not count. 0 before there is a second.
 */
double moon_audio_level(const struct moon_audio *a, unsigned channel, unsigned hz);

#endif
