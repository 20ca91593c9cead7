/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/apps.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/gamestream/apps_json.h"
#include "host/gamestream/launch_args.h"
#include "host/gamestream/placeholder.h"
#include "host/gamestream/xml.h"
#include "tests/test.h"

static char dir[256];

static const char *file(const char *name)
{
	static char path[400];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

/* Under a name of its own first, so that each version is another file. */
static void put(const char *name, const void *data, size_t len)
{
	char part[400];
	snprintf(part, sizeof(part), "%s", file("part"));
	FILE *f = fopen(part, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	fclose(f);
	assert_int_equal(rename(part, file(name)), 0);
}

static void put_text(const char *text)
{
	put(APPS_FILE, text, strlen(text));
}

static void without_a_file_there_is_the_desktop(void **state)
{
	struct apps *a;
	(void)state;
	unlink(file(APPS_FILE));
	assert_int_equal(apps_create(&a, dir), PF_OK);
	assert_int_equal(apps_count(a), 1);
	assert_string_equal(apps_at(a, 0)->title, "Desktop");
	assert_int_equal(apps_at(a, 0)->id, 1);
	assert_null(apps_at(a, 0)->command);
	assert_null(apps_problem(a));
	assert_null(apps_at(a, 1));
	apps_destroy(a);
}

static void all_of_an_app_is_read(void **state)
{
	struct apps *a;
	(void)state;
	put_text("{\"apps\": [{\"id\": 77, \"title\": \"Game & <Co>\", \"command\": \"run it\","
		 "\"compositor\": \"gamescope\", \"directory\": \"/tmp\","
		 "\"environment\": {\"A\": \"b\", \"C_1\": \"\"},"
		 "\"prepare\": [{\"run\": \"one\", \"undo\": \"eno\"}, {\"run\": \"two\"}],"
		 "\"art\": \"pictures/game.png\"}, {\"id\": 1, \"title\": \"Desktop\"}]}");
	assert_int_equal(apps_create(&a, dir), PF_OK);
	assert_null(apps_problem(a));
	assert_int_equal(apps_count(a), 2);
	const struct app *app = apps_find(a, 77);
	assert_non_null(app);
	assert_string_equal(app->title, "Game & <Co>");
	assert_string_equal(app->command, "run it");
	assert_string_equal(app->compositor, "gamescope");
	assert_string_equal(app->dir, "/tmp");
	assert_int_equal(app->n_env, 2);
	assert_string_equal(app->env[0], "A=b");
	assert_int_equal(app->n_commands, 2);
	assert_string_equal(app->commands[0].undo, "eno");
	assert_null(app->commands[1].undo);
	assert_string_equal(app->art, file("pictures/game.png"));
	apps_destroy(a);
}

static void ids_stay_when_titles_change(void **state)
{
	struct apps *a;
	char text[2000];
	(void)state;
	put_text("{\"apps\": [{\"title\": \"One\"}, {\"id\": 5, \"title\": \"Two\"}, {\"title\": "
		 "\"One\"}]}");
	assert_int_equal(apps_create(&a, dir), PF_OK);
	uint32_t first = apps_at(a, 0)->id, third = apps_at(a, 2)->id;
	assert_true(first > 1 && third > 1 && first != third);
	assert_int_equal(apps_at(a, 1)->id, 5);
	assert_false(apps_refresh(a));
	/* A person changes a title in the file as it is now. */
	FILE *f = fopen(file(APPS_FILE), "r");
	size_t len = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[len] = '\0';
	char *at = strstr(text, "One");
	assert_non_null(at);
	memcpy(at, "Neo", 3);
	put_text(text);
	assert_true(apps_refresh(a));
	assert_string_equal(apps_find(a, first)->title, "Neo");
	assert_string_equal(apps_find(a, third)->title, "One");
	apps_destroy(a);
}

static void a_broken_file_leaves_the_last_good_list(void **state)
{
	static const struct {
		const char *text, *words;
	} bad[] = {
		{"{\"apps\": [\n  {\"title\": \"A\",}]}", "line 2, column"},
		{"", "apps.json"},
		{"[]", "\"apps\""},
		{"{\"apps\": 3}", "\"apps\""},
		{"{\"apps\": [3]}", "app 1: "},
		{"{\"apps\": [{}]}", "\"title\""},
		{"{\"apps\": [{\"title\": \"\"}]}", "\"title\""},
		{"{\"apps\": [{\"title\": \"A\", \"id\": 0}]}", "app 1 (A): \"id\""},
		{"{\"apps\": [{\"title\": \"A\", \"id\": 2147483648}]}", "\"id\""},
		{"{\"apps\": [{\"title\": \"A\", \"id\": \"1\"}]}", "\"id\""},
		{"{\"apps\": [{\"title\": \"A\", \"id\": 3}, {\"title\": \"B\", \"id\": 3}]}",
			"app 2 (B)"},
		{"{\"apps\": [{\"title\": \"A\", \"comand\": \"x\"}]}", "\"comand\""},
		{"{\"apps\": [{\"title\": \"A\", \"title\": \"B\"}]}", "duplicate"},
		{"{\"apps\": [{\"title\": \"A\", \"command\": 3}]}", "\"command\""},
		{"{\"apps\": [{\"title\": \"A\", \"command\": \"x\\u0000y\"}]}", "line 1"},
		{"{\"apps\": [{\"title\": \"A\", \"compositor\": \"gamescope\"}]}", "\"command\""},
		{"{\"apps\": [{\"title\": \"A\", \"command\": \"x\", \"compositor\": \"; rm\"}]}",
			"\"compositor\""},
		{"{\"apps\": [{\"title\": \"A\", \"directory\": \"here\"}]}", "\"directory\""},
		{"{\"apps\": [{\"title\": \"A\", \"environment\": {\"A=B\": \"\"}}]}",
			"\"environment\""},
		{"{\"apps\": [{\"title\": \"A\", \"environment\": {\"1\": \"\"}}]}",
			"\"environment\""},
		{"{\"apps\": [{\"title\": \"A\", \"prepare\": [\"x\"]}]}", "\"prepare\""},
		{"{\"apps\": [{\"title\": \"A\", \"prepare\": [{\"do\": \"x\"}]}]}", "\"do\""},
	};
	struct apps *a;
	(void)state;
	put_text("{\"apps\": [{\"id\": 9, \"title\": \"Good\"}]}");
	assert_int_equal(apps_create(&a, dir), PF_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put_text(bad[i].text);
		assert_true(apps_refresh(a));
		if (!apps_problem(a) || !strstr(apps_problem(a), bad[i].words))
			fail_msg("%s: %s", bad[i].text,
				apps_problem(a) ? apps_problem(a) : "accepted");
		assert_int_equal(apps_count(a), 1);
		assert_int_equal(apps_at(a, 0)->id, 9);
		assert_false(apps_refresh(a)); /* said once */
	}
	/* Who may write to it may start programs. */
	put_text("{\"apps\": [{\"id\": 10, \"title\": \"Other\"}]}");
	assert_int_equal(chmod(file(APPS_FILE), 0666), 0);
	assert_true(apps_refresh(a));
	assert_non_null(apps_problem(a));
	assert_int_equal(chmod(file(APPS_FILE), 0644), 0);
	assert_true(apps_refresh(a));
	assert_null(apps_problem(a));
	assert_int_equal(apps_at(a, 0)->id, 10);
	put_text("{\"apps\": []}");
	assert_true(apps_refresh(a));
	assert_string_equal(apps_at(a, 0)->title, "Desktop");
	apps_destroy(a);
}

static bool is_placeholder(struct apps *a)
{
	uint8_t *p = NULL, *want = NULL;
	size_t len = 0, want_len = 0;
	assert_int_equal(apps_read_art(a, apps_at(a, 0), &p, &len), PF_OK);
	assert_int_equal(placeholder_make(&want, &want_len, apps_at(a, 0)->id), PF_OK);
	bool same = len == want_len && !memcmp(p, want, len);
	free(p);
	free(want);
	return same;
}

static void pictures_are_pngs_or_the_placeholder(void **state)
{
	struct apps *a;
	uint8_t *png = NULL, *got = NULL;
	size_t len = 0, got_len = 0;
	(void)state;
	put_text("{\"apps\": [{\"id\": 9, \"title\": \"A\", \"art\": \"a.png\"}]}");
	assert_int_equal(apps_create(&a, dir), PF_OK);
	assert_true(is_placeholder(a)); /* no file */
	assert_int_equal(placeholder_make(&png, &len, 12345), PF_OK);
	put("a.png", png, len);
	assert_int_equal(apps_read_art(a, apps_at(a, 0), &got, &got_len), PF_OK);
	assert_int_equal(got_len, len);
	assert_memory_equal(got, png, len);
	free(got);
	png[1] = 'Q';
	put("a.png", png, len);
	assert_true(is_placeholder(a));
	png[1] = 'P';
	png[18] = 0x20; /* 8 K wide */
	put("a.png", png, len);
	assert_true(is_placeholder(a));
	put("a.png", png, 20);
	assert_true(is_placeholder(a));
	unlink(file("a.png"));
	assert_int_equal(mkfifo(file("a.png"), 0600), 0);
	assert_true(is_placeholder(a)); /* and nobody waits */
	unlink(file("a.png"));
	assert_int_equal(mkdir(file("a.png"), 0700), 0);
	assert_true(is_placeholder(a));
	rmdir(file("a.png"));
	FILE *f = fopen(file("a.png"), "w");
	assert_int_equal(ftruncate(fileno(f), APP_ART_MAX + 1), 0);
	fclose(f);
	assert_true(is_placeholder(a));
	unlink(file("a.png"));
	free(png);
	apps_destroy(a);
}

/* "name=value&…" as an argument source. */
static const char *query_arg(const void *source, const char *name)
{
	static char value[100];
	const char *at = source;
	size_t len = strlen(name);
	for (; at; at = strchr(at, '&') ? strchr(at, '&') + 1 : NULL)
		if (!strncmp(at, name, len) && at[len] == '=') {
			snprintf(value, sizeof(value), "%.*s", (int)strcspn(at + len + 1, "&"),
				at + len + 1);
			return value;
		}
	return NULL;
}

#define KEY "rikey=000102030405060708090A0b0c0d0e0f&"

static void a_launch_is_read(void **state)
{
	struct launch_request r;
	char why[200];
	(void)state;
	assert_int_equal(
		launch_args_read(&r, query_arg,
			KEY "mode=2560x1440x120&rikeyid=-559038737&sops=1&hdrMode=1&"
			    "localAudioPlayMode=1&surroundAudioInfo=4128774&gcmap=5&gcpersist=1&"
			    "remoteControllersBitmap=1&corever=1",
			why, sizeof(why)),
		PF_OK);
	assert_int_equal(r.mode.width, 2560);
	assert_int_equal(r.mode.height, 1440);
	assert_int_equal(r.mode.refresh_hz, 120);
	assert_int_equal(r.rikeyid, 0xdeadbeef);
	assert_int_equal(r.rikey[10], 10);
	assert_true(r.sops && r.hdr && r.local_audio && r.keep_pads);
	assert_int_equal(r.channels, 6);
	assert_int_equal(r.surround_mask, 0x3f);
	assert_int_equal(r.pads, 5);
	assert_int_equal(r.corever, 1);
	assert_int_equal(
		launch_args_read(&r, query_arg,
			KEY "mode=1280x720x60&rikeyid=4294967295&surroundAudioInfo=7&corever=x",
			why, sizeof(why)),
		PF_OK);
	assert_int_equal(r.rikeyid, UINT32_MAX);
	assert_int_equal(r.channels, 2);
	assert_int_equal(r.corever, 0);
}

static void bad_launches_name_the_argument(void **state)
{
	static const struct {
		const char *query, *name;
	} bad[] = {
		{KEY "rikeyid=1", "mode"},
		{KEY "rikeyid=1&mode=1280x720", "mode"},
		{KEY "rikeyid=1&mode=1280x720x60x1", "mode"},
		{KEY "rikeyid=1&mode=1280X720X60", "mode"},
		{KEY "rikeyid=1&mode=-1280x720x60", "mode"},
		{KEY "rikeyid=1&mode=1280x720x0", "mode"},
		{KEY "rikeyid=1&mode= 1280x720x60", "mode"},
		{KEY "rikeyid=1&mode=70000x720x60", "mode"},
		{KEY "rikeyid=1&mode=00000000000000000001280x720x60", "mode"},
		{"rikeyid=1&mode=1280x720x60", "rikey"},
		{"rikey=00&rikeyid=1&mode=1280x720x60", "rikey"},
		{KEY "mode=1280x720x60", "rikeyid"},
		{KEY "rikeyid=&mode=1280x720x60", "rikeyid"},
		{KEY "rikeyid=4294967296&mode=1280x720x60", "rikeyid"},
		{KEY "rikeyid=-2147483649&mode=1280x720x60", "rikeyid"},
		{KEY "rikeyid=0x10&mode=1280x720x60", "rikeyid"},
	};
	struct launch_request r;
	char why[200];
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char word[40];
		assert_int_equal(launch_args_read(&r, query_arg, bad[i].query, why, sizeof(why)),
			PF_E_BAD_PACKET);
		snprintf(word, sizeof(word), " %s ", bad[i].name);
		assert_non_null(strstr(why, word));
	}
}

static void xml_is_escaped(void **state)
{
	struct xml x;
	(void)state;
	xml_init(&x, 503, "a \"b\" & <c>\n");
	xml_text(&x, "t", "</t><evil>&\x01é");
	xml_number(&x, "n", -5);
	xml_end(&x);
	assert_false(x.failed);
	assert_string_equal(x.text,
		"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<root status_code=\"503\" "
		"status_message=\"a &quot;b&quot; &amp; &lt;c&gt;?\">"
		"<t>&lt;/t&gt;&lt;evil&gt;&amp;?é</t><n>-5</n></root>\n");
	xml_finish(&x);
}

static int setup(void **state)
{
	(void)state;
	return test_folder(dir, sizeof(dir), "gs-apps");
}

static int teardown(void **state)
{
	(void)state;
	unlink(file(APPS_FILE));
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_file_there_is_the_desktop),
		cmocka_unit_test(all_of_an_app_is_read),
		cmocka_unit_test(ids_stay_when_titles_change),
		cmocka_unit_test(a_broken_file_leaves_the_last_good_list),
		cmocka_unit_test(pictures_are_pngs_or_the_placeholder),
		cmocka_unit_test(a_launch_is_read),
		cmocka_unit_test(bad_launches_name_the_argument),
		cmocka_unit_test(xml_is_escaped),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
