/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include "core/wire/body.h"
#include "core/wire/control.h"
#include "core/wire/text.h"

#define FLAG_FILES 1u

static bool mime_ok(const struct pf_span *s, size_t min)
{
	return s->len >= min && s->len <= PF_CLIP_MIME_MAX && (s->data || !s->len) &&
		pf_text_printable(s->data, s->len);
}

/* Length u8 || MIME name. r->ok is false after one that is out of range. */
static struct pf_span read_mime(struct pf_reader *r, size_t min)
{
	struct pf_span s = pf_read_span(r, pf_read_u8(r));
	if (!mime_ok(&s, min))
		r->ok = false;
	return s;
}

static void write_mime(struct pf_writer *w, const struct pf_span *mime)
{
	pf_write_u8(w, (uint8_t)mime->len);
	pf_write_bytes(w, mime->data, mime->len);
}

/* ClipControl: 5 enabled u8, 6 flags u8 (bit 0 files; the others mean nothing yet). */
static int read_control(struct pf_reader *r, struct pf_msg *m)
{
	m->clip_control.enabled = pf_read_u8(r) != 0;
	m->clip_control.files = pf_read_u8(r) & FLAG_FILES;
	return PF_OK;
}

static bool control_ok(const struct pf_msg *m)
{
	(void)m;
	return true;
}

static size_t control_len(const struct pf_msg *m)
{
	(void)m;
	return 2;
}

static void write_control(struct pf_writer *w, const struct pf_msg *m)
{
	pf_write_u8(w, m->clip_control.enabled);
	pf_write_u8(w, m->clip_control.files ? FLAG_FILES : 0);
}

const struct pf_body pf_body_clip_control = {read_control, control_ok, control_len, write_control};

/* ClipOffer: 5 seq u32, 9 count u8, then count times: MIME length u8 || name || size hint u64. */
static int read_offer(struct pf_reader *r, struct pf_msg *m)
{
	m->clip_offer.seq = pf_read_le32(r);
	m->clip_offer.n_kinds = pf_read_u8(r);
	if (m->clip_offer.n_kinds > PF_CLIP_MAX_OFFERS)
		return PF_E_BAD_PACKET;
	for (unsigned i = 0; i < m->clip_offer.n_kinds && r->ok; i++) {
		m->clip_offer.kinds[i].mime = read_mime(r, 1);
		m->clip_offer.kinds[i].size_hint = pf_read_le64(r);
	}
	return PF_OK;
}

static bool offer_ok(const struct pf_msg *m)
{
	if (m->clip_offer.n_kinds > PF_CLIP_MAX_OFFERS)
		return false;
	for (unsigned i = 0; i < m->clip_offer.n_kinds; i++)
		if (!mime_ok(&m->clip_offer.kinds[i].mime, 1))
			return false;
	return true;
}

static size_t offer_len(const struct pf_msg *m)
{
	size_t len = 4 + 1;
	for (unsigned i = 0; i < m->clip_offer.n_kinds; i++)
		len += 1 + m->clip_offer.kinds[i].mime.len + 8;
	return len;
}

static void write_offer(struct pf_writer *w, const struct pf_msg *m)
{
	pf_write_le32(w, m->clip_offer.seq);
	pf_write_u8(w, m->clip_offer.n_kinds);
	for (unsigned i = 0; i < m->clip_offer.n_kinds; i++) {
		write_mime(w, &m->clip_offer.kinds[i].mime);
		pf_write_le64(w, m->clip_offer.kinds[i].size_hint);
	}
}

const struct pf_body pf_body_clip_offer = {read_offer, offer_ok, offer_len, write_offer};

/* ClipFetch: 5 seq u32, 9 file index u32, 13 MIME length u8 || name (may be empty beside a file's index). */
static int read_fetch(struct pf_reader *r, struct pf_msg *m)
{
	m->clip_fetch.seq = pf_read_le32(r);
	m->clip_fetch.file_index = pf_read_le32(r);
	m->clip_fetch.mime = read_mime(r, m->clip_fetch.file_index == PF_CLIP_INDEX_NONE);
	return PF_OK;
}

static bool fetch_ok(const struct pf_msg *m)
{
	return mime_ok(&m->clip_fetch.mime, m->clip_fetch.file_index == PF_CLIP_INDEX_NONE);
}

static size_t fetch_len(const struct pf_msg *m)
{
	return 4 + 4 + 1 + m->clip_fetch.mime.len;
}

static void write_fetch(struct pf_writer *w, const struct pf_msg *m)
{
	pf_write_le32(w, m->clip_fetch.seq);
	pf_write_le32(w, m->clip_fetch.file_index);
	write_mime(w, &m->clip_fetch.mime);
}

const struct pf_body pf_body_clip_fetch = {read_fetch, fetch_ok, fetch_len, write_fetch};

/* 0 `PKFs`, 4 kind u8 (1 = transfer of what was copied). A frame is never as long as these two would say: 0x4B50. */
int pf_clip_head_read(const uint8_t *data, size_t len)
{
	static const char head[] = PF_CLIP_HEAD;
	const size_t kind_at = PF_CLIP_HEAD_LEN - 1;
	if (memcmp(data, head, len < kind_at ? len : kind_at) != 0)
		return 0;
	if (len <= kind_at)
		return PF_E_AGAIN;
	return data[kind_at] == (uint8_t)head[kind_at] ? (int)PF_CLIP_HEAD_LEN : PF_E_UNSUPPORTED;
}
