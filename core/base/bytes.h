/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_BASE_BYTES_H
#define PF_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The one place where wire integers are read and written. No alignment is assumed. */

static inline uint16_t pf_get_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t pf_get_le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t pf_get_le64(const uint8_t *p)
{
	return (uint64_t)pf_get_le32(p) | (uint64_t)pf_get_le32(p + 4) << 32;
}

static inline uint16_t pf_get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t pf_get_be32(const uint8_t *p)
{
	return (uint32_t)pf_get_be16(p) << 16 | pf_get_be16(p + 2);
}

static inline uint64_t pf_get_be64(const uint8_t *p)
{
	uint64_t v = 0;
	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

static inline void pf_put_le16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void pf_put_le32(uint8_t *p, uint32_t v)
{
	pf_put_le16(p, (uint16_t)v);
	pf_put_le16(p + 2, (uint16_t)(v >> 16));
}

static inline void pf_put_le64(uint8_t *p, uint64_t v)
{
	pf_put_le32(p, (uint32_t)v);
	pf_put_le32(p + 4, (uint32_t)(v >> 32));
}

static inline void pf_put_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void pf_put_be32(uint8_t *p, uint32_t v)
{
	pf_put_be16(p, (uint16_t)(v >> 16));
	pf_put_be16(p + 2, (uint16_t)v);
}

static inline void pf_put_be64(uint8_t *p, uint64_t v)
{
	for (int i = 7; i >= 0; i--) {
		p[i] = (uint8_t)v;
		v >>= 8;
	}
}

/*
 * A reader that cannot run past its end: after the first short read `ok` is false, every later
 * read gives zero, and the caller checks `ok` once at the end.
 */
struct pf_reader {
	const uint8_t *p, *end;
	bool ok;
};

static inline struct pf_reader pf_reader_make(const uint8_t *data, size_t len)
{
	return (struct pf_reader){.p = data, .end = data + len, .ok = true};
}

static inline size_t pf_reader_left(const struct pf_reader *r)
{
	return (size_t)(r->end - r->p);
}

/* Borrowed pointer to the next len bytes, or NULL (and ok = false) when there are fewer. */
static inline const uint8_t *pf_read_bytes(struct pf_reader *r, size_t len)
{
	if (!r->ok || pf_reader_left(r) < len) {
		r->ok = false;
		return NULL;
	}
	const uint8_t *p = r->p;
	r->p += len;
	return p;
}

static inline uint8_t pf_read_u8(struct pf_reader *r)
{
	const uint8_t *p = pf_read_bytes(r, 1);
	return p ? p[0] : 0;
}

static inline uint16_t pf_read_le16(struct pf_reader *r)
{
	const uint8_t *p = pf_read_bytes(r, 2);
	return p ? pf_get_le16(p) : 0;
}

static inline uint32_t pf_read_le32(struct pf_reader *r)
{
	const uint8_t *p = pf_read_bytes(r, 4);
	return p ? pf_get_le32(p) : 0;
}

static inline uint64_t pf_read_le64(struct pf_reader *r)
{
	const uint8_t *p = pf_read_bytes(r, 8);
	return p ? pf_get_le64(p) : 0;
}

static inline uint16_t pf_read_be16(struct pf_reader *r)
{
	const uint8_t *p = pf_read_bytes(r, 2);
	return p ? pf_get_be16(p) : 0;
}

static inline uint32_t pf_read_be32(struct pf_reader *r)
{
	const uint8_t *p = pf_read_bytes(r, 4);
	return p ? pf_get_be32(p) : 0;
}

/* The writer's twin: after the first write that does not fit, ok is false and nothing is stored. */
struct pf_writer {
	uint8_t *start, *p, *end;
	bool ok;
};

static inline struct pf_writer pf_writer_make(uint8_t *data, size_t cap)
{
	return (struct pf_writer){.start = data, .p = data, .end = data + cap, .ok = data != NULL};
}

static inline size_t pf_writer_len(const struct pf_writer *w)
{
	return (size_t)(w->p - w->start);
}

static inline uint8_t *pf_write_space(struct pf_writer *w, size_t len)
{
	if (!w->ok || (size_t)(w->end - w->p) < len) {
		w->ok = false;
		return NULL;
	}
	uint8_t *p = w->p;
	w->p += len;
	return p;
}

static inline void pf_write_bytes(struct pf_writer *w, const void *data, size_t len)
{
	uint8_t *p = pf_write_space(w, len);
	if (p && len)
		memcpy(p, data, len);
}

static inline void pf_write_u8(struct pf_writer *w, uint8_t v)
{
	pf_write_bytes(w, &v, 1);
}

static inline void pf_write_le16(struct pf_writer *w, uint16_t v)
{
	uint8_t *p = pf_write_space(w, 2);
	if (p)
		pf_put_le16(p, v);
}

static inline void pf_write_le32(struct pf_writer *w, uint32_t v)
{
	uint8_t *p = pf_write_space(w, 4);
	if (p)
		pf_put_le32(p, v);
}

static inline void pf_write_le64(struct pf_writer *w, uint64_t v)
{
	uint8_t *p = pf_write_space(w, 8);
	if (p)
		pf_put_le64(p, v);
}

#endif
