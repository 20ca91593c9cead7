/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/vdisplay/sway_place.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/vdisplay/sway_output.h"

/* Launchers in shells in launchers; a process deeper than this is nobody's. */
#define MAX_ANCESTORS 64
/* sway writes an event whole. The control loop waits no longer than this for one. */
#define EVENT_TIMEOUT_MS 200u

static void unsubscribe(struct sway_place *p)
{
	loop_remove(&p->on_event);
	sway_ipc_close(&p->events);
}

void sway_place_init(struct sway_place *p, struct loop *loop, const char *ipc_path)
{
	*p = (struct sway_place){.loop = loop, .ipc_path = ipc_path, .events.fd = -1};
}

void sway_place_finish(struct sway_place *p)
{
	unsubscribe(p);
	memset(p->claims, 0, sizeof(p->claims));
}

/*
 * /proc/PID/stat: "PID (NAME) STATE PARENT ..."; the name is the program's choice, brackets included.
 * 0: there is no such process.
 */
static int parent_of(int pid)
{
	char path[32], text[256];
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	const ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = 0;
	const char *end = strrchr(text, ')');
	if (!end || strlen(end) < 5)
		return 0;
	const long parent = strtol(end + 4, NULL, 10);
	return parent > 0 && parent <= INT_MAX ? (int)parent : 0;
}

/* The output that a process belongs to, or NULL. */
static const char *output_of(const struct sway_place *p, int pid)
{
	for (int depth = 0; depth < MAX_ANCESTORS && pid > 1; depth++) {
		for (size_t i = 0; i < SWAY_PLACE_CLAIMS; i++) {
			if (p->claims[i].pid == pid)
				return p->claims[i].name;
		}
		pid = parent_of(pid);
	}
	return NULL;
}

/* {"change": "new", "container": {"id": N, "pid": N, ...}} */
static void handle_window(const struct sway_place *p, const json_t *event)
{
	const char *change = json_string_value(json_object_get(event, "change"));
	const json_t *window = json_object_get(event, "container");
	const json_int_t id = json_integer_value(json_object_get(window, "id"));
	const json_int_t pid = json_integer_value(json_object_get(window, "pid"));
	if (!change || strcmp(change, "new") != 0 || id <= 0 || pid <= 1 || pid > INT_MAX)
		return;
	const char *name = output_of(p, (int)pid);
	struct sway_ipc ipc;
	if (!name)
		return;
	int err = sway_ipc_open(&ipc, p->ipc_path);
	if (err >= 0)
		err = sway_output_bring(&ipc, name, id);
	if (err < 0)
		log_warn("wlroots: a window stays where it opened, not on output %s: %s", name,
			ipc.error);
	sway_ipc_close(&ipc);
}

static void handle_event(uint32_t events, void *userdata)
{
	struct sway_place *p = userdata;
	json_t *event;
	(void)events;
	const int err = sway_ipc_event(&p->events, &event);
	if (err < 0) {
		/* A sway that went away is noticed, and told, by the one who found or started it. */
		log_debug("wlroots: %s", p->events.error);
		unsubscribe(p);
		return;
	}
	handle_window(p, event);
	json_decref(event);
}

static int subscribe(struct sway_place *p)
{
	json_t *reply = NULL;
	int err = sway_ipc_open(&p->events, p->ipc_path);
	if (err >= 0)
		err = sway_ipc_request(&p->events, SWAY_IPC_SUBSCRIBE, "[\"window\"]", &reply);
	if (err >= 0 && !json_is_true(json_object_get(reply, "success")))
		err = PF_E_UNSUPPORTED;
	json_decref(reply);
	p->events.timeout_ms = EVENT_TIMEOUT_MS;
	if (err >= 0)
		err = loop_add_fd(p->loop, &p->on_event, p->events.fd, EPOLLIN, handle_event, p);
	if (err < 0)
		sway_ipc_close(&p->events);
	return err;
}

int sway_place_claim(struct sway_place *p, const char *name, int pid)
{
	struct sway_claim *claim = NULL;
	if (!p->loop || pid <= 1 || sway_ipc_check_name(name) < 0)
		return PF_E_INVALID;
	for (size_t i = 0; i < SWAY_PLACE_CLAIMS; i++) {
		if (p->claims[i].pid == pid || (!p->claims[i].pid && !claim))
			claim = &p->claims[i];
		if (p->claims[i].pid == pid)
			break;
	}
	if (!claim)
		return PF_E_BUSY;
	const int err = p->on_event ? PF_OK : subscribe(p);
	if (err < 0)
		return err;
	claim->pid = pid;
	snprintf(claim->name, sizeof(claim->name), "%s", name);
	return PF_OK;
}

void sway_place_drop(struct sway_place *p, const char *name)
{
	bool any = false;
	for (size_t i = 0; i < SWAY_PLACE_CLAIMS; i++) {
		if (strcmp(p->claims[i].name, name) == 0)
			memset(&p->claims[i], 0, sizeof(p->claims[i]));
		any |= p->claims[i].pid != 0;
	}
	if (!any)
		unsubscribe(p);
}
