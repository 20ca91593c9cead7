/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/* The body of GameStream's ANNOUNCE: what is taken is within the bounds of its header. */
#include <string.h>

#include "core/nv/sdp.h"
#include "core/wire/handshake.h"
#include "fuzz/fuzz.h"

static void check_video(const struct pf_nv_stream_config *c)
{
	FUZZ_CHECK(c->width >= PF_MODE_MIN_SIDE && c->width <= PF_MODE_MAX_SIDE);
	FUZZ_CHECK(c->height >= PF_MODE_MIN_SIDE && c->height <= PF_MODE_MAX_SIDE);
	FUZZ_CHECK(c->fps >= PF_MODE_MIN_HZ && c->fps <= PF_MODE_MAX_HZ);
	FUZZ_CHECK(c->refresh_x100 >= 99 * c->fps && c->refresh_x100 <= 101 * c->fps);
	FUZZ_CHECK(c->packet_size >= PF_NV_PACKET_SIZE_MIN &&
		c->packet_size <= PF_NV_PACKET_SIZE_MAX && c->packet_size % 16 == 0);
	FUZZ_CHECK(c->bitrate_kbps >= PF_NV_BITRATE_MIN && c->bitrate_kbps <= PF_NV_BITRATE_MAX);
	FUZZ_CHECK(!c->configured_kbps ||
		(c->configured_kbps >= PF_NV_BITRATE_MIN &&
			c->configured_kbps <= PF_NV_BITRATE_MAX));
	FUZZ_CHECK(c->min_parity <= PF_NV_PARITY_MAX);
	FUZZ_CHECK(c->slices >= 1 && c->slices <= PF_NV_SLICES_MAX);
	FUZZ_CHECK(c->codec <= PF_NV_AV1 && c->csc <= PF_NV_BT2020);
	FUZZ_CHECK(c->max_references <= PF_NV_REFERENCES_MAX);
}

static void check_audio(const struct pf_nv_stream_config *c)
{
	FUZZ_CHECK(c->channels == 2 || c->channels == 6 || c->channels == 8);
	FUZZ_CHECK(__builtin_popcount(c->channel_mask) == c->channels);
	FUZZ_CHECK(c->packet_ms == 5 || c->packet_ms == 10);
	FUZZ_CHECK(c->encryption <= PF_NV_ENCRYPT_ALL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pf_nv_stream_config c;
	const char *bad = NULL;
	/* Its own memory, so that the sanitizer sees a read of one byte too many. */
	char *copy = malloc(size ? size : 1);
	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	int err = pf_nv_announce_read(&c, copy, size, &bad);
	FUZZ_CHECK(bad && (err == PF_OK) == !*bad);
	if (err == PF_OK) {
		check_video(&c);
		check_audio(&c);
	} else {
		FUZZ_CHECK(err == PF_E_BAD_PACKET);
	}
	free(copy);
	return 0;
}
