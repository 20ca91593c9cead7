/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/unit/flow_util.h"

#include "core/packet/nvaudio.h"
#include "core/packet/nvvideo.h"

/*
 * Nothing is allocated after create(). The program's own malloc family stands in for the C library's,
 * for every object of the process, and counts. The sanitizers bring their own: nothing to see there.
 */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COUNTING 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
	__has_feature(memory_sanitizer)
#define COUNTING 0
#endif
#endif
#ifndef COUNTING
#define COUNTING 1
#endif

static size_t n_allocations;

#if COUNTING
void *__libc_malloc(size_t len);
void *__libc_calloc(size_t n, size_t len);
void *__libc_realloc(void *p, size_t len);
void *__libc_memalign(size_t align, size_t len);

void *malloc(size_t len)
{
	n_allocations++;
	return __libc_malloc(len);
}

void *calloc(size_t n, size_t len)
{
	n_allocations++;
	return __libc_calloc(n, len);
}

void *realloc(void *p, size_t len)
{
	n_allocations++;
	return __libc_realloc(p, len);
}

void *aligned_alloc(size_t align, size_t len)
{
	n_allocations++;
	return __libc_memalign(align, len);
}
#endif

static void the_counter_counts(void **state)
{
	(void)state;
	if (!COUNTING)
		return; /* not skip(): cmocka 1.1.5 reports it as "not ok" */
	n_allocations = 0;
	struct pf_packetizer_params s = flow_sender_params();
	pf_packetizer_destroy(flow_sender(&s));
	assert_true(n_allocations > 3);
}

static void run(enum pf_cipher cipher, enum pf_fec_scheme scheme)
{
	const uint8_t key[32] = {5}, salt[4] = {1};
	static uint8_t unit[FLOW_FRAME_MAX];
	struct pf_aead *aead;
	struct pf_sealer seal, open;
	size_t key_len = cipher == PF_CIPHER_AES_128_GCM ? 16 : 32;
	assert_int_equal(pf_aead_create(&aead, cipher, key, key_len), PF_OK);
	pf_sealer_init(&seal, aead, salt, PF_HOST_TO_CLIENT);
	open = seal;
	struct pf_packetizer_params sp = flow_sender_params();
	sp.scheme = scheme;
	sp.max_data_per_block = scheme == PF_FEC_GF8 ? 200 : 4096;
	sp.seal = &seal;
	struct pf_reassembler_params rp = flow_receiver_params();
	struct pf_packetizer *p = flow_sender(&sp);
	struct pf_reassembler *r = flow_receiver(&rp);
	uint64_t rand = 3;
	size_t start = n_allocations;
	for (uint32_t i = 0; i < 60; i++) {
		struct pf_frame_info info = {.frame_index = i, .flags = PF_NATIVE_PICTURE};
		struct pf_packet_batch b;
		struct pf_au au;
		int err = pf_packetizer_build(p, &info, unit, test_rand(&rand) % 20000, &b);
		assert_int_equal(err, PF_OK);
		for (size_t j = 0; j < b.n_packets; j++) {
			uint64_t seq;
			uint8_t *text;
			size_t len;
			uint8_t *packet = b.data + j * b.packet_len;
			if (test_rand(&rand) % (i % 7 ? 20 : 2) == 0)
				continue;
			if (test_rand(&rand) % 20 == 0)
				packet[20] ^= 1; /* does not open */
			if (pf_sealer_open(&open, packet, b.packet_len, &seq, &text, &len) == 0)
				assert_true(pf_reassembler_push(r, text, len, i * 10 * MS) >= 0);
		}
		while (pf_reassembler_poll(r, &au) == PF_OK)
			pf_reassembler_release(r);
		(void)pf_reassembler_expire(r, i * 10 * MS);
	}
	assert_int_equal(n_allocations, start);
	assert_true(flow_stats(r).frames_recovered > 5);
	assert_true(flow_stats(r).frames_lost > 0);
	pf_packetizer_destroy(p);
	pf_reassembler_destroy(r);
	pf_aead_destroy(aead);
}

static void nothing_is_allocated_for_a_frame(void **state)
{
	(void)state;
	run(PF_CIPHER_AES_128_GCM, PF_FEC_GF16);
	run(PF_CIPHER_CHACHA20_POLY1305, PF_FEC_GF16);
	run(PF_CIPHER_AES_128_GCM, PF_FEC_GF8);
}

static void nor_for_gamestream(void **state)
{
	(void)state;
	static uint8_t unit[FLOW_FRAME_MAX];
	const uint8_t key[16] = {5};
	struct pf_aead *aead;
	struct pf_cbc *cbc;
	struct pf_nvvideo *v;
	struct pf_nvaudio *a;
	assert_int_equal(pf_aead_create(&aead, PF_CIPHER_AES_128_GCM, key, 16), PF_OK);
	assert_int_equal(pf_cbc_create(&cbc, key), PF_OK);
	struct pf_nvvideo_params vp = {.packet_size = 1024,
		.fec_percent = 20,
		.min_parity = 2,
		.max_frame_bytes = FLOW_FRAME_MAX,
		.aead = aead};
	struct pf_nvaudio_params ap = {.packet_ms = 5, .cbc = cbc};
	assert_int_equal(pf_nvvideo_create(&v, &vp), PF_OK);
	assert_int_equal(pf_nvaudio_create(&a, &ap), PF_OK);
	uint64_t rand = 3;
	size_t start = n_allocations;
	for (uint32_t i = 1; i <= 60; i++) {
		struct pf_nvvideo_frame frame = {.frame_index = i, .type = PF_NVVIDEO_P};
		struct pf_packet_batch b;
		struct pf_nvaudio_batch sound;
		size_t len = 1 + test_rand(&rand) % (FLOW_FRAME_MAX - 1);
		assert_int_equal(pf_nvvideo_build(v, &frame, unit, len, &b), PF_OK);
		assert_int_equal(pf_nvaudio_build(a, unit, 120, &sound), PF_OK);
	}
	assert_int_equal(n_allocations, start);
	pf_nvaudio_destroy(a);
	pf_nvvideo_destroy(v);
	pf_cbc_destroy(cbc);
	pf_aead_destroy(aead);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_counter_counts),
		cmocka_unit_test(nothing_is_allocated_for_a_frame),
		cmocka_unit_test(nor_for_gamestream),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
