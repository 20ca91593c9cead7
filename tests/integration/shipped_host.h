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
	bool stay;		 /* sends nothing and stays: the test plays it, see below */
	uint8_t host_caps, host_caps2;
	uint32_t expires_s;
};

struct shipped_seen {
	uint8_t hello[256], start[64];
	size_t hello_len, start_len;
	unsigned n_probes, n_punches, n_rfi, n_early; /* early: typed messages before Start */
	uint32_t rfi_first, rfi_last;
	uint16_t punch_port;
};

struct shipped;

/* --- a host that stays: the test says what it sends, and looks at all that comes --- */

#define SHIPPED_LOG  8192u /* messages, datagrams and pieces of streams, the newest */
#define SHIPPED_ITEM 2600u

enum shipped_way { SHIPPED_MSG, SHIPPED_DATAGRAM, SHIPPED_STREAM };
struct shipped_item {
	enum shipped_way way;
	int64_t stream;
	bool fin, reset;
	size_t len;
	uint8_t data[SHIPPED_ITEM]; /* of a message the payload */
};

/* Runs fn on the host's thread and waits for it: all calls below belong inside. */
void shipped_call(struct shipped *s, void (*fn)(struct shipped *s, void *arg), void *arg);
void shipped_msg(struct shipped *s, const struct pf_msg *m);
void shipped_datagram(struct shipped *s, const uint8_t *data, size_t len);
/* Returns an error where QUIC does. */
int64_t shipped_open(struct shipped *s);
int shipped_bytes(struct shipped *s, int64_t stream, const void *data, size_t len, bool fin);
void shipped_reset(struct shipped *s, int64_t stream);
/* Frame `index` of the variant in packets of `shard` bytes, with these user flags. */
void shipped_frame(struct shipped *s, uint32_t index, uint16_t shard, uint32_t user_flags);
void shipped_close(struct shipped *s, uint64_t code, const char *reason);

/* The next thing of its way that came and was not looked at yet; false after 5 s. Thread: the test's. */
bool shipped_next(struct shipped *s, enum shipped_way way, struct shipped_item *out);

struct shipped *shipped_start(const struct shipped_variant *v);
int shipped_port(const struct shipped *s);
/* Joins the thread; *seen may be NULL. */
void shipped_stop(struct shipped *s, struct shipped_seen *seen);
/* Frame `index` of a variant. */
void shipped_fill(const struct shipped_variant *v, uint32_t index, uint8_t *au);

#endif
