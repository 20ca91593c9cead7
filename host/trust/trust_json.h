/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_TRUST_TRUST_JSON_H
#define HOST_TRUST_TRUST_JSON_H

#include <jansson.h>

#include "host/trust/trust.h"

/* The text of punktfunk1-paired.json. Thread: any. */

struct trust_list {
	size_t n;
	struct trust_client clients[TRUST_MAX];
};

/*
 * All of it or nothing. Members that are not known are ignored, as a later version may have more. why: what
 * is wrong and where ("line 3, column 7: …"). Errors: PF_E_INVALID, PF_E_NOMEM.
 */
int trust_json_read(struct trust_list *out, const char *text, size_t len, char *why,
	size_t why_len) PF_MUST_CHECK;
/* One client as the file has it, a new reference; NULL = no memory. */
json_t *trust_json_client(const struct trust_client *c);
/*
 * The client that the member "client" of args names, by its name or the beginning of its fingerprint. kind: a word for
 * what this list holds ("paired"), for why: one sentence. Errors: PF_E_INVALID.
 */
int trust_json_find(struct trust_client *out, const struct trust *t, const json_t *args,
	const char *kind, char *why, size_t why_len) PF_MUST_CHECK;
/* For free(); NULL = no memory. */
char *trust_json_write(const struct trust_list *list);

#endif
