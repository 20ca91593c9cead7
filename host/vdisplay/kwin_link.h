/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_VDISPLAY_KWIN_LINK_H
#define HOST_VDISPLAY_KWIN_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/error.h"
#include "host/vdisplay/kwin_device.h"
#include "host/wayland/wlconn.h"
#include "host/wayland/wlspace.h"

/*
 * A connection to a KWin. No call waits beyond the time that it is given, whatever KWin does. Thread: the control loop.
 */

struct org_kde_kwin_fake_input;
struct zkde_screencast_unstable_v1;

#define KWIN_PATH_MAX 108u /* what a unix socket's address holds */

struct kwin_link {
	struct wlconn conn; /* its display, and whether it is dead */
	struct wl_registry *registry;
	struct wlspace space;
	struct kwin_devices devices;
	/* For input instead of outputs: set before kwin_link_open(). */
	bool wants_input;
	/* NULL: not wanted, or KWin does not let us have it. */
	struct zkde_screencast_unstable_v1 *screencast;
	struct org_kde_kwin_fake_input *input;
	/* As KWin offers them; 0 = not offered to us. */
	uint32_t screencast_version, input_version;
	bool is_kwin;
	uid_t peer_uid; /* who listens */
	char path[KWIN_PATH_MAX];
};

/*
 * Takes zeroed memory, but for wants_input; close() it also after a failure. Errors: PF_E_NO_FRAME (something else
 * than KWin listens), PF_E_DENIED (whose is neither owner's nor ours; owner (uid_t)-1 = anybody's), PF_E_IO (nobody
 * listens), PF_E_TIMEOUT, PF_E_CLOSED, PF_E_INVALID (path), PF_E_NOMEM.
 */
int kwin_link_open(
	struct kwin_link *l, const char *path, uid_t owner, uint64_t until_ns) PF_MUST_CHECK;
void kwin_link_close(struct kwin_link *l);
/* Reads events until done says so. Errors: PF_E_TIMEOUT, PF_E_CLOSED. */
int kwin_link_wait(struct kwin_link *l, bool (*done)(void *userdata), void *userdata,
	uint64_t until_ns) PF_MUST_CHECK;
/* Everything asked for so far is answered. Errors: as above, PF_E_NOMEM. */
int kwin_link_sync(struct kwin_link *l, uint64_t until_ns) PF_MUST_CHECK;

/*
 * The KWin of $WAYLAND_DISPLAY, else of the sockets in $XDG_RUNTIME_DIR, else of those in the user's folder under
 * /run/user (user as for run_user_person()). Errors: PF_E_NO_FRAME (none), PF_E_TIMEOUT (none, and a socket that
 * somebody listens on gave no answer), PF_E_NOMEM. Then it is closed.
 */
int kwin_find(struct kwin_link *l, const char *user, uint64_t until_ns) PF_MUST_CHECK;

#endif
