/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/wire/body.h"
#include "core/wire/text.h"

/* Words for a person: what is no text reads as none, so that the code beside it is not lost. */
static struct pf_span read_words(struct pf_reader *r, size_t len)
{
	struct pf_span s = pf_read_span(r, len);
	return pf_text_valid(s.data, s.len) ? s : (struct pf_span){0};
}

static bool words_ok(const struct pf_span *s, size_t max)
{
	return s->len <= max && (!s->len || (s->data && pf_text_valid(s->data, s->len)));
}

/* Refused: 5 code u32, 9 reason length u16 || UTF-8. */
static int read_refused(struct pf_reader *r, struct pf_msg *m)
{
	m->refused.code = pf_read_le32(r);
	size_t len = pf_read_le16(r);
	if (len > PF_REASON_MAX)
		return PF_E_BAD_PACKET;
	m->refused.reason = read_words(r, len);
	return PF_OK;
}

static bool refused_ok(const struct pf_msg *m)
{
	return words_ok(&m->refused.reason, PF_REASON_MAX);
}

static size_t refused_len(const struct pf_msg *m)
{
	return 4 + 2 + m->refused.reason.len;
}

static void write_refused(struct pf_writer *w, const struct pf_msg *m)
{
	pf_write_le32(w, m->refused.code);
	pf_write_le16(w, (uint16_t)m->refused.reason.len);
	pf_write_bytes(w, m->refused.reason.data, m->refused.reason.len);
}

const struct pf_body pf_body_refused = {read_refused, refused_ok, refused_len, write_refused};

/* LaunchOutcome: 5 kind u8, 6 text length u8 || UTF-8. */
static int read_launch(struct pf_reader *r, struct pf_msg *m)
{
	m->launch.kind = pf_read_u8(r);
	size_t len = pf_read_u8(r);
	if (len > PF_LAUNCH_TEXT_MAX)
		return PF_E_BAD_PACKET;
	m->launch.text = read_words(r, len);
	return m->launch.kind <= PF_LAUNCH_SIGN_IN ? PF_OK : PF_E_UNSUPPORTED;
}

static bool launch_ok(const struct pf_msg *m)
{
	return m->launch.kind <= PF_LAUNCH_SIGN_IN && words_ok(&m->launch.text, PF_LAUNCH_TEXT_MAX);
}

static size_t launch_len(const struct pf_msg *m)
{
	return 1 + 1 + m->launch.text.len;
}

static void write_launch(struct pf_writer *w, const struct pf_msg *m)
{
	pf_write_u8(w, m->launch.kind);
	pf_write_u8(w, (uint8_t)m->launch.text.len);
	pf_write_bytes(w, m->launch.text.data, m->launch.text.len);
}

const struct pf_body pf_body_launch_outcome = {read_launch, launch_ok, launch_len, write_launch};
