/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_VDISPLAY_SESSION_DIR_H
#define HOST_VDISPLAY_SESSION_DIR_H

#include <stddef.h>
#include <sys/types.h>

#include "core/base/error.h"

/*
 * The folder of one session. It is locked while its host lives, so that the next host can tell what a
 * killed one left behind and remove it.
 */

/*
 * Makes an empty folder under /run (root), $XDG_RUNTIME_DIR or /tmp, and removes abandoned ones there.
 * Returns a descriptor of it that holds the lock. Errors: PF_E_IO, PF_E_INVALID (path too long).
 */
int session_dir_create(char *path, size_t cap) PF_MUST_CHECK;
/* Makes path/name with mode 0700 for uid:gid. */
int session_dir_add(int dir_fd, const char *name, uid_t uid, gid_t gid) PF_MUST_CHECK;
/* Writes a new file path/name of mode 0644. */
int session_dir_write(int dir_fd, const char *name, const char *text) PF_MUST_CHECK;
/* Removes the folder and all in it, following no link and entering no mount; closes dir_fd. */
void session_dir_remove(const char *path, int dir_fd);

#endif
