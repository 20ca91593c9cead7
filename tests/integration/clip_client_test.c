/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "host/media/clock.h"
#include "punktfunk_core.h"
#include "tests/support/host_process.h"

/* The clipboard between our client library and our host. PUNKTFUNK_HOST names the program. */

#define WAIT_NS 10000000000ull

static struct host_process host;

static const struct punktfunk_clip_kind text_kind = {PUNKTFUNK_CLIP_TEXT, 0};

/* The next event of this kind; others are passed over. */
static struct punktfunk_clip_event expect(struct punktfunk_connection *c, uint32_t kind)
{
	uint64_t until = clock_now_ns() + WAIT_NS;
	struct punktfunk_clip_event e;
	do {
		memset(&e, 0, sizeof(e));
		e.size = sizeof(e);
		int err = punktfunk_connection_next_clipboard(c, &e, 100);
		if (err == PUNKTFUNK_OK && e.kind == kind)
			return e;
		assert_int_not_equal(err, PUNKTFUNK_E_CLOSED);
	} while (clock_now_ns() < until);
	fail_msg("no clipboard event %u came", kind);
	return e;
}

static struct punktfunk_connection *connect_and_enable(void)
{
	struct punktfunk_connection *c = NULL;
	struct punktfunk_connect_opts o;
	char message[320] = "";
	punktfunk_connect_opts_init(&o);
	o.host = "127.0.0.1";
	o.port = (uint16_t)host.port;
	o.mode = (struct punktfunk_mode){640, 480, 30};
	if (punktfunk_connect_opts(&c, &o, message, sizeof(message)) < 0)
		fail_msg("%s", message);
	assert_int_equal(punktfunk_connection_clipboard_control(c, 1, 0), 0);
	struct punktfunk_clip_event e = expect(c, PUNKTFUNK_CLIP_EVENT_STATE);
	assert_int_equal(e.status, 1);
	assert_int_equal(e.reason, 0);
	return c;
}

/* To the desktop, which keeps a copy, and back. */
static void go_round(struct punktfunk_connection *c, const char *text, size_t len)
{
	uint32_t seq, id;
	assert_int_equal(punktfunk_connection_clipboard_offer(c, &text_kind, 1, &seq), 0);
	struct punktfunk_clip_event e = expect(c, PUNKTFUNK_CLIP_EVENT_FETCH);
	assert_int_equal(e.seq, seq);
	assert_string_equal(e.mime, PUNKTFUNK_CLIP_TEXT);
	assert_int_equal(
		punktfunk_connection_clipboard_serve(c, e.id, PUNKTFUNK_CLIP_OK, text, len), 0);
	e = expect(c, PUNKTFUNK_CLIP_EVENT_OFFER);
	assert_int_equal(e.n_kinds, 1);
	assert_string_equal(e.kinds[0].mime, PUNKTFUNK_CLIP_TEXT);
	assert_int_equal(punktfunk_connection_clipboard_fetch(
				 c, e.seq, PUNKTFUNK_CLIP_TEXT, PUNKTFUNK_CLIP_NO_FILE, &id),
		0);
	e = expect(c, PUNKTFUNK_CLIP_EVENT_DATA);
	assert_int_equal(e.id, id);
	assert_int_equal(e.status, PUNKTFUNK_CLIP_OK);
	assert_int_equal(e.len, len);
	assert_memory_equal(e.data, text, len);
}

static void texts_go_to_the_host_and_back(void **state)
{
	struct punktfunk_connection *c = connect_and_enable();
	char *book = malloc(8 << 20);
	(void)state;
	assert_non_null(book);
	memset(book, 'b', 8 << 20);
	go_round(c, "a line", 6);
	go_round(c, book, 8 << 20);
	go_round(c, "another", 7);
	free(book);
	punktfunk_connection_disconnect_quit(c);
	punktfunk_connection_close(c);
}

/* A client that says no costs the desktop one empty paste, and nothing else. */
static void a_refusal_is_no_end(void **state)
{
	struct punktfunk_connection *c = connect_and_enable();
	uint32_t id;
	(void)state;
	assert_int_equal(punktfunk_connection_clipboard_offer(c, &text_kind, 1, NULL), 0);
	struct punktfunk_clip_event e = expect(c, PUNKTFUNK_CLIP_EVENT_FETCH);
	assert_int_equal(
		punktfunk_connection_clipboard_serve(c, e.id, PUNKTFUNK_CLIP_UNAVAILABLE, NULL, 0),
		0);
	assert_int_equal(punktfunk_connection_clipboard_fetch(
				 c, 99, PUNKTFUNK_CLIP_TEXT, PUNKTFUNK_CLIP_NO_FILE, &id),
		0);
	e = expect(c, PUNKTFUNK_CLIP_EVENT_DATA);
	assert_int_equal(e.status, PUNKTFUNK_CLIP_STALE);
	go_round(c, "good", 4);
	punktfunk_connection_disconnect_quit(c);
	punktfunk_connection_close(c);
}

static int start(void **state)
{
	static const char *const args[] = {"--source", "synthetic", "--encoder", "null",
		"--bitrate", "2000", "--clipboard", "text", NULL};
	(void)state;
	return host_process_start(&host, getenv("PUNKTFUNK_HOST"), args);
}

static int end(void **state)
{
	(void)state;
	return host_process_finish(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_go_to_the_host_and_back),
		cmocka_unit_test(a_refusal_is_no_end),
	};
	return cmocka_run_group_tests(tests, start, end);
}
