/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_QUIC_SENDQ_H
#define PF_QUIC_SENDQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/* What waits to be sent: the bytes of one stream until they are acknowledged, and datagrams. */

struct pf_sendq_chunk;

/* Bytes stay where they are from push until acked, as QUIC retransmits out of them. Zeroed = empty. */
struct pf_sendq {
	struct pf_sendq_chunk *head, *tail;
	struct pf_sendq_chunk *cursor; /* the chunk that holds the next unsent byte; NULL = none */
	size_t cursor_pos;
	uint64_t head_offset; /* stream offset of head's first byte */
	size_t n_unacked;
};

void pf_sendq_finish(struct pf_sendq *q);
/* Errors: PF_E_FULL (above limit, nothing queued), PF_E_NOMEM. */
int pf_sendq_push(struct pf_sendq *q, const void *data, size_t len, size_t limit) PF_MUST_CHECK;
/* The next unsent bytes that lie together; NULL and 0 = none. *last = nothing follows them. */
const uint8_t *pf_sendq_peek(const struct pf_sendq *q, size_t *len, bool *last);
void pf_sendq_sent(struct pf_sendq *q, size_t len);
/* Everything below this stream offset is acknowledged. */
void pf_sendq_acked(struct pf_sendq *q, uint64_t offset);

#define PF_DGRAMQ_CAP 4096u /* bytes, each datagram's length field included */

struct pf_dgramq {
	size_t used;
	uint64_t n_dropped;
	uint8_t buf[PF_DGRAMQ_CAP]; /* length u16 || bytes, oldest first */
};

/* Drops the oldest until it fits. Errors: PF_E_INVALID (never fits). */
int pf_dgramq_push(struct pf_dgramq *q, const void *data, size_t len) PF_MUST_CHECK;
/* The oldest, or NULL. */
const uint8_t *pf_dgramq_peek(const struct pf_dgramq *q, size_t *len);
void pf_dgramq_pop(struct pf_dgramq *q);

#endif
