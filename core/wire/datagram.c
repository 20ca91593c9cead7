/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/wire/datagram.h"

#include "core/base/bytes.h"
#include "core/wire/fields.h"

#define TIMING_SHORT_LEN 13u
#define RUMBLE_SHORT_LEN 7u
#define RUMBLE_TTL_LEN	 10u
#define CURSOR_VISIBLE	 1u
#define CURSOR_RELATIVE	 2u

/*
 * What a host tells has become longer before, each form beginning with the one before it: a reader takes the longest
 * that is there whole, and leaves what follows.
 */

/* Input: 0 tag 0xC8, 1 kind u8, 2 code u32, 6 x i32, 10 y i32, 14 flags u32. */
void pf_input_write(uint8_t out[static PF_INPUT_LEN], const struct pf_input *in)
{
	out[0] = PF_DGRAM_INPUT;
	out[1] = in->kind;
	pf_put_le32(out + 2, in->code);
	pf_put_le32(out + 6, (uint32_t)in->x);
	pf_put_le32(out + 10, (uint32_t)in->y);
	pf_put_le32(out + 14, in->flags);
}

int pf_input_read(struct pf_input *in, const uint8_t *data, size_t len)
{
	*in = (struct pf_input){0};
	if (len != PF_INPUT_LEN || data[0] != PF_DGRAM_INPUT)
		return PF_E_BAD_PACKET;
	if (data[1] >= PF_INPUT_KIND_COUNT)
		return PF_E_UNSUPPORTED;
	in->kind = data[1];
	in->code = pf_get_le32(data + 2);
	in->x = (int32_t)pf_get_le32(data + 6);
	in->y = (int32_t)pf_get_le32(data + 10);
	in->flags = pf_get_le32(data + 14);
	return PF_OK;
}

/* Host timing: 0 tag 0xCF, 1 pts u64, 9 host u32 [, 13 queue u32, 17 encode u32, 21 pace u32 [, 25 phase i32]]. */
void pf_host_timing_write(uint8_t out[static PF_HOST_TIMING_LEN], const struct pf_host_timing *t)
{
	out[0] = PF_DGRAM_HOST_TIMING;
	pf_put_le64(out + 1, t->pts_ns);
	pf_put_le32(out + 9, t->host_us);
	pf_put_le32(out + 13, t->queue_us);
	pf_put_le32(out + 17, t->encode_us);
	pf_put_le32(out + 21, t->pace_us);
}

int pf_host_timing_read(struct pf_host_timing *t, const uint8_t *data, size_t len)
{
	*t = (struct pf_host_timing){0};
	if (len < TIMING_SHORT_LEN || data[0] != PF_DGRAM_HOST_TIMING)
		return PF_E_BAD_PACKET;
	t->pts_ns = pf_get_le64(data + 1);
	t->host_us = pf_get_le32(data + 9);
	if (len < PF_HOST_TIMING_LEN)
		return PF_OK;
	t->queue_us = pf_get_le32(data + 13);
	t->encode_us = pf_get_le32(data + 17);
	t->pace_us = pf_get_le32(data + 21);
	return PF_OK;
}

/* Rumble: 0 tag 0xCA, 1 pad u16, 3 low u16, 5 high u16 [, 7 seq u8, 8 ttl ms u16 [, 10 left u16, 12 right u16]]. */
int pf_rumble_write(uint8_t out[static PF_RUMBLE_LEN], const struct pf_rumble *r)
{
	if (r->pad >= PF_PADS || (r->has_triggers && !r->has_ttl))
		return PF_E_INVALID;
	out[0] = PF_DGRAM_RUMBLE;
	pf_put_le16(out + 1, r->pad);
	pf_put_le16(out + 3, r->low);
	pf_put_le16(out + 5, r->high);
	if (!r->has_ttl)
		return RUMBLE_SHORT_LEN;
	out[7] = r->seq;
	pf_put_le16(out + 8, r->ttl_ms);
	if (!r->has_triggers)
		return RUMBLE_TTL_LEN;
	pf_put_le16(out + 10, r->left_trigger);
	pf_put_le16(out + 12, r->right_trigger);
	return PF_RUMBLE_LEN;
}

int pf_rumble_read(struct pf_rumble *r, const uint8_t *data, size_t len)
{
	*r = (struct pf_rumble){0};
	if (len < RUMBLE_SHORT_LEN || data[0] != PF_DGRAM_RUMBLE)
		return PF_E_BAD_PACKET;
	r->pad = pf_get_le16(data + 1);
	r->low = pf_get_le16(data + 3);
	r->high = pf_get_le16(data + 5);
	r->has_ttl = len >= RUMBLE_TTL_LEN;
	r->has_triggers = len >= PF_RUMBLE_LEN;
	if (r->has_ttl) {
		r->seq = data[7];
		r->ttl_ms = pf_get_le16(data + 8);
	}
	if (r->has_triggers) {
		r->left_trigger = pf_get_le16(data + 10);
		r->right_trigger = pf_get_le16(data + 12);
	}
	return r->pad < PF_PADS ? PF_OK : PF_E_UNSUPPORTED;
}

#define H(member) PF_FIELD(struct pf_hdr_meta, member)

/*
 * HDR metadata: 0 tag 0xCE, 1 green x, y u16, 5 blue x, y u16, 9 red x, y u16, 13 white x, y u16,
 * 17 max luminance u32, 21 min luminance u32, 25 MaxCLL u16, 27 MaxFALL u16.
 */
static const struct pf_field hdr_meta[] = {H(green[0]), H(green[1]), H(blue[0]), H(blue[1]),
	H(red[0]), H(red[1]), H(white[0]), H(white[1]), H(max_luminance), H(min_luminance),
	H(max_cll), H(max_fall), {0}};

void pf_hdr_meta_write(uint8_t out[static PF_HDR_META_LEN], const struct pf_hdr_meta *h)
{
	struct pf_writer w = pf_writer_make(out, PF_HDR_META_LEN);
	pf_write_u8(&w, PF_DGRAM_HDR_META);
	pf_fields_write(&w, h, hdr_meta, SIZE_MAX);
	pf_check(w.ok && w.p == w.end);
}

int pf_hdr_meta_read(struct pf_hdr_meta *h, const uint8_t *data, size_t len)
{
	*h = (struct pf_hdr_meta){0};
	if (len < PF_HDR_META_LEN || data[0] != PF_DGRAM_HDR_META)
		return PF_E_BAD_PACKET;
	struct pf_reader r = pf_reader_make(data + 1, len - 1);
	pf_fields_read(&r, h, hdr_meta, SIZE_MAX);
	return PF_OK;
}

/* Cursor state: 0 tag 0xD0, 1 serial u32, 5 flags u8 (bit 0 visible, bit 1 relative hint), 6 x i32, 10 y i32. */
void pf_cursor_state_write(uint8_t out[static PF_CURSOR_STATE_LEN], const struct pf_cursor_state *c)
{
	out[0] = PF_DGRAM_CURSOR_STATE;
	pf_put_le32(out + 1, c->serial);
	out[5] = (uint8_t)((c->visible ? CURSOR_VISIBLE : 0) |
		(c->relative_hint ? CURSOR_RELATIVE : 0));
	pf_put_le32(out + 6, (uint32_t)c->x);
	pf_put_le32(out + 10, (uint32_t)c->y);
}

int pf_cursor_state_read(struct pf_cursor_state *c, const uint8_t *data, size_t len)
{
	*c = (struct pf_cursor_state){0};
	if (len < PF_CURSOR_STATE_LEN || data[0] != PF_DGRAM_CURSOR_STATE)
		return PF_E_BAD_PACKET;
	c->serial = pf_get_le32(data + 1);
	c->visible = data[5] & CURSOR_VISIBLE;
	c->relative_hint = data[5] & CURSOR_RELATIVE;
	c->x = (int32_t)pf_get_le32(data + 6);
	c->y = (int32_t)pf_get_le32(data + 10);
	return PF_OK;
}
