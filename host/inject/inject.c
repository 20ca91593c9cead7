/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/inject/inject.h"

#include <linux/input-event-codes.h>
#include <string.h>

/* A jump beyond any screen, and ten turns of a wheel's worth of detents in one event: larger is no hand's. */
#define MAX_DELTA  16384
#define MAX_SCROLL (120 * 100)

static const struct inject_impl *const impls[] = {
#if HAVE_WLROOTS
	&inject_wlr_impl,
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

int inject_create(struct inject **out, const char *name, const struct inject_params *params)
{
	*out = NULL;
	if (!name || !params)
		return PF_E_INVALID;
	for (size_t i = 0; i < sizeof(impls) / sizeof(impls[0]); i++) {
		if (strcmp(impls[i]->name, name) == 0)
			return impls[i]->create(out, params);
	}
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

static void absolute(struct inject *i, const struct pf_input *e)
{
	const uint32_t width = e->flags >> 16, height = e->flags & 0xFFFFu;
	if (width == 0 || height == 0) {
		i->dropped++;
		return;
	}
	const int32_t x = clamp(e->x, 0, (int32_t)width - 1);
	const int32_t y = clamp(e->y, 0, (int32_t)height - 1);
	i->impl->motion_absolute(i, (uint32_t)x, (uint32_t)y, width, height);
}

void inject_event(struct inject *i, const struct pf_input *event)
{
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
		i->impl->motion(i, clamp(event->x, -MAX_DELTA, MAX_DELTA),
			clamp(event->y, -MAX_DELTA, MAX_DELTA));
		break;
	case PF_INPUT_MOUSE_ABS:
		absolute(i, event);
		break;
	case PF_INPUT_SCROLL:
		if (event->code > 1 || event->x == 0) {
			i->dropped++;
			break;
		}
		i->impl->scroll(i, event->code == 1, clamp(event->x, -MAX_SCROLL, MAX_SCROLL));
		break;
	default: /* pads, touch, text: not of this family, or not announced */
		i->dropped++;
		return;
	}
	i->impl->flush(i);
}
