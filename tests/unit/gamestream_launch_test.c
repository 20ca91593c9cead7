/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/launch.h"

#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-event.h>

#include "host/base/loop.h"
#include "host/gamestream/apps_json.h"
#include "host/media/clock.h"
#include "tests/test.h"

/* Launches with real processes, and a stand-in for the stream. */

static struct loop *loop;
static struct launches *ls;
static struct app_list apps;
static char dir[256], why[300];
static int n_prepared, n_torn, prepare_error, n_done, last_err;
static char torn_why[200];
static const uint8_t alice[LAUNCH_FP_LEN] = {1}, bob[LAUNCH_FP_LEN] = {2};

static int prepare(struct gs_launch *l, char *text, size_t len, void *userdata)
{
	(void)userdata;
	n_prepared++;
	snprintf(l->wayland_display, sizeof(l->wayland_display), "/nowhere/wayland-7");
	snprintf(l->environment[0], sizeof(l->environment[0]), "MORE=more");
	snprintf(text, len, "no display");
	return prepare_error;
}

static void teardown_hook(struct gs_launch *l, const char *text, void *userdata)
{
	(void)userdata;
	assert_int_equal(l->state, LAUNCH_ENDED);
	launch_left(ls, l); /* as a stream does that ends: nothing comes of it */
	assert_int_equal(l->state, LAUNCH_ENDED);
	n_torn++;
	snprintf(torn_why, sizeof(torn_why), "%s", text);
}

static void done(struct gs_launch *l, int err, const char *text, void *userdata)
{
	(void)l, (void)userdata;
	n_done++;
	last_err = err;
	snprintf(why, sizeof(why), "%s", text ? text : "");
}

/* Until done() was called once more: 0; or 1 after so long. */
static int run_ms(unsigned ms)
{
	uint64_t end_ns = clock_now_ns() + ms * 1000000ull;
	int before = n_done;
	while (n_done == before && clock_now_ns() < end_ns)
		assert_true(sd_event_run(loop_sd_event(loop), 5000) >= 0);
	return n_done == before;
}

static bool comes(const char *name, const char *text)
{
	char path[400], got[400] = "";
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	for (int i = 0; i < 400; i++) {
		FILE *f = fopen(path, "r");
		size_t n = f ? fread(got, 1, sizeof(got) - 1, f) : 0;
		got[n] = '\0';
		if (f)
			fclose(f);
		if (n && (!text || strstr(got, text)))
			return true;
		run_ms(10);
	}
	return false;
}

/* With another key each time. */
static struct launch_request request(void)
{
	static uint8_t n;
	struct launch_request r = {.mode = {1280, 720, 60}, .corever = 1};
	memset(r.rikey, 0x5a, sizeof(r.rikey));
	r.rikey[1] = ++n;
	r.peer.in4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(0x7f000001)}};
	return r;
}

static int start(const uint8_t *fp, size_t app)
{
	const struct launch_request r = request();
	return launch_start(ls, fp, "test", apps.apps[app], &r, done, NULL, why, sizeof(why));
}

static int setup(void **state)
{
	static const struct launch_hooks hooks = {.prepare = prepare, .teardown = teardown_hook};
	(void)state;
	n_prepared = n_torn = prepare_error = n_done = last_err = 0;
	if (loop_create(&loop) < 0)
		return -1;
	return launches_create(&ls, loop, &hooks, 2, NULL);
}

static int teardown(void **state)
{
	char command[300];
	(void)state;
	launches_destroy(ls);
	loop_destroy(loop);
	snprintf(command, sizeof(command), "rm -f %s/*", dir);
	return system(command);
}

enum { DESKTOP, APP, FAILS, SHORT, SLOW, TARDY };

static void the_desktop_starts_at_once_and_comes_back(void **state)
{
	const struct launch_request r = request();
	struct launch_request again;
	(void)state;
	assert_int_equal(launch_resume(ls, alice, &r, done, NULL, why, sizeof(why)), PF_E_NO_FRAME);
	assert_int_equal(start(alice, DESKTOP), PF_OK);
	assert_int_equal(n_done, 1);
	assert_int_equal(last_err, PF_OK);
	struct gs_launch *l = launch_of(ls, alice);
	assert_int_equal(l->state, LAUNCH_PENDING);
	l->encrypted_rtsp = true;
	assert_ptr_equal(launch_next_pending(ls, &r.peer, true, NULL), l);
	assert_null(launch_next_pending(ls, &r.peer, true, l));
	assert_null(launch_next_pending(ls, &r.peer, false, NULL));
	launch_running(ls, l);
	assert_null(launch_next_pending(ls, &r.peer, true, NULL));
	launch_left(ls, l);
	assert_int_equal(l->state, LAUNCH_AWAY);
	static const uint8_t zeros[LAUNCH_KEY_LEN];
	assert_memory_equal(l->request.rikey, zeros, sizeof(zeros));
	/* Another app: not while this one is there. The same one, or /resume: goes on. */
	assert_int_equal(start(alice, APP), PF_E_BUSY);
	assert_int_equal(start(alice, DESKTOP), PF_OK);
	assert_ptr_equal(launch_of(ls, alice), l);
	assert_int_equal(l->request.rikey[0], 0x5a);
	again = l->request;
	launch_running(ls, l);
	/* Not with the key that is in use, nor when it was. */
	assert_int_equal(
		launch_resume(ls, alice, &again, done, NULL, why, sizeof(why)), PF_E_CRYPTO);
	assert_int_equal(l->state, LAUNCH_RUNNING);
	/* Taken over while it runs; the late end of the old connection changes nothing. */
	assert_int_equal(launch_resume(ls, alice, &r, done, NULL, why, sizeof(why)), PF_OK);
	assert_int_equal(l->state, LAUNCH_PENDING);
	launch_left(ls, l);
	assert_int_equal(l->state, LAUNCH_PENDING);
	assert_int_equal(n_prepared, 3);
	launch_end(ls, l, "its device quit it");
	assert_int_equal(n_torn, 1);
	assert_null(launch_of(ls, alice));
}

static void plain_rtsp_is_found_by_address(void **state)
{
	const struct launch_request r = request();
	union udp_addr other = r.peer;
	(void)state;
	other.in4.sin_addr.s_addr = htonl(0x7f000002);
	assert_int_equal(start(alice, DESKTOP), PF_OK);
	assert_non_null(launch_next_pending(ls, &r.peer, false, NULL));
	assert_null(launch_next_pending(ls, &other, false, NULL));
}

static void the_host_is_full_at_some_time(void **state)
{
	static const uint8_t carol[LAUNCH_FP_LEN] = {3};
	(void)state;
	assert_int_equal(start(alice, DESKTOP), PF_OK);
	assert_int_equal(start(bob, DESKTOP), PF_OK);
	assert_int_equal(start(carol, DESKTOP), PF_E_BUSY);
	assert_non_null(strstr(why, "--max-concurrent"));
}

static void what_cannot_be_prepared_is_said_and_gone(void **state)
{
	const struct launch_request r = request();
	(void)state;
	prepare_error = PF_E_IO;
	assert_int_equal(start(alice, DESKTOP), PF_OK);
	assert_int_equal(last_err, PF_E_IO);
	assert_string_equal(why, "no display");
	assert_null(launch_of(ls, alice));
	assert_int_equal(n_torn, 1);
	/* What ran before stays when it cannot be resumed. */
	prepare_error = PF_OK;
	assert_int_equal(start(alice, DESKTOP), PF_OK);
	launch_running(ls, launch_of(ls, alice));
	launch_left(ls, launch_of(ls, alice));
	prepare_error = PF_E_IO;
	assert_int_equal(launch_resume(ls, alice, &r, done, NULL, why, sizeof(why)), PF_OK);
	assert_int_equal(last_err, PF_E_IO);
	assert_int_equal(launch_of(ls, alice)->state, LAUNCH_AWAY);
}

static void an_app_is_prepared_run_and_undone(void **state)
{
	(void)state;
	assert_int_equal(start(alice, APP), PF_OK);
	assert_int_equal(n_done, 0); /* its commands run */
	assert_int_equal(launch_of(ls, alice)->state, LAUNCH_PREPARING);
	assert_int_equal(run_ms(5000), 0);
	assert_int_equal(last_err, PF_OK);
	assert_true(comes("env", "GAME=chess MORE=more 1280 /nowhere/wayland-7"));
	launch_end(ls, launch_of(ls, alice), "its device quit it");
	assert_true(comes("order", "one\ntwo\nundo two\nundo one\n"));
}

static void a_failed_command_ends_it_and_undoes_what_was_done(void **state)
{
	(void)state;
	assert_int_equal(start(alice, FAILS), PF_OK);
	assert_int_equal(run_ms(5000), 0);
	assert_int_equal(last_err, PF_E_IO);
	assert_non_null(strstr(why, "Prepare command 2"));
	assert_int_equal(n_prepared, 0);
	assert_true(comes("order", "undo two\nundo one\n"));
}

static void the_end_of_an_app_ends_its_session(void **state)
{
	(void)state;
	assert_int_equal(start(alice, SHORT), PF_OK);
	assert_int_equal(last_err, PF_OK);
	for (int i = 0; i < 400 && launch_of(ls, alice); i++)
		run_ms(10);
	assert_null(launch_of(ls, alice));
	assert_string_equal(torn_why, "the app ended");
}

static void who_waits_may_go(void **state)
{
	(void)state;
	assert_int_equal(start(alice, SLOW), PF_OK);
	launch_abandon(ls, NULL);
	launch_end(ls, launch_of(ls, alice), "unpaired");
	assert_int_equal(n_done, 0);
	assert_true(comes("order", "undo slow\n"));
}

static void start_and_quit(const uint8_t *fp, size_t app)
{
	const int before = n_done;
	assert_int_equal(start(fp, app), PF_OK);
	if (n_done == before)
		assert_int_equal(run_ms(5000), 0);
	launch_end(ls, launch_of(ls, fp), "quit");
}

static void what_is_quit_does_not_heap_up(void **state)
{
	char go[300];
	(void)state;
	for (unsigned i = 0; i < APP_RUN_ENDING; i++)
		start_and_quit(alice, TARDY);
	assert_int_equal(start(alice, TARDY), PF_E_BUSY);
	assert_null(launch_of(ls, alice));
	start_and_quit(alice, DESKTOP); /* it has no processes */
	start_and_quit(bob, TARDY);
	snprintf(go, sizeof(go), "%s/go", dir);
	FILE *f = fopen(go, "we");
	assert_non_null(f);
	fclose(f);
	int err = PF_E_BUSY;
	for (int i = 0; i < 500 && err == PF_E_BUSY; i++) {
		run_ms(10);
		err = start(alice, TARDY);
	}
	assert_int_equal(err, PF_OK);
}

static int make_apps(void **state)
{
	static const char form[] =
		"{\"apps\": [{\"id\": 1, \"title\": \"Desktop\"},"
		"{\"id\": 2, \"title\": \"App\", \"command\": \"echo GAME=$GAME MORE=$MORE "
		"$PUNKTFUNK_CLIENT_WIDTH $WAYLAND_DISPLAY >@/env; sleep 600\","
		"\"environment\": {\"GAME\": \"chess\"},"
		"\"prepare\": [{\"run\": \"echo one >>@/order\", \"undo\": \"echo undo one "
		">>@/order\"},"
		"{\"run\": \"echo two >>@/order\", \"undo\": \"echo undo two >>@/order\"}]},"
		"{\"id\": 3, \"title\": \"Fails\", \"prepare\": ["
		"{\"undo\": \"echo undo one >>@/order\"},"
		"{\"run\": \"exit 9\", \"undo\": \"echo undo two >>@/order\"},"
		"{\"run\": \"echo three >>@/order\", \"undo\": \"echo undo three "
		">>@/order\"}]},"
		"{\"id\": 4, \"title\": \"Short\", \"command\": \"exit 3\"},"
		"{\"id\": 5, \"title\": \"Slow\", \"prepare\": [{\"run\": \"sleep 600\", \"undo\": "
		"\"echo undo slow >>@/order\"}]},"
		"{\"id\": 6, \"title\": \"Tardy\", \"prepare\": [{\"undo\": "
		"\"until [ -e @/go ]; do sleep 0.02; done\"}]}]}";
	static char text[4000];
	char *rewritten;
	(void)state;
	if (test_folder(dir, sizeof(dir), "gs-launch") < 0)
		return -1;
	(void)!chown(dir, 65534, 65534); /* root's apps run as somebody else */
	for (const char *c = form; *c; c++) {
		size_t n = strlen(text);
		snprintf(text + n, sizeof(text) - n, "%.*s", *c == '@' ? 256 : 1,
			*c == '@' ? dir : c);
	}
	return apps_json_read(&apps, text, strlen(text), dir, &rewritten, why, sizeof(why));
}

static int free_apps(void **state)
{
	(void)state;
	app_list_finish(&apps);
	return rmdir(dir);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_desktop_starts_at_once_and_comes_back),
		TEST(plain_rtsp_is_found_by_address),
		TEST(the_host_is_full_at_some_time),
		TEST(what_cannot_be_prepared_is_said_and_gone),
		TEST(an_app_is_prepared_run_and_undone),
		TEST(a_failed_command_ends_it_and_undoes_what_was_done),
		TEST(the_end_of_an_app_ends_its_session),
		TEST(who_waits_may_go),
		TEST(what_is_quit_does_not_heap_up),
	};
	return cmocka_run_group_tests(tests, make_apps, free_apps);
}
