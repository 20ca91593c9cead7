/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CLIENT_IDENTITY_H
#define CLIENT_IDENTITY_H

#include <stdint.h>

#include "client/trust.h"

/*
 * What hosts know this client by: a certificate and its key, made once and kept in one file, so that there is
 * no half of it. Whoever can read the file can be this client.
 */

struct identity {
	/* Certificate and key in one text: the library picks what it needs. NUL-terminated; wiped by finish. */
	char pem[2 * PUNKTFUNK_PEM_MAX];
	uint8_t sha256[32];
};

/* Where it is kept: client.pem beside known_hosts; malloc'd, or NULL. */
char *identity_path(void);
/*
 * Reads the identity at path, or makes one there when there is no file (folder 0700, file 0600). A file that
 * cannot be read, that others may read, or that holds something else is an error and stays as it is: hosts
 * would not know a new identity. Errors: PUNKTFUNK_E_INVALID, PUNKTFUNK_E_IO, PUNKTFUNK_E_CRYPTO,
 * PUNKTFUNK_E_NOMEM, with a sentence in message. Finish it in any case.
 */
int identity_load(struct identity *id, const char *path, char message[TRUST_MESSAGE_MAX])
	__attribute__((warn_unused_result));
void identity_finish(struct identity *id);

#endif
