/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include "core/wire/body.h"
#include "core/wire/text.h"

static bool spake_ok(const struct pf_span *s)
{
	return s->data && s->len && s->len <= PF_SPAKE_MSG_MAX;
}

/*
 * PairRequest: 5 name length u8 || name, then SPAKE message length u16 || message, then nothing or device key
 * length u16 || key.
 */
static int read_request(struct pf_reader *r, struct pf_msg *m)
{
	m->pair_request.name = pf_read_span(r, pf_read_u8(r));
	/* As in Hello: a name is words for a person, never a reason to fail. */
	if (m->pair_request.name.len > PF_NAME_MAX ||
		!pf_text_valid(m->pair_request.name.data, m->pair_request.name.len))
		m->pair_request.name = (struct pf_span){0};
	m->pair_request.spake = pf_read_span(r, pf_read_le16(r));
	if (!r->ok || !spake_ok(&m->pair_request.spake))
		return PF_E_BAD_PACKET;
	if (!pf_reader_left(r))
		return PF_OK;
	m->pair_request.device_key = pf_read_span(r, pf_read_le16(r));
	if (m->pair_request.device_key.len > PF_DEVICE_KEY_MAX)
		return PF_E_BAD_PACKET;
	if (!m->pair_request.device_key.len)
		m->pair_request.device_key = (struct pf_span){0};
	return PF_OK;
}

static bool request_ok(const struct pf_msg *m)
{
	const struct pf_span *name = &m->pair_request.name, *key = &m->pair_request.device_key;
	return name->len <= PF_NAME_MAX && (!name->len || pf_text_valid(name->data, name->len)) &&
		spake_ok(&m->pair_request.spake) &&
		(key->data ? key->len && key->len <= PF_DEVICE_KEY_MAX : !key->len);
}

static size_t request_len(const struct pf_msg *m)
{
	size_t len = 1 + m->pair_request.name.len + 2 + m->pair_request.spake.len;
	return m->pair_request.device_key.data ? len + 2 + m->pair_request.device_key.len : len;
}

static void write_request(struct pf_writer *w, const struct pf_msg *m)
{
	const struct pf_span *name = &m->pair_request.name, *spake = &m->pair_request.spake;
	const struct pf_span *key = &m->pair_request.device_key;
	pf_write_u8(w, (uint8_t)name->len);
	pf_write_bytes(w, name->data, name->len);
	pf_write_le16(w, (uint16_t)spake->len);
	pf_write_bytes(w, spake->data, spake->len);
	if (!key->data)
		return;
	pf_write_le16(w, (uint16_t)key->len);
	pf_write_bytes(w, key->data, key->len);
}

const struct pf_body pf_body_pair_request = {read_request, request_ok, request_len, write_request};

/* PairChallenge: 5 SPAKE message length u16 || message, then the confirmation 32. */
static int read_challenge(struct pf_reader *r, struct pf_msg *m)
{
	m->pair_challenge.spake = pf_read_span(r, pf_read_le16(r));
	const uint8_t *confirm = pf_read_bytes(r, PF_PAIR_CONFIRM_LEN);
	if (!confirm || !spake_ok(&m->pair_challenge.spake))
		return PF_E_BAD_PACKET;
	memcpy(m->pair_challenge.confirm, confirm, PF_PAIR_CONFIRM_LEN);
	return PF_OK;
}

static bool challenge_ok(const struct pf_msg *m)
{
	return spake_ok(&m->pair_challenge.spake);
}

static size_t challenge_len(const struct pf_msg *m)
{
	return 2 + m->pair_challenge.spake.len + PF_PAIR_CONFIRM_LEN;
}

static void write_challenge(struct pf_writer *w, const struct pf_msg *m)
{
	pf_write_le16(w, (uint16_t)m->pair_challenge.spake.len);
	pf_write_bytes(w, m->pair_challenge.spake.data, m->pair_challenge.spake.len);
	pf_write_bytes(w, m->pair_challenge.confirm, PF_PAIR_CONFIRM_LEN);
}

const struct pf_body pf_body_pair_challenge = {
	read_challenge, challenge_ok, challenge_len, write_challenge};
