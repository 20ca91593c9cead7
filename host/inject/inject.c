/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/inject/inject.h"

#include <linux/input-event-codes.h>
#include <string.h>
#include <unistd.h>

/* A jump beyond any screen, and ten turns of a wheel's worth of detents in one event: larger is no hand's. */
#define MAX_DELTA  16384
#define MAX_SCROLL (120 * 100)
/* A detent moves an axis by 15 units, as libinput has it: 32 of their 256ths for each of the wire's 120. */
#define Q8_PER_AMOUNT 32
#define MAX_SMOOTH    (MAX_SCROLL * Q8_PER_AMOUNT)

static const struct inject_impl *const impls[] = {
#if HAVE_LIBEI
	&inject_libei_impl,
#endif
#if HAVE_WLROOTS
	&inject_wlr_impl,
#endif
	&inject_mutter_impl,
	&inject_portal_impl,
	&inject_view_only_impl,
#if HAVE_KWIN
	&inject_kwin_impl,
#endif
	&inject_record_impl,
};

static int32_t clamp(int32_t v, int32_t low, int32_t high)
{
	return v < low ? low : v > high ? high : v;
}

static bool is_button(uint32_t code)
{
	return code >= BTN_MISC && code < KEY_OK;
}

static int create_with(
	struct inject **out, const struct inject_impl *impl, const struct inject_params *params)
{
	int err = impl->create(out, params);
	if (err < 0)
		return err;
	impl = (*out)->impl; /* a backend may have more than one, as the desktop's version has it */
	(*out)->caps = (struct inject_caps){
		.text = impl->text,
		.touch = impl->touch,
		.smooth_scroll = !impl->view_only,
		.pads = impl->pad,
		.view_only = impl->view_only,
	};
	return PF_OK;
}

static const struct inject_impl *find(const char *name)
{
	for (size_t i = 0; i < sizeof(impls) / sizeof(impls[0]); i++) {
		if (strcmp(impls[i]->name, name) == 0)
			return impls[i];
	}
	return NULL;
}

bool inject_has(const char *name)
{
	return name && find(name);
}

int inject_create(struct inject **out, const char *name, const struct inject_params *params)
{
	*out = NULL;
	if (!name || !params)
		return PF_E_INVALID;
	const struct inject_impl *impl = find(name);
	if (impl)
		return create_with(out, impl, params);
	if (params->eis_fd > 0) /* 0 is what a caller without one left there */
		close(params->eis_fd);
	return PF_E_UNSUPPORTED;
}

void inject_destroy(struct inject *i)
{
	if (!i)
		return;
	inject_release_all(i);
	i->impl->destroy(i);
}

static void set_code(struct inject *i, uint32_t code, bool down)
{
	if (code == 0 || code >= INJECT_MAX_KEY) {
		i->dropped++;
		return;
	}
	uint64_t *word = &i->down[code / 64];
	const uint64_t bit = UINT64_C(1) << (code % 64);
	if (((*word & bit) != 0) == down)
		return;
	*word ^= bit;
	if (is_button(code))
		i->impl->button(i, code, down);
	else
		i->impl->key(i, code, down);
}

void inject_release_all(struct inject *i)
{
	while (i->n_touches) {
		struct inject_touch up = i->touches[--i->n_touches];
		up.kind = PF_INPUT_TOUCH_UP;
		if (i->impl->touch)
			i->impl->touch(i, &up);
	}
	for (uint32_t code = 1; code < INJECT_MAX_KEY; code++)
		set_code(i, code, false);
	i->impl->flush(i);
}

/* Numbered as GameStream does: 1 left, 2 middle, 3 right, 4 and 5 the thumb's. */
static uint32_t button_to_evdev(uint32_t number)
{
	static const uint16_t table[] = {0, BTN_LEFT, BTN_MIDDLE, BTN_RIGHT, BTN_SIDE, BTN_EXTRA};
	return number < sizeof(table) / sizeof(table[0]) ? table[number] : 0;
}

/* Where an event of a surface is; false: the surface is none. */
static bool place(const struct pf_input *e, struct inject_touch *out)
{
	out->width = e->flags >> 16;
	out->height = e->flags & 0xFFFFu;
	if (!out->width || !out->height)
		return false;
	out->x = (uint32_t)clamp(e->x, 0, (int32_t)out->width - 1);
	out->y = (uint32_t)clamp(e->y, 0, (int32_t)out->height - 1);
	return true;
}

static void put(struct inject *i, const struct inject_touch *at)
{
	i->at = *at;
	i->impl->motion_absolute(i, at->x, at->y, at->width, at->height);
}

static bool absolute(struct inject *i, const struct pf_input *e)
{
	struct inject_touch at = {0};
	if (!place(e, &at))
		return false;
	put(i, &at);
	return true;
}

/* One axis of where the pointer is, in pixels of the output; true: it would have gone beyond. */
static bool follow(uint32_t *at, uint32_t of, uint32_t pixels, int32_t moved)
{
	const int32_t to = (int32_t)((uint64_t)*at * pixels / of) + moved;
	*at = (uint32_t)clamp(to, 0, (int32_t)pixels - 1);
	return (int32_t)*at != to;
}

/*
 * A pointer that goes everywhere begins in the middle of this output, and is brought back when it has left it. What it
 * moved counts before that, for programs that hold the pointer and only look at how it moves.
 */
static void relative(struct inject *i, int32_t dx, int32_t dy)
{
	const uint32_t width = i->params.width, height = i->params.height;
	const struct inject_touch middle = {
		.x = width / 2, .y = height / 2, .width = width, .height = height};
	if (i->impl->roams && !i->at.width && width && height)
		put(i, &middle);
	i->impl->motion(i, dx, dy);
	if (!i->at.width || !width || !height)
		return;
	bool beyond = follow(&i->at.x, i->at.width, width, dx);
	beyond |= follow(&i->at.y, i->at.height, height, dy);
	i->at.width = width;
	i->at.height = height;
	if (beyond && i->impl->roams)
		i->impl->motion_absolute(i, i->at.x, i->at.y, width, height);
}

static bool scroll(struct inject *i, const struct pf_input *e)
{
	if (e->code > 1 || e->x == 0)
		return false;
	const int32_t amount = clamp(e->x, -MAX_SCROLL, MAX_SCROLL);
	if (e->flags & 1) /* precise: no detents */
		i->impl->scroll_smooth(
			i, e->code == 1, amount * Q8_PER_AMOUNT, INJECT_SCROLL_CONTINUOUS);
	else
		i->impl->scroll(i, e->code == 1, amount);
	return true;
}

static bool smooth_scroll(struct inject *i, const struct pf_input *e)
{
	const uint8_t source = e->flags & 0xFF;
	if (e->code > 1)
		return false;
	i->impl->scroll_smooth(i, e->code == 1, clamp(e->x, -MAX_SMOOTH, MAX_SMOOTH),
		source > INJECT_SCROLL_CONTINUOUS ? INJECT_SCROLL_CONTINUOUS
						  : (enum inject_scroll)source);
	return true;
}

/* A letter, or what a keyboard has a key for: not the rest of the control characters. */
static bool text(struct inject *i, const struct pf_input *e)
{
	const uint32_t c = e->code;
	const bool key = c == '\b' || c == '\t' || c == '\n' || c == '\r';
	if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF) || (c < 0x20 && !key) ||
		(c >= 0x7F && c < 0xA0) || !i->impl->text)
		return false;
	i->impl->text(i, c == '\r' ? '\n' : c);
	return true;
}

/* Without a touch screen the first finger is the pointer with its left button, and the others are nothing. */
static void emit_touch(struct inject *i, const struct inject_touch *t)
{
	if (i->impl->touch) {
		i->impl->touch(i, t);
		return;
	}
	if (t->kind != PF_INPUT_TOUCH_UP)
		put(i, t);
	if (t->kind != PF_INPUT_TOUCH_MOVE)
		set_code(i, BTN_LEFT, t->kind == PF_INPUT_TOUCH_DOWN);
}

static bool touch(struct inject *i, const struct pf_input *e)
{
	const size_t most = i->impl->touch ? INJECT_MAX_TOUCHES : 1;
	struct inject_touch t = {.kind = e->kind, .id = e->code};
	size_t at = 0;
	while (at < i->n_touches && i->touches[at].id != e->code)
		at++;
	const bool known = at < i->n_touches;
	if (!place(e, &t)) {
		if (e->kind != PF_INPUT_TOUCH_UP || !known)
			return false;
		t = i->touches[at]; /* it went up somewhere */
		t.kind = e->kind;
	}
	if (e->kind == PF_INPUT_TOUCH_DOWN && known)
		t.kind = PF_INPUT_TOUCH_MOVE;
	else if (e->kind != PF_INPUT_TOUCH_DOWN && !known)
		return false;
	else if (!known && i->n_touches == most)
		return false;
	if (t.kind == PF_INPUT_TOUCH_UP)
		i->touches[at] = i->touches[--i->n_touches];
	else
		i->touches[at] = t;
	i->n_touches += t.kind == PF_INPUT_TOUCH_DOWN;
	emit_touch(i, &t);
	return true;
}

/*
 * Snapshots may overtake each other, and a removal: an old one would bring back what was let go, or a pad that is
 * gone. Their one count goes on when a pad comes back.
 */
static bool is_old(struct inject *i, uint32_t pad, uint8_t seq)
{
	const uint16_t bit = (uint16_t)(1u << pad);
	if (i->pads_seen & bit && (int8_t)(seq - i->pad_seq[pad]) <= 0)
		return true;
	i->pads_seen |= bit;
	i->pad_seq[pad] = seq;
	return false;
}

static bool pad(struct inject *i, const struct pf_input *e)
{
	const bool few = e->kind == PF_INPUT_PAD_SNAPSHOT || e->kind == PF_INPUT_PAD_REMOVED ||
		e->kind == PF_INPUT_PAD_ARRIVED;
	const uint32_t number = few ? e->flags & 0xFF : e->flags;
	if (!i->impl->pad || number >= INJECT_MAX_PADS)
		return false;
	if (e->kind == PF_INPUT_PAD_BUTTON && (!e->code || e->code & (e->code - 1)))
		return false; /* one button's bit */
	if (e->kind == PF_INPUT_PAD_AXIS && e->code > 5)
		return false;
	if ((e->kind == PF_INPUT_PAD_SNAPSHOT || e->kind == PF_INPUT_PAD_REMOVED) &&
		is_old(i, number, (uint8_t)(e->flags >> 24)))
		return false;
	i->impl->pad(i, e);
	return true;
}

void inject_event(struct inject *i, const struct pf_input *event)
{
	bool good = true;
	i->events++;
	switch (event->kind) {
	case PF_INPUT_KEY_DOWN:
	case PF_INPUT_KEY_UP:
		set_code(i, inject_vk_to_evdev(event->code), event->kind == PF_INPUT_KEY_DOWN);
		break;
	case PF_INPUT_BUTTON_DOWN:
	case PF_INPUT_BUTTON_UP:
		set_code(i, button_to_evdev(event->code), event->kind == PF_INPUT_BUTTON_DOWN);
		break;
	case PF_INPUT_MOUSE_REL:
		relative(i, clamp(event->x, -MAX_DELTA, MAX_DELTA),
			clamp(event->y, -MAX_DELTA, MAX_DELTA));
		break;
	case PF_INPUT_MOUSE_ABS:
		good = absolute(i, event);
		break;
	case PF_INPUT_SCROLL:
		good = scroll(i, event);
		break;
	case PF_INPUT_SMOOTH_SCROLL:
		good = smooth_scroll(i, event);
		break;
	case PF_INPUT_TEXT:
		good = text(i, event);
		break;
	case PF_INPUT_TOUCH_DOWN:
	case PF_INPUT_TOUCH_MOVE:
	case PF_INPUT_TOUCH_UP:
		good = touch(i, event);
		break;
	case PF_INPUT_PAD_BUTTON:
	case PF_INPUT_PAD_AXIS:
	case PF_INPUT_PAD_SNAPSHOT:
	case PF_INPUT_PAD_REMOVED:
	case PF_INPUT_PAD_ARRIVED:
		good = pad(i, event);
		break;
	default:
		good = false;
		break;
	}
	i->dropped += !good;
	if (good)
		i->impl->flush(i);
}

void inject_rich(struct inject *i, const struct pf_rich *event)
{
	i->events++;
	if (i->impl->rich && event->pad < INJECT_MAX_PADS)
		i->impl->rich(i, event);
	else
		i->dropped++;
}

void inject_claim(struct inject *i)
{
	if (i->impl->claim)
		i->impl->claim(i);
}

void inject_set_size(struct inject *i, uint32_t width, uint32_t height)
{
	i->params.width = width;
	i->params.height = height;
}
