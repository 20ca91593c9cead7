/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <string.h>

#include "core/base/bytes.h"
#include "core/packet/nvaudio.h"
#include "tests/support/nv_receiver.h"

#define LEN    120u
#define KEY_ID 0xFFFFFFF0u /* the sum with the sequence wraps */

static const uint8_t key[16] = "0123456789abcdef";

static struct pf_nvaudio *make(unsigned ms, struct pf_cbc *cbc)
{
	struct pf_nvaudio *a;
	struct pf_nvaudio_params params = {.packet_ms = ms, .cbc = cbc, .key_id = KEY_ID};
	assert_int_equal(pf_nvaudio_create(&a, &params), PF_OK);
	return a;
}

static void fill(uint8_t *opus, uint32_t i)
{
	for (size_t b = 0; b < LEN; b++)
		opus[b] = (uint8_t)(b * 3 + i * 11);
}

static void every_field_lies_where_the_client_reads_it(void **state)
{
	(void)state;
	struct pf_nvaudio *a = make(10, NULL);
	struct pf_nvaudio_batch b;
	for (unsigned i = 0; i < 8; i++) {
		uint8_t opus[4];
		for (unsigned k = 0; k < 4; k++) /* the vector of the code */
			opus[k] = (uint8_t)(16 * (i % 4) + k);
		assert_int_equal(pf_nvaudio_build(a, opus, sizeof(opus), &b), PF_OK);
		assert_int_equal(b.n, i % 4 == 3 ? 3 : 1);
		const uint8_t want[12] = {0x80, 97, 0, (uint8_t)i, 0, 0, 0, (uint8_t)(10 * i)};
		assert_int_equal(b.packets[0].len, 16);
		assert_memory_equal(b.packets[0].data, want, 12);
		assert_memory_equal(b.packets[0].data + 12, opus, 4);
	}
	static const uint8_t parity[2][28] = {
		{0x80, 127, 0, 8, 0, 0, 0, 80, 0, 0, 0, 0, 0, 97, 0, 4, 0, 0, 0, 40, 0, 0, 0, 0,
			0x1a, 0x1b, 0x18, 0x19},
		{0x80, 127, 0, 9, 0, 0, 0, 90, 0, 0, 0, 0, 1, 97, 0, 4, 0, 0, 0, 40, 0, 0, 0, 0,
			0x90, 0x91, 0x92, 0x93}};
	for (unsigned j = 0; j < 2; j++) {
		assert_int_equal(b.packets[1 + j].len, 28);
		assert_memory_equal(b.packets[1 + j].data, parity[j], 28);
	}
	assert_int_equal(pf_nvaudio_uneven(a), 0);
	pf_nvaudio_destroy(a);
}

/* NIST SP 800-38A F.2.1, and a block of padding: AES itself stands behind it. */
static void encryption_is_aes_cbc(void **state)
{
	(void)state;
	static const uint8_t k[16] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7,
		0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
	static const uint8_t iv[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	static const uint8_t text[16] = {0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9, 0x3d,
		0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a};
	static const uint8_t want[16] = {0x76, 0x49, 0xab, 0xac, 0x81, 0x19, 0xb2, 0x46, 0xce, 0xe9,
		0x8e, 0x9b, 0x12, 0xe9, 0x19, 0x7d};
	uint8_t out[48];
	struct pf_cbc *c;
	assert_int_equal(pf_cbc_create(&c, k), PF_OK);
	for (unsigned twice = 0; twice < 2; twice++) { /* nothing is left of the first */
		memset(out, 0xEE, sizeof(out));
		assert_int_equal(pf_cbc_encrypt(c, iv, text, 16, out), PF_OK);
		assert_memory_equal(out, want, 16);
		assert_int_equal(out[32], 0xEE);
	}
	assert_int_equal(pf_cbc_len(0), 16);
	assert_int_equal(pf_cbc_len(15), 16);
	assert_int_equal(pf_cbc_len(16), 32);
	assert_int_equal(pf_cbc_encrypt(c, iv, text, SIZE_MAX, out), PF_E_INVALID);
	pf_cbc_destroy(c);
	pf_cbc_destroy(NULL);
}

struct sink {
	uint32_t n;
	uint16_t last;
};

static void on_packet(uint16_t sequence, const uint8_t *opus, size_t len, void *userdata)
{
	struct sink *s = userdata;
	uint8_t want[LEN];
	uint32_t i = sequence;
	if (s->n >= 65536) /* fill() knows the whole count */
		i += 65536;
	fill(want, i);
	assert_int_equal(len, LEN);
	assert_memory_equal(opus, want, LEN);
	s->n++;
	s->last = sequence;
}

static void run(struct pf_cbc *cbc, const uint8_t *rx_key, uint32_t n)
{
	struct sink sink = {0};
	struct pf_nvaudio *a = make(5, cbc);
	struct nv_audio_rx *rx = nv_audio_rx_create(5, rx_key, KEY_ID, on_packet, &sink);
	assert_non_null(rx);
	uint64_t seed = 3;
	for (uint32_t i = 0, drop = 0; i < n; i++) {
		uint8_t opus[LEN];
		struct pf_nvaudio_batch b;
		fill(opus, i);
		if (i % 4 == 0) { /* two bits of six */
			drop = 1u << test_rand(&seed) % 6;
			drop |= 1u << test_rand(&seed) % 6;
		}
		assert_int_equal(pf_nvaudio_build(a, opus, LEN, &b), PF_OK);
		for (size_t k = 0; k < b.n; k++)
			if (!(drop >> (i % 4 + k) & 1))
				nv_audio_rx_add(rx, b.packets[k].data, b.packets[k].len);
		if (i % 4 == 3)
			assert_int_equal(sink.n, i + 1);
	}
	const struct nv_audio_stats *stats = nv_audio_rx_stats(rx);
	assert_int_equal(stats->lost, 0);
	assert_int_equal(stats->bad, 0);
	assert_int_equal(stats->packets, n);
	assert_true(stats->rebuilt > n / 4);
	nv_audio_rx_destroy(rx);
	pf_nvaudio_destroy(a);
}

static void two_losses_of_six_are_rebuilt(void **state)
{
	(void)state;
	run(NULL, NULL, 70000); /* over the end of the sequence */
}

static void so_they_are_when_encrypted(void **state)
{
	(void)state;
	struct pf_cbc *cbc;
	assert_int_equal(pf_cbc_create(&cbc, key), PF_OK);
	run(cbc, key, 70000);
	pf_cbc_destroy(cbc);
}

static void three_losses_are_lost(void **state)
{
	(void)state;
	struct sink sink = {0};
	struct pf_nvaudio *a = make(5, NULL);
	struct nv_audio_rx *rx = nv_audio_rx_create(5, NULL, 0, on_packet, &sink);
	assert_non_null(rx);
	for (uint32_t i = 0; i < 12; i++) {
		uint8_t opus[LEN];
		struct pf_nvaudio_batch b;
		fill(opus, i);
		assert_int_equal(pf_nvaudio_build(a, opus, LEN, &b), PF_OK);
		for (size_t k = i == 4 || i == 5 || i == 6; k < b.n; k++)
			nv_audio_rx_add(rx, b.packets[k].data, b.packets[k].len);
	}
	assert_int_equal(sink.n, 9);
	assert_int_equal(sink.last, 11);
	assert_int_equal(nv_audio_rx_stats(rx)->lost, 3);
	nv_audio_rx_destroy(rx);
	pf_nvaudio_destroy(a);
}

static void unlike_lengths_go_without_parity(void **state)
{
	(void)state;
	struct pf_nvaudio *a = make(5, NULL);
	struct pf_nvaudio_batch b;
	uint8_t opus[LEN] = {0};
	for (unsigned i = 0; i < 12; i++) {
		assert_int_equal(pf_nvaudio_build(a, opus, i == 5 ? LEN - 1 : LEN, &b), PF_OK);
		assert_int_equal(b.n, i == 3 || i == 11 ? 3 : 1);
	}
	assert_int_equal(pf_nvaudio_uneven(a), 1);
	pf_nvaudio_destroy(a);
	/* Padding may make them alike. */
	struct pf_cbc *cbc;
	assert_int_equal(pf_cbc_create(&cbc, key), PF_OK);
	a = make(5, cbc);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pf_nvaudio_build(a, opus, LEN - i, &b), PF_OK);
	assert_int_equal(b.n, 3);
	pf_nvaudio_destroy(a);
	pf_cbc_destroy(cbc);
}

static void bad_arguments_are_refused(void **state)
{
	(void)state;
	static uint8_t opus[PF_NVAUDIO_MAX_OPUS + 1];
	struct pf_nvaudio *a;
	struct pf_nvaudio_params params = {.packet_ms = 20};
	assert_int_equal(pf_nvaudio_create(&a, &params), PF_E_INVALID);
	pf_nvaudio_destroy(NULL);
	struct pf_cbc *cbc;
	assert_int_equal(pf_cbc_create(&cbc, key), PF_OK);
	a = make(5, cbc);
	struct pf_nvaudio_batch b;
	assert_int_equal(pf_nvaudio_build(a, opus, 0, &b), PF_E_INVALID);
	assert_int_equal(pf_nvaudio_build(a, NULL, 1, &b), PF_E_INVALID);
	assert_int_equal(pf_nvaudio_build(a, opus, sizeof(opus), &b), PF_E_INVALID);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pf_nvaudio_build(a, opus, PF_NVAUDIO_MAX_OPUS, &b), PF_OK);
	assert_int_equal(b.packets[2].len, 1400); /* a client's buffer */
	assert_int_equal(pf_get_be16(b.packets[0].data + 2), 3);
	pf_nvaudio_destroy(a);
	pf_cbc_destroy(cbc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_lies_where_the_client_reads_it),
		cmocka_unit_test(encryption_is_aes_cbc),
		cmocka_unit_test(two_losses_of_six_are_rebuilt),
		cmocka_unit_test(so_they_are_when_encrypted),
		cmocka_unit_test(three_losses_are_lost),
		cmocka_unit_test(unlike_lengths_go_without_parity),
		cmocka_unit_test(bad_arguments_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
