/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/pairing.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/gamestream/identity.h"
#include "tests/test.h"
#include "tests/unit/gamestream_device.h"

#define SECOND	 1000000000ull
#define UNIQUEID "0123456789ABCDEF" /* of every device of some clients */

static char dir[256];
static struct gs_identity *host;
static struct device one, two;
static union udp_addr here, there;
static struct pairing *p;
static uint64_t now = 1000 * SECOND;
static int parked_1, parked_2;

static struct pairing_from from_here(void)
{
	return (struct pairing_from){.uniqueid = UNIQUEID, .peer = &here};
}

static int begin(struct device *d, const struct pairing_from *from, const char *pin, void *parked,
	struct pairing_device *out)
{
	char salt[33];
	device_begin(d, pin, salt);
	return pairing_begin(p, now, from, salt, d->cert_hex, parked, out);
}

/* As far as step `last` (1 = the PIN was typed), with everything right. */
static void go(struct device *d, const struct pairing_from *from, int last, char *out)
{
	struct pairing_device w;
	char word[65];
	assert_int_equal(begin(d, from, "1234", &parked_1, &w), PF_OK);
	assert_int_equal(pairing_pin(p, now, "1234", w.number, "", &w), PF_OK);
	assert_ptr_equal(w.parked, &parked_1);
	if (last < 2)
		return;
	device_challenge(d, word);
	assert_int_equal(pairing_challenge(p, now, from, word, out), PF_OK);
	assert_int_equal(strlen(out), 96);
	if (last < 3)
		return;
	assert_true(device_response(d, out, word));
	assert_int_equal(pairing_response(p, now, from, word, out), PF_OK);
	assert_true(device_trusts(d, out, &host->cert));
}

static int setup(void **state)
{
	(void)state;
	return pairing_create(&p, host);
}

static int teardown(void **state)
{
	(void)state;
	pairing_destroy(p);
	p = NULL;
	return 0;
}

static void a_device_pairs(void **state)
{
	const struct pairing_from from = from_here();
	char out[2 * PAIRING_SECRET_MAX + 1], secret[2 * PAIRING_SECRET_MAX + 1];
	struct pairing_device done;
	struct gs_cert cert;
	(void)state;
	go(&one, &from, 3, out);
	device_secret(&one, one.key, secret);
	assert_int_equal(pairing_secret(p, now, &from, secret, &done), PF_OK);
	assert_int_equal(gs_cert_parse(&cert, one.cert_pem, strlen(one.cert_pem)), PF_OK);
	assert_memory_equal(done.fp, cert.fp, sizeof(cert.fp));
	gs_cert_finish(&cert);
	assert_int_equal(pairing_deadline(p), UINT64_MAX);
	/* Nothing of it can be used again. */
	assert_int_equal(pairing_secret(p, now, &from, secret, &done), PF_E_BAD_PACKET);
}

static void both_cases_of_hex(void **state)
{
	const struct pairing_from from = from_here();
	char out[2 * PAIRING_SECRET_MAX + 1], word[33];
	struct pairing_device w;
	(void)state;
	for (char *c = one.cert_hex; *c; c++)
		*c = *c >= 'a' ? (char)(*c - 'a' + 'A') : *c;
	assert_int_equal(begin(&one, &from, "1234", &parked_1, &w), PF_OK);
	assert_int_equal(pairing_pin(p, now, "1234", 0, "", &w), PF_OK);
	device_challenge(&one, word);
	assert_int_equal(pairing_challenge(p, now, &from, word, out), PF_OK);
}

/* Each step alone, before or after where it belongs: refused, and what ran is over. */
static void a_step_out_of_order_ends_the_attempt(void **state)
{
	const struct pairing_from from = from_here();
	char out[2 * PAIRING_SECRET_MAX + 1], secret[2 * PAIRING_SECRET_MAX + 1], challenge[33];
	char response[65];
	struct pairing_device w;
	(void)state;
	memset(response, 'a', 64);
	response[64] = '\0';
	device_challenge(&one, challenge);
	device_secret(&one, one.key, secret);
	for (int reached = 0; reached <= 3; reached++)
		for (int step = 2; step <= 4; step++) {
			int err = PF_OK;
			if (step == reached + 1 && reached)
				continue;
			if (reached)
				go(&one, &from, reached, out);
			else
				assert_int_equal(begin(&one, &from, "1234", &parked_1, &w), PF_OK);
			if (step == 2)
				err = pairing_challenge(p, now, &from, challenge, out);
			else if (step == 3)
				err = pairing_response(p, now, &from, response, out);
			else
				err = pairing_secret(p, now, &from, secret, &w);
			assert_int_equal(err, PF_E_BAD_PACKET);
			if (!reached)
				assert_ptr_equal(pairing_reap(p, now), &parked_1);
			assert_null(pairing_reap(p, now));
			/* Over: not even the right step goes on. */
			assert_int_equal(pairing_deadline(p), UINT64_MAX);
			assert_int_equal(
				pairing_challenge(p, now, &from, challenge, out), PF_E_BAD_PACKET);
			assert_int_equal(pairing_pin(p, now, "1234", 0, "", &w), PF_E_NO_FRAME);
		}
}

static void a_wrong_pin_is_found_by_both_sides(void **state)
{
	const struct pairing_from from = from_here();
	char out[2 * PAIRING_SECRET_MAX + 1], secret[2 * PAIRING_SECRET_MAX + 1], word[65];
	struct pairing_device w;
	(void)state;
	assert_int_equal(begin(&one, &from, "1234", &parked_1, &w), PF_OK);
	assert_int_equal(pairing_pin(p, now, "1235", 0, "", &w), PF_OK);
	device_challenge(&one, word);
	assert_int_equal(pairing_challenge(p, now, &from, word, out), PF_OK);
	assert_true(device_response(&one, out, word));
	assert_int_equal(pairing_response(p, now, &from, word, out), PF_OK);
	assert_false(device_trusts(&one, out, &host->cert));
	/* A device that goes on all the same. */
	device_secret(&one, one.key, secret);
	assert_int_equal(pairing_secret(p, now, &from, secret, &w), PF_E_CRYPTO);
	assert_int_equal(pairing_secret(p, now, &from, secret, &w), PF_E_BAD_PACKET);
}

static void another_key_than_the_certificates_is_refused(void **state)
{
	const struct pairing_from from = from_here();
	char out[2 * PAIRING_SECRET_MAX + 1], secret[2 * PAIRING_SECRET_MAX + 1];
	struct pairing_device w;
	(void)state;
	go(&one, &from, 3, out);
	device_secret(&one, two.key, secret);
	assert_int_equal(pairing_secret(p, now, &from, secret, &w), PF_E_CRYPTO);
}

/* Each bit of step 4 counts. */
static void a_changed_secret_is_refused(void **state)
{
	const struct pairing_from from = from_here();
	static const size_t places[] = {0, 31, 32, 33, 300, 543};
	char out[2 * PAIRING_SECRET_MAX + 1], secret[2 * PAIRING_SECRET_MAX + 1];
	struct pairing_device w;
	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		go(&one, &from, 3, out);
		device_secret(&one, one.key, secret);
		secret[places[i]] = secret[places[i]] == '0' ? '1' : '0';
		assert_int_equal(pairing_secret(p, now, &from, secret, &w), PF_E_CRYPTO);
	}
}

static void two_devices_at_once_are_kept_apart(void **state)
{
	const struct pairing_from from = from_here(), other = {UNIQUEID, &there};
	char out[2 * PAIRING_SECRET_MAX + 1], secret[2 * PAIRING_SECRET_MAX + 1], word[65];
	struct pairing_device w1, w2, list[PAIRING_MAX];
	(void)state;
	/* The same uniqueid from two addresses. */
	assert_int_equal(begin(&one, &from, "1111", &parked_1, &w1), PF_OK);
	assert_int_equal(begin(&two, &other, "2222", &parked_2, &w2), PF_OK);
	assert_int_equal(pairing_list(p, list, PAIRING_MAX), 2);
	assert_int_equal(list[0].number, w1.number);
	assert_int_equal(pairing_pin(p, now, "1111", 0, "", &w1), PF_E_FULL);
	assert_int_equal(pairing_pin(p, now, "2222", w2.number, "", &w2), PF_OK);
	assert_ptr_equal(w2.parked, &parked_2);
	/* The one that waits still may not take a step of the other one's. */
	device_challenge(&one, word);
	assert_int_equal(pairing_challenge(p, now, &from, word, out), PF_E_BAD_PACKET);
	assert_ptr_equal(pairing_reap(p, now), &parked_1);
	device_challenge(&two, word);
	assert_int_equal(pairing_challenge(p, now, &other, word, out), PF_OK);
	assert_true(device_response(&two, out, word));
	assert_int_equal(pairing_response(p, now, &other, word, out), PF_OK);
	device_secret(&two, two.key, secret);
	assert_int_equal(pairing_secret(p, now, &other, secret, &w2), PF_OK);
}

/* Behind one address, with one uniqueid: what follows the PIN names no certificate, so one goes after the other. */
static void two_devices_of_one_address_go_one_after_the_other(void **state)
{
	const struct pairing_from from = from_here();
	char out[2 * PAIRING_SECRET_MAX + 1], secret[2 * PAIRING_SECRET_MAX + 1], word[65];
	struct pairing_device w1, w2, done;
	(void)state;
	assert_int_equal(begin(&one, &from, "1111", &parked_1, &w1), PF_OK);
	assert_int_equal(begin(&two, &from, "2222", &parked_2, &w2), PF_OK);
	assert_int_equal(pairing_pin(p, now, "1111", w1.number, "", &done), PF_OK);
	assert_int_equal(pairing_pin(p, now, "2222", w2.number, "", &done), PF_E_BUSY);
	device_challenge(&one, word);
	assert_int_equal(pairing_challenge(p, now, &from, word, out), PF_OK);
	assert_true(device_response(&one, out, word));
	assert_int_equal(pairing_response(p, now, &from, word, out), PF_OK);
	device_secret(&one, one.key, secret);
	assert_int_equal(pairing_secret(p, now, &from, secret, &done), PF_OK);
	assert_memory_equal(done.fp, w1.fp, sizeof(w1.fp));
	/* The other one was not paired along, and waits. */
	assert_int_equal(pairing_secret(p, now, &from, secret, &done), PF_E_BAD_PACKET);
}

static void an_attempt_ends_with_time(void **state)
{
	const struct pairing_from from = from_here();
	char out[2 * PAIRING_SECRET_MAX + 1], word[33];
	struct pairing_device w;
	uint64_t start = now;
	(void)state;
	assert_int_equal(begin(&one, &from, "1234", &parked_1, &w), PF_OK);
	assert_int_equal(pairing_deadline(p), now + PAIRING_WAIT_NS);
	now += PAIRING_WAIT_NS;
	assert_int_equal(pairing_pin(p, now, "1234", 0, "", &w), PF_E_NO_FRAME);
	assert_ptr_equal(pairing_reap(p, now), &parked_1);
	go(&one, &from, 1, out);
	now += PAIRING_STEP_NS;
	device_challenge(&one, word);
	assert_int_equal(pairing_challenge(p, now, &from, word, out), PF_E_BAD_PACKET);
	now = start;
}

static void the_list_is_bounded(void **state)
{
	struct pairing_device w;
	char id[16];
	unsigned n = 0;
	(void)state;
	for (unsigned i = 0; i < 2 * PAIRING_PER_ADDRESS; i++) {
		struct pairing_from from = {id, &here};
		snprintf(id, sizeof(id), "%u", i);
		n += begin(&one, &from, "1234", &parked_1, &w) == PF_OK;
	}
	assert_int_equal(n, PAIRING_PER_ADDRESS);
	/* The same device again takes the place of its own. */
	const struct pairing_from again = {"0", &here}, other = {"0", &there};
	assert_int_equal(begin(&one, &again, "1234", &parked_2, &w), PF_OK);
	assert_ptr_equal(pairing_reap(p, now), &parked_1);
	assert_int_equal(begin(&one, &other, "1234", &parked_2, &w), PF_OK);
	for (unsigned i = 0; i < 200; i++) {
		union udp_addr addr = {.in4 = {.sin_family = AF_INET}};
		struct pairing_from from = {"x", &addr};
		addr.in4.sin_addr.s_addr = htonl(0x0a010000u + i);
		n += begin(&two, &from, "1234", &parked_1, &w) == PF_OK;
	}
	assert_int_equal(n, PAIRING_MAX - 1);
	assert_int_equal(begin(&two, &other, "1234", &parked_1, &w), PF_E_FULL);
}

static void who_hangs_up_is_forgotten(void **state)
{
	const struct pairing_from from = from_here();
	struct pairing_device w;
	(void)state;
	assert_int_equal(begin(&one, &from, "1234", &parked_1, &w), PF_OK);
	pairing_gone(p, &parked_1);
	assert_int_equal(pairing_pin(p, now, "1234", 0, "", &w), PF_E_NO_FRAME);
	assert_null(pairing_reap(p, now));
}

static void giving_up_ends_only_what_is_past_its_pin(void **state)
{
	const struct pairing_from from = from_here();
	char out[2 * PAIRING_SECRET_MAX + 1];
	struct pairing_device w;
	(void)state;
	assert_int_equal(begin(&one, &from, "1234", &parked_1, &w), PF_OK);
	assert_int_equal(pairing_cancel(p, &from), 0);
	assert_int_equal(pairing_pin(p, now, "1234", 0, "", &w), PF_OK);
	assert_int_equal(pairing_cancel(p, &from), w.number);
	device_challenge(&one, out);
	assert_int_equal(pairing_challenge(p, now, &from, "00", out), PF_E_BAD_PACKET);
}

static void only_four_digits_are_a_pin(void **state)
{
	static const char *const bad[] = {"", "123", "12345", "12a4", "12 4", "-123", "１２３４"};
	const struct pairing_from from = from_here();
	struct pairing_device w;
	(void)state;
	assert_int_equal(begin(&one, &from, "1234", &parked_1, &w), PF_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(pairing_pin(p, now, bad[i], 0, "", &w), PF_E_INVALID);
	assert_int_equal(pairing_pin(p, now, "1234", 77, "", &w), PF_E_NO_FRAME);
	assert_int_equal(pairing_pin(p, now, "1234", 0, "", &w), PF_OK);
}

static void bad_first_steps_are_refused(void **state)
{
	const struct pairing_from from = from_here();
	static char big[2 * GS_CERT_PEM_MAX + 4];
	char long_id[PAIRING_UNIQUEID_MAX + 2], *good = one.cert_hex;
	static const char salt[] = "00112233445566778899aabbccddeeff";
	struct pairing_device w;
	(void)state;
	assert_int_equal(pairing_begin(p, now, &from, NULL, good, p, &w), PF_E_BAD_PACKET);
	assert_int_equal(pairing_begin(p, now, &from, salt, NULL, p, &w), PF_E_BAD_PACKET);
	assert_int_equal(pairing_begin(p, now, &from, salt + 1, good, p, &w), PF_E_BAD_PACKET);
	assert_int_equal(pairing_begin(p, now, &from, salt + 2, good, p, &w), PF_E_BAD_PACKET);
	assert_int_equal(pairing_begin(p, now, &from, salt, good + 1, p, &w), PF_E_BAD_PACKET);
	assert_int_equal(pairing_begin(p, now, &from, salt, "zz", p, &w), PF_E_BAD_PACKET);
	assert_int_equal(pairing_begin(p, now, &from, salt, "", p, &w), PF_E_INVALID);
	assert_int_equal(pairing_begin(p, now, &from, salt, "41424344", p, &w), PF_E_INVALID);
	memset(big, 'a', sizeof(big) - 2);
	assert_int_equal(pairing_begin(p, now, &from, salt, big, p, &w), PF_E_BAD_PACKET);
	memset(long_id, 'a', sizeof(long_id) - 1);
	long_id[sizeof(long_id) - 1] = '\0';
	const struct pairing_from odd = {long_id, &here};
	assert_int_equal(pairing_begin(p, now, &odd, salt, good, p, &w), PF_E_BAD_PACKET);
	assert_int_equal(pairing_deadline(p), UINT64_MAX);
}

static int parse(const struct device_kind *kind)
{
	struct device d;
	struct gs_cert cert;
	device_make(&d, kind);
	int err = gs_cert_parse(&cert, d.cert_pem, strlen(d.cert_pem));
	gs_cert_finish(&cert);
	device_free(&d);
	return err;
}

static void certificates_of_every_kind(void **state)
{
	struct gs_cert cert;
	char cut[GS_CERT_PEM_MAX];
	(void)state;
	assert_int_equal(parse(&(struct device_kind){.bits = 1024}), PF_E_INVALID);
	assert_int_equal(parse(&(struct device_kind){.bits = 4104}), PF_E_INVALID);
	assert_int_equal(parse(&(struct device_kind){.bits = 3072}), PF_OK);
	assert_int_equal(parse(&(struct device_kind){.expired = true}), PF_OK);
	assert_int_equal(parse(&(struct device_kind){.ca = true}), PF_OK);
	assert_int_equal(parse(&(struct device_kind){.key_usage = "keyCertSign"}), PF_OK);
	/* No certificate of another key. */
	assert_int_equal(gs_cert_parse(&cert, one.key_pem, strlen(one.key_pem)), PF_E_INVALID);
	size_t len = strlen(one.cert_pem);
	for (size_t n = 0; n < len - 30; n += 7) {
		memcpy(cut, one.cert_pem, n);
		assert_int_equal(gs_cert_parse(&cert, cut, n), PF_E_INVALID);
	}
}

static void the_hosts_identity_stays(void **state)
{
	struct gs_identity *again = NULL;
	char why[512], path[300];
	struct stat st;
	(void)state;
	assert_int_equal(gs_identity_load_or_create(&again, dir, why, sizeof(why)), PF_OK);
	assert_string_equal(again->pem.cert, host->pem.cert);
	assert_string_equal(again->uuid, host->uuid);
	assert_int_equal(strlen(again->uuid), 36);
	gs_identity_destroy(again);
	snprintf(path, sizeof(path), "%s/gamestream-key.pem", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* One without the other, or another's key: never replaced. */
	FILE *f = fopen(path, "w");
	fputs(one.key_pem, f);
	fclose(f);
	assert_int_equal(gs_identity_load_or_create(&again, dir, why, sizeof(why)), PF_E_INVALID);
	assert_non_null(strstr(why, "gamestream-key.pem"));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(gs_identity_load_or_create(&again, dir, why, sizeof(why)), PF_E_INVALID);
	f = fopen(path, "w");
	fputs(host->pem.key, f);
	fclose(f);
	assert_int_equal(chmod(path, 0600), 0);
}

static int make_all(void **state)
{
	char why[512];
	(void)state;
	here = (union udp_addr){.in4 = {.sin_family = AF_INET}};
	there = here;
	here.in4.sin_addr.s_addr = htonl(0xc0a80105);
	there.in4.sin_addr.s_addr = htonl(0xc0a80106);
	device_make(&one, NULL);
	device_make(&two, NULL);
	if (test_folder(dir, sizeof(dir), "gs-pairing") < 0)
		return -1;
	return gs_identity_load_or_create(&host, dir, why, sizeof(why));
}

static int free_all(void **state)
{
	static const char *const files[] = {"gamestream-cert.pem", "gamestream-key.pem", "host-id"};
	char path[300];
	(void)state;
	gs_identity_destroy(host);
	device_free(&one);
	device_free(&two);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
	}
	return rmdir(dir);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_device_pairs),
		TEST(both_cases_of_hex),
		TEST(a_step_out_of_order_ends_the_attempt),
		TEST(a_wrong_pin_is_found_by_both_sides),
		TEST(another_key_than_the_certificates_is_refused),
		TEST(a_changed_secret_is_refused),
		TEST(two_devices_at_once_are_kept_apart),
		TEST(two_devices_of_one_address_go_one_after_the_other),
		TEST(an_attempt_ends_with_time),
		TEST(the_list_is_bounded),
		TEST(who_hangs_up_is_forgotten),
		TEST(giving_up_ends_only_what_is_past_its_pin),
		TEST(only_four_digits_are_a_pin),
		TEST(bad_first_steps_are_refused),
		TEST(certificates_of_every_kind),
		TEST(the_hosts_identity_stays),
	};
	return cmocka_run_group_tests(tests, make_all, free_all);
}
