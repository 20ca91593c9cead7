/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/announce.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/config/config.h"
#include "net/discovery.h"
#include "net/identity.h"

#define OS_RELEASE_MAX 8192u /* bytes; they have some hundred */

struct announce {
	struct pf_txt txt;
	struct discovery_publisher *publisher;
};

/* The value of KEY= at the start of a line, without its quotes; its first word only. */
static size_t os_value(const char *text, size_t len, const char *key, char *out, size_t cap)
{
	size_t key_len = strlen(key), n = 0;
	const char *end = text + len;
	for (const char *line = text; line < end;) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		stop = stop ? stop : end;
		if ((size_t)(stop - line) > key_len && !memcmp(line, key, key_len)) {
			const char *p = line + key_len;
			p += *p == '"' || *p == '\'';
			while (p < stop && n + 1 < cap && *p != '"' && *p != '\'' && *p != ' ')
				out[n++] = *p++;
			break;
		}
		line = stop + 1;
	}
	out[n] = '\0';
	return n;
}

void announce_read_os(struct pf_txt *txt, const char *os_release, size_t len)
{
	char family[PF_TXT_OS_TOKEN_MAX + 1], id[PF_TXT_OS_TOKEN_MAX + 1];
	char os[sizeof("linux//") + sizeof(family) + sizeof(id)];
	os_value(os_release, len, "ID_LIKE=", family, sizeof(family));
	os_value(os_release, len, "ID=", id, sizeof(id));
	snprintf(os, sizeof(os), "linux/%s/%s", family, id);
	pf_txt_set_os(txt, os, strlen(os));
}

static void find_os(struct pf_txt *txt)
{
	char text[OS_RELEASE_MAX];
	FILE *f = fopen("/etc/os-release", "re");
	size_t len = f ? fread(text, 1, sizeof(text), f) : 0;
	if (f)
		fclose(f);
	announce_read_os(txt, text, len);
}

static void add_mac(struct pf_txt *txt, const struct sockaddr_ll *ll)
{
	if (ll->sll_hatype != ARPHRD_ETHER || ll->sll_halen != PF_TXT_MAC_LEN)
		return;
	for (size_t i = 0; i < txt->n_macs; i++)
		if (!memcmp(txt->macs[i], ll->sll_addr, PF_TXT_MAC_LEN))
			return;
	if (txt->n_macs < PF_TXT_MACS_MAX)
		memcpy(txt->macs[txt->n_macs++], ll->sll_addr, PF_TXT_MAC_LEN);
}

static bool has_ipv4(const struct ifaddrs *all, const char *name)
{
	for (const struct ifaddrs *i = all; i; i = i->ifa_next)
		if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET && !strcmp(i->ifa_name, name))
			return true;
	return false;
}

/* The cards by which a client could wake this machine: those that are in use. */
static void find_macs(struct pf_txt *txt)
{
	struct ifaddrs *all = NULL;
	if (getifaddrs(&all) < 0)
		return;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next)
		if (i->ifa_addr && i->ifa_addr->sa_family == AF_PACKET && i->ifa_flags & IFF_UP &&
			!(i->ifa_flags & IFF_LOOPBACK) && has_ipv4(all, i->ifa_name))
			add_mac(txt, (const struct sockaddr_ll *)(const void *)i->ifa_addr);
	freeifaddrs(all);
}

static void find_id(struct pf_txt *txt, const struct config *config)
{
	char dir[512], why[256], id[IDENTITY_HOST_ID_LEN + 1];
	int err = PF_OK;
	if (config->config_dir)
		snprintf(dir, sizeof(dir), "%s", config->config_dir);
	else
		err = identity_config_dir(dir, sizeof(dir), why, sizeof(why));
	if (err >= 0)
		err = identity_host_id(id, dir, why, sizeof(why));
	if (err < 0)
		log_warn("discovery: announced without an id: %s", why);
	else
		memcpy(txt->id, id, sizeof(id));
}

/* Whether others can reach it, by IPv4; *only is set when by one address. */
static bool reachable(const union udp_addr *local, uint32_t *only)
{
	uint32_t addr;
	*only = 0;
	if (local->sa.sa_family == AF_INET6) {
		if (IN6_IS_ADDR_UNSPECIFIED(&local->in6.sin6_addr))
			return true; /* for both */
		if (!IN6_IS_ADDR_V4MAPPED(&local->in6.sin6_addr))
			return false;
		memcpy(&addr, local->in6.sin6_addr.s6_addr + 12, sizeof(addr));
	} else {
		addr = local->in4.sin_addr.s_addr;
	}
	*only = ntohl(addr);
	return *only >> 24 != 127;
}

/* userdata: non-NULL for the second service of a host, where Avahi's absence has been told. */
static void on_note(enum discovery_note note, const char *text, void *userdata)
{
	if (note == DISCOVERY_WAITING && userdata)
		return;
	if (note == DISCOVERY_ANNOUNCED)
		log_info("discovery: announced as \"%s\"", text);
	else if (note == DISCOVERY_WAITING)
		log_warn("discovery: %s", text);
	else
		log_warn("discovery: clients must be given the address, as Avahi says: %s; see "
			 "'journalctl -u avahi-daemon'",
			text);
}

void announce_host_name(char *out, size_t cap, const struct config *config)
{
	if (config->name && *config->name) {
		snprintf(out, cap, "%s", config->name);
		return;
	}
	if (gethostname(out, cap) < 0)
		out[0] = '\0';
	out[cap - 1] = '\0';
	out[strcspn(out, ".")] = '\0';
	if (!out[0])
		snprintf(out, cap, "punktfunk");
}

static int publish(struct announce *a, const struct config *config, const char *service,
	uint16_t port, uint32_t only)
{
	char name[256];
	announce_host_name(name, sizeof(name), config);
	struct discovery_publisher_params params = {
		.name = name,
		.service = service,
		.port = port,
		.only_addr = only,
		.txt = a->txt,
		.on_note = on_note,
		.userdata = strcmp(service, DISCOVERY_SERVICE) ? a : NULL,
	};
	int err = discovery_publisher_create(&a->publisher, &params);
	if (err == PF_E_UNSUPPORTED)
		log_info("discovery: this build has none (libavahi-client was missing), so clients "
			 "must be given the address");
	else if (err < 0)
		log_warn("discovery: clients must be given the address: %s", pf_strerror(err));
	return err;
}

int announce_create(struct announce **out, const struct config *config, const union udp_addr *local,
	const uint8_t fp[static PF_TXT_FP_LEN], bool pairing_required)
{
	uint32_t only;
	*out = NULL;
	if (config->no_discovery)
		return PF_OK;
	if (!reachable(local, &only)) {
		log_info("discovery: not announced: no other machine reaches %s by IPv4",
			config->bind);
		return PF_OK;
	}
	struct announce *a = calloc(1, sizeof(*a));
	if (!a)
		return PF_E_NOMEM;
	a->txt.has_fp = true;
	memcpy(a->txt.fp, fp, PF_TXT_FP_LEN);
	a->txt.pair = pairing_required ? PF_TXT_PAIR_REQUIRED : PF_TXT_PAIR_OPTIONAL;
	a->txt.addr = only;
	a->txt.wires = 1u << 1;
	find_id(&a->txt, config);
	find_macs(&a->txt);
	find_os(&a->txt);
	int err = publish(a, config, DISCOVERY_SERVICE,
		ntohs(local->sa.sa_family == AF_INET6 ? local->in6.sin6_port : local->in4.sin_port),
		only);
	if (err == PF_OK) {
		*out = a;
		return PF_OK;
	}
	announce_destroy(a);
	return err == PF_E_NOMEM ? err : PF_OK;
}

int announce_create_gamestream(struct announce **out, const struct config *config, uint16_t port)
{
	union udp_addr local = {.in4 = {.sin_family = AF_INET}};
	uint32_t only;
	*out = NULL;
	if (inet_pton(AF_INET, config->bind, &local.in4.sin_addr) != 1) {
		local = (union udp_addr){.in6 = {.sin6_family = AF_INET6}};
		if (inet_pton(AF_INET6, config->bind, &local.in6.sin6_addr) != 1)
			return PF_OK;
	}
	if (config->no_discovery || !reachable(&local, &only))
		return PF_OK;
	struct announce *a = calloc(1, sizeof(*a));
	if (!a)
		return PF_E_NOMEM;
	int err = publish(a, config, DISCOVERY_SERVICE_GAMESTREAM, port, only);
	if (err == PF_OK) {
		*out = a;
		return PF_OK;
	}
	announce_destroy(a);
	return err == PF_E_NOMEM ? err : PF_OK;
}

void announce_destroy(struct announce *a)
{
	if (!a)
		return;
	discovery_publisher_destroy(a->publisher);
	free(a);
}

void announce_set_pairing(struct announce *a, bool required)
{
	if (!a)
		return;
	a->txt.pair = required ? PF_TXT_PAIR_REQUIRED : PF_TXT_PAIR_OPTIONAL;
	pf_check(discovery_publisher_update(a->publisher, &a->txt) >= 0);
}
