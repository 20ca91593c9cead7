/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A gamescope that only publishes its node, listens on its EIS socket and runs its program. Built without libeis it
 * hears nothing there. $FAKE_GAMESCOPE says how:
 * good, 3.12 (older option), 3.11 (no headless mode), hangs (--help never ends), silent (no node), dies (a moment after
 * the node came), vulkan (ends as 3.11.49 does without a GPU), stubborn (ignores SIGTERM). What it was asked for and
 * what input came are lines in the file $FAKE_GAMESCOPE_LOG.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/pw_source.h"
#if FAKE_GAMESCOPE_EIS
#include "tests/support/eis_server.h"
#endif

static volatile sig_atomic_t quit;

static void on_signal(int number)
{
	(void)number;
	quit = 1;
}

static bool is(const char *how)
{
	const char *said = getenv("FAKE_GAMESCOPE");
	return said && strcmp(said, how) == 0;
}

static void note(const char *line)
{
	const char *path = getenv("FAKE_GAMESCOPE_LOG");
	FILE *f = path ? fopen(path, "ae") : NULL;
	if (!f)
		return;
	fprintf(f, "%s\n", line);
	fclose(f);
}

static int help(void)
{
	while (is("hangs"))
		sleep(10);
	if (!is("3.11") && !is("3.12"))
		fputs("[gamescope] [Info]  console: gamescope version 3.16.24 (gcc 14.2.0)\n",
			stderr);
	fputs("usage: gamescope [options...] -- [command...]\n\nOptions:\n  -W, --output-width\n",
		stderr);
	fputs(is("3.11") ? ""
			: is("3.12")
			? "  --headless                     use headless backend\n"
			: "  --backend                      select rendering backend\n",
		stderr);
	return 0;
}

static int without_gpu(void)
{
	fputs("vulkan: selecting physical device 'llvmpipe'\n"
	      "vulkan: physical device does not support DRM format modifiers\n"
	      "vulkan: physical device doesn't support VK_EXT_physical_device_drm\n"
	      "Failed to initialize Vulkan\n",
		stderr);
	return 1;
}

static void note_words(int argc, char **argv)
{
	char line[512] = "args";
	for (int i = 1; i < argc; i++) {
		strncat(line, " ", sizeof(line) - strlen(line) - 1);
		strncat(line, strcmp(argv[i - 1], "/bin/sh") ? argv[i] : "APP",
			sizeof(line) - strlen(line) - 1);
	}
	note(line);
	const char *layout = getenv("XKB_DEFAULT_LAYOUT");
	snprintf(line, sizeof(line), "layout %s", layout ? layout : "none");
	note(line);
}

static pid_t run_program(char **words)
{
	const pid_t pid = fork();
	if (pid == 0) {
		execvp(words[0], words);
		_exit(127);
	}
	return pid;
}

#if FAKE_GAMESCOPE_EIS
static const struct eis_server_device device[] = {
	{EIS_DEVICE_CAP_POINTER | EIS_DEVICE_CAP_POINTER_ABSOLUTE | EIS_DEVICE_CAP_KEYBOARD |
			EIS_DEVICE_CAP_SCROLL | EIS_DEVICE_CAP_BUTTON,
		"Gamescope Virtual Input", {{0, 0, INT32_MAX, INT32_MAX, "Mr. Worldwide"}}, 0},
	{0},
};

static struct eis_server eis;

static int open_input(void)
{
	const struct eis_server_config config = {.devices = device};
	return eis_server_init(&eis, &config, "gamescope-0-ei");
}

static void take_input(void)
{
	static size_t told;
	eis_server_turn(&eis);
	while (told < eis.n_lines)
		note(eis.lines[told++]);
}
#else
/* Somebody listens; what is said is not heard. */
static int open_input(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	const char *dir = getenv("XDG_RUNTIME_DIR");
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/gamescope-0-ei", dir ? dir : "");
	return fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 ? listen(fd, 4)
										  : -1;
}

static void take_input(void)
{
}
#endif

int main(int argc, char **argv)
{
	uint32_t width = 0, height = 0;
	int at = 1;
	for (; at < argc && strcmp(argv[at], "--") != 0; at++) {
		if (!strcmp(argv[at], "--help"))
			return help();
		if (!strcmp(argv[at], "-W") && at + 1 < argc)
			width = (uint32_t)atoi(argv[at + 1]);
		if (!strcmp(argv[at], "-H") && at + 1 < argc)
			height = (uint32_t)atoi(argv[at + 1]);
	}
	if (is("vulkan"))
		return without_gpu();
	if (at + 1 >= argc)
		return 2;
	signal(SIGTERM, is("stubborn") ? SIG_IGN : on_signal);
	note_words(argc, argv);
	const struct pw_source_params params = {
		.width = width, .height = height, .interval_ms = 16, .name = "gamescope"};
	struct pw_source *source = NULL;
	if (open_input() < 0)
		return 3;
	if (!is("silent")) {
		source = pw_source_start(&params);
		if (!source)
			return 4;
	}
	const pid_t program = run_program(argv + at + 1);
	for (int i = 0; !quit && !(is("dies") && i > 50); i++) {
		take_input();
		if (waitpid(program, NULL, WNOHANG) == program)
			break;
		usleep(5000);
	}
	pw_source_stop(source);
	return is("dies") ? 9 : 0;
}
