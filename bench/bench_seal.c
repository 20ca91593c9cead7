/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Sealing and opening packets: ours against the libraries themselves, in one process and in turn.
 * AES-128-GCM, a fresh 12-byte nonce and 8 bytes of AAD a packet, 16-byte tag, in place, a ring of 64
 * packets, keyed once.
 */
#include <string.h>

#include <gnutls/crypto.h>
#include <openssl/evp.h>
#ifdef HAVE_IPSEC_MB
#include <intel-ipsec-mb.h>
#endif

#include "bench/measure.h"
#include "core/base/bytes.h"
#include "core/crypto/aead.h"

enum { RING = 64, ROUNDS = 21, MAX_CANDIDATES = 16, MAX_LEN = 1400, AAD = 8, TAG = 16 };

#define SLICE_NS 10000000u

struct bench {
	enum { OURS, RAW_IPSECMB, RAW_EVP, RAW_GNUTLS } kind;
	int open;
	size_t len, stride;
	uint8_t *packets, *sealed;
	struct pf_aead *aead;
	struct pf_sealer sealer;
	EVP_CIPHER_CTX *evp;
	gnutls_aead_cipher_hd_t gnutls;
#ifdef HAVE_IPSEC_MB
	IMB_MGR *mgr;
	struct gcm_key_data gcm_key __attribute__((aligned(64)));
	struct gcm_context_data gcm;
#endif
	uint64_t seq;
};

static const uint8_t key[32] = {1, 2, 3, 4, 5, 6, 7};
static const uint8_t salt[4] = {9, 9, 9, 9};

static void make_nonce(uint8_t *nonce, uint64_t seq)
{
	memcpy(nonce, salt, 4);
	pf_put_be64(nonce + 4, seq);
}

static void fail(const char *what)
{
	fprintf(stderr, "bench_seal: %s failed\n", what);
	exit(1);
}

static void evp_packet(struct bench *b, uint8_t *p, uint64_t seq)
{
	uint8_t nonce[12], *text = p + AAD;
	int n, ok;
	if (!b->open)
		pf_put_be64(p, seq);
	make_nonce(nonce, seq);
	if (b->open)
		ok = EVP_DecryptInit_ex(b->evp, NULL, NULL, NULL, nonce) == 1 &&
			EVP_CIPHER_CTX_ctrl(b->evp, EVP_CTRL_AEAD_SET_TAG, TAG, text + b->len) ==
				1 &&
			EVP_DecryptUpdate(b->evp, NULL, &n, p, AAD) == 1 &&
			EVP_DecryptUpdate(b->evp, text, &n, text, (int)b->len) == 1 &&
			EVP_DecryptFinal_ex(b->evp, text, &n) == 1;
	else
		ok = EVP_EncryptInit_ex(b->evp, NULL, NULL, NULL, nonce) == 1 &&
			EVP_EncryptUpdate(b->evp, NULL, &n, p, AAD) == 1 &&
			EVP_EncryptUpdate(b->evp, text, &n, text, (int)b->len) == 1 &&
			EVP_EncryptFinal_ex(b->evp, text, &n) == 1 &&
			EVP_CIPHER_CTX_ctrl(b->evp, EVP_CTRL_AEAD_GET_TAG, TAG, text + b->len) == 1;
	if (!ok)
		fail("libcrypto");
}

static void gnutls_packet(struct bench *b, uint8_t *p, uint64_t seq)
{
	uint8_t nonce[12];
	giovec_t aad = {p, AAD}, text = {p + AAD, b->len};
	size_t tag_len = TAG;
	if (!b->open)
		pf_put_be64(p, seq);
	make_nonce(nonce, seq);
	int err = b->open ? gnutls_aead_cipher_decryptv2(b->gnutls, nonce, 12, &aad, 1, &text, 1,
				    p + AAD + b->len, tag_len)
			  : gnutls_aead_cipher_encryptv2(b->gnutls, nonce, 12, &aad, 1, &text, 1,
				    p + AAD + b->len, &tag_len);
	if (err < 0)
		fail("GnuTLS");
}

#ifdef HAVE_IPSEC_MB
static void ipsecmb_packet(struct bench *b, uint8_t *p, uint64_t seq)
{
	uint8_t nonce[12], tag[TAG], *text = p + AAD;
	if (!b->open)
		pf_put_be64(p, seq);
	make_nonce(nonce, seq);
	if (!b->open) {
		IMB_AES128_GCM_ENC(b->mgr, &b->gcm_key, &b->gcm, text, text, b->len, nonce, p, AAD,
			text + b->len, TAG);
		return;
	}
	IMB_AES128_GCM_DEC(
		b->mgr, &b->gcm_key, &b->gcm, text, text, b->len, nonce, p, AAD, tag, TAG);
	if (memcmp(tag, text + b->len, TAG) != 0)
		fail("ipsec-mb");
}
#endif

static void our_packet(struct bench *b, uint8_t *p)
{
	uint64_t seq;
	uint8_t *text;
	size_t len;
	if (pf_sealer_open(&b->sealer, p, b->stride, &seq, &text, &len) < 0)
		fail("pf_sealer_open");
}

static void raw_packet(struct bench *b, uint8_t *p, uint64_t seq)
{
	if (b->kind == RAW_EVP)
		evp_packet(b, p, seq);
	else if (b->kind == RAW_GNUTLS)
		gnutls_packet(b, p, seq);
#ifdef HAVE_IPSEC_MB
	else if (b->kind == RAW_IPSECMB)
		ipsecmb_packet(b, p, seq);
#endif
}

static uint64_t run(void *userdata)
{
	struct bench *b = userdata;
	/* Opening needs sealed packets again: every candidate pays the same copy. */
	if (b->open)
		memcpy(b->packets, b->sealed, RING * b->stride);
	if (b->kind == OURS && !b->open) {
		if (pf_sealer_seal_batch(&b->sealer, b->packets, RING, b->stride, b->len) < 0)
			fail("pf_sealer_seal_batch");
	} else {
		for (size_t i = 0; i < RING; i++) {
			uint8_t *p = b->packets + i * b->stride;
			if (b->kind == OURS)
				our_packet(b, p);
			else
				raw_packet(b, p, b->open ? i : b->seq++);
		}
	}
	return RING * b->len * 8;
}

static struct bench *make(
	int kind, const char *provider, enum pf_cipher cipher, int open, size_t len)
{
	struct bench *b = aligned_alloc(64, (sizeof(*b) + 63) / 64 * 64);
	if (!b)
		fail("malloc");
	memset(b, 0, sizeof(*b));
	b->kind = kind;
	b->open = open;
	b->len = len;
	b->stride = len + PF_SEAL_OVERHEAD;
	b->packets = calloc(RING, b->stride);
	b->sealed = calloc(RING, b->stride);
	size_t key_len = cipher == PF_CIPHER_AES_128_GCM ? 16 : 32;
	if (!b->packets || !b->sealed ||
		pf_aead_create_from(&b->aead, provider, cipher, key, key_len) < 0)
		return NULL;
	pf_sealer_init(&b->sealer, b->aead, salt, PF_HOST_TO_CLIENT);
	if (pf_sealer_seal_batch(&b->sealer, b->sealed, RING, b->stride, len) < 0)
		fail("pf_sealer_seal_batch");
	b->evp = EVP_CIPHER_CTX_new();
	if (EVP_CipherInit_ex(b->evp, EVP_aes_128_gcm(), NULL, key, NULL, !open) != 1)
		fail("EVP_CipherInit_ex");
	gnutls_datum_t k = {(unsigned char *)key, 16};
	if (gnutls_aead_cipher_init(&b->gnutls, GNUTLS_CIPHER_AES_128_GCM, &k) < 0)
		fail("gnutls_aead_cipher_init");
#ifdef HAVE_IPSEC_MB
	b->mgr = alloc_mb_mgr(0);
	init_mb_mgr_auto(b->mgr, NULL);
	IMB_AES128_GCM_PRE(b->mgr, key, &b->gcm_key);
#endif
	return b;
}

static void destroy(struct bench *b)
{
#ifdef HAVE_IPSEC_MB
	free_mb_mgr(b->mgr);
#endif
	gnutls_aead_cipher_deinit(b->gnutls);
	EVP_CIPHER_CTX_free(b->evp);
	pf_aead_destroy(b->aead);
	free(b->packets);
	free(b->sealed);
	free(b);
}

static int add(struct candidate *c, int n, const char *name, struct bench *b)
{
	if (!b)
		return n;
	c[n] = (struct candidate){.name = name, .run = run, .userdata = b};
	return n + 1;
}

static void compare(size_t len, int open)
{
	struct candidate c[MAX_CANDIDATES];
	enum pf_cipher aes = PF_CIPHER_AES_128_GCM, chacha = PF_CIPHER_CHACHA20_POLY1305;
	int n = 0;
#ifdef HAVE_IPSEC_MB
	n = add(c, n, "ours over ipsec-mb", make(OURS, "ipsec-mb", aes, open, len));
	n = add(c, n, "ipsec-mb itself", make(RAW_IPSECMB, NULL, aes, open, len));
	n = add(c, n, "ours over ipsec-mb, ChaCha20", make(OURS, "ipsec-mb", chacha, open, len));
#endif
	int ours = n;
	n = add(c, n, "ours over libcrypto", make(OURS, "libcrypto", aes, open, len));
	n = add(c, n, "libcrypto itself", make(RAW_EVP, NULL, aes, open, len));
	n = add(c, n, "ours over libcrypto, ChaCha20", make(OURS, "libcrypto", chacha, open, len));
	n = add(c, n, "GnuTLS itself", make(RAW_GNUTLS, NULL, aes, open, len));
	measure(c, n, ROUNDS, SLICE_NS);
	printf("%s, %zu-byte packets:\n", open ? "open" : "seal", len);
	measure_print(c, n, ROUNDS, "Gbit/s");
	if (ours)
		printf("  ours / ipsec-mb %.3f, ours / libcrypto %.2f, ours / GnuTLS %.2f\n",
			measure_ratio(&c[0], &c[1], ROUNDS), measure_ratio(&c[0], &c[4], ROUNDS),
			measure_ratio(&c[0], &c[6], ROUNDS));
	printf("  ours over libcrypto / libcrypto %.3f\n",
		measure_ratio(&c[ours], &c[ours + 1], ROUNDS));
	for (int i = 0; i < n; i++)
		destroy(c[i].userdata);
}

int main(void)
{
	const size_t lens[] = {64, 1200, MAX_LEN};
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
		for (int open = 0; open <= 1; open++)
			compare(lens[i], open);
	return 0;
}
