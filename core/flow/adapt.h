/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_FLOW_ADAPT_H
#define PF_FLOW_ADAPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/flow/pacer.h"

/*
 * The host's governor: how much parity, and how many kbit/s of video, from what is known of the link. The
 * algorithm and its constants are in docs/protocol.md, section 6: delay and delivery rate decide the bitrate
 * (after draft-ietf-rmcat-gcc-02 and BBR), loss the parity, and both come out of one budget. Every input but
 * sent() may stay away. Sans-IO, integers only, so that the same inputs give the same outputs everywhere.
 * Thread: one thread at a time.
 */

#define PF_ADAPT_TICK_NS   UINT64_C(50000000)
#define PF_ADAPT_FEC_MIN   5u
#define PF_ADAPT_FEC_MAX   50u
#define PF_ADAPT_FEC_START 10u
/* Below this a picture is not worth sending; the lowest that an encoder of ours takes. */
#define PF_ADAPT_FLOOR_KBPS 500u

#define PF_ADAPT_HISTORY 16u

struct pf_adapt_params {
	uint32_t ceiling_kbps; /* what the client asked for, of video */
	uint32_t refresh_hz;   /* 0 = 60 */
	size_t shard_payload;
	size_t packet_len;   /* of a sealed shard; IP and UDP are added */
	unsigned min_parity; /* of a block, as the packetizer has it */
	bool pin_rate;	     /* always the ceiling */
	bool pin_fec;	     /* always fec_percent */
	unsigned fec_percent;
};

struct pf_adapt_count { /* one of the last ticks or reports */
	uint64_t at_ns, packets;
};

struct pf_adapt_counts {
	struct pf_adapt_count at[PF_ADAPT_HISTORY];
	unsigned newest, n;
};

struct pf_adapt { /* all fields private */
	struct pf_adapt_params p;
	/* what goes out and comes in */
	struct pf_adapt_counts sent, delivered;
	uint64_t delivered_base; /* the first report's count: older packets are nobody's business */
	uint64_t rtt_ns;	 /* 0 = none yet */
	uint64_t rtt_up_ns, rtt_down_ns; /* how much it moves from tick to tick */
	uint64_t base_ns[2]; /* least round trip of this and of the last period; 0 = none yet */
	uint64_t base_until_ns;
	/* the rate */
	bool limited; /* link_kbps means something */
	bool draining, on_trial;
	uint64_t cut_rtt_ns; /* when it was cut */
	bool was_limited;    /* before it was cut, and link_kbps then */
	uint32_t was_kbps;
	uint32_t link_kbps;  /* of everything on the wire */
	uint32_t knee_kbps;  /* what came through when a queue last grew; 0 = not known */
	unsigned over_ticks; /* in a row with a queue */
	unsigned backoff;    /* congestions at the same knee */
	uint64_t settle_until_ns, grow_at_ns, drain_until_ns;
	unsigned missing_ticks;
	uint64_t random_until_ns; /* what is missing is not for want of room */
	uint64_t asked_ns;
	/* parity */
	uint32_t loss_ppm;
	bool has_loss;
	unsigned boost;
	uint64_t boost_until_ns, fall_at_ns, congested_ns;
	unsigned fec;
	uint32_t kbps;
};

void pf_adapt_init(struct pf_adapt *a, const struct pf_adapt_params *params, uint64_t now_ns);
/* Another mode, or shards of another size. */
void pf_adapt_set_mode(
	struct pf_adapt *a, uint32_t refresh_hz, size_t shard_payload, size_t packet_len);
/* SetBitrate of the client. */
void pf_adapt_set_ceiling(struct pf_adapt *a, uint32_t kbps);

void pf_adapt_on_loss(struct pf_adapt *a, uint32_t ppm, uint64_t now_ns); /* LossReport */
/* DeliveryReport: video packets in all. */
void pf_adapt_on_delivery(struct pf_adapt *a, uint64_t packets, uint64_t now_ns);
/* A loss past repair: RfiRequest or RequestKeyframe. */
void pf_adapt_on_ask(struct pf_adapt *a, uint64_t now_ns);

/*
 * Every PF_ADAPT_TICK_NS. sent_packets: in all; rtt_ns: QUIC's smoothed, 0 = not known. Then kbps and
 * fec_percent are up to date.
 */
void pf_adapt_tick(struct pf_adapt *a, uint64_t sent_packets, uint64_t rtt_ns, uint64_t now_ns);

/* For one frame; heals: it is the answer to a loss, and losing it too costs another round trip. */
unsigned pf_adapt_frame_fec(const struct pf_adapt *a, bool heals);
/* How packets should leave. pf_adapt_shape() makes a pacer's settings of it, out of those that are usual. */
struct pf_adapt_pace {
	uint32_t
		kbps; /* a little above what the link carries, where something is known of it; 0 = as usual */
	bool narrow; /* it is known: the queue there has no room for bursts */
};
struct pf_adapt_pace pf_adapt_get_pace(const struct pf_adapt *a, uint64_t now_ns);
void pf_adapt_shape(
	struct pf_pacer_params *params, const struct pf_adapt_pace *pace, uint32_t refresh_hz);

static inline uint32_t pf_adapt_kbps(const struct pf_adapt *a)
{
	return a->kbps;
}

static inline unsigned pf_adapt_fec_percent(const struct pf_adapt *a)
{
	return a->fec;
}

#endif
