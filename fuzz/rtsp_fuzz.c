/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * GameStream's RTSP, as it comes from anybody: what is taken lies inside of what came, is the same whatever comes
 * after it, and waits for the rest wherever it is cut.
 */
#include <string.h>

#include "core/nv/rtsp.h"
#include "fuzz/fuzz.h"

static const uint8_t key[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

static void check_text(struct pf_nv_text t, const uint8_t *data, size_t size)
{
	const uint8_t *p = (const uint8_t *)t.p;
	FUZZ_CHECK(!p || (p >= data && p + t.len <= data + size));
}

static void check_head(struct pf_nv_text t, const uint8_t *data, size_t size)
{
	check_text(t, data, size);
	FUZZ_CHECK(t.len <= PF_NV_RTSP_LINE_MAX);
	for (size_t i = 0; i < t.len; i++)
		FUZZ_CHECK(t.p[i] >= ' ' && t.p[i] <= '~');
}

static void fuzz_clear(const uint8_t *data, size_t size)
{
	struct pf_nv_rtsp_request r, again;
	int n = pf_nv_rtsp_read(&r, data, size);
	if (n < 0) {
		FUZZ_CHECK(n == PF_E_AGAIN || n == PF_E_FULL || n == PF_E_BAD_PACKET);
		FUZZ_CHECK(n != PF_E_AGAIN || size < PF_NV_RTSP_MAX);
		return;
	}
	FUZZ_CHECK(n > 0 && (size_t)n <= size && n <= (int)PF_NV_RTSP_MAX);
	FUZZ_CHECK(r.method <= PF_NV_RTSP_PLAY);
	check_head(r.target, data, size);
	check_head(r.host, data, size);
	check_head(r.session, data, size);
	check_head(r.transport, data, size);
	check_text(r.body, data, (size_t)n);
	FUZZ_CHECK(pf_nv_rtsp_read(&again, data, (size_t)n) == n);
	FUZZ_CHECK(pf_nv_rtsp_read(&again, data, (size_t)n - 1) == PF_E_AGAIN);
	FUZZ_CHECK(pf_nv_rtsp_read(&again, data, (size_t)n / 2) == PF_E_AGAIN);
}

static void fuzz_sealed(const uint8_t *data, size_t size)
{
	struct pf_aead *aead = NULL;
	uint32_t seq;
	int n = pf_nv_rtsp_sealed_len(data, size);
	if (n < 0 || (size_t)n > size)
		return;
	FUZZ_CHECK(n > (int)PF_NV_RTSP_SEAL_LEN);
	if (pf_aead_create(&aead, PF_CIPHER_AES_128_GCM, key, sizeof(key)) < 0)
		return;
	uint8_t *text = malloc((size_t)n), *sealed = malloc((size_t)n);
	FUZZ_CHECK(text && sealed);
	int len = pf_nv_rtsp_open(aead, PF_CLIENT_TO_HOST, data, (size_t)n, text, &seq);
	if (len > 0) {
		FUZZ_CHECK(pf_nv_rtsp_seal(aead, PF_CLIENT_TO_HOST, seq, text, (size_t)len, sealed,
				   (size_t)n) == n);
		FUZZ_CHECK(!memcmp(sealed, data, (size_t)n));
		fuzz_clear(text, (size_t)len);
	}
	free(sealed);
	free(text);
	pf_aead_destroy(aead);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Its own memory, so that the sanitizer sees a read of one byte too many. */
	uint8_t *copy = malloc(size ? size : 1);
	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	if (pf_nv_rtsp_is_sealed(copy, size) == 1)
		fuzz_sealed(copy, size);
	else
		fuzz_clear(copy, size);
	free(copy);
	return 0;
}
