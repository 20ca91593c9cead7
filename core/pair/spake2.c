/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/pair/spake2.h"

#include <string.h>

#include <gnutls/crypto.h>
#include <sodium/crypto_core_ed25519.h>
#include <sodium/crypto_scalarmult_ed25519.h>

#include "core/base/alloc.h"

/*
 * libsodium's Ed25519 arithmetic keeps no state and chooses no implementation, so sodium_init() is not
 * called: it would set up what is not used here (its random source, guarded memory, faster variants of
 * other primitives).
 */

#define POINT_LEN  32u /* compressed Edwards: y, little endian, and the sign of x in the top bit */
#define SCALAR_LEN 32u
#define HASH_LEN   32u
#define WIDE_LEN   64u /* what libsodium reduces */
#define PW_LEN	   48u /* the group's order and 128 bits, so that the reduction has no bias */

_Static_assert(POINT_LEN == crypto_core_ed25519_BYTES, "a point");
_Static_assert(SCALAR_LEN == crypto_core_ed25519_SCALARBYTES, "a scalar");
_Static_assert(WIDE_LEN == crypto_core_ed25519_NONREDUCEDSCALARBYTES, "before reduction");
_Static_assert(PF_PAIR_RANDOM_LEN == WIDE_LEN, "the caller's random bytes are reduced");
_Static_assert(PF_PAIR_MESSAGE_LEN == 1 + POINT_LEN, "a side byte and a point");

static const uint8_t point_m[POINT_LEN] = {0x15, 0xcf, 0xd1, 0x8e, 0x38, 0x59, 0x52, 0x98, 0x2b,
	0x6a, 0x8f, 0x8c, 0x78, 0x54, 0x96, 0x3b, 0x58, 0xe3, 0x43, 0x88, 0xc8, 0xe6, 0xda, 0xe8,
	0x91, 0xdb, 0x75, 0x64, 0x81, 0xa0, 0x23, 0x12};
static const uint8_t point_n[POINT_LEN] = {0xf0, 0x4f, 0x2e, 0x7e, 0xb7, 0x34, 0xb2, 0xa8, 0xf8,
	0xb4, 0x72, 0xea, 0xf9, 0xc3, 0xc6, 0x32, 0x57, 0x6a, 0xc6, 0x4a, 0xea, 0x65, 0x0b, 0x49,
	0x6a, 0x8a, 0x20, 0xff, 0x00, 0xe5, 0x83, 0xc3};

/* The order of the group less one, little endian. */
static const uint8_t order_less_one[SCALAR_LEN] = {0xec, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
	0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0x10};

/*
 * What the key is the hash of:
 *
 *   off 0 32  SHA-256(PIN)
 *      32 32  SHA-256(idA)
 *      64 32  SHA-256(idB)
 *      96 32  X, without its side byte
 *     128 32  Y, without its side byte
 *     160 32  K
 */
struct transcript {
	uint8_t pin[HASH_LEN], id_a[HASH_LEN], id_b[HASH_LEN];
	uint8_t x[POINT_LEN], y[POINT_LEN], k[POINT_LEN];
};
_Static_assert(sizeof(struct transcript) == 192, "hashed as it lies in memory");

struct pf_spake2 {
	enum pf_spake2_role role;
	uint8_t pw[SCALAR_LEN];
	uint8_t scalar[SCALAR_LEN]; /* x or y of the wire's formulas */
	uint8_t point[POINT_LEN];   /* X or Y: ours */
	uint8_t pin_hash[HASH_LEN], id_a_hash[HASH_LEN], id_b_hash[HASH_LEN];
};

static int hash(uint8_t out[static HASH_LEN], const void *data, size_t len)
{
	return gnutls_hash_fast(GNUTLS_DIG_SHA256, data, len, out) < 0 ? PF_E_CRYPTO : PF_OK;
}

static int derive_password(uint8_t pw[static SCALAR_LEN], const char *pin)
{
	struct {
		uint8_t prk[HASH_LEN], okm[PW_LEN], wide[WIDE_LEN];
	} t = {0};
	const gnutls_datum_t ikm = {(unsigned char *)pin, PF_PIN_LEN};
	const gnutls_datum_t salt = {(unsigned char *)"", 0};
	const gnutls_datum_t prk = {t.prk, sizeof(t.prk)};
	const gnutls_datum_t info = {(unsigned char *)"SPAKE2 pw", sizeof("SPAKE2 pw") - 1};
	int err = PF_E_CRYPTO;
	if (gnutls_hkdf_extract(GNUTLS_MAC_SHA256, &ikm, &salt, t.prk) < 0 ||
		gnutls_hkdf_expand(GNUTLS_MAC_SHA256, &prk, &info, t.okm, sizeof(t.okm)) < 0)
		goto end;
	/* Read as big endian, reduced as little endian. */
	for (size_t i = 0; i < PW_LEN; i++)
		t.wide[i] = t.okm[PW_LEN - 1 - i];
	crypto_core_ed25519_scalar_reduce(pw, t.wide);
	err = PF_OK;
end:
	pf_wipe(&t, sizeof(t));
	return err;
}

/* The point that blinds the messages of this role, times the password. */
static int blinding(
	uint8_t out[static POINT_LEN], const struct pf_spake2 *s, enum pf_spake2_role role)
{
	const uint8_t *base = role == PF_SPAKE2_A ? point_m : point_n;
	return crypto_scalarmult_ed25519_noclamp(out, s->pw, base) ? PF_E_CRYPTO : PF_OK;
}

static int make_message(struct pf_spake2 *s)
{
	struct {
		uint8_t blind[POINT_LEN], open[POINT_LEN];
	} t;
	int err = blinding(t.blind, s, s->role);
	if (!err &&
		(crypto_scalarmult_ed25519_base_noclamp(t.open, s->scalar) ||
			crypto_core_ed25519_add(s->point, t.open, t.blind)))
		err = PF_E_CRYPTO;
	pf_wipe(&t, sizeof(t));
	return err;
}

int pf_spake2_create(struct pf_spake2 **out, enum pf_spake2_role role, const char *pin,
	const uint8_t id_a[static PF_PAIR_FINGERPRINT_LEN],
	const uint8_t id_b[static PF_PAIR_FINGERPRINT_LEN],
	const uint8_t random[static PF_PAIR_RANDOM_LEN])
{
	*out = NULL;
	struct pf_spake2 *s = pf_calloc(1, sizeof(*s));
	if (!s)
		return PF_E_NOMEM;
	s->role = role;
	crypto_core_ed25519_scalar_reduce(s->scalar, random);
	int err = derive_password(s->pw, pin);
	if (!err)
		err = hash(s->pin_hash, pin, PF_PIN_LEN);
	if (!err)
		err = hash(s->id_a_hash, id_a, PF_PAIR_FINGERPRINT_LEN);
	if (!err)
		err = hash(s->id_b_hash, id_b, PF_PAIR_FINGERPRINT_LEN);
	if (!err)
		err = make_message(s);
	if (err)
		goto fail;
	*out = s;
	return PF_OK;
fail:
	pf_spake2_destroy(s);
	return err;
}

void pf_spake2_destroy(struct pf_spake2 *s)
{
	pf_free_secret(s, sizeof(*s));
}

void pf_spake2_message(const struct pf_spake2 *s, uint8_t out[static PF_PAIR_MESSAGE_LEN])
{
	out[0] = (uint8_t)s->role;
	memcpy(out + 1, s->point, POINT_LEN);
}

/*
 * A point of the prime-order group other than the neutral one, in its canonical encoding: then, and only then,
 * (order - 1) * P is -P, which is the same bytes with the other sign. libsodium's multiplication refuses all
 * else by itself, but where CVE-2025-69277 is not fixed it lets a point plus the one of order 2 pass.
 */
static bool point_ok(const uint8_t *p)
{
	uint8_t product[POINT_LEN];
	if (crypto_scalarmult_ed25519_noclamp(product, order_less_one, p))
		return false;
	product[POINT_LEN - 1] ^= 0x80;
	return !memcmp(product, p, POINT_LEN); /* a peer's public value: time tells nothing */
}

/*
 *  0        1                                33
 *  +--------+--------------------------------+
 *  | side   | point                          |
 *  +--------+--------------------------------+
 */
static const uint8_t *read_message(enum pf_spake2_role from, const uint8_t *message, size_t len)
{
	if (len != PF_PAIR_MESSAGE_LEN || message[0] != (uint8_t)from || !point_ok(message + 1))
		return NULL;
	return message + 1;
}

int pf_spake2_key(const struct pf_spake2 *s, const uint8_t *message, size_t message_len,
	uint8_t key[static PF_SPAKE2_KEY_LEN])
{
	const bool is_a = s->role == PF_SPAKE2_A;
	const enum pf_spake2_role from = is_a ? PF_SPAKE2_B : PF_SPAKE2_A;
	struct {
		uint8_t blind[POINT_LEN], open[POINT_LEN];
		struct transcript all;
	} t;

	const uint8_t *theirs = read_message(from, message, message_len);
	if (!theirs)
		return PF_E_BAD_PACKET;
	int err = blinding(t.blind, s, from);
	if (err)
		goto end;
	err = PF_E_CRYPTO;
	/* Fails when what is left is the neutral point: the peer sent a bare blinding. */
	if (crypto_core_ed25519_sub(t.open, theirs, t.blind) ||
		crypto_scalarmult_ed25519_noclamp(t.all.k, s->scalar, t.open))
		goto end;
	memcpy(t.all.pin, s->pin_hash, HASH_LEN);
	memcpy(t.all.id_a, s->id_a_hash, HASH_LEN);
	memcpy(t.all.id_b, s->id_b_hash, HASH_LEN);
	memcpy(t.all.x, is_a ? s->point : theirs, POINT_LEN);
	memcpy(t.all.y, is_a ? theirs : s->point, POINT_LEN);
	err = hash(key, &t.all, sizeof(t.all));
end:
	pf_wipe(&t, sizeof(t));
	return err;
}
