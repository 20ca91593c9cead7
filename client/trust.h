/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CLIENT_TRUST_H
#define CLIENT_TRUST_H

#include <stddef.h>
#include <stdint.h>

/*
 * Trust on first use: which certificate each host had when it was met first. The file is text, one host a
 * line, `host:port sha256hex` (an IPv6 address in brackets); '#' begins a comment line.
 */

#define TRUST_FILE_MAX	  (1024u * 1024u) /* some ten thousand hosts */
#define TRUST_LINE_MAX	  512u		  /* a DNS name, a port, 64 digits, and room */
#define TRUST_MESSAGE_MAX 1024u		  /* one sentence with a path */

enum trust_found {
	TRUST_UNKNOWN = 0, /* never met */
	TRUST_KNOWN = 1,   /* *sha256 is filled */
};

/*
 * $XDG_CONFIG_HOME/punktfunk/known_hosts, or ~/.config/punktfunk/known_hosts; malloc'd.
 * NULL: neither variable says where (or memory is short).
 */
char *trust_path(void);

/*
 * Looks host and port up. A file that is not there knows nobody. A file that belongs to another user, that
 * others can write, or with a line that makes no sense is an error, never "unknown": whoever can damage
 * the file must not be able to make a known host a stranger.
 * Returns enum trust_found, or PUNKTFUNK_E_INVALID or PUNKTFUNK_E_IO with a sentence in message.
 */
int trust_lookup(const char *path, const char *host, uint16_t port, uint8_t sha256[32],
	char message[TRUST_MESSAGE_MAX]) __attribute__((warn_unused_result));

/*
 * Adds a host that trust_lookup() does not know (the folder is made when needed, mode 0700; the file is
 * replaced atomically, mode 0600). Errors as of trust_lookup(); PUNKTFUNK_E_PIN when the host has
 * become known meanwhile, with another certificate.
 */
int trust_remember(const char *path, const char *host, uint16_t port, const uint8_t sha256[32],
	char message[TRUST_MESSAGE_MAX]) __attribute__((warn_unused_result));

/* The sentence for a host whose certificate has changed. */
void trust_explain_mismatch(
	const char *path, const char *host, uint16_t port, char message[TRUST_MESSAGE_MAX]);

#define TRUST_HEX_MAX 65u
void trust_hex(const uint8_t sha256[32], char out[TRUST_HEX_MAX]);

#endif
