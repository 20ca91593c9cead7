/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "host/base/loop.h"
#include "host/clipboard/clipboard.h"
#include "host/clipboard/pipe.h"
#include "host/clipboard/text.h"
#include "host/media/clock.h"

#define WAIT_NS 5000000000ull

static struct loop *loop;
static unsigned n_done, n_selections, n_pastes;
static bool selected;
static struct clip_text *got;

static int setup(void **state)
{
	(void)state;
	n_done = n_selections = n_pastes = 0;
	got = NULL;
	return loop_create(&loop);
}

static int teardown(void **state)
{
	(void)state;
	clip_text_unref(got);
	loop_destroy(loop);
	return 0;
}

static void on_done(struct clip_text *text, void *userdata)
{
	(void)userdata;
	clip_text_unref(got);
	got = text;
	n_done++;
}

static void turn_until(const unsigned *n, unsigned want)
{
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (*n < want && clock_now_ns() < until)
		assert_true(sd_event_run(loop_sd_event(loop), 5000) >= 0);
	assert_int_equal(*n, want);
}

static struct clip_text *make(const void *data, size_t len)
{
	struct clip_build b = {0};
	struct clip_text *t;
	assert_int_equal(clip_build_add(&b, data, len), 0);
	assert_int_equal(clip_build_take(&b, &t), 0);
	return t;
}

/* However it is cut, the same bytes are text or not. */
static void text_may_come_in_any_pieces(void **state)
{
	static const char text[] = "a\xc3\xbc\xe4\xb8\x96\xf0\x9f\x8c\x8dz";
	const size_t len = sizeof(text) - 1;
	(void)state;
	for (size_t cut = 0; cut <= len; cut++)
		for (size_t cut2 = cut; cut2 <= len; cut2++) {
			struct clip_build b = {0};
			struct clip_text *t;
			assert_int_equal(clip_build_add(&b, text, cut), 0);
			assert_int_equal(clip_build_add(&b, text + cut, cut2 - cut), 0);
			assert_int_equal(clip_build_add(&b, text + cut2, len - cut2), 0);
			assert_int_equal(clip_build_take(&b, &t), 0);
			assert_int_equal(t->len, len);
			assert_memory_equal(t->data, text, len);
			clip_text_unref(t);
		}
}

static void what_is_no_text_is_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} cases[] = {{"a\xff", 2}, {"a\0b", 3}, {"\x80", 1}, {"\x80\x80\x80\x80", 4},
		{"\xed\xa0\x80", 3}, {"\xc0\xaf", 2}, {"ab\xe4\xb8", 4}, {"\xf0", 1},
		{"\xc3\xc3", 2}};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct clip_build b = {0};
		struct clip_text *t;
		int err = 0;
		for (size_t k = 0; k < cases[i].len && err >= 0; k++)
			err = clip_build_add(&b, cases[i].bytes + k, 1);
		if (err >= 0)
			err = clip_build_take(&b, &t);
		assert_int_equal(err, PF_E_INVALID);
		clip_build_drop(&b);
	}
}

static void a_text_has_its_bound(void **state)
{
	static char piece[1 << 20];
	struct clip_build b = {0};
	(void)state;
	memset(piece, 'a', sizeof(piece));
	for (size_t n = 0; n < CLIP_TEXT_MAX; n += sizeof(piece))
		assert_int_equal(clip_build_add(&b, piece, sizeof(piece)), 0);
	assert_int_equal(clip_build_add(&b, "a", 1), PF_E_FULL);
	assert_int_equal(clip_build_add(&b, "a", SIZE_MAX), PF_E_FULL);
	clip_build_drop(&b);
}

static void a_pipe_carries_a_text(void **state)
{
	int fds[2];
	struct pipe_read r;
	struct pipe_write w;
	char *long_text = malloc(1 << 20);
	(void)state;
	assert_non_null(long_text);
	memset(long_text, 'x', 1 << 20);
	struct clip_text *t = make(long_text, 1 << 20);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(pipe_read_start(&r, loop, fds[0], on_done, NULL), 0);
	assert_int_equal(pipe_write_start(&w, loop, fds[1], t), 0);
	turn_until(&n_done, 1);
	assert_non_null(got);
	assert_int_equal(got->len, 1 << 20);
	assert_false(pipe_write_busy(&w));
	assert_false(pipe_read_busy(&r));
	clip_text_unref(t);
	free(long_text);
}

static void a_reader_that_leaves_is_no_harm(void **state)
{
	int fds[2];
	struct pipe_write w;
	(void)state;
	struct clip_text *t = make("text", 4);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(pipe_write_start(&w, loop, fds[1], t), 0);
	close(fds[0]);
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (pipe_write_busy(&w) && clock_now_ns() < until)
		assert_true(sd_event_run(loop_sd_event(loop), 5000) >= 0);
	assert_false(pipe_write_busy(&w));
	assert_int_equal(t->refs, 1);
	clip_text_unref(t);
}

/* A file may be on a disk that hangs, and nothing that a program does may hold the host up. */
static void only_pipes_and_sockets_are_written_to(void **state)
{
	struct pipe_write w = {0};
	int fds[2];
	(void)state;
	struct clip_text *t = make("text", 4);
	assert_int_equal(
		pipe_write_start(&w, loop, open("/dev/null", O_WRONLY | O_CLOEXEC), t), PF_E_IO);
	assert_int_equal(
		pipe_write_start(&w, loop, open("/tmp", O_RDONLY | O_CLOEXEC), t), PF_E_IO);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(pipe_write_start(&w, loop, fds[0], t), 0);
	pipe_write_stop(&w);
	pipe_write_stop(&w);
	close(fds[1]);
	clip_text_unref(t);
}

static void on_selection(bool text, void *userdata)
{
	(void)userdata;
	selected = text;
	n_selections++;
}

static void on_paste(void *userdata)
{
	(void)userdata;
	n_pastes++;
}

static void the_stand_in_keeps_a_copy(void **state)
{
	struct clipboard *c;
	struct clipboard_params params = {.loop = loop,
		.on_selection = on_selection,
		.on_paste = on_paste,
		.on_text = on_done};
	(void)state;
	assert_int_equal(clipboard_create(&c, "no such", &params), PF_E_UNSUPPORTED);
	assert_int_equal(clipboard_create(&c, "memory", &params), 0);
	assert_int_equal(clipboard_fetch(c), PF_E_IO); /* nothing is selected */
	assert_int_equal(clipboard_offer(c), 0);
	assert_int_equal(n_pastes, 1);
	struct clip_text *t = make("text", 4);
	clipboard_give(c, t);
	turn_until(&n_selections, 1);
	assert_true(selected);
	assert_int_equal(clipboard_fetch(c), 0);
	assert_int_equal(clipboard_fetch(c), 0); /* one answer for both */
	turn_until(&n_done, 1);
	assert_int_equal(got->len, 4);
	/* Given nothing it keeps what it has. */
	assert_int_equal(clipboard_offer(c), 0);
	clipboard_give(c, NULL);
	for (int i = 0; i < 20; i++)
		assert_true(sd_event_run(loop_sd_event(loop), 1000) >= 0);
	assert_int_equal(n_selections, 1);
	assert_int_equal(n_done, 1);
	/* With everything under way. */
	assert_int_equal(clipboard_fetch(c), 0);
	assert_int_equal(clipboard_offer(c), 0);
	clipboard_destroy(c);
	clip_text_unref(t);
}

/* More than can be kept are told that there is nothing. */
static void a_crowd_that_pastes_is_bounded(void **state)
{
	struct clipboard *c;
	struct clipboard_params params = {.loop = loop,
		.on_selection = on_selection,
		.on_paste = on_paste,
		.on_text = on_done};
	int fds[CLIPBOARD_PASTES_MAX + 4][2];
	char buf[8];
	(void)state;
	assert_int_equal(clipboard_create(&c, "memory", &params), 0);
	for (unsigned i = 0; i < CLIPBOARD_PASTES_MAX + 4; i++) {
		assert_int_equal(pipe2(fds[i], O_CLOEXEC | O_NONBLOCK), 0);
		clipboard_pasted(c, fds[i][1]);
	}
	assert_int_equal(n_pastes, 1);
	struct clip_text *t = make("text", 4);
	clipboard_give(c, t);
	for (int i = 0; i < 50; i++)
		assert_true(sd_event_run(loop_sd_event(loop), 1000) >= 0);
	for (unsigned i = 0; i < CLIPBOARD_PASTES_MAX + 4; i++) {
		assert_int_equal(
			read(fds[i][0], buf, sizeof(buf)), i < CLIPBOARD_PASTES_MAX ? 4 : 0);
		close(fds[i][0]);
	}
	clipboard_destroy(c);
	assert_int_equal(t->refs, 1);
	clip_text_unref(t);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_may_come_in_any_pieces),
		cmocka_unit_test(what_is_no_text_is_refused),
		cmocka_unit_test(a_text_has_its_bound),
		TEST(a_pipe_carries_a_text),
		TEST(a_reader_that_leaves_is_no_harm),
		TEST(only_pipes_and_sockets_are_written_to),
		TEST(the_stand_in_keeps_a_copy),
		TEST(a_crowd_that_pastes_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
