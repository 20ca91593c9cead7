/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/host.h"

#include <stdlib.h>
#include <string.h>

#include "host/base/log.h"
#include "host/config/config.h"
#include "host/session/kept.h"
#include "host/session/session.h"
#include "host/vdisplay/vdisplay.h"

static void on_desktop_lost(const char *why, void *userdata)
{
	struct host *h = userdata;
	log_error("desktop: %s; sessions on it end, the next one starts afresh", why);
	kept_forget_all(h->kept);
	session_desktop_lost(h, why);
}

int host_create(struct host **out, struct loop *loop, const struct config *config)
{
	struct host *h = calloc(1, sizeof(*h));
	if (!h)
		return PF_E_NOMEM;
	bool synthetic = !strcmp(config->source, "synthetic");
	h->loop = loop;
	h->config = config;
	h->next_session_id = 1;
	h->capture_name = synthetic ? "synthetic" : "wlr";
	h->inject_name = synthetic ? "record" : "wlr";
	struct vdisplay_params params = {
		.loop = loop,
		.own_session = config->own_session,
		.app = config->app,
		.user = config->session_user,
		.on_lost = on_desktop_lost,
		.userdata = h,
	};
	const char *why = NULL;
	int err = vdisplay_create(&h->vdisplay, synthetic ? "none" : "auto", &params, &why);
	if (err < 0) {
		log_error("desktop: %s", why ? why : pf_strerror(err));
		host_destroy(h);
		return err;
	}
	err = kept_create(&h->kept, h);
	if (err < 0) {
		log_error("desktop: the host is out of memory");
		host_destroy(h);
		return err;
	}
	log_info("desktop: %s", h->vdisplay->impl->name);
	*out = h;
	return PF_OK;
}

void host_destroy(struct host *h)
{
	if (!h)
		return;
	pf_check(!h->sessions);
	kept_destroy(h->kept);
	vdisplay_destroy(h->vdisplay);
	free(h);
}
