/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "client/args.h"

struct fields {
	const char *host, *note;
	uint32_t n;
	bool help, version;
};

static const struct args_rule rules[] = {
	{NULL, "HOST", "a host", args_parse_name, offsetof(struct fields, host), 0, 0},
	{NULL, "NOTE", "a note", args_parse_name, offsetof(struct fields, note), 0, 0},
	{"n", "N", "a number", args_parse_number, offsetof(struct fields, n), 1, 9},
#define RULE(kind, field, name, meta, min, max, help) \
	{name, meta, help, args_parse_##kind, offsetof(struct fields, field), min, max},
	ARGS_COMMON(RULE)
#undef RULE
};
#define N_RULES (sizeof(rules) / sizeof(rules[0]))

static struct fields f;
static char message[ARGS_MESSAGE_MAX];

static int parse(const char *const *words)
{
	char *argv[16] = {(char *)"command"};
	int argc = 1;
	for (; words[argc - 1]; argc++)
		argv[argc] = (char *)words[argc - 1];
	memset(&f, 0, sizeof(f));
	return args_parse(rules, N_RULES, &f, argc, argv, message);
}
#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

static void operands_are_taken_in_order(void **state)
{
	(void)state;
	assert_int_equal(PARSE("desk", "--n", "3", "words"), 0);
	assert_string_equal(f.host, "desk");
	assert_string_equal(f.note, "words");
	assert_int_equal(f.n, 3);
	assert_int_equal(PARSE("--n=9"), 0);
	assert_null(f.host);
	assert_int_equal(PARSE("-h"), 0);
	assert_true(f.help);
}

static void what_is_too_much_is_refused(void **state)
{
	(void)state;
	assert_int_equal(PARSE("a", "b", "c"), PUNKTFUNK_E_INVALID);
	assert_non_null(strstr(message, "'c' is not an option"));
	assert_int_equal(PARSE("-x"), PUNKTFUNK_E_INVALID);
	assert_int_equal(PARSE("-"), PUNKTFUNK_E_INVALID);
	assert_int_equal(PARSE("--"), PUNKTFUNK_E_INVALID);
	assert_int_equal(PARSE(""), PUNKTFUNK_E_INVALID);
	assert_non_null(strstr(message, "HOST: '' is not a name"));
	assert_int_equal(PARSE("--n", "10"), PUNKTFUNK_E_INVALID);
	assert_non_null(strstr(message, "(1 to 9)"));
}

static void the_list_shows_operands_and_options(void **state)
{
	(void)state;
	char *text = args_help("Above:\n", rules, N_RULES, "Below.\n");
	assert_non_null(text);
	assert_ptr_equal(strstr(text, "Above:\n"), text);
	assert_string_equal(text + strlen(text) - 8, "\nBelow.\n");
	assert_non_null(strstr(text, "\n  NOTE "));
	assert_non_null(strstr(text, "\n  --n N "));
	assert_non_null(strstr(text, "\n  --version "));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operands_are_taken_in_order),
		cmocka_unit_test(what_is_too_much_is_refused),
		cmocka_unit_test(the_list_shows_operands_and_options),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
