/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GAMESTREAM_LAUNCH_ARGS_H
#define HOST_GAMESTREAM_LAUNCH_ARGS_H

#include <stddef.h>

#include "host/gamestream/launch.h"

/* The query of /launch and /resume. Thread: any. */

/* As http_arg(): NULL = absent. */
typedef const char *(*launch_arg)(const void *source, const char *name);

/*
 * Fills *out but for the addresses. Errors: PF_E_BAD_PACKET, with why: a sentence that names the argument and never
 * holds its value.
 */
int launch_args_read(struct launch_request *out, launch_arg arg, const void *source, char *why,
	size_t why_len) PF_MUST_CHECK;
/* A decimal number with nothing around it. Errors: PF_E_BAD_PACKET (NULL text as well). */
int launch_args_number(
	long long *out, const char *text, long long min, long long max) PF_MUST_CHECK;

#endif
