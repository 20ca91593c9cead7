/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/* ENet's datagrams: each command that is found lies inside of what came, one behind the other. */
#include "core/base/bytes.h"
#include "fuzz/fuzz.h"
#include "host/gamestream/datagram.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gs_datagram d;
	struct gs_datagram_command c;
	const uint8_t *before = data;
	if (!gs_datagram_open(&d, data, size))
		return 0;
	while (gs_datagram_next(&d, &c) == 1) {
		FUZZ_CHECK(c.command >= GS_ENET_ACKNOWLEDGE &&
			c.command <= GS_ENET_SEND_UNRELIABLE_FRAGMENT);
		FUZZ_CHECK(c.data > before && c.data + 4 <= d.at && d.at <= data + size);
		before = c.data;
	}
	return 0;
}
