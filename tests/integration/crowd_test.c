/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/quic/conn.h"
#include "core/wire/handshake.h"
#include "host/media/clock.h"
#include "punktfunk_core.h"
#include "tests/integration/raw_client.h"
#include "tests/support/host_process.h"

/*
 * Many clients of one host: at once, quickly, and one after the other for long. PUNKTFUNK_HOST names the program;
 * PUNKTFUNK_CYCLES is how often one comes and goes.
 */

#define MS	 1000000ull
#define WAIT_NS	 (5000 * MS)
#define CROWD	 4
#define CROWD_NS (4000 * MS)
#define HZ	 30
#define CONNECTS 20
#define WARM	 40
#define CYCLES	 100
#define FLAT_KB \
	4096 /* what the allocator may keep; a session that leaked its pictures is 5 MiB each */
#define SLOWNESS (TEST_SLOW ? 10 : 1)

static struct host_process host;
static struct pf_identity *alice;

static const char *const host_args[] = {"--source", "synthetic", "--encoder", "null",
	"--max-concurrent", "4", "--idle-timeout", "2", "--grace", "1", NULL};

static struct punktfunk_connection *join(uint32_t width, uint32_t height, uint32_t hz)
{
	struct punktfunk_connection *c = NULL;
	struct punktfunk_connect_opts o;
	char message[256] = "";
	punktfunk_connect_opts_init(&o);
	o.host = "127.0.0.1";
	o.port = (uint16_t)host.port;
	o.mode = (struct punktfunk_mode){width, height, hz};
	o.timeout_ms = 5000;
	if (punktfunk_connect_opts(&c, &o, message, sizeof(message)) < 0)
		fail_msg("the host does not serve: %s", message);
	return c;
}

static void first_frame(struct punktfunk_connection *c)
{
	uint64_t until = clock_now_ns() + WAIT_NS;
	struct punktfunk_frame f = {.size = sizeof(f)};
	int err = PUNKTFUNK_E_NO_FRAME;
	while (err == PUNKTFUNK_E_NO_FRAME && clock_now_ns() < until)
		err = punktfunk_connection_next_au(c, &f, 100);
	assert_int_equal(err, PUNKTFUNK_OK);
}

static void leave(struct punktfunk_connection *c)
{
	punktfunk_connection_disconnect_quit(c);
	punktfunk_connection_close(c);
}

static struct punktfunk_stats drain(struct punktfunk_connection *c)
{
	struct punktfunk_frame f = {.size = sizeof(f)};
	struct punktfunk_stats s = {.size = sizeof(s)};
	while (punktfunk_connection_next_au(c, &f, 0) == PUNKTFUNK_OK)
		continue;
	assert_int_equal(punktfunk_connection_get_stats(c, &s), 0);
	return s;
}

static void four_at_once_get_the_same(void **state)
{
	struct punktfunk_connection *c[CROWD];
	unsigned got[CROWD] = {0}, least = ~0u, most = 0;
	uint32_t next[CROWD] = {0};
	(void)state;
	for (int i = 0; i < CROWD; i++)
		c[i] = join(1280, 720, HZ);
	struct punktfunk_stats began[CROWD];
	for (int i = 0; i < CROWD; i++) /* nobody took the first ones' pictures meanwhile */
		began[i] = drain(c[i]);
	uint64_t until = clock_now_ns() + CROWD_NS;
	while (clock_now_ns() < until)
		for (int i = 0; i < CROWD; i++) {
			struct punktfunk_frame f = {.size = sizeof(f)};
			while (punktfunk_connection_next_au(c[i], &f, 1) == PUNKTFUNK_OK) {
				if (got[i]++ && !TEST_SLOW)
					assert_int_equal(f.frame_index, next[i]);
				next[i] = f.frame_index + 1;
			}
		}
	for (int i = 0; i < CROWD; i++) {
		struct punktfunk_stats s = {.size = sizeof(s)};
		assert_int_equal(punktfunk_connection_get_stats(c[i], &s), 0);
		print_message("session %d: %u frames of %u in %u s, lost %u, skipped %u\n", i,
			got[i], (unsigned)(HZ * CROWD_NS / 1000 / MS),
			(unsigned)(CROWD_NS / 1000 / MS), (unsigned)s.frames_lost,
			(unsigned)s.frames_skipped);
		/* A sanitizer's host is late, and so is its client. */
		assert_true(TEST_SLOW ||
			(!s.frames_lost && s.frames_skipped == began[i].frames_skipped));
		least = got[i] < least ? got[i] : least;
		most = got[i] > most ? got[i] : most;
		leave(c[i]);
	}
	assert_true(most > 0);
	/* The first had its session a moment longer. */
	assert_true(TEST_SLOW || least * 10 >= most * 8);
	assert_true(TEST_SLOW || least > HZ * CROWD_NS / 1000 / MS / 2);
}

static int by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static void the_first_frame_comes_at_once(void **state)
{
	uint64_t took[CONNECTS];
	(void)state;
	for (int i = 0; i < CONNECTS; i++) {
		uint64_t start = clock_now_ns();
		struct punktfunk_connection *c = join(1280, 720, 60);
		first_frame(c);
		took[i] = clock_now_ns() - start;
		leave(c);
	}
	qsort(took, CONNECTS, sizeof(took[0]), by_value);
	const uint64_t p95 = took[CONNECTS * 95 / 100 - 1];
	print_message("connect to first frame: p50 %.1f, p95 %.1f, max %.1f ms\n",
		(double)took[CONNECTS / 2] / 1e6, (double)p95 / 1e6,
		(double)took[CONNECTS - 1] / 1e6);
	assert_true(p95 < 300 * MS * SLOWNESS);
}

static size_t count_entries(const char *what)
{
	char path[64];
	size_t n = 0;
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)host.pid, what);
	DIR *dir = opendir(path);
	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* Ends of every kind: a quit, a close that leaves a display, one that takes it over, one in mid-handshake. */
static void come_and_go(unsigned i)
{
	struct raw r;
	uint8_t hello[64];
	if (i % 2 == 0) {
		struct punktfunk_connection *c = join(640, 480, 60);
		first_frame(c);
		if (i % 4)
			punktfunk_connection_close(c);
		else
			leave(c);
		return;
	}
	size_t n = raw_good_hello(hello, sizeof(hello));
	raw_open_as(&r, host.port, i % 8 == 1 ? NULL : alice);
	raw_send(&r, hello, n);
	if (i % 8 != 3)
		raw_wait_bytes(&r, 2 + PF_WELCOME_MIN);
	raw_close(&r);
}

/* Threads and descriptors fall back to what they were, also those of displays that were kept. */
static void wait_as_before(size_t tasks, size_t fds)
{
	uint64_t until = clock_now_ns() + WAIT_NS * SLOWNESS;
	while ((count_entries("task") > tasks || count_entries("fd") > fds) &&
		clock_now_ns() < until)
		usleep(5000);
	assert_int_equal(count_entries("task"), tasks);
	assert_true(count_entries("fd") <= fds);
}

static void coming_and_going_costs_nothing(void **state)
{
	const char *text = getenv("PUNKTFUNK_CYCLES");
	unsigned cycles = text ? (unsigned)atoi(text) : CYCLES;
	(void)state;
	/* What is made once and stays: a sanitizer has a thread of its own, too. */
	leave(join(640, 480, 60));
	usleep(500000 * SLOWNESS);
	size_t tasks = count_entries("task"), fds = count_entries("fd");
	for (unsigned i = 0; i < WARM; i++)
		come_and_go(i);
	wait_as_before(tasks, fds);
	long before = host_process_rss_kb(&host);
	uint64_t start = clock_now_ns();
	for (unsigned i = 0; i < cycles; i++)
		come_and_go(i);
	double seconds = (double)(clock_now_ns() - start) / 1e9;
	wait_as_before(tasks, fds);
	/* The last one may still be on its way out: a session without threads is not seen above. */
	long after = host_process_rss_kb(&host);
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (after - before >= FLAT_KB * SLOWNESS && clock_now_ns() < until) {
		usleep(20000);
		after = host_process_rss_kb(&host);
	}
	print_message("%u cycles in %.1f s: %ld KiB before, %ld KiB after; %zu threads, %zu "
		      "descriptors\n",
		cycles, seconds, before, after, tasks - 2, fds - 2);
	assert_true(after - before < FLAT_KB * SLOWNESS);
}

static int start(void **state)
{
	const char *path = getenv("PUNKTFUNK_HOST");
	(void)state;
	if (pf_identity_generate(&alice, "punktfunk-client", (uint64_t)time(NULL)) < 0)
		return -1;
	return path ? host_process_start(&host, path, host_args) : -1;
}

static int stop(void **state)
{
	(void)state;
	const int err = host_process_finish(&host);
	pf_identity_destroy(alice);
	return err;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(coming_and_going_costs_nothing),
		cmocka_unit_test(the_first_frame_comes_at_once),
		cmocka_unit_test(four_at_once_get_the_same),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
