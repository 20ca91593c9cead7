/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_SUPPORT_NV_GF_H
#define TESTS_SUPPORT_NV_GF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Erasure repair as GameStream clients do it, slow and simple, and written without a look at core/fec: a
 * second opinion. row(p, j, i) is the coefficient of data shard i in parity shard j of p.
 */
typedef uint8_t (*nv_row_fn)(size_t p, size_t j, size_t i);

uint8_t nv_gf_mul(uint8_t a, uint8_t b);
uint8_t nv_cauchy_row(size_t p, size_t j, size_t i); /* video */
uint8_t nv_audio_row(size_t p, size_t j, size_t i);  /* audio: the fixed 2 x 4 */

/*
 * shards[0..d-1] data, [d..d+p-1] parity, NULL = lost; fresh[i] is memory for data shard i, taken when it is
 * lost. false: too few. On success all data pointers are set.
 */
bool nv_repair(
	uint8_t **shards, uint8_t *const *fresh, size_t d, size_t p, size_t len, nv_row_fn row);

#endif
