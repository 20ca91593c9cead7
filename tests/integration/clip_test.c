/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/bytes.h"
#include "core/wire/control.h"
#include "core/wire/handshake.h"
#include "host/clipboard/text.h"
#include "host/media/clock.h"
#include "tests/integration/raw_client.h"
#include "tests/support/host_process.h"

/*
 * The clipboard of a real host, as a client sees it. There is no desktop: the host's stand-in pastes what is offered
 * at once and then has a copy of it. PUNKTFUNK_HOST names the program.
 */

#define MS	 1000000ull
#define WAIT_NS	 (10000 * MS)
#define HELD_MAX (9u << 20)

static struct host_process host;

static const char *const on_args[] = {"--source", "synthetic", "--encoder", "null", "--bitrate",
	"2000", "--clipboard", "text", NULL};
static const char *const off_args[] = {
	"--source", "synthetic", "--encoder", "null", "--bitrate", "2000", NULL};

/* How a client answers a fetch of the host. */
enum manner { GIVES, SILENT, STALE, RESETS, LIES_LENGTH, BAD_HDR };

struct user {
	struct raw raw;
	struct pf_welcome welcome;
	enum manner manner;
	const uint8_t *text; /* that it has */
	size_t text_len, text_sent;
	int64_t giving;	   /* the host's stream that it answers on; -1 = none */
	int64_t held_back; /* one that it does not answer on */
	uint32_t seq;	   /* of its newest offer */
	unsigned n_fetched, n_cancelled;
	uint8_t ask[256];
	size_t ask_len;
	/* its own fetch */
	int64_t fetching;
	bool fetched, fetch_reset;
	uint8_t *held;
	size_t held_len;
};

static struct user users[2];

static void answer_fetch(struct user *u, int64_t id)
{
	struct pf_msg m;
	uint8_t buf[64];
	const uint8_t *frame = u->ask + PF_CLIP_HEAD_LEN;
	if (u->ask_len < PF_CLIP_HEAD_LEN + 2)
		return;
	assert_memory_equal(u->ask, PF_CLIP_HEAD, PF_CLIP_HEAD_LEN);
	size_t len = pf_get_le16(frame);
	if (u->ask_len < PF_CLIP_HEAD_LEN + 2 + len)
		return;
	assert_int_equal(pf_msg_read(&m, frame + 2, len), 0);
	assert_int_equal(m.type, PF_MSG_CLIP_FETCH);
	assert_in_range(m.clip_fetch.seq, 1, u->seq);
	assert_int_equal(m.clip_fetch.mime.len, strlen(PF_CLIP_MIME_TEXT));
	u->ask_len = 0;
	u->n_fetched++;
	if (u->manner == SILENT) {
		u->held_back = id;
		return;
	}
	if (u->manner == RESETS) {
		quic_conn_reset_stream(u->raw.conn, id, PF_CLOSE_CLIP_CANCELLED);
		return;
	}
	struct pf_msg hdr = {.type = PF_MSG_CLIP_FETCH_HDR};
	bool stale = u->manner == STALE || m.clip_fetch.seq != u->seq;
	hdr.clip_fetch_hdr.status = stale ? PF_CLIP_STALE : PF_CLIP_FETCH_OK;
	hdr.clip_fetch_hdr.total_size = u->manner == LIES_LENGTH ? u->text_len + 1 : 0;
	len = (size_t)pf_msg_write_framed(buf, sizeof(buf), &hdr);
	assert_in_range(len, 1, sizeof(buf));
	if (u->manner == BAD_HDR)
		buf[6] = PF_MSG_CLIP_OFFER;
	bool ends = stale || u->manner == BAD_HDR || !u->text_len;
	assert_int_equal(quic_conn_send(u->raw.conn, id, buf, len, ends), 0);
	u->giving = ends ? -1 : id;
	u->text_sent = 0;
}

static void keep(struct user *u, const uint8_t *data, size_t len)
{
	assert_true(len <= HELD_MAX - u->held_len);
	memcpy(u->held + u->held_len, data, len);
	u->held_len += len;
}

static void on_other(struct raw *r, int64_t id, const uint8_t *data, size_t len, bool fin)
{
	struct user *u = (struct user *)r;
	if (id == u->fetching) {
		if (len)
			keep(u, data, len);
		u->fetched |= fin;
		u->fetch_reset |= fin && quic_conn_stream_was_reset(r->conn, id);
		return;
	}
	assert_int_equal(id % 4, 1);
	if (!len)
		return;
	assert_true(len <= sizeof(u->ask) - u->ask_len);
	memcpy(u->ask + u->ask_len, data, len);
	u->ask_len += len;
	answer_fetch(u, id);
}

static void turn(struct user *u)
{
	while (u->giving >= 0 && u->raw.conn) {
		size_t left = u->text_len - u->text_sent, n = left < 65536 ? left : 65536;
		int err = quic_conn_send(
			u->raw.conn, u->giving, u->text + u->text_sent, n, n == left);
		if (err == PF_E_FULL)
			break;
		u->text_sent += n;
		u->n_cancelled += err < 0;
		if (err < 0 || n == left)
			u->giving = -1;
	}
	/* A stream that the host broke off takes nothing any more. */
	if (u->held_back >= 0 && u->raw.conn &&
		quic_conn_send(u->raw.conn, u->held_back, NULL, 0, false) < 0) {
		u->n_cancelled++;
		u->held_back = -1;
	}
	quic_endpoint_flush(u->raw.endpoint, clock_now_ns());
	raw_turn(&u->raw);
}

static void turn_for(struct user *u, uint64_t ns)
{
	uint64_t until = clock_now_ns() + ns;
	while (clock_now_ns() < until && !u->raw.ended)
		turn(u);
}

/* The newest message of this type behind `from`, which then is behind it. */
static bool find_msg(struct user *u, size_t *from, enum pf_msg_type type, struct pf_msg *m)
{
	bool found = false;
	size_t at = *from;
	while (at + 2 <= u->raw.got_len &&
		at + 2 + pf_get_le16(u->raw.got + at) <= u->raw.got_len) {
		size_t len = pf_get_le16(u->raw.got + at);
		struct pf_msg one;
		if (pf_msg_read(&one, u->raw.got + at + 2, len) == 0 && one.type == type) {
			*m = one;
			found = true;
			*from = at + 2 + len;
		}
		at += 2 + len;
	}
	return found;
}

static void expect_msg(struct user *u, size_t *from, enum pf_msg_type type, struct pf_msg *m)
{
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (!find_msg(u, from, type, m) && clock_now_ns() < until && !u->raw.ended)
		turn(u);
	if (*from == 0 || m->type != type)
		fail_msg("no message 0x%02x came", type);
}

static void send_msg(struct user *u, const struct pf_msg *m)
{
	uint8_t buf[4096];
	int len = pf_msg_write_framed(buf, sizeof(buf), m);
	assert_true(len > 0);
	assert_int_equal(quic_conn_send(u->raw.conn, u->raw.stream, buf, (size_t)len, false), 0);
}

static void open_user(struct user *u, const struct pf_identity *identity)
{
	uint8_t hello[64];
	uint8_t *held = u->held ? u->held : malloc(HELD_MAX);
	assert_non_null(held);
	memset(u, 0, sizeof(*u));
	u->held = held;
	u->giving = u->held_back = u->fetching = -1;
	raw_open_as(&u->raw, host.port, identity);
	u->raw.other = on_other;
	size_t n = raw_good_hello(hello, sizeof(hello));
	raw_send(&u->raw, hello, n);
	raw_wait_bytes(&u->raw, 2 + PF_WELCOME_MIN);
	size_t len = pf_get_le16(u->raw.got);
	raw_wait_bytes(&u->raw, 2 + len);
	assert_int_equal(pf_welcome_read(&u->welcome, u->raw.got + 2, len), 0);
	u->raw.got_len = 0; /* from here on typed messages */
}

static void close_user(struct user *u)
{
	raw_close(&u->raw);
}

static struct pf_msg control(struct user *u, bool enabled, bool files)
{
	struct pf_msg m = {.type = PF_MSG_CLIP_CONTROL}, state = {0};
	size_t from = u->raw.got_len;
	m.clip_control.enabled = enabled;
	m.clip_control.files = files;
	send_msg(u, &m);
	expect_msg(u, &from, PF_MSG_CLIP_STATE, &state);
	return state;
}

static void enable(struct user *u)
{
	struct pf_msg state = control(u, true, false);
	assert_true(state.clip_state.enabled);
	assert_int_equal(state.clip_state.policy, 1);
	assert_int_equal(state.clip_state.reason, PF_CLIP_OK);
}

static void offer(struct user *u, const void *text, size_t len, enum manner manner)
{
	struct pf_msg m = {.type = PF_MSG_CLIP_OFFER};
	u->text = text;
	u->text_len = len;
	u->manner = manner;
	m.clip_offer.seq = ++u->seq;
	m.clip_offer.n_kinds = 2;
	m.clip_offer.kinds[0].mime = (struct pf_span){(const uint8_t *)"text/html", 9};
	m.clip_offer.kinds[1].mime = (struct pf_span){
		(const uint8_t *)PF_CLIP_MIME_TEXT, strlen(PF_CLIP_MIME_TEXT)};
	send_msg(u, &m);
}

static uint32_t expect_offer(struct user *u, size_t *from)
{
	struct pf_msg m = {0};
	expect_msg(u, from, PF_MSG_CLIP_OFFER, &m);
	assert_int_equal(m.clip_offer.n_kinds, 1);
	assert_memory_equal(
		m.clip_offer.kinds[0].mime.data, PF_CLIP_MIME_TEXT, strlen(PF_CLIP_MIME_TEXT));
	return m.clip_offer.seq;
}

/* As shipped clients do: their side stays open until they have read all. */
static void start_fetch(struct user *u, uint32_t seq, const char *mime)
{
	uint8_t buf[256] = PF_CLIP_HEAD;
	struct pf_msg m = {.type = PF_MSG_CLIP_FETCH};
	m.clip_fetch.seq = seq;
	m.clip_fetch.file_index = PF_CLIP_INDEX_NONE;
	m.clip_fetch.mime = (struct pf_span){(const uint8_t *)mime, strlen(mime)};
	int len = pf_msg_write_framed(buf + PF_CLIP_HEAD_LEN, sizeof(buf) - PF_CLIP_HEAD_LEN, &m);
	assert_true(len > 0);
	u->held_len = 0;
	u->fetched = u->fetch_reset = false;
	u->fetching = quic_conn_open_stream(u->raw.conn);
	assert_true(u->fetching >= 0);
	assert_int_equal(quic_conn_send(u->raw.conn, u->fetching, buf,
				 PF_CLIP_HEAD_LEN + (size_t)len, false),
		0);
}

static void read_fetched(struct user *u)
{
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (!u->fetched && clock_now_ns() < until && !u->raw.ended)
		turn(u);
	assert_true(u->fetched && !u->fetch_reset);
}

/* Returns the status; the text is in held from 16 on. */
static enum pf_clip_status fetch(struct user *u, uint32_t seq, const char *mime)
{
	struct pf_msg m;
	start_fetch(u, seq, mime);
	read_fetched(u);
	assert_int_equal(quic_conn_send(u->raw.conn, u->fetching, NULL, 0, true), 0);
	assert_true(u->held_len >= 16);
	assert_int_equal(pf_msg_read(&m, u->held + 2, 14), 0);
	assert_int_equal(m.type, PF_MSG_CLIP_FETCH_HDR);
	assert_int_equal(m.clip_fetch_hdr.total_size, u->held_len - 16);
	u->held_len -= 16;
	memmove(u->held, u->held + 16, u->held_len);
	return m.clip_fetch_hdr.status;
}

/* --- tests --- */

static void it_is_announced_only_when_it_is_on(void **state)
{
	struct user *u = &users[0];
	(void)state;
	open_user(u, NULL);
	assert_true(u->welcome.host_caps & PF_HCAP_CLIPBOARD);
	close_user(u);
}

static void a_text_goes_to_the_desktop_and_back(void **state)
{
	struct user *u = &users[0];
	static const char text[] = "Grüße, 世界 \xf0\x9f\x8c\x8d\nsecond line\n";
	size_t from = 0;
	(void)state;
	open_user(u, NULL);
	enable(u);
	offer(u, text, sizeof(text) - 1, GIVES);
	uint32_t seq = expect_offer(u, &from);
	assert_int_equal(u->n_fetched, 1);
	assert_int_equal(fetch(u, seq, PF_CLIP_MIME_TEXT), PF_CLIP_FETCH_OK);
	assert_int_equal(u->held_len, sizeof(text) - 1);
	assert_memory_equal(u->held, text, sizeof(text) - 1);
	assert_int_equal(fetch(u, seq + 1, PF_CLIP_MIME_TEXT), PF_CLIP_STALE);
	assert_int_equal(fetch(u, seq - 1, PF_CLIP_MIME_TEXT), PF_CLIP_STALE);
	assert_int_equal(fetch(u, seq, "image/png"), PF_CLIP_UNAVAILABLE);
	/* The next copy makes the first offer stale. */
	offer(u, "x", 1, GIVES);
	uint32_t next = expect_offer(u, &from);
	assert_int_equal(next, seq + 1);
	assert_int_equal(fetch(u, seq, PF_CLIP_MIME_TEXT), PF_CLIP_STALE);
	assert_int_equal(fetch(u, next, PF_CLIP_MIME_TEXT), PF_CLIP_FETCH_OK);
	assert_int_equal(u->held_len, 1);
	assert_false(host_process_logged(&host, "second line", 0));
	close_user(u);
}

/* One byte at a time, and without the words that a stream begins with. */
static void a_fetch_may_come_in_pieces(void **state)
{
	static const uint8_t ask[] = "PKFs\x01\x26\0PKFc\x43\x01\0\0\0\xff\xff\xff\xff\x18"
				     "text/plain;charset=utf-8";
	struct user *u = &users[0];
	size_t from = 0;
	(void)state;
	open_user(u, NULL);
	enable(u);
	offer(u, "piece", 5, GIVES);
	assert_int_equal(expect_offer(u, &from), 1);
	for (size_t start = 0; start <= PF_CLIP_HEAD_LEN; start += PF_CLIP_HEAD_LEN) {
		u->held_len = 0;
		u->fetched = false;
		u->fetching = quic_conn_open_stream(u->raw.conn);
		assert_true(u->fetching >= 0);
		for (size_t i = start; i < sizeof(ask) - 1; i++) {
			bool last = i + 2 == sizeof(ask);
			assert_int_equal(
				quic_conn_send(u->raw.conn, u->fetching, ask + i, 1, last), 0);
			turn(u);
		}
		read_fetched(u);
		assert_int_equal(u->held_len, 16 + 5);
		assert_memory_equal(u->held + 16, "piece", 5);
	}
	close_user(u);
}

static void a_book_goes_and_more_than_that_does_not(void **state)
{
	struct user *u = &users[0];
	size_t from = 0;
	char *book = malloc(HELD_MAX);
	(void)state;
	assert_non_null(book);
	for (size_t i = 0; i < HELD_MAX; i++)
		book[i] = (char)('a' + i * 7 % 26);
	open_user(u, NULL);
	enable(u);
	offer(u, book, CLIP_TEXT_MAX, GIVES);
	uint32_t seq = expect_offer(u, &from);
	assert_int_equal(fetch(u, seq, PF_CLIP_MIME_TEXT), PF_CLIP_FETCH_OK);
	assert_int_equal(u->held_len, CLIP_TEXT_MAX);
	assert_memory_equal(u->held, book, CLIP_TEXT_MAX);
	offer(u, book, HELD_MAX, GIVES);
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (!u->n_cancelled && clock_now_ns() < until)
		turn(u);
	assert_int_equal(u->n_cancelled, 1);
	/* Nothing came of it. */
	size_t before = from;
	struct pf_msg m;
	turn_for(u, 200 * MS);
	assert_false(find_msg(u, &before, PF_MSG_CLIP_OFFER, &m));
	close_user(u);
	free(book);
}

static void what_is_no_text_is_not_pasted(void **state)
{
	struct user *u = &users[0];
	static const uint8_t garbage[] = {'o', 'k', 0xff, 0xfe, 0x80, 'x'};
	static const uint8_t nul[] = {'o', 'k', 0, 'x'};
	static const uint8_t cut[] = {'o', 'k', 0xe4, 0xb8};
	static const struct {
		const uint8_t *text;
		size_t len;
		enum manner manner;
	} cases[] = {{garbage, sizeof(garbage), GIVES}, {nul, sizeof(nul), GIVES},
		{cut, sizeof(cut), GIVES}, {garbage, 2, STALE}, {garbage, 2, RESETS},
		{garbage, 2, LIES_LENGTH}, {garbage, 2, BAD_HDR}};
	size_t from = 0;
	struct pf_msg m;
	(void)state;
	open_user(u, NULL);
	enable(u);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned n = u->n_fetched;
		offer(u, cases[i].text, cases[i].len, cases[i].manner);
		uint64_t until = clock_now_ns() + WAIT_NS;
		while (u->n_fetched == n && clock_now_ns() < until)
			turn(u);
		assert_int_equal(u->n_fetched, n + 1);
		turn_for(u, 120 * MS);
		assert_false(find_msg(u, &from, PF_MSG_CLIP_OFFER, &m));
	}
	/* And all goes on. */
	offer(u, "good", 4, GIVES);
	assert_int_equal(fetch(u, expect_offer(u, &from), PF_CLIP_MIME_TEXT), PF_CLIP_FETCH_OK);
	close_user(u);
}

static void a_client_that_never_answers_holds_nobody_up(void **state)
{
	struct user *u = &users[0];
	size_t from = 0;
	(void)state;
	open_user(u, NULL);
	enable(u);
	offer(u, "never", 5, SILENT);
	uint64_t start = clock_now_ns(), until = start + WAIT_NS;
	while (!u->n_cancelled && clock_now_ns() < until)
		turn(u);
	assert_int_equal(u->n_cancelled, 1);
	assert_in_range(clock_now_ns() - start, 4500 * MS, 8000 * MS);
	offer(u, "now", 3, GIVES);
	assert_int_equal(fetch(u, expect_offer(u, &from), PF_CLIP_MIME_TEXT), PF_CLIP_FETCH_OK);
	assert_int_equal(u->held_len, 3);
	close_user(u);
}

static void a_flood_of_offers_makes_few(void **state)
{
	struct user *u = &users[0];
	size_t from = 0;
	(void)state;
	open_user(u, NULL);
	enable(u);
	for (int i = 0; i < 300; i++)
		offer(u, "flood", 5, GIVES);
	offer(u, "last", 4, GIVES);
	u->manner = GIVES;
	uint64_t until = clock_now_ns() + WAIT_NS;
	uint32_t seq = 0;
	do {
		seq = expect_offer(u, &from);
		assert_int_equal(fetch(u, seq, PF_CLIP_MIME_TEXT), PF_CLIP_FETCH_OK);
	} while (u->held_len != 4 && clock_now_ns() < until);
	assert_int_equal(u->held_len, 4);
	assert_in_range(u->n_fetched, 1, 20);
	close_user(u);
}

static void streams_of_nonsense_are_broken_off(void **state)
{
	struct user *u = &users[0];
	static const uint8_t nonsense[][8] = {{4, 0, 'n', 'o', 'p', 'e', 0, 0},
		{255, 255, 'P', 'K', 'F', 'c', 0x43, 0}, {0, 0, 0, 0, 0, 0, 0, 0},
		{5, 0, 'P', 'K', 'F', 'c', 0x43, 0}, {5, 0, 'P', 'K', 'F', 'c', 0x03, 0},
		{'P', 'K', 'F', 's', 2, 38, 0, 'P'}, {'P', 'K', 'F', 's', 1, 0, 0, 0}};
	size_t from = 0;
	(void)state;
	open_user(u, NULL);
	for (size_t i = 0; i < 3 * sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		/* The first ones while it is off. */
		if (i == 3)
			enable(u);
		u->fetched = false;
		uint64_t until = clock_now_ns() + WAIT_NS;
		do {
			turn(u);
			u->fetching = quic_conn_open_stream(u->raw.conn);
		} while (u->fetching == PF_E_AGAIN && clock_now_ns() < until);
		assert_true(u->fetching >= 0);
		assert_int_equal(quic_conn_send(u->raw.conn, u->fetching,
					 nonsense[i % (sizeof(nonsense) / 8)], 8, true),
			0);
		while (!u->fetched && clock_now_ns() < until)
			turn(u);
		assert_true(u->fetch_reset);
	}
	offer(u, "good", 4, GIVES);
	assert_int_equal(fetch(u, expect_offer(u, &from), PF_CLIP_MIME_TEXT), PF_CLIP_FETCH_OK);
	close_user(u);
}

static void the_newer_client_takes_it_over(void **state)
{
	struct user *a = &users[0], *b = &users[1];
	struct pf_msg m = {0};
	size_t from = 0;
	(void)state;
	open_user(a, NULL);
	enable(a);
	open_user(b, NULL);
	enable(b);
	from = 0;
	a->raw.got_len = 0;
	expect_msg(a, &from, PF_MSG_CLIP_STATE, &m);
	assert_false(m.clip_state.enabled);
	assert_int_equal(m.clip_state.reason, PF_CLIP_TAKEN_OVER);
	/* Its offers are not heard any more. */
	offer(a, "mine", 4, GIVES);
	turn_for(a, 200 * MS);
	assert_int_equal(a->n_fetched, 0);
	close_user(a);
	close_user(b);
}

static void files_are_not_shared(void **state)
{
	struct user *u = &users[0];
	(void)state;
	open_user(u, NULL);
	struct pf_msg m = control(u, true, true);
	assert_true(m.clip_state.enabled);
	assert_int_equal(m.clip_state.policy, 1);
	assert_int_equal(m.clip_state.reason, PF_CLIP_NO_FILES);
	m = control(u, false, false);
	assert_false(m.clip_state.enabled);
	offer(u, "off", 3, GIVES);
	turn_for(u, 200 * MS);
	assert_int_equal(u->n_fetched, 0);
	close_user(u);
}

static void it_is_off_by_default(void **state)
{
	struct user *u = &users[0];
	(void)state;
	assert_int_equal(host_process_end(&host), 0);
	host_process_clean(&host);
	assert_int_equal(host_process_start(&host, getenv("PUNKTFUNK_HOST"), off_args), 0);
	open_user(u, NULL);
	assert_false(u->welcome.host_caps & PF_HCAP_CLIPBOARD);
	struct pf_msg m = control(u, true, false);
	assert_false(m.clip_state.enabled);
	assert_int_equal(m.clip_state.policy, 0);
	assert_int_equal(m.clip_state.reason, PF_CLIP_POLICY_OFF);
	offer(u, "off", 3, GIVES);
	turn_for(u, 200 * MS);
	assert_int_equal(u->n_fetched, 0);
	close_user(u);
}

static int start(void **state)
{
	(void)state;
	return host_process_start(&host, getenv("PUNKTFUNK_HOST"), on_args);
}

static int end(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++)
		free(users[i].held);
	return host_process_finish(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_announced_only_when_it_is_on),
		cmocka_unit_test(a_text_goes_to_the_desktop_and_back),
		cmocka_unit_test(a_fetch_may_come_in_pieces),
		cmocka_unit_test(a_book_goes_and_more_than_that_does_not),
		cmocka_unit_test(what_is_no_text_is_not_pasted),
		cmocka_unit_test(a_client_that_never_answers_holds_nobody_up),
		cmocka_unit_test(a_flood_of_offers_makes_few),
		cmocka_unit_test(streams_of_nonsense_are_broken_off),
		cmocka_unit_test(the_newer_client_takes_it_over),
		cmocka_unit_test(files_are_not_shared),
		cmocka_unit_test(it_is_off_by_default),
	};
	return cmocka_run_group_tests(tests, start, end);
}
