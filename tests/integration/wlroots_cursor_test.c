/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <string.h>

#include "host/base/log.h"
#include "tests/integration/desk.h"

/*
 * The pointer of a real sway. Of one with ext-image-copy-capture (1.11) it is told apart from the picture, of an older one
 * it is in there.
 */

#define W	   640u
#define H	   480u
#define BACKGROUND 0x1D2433u

static void point_at(struct desk *d, struct inject *i, int32_t x, int32_t y)
{
	inject_event(i,
		&(struct pf_input){
			.kind = PF_INPUT_MOUSE_ABS, .x = x, .y = y, .flags = W << 16 | H});
	desk_run(d, 20, NULL, NULL);
}

struct place {
	struct eye *e;
	int32_t x, y;
};

static bool is_told(void *data)
{
	const struct place *p = data;
	struct cursor_state s;
	return eye_cursor(p->e, &s) && s.visible && s.x == p->x && s.y == p->y;
}

static bool is_hidden(void *data)
{
	struct cursor_state s;
	return eye_cursor(data, &s) && !s.visible;
}

static bool is_in_the_picture(void *data)
{
	const double share = eye_share(data, W, H, BACKGROUND);
	return share > 0.9 && share < 1.0;
}

static bool is_not_in_the_picture(void *data)
{
	return eye_share(data, W, H, BACKGROUND) == 1.0;
}

static bool is_there_once(void *data)
{
	return is_hidden(data) ? is_in_the_picture(data) : is_not_in_the_picture(data);
}

static void check_shape(struct eye *e)
{
	const struct cursor_shape *s = e->shape; /* the capture is stopped */
	size_t n_seen = 0;
	assert_non_null(s);
	for (size_t i = 0; i < (size_t)s->width * s->height; i++)
		n_seen += s->rgba[i * 4 + 3] > 200;
	assert_true(n_seen > 20); /* an arrow of 24 pixels, say */
	assert_true(s->width <= 256 && s->height <= 256);
	assert_true(s->hot_x < s->width && s->hot_y < s->height);
}

static void the_pointer_is_where_it_is_wanted(void **state)
{
	static struct desk d;
	static struct eye e;
	struct vdisplay_output o;
	desk_open(&d, true, "sleep 1000");
	assert_int_equal(vdisplay_add_output(d.vdisplay, W, H, VDISPLAY_MHZ(60), &o), 0);
	eye_open(&e, &o);
	capture_draw_cursor(e.capture, false);
	const struct inject_params params = {
		.loop = d.loop, .wayland_display = o.wayland_display, .output_name = o.name};
	struct inject *i;
	assert_int_equal(inject_create(&i, "wlr", &params), 0);
	static const int32_t places[][2] = {{100, 100}, {0, 0}, {W - 1, H - 1}, {300, 200}};
	for (int n = 0; e.capture->caps.cursor && n < 4; n++) {
		struct place at = {&e, places[n][0], places[n][1]};
		point_at(&d, i, at.x, at.y);
		assert_true(desk_run(&d, 10000, is_told, &at));
		assert_true(desk_run(&d, 10000, is_not_in_the_picture, &e));
	}
	for (int n = 0; e.capture->caps.cursor && n < 3; n++) {
		capture_draw_cursor(e.capture, true);
		assert_true(desk_run(&d, 10000, is_hidden, &e));
		point_at(&d, i, 100 + n, 100);
		assert_true(desk_run(&d, 10000, is_in_the_picture, &e));
		/* sway 1.12 goes on to draw it until it gets another shape: then it is there once, too. */
		capture_draw_cursor(e.capture, false);
		point_at(&d, i, 200 + n, 100);
		desk_run(&d, 100, NULL, NULL);
		assert_true(desk_run(&d, 10000, is_there_once, &e));
	}
	/* Where it cannot be told apart, nobody can have it left out. */
	if (!e.capture->caps.cursor) {
		capture_draw_cursor(e.capture, false);
		point_at(&d, i, 300, 100);
		point_at(&d, i, 301, 100);
		desk_run(&d, 100, NULL, NULL);
		assert_true(is_in_the_picture(&e));
		print_message("this sway tells no pointer apart: it stays in the picture\n");
	}
	inject_destroy(i);
	capture_stop(e.capture);
	if (e.capture->caps.cursor)
		check_shape(&e);
	eye_close(&e);
	desk_close(&d);
}

/* One seat, several outputs: each capture tells of its own. */
static void it_is_on_one_output_at_a_time(void **state)
{
	static struct desk d;
	static struct eye e[2];
	struct vdisplay_output o[2];
	struct inject *i[2];
	desk_open(&d, true, "sleep 1000");
	for (int n = 0; n < 2; n++) {
		assert_int_equal(vdisplay_add_output(d.vdisplay, W, H, VDISPLAY_MHZ(60), &o[n]), 0);
		eye_open(&e[n], &o[n]);
		capture_draw_cursor(e[n].capture, false);
		const struct inject_params params = {.loop = d.loop,
			.wayland_display = o[n].wayland_display,
			.output_name = o[n].name};
		assert_int_equal(inject_create(&i[n], "wlr", &params), 0);
	}
	for (int turn = 0; e[0].capture->caps.cursor && turn < 4; turn++) {
		const int n = turn % 2;
		struct place at = {&e[n], 50 + turn, 60};
		point_at(&d, i[n], at.x, at.y);
		assert_true(desk_run(&d, 10000, is_told, &at));
		if (turn)
			assert_true(desk_run(&d, 10000, is_hidden, &e[!n]));
	}
	for (int n = 0; n < 2; n++) {
		inject_destroy(i[n]);
		eye_close(&e[n]);
	}
	desk_close(&d);
}

int main(int argc, char **argv)
{
	log_set_level(LOG_WARN);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(the_pointer_is_where_it_is_wanted, desk_close_all),
		cmocka_unit_test_teardown(it_is_on_one_output_at_a_time, desk_close_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
