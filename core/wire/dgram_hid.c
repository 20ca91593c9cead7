/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/base/bytes.h"
#include "core/wire/datagram.h"
#include "core/wire/fields.h"

#define RAW_REPORTS 2u /* output, feature */

#define F(member) PF_FIELD(struct pf_hid_output, member)

/*
 * HID output: 0 tag 0xCD, 1 kind u8, then 2 pad u8 (kind 6: u16), then behind the pad
 * 1 light bar: r u8, g u8, b u8
 * 2 player LEDs: bits u8
 * 3 trigger: which u8, 1 to 11 effect bytes to the end
 * 4 haptic: side u8, amplitude u16, period u16, count u16
 * 5 raw report: report u8, up to 64 bytes to the end
 * 6 audio control: flags u8, 6 bytes
 * 7 microphone LED: mode u8
 */
static const struct pf_field light_bar[] = {F(light_bar.r), F(light_bar.g), F(light_bar.b), {0}};
static const struct pf_field player_leds[] = {F(player_leds), {0}};
static const struct pf_field trigger[] = {F(trigger.which), {0}};
static const struct pf_field haptic[] = {
	F(haptic.side), F(haptic.amplitude), F(haptic.period), F(haptic.count), {0}};
static const struct pf_field raw[] = {F(raw.report), {0}};
static const struct pf_field audio_control[] = {F(audio_control.flags), F(audio_control.data), {0}};
static const struct pf_field mic_led[] = {F(mic_led), {0}};

static const struct pf_field *layout(uint8_t kind)
{
	static const struct pf_field *const layouts[] = {
		[PF_HID_LIGHT_BAR] = light_bar,
		[PF_HID_PLAYER_LEDS] = player_leds,
		[PF_HID_TRIGGER] = trigger,
		[PF_HID_HAPTIC] = haptic,
		[PF_HID_RAW] = raw,
		[PF_HID_AUDIO_CONTROL] = audio_control,
		[PF_HID_MIC_LED] = mic_led,
	};
	return kind < sizeof layouts / sizeof layouts[0] ? layouts[kind] : NULL;
}

/* Where the bytes go that fill the rest of a datagram; NULL = none do. */
static uint8_t *rest(struct pf_hid_output *h, size_t *max)
{
	*max = h->kind == PF_HID_TRIGGER ? PF_HID_TRIGGER_MAX : PF_HID_RAW_MAX;
	if (h->kind == PF_HID_TRIGGER)
		return h->trigger.effect;
	return h->kind == PF_HID_RAW ? h->raw.data : NULL;
}

static bool values_ok(const struct pf_hid_output *h)
{
	return h->pad < PF_PADS && (h->kind != PF_HID_RAW || h->raw.report < RAW_REPORTS);
}

/* Which of the effects a trigger gets is their first byte: without one nothing is said. */
static bool lacks_effect(const struct pf_hid_output *h)
{
	return h->kind == PF_HID_TRIGGER && !h->trigger.len;
}

int pf_hid_output_write(uint8_t *out, size_t cap, const struct pf_hid_output *h)
{
	const struct pf_field *fields = layout(h->kind);
	if (!fields || !values_ok(h) || lacks_effect(h) ||
		(h->kind == PF_HID_TRIGGER && h->trigger.len > PF_HID_TRIGGER_MAX) ||
		(h->kind == PF_HID_RAW && h->raw.len > PF_HID_RAW_MAX))
		return PF_E_INVALID;
	struct pf_writer w = pf_writer_make(out, cap);
	pf_write_u8(&w, PF_DGRAM_HID_OUTPUT);
	pf_write_u8(&w, h->kind);
	if (h->kind == PF_HID_AUDIO_CONTROL)
		pf_write_le16(&w, h->pad);
	else
		pf_write_u8(&w, (uint8_t)h->pad);
	pf_fields_write(&w, h, fields, SIZE_MAX);
	if (h->kind == PF_HID_TRIGGER)
		pf_write_bytes(&w, h->trigger.effect, h->trigger.len);
	else if (h->kind == PF_HID_RAW)
		pf_write_bytes(&w, h->raw.data, h->raw.len);
	return w.ok ? (int)pf_writer_len(&w) : PF_E_FULL;
}

int pf_hid_output_read(struct pf_hid_output *h, const uint8_t *data, size_t len)
{
	*h = (struct pf_hid_output){0};
	struct pf_reader r = pf_reader_make(data, len);
	if (pf_read_u8(&r) != PF_DGRAM_HID_OUTPUT)
		return PF_E_BAD_PACKET;
	h->kind = pf_read_u8(&r);
	const struct pf_field *fields = layout(h->kind);
	if (!r.ok || !fields)
		return r.ok ? PF_E_UNSUPPORTED : PF_E_BAD_PACKET;
	h->pad = h->kind == PF_HID_AUDIO_CONTROL ? pf_read_le16(&r) : pf_read_u8(&r);
	pf_fields_read(&r, h, fields, SIZE_MAX);
	size_t max, left = pf_reader_left(&r);
	uint8_t *to = rest(h, &max);
	if (!r.ok || left > (to ? max : 0))
		return PF_E_BAD_PACKET;
	if (left)
		memcpy(to, r.p, left);
	if (h->kind == PF_HID_TRIGGER)
		h->trigger.len = (uint8_t)left;
	else if (h->kind == PF_HID_RAW)
		h->raw.len = (uint8_t)left;
	if (lacks_effect(h))
		return PF_E_BAD_PACKET;
	return values_ok(h) ? PF_OK : PF_E_UNSUPPORTED;
}
