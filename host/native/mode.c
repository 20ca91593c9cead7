/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/host.h"
#include "host/media/clock.h"
#include "host/native/control.h"
#include "host/native/internal.h"

/* Reconfigure (wire 4.5): another size or rate in mid-session. */

/*
 * A change of mode holds the loop for as long as the compositor takes, and the encoder starts anew. So one
 * is made at most this often, and never takes more than this share of the time. What comes in between
 * waits; of several only the newest is made and answered, as a window that is being resized wants it.
 */
#define MODE_GAP_NS	200000000ull
#define MODE_GAP_FACTOR 4u

static void make_mode(struct native_client *c)
{
	const struct pf_mode *mode = &c->wanted_mode;
	struct pf_msg m = {.type = PF_MSG_RECONFIGURED};
	struct pf_mode before = session_mode(c->session);
	uint64_t start_ns = clock_now_ns();
	c->mode_waiting = false;
	int err = session_set_mode(c->session, mode, 0, &m.reconfigured.mode);
	uint64_t took_ns = clock_now_ns() - start_ns;
	uint64_t gap_ns = MODE_GAP_FACTOR * took_ns;
	c->next_mode_ns = start_ns + took_ns + (gap_ns > MODE_GAP_NS ? gap_ns : MODE_GAP_NS);
	m.reconfigured.accepted = err >= 0;
	atomic_store(&c->data.wishes.refresh_hz, session_mode(c->session).refresh_hz);
	if (err < 0)
		m.reconfigured.mode = session_mode(c->session);
	log_info("native: %s: mode %ux%u at %u Hz %s (%.1f ms)", c->name, mode->width, mode->height,
		mode->refresh_hz, err < 0 ? "refused" : "made", (double)took_ns / 1e6);
	/* An accepted change begins with a keyframe, also where nothing changed (wire 4.6). */
	if (!memcmp(&before, &m.reconfigured.mode, sizeof(before)) && err >= 0)
		session_request_keyframe(c->session);
	control_send(c, &m);
}

static void on_mode_timer(void *userdata)
{
	struct native_client *c = userdata;
	if (!c->session || !c->mode_waiting)
		return;
	make_mode(c);
	native_flush(c->native);
}

void mode_wanted(struct native_client *c, const struct pf_msg *m)
{
	c->wanted_mode = m->reconfigure;
	if (!c->mode_waiting && clock_now_ns() >= c->next_mode_ns) {
		make_mode(c);
		return;
	}
	c->mode_waiting = true;
	loop_set_deadline(c->mode_timer, c->next_mode_ns);
}

int mode_open(struct native_client *c)
{
	return loop_add_timer(c->native->host->loop, &c->mode_timer, on_mode_timer, c);
}
