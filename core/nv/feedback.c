/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/base/bytes.h"
#include "core/nv/control.h"

/*
 * off size, LE but for the termination
 *   0    2  type
 *   2    2  length of the payload
 *
 * 0x010B rumble             4 ignored u32, 8 pad u16, 10 low u16, 12 high u16
 * 0x0109 termination        4 code u32 BE
 * 0x010E HDR                4 on u8, 5 red x, y, 9 green, 13 blue, 17 white, each u16 in 1/50000, 21 most
 *                           luminance u16 in nit, 23 least u16 in 1/10000 nit, 25 MaxCLL u16, 27 MaxFALL u16,
 *                           29 most of a full frame u16
 * 0x5500 trigger rumble     4 pad u16, 6 left u16, 8 right u16
 * 0x5501 motion rate        4 pad u16, 6 Hz u16, 8 sensor u8
 * 0x5502 LED                4 pad u16, 6 r u8, 7 g u8, 8 b u8
 * 0x5503 adaptive triggers  4 pad u16, 6 flags u8, 7 left type u8, 8 right type u8, 9 left 10, 19 right 10
 */

enum wire_type {
	TYPE_TERMINATION = 0x0109,
	TYPE_RUMBLE = 0x010B,
	TYPE_HDR = 0x010E,
	TYPE_TRIGGER_RUMBLE = 0x5500,
	TYPE_MOTION_RATE = 0x5501,
	TYPE_LED = 0x5502,
	TYPE_ADAPTIVE_TRIGGERS = 0x5503,
};

/* The type is known when the payload is written, the length afterwards. */
static void start(struct pf_writer *w, enum wire_type type)
{
	pf_write_le16(w, (uint16_t)type);
	pf_write_le16(w, 0);
}

static void write_point(struct pf_writer *w, const uint16_t point[2])
{
	pf_write_le16(w, point[0]);
	pf_write_le16(w, point[1]);
}

static uint16_t saturate(uint32_t v)
{
	return v < UINT16_MAX ? (uint16_t)v : UINT16_MAX;
}

#define NIT 10000u /* what the metadata counts in */

static void write_hdr(struct pf_writer *w, bool on, const struct pf_hdr_meta *m)
{
	start(w, TYPE_HDR);
	pf_write_u8(w, on);
	write_point(w, m->red);
	write_point(w, m->green);
	write_point(w, m->blue);
	write_point(w, m->white);
	pf_write_le16(w, saturate(m->max_luminance / NIT));
	pf_write_le16(w, saturate(m->min_luminance));
	pf_write_le16(w, m->max_cll);
	pf_write_le16(w, m->max_fall);
	pf_write_le16(w, 0); /* not known to us */
}

static void write_termination(struct pf_writer *w, uint32_t code)
{
	start(w, TYPE_TERMINATION);
	uint8_t *p = pf_write_space(w, sizeof(code));
	if (p)
		pf_put_be32(p, code);
}

static int write_pad(struct pf_writer *w, const struct pf_nv_feedback *f)
{
	switch (f->kind) {
	case PF_NV_RUMBLE:
		start(w, TYPE_RUMBLE);
		pf_write_le32(w, 0);
		pf_write_le16(w, f->pad);
		pf_write_le16(w, f->rumble.low);
		pf_write_le16(w, f->rumble.high);
		return PF_OK;
	case PF_NV_TRIGGER_RUMBLE:
		start(w, TYPE_TRIGGER_RUMBLE);
		pf_write_le16(w, f->pad);
		pf_write_le16(w, f->trigger_rumble.left);
		pf_write_le16(w, f->trigger_rumble.right);
		return PF_OK;
	case PF_NV_MOTION_RATE:
		start(w, TYPE_MOTION_RATE);
		pf_write_le16(w, f->pad);
		pf_write_le16(w, f->motion_rate.hz);
		pf_write_u8(w, f->motion_rate.sensor);
		return f->motion_rate.sensor == PF_NV_ACCELEROMETER ||
				f->motion_rate.sensor == PF_NV_GYROSCOPE
			? PF_OK
			: PF_E_INVALID;
	case PF_NV_LED:
		start(w, TYPE_LED);
		pf_write_le16(w, f->pad);
		pf_write_u8(w, f->led.r);
		pf_write_u8(w, f->led.g);
		pf_write_u8(w, f->led.b);
		return PF_OK;
	case PF_NV_ADAPTIVE_TRIGGERS:
		start(w, TYPE_ADAPTIVE_TRIGGERS);
		pf_write_le16(w, f->pad);
		pf_write_u8(w, f->adaptive.flags);
		pf_write_u8(w, f->adaptive.left_type);
		pf_write_u8(w, f->adaptive.right_type);
		pf_write_bytes(w, f->adaptive.left, sizeof(f->adaptive.left));
		pf_write_bytes(w, f->adaptive.right, sizeof(f->adaptive.right));
		return PF_OK;
	default:
		return PF_E_INVALID;
	}
}

int pf_nv_feedback_write(uint8_t out[static PF_NV_FEEDBACK_MAX], const struct pf_nv_feedback *f)
{
	struct pf_writer w = pf_writer_make(out, PF_NV_FEEDBACK_MAX);
	if (f->kind == PF_NV_HDR) {
		write_hdr(&w, f->hdr.on, &f->hdr.meta);
	} else if (f->kind == PF_NV_TERMINATION) {
		write_termination(&w, f->termination);
	} else if (f->pad < PF_PADS) {
		int err = write_pad(&w, f);
		if (err)
			return err;
	} else {
		return PF_E_INVALID;
	}
	pf_check(w.ok);
	size_t len = pf_writer_len(&w);
	pf_put_le16(out + 2, (uint16_t)(len - PF_NV_HEAD_LEN));
	return (int)len;
}
