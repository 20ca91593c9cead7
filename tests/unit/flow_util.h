/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_UNIT_FLOW_UTIL_H
#define TESTS_UNIT_FLOW_UTIL_H

#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "core/flow/packetizer.h"
#include "core/flow/reassembler.h"
#include "core/packet/native.h"

/* A packetizer and a reassembler that fit each other, without encryption, and frames for them. */

#define MS UINT64_C(1000000)

enum { FLOW_SHARD = 64, FLOW_FRAME_MAX = 100000 };

static inline struct pf_packetizer_params flow_sender_params(void)
{
	return (struct pf_packetizer_params){
		.shard_payload = FLOW_SHARD,
		.scheme = PF_FEC_GF16,
		.fec_percent = 20,
		.min_parity = 2,
		.max_data_per_block = 4096,
		.max_frame_bytes = FLOW_FRAME_MAX,
	};
}

static inline struct pf_reassembler_params flow_receiver_params(void)
{
	struct pf_reassembler_params p = {.shard_bytes = FLOW_SHARD};
	pf_reassembler_limits_init(&p.limits, FLOW_FRAME_MAX);
	return p;
}

static inline struct pf_packetizer *flow_sender(const struct pf_packetizer_params *params)
{
	struct pf_packetizer *p;
	assert_int_equal(pf_packetizer_create(&p, params), PF_OK);
	return p;
}

static inline struct pf_reassembler *flow_receiver(const struct pf_reassembler_params *params)
{
	struct pf_reassembler *r;
	assert_int_equal(pf_reassembler_create(&r, params), PF_OK);
	return r;
}

/* The bytes of frame `index`: any byte in the wrong place shows. */
static inline void flow_fill(uint8_t *au, size_t len, uint32_t index)
{
	uint64_t rand = index * UINT64_C(0x9E3779B97F4A7C15) + 1;
	for (size_t i = 0; i < len; i++)
		au[i] = i % 8 ? (uint8_t)(au[i - 1] * 31 + 7) : (uint8_t)(test_rand(&rand) >> 56);
}

struct flow_frame {
	uint8_t *packets; /* a copy: the packetizer's buffer is used again */
	size_t packet_len, n, n_data;
};

static inline struct flow_frame flow_build(
	struct pf_packetizer *p, uint32_t index, size_t len, uint32_t user_flags)
{
	struct pf_frame_info info = {.pts_ns = UINT64_C(1000) + index,
		.frame_index = index,
		.user_flags = user_flags,
		.flags = PF_NATIVE_PICTURE};
	uint8_t *au = malloc(len + 1);
	struct pf_packet_batch b;
	assert_non_null(au);
	flow_fill(au, len, index);
	assert_int_equal(pf_packetizer_build(p, &info, au, len, &b), PF_OK);
	free(au);
	struct flow_frame f = {
		malloc(b.n_packets * b.packet_len), b.packet_len, b.n_packets, b.n_data};
	assert_non_null(f.packets);
	memcpy(f.packets, b.data, b.n_packets * b.packet_len);
	return f;
}

static inline uint8_t *flow_packet(const struct flow_frame *f, size_t i)
{
	return f->packets + i * f->packet_len;
}

static inline int flow_push(
	struct pf_reassembler *r, const struct flow_frame *f, size_t i, uint64_t now_ns)
{
	return pf_reassembler_push(r, flow_packet(f, i), f->packet_len, now_ns);
}

/* Builds frame `index` and pushes packets [from, to) of it; to = SIZE_MAX: all. Returns the last. */
static inline int flow_send(struct pf_packetizer *p, struct pf_reassembler *r, uint32_t index,
	size_t len, uint32_t user_flags, size_t from, size_t to, uint64_t now_ns)
{
	struct flow_frame f = flow_build(p, index, len, user_flags);
	int ready = 0;
	for (size_t i = from; i < f.n && i < to; i++)
		ready = flow_push(r, &f, i, now_ns);
	free(f.packets);
	return ready;
}

/* Polls a frame, checks its bytes and its padding, releases it. */
static inline struct pf_au flow_expect(struct pf_reassembler *r, uint32_t index, size_t len)
{
	struct pf_au au;
	static const uint8_t zeros[PF_AU_PADDING];
	uint8_t *want = malloc(len + 1);
	assert_non_null(want);
	assert_int_equal(pf_reassembler_poll(r, &au), PF_OK);
	assert_int_equal(au.frame_index, index);
	assert_int_equal(au.len, len);
	assert_true(au.pts_ns == 1000 + (uint64_t)index);
	flow_fill(want, len, index);
	if (len)
		assert_memory_equal(au.data, want, len);
	assert_memory_equal(au.data + len, zeros, PF_AU_PADDING);
	free(want);
	pf_reassembler_release(r);
	return au;
}

static inline void flow_expect_nothing(struct pf_reassembler *r)
{
	struct pf_au au;
	assert_int_equal(pf_reassembler_poll(r, &au), PF_E_NO_FRAME);
}

static inline struct pf_reassembler_stats flow_stats(const struct pf_reassembler *r)
{
	struct pf_reassembler_stats s;
	pf_reassembler_get_stats(r, &s);
	return s;
}

#endif
