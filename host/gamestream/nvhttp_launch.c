/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "core/base/alloc.h"
#include "host/gamestream/apps.h"
#include "host/gamestream/launch.h"
#include "host/gamestream/launch_args.h"
#include "host/gamestream/nvhttp_internal.h"
#include "host/session/session.h"

static const char *arg_of(const void *source, const char *name)
{
	return http_arg(source, name);
}

static void put_url(struct xml *x, const struct nvhttp *n, const struct gs_launch *l)
{
	char host[UDP_ADDR_TEXT_LEN], url[UDP_ADDR_TEXT_LEN + 32];
	const union udp_addr *local = &l->request.local;
	bool v6 = local->sa.sa_family == AF_INET6;
	udp_addr_text(host, local);
	snprintf(url, sizeof(url), "%s://%s%s%s:%u", l->encrypted_rtsp ? "rtspenc" : "rtsp",
		v6 ? "[" : "", host, v6 ? "]" : "", gs_port(n->g, GS_PORT_RTSP));
	xml_text(x, "sessionUrl0", url);
}

static void answer(
	struct gs_launch *l, int err, const char *why, struct http_request *rq, const char *element)
{
	struct nvhttp *n = http_userdata(rq);
	struct xml x;
	if (err < 0) {
		nvhttp_refuse(rq, NV_FAILED, why);
		return;
	}
	l->encrypted_rtsp = l->request.corever >= 1 &&
		strcmp(n->g->config->gamestream_encryption, "off") != 0;
	xml_init(&x, NV_OK, NULL);
	put_url(&x, n, l);
	xml_number(&x, element, 1);
	nvhttp_send(rq, &x);
}

static void launched(struct gs_launch *l, int err, const char *why, void *userdata)
{
	answer(l, err, why, userdata, "gamesession");
}

static void resumed(struct gs_launch *l, int err, const char *why, void *userdata)
{
	answer(l, err, why, userdata, "resume");
}

static void gone(struct http_request *rq, void *userdata)
{
	struct nvhttp *n = userdata;
	launch_abandon(n->g->launches, rq);
}

/* Checks all that needs no display. False after an answer. */
static bool read_request(struct nvhttp *n, struct http_request *rq, struct launch_request *out)
{
	char why[160];
	if (launch_args_read(out, arg_of, rq, why, sizeof(why)) < 0) {
		nvhttp_refuse(rq, NV_BAD, why);
		return false;
	}
	if (!session_mode_allowed(n->g->host, &out->mode)) {
		nvhttp_refuse(rq, NV_BAD,
			"This resolution is larger than the host allows (--max-megapixels): choose "
			"a smaller one in Moonlight's settings.");
		return false;
	}
	if (!strcmp(n->g->config->gamestream_encryption, "required") && out->corever < 1) {
		nvhttp_refuse(rq, NV_FORBIDDEN,
			"The host demands encryption, which this Moonlight does not know: update "
			"it.");
		return false;
	}
	out->peer = *http_peer(rq);
	out->local = *http_local(rq);
	return true;
}

static struct app *find_app(struct nvhttp *n, struct http_request *rq, uint8_t grants)
{
	long long id;
	struct app *app = NULL;
	(void)apps_refresh(n->g->apps);
	if (launch_args_number(&id, http_arg(rq, "appid"), 1, INT32_MAX) >= 0)
		app = apps_find(n->g->apps, (uint32_t)id);
	if (!app) {
		nvhttp_refuse(rq, NV_NOT_FOUND,
			"The host has no such app any more: look at the list again.");
		return NULL;
	}
	if (app->command && !(grants & PF_GRANT_LAUNCH)) {
		nvhttp_refuse(rq, NV_FORBIDDEN,
			"This device may not start apps on the host: ask its owner.");
		return NULL;
	}
	return app;
}

static void start(struct nvhttp *n, struct http_request *rq, struct app *app)
{
	const struct trust_client *c = trust_find(n->g->trust, http_client_fp(rq));
	struct launch_request request;
	char why[256];
	int err;
	if (!c || !read_request(n, rq, &request))
		return;
	http_wait(rq, gone, n);
	if (app)
		err = launch_start(n->g->launches, c->fp, c->name, app, &request, launched, rq, why,
			sizeof(why));
	else
		err = launch_resume(n->g->launches, c->fp, &request, resumed, rq, why, sizeof(why));
	pf_wipe(&request, sizeof(request));
	if (err < 0)
		nvhttp_refuse(
			rq, err == PF_E_BUSY || err == PF_E_NO_FRAME ? NV_BAD : NV_FAILED, why);
	nvhttp_apply(n, "this device was unpaired"); /* and what it may do */
	nvhttp_rearm(n);
}

void nvhttp_launch(struct http_request *rq, void *userdata)
{
	struct nvhttp *n = userdata;
	const struct trust_client *c = nvhttp_client(n, rq);
	struct app *app = c ? find_app(n, rq, c->grants) : NULL;
	if (app)
		start(n, rq, app);
}

void nvhttp_resume(struct http_request *rq, void *userdata)
{
	struct nvhttp *n = userdata;
	if (nvhttp_client(n, rq))
		start(n, rq, NULL);
}

void nvhttp_cancel(struct http_request *rq, void *userdata)
{
	struct nvhttp *n = userdata;
	const struct trust_client *c = nvhttp_client(n, rq);
	struct gs_launch *l = c ? launch_of(n->g->launches, c->fp) : NULL;
	struct xml x;
	if (!c)
		return;
	if (l)
		launch_end(n->g->launches, l, "its device quit it");
	xml_init(&x, NV_OK, NULL);
	xml_number(&x, "cancel", 1);
	nvhttp_send(rq, &x);
}
