/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * A real host as a Moonlight client meets it over HTTP and HTTPS, and as somebody does who wants to be one: the
 * ways by which other hosts were entered are tried here.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/ctl/ctl.h"
#include "host/gamestream/identity.h"
#include "host/http/http.h"
#include "tests/moonlight/pairing.h"
#include "tests/test.h"

static struct moon_host moon;
static struct device alice, bob, mallory;
static struct gs_identity *host_id;
static char path[40000];

/* --- requests --- */

static struct http_get plain(void)
{
	return moon_plain(&moon);
}

static struct http_get tls(const struct device *d)
{
	return moon_tls(&moon, d);
}

/* The status in the root of the answer, or -1. The transport's is 200. */
static int ask(const struct http_get *g, const char *request)
{
	int transport, status = moon_ask(&moon, g, request, &transport);
	if (transport != 200)
		fail_msg("%s: transport status %d", request, transport);
	return status;
}

static bool element(char *out, size_t cap, const char *name)
{
	return moon_element(&moon, out, cap, name);
}

static bool is(const char *name, const char *value)
{
	return moon_is(&moon, name, value);
}

static int command(const char *name, json_t *args, json_t **result)
{
	return moon_command(&moon, name, args, result);
}

static void command_refused(const char *name, json_t *args, const char *words)
{
	char at[128], why[600] = "";
	json_t *result = NULL;
	snprintf(at, sizeof(at), "%s/host.sock", moon.process.dir);
	assert_int_equal(
		ctl_request(at, name, args, &result, 5000, why, sizeof(why)), PF_E_INVALID);
	if (!strstr(why, words))
		fail_msg("%s: '%s' has no '%s'", name, why, words);
	json_decref(args);
}

/* --- pairing --- */

static size_t n_waiting(void)
{
	return moon_waiting(&moon);
}

static void wait_for_waiting(size_t n)
{
	for (int i = 0; i < 500 && n_waiting() != n; i++)
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	assert_int_equal(n_waiting(), n);
}

static void begin(struct moon_first_step *f, struct device *d, const char *pin)
{
	assert_true(moon_begin(f, &moon, d, pin));
}

static int type_pin(const char *pin, int device)
{
	return moon_type_pin(&moon, pin, device, "test");
}

static int step(const char *argument, const char *value)
{
	return moon_step(&moon, argument, value);
}

static int steps(struct device *d)
{
	return moon_steps(&moon, d, &host_id->cert);
}

static void pair(struct device *d)
{
	assert_true(moon_pair(&moon, d, &host_id->cert, "test"));
}

static int fresh(void **state)
{
	(void)state;
	while (command("gamestream.unpair", json_pack("{s:s}", "client", "test"), NULL) == PF_OK)
		;
	return 0;
}

/* --- tests --- */

static void a_stranger_hears_what_it_needs(void **state)
{
	static const char *const filled[] = {"hostname", "appversion", "GfeVersion", "uniqueid",
		"HttpsPort", "ServerCodecModeSupport", "PairStatus", "currentgame", "state"};
	const struct http_get g = plain();
	char text[256];
	(void)state;
	assert_int_equal(ask(&g, "/serverinfo?" MOON_UNIQUEID), 200);
	for (size_t i = 0; i < sizeof(filled) / sizeof(filled[0]); i++) {
		assert_true(element(text, sizeof(text), filled[i]));
		assert_true(text[0]);
	}
	assert_true(is("PairStatus", "0"));
	assert_true(is("mac", "00:00:00:00:00:00"));
	assert_true(is("uniqueid", host_id->uuid));
	assert_true(is("state", "PUNKTFUNK_SERVER_FREE"));
	assert_false(is("ServerCodecModeSupport", "0"));
	assert_int_equal(ask(&g, "/applist?" MOON_UNIQUEID), 404);
	assert_int_equal(ask(&g, "/launch?" MOON_UNIQUEID "&appid=1"), 404);
	assert_int_equal(ask(&g, "/pair?" MOON_UNIQUEID "&phrase=pairchallenge"), 200);
	assert_true(is("paired", "0"));
}

static void is_let_in(const struct device *d, bool in)
{
	static const char *const requests[] = {"/serverinfo?" MOON_UNIQUEID,
		"/applist?" MOON_UNIQUEID,
		"/appasset?" MOON_UNIQUEID "&appid=1&AssetType=2&AssetIdx=0",
		"/launch?" MOON_UNIQUEID "&appid=1", "/resume?" MOON_UNIQUEID,
		"/cancel?" MOON_UNIQUEID, "/pair?" MOON_UNIQUEID "&phrase=pairchallenge", "/",
		"/no/such/thing", "/Launch?" MOON_UNIQUEID "&appid=1", "//applist?" MOON_UNIQUEID,
		"/applist/?" MOON_UNIQUEID};
	const struct http_get g = tls(d);
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		if (in && strstr(requests[i], "appasset"))
			continue;
		int status = ask(&g, requests[i]);
		if (in == (status == 401))
			fail_msg("%s: %d", requests[i], status);
		if (!in)
			assert_null(strstr(moon.body, "<AppTitle>"));
	}
}

static void a_pairing_lets_exactly_that_device_in(void **state)
{
	struct device derived, copied, again;
	const struct http_get alices = tls(&alice);
	(void)state;
	is_let_in(NULL, false);
	is_let_in(&alice, false);
	pair(&alice);
	is_let_in(&alice, true);
	assert_int_equal(ask(&alices, "/serverinfo?" MOON_UNIQUEID), 200);
	assert_true(is("PairStatus", "1"));
	assert_int_equal(ask(&alices, "/applist?" MOON_UNIQUEID), 200);
	assert_true(is("AppTitle", "Desktop"));
	is_let_in(&bob, false);
	is_let_in(NULL, false);
	/* Signed by the paired one, which is an authority besides; and the same names with another key. */
	device_make(&derived, &(struct device_kind){.by = &alice});
	is_let_in(&derived, false);
	device_make(&copied, NULL);
	is_let_in(&copied, false);
	/* Another certificate for the key that was paired. */
	device_make(&again, &(struct device_kind){.twin = &alice});
	is_let_in(&again, false);
	/* Over HTTP nobody is known. */
	const struct http_get g = plain();
	assert_int_equal(ask(&g, "/serverinfo?" MOON_UNIQUEID), 200);
	assert_true(is("PairStatus", "0"));
	/* What anybody may send takes nothing away. */
	assert_int_equal(ask(&g, "/unpair?" MOON_UNIQUEID), 200);
	assert_int_equal(ask(&alices, "/unpair?" MOON_UNIQUEID), 200);
	is_let_in(&alice, true);
	/* The person can, and at once. */
	assert_int_equal(
		command("gamestream.unpair", json_pack("{s:s}", "client", "test"), NULL), PF_OK);
	is_let_in(&alice, false);
	command_refused("gamestream.unpair", json_pack("{s:s}", "client", "test"),
		"called 'test'; punktfunk-host clients");
	command_refused(
		"gamestream.access", json_pack("{s:s}", "client", "a\x1b[1mb"), "called 'a?[1mb'");
	device_free(&derived);
	device_free(&copied);
	device_free(&again);
}

static void odd_certificates_of_paired_devices_work(void **state)
{
	static const struct device_kind kinds[] = {
		{.expired = true}, {.ca = true}, {.bits = 3072}, {.bits = 4096, .names = 150}};
	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct device d;
		device_make(&d, &kinds[i]);
		pair(&d);
		is_let_in(&d, true);
		device_free(&d);
		fresh(NULL);
	}
}

static void no_step_can_be_left_out(void **state)
{
	struct moon_first_step f;
	char secret[2 * (16 + GS_CERT_SIG_MAX) + 1], zeros[65];
	(void)state;
	memset(zeros, '0', 64);
	zeros[64] = '\0';
	device_begin(&mallory, "0000", zeros);
	memset(zeros, '0', 64);
	device_secret(&mallory, mallory.key, secret);
	/* Nothing began. */
	assert_false(step("clientpairingsecret", secret));
	assert_false(step("serverchallengeresp", zeros));
	assert_false(step("clientchallenge", "00000000000000000000000000000000"));
	/* It began, and nobody typed the PIN: the last step first. */
	begin(&f, &mallory, "0000");
	assert_false(step("clientpairingsecret", secret));
	moon_begun(&f);
	assert_null(strstr(f.reply, "plaincert"));
	is_let_in(&mallory, false);
	/* The PIN, and then the last step at once. */
	begin(&f, &mallory, "0000");
	assert_int_equal(type_pin("0000", 0), PF_OK);
	moon_begun(&f);
	assert_false(step("clientpairingsecret", secret));
	assert_int_equal(steps(&mallory), 0);
	is_let_in(&mallory, false);
}

static void a_wrong_pin_is_one_guess(void **state)
{
	struct moon_first_step f;
	char word[65], value[200];
	(void)state;
	begin(&f, &mallory, "1234");
	assert_int_equal(type_pin("4321", 0), PF_OK);
	moon_begun(&f);
	device_challenge(&mallory, word);
	assert_true(step("clientchallenge", word));
	assert_true(element(value, sizeof(value), "challengeresponse"));
	assert_true(device_response(&mallory, value, word));
	assert_true(step("serverchallengeresp", word));
	char secret[2 * (16 + GS_CERT_SIG_MAX) + 1];
	device_secret(&mallory, mallory.key, secret);
	assert_false(step("clientpairingsecret", secret));
	assert_int_equal(type_pin("1234", 0), PF_E_INVALID);
	is_let_in(&mallory, false);
}

static int number_of(const struct device *d)
{
	json_t *result = NULL, *w;
	uint8_t fp[32];
	char hex[65];
	size_t i;
	int number = 0;
	unsigned len = sizeof(fp);
	X509_digest(d->x509, EVP_sha256(), fp, &len);
	hex_write(hex, fp, sizeof(fp));
	assert_int_equal(command("gamestream.waiting", NULL, &result), PF_OK);
	json_array_foreach(json_object_get(result, "devices"), i,
		w) if (!strcmp(json_string_value(json_object_get(w, "fingerprint")), hex))
		number = (int)json_integer_value(json_object_get(w, "number"));
	json_decref(result);
	return number;
}

/* Somebody with the same uniqueid and address begins as well: the PIN is for the one that was named. */
static void two_at_once_do_not_mix(void **state)
{
	static struct moon_first_step fa, fm;
	(void)state;
	begin(&fa, &alice, "4711");
	begin(&fm, &mallory, "0000");
	assert_int_equal(type_pin("4711", 0), PF_E_INVALID);
	assert_int_equal(type_pin("4711", number_of(&alice)), PF_OK);
	moon_begun(&fa);
	assert_int_equal(steps(&alice), 3);
	is_let_in(&alice, true);
	is_let_in(&mallory, false);
	/* The other one still waits, and gets nothing from the first one's success. */
	assert_int_equal(n_waiting(), 1);
	assert_int_equal(steps(&mallory), 0);
	moon_begun(&fm);
	assert_non_null(strstr(fm.reply, "<paired>0</paired>"));
	is_let_in(&mallory, false);
}

static void who_hangs_up_does_not_wait_any_more(void **state)
{
	const struct http_get g = plain();
	char salt[33];
	(void)state;
	device_begin(&bob, "1111", salt);
	int n = snprintf(path, sizeof(path),
		"GET /pair?" MOON_UNIQUEID
		"&phrase=getservercert&salt=%s&clientcert=%s HTTP/1.1\r\nHost: x\r\n\r\n",
		salt, bob.cert_hex);
	int fd = http_get_connect(&g);
	assert_int_equal(write(fd, path, (size_t)n), n);
	wait_for_waiting(1);
	close(fd);
	wait_for_waiting(0);
}

static void pictures_come_by_number_only(void **state)
{
	static const char *const tricks[] = {"../../../../etc/passwd", "%2e%2e%2fhost-id",
		"/etc/passwd", "1/../../host-id", "0", "-1", "1%00", "2147483648",
		"99999999999999999999", "1x", "", "gamestream-key.pem", "file:///etc/passwd"};
	size_t len = 0;
	(void)state;
	pair(&alice);
	const struct http_get g = tls(&alice);
	for (size_t i = 0; i < sizeof(tricks) / sizeof(tricks[0]); i++) {
		snprintf(path, sizeof(path),
			"/appasset?" MOON_UNIQUEID "&appid=%s&AssetType=2&AssetIdx=0", tricks[i]);
		assert_int_equal(ask(&g, path), 404);
	}
	assert_int_equal(http_get(&g, "/appasset?appid=1&AssetType=../../x&AssetIdx=0", moon.body,
				 sizeof(moon.body), &len),
		200);
	assert_true(len > 1000);
	assert_memory_equal(moon.body, "\x89PNG\r\n\x1a\n", 8);
	/* Paths that are none of ours. */
	assert_int_equal(ask(&g, "/../../etc/passwd"), 404);
	assert_int_equal(ask(&g, "/appasset/../serverinfo"), 404);
}

static void launches_with_bad_words_are_refused(void **state)
{
	static const char *const bad[] = {"mode=1280x720x60&rikey=00&rikeyid=1",
		"mode=1280x720x60&rikey=000102030405060708090a0b0c0d0e0f",
		"mode=1280x720&rikey=000102030405060708090a0b0c0d0e0f&rikeyid=1",
		"mode=99999x99999x60&rikey=000102030405060708090a0b0c0d0e0f&rikeyid=1",
		"mode=8192x8192x60&rikey=000102030405060708090a0b0c0d0e0f&rikeyid=1",
		"mode=0x0x0&rikey=000102030405060708090a0b0c0d0e0f&rikeyid=1",
		"mode=1280x720x60&rikey=000102030405060708090a0b0c0d0e0g&rikeyid=1",
		"mode=1280x720x60&rikey=000102030405060708090a0b0c0d0e0f&rikeyid=1%2e5"};
	(void)state;
	pair(&alice);
	const struct http_get g = tls(&alice);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(path, sizeof(path), "/launch?" MOON_UNIQUEID "&appid=1&%s", bad[i]);
		assert_int_equal(ask(&g, path), 400);
	}
	assert_int_equal(ask(&g, "/launch?" MOON_UNIQUEID "&appid=77"), 404);
	assert_int_equal(ask(&g,
				 "/resume?" MOON_UNIQUEID "&mode=1280x720x60&rikeyid=-1&"
				 "rikey=000102030405060708090a0b0c0d0e0f"),
		400);
	assert_int_equal(ask(&g, "/cancel?" MOON_UNIQUEID), 200);
	assert_true(is("cancel", "1"));
	/* No key of a client in the log. */
	assert_false(host_process_logged(&moon.process, "000102030405060708090a0b0c0d0e0f", 0));
}

static void oversized_requests_are_refused(void **state)
{
	static char big[200000];
	struct http_get g = plain();
	(void)state;
	for (int tried = 0; tried < 4; tried++) {
		int n = 0;
		if (tried == 0) { /* a path without end */
			n = snprintf(big, sizeof(big), "GET /");
			memset(big + n, 'a', sizeof(big) - (size_t)n);
			n = sizeof(big);
		} else if (tried == 1) { /* a header without end */
			n = snprintf(big, sizeof(big), "GET /serverinfo HTTP/1.1\r\nX: ");
			memset(big + n, 'a', sizeof(big) - (size_t)n);
			n = sizeof(big);
		} else if (tried == 2) { /* arguments without end */
			n = snprintf(big, sizeof(big), "GET /serverinfo?");
			for (int i = 0; i < 2000; i++)
				n += snprintf(big + n, sizeof(big) - (size_t)n, "a%d=1&", i);
			n += snprintf(
				big + n, sizeof(big) - (size_t)n, " HTTP/1.1\r\nHost: x\r\n\r\n");
		} else { /* headers without end */
			n = snprintf(big, sizeof(big), "GET /serverinfo HTTP/1.1\r\n");
			for (int i = 0; i < 9000; i++)
				n += snprintf(big + n, sizeof(big) - (size_t)n, "A%d: b\r\n", i);
		}
		assert_int_not_equal(
			http_send(&g, big, (size_t)n, moon.body, sizeof(moon.body), NULL), 200);
	}
	g.wait_s = 1; /* some of these are taken for the beginning of more */
	static const char *const others[] = {
		"POST /serverinfo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde",
		"GET /serverinfo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
		("GET /serverinfo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
		 "chunked\r\n\r\nffffffff\r\n"),
		"DELETE /unpair HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n\r\n\r\nabc\r\n\r\n",
		"GET serverinfo\r\n\r\n"};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_not_equal(http_send(&g, others[i], strlen(others[i]), moon.body,
					     sizeof(moon.body), NULL),
			200);
	assert_int_equal(ask(&g, "/serverinfo?" MOON_UNIQUEID), 200);
	assert_true(host_process_running(&moon.process));
}

/* One address takes what it gets, and says nothing: the others are served. */
static void a_flood_from_one_address_leaves_the_others_served(void **state)
{
	int fds[2][HTTP_PER_ADDRESS + 8];
	struct http_get bad[2] = {plain(), tls(NULL)}, good = plain();
	(void)state;
	bad[0].from = bad[1].from = "127.0.0.7";
	good.from = "127.0.0.8";
	for (int k = 0; k < 2; k++)
		for (size_t i = 0; i < HTTP_PER_ADDRESS + 8; i++) {
			fds[k][i] = http_get_connect(&bad[k]);
			assert_true(fds[k][i] >= 0);
			assert_int_equal(write(fds[k][i], "G", 1), 1);
		}
	assert_int_equal(ask(&good, "/serverinfo?" MOON_UNIQUEID), 200);
	good = tls(NULL);
	good.from = "127.0.0.8";
	assert_int_equal(ask(&good, "/serverinfo?" MOON_UNIQUEID), 401);
	/* The address itself has no place left. */
	assert_int_not_equal(
		http_get(&bad[0], "/serverinfo", moon.body, sizeof(moon.body), NULL), 200);
	for (int k = 0; k < 2; k++)
		for (size_t i = 0; i < HTTP_PER_ADDRESS + 8; i++)
			close(fds[k][i]);
}

/*
 * What costs the host much more than it costs a stranger: groups of 8,192 bits, keys that take long to check,
 * certificates that take long to read.
 */
static void handshakes_stay_cheap(void **state)
{
	static const char *const dear[] = {"NORMAL:-GROUP-ALL:+GROUP-FFDHE8192",
		"NORMAL:-GROUP-ALL:+GROUP-FFDHE2048",
		"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+DHE-RSA",
		"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA"};
	static const char *const fine[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.2",
		"NORMAL:-GROUP-ALL:+GROUP-SECP256R1", "NORMAL:-GROUP-ALL:+GROUP-SECP384R1",
		"NORMAL:-VERS-ALL:+VERS-TLS1.2:-GROUP-ALL:+GROUP-SECP256R1"};
	static const struct device_kind kinds[] = {{.exponent = (1ull << 40) + 15}, {.names = 500}};
	struct device d;
	struct http_get g = tls(&bob);
	(void)state;
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		g.priorities = fine[i];
		assert_int_equal(ask(&g, "/serverinfo?" MOON_UNIQUEID), 401);
	}
	for (size_t i = 0; i < sizeof(dear) / sizeof(dear[0]); i++) {
		g.priorities = dear[i];
		if (http_get(&g, "/serverinfo", moon.body, sizeof(moon.body), NULL) > 0)
			fail_msg("%s is let through", dear[i]);
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		device_make(&d, &kinds[i]);
		g = tls(&d);
		assert_true(d.cert_pem[0]);
		assert_true(http_get(&g, "/serverinfo", moon.body, sizeof(moon.body), NULL) <= 0);
		device_free(&d);
	}
}

static int start(void)
{
	char port[16];
	const char *const args[] = {"--source", "synthetic", "--gamestream", "--gamestream-port",
		port, "--no-discovery", NULL};
	for (int i = 0; i < 5; i++) {
		moon.base = 20000 + (int)((unsigned)(getpid() + i * 331) % 400) * 28;
		snprintf(port, sizeof(port), "%d", moon.base);
		if (host_process_start(&moon.process, getenv("PUNKTFUNK_HOST"), args) == 0 &&
			host_process_logged(&moon.process, "Moonlight clients find it", 5000))
			return 0;
		host_process_end(&moon.process);
		host_process_clean(&moon.process);
	}
	return -1;
}

static int setup(void **state)
{
	char why[512];
	(void)state;
	device_make(&alice, &(struct device_kind){.ca = true});
	device_make(&bob, NULL);
	device_make(&mallory, NULL);
	if (!getenv("PUNKTFUNK_HOST") || start() < 0)
		return -1;
	return gs_identity_load_or_create(&host_id, moon.process.dir, why, sizeof(why));
}

static int teardown(void **state)
{
	(void)state;
	gs_identity_destroy(host_id);
	device_free(&alice);
	device_free(&bob);
	device_free(&mallory);
	int ended = host_process_end(&moon.process);
	host_process_clean(&moon.process);
	return ended;
}

#define TEST(name) cmocka_unit_test_setup(name, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_stranger_hears_what_it_needs),
		TEST(a_pairing_lets_exactly_that_device_in),
		TEST(odd_certificates_of_paired_devices_work),
		TEST(no_step_can_be_left_out),
		TEST(a_wrong_pin_is_one_guess),
		TEST(two_at_once_do_not_mix),
		TEST(who_hangs_up_does_not_wait_any_more),
		TEST(pictures_come_by_number_only),
		TEST(launches_with_bad_words_are_refused),
		TEST(oversized_requests_are_refused),
		TEST(handshakes_stay_cheap),
		TEST(a_flood_from_one_address_leaves_the_others_served),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
