/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/inject/libei_device.h"

#include <linux/input-event-codes.h>
#include <string.h>

/*
 * gamescope hands the units of a smooth scroll on as if each were a detent, so that a finger's width would turn
 * pages. Its one device is known by its name.
 */
#define GAMESCOPE_DEVICE "Gamescope Virtual Input"

bool libei_device_add(struct libei_devices *all, struct ei_device *ei)
{
	for (size_t i = 0; i < LIBEI_MAX_DEVICES; i++) {
		struct libei_device *d = &all->of[i];
		const char *name = ei_device_get_name(ei);
		if (d->ei)
			continue;
		*d = (struct libei_device){.ei = ei_device_ref(ei)};
		d->scrolls_detents = name && strcmp(name, GAMESCOPE_DEVICE) == 0;
		return true;
	}
	ei_device_close(ei);
	return false;
}

struct libei_device *libei_device_of(struct libei_devices *all, const struct ei_device *ei)
{
	for (size_t i = 0; i < LIBEI_MAX_DEVICES; i++) {
		if (ei && all->of[i].ei == ei)
			return &all->of[i];
	}
	return NULL;
}

void libei_device_remove(struct libei_device *d)
{
	ei_device_unref(d->ei);
	*d = (struct libei_device){.ei = NULL};
}

void libei_device_wake(struct libei_devices *all, struct libei_device *d)
{
	if (d->awake)
		return;
	d->awake = true;
	ei_device_start_emulating(d->ei, ++all->sequence);
}

void libei_device_remove_all(struct libei_devices *all)
{
	for (size_t i = 0; i < LIBEI_MAX_DEVICES; i++) {
		struct libei_device *d = &all->of[i];
		if (!d->ei)
			continue;
		libei_device_frame(d);
		if (d->awake)
			ei_device_stop_emulating(d->ei);
		libei_device_remove(d);
	}
}

static bool can(const struct libei_device *d, enum ei_device_capability cap)
{
	return d->ei && d->awake && cap && ei_device_has_capability(d->ei, cap);
}

struct libei_device *libei_device_find(
	struct libei_devices *all, enum ei_device_capability cap, struct libei_device *before)
{
	if (before && can(before, cap))
		return before;
	for (size_t i = 0; i < LIBEI_MAX_DEVICES; i++) {
		if (can(&all->of[i], cap))
			return &all->of[i];
	}
	return NULL;
}

struct libei_place libei_device_place(struct libei_devices *all, enum ei_device_capability cap,
	const struct libei_wanted *wanted, bool *unmatched)
{
	struct libei_region regions[LIBEI_MAX_REGIONS];
	struct libei_device *owners[LIBEI_MAX_REGIONS];
	size_t n = 0;
	for (size_t i = 0; i < LIBEI_MAX_DEVICES; i++) {
		struct ei_region *r;
		for (size_t k = 0; can(&all->of[i], cap) && n < LIBEI_MAX_REGIONS &&
			(r = ei_device_get_region(all->of[i].ei, k)) != NULL;
			k++) {
			owners[n] = &all->of[i];
			regions[n++] = (struct libei_region){ei_region_get_mapping_id(r),
				ei_region_get_x(r), ei_region_get_y(r), ei_region_get_width(r),
				ei_region_get_height(r)};
		}
	}
	const int got = libei_region_pick(regions, n, wanted);
	*unmatched = got < 0 && libei_device_find(all, cap, NULL);
	if (got < 0)
		return (struct libei_place){.device = NULL};
	regions[got].mapping_id = NULL;
	return (struct libei_place){owners[got], regions[got]};
}

static bool is_button(uint32_t code)
{
	return code >= BTN_MISC && code < KEY_OK;
}

void libei_device_press(struct libei_device *d, uint32_t code, bool down)
{
	const uint64_t bit = UINT64_C(1) << (code % 64);
	if (libei_device_is_down(d, code) == down)
		return;
	d->down[code / 64] ^= bit;
	d->dirty = true;
	if (is_button(code))
		ei_device_button_button(d->ei, code, down);
	else
		ei_device_keyboard_key(d->ei, code, down);
}

bool libei_device_is_down(const struct libei_device *d, uint32_t code)
{
	return d->down[code / 64] >> (code % 64) & 1;
}

bool libei_device_any_down(const struct libei_devices *all, uint32_t code)
{
	for (size_t i = 0; i < LIBEI_MAX_DEVICES; i++) {
		if (all->of[i].ei && libei_device_is_down(&all->of[i], code))
			return true;
	}
	return false;
}

void libei_device_frame(struct libei_device *d)
{
	if (d->ei && d->awake && d->dirty)
		ei_device_frame(d->ei, ei_now(ei_device_get_context(d->ei)));
	d->dirty = false;
}

void libei_device_frame_all(struct libei_devices *all)
{
	for (size_t i = 0; i < LIBEI_MAX_DEVICES; i++)
		libei_device_frame(&all->of[i]);
}

#if LIBEI_TYPES_TEXT
static size_t to_utf8(char out[4], uint32_t c)
{
	const size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t first[] = {0, 0, 0xC0, 0xE0, 0xF0};
	for (size_t i = len - 1; i > 0; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3F));
	out[0] = (char)(first[len] | c);
	return len;
}

bool libei_device_type(struct libei_device *d, uint32_t scalar)
{
	char text[4];
	const size_t len = to_utf8(text, scalar);
	libei_device_frame(d);
	ei_device_text_utf8_with_length(d->ei, text, len);
	d->dirty = true;
	libei_device_frame(d);
	return true;
}
#else
bool libei_device_type(struct libei_device *d, uint32_t scalar)
{
	(void)d;
	(void)scalar;
	return false;
}
#endif
