/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/fec/cauchy.h"

/*
 * With f(z) = prod over lost (z ^ x) / prod over used (z ^ y):
 *   g of present data at z is w * f(z); g of a used parity shard is the residue of f at its point,
 *   that is f without its own factor, over w; u of a lost shard is 1/(w * f'(z)), that is 1/f
 *   without its own factor.
 * An own factor needs no test: the XOR is 0 there, and log[0] is 0.
 */

/* Modulo order = 2^bits - 1, where folding the high part in beats a division. */
static uint16_t reduce(uint64_t v, uint32_t order)
{
	unsigned bits = order == 255 ? 8 : 16;
	while (v > order)
		v = (v & order) + (v >> bits);
	return v == order ? 0 : (uint16_t)v;
}

static uint64_t log_f(const struct pf_cauchy *c, uint16_t z)
{
	/* At most 65,536 terms of less than 2^16 on each side. */
	uint64_t num = 0, den = 0;
	const uint16_t *log = c->log, *lost = c->lost, *used = c->used;
	for (size_t t = 0; t < c->n_lost; t++) {
		num += log[z ^ lost[t]];
		den += log[z ^ used[t]];
	}
	return num + (uint64_t)c->n_lost * c->order - den;
}

void pf_cauchy_solve(struct pf_cauchy *c)
{
	c->solved = 1;
	for (size_t s = 0; s < c->n_known; s++)
		c->known_gain[s] = reduce(log_f(c, c->known[s]) + c->weight[s], c->order);
	for (size_t e = 0; e < c->n_lost; e++) {
		uint16_t v = reduce(log_f(c, c->lost[e]) + c->lost_weight[e], c->order);
		c->lost_gain[e] = (uint16_t)(v ? c->order - v : 0);
	}
}
