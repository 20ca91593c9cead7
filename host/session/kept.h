/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_SESSION_KEPT_H
#define HOST_SESSION_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "host/vdisplay/vdisplay.h"

/*
 * Displays whose clients lost their link: kept for a while (--grace) with what is open on them, for the same
 * client to come back to. Nothing captures or encodes them, and nobody else gets them. A client is known by
 * its fingerprint; it has at most one. Thread: the control loop.
 */

struct host;
struct kept;

#define KEPT_MAX    64u /* the most clients that --max-concurrent allows */
#define KEPT_FP_LEN 32u

int kept_create(struct kept **out, struct host *host) PF_MUST_CHECK;
/* Removes the displays. Takes NULL. */
void kept_destroy(struct kept *k);

/* Takes the display over, in place of one that this client had here. name: for the log. */
void kept_put(struct kept *k, const uint8_t fp[static KEPT_FP_LEN],
	const struct vdisplay_output *output, const char *name);
/* The client is back: the display is the caller's again. False: it has none here. */
bool kept_take(
	struct kept *k, const uint8_t fp[static KEPT_FP_LEN], struct vdisplay_output *output);
bool kept_has(const struct kept *k, const uint8_t fp[static KEPT_FP_LEN]);
/* Removes this client's display, if there is one. */
void kept_drop(struct kept *k, const uint8_t fp[static KEPT_FP_LEN], const char *why);
/* Removes the one that is kept for longest, to make room. False: there is none. */
bool kept_drop_oldest(struct kept *k);
size_t kept_count(const struct kept *k);
/* A desktop went away, and those on it with it. */
void kept_forget_lost(struct kept *k);

#endif
