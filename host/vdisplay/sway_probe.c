/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/vdisplay/sway_probe.h"

#include <stdio.h>
#include <string.h>

#include "host/vdisplay/sway_find.h"
#include "host/vdisplay/sway_ipc.h"
#include "host/vdisplay/sway_session.h"
#include "host/vdisplay/vdisplay.h"

#define TIMEOUT_MS 200u /* it just answered */

static void ask_version(const char *ipc_path, char *text, size_t cap)
{
	struct sway_ipc ipc;
	json_t *version = NULL;
	int err = sway_ipc_open(&ipc, ipc_path);
	ipc.timeout_ms = TIMEOUT_MS;
	if (err >= 0)
		err = sway_ipc_request(&ipc, SWAY_IPC_GET_VERSION, NULL, &version);
	const char *said = err < 0 ? NULL
				   : json_string_value(json_object_get(version, "human_readable"));
	snprintf(text, cap, "%.60s", said ? said : "of an unknown version");
	json_decref(version);
	sway_ipc_close(&ipc);
}

int sway_probe(const struct vdisplay_params *params, char *note)
{
	char ipc_path[SWAY_SESSION_PATH_MAX], wayland_path[SWAY_SESSION_PATH_MAX], version[64],
		why[300];
	int err = PF_E_NO_FRAME;
	if (!params->own_session)
		err = sway_find_running(params->user, ipc_path, sizeof(ipc_path), wayland_path,
			sizeof(wayland_path));
	if (err >= 0) {
		ask_version(ipc_path, version, sizeof(version));
		snprintf(note, VDISPLAY_NOTE_LEN, "sway %s runs (%s)", version, ipc_path);
		return VDISPLAY_RUNS;
	}
	const int hung = err == PF_E_TIMEOUT;
	err = sway_session_check(params->user, why, sizeof(why));
	snprintf(note, VDISPLAY_NOTE_LEN, "%s%s",
		hung ? "a sway hangs and is not used: end it with kill -9, or log in again; "
			: err < 0 || params->own_session ? ""
							 : "no sway runs; ",
		err < 0 ? why : "a headless sway of our own can be started");
	if (hung && params->compositor) /* who named it wants no empty one beside it */
		return PF_E_TIMEOUT;
	return err < 0 ? err : VDISPLAY_STARTS;
}
