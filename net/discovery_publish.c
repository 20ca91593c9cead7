/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <avahi-client/client.h>
#include <avahi-client/publish.h>
#include <avahi-common/alternative.h>
#include <avahi-common/error.h>
#include <avahi-common/malloc.h>
#include <avahi-common/simple-watch.h>

#include "core/base/alloc.h"
#include "core/wire/text.h"
#include "net/discovery.h"

#define RETRY_MS    5000 /* how late a bus or daemon that comes may be noticed */
#define RENAMES_MAX 64	 /* hosts of one name in a network; then something else is wrong */

#define ADVICE \
	", so clients must be given the address: start it with 'systemctl start avahi-daemon' " \
	"(Debian: apt install avahi-daemon)"

struct discovery_publisher {
	struct discovery_publisher_params params;
	pthread_t thread;
	bool running, has_lock;
	AvahiSimplePoll *poll;
	_Atomic bool stop;

	pthread_mutex_t lock; /* for txt and txt_changed */
	struct pf_txt txt;
	bool txt_changed;

	/* The thread's own. */
	AvahiClient *client;
	AvahiEntryGroup *group;
	char *name; /* avahi_free() */
	int interface;
	unsigned renames;
	bool lost; /* the client is of no use any more: make another one */
	const char *noted;
};

/* Says text unless it was the last thing that was said. Only static text is remembered. */
static void note(struct discovery_publisher *p, enum discovery_note what, const char *text)
{
	if (p->noted == text || atomic_load(&p->stop))
		return;
	p->noted = text;
	p->params.on_note(what, text, p->params.userdata);
}

static bool has_txt(const struct discovery_publisher *p)
{
	return !strcmp(p->params.service, DISCOVERY_SERVICE);
}

/* NULL = none, or no memory. */
static AvahiStringList *make_strings(struct discovery_publisher *p)
{
	uint8_t record[PF_TXT_RECORD_MAX];
	AvahiStringList *strings = NULL;
	pthread_mutex_lock(&p->lock);
	int len = pf_txt_write(record, sizeof(record), &p->txt);
	p->txt_changed = false;
	pthread_mutex_unlock(&p->lock);
	if (!has_txt(p) || len < 0 || avahi_string_list_parse(record, (size_t)len, &strings) < 0)
		return NULL;
	return strings;
}

static void failed(struct discovery_publisher *p, int err)
{
	/* What has ended is looked for at once; if it is not back, that says so. */
	if (err != AVAHI_ERR_DISCONNECTED)
		note(p, DISCOVERY_FAILED, avahi_strerror(err));
	p->lost = true;
}

static bool rename_service(struct discovery_publisher *p)
{
	char *name = ++p->renames <= RENAMES_MAX ? avahi_alternative_service_name(p->name) : NULL;
	if (!name)
		return false;
	avahi_free(p->name);
	p->name = name;
	return true;
}

static int add_service(struct discovery_publisher *p)
{
	AvahiStringList *strings = make_strings(p);
	int err = AVAHI_ERR_NO_MEMORY;
	if (!strings && has_txt(p))
		return err;
	do
		err = avahi_entry_group_add_service_strlst(p->group, p->interface, AVAHI_PROTO_INET,
			0, p->name, p->params.service, NULL, NULL, p->params.port, strings);
	while (err == AVAHI_ERR_COLLISION && rename_service(p));
	avahi_string_list_free(strings);
	return err;
}

static void announce(struct discovery_publisher *p)
{
	int err = add_service(p);
	if (err >= 0)
		err = avahi_entry_group_commit(p->group);
	if (err < 0)
		failed(p, err);
}

static void on_group(AvahiEntryGroup *group, AvahiEntryGroupState state, void *userdata)
{
	struct discovery_publisher *p = userdata;
	p->group = group; /* also called before the maker has returned it */
	if (state == AVAHI_ENTRY_GROUP_ESTABLISHED) {
		p->noted = NULL;
		p->params.on_note(DISCOVERY_ANNOUNCED, p->name, p->params.userdata);
	} else if (state == AVAHI_ENTRY_GROUP_COLLISION) {
		if (rename_service(p) && avahi_entry_group_reset(group) >= 0)
			announce(p);
		else
			failed(p, AVAHI_ERR_COLLISION);
	} else if (state == AVAHI_ENTRY_GROUP_FAILURE) {
		failed(p, avahi_client_errno(avahi_entry_group_get_client(group)));
	}
}

static void on_client(AvahiClient *client, AvahiClientState state, void *userdata)
{
	struct discovery_publisher *p = userdata;
	p->client = client; /* also called before the maker has returned it */
	switch (state) {
	case AVAHI_CLIENT_S_RUNNING:
		if (!p->group)
			p->group = avahi_entry_group_new(client, on_group, p);
		if (!p->group)
			failed(p, avahi_client_errno(client));
		else if (avahi_entry_group_is_empty(p->group))
			announce(p);
		break;
	case AVAHI_CLIENT_S_COLLISION:
	case AVAHI_CLIENT_S_REGISTERING:
		/* The machine's name is being made: what stands on it is announced again then. */
		if (p->group)
			avahi_entry_group_reset(p->group);
		break;
	case AVAHI_CLIENT_CONNECTING:
		note(p, DISCOVERY_WAITING, "avahi-daemon is not running" ADVICE);
		break;
	case AVAHI_CLIENT_FAILURE:
		failed(p, avahi_client_errno(client));
		break;
	}
}

/* The interface that has this address, so that nobody hears of the host who cannot reach it. */
static int find_interface(uint32_t addr)
{
	struct ifaddrs *all = NULL;
	int index = AVAHI_IF_UNSPEC;
	if (!addr || getifaddrs(&all) < 0)
		return index;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET)
			continue;
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)
						       i->ifa_addr;
		if (ntohl(in->sin_addr.s_addr) == addr)
			index = (int)if_nametoindex(i->ifa_name);
	}
	freeifaddrs(all);
	return index ? index : AVAHI_IF_UNSPEC;
}

static void drop_client(struct discovery_publisher *p)
{
	if (p->client)
		avahi_client_free(p->client); /* and its group: the daemon says goodbye */
	p->client = NULL;
	p->group = NULL;
	p->lost = false;
	p->renames = 0;
}

static void open_client(struct discovery_publisher *p)
{
	int err = 0;
	p->interface = find_interface(p->params.only_addr);
	AvahiClient *client = avahi_client_new(
		avahi_simple_poll_get(p->poll), AVAHI_CLIENT_NO_FAIL, on_client, p, &err);
	if (client)
		return;
	p->client = NULL; /* freed by its maker */
	p->group = NULL;
	p->lost = false;
	if (err == AVAHI_ERR_DBUS_ERROR || err == AVAHI_ERR_NO_DAEMON)
		note(p, DISCOVERY_WAITING,
			"the D-Bus system bus, by which avahi-daemon is reached, is not "
			"running" ADVICE);
	else
		note(p, DISCOVERY_FAILED, avahi_strerror(err));
}

static void update(struct discovery_publisher *p)
{
	pthread_mutex_lock(&p->lock);
	bool changed = p->txt_changed;
	pthread_mutex_unlock(&p->lock);
	/* What is not announced yet takes the new record when it is. */
	if (!changed || !has_txt(p) || !p->group || avahi_entry_group_is_empty(p->group))
		return;
	AvahiStringList *strings = make_strings(p);
	int err = strings ? avahi_entry_group_update_service_txt_strlst(p->group, p->interface,
				    AVAHI_PROTO_INET, 0, p->name, p->params.service, NULL, strings)
			  : AVAHI_ERR_NO_MEMORY;
	avahi_string_list_free(strings);
	if (err < 0)
		failed(p, err);
}

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void *publisher_main(void *userdata)
{
	struct discovery_publisher *p = userdata;
	int64_t retry_ms = 0;
	while (!atomic_load(&p->stop)) {
		if (p->lost)
			drop_client(p);
		if (!p->client && now_ms() >= retry_ms) {
			open_client(p);
			retry_ms = now_ms() + RETRY_MS;
			continue;
		}
		int wait = p->client ? -1 : (int)(retry_ms - now_ms());
		if (avahi_simple_poll_iterate(p->poll, wait < -1 ? 0 : wait) < 0 &&
			errno != EINTR) {
			note(p, DISCOVERY_FAILED,
				"waiting for avahi-daemon failed: see the system's log");
			break;
		}
		update(p);
	}
	drop_client(p);
	return NULL;
}

static int start_thread(struct discovery_publisher *p)
{
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int err = pthread_create(&p->thread, NULL, publisher_main, p);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err)
		return pf_error_from_errno(err);
	p->running = true;
	pthread_setname_np(p->thread, "discovery");
	return PF_OK;
}

static int check_record(const struct pf_txt *txt)
{
	uint8_t record[PF_TXT_RECORD_MAX];
	return pf_txt_write(record, sizeof(record), txt) < 0 ? PF_E_INVALID : PF_OK;
}

int discovery_publisher_create(
	struct discovery_publisher **out, const struct discovery_publisher_params *params)
{
	char name[DISCOVERY_NAME_MAX + 1];
	*out = NULL;
	bool other = params->service && strcmp(params->service, DISCOVERY_SERVICE) != 0;
	int err = other ? PF_OK : check_record(&params->txt);
	if (err < 0 || !pf_text_clean(name, sizeof(name), params->name, strlen(params->name)))
		return PF_E_INVALID;
	struct discovery_publisher *p = pf_calloc(1, sizeof(*p));
	if (!p)
		return PF_E_NOMEM;
	err = PF_E_NOMEM;
	p->params = *params;
	if (!p->params.service)
		p->params.service = DISCOVERY_SERVICE;
	p->txt = params->txt;
	p->name = avahi_strdup(name);
	p->poll = avahi_simple_poll_new();
	p->has_lock = pthread_mutex_init(&p->lock, NULL) == 0;
	if (!p->name || !p->poll || !p->has_lock)
		goto fail;
	p->params.name = NULL; /* the caller's */
	err = start_thread(p);
	if (err < 0)
		goto fail;
	*out = p;
	return PF_OK;
fail:
	discovery_publisher_destroy(p);
	return err;
}

void discovery_publisher_destroy(struct discovery_publisher *p)
{
	if (!p)
		return;
	atomic_store(&p->stop, true);
	if (p->running) {
		avahi_simple_poll_wakeup(p->poll);
		pthread_join(p->thread, NULL);
	}
	if (p->has_lock)
		pthread_mutex_destroy(&p->lock);
	if (p->poll)
		avahi_simple_poll_free(p->poll);
	avahi_free(p->name);
	pf_free(p);
}

int discovery_publisher_update(struct discovery_publisher *p, const struct pf_txt *txt)
{
	int err = check_record(txt);
	if (err < 0)
		return err;
	pthread_mutex_lock(&p->lock);
	p->txt = *txt;
	p->txt_changed = true;
	pthread_mutex_unlock(&p->lock);
	avahi_simple_poll_wakeup(p->poll);
	return PF_OK;
}
