/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/trust/knocks.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "host/trust/trust.h"

#define PREFIX_MIN 4u  /* hex digits: fewer are typed by mistake */
#define NUMBER_MAX 10u /* digits of a knock's number, which has 32 bits */

void knocks_init(struct knocks *k, uint64_t parked_ns)
{
	*k = (struct knocks){.parked_ns = parked_ns};
}

static struct knock *of_client(struct knocks *k, const uint8_t *fp)
{
	for (size_t i = 0; i < KNOCKS_MAX; i++)
		if (k->list[i].number && !memcmp(k->list[i].fp, fp, PF_FINGERPRINT_LEN))
			return &k->list[i];
	return NULL;
}

/*
 * A place for a newcomer: a free one, else that of the oldest entry whose connection has gone. A stranger who
 * knocks with certificate after certificate pushes out his own entries only, as far as his address tells.
 */
static struct knock *place(struct knocks *k, const struct knock *newcomer)
{
	struct knock *oldest = NULL, *own = NULL, *spare = NULL;
	unsigned n_own = 0;
	for (size_t i = 0; i < KNOCKS_MAX; i++) {
		struct knock *e = &k->list[i];
		if (!e->number) {
			spare = e;
			continue;
		}
		bool same = !memcmp(e->address, newcomer->address, sizeof(e->address));
		n_own += same;
		if (e->parked)
			continue;
		if (!oldest || e->since_ns < oldest->since_ns)
			oldest = e;
		if (same && (!own || e->since_ns < own->since_ns))
			own = e;
	}
	if (n_own >= KNOCKS_PER_ADDRESS)
		return own;
	return spare ? spare : oldest;
}

int knocks_add(struct knocks *k, uint64_t now_ns, const struct knock *knock, void **superseded)
{
	*superseded = NULL;
	struct knock *at = of_client(k, knock->fp);
	if (at && at->denied)
		return PF_E_DENIED;
	if (at)
		*superseded = at->parked;
	else
		at = place(k, knock);
	if (!at)
		return PF_E_RATE_LIMITED;
	/* A client that knocks again keeps its number: a person may be about to type it. */
	bool again = !memcmp(at->fp, knock->fp, sizeof(at->fp)) && at->number;
	uint32_t number = again ? at->number : ++k->last_number;
	*at = *knock;
	at->number = number;
	at->since_ns = now_ns;
	return PF_OK;
}

void knocks_unpark(struct knocks *k, const void *parked)
{
	for (size_t i = 0; i < KNOCKS_MAX; i++)
		if (k->list[i].number && k->list[i].parked == parked)
			k->list[i].parked = NULL;
}

const struct knock *knocks_next(const struct knocks *k, const struct knock *before)
{
	for (const struct knock *e = before ? before + 1 : k->list; e < k->list + KNOCKS_MAX; e++)
		if (e->number)
			return e;
	return NULL;
}

int knocks_lookup(const struct knocks *k, const char *key, const struct knock **out)
{
	size_t len = strlen(key), n = 0;
	/*
	 * Digits are a number and nothing else: when that knock has gone meanwhile, the key must not let in a
	 * stranger whose fingerprint begins so. Nobody types so many digits of a fingerprint without a letter.
	 */
	bool by_number = len <= NUMBER_MAX && strspn(key, "0123456789") == len;
	for (const struct knock *e = knocks_next(k, NULL); e; e = knocks_next(k, e)) {
		char text[TRUST_HEX_LEN + 1];
		if (by_number)
			snprintf(text, sizeof(text), "%u", e->number);
		else
			trust_hex(text, e->fp);
		if (by_number ? strcmp(text, key) != 0
			      : len < PREFIX_MIN || strncasecmp(text, key, len) != 0)
			continue;
		*out = e;
		n++;
	}
	return n == 1 ? PF_OK : n ? PF_E_FULL : PF_E_NO_FRAME;
}

void knocks_remove(struct knocks *k, uint32_t number)
{
	for (size_t i = 0; i < KNOCKS_MAX; i++)
		if (k->list[i].number == number)
			k->list[i] = (struct knock){0};
}

void *knocks_deny(struct knocks *k, uint32_t number)
{
	for (size_t i = 0; i < KNOCKS_MAX; i++) {
		void *parked = k->list[i].parked;
		if (k->list[i].number != number)
			continue;
		k->list[i].denied = true;
		k->list[i].parked = NULL;
		return parked;
	}
	return NULL;
}

void *knocks_expire(struct knocks *k, uint64_t now_ns)
{
	for (size_t i = 0; i < KNOCKS_MAX; i++) {
		struct knock *e = &k->list[i];
		if (!e->number)
			continue;
		if (e->parked && now_ns >= e->since_ns + k->parked_ns) {
			void *parked = e->parked;
			e->parked = NULL;
			return parked;
		}
		if (!e->parked && now_ns >= e->since_ns + KNOCKS_LISTED_NS)
			*e = (struct knock){0};
	}
	return NULL;
}

uint64_t knocks_deadline(const struct knocks *k)
{
	uint64_t first = UINT64_MAX;
	for (size_t i = 0; i < KNOCKS_MAX; i++) {
		const struct knock *e = &k->list[i];
		uint64_t at = e->since_ns + (e->parked ? k->parked_ns : KNOCKS_LISTED_NS);
		if (e->number && at < first)
			first = at;
	}
	return first;
}
