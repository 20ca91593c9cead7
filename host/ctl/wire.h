/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_CTL_WIRE_H
#define HOST_CTL_WIRE_H

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "core/base/error.h"

/* What both ends of the control socket share. */

/* Errors: PF_E_INVALID (too long). */
static inline int ctl_address(struct sockaddr_un *out, const char *path)
{
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	for (size_t i = 0; i < sizeof(out->sun_path); i++) {
		out->sun_path[i] = path[i];
		if (!path[i])
			return i ? PF_OK : PF_E_INVALID;
	}
	return PF_E_INVALID;
}

#endif
