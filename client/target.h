/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CLIENT_TARGET_H
#define CLIENT_TARGET_H

#include <stdbool.h>

#include "client/trust.h"

/*
 * Which host a person means: one that is known by this name, one at this address, or one that announces
 * itself by this name. Thread: main.
 */

struct target {
	char host[ARGS_HOST_MAX]; /* where to try */
	uint16_t port;
	bool is_known;
	struct known_host known; /* of is_known: a copy */
	/* What an announcement says; nothing of it is proved. Empty when there was none. */
	char name[ARGS_NAME_MAX + 1], id[KNOWN_ID_MAX + 1];
	uint8_t macs[KNOWN_MACS_MAX][KNOWN_MAC_LEN];
	size_t n_macs;
};

/*
 * Finds it. path: known_hosts, NULL = nobody is known. Listens to the network for two seconds when the
 * word is no address and nothing else. Returns EXIT_FINE, or the exit code with a sentence in message.
 */
int target_find(struct target *t, const char *word, const char *path,
	char message[TRUST_MESSAGE_MAX]) __attribute__((warn_unused_result));

/*
 * A known host does not answer where it was: looks for another address that the network says it has. Whoever
 * answers there still has to show the certificate. True: host and port are changed.
 */
bool target_search(struct target *t);

/* For messages: its name, else its address. */
const char *target_label(const struct target *t);
#define TARGET_WORD_MAX (ARGS_HOST_MAX + 8u)
/* What a person types to mean this host: its address. */
const char *target_word(const struct target *t, char out[TARGET_WORD_MAX]);

/*
 * The host at t's address showed this certificate, and all went well: notes it. verified: with a PIN, so
 * that a certificate which the address had before gives way. Returns 0 or an error with a sentence in
 * message; PUNKTFUNK_E_PIN: the address has become known with another certificate meanwhile.
 * *was (may be NULL): what the file knew of this certificate before.
 */
enum target_was { TARGET_NEW, TARGET_MOVED, TARGET_SAME, TARGET_REPLACED };
int target_remember(const struct target *t, const char *path, const uint8_t sha256[32],
	bool verified, enum target_was *was, char message[TRUST_MESSAGE_MAX])
	__attribute__((warn_unused_result));

/*
 * The host with this certificate refused this client as one that it does not know: who counted as paired does
 * so no longer, until a stream or a PIN shows otherwise. Returns 0 or an error with a sentence in message.
 */
int target_unpaired(const char *path, const uint8_t sha256[32], char message[TRUST_MESSAGE_MAX])
	__attribute__((warn_unused_result));

#endif
