/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_MOONLIGHT_CONTROL_H
#define TESTS_MOONLIGHT_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/support/nv_receiver.h"

/*
 * The Moonlight side of GameStream's control over ENet for tests: connects as a stock client does, pings each
 * 100 ms, and takes what the host says (docs/gamestream.md, "Control"). Nothing of core/nv is used. Thread: one.
 */

#define MOON_CHANNELS	  48u
#define MOON_HEARD	  64u
#define MOON_HEARD_BYTES  64u
#define MOON_MESSAGE_MAX  1024u
#define MOON_PACKET_MAX	  (MOON_MESSAGE_MAX + 28u)
#define MOON_CHANNEL_MAIN 0u
#define MOON_CHANNEL_SOON 1u /* IDR, invalidation */

/* How a packet goes. */
enum moon_way { MOON_RELIABLE, MOON_UNRELIABLE, MOON_UNSEQUENCED };

struct moon_heard {
	uint16_t type;
	uint8_t data[MOON_HEARD_BYTES];
	size_t len; /* of the payload, cut at MOON_HEARD_BYTES */
};

struct moon_control;

struct moon_control_params {
	const char *to; /* IPv4 address; NULL = 127.0.0.1 */
	uint16_t port;
	uint32_t connect_data;
	uint8_t key[16];
	unsigned channels; /* 0 = MOON_CHANNELS */
	bool mute;	   /* no pings: as when a client dies */
};

/* NULL: no socket. ENet must have been initialised. */
struct moon_control *moon_control_create(const struct moon_control_params *p);
/* As when the machine loses its power; takes NULL. */
void moon_control_destroy(struct moon_control *c);
/* ENet's goodbye; waits at most timeout_ms for the host to hear it. */
void moon_control_leave(struct moon_control *c, int timeout_ms);

int moon_control_fd(const struct moon_control *c);
/* Takes what came and sends what is due. Call it each few milliseconds. */
void moon_control_turn(struct moon_control *c);

bool moon_control_connected(const struct moon_control *c); /* now */
bool moon_control_ended(const struct moon_control *c); /* it was, or was refused, and is no more */
size_t moon_control_granted(const struct moon_control *c); /* channels */
/* Of 0x0109; 0 = none came. */
uint32_t moon_control_termination(const struct moon_control *c);
/* Messages of the host since the start, pings aside; n of them: the newest MOON_HEARD are kept. */
size_t moon_control_count(const struct moon_control *c);
const struct moon_heard *moon_control_heard(const struct moon_control *c, size_t n);
/* What came and did not open, or used a sequence a second time. */
uint64_t moon_control_bad(const struct moon_control *c);

/* False: not connected, or too long. */
bool moon_control_send(struct moon_control *c, uint16_t type, const void *payload, size_t len,
	unsigned channel, enum moon_way way);
/* The two that begin a session. */
bool moon_control_start(struct moon_control *c);
bool moon_control_idr(struct moon_control *c);
bool moon_control_invalidate(struct moon_control *c, uint32_t first, uint32_t last);
bool moon_control_status(struct moon_control *c, const struct nv_block *b);
bool moon_control_input(struct moon_control *c, const uint8_t *packet, size_t len, unsigned channel,
	enum moon_way way);

/* --- for mischief --- */

/* Any bytes as an ENet packet. */
bool moon_control_raw(struct moon_control *c, const uint8_t *data, size_t len, unsigned channel,
	enum moon_way way);
/* A message sealed with any key under any sequence. Returns its length. */
size_t moon_control_seal(uint8_t out[static MOON_PACKET_MAX], const uint8_t key[static 16],
	uint32_t seq, uint16_t type, const void *payload, size_t len);
/* The newest packet that was sent, to be sent again. */
size_t moon_control_last(const struct moon_control *c, uint8_t out[static MOON_PACKET_MAX]);

#endif
