/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/pipewire/pwconn.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Its macros are full of extensions. */
#pragma GCC diagnostic ignored "-Wpedantic"
#include <pipewire/impl.h>
#include <pipewire/pipewire.h>

/* The library asks for the user's name with getpwuid(), which has one answer for all threads. */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static void init_library(void)
{
	pw_init(NULL, NULL);
	/* What is to be said of it, we say. */
	if (!getenv("PIPEWIRE_DEBUG"))
		pw_log_set_level(SPA_LOG_LEVEL_NONE);
}

static struct pw_context *make_context(struct pw_loop *loop, bool bare)
{
	static const char *const modules[] = {
		"libpipewire-module-protocol-native", "libpipewire-module-client-node"};
	struct pw_properties *props = bare ? pw_properties_new(PW_KEY_CONFIG_NAME, "null", NULL)
					   : NULL;
	pthread_mutex_lock(&one_at_a_time);
	struct pw_context *context = pw_context_new(loop, props, 0);
	for (size_t i = 0; bare && context && i < sizeof(modules) / sizeof(modules[0]); i++)
		if (!pw_context_load_module(context, modules[i], NULL, NULL)) {
			pw_context_destroy(context);
			context = NULL;
		}
	/* From 1.6 on streams of video are made by this one too; where it is missing, they were not yet. */
	if (bare && context)
		(void)pw_context_load_module(context, "libpipewire-module-adapter", NULL, NULL);
	pthread_mutex_unlock(&one_at_a_time);
	return context;
}

int pwconn_open(struct pwconn *c, bool bare)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, init_library);
	c->loop = pw_loop_new(NULL);
	if (!c->loop)
		return PF_E_UNSUPPORTED;
	pw_loop_enter(c->loop);
	c->context = make_context(c->loop, bare);
	return c->context ? PF_OK : PF_E_UNSUPPORTED;
}

void pwconn_close(struct pwconn *c)
{
	pwconn_disconnect(c);
	if (c->loop)
		pw_loop_leave(c->loop);
	if (c->context)
		pw_context_destroy(c->context);
	if (c->loop)
		pw_loop_destroy(c->loop);
	memset(c, 0, sizeof(*c));
}

/*
 * Root gets in everywhere: a link in the folder of the session's user, who need not be trusted, may lead to the daemon
 * of somebody else, and a number that this user chose to the camera there.
 */
static int connect_to_owner(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	char dir[sizeof(to.sun_path)];
	struct stat st;
	struct ucred peer;
	socklen_t len = sizeof(peer);
	if (snprintf(to.sun_path, sizeof(to.sun_path), "%s", path) >= (int)sizeof(to.sun_path))
		return PF_E_INVALID;
	memcpy(dir, to.sun_path, sizeof(dir));
	*strrchr(dir, '/') = 0;
	if (stat(*dir ? dir : "/", &st) < 0)
		return PF_E_IO;
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return pf_error_from_errno(errno);
	int err = PF_OK;
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 ||
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		err = PF_E_IO;
	else if (peer.uid != st.st_uid)
		err = PF_E_DENIED;
	if (err >= 0)
		return fd;
	close(fd);
	return err;
}

int pwconn_connect(struct pwconn *c, const char *remote)
{
	if (geteuid() == 0 && remote && remote[0] == '/') {
		const int fd = connect_to_owner(remote);
		return fd < 0 ? fd : pwconn_connect_fd(c, fd);
	}
	struct pw_properties *props = pw_properties_new(PW_KEY_APP_NAME, "punktfunk",
		PW_KEY_REMOTE_NAME, remote && remote[0] ? remote : NULL, NULL);
	pthread_mutex_lock(&one_at_a_time);
	c->core = pw_context_connect(c->context, props, 0);
	pthread_mutex_unlock(&one_at_a_time);
	return c->core ? PF_OK : PF_E_IO;
}

int pwconn_connect_fd(struct pwconn *c, int fd)
{
	struct pw_properties *props = pw_properties_new(PW_KEY_APP_NAME, "punktfunk", NULL);
	pthread_mutex_lock(&one_at_a_time);
	c->core = pw_context_connect_fd(c->context, fd, props, 0);
	pthread_mutex_unlock(&one_at_a_time);
	return c->core ? PF_OK : PF_E_IO;
}

void pwconn_disconnect(struct pwconn *c)
{
	if (c->core)
		pw_core_disconnect(c->core);
	c->core = NULL;
}
