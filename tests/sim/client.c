/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/base/bytes.h"
#include "core/packet/native.h"
#include "tests/sim/ends.h"

static const uint8_t key[16] = {1, 2, 3}, salt[4] = {4, 5, 6, 7};

int client_create(struct sim_client *c, struct sim_host *host, struct back *back, size_t max_frames,
	struct sim_result *result)
{
	*c = (struct sim_client){.host = host,
		.back = back,
		.max_heal = max_frames,
		.last_shown = MODEL_NONE,
		.rtt_ns = 2 * host->scenario->link.delay_ns,
		.result = result};
	c->heal_us = calloc(max_frames, sizeof(*c->heal_us));
	if (!c->heal_us)
		return PF_E_NOMEM;
	int err = pf_aead_create(&c->aead, PF_CIPHER_AES_128_GCM, key, sizeof(key));
	if (err < 0)
		return err;
	pf_sealer_init(&c->open, c->aead, salt, PF_HOST_TO_CLIENT);
	pf_replay_init(&c->replay);
	struct pf_reassembler_params params = {
		.shard_bytes = SIM_SHARD, .schemes = 1u << PF_FEC_GF16};
	pf_reassembler_limits_init(&params.limits, SIM_FRAME_MAX);
	err = pf_reassembler_create(&c->reassembler, &params);
	if (err < 0)
		return err;
	struct pf_reassembler_stats stats;
	pf_reassembler_get_stats(c->reassembler, &stats);
	pf_report_start(&c->report, &stats, 0);
	return PF_OK;
}

void client_finish(struct sim_client *c)
{
	pf_reassembler_destroy(c->reassembler);
	pf_aead_destroy(c->aead);
	free(c->heal_us);
}

/* The picture stood still since the frame after the last one that was shown was due. */
static void note_healed(struct sim_client *c, const struct pf_au *au, uint64_t now_ns)
{
	if (c->last_shown == MODEL_NONE || au->frame_index == c->last_shown + 1)
		return;
	const struct model_frame *lost = model_frame(&c->host->model, c->last_shown + 1);
	c->result->n_breaks++;
	if (!lost || c->n_heal == c->max_heal)
		return;
	c->heal_us[c->n_heal++] = now_ns > lost->due_ns ? (now_ns - lost->due_ns) / 1000 : 0;
}

static void show(struct sim_client *c, const struct pf_au *au, uint64_t now_ns)
{
	const struct model_frame *f = model_frame(&c->host->model, au->frame_index);
	const uint8_t *picture = c->host->picture;
	bool same = f && f->len == au->len && pf_get_le32(au->data) == f->index &&
		!memcmp(au->data + 4, picture + 4, au->len - 4);
	bool clean = f && (f->ref == MODEL_NONE || c->clean[f->ref % MODEL_KEEP]);
	note_healed(c, au, now_ns);
	c->result->forged += !same;
	c->result->dirty += !clean;
	c->result->shown++;
	c->clean[au->frame_index % MODEL_KEEP] = clean;
	c->last_shown = au->frame_index;
}

static void take_frames(struct sim_client *c, uint64_t now_ns)
{
	struct pf_au au;
	while (pf_reassembler_poll(c->reassembler, &au) == PF_OK) {
		struct pf_gate_frame frame = {
			.user_flags = au.user_flags,
			.keyframe = au.anchor && (au.user_flags & PF_USER_KEYFRAME),
			.gap = au.after_gap,
		};
		for (uint32_t i = c->last_shown + 1;
			i != au.frame_index && c->last_shown != MODEL_NONE; i++)
			c->clean[i % MODEL_KEEP] = false;
		bool passes = pf_gate_pass(&c->gate, &frame);
		c->closed = !passes;
		if (!passes)
			c->stuck = au.frame_index;
		c->clean[au.frame_index % MODEL_KEEP] = false;
		if (passes)
			show(c, &au, now_ns);
		pf_reassembler_release(c->reassembler);
	}
}

void client_packet(struct sim_client *c, struct link_packet *p, uint64_t now_ns)
{
	if (p->kind == LINK_TIMING) {
		struct back_msg ack = {.kind = BACK_ACK, .sent_ns = p->sent_ns};
		back_send(c->back, &ack, c->rtt_ns, now_ns);
		return;
	}
	uint64_t seq;
	uint8_t *text;
	size_t len;
	if (pf_sealer_open(&c->open, p->data, p->len, &seq, &text, &len) < 0 ||
		!pf_replay_accept(&c->replay, seq)) {
		c->result->forged++;
		return;
	}
	c->packets++;
	if (pf_reassembler_push(c->reassembler, text, len, now_ns) > 0)
		take_frames(c, now_ns);
}

static void ask(struct sim_client *c, uint64_t now_ns)
{
	struct pf_ask_state s = {.started = c->gate.started,
		.shown = c->last_shown,
		.closed = c->closed,
		.stuck = c->stuck,
		.rtt_ns = c->rtt_ns,
		.refresh_hz = c->host->scenario->hz};
	s.hole = pf_reassembler_hole(c->reassembler, &s.first, &s.last);
	s.healing = pf_reassembler_is_healing(c->reassembler);
	struct pf_ask_request request = pf_ask_poll(&c->ask, &s, now_ns);
	if (request.kind == PF_ASK_NOTHING)
		return;
	struct back_msg m = {.kind = request.kind == PF_ASK_RFI ? BACK_RFI : BACK_KEYFRAME,
		.first = request.first,
		.last = request.last};
	if (request.kind == PF_ASK_RFI)
		c->result->asked_rfi++;
	else
		c->result->asked_keyframe++;
	back_send(c->back, &m, c->rtt_ns, now_ns);
}

static void report(struct sim_client *c, uint64_t now_ns)
{
	if (now_ns < pf_report_deadline(&c->report))
		return;
	struct pf_reassembler_stats stats;
	pf_reassembler_get_stats(c->reassembler, &stats);
	struct pf_report_due due = pf_report_poll(&c->report, &stats, c->packets, now_ns);
	struct back_msg loss = {.kind = BACK_LOSS, .ppm = due.loss_ppm};
	struct back_msg delivery = {.kind = BACK_DELIVERY, .packets = due.packets};
	if (due.loss)
		back_send(c->back, &loss, c->rtt_ns, now_ns);
	if (due.delivery)
		back_send(c->back, &delivery, c->rtt_ns, now_ns);
}

void client_acknowledged(struct sim_client *c, const struct back_msg *m, uint64_t at_ns)
{
	if (m->kind != BACK_ACK && !m->again)
		c->rtt_ns = (7 * c->rtt_ns + (at_ns - m->sent_ns)) / 8;
}

void client_run(struct sim_client *c, uint64_t now_ns)
{
	if (pf_reassembler_expire(c->reassembler, now_ns) > 0)
		take_frames(c, now_ns);
	report(c, now_ns);
	ask(c, now_ns);
}

uint64_t client_next_ns(const struct sim_client *c)
{
	uint64_t frames = pf_reassembler_deadline(c->reassembler);
	uint64_t reports = pf_report_deadline(&c->report), asks = pf_ask_deadline(&c->ask);
	uint64_t at = frames < reports ? frames : reports;
	return asks < at ? asks : at;
}
