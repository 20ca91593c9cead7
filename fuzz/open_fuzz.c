/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/crypto/aead.h"
#include "fuzz/fuzz.h"
#include "fuzz/input.h"

enum { TEXT_MAX = 300, PACKET_MAX = TEXT_MAX + 24 };

static const uint8_t key[32] = {0x41, 0x42, 0x43};
static const uint8_t salt[4] = {1, 2, 3, 4};

static struct pf_aead *make(const char *provider, enum pf_cipher cipher)
{
	struct pf_aead *aead;
	size_t len = cipher == PF_CIPHER_AES_128_GCM ? 16 : 32;
	return pf_aead_create_from(&aead, provider, cipher, key, len) < 0 ? NULL : aead;
}

/*
 * A sealed packet with the input laid over it (XOR), cut or lengthened: it opens only where nothing
 * changed, and every provider says the same.
 */
static void open_changed(struct pf_aead *aead, const struct fuzz_input *rest, size_t text_len)
{
	struct pf_sealer s;
	uint8_t packet[PACKET_MAX + 16] = {0}, *text;
	uint64_t seq;
	size_t len = text_len + PF_SEAL_OVERHEAD, got;
	pf_sealer_init(&s, aead, salt, PF_HOST_TO_CLIENT);
	s.next_seq = text_len;
	memset(packet + PF_SEAL_PREFIX_LEN, 0x77, text_len);
	FUZZ_CHECK(pf_sealer_seal_batch(&s, packet, 1, len, text_len) == 0);
	struct fuzz_input in = *rest;
	int changed = 0;
	size_t opened_len = len;
	if (in.len) {
		uint8_t cut = fuzz_u8(&in);
		opened_len = cut & 0x80 ? len - (cut & 0x7f) % (len + 1) : len + (cut & 0xf);
		changed = opened_len != len;
	}
	for (size_t i = 0; i < len && in.len; i++) {
		uint8_t mask = fuzz_u8(&in);
		packet[i] ^= mask;
		changed |= mask && i < opened_len;
	}
	int err = pf_sealer_open(&s, packet, opened_len, &seq, &text, &got);
	if (changed) {
		FUZZ_CHECK(err == (opened_len < PF_SEAL_OVERHEAD ? PF_E_BAD_PACKET : PF_E_CRYPTO));
		return;
	}
	FUZZ_CHECK(err == 0 && seq == text_len && got == text_len);
	for (size_t i = 0; i < got; i++)
		FUZZ_CHECK(text[i] == 0x77);
}

/* Bytes out of nowhere never open. */
static void open_arbitrary(struct pf_aead *aead, const struct fuzz_input *rest)
{
	struct pf_sealer s;
	uint8_t *text;
	uint64_t seq;
	size_t got;
	uint8_t *packet = malloc(rest->len ? rest->len : 1);
	FUZZ_CHECK(packet);
	if (rest->len)
		memcpy(packet, rest->p, rest->len);
	pf_sealer_init(&s, aead, salt, PF_CLIENT_TO_HOST);
	int err = pf_sealer_open(&s, packet, rest->len, &seq, &text, &got);
	FUZZ_CHECK(err == (rest->len < PF_SEAL_OVERHEAD ? PF_E_BAD_PACKET : PF_E_CRYPTO));
	free(packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	size_t text_len = fuzz_u16(&in) % TEXT_MAX;
	const char *provider;
	for (size_t i = 0; (provider = pf_aead_provider_at(i)); i++) {
		enum pf_cipher ciphers[] = {PF_CIPHER_AES_128_GCM, PF_CIPHER_CHACHA20_POLY1305};
		for (size_t c = 0; c < 2; c++) {
			struct pf_aead *aead = make(provider, ciphers[c]);
			if (!aead)
				continue;
			open_changed(aead, &in, text_len);
			open_arbitrary(aead, &in);
			pf_aead_destroy(aead);
		}
	}
	return 0;
}
