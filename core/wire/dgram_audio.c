/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/base/bytes.h"
#include "core/wire/datagram.h"

#define PAD_AUDIO_KINDS 2u /* haptics, speaker */

static bool is_audio(uint8_t tag)
{
	return tag == PF_DGRAM_AUDIO || tag == PF_DGRAM_AUDIO_REDUNDANT ||
		tag == PF_DGRAM_AUDIO_PCM || tag == PF_DGRAM_PAD_AUDIO || tag == PF_DGRAM_MIC;
}

/* A packet of the main sound without a byte of it is silence: there is nothing to decode. */
static bool may_be_empty(uint8_t tag)
{
	return tag == PF_DGRAM_AUDIO;
}

static bool audio_ok(const struct pf_audio *a)
{
	if (!is_audio(a->tag) || a->len > PF_DGRAM_MAX)
		return false;
	if (a->len ? !a->data : !may_be_empty(a->tag))
		return false;
	if (a->previous ? !a->previous_len || a->previous_len > PF_DGRAM_MAX : a->previous_len)
		return false;
	if (a->previous && a->tag != PF_DGRAM_AUDIO_REDUNDANT)
		return false;
	return a->tag != PF_DGRAM_PAD_AUDIO || (a->pad < PF_PADS && a->kind < PAD_AUDIO_KINDS);
}

static size_t audio_len(const struct pf_audio *a)
{
	size_t head = 1 + 4 + 8;
	if (a->tag == PF_DGRAM_PAD_AUDIO)
		head += 2;
	if (a->tag == PF_DGRAM_AUDIO_REDUNDANT)
		head += 2;
	return head + a->len + a->previous_len;
}

/*
 * 0xC9 Opus, 0xD3 PCM, 0xCB microphone: 0 tag, 1 seq u32, 5 pts u64, 13 payload (0xC9: may be empty).
 * 0xD2 redundant: 0 tag, 1 seq u32, 5 pts u64, 13 primary length u16 || primary, then the previous packet.
 * 0xD1 pad: 0 tag, 1 pad u8, 2 kind u8, 3 seq u32, 7 pts u64, 15 payload.
 */
int pf_audio_write(uint8_t *out, size_t cap, const struct pf_audio *a)
{
	if (!audio_ok(a) || audio_len(a) > PF_DGRAM_MAX)
		return PF_E_INVALID;
	if (cap < audio_len(a))
		return PF_E_FULL;
	struct pf_writer w = pf_writer_make(out, cap);
	pf_write_u8(&w, a->tag);
	if (a->tag == PF_DGRAM_PAD_AUDIO) {
		pf_write_u8(&w, a->pad);
		pf_write_u8(&w, a->kind);
	}
	pf_write_le32(&w, a->seq);
	pf_write_le64(&w, a->pts_ns);
	if (a->tag == PF_DGRAM_AUDIO_REDUNDANT)
		pf_write_le16(&w, (uint16_t)a->len);
	if (a->len)
		pf_write_bytes(&w, a->data, a->len);
	pf_write_bytes(&w, a->previous, a->previous_len);
	return (int)pf_writer_len(&w);
}

int pf_audio_read(struct pf_audio *a, const uint8_t *data, size_t len)
{
	*a = (struct pf_audio){0};
	struct pf_reader r = pf_reader_make(data, len);
	a->tag = pf_read_u8(&r);
	if (!is_audio(a->tag))
		return PF_E_BAD_PACKET;
	if (a->tag == PF_DGRAM_PAD_AUDIO) {
		a->pad = pf_read_u8(&r);
		a->kind = pf_read_u8(&r);
	}
	a->seq = pf_read_le32(&r);
	a->pts_ns = pf_read_le64(&r);
	a->len = a->tag == PF_DGRAM_AUDIO_REDUNDANT ? pf_read_le16(&r) : pf_reader_left(&r);
	a->data = pf_read_bytes(&r, a->len);
	if (!r.ok || (!a->len && !may_be_empty(a->tag)))
		return PF_E_BAD_PACKET;
	if (pf_reader_left(&r)) {
		a->previous_len = pf_reader_left(&r);
		a->previous = r.p;
	}
	return a->pad < PF_PADS && a->kind < PAD_AUDIO_KINDS ? PF_OK : PF_E_UNSUPPORTED;
}
