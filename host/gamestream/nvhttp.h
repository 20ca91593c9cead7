/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GAMESTREAM_NVHTTP_H
#define HOST_GAMESTREAM_NVHTTP_H

#include <stdint.h>

#include "core/base/error.h"

/*
 * What Moonlight clients ask over HTTP and HTTPS: serverinfo, pair, unpair, applist, appasset, launch, resume, cancel
 * (docs/gamestream.md); and the commands gamestream.* of the control socket. Thread: the control loop.
 */

struct gamestream;
struct nvhttp;

/* g has identity, trust, apps and launches. On failure one sentence went to the log. */
int nvhttp_create(struct nvhttp **out, struct gamestream *g) PF_MUST_CHECK;
void nvhttp_destroy(struct nvhttp *n); /* takes NULL */

#endif
