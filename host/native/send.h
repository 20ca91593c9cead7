/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_NATIVE_SEND_H
#define HOST_NATIVE_SEND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/flow/packetizer.h"
#include "core/wire/datagram.h"

/* A session's send thread: frames become packets, paced as the client wants them. */

struct native;
struct native_client;
struct native_data;

/* What the loop wishes, done before the next frame: the newest counts. Written by the loop. */
struct send_wishes {
	_Atomic uint32_t shard_payload, fec_percent;
	_Atomic uint32_t heal_percent; /* of a frame that heals a loss */
	_Atomic uint64_t pace;	       /* struct pf_adapt_pace: kbps << 1 | narrow */
	_Atomic uint32_t delivery;     /* enum pf_delivery */
	_Atomic uint32_t refresh_hz;
};

/* No frame for so long, while one is due every 100 ms even of a still screen: a gap that the client is told. */
#define SEND_GAP_NS 250000000ull

/* Wishes and pacer as the session begins. */
int send_open(struct native_client *c, uint32_t refresh_hz) PF_MUST_CHECK;
/* Sends what was built, without pacing. Returns how many packets the kernel took. Thread: send. */
int send_at_once(struct native_data *d, const struct pf_packet_batch *b) PF_MUST_CHECK;
/* Frames carry this share of repair data from the next one on, 0 to 90. Thread: the loop. */
void send_set_fec(struct native_client *c, uint32_t percent);

/* --- news.c: what the send thread has to tell the loop --- */

enum news_kind { NEWS_TIMING, NEWS_GAP, NEWS_PROBE };

struct news {
	enum news_kind kind;
	union {
		struct pf_host_timing timing;
		uint32_t gap_ms;
	};
};

/* A client gets a few a frame; the loop is never behind by more, but while a compositor holds it. */
#define NEWS_SLOTS 16u

struct news_ring { /* zeroed at the start */
	_Atomic uint32_t head, tail;
	_Atomic bool posted; /* the loop was woken and has not looked yet */
	struct news slots[NEWS_SLOTS];
};

/* Dropped when the loop is far behind. Thread: send. */
void news_tell(struct native_client *c, const struct news *news);

/* --- probe.c: speed tests --- */

/* Enough for a client that tries a few rates when it starts; and it cannot keep the host at it for long. */
#define PROBE_MAX_MS	  10000u /* one test */
#define PROBE_BUDGET_MS	  15000u /* all of them; what was used comes back at a third of the time */
#define PROBE_RATE_FACTOR 2u /* times --max-bitrate: as much as ever could be sent, and headroom */
#define PROBE_UNIT_MAX	  16384u /* bytes of filler that leave at once: a dozen packets */

enum probe_state { PROBE_IDLE, PROBE_RUNNING, PROBE_DONE };

struct probe {
	_Atomic int state; /* enum probe_state: the loop starts it, the send thread ends it */
	/* Written by the loop while it is idle. */
	uint64_t bytes_per_s, group_bytes_per_s; /* the second: inside a group; 0 = at once */
	uint32_t duration_ms, burst_hz;
	size_t group_bytes, unit_bytes;
	/* The loop's own. */
	uint64_t budget_at_ns;
	uint32_t budget_ms;
	/* The send thread's, read by the loop when it is done. */
	uint64_t start_ns, bytes;
	uint32_t units, wire_packets, dropped, took_ms;
	uint32_t next_index; /* filler has frame numbers of its own, through the whole session */
};

void probe_open(struct native_client *c);
/* session_sink::between */
uint64_t probe_between(void *userdata);
/* NEWS_PROBE came. */
void probe_report(struct native_client *c);

#endif
