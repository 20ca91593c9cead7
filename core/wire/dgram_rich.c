/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <math.h>

#include "core/base/bytes.h"
#include "core/wire/datagram.h"
#include "core/wire/fields.h"

#define F(member) PF_FIELD(struct pf_rich, member)
#define S(member) PF_FIELD(struct pf_pen_sample, member)

/*
 * Rich input: 0 tag 0xCC, 1 kind u8, then
 * 1 touchpad: 2 pad u8, 3 finger u8, 4 active u8, 5 x u16, 7 y u16
 * 2 motion: 2 pad u8, 3 gyro 3 x i16, 9 accel 3 x i16
 * 3 touchpad ex: 2 pad u8, 3 surface u8, 4 finger u8, 5 state u8, 6 x i16, 8 y i16, 10 pressure u16
 * 4 raw report: 2 pad u8, 3 length u8 || bytes
 * 5 pen: 2 flags u8, 3 count u8, 4 seq u16, then count times 21 bytes: +0 state u8, +1 tool u8, +2 x f32,
 *   +6 y f32, +10 pressure u16, +12 distance u16, +14 tilt u8, +15 azimuth u16, +17 roll u16, +19 dt us u16
 */
static const struct pf_field touchpad[] = {
	F(pad), F(touchpad.finger), F(touchpad.active), F(touchpad.x), F(touchpad.y), {0}};
static const struct pf_field motion[] = {F(pad), F(motion.gyro[0]), F(motion.gyro[1]),
	F(motion.gyro[2]), F(motion.accel[0]), F(motion.accel[1]), F(motion.accel[2]), {0}};
static const struct pf_field touchpad_ex[] = {F(pad), F(touchpad_ex.surface), F(touchpad_ex.finger),
	F(touchpad_ex.state), F(touchpad_ex.x), F(touchpad_ex.y), F(touchpad_ex.pressure), {0}};
static const struct pf_field raw[] = {F(pad), F(raw.len), {0}};
static const struct pf_field pen[] = {F(pen.flags), F(pen.count), F(pen.seq), {0}};
static const struct pf_field sample[] = {S(state), S(tool), S(x), S(y), S(pressure), S(distance),
	S(tilt), S(azimuth), S(roll), S(dt_us), {0}};

static const struct pf_field *layout(uint8_t kind)
{
	switch (kind) {
	case PF_RICH_TOUCHPAD:
		return touchpad;
	case PF_RICH_MOTION:
		return motion;
	case PF_RICH_TOUCHPAD_EX:
		return touchpad_ex;
	case PF_RICH_RAW:
		return raw;
	case PF_RICH_PEN:
		return pen;
	default:
		return NULL;
	}
}

static bool counts_ok(const struct pf_rich *r)
{
	return (r->kind != PF_RICH_RAW || r->raw.len <= PF_RICH_RAW_MAX) &&
		(r->kind != PF_RICH_PEN || r->pen.count <= PF_PEN_MAX_SAMPLES);
}

static bool samples_finite(const struct pf_rich *r)
{
	for (unsigned i = 0; r->kind == PF_RICH_PEN && i < r->pen.count; i++)
		if (!isfinite(r->pen.samples[i].x) || !isfinite(r->pen.samples[i].y))
			return false;
	return true;
}

static bool pad_ok(const struct pf_rich *r)
{
	return r->kind == PF_RICH_PEN || r->pad < PF_PADS;
}

int pf_rich_write(uint8_t *out, size_t cap, const struct pf_rich *r)
{
	const struct pf_field *fields = layout(r->kind);
	if (!fields || !counts_ok(r) || !samples_finite(r) || !pad_ok(r))
		return PF_E_INVALID;
	struct pf_writer w = pf_writer_make(out, cap);
	pf_write_u8(&w, PF_DGRAM_RICH_INPUT);
	pf_write_u8(&w, r->kind);
	pf_fields_write(&w, r, fields, SIZE_MAX);
	if (r->kind == PF_RICH_RAW)
		pf_write_bytes(&w, r->raw.data, r->raw.len);
	for (unsigned i = 0; r->kind == PF_RICH_PEN && i < r->pen.count; i++)
		pf_fields_write(&w, &r->pen.samples[i], sample, SIZE_MAX);
	return w.ok ? (int)pf_writer_len(&w) : PF_E_FULL;
}

int pf_rich_read(struct pf_rich *r, const uint8_t *data, size_t len)
{
	*r = (struct pf_rich){0};
	struct pf_reader in = pf_reader_make(data, len);
	if (pf_read_u8(&in) != PF_DGRAM_RICH_INPUT)
		return PF_E_BAD_PACKET;
	r->kind = pf_read_u8(&in);
	const struct pf_field *fields = layout(r->kind);
	if (!in.ok || !fields)
		return in.ok ? PF_E_UNSUPPORTED : PF_E_BAD_PACKET;
	pf_fields_read(&in, r, fields, SIZE_MAX);
	if (!counts_ok(r))
		return PF_E_BAD_PACKET;
	if (r->kind == PF_RICH_RAW) {
		const uint8_t *p = pf_read_bytes(&in, r->raw.len);
		if (p)
			memcpy(r->raw.data, p, r->raw.len);
	}
	for (unsigned i = 0; r->kind == PF_RICH_PEN && i < r->pen.count; i++)
		pf_fields_read(&in, &r->pen.samples[i], sample, SIZE_MAX);
	if (!in.ok || pf_reader_left(&in) || !samples_finite(r))
		return PF_E_BAD_PACKET;
	return pad_ok(r) ? PF_OK : PF_E_UNSUPPORTED;
}
