/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * A headless sway of our own and its capture: bench_desk [all|rate|idle|cycles|sessions] [app]
 *   rate     pictures a second of something that moves, and how old they are when the capture gives them out
 *   idle     processor time of an idle screen, of the host and of sway
 *   cycles   100 times: an output, its first picture, another mode, its first picture, gone; what is left
 *   sessions HOST: 100 clients one after the other of a real host (its path) in somebody's sway; what is left
 * The app must repaint whenever it may; weston-simple-shm does.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/capture/capture.h"
#include "host/media/clock.h"
#include "host/vdisplay/sway_ipc.h"
#include "host/vdisplay/sway_output.h"
#include "host/vdisplay/vdisplay.h"
#include "punktfunk_core.h"
#include "tests/support/host_process.h"

#define MAX_PICTURES 4096
#define RATE_S	     5u
#define IDLE_S	     10u
#define CYCLES	     100u

struct seen {
	uint32_t width, height; /* what is waited for */
	_Atomic bool come;
	uint64_t at_ns;
	unsigned n;
	uint64_t age_ns[MAX_PICTURES], when_ns[MAX_PICTURES];
};

static void on_frame(struct frame *f, void *userdata)
{
	struct seen *s = userdata;
	const uint64_t now_ns = clock_now_ns();
	if (s->n < MAX_PICTURES) {
		s->age_ns[s->n] = now_ns - f->times.presented_ns;
		s->when_ns[s->n++] = now_ns;
	}
	if (!s->come && f->width == s->width && f->height == s->height) {
		s->at_ns = now_ns;
		s->come = true;
	}
}

static void on_lost(int err, const char *why, void *userdata)
{
	(void)err;
	(void)userdata;
	fprintf(stderr, "bench_desk: the capture ended: %s\n", why);
	exit(1);
}

struct desk {
	struct loop *loop;
	struct vdisplay *v;
};

static void must(int err, const char *what)
{
	if (err >= 0)
		return;
	fprintf(stderr, "bench_desk: %s: %s\n", what, pf_strerror(err));
	exit(1);
}

static void open_desk(struct desk *d, const char *app)
{
	const char *why = NULL;
	must(loop_create(&d->loop), "loop");
	const struct vdisplay_params params = {.loop = d->loop, .own_session = true, .app = app};
	const int err = vdisplay_create(&d->v, "wlroots", &params, &why);
	must(err, why ? why : "sway");
}

static void close_desk(struct desk *d)
{
	vdisplay_destroy(d->v);
	loop_destroy(d->loop);
}

static struct capture *open_capture(const struct vdisplay_output *o, struct seen *s)
{
	const struct capture_params params = {.wayland_display = o->wayland_display,
		.output_name = o->name,
		.cursor = true,
		.on_frame = on_frame,
		.on_lost = on_lost,
		.userdata = s};
	struct capture *c;
	must(capture_create(&c, "wlr", &params), "capture");
	must(capture_start(c), "capture");
	return c;
}

static void turn(struct desk *d, uint64_t for_ns, const struct seen *s)
{
	const uint64_t until_ns = clock_now_ns() + for_ns;
	while (clock_now_ns() < until_ns && !(s && s->come))
		sd_event_run(loop_sd_event(d->loop), 1000);
}

static void wait_come(struct desk *d, struct seen *s)
{
	turn(d, 5000000000ull, s);
	must(s->come ? 0 : PF_E_TIMEOUT, "no picture of this size came");
}

static int compare(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static double at_ms(uint64_t *values, unsigned n, double share)
{
	qsort(values, n, sizeof(*values), compare);
	return n ? (double)values[(unsigned)(share * (n - 1) + 0.5)] / 1e6 : 0;
}

/* Processor time of a process in seconds; pid 0 = ourselves with all threads. */
static double cpu_s(int pid)
{
	char path[64];
	unsigned long user = 0, sys = 0;
	struct rusage self;
	if (!pid) {
		getrusage(RUSAGE_SELF, &self);
		return (double)(self.ru_utime.tv_sec + self.ru_stime.tv_sec) +
			(double)(self.ru_utime.tv_usec + self.ru_stime.tv_usec) / 1e6;
	}
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	FILE *f = fopen(path, "re");
	if (!f ||
		fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
			&sys) != 2)
		user = sys = 0;
	if (f)
		fclose(f);
	return (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
}

static int find_sway(void)
{
	DIR *dir = opendir("/proc");
	int newest = 0;
	for (const struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
		char path[64], name[32] = "";
		const int pid = atoi(e->d_name);
		snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		FILE *f = pid > 0 ? fopen(path, "re") : NULL;
		if (f && fgets(name, sizeof(name), f) && !strcmp(name, "sway\n") && pid > newest)
			newest = pid;
		if (f)
			fclose(f);
	}
	if (dir)
		closedir(dir);
	return newest;
}

static void rate(const char *app, uint32_t width, uint32_t height, uint32_t hz)
{
	static struct seen s;
	struct desk d;
	struct vdisplay_output o;
	memset(&s, 0, sizeof(s));
	s.width = width;
	s.height = height;
	open_desk(&d, app);
	must(vdisplay_add_output(d.v, width, height, VDISPLAY_MHZ(hz), &o), "output");
	struct capture *c = open_capture(&o, &s);
	wait_come(&d, &s);
	turn(&d, 1000000000ull, NULL); /* the app starts */
	const unsigned from = s.n;
	const int sway = find_sway();
	const double host_before = cpu_s(0), sway_before = cpu_s(sway);
	const uint64_t start_ns = clock_now_ns();
	turn(&d, RATE_S * 1000000000ull, NULL);
	capture_stop(c);
	const double took = (double)(clock_now_ns() - start_ns) / 1e9;
	const unsigned n = s.n - from;
	uint64_t longest = 0;
	for (unsigned i = from + 1; i < s.n; i++)
		if (s.when_ns[i] - s.when_ns[i - 1] > longest)
			longest = s.when_ns[i] - s.when_ns[i - 1];
	printf("%ux%u at %u Hz: %.1f pictures/s (%.1f %%), longest gap %.1f ms, skipped %llu; age "
	       "p50 "
	       "%.2f ms, p99 %.2f ms; host %.1f %%, sway %.1f %% of a processor\n",
		width, height, hz, n / took, 100 * n / took / hz, (double)longest / 1e6,
		(unsigned long long)c->n_skipped, at_ms(s.age_ns + from, n, 0.5),
		at_ms(s.age_ns + from, n, 0.99), 100 * (cpu_s(0) - host_before) / took,
		100 * (cpu_s(sway) - sway_before) / took);
	capture_destroy(c);
	close_desk(&d);
}

static void idle(void)
{
	static struct seen s = {.width = 1280, .height = 720};
	struct desk d;
	struct vdisplay_output o;
	open_desk(&d, "sleep 1000");
	must(vdisplay_add_output(d.v, 1280, 720, VDISPLAY_MHZ(60), &o), "output");
	struct capture *c = open_capture(&o, &s);
	wait_come(&d, &s);
	turn(&d, 500000000ull, NULL);
	const unsigned from = s.n;
	const int sway = find_sway();
	const double host_before = cpu_s(0), sway_before = cpu_s(sway);
	sleep(IDLE_S);
	printf("idle for %u s: %u pictures; host %.2f ms, sway %.0f ms of a processor\n", IDLE_S,
		s.n - from, 1e3 * (cpu_s(0) - host_before), 1e3 * (cpu_s(sway) - sway_before));
	capture_destroy(c);
	close_desk(&d);
}

static unsigned count_in(const char *format, int pid)
{
	char path[64];
	unsigned n = 0;
	snprintf(path, sizeof(path), format, pid);
	DIR *dir = opendir(path);
	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

static void cycles(void)
{
	static struct seen s;
	static uint64_t first[CYCLES], mode[CYCLES];
	struct desk d;
	unsigned fds = 0;
	open_desk(&d, "sleep 1000");
	for (unsigned i = 0; i < CYCLES; i++) {
		struct vdisplay_output o;
		memset(&s, 0, sizeof(s));
		s.width = 1280;
		s.height = 720;
		uint64_t start_ns = clock_now_ns();
		must(vdisplay_add_output(d.v, 1280, 720, VDISPLAY_MHZ(60), &o), "output");
		struct capture *c = open_capture(&o, &s);
		wait_come(&d, &s);
		first[i] = s.at_ns - start_ns;
		s.width = 1920;
		s.height = 1080;
		s.come = false;
		start_ns = clock_now_ns();
		must(vdisplay_set_mode(d.v, &o, 1920, 1080, VDISPLAY_MHZ(60)), "mode");
		wait_come(&d, &s);
		mode[i] = s.at_ns - start_ns;
		capture_destroy(c);
		vdisplay_remove_output(d.v, &o);
		turn(&d, 10000000, NULL);
		if (i == 0)
			fds = count_in("/proc/%d/fd", getpid());
	}
	printf("%u cycles: first picture p50 %.0f ms, max %.0f ms; mode change p50 %.0f ms, max "
	       "%.0f "
	       "ms; descriptors after the first %u, after the last %u\n",
		CYCLES, at_ms(first, CYCLES, 0.5), at_ms(first, CYCLES, 1),
		at_ms(mode, CYCLES, 0.5), at_ms(mode, CYCLES, 1), fds,
		count_in("/proc/%d/fd", getpid()));
	close_desk(&d);
}

static unsigned count_used(const char *socket)
{
	struct sway_ipc ipc;
	char name[32];
	unsigned n = 0;
	must(sway_ipc_open(&ipc, socket), "sway");
	for (int i = 1; i < 200; i++) {
		snprintf(name, sizeof(name), "HEADLESS-%d", i);
		const int used = sway_output_is_used(&ipc, name);
		must(used, "outputs");
		n += used > 0;
	}
	sway_ipc_close(&ipc);
	return n;
}

static uint64_t one_session(int port)
{
	struct punktfunk_connect_opts o;
	struct punktfunk_connection *c = NULL;
	struct punktfunk_frame f = {.size = sizeof(f)};
	char message[320] = "";
	punktfunk_connect_opts_init(&o);
	o.host = "127.0.0.1";
	o.port = (uint16_t)port;
	o.mode = (struct punktfunk_mode){1280, 720, 60};
	const uint64_t start_ns = clock_now_ns();
	must(punktfunk_connect_opts(&c, &o, message, sizeof(message)), message);
	must(punktfunk_connection_next_au(c, &f, 5000), "no picture came");
	const uint64_t took = clock_now_ns() - start_ns;
	punktfunk_connection_disconnect_quit(c);
	punktfunk_connection_close(c);
	return took;
}

/* A real host in a sway that is somebody's, and clients one after the other. */
static void sessions(const char *path)
{
	static uint64_t took[CYCLES];
	static const char *const args[] = {
		"--source", "virtual", "--encoder", "null", "--audio", "off", NULL};
	struct host_process host;
	struct desk d;
	struct vdisplay_output theirs;
	char socket[128];
	open_desk(&d, "sleep 1000");
	must(vdisplay_add_output(d.v, 1280, 720, VDISPLAY_MHZ(60), &theirs), "output");
	snprintf(socket, sizeof(socket), "%s", theirs.wayland_display);
	snprintf(strrchr(socket, '/'), 16, "/sway.sock");
	setenv("SWAYSOCK", socket, 1);
	must(host_process_start(&host, path, args) < 0 ? PF_E_IO : 0, "the host");
	unsigned fds = 0, threads = 0;
	for (unsigned i = 0; i < CYCLES; i++) {
		took[i] = one_session(host.port);
		turn(&d, 50000000, NULL);
		if (i == 0) {
			fds = count_in("/proc/%d/fd", host.pid);
			threads = count_in("/proc/%d/task", host.pid);
		}
	}
	turn(&d, 500000000, NULL);
	printf("%u sessions: connect to first picture at the client p50 %.0f ms, max %.0f ms; "
	       "descriptors "
	       "%u and %u, threads %u and %u after the first and the last; outputs in use besides "
	       "the "
	       "person's: %u\n",
		CYCLES, at_ms(took, CYCLES, 0.5), at_ms(took, CYCLES, 1), fds,
		count_in("/proc/%d/fd", host.pid), threads, count_in("/proc/%d/task", host.pid),
		count_used(socket) - 1);
	must(host_process_end(&host) < 0 ? PF_E_IO : 0, "the host's end");
	host_process_clean(&host);
	unsetenv("SWAYSOCK");
	close_desk(&d);
}

int main(int argc, char **argv)
{
	const char *app = argc > 2 ? argv[2] : "weston-simple-shm";
	const char *what = argc > 1 ? argv[1] : "all";
	const bool all = !strcmp(what, "all");
	log_set_level(LOG_WARN);
	if (all || !strcmp(what, "rate")) {
		rate(app, 1280, 720, 60);
		rate(app, 1920, 1080, 60);
		rate(app, 1280, 720, 120);
	}
	if (all || !strcmp(what, "idle"))
		idle();
	if (all || !strcmp(what, "cycles"))
		cycles();
	if (!strcmp(what, "sessions") && argc > 2)
		sessions(argv[2]);
	return 0;
}
