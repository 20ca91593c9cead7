/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <string.h>

#include "core/pair/pair.h"
#include "tests/unit/pair_vectors.h"

static uint8_t client_fp[32], host_fp[32], other_fp[32];
static uint8_t x_random[64], y_random[64];

/* What a ceremony passes from hand to hand. */
struct wire {
	uint8_t x[33], y[33], confirm[32], proof[32];
};

static int setup(void **state)
{
	(void)state;
	uint64_t seed = 5;
	for (size_t i = 0; i < 32; i++) {
		client_fp[i] = (uint8_t)test_rand(&seed);
		host_fp[i] = (uint8_t)test_rand(&seed);
		other_fp[i] = (uint8_t)test_rand(&seed);
	}
	for (size_t i = 0; i < 64; i++) {
		x_random[i] = (uint8_t)test_rand(&seed);
		y_random[i] = (uint8_t)test_rand(&seed);
	}
	return 0;
}

static struct pf_pair_client *client(const char *pin)
{
	struct pf_pair_client *c;
	assert_int_equal(pf_pair_client_create(&c, pin, client_fp, host_fp, x_random), PF_OK);
	return c;
}

static struct pf_pair_host *host(const char *pin)
{
	struct pf_pair_host *h;
	assert_int_equal(pf_pair_host_create(&h, pin, client_fp, host_fp, y_random), PF_OK);
	return h;
}

static void golden_transcripts(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_PAIR_VECTORS; i++) {
		const struct pair_vector *v = &pair_vectors[i];
		struct pf_pair_client *c;
		struct pf_pair_host *h;
		struct wire w;
		uint8_t a[32], b[32], xr[64], yr[64], x[33], y[33], hc[32], cc[32];
		pair_unhex(a, 32, v->client_fp);
		pair_unhex(b, 32, v->host_fp);
		pair_unhex(xr, 64, v->x_random);
		pair_unhex(yr, 64, v->y_random);
		pair_unhex(x, 33, v->x);
		pair_unhex(y, 33, v->y);
		pair_unhex(hc, 32, v->host_confirm);
		pair_unhex(cc, 32, v->client_confirm);
		assert_int_equal(pf_pair_client_create(&c, v->pin, a, b, xr), PF_OK);
		assert_int_equal(pf_pair_host_create(&h, v->pin, a, b, yr), PF_OK);
		assert_int_equal(pf_pair_client_start(c, w.x), PF_OK);
		assert_memory_equal(w.x, x, 33);
		assert_int_equal(pf_pair_host_request(h, w.x, 33, w.y, w.confirm), PF_OK);
		assert_memory_equal(w.y, y, 33);
		assert_memory_equal(w.confirm, hc, 32);
		assert_int_equal(
			pf_pair_client_challenge(c, w.y, 33, w.confirm, 32, w.proof), PF_OK);
		assert_memory_equal(w.proof, cc, 32);
		assert_int_equal(pf_pair_host_proof(h, w.proof, 32), PF_OK);
		assert_int_equal(pf_pair_client_result(c, 1), PF_OK);
		pf_pair_client_destroy(c);
		pf_pair_host_destroy(h);
	}
}

/* How far the two get; each is given up at its first error. */
struct outcome {
	int request, challenge, proof;
};

static struct outcome run(
	struct pf_pair_client *c, struct pf_pair_host *h, size_t flip, struct wire *w)
{
	struct outcome o = {PF_E_NO_FRAME, PF_E_NO_FRAME, PF_E_NO_FRAME};
	uint8_t *field = flip < 33 * 8	    ? w->x
		: flip < 66 * 8		    ? w->y
		: flip < (66 + 32) * 8	    ? w->confirm
		: flip < (66 + 32 + 32) * 8 ? w->proof
					    : NULL;
	const size_t from = field == w->x ? 0 : field == w->y ? 33 : field == w->confirm ? 66 : 98;
	const size_t at = field ? flip / 8 - from : 0;
	const uint8_t bit = (uint8_t)(1u << flip % 8);

	assert_int_equal(pf_pair_client_start(c, w->x), PF_OK);
	if (field == w->x)
		field[at] ^= bit;
	o.request = pf_pair_host_request(h, w->x, 33, w->y, w->confirm);
	if (!o.request) {
		if (field == w->y || field == w->confirm)
			field[at] ^= bit;
		o.challenge = pf_pair_client_challenge(c, w->y, 33, w->confirm, 32, w->proof);
	}
	if (!o.request && !o.challenge) {
		if (field == w->proof)
			field[at] ^= bit;
		o.proof = pf_pair_host_proof(h, w->proof, 32);
	}
	return o;
}

static void the_wrong_pin_fails_on_both_sides(void **state)
{
	(void)state;
	static const char *const wrong[] = {"4820", "1824", "0000", "9999"};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct pf_pair_client *c = client(wrong[i]);
		struct pf_pair_host *h = host("4821");
		struct wire w;
		struct outcome o = run(c, h, SIZE_MAX, &w);
		assert_int_equal(o.request, PF_OK);
		assert_int_equal(o.challenge, PF_E_CRYPTO);
		assert_int_equal(pf_pair_client_result(c, 1), PF_E_CLOSED);
		/* A client that does not look, and proves what it has. */
		pf_pair_client_destroy(c);
		c = client(wrong[i]);
		struct pf_pair_host *same = host(wrong[i]);
		struct wire w2;
		assert_int_equal(run(c, same, SIZE_MAX, &w2).proof, PF_OK);
		assert_int_equal(pf_pair_host_proof(h, w2.proof, 32), PF_E_CRYPTO);
		pf_pair_client_destroy(c);
		pf_pair_host_destroy(h);
		pf_pair_host_destroy(same);
	}
}

/* Who stands in between has another certificate: one of the two sees a fingerprint that is not the peer's. */
static void another_fingerprint_fails(void **state)
{
	(void)state;
	for (int side = 0; side < 3; side++) {
		struct pf_pair_client *c;
		struct pf_pair_host *h;
		struct wire w;
		assert_int_equal(pf_pair_client_create(&c, "4821", client_fp,
					 side != 1 ? other_fp : host_fp, x_random),
			PF_OK);
		assert_int_equal(pf_pair_host_create(&h, "4821", side != 0 ? other_fp : client_fp,
					 host_fp, y_random),
			PF_OK);
		struct outcome o = run(c, h, SIZE_MAX, &w);
		assert_int_equal(o.request, PF_OK);
		assert_int_equal(o.challenge, PF_E_CRYPTO);
		assert_int_equal(pf_pair_host_proof(h, w.confirm, 32), PF_E_CRYPTO);
		pf_pair_client_destroy(c);
		pf_pair_host_destroy(h);
	}
	/* The two of one connection, exchanged. */
	struct pf_pair_client *c = client("4821");
	struct pf_pair_host *h;
	struct wire w;
	assert_int_equal(pf_pair_host_create(&h, "4821", host_fp, client_fp, y_random), PF_OK);
	assert_int_equal(run(c, h, SIZE_MAX, &w).challenge, PF_E_CRYPTO);
	pf_pair_client_destroy(c);
	pf_pair_host_destroy(h);
}

static void each_flipped_bit_fails(void **state)
{
	(void)state;
	const size_t end = (33 + 33 + 32 + 32) * 8;
	/* A message takes a millisecond to check: every bit of the confirmations, some of the points'. */
	for (size_t flip = 0; flip < end; flip += flip >= 66 * 8 || flip % 264 < 8 ? 1 : 5) {
		struct pf_pair_client *c = client("4821");
		struct pf_pair_host *h = host("4821");
		struct wire w;
		struct outcome o = run(c, h, flip, &w);
		assert_true(o.request < 0 || o.challenge < 0 || o.proof < 0);
		if (flip < 8)
			assert_int_equal(o.request, PF_E_BAD_PACKET);
		if (flip >= 33 * 8 && flip < 34 * 8)
			assert_int_equal(o.challenge, PF_E_BAD_PACKET);
		if (flip >= 66 * 8 && flip < 98 * 8)
			assert_int_equal(o.challenge, PF_E_CRYPTO);
		if (flip >= 98 * 8)
			assert_int_equal(o.proof, PF_E_CRYPTO);
		pf_pair_client_destroy(c);
		pf_pair_host_destroy(h);
	}
	struct pf_pair_client *c = client("4821");
	struct pf_pair_host *h = host("4821");
	struct wire w;
	assert_int_equal(run(c, h, end, &w).proof, PF_OK);
	pf_pair_client_destroy(c);
	pf_pair_host_destroy(h);
}

/* What a side sent comes back to it. */
static void reflection_fails(void **state)
{
	(void)state;
	struct wire w;
	for (int dressed = 0; dressed < 2; dressed++) {
		struct pf_pair_client *c = client("4821");
		assert_int_equal(pf_pair_client_start(c, w.x), PF_OK);
		w.x[0] = dressed ? 0x42 : 0x41;
		memset(w.confirm, 0x5a, 32);
		assert_int_equal(pf_pair_client_challenge(c, w.x, 33, w.confirm, 32, w.proof),
			dressed ? PF_E_CRYPTO : PF_E_BAD_PACKET);
		pf_pair_client_destroy(c);
	}
	/* The host's own confirmation as the proof. */
	struct pf_pair_client *c = client("4821");
	struct pf_pair_host *h = host("4821");
	assert_int_equal(pf_pair_client_start(c, w.x), PF_OK);
	assert_int_equal(pf_pair_host_request(h, w.x, 33, w.y, w.confirm), PF_OK);
	assert_int_equal(pf_pair_host_proof(h, w.confirm, 32), PF_E_CRYPTO);
	pf_pair_host_destroy(h);
	/* A host that is asked with a host's message. */
	h = host("4821");
	assert_int_equal(pf_pair_host_request(h, w.y, 33, w.y, w.confirm), PF_E_BAD_PACKET);
	pf_pair_host_destroy(h);
	pf_pair_client_destroy(c);
}

/* A challenge, or a proof, of an earlier ceremony under the same PIN. */
static void replay_fails(void **state)
{
	(void)state;
	struct pf_pair_client *c = client("4821");
	struct pf_pair_host *h = host("4821");
	struct wire old, w;
	assert_int_equal(run(c, h, SIZE_MAX, &old).proof, PF_OK);
	pf_pair_client_destroy(c);
	pf_pair_host_destroy(h);

	x_random[7] ^= 1;
	y_random[7] ^= 1;
	c = client("4821");
	h = host("4821");
	assert_int_equal(pf_pair_client_start(c, w.x), PF_OK);
	assert_memory_not_equal(w.x, old.x, 33);
	assert_int_equal(
		pf_pair_client_challenge(c, old.y, 33, old.confirm, 32, w.proof), PF_E_CRYPTO);
	assert_int_equal(pf_pair_host_request(h, old.x, 33, w.y, w.confirm), PF_OK);
	assert_int_equal(pf_pair_host_proof(h, old.proof, 32), PF_E_CRYPTO);
	pf_pair_client_destroy(c);
	pf_pair_host_destroy(h);
}

static void every_other_length_fails(void **state)
{
	(void)state;
	struct wire w;
	/* Each of its own length on the heap, so that a sanitizer sees a read beyond it. */
	for (size_t len = 0; len <= 70; len++) {
		uint8_t *m = calloc(1, len + 1), *p = calloc(1, len + 1);
		struct pf_pair_client *c = client("4821"), *c2 = client("4821");
		struct pf_pair_host *h = host("4821"), *h2 = host("4821");
		assert_true(m && p);
		assert_int_equal(pf_pair_client_start(c, w.x), PF_OK);
		assert_int_equal(pf_pair_client_start(c2, w.x), PF_OK);
		memcpy(m, w.x, len < 33 ? len : 33);
		const int asked = pf_pair_host_request(h, m, len, w.y, w.confirm);
		assert_int_equal(asked, len == 33 ? PF_OK : PF_E_BAD_PACKET);
		if (asked)
			assert_int_equal(pf_pair_host_proof(h, w.proof, 32), PF_E_CLOSED);
		assert_int_equal(pf_pair_host_request(h2, w.x, 33, w.y, w.confirm), PF_OK);
		memcpy(m, w.y, len < 33 ? len : 33);
		memcpy(p, w.confirm, len < 32 ? len : 32);
		assert_int_equal(pf_pair_client_challenge(c, m, len, w.confirm, 32, w.proof),
			len == 33 ? PF_OK : PF_E_BAD_PACKET);
		assert_int_equal(pf_pair_client_challenge(c2, w.y, 33, p, len, w.proof),
			len == 32 ? PF_OK : PF_E_BAD_PACKET);
		memcpy(p, w.proof, len < 32 ? len : 32);
		assert_int_equal(
			pf_pair_host_proof(h2, p, len), len == 32 ? PF_OK : PF_E_BAD_PACKET);
		pf_pair_client_destroy(c);
		pf_pair_client_destroy(c2);
		pf_pair_host_destroy(h);
		pf_pair_host_destroy(h2);
		free(m);
		free(p);
	}
}

static void nothing_works_twice(void **state)
{
	(void)state;
	struct pf_pair_client *c = client("4821");
	struct pf_pair_host *h = host("4821");
	struct wire w, w2;
	assert_int_equal(run(c, h, SIZE_MAX, &w).proof, PF_OK);
	assert_int_equal(pf_pair_host_proof(h, w.proof, 32), PF_E_CLOSED);
	assert_int_equal(pf_pair_host_request(h, w.x, 33, w2.y, w2.confirm), PF_E_CLOSED);
	assert_int_equal(pf_pair_client_result(c, 1), PF_OK);
	assert_int_equal(pf_pair_client_result(c, 1), PF_E_CLOSED);
	assert_int_equal(pf_pair_client_start(c, w2.x), PF_E_CLOSED);
	assert_int_equal(
		pf_pair_client_challenge(c, w.y, 33, w.confirm, 32, w2.proof), PF_E_CLOSED);
	pf_pair_client_destroy(c);
	pf_pair_host_destroy(h);

	/* One guess a ceremony: a second request or challenge is not looked at. */
	c = client("4821");
	h = host("4821");
	assert_int_equal(pf_pair_client_start(c, w.x), PF_OK);
	assert_int_equal(pf_pair_host_request(h, w.x, 33, w.y, w.confirm), PF_OK);
	assert_int_equal(pf_pair_host_request(h, w.x, 33, w2.y, w2.confirm), PF_E_BAD_PACKET);
	assert_int_equal(pf_pair_host_proof(h, w.proof, 32), PF_E_CLOSED);
	w.confirm[0] ^= 1;
	assert_int_equal(pf_pair_client_challenge(c, w.y, 33, w.confirm, 32, w.proof), PF_E_CRYPTO);
	w.confirm[0] ^= 1;
	assert_int_equal(pf_pair_client_challenge(c, w.y, 33, w.confirm, 32, w.proof), PF_E_CLOSED);
	pf_pair_client_destroy(c);
	pf_pair_host_destroy(h);
}

static void out_of_order_fails(void **state)
{
	(void)state;
	struct wire w = {0};
	struct pf_pair_client *c = client("4821");
	assert_int_equal(
		pf_pair_client_challenge(c, w.y, 33, w.confirm, 32, w.proof), PF_E_BAD_PACKET);
	assert_int_equal(pf_pair_client_start(c, w.x), PF_E_CLOSED);
	pf_pair_client_destroy(c);

	/* A host that skips its proof and says "paired". */
	c = client("4821");
	assert_int_equal(pf_pair_client_start(c, w.x), PF_OK);
	assert_int_equal(pf_pair_client_result(c, 1), PF_E_BAD_PACKET);
	assert_int_equal(pf_pair_client_result(c, 1), PF_E_CLOSED);
	pf_pair_client_destroy(c);
	c = client("4821");
	assert_int_equal(pf_pair_client_result(c, 1), PF_E_BAD_PACKET);
	pf_pair_client_destroy(c);

	/* A client that skips the request. */
	struct pf_pair_host *h = host("4821");
	assert_int_equal(pf_pair_host_proof(h, w.proof, 32), PF_E_BAD_PACKET);
	assert_int_equal(pf_pair_host_request(h, w.x, 33, w.y, w.confirm), PF_E_CLOSED);
	pf_pair_host_destroy(h);
}

static void a_result_other_than_one_is_no(void **state)
{
	(void)state;
	static const uint8_t no[] = {0, 2, 0xff};
	for (size_t i = 0; i < sizeof no; i++) {
		struct pf_pair_client *c = client("4821");
		struct pf_pair_host *h = host("4821");
		struct wire w;
		assert_int_equal(run(c, h, SIZE_MAX, &w).proof, PF_OK);
		assert_int_equal(pf_pair_client_result(c, no[i]), PF_E_CRYPTO);
		assert_int_equal(pf_pair_client_result(c, 1), PF_E_CLOSED);
		pf_pair_client_destroy(c);
		pf_pair_host_destroy(h);
	}
}

static void arguments_are_checked(void **state)
{
	(void)state;
	static const char *const bad[] = {NULL, "", "482", "48211", "48a1", " 482", "482 ", "-482",
		"4\x82"
		"21"};
	struct pf_pair_client *c;
	struct pf_pair_host *h;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(pf_pair_client_create(&c, bad[i], client_fp, host_fp, x_random),
			PF_E_INVALID);
		assert_null(c);
		assert_int_equal(pf_pair_host_create(&h, bad[i], client_fp, host_fp, x_random),
			PF_E_INVALID);
		assert_null(h);
	}
	/* Random bytes that nobody filled. */
	const uint8_t zeros[64] = {0};
	assert_int_equal(pf_pair_client_create(&c, "4821", client_fp, host_fp, zeros), PF_E_CRYPTO);
	assert_null(c);
	assert_int_equal(pf_pair_host_create(&h, "4821", client_fp, host_fp, zeros), PF_E_CRYPTO);
	assert_null(h);
	pf_pair_client_destroy(NULL);
	pf_pair_host_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(golden_transcripts, setup),
		cmocka_unit_test_setup(the_wrong_pin_fails_on_both_sides, setup),
		cmocka_unit_test_setup(another_fingerprint_fails, setup),
		cmocka_unit_test_setup(each_flipped_bit_fails, setup),
		cmocka_unit_test_setup(reflection_fails, setup),
		cmocka_unit_test_setup(replay_fails, setup),
		cmocka_unit_test_setup(every_other_length_fails, setup),
		cmocka_unit_test_setup(nothing_works_twice, setup),
		cmocka_unit_test_setup(out_of_order_fails, setup),
		cmocka_unit_test_setup(a_result_other_than_one_is_no, setup),
		cmocka_unit_test_setup(arguments_are_checked, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
