/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CLIENT_TRUST_H
#define CLIENT_TRUST_H

#include <stddef.h>
#include <stdint.h>

#include "client/known.h"

/*
 * The file of known hosts, client/known.h's text: which certificate each host has, and what else is
 * remembered of it. `host:port sha256` alone, as versions before pairing wrote it, is still a whole line.
 */

#define TRUST_FILE_MAX	  (1024u * 1024u) /* some thousand hosts */
#define TRUST_MESSAGE_MAX 2048u /* some sentences with a path and a host, each as long as can be */

/*
 * $XDG_CONFIG_HOME/punktfunk/NAME, or ~/.config/punktfunk/NAME; malloc'd.
 * NULL: neither variable says where (or memory is short).
 */
char *trust_file(const char *name);
/* Of known_hosts. */
char *trust_path(void);
/* Makes the folders of path that are missing, mode 0700. */
void trust_make_folders(const char *path);

/*
 * Reads the file into *k, to be finished with known_finish(). A file that is not there knows nobody. A file
 * that belongs to another user, that others can write, or with a line that makes no sense is an error, never
 * "unknown": whoever can damage the file must not be able to make a known host a stranger.
 * Errors: PUNKTFUNK_E_INVALID, PUNKTFUNK_E_FULL, PUNKTFUNK_E_IO, PUNKTFUNK_E_NOMEM with a sentence in message.
 */
int trust_load(const char *path, struct known *k, char message[TRUST_MESSAGE_MAX])
	__attribute__((warn_unused_result));

/*
 * Reads, changes and writes the file (atomically, mode 0600; the folder is made when needed, mode 0700) under a
 * lock, so that two clients at once lose nothing. `change` returns 1 = write it, 0 = nothing changed, or an
 * error after a sentence in message. Returns what change returned, or an error as of trust_load().
 */
int trust_update(const char *path,
	int (*change)(struct known *k, void *userdata, char message[TRUST_MESSAGE_MAX]),
	void *userdata, char message[TRUST_MESSAGE_MAX]) __attribute__((warn_unused_result));

/* The sentence for a host whose certificate has changed. */
void trust_explain_mismatch(
	const char *path, const char *host, uint16_t port, char message[TRUST_MESSAGE_MAX]);

#define TRUST_HEX_MAX 65u
void trust_hex(const uint8_t sha256[32], char out[TRUST_HEX_MAX]);

#endif
