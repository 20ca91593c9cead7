/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <string.h>

#include "core/base/bytes.h"
#include "core/packet/nvvideo.h"
#include "tests/support/nv_gf.h"
#include "tests/support/nv_receiver.h"

#define SIZE	  96u /* payload 80 */
#define PAYLOAD	  80u
#define WIRE	  112u
#define MAX_FRAME 100000u

static const uint8_t key[16] = "0123456789abcdef";
static uint8_t au[MAX_FRAME];

static struct pf_nvvideo *make(unsigned percent, struct pf_aead *aead)
{
	struct pf_nvvideo *v;
	struct pf_nvvideo_params params = {
		.packet_size = SIZE,
		.fec_percent = percent,
		.min_parity = 2,
		.max_frame_bytes = MAX_FRAME,
		.aead = aead,
	};
	for (size_t i = 0; i < sizeof(au); i++)
		au[i] = (uint8_t)(i * 7 + i / 251 + 1);
	assert_int_equal(pf_nvvideo_create(&v, &params), PF_OK);
	return v;
}

static struct pf_packet_batch build(
	struct pf_nvvideo *v, const struct pf_nvvideo_frame *frame, size_t len)
{
	struct pf_packet_batch b;
	assert_int_equal(pf_nvvideo_build(v, frame, au, len, &b), PF_OK);
	return b;
}

static void matrices_are_the_client_s(void **state)
{
	(void)state;
	static const uint8_t two[2][10] = {
		{0x8e, 0xf4, 0x47, 0xa7, 0x7a, 0xba, 0xad, 0x9d, 0xdd, 0x98},
		{0xf4, 0x8e, 0xa7, 0x47, 0xba, 0x7a, 0x9d, 0xad, 0x98, 0xdd}};
	static const uint8_t three[3][5] = {{0xf4, 0x47, 0xa7, 0x7a, 0xba},
		{0x8e, 0xa7, 0x47, 0xba, 0x7a}, {0x01, 0x7a, 0xba, 0x47, 0xa7}};
	for (size_t i = 0; i < 10; i++)
		for (size_t j = 0; j < 2; j++)
			assert_int_equal(nv_cauchy_row(2, j, i), two[j][i]);
	for (size_t i = 0; i < 5; i++)
		for (size_t j = 0; j < 3; j++)
			assert_int_equal(nv_cauchy_row(3, j, i), three[j][i]);
}

static void every_field_lies_where_the_client_reads_it(void **state)
{
	(void)state;
	struct pf_nvvideo *v = make(50, NULL);
	struct pf_nvvideo_frame frame = {
		.pts_ns = 5000000000u, .frame_index = 1, .type = PF_NVVIDEO_IDR, .latency = 0x1234};
	build(v, &frame, 40); /* one packet and two of parity go before */
	frame.pts_ns += 16666667;
	frame.frame_index = 0x01020304;
	frame.type = PF_NVVIDEO_INVALIDATED;
	frame.long_term = true;
	struct pf_packet_batch b = build(v, &frame, 2 * PAYLOAD - 8 + 5); /* D = 3, P = 2 */
	assert_int_equal(b.packet_len, WIRE);
	assert_int_equal(b.n_data, 3);
	assert_int_equal(b.n_packets, 5);
	static const uint8_t first[40] = {0x90, 0, 0, 3, 0, 0, 0x05, 0xDC, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 3, 0, 0, 4, 3, 2, 1, 0x05, 1, 0x10, 0, 0x20, 0x03, 0xC0, 0, 1, 0x34, 0x12, 5, 5,
		0, 0, 0};
	assert_memory_equal(b.data, first, sizeof(first));
	assert_memory_equal(b.data + 40, au, PAYLOAD - 8);
	static const uint8_t middle[32] = {0x90, 0, 0, 4, 0, 0, 0x05, 0xDC, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 4, 0, 0, 4, 3, 2, 1, 0x01, 1, 0x10, 0, 0x20, 0x13, 0xC0, 0};
	assert_memory_equal(b.data + WIRE, middle, sizeof(middle));
	assert_memory_equal(b.data + WIRE + 32, au + PAYLOAD - 8, PAYLOAD);
	static const uint8_t last[32] = {0x90, 0, 0, 5, 0, 0, 0x05, 0xDC, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		5, 0, 0, 4, 3, 2, 1, 0x03, 1, 0x10, 0, 0x20, 0x23, 0xC0, 0};
	assert_memory_equal(b.data + 2 * WIRE, last, sizeof(last));
	assert_memory_equal(b.data + 2 * WIRE + 32, au + 2 * PAYLOAD - 8, 5);
	for (size_t i = 5; i < PAYLOAD; i++)
		assert_int_equal(b.data[2 * WIRE + 32 + i], 0);
	/* In parity the stream index and the flags are the code's. */
	static const uint8_t rtp[16] = {0x90, 0, 0, 6, 0, 0, 0x05, 0xDC};
	const uint8_t *parity = b.data + 3 * WIRE;
	assert_memory_equal(parity, rtp, sizeof(rtp));
	assert_int_equal(pf_get_le32(parity + 20), 0x01020304);
	assert_int_equal(parity[27], 0);
	assert_int_equal(pf_get_le32(parity + 28), 3u << 22 | 3u << 12 | 50u << 4);
	pf_nvvideo_destroy(v);
}

static void one_packet_is_start_and_end(void **state)
{
	(void)state;
	struct pf_nvvideo *v = make(0, NULL);
	struct pf_nvvideo_frame frame = {.frame_index = 1, .type = PF_NVVIDEO_P};
	struct pf_packet_batch b = build(v, &frame, PAYLOAD - 8);
	assert_int_equal(b.n_packets, 1);
	assert_int_equal(b.data[24], 7);
	assert_int_equal(pf_get_le32(b.data + 28), 1u << 22);
	/* A full last packet has its whole length, not 0. */
	assert_int_equal(pf_get_le16(b.data + 36), PAYLOAD);
	b = build(v, &frame, PAYLOAD - 7);
	assert_int_equal(b.n_packets, 2);
	assert_int_equal(pf_get_le16(b.data + 36), 1);
	pf_nvvideo_destroy(v);
}

/* The parity of a block against the formula, over what the packets were before their last fields. */
static void check_block(const uint8_t *packets, size_t d, size_t p)
{
	for (size_t j = 0; j < p; j++) {
		uint8_t want[WIRE] = {0};
		const uint8_t *got = packets + (d + j) * WIRE;
		for (size_t i = 0; i < d; i++) {
			uint8_t in[WIRE], c = nv_cauchy_row(p, j, i);
			memcpy(in, packets + i * WIRE, WIRE);
			memset(in, 0, 16);
			memset(in + 28, 0, 4);
			for (size_t b = 0; b < WIRE; b++)
				want[b] ^= nv_gf_mul(c, in[b]);
		}
		assert_memory_equal(got + 16, want + 16, 4);
		assert_memory_equal(got + 24, want + 24, 3);
		assert_memory_equal(got + 32, want + 32, WIRE - 32);
	}
}

static void parity_is_the_client_s_code(void **state)
{
	(void)state;
	static const unsigned percents[] = {1, 20, 33, 100, 255};
	for (size_t at = 0; at < sizeof(percents) / sizeof(percents[0]); at++) {
		struct pf_nvvideo *v = make(percents[at], NULL);
		struct pf_nvvideo_frame frame = {.frame_index = 77, .type = PF_NVVIDEO_P};
		for (size_t n = 1; n < 600; n += n / 3 + 1) {
			struct pf_packet_batch b = build(v, &frame, n * PAYLOAD - 8 - n % 50);
			struct pf_nvvideo_plan plan;
			assert_int_equal(pf_nvvideo_plan(&plan, n, percents[at], 2), PF_OK);
			assert_int_equal(plan.n_packets, b.n_packets);
			const uint8_t *p = b.data;
			for (size_t i = 0; i < plan.n_blocks; i++) {
				check_block(p, plan.blocks[i].data, plan.blocks[i].parity);
				p += (plan.blocks[i].data + plan.blocks[i].parity) * WIRE;
			}
		}
		pf_nvvideo_destroy(v);
	}
}

struct sink {
	uint32_t index, timestamp;
	uint8_t type;
	size_t len;
	unsigned n;
};

static void on_frame(const struct nv_frame *frame, void *userdata)
{
	struct sink *s = userdata;
	*s = (struct sink){frame->index, frame->timestamp, frame->type, frame->len, s->n + 1};
	assert_memory_equal(frame->data, au, frame->len);
}

/* Takes out as many packets of each block as it has parity (and `more`), at random. */
static void lose(struct nv_video_rx *rx, const struct pf_packet_batch *b,
	const struct pf_nvvideo_plan *plan, size_t more, uint64_t *seed)
{
	size_t at = 0;
	for (size_t i = 0; i < plan->n_blocks; i++) {
		size_t n = plan->blocks[i].data + plan->blocks[i].parity;
		size_t drop = plan->blocks[i].parity + more;
		for (size_t k = 0; k < n; k++) {
			if (test_rand(seed) % (n - k) < drop) {
				drop--;
				continue;
			}
			nv_video_rx_add(rx, b->data + (at + k) * b->packet_len, b->packet_len);
		}
		at += n;
	}
}

static void run_losses(struct pf_aead *aead, const uint8_t *rx_key)
{
	static const unsigned percents[] = {1, 5, 20, 50, 100, 255};
	struct sink sink = {0};
	struct pf_nvvideo *v = make(20, aead);
	struct nv_video_rx *rx = nv_video_rx_create(SIZE, rx_key, on_frame, &sink);
	assert_non_null(rx);
	uint64_t seed = 42;
	const unsigned rounds = TEST_SLOW ? 60 : 300;
	for (uint32_t i = 1; i <= rounds; i++) {
		unsigned percent = percents[i % 6];
		size_t n = 1 + test_rand(&seed) % (i % 10 ? 60 : 1100);
		size_t len = n * PAYLOAD - 8 - test_rand(&seed) % 70;
		struct pf_nvvideo_frame frame = {.pts_ns = i * 16666667u,
			.frame_index = i,
			.type = i == 1 ? PF_NVVIDEO_IDR : PF_NVVIDEO_P};
		struct pf_nvvideo_plan plan;
		assert_int_equal(pf_nvvideo_set_fec_percent(v, percent), PF_OK);
		assert_int_equal(pf_nvvideo_plan(&plan, n, percent, 2), PF_OK);
		struct pf_packet_batch b = build(v, &frame, len);
		lose(rx, &b, &plan, 0, &seed);
		assert_int_equal(sink.n, i);
		assert_int_equal(sink.index, i);
		assert_int_equal(sink.len, len);
		assert_int_equal(sink.type, frame.type);
	}
	const struct nv_video_stats *stats = nv_video_rx_stats(rx);
	assert_int_equal(stats->bad, 0);
	assert_int_equal(stats->lost, 0);
	assert_int_equal(stats->unopened, 0);
	assert_true(stats->rebuilt > rounds);
	nv_video_rx_destroy(rx);
	pf_nvvideo_destroy(v);
}

static void losses_up_to_the_parity_are_rebuilt(void **state)
{
	(void)state;
	run_losses(NULL, NULL);
}

static void so_they_are_when_encrypted(void **state)
{
	(void)state;
	struct pf_aead *aead;
	assert_int_equal(pf_aead_create(&aead, PF_CIPHER_AES_128_GCM, key, 16), PF_OK);
	run_losses(aead, key);
	pf_aead_destroy(aead);
}

static void one_loss_too_many_costs_that_frame_only(void **state)
{
	(void)state;
	struct sink sink = {0};
	struct pf_nvvideo *v = make(20, NULL);
	struct nv_video_rx *rx = nv_video_rx_create(SIZE, NULL, on_frame, &sink);
	assert_non_null(rx);
	uint64_t seed = 7;
	for (uint32_t i = 1; i <= 60; i++) {
		size_t n = i % 20 == 2 ? 500 : 30;
		struct pf_nvvideo_frame frame = {.frame_index = i, .type = PF_NVVIDEO_P};
		struct pf_nvvideo_plan plan;
		assert_int_equal(pf_nvvideo_plan(&plan, n, 20, 2), PF_OK);
		struct pf_packet_batch b = build(v, &frame, n * PAYLOAD - 8);
		lose(rx, &b, &plan, i % 2 ? 0 : 1, &seed);
	}
	assert_int_equal(sink.n, 30);
	assert_int_equal(nv_video_rx_stats(rx)->bad, 0);
	assert_int_equal(nv_video_rx_stats(rx)->lost, 29); /* nothing came after the last */
	nv_video_rx_destroy(rx);
	pf_nvvideo_destroy(v);
}

/* The sequence wraps after 65536 packets; the stream index goes on to 24 bits. */
static void counters_wrap_within_a_stream(void **state)
{
	(void)state;
	struct sink sink = {0};
	struct pf_nvvideo *v = make(0, NULL);
	struct nv_video_rx *rx = nv_video_rx_create(SIZE, NULL, on_frame, &sink);
	assert_non_null(rx);
	const uint32_t end = TEST_SLOW ? 1u << 17 : (1u << 24) + 70000;
	uint32_t packets = 0;
	for (uint32_t i = 1; packets < end; i++) {
		struct pf_nvvideo_frame frame = {.frame_index = i, .type = PF_NVVIDEO_P};
		struct pf_packet_batch b = build(v, &frame, 1001 * PAYLOAD - 8);
		assert_int_equal(pf_get_be16(b.data + 2), packets & 0xffff);
		assert_int_equal(pf_get_le32(b.data + 16), (packets & 0xffffff) << 8);
		for (size_t k = 0; k < b.n_packets; k++)
			nv_video_rx_add(rx, b.data + k * WIRE, WIRE);
		packets += (uint32_t)b.n_packets;
		assert_int_equal(sink.n, i);
	}
	assert_int_equal(nv_video_rx_stats(rx)->bad, 0);
	nv_video_rx_destroy(rx);
	pf_nvvideo_destroy(v);
}

static void nonces_count_every_packet(void **state)
{
	(void)state;
	struct pf_aead *aead;
	assert_int_equal(pf_aead_create(&aead, PF_CIPHER_AES_128_GCM, key, 16), PF_OK);
	struct pf_nvvideo *v = make(20, aead);
	uint64_t counter = 0;
	for (uint32_t i = 1; i <= 3; i++) {
		struct pf_nvvideo_frame frame = {.frame_index = i, .type = PF_NVVIDEO_P};
		struct pf_packet_batch b = build(v, &frame, 20 * PAYLOAD - 8);
		assert_int_equal(b.packet_len, WIRE + 32);
		assert_int_equal(b.n_packets, 24);
		for (size_t k = 0; k < b.n_packets; k++) {
			const uint8_t *p = b.data + k * b.packet_len;
			uint8_t iv[12] = {[11] = 'V'};
			pf_put_le64(iv, counter++);
			assert_memory_equal(p, iv, 12);
			assert_int_equal(pf_get_le32(p + 12), i);
		}
	}
	/* Another key opens none. */
	struct sink sink = {0};
	struct nv_video_rx *rx = nv_video_rx_create(
		SIZE, (const uint8_t *)"fedcba9876543210", on_frame, &sink);
	assert_non_null(rx);
	struct pf_nvvideo_frame frame = {.frame_index = 4, .type = PF_NVVIDEO_P};
	struct pf_packet_batch b = build(v, &frame, 20 * PAYLOAD - 8);
	for (size_t k = 0; k < b.n_packets; k++)
		nv_video_rx_add(rx, b.data + k * b.packet_len, b.packet_len);
	assert_int_equal(nv_video_rx_stats(rx)->unopened, b.n_packets);
	assert_int_equal(sink.n, 0);
	nv_video_rx_destroy(rx);
	pf_nvvideo_destroy(v);
	pf_aead_destroy(aead);
}

static void time_starts_with_the_first_frame(void **state)
{
	(void)state;
	struct pf_nvvideo *v = make(0, NULL);
	const uint64_t start = 1790000000000000000u; /* as CLOCK_REALTIME is */
	struct pf_nvvideo_frame frame = {.frame_index = 1, .type = PF_NVVIDEO_P, .pts_ns = start};
	assert_int_equal(pf_get_be32(build(v, &frame, 50).data + 4), 0);
	frame.pts_ns = start + 1000000000;
	assert_int_equal(pf_get_be32(build(v, &frame, 50).data + 4), 90000);
	frame.pts_ns = start + 11111; /* just under one tick */
	assert_int_equal(pf_get_be32(build(v, &frame, 50).data + 4), 0);
	frame.pts_ns = start - 1;
	assert_int_equal(pf_get_be32(build(v, &frame, 50).data + 4), 0);
	frame.pts_ns = start + 100ull * 3600 * 1000000000;
	assert_int_equal(
		pf_get_be32(build(v, &frame, 50).data + 4), (uint32_t)(100ull * 3600 * 90000));
	pf_nvvideo_destroy(v);
}

static void bad_arguments_are_refused(void **state)
{
	(void)state;
	struct pf_nvvideo *v;
	struct pf_nvvideo_params good = {
		.packet_size = 1392, .fec_percent = 20, .min_parity = 2, .max_frame_bytes = 1000};
	struct pf_nvvideo_params p = good;
	p.packet_size = PF_NVVIDEO_MIN_PACKET_SIZE - 1;
	assert_int_equal(pf_nvvideo_create(&v, &p), PF_E_INVALID);
	p.packet_size = PF_NVVIDEO_MAX_PACKET_SIZE + 1;
	assert_int_equal(pf_nvvideo_create(&v, &p), PF_E_INVALID);
	p = good;
	p.max_frame_bytes = 0;
	assert_int_equal(pf_nvvideo_create(&v, &p), PF_E_INVALID);
	p.max_frame_bytes = pf_nvvideo_max_frame(1392) + 1;
	assert_int_equal(pf_nvvideo_create(&v, &p), PF_E_INVALID);
	p = good;
	p.fec_percent = 256;
	assert_int_equal(pf_nvvideo_create(&v, &p), PF_E_INVALID);
	p = good;
	p.min_parity = 256;
	assert_int_equal(pf_nvvideo_create(&v, &p), PF_E_INVALID);
	pf_nvvideo_destroy(NULL);

	assert_int_equal(pf_nvvideo_create(&v, &good), PF_OK);
	struct pf_packet_batch b;
	struct pf_nvvideo_frame frame = {.frame_index = 1, .type = PF_NVVIDEO_P};
	assert_int_equal(pf_nvvideo_build(v, &frame, au, 0, &b), PF_E_INVALID);
	assert_int_equal(pf_nvvideo_build(v, &frame, au, 1001, &b), PF_E_INVALID);
	assert_int_equal(pf_nvvideo_build(v, &frame, NULL, 10, &b), PF_E_INVALID);
	frame.type = 3;
	assert_int_equal(pf_nvvideo_build(v, &frame, au, 10, &b), PF_E_INVALID);
	frame.type = PF_NVVIDEO_P;
	frame.frame_index = 0;
	assert_int_equal(pf_nvvideo_build(v, &frame, au, 10, &b), PF_E_INVALID);
	assert_int_equal(pf_nvvideo_set_fec_percent(v, 256), PF_E_INVALID);
	/* None of these took a number. */
	frame.frame_index = 1;
	assert_int_equal(pf_nvvideo_build(v, &frame, au, 1000, &b), PF_OK);
	assert_int_equal(pf_get_be16(b.data + 2), 0);
	pf_nvvideo_destroy(v);
}

static void the_largest_frame_fits(void **state)
{
	(void)state;
	struct pf_nvvideo *v;
	struct pf_nvvideo_params params = {.packet_size = PF_NVVIDEO_MIN_PACKET_SIZE,
		.fec_percent = 255,
		.min_parity = 255,
		.max_frame_bytes = pf_nvvideo_max_frame(PF_NVVIDEO_MIN_PACKET_SIZE)};
	assert_int_equal(pf_nvvideo_create(&v, &params), PF_OK);
	uint8_t *large = calloc(1, params.max_frame_bytes);
	assert_non_null(large);
	struct pf_nvvideo_frame frame = {.frame_index = 1, .type = PF_NVVIDEO_P};
	struct pf_packet_batch b;
	for (size_t len = params.max_frame_bytes; len; len /= 2) {
		assert_int_equal(pf_nvvideo_build(v, &frame, large, len, &b), PF_OK);
		if (len == params.max_frame_bytes)
			assert_int_equal(b.n_packets, PF_NVVIDEO_MAX_FRAME_PACKETS);
	}
	free(large);
	pf_nvvideo_destroy(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matrices_are_the_client_s),
		cmocka_unit_test(every_field_lies_where_the_client_reads_it),
		cmocka_unit_test(one_packet_is_start_and_end),
		cmocka_unit_test(parity_is_the_client_s_code),
		cmocka_unit_test(losses_up_to_the_parity_are_rebuilt),
		cmocka_unit_test(so_they_are_when_encrypted),
		cmocka_unit_test(one_loss_too_many_costs_that_frame_only),
		cmocka_unit_test(counters_wrap_within_a_stream),
		cmocka_unit_test(nonces_count_every_packet),
		cmocka_unit_test(time_starts_with_the_first_frame),
		cmocka_unit_test(bad_arguments_are_refused),
		cmocka_unit_test(the_largest_frame_fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
