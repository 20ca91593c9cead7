/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#include "host/inject/inject.h"
#include "host/vdisplay/vdisplay.h"

/* The portal's client against a portal of the test's own, on a bus of the test's own. */

#define DEST "org.freedesktop.portal.Desktop"

enum manner {
	GRANTS,
	DENIES,
	BREAKS,
	SILENT,
	ONLY_KNOWN,
	NO_STREAM,
	WRONG_TYPES,
	NO_DICT,
	NO_SESSION
};

static struct {
	pthread_t thread;
	_Atomic bool quit, leave, answer_late;
	_Atomic int manner, n_sessions, n_closed;
	char token[64], late_path[200], late_to[64];
	_Atomic int n_tokens; /* restore_tokens that it was shown */
	_Atomic unsigned remote,
		devices; /* RemoteDesktop's version, 0 = none; what a person allows */
	_Atomic bool no_eis;
	pthread_mutex_t lock;
	char said[2000]; /* its Notify calls, a line each */
	sd_bus *bus;
} fake;

static char base[32];
static pid_t daemon_pid;
static _Atomic long clock_ahead_s;
static unsigned n_lost;

int __real_clock_gettime(clockid_t clock, struct timespec *ts);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ts);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
	const int r = __real_clock_gettime(clock, ts);
	ts->tv_sec += clock_ahead_s;
	return r;
}

/* --- the fake --- */

static void answer(const char *path, const char *to, const char *step)
{
	sd_bus_message *s = NULL;
	const int manner = fake.manner;
	const bool start = !strcmp(step, "Start");
	unsigned code = !start ? 0 : manner == DENIES ? 1 : manner == BREAKS ? 2 : 0;
	assert_true(sd_bus_message_new_signal(
			    fake.bus, &s, path, "org.freedesktop.portal.Request", "Response") >= 0);
	sd_bus_message_set_destination(s, to);
	if (!strcmp(step, "CreateSession") && manner == NO_SESSION)
		sd_bus_message_append(s, "ua{sv}", code, 1, "session_handle", "s", "not a path");
	else if (!strcmp(step, "CreateSession"))
		sd_bus_message_append(
			s, "ua{sv}", code, 1, "session_handle", "s", "/org/freedesktop/portal/s/1");
	else if (start && manner == NO_DICT)
		sd_bus_message_append(s, "us", code, "hello");
	else if (start && manner == WRONG_TYPES)
		sd_bus_message_append(s, "ua{sv}", code, 3, "streams", "s", "x", "restore_token",
			"i", -1, "streams", "a(ua{sv})", 1, 0, 1, "size", "s", "large");
	else if (start && !code && manner != NO_STREAM) {
		char token[32];
		snprintf(token, sizeof(token), "token-%d", fake.n_sessions);
		sd_bus_message_append(s, "ua{sv}", code, 3, "restore_token", "s", token, "devices",
			"u", (unsigned)fake.devices, "streams", "a(ua{sv})", 1, 42, 2, "size",
			"(ii)", 1920, 1080, "source_type", "u", 1);
	} else
		sd_bus_message_append(s, "ua{sv}", code, 0);
	sd_bus_send(fake.bus, s, NULL);
	sd_bus_message_unref(s);
}

static void read_options(sd_bus_message *m, char *handle, char *token)
{
	const char *key, *text, *contents;
	char type;
	while (sd_bus_message_peek_type(m, &type, NULL) > 0 && type != 'a')
		sd_bus_message_skip(m, type == 'o' ? "o" : "s");
	sd_bus_message_enter_container(m, 'a', "{sv}");
	while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
		sd_bus_message_read(m, "s", &key);
		sd_bus_message_peek_type(m, &type, &contents);
		if (!strcmp(contents, "s")) {
			sd_bus_message_read(m, "v", "s", &text);
			if (!strcmp(key, "handle_token"))
				snprintf(handle, 64, "%s", text);
			if (!strcmp(key, "restore_token"))
				snprintf(token, 64, "%s", text);
		} else {
			sd_bus_message_skip(m, "v");
		}
		sd_bus_message_exit_container(m);
	}
}

static int take_request(sd_bus_message *m, const char *member)
{
	char handle[64] = "", sender[64], path[200], token[64] = "";
	snprintf(sender, sizeof(sender), "%s", sd_bus_message_get_sender(m) + 1);
	for (char *c = sender; *c; c++)
		*c = *c == '.' ? '_' : *c;
	read_options(m, handle, token);
	if (token[0]) {
		snprintf(fake.token, sizeof(fake.token), "%s", token);
		fake.n_tokens++;
	}
	snprintf(path, sizeof(path), "/org/freedesktop/portal/desktop/request/%s/%s", sender,
		handle);
	sd_bus_reply_method_return(m, "o", path);
	fake.n_sessions += !strcmp(member, "CreateSession");
	const bool knows = !strcmp(fake.token, "token-1");
	if (!strcmp(member, "Start") &&
		(fake.manner == SILENT || (fake.manner == ONLY_KNOWN && !knows))) {
		snprintf(fake.late_path, sizeof(fake.late_path), "%s", path);
		snprintf(fake.late_to, sizeof(fake.late_to), "%s", sd_bus_message_get_sender(m));
		return 1;
	}
	answer(path, sd_bus_message_get_sender(m), member);
	return 1;
}

static int get_property(sd_bus_message *m)
{
	const char *interface, *name;
	if (sd_bus_message_read(m, "ss", &interface, &name) < 0)
		return 0;
	if (strstr(interface, "RemoteDesktop") && fake.remote)
		return sd_bus_reply_method_return(m, "v", "u", (unsigned)fake.remote);
	if (strstr(interface, "RemoteDesktop")) /* this one takes no input */
		return sd_bus_reply_method_errorf(m, "org.freedesktop.DBus.Error.Failed", "none");
	unsigned value = !strcmp(name, "version")	? 5
		: !strcmp(name, "AvailableSourceTypes") ? 1
							: 6;
	return sd_bus_reply_method_return(m, "v", "u", value);
}

static int say_call(sd_bus_message *m, const char *member)
{
	char line[128];
	const char *session, *key, *types;
	int finish = 0;
	size_t n = (size_t)snprintf(line, sizeof(line), "%s", member + strlen("Notify"));
	assert_true(sd_bus_message_read(m, "o", &session) > 0);
	assert_string_equal(session, "/org/freedesktop/portal/s/1");
	assert_true(sd_bus_message_enter_container(m, 'a', "{sv}") >= 0);
	while (sd_bus_message_read(m, "{sv}", &key, "b", &finish) > 0)
		assert_string_equal(key, "finish");
	sd_bus_message_exit_container(m);
	types = sd_bus_message_get_signature(m, true) + strlen("oa{sv}");
	for (; *types; types++) {
		double d = 0;
		int32_t i = 0;
		assert_true(sd_bus_message_read_basic(
				    m, *types, *types == 'd' ? (void *)&d : (void *)&i) > 0);
		n += (size_t)snprintf(line + n, sizeof(line) - n, " %c%.9g", *types,
			*types == 'd' ? d : (double)i);
	}
	pthread_mutex_lock(&fake.lock);
	const size_t at = strlen(fake.said);
	snprintf(fake.said + at, sizeof(fake.said) - at, "%s%s\n", line, finish ? " finish" : "");
	pthread_mutex_unlock(&fake.lock);
	sd_bus_reply_method_return(m, "");
	return 1;
}

static int give_pipe(sd_bus_message *m)
{
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	sd_bus_reply_method_return(m, "h", ends[0]);
	close(ends[0]);
	close(ends[1]);
	return 1;
}

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const char *member = sd_bus_message_get_member(m);
	(void)userdata;
	(void)error;
	if (!sd_bus_message_is_method_call(m, NULL, NULL) || !member)
		return 0;
	if (!strcmp(member, "Get"))
		return get_property(m) >= 0;
	if (!strcmp(member, "Close")) {
		fake.n_closed++;
		return 1;
	}
	if (!strcmp(member, "OpenPipeWireRemote"))
		return give_pipe(m);
	if (!strcmp(member, "ConnectToEIS") && !fake.no_eis)
		return give_pipe(m);
	if (!strncmp(member, "Notify", 6))
		return say_call(m, member);
	return strncmp(member, "Select", 6) && strcmp(member, "Start") &&
			strcmp(member, "CreateSession")
		? 0
		: take_request(m, member);
}

static void *run(void *userdata)
{
	(void)userdata;
	while (!fake.quit) {
		if (sd_bus_process(fake.bus, NULL) == 0)
			sd_bus_wait(fake.bus, 10000);
		if (atomic_exchange(&fake.answer_late, false)) {
			fake.manner = GRANTS;
			answer(fake.late_path, fake.late_to, "Start");
		}
		if (atomic_exchange(&fake.leave, false))
			sd_bus_release_name(fake.bus, DEST);
	}
	return NULL;
}

/* --- the bus --- */

/* It starts nothing: a portal of the machine's own is none of ours. */
static const char bus_config[] =
	"<busconfig><type>session</type><listen>%s</listen><auth>EXTERNAL</auth>"
	"<policy context='default'><allow send_destination='*' eavesdrop='true'/>"
	"<allow eavesdrop='true'/><allow own='*'/></policy></busconfig>";

static int start_bus(void **state)
{
	char address[100], path[64], config[80], line[300];
	int ends[2];
	(void)state;
	snprintf(base, sizeof(base), "/tmp/pf-portal-XXXXXX");
	assert_non_null(mkdtemp(base));
	snprintf(address, sizeof(address), "unix:path=%s/bus", base);
	snprintf(path, sizeof(path), "%s/bus.conf", base);
	snprintf(config, sizeof(config), "--config-file=%s", path);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fprintf(f, bus_config, address) > 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(pipe(ends), 0);
	daemon_pid = fork();
	assert_true(daemon_pid >= 0);
	if (daemon_pid == 0) {
		dup2(ends[1], 1);
		close(ends[0]);
		execlp("dbus-daemon", "dbus-daemon", config, "--nofork", "--nopidfile",
			"--print-address", (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	const ssize_t n = read(ends[0], line, sizeof(line) - 1);
	close(ends[0]);
	assert_true(n > 0); /* else it is not installed: package dbus */
	setenv("DBUS_SESSION_BUS_ADDRESS", address, 1);
	return 0;
}

static int end_bus(void **state)
{
	char command[64];
	(void)state;
	kill(daemon_pid, SIGTERM);
	waitpid(daemon_pid, NULL, 0);
	snprintf(command, sizeof(command), "rm -rf %s", base);
	return system(command);
}

static int start_fake(void **state)
{
	(void)state;
	char path[64];
	memset(&fake, 0, sizeof(fake));
	pthread_mutex_init(&fake.lock, NULL);
	fake.devices = 7;
	n_lost = 0;
	snprintf(path, sizeof(path), "%s/portal-token-0", base);
	(void)!unlink(path);
	assert_true(sd_bus_open_user(&fake.bus) >= 0);
	assert_true(sd_bus_add_filter(fake.bus, NULL, on_message, NULL) >= 0);
	assert_true(sd_bus_request_name(fake.bus, DEST, 0) >= 0);
	return pthread_create(&fake.thread, NULL, run, NULL);
}

static int end_fake(void **state)
{
	(void)state;
	fake.quit = true;
	pthread_join(fake.thread, NULL);
	sd_bus_flush_close_unref(fake.bus);
	return 0;
}

static void on_lost(const char *why, void *userdata)
{
	(void)why;
	(void)userdata;
	n_lost++;
}

static struct vdisplay *make(void)
{
	struct vdisplay *v = NULL;
	const char *why = NULL;
	const struct vdisplay_params params = {.config_dir = base, .on_lost = on_lost};
	assert_int_equal(vdisplay_create(&v, "portal", &params, &why), 0);
	return v;
}

static int add(struct vdisplay *v, struct vdisplay_output *o)
{
	return vdisplay_add_output(v, 1280, 720, VDISPLAY_MHZ(60), o);
}

static void wait_for(_Atomic int *value, int wanted)
{
	for (int i = 0; i < 500 && *value != wanted; i++)
		usleep(10000);
	assert_int_equal(*value, wanted);
}

/* --- the tests --- */

static void what_was_allowed_is_remembered(void **state)
{
	(void)state;
	char path[64], note[VDISPLAY_NOTE_LEN], text[64] = "";
	struct stat st;
	struct vdisplay_output o;
	const struct vdisplay_params params = {0};
	assert_int_equal(vdisplay_probe(vdisplay_find("portal"), &params, note), VDISPLAY_RUNS);
	struct vdisplay *v = make();
	assert_int_equal(add(v, &o), 0);
	assert_string_equal(o.capture, "pipewire");
	assert_int_equal(o.node.id, 42);
	assert_true(o.node.opened);
	assert_int_equal(o.width, 1920);	    /* a monitor has its own size */
	assert_string_equal(o.inject, "view-only"); /* without a RemoteDesktop */
	const int fd = vdisplay_open_node(v, &o);
	assert_true(fd > 2);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	close(fd);
	assert_int_equal(vdisplay_set_mode(v, &o, 800, 600, 60000), PF_E_UNSUPPORTED);
	assert_int_equal(vdisplay_set_mode(v, &o, 1920, 1080, 30000), 0);

	snprintf(path, sizeof(path), "%s/portal-token-0", base);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	const int file = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(file, text, sizeof(text) - 1), 7);
	close(file);
	assert_string_equal(text, "token-1");

	const struct vdisplay_output gone = o;
	vdisplay_remove_output(v, &o);
	wait_for(&fake.n_closed, 1);
	assert_int_equal(vdisplay_open_node(v, &gone), PF_E_IO);
	assert_int_equal(fake.n_tokens, 0);
	assert_int_equal(add(v, &o), 0);
	assert_int_equal(fake.n_tokens, 1);
	assert_string_equal(fake.token, "token-1");
	vdisplay_destroy(v);
	wait_for(&fake.n_closed, 2);
}

static void who_says_no_is_believed(void **state)
{
	(void)state;
	struct vdisplay_output o;
	struct vdisplay *v = make();
	fake.manner = DENIES;
	assert_int_equal(add(v, &o), PF_E_DENIED);
	assert_non_null(strstr(vdisplay_why_output(v), "did not allow"));
	fake.manner = BREAKS;
	assert_int_equal(add(v, &o), PF_E_UNSUPPORTED);
	fake.manner = GRANTS;
	assert_int_equal(add(v, &o), 0);
	vdisplay_destroy(v);
}

static void consent_is_waited_for_aside(void **state)
{
	(void)state;
	struct vdisplay_output o;
	struct vdisplay *v = make();
	fake.manner = SILENT;
	assert_int_equal(add(v, &o), PF_E_BUSY);
	assert_non_null(strstr(vdisplay_why_output(v), "waiting for consent"));
	assert_int_equal(add(v, &o), PF_E_BUSY); /* the same dialog */
	assert_int_equal(fake.n_sessions, 1);
	fake.answer_late = true;
	assert_int_equal(add(v, &o), 0);
	assert_int_equal(fake.n_sessions, 1);
	vdisplay_remove_output(v, &o);
	/* Nobody comes to the dialog: after a while it is given up, and a new one begins. */
	fake.manner = SILENT;
	assert_int_equal(add(v, &o), PF_E_BUSY);
	clock_ahead_s = 31;
	assert_int_equal(add(v, &o), PF_E_BUSY);
	assert_int_equal(fake.n_sessions, 3);
	wait_for(&fake.n_closed, 2);
	vdisplay_destroy(v);
}

static void a_revoked_token_asks_again(void **state)
{
	(void)state;
	struct vdisplay_output o;
	char path[64];
	snprintf(path, sizeof(path), "%s/portal-token-0", base);
	FILE *f = fopen(path, "we");
	fputs("token-of-old", f);
	fclose(f);
	struct vdisplay *v = make();
	fake.manner = ONLY_KNOWN;
	assert_int_equal(add(v, &o), PF_E_BUSY);
	assert_string_equal(fake.token, "token-of-old");
	fake.answer_late = true;
	assert_int_equal(add(v, &o), 0);
	vdisplay_destroy(v);
	/* What is no token is not sent. */
	f = fopen(path, "we");
	fputs("\033]0;x\n", f);
	fclose(f);
	fake.n_tokens = 0;
	fake.manner = GRANTS;
	v = make();
	assert_int_equal(add(v, &o), 0);
	assert_int_equal(fake.n_tokens, 0);
	vdisplay_destroy(v);
}

static void send_input(const struct vdisplay_output *o)
{
	static const struct pf_input events[] = {
		{.kind = PF_INPUT_MOUSE_REL, .x = 3, .y = -4},
		{.kind = PF_INPUT_MOUSE_ABS, .x = 1279, .y = 0, .flags = 1280u << 16 | 720u},
		{.kind = PF_INPUT_BUTTON_DOWN, .code = 1},
		{.kind = PF_INPUT_SCROLL, .x = 240},
		{.kind = PF_INPUT_SCROLL, .code = 1, .x = 60},
		{.kind = PF_INPUT_KEY_DOWN, .code = 'A'},
		{.kind = PF_INPUT_TEXT, .code = 0x20AC},
		{.kind = PF_INPUT_TOUCH_DOWN,
			.code = 5,
			.x = 640,
			.y = 360,
			.flags = 1280u << 16 | 720u},
	};
	const struct inject_params params = {.bus = o->remote.bus,
		.remote_session = o->remote.session,
		.remote_stream = o->remote.stream,
		.width = o->width,
		.height = o->height,
		.eis_fd = -1};
	struct inject *i;
	assert_int_equal(inject_create(&i, o->inject, &params), 0);
	assert_true(i->caps.text && i->caps.touch && !i->caps.view_only);
	for (size_t n = 0; n < sizeof(events) / sizeof(events[0]); n++)
		inject_event(i, &events[n]);
	inject_claim(i);
	inject_destroy(i);
}

static void wait_said(const char *wanted)
{
	bool same = false;
	for (int n = 0; n < 500 && !same; n++) {
		usleep(10000);
		pthread_mutex_lock(&fake.lock);
		same = !strcmp(fake.said, wanted);
		pthread_mutex_unlock(&fake.lock);
	}
	if (!same)
		fail_msg("said:\n%s", fake.said);
}

/* A portal without EIS, or with one that its desktop has not, or a build without libei. */
static void input_goes_by_the_portals_own_calls(void **state)
{
	(void)state;
	struct vdisplay_output o;
	for (unsigned version = 1; version <= 2; version++) {
		fake.remote = version;
		fake.no_eis = true;
		fake.said[0] = 0;
		struct vdisplay *v = make();
		assert_int_equal(add(v, &o), 0);
		assert_string_equal(o.inject, "portal");
		assert_string_equal(o.remote.stream, "42");
		send_input(&o);
		wait_said("PointerMotionAbsolute u42 d960 d540\n"
			  "PointerMotion d3 d-4\n"
			  "PointerMotionAbsolute u42 d1919.25 d0.75\n"
			  "PointerButton i272 u1\n"
			  "PointerAxisDiscrete u0 i-2\n"
			  "PointerAxis d5 d0\n"
			  "KeyboardKeycode i30 u1\n"
			  "KeyboardKeysym i16785580 u1\n"
			  "KeyboardKeysym i16785580 u0\n"
			  "TouchDown u42 u0 d960.75 d540.75\n"
			  "PointerMotionAbsolute u42 d1919.25 d0.75\n"
			  "TouchUp u0\n"
			  "KeyboardKeycode i30 u0\n"
			  "PointerButton i272 u0\n");
		vdisplay_destroy(v);
	}
}

static void eis_is_used_where_both_have_it(void **state)
{
	(void)state;
	struct vdisplay_output o;
	fake.remote = 2;
	struct vdisplay *v = make();
	assert_int_equal(add(v, &o), 0);
	assert_string_equal(o.inject, inject_has("libei") ? "libei" : "portal");
	for (int n = 0; n < 2; n++) {
		const int fd = vdisplay_open_eis(v, &o);
		assert_true(fd > 2);
		close(fd);
	}
	vdisplay_remove_output(v, &o);
	/* The screen was allowed, and nothing else. */
	fake.devices = 0;
	assert_int_equal(add(v, &o), 0);
	assert_string_equal(o.inject, "view-only");
	const struct inject_params params = {.eis_fd = -1};
	struct inject *i;
	assert_int_equal(inject_create(&i, o.inject, &params), 0);
	assert_true(i->caps.view_only && !i->caps.text && !i->caps.touch && !i->caps.pads);
	inject_event(i, &(struct pf_input){.kind = PF_INPUT_KEY_DOWN, .code = 'A'});
	inject_event(i,
		&(struct pf_input){
			.kind = PF_INPUT_TOUCH_DOWN, .x = 1, .y = 1, .flags = 4u << 16 | 4u});
	inject_claim(i);
	inject_destroy(i);
	vdisplay_destroy(v);
}

static void garbage_is_an_end(void **state)
{
	(void)state;
	static const enum manner manners[] = {NO_STREAM, WRONG_TYPES, NO_DICT, NO_SESSION};
	struct vdisplay *v = make();
	for (size_t i = 0; i < sizeof(manners) / sizeof(manners[0]); i++) {
		struct vdisplay_output o;
		fake.manner = (int)manners[i];
		assert_int_equal(add(v, &o), PF_E_UNSUPPORTED);
		assert_non_null(vdisplay_why_output(v));
	}
	vdisplay_destroy(v);
}

/* Whoever is on the bus can address signals to us. */
static void strangers_do_not_answer_for_the_portal(void **state)
{
	(void)state;
	struct vdisplay_output o;
	sd_bus *stranger = NULL;
	fake.manner = SILENT;
	struct vdisplay *v = make();
	assert_int_equal(add(v, &o), PF_E_BUSY);
	assert_true(sd_bus_open_user(&stranger) >= 0);
	for (int i = 0; i < 3; i++) {
		static const struct {
			const char *path, *interface, *member;
		} kinds[] = {{fake.late_path, "org.freedesktop.portal.Request", "Response"},
			{"/org/freedesktop/portal/s/1", "org.freedesktop.portal.Session", "Closed"},
			{"/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged"}};
		sd_bus_message *s = NULL;
		assert_true(sd_bus_message_new_signal(stranger, &s, kinds[i].path,
				    kinds[i].interface, kinds[i].member) >= 0);
		assert_true(sd_bus_message_set_destination(s, fake.late_to) >= 0);
		if (i == 0)
			assert_true(sd_bus_message_append(s, "ua{sv}", 1u, 0) >= 0);
		if (i == 2)
			assert_true(sd_bus_message_append(s, "sss", DEST, ":1.1", "") >= 0);
		assert_true(sd_bus_send(stranger, s, NULL) >= 0);
		sd_bus_message_unref(s);
	}
	assert_true(sd_bus_flush(stranger) >= 0);
	/* The portal's answer comes behind theirs. */
	sd_bus_message *reply = NULL;
	assert_true(sd_bus_call_method(stranger, "org.freedesktop.DBus", "/org/freedesktop/DBus",
			    "org.freedesktop.DBus", "GetId", NULL, &reply, NULL) >= 0);
	sd_bus_message_unref(reply);
	sd_bus_flush_close_unref(stranger);
	fake.answer_late = true;
	assert_int_equal(add(v, &o), 0);
	assert_int_equal(n_lost, 0);
	vdisplay_destroy(v);
}

static void a_portal_that_ends_is_a_loss(void **state)
{
	(void)state;
	struct vdisplay_output o;
	struct vdisplay *v = make();
	assert_int_equal(add(v, &o), 0);
	fake.manner = SILENT;
	fake.leave = true;
	struct vdisplay_output next;
	for (int i = 0; i < 20 && !n_lost; i++) /* its waits take the news in */
		assert_true(add(v, &next) < 0);
	assert_int_equal(n_lost, 1);
	assert_int_equal(vdisplay_open_node(v, &o), PF_E_IO);
	vdisplay_remove_output(v, &o);
	vdisplay_destroy(v);
}

static void where_there_is_none_it_says_so(void **state)
{
	(void)state;
	char note[VDISPLAY_NOTE_LEN];
	const struct vdisplay_params params = {0};
	struct vdisplay *v = NULL;
	const char *why = NULL;
	assert_int_equal(vdisplay_probe(vdisplay_find("portal"), &params, note), PF_E_NO_FRAME);
	assert_non_null(strstr(note, "install xdg-desktop-portal"));
	assert_int_equal(vdisplay_create(&v, "portal", &params, &why), PF_E_UNSUPPORTED);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start_fake, end_fake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_allowed_is_remembered),
		TEST(who_says_no_is_believed),
		TEST(consent_is_waited_for_aside),
		TEST(a_revoked_token_asks_again),
		TEST(input_goes_by_the_portals_own_calls),
		TEST(eis_is_used_where_both_have_it),
		TEST(garbage_is_an_end),
		TEST(strangers_do_not_answer_for_the_portal),
		TEST(a_portal_that_ends_is_a_loss),
		cmocka_unit_test(where_there_is_none_it_says_so),
	};
	return cmocka_run_group_tests(tests, start_bus, end_bus);
}
