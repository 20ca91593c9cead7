/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_FEC_CAUCHY_H
#define PF_FEC_CAUCHY_H

#include <stddef.h>
#include <stdint.h>

/*
 * Both codes give each shard a point and have parity_y = sum over data x of d_x * w_x * w_y / (x ^ y)
 * with weights w that depend on one point only. A lost d_e is then a sum over any k known shards,
 *   d_e = sum over s of known_s * u_e * g_s / (e ^ s),
 * with u and g products over the lost and the used parity points: the l x l system is solved in
 * closed form, with no elimination and no second pass over the data. Everything is a logarithm.
 */
struct pf_cauchy {
	const uint16_t *log; /* of the XOR of any two points; log[0] must be 0 */
	uint32_t order;	     /* logarithms are modulo this */
	/* Set by the caller: */
	const uint16_t *lost;	/* points of the n_lost missing data shards */
	const uint16_t *used;	/* points of n_lost present parity shards */
	const uint16_t *known;	/* points of n_known shards: present data and the used parity */
	const uint16_t *weight; /* log of the weight of each known shard */
	const uint16_t *lost_weight;
	size_t n_lost, n_known;
	int solved; /* gains are those of pf_cauchy_solve; otherwise the code's own weights */
	/* Filled by pf_cauchy_solve, memory of the caller: */
	uint16_t *lost_gain;  /* log u, n_lost entries */
	uint16_t *known_gain; /* log g, n_known entries */
};

/* weight of a known shard: w_x of data, 1/w_y of parity (as logarithms). */
void pf_cauchy_solve(struct pf_cauchy *c);

/* Logarithm of the coefficient of known shard s in lost shard e. */
static inline uint32_t pf_cauchy_coef(const struct pf_cauchy *c, size_t e, size_t s)
{
	uint32_t v = (uint32_t)c->lost_gain[e] + c->known_gain[s];
	v = v >= c->order ? v - c->order : v;
	v += c->order - c->log[c->lost[e] ^ c->known[s]];
	return v >= c->order ? v - c->order : v;
}

#endif
