/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef NET_FOLDER_H
#define NET_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/base/error.h"

/*
 * A folder of our own on disk, with a lock on it while we are in: small files that must never be half
 * written, nor be somebody else's. why (of enter) gets a whole sentence for a person for every error, that
 * names the file and says what to do. Thread: any; processes take turns.
 */

struct folder {
	const char *path; /* borrowed */
	int fd, lock_fd;  /* lock_fd -1 = fd is what is locked, if anything */
	uid_t owner;
	bool shown; /* others may look into it */
	char *why;
	size_t why_len;
};

/*
 * Makes the folder where it is missing (0700), checks that it is ours or root's and not writable by others,
 * and locks it. Errors: PF_E_INVALID (not ours), PF_E_TIMEOUT (another process held the lock for wait_ms),
 * PF_E_IO. folder_leave() is due in every case.
 */
int folder_enter(struct folder *f, const char *path, unsigned wait_ms, char *why,
	size_t why_len) PF_MUST_CHECK;
/* The same without the lock, to read only: folder_write() puts whole files in place. No PF_E_TIMEOUT. */
int folder_look(struct folder *f, const char *path, char *why, size_t why_len) PF_MUST_CHECK;
void folder_leave(struct folder *f);

/*
 * The whole file, with a NUL behind it, in memory for pf_free() (pf_free_secret() where secret). Returns 1, or
 * 0 when there is no such file. secret: nobody else may read it; others may never write to it. remedy: what to
 * do about a file that is not what it should be. Errors: PF_E_INVALID (no ordinary file, empty, larger than
 * max, of another user, or its mode), PF_E_IO, PF_E_NOMEM.
 */
int folder_read(const struct folder *f, const char *name, size_t max, bool secret,
	const char *remedy, char **out, size_t *out_len) PF_MUST_CHECK;
/*
 * The file (mode 0600) is whole and on the disk under its name when this returns 0, or as it was before. As
 * root in a user's folder it becomes the user's. Errors: PF_E_IO.
 */
int folder_write(
	const struct folder *f, const char *name, const char *text, size_t len) PF_MUST_CHECK;
/* Takes away what a process left that was killed inside folder_write(). */
void folder_clean(const struct folder *f, const char *name);

/* Sets why. Returns err. */
__attribute__((format(printf, 3, 4))) int folder_fail(
	const struct folder *f, int err, const char *fmt, ...);

#endif
