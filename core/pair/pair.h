/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_PAIR_PAIR_H
#define PF_PAIR_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/*
 * The pairing ceremony (wire 5), sans-IO: host and connector only move bytes.
 *
 *     client                                        host
 *     start()                 PairRequest    ->     request()
 *     challenge()         <-  PairChallenge
 *                             PairProof      ->     proof()
 *     result()            <-  PairResult
 *
 * An object is good for one ceremony, in this order. Whatever fails spends it: its secrets are wiped at once,
 * and every later call is PF_E_CLOSED. A call out of order is a peer's message out of order, PF_E_BAD_PACKET,
 * and spends the object too.
 *
 * Both fingerprints are those of the certificates that this very connection was made with, our own and the one
 * that the peer showed in TLS: that is what betrays somebody in between.
 *
 * Thread: one at a time per object; a call takes under a millisecond of processor time. Secrets (PIN,
 * random, the object's own) never decide a branch or an address, but for whether a step succeeds.
 */

#define PF_PAIR_MESSAGE_LEN	33u /* a side byte and a point of Ed25519: the SPAKE2 message */
#define PF_PAIR_CONFIRM_LEN	32u /* HMAC-SHA256 */
#define PF_PAIR_FINGERPRINT_LEN 32u /* SHA-256 of a leaf certificate's DER */
#define PF_PAIR_RANDOM_LEN	64u /* reduced to a scalar of 252 bits without bias */

/* --- the PIN --- */

#define PF_PIN_LEN	  4u
#define PF_PIN_RANDOM_LEN 32u

/*
 * A uniformly random PIN of 4 digits and its terminator out of the caller's random bytes. The caller wipes
 * both. Errors: PF_E_AGAIN (draw again; once in 2^150 calls).
 */
int pf_pin_make(char pin[static PF_PIN_LEN + 1],
	const uint8_t random[static PF_PIN_RANDOM_LEN]) PF_MUST_CHECK;

/* Exactly 4 ASCII digits? pin may be NULL (then: no). */
bool pf_pin_valid(const char *pin);

/* --- the client's side --- */

struct pf_pair_client;

/*
 * Everything is copied; the caller wipes pin and random. random is fresh for each ceremony and never used
 * again. Errors: PF_E_INVALID (the PIN's form), PF_E_NOMEM, PF_E_CRYPTO.
 */
int pf_pair_client_create(struct pf_pair_client **out, const char *pin,
	const uint8_t client_fp[static PF_PAIR_FINGERPRINT_LEN],
	const uint8_t host_fp[static PF_PAIR_FINGERPRINT_LEN],
	const uint8_t random[static PF_PAIR_RANDOM_LEN]) PF_MUST_CHECK;
void pf_pair_client_destroy(struct pf_pair_client *c); /* takes NULL; wipes */

/* The SPAKE2 message of PairRequest. Errors: PF_E_CLOSED. */
int pf_pair_client_start(
	struct pf_pair_client *c, uint8_t message[static PF_PAIR_MESSAGE_LEN]) PF_MUST_CHECK;

/*
 * The SPAKE2 message and the confirmation of PairChallenge; on success proof is PairProof's, to be sent now.
 * Errors: PF_E_BAD_PACKET (a length, the side byte or the point is wrong, or nothing was asked yet),
 * PF_E_CRYPTO (the confirmation does not fit: another PIN, or somebody is in between; the two cannot be told
 * apart, and a person must be told of both), PF_E_CLOSED.
 */
int pf_pair_client_challenge(struct pf_pair_client *c, const uint8_t *message, size_t message_len,
	const uint8_t *confirm, size_t confirm_len,
	uint8_t proof[static PF_PAIR_CONFIRM_LEN]) PF_MUST_CHECK;

/*
 * The byte of PairResult. PF_OK: the host's fingerprint may be stored as paired; by nothing else.
 * Errors: PF_E_CRYPTO (the host says no), PF_E_BAD_PACKET (before the proof), PF_E_CLOSED.
 */
int pf_pair_client_result(struct pf_pair_client *c, uint8_t ok) PF_MUST_CHECK;

/* --- the host's side --- */

struct pf_pair_host;

/* As pf_pair_client_create(). */
int pf_pair_host_create(struct pf_pair_host **out, const char *pin,
	const uint8_t client_fp[static PF_PAIR_FINGERPRINT_LEN],
	const uint8_t host_fp[static PF_PAIR_FINGERPRINT_LEN],
	const uint8_t random[static PF_PAIR_RANDOM_LEN]) PF_MUST_CHECK;
void pf_pair_host_destroy(struct pf_pair_host *h); /* takes NULL; wipes */

/*
 * The SPAKE2 message of PairRequest; on success message and confirm are PairChallenge's. Burn the PIN before
 * this is called, whatever comes out: who reads the answer knows whether the PIN that he tried was right.
 * Errors: PF_E_BAD_PACKET (length, side byte or point), PF_E_CRYPTO (a message made for one PIN, with nothing
 * in it but that), PF_E_CLOSED.
 */
int pf_pair_host_request(struct pf_pair_host *h, const uint8_t *client_message,
	size_t client_message_len, uint8_t message[static PF_PAIR_MESSAGE_LEN],
	uint8_t confirm[static PF_PAIR_CONFIRM_LEN]) PF_MUST_CHECK;

/*
 * The confirmation of PairProof. PF_OK: the client's fingerprint may be stored as paired; by nothing else.
 * Errors: PF_E_CRYPTO (it does not fit), PF_E_BAD_PACKET (its length, or no request before it), PF_E_CLOSED.
 */
int pf_pair_host_proof(
	struct pf_pair_host *h, const uint8_t *confirm, size_t confirm_len) PF_MUST_CHECK;

#endif
