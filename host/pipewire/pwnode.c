/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/pipewire/pwnode.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Its macros are full of extensions. */
#pragma GCC diagnostic ignored "-Wpedantic"
#include <pipewire/pipewire.h>

#include "host/base/thread.h"
#include "host/pipewire/pwconn.h"

/* Of a desktop there are some dozens; those that come when the table is full are not looked at. */
#define MAX_CLIENTS 512u
/* A program that a launcher's wrappers start lies some levels deep. */
#define MAX_LEVELS 32
#define MAX_NAME   64u

struct client {
	uint32_t id; /* 0 = free: the core has that */
	int pid;
};

struct pwnode {
	char remote[108], name[MAX_NAME];
	int ancestor;
	struct thread thread;
	int quit_fd;
	_Atomic int error;	  /* enum pf_error, 0 = none */
	_Atomic uint32_t node_id; /* 0 = none */

	/* the thread's own */
	struct pwconn conn;
	struct pw_registry *registry;
	struct spa_hook core_listener, registry_listener;
	struct client clients[MAX_CLIENTS];
	uint32_t waiting_id, waiting_client; /* a node whose client is not known yet */
	bool quit, lost;
};

/* Field 4 of /proc/PID/stat; the second is a name in parentheses that may hold anything. 0 = none. */
static int parent_of(int pid)
{
	char path[32], text[512];
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	FILE *f = fopen(path, "re");
	if (!f)
		return 0;
	const size_t n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = 0;
	const char *end = strrchr(text, ')');
	int parent = 0;
	return end && sscanf(end + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

bool pwnode_descends(int pid, int ancestor)
{
	for (int i = 0; pid > 1 && ancestor > 1 && i < MAX_LEVELS; i++) {
		if (pid == ancestor)
			return true;
		pid = parent_of(pid);
	}
	return false;
}

static struct client *find_client(struct pwnode *n, uint32_t id)
{
	for (size_t i = 0; i < MAX_CLIENTS; i++) {
		if (n->clients[i].id == id)
			return &n->clients[i];
	}
	return NULL;
}

static bool number(const struct spa_dict *props, const char *key, uint32_t *out)
{
	const char *text = props ? spa_dict_lookup(props, key) : NULL;
	char *end;
	if (!text || *text < '0' || *text > '9')
		return false;
	errno = 0;
	const unsigned long v = strtoul(text, &end, 10);
	*out = (uint32_t)v;
	return !*end && !errno && v <= INT32_MAX;
}

static void take_node(struct pwnode *n, uint32_t id, const struct client *c)
{
	if (!atomic_load(&n->node_id) && pwnode_descends(c->pid, n->ancestor))
		atomic_store(&n->node_id, id);
}

static void on_client(struct pwnode *n, uint32_t id, const struct spa_dict *props)
{
	struct client *c = find_client(n, 0);
	uint32_t pid;
	/* The daemon asks the kernel for this one; what the client says of itself it may have made up. */
	if (!c || !number(props, PW_KEY_SEC_PID, &pid))
		return;
	*c = (struct client){id, (int)pid};
	if (n->waiting_id && n->waiting_client == id)
		take_node(n, n->waiting_id, c);
}

static void on_node(struct pwnode *n, uint32_t id, const struct spa_dict *props)
{
	const char *name = props ? spa_dict_lookup(props, PW_KEY_NODE_NAME) : NULL;
	uint32_t client;
	if (!name || strcmp(name, n->name) != 0 || !number(props, PW_KEY_CLIENT_ID, &client) ||
		!client)
		return;
	const struct client *c = find_client(n, client);
	if (c) {
		take_node(n, id, c);
	} else {
		n->waiting_id = id;
		n->waiting_client = client;
	}
}

static void on_global(void *userdata, uint32_t id, uint32_t permissions, const char *type,
	uint32_t version, const struct spa_dict *props)
{
	struct pwnode *n = userdata;
	(void)permissions;
	(void)version;
	if (!id)
		return;
	if (!strcmp(type, PW_TYPE_INTERFACE_Client))
		on_client(n, id, props);
	else if (!strcmp(type, PW_TYPE_INTERFACE_Node))
		on_node(n, id, props);
}

static void on_global_remove(void *userdata, uint32_t id)
{
	struct pwnode *n = userdata;
	struct client *c = id ? find_client(n, id) : NULL;
	if (c)
		c->id = 0;
	if (n->waiting_id == id)
		n->waiting_id = 0;
	if (atomic_load(&n->node_id) == id)
		atomic_store(&n->node_id, 0);
}

static void on_core_error(void *userdata, uint32_t id, int seq, int res, const char *message)
{
	struct pwnode *n = userdata;
	(void)seq;
	(void)message;
	if (id == PW_ID_CORE && res == -EPIPE)
		n->lost = true;
}

static const struct pw_core_events core_events = {
	PW_VERSION_CORE_EVENTS,
	.error = on_core_error,
};

static const struct pw_registry_events registry_events = {
	PW_VERSION_REGISTRY_EVENTS,
	.global = on_global,
	.global_remove = on_global_remove,
};

static void on_quit(void *userdata, int fd, uint32_t mask)
{
	struct pwnode *n = userdata;
	(void)fd;
	(void)mask;
	n->quit = true;
}

static int listen_to(struct pwnode *n)
{
	int err = pwconn_connect(&n->conn, n->remote);
	if (err < 0)
		return err;
	pw_core_add_listener(n->conn.core, &n->core_listener, &core_events, n);
	n->registry = pw_core_get_registry(n->conn.core, PW_VERSION_REGISTRY, 0);
	if (!n->registry)
		return PF_E_NOMEM;
	pw_registry_add_listener(n->registry, &n->registry_listener, &registry_events, n);
	return PF_OK;
}

static void stop_listening(struct pwnode *n)
{
	if (n->registry) {
		spa_hook_remove(&n->registry_listener);
		pw_proxy_destroy((struct pw_proxy *)n->registry);
	}
	if (n->conn.core)
		spa_hook_remove(&n->core_listener);
	n->registry = NULL;
	pwconn_disconnect(&n->conn);
}

static void run(void *userdata)
{
	struct pwnode *n = userdata;
	struct spa_source *quit = NULL;
	int err = pwconn_open(&n->conn, true);
	if (err >= 0) {
		quit = pw_loop_add_io(n->conn.loop, n->quit_fd, SPA_IO_IN, false, on_quit, n);
		err = quit ? listen_to(n) : PF_E_NOMEM;
	}
	while (err >= 0 && !n->quit && !n->lost) {
		if (pw_loop_iterate(n->conn.loop, -1) < 0 && errno != EINTR)
			n->lost = true;
	}
	if (err >= 0 && n->lost)
		err = PF_E_IO;
	if (err < 0)
		atomic_store(&n->error, err);
	atomic_store(&n->node_id, 0);
	stop_listening(n);
	if (quit)
		pw_loop_destroy_source(n->conn.loop, quit);
	pwconn_close(&n->conn);
}

void pwnode_destroy(struct pwnode *n)
{
	if (!n)
		return;
	if (n->thread.running) {
		pf_check(eventfd_write(n->quit_fd, 1) == 0);
		thread_join(&n->thread);
	}
	if (n->quit_fd >= 0)
		close(n->quit_fd);
	free(n);
}

int pwnode_create(struct pwnode **out, const struct pwnode_params *params)
{
	struct pwnode *n = calloc(1, sizeof(*n));
	*out = NULL;
	if (!n)
		return PF_E_NOMEM;
	snprintf(n->remote, sizeof(n->remote), "%s", params->remote ? params->remote : "");
	snprintf(n->name, sizeof(n->name), "%s", params->name);
	n->ancestor = params->ancestor;
	n->quit_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int err = n->quit_fd < 0 ? pf_error_from_errno(errno) : PF_OK;
	if (err >= 0)
		err = thread_start(&n->thread, "pf-pwnode", THREAD_NORMAL, run, n);
	if (err < 0) {
		pwnode_destroy(n);
		return err;
	}
	*out = n;
	return PF_OK;
}

int pwnode_get(struct pwnode *n, uint32_t *id)
{
	const int err = atomic_load(&n->error);
	*id = atomic_load(&n->node_id);
	return err < 0 ? err : *id != 0;
}
