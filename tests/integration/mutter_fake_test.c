/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/inject/inject.h"
#include "host/media/clock.h"
#include "host/vdisplay/mutter_link.h"
#include "host/vdisplay/vdisplay.h"
#include "tests/support/gnome.h"

/* Something on a bus of the test's own that says that it is mutter, and is not as it should be. */

#define HUNG_NS 2500000000ull /* the control loop is held no longer */

/* --- the fake: a process of its own --- */

static const char *fault;
static unsigned n_calls, n_sessions;

static bool is(const char *name)
{
	return strcmp(fault, name) == 0;
}

static int answer_path(sd_bus_message *m, const char *path)
{
	static char longest[5000];
	if (is("garbage"))
		return sd_bus_reply_method_return(m, "su", "no path", 7u);
	if (is("long")) {
		memset(longest, 'a', sizeof(longest) - 1);
		longest[0] = '/';
		return sd_bus_reply_method_return(m, "o", longest);
	}
	return sd_bus_reply_method_return(m, "o", path);
}

static void hang(void)
{
	for (;;)
		pause();
}

static int start(sd_bus *bus)
{
	const uint32_t node = is("no node") ? 0 : is("huge node") ? UINT32_MAX : 77;
	if (is("closes"))
		return sd_bus_emit_signal(bus, "/r", MUTTER_REMOTE_SESSION, "Closed", NULL);
	if (is("other's node"))
		return sd_bus_emit_signal(
			bus, "/other", MUTTER_CAST_STREAM, "PipeWireStreamAdded", "u", node);
	if (is("text node"))
		return sd_bus_emit_signal(
			bus, "/s", MUTTER_CAST_STREAM, "PipeWireStreamAdded", "s", "77");
	if (is("silent"))
		return 0;
	return sd_bus_emit_signal(bus, "/s", MUTTER_CAST_STREAM, "PipeWireStreamAdded", "u", node);
}

/* As a session describes itself; of a version that has all, unless the fault says else. */
static int describe(sd_bus_message *m)
{
	static char endless[20000];
	memset(endless, '<', sizeof(endless) - 1);
	if (is("mute"))
		return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_UNKNOWN_METHOD, "no");
	if (is("babble"))
		return sd_bus_reply_method_return(m, "s", endless);
	if (is("numbers"))
		return sd_bus_reply_method_return(m, "u", 7u);
	if (is("old"))
		return sd_bus_reply_method_return(m, "s",
			"<property name=\"NumLockState\" type=\"b\"></property>"
			"<annotation name=\"org.freedesktop.DBus.Deprecated\" value=\"true\"/>");
	return sd_bus_reply_method_return(m, "s",
		is("middle") ? "<method name=\"ConnectToEIS\"/><property name=\"NumLockState\"/>"
			     : "<method name=\"ConnectToEIS\"/><property name=\"NumLockState\">"
			       "<annotation name=\"org.freedesktop.DBus.Deprecated\" "
			       "value=\"true\"/></property>");
}

static int parameters(sd_bus_message *m)
{
	static char longest[500];
	memset(longest, 'x', sizeof(longest) - 1);
	if (is("no parameters"))
		return sd_bus_reply_method_return(m, "v", "s", "none");
	if (is("odd parameters"))
		return sd_bus_reply_method_return(
			m, "v", "a{sv}", 2, "mapping-id", "u", 7u, "mapping-id", "s", longest);
	return sd_bus_reply_method_return(
		m, "v", "a{sv}", 2, "size", "(ii)", 640, 480, "mapping-id", "s", "its-region");
}

static int connect_to_eis(sd_bus_message *m)
{
	if (is("no eis"))
		return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_ACCESS_DENIED, "no");
	if (is("text eis"))
		return sd_bus_reply_method_return(m, "s", "3");
	const int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	const int r = sd_bus_reply_method_return(m, "h", fd);
	close(fd);
	return r;
}

static bool asks_for(sd_bus_message *m, const char *property)
{
	const char *interface, *name;
	return sd_bus_message_read(m, "ss", &interface, &name) >= 0 && strcmp(name, property) == 0;
}

static int tell_key(sd_bus_message *m)
{
	uint32_t code;
	int down;
	if (sd_bus_message_read(m, "ub", &code, &down) < 0)
		return -1;
	printf("key-%u-%d\n", code, down);
	return sd_bus_reply_method_return(m, NULL);
}

static int handle(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	sd_bus *bus = sd_bus_message_get_bus(m);
	const char *member = sd_bus_message_get_member(m), *path = sd_bus_message_get_path(m);
	(void)userdata;
	(void)error;
	if (!member || !path)
		return 0;
	if (is("slow") && strcmp(member, "Get") != 0)
		usleep(800000); /* its answers come in time each */
	if (is("hangs") && strcmp(member, "RecordVirtual") == 0)
		hang();
	if (is("dies") && strcmp(member, "RecordVirtual") == 0)
		_exit(0);
	if (is("refuses") && strcmp(member, "CreateSession") == 0)
		return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_ACCESS_DENIED, "\033[31mno\n");
	if (strcmp(member, "PleaseClose") == 0)
		return sd_bus_emit_signal(bus, path, MUTTER_REMOTE_SESSION, "Closed", NULL);
	if (strcmp(member, "CreateSession") == 0 && is("several"))
		return answer_path(m,
			strcmp(path, MUTTER_REMOTE_PATH) != 0 ? "/c"
				: n_sessions++		      ? "/r2"
							      : "/r");
	if (strcmp(member, "CreateSession") == 0)
		return answer_path(m, strcmp(path, MUTTER_REMOTE_PATH) == 0 ? "/r" : "/c");
	if (strcmp(member, "RecordVirtual") == 0)
		return answer_path(m, "/s");
	if (strcmp(member, "ConnectToEIS") == 0)
		return connect_to_eis(m);
	if (strcmp(member, "Start") == 0) {
		if (sd_bus_reply_method_return(m, NULL) < 0)
			return -1;
		return start(bus);
	}
	if (strcmp(member, "Get") == 0 && strcmp(path, MUTTER_CAST_PATH) == 0)
		return sd_bus_reply_method_return(m, "v", "i", is("ancient") ? 1 : 4);
	if (strcmp(member, "Introspect") == 0)
		return describe(m);
	if (strcmp(member, "Get") == 0 && strcmp(path, "/s") == 0)
		return parameters(m);
	if (strcmp(member, "Get") == 0 && is("odd id"))
		return sd_bus_reply_method_return(m, "v", "u", 5u);
	if (strcmp(member, "Get") == 0 && is("num lock off") && asks_for(m, "NumLockState"))
		return sd_bus_reply_method_return(m, "v", "b", 0);
	if (strcmp(member, "Get") == 0)
		return sd_bus_reply_method_return(m, "v", "s", "id");
	if (strcmp(member, "NotifyKeyboardKeycode") == 0 && is("num lock off"))
		return tell_key(m);
	if (strncmp(member, "Notify", 6) == 0) {
		printf("%s %u\n", member, ++n_calls);
		return sd_bus_reply_method_return(m, NULL);
	}
	return 0;
}

static int filter(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	uint8_t type;
	if (sd_bus_message_get_type(m, &type) < 0 || type != SD_BUS_MESSAGE_METHOD_CALL)
		return 0;
	return handle(m, userdata, error) < 0 ? -1 : 1;
}

static int be_fake(const char *what)
{
	sd_bus *bus = NULL;
	fault = what;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (sd_bus_open_user(&bus) < 0 || sd_bus_add_filter(bus, NULL, filter, NULL) < 0 ||
		sd_bus_request_name(bus, MUTTER_REMOTE, 0) < 0 ||
		sd_bus_request_name(bus, MUTTER_CAST, 0) < 0)
		return 1;
	puts("ready");
	for (;;) {
		const int r = sd_bus_process(bus, NULL);
		if (r < 0 || (r == 0 && sd_bus_wait(bus, UINT64_MAX) < 0))
			return 0;
	}
}

/* --- the tests --- */

static struct gnome gnome;
static struct gnome_reader fake;
static struct loop *loop;
static int n_lost;

static void on_lost(const char *why, void *userdata)
{
	(void)why;
	(void)userdata;
	n_lost++;
}

/* Returns the number that the line ends with: how many calls there were. */
static unsigned wait_line(const char *begin)
{
	char line[128] = "";
	unsigned calls = 0;
	for (int n = 0; n < 2000 && !gnome_read(&fake, begin, line, sizeof(line)); n++) {
		assert_int_not_equal(n, 1999);
		assert_true(sd_event_run(loop_sd_event(loop), 5000) >= 0);
	}
	(void)sscanf(line, "%*s %u", &calls);
	return calls;
}

static void start_fake(const char *what)
{
	const char *const argv[] = {"/proc/self/exe", "--fake", what, NULL};
	gnome_stop(&fake);
	assert_int_equal(gnome_run(&fake, argv), 0);
	wait_line("ready");
}

static struct vdisplay *open_display(void)
{
	const struct vdisplay_params params = {.loop = loop, .on_lost = on_lost};
	struct vdisplay *v = NULL;
	assert_int_equal(vdisplay_create(&v, "mutter", &params, NULL), 0);
	return v;
}

/* For the client: what it is, and nothing of what the bus said unread. */
static void check_words(const char *why, const char *what)
{
	const char *word = !strcmp(what, "hangs") ? "does not answer"
		: !strcmp(what, "silent")	  ? "PipeWire"
		: !strcmp(what, "refuses")	  ? "it says '?[31mno?'"
						  : "GNOME";
	if (!why || !strstr(why, word) || strchr(why, '\033'))
		fail_msg("%s: the words are '%s'", what, why ? why : "none");
}

static void what_goes_wrong_is_an_error_in_time(void **state)
{
	static const char *const faults[] = {"refuses", "garbage", "long", "odd id", "hangs",
		"dies", "closes", "no node", "huge node", "text node", "other's node", "silent"};
	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct vdisplay_output o;
		start_fake(faults[i]);
		struct vdisplay *v = open_display();
		const uint64_t began_ns = clock_now_ns();
		if (vdisplay_add_output(v, 1280, 720, 60000, &o) >= 0)
			fail_msg("%s: an output", faults[i]);
		if (clock_now_ns() - began_ns > HUNG_NS)
			fail_msg("%s: too late", faults[i]);
		check_words(vdisplay_why_output(v), faults[i]);
		vdisplay_destroy(v);
	}
	/* The next one works. */
	struct vdisplay_output o;
	start_fake("nothing");
	struct vdisplay *v = open_display();
	assert_int_equal(vdisplay_add_output(v, 1280, 720, 60000, &o), 0);
	assert_int_equal(o.node.id, 77);
	vdisplay_destroy(v);
}

static void one_that_is_slow_has_an_end_too(void **state)
{
	struct vdisplay_output o;
	(void)state;
	start_fake("slow");
	struct vdisplay *v = open_display();
	assert_int_equal(vdisplay_add_output(v, 1280, 720, 60000, &o), PF_E_TIMEOUT);
	vdisplay_destroy(v);
}

static void an_ancient_one_is_refused_with_the_remedy(void **state)
{
	const struct vdisplay_params params = {.loop = loop};
	struct vdisplay *v;
	const char *why = NULL;
	char note[VDISPLAY_NOTE_LEN];
	(void)state;
	start_fake("ancient");
	assert_int_equal(vdisplay_create(&v, "mutter", &params, &why), PF_E_UNSUPPORTED);
	assert_non_null(strstr(why, "update"));
	assert_int_equal(vdisplay_mutter_impl.probe(&params, note), PF_E_UNSUPPORTED);
	gnome_stop(&fake);
	assert_int_equal(vdisplay_mutter_impl.probe(&params, note), PF_E_NO_FRAME);
	assert_non_null(strstr(note, "log in"));
}

static void each_version_is_used_as_far_as_it_goes(void **state)
{
	static const struct {
		const char *fault, *mapping;
		bool eis, keeps_rate;
	} versions[] = {
		{"mute", "", false, false},
		{"babble", "", false, false},
		{"numbers", "", false, false},
		{"old", "", false, false},
		{"middle", "", false, false},
		{"new", "its-region", true, true},
		{"no eis", "", false, true},
		{"text eis", "", false, true},
		{"no parameters", "", true, true},
		{"odd parameters", "", true, true},
	};
	const bool built = inject_has("libei");
	(void)state;
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		const bool eis = versions[i].eis && built;
		struct vdisplay_output o;
		start_fake(versions[i].fault);
		struct vdisplay *v = open_display();
		assert_int_equal(vdisplay_add_output(v, 640, 480, 60000, &o), 0);
		assert_string_equal(o.inject, eis ? "libei" : "mutter");
		assert_string_equal(o.mapping, eis ? versions[i].mapping : "");
		assert_int_equal(o.node.keeps_rate, versions[i].keeps_rate);
		/* The one of the beginning, and then another one, as who comes back needs it. */
		for (int n = 0; n < 2 && versions[i].eis; n++) {
			const int fd = vdisplay_open_eis(v, &o);
			assert_true(fd > 0);
			assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
			close(fd);
		}
		vdisplay_destroy(v);
	}
}

static void a_probe_says_how_input_goes(void **state)
{
	const struct vdisplay_params params = {.loop = loop};
	char note[VDISPLAY_NOTE_LEN];
	(void)state;
	start_fake("old");
	assert_int_equal(vdisplay_mutter_impl.probe(&params, note), VDISPLAY_RUNS);
	assert_non_null(strstr(note, "GNOME 49"));
	start_fake("new");
	assert_int_equal(vdisplay_mutter_impl.probe(&params, note), VDISPLAY_RUNS);
	assert_non_null(strstr(note, inject_has("libei") ? "by libei" : "without libei"));
	start_fake("refuses");
	assert_int_equal(vdisplay_mutter_impl.probe(&params, note), VDISPLAY_RUNS);
	assert_non_null(strstr(note, "allow"));
}

static struct inject *make_inject(const struct vdisplay_output *o)
{
	struct inject *i;
	const struct inject_params params = {.loop = loop,
		.width = o->width,
		.height = o->height,
		.bus = o->remote.bus,
		.remote_session = o->remote.session,
		.remote_stream = o->remote.stream,
		.eis_fd = -1};
	assert_int_equal(inject_create(&i, "mutter", &params), 0);
	return i;
}

static void a_hung_one_gets_no_flood_and_then_the_outcome(void **state)
{
	struct vdisplay_output o;
	(void)state;
	start_fake("nothing");
	struct vdisplay *v = open_display();
	assert_int_equal(vdisplay_add_output(v, 640, 480, 60000, &o), 0);
	struct inject *i = make_inject(&o);
	const uint32_t size = 640u << 16 | 480u;
	struct pf_input finger = {
		.kind = PF_INPUT_TOUCH_DOWN, .code = 3, .x = 7, .y = 7, .flags = size};
	wait_line("NotifyTouchUp");
	inject_event(i, &finger);
	wait_line("NotifyTouchDown");
	kill(fake.pid, SIGSTOP);
	for (int n = 0; n < 5000; n++)
		inject_event(i, &(struct pf_input){.kind = PF_INPUT_MOUSE_REL, .x = 1});
	inject_event(i, &(struct pf_input){.kind = PF_INPUT_BUTTON_DOWN, .code = 1});
	finger.kind = PF_INPUT_TOUCH_UP;
	inject_event(i, &finger);
	kill(fake.pid, SIGCONT);
	wait_line("NotifyTouchUp"); /* no finger stays down */
	const unsigned calls = wait_line("NotifyPointerButton");
	assert_true(calls > 100 && calls < 1000);
	inject_destroy(i);
	wait_line("NotifyPointerButton");
	vdisplay_destroy(v);
}

/* Everything that the fake and the bus have sent so far is taken in: an answer comes behind it. */
static void settle(const struct vdisplay_output *o)
{
	assert_true(sd_bus_call_method(o->remote.bus, MUTTER_REMOTE, "/r",
			    "org.freedesktop.DBus.Properties", "Get", NULL, NULL, "ss",
			    MUTTER_REMOTE_SESSION, "SessionId") >= 0);
	for (int n = 0; n < 100; n++)
		assert_true(sd_event_run(loop_sd_event(loop), 0) >= 0);
}

/* It is turned on for digits of the keypad, and off again when the client leaves. */
static void num_lock_is_left_as_it_was(void **state)
{
	struct vdisplay_output o;
	(void)state;
	start_fake("num lock off");
	struct vdisplay *v = open_display();
	assert_int_equal(vdisplay_add_output(v, 640, 480, 60000, &o), 0);
	struct inject *i = make_inject(&o);
	settle(&o); /* the answer about the lock */
	inject_event(i, &(struct pf_input){.kind = PF_INPUT_KEY_DOWN, .code = 0x67});
	wait_line("key-69-1");
	wait_line("key-69-0");
	wait_line("key-71-1");
	inject_destroy(i);
	wait_line("key-71-0");
	wait_line("key-69-1");
	wait_line("key-69-0");
	vdisplay_destroy(v);
}

static void close_session(struct vdisplay *v, const struct vdisplay_output *o)
{
	const uint64_t until_ns = clock_now_ns() + UINT64_C(10000000000);
	struct vdisplay_output same = *o;
	assert_true(sd_bus_call_method_async(o->remote.bus, NULL, MUTTER_REMOTE, o->remote.session,
			    "test.Test", "PleaseClose", NULL, NULL, NULL) >= 0);
	while (vdisplay_set_mode(v, &same, o->width, o->height, o->refresh_mhz) >= 0) {
		assert_true(clock_now_ns() < until_ns);
		assert_true(sd_event_run(loop_sd_event(loop), 5000) >= 0);
	}
}

static void one_session_that_is_ended_is_not_the_others_end(void **state)
{
	struct vdisplay_output o[2];
	(void)state;
	n_lost = 0;
	start_fake("several");
	struct vdisplay *v = open_display();
	for (int i = 0; i < 2; i++)
		assert_int_equal(vdisplay_add_output(v, 640, 480, 60000, &o[i]), 0);
	close_session(v, &o[0]);
	settle(&o[1]);
	assert_int_equal(n_lost, 0);
	assert_int_equal(vdisplay_set_mode(v, &o[1], 800, 600, 60000), 0);
	assert_int_equal(vdisplay_open_eis(v, &o[0]), PF_E_IO);
	close_session(v, &o[1]); /* the last: there is no bus of it from here on */
	for (int n = 0; n < 100; n++)
		assert_true(sd_event_run(loop_sd_event(loop), 0) >= 0);
	assert_int_equal(n_lost, 1);
	vdisplay_destroy(v);
}

/* Whoever is on the bus can send a signal to us that says it is the bus. */
static void a_stranger_cannot_say_that_gnome_is_gone(void **state)
{
	struct vdisplay_output o;
	sd_bus *stranger = NULL;
	sd_bus_message *s = NULL;
	const char *us;
	(void)state;
	n_lost = 0;
	start_fake("nothing");
	struct vdisplay *v = open_display();
	assert_int_equal(vdisplay_add_output(v, 640, 480, 60000, &o), 0);
	assert_true(sd_bus_get_unique_name(o.remote.bus, &us) >= 0);
	assert_true(sd_bus_open_user(&stranger) >= 0);
	assert_true(sd_bus_message_new_signal(stranger, &s, "/org/freedesktop/DBus",
			    "org.freedesktop.DBus", "NameOwnerChanged") >= 0);
	assert_true(sd_bus_message_append(s, "sss", MUTTER_CAST, ":1.1", "") >= 0);
	assert_true(sd_bus_message_set_destination(s, us) >= 0);
	assert_true(sd_bus_send(stranger, s, NULL) >= 0 && sd_bus_flush(stranger) >= 0);
	sd_bus_message_unref(s);
	/* The bus has passed it on when it answers. */
	assert_true(sd_bus_call_method(stranger, "org.freedesktop.DBus", "/org/freedesktop/DBus",
			    "org.freedesktop.DBus", "GetId", NULL, NULL, NULL) >= 0);
	settle(&o);
	sd_bus_flush_close_unref(stranger);
	assert_int_equal(n_lost, 0);
	assert_int_equal(vdisplay_set_mode(v, &o, 800, 600, 60000), 0);
	vdisplay_destroy(v);
}

static int start_all(void **state)
{
	(void)state;
	log_set_level(LOG_ERROR);
	return loop_create(&loop) < 0 || gnome_init(&gnome, "pf-fake") < 0
		? -1
		: gnome_start_bus(&gnome);
}

static int end_all(void **state)
{
	(void)state;
	gnome_stop(&fake);
	gnome_finish(&gnome);
	loop_destroy(loop);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_wrong_is_an_error_in_time),
		cmocka_unit_test(one_that_is_slow_has_an_end_too),
		cmocka_unit_test(an_ancient_one_is_refused_with_the_remedy),
		cmocka_unit_test(each_version_is_used_as_far_as_it_goes),
		cmocka_unit_test(a_probe_says_how_input_goes),
		cmocka_unit_test(a_hung_one_gets_no_flood_and_then_the_outcome),
		cmocka_unit_test(num_lock_is_left_as_it_was),
		cmocka_unit_test(one_session_that_is_ended_is_not_the_others_end),
		cmocka_unit_test(a_stranger_cannot_say_that_gnome_is_gone),
	};
	if (argc > 2 && strcmp(argv[1], "--fake") == 0)
		return be_fake(argv[2]);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, start_all, end_all);
}
