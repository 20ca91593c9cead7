/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CLIENT_CONNECT_H
#define CLIENT_CONNECT_H

#include <stdint.h>

#include "client/options.h"

#define CONNECT_MESSAGE_MAX 1024u /* as TRUST_MESSAGE_MAX */

/*
 * Connects as the options say and settles the trust in the host. Returns EXIT_FINE with *out and
 * fingerprint filled (message then holds a notice, or nothing), or the exit code with one sentence.
 */
int connect_host(struct punktfunk_connection **out, const struct options *o,
	uint8_t fingerprint[32], char message[CONNECT_MESSAGE_MAX]);

#endif
