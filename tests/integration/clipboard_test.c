/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "core/base/bytes.h"
#include "punktfunk_core.h"
#include "tests/integration/shipped_host.h"

/* The clipboard between the client library and a host that the test plays, good and bad. */

#define WAIT_MS	 5000u
#define TEXT	 PUNKTFUNK_CLIP_TEXT
#define HOST_SEQ 40u

static const struct shipped_variant stage = {
	.name = "stage",
	.scheme = 1,
	.percent = 10,
	.per_block = 4096,
	.shard = 1408,
	.codec = PF_CODEC_H264,
	.frame_len = 2000,
	.stay = true,
	.host_caps = PF_HCAP_CLIPBOARD,
};

static struct shipped *host;
static struct punktfunk_connection *conn;

static int setup(void **state)
{
	(void)state;
	struct punktfunk_connect_opts o;
	char message[256] = "";
	host = shipped_start(&stage);
	punktfunk_connect_opts_init(&o);
	o.host = "127.0.0.1";
	o.port = (uint16_t)shipped_port(host);
	o.mode = (struct punktfunk_mode){1280, 720, 60};
	o.timeout_ms = WAIT_MS;
	if (punktfunk_connect_opts(&conn, &o, message, sizeof(message)) != PUNKTFUNK_OK)
		fail_msg("%s", message);
	assert_int_equal(punktfunk_connection_clipboard_control(conn, 1, 0), PUNKTFUNK_OK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	punktfunk_connection_close(conn);
	conn = NULL;
	shipped_stop(host, NULL);
	return 0;
}

static void do_msg(struct shipped *s, void *arg)
{
	shipped_msg(s, arg);
}

static void say(struct pf_msg m)
{
	shipped_call(host, do_msg, &m);
}

static void hear(enum pf_msg_type type, struct pf_msg *m)
{
	static struct shipped_item i;
	do {
		if (!shipped_next(host, SHIPPED_MSG, &i))
			fail_msg("the host never got a message of type 0x%02x", type);
	} while (pf_msg_read(m, i.data, i.len) < 0 || m->type != type);
}

/* Bytes on a stream of the host's own (stream -1) or of the client's. */
struct piece {
	int64_t stream;
	const void *data;
	size_t len;
	bool fin, reset;
};

static void do_piece(struct shipped *s, void *arg)
{
	struct piece *p = arg;
	if (p->stream < 0)
		p->stream = shipped_open(s);
	if (p->stream < 0)
		return;
	if (p->reset)
		shipped_reset(s, p->stream);
	else if (shipped_bytes(s, p->stream, p->data, p->len, p->fin) < 0)
		p->len = 0;
}

static int64_t put(int64_t stream, const void *data, size_t len, bool fin)
{
	struct piece p = {stream, data, len, fin, false};
	shipped_call(host, do_piece, &p);
	return p.stream;
}

static int64_t put_msg(int64_t stream, struct pf_msg m, bool fin)
{
	uint8_t buf[512];
	int n = pf_msg_write_framed(buf, sizeof(buf), &m);
	assert_true(n > 0);
	return put(stream, buf, (size_t)n, fin);
}

static void cut(int64_t stream)
{
	shipped_call(host, do_piece, &(struct piece){.stream = stream, .reset = true});
}

static struct punktfunk_clip_event expect(uint32_t kind)
{
	struct punktfunk_clip_event e = {.size = sizeof(e)};
	int err = punktfunk_connection_next_clipboard(conn, &e, WAIT_MS);
	if (err)
		fail_msg("event %u: %s", kind, punktfunk_strerror(err));
	assert_int_equal(e.kind, kind);
	return e;
}

static struct pf_span span(const char *text)
{
	return (struct pf_span){(const uint8_t *)text, strlen(text)};
}

/* --- the client pastes --- */

static void offer_text(void)
{
	say((struct pf_msg){
		.type = PF_MSG_CLIP_OFFER, .clip_offer = {HOST_SEQ, 1, {{span(TEXT), 5}}}});
	struct punktfunk_clip_event e = expect(PUNKTFUNK_CLIP_EVENT_OFFER);
	assert_int_equal(e.seq, HOST_SEQ);
	assert_int_equal(e.n_kinds, 1);
	assert_string_equal(e.kinds[0].mime, TEXT);
	assert_int_equal(e.kinds[0].size_hint, 5);
}

/* Asks, and returns the stream on which the host is asked. */
static int64_t fetch(uint32_t *id)
{
	static struct shipped_item i;
	struct pf_msg m;
	assert_int_equal(punktfunk_connection_clipboard_fetch(
				 conn, HOST_SEQ, TEXT, PUNKTFUNK_CLIP_NO_FILE, id),
		PUNKTFUNK_OK);
	do
		assert_true(shipped_next(host, SHIPPED_STREAM, &i));
	while (!i.len);
	assert_memory_equal(i.data, PF_CLIP_HEAD, PF_CLIP_HEAD_LEN);
	size_t at = PF_CLIP_HEAD_LEN + 2;
	assert_int_equal(pf_msg_read(&m, i.data + at, i.len - at), PF_OK);
	assert_int_equal(m.type, PF_MSG_CLIP_FETCH);
	assert_int_equal(m.clip_fetch.seq, HOST_SEQ);
	assert_int_equal(m.clip_fetch.file_index, PF_CLIP_INDEX_NONE);
	assert_int_equal(m.clip_fetch.mime.len, strlen(TEXT));
	assert_int_equal(i.stream % 4, 0);
	return i.stream;
}

static struct pf_msg head(uint8_t status, uint64_t total)
{
	return (struct pf_msg){.type = PF_MSG_CLIP_FETCH_HDR, .clip_fetch_hdr = {status, total}};
}

static struct punktfunk_clip_event expect_data(uint32_t id, uint32_t status)
{
	struct punktfunk_clip_event e = expect(PUNKTFUNK_CLIP_EVENT_DATA);
	assert_int_equal(e.id, id);
	assert_int_equal(e.status, status);
	assert_true(status == PUNKTFUNK_CLIP_OK || !e.data);
	return e;
}

static void text_comes(void **state)
{
	uint32_t id;
	(void)state;
	offer_text();
	int64_t stream = fetch(&id);
	put_msg(stream, head(0, 5), false);
	put(stream, "he", 2, false);
	put(stream, "llo", 3, true);
	struct punktfunk_clip_event e = expect_data(id, PUNKTFUNK_CLIP_OK);
	assert_int_equal(e.len, 5);
	assert_string_equal((const char *)e.data, "hello");
	assert_string_equal(e.mime, TEXT);
	/* Of a size that was not told; and nothing at all. */
	stream = fetch(&id);
	put_msg(stream, head(0, 0), false);
	put(stream, "abc", 3, true);
	e = expect_data(id, PUNKTFUNK_CLIP_OK);
	assert_string_equal((const char *)e.data, "abc");
	stream = fetch(&id);
	put_msg(stream, head(0, 0), true);
	e = expect_data(id, PUNKTFUNK_CLIP_OK);
	assert_int_equal(e.len, 0);
	assert_string_equal((const char *)e.data, "");
}

static void much_comes_in_pieces(void **state)
{
	enum { LEN = 3 << 20 };
	uint8_t *much = malloc(LEN);
	uint32_t id;
	uint64_t seed = 5;
	(void)state;
	assert_non_null(much);
	for (size_t i = 0; i < LEN; i++)
		much[i] = (uint8_t)test_rand(&seed);
	int64_t stream = fetch(&id);
	put_msg(stream, head(0, LEN), false);
	for (size_t at = 0; at < LEN;) {
		struct piece p = {stream, much + at, 65536, at + 65536 == LEN, false};
		shipped_call(host, do_piece, &p);
		at += p.len;
		if (!p.len) /* what QUIC holds is not acknowledged yet */
			usleep(2000);
	}
	struct punktfunk_clip_event e = expect_data(id, PUNKTFUNK_CLIP_OK);
	assert_int_equal(e.len, LEN);
	assert_memory_equal(e.data, much, LEN);
	free(much);
}

static void a_bad_end_is_told(void **state)
{
	uint32_t id;
	(void)state;
	for (uint8_t status = 1; status <= 3; status++) {
		put_msg(fetch(&id), head(status, 0), true);
		expect_data(id, status);
	}
	int64_t stream = fetch(&id); /* less than was announced */
	put_msg(stream, head(0, 10), false);
	put(stream, "abc", 3, true);
	expect_data(id, PUNKTFUNK_CLIP_CUT);
	stream = fetch(&id); /* more */
	put_msg(stream, head(0, 2), false);
	put(stream, "abc", 3, false);
	expect_data(id, PUNKTFUNK_CLIP_CUT);
	stream = fetch(&id); /* broken off, of an unknown size */
	put_msg(stream, head(0, 0), false);
	put(stream, "abc", 3, false);
	cut(stream);
	expect_data(id, PUNKTFUNK_CLIP_CUT);
	stream = fetch(&id); /* ended before it began */
	put(stream, "\1", 1, true);
	expect_data(id, PUNKTFUNK_CLIP_CUT);
	stream = fetch(&id); /* announced as larger than is held */
	put_msg(stream, head(0, PUNKTFUNK_CLIP_MAX_BYTES + 1ull), false);
	expect_data(id, PUNKTFUNK_CLIP_CUT);
	stream = fetch(&id); /* no head at all */
	put(stream, "\0\0\0\0\0\0\0\0", 8, false);
	expect_data(id, PUNKTFUNK_CLIP_CUT);
	stream = fetch(&id);
	put(stream, "\xff\xff", 2, false);
	expect_data(id, PUNKTFUNK_CLIP_CUT);
	stream = fetch(&id); /* all of that has not spoilt the next one */
	put_msg(stream, head(0, 2), false);
	put(stream, "ok", 2, true);
	assert_string_equal((const char *)expect_data(id, PUNKTFUNK_CLIP_OK).data, "ok");
}

static void a_fetch_can_be_cancelled(void **state)
{
	uint32_t id, second, third;
	(void)state;
	int64_t stream = fetch(&id);
	put_msg(stream, head(0, 0), false);
	put(stream, "abc", 3, false);
	fetch(&second);
	assert_int_equal(punktfunk_connection_clipboard_fetch(
				 conn, HOST_SEQ, TEXT, PUNKTFUNK_CLIP_NO_FILE, &third),
		PUNKTFUNK_E_FULL);
	assert_int_equal(punktfunk_connection_clipboard_cancel(conn, id), PUNKTFUNK_OK);
	expect_data(id, PUNKTFUNK_CLIP_CUT);
	assert_int_equal(punktfunk_connection_clipboard_cancel(conn, id), PUNKTFUNK_E_INVALID);
	stream = fetch(&third);
	put_msg(stream, head(0, 0), true);
	expect_data(third, PUNKTFUNK_CLIP_OK);
	/* The end of the session ends what is under way. */
	say((struct pf_msg){.type = PF_MSG_REFUSED, .refused = {.code = PF_CLOSE_ACCESS_EXPIRED}});
	expect_data(second, PUNKTFUNK_CLIP_CUT);
	struct punktfunk_clip_event e = {.size = sizeof(e)};
	assert_int_equal(
		punktfunk_connection_next_clipboard(conn, &e, WAIT_MS), PUNKTFUNK_E_CLOSED);
	assert_int_equal(punktfunk_connection_clipboard_fetch(
				 conn, HOST_SEQ, TEXT, PUNKTFUNK_CLIP_NO_FILE, &third),
		PUNKTFUNK_E_CLOSED);
}

/* --- the host pastes --- */

static uint32_t copy(void)
{
	const struct punktfunk_clip_kind kinds[] = {{TEXT, 5}, {"text/html", 0}};
	struct pf_msg m;
	uint32_t seq;
	assert_int_equal(punktfunk_connection_clipboard_offer(conn, kinds, 2, &seq), PUNKTFUNK_OK);
	hear(PF_MSG_CLIP_OFFER, &m);
	assert_int_equal(m.clip_offer.seq, seq);
	assert_int_equal(m.clip_offer.n_kinds, 2);
	return seq;
}

static int64_t host_fetch(uint32_t seq, const char *mime)
{
	uint8_t buf[256] = PF_CLIP_HEAD;
	struct pf_msg m = {
		.type = PF_MSG_CLIP_FETCH, .clip_fetch = {seq, PF_CLIP_INDEX_NONE, span(mime)}};
	int n = pf_msg_write_framed(buf + PF_CLIP_HEAD_LEN, sizeof(buf) - PF_CLIP_HEAD_LEN, &m);
	assert_true(n > 0);
	return put(-1, buf, PF_CLIP_HEAD_LEN + (size_t)n, true);
}

/* What a large content consists of: no piece looks like another place's. */
static uint8_t pattern(uint64_t at)
{
	return (uint8_t)((at * 2654435761u) >> 13);
}

struct answer {
	uint8_t status;
	bool as_pattern;
	uint64_t total, len;
	bool reset;
	uint8_t data[64]; /* its beginning */
};

/* Everything that comes on a stream, to its end. */
static struct answer read_answer(int64_t stream)
{
	static struct shipped_item i;
	struct answer a = {.as_pattern = true};
	uint8_t first[16];
	uint64_t at = 0;
	do {
		if (!shipped_next(host, SHIPPED_STREAM, &i))
			fail_msg("stream %d never ended", (int)stream);
		if (i.stream != stream)
			continue;
		for (size_t b = 0; b < i.len; b++, at++) {
			if (at < sizeof(first))
				first[at] = i.data[b];
			else if (at - sizeof(first) < sizeof(a.data))
				a.data[at - sizeof(first)] = i.data[b];
			if (at >= sizeof(first) && i.data[b] != pattern(at - sizeof(first)))
				a.as_pattern = false;
		}
	} while (i.stream != stream || !i.fin);
	a.reset = i.reset;
	struct pf_msg m;
	if (at >= sizeof(first)) {
		assert_int_equal(pf_msg_read(&m, first + 2, 14), PF_OK);
		assert_int_equal(m.type, PF_MSG_CLIP_FETCH_HDR);
		a.status = m.clip_fetch_hdr.status;
		a.total = m.clip_fetch_hdr.total_size;
		a.len = at - sizeof(first);
	}
	return a;
}

static void text_goes(void **state)
{
	(void)state;
	uint32_t seq = copy();
	int64_t stream = host_fetch(seq, TEXT);
	struct punktfunk_clip_event e = expect(PUNKTFUNK_CLIP_EVENT_FETCH);
	assert_int_equal(e.seq, seq);
	assert_string_equal(e.mime, TEXT);
	assert_int_equal(e.file, PUNKTFUNK_CLIP_NO_FILE);
	assert_int_equal(
		punktfunk_connection_clipboard_serve(conn, e.id, PUNKTFUNK_CLIP_OK, "hello", 5),
		PUNKTFUNK_OK);
	struct answer a = read_answer(stream);
	assert_int_equal(a.status, PF_CLIP_FETCH_OK);
	assert_int_equal(a.total, 5);
	assert_int_equal(a.len, 5);
	assert_memory_equal(a.data, "hello", 5);
	/* It is answered once. */
	assert_int_equal(
		punktfunk_connection_clipboard_serve(conn, e.id, PUNKTFUNK_CLIP_OK, "hello", 5),
		PUNKTFUNK_E_INVALID);
}

static void much_goes(void **state)
{
	enum { LEN = 3 << 19 }; /* more than QUIC holds at a time */
	(void)state;
	uint8_t *much = malloc(LEN);
	assert_non_null(much);
	for (size_t i = 0; i < LEN; i++)
		much[i] = pattern(i);
	int64_t stream = host_fetch(copy(), "text/html");
	struct punktfunk_clip_event e = expect(PUNKTFUNK_CLIP_EVENT_FETCH);
	assert_int_equal(
		punktfunk_connection_clipboard_serve(conn, e.id, PUNKTFUNK_CLIP_OK, much, LEN),
		PUNKTFUNK_OK);
	free(much);
	struct answer a = read_answer(stream);
	assert_int_equal(a.total, LEN);
	assert_int_equal(a.len, LEN);
	assert_true(a.as_pattern);
	assert_false(a.reset);
}

static void what_is_not_offered_is_not_given(void **state)
{
	(void)state;
	uint32_t seq = copy();
	assert_int_equal(read_answer(host_fetch(seq - 1, TEXT)).status, PF_CLIP_STALE);
	assert_int_equal(read_answer(host_fetch(seq, "image/png")).status, PF_CLIP_UNAVAILABLE);
	int64_t stream = host_fetch(seq, TEXT);
	struct punktfunk_clip_event e = expect(PUNKTFUNK_CLIP_EVENT_FETCH);
	assert_int_equal(
		punktfunk_connection_clipboard_serve(conn, e.id, PUNKTFUNK_CLIP_DENIED, NULL, 0),
		PUNKTFUNK_OK);
	assert_int_equal(read_answer(stream).status, PF_CLIP_DENIED);
	stream = host_fetch(seq, TEXT);
	e = expect(PUNKTFUNK_CLIP_EVENT_FETCH);
	assert_int_equal(punktfunk_connection_clipboard_cancel(conn, e.id), PUNKTFUNK_OK);
	assert_true(read_answer(stream).reset);
	/* Off is off: nothing is given, nothing is heard of. */
	assert_int_equal(punktfunk_connection_clipboard_control(conn, 0, 0), PUNKTFUNK_OK);
	assert_int_equal(read_answer(host_fetch(seq, TEXT)).status, PF_CLIP_DENIED);
	say((struct pf_msg){.type = PF_MSG_CLIP_OFFER, .clip_offer = {9, 1, {{span(TEXT), 5}}}});
	say((struct pf_msg){
		.type = PF_MSG_CLIP_STATE, .clip_state = {false, 1, PF_CLIP_POLICY_OFF}});
	e = expect(PUNKTFUNK_CLIP_EVENT_STATE);
	assert_int_equal(e.status, 0);
	assert_int_equal(e.reason, PF_CLIP_POLICY_OFF);
	assert_int_equal(punktfunk_connection_next_clipboard(conn, &e, 50), PUNKTFUNK_E_NO_FRAME);
	uint32_t id;
	assert_int_equal(
		punktfunk_connection_clipboard_offer(conn, NULL, 0, NULL), PUNKTFUNK_E_INVALID);
	assert_int_equal(
		punktfunk_connection_clipboard_fetch(conn, 9, TEXT, 0, &id), PUNKTFUNK_E_INVALID);
}

static void nonsense_on_streams_does_no_harm(void **state)
{
	static const char *const nonsense[] = {"", "\0\0", "\xff\xff", "\x05\0hello",
		"\x0ePKFc\x44\0\0\0\0\0\0\0\0\0", "\x05\0PKFc\x43", "GET / HTTP/1.1\r\n\r\n",
		"PKFs\x02\x26\0PKFc\x43"};
	static const size_t lens[] = {0, 2, 2, 7, 16, 7, 18, 12};
	(void)state;
	uint32_t seq = copy();
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		int64_t stream = put(-1, nonsense[i], lens[i], i % 2);
		assert_true(stream >= 0);
		if (!(i % 2))
			cut(stream);
		else if (lens[i])
			assert_true(read_answer(stream).reset || i == 1);
	}
	int64_t stream = -1;
	/* A place becomes free as soon as both sides have forgotten a stream. */
	for (int i = 0; i < 100 && stream < 0; i++, usleep(20000))
		stream = host_fetch(seq, TEXT);
	struct punktfunk_clip_event e = expect(PUNKTFUNK_CLIP_EVENT_FETCH);
	assert_int_equal(
		punktfunk_connection_clipboard_serve(conn, e.id, PUNKTFUNK_CLIP_OK, "fine", 4),
		PUNKTFUNK_OK);
	assert_memory_equal(read_answer(stream).data, "fine", 4);
}

static void bad_arguments_are_refused(void **state)
{
	(void)state;
	char longest[PUNKTFUNK_CLIP_MIME_MAX + 2];
	struct punktfunk_clip_kind kinds[17] = {{TEXT, 0}};
	uint32_t id;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	struct punktfunk_connection *c = conn;
	assert_int_equal(
		punktfunk_connection_clipboard_offer(c, kinds, 17, NULL), PUNKTFUNK_E_INVALID);
	assert_int_equal(punktfunk_connection_clipboard_offer(c, NULL, 1, NULL), PUNKTFUNK_E_NULL);
	assert_int_equal(
		punktfunk_connection_clipboard_offer(c, kinds, 2, NULL), PUNKTFUNK_E_INVALID);
	kinds[0].mime = longest;
	assert_int_equal(
		punktfunk_connection_clipboard_offer(c, kinds, 1, NULL), PUNKTFUNK_E_INVALID);
	kinds[0].mime = "text/\x1bplain";
	assert_int_equal(
		punktfunk_connection_clipboard_offer(c, kinds, 1, NULL), PUNKTFUNK_E_INVALID);
	assert_int_equal(
		punktfunk_connection_clipboard_fetch(c, 1, longest, 0, &id), PUNKTFUNK_E_INVALID);
	assert_int_equal(
		punktfunk_connection_clipboard_fetch(c, 1, "", 0, &id), PUNKTFUNK_E_INVALID);
	assert_int_equal(
		punktfunk_connection_clipboard_serve(c, 77, 0, "x", 1), PUNKTFUNK_E_INVALID);
	assert_int_equal(punktfunk_connection_clipboard_serve(
				 c, 77, 0, "x", PUNKTFUNK_CLIP_MAX_BYTES + (size_t)1),
		PUNKTFUNK_E_INVALID);
	assert_int_equal(punktfunk_connection_clipboard_serve(c, 77, 0, NULL, 1), PUNKTFUNK_E_NULL);
	assert_int_equal(punktfunk_connection_clipboard_cancel(c, 77), PUNKTFUNK_E_INVALID);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(text_comes),
		TEST(much_comes_in_pieces),
		TEST(a_bad_end_is_told),
		TEST(a_fetch_can_be_cancelled),
		TEST(text_goes),
		TEST(much_goes),
		TEST(what_is_not_offered_is_not_given),
		TEST(nonsense_on_streams_does_no_harm),
		TEST(bad_arguments_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
