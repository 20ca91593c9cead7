/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/inject/xkb_typing.h"

#include <linux/input-event-codes.h>
#include <stdlib.h>

#include <xkbcommon/xkbcommon.h>

#define EVDEV_TO_XKB 8u
/* The part of a keyboard that has letters: X's protocol knows no more keys. */
#define LAST_CODE 247u

struct xkb_typing {
	struct xkb_context *context;
	struct xkb_keymap *keymap;
	struct xkb_state *state;     /* for looking only */
	xkb_mod_mask_t shift, altgr; /* 0 = no such key */
	uint32_t locked, group;
};

void xkb_typing_destroy(struct xkb_typing *t)
{
	if (!t)
		return;
	xkb_state_unref(t->state);
	xkb_keymap_unref(t->keymap);
	xkb_context_unref(t->context);
	free(t);
}

/* What holding this key means here; only what chooses characters. */
static xkb_mod_mask_t modifier_of(struct xkb_typing *t, uint32_t code)
{
	struct xkb_state *s = xkb_state_new(t->keymap);
	if (!s)
		return 0;
	xkb_state_update_key(s, code + EVDEV_TO_XKB, XKB_KEY_DOWN);
	const xkb_mod_mask_t mask = xkb_state_serialize_mods(s, XKB_STATE_MODS_DEPRESSED);
	xkb_state_unref(s);
	return mask;
}

static int finish(struct xkb_typing **out, struct xkb_typing *t)
{
	if (t->keymap)
		t->state = xkb_state_new(t->keymap);
	if (!t->state) {
		xkb_typing_destroy(t);
		return PF_E_INVALID;
	}
	t->shift = modifier_of(t, KEY_LEFTSHIFT);
	t->altgr = modifier_of(t, KEY_RIGHTALT);
	*out = t;
	return PF_OK;
}

/* No include path and no variables: what the keymap names is not looked for in files. */
static void be_quiet(
	struct xkb_context *c, enum xkb_log_level level, const char *format, va_list ap)
{
	(void)c;
	(void)level;
	(void)format;
	(void)ap;
}

static struct xkb_typing *make(enum xkb_context_flags flags)
{
	struct xkb_typing *t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->context = xkb_context_new(flags);
	if (!t->context) {
		free(t);
		return NULL;
	}
	xkb_context_set_log_fn(t->context, be_quiet);
	return t;
}

int xkb_typing_create(struct xkb_typing **out, const char *text, size_t len)
{
	*out = NULL;
	while (len && !text[len - 1]) /* servers count the terminator in, or do not */
		len--;
	if (!len || len > XKB_TYPING_MAX_KEYMAP)
		return PF_E_INVALID;
	struct xkb_typing *t = make(
		XKB_CONTEXT_NO_DEFAULT_INCLUDES | XKB_CONTEXT_NO_ENVIRONMENT_NAMES);
	if (!t)
		return PF_E_NOMEM;
	t->keymap = xkb_keymap_new_from_buffer(
		t->context, text, len, XKB_KEYMAP_FORMAT_TEXT_V1, XKB_KEYMAP_COMPILE_NO_FLAGS);
	return finish(out, t);
}

int xkb_typing_create_layout(struct xkb_typing **out, const char *layout)
{
	const struct xkb_rule_names names = {
		.rules = "evdev", .model = "pc105", .layout = layout ? layout : "us"};
	*out = NULL;
	struct xkb_typing *t = make(XKB_CONTEXT_NO_ENVIRONMENT_NAMES);
	if (!t)
		return PF_E_NOMEM;
	t->keymap = xkb_keymap_new_from_names(t->context, &names, XKB_KEYMAP_COMPILE_NO_FLAGS);
	return finish(out, t);
}

void xkb_typing_set_state(struct xkb_typing *t, uint32_t locked, uint32_t group)
{
	t->locked = locked;
	t->group = group;
}

static bool types(struct xkb_typing *t, uint32_t code, xkb_mod_mask_t held, uint32_t scalar)
{
	xkb_state_update_mask(t->state, held, 0, t->locked, 0, 0, t->group);
	return xkb_state_key_get_utf32(t->state, code + EVDEV_TO_XKB) == scalar;
}

int xkb_typing_find(struct xkb_typing *t, uint32_t scalar, struct xkb_typing_keys *out)
{
	/* Enter says CR, and a keypad has digits too: the main ones first. */
	static const struct {
		uint32_t scalar, code;
	} keys[] = {{'\n', KEY_ENTER}, {'\t', KEY_TAB}, {'\b', KEY_BACKSPACE}};
	const xkb_mod_mask_t held[] = {0, t->shift, t->altgr, t->shift | t->altgr};
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (scalar == keys[i].scalar) {
			*out = (struct xkb_typing_keys){.code = keys[i].code};
			return PF_OK;
		}
	}
	for (size_t m = 0; m < sizeof(held) / sizeof(held[0]); m++) {
		const bool shift = m & 1, altgr = m & 2;
		if ((shift && !t->shift) || (altgr && !t->altgr))
			continue;
		for (uint32_t code = 1; code <= LAST_CODE; code++) {
			if (!types(t, code, held[m], scalar))
				continue;
			*out = (struct xkb_typing_keys){
				.code = code, .shift = shift, .altgr = altgr};
			return PF_OK;
		}
	}
	return PF_E_UNSUPPORTED;
}
