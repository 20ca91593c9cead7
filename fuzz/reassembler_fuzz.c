/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Operations on a small reassembler. Each takes one byte and what it needs of the rest: packets are made
 * of a few bytes, so that the fuzzer need not guess 40 of them right, and now and then given raw.
 */
#include <string.h>

#include "core/flow/reassembler.h"
#include "core/packet/native.h"
#include "fuzz/fuzz.h"

#define SHARD_BYTES 32u
#define FRAME_MAX   2048u
#define STEP_NS	    5000000u /* a 24th of the loss window */
/* What the arena holds above the limit: bookkeeping of one frame, whole chunks. */
#define SLACK 12288u

struct input {
	const uint8_t *p, *end;
};

static uint8_t take(struct input *in)
{
	return in->p < in->end ? *in->p++ : 0;
}

static void push_made(struct pf_reassembler *r, struct input *in, uint64_t now_ns)
{
	uint8_t packet[PF_NATIVE_HEADER_LEN + SHARD_BYTES];
	uint8_t shape = take(in);
	struct pf_native_header h = {
		.frame_index = take(in),
		.stream_seq = take(in),
		.frame_bytes = take(in) * 16u + 1,
		.user_flags = take(in),
		.block_count = 1u + (shape & 3),
		.block_index = shape >> 2 & 3,
		.data_shards = 1u + (take(in) & 31),
		.parity_shards = take(in) & 31,
		.shard_index = take(in) & 63,
		.shard_bytes = SHARD_BYTES,
		.scheme = shape >> 4 & 1,
		.flags = shape >> 5,
	};
	pf_native_header_write(packet, &h);
	memset(packet + PF_NATIVE_HEADER_LEN, take(in), SHARD_BYTES);
	(void)!pf_reassembler_push(r, packet, sizeof(packet), now_ns);
}

static void push_raw(struct pf_reassembler *r, struct input *in, uint64_t now_ns)
{
	uint8_t packet[PF_NATIVE_HEADER_LEN + SHARD_BYTES];
	size_t n = (size_t)(in->end - in->p);
	if (n > sizeof(packet))
		n = sizeof(packet);
	memcpy(packet, in->p, n);
	in->p += n;
	(void)!pf_reassembler_push(r, packet, n, now_ns);
}

static void poll_all(struct pf_reassembler *r)
{
	struct pf_au au;
	while (pf_reassembler_poll(r, &au) >= 0) {
		FUZZ_CHECK(au.len >= 1 && au.len <= FRAME_MAX);
		unsigned sum = 0;
		for (size_t i = 0; i < au.len; i++)
			sum += au.data[i];
		for (size_t i = 0; i < PF_AU_PADDING; i++)
			FUZZ_CHECK(au.data[au.len + i] == 0);
		FUZZ_CHECK(sum <= 255 * au.len);
		pf_reassembler_release(r);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, data + size};
	struct pf_reassembler_params params = {.shard_bytes = SHARD_BYTES};
	struct pf_reassembler *r;
	uint32_t first, last;
	uint64_t now_ns = 1;
	/* One scheme at a time: the tables of the other would be most of the time. */
	params.schemes = 1u << (take(&in) & 1);
	pf_reassembler_limits_init(&params.limits, FRAME_MAX);
	params.limits.max_frames = 8;
	params.limits.max_blocks = 4;
	params.limits.max_data_per_block = 32;
	params.limits.max_parity_per_block = 32;
	FUZZ_CHECK(pf_reassembler_create(&r, &params) >= 0);
	while (in.p < in.end) {
		uint8_t op = take(&in);
		now_ns += (op >> 4) * STEP_NS;
		switch (op & 7) {
		case 0:
			poll_all(r);
			break;
		case 1:
			(void)pf_reassembler_expire(r, now_ns);
			break;
		case 2:
			if (pf_reassembler_hole(r, &first, &last))
				FUZZ_CHECK(last - first < UINT32_MAX / 2);
			break;
		case 3:
			push_raw(r, &in, now_ns);
			break;
		case 4:
			if (op >> 4 == 15)
				pf_reassembler_reset(r);
			break;
		default:
			push_made(r, &in, now_ns);
		}
		struct pf_reassembler_stats stats;
		pf_reassembler_get_stats(r, &stats);
		FUZZ_CHECK(stats.bytes_in_flight <= params.limits.max_bytes_in_flight + SLACK);
		FUZZ_CHECK(stats.frames_delivered <= stats.frames_completed);
	}
	poll_all(r);
	pf_reassembler_destroy(r);
	return 0;
}
