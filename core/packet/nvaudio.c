/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/packet/nvaudio.h"

#include <string.h>

#include "core/base/alloc.h"
#include "core/base/bytes.h"
#include "core/fec/fec.h"

/*
 * off size                              off size
 *   0    1  0x80: RTP 2                 parity only:
 *   1    1  97 data, 127 parity          12    1  shard: 0 or 1
 *   2    2  sequence, BE                 13    1  97
 *   4    4  timestamp in ms, BE          14    2  sequence of the group's first packet, BE
 *   8    4  SSRC 0                       16    4  its timestamp, BE
 *  12    n  data: Opus, encrypted        20    4  SSRC 0
 *                                        24    n  parity
 *
 * A group is four packets from a sequence that four divides. The parity's own sequence goes on after the
 * group's and is not counted. Encrypted: AES-128-CBC, IV = BE32(key id + sequence) and twelve zeros.
 */

#define RTP_BYTE    0x80u
#define TYPE_DATA   97u
#define TYPE_PARITY 127u
#define RTP_LEN	    12u
#define PARITY_LEN  (RTP_LEN + 12u)
#define MAX_TEXT_LEN \
	((size_t)PF_NVAUDIO_MAX_OPUS / PF_CBC_BLOCK_LEN * PF_CBC_BLOCK_LEN + PF_CBC_BLOCK_LEN)

struct pf_nvaudio {
	struct pf_nvaudio_params params;
	uint32_t next;	  /* counts packets */
	size_t group_len; /* of the texts of the group; 0 = they differ */
	uint64_t uneven;
	uint8_t data[PF_FEC_AUDIO_DATA][RTP_LEN + MAX_TEXT_LEN];
	uint8_t parity[PF_FEC_AUDIO_PARITY][PARITY_LEN + MAX_TEXT_LEN];
};

int pf_nvaudio_create(struct pf_nvaudio **out, const struct pf_nvaudio_params *params)
{
	*out = NULL;
	if (params->packet_ms != 5 && params->packet_ms != 10)
		return PF_E_INVALID;
	struct pf_nvaudio *a = pf_calloc(1, sizeof(*a));
	if (!a)
		return PF_E_NOMEM;
	a->params = *params;
	*out = a;
	return PF_OK;
}

void pf_nvaudio_destroy(struct pf_nvaudio *a)
{
	pf_free(a);
}

uint64_t pf_nvaudio_uneven(const struct pf_nvaudio *a)
{
	return a->uneven;
}

static void write_rtp(const struct pf_nvaudio *a, uint8_t *out, uint8_t type, uint32_t packet)
{
	out[0] = RTP_BYTE;
	out[1] = type;
	pf_put_be16(out + 2, (uint16_t)packet);
	pf_put_be32(out + 4, packet * a->params.packet_ms);
	pf_put_be32(out + 8, 0);
}

/* The client adds the sequence as it reads it: in 16 bits. */
static int encrypt(const struct pf_nvaudio *a, const uint8_t *opus, size_t len, uint8_t *out)
{
	uint8_t iv[PF_CBC_BLOCK_LEN] = {0};
	pf_put_be32(iv, a->params.key_id + (uint16_t)a->next);
	return pf_cbc_encrypt(a->params.cbc, iv, opus, len, out);
}

static void add_parity(struct pf_nvaudio *a, struct pf_nvaudio_batch *batch)
{
	const uint8_t *data[PF_FEC_AUDIO_DATA];
	uint8_t *parity[PF_FEC_AUDIO_PARITY];
	uint32_t first = a->next - a->next % PF_FEC_AUDIO_DATA;
	for (size_t i = 0; i < PF_FEC_AUDIO_DATA; i++)
		data[i] = a->data[i] + RTP_LEN;
	for (size_t i = 0; i < PF_FEC_AUDIO_PARITY; i++) {
		uint8_t *p = a->parity[i];
		write_rtp(a, p, TYPE_PARITY, a->next + 1 + (uint32_t)i);
		p[RTP_LEN] = (uint8_t)i;
		p[RTP_LEN + 1] = TYPE_DATA;
		pf_put_be16(p + RTP_LEN + 2, (uint16_t)first);
		pf_put_be32(p + RTP_LEN + 4, first * a->params.packet_ms);
		pf_put_be32(p + RTP_LEN + 8, 0);
		parity[i] = p + PARITY_LEN;
		batch->packets[batch->n].data = p;
		batch->packets[batch->n++].len = PARITY_LEN + a->group_len;
	}
	pf_fec_audio_encode(data, parity, a->group_len);
}

int pf_nvaudio_build(
	struct pf_nvaudio *a, const uint8_t *opus, size_t len, struct pf_nvaudio_batch *batch)
{
	if (!opus || !len || len > PF_NVAUDIO_MAX_OPUS)
		return PF_E_INVALID;
	size_t slot = a->next % PF_FEC_AUDIO_DATA;
	uint8_t *p = a->data[slot];
	size_t text_len = a->params.cbc ? pf_cbc_len(len) : len;
	if (a->params.cbc) {
		int err = encrypt(a, opus, len, p + RTP_LEN);
		if (err)
			return err;
	} else {
		memcpy(p + RTP_LEN, opus, len);
	}
	write_rtp(a, p, TYPE_DATA, a->next);
	if (slot == 0)
		a->group_len = text_len;
	else if (a->group_len != text_len)
		a->group_len = 0;
	*batch = (struct pf_nvaudio_batch){.n = 1, .packets = {{p, RTP_LEN + text_len}}};
	if (slot + 1 == PF_FEC_AUDIO_DATA) {
		if (a->group_len)
			add_parity(a, batch);
		else
			a->uneven++;
	}
	a->next++;
	return PF_OK;
}
