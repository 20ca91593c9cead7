/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/capture/capture.h"
#include "host/media/clock.h"
#include "host/vdisplay/vdisplay.h"
#include "tests/support/gnome.h"

/*
 * The real desktop portal with xdg-desktop-portal-wlr on a real sway, which the bus starts when they are asked. A script
 * stands in for the person at the dialog. Needs the portal's version 0.8: older ones share nothing that a GPU did not draw.
 */

#define WAIT_NS 20000000000ull
#define W	800u
#define H	600u

static struct gnome desk; /* its bus and its folder; the compositor is sway */
static pid_t sway, pipewire, wireplumber, app;
static int app_fd = -1;
static bool too_old;
static unsigned n_lost;
static struct loop *loop;

static struct eye {
	pthread_mutex_t lock;
	unsigned n_frames, n_lost;
	uint32_t width, height, pixel;
	char why[256];
} eye;

/* --- the desktop --- */

static void write_file(const char *name, const char *text, mode_t mode)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", desk.pw.dir, name);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static unsigned count_asked(void)
{
	char path[256];
	struct stat st;
	snprintf(path, sizeof(path), "%s/asked", desk.pw.dir);
	return stat(path, &st) < 0 ? 0 : (unsigned)st.st_size;
}

static void set_answer(const char *text)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/answer", desk.pw.dir);
	unlink(path);
	if (text)
		write_file("answer", text, 0600);
}

static bool exists(const char *name)
{
	char path[256];
	struct stat st;
	snprintf(path, sizeof(path), "%s/%s", desk.pw.dir, name);
	return stat(path, &st) == 0;
}

static void wait_file(const char *name)
{
	for (const uint64_t until_ns = clock_now_ns() + WAIT_NS; !exists(name); usleep(5000))
		if (clock_now_ns() > until_ns)
			fail_msg("%s never came", name);
}

/* The person thinks until there is an answer: an output's name, or "no". */
static const char chooser[] = "#!/bin/sh\n"
			      "cd %s || exit 1\n"
			      "printf x >>asked\n"
			      "while [ ! -e answer ]; do sleep 0.02; done\n"
			      "read -r what <answer\n"
			      "[ \"$what\" != no ] || exit 1\n"
			      "echo \"Monitor: $what\"\n";

static void write_config(void)
{
	char text[1024], path[256];
	static const char *const folders[] = {"xdg-desktop-portal-wlr", "xdg-desktop-portal"};
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", desk.pw.dir, folders[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	snprintf(text, sizeof(text), chooser, desk.pw.dir);
	write_file("choose", text, 0700);
	snprintf(text, sizeof(text), "[screencast]\nchooser_type=simple\nchooser_cmd=%s/choose\n",
		desk.pw.dir);
	write_file("xdg-desktop-portal-wlr/config", text, 0600);
	write_file("xdg-desktop-portal/portals.conf", "[preferred]\ndefault=wlr\n", 0600);
	snprintf(text, sizeof(text),
		"output HEADLESS-1 mode --custom %ux%u@60Hz\ndefault_border none\n", W, H);
	write_file("sway.config", text, 0600);
}

static void start_sway(void)
{
	char config[256];
	setenv("WLR_BACKENDS", "headless", 1);
	setenv("WLR_LIBINPUT_NO_DEVICES", "1", 1);
	setenv("WLR_RENDERER", "pixman", 1);
	setenv("WLR_HEADLESS_OUTPUTS", "1", 1);
	snprintf(config, sizeof(config), "%s/sway.sock", desk.pw.dir);
	setenv("SWAYSOCK", config, 1);
	snprintf(config, sizeof(config), "%s/sway.config", desk.pw.dir);
	const char *const argv[] = {"sway", "-c", config, NULL};
	sway = pw_daemon_spawn(argv);
	wait_file("wayland-1");
	setenv("WAYLAND_DISPLAY", "wayland-1", 1);
	setenv("XDG_CURRENT_DESKTOP", "sway", 1);
}

static void start_pipewire(bool manager)
{
	static const char *const argv[] = {"pipewire", NULL};
	static const char *const managed[] = {"wireplumber", NULL};
	pipewire = pw_daemon_spawn(argv);
	wait_file("pipewire-0");
	if (manager)
		wireplumber = pw_daemon_spawn(managed);
}

static void end_pipewire(void)
{
	char path[256];
	gnome_end(&wireplumber);
	gnome_end(&pipewire);
	snprintf(path, sizeof(path), "%s/pipewire-0", desk.pw.dir);
	unlink(path);
}

/* A window of this colour all over the screen, with something in its middle that moves: PUNKTFUNK_WL_APP. */
static void paint(const char *colour)
{
	static const char move[] = "move\n";
	char size[24];
	int ends[2];
	snprintf(size, sizeof(size), "%ux%u", W, H);
	gnome_end(&app);
	if (app_fd >= 0)
		close(app_fd);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	app = fork();
	assert_true(app >= 0);
	if (app == 0) {
		const int null = open("/dev/null", O_WRONLY);
		dup2(ends[0], 0);
		dup2(null, 1);
		execl(getenv("PUNKTFUNK_WL_APP"), "wl_app", size, colour, (char *)NULL);
		_exit(127);
	}
	close(ends[0]);
	app_fd = ends[1];
	assert_int_equal(write(app_fd, move, strlen(move)), (int)strlen(move));
}

static int start_desk(void **state)
{
	assert_int_equal(gnome_init(&desk, "punktfunk-portal"), 0);
	pw_daemon_end(&desk.pw); /* the real one, with a session manager */
	setenv("XDG_CONFIG_HOME", desk.pw.dir, 1);
	setenv("XDG_DATA_HOME", desk.pw.dir, 1);
	write_config();
	start_sway();
	desk.services = true;
	assert_int_equal(gnome_start_bus(&desk), 0);
	start_pipewire(true);
	paint("ff0000");
	assert_int_equal(loop_create(&loop), 0);
	return 0;
}

static int end_desk(void **state)
{
	loop_destroy(loop);
	gnome_end(&desk.bus); /* and with it what it started */
	end_pipewire();
	gnome_end(&app);
	close(app_fd);
	gnome_end(&sway);
	gnome_finish(&desk);
	return 0;
}

static uint32_t owner_pid(sd_bus *bus, const char *name)
{
	sd_bus_message *reply = NULL;
	uint32_t pid = 0;
	if (sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
		    "org.freedesktop.DBus", "GetConnectionUnixProcessID", NULL, &reply, "s",
		    name) >= 0)
		assert_true(sd_bus_message_read(reply, "u", &pid) > 0);
	sd_bus_message_unref(reply);
	return pid;
}

/* Who has this name on the bus ends at once, if anybody. */
static void kill_owner(const char *name)
{
	sd_bus *bus = NULL;
	assert_true(sd_bus_open_user(&bus) >= 0);
	const uint32_t pid = owner_pid(bus, name);
	if (pid > 1)
		kill((pid_t)pid, SIGKILL);
	for (const uint64_t until_ns = clock_now_ns() + WAIT_NS; pid && owner_pid(bus, name) == pid;
		usleep(2000))
		if (clock_now_ns() > until_ns)
			fail_msg("%s does not end", name);
	sd_bus_flush_close_unref(bus);
}

/* --- the host's side --- */

static void on_desktop_lost(const char *why, void *userdata)
{
	n_lost++;
}

static int try_make(struct vdisplay **v, const char **why)
{
	const struct vdisplay_params params = {
		.loop = loop, .config_dir = desk.pw.dir, .on_lost = on_desktop_lost};
	int err = PF_E_TIMEOUT;
	/* A portal that is still starting is asked again, as a client does that connects again. */
	for (int i = 0; i < 20 && err == PF_E_TIMEOUT; i++)
		err = vdisplay_create(v, "portal", &params, why);
	n_lost = 0;
	return err;
}

static struct vdisplay *make(void)
{
	struct vdisplay *v = NULL;
	const char *why = NULL;
	const int err = try_make(&v, &why);
	if (err < 0)
		fail_msg("%d: %s", err, why);
	return v;
}

static int add(struct vdisplay *v, struct vdisplay_output *o)
{
	return vdisplay_add_output(v, W, H, VDISPLAY_MHZ(60), o);
}

/* As a client that connects again and again while somebody is being asked. */
static void add_soon(struct vdisplay *v, struct vdisplay_output *o)
{
	int err = PF_E_BUSY;
	for (int i = 0; i < 20 && err == PF_E_BUSY; i++)
		err = add(v, o);
	if (err < 0)
		fail_msg("%d: %s", err, vdisplay_why_output(v));
}

static void run_loop(unsigned ms)
{
	for (const uint64_t until_ns = clock_now_ns() + ms * UINT64_C(1000000);
		clock_now_ns() < until_ns;)
		assert_true(sd_event_run(loop_sd_event(loop), 5000) >= 0);
}

static void on_frame(struct frame *f, void *userdata)
{
	const uint8_t *p = f->pixels + (f->height / 4) * f->stride + (size_t)f->width / 2 * 4;
	pthread_mutex_lock(&eye.lock);
	eye.n_frames++;
	eye.width = f->width;
	eye.height = f->height;
	eye.pixel = f->format == FRAME_BGRX ? (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0]
					    : (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
	pthread_mutex_unlock(&eye.lock);
}

static void on_lost(int err, const char *why, void *userdata)
{
	pthread_mutex_lock(&eye.lock);
	eye.n_lost++;
	snprintf(eye.why, sizeof(eye.why), "%s", why);
	pthread_mutex_unlock(&eye.lock);
}

/* fd 0: by a connection of our own, which sees everything. */
static struct capture *look_by(int fd, const struct vdisplay_output *o)
{
	struct capture *c;
	struct capture_params params = {.node_id = o->node.id,
		.node_remote = o->node.remote,
		.width = o->width,
		.height = o->height,
		.refresh_mhz = o->refresh_mhz,
		.cursor = true,
		.on_frame = on_frame,
		.on_lost = on_lost};
	memset(&eye, 0, sizeof(eye));
	pthread_mutex_init(&eye.lock, NULL);
	params.node_fd = fd;
	assert_int_equal(capture_create(&c, o->capture, &params), 0);
	assert_int_equal(capture_start(c), 0);
	return c;
}

static struct capture *look_at(struct vdisplay *v, const struct vdisplay_output *o)
{
	const int fd = vdisplay_open_node(v, o);
	assert_true(fd > 0);
	return look_by(fd, o);
}

static bool sees(uint32_t pixel)
{
	pthread_mutex_lock(&eye.lock);
	const bool is = eye.n_frames && eye.pixel == pixel && eye.width == W && eye.height == H;
	pthread_mutex_unlock(&eye.lock);
	return is;
}

static void wait_sees(uint32_t pixel)
{
	const uint64_t until_ns = clock_now_ns() + WAIT_NS;
	while (!sees(pixel)) {
		if (eye.n_lost || clock_now_ns() > until_ns)
			fail_msg("%u pictures, %ux%u, %06x; lost: %s", eye.n_frames, eye.width,
				eye.height, eye.pixel, eye.why);
		run_loop(10);
	}
}

static void wait_lost(void)
{
	for (const uint64_t until_ns = clock_now_ns() + WAIT_NS; !eye.n_lost; run_loop(10))
		if (clock_now_ns() > until_ns)
			fail_msg("it was never told as lost");
}

#define NEEDS_NEW_PORTAL() \
	do { \
		if (too_old) { \
			print_message("not run: this xdg-desktop-portal-wlr is older than 0.8\n"); \
			return; \
		} \
	} while (0)

/* --- the tests --- */

static void a_portal_that_is_not_asked_yet_is_found(void **state)
{
	char note[VDISPLAY_NOTE_LEN];
	const struct vdisplay_params params = {0};
	assert_int_equal(vdisplay_probe(vdisplay_find("portal"), &params, note), VDISPLAY_RUNS);
	assert_non_null(strstr(note, "starts when it is asked"));
	vdisplay_destroy(make());
	assert_int_equal(vdisplay_probe(vdisplay_find("portal"), &params, note), VDISPLAY_RUNS);
	assert_non_null(strstr(note, "shares screens"));
	assert_non_null(strstr(note, "only to look at")); /* the one for sway */
}

static void a_yes_is_asked_for_once(void **state)
{
	struct vdisplay_output o;
	struct vdisplay *v = make();
	set_answer(NULL);
	assert_int_equal(add(v, &o), PF_E_BUSY);
	assert_non_null(strstr(vdisplay_why_output(v), "waiting for consent"));
	set_answer("HEADLESS-1\n");
	int err = PF_E_BUSY;
	for (int i = 0; i < 20 && err == PF_E_BUSY; i++)
		err = add(v, &o);
	too_old = err == PF_E_UNSUPPORTED;
	if (too_old) {
		vdisplay_destroy(v);
		NEEDS_NEW_PORTAL();
	}
	assert_int_equal(err, 0);
	assert_int_equal(count_asked(), 1);
	assert_string_equal(o.inject, "view-only");
	struct capture *c = look_at(v, &o);
	wait_sees(0xff0000);
	paint("00ff00");
	wait_sees(0x00ff00);
	capture_destroy(c);
	vdisplay_remove_output(v, &o);
	/* Again, in this host and in the next one. */
	for (int i = 0; i < 2; i++) {
		add_soon(v, &o);
		c = look_at(v, &o);
		wait_sees(0x00ff00);
		capture_destroy(c);
		vdisplay_remove_output(v, &o);
		vdisplay_destroy(v);
		v = make();
	}
	assert_int_equal(count_asked(), 1);
	vdisplay_destroy(v);
}

static void forget(void)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/portal-token-0", desk.pw.dir);
	assert_int_equal(unlink(path), 0);
}

static void a_no_is_told(void **state)
{
	NEEDS_NEW_PORTAL();
	struct vdisplay_output o;
	struct vdisplay *v = make();
	const unsigned before = count_asked();
	forget();
	set_answer("no\n");
	assert_int_equal(add(v, &o), PF_E_DENIED);
	assert_non_null(strstr(vdisplay_why_output(v), "did not allow"));
	assert_int_equal(count_asked(), before + 1);
	set_answer("HEADLESS-1\n");
	add_soon(v, &o);
	assert_int_equal(count_asked(), before + 2);
	vdisplay_remove_output(v, &o);
	vdisplay_destroy(v);
}

static void see_green(struct vdisplay *v)
{
	struct vdisplay_output o;
	add_soon(v, &o);
	struct capture *c = look_at(v, &o);
	wait_sees(0x00ff00);
	capture_destroy(c);
	vdisplay_remove_output(v, &o);
	vdisplay_destroy(v);
}

/* The client left, and so did its session: the dialog's late answer helps nobody, and harms nobody. */
static void a_host_that_leaves_the_dialog_open_leaves_nothing(void **state)
{
	NEEDS_NEW_PORTAL();
	struct vdisplay_output o;
	struct vdisplay *v = make();
	forget();
	set_answer(NULL);
	assert_int_equal(add(v, &o), PF_E_BUSY);
	vdisplay_destroy(v);
	set_answer("HEADLESS-1\n");
	see_green(make());
}

static void what_dies_is_told_and_comes_back(void **state)
{
	NEEDS_NEW_PORTAL();
	struct vdisplay_output o;
	struct vdisplay *v = make();
	const char *why = "";
	add_soon(v, &o);
	struct capture *c = look_at(v, &o);
	wait_sees(0x00ff00);
	kill_owner("org.freedesktop.portal.Desktop");
	for (int n = 0; n < 1000 && !n_lost; n++)
		run_loop(10);
	assert_int_equal(n_lost, 1);
	capture_destroy(c);
	vdisplay_destroy(v);
	see_green(make());

	/* The desktop's half of it. */
	v = make();
	add_soon(v, &o);
	c = look_at(v, &o);
	wait_sees(0x00ff00);
	kill_owner("org.freedesktop.impl.portal.desktop.wlr");
	wait_lost();
	assert_int_equal(n_lost, 0);
	capture_destroy(c);
	vdisplay_destroy(v);
	if (try_make(&v, &why) < 0) {
		assert_non_null(strstr(why, "restart xdg-desktop-portal"));
		kill_owner("org.freedesktop.portal.Desktop");
		v = make();
	}
	see_green(v);
}

/* The PipeWire that it shared through is gone, and so is the stream. */
static void pipewire_restarts_under_it(void **state)
{
	NEEDS_NEW_PORTAL();
	struct vdisplay_output o;
	struct vdisplay *v = make();
	add_soon(v, &o);
	struct capture *c = look_at(v, &o);
	wait_sees(0x00ff00);
	end_pipewire();
	wait_lost();
	capture_destroy(c);
	vdisplay_destroy(v);
	start_pipewire(true);
	/* The portals hold on to the daemon that was: they begin anew, as the desktop restarts them. */
	kill_owner("org.freedesktop.impl.portal.desktop.wlr");
	kill_owner("org.freedesktop.portal.Desktop");
	see_green(make());
}

/* The portal's connections see no factory of links: somebody else has to make ours. */
static void without_a_session_manager_it_says_so(void **state)
{
	NEEDS_NEW_PORTAL();
	struct vdisplay_output o;
	struct vdisplay *v = make();
	gnome_end(&wireplumber);
	add_soon(v, &o);
	struct capture *c = look_at(v, &o);
	wait_lost();
	if (!strstr(eye.why, "wireplumber"))
		fail_msg("%s", eye.why);
	capture_destroy(c);
	/* By a connection of our own we may link ourselves, if the node has a port. */
	c = look_by(0, &o);
	for (const uint64_t until_ns = clock_now_ns() + WAIT_NS;
		!eye.n_lost && !eye.n_frames && clock_now_ns() < until_ns;)
		run_loop(10);
	print_message("without a session manager, by our own connection: %s\n",
		eye.n_lost ? eye.why : "pictures");
	assert_true(eye.n_frames || strstr(eye.why, "wireplumber"));
	capture_destroy(c);
	vdisplay_destroy(v);
}

int main(int argc, char **argv)
{
	log_set_level(LOG_WARN);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_portal_that_is_not_asked_yet_is_found),
		cmocka_unit_test(a_yes_is_asked_for_once),
		cmocka_unit_test(a_no_is_told),
		cmocka_unit_test(a_host_that_leaves_the_dialog_open_leaves_nothing),
		cmocka_unit_test(what_dies_is_told_and_comes_back),
		cmocka_unit_test(pipewire_restarts_under_it),
		cmocka_unit_test(without_a_session_manager_it_says_so),
	};
	return cmocka_run_group_tests(tests, start_desk, end_desk);
}
