/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/hosts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "client/command.h"
#include "client/identity.h"
#include "client/options.h"
#include "client/run.h"
#include "client/stats.h"
#include "client/trust.h"
#include "net/discovery.h"

#define LISTEN_MS 3000u

#define HOSTS_TABLE(X) \
	X(host, action, NULL, "list|forget|rename", 0, 0, "what to do (list)") \
	X(host, host, NULL, "HOST", 0, 0, "the host that is meant, by its name or an address") \
	X(name, name, NULL, "NAME", 0, 0, "its new name") \
	X(flag, online, "online", NULL, 0, 0, "listen for 3 s and say who is there now") \
	X(flag, json, "json", NULL, 0, 0, "print a JSON object") \
	ARGS_COMMON(X)

struct hosts_options {
#define FIELD(kind, field, ...) ARGS_TYPE_##kind field;
	HOSTS_TABLE(FIELD)
#undef FIELD
};

static const struct args_rule rules[] = {
#define RULE(kind, field, name, meta, min, max, help) \
	{name, meta, help, args_parse_##kind, offsetof(struct hosts_options, field), min, max},
	HOSTS_TABLE(RULE)
#undef RULE
};
#define N_RULES (sizeof(rules) / sizeof(rules[0]))

static char *help(void)
{
	return args_help(
		"Usage: punktfunk-client hosts [list] [--online] [--json]\n"
		"       punktfunk-client hosts forget HOST\n"
		"       punktfunk-client hosts rename HOST NAME\n"
		"The hosts that this client remembers, and what they know it by.\n\nOptions:\n",
		rules, N_RULES,
		"\nForgetting a host does not make it forget this client: punktfunk-host unpair "
		"does.\n"
		"\nExit codes:\n"
		"  0  fine\n"
		"  1  the command line is wrong\n"
		"  2  there is no such host\n"
		"  4  known_hosts or this client's identity cannot be trusted\n"
		"  6  known_hosts or the list could not be written\n");
}

#define TIME_MAX 32u

static const char *time_text(uint64_t used_s, char out[TIME_MAX])
{
	time_t t = (time_t)used_s;
	struct tm tm;
	if (!used_s || used_s > INT32_MAX * UINT64_C(64) || !localtime_r(&t, &tm) ||
		!strftime(out, TIME_MAX, "%Y-%m-%d %H:%M", &tm))
		return "never";
	return out;
}

/* An address as it is typed. */
static void put_address(FILE *f, const struct known_addr *a)
{
	bool v6 = strchr(a->host, ':') != NULL;
	fprintf(f, "%s%s%s:%u", v6 ? "[" : "", a->host, v6 ? "]" : "", a->port);
}

static const char *how_known(const struct known_host *h)
{
	if (h->unpaired)
		return "no longer paired: pair again";
	return h->paired ? "paired" : "trusted on first use";
}

void hosts_print(FILE *f, const struct known *k, const bool *online)
{
	for (size_t i = 0; i < k->n_hosts; i++) {
		const struct known_host *h = &k->hosts[i];
		char hex[TRUST_HEX_MAX], when[TIME_MAX];
		trust_hex(h->sha256, hex);
		fprintf(f, "%s\n  address", known_label(h));
		for (size_t a = 0; a < h->n_addrs; a++) {
			fputs(a ? ", " : " ", f);
			put_address(f, &h->addrs[a]);
		}
		fprintf(f, "  %s  certificate %.16s…  last used %s%s\n", how_known(h), hex,
			time_text(h->used_s, when),
			!online		    ? ""
				: online[i] ? "  here now"
					    : "  not seen");
	}
}

static void put_string(FILE *f, const char *key, const char *text)
{
	char *quoted = text[0] ? stats_quote(text) : NULL;
	fprintf(f, ", \"%s\": %s", key, quoted ? quoted : "null");
	free(quoted);
}

void hosts_print_json(FILE *f, const struct known *k, const bool *online)
{
	fputs("[", f);
	for (size_t i = 0; i < k->n_hosts; i++) {
		const struct known_host *h = &k->hosts[i];
		char hex[TRUST_HEX_MAX];
		trust_hex(h->sha256, hex);
		fprintf(f, "%s\n  {\"paired\": %s", i ? "," : "",
			h->paired && !h->unpaired ? "true" : "false");
		put_string(f, "name", known_label(h));
		put_string(f, "fingerprint", hex);
		put_string(f, "id", h->id);
		fprintf(f, ", \"last_used\": %" PRIu64, h->used_s);
		fprintf(f, ", \"online\": %s", !online ? "null" : online[i] ? "true" : "false");
		fputs(", \"addresses\": [", f);
		for (size_t a = 0; a < h->n_addrs; a++) {
			char *quoted = stats_quote(h->addrs[a].host);
			fprintf(f, "%s{\"host\": %s, \"port\": %u}", a ? ", " : "",
				quoted ? quoted : "null", h->addrs[a].port);
			free(quoted);
		}
		fputs("], \"macs\": [", f);
		for (size_t m = 0; m < h->n_macs; m++) {
			const uint8_t *b = h->macs[m];
			fprintf(f, "%s\"%02x:%02x:%02x:%02x:%02x:%02x\"", m ? ", " : "", b[0], b[1],
				b[2], b[3], b[4], b[5]);
		}
		fputs("]}", f);
	}
	fputs(k->n_hosts ? "\n]" : "]", f);
}

/* Who is heard: the certificate that is announced decides. malloc'd; NULL after a sentence. */
static bool *listen_for(const struct known *k)
{
	struct discovery_list *list = calloc(1, sizeof(*list));
	struct discovery_host *hosts = calloc(DISCOVERY_RECORDS_MAX, sizeof(*hosts));
	bool *online = calloc(k->n_hosts + 1, sizeof(*online));
	struct discovery_nets nets;
	char why[ARGS_MESSAGE_MAX] = "there is no memory left to look for hosts";
	bool good = list && hosts && online &&
		discovery_browse(list, LISTEN_MS, NULL, why, sizeof(why)) >= 0;
	if (good) {
		discovery_nets_read(&nets);
		size_t n = discovery_list_hosts(list, &nets, hosts, DISCOVERY_RECORDS_MAX);
		for (size_t i = 0; i < k->n_hosts; i++)
			for (size_t j = 0; j < n; j++)
				online[i] |= hosts[j].txt.has_fp &&
					!memcmp(hosts[j].txt.fp, k->hosts[i].sha256, 32);
	} else {
		run_say("%s", why);
		free(online);
		online = NULL;
	}
	free(hosts);
	free(list);
	return online;
}

static int list_hosts(const struct hosts_options *o, const struct known *k, const uint8_t own[32])
{
	char hex[TRUST_HEX_MAX];
	bool *online = o->online ? listen_for(k) : NULL;
	trust_hex(own, hex);
	if (o->json) {
		printf("{\"fingerprint\": \"%s\", \"hosts\": ", hex);
		hosts_print_json(stdout, k, online);
		puts("}");
	} else {
		hosts_print(stdout, k, online);
		printf("%sThis client is %s\n", k->n_hosts ? "\n" : "", hex);
		if (!k->n_hosts)
			run_say("No host is known yet. To find one: punktfunk-client discover. To "
				"pair with it: punktfunk-client pair HOST.");
	}
	free(online);
	return fflush(stdout) == 0 ? EXIT_FINE : EXIT_OUTPUT;
}

static struct known_host *find(const struct known *k, const char *word)
{
	struct args_endpoint e;
	struct known_host *h = known_by_label(k, word);
	if (!h && !args_parse_endpoint(NULL, word, &e))
		h = known_by_address(k, e.host, e.port);
	return h;
}

/* Says that there is none; returns what ends an update. */
static int find_failed(const char *word, char message[TRUST_MESSAGE_MAX])
{
	snprintf(message, TRUST_MESSAGE_MAX,
		"No known host has the name or address '%.*s'; punktfunk-client hosts lists them.",
		ARGS_QUOTE_MAX, word);
	return PUNKTFUNK_E_NO_FRAME;
}

static int forget(struct known *k, void *userdata, char message[TRUST_MESSAGE_MAX])
{
	const struct hosts_options *o = userdata;
	struct known_host *h = find(k, o->host);
	if (!h)
		return find_failed(o->host, message);
	printf("Forgotten: %s. It still knows this client, until punktfunk-host unpair there.\n",
		known_label(h));
	known_remove(k, h);
	return 1;
}

static int rename_host(struct known *k, void *userdata, char message[TRUST_MESSAGE_MAX])
{
	const struct hosts_options *o = userdata;
	struct known_host *h = find(k, o->host), *other = known_by_label(k, o->name);
	if (!h)
		return find_failed(o->host, message);
	if (other && other != h) {
		snprintf(message, TRUST_MESSAGE_MAX,
			"Another known host has the name '%s' already; give that one another name "
			"first, or forget it.",
			o->name);
		return PUNKTFUNK_E_INVALID;
	}
	printf("Renamed: %s is %s now.\n", known_label(h), o->name);
	snprintf(h->name, sizeof(h->name), "%s", o->name);
	return 1;
}

static int edit(const struct hosts_options *o, const char *path,
	int (*change)(struct known *, void *, char *))
{
	char message[TRUST_MESSAGE_MAX];
	int err = trust_update(path, change, (void *)o, message);
	if (err < 0)
		run_say("%s", message);
	if (err >= 0)
		return fflush(stdout) == 0 ? EXIT_FINE : EXIT_OUTPUT;
	return err == PUNKTFUNK_E_NO_FRAME ? EXIT_CONNECT
		: err == PUNKTFUNK_E_IO	   ? EXIT_OUTPUT
					   : EXIT_TRUST;
}

static int list(const struct hosts_options *o, const char *path)
{
	char message[TRUST_MESSAGE_MAX];
	struct known k = {0};
	struct identity *id = calloc(1, sizeof(*id));
	char *id_path = identity_path();
	int code = EXIT_TRUST;
	if (!id || !id_path)
		run_say("There is no memory left to list hosts; end other programs and try again.");
	else if (trust_load(path, &k, message) < 0 || identity_load(id, id_path, message) < 0)
		run_say("%s", message);
	else
		code = list_hosts(o, &k, id->sha256);
	if (id)
		identity_finish(id);
	free(id);
	free(id_path);
	known_finish(&k);
	return code;
}

static int check(const struct hosts_options *o, char message[ARGS_MESSAGE_MAX])
{
	bool forgets = o->action && !strcmp(o->action, "forget");
	bool renames = o->action && !strcmp(o->action, "rename");
	if (o->action && !forgets && !renames && strcmp(o->action, "list") != 0)
		return args_fail(message, "hosts cannot '%.*s'; it can list, forget and rename.",
			ARGS_QUOTE_MAX, o->action);
	if ((forgets || renames) && !o->host)
		return args_fail(message, "Say which host: punktfunk-client hosts %s HOST%s.",
			o->action, renames ? " NAME" : "");
	if (renames && !o->name)
		return args_fail(
			message, "Say its new name: punktfunk-client hosts rename HOST NAME.");
	if (!renames && o->name)
		return args_fail(message, "'%s' is one word too many; see --help.", o->name);
	if (!forgets && !renames && o->host)
		return args_fail(message, "'%.*s' is one word too many; see --help.",
			ARGS_QUOTE_MAX, o->host);
	for (const char *p = o->name; p && *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return args_fail(message, "The new name has a control character.");
	return PUNKTFUNK_OK;
}

int hosts_command(int argc, char **argv)
{
	struct hosts_options o = {0};
	char message[ARGS_MESSAGE_MAX];
	int err = args_parse(rules, N_RULES, &o, argc, argv, message);
	if (!err && o.help)
		return command_help(help());
	if (!err && o.version)
		return command_version();
	if (!err)
		err = check(&o, message);
	if (err) {
		run_say("%s", message);
		return EXIT_USAGE;
	}
	char *path = trust_path();
	if (!path) {
		run_say("Neither PUNKTFUNK_CONFIG_DIR (an absolute path) nor HOME says where "
			"known_hosts is; set one.");
		return EXIT_TRUST;
	}
	int code = !o.action || !strcmp(o.action, "list") ? list(&o, path)
		: !strcmp(o.action, "forget")		  ? edit(&o, path, forget)
							  : edit(&o, path, rename_host);
	free(path);
	return code;
}

/* --- wake --- */

#define WAKE_TABLE(X) \
	X(host, host, NULL, "HOST", 0, 0, "a known host, by its name or an address") \
	X(name, mac, "mac", "MAC", 0, 0, "its network card, as 00:11:22:33:44:55") \
	X(name, via, "via", "ADDRESS", 0, 0, \
		"the IPv4 address to send to (this network's broadcast address)") \
	ARGS_COMMON(X)

struct wake_options {
#define FIELD(kind, field, ...) ARGS_TYPE_##kind field;
	WAKE_TABLE(FIELD)
#undef FIELD
};

static const struct args_rule wake_rules[] = {
#define RULE(kind, field, name, meta, min, max, help) \
	{name, meta, help, args_parse_##kind, offsetof(struct wake_options, field), min, max},
	WAKE_TABLE(RULE)
#undef RULE
};
#define N_WAKE_RULES (sizeof(wake_rules) / sizeof(wake_rules[0]))

static char *wake_help(void)
{
	return args_help(
		"Usage: punktfunk-client wake HOST [options]\n"
		"Sends a Wake-on-LAN packet to a host that is switched off. Its network cards are\n"
		"remembered from its announcements. Nobody answers such a packet.\n\nOptions:\n",
		wake_rules, N_WAKE_RULES,
		"\nExit codes:\n"
		"  0  it was sent\n"
		"  1  the command line is wrong\n"
		"  2  there is no such host, its network card is not known, or nothing could be "
		"sent\n"
		"  4  known_hosts cannot be trusted\n");
}

static bool read_mac(const char *s, uint8_t mac[KNOWN_MAC_LEN])
{
	unsigned b[KNOWN_MAC_LEN];
	int end = 0;
	if (strlen(s) != 17 || strspn(s, "0123456789abcdefABCDEF:-") != 17 ||
		sscanf(s, "%2x%*1[:-]%2x%*1[:-]%2x%*1[:-]%2x%*1[:-]%2x%*1[:-]%2x%n", &b[0], &b[1],
			&b[2], &b[3], &b[4], &b[5], &end) != 6 ||
		end != 17)
		return false;
	for (size_t i = 0; i < KNOWN_MAC_LEN; i++)
		mac[i] = (uint8_t)b[i];
	return true;
}

static int send_all(const struct known_host *h, const char *via)
{
	for (size_t i = 0; i < h->n_macs; i++) {
		const uint8_t *m = h->macs[i];
		int err = punktfunk_wake_on_lan(m, via);
		if (err) {
			run_say("The packet for %s could not be sent to %s (%s); check that this "
				"machine is in a network, or name an IPv4 address with --via.",
				known_label(h), via ? via : "this network",
				punktfunk_strerror(err));
			return EXIT_CONNECT;
		}
		printf("Sent to %s: %02x:%02x:%02x:%02x:%02x:%02x\n", known_label(h), m[0], m[1],
			m[2], m[3], m[4], m[5]);
	}
	return fflush(stdout) == 0 ? EXIT_FINE : EXIT_OUTPUT;
}

static int wake(const struct wake_options *o)
{
	char message[TRUST_MESSAGE_MAX];
	struct known k = {0};
	struct known_host given = {.n_addrs = 1, .n_macs = 1};
	char *path = trust_path();
	int code = EXIT_CONNECT;
	if (o->mac) {
		snprintf(given.addrs[0].host, ARGS_HOST_MAX, "%s", o->host ? o->host : o->mac);
		if (!read_mac(o->mac, given.macs[0])) {
			run_say("--mac: '%s' is not a card's address such as 00:11:22:33:44:55.",
				o->mac);
			code = EXIT_USAGE;
		} else {
			code = send_all(&given, o->via);
		}
	} else if (!path || trust_load(path, &k, message) < 0) {
		run_say("%s", path ? message : "Neither HOME nor XDG_CONFIG_HOME is set; set one.");
		code = EXIT_TRUST;
	} else {
		const struct known_host *h = find(&k, o->host);
		if (!h) {
			find_failed(o->host, message);
			run_say("%s", message);
		} else if (!h->n_macs) {
			run_say("The network card of %s is not known: it is learned when the host "
				"is reached by its announced name. Or give it: --mac "
				"00:11:22:33:44:55.",
				known_label(h));
		} else {
			code = send_all(h, o->via);
		}
	}
	known_finish(&k);
	free(path);
	return code;
}

int hosts_wake_command(int argc, char **argv)
{
	struct wake_options o = {0};
	char message[ARGS_MESSAGE_MAX];
	int err = args_parse(wake_rules, N_WAKE_RULES, &o, argc, argv, message);
	if (!err && !o.help && !o.version && !o.host && !o.mac)
		err = args_fail(message, "Say which host to wake: punktfunk-client wake HOST.");
	if (err) {
		run_say("%s", message);
		return EXIT_USAGE;
	}
	if (o.help)
		return command_help(wake_help());
	return o.version ? command_version() : wake(&o);
}
