/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "core/wire/handshake.h"

/* Extension blocks (wire 4.4) as structs, alone and behind Welcome and Start. */

#define WHOLE \
	"\x17\0" \
	"\x02\0\x04\0d\xC3\xBCr" \
	"\x03\0\x01\0\x01" \
	"\x04\0\x06\0\x02hq\x02HQ"
static const struct pf_ext whole = {.label = "d\xC3\xBCr",
	.abr_features = PF_ABR_READS_REASON,
	.preset_id = "hq",
	.preset_name = "HQ"};

static const struct pf_ext nothing;

static int parse(struct pf_ext *e, const void *bytes, size_t len)
{
	uint8_t *p = malloc(len ? len : 1);
	assert_non_null(p);
	memcpy(p, bytes, len);
	int err = pf_ext_parse(e, p, len);
	free(p);
	return err;
}
#define PARSE(e, text) parse(e, text, sizeof text - 1)

static void blocks_are_byte_exact(void **state)
{
	(void)state;
	uint8_t out[300];
	struct pf_ext back;
	const size_t len = sizeof WHOLE - 1;
	assert_int_equal(pf_ext_write(out, sizeof out, &whole), len);
	assert_memory_equal(out, WHOLE, len);
	for (size_t cap = 0; cap < len; cap++)
		assert_int_equal(pf_ext_write(out, cap, &whole), PF_E_FULL);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(parse(&back, WHOLE, cut), PF_E_BAD_PACKET);
	assert_int_equal(PARSE(&back, WHOLE "\0"), PF_E_BAD_PACKET);
	assert_int_equal(PARSE(&back, WHOLE), PF_OK);
	assert_memory_equal(&back, &whole, sizeof back); /* bytes only: no padding */
	const struct pf_ext bare = {.preset_id = "x"};
	assert_int_equal(pf_ext_write(out, sizeof out, &bare), 9);
	assert_memory_equal(out, "\x07\0\x04\0\x03\0\x01x\0", 9);
	assert_int_equal(pf_ext_write(out, sizeof out, &nothing), 0);
	assert_true(pf_ext_is_empty(&nothing) && !pf_ext_is_empty(&bare));
}

static void odd_values_are_absent(void **state)
{
	(void)state;
	struct pf_ext e;
	assert_int_equal(PARSE(&e, "\x05\0\x02\0\x01\0\xFF"), PF_OK); /* no text */
	assert_true(pf_ext_is_empty(&e));
	assert_int_equal(PARSE(&e, "\x06\0\x03\0\x02\0\x01\0"), PF_OK); /* two bytes of features */
	assert_true(pf_ext_is_empty(&e));
	assert_int_equal(PARSE(&e, "\x04\0\x03\0\0\0"), PF_OK);
	assert_true(pf_ext_is_empty(&e));
	/* Presets: no id, an id of more bytes than there are, one not printable, no name field, bytes behind. */
	static const char *const presets[] = {"\x04\0\x02\0\0\0", "\x04\0\x02\0\x05x",
		"\x04\0\x03\0\x01\n\0", "\x04\0\x02\0\x01x", "\x04\0\x04\0\x01x\0y",
		"\x04\0\x04\0\x01x\x01\xFF"};
	static const size_t lens[] = {6, 6, 7, 6, 8, 8};
	for (size_t i = 0; i < 6; i++) {
		uint8_t buf[16] = {(uint8_t)lens[i], 0};
		memcpy(buf + 2, presets[i], lens[i]);
		assert_int_equal(parse(&e, buf, 2 + lens[i]), PF_OK);
		assert_true(pf_ext_is_empty(&e));
	}
	/* Tags whose bytes nobody told us, and unknown ones, beside one that is known. */
	assert_int_equal(
		PARSE(&e, "\x12\0\x05\0\x01\0\x09\x39\x30\0\0\x02\0\x01\0L\x06\0\0\0"), PF_OK);
	assert_string_equal(e.label, "L");
	for (size_t len = 96; len <= 97; len++) {
		uint8_t buf[110] = {(uint8_t)(4 + len), 0, 2, 0, (uint8_t)len, 0};
		memset(buf + 6, 'l', len);
		assert_int_equal(parse(&e, buf, 6 + len), PF_OK);
		assert_int_equal(strlen(e.label), len == 96 ? 96 : 0);
	}
}

static void writers_refuse(void **state)
{
	(void)state;
	uint8_t out[300];
	struct pf_ext bad[] = {{.label = "\xFF"}, {.preset_id = "\n"}, {.preset_name = "no id"},
		{.preset_id = "x", .preset_name = "\xC3"}, {.abr_features = 1}};
	memset(bad[4].label, 'x', sizeof bad[4].label); /* without an end */
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(pf_ext_write(out, sizeof out, &bad[i]), PF_E_INVALID);
	struct pf_ext full = {.abr_features = 1};
	memset(full.label, 'l', PF_EXT_LABEL_MAX);
	memset(full.preset_id, 'i', PF_PRESET_ID_MAX);
	memset(full.preset_name, 'n', PF_PRESET_NAME_MAX);
	struct pf_ext back;
	assert_int_equal(pf_ext_write(out, sizeof out, &full), 2 + 4 + 96 + 5 + 4 + 2 + 32 + 64);
	assert_int_equal(pf_ext_parse(&back, out, 209), PF_OK);
	assert_memory_equal(&back, &full, sizeof back);
}

static void start_carries_a_block(void **state)
{
	(void)state;
	uint8_t out[64];
	const size_t len = 6 + sizeof WHOLE - 1;
	struct pf_start s = {.client_port = 0x1234, .ext = &whole}, back;
	assert_int_equal(pf_start_write(out, sizeof out, &s), len);
	assert_memory_equal(out, "PKF1\x34\x12" WHOLE, len);
	assert_int_equal(pf_start_read(&back, out, len), PF_OK);
	assert_int_equal(back.ext_offset, 6);
	assert_null(back.ext);
	for (size_t cap = 0; cap < len; cap++)
		assert_int_equal(pf_start_write(out, cap, &s), PF_E_FULL);
	s = (struct pf_start){.client_port = 1, .ext = &nothing};
	assert_int_equal(pf_start_write(out, sizeof out, &s), 6); /* nothing to say: no block */
	s.ext = &(struct pf_ext){.label = "\xFF"};
	assert_int_equal(pf_start_write(out, sizeof out, &s), PF_E_INVALID);
}

static void welcome_carries_a_block(void **state)
{
	(void)state;
	for (uint8_t cipher = 0; cipher <= 1; cipher++) {
		uint8_t out[256];
		struct pf_welcome w, back;
		pf_welcome_init(&w);
		w.data_port = 9;
		w.mode = (struct pf_mode){640, 480, 60};
		w.max_data_per_block = 200;
		w.shard_payload = 1408;
		w.cipher = cipher;
		w.ext = &nothing;
		assert_int_equal(pf_welcome_write(out, sizeof out, &w), cipher ? 101 : 68);
		/* The block lies at 89 or 121: every field before it must be there. */
		w.ext = &whole;
		const size_t at = cipher ? 121 : 89, len = at + sizeof WHOLE - 1;
		assert_int_equal(pf_welcome_write(out, sizeof out, &w), len);
		assert_memory_equal(out + at, WHOLE, sizeof WHOLE - 1);
		assert_int_equal(pf_welcome_read(&back, out, len), PF_OK);
		assert_int_equal(back.ext_offset, at);
		assert_true(back.grants == UINT32_MAX && back.audio_frame_us == 5000);
		for (size_t cap = 0; cap < len; cap++)
			assert_int_equal(pf_welcome_write(out, cap, &w), PF_E_FULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_byte_exact),
		cmocka_unit_test(odd_values_are_absent),
		cmocka_unit_test(writers_refuse),
		cmocka_unit_test(start_carries_a_block),
		cmocka_unit_test(welcome_carries_a_block),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
