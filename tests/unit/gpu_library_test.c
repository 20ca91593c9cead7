/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <string.h>

#include "host/encode/csc.h"
#include "host/gpu/convert.h"
#include "host/gpu/display.h"
#include "host/gpu/library.h"
#include "host/gpu/node.h"
#include "host/gpu/probe.h"

struct table {
	void *first, *second;
};

static void test_says_what_is_missing(void **state)
{
	(void)state;
	static const struct gpu_function known[] = {{"strlen", offsetof(struct table, first)}};
	static const struct gpu_function unknown[] = {{"strlen", offsetof(struct table, first)},
		{"pf_nobody_has_this", offsetof(struct table, second)}};
	const struct gpu_library good = {"libc.so.6", "a test", known, 1};
	const struct gpu_library old = {"libc.so.6", "a test", unknown, 2};
	const struct gpu_library none = {"libpf-nowhere.so.1", "a test", known, 1};
	char why[GPU_WHY_LEN];
	struct table t = {0};
	assert_int_equal(gpu_library_load(&good, &t, why), PF_OK);
	assert_non_null(t.first);
	assert_string_equal(why, "");
	assert_int_equal(gpu_library_load(&old, &t, why), PF_E_UNSUPPORTED);
	assert_non_null(strstr(why, "pf_nobody_has_this"));
	assert_int_equal(gpu_library_load(&none, &t, why), PF_E_UNSUPPORTED);
	assert_non_null(strstr(why, "libpf-nowhere.so.1"));
}

/* Whatever this machine has: each is a table or a sentence, and the same the next time. */
static void test_opens_each_once(void **state)
{
	(void)state;
	for (enum gpu_library_id id = 0; id < GPU_LIBRARIES; id++) {
		const char *why, *again;
		const void *table = gpu_library(id, &why);
		assert_true(table ? !why[0] : why[0] != 0);
		assert_ptr_equal(gpu_library(id, &again), table);
		assert_ptr_equal(why, again);
		assert_non_null(strstr(gpu_library_about(id)->file, ".so."));
	}
}

static void count(const char *what, bool good, const char *text, void *userdata)
{
	(void)good;
	static const char *const words[] = {"GPU", "EGL", "VA-API", "Vulkan", "CUDA", "NVENC"};
	unsigned *seen = userdata;
	assert_true(strlen(text) > 8);
	for (unsigned i = 0; i < 6; i++)
		if (!strcmp(what, words[i]))
			*seen |= 1u << i;
}

static void test_probe_says_something_of_each(void **state)
{
	(void)state;
	unsigned seen = 0;
	gpu_probe(count, &seen);
	assert_int_equal(seen & 0x1f, 0x1f);
}

static void test_no_gpu_is_no_display(void **state)
{
	(void)state;
	const char *why = NULL;
	const struct gpu_display *d = gpu_display(false, &why);
	if (gpu_present())
		print_message("there is a GPU here\n");
	else
		assert_null(d);
	assert_true(d ? !why : why && strlen(why) > 8);
	assert_ptr_equal(gpu_display(false, NULL), d);
}

/* A person's say, which comes before whatever there is. */
static void test_a_person_chooses(void **state)
{
	(void)state;
	static const struct {
		const char *said, *about;
	} refused[] = {{"off", "PUNKTFUNK_GPU=off"}, {"none", "neither off nor software"},
		{"renderD128", "such as /dev/dri/renderD128"}};
	const char *why;
	bool must;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		setenv("PUNKTFUNK_GPU", refused[i].said, 1);
		assert_false(gpu_allowed(&why));
		assert_non_null(strstr(why, refused[i].about));
	}
	gpu_prefer(1234);
	setenv("PUNKTFUNK_GPU", "/dev/null", 1);
	assert_true(gpu_wanted(&must) == gpu_node_number("/dev/null"));
	assert_true(must);
	setenv("PUNKTFUNK_GPU", "/dev/dri/renderD999", 1);
	assert_true(gpu_wanted(&must) == 0);
	assert_true(must);
	assert_true(gpu_allowed(&why) == gpu_present());
	unsetenv("PUNKTFUNK_GPU");
	assert_true(gpu_wanted(&must) == 1234);
	assert_false(must);
	/* What is drawn there is not for another one; where either is not known, it is tried. */
	struct gpu_display d = {.device = 1234};
	assert_true(gpu_is_desktops(&d));
	d.device = 4321;
	assert_false(gpu_is_desktops(&d));
	d.device = 0;
	assert_true(gpu_is_desktops(&d));
	gpu_prefer(0);
	d.device = 4321;
	assert_true(gpu_is_desktops(&d));
	assert_true(gpu_same_card(4321, 4321));
	assert_false(gpu_same_card(4321, 1234));
}

enum { WIDTH = 33, HEIGHT = 19, EVEN_WIDTH = 34, EVEN_HEIGHT = 20 };

static void near(const uint8_t *got, const uint8_t *want, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_in_range(got[i] + 1, want[i], want[i] + 2);
}

static void convert_once(
	const struct gpu_display *d, bool bgrx, bool invert, uint8_t matrix, bool full)
{
	uint8_t pixels[HEIGHT][EVEN_WIDTH][4], y[EVEN_HEIGHT][EVEN_WIDTH],
		uv[EVEN_HEIGHT / 2][EVEN_WIDTH], want_y[EVEN_HEIGHT][EVEN_WIDTH],
		want_uv[EVEN_HEIGHT / 2][EVEN_WIDTH];
	uint64_t seed = matrix;
	for (size_t i = 0; i < sizeof(pixels); i++)
		((uint8_t *)pixels)[i] = (uint8_t)test_rand(&seed);
	struct frame f;
	frame_init(&f);
	f.width = WIDTH;
	f.height = HEIGHT;
	f.stride = sizeof(pixels[0]);
	f.format = bgrx ? FRAME_BGRX : FRAME_RGBX;
	f.y_invert = invert;
	f.pixels = pixels[0][0];
	const struct gpu_convert_params params = {
		.width = WIDTH, .height = HEIGHT, .matrix = matrix, .full_range = full};
	struct gpu_convert *c;
	assert_int_equal(gpu_convert_create(&c, d, &params), PF_OK);
	assert_int_equal(gpu_convert_frame(c, &f, NULL, false), PF_OK);
	assert_int_equal(gpu_convert_read(c, y[0], EVEN_WIDTH, uv[0], EVEN_WIDTH), PF_OK);
	/* Of what is not there, and of another size. */
	f.pixels = NULL;
	assert_int_equal(gpu_convert_frame(c, &f, NULL, false), PF_E_INVALID);
	f.width++;
	assert_int_equal(gpu_convert_frame(c, &f, NULL, false), PF_E_INVALID);
	assert_int_equal(gpu_convert_read(c, y[0], WIDTH, uv[0], EVEN_WIDTH), PF_E_INVALID);
	gpu_convert_destroy(c);

	struct csc csc;
	assert_int_equal(csc_init(&csc, matrix, full), PF_OK);
	ptrdiff_t stride = sizeof(pixels[0]);
	csc_to_nv12(&csc, invert ? pixels[HEIGHT - 1][0] : pixels[0][0], invert ? -stride : stride,
		bgrx, want_y[0], EVEN_WIDTH, want_uv[0], EVEN_WIDTH, WIDTH, HEIGHT);
	for (int row = 0; row < HEIGHT; row++)
		want_y[row][WIDTH] = want_y[row][WIDTH - 1];
	memcpy(want_y[HEIGHT], want_y[HEIGHT - 1], EVEN_WIDTH);
	near(y[0], want_y[0], sizeof(y));
	near(uv[0], want_uv[0], sizeof(uv));
}

static void test_converts_as_the_cpu_does(void **state)
{
	(void)state;
	const char *why;
	const struct gpu_display *d = gpu_display(true, &why);
	if (!d) {
		print_message("conversion by OpenGL ES is not tried here: %s\n", why);
		return;
	}
	for (unsigned i = 0; i < 8; i++)
		convert_once(d, i & 1, i & 2, CSC_BT709, i & 4);
	convert_once(d, true, false, CSC_BT601, false);
	convert_once(d, true, false, CSC_BT2020, false);
	const struct gpu_convert_params params = {.width = 16, .height = 16, .matrix = 7};
	struct gpu_convert *c;
	assert_int_equal(gpu_convert_create(&c, d, &params), PF_E_UNSUPPORTED);
	assert_null(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_says_what_is_missing),
		cmocka_unit_test(test_opens_each_once),
		cmocka_unit_test(test_probe_says_something_of_each),
		cmocka_unit_test(test_no_gpu_is_no_display),
		cmocka_unit_test(test_a_person_chooses),
		cmocka_unit_test(test_converts_as_the_cpu_does),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
