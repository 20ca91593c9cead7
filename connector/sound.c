/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include "connector/internal.h"

/* The audio planes: order, gaps, and the packets that come twice. */

/*
 * A number that is not newer is a late or doubled packet. Packets do not overtake each other by so much time:
 * after it the host has begun to count anew.
 */
#define RESTART_NS 500000000ull

#define DEFAULT_FRAME_US 5000u

struct sound_item {
	uint64_t pts_ns;
	uint32_t seq, flags;
	uint16_t len;
	uint8_t pad, kind;
	uint8_t data[AUDIO_MAX_LEN];
};

bool sound_order(struct seq_order *o, uint32_t seq, uint64_t now_ns, uint32_t *missing)
{
	uint32_t ahead = seq - o->last;
	*missing = 0;
	if (o->started && (ahead == 0 || ahead > INT32_MAX) && now_ns - o->last_ns < RESTART_NS)
		return false;
	if (o->started && ahead && ahead <= INT32_MAX)
		*missing = ahead - 1;
	*o = (struct seq_order){.started = true, .last = seq, .last_ns = now_ns};
	return true;
}

static void push(struct ring *to, const struct pf_audio *a, const uint8_t *data, size_t len,
	struct sound_item *i)
{
	i->len = (uint16_t)len;
	i->pad = a->pad;
	i->kind = a->kind;
	if (len)
		memcpy(i->data, data, len);
	ring_push(to, i, offsetof(struct sound_item, data) + len);
}

static void take(struct punktfunk_connection *c, struct ring *to, struct seq_order *order,
	const struct pf_audio *a)
{
	struct sound_item i;
	uint32_t missing;
	if (!sound_order(order, a->seq, session_now_ns(), &missing))
		return;
	if (missing && a->previous && a->previous_len) {
		uint32_t us = c->welcome.audio_frame_us ? c->welcome.audio_frame_us
							: DEFAULT_FRAME_US;
		i.seq = a->seq - 1;
		i.pts_ns = a->pts_ns - us * 1000ull;
		i.flags = PUNKTFUNK_AUDIO_RECOVERED | (missing > 1 ? PUNKTFUNK_AUDIO_AFTER_GAP : 0);
		push(to, a, a->previous, a->previous_len, &i);
		atomic_fetch_add_explicit(&c->audio_recovered, 1, memory_order_relaxed);
		missing = 0;
	}
	i.seq = a->seq;
	i.pts_ns = a->pts_ns;
	i.flags = missing ? PUNKTFUNK_AUDIO_AFTER_GAP : 0;
	push(to, a, a->data, a->len, &i);
}

int sound_datagram(struct punktfunk_connection *c, const uint8_t *data, size_t len)
{
	struct side *s = &c->side;
	struct pf_audio a;
	int err = pf_audio_read(&a, data, len);
	if (err < 0)
		return err;
	if (a.len > AUDIO_MAX_LEN || a.previous_len > AUDIO_MAX_LEN)
		return PF_E_BAD_PACKET;
	switch (a.tag) {
	case PF_DGRAM_AUDIO:
	case PF_DGRAM_AUDIO_REDUNDANT:
		take(c, &s->audio, &s->audio_order, &a);
		return PF_OK;
	case PF_DGRAM_AUDIO_PCM:
		take(c, &s->pcm, &s->pcm_order, &a);
		return PF_OK;
	case PF_DGRAM_PAD_AUDIO:
		if (a.pad >= PF_PADS || a.kind > 1)
			return PF_E_BAD_PACKET;
		take(c, &s->pad_audio, &s->pad_order[a.pad][a.kind], &a);
		return PF_OK;
	default:
		return PF_E_UNSUPPORTED; /* a client's own, sent back */
	}
}

static int next(struct ring *from, struct punktfunk_audio_packet *out, uint32_t timeout_ms)
{
	void *item;
	if (out->size < sizeof(out->size))
		return PF_E_INVALID;
	int err = ring_pop(from, &item, timeout_ms);
	if (err < 0)
		return err;
	const struct sound_item *i = item;
	struct punktfunk_audio_packet full = {
		.size = out->size,
		.data = i->data,
		.len = i->len,
		.seq = i->seq,
		.flags = i->flags,
		.pts_ns = i->pts_ns,
		.pad = i->pad,
		.kind = i->kind,
	};
	memcpy(out, &full, out->size < sizeof(full) ? out->size : sizeof(full));
	return PF_OK;
}

size_t sound_item_len(void)
{
	return sizeof(struct sound_item);
}

int punktfunk_connection_next_audio(
	struct punktfunk_connection *c, struct punktfunk_audio_packet *out, uint32_t timeout_ms)
{
	return c && out ? next(&c->side.audio, out, timeout_ms) : PF_E_NULL;
}

int punktfunk_connection_next_audio_pcm(
	struct punktfunk_connection *c, struct punktfunk_audio_packet *out, uint32_t timeout_ms)
{
	return c && out ? next(&c->side.pcm, out, timeout_ms) : PF_E_NULL;
}

int punktfunk_connection_next_pad_audio(
	struct punktfunk_connection *c, struct punktfunk_audio_packet *out, uint32_t timeout_ms)
{
	return c && out ? next(&c->side.pad_audio, out, timeout_ms) : PF_E_NULL;
}
