/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/wire/text.h"
#include "host/base/loop.h"
#include "host/ctl/wire.h"
#include "host/media/clock.h"
#include "net/folder.h"

#define MAX_PEERS	8u /* of one user, each for the time of one packet */
#define PEER_NS		2000000000ull
#define LOCK_WAIT_MS	1000u
#define WHY_LEN		512u
#define CONNECT_BACKLOG 8

struct command {
	const char *name; /* NULL = free */
	ctl_handler fn;
	void *userdata;
};

struct peer {
	struct ctl *ctl;
	int fd; /* -1 = free */
	struct loop_source *readable, *timer;
};

struct ctl {
	struct loop *loop;
	char *path;
	int fd;
	ino_t ino; /* of our socket: another host's under that name is not ours to remove */
	struct loop_source *acceptable;
	struct command commands[CTL_MAX_COMMANDS];
	struct peer peers[MAX_PEERS];
	char request[CTL_REQUEST_MAX + 1];
};

static int fail(char *why, size_t why_len, int err, const char *what, const char *path)
{
	snprintf(why, why_len, "%s: %s", path, what);
	return err;
}

/* --- commands --- */

static struct command *find(struct ctl *c, const char *name)
{
	for (size_t i = 0; i < CTL_MAX_COMMANDS; i++)
		if (c->commands[i].name && !strcmp(c->commands[i].name, name))
			return &c->commands[i];
	return NULL;
}

int ctl_register(struct ctl *c, const char *name, ctl_handler fn, void *userdata)
{
	if (find(c, name))
		return PF_E_INVALID;
	for (size_t i = 0; i < CTL_MAX_COMMANDS; i++)
		if (!c->commands[i].name) {
			c->commands[i] = (struct command){name, fn, userdata};
			return PF_OK;
		}
	return PF_E_FULL;
}

void ctl_unregister(struct ctl *c, const void *userdata)
{
	for (size_t i = 0; i < CTL_MAX_COMMANDS; i++)
		if (c->commands[i].name && c->commands[i].userdata == userdata)
			c->commands[i] = (struct command){0};
}

int ctl_call(struct ctl *c, const char *name, const json_t *args, json_t **result, char *why,
	size_t why_len)
{
	const struct command *command = find(c, name);
	*result = NULL;
	if (!command) {
		snprintf(why, why_len, "%s",
			strncmp(name, "gamestream.", strlen("gamestream."))
				? "This host has no command of that name; is it older than the "
				  "program that asks?"
				: "This host does not serve Moonlight; start it with: "
				  "punktfunk-host serve --gamestream");
		return PF_E_UNSUPPORTED;
	}
	if (why_len)
		why[0] = '\0';
	json_t *none = args ? NULL : json_object();
	int err = command->fn(args ? args : none, result, why, why_len, command->userdata);
	json_decref(none);
	return err;
}

/* --- peers --- */

static void hang_up(struct peer *p)
{
	loop_remove(&p->readable);
	loop_remove(&p->timer);
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

/* A sentence that was cut, or that quotes a path, may be no UTF-8, which JSON has to be. */
static json_t *say_no(const char *why)
{
	char clean[WHY_LEN];
	pf_text_clean(clean, sizeof(clean), why, strlen(why));
	return json_pack("{s:b, s:s}", "ok", 0, "error", clean);
}

static json_t *answer(struct ctl *c, const json_t *request)
{
	char why[WHY_LEN] = "";
	json_t *result = NULL;
	const char *name = json_string_value(json_object_get(request, "command"));
	const json_t *args = json_object_get(request, "args");
	if (!name || (args && !json_is_object(args)))
		return say_no("A request is {\"command\": \"noun.verb\", \"args\": {…}}.");
	int err = ctl_call(c, name, args, &result, why, sizeof(why));
	if (err < 0)
		return say_no(why[0] ? why : pf_strerror(err));
	return result ? json_pack("{s:b, s:o}", "ok", 1, "result", result)
		      : json_pack("{s:b}", "ok", 1);
}

static void serve(struct peer *p)
{
	struct ctl *c = p->ctl;
	ssize_t n = recv(p->fd, c->request, CTL_REQUEST_MAX, MSG_TRUNC);
	if (n <= 0)
		return;
	json_t *request = n > (ssize_t)CTL_REQUEST_MAX
		? NULL
		: json_loadb(c->request, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
	json_t *reply = answer(c, request);
	char *text = json_dumps(reply, JSON_COMPACT);
	/* A fresh socket has room for it; if not, the peer sees that we hung up. */
	if (text && strlen(text) <= CTL_REPLY_MAX)
		(void)!send(p->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
	json_decref(reply);
	json_decref(request);
}

static void on_peer(uint32_t events, void *userdata)
{
	struct peer *p = userdata;
	if (events & EPOLLIN)
		serve(p);
	hang_up(p);
}

static void on_peer_time(void *userdata)
{
	hang_up(userdata);
}

static bool may_ask(int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
		(who.uid == geteuid() || who.uid == 0);
}

static void on_acceptable(uint32_t events, void *userdata)
{
	struct ctl *c = userdata;
	struct peer *p = NULL;
	(void)events;
	int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	for (size_t i = 0; i < MAX_PEERS; i++)
		if (c->peers[i].fd < 0)
			p = &c->peers[i];
	if (!p || !may_ask(fd)) {
		close(fd);
		return;
	}
	p->fd = fd;
	if (loop_add_fd(c->loop, &p->readable, fd, EPOLLIN, on_peer, p) < 0 ||
		loop_add_timer(c->loop, &p->timer, on_peer_time, p) < 0) {
		hang_up(p);
		return;
	}
	loop_set_deadline(p->timer, clock_now_ns() + PEER_NS);
}

/* --- the socket --- */

/* 1 = a host answers there, 0 = nobody does. */
static int is_alive(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* EAGAIN: its queue is full, so it lives. */
	int alive = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
		errno == EAGAIN;
	close(fd);
	return alive;
}

/* Under the folder's lock, so that two hosts that start at once do not both find it dead. */
static int bind_socket(struct ctl *c, const struct sockaddr_un *address, char *why, size_t why_len)
{
	struct stat st;
	if (lstat(c->path, &st) == 0) {
		if (!S_ISSOCK(st.st_mode))
			return fail(why, why_len, PF_E_INVALID,
				"is there and is no socket; move it away, or name another path "
				"with --ctl",
				c->path);
		if (is_alive(address))
			return fail(why, why_len, PF_E_BUSY,
				"another host answers there; to control this one too, give each a "
				"--ctl PATH "
				"of its own",
				c->path);
		(void)unlink(c->path);
	}
	/* Nobody may connect before the mode is set; there is no fchmod for a socket's name. */
	mode_t old = umask(0177);
	int n = bind(c->fd, (const struct sockaddr *)address, sizeof(*address));
	int saved = errno;
	umask(old);
	if (n < 0 || lstat(c->path, &st) < 0 || listen(c->fd, CONNECT_BACKLOG) < 0)
		return fail(why, why_len, PF_E_IO, strerror(n < 0 ? saved : errno), c->path);
	c->ino = st.st_ino;
	return PF_OK;
}

static int open_socket(struct ctl *c, char *why, size_t why_len)
{
	struct sockaddr_un address;
	struct folder f;
	char dir[sizeof(address.sun_path)];
	if (ctl_address(&address, c->path) < 0 || c->path[0] != '/')
		return fail(why, why_len, PF_E_INVALID,
			"is no path for a socket: it begins with / and has at most 107 bytes",
			c->path);
	snprintf(dir, sizeof(dir), "%s", c->path);
	char *slash = strrchr(dir, '/');
	*(slash == dir ? slash + 1 : slash) = '\0';
	int err = folder_enter(&f, dir, LOCK_WAIT_MS, why, why_len);
	if (err >= 0) {
		c->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		err = c->fd < 0 ? fail(why, why_len, PF_E_IO, strerror(errno), c->path)
				: bind_socket(c, &address, why, why_len);
	}
	folder_leave(&f);
	return err;
}

int ctl_create(struct ctl **out, struct loop *loop, const char *path, char *why, size_t why_len)
{
	int err = PF_E_NOMEM;
	struct ctl *c = calloc(1, sizeof(*c));
	snprintf(why, why_len, "the host is out of memory");
	if (!c)
		return err;
	c->loop = loop;
	c->fd = -1;
	for (size_t i = 0; i < MAX_PEERS; i++)
		c->peers[i] = (struct peer){.ctl = c, .fd = -1};
	c->path = strdup(path);
	if (!c->path)
		goto fail;
	err = open_socket(c, why, why_len);
	if (err < 0)
		goto fail;
	err = loop_add_fd(loop, &c->acceptable, c->fd, EPOLLIN, on_acceptable, c);
	if (err < 0)
		goto fail;
	*out = c;
	return PF_OK;
fail:
	ctl_destroy(c);
	return err;
}

void ctl_destroy(struct ctl *c)
{
	struct stat st;
	if (!c)
		return;
	for (size_t i = 0; i < MAX_PEERS; i++)
		hang_up(&c->peers[i]);
	loop_remove(&c->acceptable);
	if (c->fd >= 0)
		close(c->fd);
	if (c->ino && lstat(c->path, &st) == 0 && st.st_ino == c->ino)
		(void)unlink(c->path);
	free(c->path);
	free(c);
}
