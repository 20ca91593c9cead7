/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

#include "host/ctl/ctl.h"
#include "net/identity.h"

#define SOCKET_NAME "host.sock"

static int fits(const char *out, int n, char *why, size_t why_len)
{
	if (n > 0 && (size_t)n < sizeof(((struct sockaddr_un *)0)->sun_path))
		return PF_OK;
	snprintf(why, why_len,
		"The path of the control socket, %.60s…, is longer than the %zu bytes that a "
		"socket's may have. "
		"Name a shorter one with --ctl PATH.",
		out, sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
	return PF_E_INVALID;
}

int ctl_default_path(
	char *out, size_t cap, const char *given, const char *config_dir, char *why, size_t why_len)
{
	char dir[512];
	const char *runtime = getenv("XDG_RUNTIME_DIR"), *own = getenv("PUNKTFUNK_CONFIG_DIR");
	if (given)
		return fits(out, snprintf(out, cap, "%s", given), why, why_len);
	if (config_dir)
		return fits(out, snprintf(out, cap, "%s/" SOCKET_NAME, config_dir), why, why_len);
	if (!(own && *own) && runtime && *runtime == '/')
		return fits(out, snprintf(out, cap, "%s/punktfunk/" SOCKET_NAME, runtime), why,
			why_len);
	int err = identity_config_dir(dir, sizeof(dir), why, why_len);
	if (err < 0)
		return err;
	return fits(out, snprintf(out, cap, "%s/" SOCKET_NAME, dir), why, why_len);
}
