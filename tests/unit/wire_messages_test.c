/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/bytes.h"
#include "core/wire/control.h"

#define SPAN(text) \
	{ \
		(const uint8_t *)text, sizeof text - 1 \
	}
#define SPAKE \
	"A\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0A\x0B\x0C\x0D\x0E\x0F\x10\x11\x12\x13\x14\x15" \
	"\x16" \
	"\x17\x18\x19\x1A\x1B\x1C\x1D\x1E\x1F\x20"
#define CONFIRM "0123456789abcdefghijklmnopqrstuv"

/* Every message with its whole frame, by hand from the table of wire 4.5: length u16, `PKFc`, type, body. */
static const struct {
	struct pf_msg msg;
	const char *bytes;
	size_t len;
} golden[] = {
	{{.type = PF_MSG_RECONFIGURE, .reconfigure = {1920, 1080, 60}},
		"\x11\0PKFc\x01\x80\x07\0\0\x38\x04\0\0\x3C\0\0\0", 19},
	{{.type = PF_MSG_RECONFIGURED, .reconfigured = {true, {1280, 720, 120}}},
		"\x12\0PKFc\x02\x01\0\x05\0\0\xD0\x02\0\0\x78\0\0\0", 20},
	{{.type = PF_MSG_REQUEST_KEYFRAME}, "\x05\0PKFc\x03", 7},
	{{.type = PF_MSG_LOSS_REPORT, .loss_ppm = 0x000F4240}, "\x09\0PKFc\x04\x40\x42\x0F\0", 11},
	{{.type = PF_MSG_SET_BITRATE, .bitrate_kbps = 20000}, "\x09\0PKFc\x05\x20\x4E\0\0", 11},
	{{.type = PF_MSG_BITRATE_CHANGED, .bitrate_changed = {.kbps = 20000}},
		"\x09\0PKFc\x06\x20\x4E\0\0", 11},
	{{.type = PF_MSG_BITRATE_CHANGED,
		 .bitrate_changed = {.kbps = 20000, .reason = 3, .has_reason = true}},
		"\x0A\0PKFc\x06\x20\x4E\0\0\x03", 12},
	{{.type = PF_MSG_RFI_REQUEST, .rfi = {0xFFFFFFFE, 1}},
		"\x0D\0PKFc\x07\xFE\xFF\xFF\xFF\x01\0\0\0", 15},
	{{.type = PF_MSG_SHARD_PAYLOAD_CHANGED, .shard_payload = 1408}, "\x07\0PKFc\x08\x80\x05",
		9},
	{{.type = PF_MSG_SHARD_PAYLOAD_ACK, .shard_payload = 1408}, "\x07\0PKFc\x09\x80\x05", 9},
	{{.type = PF_MSG_SHARD_PAYLOAD_ACK, .shard_payload = 9152}, "\x07\0PKFc\x09\xC0\x23", 9},
	{{.type = PF_MSG_PIPELINE_GAP, .gap_ms = 0x01020304}, "\x09\0PKFc\x0A\x04\x03\x02\x01", 11},
	{{.type = PF_MSG_DELIVERY_REPORT, .delivered_packets = 0x0102030405060708},
		"\x0D\0PKFc\x0B\x08\x07\x06\x05\x04\x03\x02\x01", 15},
	{{.type = PF_MSG_LINK_REPORT, .bitrate_kbps = 80000}, "\x09\0PKFc\x0C\x80\x38\x01\0", 11},
	{{.type = PF_MSG_SET_DELIVERY, .set_delivery = PF_DELIVERY_SMOOTH}, "\x06\0PKFc\x0D\x02",
		8},
	{{.type = PF_MSG_DELIVERY_CHANGED, .delivery_changed = {PF_DELIVERY_CAPPED, true}},
		"\x07\0PKFc\x0E\x01\x01", 9},
	{{.type = PF_MSG_HOST_FACTS, .host_facts = {2, 1000, 4096, 0xFF}},
		"\x0F\0PKFc\x0F\x02\xE8\x03\0\0\0\x10\0\0\xFF", 17},
	{{.type = PF_MSG_PAIR_REQUEST,
		 .pair_request = {.name = SPAN("d\xC3\xBC"), .spake = SPAN(SPAKE)}},
		"\x2C\0PKFc\x10\x03"
		"d\xC3\xBC\x21\0" SPAKE,
		46},
	{{.type = PF_MSG_PAIR_REQUEST,
		 .pair_request = {.spake = SPAN(SPAKE), .device_key = SPAN("key")}},
		"\x2E\0PKFc\x10\0\x21\0" SPAKE "\x03\0key", 48},
	{{.type = PF_MSG_PAIR_CHALLENGE,
		 .pair_challenge = {.spake = SPAN(SPAKE), .confirm = CONFIRM}},
		"\x48\0PKFc\x11\x21\0" SPAKE CONFIRM, 74},
	{{.type = PF_MSG_PAIR_PROOF, .pair_proof = CONFIRM}, "\x25\0PKFc\x12" CONFIRM, 39},
	{{.type = PF_MSG_PAIR_RESULT, .pair_ok = true}, "\x06\0PKFc\x13\x01", 8},
	{{.type = PF_MSG_PAIR_RESULT, .pair_ok = false}, "\x06\0PKFc\x13\0", 8},
	{{.type = PF_MSG_REFUSED, .refused = {0x64, SPAN("no")}},
		"\x0D\0PKFc\x16\x64\0\0\0\x02\0no", 15},
	{{.type = PF_MSG_REFUSED, .refused = {.code = 0x6A}}, "\x0B\0PKFc\x16\x6A\0\0\0\0\0", 13},
	{{.type = PF_MSG_PROBE_REQUEST, .probe_request = {100000, 800}},
		"\x0D\0PKFc\x20\xA0\x86\x01\0\x20\x03\0\0", 15},
	{{.type = PF_MSG_PROBE_RESULT,
		 .probe_result = {.bytes = 1, .packets = 2, .duration_ms = 3}},
		"\x15\0PKFc\x21\x01\0\0\0\0\0\0\0\x02\0\0\0\x03\0\0\0", 23},
	{{.type = PF_MSG_PROBE_RESULT, .probe_result = {1, 2, 3, 4, 5, true}},
		"\x1D\0PKFc\x21\x01\0\0\0\0\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05\0\0\0", 31},
	{{.type = PF_MSG_PROBE_SHAPED, .probe_shaped = {100000, 800, 60, 65536, 200000}},
		"\x17\0PKFc\x22\xA0\x86\x01\0\x20\x03\0\0\x3C\0\0\0\x01\0\x40\x0D\x03\0", 25},
	{{.type = PF_MSG_CLOCK_PROBE, .clock = {.t1_ns = 0x0102030405060708}},
		"\x0D\0PKFc\x30\x08\x07\x06\x05\x04\x03\x02\x01", 15},
	{{.type = PF_MSG_CLOCK_ECHO, .clock = {1, 2, UINT64_MAX}},
		"\x1D\0PKFc\x31\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
		"\xFF",
		31},
	{{.type = PF_MSG_CLIP_CONTROL, .clip_control = {true, false}}, "\x07\0PKFc\x40\x01\0", 9},
	{{.type = PF_MSG_CLIP_CONTROL, .clip_control = {true, true}}, "\x07\0PKFc\x40\x01\x01", 9},
	{{.type = PF_MSG_CLIP_STATE, .clip_state = {true, 2, PF_CLIP_NO_FILES}},
		"\x08\0PKFc\x41\x01\x02\x04", 10},
	{{.type = PF_MSG_CLIP_OFFER,
		 .clip_offer = {7, 2, {{SPAN("text/html"), 300}, {SPAN("image/png"), 0}}}},
		"\x2E\0PKFc\x42\x07\0\0\0\x02\x09text/html\x2C\x01\0\0\0\0\0\0\x09image/png"
		"\0\0\0\0\0\0\0\0",
		48},
	{{.type = PF_MSG_CLIP_OFFER, .clip_offer = {.seq = 8}}, "\x0A\0PKFc\x42\x08\0\0\0\0", 12},
	{{.type = PF_MSG_CLIP_FETCH, .clip_fetch = {7, PF_CLIP_INDEX_NONE, SPAN("text/rtf")}},
		"\x16\0PKFc\x43\x07\0\0\0\xFF\xFF\xFF\xFF\x08text/rtf", 24},
	{{.type = PF_MSG_CLIP_FETCH, .clip_fetch = {7, 1, SPAN("")}},
		"\x0E\0PKFc\x43\x07\0\0\0\x01\0\0\0\0", 16},
	{{.type = PF_MSG_CLIP_FETCH_HDR, .clip_fetch_hdr = {PF_CLIP_STALE, 0x0102030405060708}},
		"\x0E\0PKFc\x44\x01\x08\x07\x06\x05\x04\x03\x02\x01", 16},
	{{.type = PF_MSG_CURSOR_SHAPE,
		 .cursor_shape = {0x01020304, 2, 1, 1, 0,
			 SPAN("\x11\x22\x33\x44\x55\x66\x77\x88")}},
		"\x19\0PKFc\x50\x04\x03\x02\x01\x02\0\x01\0\x01\0\0\0\x11\x22\x33\x44\x55\x66\x77"
		"\x88",
		27},
	{{.type = PF_MSG_CURSOR_RENDER, .client_draws_cursor = true}, "\x06\0PKFc\x51\x01", 8},
	{{.type = PF_MSG_ACCESS_UPDATE, .access = {PF_GRANT_ALL, 3600}},
		"\x0D\0PKFc\x58\xFF\0\0\0\x10\x0E\0\0", 15},
	{{.type = PF_MSG_AUDIO_STATE, .audio_muted = true}, "\x06\0PKFc\x59\x01", 8},
	{{.type = PF_MSG_LAUNCH_OUTCOME, .launch = {PF_LAUNCH_FAILED, SPAN("gone")}},
		"\x0B\0PKFc\x5A\x04\x04gone", 13},
	{{.type = PF_MSG_LAUNCH_OUTCOME, .launch = {.kind = PF_LAUNCH_SIGN_IN}},
		"\x07\0PKFc\x5A\x05\0", 9},
	{{.type = PF_MSG_PAD_SLOTS, .pad_slots = 0x8003}, "\x07\0PKFc\x5B\x03\x80", 9},
	{{.type = PF_MSG_INPUT_EDGE, .input_edge = {PF_INPUT_KEY_UP, 0x41, 0, 0, 3}},
		"\x17\0PKFc\x5C\xC8\x01\x41\0\0\0\0\0\0\0\0\0\0\0\x03\0\0\0", 25},
};
#define N_GOLDEN (sizeof golden / sizeof golden[0])

static int read_exact(struct pf_msg *m, const void *data, size_t len)
{
	uint8_t *p = malloc(len ? len : 1);
	assert_non_null(p);
	if (len)
		memcpy(p, data, len);
	int err = pf_msg_read(m, p, len);
	free(p);
	return err;
}

/* The same, for messages whose spans are looked at afterwards. */
static int read_string(struct pf_msg *m, const char *bytes, size_t len)
{
	struct pf_msg again;
	int err = pf_msg_read(m, (const uint8_t *)bytes, len);
	assert_int_equal(read_exact(&again, bytes, len), err);
	return err;
}
#define READ(m, bytes) read_string(m, "PKFc" bytes, 4 + sizeof bytes - 1)

static void messages_are_byte_exact(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_GOLDEN; i++) {
		uint8_t out[128], again[128];
		struct pf_msg m;
		const int len = (int)golden[i].len;
		assert_int_equal(pf_get_le16((const uint8_t *)golden[i].bytes), len - 2);
		assert_int_equal(pf_msg_framed_len(&golden[i].msg), len);
		assert_int_equal(pf_msg_write_framed(out, sizeof out, &golden[i].msg), len);
		assert_memory_equal(out, golden[i].bytes, len);
		for (size_t cap = 0; cap < golden[i].len; cap++)
			assert_int_equal(pf_msg_write_framed(out, cap, &golden[i].msg), PF_E_FULL);
		assert_int_equal(
			pf_msg_read(&m, (const uint8_t *)golden[i].bytes + 2, len - 2), PF_OK);
		assert_int_equal(m.type, golden[i].msg.type);
		assert_int_equal(pf_msg_write_framed(again, sizeof again, &m), len);
		assert_memory_equal(again, golden[i].bytes, len);
	}
}

static void every_type_has_a_vector(void **state)
{
	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		uint8_t buf[5] = {'P', 'K', 'F', 'c', (uint8_t)type};
		struct pf_msg m;
		bool seen = false;
		for (size_t i = 0; i < N_GOLDEN; i++)
			seen |= golden[i].msg.type == type;
		assert_int_equal(seen, read_exact(&m, buf, 5) != PF_E_UNSUPPORTED);
	}
}

/* What a message of this type may have as length, by wire 4.5, when cut or filled up with zeros. */
static bool other_length(enum pf_msg_type type, size_t len)
{
	return (type == PF_MSG_BITRATE_CHANGED && (len == 9 || len == 10)) ||
		(type == PF_MSG_PROBE_RESULT && (len == 21 || len == 29));
}

static void every_other_length_is_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_GOLDEN; i++) {
		for (size_t len = 0; len < 120; len++) {
			uint8_t buf[120] = {0};
			struct pf_msg m;
			const size_t n = golden[i].len - 2;
			memcpy(buf, golden[i].bytes + 2, n);
			bool ok = len == n || other_length(golden[i].msg.type, len);
			/* A device key of no bytes, or none: two zero bytes more are no mistake. */
			if (golden[i].msg.type == PF_MSG_PAIR_REQUEST)
				ok |= (n == 44 && len == 46) || (n == 46 && len == 41);
			assert_int_equal(read_exact(&m, buf, len), ok ? PF_OK : PF_E_BAD_PACKET);
		}
	}
}

static void unknown_types_are_told_apart(void **state)
{
	(void)state;
	struct pf_msg m;
	uint8_t out[64];
	assert_int_equal(read_exact(&m, "PKF1\x03", 5), PF_E_BAD_PACKET);
	assert_false(pf_msg_is_typed((const uint8_t *)"PKFc", 4));
	for (unsigned type = 0; type < 0x400; type++) {
		const uint8_t head[5] = {'P', 'K', 'F', 'c', (uint8_t)type};
		m = (struct pf_msg){.type = (enum pf_msg_type)type};
		if (type > 255 || read_exact(&m, head, 5) == PF_E_UNSUPPORTED) {
			m.type = (enum pf_msg_type)type;
			assert_int_equal(pf_msg_write_framed(out, sizeof out, &m), PF_E_INVALID);
		}
	}
	assert_int_equal(READ(&m, "\x32"), PF_E_UNSUPPORTED); /* PhaseReport, retired */
}

static void hostile_values_are_bounded(void **state)
{
	(void)state;
	struct pf_msg m;
	assert_int_equal(READ(&m, "\x04\xFF\xFF\xFF\xFF"), PF_OK);
	assert_int_equal(m.loss_ppm, 1000000);
	/* No encoder can answer these ranges but with a keyframe. */
	assert_int_equal(READ(&m, "\x07\x05\0\0\0\x04\0\0\0"), PF_OK);
	assert_int_equal(m.type, PF_MSG_REQUEST_KEYFRAME);
	assert_int_equal(READ(&m, "\x07\x05\0\0\0\x06\x01\0\0"), PF_OK);
	assert_int_equal(m.type, PF_MSG_REQUEST_KEYFRAME);
	assert_int_equal(READ(&m, "\x07\x05\0\0\0\x05\x01\0\0"), PF_OK);
	assert_int_equal(m.type, PF_MSG_RFI_REQUEST);
	assert_int_equal(m.rfi.last, 0x105);
	/* Shard payloads: odd, too small, too large, the limits. */
	assert_int_equal(READ(&m, "\x08\x81\x05"), PF_E_BAD_PACKET);
	assert_int_equal(READ(&m, "\x08\xFE\x01"), PF_E_BAD_PACKET);
	assert_int_equal(READ(&m, "\x08\xC2\x23"), PF_E_BAD_PACKET);
	assert_int_equal(READ(&m, "\x08\0\x02"), PF_OK);
	assert_int_equal(READ(&m, "\x08\xC0\x23"), PF_OK);
	assert_int_equal(READ(&m, "\x09\0\0"), PF_OK); /* whoever sent the change compares */
	/* Any byte but 0 is yes. */
	assert_int_equal(READ(&m, "\x59\x80"), PF_OK);
	assert_true(m.audio_muted);
	assert_int_equal(READ(&m, "\x51\0"), PF_OK);
	assert_false(m.client_draws_cursor);
}

static void values_of_later_peers(void **state)
{
	(void)state;
	struct pf_msg m;
	assert_int_equal(READ(&m, "\x06\x20\x4E\0\0\x05"), PF_OK);
	assert_false(m.bitrate_changed.has_reason);
	assert_int_equal(m.bitrate_changed.kbps, 20000);
	assert_int_equal(READ(&m, "\x0D\x03"), PF_E_UNSUPPORTED);
	assert_int_equal(READ(&m, "\x0E\x03\0"), PF_E_UNSUPPORTED);
	assert_int_equal(READ(&m, "\x0F\x04\0\0\0\0\0\0\0\0\x03"), PF_OK);
	assert_int_equal(m.host_facts.forced_profile, 0xFF);
	assert_int_equal(m.host_facts.interface_kind, 4);
	assert_int_equal(READ(&m, "\x41\x01\x03\x06"), PF_OK);
	assert_int_equal(m.clip_state.reason, PF_CLIP_OK);
	assert_int_equal(READ(&m, "\x41\0\x03\x06"), PF_OK);
	assert_int_equal(m.clip_state.reason, PF_CLIP_NO_BACKEND);
	assert_int_equal(READ(&m, "\x44\x04\0\0\0\0\0\0\0\0"), PF_OK);
	assert_int_equal(m.clip_fetch_hdr.status, PF_CLIP_UNAVAILABLE);
	assert_int_equal(READ(&m, "\x40\0\xFE"), PF_OK);
	assert_false(m.clip_control.enabled || m.clip_control.files);
	assert_int_equal(READ(&m, "\x5A\x06\x02ok"), PF_E_UNSUPPORTED);
	assert_int_equal(READ(&m, "\x5A\x06\x03ok"), PF_E_BAD_PACKET);
	assert_int_equal(READ(&m, "\x58\xFF\xFF\xFF\xFF\0\0\0\0"), PF_OK);
	assert_true(m.access.grants == UINT32_MAX);
	/* Reliable edges are for keys: another event, and an event that nobody knows, are skipped. */
	assert_int_equal(
		READ(&m, "\x5C\xC8\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), PF_E_UNSUPPORTED);
	assert_int_equal(
		READ(&m, "\x5C\xC8\x11\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), PF_E_UNSUPPORTED);
	assert_int_equal(READ(&m, "\x5C\xC9\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), PF_E_BAD_PACKET);
}

static void pair_request_bounds(void **state)
{
	(void)state;
	struct pf_msg m;
	static uint8_t buf[2000];
	memcpy(buf, "PKFc\x10", 5);
	/* Names of every length: kept up to 64, walked over above. */
	for (size_t name = 0; name <= 255; name++) {
		buf[5] = (uint8_t)name;
		memset(buf + 6, 'n', name);
		memcpy(buf + 6 + name, "\x01\0X", 3);
		assert_int_equal(pf_msg_read(&m, buf, 9 + name), PF_OK);
		assert_int_equal(m.pair_request.name.len, name <= 64 ? name : 0);
		assert_int_equal(m.pair_request.spake.len, 1);
		assert_int_equal(m.pair_request.spake.data[0], 'X');
		assert_null(m.pair_request.device_key.data);
	}
	assert_int_equal(READ(&m, "\x10\x02\xC3(\x01\0X"), PF_OK);
	assert_int_equal(m.pair_request.name.len, 0);
	assert_int_equal(READ(&m, "\x10\0\x01\0X\0\0"), PF_OK); /* a key of no bytes is none */
	assert_null(m.pair_request.device_key.data);
	assert_int_equal(READ(&m, "\x10\0\x01\0X\0"), PF_E_BAD_PACKET);
	assert_int_equal(READ(&m, "\x10\0\0\0"), PF_E_BAD_PACKET);
	assert_int_equal(READ(&m, "\x10\0\0\0\x01\0K"), PF_E_BAD_PACKET);
	buf[5] = 0;
	for (size_t spake = 1; spake < 300; spake++) {
		pf_put_le16(buf + 6, (uint16_t)spake);
		assert_int_equal(
			read_exact(&m, buf, 8 + spake), spake <= 255 ? PF_OK : PF_E_BAD_PACKET);
	}
	pf_put_le16(buf + 6, 1);
	for (size_t key = 1; key < 520; key++) {
		pf_put_le16(buf + 9, (uint16_t)key);
		assert_int_equal(
			read_exact(&m, buf, 11 + key), key <= 512 ? PF_OK : PF_E_BAD_PACKET);
	}
}

static void pair_challenge_bounds(void **state)
{
	(void)state;
	struct pf_msg m;
	static uint8_t buf[400] = "PKFc\x11";
	for (size_t spake = 0; spake < 300; spake++) {
		pf_put_le16(buf + 5, (uint16_t)spake);
		assert_int_equal(read_exact(&m, buf, 39 + spake),
			spake && spake <= 255 ? PF_OK : PF_E_BAD_PACKET);
	}
	pf_put_le16(buf + 5, 0xFFFF);
	assert_int_equal(read_exact(&m, buf, 72), PF_E_BAD_PACKET);
}

static void words_bounds(void **state)
{
	(void)state;
	struct pf_msg m;
	static uint8_t buf[300] = "PKFc\x16\x64";
	for (size_t len = 0; len < 280; len++) {
		memset(buf + 11, 'w', len);
		pf_put_le16(buf + 9, (uint16_t)len);
		assert_int_equal(
			read_exact(&m, buf, 11 + len), len <= 256 ? PF_OK : PF_E_BAD_PACKET);
		assert_int_equal(m.refused.reason.len, len <= 256 ? len : 0);
	}
	assert_int_equal(READ(&m, "\x16\x64\0\0\0\x02\0\xC3("), PF_OK); /* the code counts */
	assert_int_equal(m.refused.code, 0x64);
	assert_int_equal(m.refused.reason.len, 0);
	assert_int_equal(READ(&m, "\x16\x64\0\0\0\x02\0a\0"), PF_OK);
	assert_int_equal(m.refused.reason.len, 0);
	memcpy(buf, "PKFc\x5A\x03", 6);
	for (size_t len = 0; len < 256; len++) {
		memset(buf + 7, 'w', len);
		buf[6] = (uint8_t)len;
		assert_int_equal(
			read_exact(&m, buf, 7 + len), len <= 200 ? PF_OK : PF_E_BAD_PACKET);
	}
	assert_int_equal(READ(&m, "\x5A\x03\x01\xFF"), PF_OK);
	assert_int_equal(m.launch.kind, PF_LAUNCH_REFUSED);
	assert_int_equal(m.launch.text.len, 0);
}

static void clip_bounds(void **state)
{
	(void)state;
	struct pf_msg m;
	static uint8_t buf[4096] = "PKFc\x42";
	for (unsigned n = 0; n < 256; n++) {
		buf[9] = (uint8_t)n;
		for (unsigned i = 0; i < n; i++)
			memcpy(buf + 10 + 10 * i, "\x01m\x05\0\0\0\0\0\0\x80", 10);
		assert_int_equal(
			read_exact(&m, buf, 10 + 10 * n), n <= 16 ? PF_OK : PF_E_BAD_PACKET);
	}
	buf[9] = 16;
	assert_int_equal(pf_msg_read(&m, buf, 170), PF_OK);
	assert_true(m.clip_offer.kinds[15].size_hint == 0x8000000000000005);
	for (unsigned cut = 0; cut < 170; cut++)
		assert_int_equal(read_exact(&m, buf, cut), PF_E_BAD_PACKET);
	buf[9] = 1;
	for (size_t len = 0; len < 256; len++) {
		buf[10] = (uint8_t)len;
		memset(buf + 11, 'm', len);
		assert_int_equal(
			read_exact(&m, buf, 19 + len), len && len <= 128 ? PF_OK : PF_E_BAD_PACKET);
	}
	for (unsigned c = 0; c < 256; c++) {
		buf[10] = 1;
		buf[11] = (uint8_t)c;
		assert_int_equal(
			read_exact(&m, buf, 20), c >= 0x20 && c < 0x7F ? PF_OK : PF_E_BAD_PACKET);
	}
	memcpy(buf, "PKFc\x43\0\0\0\0\0\0\0\0", 13);
	for (size_t len = 0; len < 256; len++) {
		buf[13] = (uint8_t)len;
		memset(buf + 14, 'm', len);
		assert_int_equal(
			read_exact(&m, buf, 14 + len), len <= 128 ? PF_OK : PF_E_BAD_PACKET);
	}
	assert_int_equal(READ(&m, "\x43\0\0\0\0\xFF\xFF\xFF\xFF\0"), PF_E_BAD_PACKET);
	assert_int_equal(READ(&m, "\x43\0\0\0\0\0\0\0\0\x01\n"), PF_E_BAD_PACKET);
}

static void a_transfer_says_what_it_is(void **state)
{
	static const uint8_t head[] = {'P', 'K', 'F', 's', 1, 0x0F, 0};
	static const uint8_t other[] = {'P', 'K', 'F', 's', 2},
			     bare[] = {'P', 0, 'P', 'K', 'F', 'c'};
	(void)state;
	assert_memory_equal(PF_CLIP_HEAD, head, PF_CLIP_HEAD_LEN);
	for (size_t len = 0; len < PF_CLIP_HEAD_LEN; len++)
		assert_int_equal(pf_clip_head_read(head, len), PF_E_AGAIN);
	assert_int_equal(pf_clip_head_read(head, 5), 5);
	assert_int_equal(pf_clip_head_read(head, sizeof head), 5);
	assert_int_equal(pf_clip_head_read(other, 4), PF_E_AGAIN);
	assert_int_equal(pf_clip_head_read(other, 5), PF_E_UNSUPPORTED);
	assert_int_equal(pf_clip_head_read(bare, 1), PF_E_AGAIN);
	for (size_t len = 2; len <= sizeof bare; len++)
		assert_int_equal(pf_clip_head_read(bare, len), 0);
}

static void cursor_bounds(void **state)
{
	(void)state;
	struct pf_msg m;
	static uint8_t buf[17 + 4 * 130 * 130] = "PKFc\x50";
	const uint16_t sides[] = {0, 1, 2, 119, 120, 121, 0x8000, 0xFFFF};
	for (size_t i = 0; i < 8; i++) {
		for (size_t j = 0; j < 8; j++) {
			const bool ok = i >= 1 && i <= 4 && j >= 1 && j <= 4;
			const size_t n = 4u * sides[i] * sides[j];
			pf_put_le16(buf + 9, sides[i]);
			pf_put_le16(buf + 11, sides[j]);
			assert_int_equal(read_exact(&m, buf, 17 + (n < 67600 ? n : 67600)),
				ok ? PF_OK : PF_E_BAD_PACKET);
			if (!ok)
				continue;
			assert_int_equal(read_exact(&m, buf, 17 + n - 1), PF_E_BAD_PACKET);
			assert_int_equal(read_exact(&m, buf, 17 + n + 1), PF_E_BAD_PACKET);
		}
	}
	static uint8_t out[65536];
	pf_put_le16(buf + 9, 120);
	pf_put_le16(buf + 11, 120);
	memset(buf + 13, 0xFF, 4); /* a hot spot far outside */
	assert_int_equal(pf_msg_read(&m, buf, 57617), PF_OK);
	assert_int_equal(m.cursor_shape.hot_x, 120);
	assert_int_equal(m.cursor_shape.hot_y, 120);
	assert_int_equal(m.cursor_shape.rgba.len, 57600);
	assert_ptr_equal(m.cursor_shape.rgba.data, buf + 17);
	assert_int_equal(pf_msg_framed_len(&m), 57619);
	assert_int_equal(pf_msg_write_framed(out, 57618, &m), PF_E_FULL);
	assert_int_equal(pf_msg_write_framed(out, sizeof out, &m), 57619);
}

static void writers_refuse(void **state)
{
	(void)state;
	static const uint8_t bytes[600] = "x";
	uint8_t out[1024];
	const struct pf_span bad_text = SPAN("\xFF"), line = SPAN("a\nb");
	const struct pf_msg bad[] = {
		{.type = PF_MSG_RFI_REQUEST, .rfi = {10, 11 + PF_RFI_MAX_RANGE}},
		{.type = PF_MSG_LOSS_REPORT, .loss_ppm = 1000001},
		{.type = PF_MSG_BITRATE_CHANGED, .bitrate_changed = {1, 5, true}},
		{.type = PF_MSG_SHARD_PAYLOAD_CHANGED, .shard_payload = 511},
		{.type = PF_MSG_SHARD_PAYLOAD_CHANGED, .shard_payload = 9154},
		{.type = PF_MSG_SET_DELIVERY, .set_delivery = 3},
		{.type = PF_MSG_DELIVERY_CHANGED, .delivery_changed = {3, false}},
		{.type = PF_MSG_HOST_FACTS, .host_facts = {0, 0, 0, 3}},
		{.type = PF_MSG_PAIR_REQUEST},
		{.type = PF_MSG_PAIR_REQUEST, .pair_request.spake = {bytes, 256}},
		{.type = PF_MSG_PAIR_REQUEST, .pair_request = {{bytes, 65}, {bytes, 33}, {0}}},
		{.type = PF_MSG_PAIR_REQUEST, .pair_request = {bad_text, {bytes, 33}, {0}}},
		{.type = PF_MSG_PAIR_REQUEST, .pair_request = {{0}, {bytes, 33}, {bytes, 513}}},
		{.type = PF_MSG_PAIR_REQUEST, .pair_request = {{0}, {bytes, 33}, {bytes, 0}}},
		{.type = PF_MSG_PAIR_REQUEST, .pair_request = {{0}, {bytes, 33}, {NULL, 1}}},
		{.type = PF_MSG_PAIR_CHALLENGE},
		{.type = PF_MSG_PAIR_CHALLENGE, .pair_challenge.spake = {bytes, 256}},
		{.type = PF_MSG_REFUSED, .refused.reason = {bytes, 257}},
		{.type = PF_MSG_REFUSED, .refused.reason = bad_text},
		{.type = PF_MSG_REFUSED, .refused.reason = {NULL, 1}},
		{.type = PF_MSG_LAUNCH_OUTCOME, .launch = {6, {0}}},
		{.type = PF_MSG_LAUNCH_OUTCOME, .launch = {0, {bytes, 201}}},
		{.type = PF_MSG_CLIP_STATE, .clip_state = {true, 1, 6}},
		{.type = PF_MSG_CLIP_OFFER, .clip_offer.n_kinds = 17},
		{.type = PF_MSG_CLIP_OFFER, .clip_offer = {.n_kinds = 1}},
		{.type = PF_MSG_CLIP_OFFER, .clip_offer = {0, 1, {{line, 0}}}},
		{.type = PF_MSG_CLIP_FETCH, .clip_fetch.file_index = PF_CLIP_INDEX_NONE},
		{.type = PF_MSG_CLIP_FETCH, .clip_fetch.mime = {bytes, 129}},
		{.type = PF_MSG_CLIP_FETCH_HDR, .clip_fetch_hdr = {4, 0}},
		{.type = PF_MSG_CURSOR_SHAPE, .cursor_shape = {0, 0, 1, 0, 0, {bytes, 0}}},
		{.type = PF_MSG_CURSOR_SHAPE, .cursor_shape = {0, 1, 121, 0, 0, {bytes, 484}}},
		{.type = PF_MSG_CURSOR_SHAPE, .cursor_shape = {0, 2, 2, 0, 0, {bytes, 15}}},
		{.type = PF_MSG_CURSOR_SHAPE, .cursor_shape = {0, 2, 2, 0, 0, {NULL, 16}}},
		{.type = PF_MSG_CURSOR_SHAPE, .cursor_shape = {0, 2, 2, 3, 0, {bytes, 16}}},
		{.type = PF_MSG_INPUT_EDGE, .input_edge = {.kind = PF_INPUT_MOUSE_REL}},
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(pf_msg_framed_len(&bad[i]), PF_E_INVALID);
		assert_int_equal(pf_msg_write_framed(out, sizeof out, &bad[i]), PF_E_INVALID);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_byte_exact),
		cmocka_unit_test(every_type_has_a_vector),
		cmocka_unit_test(every_other_length_is_bad),
		cmocka_unit_test(unknown_types_are_told_apart),
		cmocka_unit_test(hostile_values_are_bounded),
		cmocka_unit_test(values_of_later_peers),
		cmocka_unit_test(pair_request_bounds),
		cmocka_unit_test(pair_challenge_bounds),
		cmocka_unit_test(words_bounds),
		cmocka_unit_test(clip_bounds),
		cmocka_unit_test(a_transfer_says_what_it_is),
		cmocka_unit_test(cursor_bounds),
		cmocka_unit_test(writers_refuse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
