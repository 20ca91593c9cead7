/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_BASE_LOCAL_H
#define HOST_BASE_LOCAL_H

#include "core/base/error.h"

/*
 * Sockets of daemons and compositors in somebody's runtime folder. Root gets in everywhere, and whose folder it is need
 * not be trusted: a link there may lead to the screen or the camera of somebody else. So who listens must be the one
 * whom the folder belongs to, unless that is root. Thread: any.
 */

/*
 * path: absolute. Does not wait: who takes no connection hangs. Returns a descriptor that does not block, the caller's.
 * Errors: PF_E_INVALID (no such path can be), PF_E_TIMEOUT (it hangs), PF_E_DENIED, PF_E_IO (nobody listens).
 */
int local_connect(const char *path) PF_MUST_CHECK;
/* The same look at a connection that is there. Errors: PF_E_DENIED, PF_E_IO. */
int local_check(int fd, const char *path) PF_MUST_CHECK;

#endif
