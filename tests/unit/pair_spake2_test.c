/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <string.h>

#include <gnutls/crypto.h>
#include <sodium/crypto_core_ed25519.h>
#include <sodium/crypto_scalarmult_ed25519.h>

#include "core/pair/spake2.h"
#include "tests/unit/pair_vectors.h"

static const uint8_t id_a[32] = {0x11}, id_b[32] = {0x22};

static struct pf_spake2 *make(enum pf_spake2_role role, const char *pin, uint8_t fill)
{
	struct pf_spake2 *s;
	uint8_t random[64];
	memset(random, fill, sizeof random);
	assert_int_equal(pf_spake2_create(&s, role, pin, id_a, id_b, random), PF_OK);
	return s;
}

/* The steps between PIN and key, each against its known answer. */
static void known_answers(void **state)
{
	(void)state;
	const struct pair_vector *v = &pair_vectors[0];
	struct pf_spake2 *a, *b;
	uint8_t x_random[64], y_random[64], fp_a[32], fp_b[32], x[33], y[33], pw[32], k[32],
		key[32];
	pair_unhex(x_random, 64, v->x_random);
	pair_unhex(y_random, 64, v->y_random);
	pair_unhex(fp_a, 32, v->client_fp);
	pair_unhex(fp_b, 32, v->host_fp);
	pair_unhex(pw, 32, "b03ed0aca4ebe15c3a325c9c311b705492f459ace5be3411d794f90587239d0e");
	pair_unhex(k, 32, "160ef4f94fa2f14b29edd3a37d7417fb9a7c5540be80641849e10f33a0915044");
	pair_unhex(key, 32, "a4467353091baccf356cd221480359e6e592768953c842930d5da550cd4a7fdf");
	assert_int_equal(pf_spake2_create(&a, PF_SPAKE2_A, v->pin, fp_a, fp_b, x_random), PF_OK);
	assert_int_equal(pf_spake2_create(&b, PF_SPAKE2_B, v->pin, fp_a, fp_b, y_random), PF_OK);
	pf_spake2_message(a, x);
	pf_spake2_message(b, y);

	/* X = x*B + pw*M */
	uint8_t m[32], open[32], blind[32], sum[32];
	pair_unhex(m, 32, "15cfd18e385952982b6a8f8c7854963b58e34388c8e6dae891db756481a02312");
	assert_int_equal(crypto_scalarmult_ed25519_base_noclamp(open, x_random), 0);
	assert_int_equal(crypto_scalarmult_ed25519_noclamp(blind, pw, m), 0);
	assert_int_equal(crypto_core_ed25519_add(sum, open, blind), 0);
	assert_memory_equal(sum, x + 1, 32);

	/* The key is the hash over K and the rest. */
	uint8_t all[192], hash[32];
	const struct {
		const void *p;
		size_t len;
	} hashed[] = {{v->pin, 4}, {fp_a, 32}, {fp_b, 32}};
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(gnutls_hash_fast(GNUTLS_DIG_SHA256, hashed[i].p, hashed[i].len,
					 all + 32 * i),
			0);
	memcpy(all + 96, x + 1, 32);
	memcpy(all + 128, y + 1, 32);
	memcpy(all + 160, k, 32);
	assert_int_equal(gnutls_hash_fast(GNUTLS_DIG_SHA256, all, sizeof all, hash), 0);
	assert_memory_equal(hash, key, 32);

	uint8_t got[32];
	assert_int_equal(pf_spake2_key(a, y, 33, got), PF_OK);
	assert_memory_equal(got, key, 32);
	assert_int_equal(pf_spake2_key(b, x, 33, got), PF_OK);
	assert_memory_equal(got, key, 32);
	pf_spake2_destroy(a);
	pf_spake2_destroy(b);
}

/* Different PINs, identities or scalars: different keys, and messages that do not show the PIN. */
static void keys_differ(void **state)
{
	(void)state;
	struct pf_spake2 *a = make(PF_SPAKE2_A, "1234", 3), *b = make(PF_SPAKE2_B, "1234", 4),
			 *wrong = make(PF_SPAKE2_B, "1235", 4);
	uint8_t x[33], y[33], y_wrong[33], ka[32], kb[32], k_wrong[32];
	pf_spake2_message(a, x);
	pf_spake2_message(b, y);
	pf_spake2_message(wrong, y_wrong);
	assert_memory_not_equal(y, y_wrong, 33);
	assert_int_equal(pf_spake2_key(a, y, 33, ka), PF_OK);
	assert_int_equal(pf_spake2_key(b, x, 33, kb), PF_OK);
	assert_memory_equal(ka, kb, 32);
	assert_int_equal(pf_spake2_key(a, y_wrong, 33, ka), PF_OK);
	assert_int_equal(pf_spake2_key(wrong, x, 33, k_wrong), PF_OK);
	assert_memory_not_equal(ka, k_wrong, 32);
	assert_memory_not_equal(kb, k_wrong, 32);
	pf_spake2_destroy(a);
	pf_spake2_destroy(b);
	pf_spake2_destroy(wrong);
}

static const struct {
	const char *what, *point;
} bad_points[] = {
	{"neutral", "0100000000000000000000000000000000000000000000000000000000000000"},
	{"neutral, negative zero",
		"0100000000000000000000000000000000000000000000000000000000000080"},
	{"order 2", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
	{"order 2, negative zero",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
	{"order 4", "0000000000000000000000000000000000000000000000000000000000000000"},
	{"order 4", "0000000000000000000000000000000000000000000000000000000000000080"},
	{"order 8", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"},
	{"order 8", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"},
	{"order 8", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"},
	{"order 8", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"},
	{"y = p, which is 0", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
	{"y = p + 1, which is 1",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
	{"y = p + 3, a point of mixed order in a second encoding",
		"f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
	{"all ones", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
	{"no x for y = 2", "0200000000000000000000000000000000000000000000000000000000000000"},
	{"no x for y = 7", "0700000000000000000000000000000000000000000000000000000000000000"},
	{"777 B and a point of order 8",
		"1c354c4c7a6de4bcb4fd275f391333dd9bf17d38b41332753f60cf56d5ef4fcc"},
	{"777 B and a point of order 4",
		"b701893ce6cb546a02ced3c309960c0a8e7ace34ac92c9c61574e4b7fbbf8bb3"},
	{"777 B and the point of order 2",
		"d07b3f636ea4e1caa0becf4c6af098abd8f4c89690c90e4935a2b564b30b779f"},
};

static void bad_points_are_refused(void **state)
{
	(void)state;
	struct pf_spake2 *a = make(PF_SPAKE2_A, "1234", 3), *b = make(PF_SPAKE2_B, "1234", 4);
	uint8_t m[33], key[32];
	for (size_t i = 0; i < sizeof bad_points / sizeof bad_points[0]; i++) {
		pair_unhex(m + 1, 32, bad_points[i].point);
		m[0] = 0x42;
		if (pf_spake2_key(a, m, 33, key) != PF_E_BAD_PACKET)
			fail_msg("the client took: %s", bad_points[i].what);
		m[0] = 0x41;
		if (pf_spake2_key(b, m, 33, key) != PF_E_BAD_PACKET)
			fail_msg("the host took: %s", bad_points[i].what);
	}
	/* The same point without the addition is a good one, and so is its opposite. */
	pair_unhex(m + 1, 32, "1d84c09c915b1e355f4130b3950f6754270b37696f36f1b6ca5d4a9b4cf48860");
	assert_int_equal(pf_spake2_key(b, m, 33, key), PF_OK);
	m[32] ^= 0x80;
	assert_int_equal(pf_spake2_key(b, m, 33, key), PF_OK);
	pf_spake2_destroy(a);
	pf_spake2_destroy(b);
}

/* pw*M alone leaves nothing to agree on: K would be the neutral point, whoever asks. */
static void a_bare_blinding_is_refused(void **state)
{
	(void)state;
	struct pf_spake2 *b = make(PF_SPAKE2_B, "4821", 4), *other = make(PF_SPAKE2_B, "4822", 4);
	uint8_t m[33] = {0x41}, key[32];
	pair_unhex(m + 1, 32, "ae9b456190d5e2bdbdffbf3558a6982f6aabeb2e4ca37a3f6d4a01d9b45cf66a");
	assert_int_equal(pf_spake2_key(b, m, 33, key), PF_E_CRYPTO);
	assert_int_equal(pf_spake2_key(other, m, 33, key), PF_OK);
	pf_spake2_destroy(b);
	pf_spake2_destroy(other);
}

static void sides_and_lengths(void **state)
{
	(void)state;
	struct pf_spake2 *a = make(PF_SPAKE2_A, "1234", 3), *b = make(PF_SPAKE2_B, "1234", 4);
	uint8_t x[34] = {0}, key[32];
	pf_spake2_message(a, x);
	for (unsigned side = 0; side < 256; side++) {
		x[0] = (uint8_t)side;
		assert_int_equal(
			pf_spake2_key(b, x, 33, key), side == 0x41 ? PF_OK : PF_E_BAD_PACKET);
	}
	x[0] = 0x41;
	for (size_t len = 0; len <= sizeof x; len++)
		assert_int_equal(
			pf_spake2_key(b, x, len, key), len == 33 ? PF_OK : PF_E_BAD_PACKET);
	assert_int_equal(pf_spake2_key(b, NULL, 0, key), PF_E_BAD_PACKET);
	pf_spake2_destroy(a);
	pf_spake2_destroy(b);
	pf_spake2_destroy(NULL);
}

/* Multiples of the group's order are zero, and no secret. */
static void zero_scalars_are_refused(void **state)
{
	(void)state;
	uint8_t random[64] = {0};
	struct pf_spake2 *s;
	assert_int_equal(
		pf_spake2_create(&s, PF_SPAKE2_A, "1234", id_a, id_b, random), PF_E_CRYPTO);
	assert_null(s);
	pair_unhex(random, 32, "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
	assert_int_equal(
		pf_spake2_create(&s, PF_SPAKE2_A, "1234", id_a, id_b, random), PF_E_CRYPTO);
	assert_null(s);
	random[0]++;
	assert_int_equal(pf_spake2_create(&s, PF_SPAKE2_A, "1234", id_a, id_b, random), PF_OK);
	pf_spake2_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),
		cmocka_unit_test(keys_differ),
		cmocka_unit_test(bad_points_are_refused),
		cmocka_unit_test(a_bare_blinding_is_refused),
		cmocka_unit_test(sides_and_lengths),
		cmocka_unit_test(zero_scalars_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
