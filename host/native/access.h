/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_NATIVE_ACCESS_H
#define HOST_NATIVE_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/wire/datagram.h"
#include "host/trust/arming.h"
#include "host/trust/knocks.h"
#include "host/trust/trust.h"

/*
 * Who may have a session, and what it may do: between the paired clients (host/trust) and the connections of
 * native.c. A client is the exact SHA-256 of its leaf certificate, nothing else. Thread: the control loop.
 */

struct ctl;
struct loop_source;
struct native;
struct native_client;

/* How the last ceremony ended, for the person who armed. */
struct pair_outcome {
	uint64_t number; /* counts ceremonies; 0 = there was none */
	bool paired;
	char name[PF_NAME_MAX + 1], from[64];
	uint8_t fp[PF_FINGERPRINT_LEN];
	const char *why; /* literal; of a failure */
};

/* Fields are for access.c, access_ctl.c and pair.c. */
struct access {
	struct native *native;
	struct trust *trust;
	struct knocks knocks;
	struct arming arming;
	uint8_t new_grants;    /* of who pairs with the PIN that is armed */
	int64_t new_expires_s; /* the same; 0 = never */
	struct pair_outcome outcome;
	struct loop_source *timer;
	int watch; /* inotify on the folder of the paired clients */
	struct loop_source *watched;
};

/* Loads the paired clients and registers the commands of pairing. On failure one sentence went to the log. */
int access_create(struct access **out, struct native *n) PF_MUST_CHECK;
void access_destroy(struct access *a); /* takes NULL */

/*
 * A Hello of c was read and its name taken. true: go on, c->grants and c->access_ends_ns are set. false: c was
 * refused (native_end() was called) or it is parked (CLIENT_PARKED) until handshake_admitted(c) is called.
 */
bool access_admit(struct native_client *c) PF_MUST_CHECK;
/* c goes away, or its session ends: nothing of access refers to it after this. */
void access_forget(struct native_client *c);
/* Whole seconds until c's access ends, for Welcome and AccessUpdate; 0 = never. */
uint32_t access_left_s(const struct native_client *c);
/* The client's grants as it is told them: without what its session can do nothing with. */
uint8_t access_told(const struct native_client *c);
/* The grant that an input event needs, one bit of enum pf_grant. */
uint8_t access_input_grant(const struct pf_input *event);

/* A client was paired or approved (it is in a->trust): one of it that is parked goes on. */
void access_paired(struct access *a, const uint8_t fp[static PF_FINGERPRINT_LEN]);
/* Looks whether another program changed the list of paired clients, and acts on it. */
void access_refresh(struct access *a);
/* The list of paired clients changed: sessions end, or are told what they may do now. */
void access_apply(struct access *a);
/* Ends whatever this client has here: session, parked knock, kept display. Returns how many connections. */
unsigned access_expel(
	struct access *a, const uint8_t fp[static PF_FINGERPRINT_LEN], const char *reason);
/* Sets the timer for what is due next. */
void access_rearm(struct access *a);

/* access_ctl.c: the commands pair.*, client.* and knock.* of the control socket. */
int access_register(struct access *a, struct ctl *ctl) PF_MUST_CHECK;

/* pair.c: PairRequest and PairProof; returns an error only for bytes that the wire does not allow. */
int pair_payload(struct native_client *c, const uint8_t *payload, size_t len) PF_MUST_CHECK;
void pair_timeout(struct native_client *c);
/* The ceremony of c, if it has one, ends without a pairing. */
void pair_take_back(struct native_client *c);
void pair_forget(struct native_client *c);

#endif
