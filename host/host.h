/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_HOST_H
#define HOST_HOST_H

#include <stdint.h>

#include "core/base/error.h"
#include "host/encode/offer.h"

struct config;
struct ctl;
struct host;
struct kept;
struct loop;
struct session;
struct vdisplay;

/*
 * What all sessions share: the loop, the settings, the desktop (a compositor found running, or one that
 * we started). Thread: the control loop.
 */
struct host {
	struct loop *loop;
	const struct config *config;
	struct vdisplay *vdisplay;
	const char *capture_name, *inject_name,
		*clipboard_name;  /* backends that go with the source */
	struct session *sessions; /* session::next */
	uint64_t next_session_id;
	uint64_t last_input;	    /* id of the session whose client used the seat last */
	struct kept *kept;	    /* displays whose clients may come back */
	struct ctl *ctl;	    /* NULL = there is no control socket; the log said why */
	struct encoder_offer offer; /* constant */
	char config_dir[512];
};

/* Finds or starts the desktop. On failure one sentence went to the log. */
int host_create(struct host **out, struct loop *loop, const struct config *config) PF_MUST_CHECK;
/* Every session must have been destroyed. Takes NULL. */
void host_destroy(struct host *h);

#endif
