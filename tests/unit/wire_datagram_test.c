/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "core/wire/datagram.h"

static void input_layout(void **state)
{
	(void)state;
	static const uint8_t bytes[] = {0xC8, 3, 0x44, 0x33, 0x22, 0x11, 0xFF, 0xFF, 0xFF, 0xFF,
		0xFE, 0xFF, 0xFF, 0xFF, 0x38, 0x04, 0x80, 0x07};
	const struct pf_input in = {PF_INPUT_MOUSE_ABS, 0x11223344, -1, -2, 1920u << 16 | 1080};
	uint8_t out[PF_INPUT_LEN];
	struct pf_input back;
	pf_input_write(out, &in);
	assert_memory_equal(out, bytes, sizeof bytes);
	for (size_t len = 0; len < 32; len++) {
		uint8_t *p = calloc(1, len ? len : 1);
		assert_non_null(p);
		memcpy(p, bytes, len < 18 ? len : 18);
		assert_int_equal(pf_input_read(&back, p, len), len == 18 ? PF_OK : PF_E_BAD_PACKET);
		if (len == 18)
			assert_true(back.kind == in.kind && back.code == in.code && back.x == -1 &&
				back.y == -2 && back.flags == in.flags);
		free(p);
	}
	for (unsigned kind = 0; kind < 256; kind++) {
		out[1] = (uint8_t)kind;
		assert_int_equal(pf_input_read(&back, out, sizeof out),
			kind <= 16 ? PF_OK : PF_E_UNSUPPORTED);
	}
	out[0] = 0xC9;
	assert_int_equal(pf_input_read(&back, out, sizeof out), PF_E_BAD_PACKET);
}

static void host_timing_layout(void **state)
{
	(void)state;
	static const uint8_t bytes[29] = {0xCF, 8, 7, 6, 5, 4, 3, 2, 1, 0x10, 0x27, 0, 0, 1, 0, 0,
		0, 2, 0, 0, 0, 3, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF};
	const struct pf_host_timing t = {0x0102030405060708, 10000, 1, 2, 3};
	uint8_t out[PF_HOST_TIMING_LEN];
	pf_host_timing_write(out, &t);
	assert_memory_equal(out, bytes, 25);
	for (size_t len = 0; len <= 29; len++) {
		struct pf_host_timing back;
		uint8_t *p = malloc(len ? len : 1);
		assert_non_null(p);
		memcpy(p, bytes, len);
		bool ok = len >= 13;
		assert_int_equal(pf_host_timing_read(&back, p, len), ok ? PF_OK : PF_E_BAD_PACKET);
		if (ok) {
			assert_true(back.pts_ns == t.pts_ns && back.host_us == 10000);
			assert_int_equal(back.pace_us, len < 25 ? 0 : 3);
		}
		free(p);
	}
}

/* A copy of its own length, so that a sanitizer sees a read of one byte too many. */
#define EXACT(name, type) \
	static int exact_##name(struct type *object, const void *bytes, size_t len) \
	{ \
		uint8_t *copy = malloc(len ? len : 1); \
		assert_non_null(copy); \
		if (len) \
			memcpy(copy, bytes, len); \
		const int err = name(object, copy, len); \
		free(copy); \
		return err; \
	}
EXACT(pf_audio_read, pf_audio)
EXACT(pf_rumble_read, pf_rumble)
EXACT(pf_rich_read, pf_rich)
EXACT(pf_hid_output_read, pf_hid_output)
EXACT(pf_hdr_meta_read, pf_hdr_meta)
EXACT(pf_cursor_state_read, pf_cursor_state)

struct golden {
	const char *bytes;
	size_t len;
};
#define BYTES(text) \
	{ \
		text, sizeof text - 1 \
	}
#define STAMP "\x04\x03\x02\x01\x88\x77\x66\x55\x44\x33\x22\x11"

static const struct {
	struct pf_audio audio;
	struct golden wire;
} audios[] = {
	{{.tag = PF_DGRAM_AUDIO, .data = (const uint8_t *)"opus", .len = 4},
		BYTES("\xC9" STAMP "opus")},
	{{.tag = PF_DGRAM_AUDIO, .data = (const uint8_t *)"", .len = 0}, BYTES("\xC9" STAMP)},
	{{.tag = PF_DGRAM_MIC, .data = (const uint8_t *)"m", .len = 1}, BYTES("\xCB" STAMP "m")},
	{{.tag = PF_DGRAM_AUDIO_PCM, .data = (const uint8_t *)"\1\2\3\4", .len = 4},
		BYTES("\xD3" STAMP "\1\2\3\4")},
	{{.tag = PF_DGRAM_PAD_AUDIO, .pad = 15, .kind = 1, .data = (const uint8_t *)"op", .len = 2},
		BYTES("\xD1\x0F\x01" STAMP "op")},
	{{.tag = PF_DGRAM_AUDIO_REDUNDANT,
		 .data = (const uint8_t *)"new",
		 .len = 3,
		 .previous = (const uint8_t *)"old!",
		 .previous_len = 4},
		BYTES("\xD2" STAMP "\x03\0newold!")},
	{{.tag = PF_DGRAM_AUDIO_REDUNDANT, .data = (const uint8_t *)"new", .len = 3},
		BYTES("\xD2" STAMP "\x03\0new")},
};

static void audio_layout(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof audios / sizeof audios[0]; i++) {
		struct pf_audio a = audios[i].audio, back;
		const struct golden *g = &audios[i].wire;
		uint8_t out[64];
		a.seq = 0x01020304;
		a.pts_ns = 0x1122334455667788;
		assert_int_equal(pf_audio_write(out, sizeof out, &a), g->len);
		assert_memory_equal(out, g->bytes, g->len);
		for (size_t cap = 0; cap < g->len; cap++)
			assert_int_equal(pf_audio_write(out, cap, &a), PF_E_FULL);
		assert_int_equal(pf_audio_read(&back, (const uint8_t *)g->bytes, g->len), PF_OK);
		assert_true(back.tag == a.tag && back.seq == a.seq && back.pts_ns == a.pts_ns);
		assert_true(back.pad == a.pad && back.kind == a.kind);
		assert_true(back.len == a.len && back.previous_len == a.previous_len);
		assert_memory_equal(back.data, a.data, a.len);
		if (a.previous)
			assert_memory_equal(back.previous, a.previous, a.previous_len);
		else
			assert_null(back.previous);
		/* Opus and PCM end where the datagram does: a head without sound is silence, or malformed. */
		const size_t head = g->len - a.len - a.previous_len;
		const size_t need = a.tag == PF_DGRAM_AUDIO_REDUNDANT ? head + a.len
			: a.tag == PF_DGRAM_AUDIO		      ? head
								      : head + 1;
		for (size_t len = 0; len <= g->len; len++)
			assert_int_equal(exact_pf_audio_read(&back, g->bytes, len),
				len >= need ? PF_OK : PF_E_BAD_PACKET);
	}
}

static void audio_bounds(void **state)
{
	(void)state;
	static const uint8_t sound[PF_DGRAM_MAX + 1] = {1};
	static uint8_t out[2000];
	struct pf_audio a = {.tag = PF_DGRAM_AUDIO, .data = sound, .len = PF_DGRAM_MAX - 13}, back;
	assert_int_equal(pf_audio_write(out, sizeof out, &a), PF_DGRAM_MAX);
	assert_int_equal(pf_audio_read(&back, out, PF_DGRAM_MAX), PF_OK);
	const struct pf_audio bad[] = {
		{.tag = PF_DGRAM_AUDIO, .data = sound, .len = PF_DGRAM_MAX - 12},
		{.tag = PF_DGRAM_AUDIO, .data = sound, .len = SIZE_MAX},
		{.tag = PF_DGRAM_AUDIO_PCM, .data = sound},
		{.tag = PF_DGRAM_MIC, .data = sound},
		{.tag = PF_DGRAM_PAD_AUDIO, .data = sound},
		{.tag = PF_DGRAM_AUDIO_REDUNDANT, .data = sound},
		{.tag = PF_DGRAM_AUDIO, .len = 1},
		{.tag = PF_DGRAM_AUDIO,
			.data = sound,
			.len = 1,
			.previous = sound,
			.previous_len = 1},
		{.tag = PF_DGRAM_AUDIO_REDUNDANT, .data = sound, .len = 1, .previous = sound},
		{.tag = PF_DGRAM_AUDIO_REDUNDANT, .data = sound, .len = 1, .previous_len = 1},
		{.tag = PF_DGRAM_AUDIO_REDUNDANT,
			.data = sound,
			.len = 600,
			.previous = sound,
			.previous_len = 600},
		{.tag = PF_DGRAM_PAD_AUDIO, .pad = 16, .data = sound, .len = 1},
		{.tag = PF_DGRAM_PAD_AUDIO, .kind = 2, .data = sound, .len = 1},
		{.tag = PF_DGRAM_INPUT, .data = sound, .len = 1},
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(pf_audio_write(out, sizeof out, &bad[i]), PF_E_INVALID);
	assert_int_equal(exact_pf_audio_read(&back, "\xD1\x10\0" STAMP "o", 16), PF_E_UNSUPPORTED);
	assert_int_equal(exact_pf_audio_read(&back, "\xD1\0\2" STAMP "o", 16), PF_E_UNSUPPORTED);
	assert_int_equal(exact_pf_audio_read(&back, "\xD1\x10\0" STAMP, 15), PF_E_BAD_PACKET);
	assert_int_equal(exact_pf_audio_read(&back, "\xD2" STAMP "\0\0x", 16), PF_E_BAD_PACKET);
	assert_int_equal(exact_pf_audio_read(&back, "\xD2" STAMP "\xFF\xFFx", 16), PF_E_BAD_PACKET);
	assert_int_equal(exact_pf_audio_read(&back, "\xC8" STAMP "x", 14), PF_E_BAD_PACKET);
}

static void rumble_layout(void **state)
{
	(void)state;
	static const char bytes[] = "\xCA\x0F\0\x34\x12\x78\x56\x9A\xF4\x01\x11\x22\x33\x44";
	struct pf_rumble r = {.pad = 15, .low = 0x1234, .high = 0x5678}, back;
	uint8_t out[PF_RUMBLE_LEN];
	assert_int_equal(pf_rumble_write(out, &r), 7);
	assert_memory_equal(out, bytes, 7);
	r.has_ttl = true;
	r.seq = 0x9A;
	r.ttl_ms = 500;
	assert_int_equal(pf_rumble_write(out, &r), 10);
	assert_memory_equal(out, bytes, 10);
	r.has_triggers = true;
	r.left_trigger = 0x2211;
	r.right_trigger = 0x4433;
	assert_int_equal(pf_rumble_write(out, &r), 14);
	assert_memory_equal(out, bytes, 14);
	for (size_t len = 0; len <= sizeof bytes; len++) {
		bool ok = len >= 7;
		assert_int_equal(
			exact_pf_rumble_read(&back, bytes, len), ok ? PF_OK : PF_E_BAD_PACKET);
		if (!ok)
			continue;
		assert_true(back.pad == 15 && back.low == 0x1234 && back.high == 0x5678);
		assert_true(back.has_ttl == (len >= 10) && back.has_triggers == (len >= 14));
		assert_int_equal(back.ttl_ms, len >= 10 ? 500 : 0);
		assert_int_equal(back.seq, len >= 10 ? 0x9A : 0);
		assert_int_equal(back.left_trigger, len >= 14 ? 0x2211 : 0);
		assert_int_equal(back.right_trigger, len >= 14 ? 0x4433 : 0);
	}
	assert_int_equal(exact_pf_rumble_read(&back, "\xCA\x10\0\0\0\0\0", 7), PF_E_UNSUPPORTED);
	assert_int_equal(exact_pf_rumble_read(&back, "\xCB\0\0\0\0\0\0", 7), PF_E_BAD_PACKET);
	r.has_ttl = false;
	assert_int_equal(pf_rumble_write(out, &r), PF_E_INVALID);
	r = (struct pf_rumble){.pad = 16};
	assert_int_equal(pf_rumble_write(out, &r), PF_E_INVALID);
}

static const struct {
	struct pf_rich rich;
	struct golden wire;
} riches[] = {
	{{.kind = PF_RICH_TOUCHPAD, .pad = 1, .touchpad = {2, true, 0x1234, 0x5678}},
		BYTES("\xCC\x01\x01\x02\x01\x34\x12\x78\x56")},
	{{.kind = PF_RICH_MOTION, .pad = 3, .motion = {{1, -2, 3}, {-4, 5, INT16_MIN}}},
		BYTES("\xCC\x02\x03\x01\0\xFE\xFF\x03\0\xFC\xFF\x05\0\0\x80")},
	{{.kind = PF_RICH_TOUCHPAD_EX, .pad = 4, .touchpad_ex = {1, 2, 3, -1, 258, 0xFFFE}},
		BYTES("\xCC\x03\x04\x01\x02\x03\xFF\xFF\x02\x01\xFE\xFF")},
	{{.kind = PF_RICH_RAW, .pad = 15, .raw = {3, {'a', 'b', 'c'}}},
		BYTES("\xCC\x04\x0F\x03"
		      "abc")},
	{{.kind = PF_RICH_RAW}, BYTES("\xCC\x04\0\0")},
	{{.kind = PF_RICH_PEN,
		 .pen = {0, 2, 0x0102,
			 {{1, 2, 0.5f, -1.0f, 0x0304, 0x0506, 7, 0x0809, 0x0A0B, 0x0C0D}, {0}}}},
		BYTES("\xCC\x05\0\x02\x02\x01"
		      "\x01\x02\0\0\0\x3F\0\0\x80\xBF\x04\x03\x06\x05\x07\x09\x08\x0B\x0A\x0D\x0C"
		      "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")},
	{{.kind = PF_RICH_PEN, .pen = {.seq = 1}}, BYTES("\xCC\x05\0\0\x01\0")},
};

static void rich_layout(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof riches / sizeof riches[0]; i++) {
		const struct golden *g = &riches[i].wire;
		struct pf_rich back;
		uint8_t out[PF_RICH_MAX_LEN];
		assert_int_equal(pf_rich_write(out, sizeof out, &riches[i].rich), g->len);
		assert_memory_equal(out, g->bytes, g->len);
		for (size_t cap = 0; cap < g->len; cap++)
			assert_int_equal(pf_rich_write(out, cap, &riches[i].rich), PF_E_FULL);
		for (size_t len = 0; len <= g->len + 1; len++)
			assert_int_equal(exact_pf_rich_read(&back, g->bytes, len),
				len == g->len ? PF_OK : PF_E_BAD_PACKET);
		assert_int_equal(exact_pf_rich_read(&back, g->bytes, g->len), PF_OK);
		memset(out, 0xEE, sizeof out);
		assert_int_equal(pf_rich_write(out, sizeof out, &back), g->len);
		assert_memory_equal(out, g->bytes, g->len);
	}
	struct pf_rich r;
	assert_int_equal(pf_rich_read(&r, (const uint8_t *)riches[1].wire.bytes, 15), PF_OK);
	assert_true(r.motion.gyro[1] == -2 && r.motion.accel[2] == INT16_MIN);
	assert_int_equal(pf_rich_read(&r, (const uint8_t *)riches[5].wire.bytes, 48), PF_OK);
	assert_true(r.pen.samples[0].x == 0.5f && r.pen.samples[0].y == -1.0f);
}

static void rich_bounds(void **state)
{
	(void)state;
	static uint8_t buf[300];
	struct pf_rich r;
	uint8_t out[PF_RICH_MAX_LEN];
	memcpy(buf, "\xCC\x04\x01", 3);
	for (unsigned n = 0; n < 256; n++) {
		buf[3] = (uint8_t)n;
		assert_int_equal(
			exact_pf_rich_read(&r, buf, 4 + n), n <= 64 ? PF_OK : PF_E_BAD_PACKET);
	}
	memset(buf, 0, sizeof buf);
	memcpy(buf, "\xCC\x05", 2);
	for (unsigned n = 0; n < 14; n++) {
		buf[3] = (uint8_t)n;
		assert_int_equal(
			exact_pf_rich_read(&r, buf, 6 + 21 * n), n <= 8 ? PF_OK : PF_E_BAD_PACKET);
	}
	/* NaN, infinities, in either coordinate of the last sample. */
	const char *const odd[] = {
		"\0\0\xC0\x7F", "\0\0\x80\x7F", "\0\0\x80\xFF", "\x01\0\x80\x7F"};
	buf[3] = 8;
	for (size_t i = 0; i < 4; i++) {
		for (size_t at = 6 + 7 * 21 + 2; at <= 6 + 7 * 21 + 6; at += 4) {
			memcpy(buf + at, odd[i], 4);
			assert_int_equal(exact_pf_rich_read(&r, buf, 174), PF_E_BAD_PACKET);
			memset(buf + at, 0, 4);
		}
	}
	assert_int_equal(exact_pf_rich_read(&r, buf, 174), PF_OK);
	assert_int_equal(pf_rich_write(out, sizeof out, &r), 174);
	r.pen.samples[7].y = (float)(1e38 * 1e38);
	assert_int_equal(pf_rich_write(out, sizeof out, &r), PF_E_INVALID);
	r.pen.count = 9;
	assert_int_equal(pf_rich_write(out, sizeof out, &r), PF_E_INVALID);
	r = (struct pf_rich){.kind = PF_RICH_RAW, .raw.len = 65};
	assert_int_equal(pf_rich_write(out, sizeof out, &r), PF_E_INVALID);
	r = (struct pf_rich){.kind = PF_RICH_TOUCHPAD, .pad = 16};
	assert_int_equal(pf_rich_write(out, sizeof out, &r), PF_E_INVALID);
	for (unsigned kind = 0; kind < 256; kind++) {
		const uint8_t head[2] = {0xCC, (uint8_t)kind};
		bool known = kind >= 1 && kind <= 5;
		assert_int_equal(exact_pf_rich_read(&r, head, 2),
			known ? PF_E_BAD_PACKET : PF_E_UNSUPPORTED);
		r = (struct pf_rich){.kind = (uint8_t)kind};
		assert_int_equal(pf_rich_write(out, sizeof out, &r) > 0, known);
	}
	assert_int_equal(exact_pf_rich_read(&r, "\xCC\x01\x10\0\0\0\0\0\0", 9), PF_E_UNSUPPORTED);
	assert_int_equal(exact_pf_rich_read(&r, "\xCD\x01\0\0\0\0\0\0\0", 9), PF_E_BAD_PACKET);
}

static const struct {
	struct pf_hid_output hid;
	struct golden wire;
	size_t shortest;
} hids[] = {
	{{.kind = PF_HID_LIGHT_BAR, .pad = 1, .light_bar = {2, 3, 4}},
		BYTES("\xCD\x01\x01\x02\x03\x04"), 6},
	{{.kind = PF_HID_PLAYER_LEDS, .pad = 2, .player_leds = 0x1F}, BYTES("\xCD\x02\x02\x1F"), 4},
	{{.kind = PF_HID_TRIGGER,
		 .pad = 3,
		 .trigger = {1, 11, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}}},
		BYTES("\xCD\x03\x03\x01\1\2\3\4\5\6\7\x08\x09\x0A\x0B"), 5},
	{{.kind = PF_HID_HAPTIC, .pad = 4, .haptic = {1, 0x0203, 0x0405, 0x0607}},
		BYTES("\xCD\x04\x04\x01\x03\x02\x05\x04\x07\x06"), 10},
	{{.kind = PF_HID_RAW, .pad = 15, .raw = {1, 2, {0xAA, 0xBB}}},
		BYTES("\xCD\x05\x0F\x01\xAA\xBB"), 4},
	{{.kind = PF_HID_AUDIO_CONTROL, .pad = 6, .audio_control = {7, {1, 2, 3, 4, 5, 6}}},
		BYTES("\xCD\x06\x06\0\x07\1\2\3\4\5\6"), 11},
	{{.kind = PF_HID_MIC_LED, .pad = 7, .mic_led = 2}, BYTES("\xCD\x07\x07\x02"), 4},
};

static void hid_layout(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof hids / sizeof hids[0]; i++) {
		const struct golden *g = &hids[i].wire;
		struct pf_hid_output back;
		uint8_t out[PF_HID_MAX_LEN];
		assert_int_equal(pf_hid_output_write(out, sizeof out, &hids[i].hid), g->len);
		assert_memory_equal(out, g->bytes, g->len);
		for (size_t cap = 0; cap < g->len; cap++)
			assert_int_equal(pf_hid_output_write(out, cap, &hids[i].hid), PF_E_FULL);
		for (size_t len = 0; len <= g->len; len++) {
			assert_int_equal(exact_pf_hid_output_read(&back, g->bytes, len),
				len >= hids[i].shortest ? PF_OK : PF_E_BAD_PACKET);
			if (len < hids[i].shortest)
				continue;
			assert_int_equal(pf_hid_output_write(out, sizeof out, &back), len);
			assert_memory_equal(out, g->bytes, len);
		}
		if (hids[i].hid.kind != PF_HID_RAW)
			assert_int_equal(exact_pf_hid_output_read(&back, g->bytes, g->len + 1),
				PF_E_BAD_PACKET);
	}
}

static void hid_bounds(void **state)
{
	(void)state;
	static uint8_t buf[80] = {0xCD, 5, 1, 0};
	struct pf_hid_output h;
	uint8_t out[PF_HID_MAX_LEN];
	assert_int_equal(exact_pf_hid_output_read(&h, buf, 68), PF_OK);
	assert_int_equal(h.raw.len, 64);
	assert_int_equal(pf_hid_output_write(out, sizeof out, &h), 68);
	assert_int_equal(exact_pf_hid_output_read(&h, buf, 69), PF_E_BAD_PACKET);
	buf[3] = 2;
	assert_int_equal(exact_pf_hid_output_read(&h, buf, 5), PF_E_UNSUPPORTED);
	for (unsigned kind = 0; kind < 256; kind++) {
		const uint8_t head[2] = {0xCD, (uint8_t)kind};
		bool known = kind >= 1 && kind <= 7;
		assert_int_equal(exact_pf_hid_output_read(&h, head, 2),
			known ? PF_E_BAD_PACKET : PF_E_UNSUPPORTED);
		h = (struct pf_hid_output){.kind = (uint8_t)kind};
		if (kind == PF_HID_TRIGGER)
			h.trigger.len = 1;
		assert_int_equal(pf_hid_output_write(out, sizeof out, &h) > 0, known);
		h.pad = 16;
		assert_int_equal(pf_hid_output_write(out, sizeof out, &h), PF_E_INVALID);
	}
	assert_int_equal(exact_pf_hid_output_read(&h, "\xCD\x02\x10\0", 4), PF_E_UNSUPPORTED);
	assert_int_equal(exact_pf_hid_output_read(&h, "\xCD\x06\x06\x01\0\0\0\0\0\0\0", 11),
		PF_E_UNSUPPORTED);
	assert_int_equal(exact_pf_hid_output_read(&h, "\xCC\x02\0\0", 4), PF_E_BAD_PACKET);
	const struct pf_hid_output bad[] = {
		{.kind = PF_HID_TRIGGER, .trigger.len = 0},
		{.kind = PF_HID_TRIGGER, .trigger.len = 12},
		{.kind = PF_HID_RAW, .raw.len = 65},
		{.kind = PF_HID_RAW, .raw.report = 2},
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(pf_hid_output_write(out, sizeof out, &bad[i]), PF_E_INVALID);
}

static void hdr_meta_layout(void **state)
{
	(void)state;
	static const char bytes[] = "\xCE\x01\0\x02\0\x03\0\x04\0\x05\0\x06\0\x07\0\x08\0"
				    "\x80\x96\x98\0\x32\0\0\0\xE8\x03\x90\x01";
	const struct pf_hdr_meta h = {{1, 2}, {3, 4}, {5, 6}, {7, 8}, 10000000, 50, 1000, 400};
	struct pf_hdr_meta back;
	uint8_t out[PF_HDR_META_LEN];
	pf_hdr_meta_write(out, &h);
	assert_memory_equal(out, bytes, 29);
	for (size_t len = 0; len <= 30; len++)
		assert_int_equal(exact_pf_hdr_meta_read(&back, bytes, len),
			len >= 29 ? PF_OK : PF_E_BAD_PACKET);
	assert_int_equal(exact_pf_hdr_meta_read(&back, bytes, 29), PF_OK);
	assert_memory_equal(&back, &h, sizeof h); /* a struct without padding */
	out[0] = 0xCF;
	assert_int_equal(pf_hdr_meta_read(&back, out, 29), PF_E_BAD_PACKET);
}

static void cursor_state_layout(void **state)
{
	(void)state;
	static const char bytes[] = "\xD0\x04\x03\x02\x01\x03\xFF\xFF\xFF\xFF\x80\x07\0\0";
	const struct pf_cursor_state c = {0x01020304, true, true, -1, 1920};
	struct pf_cursor_state back;
	uint8_t out[PF_CURSOR_STATE_LEN];
	pf_cursor_state_write(out, &c);
	assert_memory_equal(out, bytes, 14);
	for (size_t len = 0; len <= 15; len++)
		assert_int_equal(exact_pf_cursor_state_read(&back, bytes, len),
			len >= 14 ? PF_OK : PF_E_BAD_PACKET);
	for (unsigned flags = 0; flags < 256; flags++) {
		out[5] = (uint8_t)flags;
		assert_int_equal(pf_cursor_state_read(&back, out, 14), PF_OK);
		assert_int_equal(back.visible, flags & 1);
		assert_int_equal(back.relative_hint, flags >> 1 & 1);
		assert_true(back.serial == 0x01020304 && back.x == -1 && back.y == 1920);
	}
	out[0] = 0xD1;
	assert_int_equal(pf_cursor_state_read(&back, out, 14), PF_E_BAD_PACKET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(input_layout),
		cmocka_unit_test(host_timing_layout),
		cmocka_unit_test(audio_layout),
		cmocka_unit_test(audio_bounds),
		cmocka_unit_test(rumble_layout),
		cmocka_unit_test(rich_layout),
		cmocka_unit_test(rich_bounds),
		cmocka_unit_test(hid_layout),
		cmocka_unit_test(hid_bounds),
		cmocka_unit_test(hdr_meta_layout),
		cmocka_unit_test(cursor_state_layout),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
