/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/sim/link.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"

/* A second of 100 Mbit/s and what is on the air. */
#define MAX_PACKETS 16384u
#define PPM	    1000000u

struct link {
	struct sim_link_params p;
	struct link_packet *packets;
	uint32_t *free_list, n_free;
	uint32_t *queue, head, tail;	  /* ring: waiting for the rate */
	uint32_t *heap, n_heap;		  /* on the air, soonest first */
	uint64_t queued_bytes, served_ns; /* when the first of the queue has left */
	uint64_t order, loss_seed, jitter_seed, burst_seed, next_burst_ns;
	uint32_t burst_left;
	uint32_t held; /* what link_take() gave out; MAX_PACKETS = nothing */
};

uint64_t sim_rand(uint64_t *state)
{
	uint64_t x = *state;
	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * UINT64_C(0x2545F4914F6CDD1D);
}

int link_create(struct link **out, const struct sim_link_params *params)
{
	struct link *l = calloc(1, sizeof(*l));
	*out = l;
	if (!l)
		return PF_E_NOMEM;
	l->p = *params;
	l->packets = calloc(MAX_PACKETS, sizeof(*l->packets));
	l->free_list = calloc(MAX_PACKETS, sizeof(*l->free_list));
	l->queue = calloc(MAX_PACKETS, sizeof(*l->queue));
	l->heap = calloc(MAX_PACKETS, sizeof(*l->heap));
	if (!l->packets || !l->free_list || !l->queue || !l->heap)
		return PF_E_NOMEM;
	for (uint32_t i = 0; i < MAX_PACKETS; i++)
		l->free_list[l->n_free++] = MAX_PACKETS - 1 - i;
	l->loss_seed = 11;
	l->jitter_seed = 22;
	l->burst_seed = 33;
	l->held = MAX_PACKETS;
	l->next_burst_ns = params->burst_every_ns ? params->burst_every_ns : UINT64_MAX;
	return PF_OK;
}

void link_destroy(struct link *l)
{
	if (!l)
		return;
	free(l->heap);
	free(l->queue);
	free(l->free_list);
	free(l->packets);
	free(l);
}

static uint64_t rate_kbps(const struct link *l, uint64_t now_ns)
{
	const struct sim_step *s = l->p.steps;
	uint64_t ms = now_ns / SIM_MS;
	if (l->p.repeat_s)
		ms %= l->p.repeat_s * 1000;
	unsigned i = 0;
	while (i + 1 < SIM_MAX_STEPS && s[i + 1].kbps && ms >= s[i + 1].at_s * UINT64_C(1000))
		i++;
	if (!l->p.ramp || i + 1 == SIM_MAX_STEPS || !s[i + 1].kbps)
		return s[i].kbps;
	uint64_t span = (s[i + 1].at_s - s[i].at_s) * UINT64_C(1000);
	uint64_t into = ms - s[i].at_s * UINT64_C(1000);
	return (s[i].kbps * (span - into) + s[i + 1].kbps * into) / span;
}

static uint64_t wire_ns(const struct link *l, uint64_t bytes, uint64_t now_ns)
{
	return bytes * 8 * SIM_MS / rate_kbps(l, now_ns);
}

static bool is_before(const struct link *l, uint32_t a, uint32_t b)
{
	const struct link_packet *pa = &l->packets[a], *pb = &l->packets[b];
	return pa->at_ns != pb->at_ns ? pa->at_ns < pb->at_ns : pa->order < pb->order;
}

static void heap_add(struct link *l, uint32_t id)
{
	uint32_t i = l->n_heap++;
	while (i && is_before(l, id, l->heap[(i - 1) / 2])) {
		l->heap[i] = l->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	l->heap[i] = id;
}

static uint32_t heap_take(struct link *l)
{
	uint32_t first = l->heap[0], last = l->heap[--l->n_heap], i = 0;
	for (;;) {
		uint32_t child = 2 * i + 1;
		if (child >= l->n_heap)
			break;
		if (child + 1 < l->n_heap && is_before(l, l->heap[child + 1], l->heap[child]))
			child++;
		if (!is_before(l, l->heap[child], last))
			break;
		l->heap[i] = l->heap[child];
		i = child;
	}
	l->heap[i] = last;
	return first;
}

static bool is_lost(struct link *l, uint64_t now_ns)
{
	if (now_ns >= l->next_burst_ns) {
		l->burst_left = l->p.burst_packets;
		/* Between half and one and a half times the mean, so that it beats with nothing. */
		l->next_burst_ns = now_ns + l->p.burst_every_ns / 2 +
			sim_below(&l->burst_seed, l->p.burst_every_ns);
	}
	if (l->burst_left) {
		l->burst_left--;
		return true;
	}
	return l->p.loss_ppm && sim_below(&l->loss_seed, PPM) < l->p.loss_ppm;
}

/* Lets what the rate has carried by now leave the queue. */
static void serve(struct link *l, uint64_t now_ns)
{
	while (l->head != l->tail && l->served_ns <= now_ns) {
		uint32_t id = l->queue[l->head++ % MAX_PACKETS];
		struct link_packet *p = &l->packets[id];
		uint64_t left_ns = l->served_ns;
		l->queued_bytes -= p->len + LINK_FRAMING;
		if (is_lost(l, left_ns)) {
			l->free_list[l->n_free++] = id;
		} else {
			p->at_ns = left_ns + l->p.delay_ns +
				sim_below(&l->jitter_seed, l->p.jitter_ns);
			heap_add(l, id);
		}
		if (l->head != l->tail) {
			const struct link_packet *next =
				&l->packets[l->queue[l->head % MAX_PACKETS]];
			l->served_ns = left_ns + wire_ns(l, next->len + LINK_FRAMING, left_ns);
		}
	}
}

void link_send(
	struct link *l, enum link_kind kind, const uint8_t *data, size_t len, uint64_t now_ns)
{
	serve(l, now_ns);
	if (len > LINK_PACKET_MAX || !l->n_free ||
		l->queued_bytes + len + LINK_FRAMING > l->p.queue_bytes)
		return;
	uint32_t id = l->free_list[--l->n_free];
	struct link_packet *p = &l->packets[id];
	p->kind = kind;
	p->sent_ns = now_ns;
	p->order = l->order++;
	p->len = len;
	memcpy(p->data, data, len);
	if (l->head == l->tail)
		l->served_ns = now_ns + wire_ns(l, len + LINK_FRAMING, now_ns);
	l->queue[l->tail++ % MAX_PACKETS] = id;
	l->queued_bytes += len + LINK_FRAMING;
}

uint64_t link_queue_ns(const struct link *l, uint64_t now_ns)
{
	return wire_ns(l, l->queued_bytes, now_ns);
}

uint64_t link_next_ns(const struct link *l)
{
	uint64_t queue = l->head == l->tail ? UINT64_MAX : l->served_ns;
	uint64_t air = l->n_heap ? l->packets[l->heap[0]].at_ns : UINT64_MAX;
	return queue < air ? queue : air;
}

struct link_packet *link_take(struct link *l, uint64_t now_ns)
{
	if (l->held != MAX_PACKETS)
		l->free_list[l->n_free++] = l->held;
	l->held = MAX_PACKETS;
	serve(l, now_ns);
	if (!l->n_heap || l->packets[l->heap[0]].at_ns > now_ns)
		return NULL;
	l->held = heap_take(l);
	return &l->packets[l->held];
}
