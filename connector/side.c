/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include "connector/internal.h"
#include "core/wire/text.h"

/* Pads, colours, pointer, timing and events: one ring each, filled by the library's thread. */

#define SHAPE_BYTES ((size_t)PF_CURSOR_MAX_SIDE * PF_CURSOR_MAX_SIDE * 4)

struct shape_item {
	uint32_t serial;
	uint16_t width, height, hot_x, hot_y;
	uint8_t rgba[SHAPE_BYTES];
};

int side_init(struct side *s)
{
	const struct {
		struct ring *ring;
		size_t len, n;
	} rings[] = {
		{&s->audio, sound_item_len(), AUDIO_SLOTS},
		{&s->pcm, sound_item_len(), AUDIO_SLOTS},
		{&s->pad_audio, sound_item_len(), AUDIO_SLOTS},
		{&s->hidout, sizeof(struct punktfunk_hid_output), HID_SLOTS},
		{&s->hdr, sizeof(struct punktfunk_hdr_meta), 1},
		{&s->shape, sizeof(struct shape_item), SHAPE_SLOTS},
		{&s->cursor, sizeof(struct punktfunk_cursor_state), 1},
		{&s->timing, sizeof(struct punktfunk_host_timing), TIMING_SLOTS},
		{&s->events, sizeof(struct punktfunk_event), EVENT_SLOTS},
	};
	int err = rumble_init(&s->rumble);
	for (size_t i = 0; i < sizeof(rings) / sizeof(rings[0]) && err == PF_OK; i++)
		err = ring_init(rings[i].ring, rings[i].len, rings[i].n);
	return err;
}

#define N_RINGS 9

static void all_rings(struct side *s, struct ring *out[static N_RINGS])
{
	struct ring *rings[N_RINGS] = {&s->audio, &s->pcm, &s->pad_audio, &s->hidout, &s->hdr,
		&s->shape, &s->cursor, &s->timing, &s->events};
	memcpy(out, rings, sizeof(rings));
}

void side_finish(struct side *s)
{
	struct ring *rings[N_RINGS];
	all_rings(s, rings);
	for (size_t i = 0; i < N_RINGS; i++)
		ring_finish(rings[i]);
	rumble_finish(&s->rumble);
}

void side_close(struct side *s)
{
	struct ring *rings[N_RINGS];
	all_rings(s, rings);
	for (size_t i = 0; i < N_RINGS; i++)
		ring_close(rings[i]);
	rumble_close(&s->rumble);
}

uint64_t side_dropped(struct side *s)
{
	/* Where only the newest counts, what went before it is no loss. */
	return ring_dropped(&s->audio) + ring_dropped(&s->pcm) + ring_dropped(&s->pad_audio) +
		ring_dropped(&s->hidout) + ring_dropped(&s->timing) + ring_dropped(&s->events);
}

static int take_hidout(struct side *s, const uint8_t *data, size_t len)
{
	struct pf_hid_output h;
	struct punktfunk_hid_output o = {0};
	int err = pf_hid_output_read(&h, data, len);
	if (err < 0)
		return err;
	o.kind = h.kind;
	o.pad = h.pad;
	switch (h.kind) {
	case PF_HID_LIGHT_BAR:
		o.len = 3;
		memcpy(o.data, (uint8_t[]){h.light_bar.r, h.light_bar.g, h.light_bar.b}, 3);
		break;
	case PF_HID_PLAYER_LEDS:
		o.len = 1;
		o.data[0] = h.player_leds;
		break;
	case PF_HID_TRIGGER:
		o.which = h.trigger.which;
		o.len = h.trigger.len;
		memcpy(o.data, h.trigger.effect, h.trigger.len);
		break;
	case PF_HID_HAPTIC:
		o.which = h.haptic.side;
		o.amplitude = h.haptic.amplitude;
		o.period = h.haptic.period;
		o.count = h.haptic.count;
		break;
	case PF_HID_RAW:
		o.which = h.raw.report;
		o.len = h.raw.len;
		memcpy(o.data, h.raw.data, h.raw.len);
		break;
	case PF_HID_AUDIO_CONTROL:
		o.which = h.audio_control.flags;
		o.len = sizeof(h.audio_control.data);
		memcpy(o.data, h.audio_control.data, sizeof(h.audio_control.data));
		break;
	case PF_HID_MIC_LED:
		o.len = 1;
		o.data[0] = h.mic_led;
		break;
	}
	ring_push(&s->hidout, &o, sizeof(o));
	return PF_OK;
}

static int take_hdr(struct side *s, const uint8_t *data, size_t len)
{
	struct pf_hdr_meta h;
	int err = pf_hdr_meta_read(&h, data, len);
	if (err < 0)
		return err;
	struct punktfunk_hdr_meta o = {
		.green = {h.green[0], h.green[1]},
		.blue = {h.blue[0], h.blue[1]},
		.red = {h.red[0], h.red[1]},
		.white = {h.white[0], h.white[1]},
		.max_luminance = h.max_luminance,
		.min_luminance = h.min_luminance,
		.max_cll = h.max_cll,
		.max_fall = h.max_fall,
	};
	ring_push(&s->hdr, &o, sizeof(o));
	return PF_OK;
}

static int take_cursor(struct side *s, const uint8_t *data, size_t len)
{
	struct pf_cursor_state c;
	int err = pf_cursor_state_read(&c, data, len);
	if (err < 0)
		return err;
	struct punktfunk_cursor_state o = {
		.serial = c.serial,
		.visible = c.visible,
		.relative_hint = c.relative_hint,
		.x = c.x,
		.y = c.y,
	};
	ring_push(&s->cursor, &o, sizeof(o));
	return PF_OK;
}

static int take_timing(struct side *s, const uint8_t *data, size_t len)
{
	struct pf_host_timing t;
	int err = pf_host_timing_read(&t, data, len);
	if (err < 0)
		return err;
	struct punktfunk_host_timing o = {
		.pts_ns = t.pts_ns,
		.host_us = t.host_us,
		.queue_us = t.queue_us,
		.encode_us = t.encode_us,
		.pace_us = t.pace_us,
	};
	ring_push(&s->timing, &o, sizeof(o));
	return PF_OK;
}

static int take_rumble(struct side *s, const uint8_t *data, size_t len)
{
	struct pf_rumble r;
	int err = pf_rumble_read(&r, data, len);
	if (err == PF_OK)
		rumble_take(&s->rumble, &r, session_now_ns());
	return err;
}

int side_datagram(struct punktfunk_connection *c, const uint8_t *data, size_t len)
{
	struct side *s = &c->side;
	if (!len)
		return PF_E_BAD_PACKET;
	switch (data[0]) {
	case PF_DGRAM_AUDIO:
	case PF_DGRAM_AUDIO_REDUNDANT:
	case PF_DGRAM_AUDIO_PCM:
	case PF_DGRAM_PAD_AUDIO:
		return sound_datagram(c, data, len);
	case PF_DGRAM_RUMBLE:
		return take_rumble(s, data, len);
	case PF_DGRAM_HID_OUTPUT:
		return take_hidout(s, data, len);
	case PF_DGRAM_HDR_META:
		return take_hdr(s, data, len);
	case PF_DGRAM_HOST_TIMING:
		return take_timing(s, data, len);
	case PF_DGRAM_CURSOR_STATE:
		return take_cursor(s, data, len);
	default:
		return PF_E_UNSUPPORTED;
	}
}

void side_cursor_shape(struct punktfunk_connection *c, const struct pf_msg *m)
{
	struct shape_item i;
	size_t len = (size_t)m->cursor_shape.width * m->cursor_shape.height * 4;
	/* The reader has checked the sides and that the pixels are all there. */
	pf_check(len <= SHAPE_BYTES && len == m->cursor_shape.rgba.len);
	i.serial = m->cursor_shape.serial;
	i.width = m->cursor_shape.width;
	i.height = m->cursor_shape.height;
	i.hot_x = m->cursor_shape.hot_x;
	i.hot_y = m->cursor_shape.hot_y;
	memcpy(i.rgba, m->cursor_shape.rgba.data, len);
	ring_push(&c->side.shape, &i, offsetof(struct shape_item, rgba) + len);
}

void side_event(struct punktfunk_connection *c, uint32_t kind, uint32_t value, uint32_t detail,
	uint32_t more, const uint8_t *text, size_t text_len)
{
	struct punktfunk_event e = {.kind = kind, .value = value, .detail = detail, .more = more};
	if (text)
		pf_text_clean(e.text, sizeof(e.text), text, text_len);
	ring_push(&c->side.events, &e, sizeof(e));
}

/* Everything that crosses a ring in the caller's own form begins with its size. */
static int next(struct ring *from, void *out, size_t full, uint32_t timeout_ms)
{
	size_t size;
	void *item;
	memcpy(&size, out, sizeof(size));
	if (size < sizeof(size))
		return PF_E_INVALID;
	int err = ring_pop(from, &item, timeout_ms);
	if (err < 0)
		return err;
	memcpy(item, &size, sizeof(size));
	memcpy(out, item, size < full ? size : full);
	return PF_OK;
}

int punktfunk_connection_next_hidout(
	struct punktfunk_connection *c, struct punktfunk_hid_output *out, uint32_t timeout_ms)
{
	return c && out ? next(&c->side.hidout, out, sizeof(*out), timeout_ms) : PF_E_NULL;
}

int punktfunk_connection_next_hdr_meta(
	struct punktfunk_connection *c, struct punktfunk_hdr_meta *out, uint32_t timeout_ms)
{
	return c && out ? next(&c->side.hdr, out, sizeof(*out), timeout_ms) : PF_E_NULL;
}

int punktfunk_connection_next_cursor_state(
	struct punktfunk_connection *c, struct punktfunk_cursor_state *out, uint32_t timeout_ms)
{
	return c && out ? next(&c->side.cursor, out, sizeof(*out), timeout_ms) : PF_E_NULL;
}

int punktfunk_connection_next_host_timing(
	struct punktfunk_connection *c, struct punktfunk_host_timing *out, uint32_t timeout_ms)
{
	return c && out ? next(&c->side.timing, out, sizeof(*out), timeout_ms) : PF_E_NULL;
}

int punktfunk_connection_next_event(
	struct punktfunk_connection *c, struct punktfunk_event *out, uint32_t timeout_ms)
{
	return c && out ? next(&c->side.events, out, sizeof(*out), timeout_ms) : PF_E_NULL;
}

int punktfunk_connection_next_cursor_shape(
	struct punktfunk_connection *c, struct punktfunk_cursor_shape *out, uint32_t timeout_ms)
{
	void *item;
	if (!c || !out)
		return PF_E_NULL;
	if (out->size < sizeof(out->size))
		return PF_E_INVALID;
	int err = ring_pop(&c->side.shape, &item, timeout_ms);
	if (err < 0)
		return err;
	const struct shape_item *i = item;
	struct punktfunk_cursor_shape full = {
		.size = out->size,
		.serial = i->serial,
		.width = i->width,
		.height = i->height,
		.hot_x = i->hot_x,
		.hot_y = i->hot_y,
		.rgba = i->rgba,
	};
	memcpy(out, &full, out->size < sizeof(full) ? out->size : sizeof(full));
	return PF_OK;
}
