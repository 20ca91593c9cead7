/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GAMESTREAM_GAMESTREAM_H
#define HOST_GAMESTREAM_GAMESTREAM_H

#include "core/base/error.h"

/*
 * GameStream, for stock Moonlight clients: nvhttp, RTSP, control, video and audio on ports that follow from one
 * base (--gamestream-port). A sibling of host/native: neither includes the other. Thread: the control loop.
 */

struct gamestream;
struct host;

/*
 * Listens at once; NULL in *out without --gamestream. On failure one sentence went to the log.
 */
int gamestream_create(struct gamestream **out, struct host *host) PF_MUST_CHECK;
/* Ends every session and tells the clients. Takes NULL. */
void gamestream_destroy(struct gamestream *g);

#endif
