/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/nv/control.h"

#include <string.h>

#include "core/base/bytes.h"

/*
 * Encrypted:                                    Plain, and inside:
 *
 * off size                                      off size
 *   0    2  0x0001, LE                            0    2  type, LE
 *   2    2  length of what follows, LE            2    2  length of the payload, LE
 *   4    4  sequence, LE                          4    n  payload
 *   8   16  tag
 *  24    n  ciphertext
 *
 * AES-128-GCM, no associated data; IV: sequence 4 LE, six zeros, 'H' or 'C' for who sent it, 'C'.
 */

#define TYPE_ENCRYPTED 0x0001u
#define OUTER_LEN      4u /* type and length */
#define AT_SEQUENCE    4u
#define AT_TAG	       8u

void pf_nv_control_init(struct pf_nv_control *c, struct pf_aead *aead, enum pf_direction seals)
{
	c->aead = aead;
	c->seals = seals;
	c->next_seq = 0;
	pf_replay_init(&c->replay);
}

static void make_iv(uint8_t iv[static PF_AEAD_NONCE_LEN], uint32_t seq, enum pf_direction from)
{
	memset(iv, 0, PF_AEAD_NONCE_LEN);
	pf_put_le32(iv, seq);
	iv[10] = from == PF_HOST_TO_CLIENT ? 'H' : 'C';
	iv[11] = 'C';
}

int pf_nv_control_seal(
	struct pf_nv_control *c, const uint8_t *message, size_t len, uint8_t *out, size_t cap)
{
	if (!len || len > PF_NV_MESSAGE_MAX)
		return PF_E_INVALID;
	if (cap < PF_NV_SEAL_LEN + len)
		return PF_E_FULL;
	if (c->next_seq > UINT32_MAX)
		return PF_E_CLOSED;
	uint8_t iv[PF_AEAD_NONCE_LEN], tag[PF_AEAD_TAG_LEN];
	uint32_t seq = (uint32_t)c->next_seq++;
	make_iv(iv, seq, c->seals);
	/* The tag comes out behind the text, and goes in front of it. */
	memcpy(out + AT_TAG, message, len);
	int err = pf_aead_seal(c->aead, iv, NULL, 0, out + AT_TAG, len);
	if (err)
		return err;
	memcpy(tag, out + AT_TAG + len, sizeof(tag));
	memmove(out + PF_NV_SEAL_LEN, out + AT_TAG, len);
	memcpy(out + AT_TAG, tag, sizeof(tag));
	pf_put_le16(out, TYPE_ENCRYPTED);
	pf_put_le16(out + 2, (uint16_t)(PF_NV_SEAL_LEN - OUTER_LEN + len));
	pf_put_le32(out + AT_SEQUENCE, seq);
	return (int)(PF_NV_SEAL_LEN + len);
}

int pf_nv_control_open(struct pf_nv_control *c, uint8_t *packet, size_t len, uint8_t **message,
	size_t *message_len)
{
	if (len < PF_NV_SEAL_LEN + PF_NV_HEAD_LEN || len > PF_NV_SEAL_LEN + PF_NV_MESSAGE_MAX ||
		pf_get_le16(packet) != TYPE_ENCRYPTED || pf_get_le16(packet + 2) != len - OUTER_LEN)
		return PF_E_BAD_PACKET;
	uint8_t iv[PF_AEAD_NONCE_LEN], tag[PF_AEAD_TAG_LEN];
	uint32_t seq = pf_get_le32(packet + AT_SEQUENCE);
	size_t n = len - PF_NV_SEAL_LEN;
	make_iv(iv, seq, c->seals == PF_HOST_TO_CLIENT ? PF_CLIENT_TO_HOST : PF_HOST_TO_CLIENT);
	memcpy(tag, packet + AT_TAG, sizeof(tag));
	memmove(packet + AT_TAG, packet + PF_NV_SEAL_LEN, n);
	memcpy(packet + AT_TAG + n, tag, sizeof(tag));
	int err = pf_aead_open(c->aead, iv, NULL, 0, packet + AT_TAG, n);
	if (err)
		return err;
	if (!pf_replay_accept(&c->replay, seq))
		return PF_E_BAD_PACKET;
	*message = packet + AT_TAG;
	*message_len = n;
	return PF_OK;
}

enum wire_type {
	TYPE_PING = 0x0200,
	TYPE_LOSS_STATS = 0x0201,
	TYPE_INPUT = 0x0206,
	TYPE_INVALIDATE = 0x0301,
	TYPE_REQUEST_IDR = 0x0302,
	TYPE_START = 0x0307,
	TYPE_LONG_TERM = 0x0350,
	TYPE_FEC_STATUS = 0x5502,
};

/* 0 first LE32, 4 zero, 8 last LE32, 12 zeros: three int64 to some. */
#define INVALIDATE_LEN 24u

static int read_invalidate(struct pf_nv_message *m, struct pf_reader *r)
{
	if (pf_reader_left(r) < INVALIDATE_LEN)
		return PF_E_BAD_PACKET;
	m->kind = PF_NV_INVALIDATE;
	m->invalidate.first = pf_read_le32(r);
	pf_read_le32(r);
	m->invalidate.last = pf_read_le32(r);
	return m->invalidate.first <= m->invalidate.last ? PF_OK : PF_E_BAD_PACKET;
}

/*
 * BE: 0 frame u32, 4 highest u16, 6 next u16, 8 missing u16, 10 data u16, 12 parity u16, 14 received data
 * u16, 16 received parity u16, 18 percent u8, 19 block u8, 20 blocks u8
 */
static void read_fec_status(struct pf_nv_fec_status *s, struct pf_reader *r)
{
	s->frame = pf_read_be32(r);
	s->highest_seq = pf_read_be16(r);
	s->next_seq = pf_read_be16(r);
	s->missing = pf_read_be16(r);
	s->data = pf_read_be16(r);
	s->parity = pf_read_be16(r);
	s->received_data = pf_read_be16(r);
	s->received_parity = pf_read_be16(r);
	s->percent = pf_read_u8(r);
	s->block = pf_read_u8(r);
	s->n_blocks = pf_read_u8(r);
}

static int read_payload(struct pf_nv_message *m, uint16_t type, struct pf_reader *r)
{
	switch (type) {
	case TYPE_REQUEST_IDR:
		m->kind = PF_NV_REQUEST_IDR;
		return PF_OK;
	case TYPE_START:
		m->kind = PF_NV_START;
		return PF_OK;
	case TYPE_PING:
		m->kind = PF_NV_PING;
		return PF_OK;
	case TYPE_LOSS_STATS:
		m->kind = PF_NV_LOSS_STATS;
		return PF_OK;
	case TYPE_INVALIDATE:
		return read_invalidate(m, r);
	case TYPE_LONG_TERM:
		m->kind = PF_NV_LONG_TERM;
		m->long_term = pf_read_le32(r);
		break;
	case TYPE_INPUT:
		m->kind = PF_NV_INPUT;
		m->input.len = pf_reader_left(r);
		m->input.data = pf_read_bytes(r, m->input.len);
		break;
	case TYPE_FEC_STATUS:
		m->kind = PF_NV_FEC_STATUS;
		read_fec_status(&m->fec_status, r);
		break;
	default:
		return PF_E_UNSUPPORTED;
	}
	return r->ok ? PF_OK : PF_E_BAD_PACKET;
}

int pf_nv_message_read(struct pf_nv_message *m, const uint8_t *data, size_t len)
{
	*m = (struct pf_nv_message){0};
	if (len < PF_NV_HEAD_LEN)
		return PF_E_BAD_PACKET;
	size_t n = pf_get_le16(data + 2);
	if (n > len - PF_NV_HEAD_LEN)
		return PF_E_BAD_PACKET;
	struct pf_reader r = pf_reader_make(data + PF_NV_HEAD_LEN, n);
	return read_payload(m, pf_get_le16(data), &r);
}
