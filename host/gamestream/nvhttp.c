/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/nvhttp.h"

#include <stdlib.h>
#include <string.h>

#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/ctl/ctl.h"
#include "host/gamestream/identity.h"
#include "host/gamestream/launch.h"
#include "host/gamestream/nvhttp_internal.h"
#include "host/media/clock.h"
#include "net/tcp.h"

#define LOOK_NS \
	2000000000ull /* how late a change of the list by another program is seen while apps run */
#define BEGIN_BURST 10u /* a person tries again by hand */
#define BEGIN_PER_S 1u
#define XML_TYPE    "application/xml; charset=utf-8"
#define NOT_PAIRED  "This device is not paired with this host: pair it first."

void nvhttp_send(struct http_request *rq, struct xml *x)
{
	xml_end(x);
	if (x->failed)
		http_reply(rq, NV_OK, XML_TYPE, "", 0);
	else
		http_reply(rq, NV_OK, XML_TYPE, x->text, x->len);
	xml_finish(x);
}

void nvhttp_refuse(struct http_request *rq, int status, const char *message)
{
	struct xml x;
	xml_init(&x, status, message);
	nvhttp_send(rq, &x);
}

static bool is_over(const struct trust_client *c)
{
	return c->expires_s && c->expires_s <= (int64_t)(clock_realtime_ns() / 1000000000);
}

const struct trust_client *nvhttp_client(struct nvhttp *n, struct http_request *rq)
{
	const uint8_t *fp = http_client_fp(rq);
	if (trust_refresh(n->g->trust))
		nvhttp_apply(n, "this device was unpaired");
	/* The exact certificate; what it says of itself and who signed it is nothing to us. */
	const struct trust_client *c = fp && http_is_tls(rq) ? trust_find(n->g->trust, fp) : NULL;
	if (c && !is_over(c))
		return c;
	nvhttp_refuse(rq, NV_UNAUTHORIZED,
		c ? "The access of this device has ended: ask the host's owner." : NOT_PAIRED);
	return NULL;
}

void nvhttp_apply(struct nvhttp *n, const char *why)
{
	struct gs_launch *l = launch_next(n->g->launches, NULL);
	while (l) {
		struct gs_launch *next = l->next;
		const struct trust_client *c = trust_find(n->g->trust, l->fp);
		if (!c || is_over(c))
			launch_end(
				n->g->launches, l, c ? "the access of this device has ended" : why);
		else
			l->grants = c->grants;
		l = next;
	}
}

void nvhttp_rearm(struct nvhttp *n)
{
	uint64_t due_ns = pairing_deadline(n->pairing);
	if (launch_next(n->g->launches, NULL)) {
		uint64_t look_ns = clock_now_ns() + LOOK_NS;
		due_ns = look_ns < due_ns ? look_ns : due_ns;
	}
	loop_set_deadline(n->timer, due_ns);
}

static void on_time(void *userdata)
{
	struct nvhttp *n = userdata;
	nvhttp_reap(n);
	(void)trust_refresh(n->g->trust);
	nvhttp_apply(n, "this device was unpaired");
	nvhttp_rearm(n);
}

static void not_found(struct http_request *rq, void *userdata)
{
	struct nvhttp *n = userdata;
	if (!http_is_tls(rq) || nvhttp_client(n, rq))
		nvhttp_refuse(rq, NV_NOT_FOUND, "There is nothing of this name here.");
}

static int open_server(struct nvhttp *n, struct http **out, int place)
{
	static const struct http_route plain[] = {
		{"/serverinfo", nvhttp_serverinfo},
		{"/pair", nvhttp_pair},
		{"/unpair", nvhttp_unpair},
	};
	static const struct http_route tls[] = {
		{"/serverinfo", nvhttp_serverinfo},
		{"/pair", nvhttp_pair_tls},
		{"/unpair", nvhttp_unpair},
		{"/applist", nvhttp_applist},
		{"/appasset", nvhttp_appasset},
		{"/launch", nvhttp_launch},
		{"/resume", nvhttp_resume},
		{"/cancel", nvhttp_cancel},
	};
	bool is_tls = place == GS_PORT_HTTPS;
	uint16_t port = gs_port(n->g, place);
	struct http_params params = {
		.loop = n->g->loop,
		.cert_pem = is_tls ? n->g->identity->pem.cert : NULL,
		.key_pem = is_tls ? n->g->identity->pem.key : NULL,
		.routes = is_tls ? tls : plain,
		.n_routes = is_tls ? sizeof(tls) / sizeof(tls[0])
				   : sizeof(plain) / sizeof(plain[0]),
		.other = not_found,
		.userdata = n,
	};
	params.fd = tcp_listen(n->g->bind, port);
	int err = params.fd < 0 ? params.fd : http_create(out, &params);
	if (err == PF_E_BUSY)
		log_error(
			"gamestream: TCP port %u is taken, perhaps by another streaming host: stop "
			"that one, or give --gamestream-port",
			port);
	else if (err < 0)
		log_error("gamestream: cannot serve on TCP port %u of %s: %s", port,
			n->g->config->bind, pf_strerror(err));
	return err;
}

int nvhttp_create(struct nvhttp **out, struct gamestream *g)
{
	struct nvhttp *n = calloc(1, sizeof(*n));
	int err = PF_E_NOMEM;
	if (!n)
		goto fail;
	n->g = g;
	http_limit_init(&n->begins, BEGIN_BURST, BEGIN_PER_S);
	n->codec_modes = nvhttp_codec_modes(g->host->offer.codecs);
	err = pairing_create(&n->pairing, g->identity);
	if (err >= 0)
		err = loop_add_timer(g->loop, &n->timer, on_time, n);
	if (err >= 0)
		err = nvhttp_register(n);
	if (err < 0)
		goto fail;
	err = open_server(n, &n->http, GS_PORT_HTTP);
	if (err >= 0)
		err = open_server(n, &n->https, GS_PORT_HTTPS);
	if (err < 0) {
		nvhttp_destroy(n);
		return err;
	}
	log_info("gamestream: Moonlight clients find it at %s, TCP port %u", g->config->bind,
		gs_port(g, GS_PORT_HTTP));
	*out = n;
	return PF_OK;
fail:
	log_error("gamestream: %s", pf_strerror(err));
	nvhttp_destroy(n);
	return err;
}

void nvhttp_destroy(struct nvhttp *n)
{
	if (!n)
		return;
	http_destroy(n->http);
	http_destroy(n->https);
	if (n->g->host->ctl)
		ctl_unregister(n->g->host->ctl, n);
	loop_remove(&n->timer);
	pairing_destroy(n->pairing);
	free(n);
}
