/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/vdisplay/sway_undo.h"

#include <string.h>

#include "host/media/clock.h"
#include "host/vdisplay/sway_ipc.h"
#include "host/vdisplay/sway_output.h"
#include "host/vdisplay/undo.h"
#include "host/vdisplay/vdisplay.h"

/* A start is not held longer by a sway that hangs. */
#define TIMEOUT_MS 1000u

int sway_undo(const struct undo_record *r)
{
	struct sway_ipc ipc;
	char focused[UNDO_NAME_LEN];
	int n = 0, err = sway_ipc_open(&ipc, r->socket);
	/* Its socket without it, or another sway: what was made went with the one that was there. */
	if (err < 0 || undo_record_check_peer(r, ipc.peer_pid, ipc.peer_uid) < 0) {
		sway_ipc_close(&ipc);
		return 0;
	}
	ipc.timeout_ms = TIMEOUT_MS;
	ipc.until_ns = clock_now_ns() + VDISPLAY_HOLD_NS;
	err = sway_output_focused(&ipc, focused, sizeof(focused));
	for (size_t i = 0; i < r->n_outputs && err >= 0; i++) {
		err = sway_output_is_used(&ipc, r->outputs[i]);
		if (err <= 0)
			continue;
		sway_output_drop(&ipc, r->outputs[i], true, r->focus);
		if (strcmp(focused, r->outputs[i]) == 0 && sway_ipc_check_name(r->focus) >= 0)
			(void)!sway_output_focus(&ipc, r->focus);
		n++;
	}
	/* A connection that broke off meanwhile is a sway that ended. */
	sway_ipc_close(&ipc);
	return err == PF_E_TIMEOUT ? err : n;
}
