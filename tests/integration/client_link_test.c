/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/sites.h"

/*
 * A speed test over a cable that carries 20 Mbit/s. PUNKTFUNK_HOST and PUNKTFUNK_CLIENT name the programs.
 */

#define LINK_KBPS 20000

static pid_t host;
static char said[16384];

#define RUN(site, ...) sites_run(site, (const char *const[]){__VA_ARGS__, NULL}, said, sizeof(said))

static long number(const char *key)
{
	const char *at = strstr(said, key);
	if (!at)
		fail_msg("no %s in: %s", key, said);
	return strtol(at + strlen(key), NULL, 10);
}

static int open_host(void **state)
{
	(void)state;
	host = sites_spawn(SITE_A, "host.log",
		(const char *const[]){getenv("PUNKTFUNK_HOST"), "native-host", "--port", "9777",
			"--bind", "0.0.0.0", "--config-dir", sites_path("host"), "--allow-tofu",
			"--source", "synthetic", "--no-discovery", NULL});
	setenv("XDG_CONFIG_HOME", sites_path("client"), 1);
	return host > 0 && sites_logged("host.log", "listening on", 1, 10000) ? 0 : -1;
}

static int close_host(void **state)
{
	(void)state;
	return sites_end(&host) == 0 ? 0 : -1;
}

static void a_narrow_link_is_measured(void **state)
{
	(void)state;
	int code = RUN(SITE_A, "tc", "qdisc", "add", "dev", "cable-a", "root", "tbf", "rate",
		"20mbit", "burst", "32k", "latency", "50ms");
	bool narrow = code == 0;
	if (!narrow)
		puts("# this kernel has no token buckets: the cable stays wide");
	code = RUN(SITE_B, getenv("PUNKTFUNK_CLIENT"), "speed-test", "10.77.0.1", "--seconds", "8",
		"--kbps", "64000", "--json");
	if (code != 0)
		fail_msg("exit code %d: %s", code, said);
	long throughput = number("\"throughput_kbps\": ");
	long recommended = number("\"recommended_kbps\": ");
	if (!narrow) {
		assert_true(throughput > 0 && recommended > 0);
		return;
	}
	/* All of the filler crosses the cable, so more than that cannot have been measured. */
	assert_non_null(strstr(said, "\"limited\": true"));
	assert_in_range(throughput, LINK_KBPS * 4 / 10, LINK_KBPS);
	assert_in_range(recommended, LINK_KBPS / 5, LINK_KBPS * 8 / 10);
}

int main(void)
{
	int err = sites_open();
	if (err)
		return err == SITES_SKIP ? SITES_SKIP : 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_narrow_link_is_measured, open_host, close_host),
	};
	err = cmocka_run_group_tests(tests, NULL, NULL);
	sites_close();
	return err;
}
