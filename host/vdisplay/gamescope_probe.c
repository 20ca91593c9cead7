/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/vdisplay/gamescope_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/media/clock.h"

/* It answers within 50 ms; the control loop waits for it. */
#define ASK_TIMEOUT_NS 900000000ull
#define MAX_HELP       32768u /* of today's versions: 9 kB */

extern char **environ;

static const char *find(const char *text, size_t len, const char *word)
{
	return memmem(text, len, word, strlen(word));
}

/* Is the whole word there? "--headless" is none in "--headless-foo". */
static bool has_option(const char *text, size_t len, const char *option)
{
	const char *end = text + len;
	for (const char *p = text; (p = find(p, (size_t)(end - p), option)) != NULL;) {
		p += strlen(option);
		if (p == end || strchr(" \t\n,=", *p))
			return true;
	}
	return false;
}

/* A number of at most four digits at *p; -1 = none. */
static int take_number(const char **p, const char *end)
{
	int v = -1;
	for (int digits = 0; *p < end && **p >= '0' && **p <= '9'; ++*p) {
		if (++digits > 4)
			return -1;
		v = (v < 0 ? 0 : v) * 10 + (**p - '0');
	}
	return v;
}

/* "gamescope version 3.16.22-3-gabcdef (gcc 14.2.1)", whatever is before it on its line. */
static void read_version(struct gamescope_version *v, const char *text, size_t len)
{
	static const char mark[] = "version ";
	const char *end = text + len, *p = text;
	while ((p = find(p, (size_t)(end - p), mark)) != NULL) {
		int part[3] = {-1, 0, 0};
		p += sizeof(mark) - 1;
		if (p < end && *p == 'v')
			p++;
		part[0] = take_number(&p, end);
		for (int i = 1; part[0] >= 0 && i < 3 && p < end && *p == '.'; i++) {
			p++;
			part[i] = take_number(&p, end);
		}
		if (part[0] <= 0 || part[1] < 0 || part[2] < 0)
			continue;
		v->major = part[0];
		v->minor = part[1];
		v->patch = part[2];
		return;
	}
}

void gamescope_read_help(struct gamescope_version *v, const char *text, size_t len)
{
	*v = (struct gamescope_version){0};
	read_version(v, text, len);
	v->backend_option = has_option(text, len, "--backend");
	v->headless_option = has_option(text, len, "--headless");
}

bool gamescope_is_headless(const struct gamescope_version *v)
{
	return v->backend_option || v->headless_option;
}

bool gamescope_may_hang(const struct gamescope_version *v)
{
	if (v->major != 3)
		return v->major < 3;
	return v->minor < 16 || (v->minor == 16 && v->patch < 22);
}

void gamescope_version_text(const struct gamescope_version *v, char *text, size_t cap)
{
	if (v->major)
		snprintf(text, cap, "%d.%d.%d", v->major, v->minor, v->patch);
	else
		snprintf(text, cap, "of an unknown version");
}

static int wait_for(pid_t pid)
{
	const uint64_t deadline_ns = clock_now_ns() + ASK_TIMEOUT_NS;
	int status;
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (clock_now_ns() >= deadline_ns) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return PF_E_TIMEOUT;
		}
		const struct timespec pause = {0, 2000000};
		nanosleep(&pause, NULL);
	}
	return PF_OK;
}

static int run_help(const char *program, int out)
{
	char *const argv[] = {(char *)"gamescope", (char *)"--help", NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	pid_t pid;
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&files, out, STDERR_FILENO);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	const int e = posix_spawn(&pid, program, &files, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return e ? PF_E_IO : wait_for(pid);
}

int gamescope_ask(struct gamescope_version *v, const char *program)
{
	char text[MAX_HELP];
	*v = (struct gamescope_version){0};
	const int out = memfd_create("punktfunk-help", MFD_CLOEXEC);
	if (out < 0)
		return pf_error_from_errno(errno);
	int err = run_help(program, out);
	const ssize_t n = pread(out, text, sizeof(text), 0);
	close(out);
	if (err >= 0 && n > 0)
		gamescope_read_help(v, text, (size_t)n);
	else if (err >= 0)
		err = PF_E_IO;
	return err;
}

const char *gamescope_remedy(const char *words, const char **from, size_t *len)
{
	static const char old_driver[] =
		"the Vulkan driver of this machine's GPU lacks what gamescope needs: install a "
		"newer Mesa (mesa-vulkan-drivers) or the GPU maker's driver, or run without "
		"--compositor gamescope";
	static const struct {
		const char *said, *remedy;
	} known[] = {
		{"DRM format modifiers", old_driver},
		{"VK_EXT_physical_device_drm", old_driver},
		{"Missing required extension", old_driver},
		{"(VkResult: -9)", /* VK_ERROR_INCOMPATIBLE_DRIVER */
			"no Vulkan driver is installed: install mesa-vulkan-drivers or the GPU "
			"maker's driver, or run without --compositor gamescope"},
		{"find physical device",
			"Vulkan finds no GPU: see that /dev/dri has a render node which the "
			"session's user may open (the groups render and video), or run without "
			"--compositor gamescope"},
		{"render node",
			"the GPU's render node in /dev/dri cannot be opened: see that the "
			"session's "
			"user is in the groups render and video"},
		{"ulkan",
			"Vulkan does not start: see that vulkaninfo works for the session's user, "
			"or run without --compositor gamescope"},
		{"Xwayland", "see that Xwayland is installed (the package xwayland)"},
		{"unrecognized option",
			"this gamescope is not one that the host knows: install 3.16.22 or newer"},
	};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const char *at = strstr(words, known[i].said);
		if (!at)
			continue;
		while (at > words && at[-1] != '\n')
			at--;
		*from = at;
		*len = strcspn(at, "\n");
		return known[i].remedy;
	}
	return NULL;
}
