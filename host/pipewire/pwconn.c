/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/pipewire/pwconn.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Its macros are full of extensions. */
#pragma GCC diagnostic ignored "-Wpedantic"
#include <pipewire/impl.h>
#include <pipewire/pipewire.h>

#include "host/base/local.h"

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

int pwconn_connect(struct pwconn *c, const char *remote)
{
	if (remote && remote[0] == '/') {
		const int fd = local_connect(remote);
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
