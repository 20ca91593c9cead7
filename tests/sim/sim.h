/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A session in virtual time: the host's core (packetizer, parity, sealing, pacer, governor) and the client's
 * (opening, reassembler, gate, requests, reports), joined by a link that loses, delays and reorders. Packets are
 * real, pictures are not: an encoder is modelled by the sizes of its frames and by what they refer to. Seeded,
 * single-threaded, integers only: the same scenario gives the same numbers on every machine.
 */

#define SIM_MS	      UINT64_C(1000000)
#define SIM_S	      UINT64_C(1000000000)
#define SIM_MAX_STEPS 8u

struct sim_step {
	uint32_t at_s, kbps;
};

struct sim_link_params {
	struct sim_step steps[SIM_MAX_STEPS]; /* in order; the first is at 0; the last has kbps 0 */
	bool ramp;		      /* between steps the rate changes evenly, not at once */
	uint32_t repeat_s;	      /* the steps begin again; 0 = never */
	uint32_t queue_bytes;	      /* what does not fit is dropped */
	uint64_t delay_ns, jitter_ns; /* jitter: 0 to this on top, each packet for itself */
	uint32_t loss_ppm;
	uint32_t burst_packets; /* lost in a row, every burst_every_ns or so */
	uint64_t burst_every_ns;
};

struct sim_scenario {
	const char *name;
	struct sim_link_params
		link;  /* toward the client; its delay, jitter and loss hold for the way back too */
	uint32_t kbps; /* the client's ceiling */
	uint32_t hz;
	bool heals; /* losses are the link's only trouble: adaptive, 95 % heal within two round trips and a frame */
};

struct sim_mode {
	const char *name;
	bool adaptive; /* else 20 % parity and the bitrate of the scenario */
	bool rfi;      /* the encoder can refer past a loss; else every loss costs a keyframe */
};

struct sim_result {
	uint64_t sent, shown, repaired, keyframes, anchors, asked_rfi, asked_keyframe;
	uint64_t n_breaks; /* times that the picture stood still after a loss */
	uint64_t dirty,
		forged; /* shown, but referring to what was lost; not what was sent: both are bugs */
	uint64_t heal_p50_us, heal_p95_us, queue_p95_us;
	uint64_t mean_kbps, mean_fec_percent_x10, wire_kbps;
	uint64_t heal_bound_us; /* two round trips and one frame */
};

/* Returns 0, or a negative enum pf_error when the parts could not be made. */
int sim_run(const struct sim_scenario *scenario, const struct sim_mode *mode, unsigned seconds,
	struct sim_result *result);

#endif
