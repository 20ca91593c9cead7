/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CLIENT_TELL_H
#define CLIENT_TELL_H

#include <stdint.h>

#include "client/options.h"
#include "client/stats.h"

/* What a person reads when a stream begins and when it is over; nothing with --quiet. Thread: main. */

/* The connection stands. `host` is the host's label, `bitrate_kbps` what it gives. */
void tell_start(const struct options *o, const char *host, const struct punktfunk_mode *mode,
	uint32_t bitrate_kbps);
/* It is over, and what was asked for lies in its files. */
void tell_end(const struct options *o, uint64_t streamed_ns, uint64_t pictures);

#endif
