/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_TRUST_TRUST_H
#define HOST_TRUST_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/quic/conn.h"
#include "core/wire/control.h"
#include "core/wire/handshake.h"

/*
 * The paired clients of a host, a list for each protocol: DIR/punktfunk1-paired.json (mode 0600), and beside it a
 * copy of the same text, punktfunk1-paired.json.bak, for a person to put back. Several processes may use one folder: each
 * change is made to what the file holds at that time, under the folder's lock, and trust_refresh() sees what
 * another process did.
 *
 * A file that cannot be trusted (damaged, too large, somebody else's, writable by others) counts as an empty
 * list, and nothing is written until a person has mended it: no stranger gets in and no pairing is lost.
 * Thread: one at a time per object.
 */

#define TRUST_FILE	      "punktfunk1-paired.json"
#define TRUST_GAMESTREAM_FILE "gamestream-paired.json"
#define TRUST_MAX	      256u	   /* clients: more than a household has; bounds the file */
#define TRUST_FILE_MAX	      (256u << 10) /* bytes: TRUST_MAX entries of the longest form, twice over */
#define TRUST_HEX_LEN	      (2u * PF_FINGERPRINT_LEN)

struct trust_client {
	uint8_t fp[PF_FINGERPRINT_LEN];
	char name[PF_NAME_MAX + 1]; /* printable UTF-8, never empty */
	int64_t paired_s;	    /* seconds since 1970 */
	int64_t expires_s;	    /* the same; 0 = never */
	uint8_t grants;		    /* enum pf_grant */
};

struct trust;

/*
 * file: the name of the list, a literal. Never fails because of the file: look at trust_problem(). Errors: PF_E_NOMEM,
 * PF_E_IO or PF_E_INVALID (the folder cannot be made or is not ours; why says so).
 */
int trust_create(struct trust **out, const char *dir, const char *file, char *why,
	size_t why_len) PF_MUST_CHECK;
void trust_destroy(struct trust *t); /* takes NULL */

/* What is wrong with the file, a sentence that says what to do; NULL = nothing. Until the next call. */
const char *trust_problem(const struct trust *t);

/* Takes over what another process wrote. Returns 1 when the list may have changed, 0 when not. */
int trust_refresh(struct trust *t);

size_t trust_count(const struct trust *t);
/* By position, oldest pairing first. Until the next change. */
const struct trust_client *trust_at(const struct trust *t, size_t i);
/* NULL = not paired. Until the next change. The comparison takes the same time for every fingerprint. */
const struct trust_client *trust_find(
	const struct trust *t, const uint8_t fp[static PF_FINGERPRINT_LEN]);
/*
 * The one client whose name is `key`, or whose fingerprint begins with the hex digits `key` (at least 4). A name
 * that reads like another's fingerprint counts beside it.
 * Errors: PF_E_NO_FRAME (none), PF_E_FULL (several).
 */
int trust_lookup(
	const struct trust *t, const char *key, const struct trust_client **out) PF_MUST_CHECK;

/*
 * Changes, on the disk when they return 0. put() adds a client or replaces the one of that fingerprint.
 * Errors, with why: PF_E_FULL (TRUST_MAX), PF_E_INVALID (trust_problem(): nothing was written), PF_E_IO,
 * PF_E_NOMEM; remove(): PF_E_NO_FRAME (not paired, nothing done).
 */
int trust_put(struct trust *t, const struct trust_client *client, char *why,
	size_t why_len) PF_MUST_CHECK;
int trust_remove(struct trust *t, const uint8_t fp[static PF_FINGERPRINT_LEN], char *why,
	size_t why_len) PF_MUST_CHECK;

/* --- texts --- */

void trust_hex(char out[static TRUST_HEX_LEN + 1], const uint8_t fp[static PF_FINGERPRINT_LEN]);
/* Exactly 64 hex digits, colons between them allowed. */
int trust_parse_hex(uint8_t fp[static PF_FINGERPRINT_LEN], const char *text) PF_MUST_CHECK;
/* Makes a name of a peer or a person printable; an empty one becomes "unnamed". */
void trust_clean_name(char out[static PF_NAME_MAX + 1], const char *name, size_t len);
/* "full", "controller", "view", or names with commas between ("keyboard,pointer"). */
int trust_parse_grants(uint8_t *out, const char *text) PF_MUST_CHECK;
#define TRUST_GRANTS_LEN 96u
void trust_format_grants(char out[static TRUST_GRANTS_LEN], uint8_t grants);
/*
 * "never" or "0" (0), "4h" (30s, 15m, 2d, 1w) from now, or a date in local time "2027-01-31" or
 * "2027-01-31T18:30". Errors: PF_E_INVALID (not a time, or it is over).
 */
int trust_parse_expiry(int64_t *out, const char *text, int64_t now_s) PF_MUST_CHECK;

#endif
