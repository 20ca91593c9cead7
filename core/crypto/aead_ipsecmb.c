/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/crypto/aead_impl.h"

#include <string.h>

#include <intel-ipsec-mb.h>

#include "core/base/alloc.h"

/*
 * Packet sealing through libipsec-mb, straight into its kernels: no EVP, no job queue. Its manager
 * (the table of kernels for this machine) is a part of the object, in memory of ours, so nothing is
 * shared between objects or threads.
 *
 * Its decryption gives plaintext and the tag that it should have had; comparing them is ours to do.
 */
struct ipsecmb_aead {
	struct pf_aead base;
	enum pf_cipher cipher;
	IMB_MGR *mgr;
	size_t mgr_len;
	struct gcm_key_data gcm_key __attribute__((aligned(64)));
	struct gcm_context_data gcm;
	struct chacha20_poly1305_context_data chacha;
	uint8_t chacha_key[32];
};

static struct ipsecmb_aead *ipsecmb_from(struct pf_aead *base)
{
	pf_check(base->impl == &pf_aead_ipsecmb);
	return (struct ipsecmb_aead *)base;
}

static void ipsecmb_destroy(struct pf_aead *base)
{
	struct ipsecmb_aead *a = ipsecmb_from(base);
	pf_free_secret(a->mgr, a->mgr_len);
	pf_free_secret(a, sizeof(*a));
}

static int make_manager(struct ipsecmb_aead *a)
{
	a->mgr_len = imb_get_mb_mgr_size();
	void *memory = pf_calloc(1, a->mgr_len);
	if (!memory)
		return PF_E_NOMEM;
	a->mgr = imb_set_pointers_mb_mgr(memory, 0, 1);
	if (!a->mgr) {
		pf_free(memory);
		return PF_E_UNSUPPORTED;
	}
	init_mb_mgr_auto(a->mgr, NULL);
	/* Without AES instructions it would look bytes up in tables: slow, and they leak the key. */
	if (imb_get_errno(a->mgr) || !(a->mgr->features & IMB_FEATURE_AESNI))
		return PF_E_UNSUPPORTED;
	return PF_OK;
}

static int ipsecmb_create(struct pf_aead **out, enum pf_cipher cipher, const uint8_t *key)
{
	struct ipsecmb_aead *a = pf_calloc(1, sizeof(*a));
	if (!a)
		return PF_E_NOMEM;
	a->base.impl = &pf_aead_ipsecmb;
	a->cipher = cipher;
	int err = make_manager(a);
	if (err)
		goto fail;
	if (cipher == PF_CIPHER_AES_128_GCM)
		IMB_AES128_GCM_PRE(a->mgr, key, &a->gcm_key);
	else
		memcpy(a->chacha_key, key, sizeof(a->chacha_key));
	*out = &a->base;
	return PF_OK;
fail:
	ipsecmb_destroy(&a->base);
	return err;
}

static int ipsecmb_seal(struct pf_aead *base, const uint8_t *nonce, const uint8_t *aad,
	size_t aad_len, uint8_t *text, size_t len)
{
	struct ipsecmb_aead *a = ipsecmb_from(base);
	if (a->cipher == PF_CIPHER_AES_128_GCM) {
		IMB_AES128_GCM_ENC(a->mgr, &a->gcm_key, &a->gcm, text, text, len, nonce, aad,
			aad_len, text + len, PF_AEAD_TAG_LEN);
		return PF_OK;
	}
	IMB_CHACHA20_POLY1305_INIT(a->mgr, a->chacha_key, &a->chacha, nonce, aad, aad_len);
	IMB_CHACHA20_POLY1305_ENC_UPDATE(a->mgr, a->chacha_key, &a->chacha, text, text, len);
	IMB_CHACHA20_POLY1305_ENC_FINALIZE(a->mgr, &a->chacha, text + len, PF_AEAD_TAG_LEN);
	return PF_OK;
}

/* In constant time: where the first difference lies must not show. */
static int compare_tags(const uint8_t *a, const uint8_t *b)
{
	uint8_t diff = 0;
	for (size_t i = 0; i < PF_AEAD_TAG_LEN; i++)
		diff |= a[i] ^ b[i];
	return diff ? PF_E_CRYPTO : PF_OK;
}

static int ipsecmb_open(struct pf_aead *base, const uint8_t *nonce, const uint8_t *aad,
	size_t aad_len, uint8_t *text, size_t len)
{
	struct ipsecmb_aead *a = ipsecmb_from(base);
	uint8_t tag[PF_AEAD_TAG_LEN];
	if (a->cipher == PF_CIPHER_AES_128_GCM) {
		IMB_AES128_GCM_DEC(a->mgr, &a->gcm_key, &a->gcm, text, text, len, nonce, aad,
			aad_len, tag, sizeof(tag));
	} else {
		IMB_CHACHA20_POLY1305_INIT(a->mgr, a->chacha_key, &a->chacha, nonce, aad, aad_len);
		IMB_CHACHA20_POLY1305_DEC_UPDATE(
			a->mgr, a->chacha_key, &a->chacha, text, text, len);
		IMB_CHACHA20_POLY1305_DEC_FINALIZE(a->mgr, &a->chacha, tag, sizeof(tag));
	}
	return compare_tags(tag, text + len);
}

const struct pf_aead_impl pf_aead_ipsecmb = {
	.name = "ipsec-mb",
	.create = ipsecmb_create,
	.destroy = ipsecmb_destroy,
	.seal = ipsecmb_seal,
	.open = ipsecmb_open,
};
