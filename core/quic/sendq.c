/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/quic/sendq.h"

#include <string.h>

#include "core/base/alloc.h"
#include "core/base/bytes.h"

#define CHUNK_CAP 4000u /* control messages are tens of bytes: many share a chunk */
#define LEN_FIELD 2u

struct pf_sendq_chunk {
	struct pf_sendq_chunk *next;
	size_t cap, used;
	uint8_t data[];
};

static void chunk_free(struct pf_sendq_chunk *c)
{
	/* A Welcome with the media key went through here. */
	pf_free_secret(c, sizeof *c + c->cap);
}

void pf_sendq_finish(struct pf_sendq *q)
{
	while (q->head) {
		struct pf_sendq_chunk *next = q->head->next;
		chunk_free(q->head);
		q->head = next;
	}
	*q = (struct pf_sendq){0};
}

int pf_sendq_push(struct pf_sendq *q, const void *data, size_t len, size_t limit)
{
	if (!len)
		return PF_OK;
	if (q->n_unacked > limit || len > limit - q->n_unacked)
		return PF_E_FULL;
	struct pf_sendq_chunk *c = q->tail;
	if (!c || c->cap - c->used < len) {
		size_t cap = len > CHUNK_CAP ? len : CHUNK_CAP;
		c = pf_calloc(1, sizeof *c + cap);
		if (!c)
			return PF_E_NOMEM;
		c->cap = cap;
		if (q->tail)
			q->tail->next = c;
		else
			q->head = c;
		q->tail = c;
	}
	if (!q->cursor) {
		q->cursor = c;
		q->cursor_pos = c->used;
	}
	memcpy(c->data + c->used, data, len);
	c->used += len;
	q->n_unacked += len;
	return PF_OK;
}

const uint8_t *pf_sendq_peek(const struct pf_sendq *q, size_t *len, bool *last)
{
	*len = q->cursor ? q->cursor->used - q->cursor_pos : 0;
	*last = !q->cursor || !q->cursor->next;
	return q->cursor ? q->cursor->data + q->cursor_pos : NULL;
}

void pf_sendq_sent(struct pf_sendq *q, size_t len)
{
	if (!len)
		return;
	pf_check(q->cursor && len <= q->cursor->used - q->cursor_pos);
	q->cursor_pos += len;
	if (q->cursor_pos == q->cursor->used) {
		q->cursor = q->cursor->next;
		q->cursor_pos = 0;
	}
}

void pf_sendq_acked(struct pf_sendq *q, uint64_t offset)
{
	while (q->head && offset >= q->head_offset + q->head->used && q->head != q->cursor) {
		struct pf_sendq_chunk *c = q->head;
		q->head_offset += c->used;
		q->n_unacked -= c->used;
		q->head = c->next;
		if (!q->head)
			q->tail = NULL;
		chunk_free(c);
	}
}

int pf_dgramq_push(struct pf_dgramq *q, const void *data, size_t len)
{
	if (!len || len > PF_DGRAMQ_CAP - LEN_FIELD)
		return PF_E_INVALID;
	while (PF_DGRAMQ_CAP - q->used < LEN_FIELD + len) {
		pf_dgramq_pop(q);
		q->n_dropped++;
	}
	pf_put_le16(q->buf + q->used, (uint16_t)len);
	memcpy(q->buf + q->used + LEN_FIELD, data, len);
	q->used += LEN_FIELD + len;
	return PF_OK;
}

const uint8_t *pf_dgramq_peek(const struct pf_dgramq *q, size_t *len)
{
	*len = q->used ? pf_get_le16(q->buf) : 0;
	return q->used ? q->buf + LEN_FIELD : NULL;
}

void pf_dgramq_pop(struct pf_dgramq *q)
{
	pf_check(q->used >= LEN_FIELD);
	size_t n = LEN_FIELD + pf_get_le16(q->buf);
	q->used -= n;
	memmove(q->buf, q->buf + n, q->used);
}
