/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <math.h>
#include <string.h>

#include "core/nv/input.h"

#define STANDARD_GRAVITY 9.80665f
#define GYRO_UNITS	 20.0f	  /* a degree a second, of pf_rich */
#define ACCEL_UNITS	 10000.0f /* a g */
#define PAD_SURFACE	 65535.0f
#define MAX_FINGER	 UINT8_MAX

enum { GYRO, ACCEL };

void pf_nv_mapper_init(struct pf_nv_mapper *m)
{
	memset(m, 0, sizeof(*m));
}

static uint16_t bit(unsigned pad)
{
	return (uint16_t)(1u << pad);
}

static uint32_t surface(uint32_t width, uint32_t height)
{
	return width << 16 | height;
}

static size_t text(const struct pf_nv_input *in, struct pf_input *out)
{
	for (size_t i = 0; i < in->text.n; i++)
		out[i] = (struct pf_input){.kind = PF_INPUT_TEXT, .code = in->text.scalars[i]};
	return in->text.n;
}

static int32_t on_surface(float v)
{
	return (int32_t)lroundf(v * (float)(PF_NV_TOUCH_SURFACE - 1));
}

static size_t touch(const struct pf_nv_input *in, struct pf_input *out)
{
	switch (in->touch.event) {
	case PF_NV_DOWN:
		out->kind = PF_INPUT_TOUCH_DOWN;
		break;
	case PF_NV_MOVE:
		out->kind = PF_INPUT_TOUCH_MOVE;
		break;
	case PF_NV_UP:
		out->kind = PF_INPUT_TOUCH_UP;
		break;
	case PF_NV_CANCEL: /* says nothing of where: no surface */
		*out = (struct pf_input){.kind = PF_INPUT_TOUCH_UP, .code = in->touch.id};
		return 1;
	default:
		return 0;
	}
	out->code = in->touch.id;
	out->x = on_surface(in->touch.x);
	out->y = on_surface(in->touch.y);
	out->flags = surface(PF_NV_TOUCH_SURFACE, PF_NV_TOUCH_SURFACE);
	return 1;
}

static size_t arrive(struct pf_nv_mapper *m, uint8_t pad, uint8_t type, struct pf_input *out)
{
	if (m->pads & bit(pad))
		return 0;
	m->pads |= bit(pad);
	memset(m->motion[pad], 0, sizeof(m->motion[pad]));
	*out = (struct pf_input){.kind = PF_INPUT_PAD_ARRIVED, .code = type, .flags = pad};
	return 1;
}

static uint32_t halves(int16_t high, int16_t low)
{
	return (uint32_t)(uint16_t)high << 16 | (uint16_t)low;
}

static size_t snapshot(struct pf_nv_mapper *m, const struct pf_nv_input *in, struct pf_input *out)
{
	uint32_t seq = ++m->pad_seq[in->pad];
	*out = (struct pf_input){
		.kind = PF_INPUT_PAD_SNAPSHOT,
		.code = in->pad_state.buttons,
		.x = (int32_t)halves(in->pad_state.lx, in->pad_state.ly),
		.y = (int32_t)halves(in->pad_state.rx, in->pad_state.ry),
		.flags = seq << 24 | (uint32_t)in->pad_state.left_trigger << 16 |
			(uint32_t)in->pad_state.right_trigger << 8 | in->pad,
	};
	return 1;
}

/* Every state carries the mask of all pads: one whose bit is gone has left. */
static size_t pad_state(struct pf_nv_mapper *m, const struct pf_nv_input *in, struct pf_input *out)
{
	size_t n = 0;
	for (uint8_t pad = 0; pad < PF_PADS; pad++) {
		if (!(m->pads & bit(pad)) || in->pad_state.active & bit(pad))
			continue;
		m->pads &= (uint16_t)~bit(pad);
		uint32_t seq = ++m->pad_seq[pad];
		out[n++] = (struct pf_input){
			.kind = PF_INPUT_PAD_REMOVED, .flags = seq << 24 | pad};
	}
	if (!(in->pad_state.active & bit(in->pad)))
		return n;
	n += arrive(m, in->pad, PF_NV_PAD_UNKNOWN, out + n);
	return n + snapshot(m, in, out + n);
}

size_t pf_nv_mapper_events(struct pf_nv_mapper *m, const struct pf_nv_input *in,
	struct pf_input out[static PF_NV_MAX_EVENTS])
{
	*out = (struct pf_input){0};
	switch (in->kind) {
	case PF_NV_KEY:
		out->kind = in->key.down ? PF_INPUT_KEY_DOWN : PF_INPUT_KEY_UP;
		out->code = in->key.vk;
		return 1;
	case PF_NV_TEXT:
		return text(in, out);
	case PF_NV_MOUSE_REL:
		out->kind = PF_INPUT_MOUSE_REL;
		out->x = in->mouse_rel.dx;
		out->y = in->mouse_rel.dy;
		return 1;
	case PF_NV_MOUSE_ABS:
		out->kind = PF_INPUT_MOUSE_ABS;
		out->x = in->mouse_abs.x;
		out->y = in->mouse_abs.y;
		out->flags = surface(in->mouse_abs.width, in->mouse_abs.height);
		return 1;
	case PF_NV_MOUSE_BUTTON:
		out->kind = in->mouse_button.down ? PF_INPUT_BUTTON_DOWN : PF_INPUT_BUTTON_UP;
		out->code = in->mouse_button.number;
		return 1;
	case PF_NV_SCROLL:
		out->kind = PF_INPUT_SCROLL;
		out->code = in->scroll.horizontal;
		out->x = in->scroll.amount;
		return 1;
	case PF_NV_TOUCH:
		return touch(in, out);
	case PF_NV_PAD_STATE:
		return pad_state(m, in, out);
	case PF_NV_PAD_ARRIVAL:
		return arrive(m, in->pad, in->pad_arrival.type, out);
	default:
		return 0;
	}
}

static int16_t to_units(float v, float units)
{
	float scaled = roundf(v * units);
	if (scaled >= INT16_MAX)
		return INT16_MAX;
	return scaled <= INT16_MIN ? INT16_MIN : (int16_t)scaled;
}

static bool motion(struct pf_nv_mapper *m, const struct pf_nv_input *in, struct pf_rich *out)
{
	int16_t(*now)[3] = m->motion[in->pad];
	bool gyro = in->pad_motion.sensor == PF_NV_GYROSCOPE;
	for (size_t i = 0; i < 3; i++)
		now[gyro ? GYRO : ACCEL][i] = gyro
			? to_units(in->pad_motion.v[i], GYRO_UNITS)
			: to_units(in->pad_motion.v[i], ACCEL_UNITS / STANDARD_GRAVITY);
	out->kind = PF_RICH_MOTION;
	memcpy(out->motion.gyro, now[GYRO], sizeof(out->motion.gyro));
	memcpy(out->motion.accel, now[ACCEL], sizeof(out->motion.accel));
	return true;
}

/* The first surface as pads with one have it, the second in the form that has a number for it. */
static bool pad_touch(const struct pf_nv_input *in, struct pf_rich *out)
{
	uint8_t event = in->pad_touch.event;
	bool down = event == PF_NV_DOWN || event == PF_NV_MOVE;
	if ((!down && event != PF_NV_UP && event != PF_NV_CANCEL) ||
		in->pad_touch.finger > MAX_FINGER)
		return false;
	uint8_t finger = (uint8_t)in->pad_touch.finger;
	uint16_t x = (uint16_t)lroundf(in->pad_touch.x * PAD_SURFACE);
	uint16_t y = (uint16_t)lroundf(in->pad_touch.y * PAD_SURFACE);
	if (!in->pad_touch.surface) {
		out->kind = PF_RICH_TOUCHPAD;
		out->touchpad.finger = finger;
		out->touchpad.active = down;
		out->touchpad.x = x;
		out->touchpad.y = y;
		return true;
	}
	out->kind = PF_RICH_TOUCHPAD_EX;
	out->touchpad_ex.surface = in->pad_touch.surface;
	out->touchpad_ex.finger = finger;
	out->touchpad_ex.state = down;
	out->touchpad_ex.x = (int16_t)(x + INT16_MIN);
	out->touchpad_ex.y = (int16_t)(y + INT16_MIN);
	out->touchpad_ex.pressure = (uint16_t)lroundf(in->pad_touch.pressure * (float)UINT16_MAX);
	return true;
}

bool pf_nv_mapper_rich(struct pf_nv_mapper *m, const struct pf_nv_input *in, struct pf_rich *out)
{
	*out = (struct pf_rich){.pad = in->pad};
	if (in->kind == PF_NV_PAD_MOTION)
		return motion(m, in, out);
	return in->kind == PF_NV_PAD_TOUCH && pad_touch(in, out);
}
