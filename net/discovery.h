/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef NET_DISCOVERY_H
#define NET_DISCOVERY_H

#include <stdint.h>

#include "net/discovery_list.h"

/*
 * DNS-SD through avahi-daemon: hosts announce `_punktfunk._udp` with the port of QUIC, clients look for it (wire 1).
 * A build without libavahi-client has the same functions; they return PF_E_UNSUPPORTED.
 */

#define DISCOVERY_SERVICE	     "_punktfunk._udp"
#define DISCOVERY_SERVICE_GAMESTREAM "_nvstream._tcp" /* for Moonlight, which reads no TXT record */

enum discovery_note {
	DISCOVERY_ANNOUNCED, /* text: the name, which is another than the one asked for when that was taken */
	DISCOVERY_WAITING, /* text: why not now, and what to do; it goes on by itself then */
	DISCOVERY_FAILED,  /* text: why not, and what to do; it is tried again later */
};

struct discovery_publisher;
struct discovery_publisher_params {
	const char *name; /* UTF-8; cut to what a DNS label takes */
	const char *
		service; /* a literal; NULL = DISCOVERY_SERVICE. Another has no TXT record: txt is not used */
	uint16_t port;
	uint32_t only_addr; /* announce on the network of this address of ours only; 0 = on all */
	struct pf_txt txt;
	/* Thread: the publisher's own. A state is told once, not again and again. */
	void (*on_note)(enum discovery_note note, const char *text, void *userdata);
	void *userdata;
};

/*
 * Announces on a thread of its own, as the calls of libavahi wait for the daemon. There need be no daemon and no
 * system bus yet, and both may go and come back. Errors: PF_E_UNSUPPORTED, PF_E_NOMEM, PF_E_INVALID (the name is
 * empty, or the record too long).
 */
int discovery_publisher_create(struct discovery_publisher **out,
	const struct discovery_publisher_params *params) PF_MUST_CHECK;
/* Takes the announcement back. Takes NULL. */
void discovery_publisher_destroy(struct discovery_publisher *p);
/* Announces this record from now on; does not wait. Errors: PF_E_INVALID (too long). Thread: any. */
int discovery_publisher_update(
	struct discovery_publisher *p, const struct pf_txt *txt) PF_MUST_CHECK;

struct discovery_watch {
	/* After each change of the list: a host came, went, or says something else. Returns false to end. May be NULL. */
	bool (*on_change)(const struct discovery_list *list, void *userdata);
	void *userdata;
};

/*
 * Listens for timeout_ms on the calling thread and keeps *list, which the caller zeroed. Only IPv4 is used.
 * why: a sentence that says what to do, on an error. Errors: PF_E_UNSUPPORTED, PF_E_CLOSED (no system bus, or no
 * avahi-daemon), PF_E_NOMEM, PF_E_IO.
 */
int discovery_browse(struct discovery_list *list, uint32_t timeout_ms,
	const struct discovery_watch *watch, char *why, size_t why_len) PF_MUST_CHECK;

#endif
