/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CLIENT_KNOWN_H
#define CLIENT_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/args.h"

/*
 * The hosts that this client has met, as text and as a list. A host is its certificate's SHA-256; addresses
 * are where it was found. Sans-IO: client/trust.h keeps it in a file. Thread: one at a time per object.
 */

#define KNOWN_HOSTS_MAX 4096u /* what 1 MiB of text holds, and more than anybody meets */
#define KNOWN_ADDRS_MAX 8u    /* of one host: names and networks of one machine */
#define KNOWN_MACS_MAX	8u    /* network cards of one machine */
#define KNOWN_MAC_LEN	6u
#define KNOWN_ID_MAX	64u   /* bytes; of the announcement */
#define KNOWN_LINE_MAX	4096u /* eight DNS names, and the rest encoded at its longest */

struct known_addr {
	char host[ARGS_HOST_MAX];
	uint16_t port;
};

struct known_host {
	uint8_t sha256[32];
	struct known_addr addrs[KNOWN_ADDRS_MAX]; /* at least one; the last used comes first */
	size_t n_addrs;
	char name[ARGS_NAME_MAX + 1]; /* "" = its address is its name */
	char id[KNOWN_ID_MAX + 1];    /* "" = never heard */
	bool paired;		      /* with a PIN: nobody was in between */
	bool unpaired;		      /* it said since then that it does not know this client */
	uint64_t used_s;	      /* CLOCK_REALTIME; 0 = not since this is noted */
	uint8_t macs[KNOWN_MACS_MAX][KNOWN_MAC_LEN];
	size_t n_macs;
};

struct known {
	struct known_host *hosts;
	size_t n_hosts, room;
	char *comments; /* lines that are empty or begin with '#', as they were */
	size_t comments_len;
};

/*
 * Reads the file's text into *k (zeroed by the caller, or finished). Errors, after which *k is empty:
 * PUNKTFUNK_E_INVALID (*bad_line: the line that makes no sense, from 1), PUNKTFUNK_E_FULL (too many
 * hosts), PUNKTFUNK_E_NOMEM.
 */
int known_parse(struct known *k, const char *text, size_t len, size_t *bad_line)
	__attribute__((warn_unused_result));
/* The text of it, malloc'd. Error: PUNKTFUNK_E_NOMEM. */
int known_format(const struct known *k, char **text, size_t *len)
	__attribute__((warn_unused_result));
/* Frees what it holds. */
void known_finish(struct known *k);

/* What people call it; never empty. */
const char *known_label(const struct known_host *h);
/* NULL when there is none; the first wins. Names of hosts and machines are compared without case. */
struct known_host *known_by_address(const struct known *k, const char *host, uint16_t port);
struct known_host *known_by_label(const struct known *k, const char *label);
struct known_host *known_by_sha256(const struct known *k, const uint8_t sha256[32]);

/* A new host at this address. Errors: NULL when memory or the list is full. Pointers into k end here. */
struct known_host *known_add(
	struct known *k, const uint8_t sha256[32], const char *host, uint16_t port);
void known_remove(struct known *k, struct known_host *h);
/*
 * The host was reached here: this address comes first from now on. One that is new to a host with
 * KNOWN_ADDRS_MAX is not taken: a forgotten address would be a stranger's to take.
 */
void known_put_address(struct known_host *h, const char *host, uint16_t port);
/* This address is no longer that host's. A host without any is removed. */
void known_take_address(struct known *k, struct known_host *h, const char *host, uint16_t port);

#endif
