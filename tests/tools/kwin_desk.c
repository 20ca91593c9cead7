/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/input-event-codes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <systemd/sd-event.h>

#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/capture/capture.h"
#include "host/inject/inject.h"
#include "host/media/clock.h"
#include "host/vdisplay/vdisplay.h"

/*
 * kwin_desk WL_APP: against the KWin that runs here, everything that a session does with one: outputs at three
 * modes, their pictures, input that a window gets, another mode, and away. A line each; the last one is the result.
 * scripts/headless/kwin runs it.
 */

#define HEARD 65536

static struct loop *loop;
static int n_bad;
static const char *app_path;

struct desk {
	struct vdisplay *v;
	struct vdisplay_output o;
	struct capture *capture;
	struct inject *inject;
	_Atomic uint32_t n_frames, n_other, width, height;
	_Atomic uint64_t first_ns;
	pid_t pid; /* of the window */
	int from;
	char heard[HEARD];
};

static void report(bool good, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void report(bool good, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	printf("%s ", good ? "ok " : "BAD");
	vprintf(format, args);
	putchar('\n');
	va_end(args);
	fflush(stdout);
	n_bad += !good;
}

static void turn_for(uint32_t ms)
{
	const uint64_t until_ns = clock_now_ns() + ms * 1000000ull;
	for (uint64_t now_ns; (now_ns = clock_now_ns()) < until_ns;)
		if (sd_event_run(loop_sd_event(loop), (until_ns - now_ns) / 1000u + 1) < 0)
			abort();
}

static void on_frame(struct frame *frame, void *userdata)
{
	struct desk *d = userdata;
	if (!atomic_load(&d->first_ns))
		atomic_store(&d->first_ns, clock_now_ns());
	if (frame->width == atomic_load(&d->width) && frame->height == atomic_load(&d->height))
		d->n_frames++;
	else
		d->n_other++;
}

static void on_lost(int err, const char *why, void *userdata)
{
	report(false, "capture lost: %s", why);
}

static void start_window(struct desk *d)
{
	int fds[2];
	char size[32];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		abort();
	snprintf(size, sizeof(size), "%ux%u", d->o.width, d->o.height);
	d->pid = fork();
	if (d->pid == 0) {
		sigset_t none;
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		dup2(fds[1], 0);
		dup2(fds[1], 1);
		setenv("WAYLAND_DISPLAY", d->o.wayland_display, 1);
		execl(app_path, app_path, size, "2060c0", NULL);
		_exit(127);
	}
	close(fds[1]);
	d->from = fds[0];
	fcntl(d->from, F_SETFL, O_NONBLOCK);
	report(write(d->from, "move\n", 5) == 5, "window of %s", size);
}

static void listen_to(struct desk *d)
{
	size_t len = strlen(d->heard);
	ssize_t n;
	while (len < HEARD - 1 && (n = read(d->from, d->heard + len, HEARD - 1 - len)) > 0)
		len += (size_t)n;
	d->heard[len] = 0;
}

static void heard(struct desk *d, const char *line)
{
	char whole[64];
	snprintf(whole, sizeof(whole), "\n%s\n", line);
	listen_to(d);
	for (int n = 0; n < 60 && !strstr(d->heard, whole);
		n++) { /* 3 s: one processor draws all */
		turn_for(50);
		listen_to(d);
	}
	report(strstr(d->heard, whole), "window heard '%s'", line);
}

static void end_window(struct desk *d)
{
	kill(d->pid, SIGKILL);
	waitpid(d->pid, NULL, 0);
	close(d->from);
	d->heard[0] = 0;
}

static void give(struct desk *d, uint8_t kind, uint32_t code, int32_t x, int32_t y, uint32_t flags)
{
	const struct pf_input e = {.kind = kind, .code = code, .x = x, .y = y, .flags = flags};
	inject_event(d->inject, &e);
}

static void steer(struct desk *d)
{
	const uint32_t size = d->o.width << 16 | d->o.height;
	char line[64];
	give(d, PF_INPUT_MOUSE_ABS, 0, 101, 203, size);
	turn_for(200);
	give(d, PF_INPUT_MOUSE_REL, 0, 7, -5, 0);
	for (int down = 1; down >= 0; down--) {
		give(d, down ? PF_INPUT_BUTTON_DOWN : PF_INPUT_BUTTON_UP, 1, 0, 0, 0);
		turn_for(200);
		give(d, down ? PF_INPUT_KEY_DOWN : PF_INPUT_KEY_UP, 'A', 0, 0, 0);
		turn_for(200);
	}
	give(d, PF_INPUT_SCROLL, 0, 120, 0, 0);
	if (d->inject->caps.text)
		give(d, PF_INPUT_TEXT, 0xE4, 0, 0, 0);
	give(d, PF_INPUT_TOUCH_DOWN, 4711, 300, 200, size);
	give(d, PF_INPUT_TOUCH_UP, 4711, 300, 200, size);
	turn_for(500);
	snprintf(line, sizeof(line), "shown %u %u", d->o.width, d->o.height);
	heard(d, line);
	heard(d, "motion 101.00 203.00");
	heard(d, "motion 108.00 198.00");
	heard(d, "button 272 1");
	heard(d, "button 272 0");
	heard(d, "key 30 1");
	heard(d, "key 30 0");
	heard(d, "axis 0 -15.000");
	if (d->inject->caps.text)
		heard(d, "text 228");
	heard(d, "touch down 0 300.00 200.00");
	heard(d, "touch up 0");
}

static int look(struct desk *d)
{
	const struct capture_params params = {
		.node_id = d->o.node.id,
		.node_sized = d->o.node.sized,
		.node_remote = d->o.node.remote,
		.width = d->o.width,
		.height = d->o.height,
		.refresh_mhz = d->o.refresh_mhz,
		.cursor = true,
		.on_frame = on_frame,
		.on_lost = on_lost,
		.userdata = d,
	};
	const struct inject_params input = {
		.loop = loop,
		.wayland_display = d->o.wayland_display,
		.output_name = d->o.name,
		.width = d->o.width,
		.height = d->o.height,
		.eis_fd = -1,
	};
	d->width = d->o.width;
	d->height = d->o.height;
	d->n_frames = d->n_other = 0;
	d->first_ns = 0;
	int err = capture_create(&d->capture, d->o.capture, &params);
	if (err >= 0)
		err = capture_start(d->capture);
	report(err >= 0, "capture: %s", pf_strerror(err));
	if (err >= 0) {
		err = inject_create(&d->inject, d->o.inject, &input);
		report(err >= 0, "input: %s", pf_strerror(err));
	}
	return err;
}

static void count_frames(struct desk *d, const char *when)
{
	d->n_frames = d->n_other = 0;
	turn_for(2000);
	report(d->n_frames > 0, "%s: %u frames of %ux%u in 2 s, %u of another size", when,
		d->n_frames, d->width, d->height, d->n_other);
}

static void change_mode(struct desk *d, uint32_t width, uint32_t height, uint32_t mhz)
{
	const uint32_t node = d->o.node.id;
	const uint64_t began_ns = clock_now_ns();
	const int err = vdisplay_set_mode(d->v, &d->o, width, height, mhz);
	const uint64_t took_ms = (clock_now_ns() - began_ns) / 1000000u;
	report(err >= 0 && d->o.width == width && d->o.height == height,
		"mode %ux%u at %.7g Hz after %u ms, node %u -> %u: %s", d->o.width, d->o.height,
		(double)d->o.refresh_mhz / 1000, (unsigned)took_ms, node, d->o.node.id,
		pf_strerror(err));
	if (err < 0)
		return;
	d->width = d->o.width;
	d->height = d->o.height;
	if (d->o.node.id != node) {
		capture_destroy(d->capture);
		inject_destroy(d->inject);
		d->capture = NULL;
		d->inject = NULL;
		if (look(d) < 0)
			return;
	} else if (capture_set_mode(d->capture, width, height, d->o.refresh_mhz) < 0) {
		report(false, "capture took no other mode");
	}
	count_frames(d, "after the change");
}

static void one(struct vdisplay *v, uint32_t width, uint32_t height, uint32_t mhz)
{
	struct desk *d = calloc(1, sizeof(*d));
	if (!d)
		abort();
	d->v = v;
	d->heard[0] = '\n';
	const uint64_t began_ns = clock_now_ns();
	const int err = vdisplay_add_output(v, width, height, mhz, &d->o);
	report(err >= 0 && d->o.width == width && d->o.height == height,
		"output %s %ux%u at %.7g Hz (asked %.7g) after %u ms, node %u: %s", d->o.name,
		d->o.width, d->o.height, (double)d->o.refresh_mhz / 1000, (double)mhz / 1000,
		(unsigned)((clock_now_ns() - began_ns) / 1000000u), d->o.node.id, pf_strerror(err));
	if (err >= 0 && look(d) >= 0) {
		inject_claim(d->inject);
		turn_for(300);
		start_window(d);
		turn_for(2000);
		if (d->first_ns)
			report(true, "first frame %u ms after the wish",
				(unsigned)((d->first_ns - began_ns) / 1000000u));
		count_frames(d, "a window that moves");
		steer(d);
		change_mode(d, 1600, 900, 75000);
		end_window(d);
	}
	capture_destroy(d->capture);
	inject_destroy(d->inject);
	vdisplay_remove_output(v, &d->o);
	turn_for(300);
	free(d);
}

/* Descriptors that KWin holds; 0 = not known. */
static size_t held_by_kwin(void)
{
	char path[64];
	const char *pid = getenv("KWIN_PID");
	snprintf(path, sizeof(path), "/proc/%s/fd", pid ? pid : "none");
	DIR *dir = opendir(path);
	size_t n = 0;
	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

/* They come and go, and the name of the first is free again: KWin has taken the last one away. */
static void hundred(struct vdisplay *v)
{
	struct vdisplay_output o;
	const size_t before = held_by_kwin();
	const uint64_t began_ns = clock_now_ns();
	int n = 0;
	while (n < 100 && vdisplay_add_output(v, 1280, 720, 60000, &o) >= 0) {
		vdisplay_remove_output(v, &o);
		turn_for(1);
		n++;
	}
	const unsigned took_ms = (unsigned)((clock_now_ns() - began_ns) / 1000000u);
	turn_for(2000);
	const size_t after = held_by_kwin();
	report(n == 100 && after <= before + 2,
		"%d outputs came and went in %u ms; KWin holds %zu descriptors, before %zu", n,
		took_ms, after, before);
}

/* A host that is killed: what it made is gone. */
static void killed(struct vdisplay *v)
{
	struct vdisplay_output o = {0};
	int told[2];
	char byte = 0;
	if (pipe(told) < 0)
		abort();
	const pid_t pid = fork();
	if (pid == 0) {
		const struct vdisplay_params none = {0};
		struct vdisplay *own;
		if (vdisplay_create(&own, "kwin", &none, NULL) < 0 ||
			vdisplay_add_output(own, 800, 600, 60000, &o) < 0)
			_exit(1);
		byte = o.name[strlen(o.name) - 1];
		_exit(write(told[1], &byte, 1) == 1 ? pause() : 1);
	}
	close(told[1]);
	const bool made = read(told[0], &byte, 1) == 1;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(told[0]);
	turn_for(500);
	const int err = vdisplay_add_output(v, 1280, 720, 60000, &o);
	report(made && err >= 0 && o.name[strlen(o.name) - 1] == byte,
		"after a host was killed its name %c is free again: %s", byte, o.name);
	vdisplay_remove_output(v, &o);
	turn_for(300);
}

int main(int argc, char **argv)
{
	char note[VDISPLAY_NOTE_LEN] = "";
	const char *why = NULL;
	struct vdisplay *v;
	if (argc != 2 || loop_create(&loop) < 0)
		return 2;
	app_path = argv[1];
	log_set_level(LOG_WARN);
	const struct vdisplay_params params = {.loop = loop};
	const int found = vdisplay_kwin_impl.probe(&params, note);
	report(found == VDISPLAY_RUNS, "probe: %s", note);
	const int err = vdisplay_create(&v, "kwin", &params, &why);
	report(err >= 0, "create: %s", err < 0 ? why : "good");
	if (err >= 0) {
		one(v, 1280, 720, 60000);
		one(v, 1920, 1080, 119880);
		one(v, 1024, 768, 30000);
		hundred(v);
		killed(v);
		vdisplay_destroy(v);
	}
	printf("kwin_desk: %d bad\n", n_bad);
	loop_destroy(loop);
	return n_bad != 0;
}
