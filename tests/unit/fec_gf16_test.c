/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdlib.h>

#include "core/fec/gf16.h"
#include "core/fec/gf8.h"

/* The definitions themselves: shift and add, and the basis of wire 7.4. */
static unsigned mul_poly(unsigned a, unsigned b, unsigned poly, unsigned top)
{
	unsigned r = 0;
	for (; b; b >>= 1) {
		r ^= b & 1 ? a : 0;
		a <<= 1;
		a ^= a & top ? poly : 0;
	}
	return r;
}

static const uint16_t basis[16] = {0x0001, 0xACCA, 0x3C0E, 0x163E, 0xC582, 0xED2E, 0x914C, 0x4012,
	0x6C98, 0x10D8, 0x6A72, 0xB900, 0xFDB8, 0xFB34, 0xFF38, 0x991E};

static uint16_t map_in(uint16_t wire)
{
	uint16_t e = 0;
	for (unsigned b = 0; b < 16; b++)
		e ^= wire >> b & 1 ? basis[b] : 0;
	return e;
}

static void gf8_is_the_field_of_0x11d(void **state)
{
	(void)state;
	for (unsigned a = 0; a < 256; a++)
		for (unsigned b = 0; b < 256; b++)
			assert_int_equal(pf_gf8_mul(&pf_gf8_poly, (uint8_t)a, (uint8_t)b),
				mul_poly(a, b, 0x11d, 0x100));
}

static void inverses_invert(void **state)
{
	(void)state;
	const struct pf_gf8_field *fields[] = {&pf_gf8_poly, &pf_gf8_cantor};
	for (unsigned f = 0; f < 2; f++)
		for (unsigned a = 1; a < 256; a++)
			assert_int_equal(pf_gf8_mul(fields[f], (uint8_t)a,
						 pf_gf8_inv(fields[f], (uint8_t)a)),
				1);
}

static void gf16_multiplies_as_the_wire_defines(void **state)
{
	(void)state;
	uint64_t seed = 1;
	for (unsigned i = 0; i < 200000; i++) {
		uint64_t r = test_rand(&seed);
		/* Small operands too: the subfield is a case of its own. */
		uint16_t a = (uint16_t)(i % 3 ? r : r & 255), b = (uint16_t)(r >> 16);
		uint16_t p = pf_gf16_mul(a, b);
		assert_int_equal(map_in(p), mul_poly(map_in(a), map_in(b), 0x1002d, 0x10000));
	}
	for (unsigned a = 0; a < 256; a++)
		for (unsigned b = 0; b < 256; b++)
			assert_int_equal(pf_gf16_mul((uint16_t)a, (uint16_t)b),
				pf_gf8_mul(&pf_gf8_cantor, (uint8_t)a, (uint8_t)b));
}

static void gf16_logarithms_match_powers(void **state)
{
	(void)state;
	static uint16_t log[65536];
	struct pf_gf16_logs t;
	pf_gf16_logs_init(&t, log, 65536);
	for (uint32_t v = 1; v < 65536; v++) {
		assert_true(log[v] < PF_GF16_ORDER);
		assert_int_equal(pf_gf16_exp(&t, log[v]), v);
	}
	uint64_t seed = 2;
	for (unsigned i = 0; i < 20000; i++) {
		uint16_t a = (uint16_t)(test_rand(&seed) % 65535 + 1);
		uint16_t b = (uint16_t)(test_rand(&seed) % 65535 + 1);
		assert_int_equal(log[pf_gf16_mul(a, b)], (log[a] + log[b]) % PF_GF16_ORDER);
	}
}

static void short_logarithm_table_stays_inside(void **state)
{
	(void)state;
	uint16_t log[17];
	log[16] = 0xbeef;
	struct pf_gf16_logs t;
	pf_gf16_logs_init(&t, log, 16);
	assert_int_equal(log[16], 0xbeef);
	for (uint32_t v = 1; v < 16; v++)
		assert_int_equal(pf_gf16_exp(&t, log[v]), v);
}

/* s_c(x) = product of (x XOR l) over l < c is x >> log2 c in this basis. */
static void vanishing_polynomials_are_shifts(void **state)
{
	(void)state;
	uint64_t seed = 3;
	for (unsigned p = 0; p <= 9; p++)
		for (unsigned i = 0; i < 20; i++) {
			uint16_t x = (uint16_t)test_rand(&seed), s = 1;
			for (unsigned l = 0; l < 1u << p; l++)
				s = pf_gf16_mul(s, (uint16_t)(x ^ l));
			assert_int_equal(s, x >> p);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gf8_is_the_field_of_0x11d),
		cmocka_unit_test(inverses_invert),
		cmocka_unit_test(gf16_multiplies_as_the_wire_defines),
		cmocka_unit_test(gf16_logarithms_match_powers),
		cmocka_unit_test(short_logarithm_table_stays_inside),
		cmocka_unit_test(vanishing_polynomials_are_shifts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
