/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_NATIVE_ACCESS_H
#define HOST_NATIVE_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/*
 * Who may have a session, and what it may do: between the paired clients (host/trust) and the connections of
 * native.c. A client is the exact SHA-256 of its leaf certificate, nothing else. Thread: the control loop.
 */

struct access;
struct native;
struct native_client;

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

/* pair.c: PairRequest and PairProof; returns an error only for bytes that the wire does not allow. */
int pair_payload(struct native_client *c, const uint8_t *payload, size_t len) PF_MUST_CHECK;
void pair_forget(struct native_client *c);

#endif
