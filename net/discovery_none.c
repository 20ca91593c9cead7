/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "net/discovery.h"

#include <stdio.h>

/* A build without libavahi-client. */

int discovery_publisher_create(
	struct discovery_publisher **out, const struct discovery_publisher_params *params)
{
	(void)params;
	*out = NULL;
	return PF_E_UNSUPPORTED;
}

void discovery_publisher_destroy(struct discovery_publisher *p)
{
	(void)p;
}

int discovery_publisher_update(struct discovery_publisher *p, const struct pf_txt *txt)
{
	(void)p;
	(void)txt;
	return PF_E_UNSUPPORTED;
}

int discovery_browse(struct discovery_list *list, uint32_t timeout_ms,
	const struct discovery_watch *watch, char *why, size_t why_len)
{
	(void)list;
	(void)timeout_ms;
	(void)watch;
	snprintf(why, why_len,
		"This program was built without libavahi-client and cannot look for hosts; give "
		"the host's address.");
	return PF_E_UNSUPPORTED;
}
