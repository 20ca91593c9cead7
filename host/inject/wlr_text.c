/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/inject/wlr_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <wayland-client.h>
#include <xkbcommon/xkbcommon.h>

#include "host/base/log.h"
#include "host/media/clock.h"
#include "virtual-keyboard-unstable-v1-client.h"

#define SLOTS 240u /* keys of a keymap: xkb codes 9 to 248, evdev 1 to 240 */
/* Names of keys are four letters long, as X has them. */
#define FIRST_XKB  9u
#define FIRST_CODE 1u
#define N_FIXED	   98u /* ASCII and three keys stay where they are; the others take turns */

/* A character that the keymap does not have yet costs the compositor a new one: some milliseconds. */
#define NEW_BURST      64u
#define NEW_PER_SECOND 20u

struct wlr_text {
	struct zwp_virtual_keyboard_manager_v1 *manager;
	struct wl_seat *seat;
	struct zwp_virtual_keyboard_v1 *keyboard; /* NULL before the first character */
	uint32_t chars[SLOTS];
	size_t next; /* the slot that has waited for longest */
	uint32_t new_left;
	uint64_t refilled_ns;
};

int wlr_text_create(struct wlr_text **out, struct zwp_virtual_keyboard_manager_v1 *manager,
	struct wl_seat *seat)
{
	struct wlr_text *t = calloc(1, sizeof(*t));
	if (!t)
		return PF_E_NOMEM;
	t->manager = manager;
	t->seat = seat;
	t->next = N_FIXED;
	t->new_left = NEW_BURST;
	t->refilled_ns = clock_now_ns();
	size_t n = 0;
	for (uint32_t c = 0x20; c < 0x7F; c++)
		t->chars[n++] = c;
	t->chars[n++] = '\n';
	t->chars[n++] = '\t';
	t->chars[n++] = '\b';
	pf_check(n == N_FIXED);
	*out = t;
	return PF_OK;
}

void wlr_text_destroy(struct wlr_text *t)
{
	if (!t)
		return;
	if (t->keyboard)
		zwp_virtual_keyboard_v1_destroy(t->keyboard);
	free(t);
}

static void print_symbol(FILE *f, size_t slot, uint32_t c)
{
	char name[64];
	xkb_keysym_t sym = c == '\n' ? XKB_KEY_Return
		: c == '\t'	     ? XKB_KEY_Tab
		: c == '\b'	     ? XKB_KEY_BackSpace
				     : xkb_utf32_to_keysym(c);
	if (sym != XKB_KEY_NoSymbol && xkb_keysym_get_name(sym, name, sizeof(name)) > 0)
		fprintf(f, "key <K%03zu> {[%s]};\n", slot, name);
}

static char *print_keymap(const struct wlr_text *t, size_t *len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, len);
	if (!f)
		return NULL;
	fprintf(f, "xkb_keymap {\nxkb_keycodes \"text\" {\nminimum = 8;\nmaximum = 255;\n");
	for (size_t i = 0; i < SLOTS; i++)
		if (t->chars[i])
			fprintf(f, "<K%03zu> = %zu;\n", i, i + FIRST_XKB);
	fprintf(f,
		"};\nxkb_types \"text\" {include \"complete\"};\n"
		"xkb_compatibility \"text\" {include \"complete\"};\nxkb_symbols \"text\" {\n");
	for (size_t i = 0; i < SLOTS; i++)
		if (t->chars[i])
			print_symbol(f, i, t->chars[i]);
	fprintf(f, "};\n};\n");
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static int send_keymap(struct wlr_text *t)
{
	size_t len = 0;
	char *text = print_keymap(t, &len);
	if (!text)
		return PF_E_NOMEM;
	int err = PF_OK;
	int fd = memfd_create("punktfunk-text", MFD_CLOEXEC);
	len++; /* with its NUL, as the protocol wants it */
	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		err = pf_error_from_errno(errno);
	else
		zwp_virtual_keyboard_v1_keymap(
			t->keyboard, WL_KEYBOARD_KEYMAP_FORMAT_XKB_V1, fd, (uint32_t)len);
	if (fd >= 0)
		close(fd);
	free(text);
	return err;
}

static bool may_add(struct wlr_text *t)
{
	uint64_t per_new_ns = 1000000000ull / NEW_PER_SECOND;
	uint64_t n = (clock_now_ns() - t->refilled_ns) / per_new_ns;
	t->refilled_ns += n * per_new_ns;
	t->new_left = n < NEW_BURST - t->new_left ? t->new_left + (uint32_t)n : NEW_BURST;
	if (!t->new_left)
		return false;
	t->new_left--;
	return true;
}

/* SLOTS: not now. */
static size_t slot_of(struct wlr_text *t, uint32_t c)
{
	for (size_t i = 0; i < SLOTS; i++)
		if (t->chars[i] == c)
			return i;
	if (!may_add(t))
		return SLOTS;
	size_t slot = t->next;
	t->next = slot + 1 < SLOTS ? slot + 1 : N_FIXED;
	t->chars[slot] = c;
	return send_keymap(t) < 0 ? SLOTS : slot;
}

static bool ensure_keyboard(struct wlr_text *t)
{
	if (t->keyboard)
		return true;
	t->keyboard = zwp_virtual_keyboard_manager_v1_create_virtual_keyboard(t->manager, t->seat);
	if (t->keyboard && send_keymap(t) >= 0)
		return true;
	if (t->keyboard)
		zwp_virtual_keyboard_v1_destroy(t->keyboard);
	t->keyboard = NULL;
	return false;
}

void wlr_text_type(struct wlr_text *t, uint32_t scalar, uint32_t time_ms)
{
	if (!ensure_keyboard(t))
		return;
	size_t slot = slot_of(t, scalar);
	if (slot == SLOTS)
		return;
	uint32_t code = (uint32_t)slot + FIRST_CODE;
	zwp_virtual_keyboard_v1_key(t->keyboard, time_ms, code, WL_KEYBOARD_KEY_STATE_PRESSED);
	zwp_virtual_keyboard_v1_key(t->keyboard, time_ms, code, WL_KEYBOARD_KEY_STATE_RELEASED);
}
