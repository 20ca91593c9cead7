/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <avahi-client/client.h>
#include <avahi-client/lookup.h>
#include <avahi-common/error.h>
#include <avahi-common/simple-watch.h>

#include "core/base/alloc.h"
#include "net/discovery.h"

/* A service that was seen: its resolver tells the address, and later changes of the record. */
struct service {
	struct browse *browse;
	AvahiServiceResolver *resolver; /* NULL = free slot */
	struct discovery_key key;
};

struct browse {
	struct discovery_list *list;
	const struct discovery_watch *watch;
	AvahiSimplePoll *poll;
	AvahiClient *client;
	AvahiServiceBrowser *browser;
	int error; /* AVAHI_ERR_…: the daemon has gone */
	bool over;
	struct service services[DISCOVERY_RECORDS_MAX];
};

static void changed(struct browse *b)
{
	if (b->watch && b->watch->on_change && !b->watch->on_change(b->list, b->watch->userdata))
		b->over = true;
}

static void lose(struct browse *b, int error)
{
	b->error = error ? error : AVAHI_ERR_FAILURE;
	b->over = true;
}

static void on_resolved(AvahiServiceResolver *resolver, AvahiIfIndex interface,
	AvahiProtocol protocol, AvahiResolverEvent event, const char *name, const char *type,
	const char *domain, const char *host_name, const AvahiAddress *address, uint16_t port,
	AvahiStringList *txt, AvahiLookupResultFlags flags, void *userdata)
{
	struct service *s = userdata;
	struct browse *b = s->browse;
	uint8_t record[PF_TXT_RECORD_MAX + 1]; /* one more: what is too long is seen to be */
	(void)resolver, (void)interface, (void)protocol, (void)name, (void)type, (void)domain;
	(void)host_name, (void)flags;
	if (event != AVAHI_RESOLVER_FOUND || !address || address->proto != AVAHI_PROTO_INET) {
		if (discovery_list_remove(b->list, &s->key))
			changed(b);
		return;
	}
	size_t len = avahi_string_list_serialize(txt, NULL, 0);
	if (len <= sizeof(record))
		len = avahi_string_list_serialize(txt, record, sizeof(record));
	else
		len = sizeof(record);
	if (discovery_list_put(
		    b->list, &s->key, ntohl(address->data.ipv4.address), port, record, len) != 0)
		changed(b);
}

static struct service *find_service(struct browse *b, const struct discovery_key *key)
{
	for (size_t i = 0; i < DISCOVERY_RECORDS_MAX; i++)
		if (b->services[i].resolver && b->services[i].key.interface == key->interface &&
			!strcmp(b->services[i].key.name, key->name))
			return &b->services[i];
	return NULL;
}

static void add_service(struct browse *b, const struct discovery_key *key, const char *name,
	const char *type, const char *domain)
{
	struct service *s = b->services;
	if (find_service(b, key))
		return;
	while (s < b->services + DISCOVERY_RECORDS_MAX && s->resolver)
		s++;
	if (s == b->services + DISCOVERY_RECORDS_MAX) {
		b->list->n_dropped++;
		return;
	}
	s->browse = b;
	s->key = *key;
	/* Only IPv4 is dialled (wire 1). */
	s->resolver = avahi_service_resolver_new(b->client, key->interface, AVAHI_PROTO_INET, name,
		type, domain, AVAHI_PROTO_INET, 0, on_resolved, s);
	if (!s->resolver)
		b->list->n_dropped++;
}

static void remove_service(struct browse *b, const struct discovery_key *key)
{
	struct service *s = find_service(b, key);
	if (!s)
		return;
	avahi_service_resolver_free(s->resolver);
	s->resolver = NULL;
	if (discovery_list_remove(b->list, key))
		changed(b);
}

static void on_browsed(AvahiServiceBrowser *browser, AvahiIfIndex interface, AvahiProtocol protocol,
	AvahiBrowserEvent event, const char *name, const char *type, const char *domain,
	AvahiLookupResultFlags flags, void *userdata)
{
	struct browse *b = userdata;
	struct discovery_key key = {.interface = interface};
	(void)protocol, (void)flags;
	if (event == AVAHI_BROWSER_FAILURE)
		lose(b, avahi_client_errno(avahi_service_browser_get_client(browser)));
	if (event != AVAHI_BROWSER_NEW && event != AVAHI_BROWSER_REMOVE)
		return;
	if (!name || strlen(name) > DISCOVERY_NAME_MAX) {
		b->list->n_ignored++;
		return;
	}
	strcpy(key.name, name);
	if (event == AVAHI_BROWSER_NEW)
		add_service(b, &key, name, type, domain);
	else
		remove_service(b, &key);
}

static void on_client(AvahiClient *client, AvahiClientState state, void *userdata)
{
	struct browse *b = userdata;
	if (state == AVAHI_CLIENT_FAILURE)
		lose(b, avahi_client_errno(client));
}

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Returns an AVAHI_ERR_…; AVAHI_OK when the time is over. */
static int browse(struct browse *b, uint32_t timeout_ms)
{
	int error = AVAHI_ERR_NO_MEMORY;
	int64_t end_ms = now_ms() + timeout_ms;
	b->poll = avahi_simple_poll_new();
	if (!b->poll)
		return error;
	b->client = avahi_client_new(avahi_simple_poll_get(b->poll), 0, on_client, b, &error);
	if (!b->client)
		return error;
	b->browser = avahi_service_browser_new(b->client, AVAHI_IF_UNSPEC, AVAHI_PROTO_INET,
		DISCOVERY_SERVICE, NULL, 0, on_browsed, b);
	if (!b->browser)
		return avahi_client_errno(b->client);
	while (!b->over) {
		int64_t left = end_ms - now_ms();
		if (left <= 0)
			return AVAHI_OK;
		if (avahi_simple_poll_iterate(b->poll, (int)left) < 0 && errno != EINTR)
			return AVAHI_ERR_OS;
	}
	return b->error;
}

int discovery_browse(struct discovery_list *list, uint32_t timeout_ms,
	const struct discovery_watch *watch, char *why, size_t why_len)
{
	struct browse *b = pf_calloc(1, sizeof(*b));
	if (why_len)
		why[0] = '\0';
	if (!b) {
		snprintf(why, why_len, "There is no memory left to look for hosts.");
		return PF_E_NOMEM;
	}
	b->list = list;
	b->watch = watch;
	int error = browse(b, timeout_ms < INT32_MAX ? timeout_ms : INT32_MAX);
	if (b->client)
		avahi_client_free(b->client); /* and browser and resolvers */
	if (b->poll)
		avahi_simple_poll_free(b->poll);
	pf_free(b);
	switch (error) {
	case AVAHI_OK:
		return PF_OK;
	case AVAHI_ERR_NO_MEMORY:
		snprintf(why, why_len, "There is no memory left to look for hosts.");
		return PF_E_NOMEM;
	case AVAHI_ERR_NO_DAEMON:
	case AVAHI_ERR_DBUS_ERROR:
	case AVAHI_ERR_DISCONNECTED:
		snprintf(why, why_len,
			"avahi-daemon is not running (%s), so hosts cannot be found: start it with "
			"'systemctl start avahi-daemon' (Debian: apt install avahi-daemon), or "
			"give "
			"the host's address.",
			avahi_strerror(error));
		return PF_E_CLOSED;
	default:
		snprintf(why, why_len,
			"avahi-daemon could not look for hosts: %s. See its log with 'journalctl "
			"-u "
			"avahi-daemon', or give the host's address.",
			avahi_strerror(error));
		return PF_E_IO;
	}
}
