/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/alloc.h"
#include "host/base/log.h"
#include "host/clipboard/clipboard.h"
#include "host/media/clock.h"
#include "tests/integration/desk.h"

/* The clipboard of a real sway: a host on one side, and a program that copies and pastes on the other. */

#define WAIT_MS 8000u

struct side {
	struct clipboard *c;
	unsigned n_selections, n_pastes, n_texts;
	bool selected;		/* the newest selection is text of somebody else */
	struct clip_text *text; /* the newest that was fetched */
	struct clip_text *give; /* what it answers a paste with */
	bool silent;		/* it does not answer */
};

static struct desk desk;
static struct vdisplay_output output;
static struct side host, program;

static void on_selection(bool text, void *userdata)
{
	struct side *s = userdata;
	s->selected = text;
	s->n_selections++;
}

static void on_paste(void *userdata)
{
	struct side *s = userdata;
	s->n_pastes++;
	if (!s->silent)
		clipboard_give(s->c, s->give);
}

static void on_text(struct clip_text *text, void *userdata)
{
	struct side *s = userdata;
	clip_text_unref(s->text);
	s->text = text;
	s->n_texts++;
}

static void on_lost(const char *why, void *userdata)
{
	(void)userdata;
	fail_msg("lost: %s", why);
}

static void open_side(struct side *s)
{
	memset(s, 0, sizeof(*s));
	const struct clipboard_params params = {.loop = desk.loop,
		.wayland_display = output.wayland_display,
		.on_selection = on_selection,
		.on_paste = on_paste,
		.on_text = on_text,
		.on_lost = on_lost,
		.userdata = s};
	assert_int_equal(clipboard_create(&s->c, "wlr", &params), 0);
}

static void close_side(struct side *s)
{
	clipboard_destroy(s->c);
	clip_text_unref(s->text);
	clip_text_unref(s->give);
	memset(s, 0, sizeof(*s));
}

/* Any bytes, as no check would let them through. */
static struct clip_text *make_text(const void *data, size_t len)
{
	struct clip_text *t = pf_calloc(1, sizeof(*t));
	assert_non_null(t);
	t->refs = 1;
	t->cap = t->len = len;
	t->data = pf_calloc(1, len);
	assert_non_null(t->data);
	memcpy(t->data, data, len);
	return t;
}

static void copy(struct side *s, const void *data, size_t len)
{
	clip_text_unref(s->give);
	s->give = make_text(data, len);
	assert_int_equal(clipboard_offer(s->c), 0);
}

static bool is_selected(void *data)
{
	return ((struct side *)data)->selected;
}

static bool is_not_selected(void *data)
{
	return !((struct side *)data)->selected;
}

static bool has_fetched(void *data)
{
	return ((struct side *)data)->n_texts;
}

static const struct clip_text *paste(struct side *s)
{
	s->n_texts = 0;
	assert_int_equal(clipboard_fetch(s->c), 0);
	assert_true(desk_run(&desk, WAIT_MS, has_fetched, s));
	assert_int_equal(s->n_texts, 1);
	return s->text;
}

static int setup(void **state)
{
	(void)state;
	desk_open(&desk, true, "true");
	assert_int_equal(
		vdisplay_add_output(desk.vdisplay, 640, 480, VDISPLAY_MHZ(30), &output), 0);
	open_side(&host);
	open_side(&program);
	desk_run(&desk, 100, NULL, NULL);
	return 0;
}

static int teardown(void **state)
{
	close_side(&host);
	close_side(&program);
	return desk_close_all(state);
}

static void text_goes_both_ways(void **state)
{
	static const char text[] = "Grüße an 世界\n";
	(void)state;
	assert_true(clipboard_exists("wlr", desk.loop, output.wayland_display));
	assert_false(clipboard_exists("wlr", desk.loop, "/nonexistent"));
	copy(&program, text, sizeof(text) - 1);
	assert_true(desk_run(&desk, WAIT_MS, is_selected, &host));
	const struct clip_text *got = paste(&host);
	assert_non_null(got);
	assert_int_equal(got->len, sizeof(text) - 1);
	assert_memory_equal(got->data, text, got->len);
	/* Nothing was read before it was pasted. */
	assert_int_equal(program.n_pastes, 1);

	copy(&host, "from afar", 9);
	assert_true(desk_run(&desk, WAIT_MS, is_selected, &program));
	got = paste(&program);
	assert_non_null(got);
	assert_int_equal(got->len, 9);
	assert_memory_equal(got->data, "from afar", 9);
	assert_int_equal(host.n_pastes, 1);
}

/* What a host offers comes back as the desktop's selection, and must not go to the client as news. */
static void an_offer_does_not_come_back(void **state)
{
	(void)state;
	unsigned before = host.n_selections;
	copy(&host, "mine", 4);
	assert_true(desk_run(&desk, WAIT_MS, is_selected, &program));
	desk_run(&desk, 200, NULL, NULL);
	assert_int_equal(host.n_selections, before);
	for (int i = 0; i < 50; i++)
		copy(&host, "mine", 4);
	desk_run(&desk, 200, NULL, NULL);
	assert_int_equal(host.n_selections, before);
	clipboard_withdraw(host.c);
	assert_true(desk_run(&desk, WAIT_MS, is_not_selected, &program));
	/* What somebody else selected meanwhile stays. */
	copy(&host, "mine", 4);
	assert_true(desk_run(&desk, WAIT_MS, is_selected, &program));
	copy(&program, "theirs", 6);
	assert_true(desk_run(&desk, WAIT_MS, is_selected, &host));
	clipboard_withdraw(host.c);
	desk_run(&desk, 200, NULL, NULL);
	assert_non_null(paste(&host));
}

static void what_is_no_text_is_not_fetched(void **state)
{
	static const uint8_t garbage[] = {'o', 'k', 0xff, 0, 'x'};
	char *large = malloc(CLIP_TEXT_MAX + 1);
	(void)state;
	assert_non_null(large);
	memset(large, 'a', CLIP_TEXT_MAX + 1);
	copy(&program, garbage, sizeof(garbage));
	assert_true(desk_run(&desk, WAIT_MS, is_selected, &host));
	assert_null(paste(&host));
	copy(&program, large, CLIP_TEXT_MAX + 1);
	desk_run(&desk, 100, NULL, NULL);
	assert_null(paste(&host));
	copy(&program, large, CLIP_TEXT_MAX);
	desk_run(&desk, 100, NULL, NULL);
	assert_non_null(paste(&host));
	assert_int_equal(host.text->len, CLIP_TEXT_MAX);
	free(large);
}

static void a_program_that_hangs_is_given_up(void **state)
{
	(void)state;
	copy(&program, "never", 5);
	program.silent = true;
	assert_true(desk_run(&desk, WAIT_MS, is_selected, &host));
	uint64_t start = clock_now_ns();
	assert_null(paste(&host));
	assert_in_range(
		clock_now_ns() - start, PIPE_WAIT_NS - 100000000, PIPE_WAIT_NS + 2000000000);
	/* What is selected meanwhile ends the wait at once. */
	host.n_texts = 0;
	assert_int_equal(clipboard_fetch(host.c), 0);
	desk_run(&desk, 50, NULL, NULL);
	start = clock_now_ns();
	copy(&program, "again", 5);
	assert_true(desk_run(&desk, WAIT_MS, has_fetched, &host));
	assert_null(host.text);
	assert_true(clock_now_ns() - start < 2000000000);
	program.silent = false;
	clipboard_give(program.c, NULL);
	assert_non_null(paste(&host));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
	const int skip = desk_begin("sway", argc, argv);
	if (skip)
		return skip;
	const struct CMUnitTest tests[] = {
		TEST(text_goes_both_ways),
		TEST(an_offer_does_not_come_back),
		TEST(what_is_no_text_is_not_fetched),
		TEST(a_program_that_hangs_is_given_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
