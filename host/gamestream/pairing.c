/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/pairing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "core/base/alloc.h"
#include "host/gamestream/hex.h"
#include "host/gamestream/identity.h"

#define BLOCK_LEN 16u
#define HASH_LEN  32u
#define PIN_LEN	  4u
/* Waiting ones, and one past its PIN for each. */
#define SLOTS (2u * PAIRING_MAX)

enum phase { FREE, WANTS_PIN, WANTS_CHALLENGE, WANTS_RESPONSE, WANTS_SECRET, DEAD };

struct attempt {
	enum phase phase;
	char uniqueid[PAIRING_UNIQUEID_MAX + 1];
	struct pairing_device device;
	uint64_t deadline_ns;
	struct gs_cert cert;
	uint8_t salt[BLOCK_LEN], key[BLOCK_LEN];
	uint8_t secret[BLOCK_LEN], challenge[BLOCK_LEN]; /* ours */
	uint8_t commitment[HASH_LEN];
};

struct pairing {
	const struct gs_identity *id;
	uint32_t last_number;
	struct attempt slots[SLOTS];
};

/* --- primitives --- */

static int aes_ecb(const uint8_t key[static BLOCK_LEN], bool encrypt, uint8_t *out,
	const uint8_t *in, size_t len)
{
	int n = 0;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bool good = ctx &&
		EVP_CipherInit_ex(ctx, EVP_aes_128_ecb(), NULL, key, NULL, encrypt) == 1 &&
		EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
		EVP_CipherUpdate(ctx, out, &n, in, (int)len) == 1 && (size_t)n == len;
	EVP_CIPHER_CTX_free(ctx);
	return good ? PF_OK : PF_E_CRYPTO;
}

/* SHA-256(a[16] | signature of a certificate | b[16]) */
static int mix(uint8_t out[static HASH_LEN], const uint8_t a[static BLOCK_LEN],
	const struct gs_cert *cert, const uint8_t b[static BLOCK_LEN])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
		EVP_DigestUpdate(ctx, a, BLOCK_LEN) == 1 &&
		EVP_DigestUpdate(ctx, cert->sig, cert->sig_len) == 1 &&
		EVP_DigestUpdate(ctx, b, BLOCK_LEN) == 1 && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	return good ? PF_OK : PF_E_CRYPTO;
}

static void make_key(uint8_t key[static BLOCK_LEN], const uint8_t salt[static BLOCK_LEN],
	const char pin[static PIN_LEN])
{
	uint8_t in[BLOCK_LEN + PIN_LEN], hash[HASH_LEN];
	memcpy(in, salt, BLOCK_LEN);
	memcpy(in + BLOCK_LEN, pin, PIN_LEN);
	SHA256(in, sizeof(in), hash);
	memcpy(key, hash, BLOCK_LEN);
	pf_wipe(in, sizeof(in));
	pf_wipe(hash, sizeof(hash));
}

/* --- attempts --- */

static void clear(struct attempt *a)
{
	gs_cert_finish(&a->cert);
	pf_wipe(a, sizeof(*a));
}

/* What is parked is answered by the caller, through pairing_reap(). */
static void end(struct attempt *a)
{
	void *parked = a->device.parked;
	clear(a);
	if (parked) {
		a->phase = DEAD;
		a->device.parked = parked;
	}
}

static bool is_from(const struct attempt *a, const struct pairing_from *from)
{
	return !strcmp(a->uniqueid, from->uniqueid ? from->uniqueid : "") &&
		udp_addr_same_host(&a->device.peer, from->peer);
}

static bool past_pin(const struct attempt *a)
{
	return a->phase == WANTS_CHALLENGE || a->phase == WANTS_RESPONSE ||
		a->phase == WANTS_SECRET;
}

static struct attempt *find_past_pin(struct pairing *p, const struct pairing_from *from)
{
	for (size_t i = 0; i < SLOTS; i++)
		if (past_pin(&p->slots[i]) && is_from(&p->slots[i], from))
			return &p->slots[i];
	return NULL;
}

/* The attempt that expects this step now. A step out of order is its end, and that of all that it may belong to. */
static struct attempt *expect(
	struct pairing *p, uint64_t now_ns, const struct pairing_from *from, enum phase phase)
{
	struct attempt *a = find_past_pin(p, from);
	if (a && a->phase == phase && now_ns < a->deadline_ns)
		return a;
	if (a) {
		end(a);
		return NULL;
	}
	for (size_t i = 0; i < SLOTS; i++)
		if (p->slots[i].phase == WANTS_PIN && is_from(&p->slots[i], from))
			end(&p->slots[i]);
	return NULL;
}

static void next(struct attempt *a, uint64_t now_ns, enum phase phase)
{
	a->phase = phase;
	a->deadline_ns = now_ns + PAIRING_STEP_NS;
}

/* Ends older attempts of the same device; then a free slot, if this address may have one more. */
static struct attempt *take_slot(
	struct pairing *p, const struct pairing_from *from, const struct gs_cert *cert)
{
	struct attempt *slot = NULL;
	size_t n_all = 0, n_address = 0;
	for (size_t i = 0; i < SLOTS; i++) {
		struct attempt *a = &p->slots[i];
		if ((a->phase == WANTS_PIN || past_pin(a)) && is_from(a, from) &&
			!memcmp(a->cert.fp, cert->fp, sizeof(cert->fp)))
			end(a);
		if (a->phase == FREE)
			slot = a;
		if (a->phase != WANTS_PIN)
			continue;
		n_all++;
		n_address += udp_addr_same_household(&a->device.peer, from->peer);
	}
	return n_all < PAIRING_MAX && n_address < PAIRING_PER_ADDRESS ? slot : NULL;
}

int pairing_begin(struct pairing *p, uint64_t now_ns, const struct pairing_from *from,
	const char *salt, const char *clientcert, void *parked, struct pairing_device *out)
{
	char pem[GS_CERT_PEM_MAX];
	uint8_t salt_bytes[BLOCK_LEN];
	struct gs_cert cert;
	int len = hex_read((uint8_t *)pem, sizeof(pem), clientcert);
	if (len < 0 || hex_read_exact(salt_bytes, sizeof(salt_bytes), salt) < 0 ||
		(from->uniqueid && strlen(from->uniqueid) > PAIRING_UNIQUEID_MAX))
		return PF_E_BAD_PACKET;
	int err = gs_cert_parse(&cert, pem, (size_t)len);
	if (err < 0)
		return err;
	struct attempt *a = take_slot(p, from, &cert);
	if (!a) {
		gs_cert_finish(&cert);
		return PF_E_FULL;
	}
	a->phase = WANTS_PIN;
	a->deadline_ns = now_ns + PAIRING_WAIT_NS;
	a->cert = cert;
	memcpy(a->salt, salt_bytes, sizeof(a->salt));
	if (from->uniqueid)
		memcpy(a->uniqueid, from->uniqueid, strlen(from->uniqueid));
	a->device.number = ++p->last_number;
	memcpy(a->device.fp, cert.fp, sizeof(cert.fp));
	a->device.peer = *from->peer;
	a->device.since_ns = now_ns;
	a->device.parked = parked;
	*out = a->device;
	return PF_OK;
}

static int pick(struct pairing *p, uint64_t now_ns, uint32_t number, struct attempt **out)
{
	size_t n = 0;
	for (size_t i = 0; i < SLOTS; i++) {
		struct attempt *a = &p->slots[i];
		if (a->phase != WANTS_PIN || now_ns >= a->deadline_ns ||
			(number && a->device.number != number))
			continue;
		*out = a;
		n++;
	}
	return n == 1 ? PF_OK : n ? PF_E_FULL : PF_E_NO_FRAME;
}

int pairing_pin(struct pairing *p, uint64_t now_ns, const char *pin, uint32_t number,
	const char *name, struct pairing_device *out)
{
	struct attempt *a = NULL;
	if (strlen(pin) != PIN_LEN || strspn(pin, "0123456789") != PIN_LEN)
		return PF_E_INVALID;
	int err = pick(p, now_ns, number, &a);
	if (err < 0)
		return err;
	const struct pairing_from from = {.uniqueid = a->uniqueid, .peer = &a->device.peer};
	struct attempt *other = find_past_pin(p, &from);
	if (other && now_ns < other->deadline_ns)
		return PF_E_BUSY;
	if (other)
		end(other);
	make_key(a->key, a->salt, pin);
	next(a, now_ns, WANTS_CHALLENGE);
	snprintf(a->device.name, sizeof(a->device.name), "%s", name);
	*out = a->device;
	a->device.parked = NULL;
	return PF_OK;
}

int pairing_challenge(struct pairing *p, uint64_t now_ns, const struct pairing_from *from,
	const char *clientchallenge, char out[static 2 * PAIRING_CHALLENGE_LEN + 1])
{
	uint8_t theirs[BLOCK_LEN], plain[PAIRING_CHALLENGE_LEN], sealed[PAIRING_CHALLENGE_LEN];
	struct attempt *a = expect(p, now_ns, from, WANTS_CHALLENGE);
	if (!a)
		return PF_E_BAD_PACKET;
	int err = hex_read_exact(theirs, sizeof(theirs), clientchallenge);
	if (err >= 0)
		err = aes_ecb(a->key, false, theirs, theirs, sizeof(theirs));
	if (err >= 0 &&
		(RAND_bytes(a->secret, BLOCK_LEN) != 1 || RAND_bytes(a->challenge, BLOCK_LEN) != 1))
		err = PF_E_CRYPTO;
	if (err >= 0)
		err = mix(plain, theirs, &p->id->cert, a->secret);
	if (err >= 0) {
		memcpy(plain + HASH_LEN, a->challenge, BLOCK_LEN);
		err = aes_ecb(a->key, true, sealed, plain, sizeof(plain));
	}
	pf_wipe(plain, sizeof(plain));
	if (err < 0) {
		end(a);
		return err;
	}
	hex_write(out, sealed, sizeof(sealed));
	next(a, now_ns, WANTS_RESPONSE);
	return PF_OK;
}

int pairing_response(struct pairing *p, uint64_t now_ns, const struct pairing_from *from,
	const char *serverchallengeresp, char out[static 2 * PAIRING_SECRET_MAX + 1])
{
	uint8_t answer[PAIRING_SECRET_MAX];
	struct attempt *a = expect(p, now_ns, from, WANTS_RESPONSE);
	if (!a)
		return PF_E_BAD_PACKET;
	int err = hex_read_exact(a->commitment, sizeof(a->commitment), serverchallengeresp);
	if (err >= 0)
		err = aes_ecb(a->key, false, a->commitment, a->commitment, sizeof(a->commitment));
	if (err >= 0) {
		memcpy(answer, a->secret, BLOCK_LEN);
		err = gs_identity_sign(p->id, a->secret, BLOCK_LEN, answer + BLOCK_LEN);
	}
	if (err < 0) {
		end(a);
		return err;
	}
	hex_write(out, answer, BLOCK_LEN + (size_t)err);
	next(a, now_ns, WANTS_SECRET);
	return PF_OK;
}

static int check_secret(const struct attempt *a, const char *clientpairingsecret)
{
	uint8_t in[PAIRING_SECRET_MAX], hash[HASH_LEN];
	int len = hex_read(in, sizeof(in), clientpairingsecret);
	if (len <= (int)BLOCK_LEN)
		return PF_E_BAD_PACKET;
	int err = mix(hash, a->challenge, &a->cert, in);
	if (err >= 0 && CRYPTO_memcmp(hash, a->commitment, sizeof(hash)) != 0)
		err = PF_E_CRYPTO;
	if (err >= 0)
		err = gs_cert_verify(
			&a->cert, in, BLOCK_LEN, in + BLOCK_LEN, (size_t)len - BLOCK_LEN);
	pf_wipe(in, sizeof(in));
	return err;
}

int pairing_secret(struct pairing *p, uint64_t now_ns, const struct pairing_from *from,
	const char *clientpairingsecret, struct pairing_device *out)
{
	struct attempt *a = expect(p, now_ns, from, WANTS_SECRET);
	if (!a)
		return PF_E_BAD_PACKET;
	int err = check_secret(a, clientpairingsecret);
	*out = a->device;
	end(a);
	return err;
}

uint32_t pairing_cancel(struct pairing *p, const struct pairing_from *from)
{
	struct attempt *a = find_past_pin(p, from);
	uint32_t number = a ? a->device.number : 0;
	if (a)
		end(a);
	return number;
}

void pairing_gone(struct pairing *p, const void *parked)
{
	for (size_t i = 0; i < SLOTS; i++)
		if (p->slots[i].phase != FREE && p->slots[i].device.parked == parked)
			clear(&p->slots[i]);
}

size_t pairing_list(const struct pairing *p, struct pairing_device *out, size_t max)
{
	size_t n = 0;
	for (size_t i = 0; i < SLOTS && n < max; i++) {
		const struct attempt *a = &p->slots[i];
		size_t at = n;
		if (a->phase != WANTS_PIN)
			continue;
		for (; at > 0 && out[at - 1].number > a->device.number; at--)
			out[at] = out[at - 1];
		out[at] = a->device;
		n++;
	}
	return n;
}

void *pairing_reap(struct pairing *p, uint64_t now_ns)
{
	for (size_t i = 0; i < SLOTS; i++) {
		struct attempt *a = &p->slots[i];
		if (a->phase != FREE && a->phase != DEAD && now_ns >= a->deadline_ns)
			end(a);
		if (a->phase != DEAD)
			continue;
		void *parked = a->device.parked;
		clear(a);
		return parked;
	}
	return NULL;
}

uint64_t pairing_deadline(const struct pairing *p)
{
	uint64_t due_ns = UINT64_MAX;
	for (size_t i = 0; i < SLOTS; i++) {
		const struct attempt *a = &p->slots[i];
		uint64_t at_ns = a->phase == FREE ? UINT64_MAX
			: a->phase == DEAD	  ? 0
						  : a->deadline_ns;
		due_ns = at_ns < due_ns ? at_ns : due_ns;
	}
	return due_ns;
}

int pairing_create(struct pairing **out, const struct gs_identity *id)
{
	struct pairing *p = calloc(1, sizeof(*p));
	if (!p)
		return PF_E_NOMEM;
	p->id = id;
	*out = p;
	return PF_OK;
}

void pairing_destroy(struct pairing *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		clear(&p->slots[i]);
	free(p);
}
