/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/inject/bus_calls.h"

#include <errno.h>
#include <linux/input-event-codes.h>
#include <string.h>
#include <systemd/sd-bus.h>

#define UNICODE_KEYSYM 0x01000000u /* plus the character, where it is not Latin-1 */

void bus_calls_init(struct bus_calls *b, sd_bus *bus)
{
	memset(b, 0, sizeof(*b));
	b->bus = sd_bus_ref(bus);
}

void bus_calls_finish(struct bus_calls *b)
{
	b->answer = sd_bus_slot_unref(b->answer);
	b->bus = sd_bus_unref(b->bus);
}

static void lose(struct bus_calls *b)
{
	if (!b->lost && b->on_lost)
		b->on_lost(b->userdata);
	b->lost = true;
}

static int handle_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	struct bus_calls *b = userdata;
	const sd_bus_error *e = sd_bus_message_get_error(reply);
	(void)error;
	b->answer = sd_bus_slot_unref(b->answer);
	b->untaken = 0;
	/* Another error is about one event, as a key that the keymap has not. */
	if (sd_bus_error_has_name(e, SD_BUS_ERROR_UNKNOWN_OBJECT) ||
		sd_bus_error_has_name(e, SD_BUS_ERROR_UNKNOWN_METHOD) ||
		sd_bus_error_has_name(e, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
		sd_bus_error_has_name(e, SD_BUS_ERROR_NAME_HAS_NO_OWNER) ||
		sd_bus_error_has_name(e, SD_BUS_ERROR_NO_REPLY)) {
		lose(b);
		return 0;
	}
	if (b->stalled) {
		b->stalled = false;
		if (b->on_resumed)
			b->on_resumed(b->userdata);
	}
	return 0;
}

bool bus_calls_can_send(struct bus_calls *b)
{
	if (b->untaken >= BUS_CALLS_MAX_UNTAKEN)
		b->stalled = true;
	return !b->stalled && !b->lost;
}

void bus_calls_send(struct bus_calls *b, sd_bus_message *m, int r)
{
	if (r >= 0 && !b->answer)
		r = sd_bus_call_async(b->bus, &b->answer, m, handle_answer, b, UINT64_MAX);
	else if (r >= 0 && (r = sd_bus_message_set_expect_reply(m, 0)) >= 0)
		r = sd_bus_send(b->bus, m, NULL);
	sd_bus_message_unref(m);
	b->untaken++;
	if (r == -ENOTCONN || r == -ECONNRESET || r == -EPIPE)
		lose(b);
}

void bus_calls_note(struct bus_calls *b, uint32_t code, bool down)
{
	const uint64_t bit = UINT64_C(1) << (code % 64);
	if (down)
		b->sent[code / 64] |= bit;
	else
		b->sent[code / 64] &= ~bit;
}

void bus_calls_catch_up(struct bus_calls *b, struct inject *base)
{
	for (uint32_t code = 1; code < INJECT_MAX_KEY && bus_calls_can_send(b); code++) {
		const bool down = base->down[code / 64] >> (code % 64) & 1;
		if (down == (bool)(b->sent[code / 64] >> (code % 64) & 1))
			continue;
		if (code >= BTN_MISC && code < KEY_OK)
			base->impl->button(base, code, down);
		else
			base->impl->key(base, code, down);
	}
}

static int slot_of(const struct bus_calls *b, const struct inject_touch *t)
{
	int free_slot = -1;
	for (int i = 0; i < (int)INJECT_MAX_TOUCHES; i++) {
		if (b->touch_used[i] && b->touch_ids[i] == t->id)
			return i;
		if (!b->touch_used[i] && free_slot < 0)
			free_slot = i;
	}
	return t->kind == PF_INPUT_TOUCH_DOWN ? free_slot : -1;
}

/* One that goes up in a stall does so all the same: nobody would tell it later. */
int bus_calls_touch(struct bus_calls *b, const struct inject_touch *t)
{
	const int slot = slot_of(b, t);
	const bool up = t->kind == PF_INPUT_TOUCH_UP;
	if (slot < 0 || b->lost || (!bus_calls_can_send(b) && !up))
		return -1;
	b->touch_ids[slot] = t->id;
	b->touch_used[slot] = !up;
	return slot;
}

uint32_t bus_calls_keysym(uint32_t scalar)
{
	switch (scalar) {
	case '\b':
	case '\t':
		return 0xFF00u + scalar;
	case '\n':
		return 0xFF0Du;
	default:
		return scalar < 0x100u ? scalar : UNICODE_KEYSYM + scalar;
	}
}

double bus_calls_across(uint32_t at, uint32_t of, uint32_t pixels)
{
	const double place = ((double)at + 0.5) * pixels / of;
	return of == pixels ? at : place < pixels ? place : pixels - 1u;
}
