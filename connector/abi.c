/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stddef.h>

#include "connector/internal.h"

/* The entry points that belong to no other file. */

uint32_t punktfunk_abi_version(void)
{
	return PUNKTFUNK_ABI_VERSION;
}

const char *punktfunk_strerror(int status)
{
	return pf_strerror(status);
}

int punktfunk_connection_next_au(
	struct punktfunk_connection *c, struct punktfunk_frame *frame, uint32_t timeout_ms)
{
	if (!c || !frame)
		return PF_E_NULL;
	if (frame->size < offsetof(struct punktfunk_frame, flags))
		return PF_E_INVALID;
	return planes_next_au(c, frame, timeout_ms);
}
