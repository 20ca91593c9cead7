/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_VDISPLAY_DETECT_H
#define HOST_VDISPLAY_DETECT_H

#include <stddef.h>

#include "core/base/error.h"

/*
 * Which desktop the person looks at, as far as names tell: of the session that logind calls active, and of our own
 * environment. They only order what probe() found to run. Thread: the control loop.
 */

#define DETECT_NAMES_LEN 128u

struct detect {
	char active[DETECT_NAMES_LEN]; /* the desktop of the active session; empty = none known */
	char own[DETECT_NAMES_LEN];    /* of the environment: names with colons between */
	unsigned sockets;	       /* bits by backend of which a variable names a socket */
};

/* user: as in run_user.h. Asks nobody that could hang. */
void detect_read(struct detect *d, const char *user);
/* Higher = rather this backend; 0 = nothing speaks for it. */
unsigned detect_rank(const struct detect *d, const char *backend);
/*
 * The backend's name for what a person or an environment calls a desktop: "gnome" -> "mutter". "auto", "own", "portal"
 * and "none" are themselves. NULL = not known.
 */
const char *detect_backend(const char *desktop);

/*
 * The runtime folder of the user whose desktop is meant: $XDG_RUNTIME_DIR where it is that user's, else
 * /run/user/UID. On failure why is one sentence that says what to do. Errors: PF_E_NO_FRAME (there is none),
 * PF_E_DENIED (somebody else's), PF_E_INVALID (a path that cannot be one).
 */
int detect_runtime_dir(
	const char *user, char *dir, size_t cap, char *why, size_t why_cap) PF_MUST_CHECK;

#endif
