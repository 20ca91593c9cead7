/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/nv/input.h"

#include <math.h>

#include "core/base/bytes.h"
#include "core/wire/text.h"

/*
 * off size
 *   0    4  length of what follows, BE
 *   4    4  magic, LE
 *   8    n  body
 *
 * The bodies, at their offsets in the body; BE as said, else LE:
 *
 * key           0 flags u8, 1 code u16, 3 modifiers u8, 4 zero u16
 * text          0 UTF-8
 * mouse         0 dx i16 BE, 2 dy i16 BE
 * pointer       0 x i16 BE, 2 y i16 BE, 4 unused u16, 6 width - 1 i16 BE, 8 height - 1 i16 BE
 * button        0 number u8
 * scroll        0 amount i16 BE, 2 the same, 4 zero u16
 * hscroll       0 amount i16 BE
 * haptics       0 on u16
 * touch         0 event u8, 1 zero u8, 2 rotation u16, 4 id u32, 8 x f32, 12 y, 16 pressure, 20 major, 24 minor
 * pen           0 event u8, 1 tool u8, 2 buttons u8, 3 zero u8, 4 x f32, 8 y, 12 pressure, 16 rotation u16,
 *               18 tilt u8, 19 zero u8, 20 major f32, 24 minor
 * pad state     0 0x1A u16, 2 pad u16, 4 mask u16, 6 0x14 u16, 8 buttons u16, 10 left trigger u8, 11 right u8,
 *               12 lx i16, 14 ly, 16 rx, 18 ry, 20 0x9C u16, 22 more buttons u16, 24 0x55 u16
 * pad arrival   0 pad u8, 1 type u8, 2 capabilities u16, 4 buttons u32
 * pad touch     0 pad u8, 1 event u8, 2 zero u8, 3 surface u8, 4 finger u32, 8 x f32, 12 y, 16 pressure
 * pad motion    0 pad u8, 1 sensor u8, 2 zero u16, 4 x f32, 8 y, 12 z
 * pad battery   0 pad u8, 1 state u8, 2 percent u8, 3 zero u8
 */

#define HEAD_LEN  4u /* the length */
#define MAGIC_LEN 4u

static int16_t read_i16_be(struct pf_reader *r)
{
	return (int16_t)pf_read_be16(r);
}

static int16_t read_i16(struct pf_reader *r)
{
	return (int16_t)pf_read_le16(r);
}

static void skip(struct pf_reader *r, size_t len)
{
	pf_read_bytes(r, len);
}

static float read_float(struct pf_reader *r)
{
	uint32_t bits = pf_read_le32(r);
	float v;
	memcpy(&v, &bits, sizeof(v));
	return v;
}

/* Brings n floats into 0..1; false when one is no number. */
static bool into_unit(float *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!isfinite(*v[i]))
			return false;
		*v[i] = *v[i] < 0 ? 0 : *v[i] > 1 ? 1 : *v[i];
	}
	return true;
}

static int read_key(struct pf_nv_input *in, struct pf_reader *r, bool down)
{
	in->kind = PF_NV_KEY;
	in->key.down = down;
	in->key.flags = pf_read_u8(r);
	in->key.vk = (uint8_t)pf_read_le16(r); /* the high byte is a mark, not part of it */
	in->key.modifiers = pf_read_u8(r);
	skip(r, 2);
	return PF_OK;
}

/* Of text that is valid. */
static uint32_t next_scalar(const uint8_t *p, size_t *at)
{
	uint32_t lead = p[(*at)++];
	unsigned more = lead < 0x80 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
	uint32_t c = more ? lead & (0x3Fu >> more) : lead;
	while (more--)
		c = c << 6 | (p[(*at)++] & 0x3Fu);
	return c;
}

static int read_text(struct pf_nv_input *in, struct pf_reader *r)
{
	size_t len = pf_reader_left(r), at = 0;
	const uint8_t *p = pf_read_bytes(r, len);
	in->kind = PF_NV_TEXT;
	if (!len || len > PF_NV_TEXT_MAX || !pf_text_valid(p, len))
		return PF_E_BAD_PACKET;
	while (at < len)
		in->text.scalars[in->text.n++] = next_scalar(p, &at);
	return PF_OK;
}

static int read_mouse(struct pf_nv_input *in, struct pf_reader *r)
{
	in->kind = PF_NV_MOUSE_REL;
	in->mouse_rel.dx = read_i16_be(r);
	in->mouse_rel.dy = read_i16_be(r);
	return PF_OK;
}

static uint16_t into_range(int16_t v, int16_t last)
{
	return (uint16_t)(v < 0 ? 0 : v > last ? last : v);
}

static int read_pointer(struct pf_nv_input *in, struct pf_reader *r)
{
	int16_t x = read_i16_be(r), y = read_i16_be(r);
	skip(r, 2);
	int16_t last_x = read_i16_be(r), last_y = read_i16_be(r);
	in->kind = PF_NV_MOUSE_ABS;
	if (last_x < 1 || last_y < 1)
		return PF_E_BAD_PACKET;
	in->mouse_abs.x = into_range(x, last_x);
	in->mouse_abs.y = into_range(y, last_y);
	in->mouse_abs.width = (uint16_t)(last_x + 1);
	in->mouse_abs.height = (uint16_t)(last_y + 1);
	return PF_OK;
}

#define BUTTONS 5u

static int read_button(struct pf_nv_input *in, struct pf_reader *r, bool down)
{
	in->kind = PF_NV_MOUSE_BUTTON;
	in->mouse_button.down = down;
	in->mouse_button.number = pf_read_u8(r);
	return in->mouse_button.number >= 1 && in->mouse_button.number <= BUTTONS ? PF_OK
										  : PF_E_BAD_PACKET;
}

static int read_scroll(struct pf_nv_input *in, struct pf_reader *r, bool horizontal)
{
	in->kind = PF_NV_SCROLL;
	in->scroll.horizontal = horizontal;
	in->scroll.amount = read_i16_be(r);
	if (!horizontal)
		skip(r, 4);
	return PF_OK;
}

static int read_touch(struct pf_nv_input *in, struct pf_reader *r)
{
	in->kind = PF_NV_TOUCH;
	in->touch.event = pf_read_u8(r);
	skip(r, 1);
	in->touch.rotation = pf_read_le16(r);
	in->touch.id = pf_read_le32(r);
	in->touch.x = read_float(r);
	in->touch.y = read_float(r);
	in->touch.pressure = read_float(r);
	in->touch.major = read_float(r);
	in->touch.minor = read_float(r);
	float *const floats[] = {&in->touch.x, &in->touch.y, &in->touch.pressure, &in->touch.major,
		&in->touch.minor};
	return into_unit(floats, 5) && in->touch.event < PF_NV_TOUCH_EVENT_COUNT ? PF_OK
										 : PF_E_BAD_PACKET;
}

static int read_pen(struct pf_nv_input *in, struct pf_reader *r)
{
	in->kind = PF_NV_PEN;
	in->pen.event = pf_read_u8(r);
	in->pen.tool = pf_read_u8(r);
	in->pen.buttons = pf_read_u8(r);
	skip(r, 1);
	in->pen.x = read_float(r);
	in->pen.y = read_float(r);
	in->pen.pressure = read_float(r);
	in->pen.rotation = pf_read_le16(r);
	in->pen.tilt = pf_read_u8(r);
	skip(r, 1);
	in->pen.major = read_float(r);
	in->pen.minor = read_float(r);
	float *const floats[] = {
		&in->pen.x, &in->pen.y, &in->pen.pressure, &in->pen.major, &in->pen.minor};
	return into_unit(floats, 5) && in->pen.event < PF_NV_TOUCH_EVENT_COUNT ? PF_OK
									       : PF_E_BAD_PACKET;
}

static int take_pad(struct pf_nv_input *in, uint16_t number)
{
	in->pad = (uint8_t)number;
	return number < PF_PADS ? PF_OK : PF_E_UNSUPPORTED;
}

static int read_pad_state(struct pf_nv_input *in, struct pf_reader *r)
{
	in->kind = PF_NV_PAD_STATE;
	skip(r, 2);
	uint16_t number = pf_read_le16(r);
	in->pad_state.active = pf_read_le16(r);
	skip(r, 2);
	uint32_t low = pf_read_le16(r);
	in->pad_state.left_trigger = pf_read_u8(r);
	in->pad_state.right_trigger = pf_read_u8(r);
	in->pad_state.lx = read_i16(r);
	in->pad_state.ly = read_i16(r);
	in->pad_state.rx = read_i16(r);
	in->pad_state.ry = read_i16(r);
	skip(r, 2);
	in->pad_state.buttons = low | (uint32_t)pf_read_le16(r) << 16;
	skip(r, 2);
	return take_pad(in, number);
}

static int read_pad_arrival(struct pf_nv_input *in, struct pf_reader *r)
{
	in->kind = PF_NV_PAD_ARRIVAL;
	uint8_t number = pf_read_u8(r);
	in->pad_arrival.type = pf_read_u8(r);
	in->pad_arrival.caps = pf_read_le16(r);
	in->pad_arrival.buttons = pf_read_le32(r);
	return take_pad(in, number);
}

#define SURFACES 2u

static int read_pad_touch(struct pf_nv_input *in, struct pf_reader *r)
{
	in->kind = PF_NV_PAD_TOUCH;
	uint8_t number = pf_read_u8(r);
	in->pad_touch.event = pf_read_u8(r);
	skip(r, 1);
	in->pad_touch.surface = pf_read_u8(r);
	in->pad_touch.finger = pf_read_le32(r);
	in->pad_touch.x = read_float(r);
	in->pad_touch.y = read_float(r);
	in->pad_touch.pressure = read_float(r);
	float *const floats[] = {&in->pad_touch.x, &in->pad_touch.y, &in->pad_touch.pressure};
	if (!into_unit(floats, 3) || in->pad_touch.event >= PF_NV_TOUCH_EVENT_COUNT ||
		in->pad_touch.surface >= SURFACES)
		return PF_E_BAD_PACKET;
	return take_pad(in, number);
}

static int read_pad_motion(struct pf_nv_input *in, struct pf_reader *r)
{
	in->kind = PF_NV_PAD_MOTION;
	uint8_t number = pf_read_u8(r);
	in->pad_motion.sensor = pf_read_u8(r);
	skip(r, 2);
	for (size_t i = 0; i < 3; i++) {
		in->pad_motion.v[i] = read_float(r);
		if (!isfinite(in->pad_motion.v[i]))
			return PF_E_BAD_PACKET;
	}
	if (in->pad_motion.sensor != PF_NV_ACCELEROMETER &&
		in->pad_motion.sensor != PF_NV_GYROSCOPE)
		return PF_E_BAD_PACKET;
	return take_pad(in, number);
}

static int read_pad_battery(struct pf_nv_input *in, struct pf_reader *r)
{
	in->kind = PF_NV_PAD_BATTERY;
	uint8_t number = pf_read_u8(r);
	in->pad_battery.state = pf_read_u8(r);
	in->pad_battery.percent = pf_read_u8(r);
	skip(r, 1);
	return take_pad(in, number);
}

static int read_haptics(struct pf_nv_input *in, struct pf_reader *r)
{
	in->kind = PF_NV_HAPTICS;
	skip(r, 2);
	return PF_OK;
}

enum magic {
	MAGIC_KEY_DOWN = 0x03,
	MAGIC_KEY_UP = 0x04,
	MAGIC_MOUSE_ABS = 0x05,
	MAGIC_MOUSE_REL = 0x07,
	MAGIC_BUTTON_DOWN = 0x08,
	MAGIC_BUTTON_UP = 0x09,
	MAGIC_SCROLL = 0x0A,
	MAGIC_PAD_STATE = 0x0C,
	MAGIC_HAPTICS = 0x0D,
	MAGIC_TEXT = 0x17,
	MAGIC_HSCROLL = 0x55000001,
	MAGIC_TOUCH = 0x55000002,
	MAGIC_PEN = 0x55000003,
	MAGIC_PAD_ARRIVAL = 0x55000004,
	MAGIC_PAD_TOUCH = 0x55000005,
	MAGIC_PAD_MOTION = 0x55000006,
	MAGIC_PAD_BATTERY = 0x55000007,
};

static int read_body(struct pf_nv_input *in, uint32_t magic, struct pf_reader *r)
{
	switch (magic) {
	case MAGIC_KEY_DOWN:
	case MAGIC_KEY_UP:
		return read_key(in, r, magic == MAGIC_KEY_DOWN);
	case MAGIC_TEXT:
		return read_text(in, r);
	case MAGIC_MOUSE_REL:
		return read_mouse(in, r);
	case MAGIC_MOUSE_ABS:
		return read_pointer(in, r);
	case MAGIC_BUTTON_DOWN:
	case MAGIC_BUTTON_UP:
		return read_button(in, r, magic == MAGIC_BUTTON_DOWN);
	case MAGIC_SCROLL:
	case MAGIC_HSCROLL:
		return read_scroll(in, r, magic == MAGIC_HSCROLL);
	case MAGIC_HAPTICS:
		return read_haptics(in, r);
	case MAGIC_TOUCH:
		return read_touch(in, r);
	case MAGIC_PEN:
		return read_pen(in, r);
	case MAGIC_PAD_STATE:
		return read_pad_state(in, r);
	case MAGIC_PAD_ARRIVAL:
		return read_pad_arrival(in, r);
	case MAGIC_PAD_TOUCH:
		return read_pad_touch(in, r);
	case MAGIC_PAD_MOTION:
		return read_pad_motion(in, r);
	case MAGIC_PAD_BATTERY:
		return read_pad_battery(in, r);
	default:
		return PF_E_UNSUPPORTED;
	}
}

int pf_nv_input_read(struct pf_nv_input *in, const uint8_t *data, size_t len)
{
	*in = (struct pf_nv_input){0};
	if (len < HEAD_LEN + MAGIC_LEN)
		return PF_E_BAD_PACKET;
	size_t n = pf_get_be32(data);
	if (n < MAGIC_LEN || n > len - HEAD_LEN)
		return PF_E_BAD_PACKET;
	struct pf_reader r = pf_reader_make(data + HEAD_LEN + MAGIC_LEN, n - MAGIC_LEN);
	int err = read_body(in, pf_get_le32(data + HEAD_LEN), &r);
	return r.ok ? err : PF_E_BAD_PACKET;
}
