/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <string.h>

#include <openssl/evp.h>

#include "core/base/bytes.h"
#include "core/nv/control.h"

static const uint8_t key[16] = "0123456789abcdef";

struct ends {
	struct pf_aead *aead;
	struct pf_nv_control host, client;
};

static int setup(void **state)
{
	static struct ends e;
	if (pf_aead_create(&e.aead, PF_CIPHER_AES_128_GCM, key, sizeof(key)))
		return -1;
	pf_nv_control_init(&e.host, e.aead, PF_HOST_TO_CLIENT);
	pf_nv_control_init(&e.client, e.aead, PF_CLIENT_TO_HOST);
	*state = &e;
	return 0;
}

static int teardown(void **state)
{
	pf_aead_destroy(((struct ends *)*state)->aead);
	return 0;
}

/* What a client does, by hand. */
static void open_by_hand(const uint8_t *packet, size_t len, const uint8_t iv[12], uint8_t *text)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t tag[16];
	int n;
	assert_non_null(ctx);
	memcpy(tag, packet + 8, 16);
	assert_int_equal(EVP_DecryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, key, iv), 1);
	assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, 16, tag), 1);
	assert_int_equal(EVP_DecryptUpdate(ctx, text, &n, packet + 24, (int)len - 24), 1);
	assert_int_equal(EVP_DecryptFinal_ex(ctx, text + n, &n), 1);
	EVP_CIPHER_CTX_free(ctx);
}

static void what_the_host_seals_a_client_opens(void **state)
{
	struct ends *e = *state;
	static const uint8_t message[] = {0x0B, 0x01, 2, 0, 0xAA, 0xBB};
	for (unsigned i = 0; i < 300; i++) {
		uint8_t out[64], text[64];
		const uint8_t head[8] = {1, 0, 26, 0, (uint8_t)i, (uint8_t)(i >> 8), 0, 0};
		const uint8_t iv[12] = {
			(uint8_t)i, (uint8_t)(i >> 8), 0, 0, 0, 0, 0, 0, 0, 0, 'H', 'C'};
		memset(out, 0xEE, sizeof(out));
		assert_int_equal(pf_nv_control_seal(&e->host, message, 6, out, 30), 30);
		assert_memory_equal(out, head, 8);
		assert_int_equal(out[30], 0xEE);
		open_by_hand(out, 30, iv, text);
		assert_memory_equal(text, message, 6);
	}
}

static void both_directions_have_their_own_numbers(void **state)
{
	struct ends *e = *state;
	uint8_t a[64], b[64], *message;
	size_t len;
	static const uint8_t text[] = {0x00, 0x02, 0, 0};
	assert_int_equal(pf_nv_control_seal(&e->host, text, 4, a, sizeof(a)), 28);
	assert_int_equal(pf_nv_control_seal(&e->client, text, 4, b, sizeof(b)), 28);
	assert_int_equal(pf_get_le32(a + 4), 0);
	assert_int_equal(pf_get_le32(b + 4), 0);
	assert_memory_not_equal(a + 24, b + 24, 4);
	/* One's own is not taken back. */
	uint8_t copy[64];
	memcpy(copy, a, sizeof(copy));
	assert_int_equal(pf_nv_control_open(&e->host, copy, 28, &message, &len), PF_E_CRYPTO);
	assert_int_equal(pf_nv_control_open(&e->host, b, 28, &message, &len), PF_OK);
	assert_int_equal(len, 4);
	assert_memory_equal(message, text, 4);
	assert_int_equal(pf_nv_control_open(&e->client, a, 28, &message, &len), PF_OK);
}

static void any_order_but_only_once(void **state)
{
	struct ends *e = *state;
	static uint8_t packets[100][28];
	static const uint8_t text[] = {0x00, 0x02, 0, 0};
	uint8_t copy[28], *message;
	size_t len;
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(pf_nv_control_seal(&e->client, text, 4, packets[i], 28), 28);
	for (unsigned i = 0; i < 200; i++) {
		memcpy(copy, packets[i * 37 % 100], 28);
		assert_int_equal(pf_nv_control_open(&e->host, copy, 28, &message, &len),
			i < 100 ? PF_OK : PF_E_BAD_PACKET);
	}
}

static void a_forged_number_moves_nothing(void **state)
{
	struct ends *e = *state;
	static const uint8_t text[] = {0x00, 0x02, 0, 0};
	uint8_t good[28], forged[28], *message;
	size_t len;
	assert_int_equal(pf_nv_control_seal(&e->client, text, 4, good, 28), 28);
	memcpy(forged, good, 28);
	pf_put_le32(forged + 4, UINT32_MAX);
	assert_int_equal(pf_nv_control_open(&e->host, forged, 28, &message, &len), PF_E_CRYPTO);
	assert_int_equal(pf_nv_control_open(&e->host, good, 28, &message, &len), PF_OK);
}

static void damaged_packets_are_refused(void **state)
{
	struct ends *e = *state;
	static const uint8_t text[] = {0x00, 0x02, 2, 0, 1, 2};
	uint8_t good[30], bad[64], *message;
	size_t len;
	assert_int_equal(pf_nv_control_seal(&e->client, text, 6, good, 30), 30);
	for (size_t n = 0; n < 30; n++) {
		memcpy(bad, good, 30);
		assert_int_equal(
			pf_nv_control_open(&e->host, bad, n, &message, &len), PF_E_BAD_PACKET);
	}
	memcpy(bad, good, 30);
	assert_int_equal(pf_nv_control_open(&e->host, bad, 31, &message, &len), PF_E_BAD_PACKET);
	for (size_t bit = 0; bit < 240; bit++) {
		memcpy(bad, good, 30);
		bad[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(pf_nv_control_open(&e->host, bad, 30, &message, &len),
			bit < 32 ? PF_E_BAD_PACKET : PF_E_CRYPTO);
	}
	/* The length says what a header has no room for. */
	memset(bad, 0, sizeof(bad));
	bad[0] = 1;
	bad[2] = 23;
	assert_int_equal(pf_nv_control_open(&e->host, bad, 27, &message, &len), PF_E_BAD_PACKET);
	static uint8_t large[PF_NV_SEAL_LEN + PF_NV_MESSAGE_MAX + 1] = {1};
	pf_put_le16(large + 2, (uint16_t)(sizeof(large) - 4));
	assert_int_equal(pf_nv_control_open(&e->host, large, sizeof(large), &message, &len),
		PF_E_BAD_PACKET);
	memcpy(bad, good, 30);
	assert_int_equal(pf_nv_control_open(&e->host, bad, 30, &message, &len), PF_OK);
}

static void numbers_end_and_do_not_wrap(void **state)
{
	struct ends *e = *state;
	static const uint8_t text[] = {0x00, 0x02, 0, 0};
	uint8_t out[28], *message;
	size_t len;
	e->client.next_seq = UINT32_MAX;
	assert_int_equal(pf_nv_control_seal(&e->client, text, 4, out, 28), 28);
	assert_int_equal(pf_nv_control_open(&e->host, out, 28, &message, &len), PF_OK);
	assert_int_equal(pf_nv_control_seal(&e->client, text, 4, out, 28), PF_E_CLOSED);
	assert_int_equal(pf_nv_control_seal(&e->host, text, 4, out, 27), PF_E_FULL);
	assert_int_equal(pf_nv_control_seal(&e->host, text, 0, out, 28), PF_E_INVALID);
	assert_int_equal(pf_nv_control_seal(&e->host, text, PF_NV_MESSAGE_MAX + 1, out, SIZE_MAX),
		PF_E_INVALID);
}

static struct pf_nv_message read_good(const uint8_t *data, size_t len)
{
	struct pf_nv_message m;
	memset(&m, 0xAA, sizeof(m));
	assert_int_equal(pf_nv_message_read(&m, data, len), PF_OK);
	/* Each is refused when cut, as far as it says anything. */
	for (size_t n = 0; n < len; n++) {
		struct pf_nv_message cut;
		assert_int_equal(pf_nv_message_read(&cut, data, n), PF_E_BAD_PACKET);
	}
	return m;
}

static void every_message_of_a_client_is_read(void **state)
{
	(void)state;
	static const uint8_t idr[] = {0x02, 0x03, 2, 0, 0, 0};
	static const uint8_t start_b[] = {0x07, 0x03, 1, 0, 0};
	static const uint8_t ping[] = {0x00, 0x02, 8, 0, 4, 0, 0, 0, 0, 0, 0, 0};
	static const uint8_t loss[] = {0x01, 0x02, 2, 0, 9, 9};
	static const uint8_t invalidate[] = {0x01, 0x03, 24, 0, 0x10, 0x20, 0, 0, 0, 0, 0, 0, 0x11,
		0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	static const uint8_t long_term[] = {0x50, 0x03, 8, 0, 4, 3, 2, 1, 0, 0, 0, 0};
	static const uint8_t input[] = {0x06, 0x02, 3, 0, 7, 8, 9};
	static const uint8_t fec[] = {0x02, 0x55, 21, 0, 1, 2, 3, 4, 0x11, 0x12, 0x21, 0x22, 0x31,
		0x32, 0x41, 0x42, 0x51, 0x52, 0x61, 0x62, 0x71, 0x72, 20, 1, 3};
	assert_int_equal(read_good(idr, sizeof(idr)).kind, PF_NV_REQUEST_IDR);
	assert_int_equal(read_good(start_b, sizeof(start_b)).kind, PF_NV_START);
	assert_int_equal(read_good(ping, sizeof(ping)).kind, PF_NV_PING);
	assert_int_equal(read_good(loss, sizeof(loss)).kind, PF_NV_LOSS_STATS);
	struct pf_nv_message m = read_good(invalidate, sizeof(invalidate));
	assert_int_equal(m.kind, PF_NV_INVALIDATE);
	assert_int_equal(m.invalidate.first, 0x2010);
	assert_int_equal(m.invalidate.last, 0x2011);
	m = read_good(long_term, sizeof(long_term));
	assert_int_equal(m.kind, PF_NV_LONG_TERM);
	assert_int_equal(m.long_term, 0x01020304);
	m = read_good(input, sizeof(input));
	assert_int_equal(m.kind, PF_NV_INPUT);
	assert_int_equal(m.input.len, 3);
	assert_ptr_equal(m.input.data, input + 4);
	m = read_good(fec, sizeof(fec));
	assert_int_equal(m.kind, PF_NV_FEC_STATUS);
	const struct pf_nv_fec_status *s = &m.fec_status;
	assert_int_equal(s->frame, 0x01020304);
	assert_true(s->highest_seq == 0x1112 && s->next_seq == 0x2122 && s->missing == 0x3132);
	assert_true(s->data == 0x4142 && s->parity == 0x5152);
	assert_true(s->received_data == 0x6162 && s->received_parity == 0x7172);
	assert_true(s->percent == 20 && s->block == 1 && s->n_blocks == 3);
}

static int read_type(uint16_t type, uint16_t len, size_t have)
{
	uint8_t data[64] = {0};
	struct pf_nv_message m;
	pf_put_le16(data, type);
	pf_put_le16(data + 2, len);
	memset(data + 4, 0x7F, 24);
	return pf_nv_message_read(&m, data, 4 + have);
}

static void bad_messages_are_refused(void **state)
{
	(void)state;
	assert_int_equal(read_type(0x3001, 4, 4), PF_E_UNSUPPORTED);
	assert_int_equal(read_type(0x0000, 0, 0), PF_E_UNSUPPORTED);
	assert_int_equal(read_type(0x0302, 0xFFFF, 24), PF_E_BAD_PACKET);
	for (uint16_t n = 0; n < 24; n++)
		assert_int_equal(read_type(0x0301, n, n), PF_E_BAD_PACKET);
	for (uint16_t n = 0; n < 4; n++)
		assert_int_equal(read_type(0x0350, n, n), PF_E_BAD_PACKET);
	for (uint16_t n = 0; n < 21; n++)
		assert_int_equal(read_type(0x5502, n, n), PF_E_BAD_PACKET);
	/* What follows is passed over; an empty request is one. */
	assert_int_equal(read_type(0x5502, 24, 30), PF_OK);
	assert_int_equal(read_type(0x0302, 0, 0), PF_OK);
	uint8_t backwards[28] = {0x01, 0x03, 24, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1};
	struct pf_nv_message m;
	assert_int_equal(pf_nv_message_read(&m, backwards, 28), PF_E_BAD_PACKET);
	backwards[12] = 2;
	assert_int_equal(pf_nv_message_read(&m, backwards, 28), PF_OK);
}

static void expect_feedback(const struct pf_nv_feedback *f, const uint8_t *want, size_t len)
{
	uint8_t out[PF_NV_FEEDBACK_MAX];
	assert_int_equal(pf_nv_feedback_write(out, f), len);
	assert_memory_equal(out, want, len);
}

static void every_message_of_the_host_has_its_layout(void **state)
{
	(void)state;
	expect_feedback(
		&(struct pf_nv_feedback){
			.kind = PF_NV_RUMBLE, .pad = 3, .rumble = {0x1122, 0x3344}},
		(const uint8_t[]){0x0B, 1, 10, 0, 0, 0, 0, 0, 3, 0, 0x22, 0x11, 0x44, 0x33}, 14);
	expect_feedback(
		&(struct pf_nv_feedback){.kind = PF_NV_TERMINATION, .termination = PF_NV_ENDED},
		(const uint8_t[]){0x09, 1, 4, 0, 0x80, 0x03, 0x00, 0x23}, 8);
	expect_feedback(&(struct pf_nv_feedback){.kind = PF_NV_TRIGGER_RUMBLE,
				.pad = 15,
				.trigger_rumble = {0x0102, 0x0304}},
		(const uint8_t[]){0x00, 0x55, 6, 0, 15, 0, 2, 1, 4, 3}, 10);
	expect_feedback(
		&(struct pf_nv_feedback){
			.kind = PF_NV_MOTION_RATE, .pad = 1, .motion_rate = {250, PF_NV_GYROSCOPE}},
		(const uint8_t[]){0x01, 0x55, 5, 0, 1, 0, 250, 0, 2}, 9);
	expect_feedback(&(struct pf_nv_feedback){.kind = PF_NV_LED, .pad = 2, .led = {1, 2, 3}},
		(const uint8_t[]){0x02, 0x55, 5, 0, 2, 0, 1, 2, 3}, 9);
	expect_feedback(&(struct pf_nv_feedback){.kind = PF_NV_ADAPTIVE_TRIGGERS,
				.pad = 4,
				.adaptive = {0x0C, 0x21, 0x22, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
					{11, 12, 13, 14, 15, 16, 17, 18, 19, 20}}},
		(const uint8_t[]){0x03, 0x55, 25, 0, 4, 0, 0x0C, 0x21, 0x22, 1, 2, 3, 4, 5, 6, 7, 8,
			9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20},
		29);
	struct pf_nv_feedback hdr = {.kind = PF_NV_HDR,
		.hdr = {true,
			{.red = {0x0102, 0x0304},
				.green = {0x0506, 0x0708},
				.blue = {0x090A, 0x0B0C},
				.white = {0x0D0E, 0x0F10},
				.max_luminance = 10000000,
				.min_luminance = 50,
				.max_cll = 800,
				.max_fall = 400}}};
	expect_feedback(&hdr,
		(const uint8_t[]){0x0E, 1, 27, 0, 1, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13,
			16, 15, 0xE8, 3, 50, 0, 0x20, 3, 0x90, 1, 0, 0},
		31);
	hdr.hdr.meta.max_luminance = UINT32_MAX; /* more nits than 16 bits have */
	hdr.hdr.meta.min_luminance = 65536;
	uint8_t out[PF_NV_FEEDBACK_MAX];
	assert_int_equal(pf_nv_feedback_write(out, &hdr), 31);
	assert_int_equal(pf_get_le16(out + 21), 0xFFFF);
	assert_int_equal(pf_get_le16(out + 23), 0xFFFF);
}

static void what_no_pad_can_do_is_not_written(void **state)
{
	(void)state;
	uint8_t out[PF_NV_FEEDBACK_MAX];
	struct pf_nv_feedback f = {.kind = PF_NV_RUMBLE, .pad = 16};
	assert_int_equal(pf_nv_feedback_write(out, &f), PF_E_INVALID);
	f = (struct pf_nv_feedback){.kind = PF_NV_MOTION_RATE, .motion_rate = {1, 3}};
	assert_int_equal(pf_nv_feedback_write(out, &f), PF_E_INVALID);
	f = (struct pf_nv_feedback){.kind = PF_NV_TERMINATION + 1};
	assert_int_equal(pf_nv_feedback_write(out, &f), PF_E_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_the_host_seals_a_client_opens, setup, teardown),
		cmocka_unit_test_setup_teardown(
			both_directions_have_their_own_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(any_order_but_only_once, setup, teardown),
		cmocka_unit_test_setup_teardown(a_forged_number_moves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged_packets_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(numbers_end_and_do_not_wrap, setup, teardown),
		cmocka_unit_test(every_message_of_a_client_is_read),
		cmocka_unit_test(bad_messages_are_refused),
		cmocka_unit_test(every_message_of_the_host_has_its_layout),
		cmocka_unit_test(what_no_pad_can_do_is_not_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
