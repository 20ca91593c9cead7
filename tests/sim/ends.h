/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_SIM_ENDS_H
#define TESTS_SIM_ENDS_H

#include "core/crypto/aead.h"
#include "core/crypto/replay.h"
#include "core/flow/adapt.h"
#include "core/flow/ask.h"
#include "core/flow/gate.h"
#include "core/flow/pacer.h"
#include "core/flow/packetizer.h"
#include "core/flow/reassembler.h"
#include "core/flow/report.h"
#include "tests/sim/back.h"
#include "tests/sim/encoder.h"
#include "tests/sim/link.h"

/* The two ends. Each says when it wants to be run next, and is run then or whenever something came. */

#define SIM_SHARD     1408u
#define SIM_FRAME_MAX (8u << 20)

struct sim_host {
	const struct sim_scenario *scenario;
	const struct sim_mode *mode;
	struct link *link;
	struct model model;
	struct pf_aead *aead;
	struct pf_packetizer *packetizer;
	struct pf_pacer pacer;
	struct pf_adapt adapt;
	struct pf_packet_batch batch;
	size_t batch_at;
	uint8_t *picture; /* SIM_FRAME_MAX bytes that every frame is a part of */
	uint64_t next_frame_ns, next_tick_ns, rtt_ns;
	uint64_t end_ns; /* no frame is made from here on */
	uint64_t packets, bytes, frames, sum_kbps, sum_fec;
	uint64_t *queue_us; /* one a frame */
	size_t max_frames;
};

int host_create(struct sim_host *h, const struct sim_scenario *scenario,
	const struct sim_mode *mode, struct link *link, size_t max_frames);
void host_finish(struct sim_host *h);
void host_message(struct sim_host *h, const struct back_msg *m, uint64_t now_ns);
int host_run(struct sim_host *h, uint64_t now_ns);
uint64_t host_next_ns(const struct sim_host *h);

struct sim_client {
	struct sim_host
		*host; /* for its round trip, and to check what came against what was sent */
	struct back *back;
	struct pf_aead *aead;
	struct pf_sealer open;
	struct pf_replay replay;
	struct pf_reassembler *reassembler;
	struct pf_gate gate;
	struct pf_ask ask;
	struct pf_report report;
	uint64_t rtt_ns;
	bool closed; /* the last frame could not be decoded */
	uint64_t packets;
	bool clean[MODEL_KEEP];
	uint32_t last_shown, stuck;
	uint64_t *heal_us;
	size_t n_heal, max_heal;
	struct sim_result *result;
};

int client_create(struct sim_client *c, struct sim_host *host, struct back *back, size_t max_frames,
	struct sim_result *result);
void client_finish(struct sim_client *c);
void client_packet(struct sim_client *c, struct link_packet *p, uint64_t now_ns);
/* The host's answer to a message will be here at at_ns: so long is the round trip. */
void client_acknowledged(struct sim_client *c, const struct back_msg *m, uint64_t at_ns);
void client_run(struct sim_client *c, uint64_t now_ns);
uint64_t client_next_ns(const struct sim_client *c);

#endif
