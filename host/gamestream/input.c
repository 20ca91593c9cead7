/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include "core/wire/control.h"
#include "host/gamestream/streams.h"
#include "host/media/clock.h"

/* What a Moonlight client does with keyboard, mouse, touch, pen and pads, into its session. */

/* As for native clients: mice report 8,000 times a second at most, a burst is what a stalled network brings. */
#define INPUT_PER_SECOND 16000u
#define INPUT_BURST	 4000u

static const struct {
	uint8_t modifier, vk[3]; /* either, left, right */
} modifiers[] = {
	{PF_NV_SHIFT, {0x10, 0xA0, 0xA1}},
	{PF_NV_CTRL, {0x11, 0xA2, 0xA3}},
	{PF_NV_ALT, {0x12, 0xA4, 0xA5}},
	{PF_NV_META, {0, 0x5B, 0x5C}},
};
#define N_MODIFIERS (sizeof(modifiers) / sizeof(modifiers[0]))

static bool within_budget(struct gs_input *in)
{
	const uint64_t per_event_ns = 1000000000ull / INPUT_PER_SECOND;
	if (!in->left) {
		uint64_t n = (clock_now_ns() - in->refilled_ns) / per_event_ns;
		in->left = n < INPUT_BURST ? (uint32_t)n : INPUT_BURST;
		in->refilled_ns += n * per_event_ns;
	}
	if (in->left) {
		in->left--;
		return true;
	}
	in->n_dropped++;
	return false;
}

static uint8_t grant_of(const struct pf_nv_input *in)
{
	switch (in->kind) {
	case PF_NV_KEY:
	case PF_NV_TEXT:
		return PF_GRANT_KEYBOARD;
	case PF_NV_MOUSE_REL:
	case PF_NV_MOUSE_ABS:
	case PF_NV_MOUSE_BUTTON:
	case PF_NV_SCROLL:
	case PF_NV_TOUCH:
	case PF_NV_PEN:
		return PF_GRANT_POINTER;
	default:
		return PF_GRANT_GAMEPAD;
	}
}

/* A release gets through whatever the budget: a key that stays down is worse than a flood of what is not down. */
static bool is_release(const struct pf_nv_input *in)
{
	return (in->kind == PF_NV_KEY && !in->key.down) ||
		(in->kind == PF_NV_MOUSE_BUTTON && !in->mouse_button.down) ||
		(in->kind == PF_NV_TOUCH &&
			(in->touch.event == PF_NV_UP || in->touch.event == PF_NV_CANCEL ||
				in->touch.event == PF_NV_CANCEL_ALL));
}

static void press(struct gs_stream *s, uint32_t vk, bool down)
{
	const struct pf_input e = {.kind = down ? PF_INPUT_KEY_DOWN : PF_INPUT_KEY_UP, .code = vk};
	session_input(s->session, &e);
}

static uint8_t modifier_of(uint8_t vk)
{
	for (size_t i = 0; i < N_MODIFIERS; i++)
		for (size_t k = 0; k < 3; k++)
			if (vk && modifiers[i].vk[k] == vk)
				return modifiers[i].modifier;
	return 0;
}

/*
 * Keyboards on a screen say "shift" with a key, without ever pressing shift: it is pressed for them, around the
 * press of the key.
 */
static void take_key(struct gs_stream *s, const struct pf_nv_input *in)
{
	uint8_t own = modifier_of(in->key.vk), missing = 0;
	if (own && in->key.down)
		s->input.held |= own;
	else if (own)
		s->input.held &= (uint8_t)~own;
	else if (in->key.down)
		missing = in->key.modifiers & (uint8_t)~s->input.held;
	for (size_t i = 0; i < N_MODIFIERS; i++)
		if (missing & modifiers[i].modifier)
			press(s, modifiers[i].vk[1], true);
	press(s, in->key.vk, in->key.down);
	for (size_t i = N_MODIFIERS; i-- > 0;)
		if (missing & modifiers[i].modifier)
			press(s, modifiers[i].vk[1], false);
}

/* --- touch --- */

static void note_touch(struct gs_input *g, uint32_t id, bool down)
{
	for (size_t i = 0; i < g->n_touches; i++) {
		if (g->touches[i] != id)
			continue;
		if (!down)
			g->touches[i] = g->touches[--g->n_touches];
		return;
	}
	if (down && g->n_touches < GS_TOUCHES)
		g->touches[g->n_touches++] = id;
}

static void lift_all(struct gs_stream *s)
{
	struct gs_input *g = &s->input;
	while (g->n_touches) {
		/* Without a surface: where it was last. */
		const struct pf_input e = {
			.kind = PF_INPUT_TOUCH_UP, .code = g->touches[--g->n_touches]};
		session_input(s->session, &e);
	}
}

/* --- pen --- */

#define PEN_TIP 1u

static void pen_button(struct gs_stream *s, uint8_t bit, uint32_t button, bool down)
{
	if (down == !!(s->input.pen_down & bit))
		return;
	s->input.pen_down ^= bit;
	const struct pf_input e = {
		.kind = down ? PF_INPUT_BUTTON_DOWN : PF_INPUT_BUTTON_UP, .code = button};
	session_input(s->session, &e);
}

/* Desktops take no tablets from us: a pen is a pointer, its tip the left button and its own buttons the others. */
static void take_pen(struct gs_stream *s, const struct pf_nv_input *in)
{
	const uint8_t event = in->pen.event;
	const bool tip = event == PF_NV_DOWN ||
		((event == PF_NV_MOVE || event == PF_NV_BUTTON_ONLY) &&
			s->input.pen_down & PEN_TIP);
	const bool away = event == PF_NV_HOVER_LEAVE || event == PF_NV_CANCEL ||
		event == PF_NV_CANCEL_ALL;
	if (!away && event != PF_NV_BUTTON_ONLY) {
		const struct pf_input e = {
			.kind = PF_INPUT_MOUSE_ABS,
			.x = (int32_t)(in->pen.x * (float)(PF_NV_TOUCH_SURFACE - 1)),
			.y = (int32_t)(in->pen.y * (float)(PF_NV_TOUCH_SURFACE - 1)),
			.flags = PF_NV_TOUCH_SURFACE << 16 | PF_NV_TOUCH_SURFACE,
		};
		session_input(s->session, &e);
	}
	pen_button(s, 2, 3, !away && in->pen.buttons & 1);
	pen_button(s, 4, 2, !away && in->pen.buttons & 2);
	pen_button(s, PEN_TIP, 1, tip);
}

static void take(struct gs_stream *s, const struct pf_nv_input *in)
{
	struct pf_input events[PF_NV_MAX_EVENTS];
	struct pf_rich rich;
	if (in->kind == PF_NV_KEY) {
		take_key(s, in);
		return;
	}
	if (in->kind == PF_NV_PEN) {
		take_pen(s, in);
		return;
	}
	if (in->kind == PF_NV_TOUCH && in->touch.event == PF_NV_CANCEL_ALL) {
		lift_all(s);
		return;
	}
	size_t n = pf_nv_mapper_events(&s->input.mapper, in, events);
	for (size_t i = 0; i < n; i++) {
		if (events[i].kind == PF_INPUT_TOUCH_DOWN || events[i].kind == PF_INPUT_TOUCH_UP)
			note_touch(
				&s->input, events[i].code, events[i].kind == PF_INPUT_TOUCH_DOWN);
		session_input(s->session, &events[i]);
	}
	if (!n && pf_nv_mapper_rich(&s->input.mapper, in, &rich))
		session_rich_input(s->session, &rich);
}

void gs_input_open(struct gs_input *in)
{
	*in = (struct gs_input){.refilled_ns = clock_now_ns(), .left = INPUT_BURST};
	pf_nv_mapper_init(&in->mapper);
}

void gs_input_take(struct gs_stream *s, const uint8_t *data, size_t len)
{
	struct pf_nv_input in;
	const struct gs_launch *l = gs_stream_launch(s);
	int err = pf_nv_input_read(&in, data, len);
	if (err < 0) {
		s->input.n_bad += err != PF_E_UNSUPPORTED;
		return;
	}
	if (!l || !(l->grants & grant_of(&in)))
		return;
	if (within_budget(&s->input) || is_release(&in))
		take(s, &in);
}
