/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/gamestream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/log.h"
#include "host/gamestream/internal.h"
#include "host/gamestream/launch.h"

/* Until there is stream.c. */
static int no_prepare(struct gs_launch *l, char *why, size_t why_len, void *userdata)
{
	(void)l, (void)userdata;
	snprintf(why, why_len, "This build cannot stream to Moonlight yet.");
	return PF_E_UNSUPPORTED;
}

static void no_teardown(struct gs_launch *l, const char *why, void *userdata)
{
	(void)l, (void)why, (void)userdata;
}

int gamestream_create(struct gamestream **out, struct host *host)
{
	static const struct launch_hooks hooks = {.prepare = no_prepare, .teardown = no_teardown};
	const char *bind = host->config->bind;
	*out = NULL;
	if (!host->config->gamestream)
		return PF_OK;
	struct gamestream *g = calloc(1, sizeof(*g));
	int err = PF_E_NOMEM;
	if (!g)
		goto fail;
	g->host = host;
	g->loop = host->loop;
	g->config = host->config;
	g->bind = strcmp(bind, "0.0.0.0") && strcmp(bind, "::") ? bind : NULL;
	err = launches_create(&g->launches, g->loop, &hooks, g->config->max_concurrent);
	if (err < 0)
		goto fail;
	*out = g;
	return PF_OK;
fail:
	log_error("gamestream: %s", pf_strerror(err));
	gamestream_destroy(g);
	return err;
}

void gamestream_destroy(struct gamestream *g)
{
	if (!g)
		return;
	launches_destroy(g->launches);
	free(g);
}
