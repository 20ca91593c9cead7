/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include "tests/integration/desktops/left.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MS	      10000u
#define TEXT_MAX      262144
#define LAYOUT_MAX    8192
#define SWAPCHAIN_MAX 4 /* pictures that an output draws on in turns, each a descriptor */
#define DEPTH_MAX     16

static const char *const names[LEFT_KINDS] = {
	[LEFT_OUTPUTS] = "outputs",
	[LEFT_NODES] = "PipeWire nodes",
	[LEFT_HOST_DESCRIPTORS] = "descriptors of the host",
	[LEFT_HOST_THREADS] = "threads of the host",
	[LEFT_DESKTOP_DESCRIPTORS] = "descriptors of the compositor",
	[LEFT_DESKTOP_THREADS] = "threads of the compositor",
	[LEFT_PIPEWIRE_DESCRIPTORS] = "descriptors of PipeWire",
	[LEFT_PROCESSES] = "processes",
	[LEFT_FILES] = "files in the runtime folder",
};

static int count_entries(const char *path)
{
	int n = 0;
	DIR *dir = opendir(path);
	if (!dir)
		return -1;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2; /* . and .. */
}

static int count_of(pid_t pid, const char *what)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, what);
	return pid > 0 ? count_entries(path) : -1;
}

/* 0: it is none of anybody's, or has ended and waits only to be looked at. */
static int parent_of(int pid)
{
	char path[64], state = 'Z';
	int parent = 0;
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	FILE *f = fopen(path, "re");
	if (f && fscanf(f, "%*d (%*[^)]) %c %d", &state, &parent) != 2)
		parent = 0;
	if (f)
		fclose(f);
	return state == 'Z' ? 0 : parent;
}

static int count_processes(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int n = 0;
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		int pid = atoi(entry->d_name);
		for (int depth = 0; depth < DEPTH_MAX && pid > 1; depth++) {
			pid = parent_of(pid);
			n += pid == getpid();
		}
	}
	closedir(dir);
	return n;
}

/* As PipeWire tells them; NULL when it does not answer. */
static const char *list_nodes(void)
{
	static char text[TEXT_MAX];
	const char *const argv[] = {"pw-cli", "ls", "Node", NULL};
	return rig.kind->pipewire && rig_ask(argv, text, sizeof(text)) >= 0 ? text : NULL;
}

int left_newest_source(void)
{
	const char *text = list_nodes();
	int id, newest = -1;
	assert_non_null(text);
	/* `id N, type PipeWire:Interface:Node/3`, then its properties. */
	for (const char *at = text, *next; (at = strstr(at, "id ")); at = next) {
		next = strstr(at + 1, "\tid ");
		next = next ? next : at + strlen(at);
		const char *class = strstr(at, "\"Stream/Output/Video\"");
		if (class && class < next && sscanf(at, "id %d", &id) == 1 && id > newest)
			newest = id;
	}
	if (newest < 0)
		fail_msg("no node of pictures among: %s", text);
	return newest;
}

static int count_nodes(void)
{
	const char *text = list_nodes();
	int n = 0;
	if (!text)
		return -1;
	for (const char *at = text; (at = strstr(at, "PipeWire:Interface:Node")); at++)
		n++;
	return n;
}

struct left left_count(void)
{
	struct rig_output outputs[RIG_MAX_OUTPUTS];
	char run[128];
	struct left l;
	snprintf(run, sizeof(run), "%s/run", rig.dir);
	const int n = rig_list_outputs(outputs, RIG_MAX_OUTPUTS);
	l.n[LEFT_OUTPUTS] = n;
	l.n_idle = 0;
	for (int i = 0; i < n; i++)
		l.n_idle += outputs[i].width == RIG_IDLE_WIDTH;
	l.n[LEFT_NODES] = count_nodes();
	l.n[LEFT_HOST_DESCRIPTORS] = count_of(rig.host.pid, "fd");
	l.n[LEFT_HOST_THREADS] = count_of(rig.host.pid, "task");
	l.n[LEFT_DESKTOP_DESCRIPTORS] = count_of(rig.compositor, "fd");
	l.n[LEFT_DESKTOP_THREADS] = count_of(rig.compositor, "task");
	l.n[LEFT_PIPEWIRE_DESCRIPTORS] = count_of(rig.pipewire, "fd");
	l.n[LEFT_PROCESSES] = count_processes();
	l.n[LEFT_FILES] = count_entries(run);
	return l;
}

/* The first kind that is not as it was; LEFT_KINDS = none. */
static int find_more(const struct left *was, const struct left *now)
{
	for (int i = 0; i < LEFT_KINDS; i++) {
		const bool as_many = i == LEFT_OUTPUTS || i == LEFT_PROCESSES;
		const int slack = i == LEFT_DESKTOP_DESCRIPTORS ? now->n_idle * SWAPCHAIN_MAX : 0;
		if (now->n[i] > was->n[i] + slack || (as_many && now->n[i] != was->n[i]))
			return i;
	}
	return LEFT_KINDS;
}

void left_wait(const struct left *was)
{
	struct left now = left_count();
	int more = find_more(was, &now);
	for (unsigned ms = 0; ms < WAIT_MS && more < LEFT_KINDS; ms += 50) {
		rig_pause_ms(50);
		now = left_count();
		more = find_more(was, &now);
	}
	if (more < LEFT_KINDS)
		fail_msg("%d %s were there before, now there are %d", was->n[more], names[more],
			now.n[more]);
}

/* --- the layout --- */

/* Those on outputs that are named in text already: windows, focus and all. */
static void add_workspaces(char *text, size_t cap)
{
	static char said[LAYOUT_MAX];
	char path[160], output[80];
	snprintf(path, sizeof(path), "%s/run/sway-ipc.%d.%d.sock", rig.dir, (int)getuid(),
		(int)rig.compositor);
	const char *const argv[] = {"swaymsg", "-s", path, "-p", "-t", "get_workspaces", NULL};
	if (access(path, F_OK) < 0 || rig_ask(argv, said, sizeof(said)) < 0)
		return;
	for (char *at = strstr(said, "Workspace "), *next; at; at = next) {
		next = strstr(at + 1, "\nWorkspace ");
		if (next)
			*next++ = 0;
		for (char *end = at + strlen(at); end > at && end[-1] == '\n';)
			*--end = 0;
		const char *on = strstr(at, "Output: ");
		const size_t len = strlen(text);
		if (on && sscanf(on, "Output: %70s", output) == 1 &&
			strstr(text, strcat(output, " ")))
			snprintf(text + len, cap - len, "%s\n", at);
	}
}

void left_layout(char *text, size_t cap)
{
	struct rig_output outputs[RIG_MAX_OUTPUTS];
	const int n = rig_list_outputs(outputs, RIG_MAX_OUTPUTS);
	size_t len = 0;
	text[0] = 0;
	for (int i = 0; i < n && len < cap; i++) {
		const struct rig_output *o = &outputs[i];
		if (o->width != RIG_IDLE_WIDTH)
			len += (size_t)snprintf(text + len, cap - len, "%s %dx%d@%d at %d,%d\n",
				o->name, o->width, o->height, o->mhz, o->x, o->y);
	}
	if (len < cap)
		add_workspaces(text, cap);
}

void left_wait_layout(const char *was)
{
	static char now[LAYOUT_MAX];
	left_layout(now, sizeof(now));
	for (unsigned ms = 0; ms < WAIT_MS && strcmp(was, now) != 0; ms += 50) {
		rig_pause_ms(50);
		left_layout(now, sizeof(now));
	}
	if (strcmp(was, now) != 0)
		fail_msg("the layout was\n%s\nand is now\n%s", was, now);
}
