/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef NET_IDENTITY_H
#define NET_IDENTITY_H

#include <stddef.h>

#include "core/quic/conn.h"

/*
 * The long-lived identity of a host or a client on disk: DIR/cert.pem and DIR/key.pem (mode 0600), DIR made
 * with mode 0700 where it is missing. Thread: any; two processes take turns by a lock on DIR.
 */

/*
 * Loads it, or makes one with the name `name` when neither file is there. A file that is damaged, missing
 * beside the other or readable by others is an error and is never replaced. why: a whole sentence for a
 * person, that names the file and says what to do; empty on success.
 * Errors: PF_E_INVALID (the files), PF_E_IO (the system), PF_E_NOMEM, PF_E_CRYPTO.
 */
int identity_load_or_create(struct pf_identity **out, const char *dir, const char *name, char *why,
	size_t why_len) PF_MUST_CHECK;

/*
 * A certificate and its key in two files of DIR, for whoever needs another pair beside that: read when both are
 * there, made and written when neither is, as above. make() fills cert and key (pf_calloc()) and returns an error
 * otherwise. Both have a NUL behind them. Files that make no sense are for the caller to find.
 */
struct identity_pem {
	const char *cert_file, *key_file; /* literals */
	char *cert, *key;
	size_t cert_len, key_len;
};
int identity_pem_load(struct identity_pem *pem, const char *dir,
	int (*make)(struct identity_pem *pem, void *userdata), void *userdata, char *why,
	size_t why_len) PF_MUST_CHECK;
/* Sets why; returns PF_E_INVALID. */
int identity_pem_damaged(
	const struct identity_pem *pem, const char *dir, char *why, size_t why_len);
void identity_pem_finish(struct identity_pem *pem); /* wipes the key */

/*
 * The machine's id in DIR/host-id: 32 random hex digits, made once. It tells records of one host from those of
 * others on the network and proves nothing; one that makes no sense is replaced. out is empty on an error;
 * why and errors as above.
 */
#define IDENTITY_HOST_ID_LEN 32u
int identity_host_id(char out[static IDENTITY_HOST_ID_LEN + 1], const char *dir, char *why,
	size_t why_len) PF_MUST_CHECK;

/*
 * The folder for configuration: $PUNKTFUNK_CONFIG_DIR, else $XDG_CONFIG_HOME/punktfunk, else
 * ~/.config/punktfunk. It need not exist. Errors: PF_E_INVALID with why (no home, or a relative path).
 */
int identity_config_dir(char *out, size_t cap, char *why, size_t why_len) PF_MUST_CHECK;

#endif
