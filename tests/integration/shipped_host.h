/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_INTEGRATION_SHIPPED_HOST_H
#define TESTS_INTEGRATION_SHIPPED_HOST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/wire/control.h"
#include "core/wire/handshake.h"

/*
 * A host as the field has them, on a thread of its own: it answers Hello as a variant says, sends five
 * frames once it was punched, and closes. What a client said is kept for the test to look at.
 */

#define SHIPPED_FRAMES 5u

struct shipped_variant {
	const char *name;
	size_t welcome_len; /* cut there, as older hosts are shorter; 0 = all of it */
	uint8_t scheme, percent;
	uint16_t per_block, shard;
	bool clear, chacha;	 /* not sealed; the other cipher */
	bool block_by_block;	 /* the parity of a block before the next block */
	uint8_t codec;		 /* one bit */
	size_t frame_len;	 /* bytes */
	bool lose_frame;	 /* the third never comes, the fifth is a recovery anchor */
	uint64_t close_on_hello; /* refuse with this code; 0 = serve */
	uint32_t version;	 /* of Welcome; 0 = ours */
};

struct shipped_seen {
	uint8_t hello[256], start[64];
	size_t hello_len, start_len;
	unsigned n_probes, n_punches, n_rfi, n_early; /* early: typed messages before Start */
	uint32_t rfi_first, rfi_last;
	uint16_t punch_port;
};

struct shipped;

struct shipped *shipped_start(const struct shipped_variant *v);
int shipped_port(const struct shipped *s);
/* Joins the thread; *seen may be NULL. */
void shipped_stop(struct shipped *s, struct shipped_seen *seen);
/* Frame `index` of a variant. */
void shipped_fill(const struct shipped_variant *v, uint32_t index, uint8_t *au);

#endif
