/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CLIENT_FILE_H
#define CLIENT_FILE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Writes a file so that a reader sees the old one or the whole new one: a temporary file beside it,
 * synced, renamed over it. Errors: PUNKTFUNK_E_IO (errno says why), PUNKTFUNK_E_NOMEM. Thread: any.
 */
int file_write_atomic(const char *path, const void *data, size_t len, mode_t mode)
	__attribute__((warn_unused_result));

/*
 * Reads a whole regular file of at most max bytes into malloc'd memory with a NUL behind it.
 * Errors: PUNKTFUNK_E_IO (errno says why), PUNKTFUNK_E_FULL (larger than max), PUNKTFUNK_E_NOMEM.
 */
int file_read(int fd, size_t max, char **out, size_t *len) __attribute__((warn_unused_result));

#endif
