/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "core/wire/handshake.h"

/* Byte layouts below are put together by hand from the tables of docs/protocol.md. */

static const uint8_t hello_full[] = {
	'P', 'K', 'F', '1',					      /* 0 magic */
	2, 0, 0, 0,						      /* 4 version */
	0x80, 0x07, 0, 0,					      /* 8 width 1920 */
	0x38, 0x04, 0, 0,					      /* 12 height 1080 */
	0x78, 0, 0, 0,						      /* 16 refresh 120 */
	2,							      /* 20 compositor */
	5,							      /* 21 gamepad */
	0x20, 0x4E, 0, 0,					      /* 22 bitrate 20000 */
	3, 'd', 0xC3, 0xBC,					      /* 26 name "dü" */
	9, 's', 't', 'e', 'a', 'm', ':', '5', '7', '0',		      /* 30 launch */
	0x88,							      /* 40 = T: video caps */
	6,							      /* T+1 channels */
	7,							      /* T+2 codecs */
	1,							      /* T+3 preferred */
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,		      /* T+4 HDR volume */
	14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 0x41, /* 72 = P: client caps */
	0x80, 0x05,						      /* P+1 max shard 1408 */
	0x00, 0x77, 0x01, 0x00,					      /* P+3 rate 96000 */
	24,							      /* P+7 bits */
	3,							      /* P+8 layout */
	2,							      /* P+9 fit */
};

static struct pf_hello full_hello(void)
{
	struct pf_hello h;
	pf_hello_init(&h);
	h.mode = (struct pf_mode){1920, 1080, 120};
	h.compositor = 2;
	h.gamepad = 5;
	h.bitrate_kbps = 20000;
	strcpy(h.name, "d\xC3\xBC");
	strcpy(h.launch, "steam:570");
	h.video_caps = 0x88;
	h.audio_channels = 6;
	h.codecs = 7;
	h.preferred_codec = 1;
	h.has_hdr_volume = true;
	for (uint8_t i = 0; i < PF_HDR_VOLUME_LEN; i++)
		h.hdr_volume[i] = i;
	h.client_caps = 0x41;
	h.max_shard = 1408;
	h.audio_rate_hz = 96000;
	h.audio_bits = 24;
	h.audio_layout = 3;
	h.video_fit = 2;
	return h;
}

/* A copy of exactly len bytes, so that a sanitizer sees any read behind it. */
static uint8_t *exact(const uint8_t *data, size_t len)
{
	uint8_t *p = malloc(len ? len : 1);
	assert_non_null(p);
	if (len)
		memcpy(p, data, len);
	return p;
}

static int read_hello(struct pf_hello *h, const uint8_t *data, size_t len)
{
	uint8_t *p = exact(data, len);
	int err = pf_hello_read(h, p, len);
	free(p);
	return err;
}

static int read_welcome(struct pf_welcome *w, const uint8_t *data, size_t len)
{
	uint8_t *p = exact(data, len);
	int err = pf_welcome_read(w, p, len);
	free(p);
	return err;
}

static void hello_full_is_byte_exact(void **state)
{
	(void)state;
	uint8_t out[512];
	struct pf_hello h = full_hello(), back;
	assert_int_equal(pf_hello_write(out, sizeof out, &h), sizeof hello_full);
	assert_memory_equal(out, hello_full, sizeof hello_full);
	assert_int_equal(read_hello(&back, hello_full, sizeof hello_full), PF_OK);
	assert_int_equal(back.mode.width, 1920);
	assert_int_equal(back.mode.height, 1080);
	assert_int_equal(back.mode.refresh_hz, 120);
	assert_string_equal(back.name, "d\xC3\xBC");
	assert_string_equal(back.launch, "steam:570");
	assert_int_equal(back.preferred_codec, PF_CODEC_H264);
	assert_true(back.has_hdr_volume);
	assert_memory_equal(back.hdr_volume, h.hdr_volume, PF_HDR_VOLUME_LEN);
	assert_int_equal(back.client_caps, 0x41);
	assert_int_equal(back.max_shard, 1408);
	assert_int_equal(back.audio_rate_hz, 96000);
	assert_int_equal(back.audio_bits, 24);
	assert_int_equal(back.audio_layout, 3);
	assert_int_equal(back.video_fit, 2);
	for (size_t cap = 0; cap < sizeof hello_full; cap++)
		assert_int_equal(pf_hello_write(out, cap, &h), PF_E_FULL);
}

static void hello_is_as_long_as_it_must_be(void **state)
{
	(void)state;
	uint8_t out[512];
	struct pf_hello h;
	pf_hello_init(&h);
	h.mode = (struct pf_mode){1280, 720, 60};
	assert_int_equal(pf_hello_write(out, sizeof out, &h), 26);
	strcpy(h.name, "tv");
	assert_int_equal(pf_hello_write(out, sizeof out, &h), 29);
	h.name[0] = '\0';
	h.video_caps = PF_VCAP_HOST_TIMING; /* forces both empty texts */
	assert_int_equal(pf_hello_write(out, sizeof out, &h), 29);
	assert_memory_equal(out + 26, "\0\0\x08", 3);
	h.video_fit = 1; /* forces every default in front of it, but no HDR block */
	assert_int_equal(pf_hello_write(out, sizeof out, &h), 42);
	assert_memory_equal(out + 28, "\x08\x02\0\0\0\0\0\x80\xBB\0\0\x10\0\x01", 14);
	struct pf_hello back;
	assert_int_equal(read_hello(&back, out, 42), PF_OK);
	assert_false(back.has_hdr_volume);
	assert_int_equal(back.video_fit, 1);
}

/* What a Hello cut to len bytes must read as: fields that end behind len have their default. */
static void hello_every_truncation(void **state)
{
	(void)state;
	const size_t n = sizeof hello_full;
	for (size_t len = 0; len <= n; len++) {
		struct pf_hello h;
		int err = read_hello(&h, hello_full, len);
		if (len < PF_HELLO_MIN) {
			assert_int_equal(err, PF_E_BAD_PACKET);
			continue;
		}
		assert_int_equal(err, PF_OK);
		assert_int_equal(h.mode.refresh_hz, 120);
		assert_int_equal(h.compositor, len >= 21 ? 2 : 0);
		assert_int_equal(h.gamepad, len >= 22 ? 5 : 0);
		assert_int_equal(h.bitrate_kbps, len >= 26 ? 20000 : 0);
		assert_string_equal(h.name, len >= 30 ? "d\xC3\xBC" : "");
		assert_string_equal(h.launch, len >= 40 ? "steam:570" : "");
		assert_int_equal(h.video_caps, len >= 41 ? 0x88 : 0);
		assert_int_equal(h.audio_channels, len >= 42 ? 6 : 2);
		assert_int_equal(h.codecs, len >= 43 ? 7 : 0);
		assert_int_equal(h.preferred_codec, len >= 44 ? 1 : 0);
		/* Below T+4+28 what is left reads as the tail: that is the document's rule. */
		assert_int_equal(h.has_hdr_volume, len >= 72);
		if (len >= 72) {
			assert_int_equal(h.client_caps, len >= 73 ? 0x41 : 0);
			assert_int_equal(h.max_shard, len >= 75 ? 1408 : 0);
			assert_int_equal(h.audio_rate_hz, len >= 79 ? 96000 : 48000);
			assert_int_equal(h.audio_bits, len >= 80 ? 24 : 16);
			assert_int_equal(h.audio_layout, len >= 81 ? 3 : 0);
			assert_int_equal(h.video_fit, len >= 82 ? 2 : 0);
		}
	}
}

static size_t hello_with_name(uint8_t *out, uint8_t n, const void *name, size_t name_len)
{
	memcpy(out, hello_full, 26);
	out[26] = n;
	memcpy(out + 27, name, name_len);
	size_t at = 27 + name_len;
	memcpy(out + at, "\x02go\x08\x08", 5); /* launch "go", video caps 8, channels 8 */
	return at + 5;
}

static void hello_bad_names_are_absent(void **state)
{
	(void)state;
	uint8_t buf[512], name[255];
	struct pf_hello h;
	memset(name, 'n', sizeof name);
	assert_int_equal(read_hello(&h, buf, hello_with_name(buf, 64, name, 64)), PF_OK);
	assert_int_equal(strlen(h.name), 64);
	for (uint8_t n = 65; n; n++) {
		assert_int_equal(read_hello(&h, buf, hello_with_name(buf, n, name, n)), PF_OK);
		assert_string_equal(h.name, "");
		assert_string_equal(h.launch, "go"); /* skipped, not lost */
		assert_int_equal(h.audio_channels, 8);
	}
	static const char *const bad[] = {"\x80", "\xC3", "\xC0\xAF", "\xED\xA0\x80",
		"\xF4\x90\x80\x80", "\xE0\x80\x80", "\xF8\x88\x80\x80\x80", "a\xFFz", "\xE2\x82",
		"\xF0\x8F\xBF\xBF"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		size_t n = strlen(bad[i]);
		assert_int_equal(
			read_hello(&h, buf, hello_with_name(buf, (uint8_t)n, bad[i], n)), PF_OK);
		assert_string_equal(h.name, "");
		assert_string_equal(h.launch, "go");
	}
	assert_int_equal(read_hello(&h, buf, hello_with_name(buf, 3, "a\0b", 3)), PF_OK);
	assert_string_equal(h.name, "");
	/* A length that runs past the end: that and everything behind it is absent. */
	assert_int_equal(read_hello(&h, buf, hello_with_name(buf, 200, "abc", 3)), PF_OK);
	assert_string_equal(h.name, "");
	assert_string_equal(h.launch, "");
	assert_int_equal(h.video_caps, 0);
}

static void hello_values_without_meaning_read_as_default(void **state)
{
	(void)state;
	uint8_t buf[sizeof hello_full];
	struct pf_hello h;
	memcpy(buf, hello_full, sizeof buf);
	buf[41] = 3;		/* channels */
	buf[43] = 3;		/* preferred: two bits */
	memset(buf + 75, 0, 4); /* rate 0 */
	buf[79] = 17;		/* bits */
	buf[81] = 9;		/* fit */
	assert_int_equal(read_hello(&h, buf, sizeof buf), PF_OK);
	assert_int_equal(h.audio_channels, 2);
	assert_int_equal(h.preferred_codec, 0);
	assert_int_equal(h.audio_rate_hz, 48000);
	assert_int_equal(h.audio_bits, 16);
	assert_int_equal(h.video_fit, 0);
	buf[3] = 'c';
	assert_int_equal(read_hello(&h, buf, sizeof buf), PF_E_BAD_PACKET);
	buf[3] = '1';
	buf[4] = 3;
	assert_int_equal(read_hello(&h, buf, sizeof buf), PF_OK);
	assert_int_equal(h.version, 3);
	assert_string_equal(h.name, "");
}

static void hello_writer_refuses(void **state)
{
	(void)state;
	uint8_t out[512];
	struct pf_hello h = full_hello();
	h.mode.width = 0;
	assert_int_equal(pf_hello_write(out, sizeof out, &h), PF_E_INVALID);
	h = full_hello();
	memset(h.name, 'a', sizeof h.name); /* no terminator */
	assert_int_equal(pf_hello_write(out, sizeof out, &h), PF_E_INVALID);
	h = full_hello();
	strcpy(h.launch, "\xFF");
	assert_int_equal(pf_hello_write(out, sizeof out, &h), PF_E_INVALID);
	h = full_hello();
	h.audio_channels = 4;
	assert_int_equal(pf_hello_write(out, sizeof out, &h), PF_E_INVALID);
}

static void modes_are_bounded(void **state)
{
	(void)state;
	const struct pf_mode good[] = {
		{64, 64, 1}, {1920, 1080, 60}, {8192, 4096, 1000}, {8192, 8192, 60}};
	const struct pf_mode bad[] = {{0, 0, 0}, {63, 64, 60}, {8193, 64, 60}, {8193, 8193, 60},
		{1920, 1080, 0}, {1920, 1080, 1001}, {UINT32_MAX, UINT32_MAX, 60},
		{64, UINT32_MAX, 60}};
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(pf_mode_valid(&good[i]));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(pf_mode_valid(&bad[i]));
}

static const uint8_t welcome_aes[] = {
	'P', 'K', 'F', '1',				      /* 0 magic */
	2, 0, 0, 0,					      /* 4 version */
	0x34, 0x12,					      /* 8 data port 0x1234 */
	0x00, 0x05, 0, 0,				      /* 10 width 1280 */
	0xD0, 0x02, 0, 0,				      /* 14 height 720 */
	0x3C, 0, 0, 0,					      /* 18 refresh 60 */
	1,						      /* 22 scheme GF16 */
	20,						      /* 23 percent */
	0x00, 0x10,					      /* 24 4096 data shards */
	0x80, 0x05,					      /* 26 payload 1408 */
	1,						      /* 28 encrypt */
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, /* 29 key */
	0xA0, 0xA1, 0xA2, 0xA3,				      /* 45 salt */
	7, 0, 0, 0,					      /* 49 frames */
	2,						      /* 53 compositor */
	1,						      /* 54 gamepad */
	0x10, 0x27, 0, 0,				      /* 55 bitrate 10000 */
	10,						      /* 59 bit depth */
	9, 16, 9, 1,					      /* 60 colour */
	3,						      /* 64 chroma */
	8,						      /* 65 channels */
	4,						      /* 66 codec */
	0x05,						      /* 67 host caps */
	0,						      /* 68 cipher AES */
	0x34, 0xBB,					      /* 69 = A: management port 47924 */
	0x07, 0, 0, 0,					      /* A+2 grants */
	0x3C, 0, 0, 0,					      /* A+6 expires */
	2,						      /* A+10 audio codec */
	0x00, 0x77, 0x01, 0,				      /* A+11 rate */
	24,						      /* A+15 bits */
	0x88, 0x13,					      /* A+16 frame 5000 us */
	0x20,						      /* A+18 host caps 2 */
	4,						      /* A+19 layout */
};

static struct pf_welcome full_welcome(void)
{
	struct pf_welcome w;
	pf_welcome_init(&w);
	w.data_port = 0x1234;
	w.mode = (struct pf_mode){1280, 720, 60};
	w.fec_scheme = 1;
	w.fec_percent = 20;
	w.max_data_per_block = 4096;
	w.shard_payload = 1408;
	w.encrypt = 1;
	for (uint8_t i = 0; i < 16; i++)
		w.aes_key[i] = i;
	memcpy(w.salt, "\xA0\xA1\xA2\xA3", 4);
	w.frames = 7;
	w.compositor = 2;
	w.gamepad = 1;
	w.bitrate_kbps = 10000;
	w.bit_depth = 10;
	memcpy(w.colour, "\x09\x10\x09\x01", 4);
	w.chroma_format = 3;
	w.audio_channels = 8;
	w.codec = PF_CODEC_AV1;
	w.host_caps = 5;
	w.mgmt_port = 0xBB34;
	w.grants = 7;
	w.expires_s = 60;
	w.audio_codec = 2;
	w.audio_rate_hz = 96000;
	w.audio_bits = 24;
	w.host_caps2 = 0x20;
	w.audio_layout = 4;
	return w;
}

static void welcome_is_byte_exact(void **state)
{
	(void)state;
	uint8_t out[512];
	struct pf_welcome w = full_welcome(), back;
	assert_int_equal(sizeof welcome_aes, 89);
	assert_int_equal(pf_welcome_write(out, sizeof out, &w), sizeof welcome_aes);
	assert_memory_equal(out, welcome_aes, sizeof welcome_aes);
	assert_int_equal(read_welcome(&back, out, sizeof welcome_aes), PF_OK);
	assert_int_equal(back.data_port, 0x1234);
	assert_memory_equal(back.aes_key, w.aes_key, 16);
	assert_memory_equal(back.salt, w.salt, 4);
	assert_int_equal(back.grants, 7);
	assert_int_equal(back.audio_frame_us, 5000);
	assert_int_equal(back.audio_layout, 4);
	assert_int_equal(back.ext_offset, 0);
	for (size_t cap = 0; cap < sizeof welcome_aes; cap++)
		assert_int_equal(pf_welcome_write(out, cap, &w), PF_E_FULL);
}

static void welcome_with_chacha_moves_the_tail(void **state)
{
	(void)state;
	uint8_t out[512];
	struct pf_welcome w = full_welcome(), back;
	w.cipher = 1;
	memset(w.chacha_key, 0xCC, 32);
	assert_int_equal(pf_welcome_write(out, sizeof out, &w), 121);
	assert_memory_equal(out, welcome_aes, 68);
	assert_int_equal(out[68], 1);
	assert_int_equal(out[69], 0xCC);
	assert_int_equal(out[100], 0xCC);
	assert_memory_equal(out + 101, welcome_aes + 69, 20);
	/* Cut inside the key: never a session with half a key. */
	for (size_t len = 69; len < 101; len++)
		assert_int_equal(read_welcome(&back, out, len), PF_E_BAD_PACKET);
	assert_int_equal(read_welcome(&back, out, 101), PF_OK);
	assert_memory_equal(back.chacha_key, w.chacha_key, 32);
	assert_int_equal(back.mgmt_port, 0);
}

static void welcome_default_is_68_bytes(void **state)
{
	(void)state;
	uint8_t out[512];
	struct pf_welcome w, back;
	pf_welcome_init(&w);
	w.mode = (struct pf_mode){1280, 720, 60};
	w.max_data_per_block = 200;
	w.shard_payload = 1408;
	assert_int_equal(pf_welcome_write(out, sizeof out, &w), 68);
	w.host_caps2 = 1; /* forces cipher to audio frame */
	assert_int_equal(pf_welcome_write(out, sizeof out, &w), 88);
	assert_memory_equal(
		out + 68, "\0\0\0\xFF\xFF\xFF\xFF\0\0\0\0\0\x80\xBB\0\0\x10\x88\x13\x01", 20);
	assert_int_equal(read_welcome(&back, out, 88), PF_OK);
	assert_int_equal(back.grants, UINT32_MAX);
}

static void welcome_every_truncation(void **state)
{
	(void)state;
	for (size_t len = 0; len <= sizeof welcome_aes; len++) {
		struct pf_welcome w;
		int err = read_welcome(&w, welcome_aes, len);
		if (len < PF_WELCOME_MIN) {
			assert_int_equal(err, PF_E_BAD_PACKET);
			continue;
		}
		assert_int_equal(err, PF_OK);
		assert_int_equal(w.frames, 7);
		assert_int_equal(w.compositor, len >= 54 ? 2 : 0);
		assert_int_equal(w.gamepad, len >= 55 ? 1 : 0);
		assert_int_equal(w.bitrate_kbps, len >= 59 ? 10000 : 0);
		assert_int_equal(w.bit_depth, len >= 60 ? 10 : 8);
		assert_int_equal(w.colour[0], len >= 64 ? 9 : 1);
		assert_int_equal(w.chroma_format, len >= 65 ? 3 : 1);
		assert_int_equal(w.audio_channels, len >= 66 ? 8 : 2);
		assert_int_equal(w.codec, len >= 67 ? PF_CODEC_AV1 : PF_CODEC_HEVC);
		assert_int_equal(w.host_caps, len >= 68 ? 5 : 0);
		assert_int_equal(w.mgmt_port, len >= 71 ? 0xBB34 : 0);
		assert_int_equal(w.grants, len >= 75 ? 7 : UINT32_MAX);
		assert_int_equal(w.expires_s, len >= 79 ? 60 : 0);
		assert_int_equal(w.audio_codec, len >= 80 ? 2 : 0);
		assert_int_equal(w.audio_rate_hz, len >= 84 ? 96000 : 48000);
		assert_int_equal(w.audio_bits, len >= 85 ? 24 : 16);
		assert_int_equal(w.host_caps2, len >= 88 ? 0x20 : 0);
		assert_int_equal(w.audio_layout, len >= 89 ? 4 : 0);
	}
}

static void welcome_refuses(void **state)
{
	(void)state;
	static const struct {
		size_t at;
		uint8_t value;
		int err;
	} bad[] = {
		{0, 'Q', PF_E_BAD_PACKET},
		{68, 2, PF_E_UNSUPPORTED},
		{68, 0xFF, PF_E_UNSUPPORTED},
		{22, 2, PF_E_UNSUPPORTED},
		{28, 2, PF_E_INVALID},
		{13, 0xFF, PF_E_INVALID},
		{18, 0, PF_E_INVALID},
		{25, 0, PF_E_INVALID},
		{26, 0x81, PF_E_INVALID},
		{27, 0xFF, PF_E_INVALID},
		{27, 0x01, PF_E_INVALID},
		{59, 9, PF_E_INVALID},
		{64, 2, PF_E_INVALID},
		{66, 3, PF_E_INVALID},
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		uint8_t buf[sizeof welcome_aes];
		struct pf_welcome w;
		memcpy(buf, welcome_aes, sizeof buf);
		buf[bad[i].at] = bad[i].value;
		assert_int_equal(read_welcome(&w, buf, sizeof buf), bad[i].err);
	}
	uint8_t buf[sizeof welcome_aes];
	struct pf_welcome w;
	memcpy(buf, welcome_aes, sizeof buf);
	buf[22] = 0; /* GF8 cannot do 4096 shards */
	assert_int_equal(read_welcome(&w, buf, sizeof buf), PF_E_INVALID);
	memcpy(buf, welcome_aes, sizeof buf);
	buf[4] = 1;
	buf[68] = 77; /* another version's layout is not looked at */
	assert_int_equal(read_welcome(&w, buf, sizeof buf), PF_OK);
	assert_int_equal(w.version, 1);
}

static void welcome_extension_block(void **state)
{
	(void)state;
	uint8_t buf[sizeof welcome_aes + 16];
	struct pf_welcome w;
	memcpy(buf, welcome_aes, sizeof welcome_aes);
	memcpy(buf + 89, "\x07\0\x02\0\x03\0abc", 9);
	assert_int_equal(read_welcome(&w, buf, 98), PF_OK);
	assert_int_equal(w.ext_offset, 89);
	for (size_t len = 90; len < 98; len++)
		assert_int_equal(read_welcome(&w, buf, len), PF_E_BAD_PACKET);
	assert_int_equal(read_welcome(&w, buf, 99), PF_E_BAD_PACKET);
}

static void start_layout(void **state)
{
	(void)state;
	uint8_t out[16];
	struct pf_start s = {.client_port = 0xC0DE};
	assert_int_equal(pf_start_write(out, sizeof out, &s), 6);
	assert_memory_equal(out, "PKF1\xDE\xC0", 6);
	memcpy(out + 6, "\x00\x00", 2);
	for (size_t len = 0; len <= 8; len++) {
		uint8_t *p = exact(out, len);
		int err = pf_start_read(&s, p, len);
		free(p);
		assert_int_equal(err, len == 6 || len == 8 ? PF_OK : PF_E_BAD_PACKET);
		if (!err)
			assert_int_equal(s.client_port, 0xC0DE);
	}
	assert_int_equal(s.ext_offset, 6);
	out[0] = 'p';
	assert_int_equal(pf_start_read(&s, out, 6), PF_E_BAD_PACKET);
	for (size_t cap = 0; cap < 6; cap++)
		assert_int_equal(pf_start_write(out, cap, &s), PF_E_FULL);
}

struct seen {
	unsigned n;
	uint16_t tags[64];
	size_t bytes;
};

static void count_entry(uint16_t tag, const uint8_t *value, size_t value_len, void *userdata)
{
	struct seen *s = userdata;
	s->tags[s->n++] = tag;
	for (size_t i = 0; i < value_len; i++)
		s->bytes += value[i];
}

static void ext_blocks(void **state)
{
	(void)state;
	struct seen s = {0};
	static const uint8_t two[] = "\x0B\0\x02\0\x01\0\x05\x99\x99\x02\0\x01\x02";
	assert_int_equal(pf_ext_read(two, 13, count_entry, &s), PF_OK);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.tags[0], 2);
	assert_int_equal(s.tags[1], 0x9999);
	assert_int_equal(s.bytes, 8);
	for (size_t len = 0; len < 13; len++) {
		uint8_t *p = exact(two, len);
		s.n = 0;
		assert_int_equal(pf_ext_read(p, len, count_entry, &s), PF_E_BAD_PACKET);
		assert_int_equal(s.n, 0); /* nothing is handed out before all is checked */
		free(p);
	}
	assert_int_equal(pf_ext_read((const uint8_t *)"\x08\0\x02\0\0\0\x02\0\0\0", 10, NULL, NULL),
		PF_E_BAD_PACKET);
	assert_int_equal(pf_ext_read((const uint8_t *)"\0\0", 2, NULL, NULL), PF_OK);

	uint8_t big[5000] = {0};
	for (unsigned n = 64; n <= 65; n++) {
		big[0] = (uint8_t)(n * 4);
		big[1] = (uint8_t)(n * 4 >> 8);
		for (unsigned i = 0; i < n; i++)
			memcpy(big + 2 + 4 * i, (uint8_t[]){(uint8_t)i, 1, 0, 0}, 4);
		s.n = 0;
		assert_int_equal(pf_ext_read(big, 2 + 4 * n, n == 64 ? count_entry : NULL, &s),
			n == 64 ? PF_OK : PF_E_BAD_PACKET);
	}
	for (size_t len = 4096; len <= 4097; len++) {
		memcpy(big,
			(uint8_t[]){(uint8_t)(len - 2), (uint8_t)((len - 2) >> 8), 1, 0,
				(uint8_t)(len - 6), (uint8_t)((len - 6) >> 8)},
			6);
		assert_int_equal(
			pf_ext_read(big, len, NULL, NULL), len == 4096 ? PF_OK : PF_E_BAD_PACKET);
	}
}

static void random_bytes_never_break_a_reader(void **state)
{
	(void)state;
	uint64_t seed = 0x9E3779B97F4A7C15u;
	for (int round = 0; round < 20000; round++) {
		uint8_t buf[160];
		size_t len = test_rand(&seed) % sizeof buf;
		bool hello = test_rand(&seed) & 1;
		const uint8_t *base = hello ? hello_full : welcome_aes;
		size_t n = hello ? sizeof hello_full : sizeof welcome_aes;
		for (size_t i = 0; i < len; i++)
			buf[i] = i < n && test_rand(&seed) % 16 ? base[i]
								: (uint8_t)test_rand(&seed);
		struct pf_hello h;
		struct pf_welcome w;
		struct pf_start s;
		if (read_hello(&h, buf, len) == PF_OK)
			assert_true(
				strlen(h.name) <= PF_NAME_MAX && strlen(h.launch) <= PF_LAUNCH_MAX);
		if (read_welcome(&w, buf, len) == PF_OK && w.version == PF_WIRE_VERSION)
			assert_true(
				pf_mode_valid(&w.mode) && w.cipher <= 1 && !(w.shard_payload & 1));
		uint8_t *p = exact(buf, len);
		(void)!pf_start_read(&s, p, len);
		free(p);
	}
}

static void close_codes_map(void **state)
{
	(void)state;
	assert_int_equal(pf_close_code_to_error(PF_CLOSE_END), PF_E_CLOSED);
	assert_int_equal(pf_close_code_to_error(0x42), PF_E_BUSY);
	assert_int_equal(pf_close_code_to_error(0x51), PF_E_CLOSED);
	assert_int_equal(pf_close_code_to_error(0x60), PF_E_NOT_ARMED);
	assert_int_equal(pf_close_code_to_error(0x67), PF_E_WIRE_VERSION);
	assert_int_equal(pf_close_code_to_error(0x68), PF_E_SETUP_FAILED);
	assert_int_equal(pf_close_code_to_error(0x6F), PF_E_SEAT_UNAVAILABLE);
	assert_int_equal(pf_close_code_to_error(UINT64_MAX), PF_E_CLOSED);
	for (uint64_t code = 0x60; code <= 0x6F; code++)
		assert_int_equal(pf_close_code_to_error(code),
			code < 0x68 ? -20 - (int)(code - 0x60) : -21 - (int)(code - 0x60));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hello_full_is_byte_exact),
		cmocka_unit_test(hello_is_as_long_as_it_must_be),
		cmocka_unit_test(hello_every_truncation),
		cmocka_unit_test(hello_bad_names_are_absent),
		cmocka_unit_test(hello_values_without_meaning_read_as_default),
		cmocka_unit_test(hello_writer_refuses),
		cmocka_unit_test(modes_are_bounded),
		cmocka_unit_test(welcome_is_byte_exact),
		cmocka_unit_test(welcome_with_chacha_moves_the_tail),
		cmocka_unit_test(welcome_default_is_68_bytes),
		cmocka_unit_test(welcome_every_truncation),
		cmocka_unit_test(welcome_refuses),
		cmocka_unit_test(welcome_extension_block),
		cmocka_unit_test(start_layout),
		cmocka_unit_test(ext_blocks),
		cmocka_unit_test(random_bytes_never_break_a_reader),
		cmocka_unit_test(close_codes_map),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
