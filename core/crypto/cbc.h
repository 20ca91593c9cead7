/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_CRYPTO_CBC_H
#define PF_CRYPTO_CBC_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/*
 * AES-128-CBC with PKCS #7 padding, as GameStream audio has it: it hides, but proves nothing. For no new
 * protocol. Thread: one thread at a time per object.
 */

#define PF_CBC_KEY_LEN	 16u
#define PF_CBC_BLOCK_LEN 16u

struct pf_cbc;

/* key is copied, and wiped at destroy. Errors: PF_E_NOMEM, PF_E_CRYPTO. */
int pf_cbc_create(struct pf_cbc **out, const uint8_t key[static PF_CBC_KEY_LEN]) PF_MUST_CHECK;
void pf_cbc_destroy(struct pf_cbc *c); /* takes NULL */

/* Of len bytes when padded: always longer than len. */
static inline size_t pf_cbc_len(size_t len)
{
	return (len / PF_CBC_BLOCK_LEN + 1) * PF_CBC_BLOCK_LEN;
}

/*
 * Writes pf_cbc_len(len) bytes to out, which is apart from text. No allocation.
 * Errors: PF_E_INVALID (len above INT_MAX / 2), PF_E_CRYPTO.
 */
int pf_cbc_encrypt(struct pf_cbc *c, const uint8_t iv[static PF_CBC_BLOCK_LEN], const uint8_t *text,
	size_t len, uint8_t *out) PF_MUST_CHECK;

#endif
