/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_INTEGRATION_ACCESS_RIG_H
#define TESTS_INTEGRATION_ACCESS_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "core/pair/pair.h"
#include "core/wire/control.h"
#include "core/wire/handshake.h"
#include "host/trust/trust.h"
#include "tests/integration/raw_client.h"
#include "tests/support/host_process.h"

/*
 * A real host that requires pairing, the person in front of it (its control socket), and three devices. Every
 * wait is bounded and asserts.
 */

#define MS 1000000ull

extern struct host_process rig_host;
extern struct pf_identity *rig_alice, *rig_bob, *rig_carol;

int rig_start_host(void **state);
int rig_end_host(void **state);
/* Nobody is paired, no PIN is out. */
int rig_fresh(void **state);

/* --- the person; args are taken over --- */

/* Returns what ctl_request() does; result may be NULL. */
int rig_command(const char *name, json_t *args, json_t **result, char *why, size_t why_len);
void rig_must(const char *name, json_t *args);
/* The host says no, with these words. */
void rig_refused(const char *name, json_t *args, const char *words);
void rig_arm(char pin[static 5], json_t *args);
json_t *rig_list_of(const char *name);
/* Entries of the array `list` in the result of `name`. */
size_t rig_n_in(const char *name, const char *list);
/* {"knock": fingerprint} */
json_t *rig_knock_of(const struct pf_identity *who);

/* --- the list on the disk, by another program --- */

struct trust *rig_open_list(void);
bool rig_is_stored(const struct pf_identity *who);
void rig_hex_of(const struct pf_identity *who, char out[static TRUST_HEX_LEN + 1]);

/* --- a device; who NULL = it shows no certificate --- */

void rig_say(struct raw *r, const struct pf_msg *m);
/* The next typed message, taken off r. Its spans live until the next call. */
void rig_hear(struct raw *r, struct pf_msg *m);
/* TLS and PairRequest. */
struct pf_pair_client *rig_request(
	struct raw *r, const struct pf_identity *who, const char *name, const char *pin);
/* PairChallenge. Returns what the client thinks of it; proof is ready on PF_OK. */
int rig_challenge(struct raw *r, struct pf_pair_client *c, struct pf_msg *proof);
/* The rest of a ceremony that goes well; destroys c. */
void rig_succeed(struct raw *r, struct pf_pair_client *c);
void rig_pair(const struct pf_identity *who, const char *name, json_t *terms);
void rig_pair_refused(
	const struct pf_identity *who, const char *pin, uint64_t code, const char *words);
void rig_wrong_pin(char out[static 5], const char *pin);

void rig_hello(struct raw *r, const struct pf_identity *who);
void rig_welcomed(struct raw *r, struct pf_welcome *w);
void rig_quit(struct raw *r);
void rig_is_let_in(const struct pf_identity *who);
/* A Hello is parked: nothing comes back, and the person sees n_listed knocks. */
void rig_knocks(struct raw *r, const struct pf_identity *who, size_t n_listed);

#endif
