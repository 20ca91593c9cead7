/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_NATIVE_NATIVE_H
#define HOST_NATIVE_NATIVE_H

#include <stdint.h>

#include "core/base/error.h"
#include "net/udp.h"

struct host;
struct native;

/*
 * The punktfunk/1 listener: QUIC on one UDP port, a data socket per session. Thread: the control loop.
 */

/*
 * Listens at once; on failure one sentence went to the log. on_done: enough sessions were served
 * (--max-sessions); may be NULL.
 */
int native_create(struct native **out, struct host *host, void (*on_done)(void *userdata),
	void *userdata) PF_MUST_CHECK;
/* Ends every session and tells the clients. Takes NULL. */
void native_destroy(struct native *n);
/*
 * The client of this fingerprint (32 bytes) has no access any more: a display that is kept for it goes. What
 * runs is not touched: end that first.
 */
void native_forget(struct native *n, const uint8_t *fp);

/* Where it listens, for who announces it. */
struct native_contact {
	union udp_addr local;
	uint8_t fp[32]; /* SHA-256 of the certificate */
};
int native_contact(const struct native *n, struct native_contact *out) PF_MUST_CHECK;

#endif
