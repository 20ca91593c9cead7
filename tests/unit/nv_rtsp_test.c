/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/nv/rtsp.h"

#include <string.h>

#include "tests/test.h"

#define SETUP \
	"SETUP streamid=audio/0/0 RTSP/1.0\r\n" \
	"CSeq: 3\r\n" \
	"X-GS-ClientVersion: 14\r\n" \
	"Host: 192.0.2.7\r\n" \
	"Transport: unicast;X-GS-ClientPort=50000-50001\r\n" \
	"If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n" \
	"\r\n"
#define ANNOUNCE \
	"ANNOUNCE streamid=control/13/0 RTSP/1.0\r\n" \
	"CSeq: 6\r\n" \
	"X-GS-ClientVersion: 14\r\n" \
	"Host: 0.0.0.0\r\n" \
	"Session: 0123456789abcdef\r\n" \
	"Content-type: application/sdp\r\n" \
	"Content-length: 12\r\n" \
	"\r\n" \
	"v=0\r\n\0a=b:1 "

static const uint8_t key[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

/* In memory of exactly len bytes, so that a read past the end is seen by the sanitizers. */
static int read_exact(struct pf_nv_rtsp_request *r, const char *text, size_t len, uint8_t **copy)
{
	*copy = malloc(len ? len : 1);
	assert_non_null(*copy);
	memcpy(*copy, text, len);
	return pf_nv_rtsp_read(r, *copy, len);
}

static int judge(const char *text, size_t len)
{
	struct pf_nv_rtsp_request r;
	uint8_t *copy;
	int n = read_exact(&r, text, len, &copy);
	free(copy);
	return n;
}

static void test_reads_setup(void **state)
{
	(void)state;
	struct pf_nv_rtsp_request r;
	const char *text = SETUP;
	assert_int_equal(
		pf_nv_rtsp_read(&r, (const uint8_t *)text, strlen(text)), (int)strlen(text));
	assert_int_equal(r.method, PF_NV_RTSP_SETUP);
	assert_int_equal(r.cseq, 3);
	assert_true(pf_nv_text_is(r.target, "streamid=audio/0/0"));
	assert_true(pf_nv_text_starts(r.target, "streamid=audio"));
	assert_false(pf_nv_text_starts(r.target, "streamid=audio/0/0/"));
	assert_false(pf_nv_text_is(r.target, "streamid=audio/0/"));
	assert_true(pf_nv_text_is(r.host, "192.0.2.7"));
	assert_true(pf_nv_text_is(r.transport, "unicast;X-GS-ClientPort=50000-50001"));
	assert_null(r.session.p);
	assert_null(r.body.p);
	assert_false(pf_nv_text_is(r.session, ""));
}

static void test_reads_body(void **state)
{
	(void)state;
	struct pf_nv_rtsp_request r;
	uint8_t *copy;
	const size_t len = sizeof(ANNOUNCE) - 1;
	assert_int_equal(read_exact(&r, ANNOUNCE, len, &copy), (int)len);
	assert_int_equal(r.method, PF_NV_RTSP_ANNOUNCE);
	assert_true(pf_nv_text_is(r.session, "0123456789abcdef"));
	assert_int_equal(r.body.len, 12);
	assert_memory_equal(r.body.p, "v=0\r\n\0a=b:1 ", 12);
	free(copy);
}

static void test_every_truncation_waits(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(ANNOUNCE) - 1; n++)
		assert_int_equal(judge(ANNOUNCE, n), PF_E_AGAIN);
	for (size_t n = 0; n < sizeof(SETUP) - 1; n++)
		assert_int_equal(judge(SETUP, n), PF_E_AGAIN);
}

static void test_tolerates(void **state)
{
	(void)state;
	struct pf_nv_rtsp_request r;
	/* Other case, no blank, many blanks, an empty value, an unknown method, something after it. */
	static const char text[] =
		"TEARDOWN / RTSP/1.0\r\ncSEQ:   7  \r\nSESSION:abc\r\nTransport: "
		"\r\nX: \r\n\r\nmore";
	assert_int_equal(pf_nv_rtsp_read(&r, (const uint8_t *)text, sizeof(text) - 1),
		(int)sizeof(text) - 5);
	assert_int_equal(r.method, PF_NV_RTSP_OTHER);
	assert_int_equal(r.cseq, 7);
	assert_true(pf_nv_text_is(r.session, "abc"));
	assert_non_null(r.transport.p);
	assert_int_equal(r.transport.len, 0);
	assert_int_equal(judge("PLAY / RTSP/1.0\r\n\r\n", 19), 19);
}

static void test_refuses(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"PLAY /\r\n\r\n",
		"PLAY / RTSP/1.1\r\n\r\n",
		"PLAY / HTTP/1.0\r\n\r\n",
		"PLAY  / RTSP/1.0\r\n\r\n",
		"PLAY / / RTSP/1.0\r\n\r\n",
		" / RTSP/1.0\r\n\r\n",
		"\r\n\r\n",
		"PLAY / RTSP/1.0\n\n",
		"PLAY / RTSP/1.0\r\r\n",
		"PLAY / RTSP/1.0\r\nno colon\r\n\r\n",
		"PLAY / RTSP/1.0\r\n: no name\r\n\r\n",
		"PLAY / RTSP/1.0\r\nCSeq : 1\r\n\r\n",
		"PLAY / RTSP/1.0\r\nCSeq: -1\r\n\r\n",
		"PLAY / RTSP/1.0\r\nCSeq:\r\n\r\n",
		"PLAY / RTSP/1.0\r\nCSeq: 1 2\r\n\r\n",
		"PLAY / RTSP/1.0\r\nCSeq: 4294967296\r\n\r\n",
		"PLAY / RTSP/1.0\r\nContent-length: 0x10\r\n\r\n",
		"PLAY / RTSP/1.0\r\nContent-length: 99999999999999999999\r\n\r\n",
		"PLAY / RTSP/1.0\r\nX: \t\r\n\r\n",
		"PLAY /\x7f RTSP/1.0\r\n\r\n",
		"PLAY /\xc3\xa4 RTSP/1.0\r\n\r\n",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(judge(bad[i], strlen(bad[i])), PF_E_BAD_PACKET);
	assert_int_equal(judge("PLAY /\0 RTSP/1.0\r\n\r\n", 20), PF_E_BAD_PACKET);
}

static size_t repeat(char *out, size_t at, const char *text, size_t n)
{
	size_t len = strlen(text);
	for (size_t i = 0; i < n; i++, at += len)
		memcpy(out + at, text, len);
	return at;
}

static void test_limits(void **state)
{
	(void)state;
	static char text[PF_NV_RTSP_MAX + 100];
	/* A line. */
	size_t n = repeat(text, 0, "x", PF_NV_RTSP_LINE_MAX);
	assert_int_equal(judge(text, n), PF_E_AGAIN);
	n = repeat(text, n, "x", 1);
	assert_int_equal(judge(text, n), PF_E_FULL);
	/* Headers. */
	n = repeat(text, 0, "PLAY / RTSP/1.0\r\n", 1);
	n = repeat(text, n, "a: b\r\n", PF_NV_RTSP_HEADERS_MAX);
	assert_int_equal(judge(text, repeat(text, n, "\r\n", 1)), (int)n + 2);
	assert_int_equal(judge(text, repeat(text, n, "a: b\r\n\r\n", 1)), PF_E_FULL);
	/* All before the body. */
	n = repeat(text, 0, "PLAY / RTSP/1.0\r\n", 1);
	for (int i = 0; i < 10; i++) {
		n = repeat(text, n, "a:", 1);
		n = repeat(text, n, "x", 900);
		n = repeat(text, n, "\r\n", 1);
	}
	assert_int_equal(judge(text, PF_NV_RTSP_HEAD_MAX - 1), PF_E_AGAIN);
	assert_int_equal(judge(text, PF_NV_RTSP_HEAD_MAX), PF_E_FULL);
	/* The whole. */
	int head = snprintf(text, sizeof(text), "PLAY / RTSP/1.0\r\nContent-length: 65494\r\n\r\n");
	assert_int_equal(head + 65494, PF_NV_RTSP_MAX);
	assert_int_equal(judge(text, PF_NV_RTSP_MAX - 1), PF_E_AGAIN);
	assert_int_equal(judge(text, PF_NV_RTSP_MAX), PF_NV_RTSP_MAX);
	head = snprintf(text, sizeof(text), "PLAY / RTSP/1.0\r\nContent-length: 65495\r\n\r\n");
	assert_int_equal(judge(text, (size_t)head), PF_E_FULL);
}

static void test_writes(void **state)
{
	(void)state;
	uint8_t out[PF_NV_RTSP_RESPONSE_MAX];
	const uint32_t connect_data = 4294967295u;
	struct pf_nv_rtsp_response r = {.status = 200,
		.reason = "OK",
		.cseq = 5,
		.session = "DEADBEEF",
		.port = 47999,
		.ping_payload = "0123456789abcdef",
		.connect_data = &connect_data,
		.body = {.p = "v=0\r\n", .len = 5}};
	const char *want = "RTSP/1.0 200 OK\r\n"
			   "CSeq: 5\r\n"
			   "Session: DEADBEEF;timeout = 90\r\n"
			   "Transport: server_port=47999\r\n"
			   "X-SS-Ping-Payload: 0123456789abcdef\r\n"
			   "X-SS-Connect-Data: 4294967295\r\n"
			   "Content-Type: application/sdp\r\n"
			   "Content-Length: 5\r\n"
			   "\r\n"
			   "v=0\r\n";
	const int len = (int)strlen(want);
	assert_int_equal(pf_nv_rtsp_write(out, sizeof(out), &r), len);
	assert_memory_equal(out, want, (size_t)len);
	assert_int_equal(pf_nv_rtsp_write(out, (size_t)len, &r), len);
	for (size_t cap = 0; cap < (size_t)len; cap++)
		assert_int_equal(pf_nv_rtsp_write(out, cap, &r), PF_E_FULL);

	/* At least one header, always. */
	r = (struct pf_nv_rtsp_response){.status = 400, .reason = "Bad Request"};
	assert_int_equal(pf_nv_rtsp_write(out, sizeof(out), &r), 37);
	assert_memory_equal(out, "RTSP/1.0 400 Bad Request\r\nCSeq: 0\r\n\r\n", 37);
	/* Nobody puts a line of his own into it. */
	r.session = "a\r\nX: y";
	assert_int_equal(pf_nv_rtsp_write(out, sizeof(out), &r), PF_E_INVALID);
	r.session = "";
	assert_int_equal(pf_nv_rtsp_write(out, sizeof(out), &r), PF_E_INVALID);
	r = (struct pf_nv_rtsp_response){.status = 99, .reason = "OK"};
	assert_int_equal(pf_nv_rtsp_write(out, sizeof(out), &r), PF_E_INVALID);
}

/* Written down from the layout, and computed with another implementation of AES-GCM. */
static void test_seals_as_written(void **state)
{
	(void)state;
	struct pf_aead *aead;
	uint8_t out[64], back[64];
	uint32_t seq = 0;
	static const uint8_t from_client[] = {0x80, 0x00, 0x00, 0x07, 0x01, 0x02, 0x03, 0x04, 0x4c,
		0xda, 0x71, 0x9b, 0x53, 0x8d, 0x9a, 0x10, 0x4e, 0xcb, 0x0d, 0x3a, 0x6f, 0xda, 0x34,
		0x96, 0x54, 0x35, 0x95, 0x2d, 0x9c, 0x17, 0xa7};
	static const uint8_t from_host[] = {0x80, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x01, 0x0d,
		0x64, 0x90, 0x50, 0x1e, 0xb1, 0x52, 0x02, 0xb8, 0x63, 0x5f, 0x79, 0x52, 0x15, 0x32,
		0x42, 0xfb, 0x1e, 0xa0, 0x18, 0x8b, 0xe6, 0x7a, 0x37};
	assert_int_equal(pf_aead_create(&aead, PF_CIPHER_AES_128_GCM, key, sizeof(key)), PF_OK);
	assert_int_equal(pf_nv_rtsp_seal(aead, PF_CLIENT_TO_HOST, 0x01020304,
				 (const uint8_t *)"OPTIONS", 7, out, sizeof(out)),
		(int)sizeof(from_client));
	assert_memory_equal(out, from_client, sizeof(from_client));
	assert_int_equal(pf_nv_rtsp_seal(aead, PF_HOST_TO_CLIENT, 1, (const uint8_t *)"RTSP/1.0", 8,
				 out, sizeof(out)),
		(int)sizeof(from_host));
	assert_memory_equal(out, from_host, sizeof(from_host));
	assert_int_equal(pf_nv_rtsp_open(aead, PF_CLIENT_TO_HOST, from_client, sizeof(from_client),
				 back, &seq),
		7);
	assert_memory_equal(back, "OPTIONS", 7);
	assert_int_equal(seq, 0x01020304);
	pf_aead_destroy(aead);
}

static void test_opens_only_the_right_one(void **state)
{
	(void)state;
	struct pf_aead *aead, *other;
	uint8_t sealed[256], back[256];
	uint32_t seq;
	uint8_t other_key[16] = {9};
	const size_t text_len = sizeof(SETUP) - 1;
	assert_int_equal(pf_aead_create(&aead, PF_CIPHER_AES_128_GCM, key, sizeof(key)), PF_OK);
	assert_int_equal(pf_aead_create(&other, PF_CIPHER_AES_128_GCM, other_key, 16), PF_OK);
	int n = pf_nv_rtsp_seal(aead, PF_CLIENT_TO_HOST, 1, (const uint8_t *)SETUP, text_len,
		sealed, sizeof(sealed));
	assert_int_equal(n, (int)(PF_NV_RTSP_SEAL_LEN + text_len));
	const size_t len = (size_t)n;
	assert_int_equal(pf_nv_rtsp_is_sealed(sealed, len), 1);
	assert_int_equal(pf_nv_rtsp_is_sealed((const uint8_t *)SETUP, 1), 0);
	assert_int_equal(pf_nv_rtsp_is_sealed(sealed, 0), PF_E_AGAIN);
	for (size_t i = 0; i < len; i++) {
		int want = i < 4 ? PF_E_AGAIN : n;
		assert_int_equal(pf_nv_rtsp_sealed_len(sealed, i), want);
		assert_int_equal(pf_nv_rtsp_open(aead, PF_CLIENT_TO_HOST, sealed, i, back, &seq),
			PF_E_BAD_PACKET);
	}
	assert_int_equal(
		pf_nv_rtsp_open(other, PF_CLIENT_TO_HOST, sealed, len, back, &seq), PF_E_CRYPTO);
	/* Sent back to where it came from. */
	assert_int_equal(
		pf_nv_rtsp_open(aead, PF_HOST_TO_CLIENT, sealed, len, back, &seq), PF_E_CRYPTO);
	for (size_t i = 0; i < len; i++) {
		sealed[i] ^= 1;
		assert_true(pf_nv_rtsp_open(aead, PF_CLIENT_TO_HOST, sealed, len, back, &seq) < 0);
		sealed[i] ^= 1;
	}
	assert_int_equal(
		pf_nv_rtsp_open(aead, PF_CLIENT_TO_HOST, sealed, len, back, &seq), (int)text_len);
	assert_memory_equal(back, SETUP, text_len);
	pf_aead_destroy(aead);
	pf_aead_destroy(other);
}

static void test_sealed_lengths(void **state)
{
	(void)state;
	static const uint8_t zero[] = {0x80, 0, 0, 0}, clear[] = {0, 0, 0, 5};
	static const uint8_t most[] = {0x80, 1, 0, 0}, more[] = {0x80, 1, 0, 1};
	static const uint8_t all[] = {0xff, 0xff, 0xff, 0xff};
	assert_int_equal(pf_nv_rtsp_sealed_len(zero, 4), PF_E_BAD_PACKET);
	assert_int_equal(pf_nv_rtsp_sealed_len(clear, 4), PF_E_BAD_PACKET);
	assert_int_equal(pf_nv_rtsp_sealed_len(most, 4), PF_NV_RTSP_MAX + PF_NV_RTSP_SEAL_LEN);
	assert_int_equal(pf_nv_rtsp_sealed_len(more, 4), PF_E_FULL);
	assert_int_equal(pf_nv_rtsp_sealed_len(all, 4), PF_E_FULL);
	uint8_t out[32];
	assert_int_equal(
		pf_nv_rtsp_seal(NULL, PF_HOST_TO_CLIENT, 1, out, 0, out, 32), PF_E_INVALID);
	assert_int_equal(pf_nv_rtsp_seal(NULL, PF_HOST_TO_CLIENT, 1, out, 9, out, 32), PF_E_FULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_setup),
		cmocka_unit_test(test_reads_body),
		cmocka_unit_test(test_every_truncation_waits),
		cmocka_unit_test(test_tolerates),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_writes),
		cmocka_unit_test(test_seals_as_written),
		cmocka_unit_test(test_opens_only_the_right_one),
		cmocka_unit_test(test_sealed_lengths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
