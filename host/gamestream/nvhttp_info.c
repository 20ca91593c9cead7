/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/wire/handshake.h"
#include "core/wire/text.h"
#include "host/announce.h"
#include "host/base/log.h"
#include "host/gamestream/apps.h"
#include "host/gamestream/identity.h"
#include "host/gamestream/launch.h"
#include "host/gamestream/launch_args.h"
#include "host/gamestream/nvhttp_internal.h"
#include "host/session/session.h"

/* What clients take for a host of today, without features that we have not. */
#define APP_VERSION "7.1.431.-1"
#define GFE_VERSION "3.23.0.74"
/* "HEVC works, also for 4K"; the number itself is only compared with 0. */
#define LUMA_PIXELS_HEVC "1869449984"

#define SCM_H264 0x00000001u
#define SCM_HEVC 0x00000100u
#define SCM_AV1	 0x00010000u

#define NO_MAC "00:00:00:00:00:00"

uint32_t nvhttp_codec_modes(uint8_t codecs)
{
	if (!(codecs & PF_CODEC_H264))
		log_warn("gamestream: without H.264 most Moonlight clients show nothing: install "
			 "libx264 and build with it, and let --codecs have it");
	return (codecs & PF_CODEC_H264 ? SCM_H264 : 0) | (codecs & PF_CODEC_HEVC ? SCM_HEVC : 0) |
		(codecs & PF_CODEC_AV1 ? SCM_AV1 : 0);
}

/* The card by which the request came, so that the client can wake this machine by it. */
static void find_mac(char out[static 18], const union udp_addr *local)
{
	struct ifaddrs *all = NULL;
	char name[IF_NAMESIZE] = "";
	snprintf(out, 18, NO_MAC);
	if (getifaddrs(&all) < 0)
		return;
	for (const struct ifaddrs *i = all; i && !name[0]; i = i->ifa_next)
		if (i->ifa_addr &&
			(i->ifa_addr->sa_family == AF_INET || i->ifa_addr->sa_family == AF_INET6) &&
			udp_addr_same_host(
				(const union udp_addr *)(const void *)i->ifa_addr, local))
			snprintf(name, sizeof(name), "%s", i->ifa_name);
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		if (!i->ifa_addr || i->ifa_addr->sa_family != AF_PACKET ||
			strcmp(i->ifa_name, name))
			continue;
		const struct sockaddr_ll *ll = (const struct sockaddr_ll *)(const void *)
						       i->ifa_addr;
		if (ll->sll_halen == 6)
			snprintf(out, 18, "%02x:%02x:%02x:%02x:%02x:%02x", ll->sll_addr[0],
				ll->sll_addr[1], ll->sll_addr[2], ll->sll_addr[3], ll->sll_addr[4],
				ll->sll_addr[5]);
	}
	freeifaddrs(all);
}

static void put_modes(struct xml *x, const struct host *host)
{
	static const struct pf_mode modes[] = {{1280, 720, 60}, {1920, 1080, 60}, {1920, 1080, 120},
		{2560, 1440, 60}, {2560, 1440, 120}, {3840, 2160, 60}};
	xml_open(x, "SupportedDisplayMode");
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (!session_mode_allowed(host, &modes[i]))
			continue;
		xml_open(x, "DisplayMode");
		xml_number(x, "Width", modes[i].width);
		xml_number(x, "Height", modes[i].height);
		xml_number(x, "RefreshRate", modes[i].refresh_hz);
		xml_close(x, "DisplayMode");
	}
	xml_close(x, "SupportedDisplayMode");
}

static void put_addresses(struct xml *x, struct nvhttp *n, struct http_request *rq, bool known)
{
	char text[UDP_ADDR_TEXT_LEN], mac[18] = NO_MAC;
	const union udp_addr *local = http_local(rq);
	if (known)
		find_mac(mac, local);
	xml_text(x, "mac", mac);
	if (local->sa.sa_family == AF_INET)
		udp_addr_text(text, local);
	xml_text(x, "LocalIP", local->sa.sa_family == AF_INET ? text : "127.0.0.1");
	xml_number(x, "HttpsPort", gs_port(n->g, GS_PORT_HTTPS));
	xml_number(x, "ExternalPort", gs_port(n->g, GS_PORT_HTTP));
}

void nvhttp_serverinfo(struct http_request *rq, void *userdata)
{
	struct nvhttp *n = userdata;
	const struct trust_client *client = NULL;
	const struct gs_launch *l = NULL;
	char given[256], name[256];
	struct xml x;
	if (http_is_tls(rq)) {
		client = nvhttp_client(n, rq);
		if (!client)
			return;
		/* What others run is nothing that this one could quit or resume. */
		l = launch_of(n->g->launches, client->fp);
	}
	announce_host_name(given, sizeof(given), n->g->config);
	pf_text_clean(name, sizeof(name), given, strlen(given));
	xml_init(&x, NV_OK, NULL);
	xml_text(&x, "hostname", name);
	xml_text(&x, "appversion", APP_VERSION);
	xml_text(&x, "GfeVersion", GFE_VERSION);
	xml_text(&x, "uniqueid", n->g->identity->uuid);
	put_addresses(&x, n, rq, client);
	xml_text(&x, "MaxLumaPixelsHEVC", n->codec_modes & SCM_HEVC ? LUMA_PIXELS_HEVC : "0");
	xml_number(&x, "ServerCodecModeSupport", n->codec_modes);
	put_modes(&x, n->g->host);
	xml_number(&x, "PairStatus", client != NULL);
	xml_number(&x, "currentgame", l ? l->app->id : 0);
	xml_text(&x, "state", l ? "PUNKTFUNK_SERVER_BUSY" : "PUNKTFUNK_SERVER_FREE");
	nvhttp_send(rq, &x);
}

void nvhttp_applist(struct http_request *rq, void *userdata)
{
	struct nvhttp *n = userdata;
	struct xml x;
	if (!nvhttp_client(n, rq))
		return;
	(void)apps_refresh(n->g->apps);
	xml_init(&x, NV_OK, NULL);
	for (size_t i = 0; i < apps_count(n->g->apps); i++) {
		const struct app *app = apps_at(n->g->apps, i);
		xml_open(&x, "App");
		xml_number(&x, "IsHdrSupported", 0);
		xml_text(&x, "AppTitle", app->title);
		xml_number(&x, "ID", app->id);
		xml_close(&x, "App");
	}
	nvhttp_send(rq, &x);
}

void nvhttp_appasset(struct http_request *rq, void *userdata)
{
	struct nvhttp *n = userdata;
	struct app *app = NULL;
	uint8_t *picture = NULL;
	size_t len = 0;
	long long id;
	if (!nvhttp_client(n, rq))
		return;
	(void)apps_refresh(n->g->apps);
	/* A number of our own list, never a path. */
	if (launch_args_number(&id, http_arg(rq, "appid"), 1, INT32_MAX) >= 0)
		app = apps_find(n->g->apps, (uint32_t)id);
	if (!app || apps_read_art(n->g->apps, app, &picture, &len) < 0) {
		nvhttp_refuse(rq, NV_NOT_FOUND, "There is no such app.");
		return;
	}
	http_reply(rq, NV_OK, "image/png", picture, len);
	free(picture);
}
