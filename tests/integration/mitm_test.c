/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Somebody in between: a real host, the real client library, and a process that ends TLS on both sides
 * (interposer.c). Pairing must find it out, store nothing and cost the PIN, whatever that process does.
 */
#include "tests/test.h"

#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "host/ctl/ctl.h"
#include "host/trust/trust.h"
#include "punktfunk_core.h"
#include "tests/integration/interposed.h"
#include "tests/support/host_process.h"

#define CTL_WAIT_MS 5000

/* `PKFc` and the type, as the interposer prints payloads. */
#define SAID_REQUEST   "client said 504b466310"
#define SAID_CHALLENGE "host said 504b466311"
#define SAID_PROOF     "client said 504b466312"
#define SAID_RESULT    "host said 504b466313"

static struct host_process host;
struct device {
	const char *name;
	char cert[PUNKTFUNK_PEM_MAX], key[PUNKTFUNK_PEM_MAX];
	uint8_t fp[32];
};
static struct device sofa = {.name = "sofa"}, kitchen = {.name = "kitchen"};
static struct interposed between;

static int make_device(struct device *d)
{
	int err = punktfunk_generate_identity(d->cert, sizeof d->cert, d->key, sizeof d->key);
	return err ? err : punktfunk_identity_fingerprint(d->cert, d->key, d->fp);
}

static int start_host(void **state)
{
	(void)state;
	static const char *const args[] = {
		"--source", "synthetic", "--encoder", "null", "--test-pair-cooldown", "0", NULL};
	if (make_device(&sofa) || make_device(&kitchen))
		return -1;
	return host_process_start(&host, getenv("PUNKTFUNK_HOST"), args);
}

static int end_host(void **state)
{
	(void)state;
	interposed_stop(&between);
	return host_process_finish(&host);
}

static json_t *ask(const char *command)
{
	char path[128], why[256] = "";
	json_t *result = NULL;
	snprintf(path, sizeof path, "%s/host.sock", host.dir);
	if (ctl_request(path, command, NULL, &result, CTL_WAIT_MS, why, sizeof why) < 0)
		fail_msg("%s: %s", command, why);
	return result;
}

static void arm(char pin[static 5])
{
	json_t *result = ask("pair.arm");
	const char *text = json_string_value(json_object_get(result, "pin"));
	assert_non_null(text);
	snprintf(pin, 5, "%s", text);
	json_decref(result);
}

/* Another PIN than this one. */
static void other_pin(char out[static 5], const char *pin)
{
	memcpy(out, pin, 5);
	out[3] = out[3] == '9' ? '0' : (char)(out[3] + 1);
}

/* The list of paired clients as it lies on the disk; empty when there is none. */
static void read_store(char *out, size_t cap)
{
	char path[128];
	snprintf(path, sizeof path, "%s/" TRUST_FILE, host.dir);
	FILE *f = fopen(path, "re");
	out[f ? fread(out, 1, cap - 1, f) : 0] = 0;
	if (f)
		fclose(f);
}

static bool store_has(const uint8_t fp[static 32])
{
	static char text[TRUST_FILE_MAX + 1];
	char hex[TRUST_HEX_LEN + 1];
	read_store(text, sizeof text);
	trust_hex(hex, fp);
	return strstr(text, hex);
}

static int pair_as(const struct device *d, int port, const char *pin, uint8_t *fp, char *message,
	size_t message_len)
{
	struct punktfunk_pair_opts opts;
	punktfunk_pair_opts_init(&opts);
	opts.host = "127.0.0.1";
	opts.port = (uint16_t)port;
	opts.cert_pem = d->cert;
	opts.key_pem = d->key;
	opts.name = d->name;
	opts.pin = pin;
	opts.timeout_ms = 5000;
	return punktfunk_pair(&opts, fp, message, message_len);
}

static int pair_at(int port, const char *pin, uint8_t *fp, char *message, size_t message_len)
{
	return pair_as(&sofa, port, pin, fp, message, message_len);
}

/*
 * The client pairs through the interposer and must be told what may be wrong; nothing is stored, nobody has
 * a fingerprint to keep, and `burnt` says whether the PIN reached the host and is of no more use. last_words: what
 * the interposer says in the end; NULL = nothing special.
 */
static void fails_through(const char *pin, int expected, bool burnt, const char *last_words)
{
	static const uint8_t nothing[32];
	static char before[TRUST_FILE_MAX + 1], after[TRUST_FILE_MAX + 1];
	uint8_t fp[32] = {0};
	char message[256] = "";
	read_store(before, sizeof before);
	assert_int_equal(pair_at(between.port, pin, fp, message, sizeof message), expected);
	assert_memory_equal(fp, nothing, sizeof fp);
	if (expected == PUNKTFUNK_E_CRYPTO &&
		(!strstr(message, "PIN") || !strstr(message, "between")))
		fail_msg("that is for a person who cannot know: '%s'", message);
	if (expected == PUNKTFUNK_E_BAD_PACKET && strstr(message, "PIN"))
		fail_msg("nobody looked at a PIN there: '%s'", message);
	if (burnt)
		interposed_expect(&between, SAID_CHALLENGE);
	interposed_expect(&between, "client ended");
	if (last_words)
		interposed_expect(&between, last_words);
	read_store(after, sizeof after);
	assert_string_equal(before, after);
	assert_false(store_has(sofa.fp));
	/* Straight to the host, with nobody in between: the PIN has gone. */
	if (burnt) {
		assert_int_equal(pair_at(host.port, pin, fp, message, sizeof message),
			PUNKTFUNK_E_NOT_ARMED);
		assert_false(store_has(sofa.fp));
	}
	interposed_stop(&between);
}

static void relaying_fails(void **state)
{
	(void)state;
	char pin[5];
	char message[256];
	uint8_t fp[32];
	/* So that there is a list which could be spoilt. */
	arm(pin);
	assert_int_equal(
		pair_as(&kitchen, host.port, pin, fp, message, sizeof message), PUNKTFUNK_OK);
	assert_true(store_has(kitchen.fp));
	arm(pin);
	interposed_start(&between, host.port, "relay", NULL);
	fails_through(pin, PUNKTFUNK_E_CRYPTO, true, NULL);
	/* It was really in between, and the client kept its proof for itself. */
	assert_non_null(strstr(between.said, SAID_REQUEST));
	assert_null(strstr(between.said, SAID_PROOF));
	assert_null(strstr(between.said, SAID_RESULT));
}

static void changing_a_bit_fails(void **state)
{
	(void)state;
	static const char *const fields[] = {"x", "y", "confirm"};
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		char pin[5], flipped[32];
		snprintf(flipped, sizeof flipped, "flipped %s", fields[i]);
		arm(pin);
		interposed_start(&between, host.port, "flip", fields[i]);
		uint8_t fp[32];
		char message[256];
		/* A point with another bit may be none: then the one who looks at it ends. */
		const int err = pair_at(between.port, pin, fp, message, sizeof message);
		assert_true(err < 0);
		interposed_expect(&between, flipped);
		interposed_expect(&between, "client ended");
		assert_false(store_has(sofa.fp));
		assert_int_equal(pair_at(host.port, pin, fp, message, sizeof message),
			PUNKTFUNK_E_NOT_ARMED);
		interposed_stop(&between);
	}
}

/* A challenge of an earlier ceremony, whose PIN the interposer may have learnt since. */
static void replaying_fails(void **state)
{
	(void)state;
	char pin[5], old[512];
	arm(pin);
	interposed_start(&between, host.port, "relay", NULL);
	fails_through(pin, PUNKTFUNK_E_CRYPTO, true, NULL);
	const char *said = strstr(between.said, SAID_CHALLENGE);
	assert_non_null(said);
	assert_int_equal(sscanf(said, "host said %511[0-9a-f]", old), 1);
	arm(pin);
	interposed_start(&between, host.port, "replay", old);
	fails_through(pin, PUNKTFUNK_E_CRYPTO, true, NULL);
	assert_non_null(strstr(between.said, "replayed"));
}

/* The client found out and left; the interposer hands the host its own confirmation back. */
static void forging_a_proof_fails(void **state)
{
	(void)state;
	char pin[5];
	arm(pin);
	interposed_start(&between, host.port, "forge", NULL);
	fails_through(pin, PUNKTFUNK_E_CRYPTO, true, SAID_RESULT "00");
	assert_null(strstr(between.said, SAID_RESULT "01"));
}

/* No host at all. */
static void answering_alone_fails(void **state)
{
	(void)state;
	char pin[5], wrong[5];
	arm(pin);
	interposed_start(&between, host.port, "skip", NULL);
	fails_through(pin, PUNKTFUNK_E_BAD_PACKET, false, NULL);
	other_pin(wrong, pin);
	interposed_start(&between, host.port, "answer", wrong);
	fails_through(pin, PUNKTFUNK_E_CRYPTO, false, NULL);
	assert_null(strstr(between.said, SAID_PROOF));
	/* The PIN never reached the host: it is still good for the one who reads it there. */
	uint8_t fp[32];
	char message[256];
	assert_int_equal(pair_at(host.port, pin, fp, message, sizeof message), PUNKTFUNK_OK);
}

static void playing_both_sides_fails(void **state)
{
	(void)state;
	char pin[5], wrong[5];
	arm(pin);
	other_pin(wrong, pin);
	interposed_start(&between, host.port, "split", wrong);
	fails_through(pin, PUNKTFUNK_E_CRYPTO, true, NULL);
	assert_non_null(strstr(between.said, "host not ours"));
	assert_null(strstr(between.said, "paired with us"));
}

/*
 * What the tests above lean on: an interposer that knows the PIN gets everything, so that it is the PIN, and
 * not a fault of the interposer's, that stopped it.
 */
static void with_the_pin_it_would_have_worked(void **state)
{
	(void)state;
	char pin[5], message[256];
	uint8_t fp[32];
	arm(pin);
	interposed_start(&between, host.port, "split", pin);
	assert_int_equal(pair_at(between.port, pin, fp, message, sizeof message), PUNKTFUNK_OK);
	interposed_expect(&between, "client paired with us");
	interposed_expect(&between, "host paired with us");
	assert_false(store_has(sofa.fp));
	interposed_stop(&between);
}

static void straight_through_works(void **state)
{
	(void)state;
	char pin[5], message[256] = "", again[256];
	uint8_t fp[32], probed[32];
	arm(pin);
	if (pair_at(host.port, pin, fp, message, sizeof message))
		fail_msg("pairing with nobody in between: %s", message);
	assert_true(store_has(sofa.fp));
	assert_int_equal(punktfunk_probe("127.0.0.1", (uint16_t)host.port, 5000, probed, NULL,
				 message, sizeof message),
		PUNKTFUNK_OK);
	assert_memory_equal(fp, probed, sizeof fp);
	/* Once only. */
	assert_int_equal(pair_at(host.port, pin, fp, again, sizeof again), PUNKTFUNK_E_NOT_ARMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(straight_through_works, start_host, end_host),
		cmocka_unit_test_setup_teardown(relaying_fails, start_host, end_host),
		cmocka_unit_test_setup_teardown(changing_a_bit_fails, start_host, end_host),
		cmocka_unit_test_setup_teardown(replaying_fails, start_host, end_host),
		cmocka_unit_test_setup_teardown(forging_a_proof_fails, start_host, end_host),
		cmocka_unit_test_setup_teardown(answering_alone_fails, start_host, end_host),
		cmocka_unit_test_setup_teardown(playing_both_sides_fails, start_host, end_host),
		cmocka_unit_test_setup_teardown(
			with_the_pin_it_would_have_worked, start_host, end_host),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
