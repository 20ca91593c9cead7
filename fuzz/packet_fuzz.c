/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/* The shard header: what is read and written again is the same 40 bytes. */
#include <string.h>

#include "core/packet/native.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pf_native_header h;
	if (pf_native_header_read(&h, data, size) < 0)
		return 0;
	FUZZ_CHECK(size == PF_NATIVE_HEADER_LEN + (size_t)h.shard_bytes);
	FUZZ_CHECK(h.data_shards >= 1 && h.shard_index < h.data_shards + h.parity_shards);
	uint8_t again[PF_NATIVE_HEADER_LEN];
	pf_native_header_write(again, &h);
	FUZZ_CHECK(!memcmp(again, data, sizeof(again)));
	return 0;
}
