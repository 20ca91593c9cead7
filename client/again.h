/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CLIENT_AGAIN_H
#define CLIENT_AGAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "client/connect.h"

/* Coming back to a host whose link was lost. Thread: main. */

struct again {
	struct connect *connect;
	int wake_fd;	   /* readable: look whether to stop; what is in it is taken */
	uint64_t until_ns; /* CLOCK_MONOTONIC; no try begins after it */
	bool (*stopped)(void);
};

/*
 * Tries, less and less often, until the host is there, says something that another try would not change, the
 * time is over or the person wants no more. True: *out is connected. False: message has the sentence of the
 * last try, or nothing.
 */
bool again_connect(const struct again *a, struct punktfunk_connection **out,
	char message[CONNECT_MESSAGE_MAX]) __attribute__((warn_unused_result));

#endif
