/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/integration/gamestream_rig.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <enet/enet.h>

#include "tests/test.h"

#define FIXED_ARGS 8
#define MORE_ARGS  16
#define TRIES	   5
#define PORTS	   28 /* that a host takes from its base on, and 5 below */

static int start_host(struct rig *r, const char *const *more)
{
	char port[16];
	const char *args[FIXED_ARGS + MORE_ARGS + 1] = {"--source", "synthetic", "--gamestream",
		"--gamestream-port", port, "--no-discovery", "--audio", "tone"};
	for (size_t i = 0; more && more[i] && i < MORE_ARGS; i++)
		args[FIXED_ARGS + i] = more[i];
	for (int i = 0; i < TRIES; i++) {
		r->host.base = 20000 + (int)((unsigned)(getpid() + i * 331) % 400) * PORTS;
		snprintf(port, sizeof(port), "%d", r->host.base);
		if (host_process_start(&r->host.process, getenv("PUNKTFUNK_HOST"), args) == 0 &&
			host_process_logged(&r->host.process, "Moonlight clients find it", 5000))
			return 0;
		host_process_end(&r->host.process);
		host_process_clean(&r->host.process);
	}
	return -1;
}

int rig_start(struct rig *r, const char *const *args)
{
	char why[512] = "";
	memset(r, 0, sizeof(*r));
	if (enet_initialize() < 0 || !getenv("PUNKTFUNK_HOST") || start_host(r, args) < 0)
		return -1;
	device_make(&r->alice, NULL);
	if (gs_identity_load_or_create(&r->identity, r->host.process.dir, why, sizeof(why)) == 0 &&
		rig_pair(r, &r->alice, "alice"))
		return 0;
	fprintf(stderr, "rig: the device does not get paired: %s\n%s\n", why, r->host.body);
	rig_end(r);
	return -1;
}

int rig_end(struct rig *r)
{
	gs_identity_destroy(r->identity);
	device_free(&r->alice);
	int ended = host_process_end(&r->host.process);
	host_process_clean(&r->host.process);
	enet_deinitialize();
	return ended;
}

bool rig_pair(struct rig *r, struct device *d, const char *name)
{
	return moon_pair(&r->host, d, &r->identity->cert, name);
}

struct moon_session rig_session(struct rig *r, const struct device *d)
{
	struct moon_session s = {.host = &r->host,
		.device = d,
		.wish = moon_default_wish,
		.corever = 1,
		.decode = true};
	s.wish.width = 640;
	s.wish.height = 480;
	return s;
}

void rig_launch(struct moon_session *s)
{
	if (!moon_session_launch(s))
		fail_msg("no stream: status %d, step %s (%d): %s", s->status,
			s->streams.step ? s->streams.step : "-", s->streams.status, s->host->body);
}

static unsigned count_entries(const char *path)
{
	unsigned n = 0;
	DIR *d = opendir(path);
	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

static unsigned count_children(pid_t pid)
{
	char path[64];
	unsigned n = 0, child;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	FILE *f = fopen(path, "re");
	while (f && fscanf(f, "%u", &child) == 1)
		n++;
	if (f)
		fclose(f);
	return n;
}

struct rig_use rig_use(const struct rig *r)
{
	char path[64];
	struct rig_use u = {.rss_kb = host_process_rss_kb(&r->host.process),
		.children = count_children(r->host.process.pid)};
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)r->host.process.pid);
	u.fds = count_entries(path);
	snprintf(path, sizeof(path), "/proc/%d/task", (int)r->host.process.pid);
	u.threads = count_entries(path);
	return u;
}

bool rig_settles(const struct rig *r, const struct rig_use *was, int timeout_ms)
{
	for (int waited = 0;; waited += 20) {
		const struct rig_use now = rig_use(r);
		if (now.fds <= was->fds && now.threads <= was->threads &&
			now.children <= was->children)
			return true;
		if (waited >= timeout_ms) {
			fprintf(stderr,
				"rig: %u descriptors, %u threads, %u children; there were %u, %u, "
				"%u\n",
				now.fds, now.threads, now.children, was->fds, was->threads,
				was->children);
			return false;
		}
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	}
}
