/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/bytes.h"
#include "core/quic/conn.h"
#include "core/wire/control.h"
#include "core/wire/handshake.h"
#include "host/media/clock.h"
#include "tests/integration/raw_client.h"
#include "tests/support/host_process.h"

/*
 * Clients that come, go, are lost and come back to a real host process. PUNKTFUNK_HOST names the program.
 */

#define MS	1000000ull
#define WAIT_NS (5000 * MS)

static struct host_process host;
static struct pf_identity *alice, *bob;

static const char *const host_args[] = {"--source", "synthetic", "--encoder", "null",
	"--max-concurrent", "2", "--idle-timeout", "2", "--grace", "2", NULL};

static const char kept[] = "the display is kept", back[] = "back on its display",
		  gone[] = "the display that was kept goes: ";

/* How often the log says this so far. */
static unsigned said(const char *text)
{
	return host_process_count(&host, text);
}

static void wait_said(const char *text, unsigned n)
{
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (said(text) < n && clock_now_ns() < until)
		usleep(5000);
	if (said(text) != n)
		fail_msg("the host said '%s' %u times, not %u", text, said(text), n);
}

static void hello(struct raw *r, const struct pf_identity *who, uint32_t width, uint32_t height)
{
	uint8_t payload[64];
	raw_open_as(r, host.port, who);
	size_t n = raw_good_hello(payload, sizeof(payload));
	pf_put_le32(payload + 8, width);
	pf_put_le32(payload + 12, height);
	raw_send(r, payload, n);
}

static void welcomed(struct raw *r, struct pf_welcome *w)
{
	raw_wait_bytes(r, 2 + PF_WELCOME_MIN);
	assert_int_equal(pf_welcome_read(w, r->got + 2, pf_get_le16(r->got)), 0);
}

static void have_session(struct raw *r, const struct pf_identity *who, struct pf_welcome *w)
{
	hello(r, who, 640, 480);
	welcomed(r, w);
}

/* The same, with Start and punch behind; its pictures go to a socket that nobody reads. */
static void have_stream(struct raw *r, const struct pf_identity *who)
{
	struct pf_welcome w;
	uint8_t payload[16];
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t at_len = sizeof(at);
	have_session(r, who, &w);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &at_len), 0);
	struct pf_start start = {.client_port = ntohs(at.sin_port)};
	int n = pf_start_write(payload, sizeof(payload), &start);
	assert_true(n > 0);
	size_t before = r->got_len;
	raw_send(r, payload, (size_t)n);
	at.sin_port = htons(w.data_port);
	assert_int_equal(sendto(fd, PF_PUNCH, PF_PUNCH_LEN, 0, (struct sockaddr *)&at, sizeof(at)),
		PF_PUNCH_LEN);
	raw_wait_bytes(r, before + 2 + 15); /* HostFacts: the stream has begun */
	close(fd);
}

static void quit(struct raw *r)
{
	quic_conn_close(r->conn, PF_CLOSE_QUIT, "bye");
	quic_endpoint_flush(r->endpoint, clock_now_ns());
	raw_close(r);
}

/* The link is gone: nothing more is sent, read or acknowledged. */
static void lose(struct raw *r, unsigned n_kept)
{
	wait_said(kept, n_kept);
	raw_close(r);
}

static void a_client_takes_its_session_over(void **state)
{
	struct raw old, new;
	struct pf_welcome a, b;
	unsigned n_back = said(back), n_kept = said(kept);
	(void)state;
	have_session(&old, alice, &a);
	hello(&new, alice, 800, 600);
	welcomed(&new, &b);
	assert_int_equal(b.mode.width, 800);
	assert_memory_not_equal(a.aes_key, b.aes_key, 16);
	assert_memory_not_equal(a.salt, b.salt, 4);
	raw_expect_close(&old, PF_CLOSE_END, "connected again");
	wait_said(back, n_back + 1);
	quit(&new);
	assert_int_equal(said(kept), n_kept);
}

static void another_client_takes_nothing_over(void **state)
{
	struct raw a, b, c;
	struct pf_welcome w;
	unsigned n_back = said(back);
	(void)state;
	have_session(&a, alice, &w);
	have_session(&b, bob, &w);
	/* Nor does one without a certificate, and two is all that this host serves. */
	hello(&c, NULL, 640, 480);
	raw_expect_close(&c, PF_CLOSE_BUSY, "busy");
	/* But whoever has a session may have it again. */
	have_session(&c, bob, &w);
	raw_expect_close(&b, PF_CLOSE_END, "connected again");
	assert_false(a.ended);
	assert_int_equal(said(back), n_back + 1);
	quit(&a);
	quit(&c);
}

static void a_bad_hello_takes_nothing_over(void **state)
{
	struct raw old, new;
	struct pf_welcome w;
	(void)state;
	have_session(&old, alice, &w);
	hello(&new, alice, 100000, 100000);
	raw_expect_close(&new, PF_CLOSE_SETUP_FAILED, "cannot be made");
	for (int i = 0; i < 20; i++)
		raw_turn(&old);
	assert_false(old.ended);
	quit(&old);
}

static void a_lost_client_comes_back_to_its_display(void **state)
{
	struct raw r;
	struct pf_welcome w;
	unsigned n_back = said(back), n_kept = said(kept), n_gone = said(gone);
	(void)state;
	have_session(&r, alice, &w);
	uint64_t lost_ns = clock_now_ns();
	lose(&r, n_kept + 1);
	/* --idle-timeout 2 */
	assert_in_range(clock_now_ns() - lost_ns, 1000 * MS, 5000 * MS);
	hello(&r, alice, 1024, 768);
	welcomed(&r, &w);
	assert_int_equal(w.mode.width, 1024);
	assert_int_equal(said(back), n_back + 1);
	assert_int_equal(said(gone), n_gone);
	quit(&r);
}

static void a_display_waits_no_longer_than_its_grace(void **state)
{
	struct raw r;
	struct pf_welcome w;
	unsigned n_back = said(back), n_kept = said(kept), n_gone = said(gone);
	(void)state;
	have_session(&r, alice, &w);
	lose(&r, n_kept + 1);
	wait_said(gone, n_gone + 1);
	have_session(&r, alice, &w);
	assert_int_equal(said(back), n_back);
	quit(&r);
}

static void who_quits_leaves_nothing(void **state)
{
	struct raw r;
	struct pf_welcome w;
	unsigned n_back = said(back), n_kept = said(kept);
	(void)state;
	have_session(&r, alice, &w);
	quit(&r);
	wait_said("left (0x51", said("left (0x51"));
	have_session(&r, alice, &w);
	quit(&r);
	/* Nor can one come back that nobody can recognise. */
	have_session(&r, NULL, &w);
	raw_close(&r);
	have_session(&r, NULL, &w);
	quit(&r);
	assert_int_equal(said(back), n_back);
	assert_int_equal(said(kept), n_kept);
}

/* A program that crashed, or that its phone put to sleep, says a plain end or nothing. */
static void a_plain_end_is_no_quit(void **state)
{
	struct raw r;
	struct pf_welcome w;
	unsigned n_back = said(back), n_kept = said(kept);
	(void)state;
	have_session(&r, alice, &w);
	raw_close(&r);
	wait_said(kept, n_kept + 1);
	have_session(&r, alice, &w);
	assert_int_equal(said(back), n_back + 1);
	quit(&r);
}

/* Shipped clients close the control stream first, as its sender is dropped before the connection. */
static void a_closed_control_stream_is_no_end_by_itself(void **state)
{
	struct raw r;
	struct pf_welcome w;
	unsigned n_back = said(back), n_kept = said(kept);
	(void)state;
	for (int quits = 0; quits < 2; quits++) {
		have_stream(&r, alice);
		assert_int_equal(said(back), n_back + (unsigned)quits);
		assert_int_equal(quic_conn_send(r.conn, r.stream, NULL, 0, true), 0);
		quic_endpoint_flush(r.endpoint, clock_now_ns());
		if (quits) {
			for (int i = 0; i < 5; i++)
				raw_turn(&r);
			quit(&r);
		} else { /* this one says no more */
			raw_expect_close(&r, PF_CLOSE_END, "closed its control stream");
			wait_said(kept, n_kept + 1);
		}
	}
	have_session(&r, alice, &w);
	assert_int_equal(said(back), n_back + 1);
	assert_int_equal(said(kept), n_kept + 1);
	quit(&r);
}

static void a_waiting_display_gives_way_to_a_client(void **state)
{
	struct raw a, b, c;
	struct pf_welcome w;
	unsigned n_back = said(back), n_kept = said(kept), n_gone = said(gone);
	(void)state;
	have_session(&b, bob, &w);
	have_session(&a, alice, &w);
	raw_close(&a);
	wait_said(kept, n_kept + 1);
	have_session(&c, NULL, &w);
	assert_int_equal(said(gone), n_gone + 1);
	hello(&a, alice, 640, 480);
	raw_expect_close(&a, PF_CLOSE_BUSY, "busy");
	quit(&c);
	have_session(&a, alice, &w);
	assert_int_equal(said(back), n_back);
	quit(&a);
	quit(&b);
}

static void a_host_ends_with_displays_that_wait(void **state)
{
	const struct host_process first = host;
	struct raw r[2];
	struct pf_welcome w;
	(void)state;
	assert_int_equal(host_process_start(&host, getenv("PUNKTFUNK_HOST"), host_args), 0);
	have_session(&r[0], alice, &w);
	have_session(&r[1], bob, &w);
	raw_close(&r[0]);
	raw_close(&r[1]);
	wait_said(kept, 2);
	assert_int_equal(host_process_end(&host), 0);
	wait_said("the host is shutting down", 2);
	host_process_clean(&host);
	host = first;
}

static void send_many(struct raw *r, const struct pf_msg *m, unsigned n)
{
	uint8_t buf[PF_MSG_MAX_LEN];
	int len = pf_msg_write_framed(buf, sizeof(buf), m);
	assert_true(len > 0);
	for (unsigned i = 0; i < n && !r->ended; i++) {
		assert_int_equal(quic_conn_send(r->conn, r->stream, buf, (size_t)len, false), 0);
		if (i % 50 == 0)
			raw_turn(r);
	}
}

static void a_flood_of_questions_is_ended_with_words(void **state)
{
	struct raw r, other;
	struct pf_welcome w;
	(void)state;
	have_session(&other, bob, &w);
	have_session(&r, alice, &w);
	send_many(&r, &(struct pf_msg){.type = PF_MSG_CLOCK_PROBE, .clock.t1_ns = 1}, 5000);
	raw_expect_close(&r, PF_CLOSE_RATE_LIMITED, "control messages");
	/* The other one is served as before, also right after it. */
	size_t before = other.got_len;
	send_many(&other, &(struct pf_msg){.type = PF_MSG_CLOCK_PROBE, .clock.t1_ns = 1}, 8);
	raw_wait_bytes(&other, before + 8 * (2 + 29));
	quit(&other);
}

static void a_flood_of_reports_is_dropped(void **state)
{
	struct raw r;
	struct pf_welcome w;
	(void)state;
	have_session(&r, alice, &w);
	send_many(&r, &(struct pf_msg){.type = PF_MSG_LOSS_REPORT, .loss_ppm = 5}, 5000);
	usleep(500000); /* what it may send by then is more than what it sends */
	size_t before = r.got_len;
	send_many(&r, &(struct pf_msg){.type = PF_MSG_CLOCK_PROBE, .clock.t1_ns = 1}, 8);
	raw_wait_bytes(&r, before + 8 * (2 + 29));
	quit(&r);
}

static int start(void **state)
{
	const char *path = getenv("PUNKTFUNK_HOST");
	(void)state;
	if (pf_identity_generate(&alice, "punktfunk-client", (uint64_t)time(NULL)) < 0 ||
		pf_identity_generate(&bob, "punktfunk-client", (uint64_t)time(NULL)) < 0)
		return -1;
	return path ? host_process_start(&host, path, host_args) : -1;
}

static int stop(void **state)
{
	(void)state;
	const int err = host_process_finish(&host);
	pf_identity_destroy(alice);
	pf_identity_destroy(bob);
	return err;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_takes_its_session_over),
		cmocka_unit_test(another_client_takes_nothing_over),
		cmocka_unit_test(a_bad_hello_takes_nothing_over),
		cmocka_unit_test(a_lost_client_comes_back_to_its_display),
		cmocka_unit_test(a_display_waits_no_longer_than_its_grace),
		cmocka_unit_test(who_quits_leaves_nothing),
		cmocka_unit_test(a_plain_end_is_no_quit),
		cmocka_unit_test(a_closed_control_stream_is_no_end_by_itself),
		cmocka_unit_test(a_waiting_display_gives_way_to_a_client),
		cmocka_unit_test(a_flood_of_questions_is_ended_with_words),
		cmocka_unit_test(a_flood_of_reports_is_dropped),
		cmocka_unit_test(a_host_ends_with_displays_that_wait),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
