/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/pair/pair.h"

#include <string.h>

#include <gnutls/crypto.h>

#include "core/base/alloc.h"
#include "core/pair/spake2.h"

#define HOST_LABEL   "punktfunk-pair-host"
#define CLIENT_LABEL "punktfunk-pair-client"
#define LABEL_MAX    sizeof(CLIENT_LABEL) /* the longer one */

enum step {
	STEP_FRESH,
	STEP_ASKED,  /* client: X is out */
	STEP_PROVED, /* client: the host knows the PIN, our proof is out */
	STEP_WAITS,  /* host: Y is out */
	STEP_SPENT,
};

struct pf_pair_client {
	enum step step;
	uint8_t client_fp[PF_PAIR_FINGERPRINT_LEN], host_fp[PF_PAIR_FINGERPRINT_LEN];
	struct pf_spake2 *spake;
};

struct pf_pair_host {
	enum step step;
	uint8_t client_fp[PF_PAIR_FINGERPRINT_LEN], host_fp[PF_PAIR_FINGERPRINT_LEN];
	struct pf_spake2 *spake;
	uint8_t expected[PF_PAIR_CONFIRM_LEN]; /* of the client; from request() on */
};

/*
 * HMAC-SHA256(key, label || client fingerprint || host fingerprint), the label without a terminator. One
 * side cannot send back what the other sent: the labels differ.
 */
static int confirmation(uint8_t out[static PF_PAIR_CONFIRM_LEN],
	const uint8_t key[static PF_SPAKE2_KEY_LEN], const char *label,
	const uint8_t client_fp[static PF_PAIR_FINGERPRINT_LEN],
	const uint8_t host_fp[static PF_PAIR_FINGERPRINT_LEN])
{
	uint8_t text[LABEL_MAX + 2 * PF_PAIR_FINGERPRINT_LEN];
	const size_t len = strlen(label);
	pf_check(len <= LABEL_MAX);
	memcpy(text, label, len);
	memcpy(text + len, client_fp, PF_PAIR_FINGERPRINT_LEN);
	memcpy(text + len + PF_PAIR_FINGERPRINT_LEN, host_fp, PF_PAIR_FINGERPRINT_LEN);
	const int err = gnutls_hmac_fast(GNUTLS_MAC_SHA256, key, PF_SPAKE2_KEY_LEN, text,
		len + 2 * PF_PAIR_FINGERPRINT_LEN, out);
	return err < 0 ? PF_E_CRYPTO : PF_OK;
}

static void client_spend(struct pf_pair_client *c)
{
	pf_spake2_destroy(c->spake);
	pf_wipe(c, sizeof(*c));
	c->step = STEP_SPENT;
}

/* PF_OK when `at` is where the ceremony is; else the object is spent. */
static int client_expect(struct pf_pair_client *c, enum step at)
{
	if (c->step == at)
		return PF_OK;
	const bool spent = c->step == STEP_SPENT;
	client_spend(c);
	return spent ? PF_E_CLOSED : PF_E_BAD_PACKET;
}

int pf_pair_client_create(struct pf_pair_client **out, const char *pin,
	const uint8_t client_fp[static PF_PAIR_FINGERPRINT_LEN],
	const uint8_t host_fp[static PF_PAIR_FINGERPRINT_LEN],
	const uint8_t random[static PF_PAIR_RANDOM_LEN])
{
	*out = NULL;
	if (!pf_pin_valid(pin))
		return PF_E_INVALID;
	struct pf_pair_client *c = pf_calloc(1, sizeof(*c));
	if (!c)
		return PF_E_NOMEM;
	memcpy(c->client_fp, client_fp, sizeof(c->client_fp));
	memcpy(c->host_fp, host_fp, sizeof(c->host_fp));
	int err = pf_spake2_create(&c->spake, PF_SPAKE2_A, pin, client_fp, host_fp, random);
	if (err)
		goto fail;
	*out = c;
	return PF_OK;
fail:
	pf_pair_client_destroy(c);
	return err;
}

void pf_pair_client_destroy(struct pf_pair_client *c)
{
	if (!c)
		return;
	client_spend(c);
	pf_free(c);
}

int pf_pair_client_start(struct pf_pair_client *c, uint8_t message[static PF_PAIR_MESSAGE_LEN])
{
	int err = client_expect(c, STEP_FRESH);
	if (err)
		return err;
	pf_spake2_message(c->spake, message);
	c->step = STEP_ASKED;
	return PF_OK;
}

/* The host's confirmation against the one that its message and our PIN give; then ours. */
static int client_prove(const struct pf_pair_client *c, const uint8_t *message, size_t message_len,
	const uint8_t confirm[static PF_PAIR_CONFIRM_LEN],
	uint8_t proof[static PF_PAIR_CONFIRM_LEN])
{
	struct {
		uint8_t key[PF_SPAKE2_KEY_LEN], expected[PF_PAIR_CONFIRM_LEN];
	} t;
	int err = pf_spake2_key(c->spake, message, message_len, t.key);
	if (!err)
		err = confirmation(t.expected, t.key, HOST_LABEL, c->client_fp, c->host_fp);
	if (!err && gnutls_memcmp(t.expected, confirm, PF_PAIR_CONFIRM_LEN))
		err = PF_E_CRYPTO;
	if (!err)
		err = confirmation(proof, t.key, CLIENT_LABEL, c->client_fp, c->host_fp);
	pf_wipe(&t, sizeof(t));
	return err;
}

int pf_pair_client_challenge(struct pf_pair_client *c, const uint8_t *message, size_t message_len,
	const uint8_t *confirm, size_t confirm_len, uint8_t proof[static PF_PAIR_CONFIRM_LEN])
{
	int err = client_expect(c, STEP_ASKED);
	if (err)
		return err;
	err = PF_E_BAD_PACKET;
	if (confirm_len == PF_PAIR_CONFIRM_LEN)
		err = client_prove(c, message, message_len, confirm, proof);
	client_spend(c);
	if (!err)
		c->step = STEP_PROVED;
	return err;
}

int pf_pair_client_result(struct pf_pair_client *c, uint8_t ok)
{
	int err = client_expect(c, STEP_PROVED);
	if (err)
		return err;
	client_spend(c);
	return ok == 1 ? PF_OK : PF_E_CRYPTO;
}

static void host_spend(struct pf_pair_host *h)
{
	pf_spake2_destroy(h->spake);
	pf_wipe(h, sizeof(*h));
	h->step = STEP_SPENT;
}

static int host_expect(struct pf_pair_host *h, enum step at)
{
	if (h->step == at)
		return PF_OK;
	const bool spent = h->step == STEP_SPENT;
	host_spend(h);
	return spent ? PF_E_CLOSED : PF_E_BAD_PACKET;
}

int pf_pair_host_create(struct pf_pair_host **out, const char *pin,
	const uint8_t client_fp[static PF_PAIR_FINGERPRINT_LEN],
	const uint8_t host_fp[static PF_PAIR_FINGERPRINT_LEN],
	const uint8_t random[static PF_PAIR_RANDOM_LEN])
{
	*out = NULL;
	if (!pf_pin_valid(pin))
		return PF_E_INVALID;
	struct pf_pair_host *h = pf_calloc(1, sizeof(*h));
	if (!h)
		return PF_E_NOMEM;
	memcpy(h->client_fp, client_fp, sizeof(h->client_fp));
	memcpy(h->host_fp, host_fp, sizeof(h->host_fp));
	int err = pf_spake2_create(&h->spake, PF_SPAKE2_B, pin, client_fp, host_fp, random);
	if (err)
		goto fail;
	*out = h;
	return PF_OK;
fail:
	pf_pair_host_destroy(h);
	return err;
}

void pf_pair_host_destroy(struct pf_pair_host *h)
{
	if (!h)
		return;
	host_spend(h);
	pf_free(h);
}

int pf_pair_host_request(struct pf_pair_host *h, const uint8_t *client_message,
	size_t client_message_len, uint8_t message[static PF_PAIR_MESSAGE_LEN],
	uint8_t confirm[static PF_PAIR_CONFIRM_LEN])
{
	uint8_t key[PF_SPAKE2_KEY_LEN];
	int err = host_expect(h, STEP_FRESH);
	if (err)
		return err;
	err = pf_spake2_key(h->spake, client_message, client_message_len, key);
	if (!err)
		err = confirmation(confirm, key, HOST_LABEL, h->client_fp, h->host_fp);
	if (!err)
		err = confirmation(h->expected, key, CLIENT_LABEL, h->client_fp, h->host_fp);
	pf_wipe(key, sizeof(key));
	if (err) {
		host_spend(h);
		return err;
	}
	pf_spake2_message(h->spake, message);
	/* Only the expected confirmation is needed from here on. */
	pf_spake2_destroy(h->spake);
	h->spake = NULL;
	h->step = STEP_WAITS;
	return PF_OK;
}

int pf_pair_host_proof(struct pf_pair_host *h, const uint8_t *confirm, size_t confirm_len)
{
	int err = host_expect(h, STEP_WAITS);
	if (err)
		return err;
	err = PF_E_BAD_PACKET;
	if (confirm_len == PF_PAIR_CONFIRM_LEN)
		err = gnutls_memcmp(h->expected, confirm, PF_PAIR_CONFIRM_LEN) ? PF_E_CRYPTO
									       : PF_OK;
	host_spend(h);
	return err;
}
