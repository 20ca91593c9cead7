/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/percentile.h"
#include "tools/trace.h"

static const char *const columns[] = {"b", "a"};
static struct trace t;
static char message[TRACE_MESSAGE_MAX];

static int read_bytes(const char *text, size_t len)
{
	FILE *f = fmemopen((void *)(uintptr_t)text, len, "r");
	assert_non_null(f);
	int err = trace_read(&t, f, "x.csv", columns, 2, message);
	fclose(f);
	return err;
}

static int read_text(const char *text)
{
	return read_bytes(text, strlen(text));
}

static void columns_are_found_by_name(void **state)
{
	(void)state;
	assert_int_equal(read_text("a,x,b\n1,2,3\n4,5,18446744073709551615\n"), 0);
	assert_int_equal(t.n_rows, 2);
	assert_int_equal(trace_get(&t, 0, 0), 3);
	assert_int_equal(trace_get(&t, 0, 1), 1);
	assert_true(trace_get(&t, 1, 0) == UINT64_MAX);
	trace_finish(&t);
	assert_int_equal(read_text("b,a\n"), 0);
	assert_int_equal(t.n_rows, 0);
	trace_finish(&t);
}

static void bad_files_are_refused_by_line(void **state)
{
	(void)state;
	static const struct {
		const char *text, *says;
	} bad[] = {{"a,b", "line 1"}, {"a\n1\n", "no column b"}, {"\n", "no column"},
		{"a,b\n1\n", "line 2"}, {"a,b\n1,2,3\n", "line 2"}, {"a,b\n1,2\n\n", "line 3"},
		{"a,b\n1,-2\n", "line 2"}, {"a,b\n1, 2\n", "line 2"}, {"a,b\n1,\n", "line 2"},
		{"a,b\n1,18446744073709551616\n", "line 2"}, {"a,b\n1,2\r\n", "line 2"},
		{"a,b\n1,2\n3,", "cut off"}, {"a,b\n1,2\n3,4", "cut off"},
		{"a,b\n0x1,2\n", "line 2"}};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(read_text(bad[i].text), -1);
		assert_non_null(strstr(message, "x.csv"));
		if (!strstr(message, bad[i].says))
			fail_msg("'%s' does not say '%s'", message, bad[i].says);
		assert_null(t.values);
	}
	assert_int_equal(read_bytes("a,b\n1\0,2\n", 9), -1);
}

static void sizes_are_bounded(void **state)
{
	(void)state;
	char *text = calloc(1, 3 * TRACE_LINE_MAX);
	assert_non_null(text);
	strcpy(text, "a,b\n");
	memset(text + 4, '1', 2 * TRACE_LINE_MAX);
	strcat(text, ",2\n");
	assert_int_equal(read_text(text), -1);
	assert_non_null(strstr(message, "too long"));
	strcpy(text, "a,b");
	for (unsigned i = 0; i < TRACE_COLUMNS_MAX - 1; i++)
		strcat(text, ",c");
	strcat(text, "\n");
	assert_int_equal(read_text(text), -1);
	assert_non_null(strstr(message, "too many"));
	free(text);
}

static void random_bytes_never_pass_for_a_row(void **state)
{
	(void)state;
	uint64_t seed = 17;
	for (int round = 0; round < 2000; round++) {
		char text[64] = "a,b\n";
		size_t len = 4 + test_rand(&seed) % 50;
		for (size_t i = 4; i < len; i++)
			text[i] = "0123456789,\n-x"[test_rand(&seed) % 14];
		if (read_bytes(text, len) == 0)
			trace_finish(&t);
		else
			assert_null(t.values);
	}
}

static void percentiles_are_nearest_rank(void **state)
{
	(void)state;
	int64_t five[] = {50, 15, 40, 20, 35};
	percentile_sort(five, 5);
	assert_int_equal(five[0], 15);
	assert_int_equal(percentile_of(five, 5, 5), 15);
	assert_int_equal(percentile_of(five, 5, 30), 20);
	assert_int_equal(percentile_of(five, 5, 40), 20);
	assert_int_equal(percentile_of(five, 5, 41), 35);
	assert_int_equal(percentile_of(five, 5, 50), 35);
	assert_int_equal(percentile_of(five, 5, 100), 50);
	int64_t one = -3;
	percentile_sort(&one, 1);
	percentile_sort(NULL, 0);
	assert_int_equal(percentile_of(&one, 1, 1), -3);
	assert_int_equal(percentile_of(&one, 1, 99), -3);
	/* Against the definition: the smallest that at least p % do not exceed. */
	int64_t s[237];
	uint64_t seed = 9;
	for (size_t n = 1; n <= 237; n++) {
		for (size_t i = 0; i < n; i++)
			s[i] = (int64_t)(test_rand(&seed) % 100) - 50;
		percentile_sort(s, n);
		for (unsigned p = 1; p <= 100; p++) {
			size_t i = 0;
			while ((i + 1) * 100 < n * p)
				i++;
			assert_int_equal(percentile_of(s, n, p), s[i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_found_by_name),
		cmocka_unit_test(bad_files_are_refused_by_line),
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(random_bytes_never_pass_for_a_row),
		cmocka_unit_test(percentiles_are_nearest_rank),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
