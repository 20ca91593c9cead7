/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * GameStream's control stream: the bytes as an ENet packet, as a plain message, and as a message that a
 * client sealed.
 */
#include <string.h>

#include "core/nv/control.h"
#include "fuzz/fuzz.h"

static const uint8_t key[16] = "0123456789abcdef";

static void read_message(const uint8_t *data, size_t size)
{
	struct pf_nv_message m;
	if (pf_nv_message_read(&m, data, size) < 0)
		return;
	FUZZ_CHECK(m.kind <= PF_NV_FEC_STATUS);
	if (m.kind == PF_NV_INVALIDATE)
		FUZZ_CHECK(m.invalidate.first <= m.invalidate.last);
	if (m.kind != PF_NV_INPUT)
		return;
	FUZZ_CHECK(m.input.data >= data && m.input.data + m.input.len <= data + size);
	struct pf_nv_input in;
	(void)!pf_nv_input_read(&in, m.input.data, m.input.len);
}

static void open_packet(struct pf_nv_control *host, const uint8_t *data, size_t size)
{
	uint8_t packet[PF_NV_SEAL_LEN + PF_NV_MESSAGE_MAX + 8], *message;
	size_t len;
	if (size > sizeof(packet))
		return;
	memcpy(packet, data, size);
	/* Nobody forges a tag. */
	FUZZ_CHECK(pf_nv_control_open(host, packet, size, &message, &len) < 0);
}

static void open_sealed(
	struct pf_nv_control *client, struct pf_nv_control *host, const uint8_t *data, size_t size)
{
	uint8_t packet[PF_NV_SEAL_LEN + PF_NV_MESSAGE_MAX], again[sizeof(packet)], *message;
	size_t len;
	int n = pf_nv_control_seal(client, data, size, packet, sizeof(packet));
	FUZZ_CHECK((n > 0) == (size > 0 && size <= PF_NV_MESSAGE_MAX));
	if (n < 0)
		return;
	memcpy(again, packet, (size_t)n);
	int err = pf_nv_control_open(host, packet, (size_t)n, &message, &len);
	FUZZ_CHECK((err == PF_OK) == (size >= PF_NV_HEAD_LEN));
	if (err)
		return;
	FUZZ_CHECK(len == size && !memcmp(message, data, size));
	read_message(message, len);
	FUZZ_CHECK(pf_nv_control_open(host, again, (size_t)n, &message, &len) < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pf_nv_control host, client;
	struct pf_aead *aead;
	read_message(data, size);
	FUZZ_CHECK(pf_aead_create(&aead, PF_CIPHER_AES_128_GCM, key, sizeof(key)) == PF_OK);
	pf_nv_control_init(&host, aead, PF_HOST_TO_CLIENT);
	pf_nv_control_init(&client, aead, PF_CLIENT_TO_HOST);
	open_packet(&host, data, size);
	open_sealed(&client, &host, data, size);
	pf_aead_destroy(aead);
	return 0;
}
