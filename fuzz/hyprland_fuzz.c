/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/* The reader of Hyprland's monitors: what it takes is within its bounds. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "host/vdisplay/hyprland_ipc.h"
#include "host/vdisplay/sway_ipc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct hyprland_monitor m[HYPRLAND_MAX_MONITORS];
	const int n = hyprland_parse_monitors((const char *)data, size, m);
	FUZZ_CHECK(n == PF_E_BAD_PACKET || (n >= 0 && n <= (int)HYPRLAND_MAX_MONITORS));
	for (int i = 0; i < n; i++)
		FUZZ_CHECK(sway_ipc_check_name(m[i].name) == PF_OK && m[i].width < 100000 &&
			m[i].height < 100000 && m[i].refresh_mhz <= 10000000);
	return 0;
}
