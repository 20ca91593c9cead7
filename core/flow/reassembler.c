/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/flow/reassembler.h"

#include <string.h>

#include "core/base/alloc.h"
#include "core/flow/arena.h"
#include "core/flow/frame.h"
#include "core/flow/packetizer.h"
#include "core/packet/native.h"

/*
 * The window is a ring of slots, one a frame index in [base, next): base is the oldest frame that
 * has neither been handed out nor dropped, next is one above the newest index seen. Indexes wrap at
 * 2^32, so they are only ever subtracted. All shard memory comes from one arena of
 * max_bytes_in_flight; slots, codecs and scratch are sized at create().
 *
 * An index far from the window is believed only when JUMP_CONFIRM packets in a row are near it: a
 * sender that really starts elsewhere costs two packets, one stray packet costs nothing.
 */
#define JUMP_CONFIRM 3u

/* Indexes below base whose late shards are still told apart from a jump backwards. */
#define HISTORY_FACTOR 4u

/*
 * Packets that overtake each other do so by less than this: one Wi-Fi aggregate, a bonded pair of links. Where
 * some came later than that and were of use, a hole is believed a quarter later than the latest of them
 * (RFC 8985 does so with segments), which is forgotten by a 512th a frame: half of it in 6 s at 60 Hz.
 */
#define REORDER_NS     2000000u
#define REORDER_MAX_NS 60000000u /* half of the loss window: later asks are no use any more */
#define REORDER_FORGET 512u

#define MAX_FRAMES	1024u	     /* slots: 200 bytes each, scanned by hole() and deadline() */
#define MAX_FRAME_BYTES (256u << 20) /* four times the largest that the wire speaks of */
#define MAX_IN_FLIGHT	((size_t)4 << 30)
#define MAX_BLOCKS	UINT16_MAX
#define MAX_PER_BLOCK	32768u /* what GF16 can code on either side */

enum slot_state {
	SLOT_MISSING, /* a newer frame was seen, this one not */
	SLOT_OPEN,
	SLOT_WHOLE,
	SLOT_GONE, /* given up, or older than an anchor */
};

struct slot {
	enum slot_state state;
	uint32_t user_flags;
	uint64_t
		noticed_ns; /* first known to exist, or its newest packet: the loss window runs from here */
	uint64_t first_ns, whole_ns;
	uint64_t end_ns; /* when end_seen became true */
	bool end_seen, anchor;
	struct pf_frame frame;
};

/* A frame that was handed out: how many of its rebuilt shards may yet come. */
struct past {
	uint32_t index, owed;
};

struct pf_reassembler {
	struct pf_reassembler_params params;
	struct pf_arena *arena;
	struct pf_frame_codec codec;
	struct slot *slots;
	struct past *past;
	uint32_t slot_mask, past_mask;
	uint32_t base, next;
	bool started;	    /* base and next mean something */
	bool committed;	    /* a frame left or was dropped: base may not go back any more */
	bool gap;	    /* a frame was lost since the last one handed out */
	uint32_t gap_first; /* the first of them */
	uint64_t reorder_ns;
	uint32_t jump_index, jump_count;
	uint64_t now_ns;
	struct pf_frame held;
	bool is_held;
	struct pf_reassembler_stats stats;
};

void pf_reassembler_limits_init(struct pf_reassembler_limits *l, size_t max_frame_bytes)
{
	*l = (struct pf_reassembler_limits){
		.max_frame_bytes = max_frame_bytes ? max_frame_bytes : 8u << 20,
		.max_frames = 64,
		.max_blocks = 256,
		.max_data_per_block = 4096,
		.max_parity_per_block = 4096,
		.loss_window_ns = 120 * UINT64_C(1000000),
	};
	l->max_bytes_in_flight = 4 * l->max_frame_bytes;
}

static int check_params(const struct pf_reassembler_params *p)
{
	const struct pf_reassembler_limits *l = &p->limits;
	unsigned known = 1u << PF_FEC_GF8 | 1u << PF_FEC_GF16;
	if (p->shard_bytes < 2 || p->shard_bytes > PF_SHARD_PAYLOAD_MAX || p->shard_bytes % 2 ||
		(p->schemes & ~known))
		return PF_E_INVALID;
	if (l->max_frame_bytes < 1 || l->max_frame_bytes > MAX_FRAME_BYTES || l->max_frames < 1 ||
		l->max_frames > MAX_FRAMES || l->max_bytes_in_flight < l->max_frame_bytes ||
		l->max_bytes_in_flight > MAX_IN_FLIGHT)
		return PF_E_INVALID;
	if (l->max_blocks < 1 || l->max_blocks > MAX_BLOCKS || l->max_data_per_block < 1 ||
		l->max_data_per_block > MAX_PER_BLOCK || l->max_parity_per_block > MAX_PER_BLOCK ||
		l->loss_window_ns < 1)
		return PF_E_INVALID;
	return PF_OK;
}

static uint32_t power_of_two(size_t n)
{
	uint32_t p = 1;
	while (p < n)
		p *= 2;
	return p;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static int create_codecs(struct pf_reassembler *r)
{
	const struct pf_reassembler_limits *l = &r->params.limits;
	size_t shard = r->params.shard_bytes;
	size_t total = (l->max_frame_bytes + shard - 1) / shard;
	for (unsigned scheme = PF_FEC_GF8; scheme <= PF_FEC_GF16; scheme++) {
		if (!(r->params.schemes >> scheme & 1))
			continue;
		size_t most = scheme == PF_FEC_GF8 ? PF_FEC_GF8_MAX_SHARDS : MAX_PER_BLOCK;
		struct pf_fec_params fec = {
			.scheme = (enum pf_fec_scheme)scheme,
			.max_data = least(least(l->max_data_per_block, total), most),
			.max_parity = least(l->max_parity_per_block, most - 1),
			.max_shard_len = shard,
		};
		int err = pf_fec_create(&r->codec.fec[scheme], &fec);
		if (err)
			return err;
	}
	size_t most = l->max_data_per_block + l->max_parity_per_block;
	r->codec.shard_bytes = shard;
	r->codec.shards = pf_calloc(most, sizeof(*r->codec.shards));
	r->codec.present = pf_calloc(most, 1);
	return r->codec.shards && r->codec.present ? PF_OK : PF_E_NOMEM;
}

int pf_reassembler_create(struct pf_reassembler **out, const struct pf_reassembler_params *params)
{
	*out = NULL;
	int err = check_params(params);
	if (err)
		return err;
	struct pf_reassembler *r = pf_calloc(1, sizeof(*r));
	if (!r)
		return PF_E_NOMEM;
	r->params = *params;
	if (!params->schemes)
		r->params.schemes = 1u << PF_FEC_GF8 | 1u << PF_FEC_GF16;
	const struct pf_reassembler_limits *l = &r->params.limits;
	uint32_t n_slots = power_of_two(l->max_frames);
	r->slot_mask = n_slots - 1;
	r->past_mask = n_slots * HISTORY_FACTOR - 1;
	err = PF_E_NOMEM;
	r->slots = pf_calloc(n_slots, sizeof(*r->slots));
	r->past = pf_calloc((size_t)n_slots * HISTORY_FACTOR, sizeof(*r->past));
	if (!r->slots || !r->past)
		goto fail;
	/* The bookkeeping and the padding of a largest frame come on top of its bytes. */
	size_t slack = l->max_frame_bytes / params->shard_bytes / 8 + l->max_blocks * 64 +
		params->shard_bytes + 2 * PF_ARENA_CHUNK;
	err = pf_arena_create(&r->arena, l->max_bytes_in_flight + slack);
	if (!err)
		err = create_codecs(r);
	if (err)
		goto fail;
	*out = r;
	return PF_OK;
fail:
	pf_reassembler_destroy(r);
	return err;
}

void pf_reassembler_destroy(struct pf_reassembler *r)
{
	if (!r)
		return;
	pf_fec_destroy(r->codec.fec[PF_FEC_GF8]);
	pf_fec_destroy(r->codec.fec[PF_FEC_GF16]);
	pf_free(r->codec.shards);
	pf_free(r->codec.present);
	pf_arena_destroy(r->arena);
	pf_free(r->past);
	pf_free(r->slots);
	pf_free(r);
}

static struct slot *slot_at(const struct pf_reassembler *r, uint32_t index)
{
	return &r->slots[index & r->slot_mask];
}

static bool is_incomplete(const struct slot *s)
{
	return s->state == SLOT_MISSING || s->state == SLOT_OPEN;
}

/* Whatever it was, it will not be handed out. */
static void drop(struct pf_reassembler *r, struct slot *s)
{
	if (s->state == SLOT_GONE)
		return;
	pf_frame_close(&s->frame, r->arena);
	s->state = SLOT_GONE;
	r->stats.frames_lost++;
}

/* Keeps base on a frame that may still be handed out. */
static void settle(struct pf_reassembler *r)
{
	while (r->base != r->next && slot_at(r, r->base)->state == SLOT_GONE) {
		if (!r->gap)
			r->gap_first = r->base;
		r->base++;
		r->gap = r->committed = true;
	}
}

static int is_ready(const struct pf_reassembler *r)
{
	return r->started && r->base != r->next && slot_at(r, r->base)->state == SLOT_WHOLE;
}

/* Time never goes back here: a frame is not given up early because a clock was set. */
static void advance_clock(struct pf_reassembler *r, uint64_t now_ns)
{
	if (now_ns > r->now_ns)
		r->now_ns = now_ns;
}

static void init_slot(struct pf_reassembler *r, uint32_t index)
{
	*slot_at(r, index) = (struct slot){.state = SLOT_MISSING, .noticed_ns = r->now_ns};
}

/* Makes index the newest; what falls out of the window at its old end is lost. */
static void extend_up(struct pf_reassembler *r, uint32_t index)
{
	uint32_t max = (uint32_t)r->params.limits.max_frames;
	while (r->base != r->next && index - r->base >= max) {
		drop(r, slot_at(r, r->base));
		settle(r);
	}
	while (r->next != index + 1)
		init_slot(r, r->next++);
}

static void extend_down(struct pf_reassembler *r, uint32_t index)
{
	while (r->base != index)
		init_slot(r, --r->base);
}

static void start_at(struct pf_reassembler *r, uint32_t index)
{
	for (uint32_t i = r->base; i != r->next; i++)
		drop(r, slot_at(r, i));
	settle(r);
	/* What was handed out before is another stream's. */
	memset(r->past, 0, ((size_t)r->past_mask + 1) * sizeof(*r->past));
	r->base = index;
	r->next = index + 1;
	r->started = true;
	r->committed = false;
	r->jump_count = 0;
	init_slot(r, index);
}

/* A packet whose index is nowhere near the window. true: believed, and the window is there now. */
static bool believe_jump(struct pf_reassembler *r, uint32_t index)
{
	uint32_t reach = (uint32_t)r->params.limits.max_frames;
	bool near = index - r->jump_index <= reach || r->jump_index - index <= reach;
	if (!r->jump_count || !near) {
		r->jump_index = index;
		r->jump_count = 1;
		return false;
	}
	if (++r->jump_count < JUMP_CONFIRM)
		return false;
	start_at(r, index);
	r->gap = true;
	r->gap_first = index;
	return true;
}

enum place { PLACE_WINDOW, PLACE_PAST, PLACE_NOWHERE };

/* Moves the window as the index asks for. */
static enum place place_index(struct pf_reassembler *r, uint32_t index)
{
	uint32_t max = (uint32_t)r->params.limits.max_frames;
	if (!r->started)
		start_at(r, index);
	uint32_t ahead = index - r->next, behind = r->base - index;
	bool inside = index - r->base < r->next - r->base;
	if (!inside && ahead <= max / 2) {
		extend_up(r, index);
	} else if (!inside && behind <= r->past_mask) {
		if (r->committed || r->next - index > max) {
			r->jump_count = 0;
			return PLACE_PAST;
		}
		extend_down(r, index);
	} else if (!inside) {
		return believe_jump(r, index) ? PLACE_WINDOW : PLACE_NOWHERE;
	}
	r->jump_count = 0;
	return PLACE_WINDOW;
}

/* The oldest incomplete frame below index gives its memory up. */
static bool evict_below(struct pf_reassembler *r, uint32_t index)
{
	for (uint32_t i = r->base; i != index; i++) {
		struct slot *s = slot_at(r, i);
		if (s->state != SLOT_OPEN)
			continue;
		drop(r, s);
		return true;
	}
	return false;
}

static int open_slot(struct pf_reassembler *r, struct slot *s, const struct pf_native_header *h,
	const struct pf_frame_geometry *g)
{
	while (pf_frame_open(&s->frame, r->arena, g, r->params.shard_bytes))
		if (!evict_below(r, h->frame_index))
			return PF_E_FULL;
	s->state = SLOT_OPEN;
	s->first_ns = r->now_ns;
	s->user_flags = h->user_flags;
	return PF_OK;
}

static void finish_frame(struct pf_reassembler *r, struct slot *s, uint32_t index)
{
	s->state = SLOT_WHOLE;
	s->whole_ns = r->now_ns;
	r->reorder_ns -= r->reorder_ns / REORDER_FORGET;
	r->stats.frames_completed++;
	if (s->frame.recovered)
		r->stats.frames_recovered++;
	const struct pf_reassembler_params *p = &r->params;
	s->anchor = p->is_anchor
		? p->is_anchor(s->frame.data, s->frame.geo.frame_bytes, s->user_flags, p->userdata)
		: (s->user_flags & (PF_USER_KEYFRAME | PF_USER_RECOVERY_ANCHOR)) != 0;
	if (!s->anchor)
		return;
	/* What is whole and in order before the first hole still leaves; the rest is of no use. */
	uint32_t i = r->base;
	while (i != index && !is_incomplete(slot_at(r, i)))
		i++;
	for (; i != index; i++)
		drop(r, slot_at(r, i));
}

static void count_added(struct pf_reassembler *r, int added)
{
	if (added == PF_FRAME_DUPLICATE) {
		r->stats.packets_duplicate++;
		return;
	}
	r->stats.packets++;
	if (added == PF_FRAME_LATE)
		r->stats.packets_late++;
	else if (added == PF_FRAME_UNNEEDED)
		r->stats.packets_unneeded++;
}

static void count_past(struct pf_reassembler *r, const struct pf_native_header *h)
{
	struct past *past = &r->past[h->frame_index & r->past_mask];
	r->stats.packets++;
	if (past->index == h->frame_index && past->owed && h->shard_index < h->data_shards) {
		past->owed--;
		r->stats.packets_late++;
	} else {
		r->stats.packets_unneeded++;
	}
}

static int check_header(const struct pf_reassembler *r, const struct pf_native_header *h,
	struct pf_frame_geometry *g)
{
	const struct pf_reassembler_limits *l = &r->params.limits;
	if (h->shard_bytes != r->params.shard_bytes || !(r->params.schemes >> h->scheme & 1) ||
		((h->flags | h->user_flags) & PF_NATIVE_PROBE))
		return PF_E_BAD_PACKET;
	if (h->frame_bytes > l->max_frame_bytes || h->block_count > l->max_blocks ||
		h->data_shards > l->max_data_per_block ||
		h->parity_shards > l->max_parity_per_block ||
		pf_fec_check((enum pf_fec_scheme)h->scheme, h->data_shards, h->parity_shards) < 0 ||
		pf_frame_geometry_read(g, h) < 0 || g->per_block > l->max_data_per_block)
		return PF_E_BAD_PACKET;
	return PF_OK;
}

/*
 * When all of frame i had been sent: its own last packet or the first packet of a newer frame came. UINT64_MAX:
 * nothing came after it. newer_ns is that first packet's time, carried from the newer slots to the older ones.
 */
static uint64_t sent_by(const struct slot *s, uint64_t newer_ns)
{
	return s->end_seen && s->end_ns < newer_ns ? s->end_ns : newer_ns;
}

/* When frame i, which is not whole, counts as overdue. */
static uint64_t overdue_at(const struct pf_reassembler *r, const struct slot *s, uint64_t newer_ns)
{
	uint64_t proof = sent_by(s, newer_ns);
	uint64_t wait = r->reorder_ns > REORDER_NS ? r->reorder_ns : REORDER_NS;
	return proof > UINT64_MAX - wait ? UINT64_MAX : proof + wait;
}

/* Proves the frames before it late, whatever the clock says, where packets come in order. */
static bool is_through(const struct pf_reassembler *r, const struct slot *s)
{
	if (r->reorder_ns > REORDER_NS)
		return false;
	return s->state == SLOT_WHOLE || (s->state == SLOT_OPEN && s->end_seen);
}

static void carry_newer(const struct slot *s, uint64_t *newer_ns)
{
	if ((s->state == SLOT_OPEN || s->state == SLOT_WHOLE) && s->first_ns < *newer_ns)
		*newer_ns = s->first_ns;
}

/* A packet that is of use yet: how much later than it could have been did it come? */
static void note_lateness(struct pf_reassembler *r, const struct slot *s, uint32_t index)
{
	uint64_t newer_ns = UINT64_MAX;
	for (uint32_t i = r->next; i != index + 1; i--)
		carry_newer(slot_at(r, i - 1), &newer_ns);
	uint64_t proof = sent_by(s, newer_ns);
	if (proof >= r->now_ns || r->now_ns - proof <= REORDER_NS)
		return;
	uint64_t late = r->now_ns - proof;
	late += late / 4;
	if (late > REORDER_MAX_NS)
		late = REORDER_MAX_NS;
	if (late > r->reorder_ns)
		r->reorder_ns = late;
}

static int add_packet(struct pf_reassembler *r, const struct pf_native_header *h,
	const struct pf_frame_geometry *g, const uint8_t *shard)
{
	enum place place = place_index(r, h->frame_index);
	if (place == PLACE_NOWHERE)
		return PF_E_BAD_PACKET;
	struct slot *s = slot_at(r, h->frame_index);
	if (place == PLACE_PAST || s->state == SLOT_GONE) {
		count_past(r, h);
		return PF_OK;
	}
	if (s->state == SLOT_MISSING) {
		int err = open_slot(r, s, h, g);
		if (err)
			return err;
	}
	uint32_t recovered = s->frame.recovered;
	int added;
	do
		added = pf_frame_add(&s->frame, r->arena, &r->codec, h, g, shard);
	while (added == PF_E_FULL && evict_below(r, h->frame_index));
	if (added < 0)
		return added;
	count_added(r, added);
	if (added == PF_FRAME_STORED) {
		note_lateness(r, s, h->frame_index);
		s->noticed_ns = r->now_ns;
	}
	r->stats.shards_recovered += s->frame.recovered - recovered;
	if (h->flags & PF_NATIVE_END && !s->end_seen) {
		s->end_seen = true;
		s->end_ns = r->now_ns;
	}
	if (s->state == SLOT_OPEN && pf_frame_is_whole(&s->frame))
		finish_frame(r, s, h->frame_index);
	return PF_OK;
}

int pf_reassembler_push(
	struct pf_reassembler *r, const uint8_t *packet, size_t len, uint64_t now_ns)
{
	advance_clock(r, now_ns);
	struct pf_native_header h;
	struct pf_frame_geometry g;
	int err = pf_native_header_read(&h, packet, len);
	if (!err)
		err = check_header(r, &h, &g);
	if (!err)
		err = add_packet(r, &h, &g, packet + PF_NATIVE_HEADER_LEN);
	settle(r);
	if (err) {
		r->stats.packets_bad++;
		return PF_E_BAD_PACKET;
	}
	return is_ready(r);
}

bool pf_reassembler_ready(const struct pf_reassembler *r)
{
	return !r->is_held && is_ready(r);
}

int pf_reassembler_poll(struct pf_reassembler *r, struct pf_au *au)
{
	if (r->is_held)
		return PF_E_INVALID;
	if (!is_ready(r))
		return PF_E_NO_FRAME;
	struct slot *s = slot_at(r, r->base);
	*au = (struct pf_au){
		.data = s->frame.data,
		.len = s->frame.geo.frame_bytes,
		.pts_ns = s->frame.geo.pts_ns,
		.frame_index = r->base,
		.user_flags = s->user_flags,
		.first_packet_ns = s->first_ns,
		.complete_ns = s->whole_ns,
		.recovered_shards = s->frame.recovered,
		.anchor = s->anchor,
		.after_gap = r->gap,
	};
	r->past[r->base & r->past_mask] = (struct past){
		.index = r->base, .owed = s->frame.recovered - s->frame.late};
	r->held = s->frame;
	r->is_held = true;
	s->state = SLOT_GONE;
	s->frame = (struct pf_frame){0};
	r->gap = false;
	r->base++;
	r->committed = true;
	r->stats.frames_delivered++;
	settle(r);
	return PF_OK;
}

void pf_reassembler_release(struct pf_reassembler *r)
{
	if (r->is_held)
		pf_frame_close(&r->held, r->arena);
	r->is_held = false;
}

static uint64_t deadline_of(const struct pf_reassembler *r, const struct slot *s)
{
	uint64_t deadline;
	if (__builtin_add_overflow(s->noticed_ns, r->params.limits.loss_window_ns, &deadline))
		return UINT64_MAX;
	return deadline;
}

uint64_t pf_reassembler_deadline(const struct pf_reassembler *r)
{
	uint64_t earliest = UINT64_MAX, newer_ns = UINT64_MAX;
	bool proven = false;
	for (uint32_t i = r->next; i != r->base; i--) {
		const struct slot *s = slot_at(r, i - 1);
		if (is_incomplete(s)) {
			uint64_t overdue = overdue_at(r, s, newer_ns);
			if (deadline_of(r, s) < earliest)
				earliest = deadline_of(r, s);
			if (!proven && overdue > r->now_ns && overdue < earliest)
				earliest = overdue;
		}
		proven |= is_through(r, s);
		carry_newer(s, &newer_ns);
	}
	return earliest;
}

int pf_reassembler_expire(struct pf_reassembler *r, uint64_t now_ns)
{
	advance_clock(r, now_ns);
	for (uint32_t i = r->base; i != r->next; i++) {
		struct slot *s = slot_at(r, i);
		if (is_incomplete(s) && deadline_of(r, s) <= r->now_ns)
			drop(r, s);
	}
	settle(r);
	return is_ready(r);
}

bool pf_reassembler_hole(const struct pf_reassembler *r, uint32_t *first, uint32_t *last)
{
	bool found = false, proven = false;
	uint64_t newer_ns = UINT64_MAX;
	for (uint32_t i = r->next; i != r->base; i--) {
		const struct slot *s = slot_at(r, i - 1);
		if (is_incomplete(s) && (proven || overdue_at(r, s, newer_ns) <= r->now_ns)) {
			*last = found ? *last : i - 1;
			*first = i - 1;
			found = true;
		}
		proven |= is_through(r, s);
		carry_newer(s, &newer_ns);
	}
	/* What was given up before is as lost as what is open yet. */
	if (found && r->gap && (int32_t)(r->gap_first - *first) < 0)
		*first = r->gap_first;
	return found;
}

bool pf_reassembler_is_healing(const struct pf_reassembler *r)
{
	if (!r->started || r->base == r->next)
		return false;
	const struct slot *s = slot_at(r, r->next - 1);
	return s->state == SLOT_OPEN && !s->end_seen &&
		(s->user_flags & (PF_USER_KEYFRAME | PF_USER_RECOVERY_ANCHOR));
}

void pf_reassembler_reset(struct pf_reassembler *r)
{
	for (uint32_t i = r->base; i != r->next; i++)
		pf_frame_close(&slot_at(r, i)->frame, r->arena);
	r->base = r->next = 0;
	r->started = r->committed = r->gap = false;
	r->jump_count = 0;
	r->reorder_ns = 0;
}

void pf_reassembler_get_stats(const struct pf_reassembler *r, struct pf_reassembler_stats *out)
{
	*out = r->stats;
	out->bytes_in_flight = pf_arena_used(r->arena);
}
