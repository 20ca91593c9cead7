/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <systemd/sd-event.h>

#include "host/base/loop.h"
#include "host/capture/capture.h"
#include "host/inject/inject.h"
#include "host/media/clock.h"
#include "host/vdisplay/vdisplay.h"
#include "tests/support/pw_daemon.h"
#include "tests/support/pw_source.h"

/*
 * Displays of gamescope, by a program that stands in for it (tests/support/fake_gamescope.c), in a PipeWire daemon of
 * the test's own. As root it becomes nobody: what root starts is another user's, who has no PipeWire here.
 */

#define WAIT_NS	 10000000000ull
#define MAX_FILE 65536

static struct pw_daemon pw;
static char log_path[192];

struct rig {
	struct loop *loop;
	struct vdisplay *v;
};

/* The stand-in as this one, which the host takes for another program than before. */
static void be(const char *how)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/bin/gamescope", pw.dir);
	setenv("FAKE_GAMESCOPE", how, 1);
	assert_int_equal(chmod(path, 0700), 0);
}

static void start_as(struct rig *r, const char *how, const char *app)
{
	const char *why = NULL;
	be(how);
	unlink(log_path);
	assert_int_equal(loop_create(&r->loop), 0);
	const struct vdisplay_params params = {.loop = r->loop, .app = app, .layout = "de"};
	const int err = vdisplay_create(&r->v, "gamescope", &params, &why);
	if (err < 0)
		fail_msg("vdisplay_create: %s", why);
}

static void end(struct rig *r)
{
	vdisplay_destroy(r->v);
	loop_destroy(r->loop);
}

static const char *log_text(void)
{
	static char text[MAX_FILE];
	FILE *f = fopen(log_path, "re");
	const size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
	text[n] = 0;
	if (f)
		fclose(f);
	return text;
}

/* Runs the loop until line is in the log. */
static bool wait_line(struct rig *r, const char *line)
{
	const uint64_t until_ns = clock_now_ns() + WAIT_NS;
	while (clock_now_ns() < until_ns) {
		if (strstr(log_text(), line))
			return true;
		assert_true(sd_event_run(loop_sd_event(r->loop), 5000) >= 0);
	}
	return false;
}

/* Folders of sessions. */
static int n_folders(void)
{
	DIR *d = opendir(pw.dir);
	int n = 0;
	for (const struct dirent *e; d && (e = readdir(d)) != NULL;)
		n += strncmp(e->d_name, "punktfunk-", 10) == 0;
	if (d)
		closedir(d);
	return n;
}

static bool wait_folders(struct rig *r, int n)
{
	const uint64_t until_ns = clock_now_ns() + WAIT_NS;
	while (n_folders() != n && clock_now_ns() < until_ns)
		assert_true(sd_event_run(loop_sd_event(r->loop), 5000) >= 0);
	return n_folders() == n;
}

static void a_display_is_a_gamescope_with_the_app_in_it(void **state)
{
	struct rig r;
	struct vdisplay_output o;
	char app[256];
	snprintf(app, sizeof(app), "echo \"app $XDG_RUNTIME_DIR\" >>%s; exec sleep 1000", log_path);
	start_as(&r, "good", app);
	assert_int_equal(vdisplay_add_output(r.v, 1280, 720, 59940, &o), 0);
	assert_int_equal(o.width, 1280);
	assert_int_equal(o.height, 720);
	assert_int_equal(o.refresh_mhz, 60000); /* whole hertz only */
	assert_string_equal(o.capture, "pipewire");
	assert_true(o.node.id > 0);
	assert_int_equal(o.wayland_display[0], 0);
	assert_true(wait_line(&r,
		"args -W 1280 -H 720 -w 1280 -h 720 -r 60 --backend headless -- /bin/sh APP\n"));
	assert_true(wait_line(&r, "layout de\n"));
	assert_true(wait_line(&r, "app "));
	assert_non_null(strstr(log_text(), "/run\n"));
	vdisplay_remove_output(r.v, &o);
	assert_true(wait_folders(&r, 0));
	end(&r);
}

static void the_older_option_is_used_where_it_is_the_only_one(void **state)
{
	struct rig r;
	struct vdisplay_output o;
	start_as(&r, "3.12", "sleep 1000");
	assert_int_equal(vdisplay_add_output(r.v, 1920, 1080, 144000, &o), 0);
	assert_true(wait_line(
		&r, "args -W 1920 -H 1080 -w 1920 -h 1080 -r 144 --headless -- /bin/sh APP\n"));
	end(&r);
	assert_int_equal(n_folders(), 0);
}

struct eye {
	_Atomic unsigned n, width, height, lost;
};

static void on_frame(struct frame *f, void *userdata)
{
	struct eye *e = userdata;
	e->width = f->width;
	e->height = f->height;
	e->n++;
}

static void on_lost(int err, const char *why, void *userdata)
{
	struct eye *e = userdata;
	e->lost++;
}

static struct capture *watch(struct eye *e, const struct vdisplay_output *o)
{
	const struct capture_params params = {
		.node_id = o->node.id,
		.node_remote = o->node.remote,
		.width = o->width,
		.height = o->height,
		.refresh_mhz = o->refresh_mhz,
		.on_frame = on_frame,
		.on_lost = on_lost,
		.userdata = e,
	};
	struct capture *c;
	assert_int_equal(capture_create(&c, o->capture, &params), 0);
	assert_int_equal(capture_start(c), 0);
	return c;
}

static bool wait_count(struct rig *r, const _Atomic unsigned *n, unsigned want)
{
	const uint64_t until_ns = clock_now_ns() + WAIT_NS;
	while (*n < want && clock_now_ns() < until_ns)
		assert_true(sd_event_run(loop_sd_event(r->loop), 5000) >= 0);
	return *n >= want;
}

static void each_of_several_has_its_own_pictures(void **state)
{
	static const uint32_t widths[] = {640, 800, 1024};
	struct rig r;
	struct vdisplay_output o[3];
	start_as(&r, "good", "sleep 1000");
	for (int i = 0; i < 3; i++)
		assert_int_equal(vdisplay_add_output(r.v, widths[i], 480, 60000, &o[i]), 0);
	for (int i = 0; i < 3; i++) {
		struct eye e = {0};
		struct capture *c = watch(&e, &o[i]);
		assert_true(wait_count(&r, &e.n, 3));
		assert_int_equal(e.width, widths[i]);
		assert_int_equal(e.height, 480);
		capture_destroy(c);
	}
	end(&r);
	assert_int_equal(n_folders(), 0);
}

static void a_size_is_for_life(void **state)
{
	struct rig r;
	struct vdisplay_output o;
	start_as(&r, "good", "sleep 1000");
	assert_int_equal(vdisplay_add_output(r.v, 1280, 720, 60000, &o), 0);
	const uint32_t node = o.node.id;
	assert_int_equal(vdisplay_set_mode(r.v, &o, 1280, 720, 60000), 0);
	assert_int_equal(vdisplay_set_mode(r.v, &o, 1920, 1080, 60000), PF_E_UNSUPPORTED);
	assert_int_equal(o.width, 1280);
	assert_int_equal(o.node.id, node);
	end(&r);
}

static void input_goes_to_its_own_gamescope(void **state)
{
	struct rig r;
	struct vdisplay_output o;
	struct inject *i;
	start_as(&r, "good", "sleep 1000");
	assert_int_equal(vdisplay_add_output(r.v, 1280, 720, 60000, &o), 0);
	if (!inject_has("libei")) {
		/* Seen, and not steered. */
		assert_string_equal(o.inject, "record");
		end(&r);
		return;
	}
	assert_string_equal(o.inject, "libei");
	const struct inject_params params = {.loop = r.loop,
		.width = o.width,
		.height = o.height,
		.eis_fd = vdisplay_open_eis(r.v, &o)};
	assert_true(params.eis_fd >= 0);
	assert_int_equal(inject_create(&i, o.inject, &params), 0);
	const struct pf_input at = {
		.kind = PF_INPUT_MOUSE_ABS, .x = 640, .y = 359, .flags = 1280u << 16 | 720};
	const struct pf_input key = {.kind = PF_INPUT_KEY_DOWN, .code = 'W'};
	inject_event(i, &at);
	inject_event(i, &key);
	assert_true(wait_line(&r, "abs 640 359\n"));
	assert_true(wait_line(&r, "key 17 1\n"));
	inject_destroy(i);
	assert_true(wait_line(&r, "key 17 0\n"));
	end(&r);
}

/* Where its input socket of that name lies. */
static void find_eis(char *path, size_t cap)
{
	DIR *d = opendir(pw.dir);
	path[0] = 0;
	for (const struct dirent *e; d && (e = readdir(d)) != NULL;) {
		if (strncmp(e->d_name, "punktfunk-", 10) == 0)
			snprintf(path, cap, "%.50s/%.32s/run/gamescope-0-ei", pw.dir, e->d_name);
	}
	if (d)
		closedir(d);
}

/* What the remote person types goes to nobody who put a socket in its place. */
static void input_goes_to_nobody_else(void **state)
{
	struct rig r;
	struct vdisplay_output o;
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	start_as(&r, "good", "sleep 1000");
	assert_int_equal(vdisplay_add_output(r.v, 1280, 720, 60000, &o), 0);
	const int own = vdisplay_open_eis(r.v, &o);
	assert_true(own >= 0);
	close(own);
	find_eis(at.sun_path, sizeof(at.sun_path));
	assert_int_equal(unlink(at.sun_path), 0);
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)) + listen(fd, 1), 0);
	assert_int_equal(vdisplay_open_eis(r.v, &o), PF_E_DENIED);
	close(fd);
	assert_true(vdisplay_open_eis(r.v, &o) < 0);
	end(&r);
}

static void refused(const char *how, const char *word)
{
	const char *why = NULL;
	struct vdisplay *v;
	const struct vdisplay_params params = {.app = "sleep 1000"};
	be(how);
	const uint64_t start_ns = clock_now_ns();
	const int err = vdisplay_create(&v, "gamescope", &params, &why);
	assert_true(err < 0);
	assert_null(v);
	assert_non_null(strstr(why, word));
	assert_true(clock_now_ns() - start_ns < 2000000000ull);
}

static void what_cannot_work_says_what_to_do(void **state)
{
	char path[512];
	refused("3.11", "3.16.22");
	refused("hangs", "--help");
	be("good");
	snprintf(path, sizeof(path), "%s", getenv("PATH"));
	setenv("PATH", "/nonexistent", 1);
	if (access("/usr/games/gamescope", X_OK) != 0)
		refused("good", "not installed");
	setenv("PATH", path, 1);
	setenv("PIPEWIRE_REMOTE", "no-such-daemon", 1);
	refused("good", "pipewire");
	unsetenv("PIPEWIRE_REMOTE");
	setenv("XDG_RUNTIME_DIR", "/", 1);
	refused("good", "loginctl");
	setenv("XDG_RUNTIME_DIR", pw.dir, 1);
}

static void doctor_is_told_without_a_start(void **state)
{
	char note[VDISPLAY_NOTE_LEN];
	const struct vdisplay_params params = {0};
	be("good");
	assert_int_equal(vdisplay_gamescope_impl.probe(&params, note), VDISPLAY_STARTS);
	assert_non_null(strstr(note, "3.16.24"));
	assert_null(strstr(note, "hang"));
	be("3.12");
	assert_int_equal(vdisplay_gamescope_impl.probe(&params, note), VDISPLAY_STARTS);
	assert_non_null(strstr(note, "may hang"));
	be("3.11");
	assert_int_equal(vdisplay_gamescope_impl.probe(&params, note), PF_E_UNSUPPORTED);
	assert_int_equal(n_folders(), 0);
}

static void fails_to_start(const char *how, int want, const char *word)
{
	struct rig r;
	struct vdisplay_output o;
	start_as(&r, how, "sleep 1000");
	const uint64_t start_ns = clock_now_ns();
	assert_int_equal(vdisplay_add_output(r.v, 1280, 720, 60000, &o), want);
	assert_true(clock_now_ns() - start_ns < 6000000000ull);
	assert_non_null(strstr(r.v->impl->why(), word));
	assert_int_equal(n_folders(), 0);
	end(&r);
}

static void a_gamescope_without_a_gpu_says_so(void **state)
{
	fails_to_start("vulkan", PF_E_IO, "Mesa");
}

/* Another program's node of that name is not taken for it. */
static void a_gamescope_without_pictures_is_given_up(void **state)
{
	const struct pw_source_params params = {
		.width = 320, .height = 200, .interval_ms = 16, .name = "gamescope"};
	struct pw_source *stranger = pw_source_start(&params);
	struct rig r;
	struct vdisplay_output o;
	assert_non_null(stranger);
	start_as(&r, "silent", "sleep 1000");
	assert_int_equal(vdisplay_add_output(r.v, 1280, 720, 60000, &o), PF_E_TIMEOUT);
	/* Its end is not waited for either. */
	assert_int_equal(n_folders(), 1);
	assert_true(wait_folders(&r, 0));
	/* The next one does not hold everybody up again. */
	const uint64_t start_ns = clock_now_ns();
	assert_int_equal(vdisplay_add_output(r.v, 1280, 720, 60000, &o), PF_E_TIMEOUT);
	assert_true(clock_now_ns() - start_ns < 500000000ull);
	end(&r);
	pw_source_stop(stranger);
	assert_int_equal(n_folders(), 0);
}

static void one_that_dies_is_forgotten(void **state)
{
	struct rig r;
	struct vdisplay_output o;
	struct eye e = {0};
	start_as(&r, "dies", "sleep 1000");
	assert_int_equal(vdisplay_add_output(r.v, 1280, 720, 60000, &o), 0);
	struct capture *c = watch(&e, &o);
	assert_true(wait_folders(&r, 0));
	assert_true(wait_count(&r, &e.lost, 1));
	capture_destroy(c);
	assert_int_equal(vdisplay_set_mode(r.v, &o, 1280, 720, 60000), PF_E_IO);
	assert_true(vdisplay_open_eis(r.v, &o) < 0);
	vdisplay_remove_output(r.v, &o);
	be("good");
	assert_int_equal(vdisplay_add_output(r.v, 1280, 720, 60000, &o), 0);
	end(&r);
}

static void an_app_that_ends_takes_its_display_along(void **state)
{
	struct rig r;
	struct vdisplay_output o;
	start_as(&r, "good", "sleep 0.3");
	assert_int_equal(vdisplay_add_output(r.v, 1280, 720, 60000, &o), 0);
	assert_true(wait_folders(&r, 0));
	end(&r);
}

/* The control loop goes on while it is killed. */
static void a_stubborn_one_holds_nobody(void **state)
{
	struct rig r;
	struct vdisplay_output o;
	start_as(&r, "stubborn", "sleep 1000");
	assert_int_equal(vdisplay_add_output(r.v, 1280, 720, 60000, &o), 0);
	const uint64_t start_ns = clock_now_ns();
	vdisplay_remove_output(r.v, &o);
	assert_true(clock_now_ns() - start_ns < 500000000ull);
	assert_true(wait_folders(&r, 0));
	end(&r);
}

static void it_is_not_chosen_unasked(void **state)
{
	assert_true(vdisplay_gamescope_impl.by_name_only);
}

/* The stand-in under its name, where whoever we become may run it. */
static int install(const char *from)
{
	char path[256], dirs[1024];
	snprintf(path, sizeof(path), "%s/bin", pw.dir);
	if (mkdir(path, 0755) < 0)
		return -1;
	snprintf(dirs, sizeof(dirs), "%s:%s", path, getenv("PATH"));
	setenv("PATH", dirs, 1);
	snprintf(path, sizeof(path), "%s/bin/gamescope", pw.dir);
	const char *const argv[] = {"cp", from, path, NULL};
	return pw_daemon_run(argv);
}

static int group_setup(void **state)
{
	unsetenv("SUDO_UID");
	if (pw_daemon_init(&pw, "gamescope") < 0)
		return -1;
	snprintf(log_path, sizeof(log_path), "%s/log", pw.dir);
	setenv("FAKE_GAMESCOPE_LOG", log_path, 1);
	const char *fake = getenv("PUNKTFUNK_FAKE_GAMESCOPE");
	return fake ? install(fake) : -1;
}

static int group_teardown(void **state)
{
	return pw_daemon_finish(&pw);
}

/* Before anything is made: the stand-in is read first. */
static int become_user(void)
{
	const uid_t uid = 65534;
	char path[64] = "/tmp/fake-gamescope.XXXXXX";
	if (geteuid() != 0)
		return 0;
	const int fd = mkstemp(path);
	if (fd < 0 || fchmod(fd, 0755) < 0 || fchown(fd, uid, uid) < 0 || close(fd) < 0)
		return -1;
	const char *const argv[] = {"cp", getenv("PUNKTFUNK_FAKE_GAMESCOPE"), path, NULL};
	if (pw_daemon_run(argv) != 0)
		return -1;
	setenv("PUNKTFUNK_FAKE_GAMESCOPE", path, 1);
	setenv("TMPDIR", "/tmp", 1);
	if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
		return -1;
	return chdir("/");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_display_is_a_gamescope_with_the_app_in_it),
		cmocka_unit_test(the_older_option_is_used_where_it_is_the_only_one),
		cmocka_unit_test(each_of_several_has_its_own_pictures),
		cmocka_unit_test(a_size_is_for_life),
		cmocka_unit_test(input_goes_to_its_own_gamescope),
		cmocka_unit_test(input_goes_to_nobody_else),
		cmocka_unit_test(what_cannot_work_says_what_to_do),
		cmocka_unit_test(doctor_is_told_without_a_start),
		cmocka_unit_test(a_gamescope_without_a_gpu_says_so),
		cmocka_unit_test(a_gamescope_without_pictures_is_given_up),
		cmocka_unit_test(one_that_dies_is_forgotten),
		cmocka_unit_test(an_app_that_ends_takes_its_display_along),
		cmocka_unit_test(a_stubborn_one_holds_nobody),
		cmocka_unit_test(it_is_not_chosen_unasked),
	};
	if (become_user() < 0) {
		puts("this test could not become an ordinary user");
		return 1;
	}
	const int failed = cmocka_run_group_tests(tests, group_setup, group_teardown);
	const char *copied = getenv("PUNKTFUNK_FAKE_GAMESCOPE");
	if (copied && strncmp(copied, "/tmp/fake-gamescope.", 20) == 0)
		unlink(copied);
	return failed;
}
