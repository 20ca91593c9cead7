/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "core/wire/control.h"
#include "core/wire/datagram.h"

/* Every fixed message with its whole frame: length u16, `PKFc`, type, body. */
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
	{{.type = PF_MSG_PROBE_REQUEST, .probe_request = {100000, 800}},
		"\x0D\0PKFc\x20\xA0\x86\x01\0\x20\x03\0\0", 15},
	{{.type = PF_MSG_PROBE_RESULT,
		 .probe_result = {.bytes = 1, .packets = 2, .duration_ms = 3}},
		"\x15\0PKFc\x21\x01\0\0\0\0\0\0\0\x02\0\0\0\x03\0\0\0", 23},
	{{.type = PF_MSG_PROBE_RESULT, .probe_result = {1, 2, 3, 4, 5, true}},
		"\x1D\0PKFc\x21\x01\0\0\0\0\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05\0\0\0", 31},
	{{.type = PF_MSG_CLOCK_PROBE, .clock = {.t1_ns = 0x0102030405060708}},
		"\x0D\0PKFc\x30\x08\x07\x06\x05\x04\x03\x02\x01", 15},
	{{.type = PF_MSG_CLOCK_ECHO, .clock = {1, 2, UINT64_MAX}},
		"\x1D\0PKFc\x31\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
		"\xFF",
		31},
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

static void messages_are_byte_exact(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_GOLDEN; i++) {
		uint8_t out[PF_MSG_MAX_LEN];
		struct pf_msg m;
		assert_int_equal(
			pf_msg_write_framed(out, sizeof out, &golden[i].msg), golden[i].len);
		assert_memory_equal(out, golden[i].bytes, golden[i].len);
		for (size_t cap = 0; cap < golden[i].len; cap++)
			assert_int_equal(pf_msg_write_framed(out, cap, &golden[i].msg), PF_E_FULL);
		assert_int_equal(read_exact(&m, golden[i].bytes + 2, golden[i].len - 2), PF_OK);
		uint8_t again[PF_MSG_MAX_LEN];
		assert_int_equal(pf_msg_write_framed(again, sizeof again, &m), golden[i].len);
		assert_memory_equal(again, golden[i].bytes, golden[i].len);
	}
}

static void every_other_length_is_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_GOLDEN; i++) {
		for (size_t len = 0; len < 80; len++) {
			uint8_t buf[80] = {0};
			struct pf_msg m;
			size_t n = golden[i].len - 2;
			memcpy(buf, golden[i].bytes + 2, n);
			bool ok = len == n ||
				(golden[i].msg.type == PF_MSG_BITRATE_CHANGED &&
					(len == 9 || len == 10)) ||
				(golden[i].msg.type == PF_MSG_PROBE_RESULT &&
					(len == 21 || len == 29));
			assert_int_equal(read_exact(&m, buf, len), ok ? PF_OK : PF_E_BAD_PACKET);
		}
	}
}

static void unknown_types_are_told_apart(void **state)
{
	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		uint8_t buf[64] = {'P', 'K', 'F', 'c', (uint8_t)type};
		struct pf_msg m;
		bool known = (type >= 1 && type <= 7) || type == 0x20 || type == 0x21 ||
			type == 0x30 || type == 0x31;
		int err = read_exact(&m, buf, 64);
		assert_int_equal(err, known ? PF_E_BAD_PACKET : PF_E_UNSUPPORTED);
	}
	struct pf_msg m;
	assert_int_equal(read_exact(&m, "PKF1\x03", 5), PF_E_BAD_PACKET);
	assert_false(pf_msg_is_typed((const uint8_t *)"PKFc", 4));
	uint8_t out[64];
	m = (struct pf_msg){.type = (enum pf_msg_type)0x10};
	assert_int_equal(pf_msg_write_framed(out, sizeof out, &m), PF_E_INVALID);
}

static void hostile_values_are_bounded(void **state)
{
	(void)state;
	struct pf_msg m;
	assert_int_equal(read_exact(&m, "PKFc\x04\xFF\xFF\xFF\xFF", 9), PF_OK);
	assert_int_equal(m.loss_ppm, 1000000);
	/* No encoder can answer these ranges but with a keyframe. */
	assert_int_equal(read_exact(&m, "PKFc\x07\x05\0\0\0\x04\0\0\0", 13), PF_OK);
	assert_int_equal(m.type, PF_MSG_REQUEST_KEYFRAME);
	assert_int_equal(read_exact(&m, "PKFc\x07\x05\0\0\0\x06\x01\0\0", 13), PF_OK);
	assert_int_equal(m.type, PF_MSG_REQUEST_KEYFRAME);
	assert_int_equal(read_exact(&m, "PKFc\x07\x05\0\0\0\x05\x01\0\0", 13), PF_OK);
	assert_int_equal(m.type, PF_MSG_RFI_REQUEST);
	assert_int_equal(m.rfi.last, 0x105);
	uint8_t out[64];
	m = (struct pf_msg){.type = PF_MSG_RFI_REQUEST, .rfi = {10, 11 + PF_RFI_MAX_RANGE}};
	assert_int_equal(pf_msg_write_framed(out, sizeof out, &m), PF_E_INVALID);
}

struct frames {
	unsigned n;
	size_t len[16];
	uint64_t sum;
	int fail_at;
};

static int on_frame(const uint8_t *payload, size_t payload_len, void *userdata)
{
	struct frames *f = userdata;
	if (f->fail_at && (int)f->n + 1 == f->fail_at)
		return PF_E_DENIED;
	f->len[f->n++] = payload_len;
	for (size_t i = 0; i < payload_len; i++)
		f->sum += payload[i];
	return PF_OK;
}

static void framer_cuts_at_every_step(void **state)
{
	(void)state;
	static uint8_t stream[70000];
	size_t len = 0;
	const size_t sizes[] = {5, 0, 1, 300, 65535, 7};
	uint64_t sum = 0;
	for (size_t i = 0; i < 6; i++) {
		stream[len++] = (uint8_t)sizes[i];
		stream[len++] = (uint8_t)(sizes[i] >> 8);
		for (size_t j = 0; j < sizes[i]; j++) {
			stream[len] = (uint8_t)(len * 7);
			sum += stream[len++];
		}
	}
	for (size_t step = 1; step <= len; step = step < 40 ? step + 1 : step * 2 + 1) {
		struct pf_framer *f;
		struct frames seen = {0};
		assert_int_equal(pf_framer_create(&f), PF_OK);
		for (size_t at = 0; at < len; at += step) {
			size_t n = len - at < step ? len - at : step;
			assert_int_equal(pf_framer_feed(f, stream + at, n, on_frame, &seen), PF_OK);
		}
		assert_int_equal(seen.n, 6);
		for (size_t i = 0; i < 6; i++)
			assert_int_equal(seen.len[i], sizes[i]);
		assert_int_equal(seen.sum, sum);
		pf_framer_destroy(f);
	}
}

static void framer_stops_at_an_error(void **state)
{
	(void)state;
	struct pf_framer *f;
	struct frames seen = {.fail_at = 2};
	assert_int_equal(pf_framer_create(&f), PF_OK);
	const uint8_t three[] = {1, 0, 'a', 1, 0, 'b', 1, 0, 'c'};
	assert_int_equal(pf_framer_feed(f, three, sizeof three, on_frame, &seen), PF_E_DENIED);
	assert_int_equal(seen.n, 1);
	pf_framer_destroy(f);
	pf_framer_destroy(NULL);
}

static void frame_write_bounds(void **state)
{
	(void)state;
	static uint8_t payload[65536], out[65540];
	assert_int_equal(pf_frame_write(out, sizeof out, payload, 65535), 65537);
	assert_memory_equal(out, "\xFF\xFF", 2);
	assert_int_equal(pf_frame_write(out, sizeof out, payload, 65536), PF_E_INVALID);
	assert_int_equal(pf_frame_write(out, 4, payload, 3), PF_E_FULL);
}

static void clock_sync_takes_the_smallest_round_trip(void **state)
{
	(void)state;
	struct pf_clock_sync c;
	pf_clock_sync_init(&c);
	pf_clock_sync_add(&c, 1000, 900, 950, 900); /* t4 < t1 */
	pf_clock_sync_add(&c, 1000, 5000, 4000, 2000);
	pf_clock_sync_add(&c, 1000, 5000, 7000, 2000);
	assert_true(c.rtt_ns == UINT64_MAX);
	pf_clock_sync_add(&c, 1000, 6000, 6100, 1900);
	assert_int_equal(c.rtt_ns, 800);
	assert_int_equal(c.offset_ns, 4600);
	pf_clock_sync_add(&c, 2000, 7100, 7150, 2250);
	assert_int_equal(c.rtt_ns, 200);
	assert_int_equal(c.offset_ns, 5000);
	pf_clock_sync_add(&c, 3000, 9999, 9999, 9000); /* slower: ignored */
	assert_int_equal(c.offset_ns, 5000);
	/* A host behind the client, an odd sum, and stamps at the ends of the range. */
	pf_clock_sync_init(&c);
	pf_clock_sync_add(&c, 10000, 4001, 4001, 10003);
	assert_int_equal(c.offset_ns, -6000);
	pf_clock_sync_add(&c, UINT64_MAX - 1, 0, 0, UINT64_MAX);
	assert_int_equal(c.rtt_ns, 1);
}

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
		bool ok = len == 13 || len == 25 || len == 29;
		assert_int_equal(pf_host_timing_read(&back, p, len), ok ? PF_OK : PF_E_BAD_PACKET);
		if (ok) {
			assert_true(back.pts_ns == t.pts_ns && back.host_us == 10000);
			assert_int_equal(back.pace_us, len == 13 ? 0 : 3);
		}
		free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_byte_exact),
		cmocka_unit_test(every_other_length_is_bad),
		cmocka_unit_test(unknown_types_are_told_apart),
		cmocka_unit_test(hostile_values_are_bounded),
		cmocka_unit_test(framer_cuts_at_every_step),
		cmocka_unit_test(framer_stops_at_an_error),
		cmocka_unit_test(frame_write_bounds),
		cmocka_unit_test(clock_sync_takes_the_smallest_round_trip),
		cmocka_unit_test(input_layout),
		cmocka_unit_test(host_timing_layout),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
