/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/gamestream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/wire/handshake.h"
#include "host/announce.h"
#include "host/base/log.h"
#include "host/gamestream/apps.h"
#include "host/gamestream/identity.h"
#include "host/gamestream/internal.h"
#include "host/gamestream/launch.h"
#include "host/gamestream/nvhttp.h"
#include "host/gamestream/rtsp.h"
#include "host/gamestream/stream.h"
#include "host/trust/trust.h"

/* What is on disk. On failure one sentence went to the log. */
static int load(struct gamestream *g)
{
	char why[512] = "";
	const char *dir = g->host->config_dir;
	int err = gs_identity_load_or_create(&g->identity, dir, why, sizeof(why));
	if (err >= 0)
		err = trust_create(&g->trust, dir, TRUST_GAMESTREAM_FILE, why, sizeof(why));
	if (err < 0) {
		log_error("gamestream: %s", why);
		return err;
	}
	if (trust_problem(g->trust))
		log_error("gamestream: no Moonlight device gets in: %s", trust_problem(g->trust));
	err = apps_create(&g->apps, dir);
	if (err < 0)
		log_error("gamestream: %s", pf_strerror(err));
	return err;
}

static int listen_rtsp(struct gamestream *g)
{
	const uint8_t codecs = g->host->offer.codecs;
	const struct stream_hooks hooks = gs_streams_rtsp_hooks(g->streams);
	const struct gs_rtsp_params params = {
		.loop = g->loop,
		.launches = g->launches,
		.bind = g->bind,
		.port = gs_port(g, GS_PORT_RTSP),
		.encryption = gs_encryption_of(g->config->gamestream_encryption),
		.can = {.hevc = codecs & PF_CODEC_HEVC,
			.av1 = codecs & PF_CODEC_AV1,
			.invalidation =
				true, /* what an encoder cannot answer so, a keyframe does */
			.max_channels = 8,
			.features = PF_NV_HOST_PEN_TOUCH | PF_NV_HOST_PAD_SENSORS},
		.hooks = &hooks,
	};
	return gs_rtsp_create(&g->rtsp, &params);
}

int gamestream_create(struct gamestream **out, struct host *host)
{
	const char *bind = host->config->bind;
	*out = NULL;
	if (!host->config->gamestream)
		return PF_OK;
	struct gamestream *g = calloc(1, sizeof(*g));
	if (!g) {
		log_error("gamestream: %s", pf_strerror(PF_E_NOMEM));
		return PF_E_NOMEM;
	}
	g->host = host;
	g->loop = host->loop;
	g->config = host->config;
	g->bind = strcmp(bind, "0.0.0.0") && strcmp(bind, "::") ? bind : NULL;
	int err = load(g);
	if (err >= 0)
		err = gs_streams_create(&g->streams, g);
	if (err >= 0) {
		const struct launch_hooks hooks = gs_streams_launch_hooks(g->streams);
		err = launches_create(&g->launches, g->loop, &hooks, g->config->max_concurrent,
			g->config->session_user);
	}
	if (err >= 0)
		err = nvhttp_create(&g->nvhttp, g);
	if (err >= 0)
		err = listen_rtsp(g);
	if (err >= 0)
		err = announce_create_gamestream(&g->announce, g->config, gs_port(g, GS_PORT_HTTP));
	if (err < 0) {
		gamestream_destroy(g);
		return err;
	}
	*out = g;
	return PF_OK;
}

void gamestream_destroy(struct gamestream *g)
{
	if (!g)
		return;
	nvhttp_destroy(g->nvhttp);
	gs_rtsp_destroy(g->rtsp);
	launches_destroy(g->launches);
	gs_streams_destroy(g->streams);
	apps_destroy(g->apps);
	trust_destroy(g->trust);
	gs_identity_destroy(g->identity);
	announce_destroy(g->announce); /* may wait for a daemon that hangs */
	free(g);
}
