/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include "host/base/log.h"
#include "host/config/config.h"
#include "host/host.h"
#include "host/native/internal.h"
#include "host/native/native.h"
#include "host/session/kept.h"

/*
 * A display that outlives its connection: a client that connects again takes over what it has, be it in use
 * by its old connection or kept since that was lost. Without a certificate nobody can tell that it is the
 * same client, and the display goes with the connection.
 */

static struct native_client *running_as(const struct native_client *c)
{
	for (struct native_client *old = c->native->clients; old; old = old->next)
		if (old != c && old->session && old->has_fp &&
			!memcmp(old->fp, c->fp, sizeof(c->fp)))
			return old;
	return NULL;
}

bool stay_take(struct native_client *c, struct vdisplay_output *output)
{
	if (!c->has_fp)
		return false;
	struct native_client *old = running_as(c);
	if (old) {
		native_end_kept(old, PF_CLOSE_END, "this device connected again", output);
		/* One that was kept beside it, by a session before. */
		kept_drop(c->native->host->kept, c->fp, "the client came back to a newer one");
	} else if (!kept_take(c->native->host->kept, c->fp, output)) {
		return false;
	}
	if (!output->name[0])
		return false; /* the old session had none left to give */
	log_info("native: %s: back on its display", c->name);
	return true;
}

bool stay_has(const struct native_client *c)
{
	return c->has_fp && (running_as(c) || kept_has(c->native->host->kept, c->fp));
}

bool stay_allowed(const struct native_client *c)
{
	return c->has_fp && c->session && c->native->host->config->grace && !c->native->closing &&
		!c->session_failed;
}

bool stay_wanted(const struct native_client *c, const struct pf_quic_end *end)
{
	/* Anything but "I quit" may be an accident: a crash, a phone that froze the program, the network. */
	return stay_allowed(c) && !(end->application && end->by_peer && end->code == PF_CLOSE_QUIT);
}

void native_forget(struct native *n, const uint8_t *fp)
{
	kept_drop(n->host->kept, fp, "its client has no access any more");
}
