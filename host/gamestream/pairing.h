/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GAMESTREAM_PAIRING_H
#define HOST_GAMESTREAM_PAIRING_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/wire/handshake.h"
#include "host/gamestream/cert.h"
#include "net/udp.h"

/*
 * Pairing with a Moonlight client (docs/gamestream.md, Pairing), without input and output: requests come as their
 * arguments, answers go back as text, the time is an argument.
 *
 * An attempt is what one device (uniqueid, address, certificate) began with its certificate and a salt. It waits for
 * the PIN that the device shows, takes exactly the next step each time, and any other word ends it: one guess an
 * attempt. The steps after the PIN do not name the certificate, so that of one uniqueid and address only one attempt
 * is past its PIN at a time. Thread: one at a time per object.
 */

struct gs_identity;
struct pairing;

#define PAIRING_MAX 16u /* attempts that wait: more devices than a person has in hand */
#define PAIRING_PER_ADDRESS \
	4u /* of one household; a stranger with one address cannot fill the list */
#define PAIRING_WAIT_NS	     300000000000ull /* for a person to type the PIN */
#define PAIRING_STEP_NS	     20000000000ull /* for a device's next step, which takes it milliseconds */
#define PAIRING_UNIQUEID_MAX 64u

#define PAIRING_CHALLENGE_LEN 48u /* bytes of the answers */
#define PAIRING_SECRET_MAX    (16u + GS_CERT_SIG_MAX)

struct pairing_from {
	const char *uniqueid; /* as the client sends it; NULL = none */
	const union udp_addr *peer;
};

/* A device that waits for its PIN. */
struct pairing_device {
	uint32_t number; /* for a person to name it by; never used twice */
	uint8_t fp[GS_CERT_FP_LEN];
	union udp_addr peer;
	uint64_t since_ns;
	char name[PF_NAME_MAX + 1]; /* that the person gave it with the PIN; may be empty */
	void *parked;		    /* the caller's: what is answered when the PIN came */
};

int pairing_create(struct pairing **out, const struct gs_identity *id) PF_MUST_CHECK;
void pairing_destroy(struct pairing *p); /* wipes; takes NULL; what is parked stays the caller's */

/*
 * Step 1: salt and certificate. *out is what waits now. An older attempt of the same device ends. Errors:
 * PF_E_BAD_PACKET (what came makes no sense), PF_E_INVALID (a certificate of a kind that is not taken), PF_E_FULL,
 * PF_E_NOMEM.
 */
int pairing_begin(struct pairing *p, uint64_t now_ns, const struct pairing_from *from,
	const char *salt, const char *clientcert, void *parked,
	struct pairing_device *out) PF_MUST_CHECK;
/*
 * A person typed the PIN for device `number`; 0 = for the only one. name: printable, may be empty. *out is that
 * device, whose parked is to be answered; it is not parked here any more. Errors: PF_E_INVALID (not four digits),
 * PF_E_NO_FRAME (no such device waits), PF_E_FULL (several wait: which?), PF_E_BUSY (another of the same id and
 * address is at it).
 */
int pairing_pin(struct pairing *p, uint64_t now_ns, const char *pin, uint32_t number,
	const char *name, struct pairing_device *out) PF_MUST_CHECK;
/* Steps 2 and 3. out: hex of the answer. Errors, the attempt is over: PF_E_BAD_PACKET, PF_E_CRYPTO. */
int pairing_challenge(struct pairing *p, uint64_t now_ns, const struct pairing_from *from,
	const char *clientchallenge, char out[static 2 * PAIRING_CHALLENGE_LEN + 1]) PF_MUST_CHECK;
int pairing_response(struct pairing *p, uint64_t now_ns, const struct pairing_from *from,
	const char *serverchallengeresp, char out[static 2 * PAIRING_SECRET_MAX + 1]) PF_MUST_CHECK;
/*
 * Step 4. PF_OK: *out is paired, and the caller stores it. The attempt is over either way. Errors: as above;
 * PF_E_CRYPTO is a wrong PIN or a wrong key.
 */
int pairing_secret(struct pairing *p, uint64_t now_ns, const struct pairing_from *from,
	const char *clientpairingsecret, struct pairing_device *out) PF_MUST_CHECK;
/* The client says that it gave up: what is past its PIN ends. Returns its number, 0 = there was none. */
uint32_t pairing_cancel(struct pairing *p, const struct pairing_from *from);
/* The connection of step 1 has gone: the attempt ends. */
void pairing_gone(struct pairing *p, const void *parked);

/* Devices that wait, oldest first, at most max. */
size_t pairing_list(const struct pairing *p, struct pairing_device *out, size_t max);
/* After each call and when time is up: what is parked of an attempt that ended meanwhile; NULL = no more. */
void *pairing_reap(struct pairing *p, uint64_t now_ns);
/* When to call it next; UINT64_MAX = nothing waits. */
uint64_t pairing_deadline(const struct pairing *p);

#endif
