/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/moonlight/input.h"

#include <string.h>

#include "core/base/bytes.h"

enum { KEYS = 2, MOUSE, PEN, TOUCH, TEXT, PADS = 0x10, SENSORS = 0x20 };

/*
 *  0              4          8
 *  +--------------+----------+------+
 *  | length BE32  | magic LE | body |
 *  +--------------+----------+------+
 */
static void begin(struct moon_input *in, uint32_t magic, unsigned channel)
{
	memset(in, 0, sizeof(*in));
	pf_put_le32(in->data + 4, magic);
	in->len = 8;
	in->channel = channel;
	in->way = MOON_RELIABLE;
}

static void u8(struct moon_input *in, uint8_t v)
{
	in->data[in->len++] = v;
	pf_put_be32(in->data, (uint32_t)in->len - 4);
}

static void le16(struct moon_input *in, uint16_t v)
{
	u8(in, (uint8_t)v);
	u8(in, (uint8_t)(v >> 8));
}

static void be16(struct moon_input *in, uint16_t v)
{
	u8(in, (uint8_t)(v >> 8));
	u8(in, (uint8_t)v);
}

static void le32(struct moon_input *in, uint32_t v)
{
	le16(in, (uint16_t)v);
	le16(in, (uint16_t)(v >> 16));
}

static void real(struct moon_input *in, float v)
{
	uint32_t bits;
	memcpy(&bits, &v, sizeof(bits));
	le32(in, bits);
}

void moon_input_key(struct moon_input *in, bool down, uint8_t vk, uint8_t modifiers)
{
	begin(in, down ? 3 : 4, KEYS);
	u8(in, 0);
	le16(in, 0x8000u | vk);
	u8(in, modifiers);
	le16(in, 0);
}

void moon_input_text(struct moon_input *in, const char *utf8)
{
	begin(in, 0x17, TEXT);
	for (; *utf8 && in->len < MOON_INPUT_MAX; utf8++)
		u8(in, (uint8_t)*utf8);
}

void moon_input_move(struct moon_input *in, int16_t dx, int16_t dy)
{
	begin(in, 7, MOUSE);
	be16(in, (uint16_t)dx);
	be16(in, (uint16_t)dy);
}

void moon_input_place(
	struct moon_input *in, uint16_t x, uint16_t y, uint16_t width, uint16_t height)
{
	begin(in, 5, MOUSE);
	be16(in, x);
	be16(in, y);
	be16(in, 0);
	be16(in, (uint16_t)(width - 1));
	be16(in, (uint16_t)(height - 1));
	in->way = MOON_UNRELIABLE;
}

void moon_input_button(struct moon_input *in, bool down, uint8_t button)
{
	begin(in, down ? 8 : 9, MOUSE);
	u8(in, button);
}

void moon_input_scroll(struct moon_input *in, bool horizontal, int16_t amount)
{
	begin(in, horizontal ? 0x55000001 : 0x0A, MOUSE);
	be16(in, (uint16_t)amount);
	if (horizontal)
		return;
	be16(in, (uint16_t)amount);
	be16(in, 0);
}

void moon_input_haptics(struct moon_input *in)
{
	begin(in, 0x0D, PADS);
	le16(in, 1);
}

static bool is_move(uint8_t event)
{
	return event == 0 || event == 3;
}

void moon_input_touch(
	struct moon_input *in, uint8_t event, uint32_t id, float x, float y, float pressure)
{
	begin(in, 0x55000002, TOUCH);
	u8(in, event);
	u8(in, 0);
	le16(in, 0xffff);
	le32(in, id);
	real(in, x);
	real(in, y);
	real(in, pressure);
	real(in, 0);
	real(in, 0);
	in->way = is_move(event) ? MOON_UNRELIABLE : MOON_RELIABLE;
}

void moon_input_pen(struct moon_input *in, uint8_t event, uint8_t tool, uint8_t buttons, float x,
	float y, float pressure)
{
	begin(in, 0x55000003, PEN);
	u8(in, event);
	u8(in, tool);
	u8(in, buttons);
	u8(in, 0);
	real(in, x);
	real(in, y);
	real(in, pressure);
	le16(in, 0xffff);
	u8(in, 0xff);
	u8(in, 0);
	real(in, 0);
	real(in, 0);
	in->way = is_move(event) ? MOON_UNRELIABLE : MOON_RELIABLE;
}

void moon_input_pad(struct moon_input *in, const struct moon_pad *p)
{
	begin(in, 0x0C, PADS + p->number);
	le16(in, 0x001A);
	le16(in, p->number);
	le16(in, p->active);
	le16(in, 0x0014);
	le16(in, (uint16_t)p->buttons);
	u8(in, p->left_trigger);
	u8(in, p->right_trigger);
	le16(in, (uint16_t)p->lx);
	le16(in, (uint16_t)p->ly);
	le16(in, (uint16_t)p->rx);
	le16(in, (uint16_t)p->ry);
	le16(in, 0x009C);
	le16(in, (uint16_t)(p->buttons >> 16));
	le16(in, 0x0055);
}

void moon_input_arrival(
	struct moon_input *in, uint8_t number, uint8_t type, uint16_t caps, uint32_t buttons)
{
	begin(in, 0x55000004, PADS + number);
	u8(in, number);
	u8(in, type);
	le16(in, caps);
	le32(in, buttons);
}

void moon_input_pad_touch(
	struct moon_input *in, uint8_t number, uint8_t event, uint32_t finger, float x, float y)
{
	begin(in, 0x55000005, PADS + number);
	u8(in, number);
	u8(in, event);
	u8(in, 0);
	u8(in, 0);
	le32(in, finger);
	real(in, x);
	real(in, y);
	real(in, 1);
}

void moon_input_motion(struct moon_input *in, uint8_t number, uint8_t sensor, const float v[3])
{
	begin(in, 0x55000006, SENSORS + number);
	u8(in, number);
	u8(in, sensor);
	le16(in, 0);
	for (int i = 0; i < 3; i++)
		real(in, v[i]);
	in->way = MOON_UNRELIABLE;
}

void moon_input_battery(struct moon_input *in, uint8_t number, uint8_t state, uint8_t percent)
{
	begin(in, 0x55000007, PADS + number);
	u8(in, number);
	u8(in, state);
	u8(in, percent);
	u8(in, 0);
}

bool moon_input_send(struct moon_control *c, const struct moon_input *in)
{
	return moon_control_input(c, in->data, in->len, in->channel, in->way);
}
