/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <string.h>

#include "core/quic/conn.h"
#include "punktfunk_core.h"

static char cert[PUNKTFUNK_PEM_MAX], key[PUNKTFUNK_PEM_MAX];

static int make(void **state)
{
	(void)state;
	return punktfunk_generate_identity(cert, sizeof(cert), key, sizeof(key));
}

static void an_identity_is_what_the_core_reads(void **state)
{
	uint8_t ours[32], core[32];
	struct pf_identity *id;
	(void)state;
	assert_int_equal(pf_identity_from_pem(&id, cert, strlen(cert), key, strlen(key)), PF_OK);
	pf_identity_fingerprint(id, core);
	pf_identity_destroy(id);
	assert_int_equal(punktfunk_identity_fingerprint(cert, key, ours), PUNKTFUNK_OK);
	assert_memory_equal(ours, core, 32);
}

static void two_identities_differ(void **state)
{
	char cert2[PUNKTFUNK_PEM_MAX], key2[PUNKTFUNK_PEM_MAX];
	uint8_t a[32], b[32];
	(void)state;
	assert_int_equal(punktfunk_generate_identity(cert2, sizeof(cert2), key2, sizeof(key2)), 0);
	assert_int_equal(punktfunk_identity_fingerprint(cert, key, a), PUNKTFUNK_OK);
	assert_int_equal(punktfunk_identity_fingerprint(cert2, key2, b), PUNKTFUNK_OK);
	assert_memory_not_equal(a, b, 32);
	/* The key of the other one is no pair. */
	assert_int_equal(punktfunk_identity_fingerprint(cert, key2, a), PUNKTFUNK_E_INVALID);
}

static void small_buffers_stay_empty(void **state)
{
	char small_cert[64], small_key[64];
	(void)state;
	memset(small_cert, 'x', sizeof(small_cert));
	memset(small_key, 'x', sizeof(small_key));
	assert_int_equal(punktfunk_generate_identity(
				 small_cert, sizeof(small_cert), small_key, sizeof(small_key)),
		PUNKTFUNK_E_FULL);
	assert_int_equal(small_cert[0], 0);
	assert_int_equal(small_key[0], 0);
	/* The certificate alone is of no use. */
	char big[PUNKTFUNK_PEM_MAX];
	assert_int_equal(
		punktfunk_generate_identity(big, sizeof(big), small_key, sizeof(small_key)),
		PUNKTFUNK_E_FULL);
	assert_int_equal(big[0], 0);
	assert_int_equal(
		punktfunk_generate_identity(small_cert, 0, small_key, 0), PUNKTFUNK_E_FULL);
	assert_int_equal(punktfunk_generate_identity(NULL, 9, small_key, 9), PUNKTFUNK_E_NULL);
}

static void bad_text_is_refused(void **state)
{
	static char huge[3 * PUNKTFUNK_PEM_MAX];
	uint8_t fp[32];
	(void)state;
	memset(huge, 'A', sizeof(huge) - 1);
	assert_int_equal(punktfunk_identity_fingerprint("", "", fp), PUNKTFUNK_E_INVALID);
	assert_int_equal(punktfunk_identity_fingerprint(huge, key, fp), PUNKTFUNK_E_INVALID);
	assert_int_equal(punktfunk_identity_fingerprint(key, cert, fp), PUNKTFUNK_E_INVALID);
	assert_int_equal(punktfunk_identity_fingerprint(cert, NULL, fp), PUNKTFUNK_E_NULL);

	struct punktfunk_connection *c;
	struct punktfunk_connect_opts o;
	char message[256] = "";
	punktfunk_connect_opts_init(&o);
	o.host = "127.0.0.1";
	o.mode = (struct punktfunk_mode){640, 480, 60};
	o.cert_pem = cert; /* without its key */
	assert_int_equal(
		punktfunk_connect_opts(&c, &o, message, sizeof(message)), PUNKTFUNK_E_INVALID);
	assert_non_null(strstr(message, "identity"));
	o.key_pem = huge;
	assert_int_equal(
		punktfunk_connect_opts(&c, &o, message, sizeof(message)), PUNKTFUNK_E_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_identity_is_what_the_core_reads, make),
		cmocka_unit_test_setup(two_identities_differ, make),
		cmocka_unit_test_setup(small_buffers_stay_empty, make),
		cmocka_unit_test_setup(bad_text_is_refused, make),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
