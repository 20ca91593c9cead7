/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/discover.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/args.h"
#include "client/command.h"
#include "client/options.h"
#include "client/run.h"
#include "client/stats.h"
#include "client/trust.h"
#include "net/discovery.h"

#define DISCOVER_SECONDS     3u /* three questions of mDNS, the last after 3 s */
#define DISCOVER_SECONDS_MAX 600u

#define DISCOVER_TABLE(X) \
	X(number, timeout, "timeout", "S", 1, DISCOVER_SECONDS_MAX, "listen so long (3 s)") \
	X(flag, json, "json", NULL, 0, 0, "print a JSON array, also when it is empty") \
	ARGS_COMMON(X)

struct discover_options {
#define FIELD(kind, field, ...) ARGS_TYPE_##kind field;
	DISCOVER_TABLE(FIELD)
#undef FIELD
};

static const struct args_rule rules[] = {
#define RULE(kind, field, name, meta, min, max, help) \
	{name, meta, help, args_parse_##kind, offsetof(struct discover_options, field), min, max},
	DISCOVER_TABLE(RULE)
#undef RULE
};
#define N_RULES (sizeof(rules) / sizeof(rules[0]))

#define ADDR_TEXT_MAX 16u

static void addr_text(uint32_t addr, char out[ADDR_TEXT_MAX])
{
	snprintf(out, ADDR_TEXT_MAX, "%u.%u.%u.%u", addr >> 24, addr >> 16 & 255, addr >> 8 & 255,
		addr & 255);
}

static const char *pair_text(const struct pf_txt *txt)
{
	static const char *const words[] = {"unknown", "required", "optional"};
	return words[txt->pair];
}

/* "1,2" */
static void wires_text(uint32_t wires, char *out, size_t cap)
{
	size_t len = 0;
	out[0] = '\0';
	for (unsigned n = 1; n <= PF_TXT_WIRE_MAX && len < cap; n++)
		if (wires & 1u << n)
			len += (size_t)snprintf(out + len, cap - len, "%s%u", len ? "," : "", n);
}

void discover_print(FILE *f, const struct discovery_host *hosts, size_t n_hosts)
{
	char addr[ADDR_TEXT_MAX], hex[TRUST_HEX_MAX], wires[128];
	for (size_t i = 0; i < n_hosts; i++) {
		const struct discovery_host *h = &hosts[i];
		addr_text(h->addr, addr);
		trust_hex(h->txt.fp, hex);
		wires_text(h->txt.wires, wires, sizeof(wires));
		fprintf(f, "%s\n  address %s:%u  pairing %s", h->name, addr, h->port,
			pair_text(&h->txt));
		if (h->txt.has_fp)
			fprintf(f, "  certificate %.16s…", hex);
		if (h->txt.os[0])
			fprintf(f, "  system %s", h->txt.os);
		if (h->txt.id[0])
			fprintf(f, "  id %s", h->txt.id);
		fprintf(f, "  wire %s%s\n", wires[0] ? wires : "unknown",
			h->txt.wires & 1u << 1 ? "" : " (not this client's)");
	}
}

static void put_string(FILE *f, const char *key, const char *text)
{
	char *quoted = text ? stats_quote(text) : NULL;
	fprintf(f, ", \"%s\": %s", key, quoted ? quoted : "null");
	free(quoted);
}

static void put_lists(FILE *f, const struct discovery_host *h)
{
	char addr[ADDR_TEXT_MAX], wires[128];
	fputs(", \"addresses\": [", f);
	for (size_t i = 0; i < h->n_addrs; i++) {
		addr_text(h->addrs[i], addr);
		fprintf(f, "%s\"%s\"", i ? ", " : "", addr);
	}
	fputs("], \"macs\": [", f);
	for (size_t i = 0; i < h->txt.n_macs; i++) {
		const uint8_t *m = h->txt.macs[i];
		fprintf(f, "%s\"%02x:%02x:%02x:%02x:%02x:%02x\"", i ? ", " : "", m[0], m[1], m[2],
			m[3], m[4], m[5]);
	}
	wires_text(h->txt.wires, wires, sizeof(wires));
	fprintf(f, "], \"wire\": [%s]", wires);
}

void discover_print_json(FILE *f, const struct discovery_host *hosts, size_t n_hosts)
{
	char addr[ADDR_TEXT_MAX], hex[TRUST_HEX_MAX];
	fputs("[", f);
	for (size_t i = 0; i < n_hosts; i++) {
		const struct discovery_host *h = &hosts[i];
		addr_text(h->addr, addr);
		trust_hex(h->txt.fp, hex);
		fprintf(f, "%s\n  {\"port\": %u", i ? "," : "", h->port);
		put_string(f, "name", h->name);
		put_string(f, "address", addr);
		put_string(f, "fingerprint", h->txt.has_fp ? hex : NULL);
		put_string(f, "pair", pair_text(&h->txt));
		put_string(f, "id", h->txt.id[0] ? h->txt.id : NULL);
		put_string(f, "os", h->txt.os[0] ? h->txt.os : NULL);
		fprintf(f, ", \"mgmt\": %u, \"old\": %s", h->txt.mgmt,
			h->txt.old ? "true" : "false");
		put_lists(f, h);
		fputs("}", f);
	}
	fputs(n_hosts ? "\n]\n" : "]\n", f);
}

static char *help(void)
{
	return args_help(
		"Usage: punktfunk-client discover [options]\n"
		"Lists the punktfunk hosts that announce themselves on this network.\n\nOptions:\n",
		rules, N_RULES,
		"\nWhat is listed is what somebody on the network says: the certificate is a hint, "
		"and "
		"only\npairing or --pin makes sure of a host.\n\nExit codes:\n"
		"  0  hosts were found\n"
		"  1  the command line is wrong\n"
		"  2  none was found, or avahi-daemon is not there\n"
		"  6  the list could not be written\n");
}

/* Listens, and prints what was heard. */
static int list_hosts(
	const struct discover_options *o, struct discovery_list *list, struct discovery_host *hosts)
{
	struct discovery_nets nets;
	char why[ARGS_MESSAGE_MAX];
	if (discovery_browse(list, o->timeout * 1000, NULL, why, sizeof(why)) < 0) {
		run_say("%s", why);
		return EXIT_CONNECT;
	}
	discovery_nets_read(&nets);
	size_t n = discovery_list_hosts(list, &nets, hosts, DISCOVERY_RECORDS_MAX);
	if (o->json)
		discover_print_json(stdout, hosts, n);
	else
		discover_print(stdout, hosts, n);
	if (fflush(stdout) != 0)
		return EXIT_OUTPUT;
	if (list->n_ignored)
		run_say("Left out: %" PRIu64 " announcements of another protocol, or that make no "
			"sense.",
			list->n_ignored);
	if (list->n_dropped)
		run_say("Somebody floods the network with announcements: %" PRIu64
			" more were left out, and hosts may be missing.",
			list->n_dropped);
	if (!n)
		run_say("No host was found in %u s. Is the host on, in this network, and does it "
			"listen for others (--bind)? Do both machines run avahi-daemon and let UDP "
			"port 5353 through their firewalls? A host whose address is known needs "
			"none "
			"of this: punktfunk-client --connect HOST.",
			o->timeout);
	return n ? EXIT_FINE : EXIT_CONNECT;
}

int discover_command(int argc, char **argv)
{
	struct discover_options o = {.timeout = DISCOVER_SECONDS};
	char message[ARGS_MESSAGE_MAX];
	if (args_parse(rules, N_RULES, &o, argc, argv, message) != PUNKTFUNK_OK) {
		run_say("%s", message);
		return EXIT_USAGE;
	}
	if (o.help)
		return command_help(help());
	if (o.version)
		return command_version();
	struct discovery_list *list = calloc(1, sizeof(*list));
	struct discovery_host *hosts = calloc(DISCOVERY_RECORDS_MAX, sizeof(*hosts));
	int code = EXIT_CONNECT;
	if (list && hosts)
		code = list_hosts(&o, list, hosts);
	else
		run_say("There is no memory left to look for hosts.");
	free(hosts);
	free(list);
	return code;
}
