/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/flow/pacer.h"

#include <stdbool.h>

#define NS_PER_S UINT64_C(1000000000)

/*
 * Credit grows by rate * time and is capped, so time * rate is only taken for times that the cap
 * bounds: at most (2^30 bytes + one wait) * 1e9, which fits in 64 bits.
 */

int pf_pacer_init(struct pf_pacer *p, const struct pf_pacer_params *params, uint64_t now_ns)
{
	if (params->rate_bps > PF_PACER_MAX_RATE_BPS || params->burst_bytes > PF_PACER_MAX_BURST ||
		params->min_wait_ns > NS_PER_S)
		return PF_E_INVALID;
	*p = (struct pf_pacer){
		.rate = params->rate_bps / 8,
		.credit = params->burst_bytes,
		.last_ns = now_ns,
		.min_wait_ns = params->min_wait_ns ? params->min_wait_ns : PF_PACER_DEFAULT_WAIT_NS,
		.max_spread_ns = params->max_spread_ns,
		.burst = params->burst_bytes,
	};
	if (params->rate_bps && !p->rate)
		p->rate = 1;
	p->fast = p->rate;
	return PF_OK;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* What a wake-up should be worth. */
static uint64_t quantum(const struct pf_pacer *p)
{
	uint64_t bytes = p->fast / NS_PER_S * p->min_wait_ns;
	return least(bytes + p->fast % NS_PER_S * p->min_wait_ns / NS_PER_S, PF_PACER_MAX_BURST);
}

/* The bucket's size: one packet and one wake-up's worth must fit, however small the burst is. */
static uint64_t cap(const struct pf_pacer *p, size_t packet_len)
{
	return most(p->burst, most(quantum(p), packet_len));
}

/* Nanoseconds until `bytes` have come in, rounded up. */
static uint64_t time_for(const struct pf_pacer *p, uint64_t bytes)
{
	uint64_t need = bytes * NS_PER_S;
	need -= least(need, p->rest);
	return need / p->fast + (need % p->fast != 0);
}

static void refill(struct pf_pacer *p, size_t packet_len, uint64_t now_ns)
{
	if (now_ns <= p->last_ns)
		return;
	uint64_t elapsed = now_ns - p->last_ns, max = cap(p, packet_len);
	p->last_ns = now_ns;
	if (p->credit >= max)
		return;
	if (elapsed >= time_for(p, max - p->credit)) {
		p->credit = max;
		p->rest = 0;
		return;
	}
	uint64_t grown = elapsed * p->fast + p->rest;
	p->credit += grown / NS_PER_S;
	p->rest = grown % NS_PER_S;
}

int pf_pacer_set(struct pf_pacer *p, const struct pf_pacer_params *params, uint64_t now_ns)
{
	struct pf_pacer fresh;
	int err = pf_pacer_init(&fresh, params, now_ns);
	if (err < 0)
		return err;
	if (p->rate)
		refill(p, 0, now_ns);
	/* A pacer without a rate kept no account: it begins with a full bucket. */
	if (p->rate) {
		fresh.credit = least(p->credit, cap(&fresh, 0));
		fresh.rest = p->rest;
	}
	fresh.last_ns = most(p->last_ns, now_ns);
	*p = fresh;
	return PF_OK;
}

void pf_pacer_begin(struct pf_pacer *p, size_t bytes, uint64_t now_ns)
{
	if (!p->rate)
		return;
	/* The pause before this frame earned credit at the link's rate, whatever the last one had. */
	p->fast = p->rate;
	p->credit = least(p->credit, cap(p, 0));
	refill(p, 0, now_ns);
	if (!p->max_spread_ns || bytes > PF_PACER_MAX_BURST)
		return;
	uint64_t needed = (uint64_t)bytes * NS_PER_S / p->max_spread_ns + 1;
	p->fast = least(most(p->rate, needed), PF_PACER_MAX_RATE_BPS / 8);
}

/* Nothing to pace: no rate, or lengths that no datagram has. */
static bool is_free(const struct pf_pacer *p, size_t packet_len)
{
	return !p->rate || !packet_len || packet_len > PF_PACER_MAX_BURST;
}

size_t pf_pacer_take(struct pf_pacer *p, size_t packet_len, size_t n_packets, uint64_t now_ns)
{
	if (is_free(p, packet_len))
		return n_packets;
	refill(p, packet_len, now_ns);
	size_t n = (size_t)least(p->credit / packet_len, n_packets);
	p->credit -= n * packet_len;
	return n;
}

uint64_t pf_pacer_deadline(const struct pf_pacer *p, size_t packet_len, size_t n_packets)
{
	if (is_free(p, packet_len) || !n_packets)
		return p->last_ns;
	uint64_t left = PF_PACER_MAX_BURST;
	if (n_packets < PF_PACER_MAX_BURST / packet_len)
		left = n_packets * packet_len;
	uint64_t want = least(most(quantum(p), packet_len), left);
	if (p->credit >= want)
		return p->last_ns;
	uint64_t deadline;
	if (__builtin_add_overflow(p->last_ns, time_for(p, want - p->credit), &deadline))
		return UINT64_MAX;
	return deadline;
}
