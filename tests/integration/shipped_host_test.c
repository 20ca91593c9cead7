/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/bytes.h"
#include "punktfunk_core.h"
#include "tests/integration/shipped_host.h"

/* The client library against hosts as the field has them: short Welcomes, both codes, both ciphers. */

static const struct shipped_variant variants[] = {
	{.name = "June 2026",
		.welcome_len = 53,
		.scheme = 1,
		.percent = 20,
		.per_block = 4096,
		.shard = 1452,
		.block_by_block = true,
		.codec = PF_CODEC_HEVC,
		.frame_len = 60000},
	{.name = "the library's defaults, in clear",
		.welcome_len = 53,
		.percent = 15,
		.per_block = 200,
		.shard = 1024,
		.clear = true,
		.block_by_block = true,
		.codec = PF_CODEC_HEVC,
		.frame_len = 250001},
	{.name = "July 2026",
		.welcome_len = 68,
		.scheme = 1,
		.percent = 10,
		.per_block = 4096,
		.shard = 1408,
		.codec = PF_CODEC_H264,
		.frame_len = 99999},
	{.name = "ChaCha20",
		.scheme = 1,
		.percent = 50,
		.per_block = 16,
		.shard = 1388,
		.chacha = true,
		.codec = PF_CODEC_H264,
		.frame_len = 50000},
	{.name = "AV1, 293 blocks",
		.scheme = 1,
		.percent = 90,
		.per_block = 2,
		.shard = 512,
		.codec = PF_CODEC_AV1,
		.frame_len = 300000},
	{.name = "no parity",
		.scheme = 1,
		.per_block = 4096,
		.shard = 1408,
		.codec = PF_CODEC_H264,
		.frame_len = 5},
};

static int try_connect(struct punktfunk_connection **c, const struct shipped *s)
{
	struct punktfunk_connect_opts o;
	char message[256] = "";
	punktfunk_connect_opts_init(&o);
	o.host = "127.0.0.1";
	o.port = (uint16_t)shipped_port(s);
	o.mode = (struct punktfunk_mode){1280, 720, 60};
	o.bitrate_kbps = 30000;
	o.codecs = PUNKTFUNK_CODEC_H264 | PUNKTFUNK_CODEC_HEVC | PUNKTFUNK_CODEC_AV1;
	o.name = "tv";
	o.timeout_ms = 5000;
	int err = punktfunk_connect_opts(c, &o, message, sizeof(message));
	assert_true(err == PUNKTFUNK_OK || message[0]);
	return err;
}

static struct punktfunk_frame expect_frame(
	struct punktfunk_connection *c, const struct shipped_variant *v, uint32_t index)
{
	struct punktfunk_frame f = {.size = sizeof(f)};
	uint8_t *want = malloc(v->frame_len + 8);
	assert_non_null(want);
	shipped_fill(v, index, want);
	int err = punktfunk_connection_next_au(c, &f, 5000);
	if (err != PUNKTFUNK_OK)
		fail_msg("%s: frame %u: %s", v->name, index, punktfunk_strerror(err));
	assert_int_equal(f.frame_index, index);
	assert_int_equal(f.len, v->frame_len);
	assert_memory_equal(f.data, want, f.len);
	free(want);
	return f;
}

static void expect_end(struct punktfunk_connection *c)
{
	struct punktfunk_frame f = {.size = sizeof(f)};
	assert_int_equal(punktfunk_connection_next_au(c, &f, 5000), PUNKTFUNK_E_CLOSED);
	assert_int_equal(punktfunk_connection_end_reason(c), PUNKTFUNK_END_GAME_EXITED);
	assert_non_null(strstr(punktfunk_connection_end_message(c), "the game is over"));
}

/* What a shipped host reads of us: see docs/protocol.md 3.1 and 3.3. */
static void check_what_we_said(const struct shipped_seen *seen)
{
	static const uint8_t hello[] = {'P', 'K', 'F', '1', 2, 0, 0, 0, 0, 5, 0, 0, 0xD0, 2, 0, 0,
		60, 0, 0, 0, 0, 0, 0x30, 0x75, 0, 0, 2, 't', 'v', 0, 0x10, 2, 7, 0, 4, 0x80, 5};
	assert_int_equal(seen->hello_len, sizeof(hello));
	assert_memory_equal(seen->hello, hello, sizeof(hello));
	assert_int_equal(seen->start_len, 6);
	assert_memory_equal(seen->start, "PKF1", 4);
	assert_int_equal(pf_get_le16(seen->start + 4), seen->punch_port);
	assert_int_equal(seen->n_early, 0);
	assert_int_equal(seen->n_probes, 8);
	assert_true(seen->n_punches >= 1);
}

static void every_kind_of_host_is_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++) {
		const struct shipped_variant *v = &variants[i];
		struct shipped_seen seen;
		struct punktfunk_connection *c;
		struct shipped *s = shipped_start(v);
		assert_int_equal(try_connect(&c, s), PUNKTFUNK_OK);
		for (uint32_t index = 0; index < SHIPPED_FRAMES; index++) {
			struct punktfunk_frame f = expect_frame(c, v, index);
			assert_int_equal(f.flags, index ? 0 : PUNKTFUNK_FRAME_KEYFRAME);
			assert_int_equal(f.recovered_shards > 0, v->percent > 0);
		}
		expect_end(c);
		assert_int_equal(
			punktfunk_connection_codec(c), v->welcome_len == 53 ? 2 : v->codec);
		punktfunk_connection_close(c);
		shipped_stop(s, &seen);
		check_what_we_said(&seen);
		assert_int_equal(seen.n_rfi, 0);
	}
}

/* A lost frame is asked for by its number; the host's answer is no keyframe, and goes on all the same. */
static void a_recovery_anchor_ends_a_gap(void **state)
{
	(void)state;
	struct shipped_variant v = variants[2];
	struct shipped_seen seen;
	struct punktfunk_connection *c;
	v.lose_frame = true;
	struct shipped *s = shipped_start(&v);
	assert_int_equal(try_connect(&c, s), PUNKTFUNK_OK);
	expect_frame(c, &v, 0);
	expect_frame(c, &v, 1);
	struct punktfunk_frame f = expect_frame(c, &v, 4);
	assert_int_equal(f.flags, PUNKTFUNK_FRAME_AFTER_GAP);
	expect_end(c);
	punktfunk_connection_close(c);
	shipped_stop(s, &seen);
	assert_true(seen.n_rfi >= 1);
	assert_int_equal(seen.rfi_first, 2);
	assert_int_equal(seen.rfi_last, 2);
}

static int status_of(const struct shipped_variant *v)
{
	struct punktfunk_connection *c = NULL;
	struct shipped *s = shipped_start(v);
	int err = try_connect(&c, s);
	assert_null(c);
	shipped_stop(s, NULL);
	return err;
}

static void every_refusal_has_its_status(void **state)
{
	(void)state;
	struct shipped_variant v = variants[2];
	for (uint64_t n = 0; n <= 15; n++) {
		v.close_on_hello = 0x60 + n;
		assert_int_equal(status_of(&v), n <= 7 ? -20 - (int)n : -21 - (int)n);
	}
	v.close_on_hello = PF_CLOSE_BUSY;
	assert_int_equal(status_of(&v), PUNKTFUNK_E_BUSY);
	v.close_on_hello = 0x99; /* nobody knows it */
	assert_int_equal(status_of(&v), PUNKTFUNK_E_CLOSED);
	v.close_on_hello = 0;
	v.version = 3;
	assert_int_equal(status_of(&v), PUNKTFUNK_E_WIRE_VERSION);
	v.version = 0;
	v.welcome_len = 52;
	assert_int_equal(status_of(&v), PUNKTFUNK_E_BAD_PACKET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_host_is_understood),
		cmocka_unit_test(a_recovery_anchor_ends_a_gap),
		cmocka_unit_test(every_refusal_has_its_status),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
