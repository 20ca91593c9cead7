/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "client/options.h"

#define ARGS_MAX 24

static struct options o;
static char message[ARGS_MESSAGE_MAX];

/* Parses the NULL-terminated words. */
static int parse(const char *const *words)
{
	char *argv[ARGS_MAX] = {(char *)"punktfunk-client"};
	int argc = 1;
	for (; words[argc - 1]; argc++) {
		assert_true(argc < ARGS_MAX - 1);
		argv[argc] = (char *)words[argc - 1];
	}
	return options_parse(&o, argc, argv, message);
}
#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

/* One sentence, with an end, that mentions `word`. */
static void refused(int err, const char *word)
{
	assert_int_equal(err, PUNKTFUNK_E_INVALID);
	size_t len = strlen(message);
	assert_true(len > 10);
	assert_int_equal(message[len - 1], '.');
	if (!strstr(message, word))
		fail_msg("'%s' does not mention '%s'", message, word);
}

static void defaults_are_the_documented_ones(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--connect", "desk"), 0);
	assert_string_equal(o.host, "desk");
	assert_int_equal(o.mode.width, 1280);
	assert_int_equal(o.mode.height, 720);
	assert_int_equal(o.mode.refresh_hz, 60);
	assert_int_equal(o.seconds, 0);
	assert_null(o.type.keys);
	assert_false(o.pin.given);
	options_finish(&o);
}

static void every_option_reaches_its_field(void **state)
{
	(void)state;
	char pin[65];
	for (int i = 0; i < 64; i++)
		pin[i] = "0123456789abcdefABCDEF"[i % 22];
	pin[64] = '\0';
	assert_int_equal(
		PARSE("--connect=[fe80::1%eth0]:1", "--mode", "1920x1080x120", "--seconds=15",
			"--out", "a.mp4", "--frame-png", "b.png", "--remode=2560x1440x60@9",
			"--pin", pin, "--type", "Hi\\n\\\\x", "--mouse", "--bitrate", "500",
			"--name=me", "--trace=t", "--summary", "s"),
		0);
	assert_string_equal(o.host, "[fe80::1%eth0]:1");
	assert_int_equal(o.mode.refresh_hz, 120);
	assert_int_equal(o.seconds, 15);
	assert_string_equal(o.out, "a.mp4");
	assert_string_equal(o.frame_png, "b.png");
	assert_int_equal(o.remode.mode.height, 1440);
	assert_int_equal(o.remode.at_s, 9);
	assert_true(o.pin.given);
	assert_int_equal(o.pin.sha256[5], 0xab);
	assert_int_equal(o.pin.sha256[9], 0xCD);
	assert_string_equal(o.type.keys, "Hi\n\\x");
	assert_true(o.mouse);
	assert_int_equal(o.bitrate, 500);
	assert_string_equal(o.name, "me");
	assert_string_equal(o.trace, "t");
	assert_string_equal(o.summary, "s");
	options_finish(&o);
}

static void the_second_mode_comes_half_way(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--connect", "a", "--seconds", "8", "--remode", "640x480x60"), 0);
	assert_int_equal(o.remode.at_s, 4);
	assert_int_equal(PARSE("--connect", "a", "--remode", "640x480x60"), 0);
	assert_int_equal(o.remode.at_s, 10);
	refused(PARSE("--connect", "a", "--seconds", "8", "--remode", "640x480x60@8"), "--seconds");
}

static void wrong_hosts_are_refused(void **state)
{
	(void)state;
	refused(PARSE("--mouse"), "stream HOST");
	refused(PARSE("desk", "--connect", "desk"), "once");
	refused(PARSE("desk", "sofa"), "sofa");
	refused(PARSE("--connect", ""), "host");
	refused(PARSE("--connect", ":9777"), "host");
	refused(PARSE("--connect", "::1"), "brackets");
	refused(PARSE("--connect", "fe80::1:9777"), "brackets");
	refused(PARSE("--connect", "[::1"), "host");
	refused(PARSE("--connect", "[]:1"), "host");
	refused(PARSE("--connect", "[::1]9777"), "behind");
	refused(PARSE("--connect", "a:0"), "65535");
	refused(PARSE("--connect", "a:65536"), "65535");
	refused(PARSE("--connect", "a:"), "65535");
	refused(PARSE("--connect", "a:99999999999999999999"), "65535");
	refused(PARSE("--connect", "a:1x"), "behind");
	refused(PARSE("--connect", "a\n"), "character");
	char longest[ARGS_HOST_MAX + 1];
	memset(longest, 'a', sizeof(longest));
	longest[ARGS_HOST_MAX] = '\0';
	refused(PARSE("--connect", longest), "host");
	longest[ARGS_HOST_MAX - 1] = '\0';
	assert_int_equal(PARSE("--connect", longest), 0);
}

static void wrong_values_are_refused(void **state)
{
	(void)state;
	static const char *const modes[] = {"", "1280", "1280x720", "1280x720x", "1280x720x0",
		"1280x720x60x", "1280x720x60 ", " 1280x720x60", "-1280x720x60", "1281x720x60",
		"1280x721x60", "62x64x60", "16386x720x60", "1280x720x1001", "4294968576x720x60",
		"1280*720x60"};
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		refused(PARSE("--connect", "a", "--mode", modes[i]), "mode");
		refused(PARSE("--connect", "a", "--remode", modes[i]), "mode");
	}
	refused(PARSE("--connect", "a", "--remode", "640x480x60@"), "time");
	refused(PARSE("--connect", "a", "--remode", "640x480x60@1x"), "time");
	refused(PARSE("--connect", "a", "--seconds", "0"), "1 to 86400");
	refused(PARSE("--connect", "a", "--seconds", "+5"), "1 to 86400");
	refused(PARSE("--connect", "a", "--bitrate", "499"), "500 to 8000000");
	refused(PARSE("--connect", "a", "--drop", "91"), "90");
	refused(PARSE("--connect", "a", "--pin", "12"), "SHA-256");
	refused(PARSE("--connect", "a", "--pin",
			"g123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
		"SHA-256");
	refused(PARSE("--connect", "a", "--name", ""), "name");
	refused(PARSE("--connect", "a", "--out="), "file");
	refused(PARSE("--connect", "a", "--mouse=yes"), "no value");
	refused(PARSE("--connect", "a", "--seconds"), "--seconds N");
	refused(PARSE("--connect", "a", "--sec", "1"), "--help");
	refused(PARSE("--"), "--help");
	refused(PARSE(""), "host");
	refused(PARSE("desk", "--codec", "av1"), "h264");
	refused(PARSE("desk", "--cursor", "me"), "'client'");
	refused(PARSE("desk", "--wait-approval", "601"), "600");
}

static void a_character_without_a_key_is_named(void **state)
{
	(void)state;
	refused(PARSE("--connect", "a", "--type", "caf\xc3\xa9"), "'\xc3\xa9' (U+00E9)");
	refused(PARSE("--connect", "a", "--type", "a\x1b[31m"), "U+001B");
	refused(PARSE("--connect", "a", "--type", "a\xff"), "0xFF");
	refused(PARSE("--connect", "a", "--type", ""), "text");
	/* The later option wins and the earlier text is not leaked (the sanitizer sees it). */
	assert_int_equal(PARSE("--connect", "a", "--type", "one", "--type", "two"), 0);
	assert_string_equal(o.type.keys, "two");
	options_finish(&o);
}

static void help_names_every_option_and_code(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--help"), 0);
	assert_true(o.help);
	assert_int_equal(PARSE("-h"), 0);
	assert_true(o.help);
	char *help = options_help();
	assert_non_null(help);
#define NAMED(kind, field, name, meta, ...) assert_non_null(strstr(help, name ? name : meta));
	OPTIONS_TABLE(NAMED)
	assert_non_null(strstr(help, "\n  7  no picture"));
	free(help);
	assert_int_equal(PARSE("--version"), 0);
	assert_true(o.version);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_the_documented_ones),
		cmocka_unit_test(every_option_reaches_its_field),
		cmocka_unit_test(the_second_mode_comes_half_way),
		cmocka_unit_test(wrong_hosts_are_refused),
		cmocka_unit_test(wrong_values_are_refused),
		cmocka_unit_test(a_character_without_a_key_is_named),
		cmocka_unit_test(help_names_every_option_and_code),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
