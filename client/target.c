/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/target.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "client/options.h"
#include "net/discovery.h"

#define LISTEN_MS 2000u /* two questions of mDNS */

_Static_assert(PF_TXT_ID_MAX <= KNOWN_ID_MAX, "an announced id can be kept");
_Static_assert(PF_TXT_MACS_MAX <= KNOWN_MACS_MAX, "announced cards can be kept");
_Static_assert(PF_TXT_MAC_LEN == KNOWN_MAC_LEN, "a card's address has six bytes");
_Static_assert(DISCOVERY_NAME_MAX <= ARGS_NAME_MAX, "an announced name can be kept");

struct search {
	struct target *t;
	const char *name; /* NULL: of t->known, at another address */
	struct discovery_nets nets;
	struct discovery_host hosts[DISCOVERY_RECORDS_MAX], found;
	unsigned n_found;
};

static void set_address(struct target *t, const struct discovery_host *h)
{
	snprintf(t->host, sizeof(t->host), "%u.%u.%u.%u", h->addr >> 24, h->addr >> 16 & 255,
		h->addr >> 8 & 255, h->addr & 255);
	t->port = h->port;
}

static bool matches(const struct search *s, const struct discovery_host *h)
{
	struct target there;
	if (s->name)
		return !strcasecmp(h->name, s->name);
	const struct known_host *k = &s->t->known;
	bool same = h->txt.has_fp ? !memcmp(h->txt.fp, k->sha256, 32)
				  : k->id[0] && !strcmp(h->txt.id, k->id);
	set_address(&there, h);
	return same && (there.port != s->t->port || strcmp(there.host, s->t->host) != 0);
}

static bool look(const struct discovery_list *list, void *userdata)
{
	struct search *s = userdata;
	size_t n = discovery_list_hosts(list, &s->nets, s->hosts, DISCOVERY_RECORDS_MAX);
	s->n_found = 0;
	for (size_t i = 0; i < n; i++)
		if (matches(s, &s->hosts[i]) && !s->n_found++)
			s->found = s->hosts[i];
	/* A name proves nothing, so whoever else has it is listened for to the end. */
	return s->name || !s->n_found;
}

static void take_found(struct target *t, const struct discovery_host *h)
{
	set_address(t, h);
	snprintf(t->name, sizeof(t->name), "%s", h->name);
	snprintf(t->id, sizeof(t->id), "%s", h->txt.id);
	t->n_macs = h->txt.n_macs;
	memcpy(t->macs, h->txt.macs, t->n_macs * KNOWN_MAC_LEN);
}

/* Returns how many were found, or an error with a sentence in message. The first is taken. */
static int search(struct target *t, const char *name, char message[TRUST_MESSAGE_MAX])
{
	struct search *s = calloc(1, sizeof(*s));
	struct discovery_list *list = calloc(1, sizeof(*list));
	int n = PUNKTFUNK_E_NOMEM;
	if (s && list) {
		s->t = t;
		s->name = name;
		discovery_nets_read(&s->nets);
		n = discovery_browse(list, LISTEN_MS,
			&(struct discovery_watch){.on_change = look, .userdata = s}, message,
			TRUST_MESSAGE_MAX);
		if (n >= 0)
			n = (int)s->n_found;
		if (n == 1)
			take_found(t, &s->found);
	}
	free(list);
	free(s);
	return n;
}

bool target_search(struct target *t)
{
	char message[TRUST_MESSAGE_MAX];
	return t->is_known && search(t, NULL, message) == 1;
}

static bool resolves(const char *host)
{
	struct addrinfo *list = NULL;
	bool good = getaddrinfo(host, NULL, NULL, &list) == 0;
	if (good)
		freeaddrinfo(list);
	return good;
}

static void take_known(struct target *t, const struct known_host *h)
{
	t->is_known = h != NULL;
	if (h)
		t->known = *h;
}

static int find_announced(
	struct target *t, const char *word, const struct known *k, char message[TRUST_MESSAGE_MAX])
{
	char why[TRUST_MESSAGE_MAX] = "";
	int n = search(t, word, why);
	if (n == 1) {
		take_known(t, known_by_address(k, t->host, t->port));
		return EXIT_FINE;
	}
	if (n > 1)
		snprintf(message, TRUST_MESSAGE_MAX,
			"%d hosts on this network call themselves '%s'. Say which one by its "
			"address; punktfunk-client discover lists them.",
			n, word);
	else
		snprintf(message, TRUST_MESSAGE_MAX,
			"There is no host '%s': it is no known host (punktfunk-client hosts), no "
			"machine of this network has that name, and none announces itself "
			"so%s%.1024s "
			"Give its address, or see punktfunk-client discover.",
			word, n < 0 ? ": " : ".", why);
	return EXIT_CONNECT;
}

static int find(
	struct target *t, const char *word, const struct known *k, char message[TRUST_MESSAGE_MAX])
{
	struct args_endpoint e;
	const char *wrong = args_parse_endpoint(NULL, word, &e);
	const struct known_host *h = wrong ? NULL : known_by_address(k, e.host, e.port);
	const struct known_host *named = h ? NULL : known_by_label(k, word);
	if (named) {
		snprintf(t->host, sizeof(t->host), "%s", named->addrs[0].host);
		t->port = named->addrs[0].port;
		take_known(t, named);
		return EXIT_FINE;
	}
	/* Something with a dot or a port is an address, also when nobody answers there. */
	if (wrong ? !strpbrk(word, ":[]") : !h && !strpbrk(word, ".:[") && !resolves(e.host))
		return find_announced(t, word, k, message);
	if (wrong) {
		snprintf(message, TRUST_MESSAGE_MAX, "'%.*s' %s.", ARGS_QUOTE_MAX, word, wrong);
		return EXIT_USAGE;
	}
	snprintf(t->host, sizeof(t->host), "%s", e.host);
	t->port = e.port;
	take_known(t, h);
	return EXIT_FINE;
}

int target_find(
	struct target *t, const char *word, const char *path, char message[TRUST_MESSAGE_MAX])
{
	struct known k = {0};
	*t = (struct target){0};
	message[0] = '\0';
	if (path && trust_load(path, &k, message) != PUNKTFUNK_OK)
		return EXIT_TRUST;
	int code = find(t, word, &k, message);
	known_finish(&k);
	return code;
}

const char *target_label(const struct target *t)
{
	return t->is_known ? known_label(&t->known) : t->name[0] ? t->name : t->host;
}

const char *target_word(const struct target *t, char out[TARGET_WORD_MAX])
{
	bool v6 = strchr(t->host, ':') != NULL;
	if (t->port == ARGS_DEFAULT_PORT)
		snprintf(out, TARGET_WORD_MAX, "%s%s%s", v6 ? "[" : "", t->host, v6 ? "]" : "");
	else
		snprintf(out, TARGET_WORD_MAX, "%s%s%s:%u", v6 ? "[" : "", t->host, v6 ? "]" : "",
			t->port);
	return out;
}

struct note {
	const struct target *t;
	const char *path;
	const uint8_t *sha256;
	bool verified;
	enum target_was was;
};

/* Unless it has one, or another host has this one. */
static void give_name(const struct known *k, struct known_host *h, const char *name)
{
	const struct known_host *other = known_by_label(k, name);
	if (name[0] && !h->name[0] && (!other || other == h))
		snprintf(h->name, sizeof(h->name), "%s", name);
}

/* A name is what the host likes: one that reads like an address would take the place of whoever lives there. */
static bool is_name(const char *announced)
{
	return !strpbrk(announced, ".:[]");
}

/* What was announced is only taken of who showed the certificate. */
static void put_facts(const struct known *k, struct known_host *h, const struct note *n)
{
	const struct target *t = n->t;
	if (is_name(t->name))
		give_name(k, h, t->name);
	if (t->id[0])
		snprintf(h->id, sizeof(h->id), "%s", t->id);
	if (t->n_macs) {
		h->n_macs = t->n_macs;
		memcpy(h->macs, t->macs, t->n_macs * KNOWN_MAC_LEN);
	}
	h->paired |= n->verified;
	h->unpaired = false;
	time_t now = time(NULL);
	h->used_s = now > 0 ? (uint64_t)now : 0;
}

/* The host that this address was: gives way to one that a PIN has proved, and to nobody else. */
static int clear_address(
	struct known *k, struct note *n, char *name, size_t cap, char message[TRUST_MESSAGE_MAX])
{
	struct known_host *h;
	while ((h = known_by_address(k, n->t->host, n->t->port)) &&
		memcmp(h->sha256, n->sha256, 32) != 0) {
		if (!n->verified) {
			trust_explain_mismatch(n->path, n->t->host, n->t->port, message);
			return PUNKTFUNK_E_PIN;
		}
		n->was = TARGET_REPLACED;
		/* A person who gave the PIN means this host by that name from now on. */
		if (h->name[0])
			snprintf(name, cap, "%s", h->name);
		h->name[0] = '\0';
		known_take_address(k, h, n->t->host, n->t->port);
	}
	return PUNKTFUNK_OK;
}

static int change(struct known *k, void *userdata, char message[TRUST_MESSAGE_MAX])
{
	struct note *n = userdata;
	const struct target *t = n->t;
	char name[ARGS_NAME_MAX + 1] = "";
	n->was = TARGET_NEW;
	int err = clear_address(k, n, name, sizeof(name), message);
	if (err)
		return err;
	struct known_host *h = known_by_address(k, t->host, t->port);
	if (!h)
		h = known_by_sha256(k, n->sha256);
	if (h && n->was == TARGET_NEW)
		n->was = known_by_address(k, t->host, t->port) ? TARGET_SAME : TARGET_MOVED;
	if (h)
		known_put_address(h, t->host, t->port);
	else
		h = known_add(k, n->sha256, t->host, t->port);
	if (!h) {
		snprintf(message, TRUST_MESSAGE_MAX,
			"The host could not be noted: %s has too many hosts, or memory is short; "
			"remove some of its lines.",
			n->path);
		return PUNKTFUNK_E_FULL;
	}
	give_name(k, h, name);
	put_facts(k, h, n);
	return 1;
}

int target_remember(const struct target *t, const char *path, const uint8_t sha256[32],
	bool verified, enum target_was *was, char message[TRUST_MESSAGE_MAX])
{
	struct note n = {.t = t, .path = path, .sha256 = sha256, .verified = verified};
	int err = trust_update(path, change, &n, message);
	if (was)
		*was = n.was;
	return err < 0 ? err : PUNKTFUNK_OK;
}

static int mark_unpaired(struct known *k, void *userdata, char message[TRUST_MESSAGE_MAX])
{
	struct known_host *h = known_by_sha256(k, userdata);
	(void)message;
	if (!h || !h->paired || h->unpaired)
		return 0;
	h->unpaired = true;
	return 1;
}

int target_unpaired(const char *path, const uint8_t sha256[32], char message[TRUST_MESSAGE_MAX])
{
	uint8_t key[32];
	memcpy(key, sha256, sizeof(key));
	int err = trust_update(path, mark_unpaired, key, message);
	return err < 0 ? err : PUNKTFUNK_OK;
}
