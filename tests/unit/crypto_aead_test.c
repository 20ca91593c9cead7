/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "core/crypto/aead.h"
#include "core/packet/native.h"

/* Each test runs over every provider that this build has. */
typedef void (*provider_test)(const char *provider);

static size_t from_hex(uint8_t *out, const char *hex)
{
	size_t n = strlen(hex) / 2;
	for (size_t i = 0; i < n; i++) {
		char byte[3] = {hex[2 * i], hex[2 * i + 1], 0};
		out[i] = (uint8_t)strtoul(byte, NULL, 16);
	}
	return n;
}

static struct pf_aead *make(const char *provider, enum pf_cipher cipher, const uint8_t *key)
{
	struct pf_aead *aead;
	size_t len = cipher == PF_CIPHER_AES_128_GCM ? 16 : 32;
	int err = pf_aead_create_from(&aead, provider, cipher, key, len);
	if (err == PF_E_UNSUPPORTED)
		return NULL;
	assert_int_equal(err, PF_OK);
	assert_string_equal(pf_aead_provider(aead), provider);
	return aead;
}

static void for_each_provider(provider_test test)
{
	const char *name;
	for (size_t i = 0; (name = pf_aead_provider_at(i)); i++)
		test(name);
}

struct vector {
	enum pf_cipher cipher;
	const char *key, *nonce, *aad, *text, *sealed;
};

static const struct vector vectors[] = {
	/* McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 1, 2 and 4 */
	{PF_CIPHER_AES_128_GCM, "00000000000000000000000000000000", "000000000000000000000000", "",
		"", "58e2fccefa7e3061367f1d57a4e7455a"},
	{PF_CIPHER_AES_128_GCM, "00000000000000000000000000000000", "000000000000000000000000", "",
		"00000000000000000000000000000000",
		"0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf"},
	{PF_CIPHER_AES_128_GCM, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
		"feedfacedeadbeeffeedfacedeadbeefabaddad2",
		"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532f"
		"cf0e2449a6b525b16aedf5aa0de657ba637b39",
		"42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d"
		"8f6a5aac84aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47"},
	/* RFC 8439, 2.8.2 */
	{PF_CIPHER_CHACHA20_POLY1305,
		"808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
		"070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
		"4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a"
		"204966204920636f756c64206f6666657220796f75206f6e6c79206f6e652074697020666f72207468"
		"65206675747572652c2073756e73637265656e20776f756c642062652069742e",
		"d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282"
		"fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab3"
		"24e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e"
		"902ecbd0600691"},
};

static void check_vectors(const char *provider)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const struct vector *v = &vectors[i];
		uint8_t key[32], nonce[12], aad[32], text[256], buf[256], sealed[256];
		from_hex(key, v->key);
		from_hex(nonce, v->nonce);
		size_t aad_len = from_hex(aad, v->aad);
		size_t len = from_hex(text, v->text);
		assert_int_equal(from_hex(sealed, v->sealed), len + PF_AEAD_TAG_LEN);
		struct pf_aead *aead = make(provider, v->cipher, key);
		if (!aead)
			continue;
		/* Twice: the context is used again. */
		for (int again = 0; again < 2; again++) {
			memcpy(buf, text, len);
			assert_int_equal(pf_aead_seal(aead, nonce, aad, aad_len, buf, len), 0);
			assert_memory_equal(buf, sealed, len + PF_AEAD_TAG_LEN);
			assert_int_equal(pf_aead_open(aead, nonce, aad, aad_len, buf, len), 0);
			if (len)
				assert_memory_equal(buf, text, len);
		}
		pf_aead_destroy(aead);
	}
}

static void known_answers(void **state)
{
	(void)state;
	for_each_provider(check_vectors);
}

/* wire 10.1, generation-1 packet */
static const char wire_packet[] =
	"0000000000000001590848d054b4ffb641a12557ffed12082dcd1a9e1e5db6b352aad938efbcdb5b0fb4c2e219"
	"7ffce88ac4c18add1e9404a7d1054159f112e7b6f8e39ec205d11abfeb5f9a22e99f6b";

static void seal_wire_packet(const char *provider)
{
	uint8_t key[16], want[80], packet[80] = {0}, *text;
	const uint8_t salt[4] = {3, 1, 4, 1};
	size_t text_len = PF_NATIVE_HEADER_LEN + 16;
	for (uint8_t i = 0; i < 16; i++)
		key[i] = i;
	assert_int_equal(from_hex(want, wire_packet), sizeof(want));
	struct pf_aead *aead = make(provider, PF_CIPHER_AES_128_GCM, key);
	assert_non_null(aead);
	struct pf_sealer s;
	pf_sealer_init(&s, aead, salt, PF_HOST_TO_CLIENT);
	s.next_seq = 1;
	const struct pf_native_header h = {.pts_ns = 1000,
		.frame_index = 7,
		.stream_seq = 42,
		.frame_bytes = 5,
		.block_count = 1,
		.data_shards = 1,
		.parity_shards = 1,
		.shard_bytes = 16,
		.flags = 7};
	pf_native_header_write(packet + PF_SEAL_PREFIX_LEN, &h);
	memcpy(packet + PF_SEAL_PREFIX_LEN + PF_NATIVE_HEADER_LEN, "hello", 5);
	assert_int_equal(pf_sealer_seal_batch(&s, packet, 1, sizeof(packet), text_len), PF_OK);
	assert_memory_equal(packet, want, sizeof(want));
	assert_int_equal(s.next_seq, 2);
	uint64_t seq = 0;
	assert_int_equal(pf_sealer_open(&s, packet, sizeof(packet), &seq, &text, &text_len), PF_OK);
	assert_int_equal(seq, 1);
	assert_int_equal(text_len, PF_NATIVE_HEADER_LEN + 16);
	assert_memory_equal(text + PF_NATIVE_HEADER_LEN, "hello", 6);
	pf_aead_destroy(aead);
}

static void the_packet_of_the_wire_document(void **state)
{
	(void)state;
	for_each_provider(seal_wire_packet);
}

static void flip_every_bit(const char *provider)
{
	const uint8_t key[32] = {1, 2, 3}, salt[4] = {9, 8, 7, 6};
	enum pf_cipher ciphers[] = {PF_CIPHER_AES_128_GCM, PF_CIPHER_CHACHA20_POLY1305};
	for (size_t c = 0; c < 2; c++) {
		struct pf_aead *aead = make(provider, ciphers[c], key);
		if (!aead)
			continue;
		struct pf_sealer s;
		uint8_t packet[8 + 75 + 16], copy[sizeof(packet)], *text;
		uint64_t seq;
		size_t len;
		pf_sealer_init(&s, aead, salt, PF_CLIENT_TO_HOST);
		memset(packet, 0x5a, sizeof(packet));
		assert_int_equal(pf_sealer_seal_batch(&s, packet, 1, sizeof(packet), 75), PF_OK);
		for (size_t bit = 0; bit < sizeof(packet) * 8; bit++) {
			memcpy(copy, packet, sizeof(packet));
			copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_int_equal(pf_sealer_open(&s, copy, sizeof(copy), &seq, &text, &len),
				PF_E_CRYPTO);
		}
		for (size_t n = 0; n < sizeof(packet); n++) {
			memcpy(copy, packet, sizeof(packet));
			assert_int_equal(pf_sealer_open(&s, copy, n, &seq, &text, &len),
				n < PF_SEAL_OVERHEAD ? PF_E_BAD_PACKET : PF_E_CRYPTO);
		}
		/* and the untouched one still opens with the context that refused the others */
		assert_int_equal(
			pf_sealer_open(&s, packet, sizeof(packet), &seq, &text, &len), PF_OK);
		pf_aead_destroy(aead);
	}
}

static void a_flipped_bit_anywhere_never_opens(void **state)
{
	(void)state;
	for_each_provider(flip_every_bit);
}

static void check_directions(const char *provider)
{
	const uint8_t key[16] = {1}, salt[4] = {0xff, 2, 3, 4};
	struct pf_aead *aead = make(provider, PF_CIPHER_AES_128_GCM, key);
	struct pf_sealer host, client;
	uint8_t packet[64] = {0}, *text;
	uint64_t seq;
	size_t len;
	pf_sealer_init(&host, aead, salt, PF_HOST_TO_CLIENT);
	pf_sealer_init(&client, aead, salt, PF_CLIENT_TO_HOST);
	assert_int_equal(host.salt[0], 0x7f);
	assert_int_equal(client.salt[0], 0xff);
	assert_int_equal(pf_sealer_seal_batch(&host, packet, 1, 64, 40), PF_OK);
	assert_int_equal(pf_sealer_open(&client, packet, 64, &seq, &text, &len), PF_E_CRYPTO);
	pf_aead_destroy(aead);
}

static void a_packet_does_not_open_in_the_other_direction(void **state)
{
	(void)state;
	for_each_provider(check_directions);
}

static void check_batch(const char *provider)
{
	enum { N = 37, STRIDE = 200, TEXT = 131 };
	const uint8_t key[16] = {7}, salt[4] = {1};
	struct pf_aead *aead = make(provider, PF_CIPHER_AES_128_GCM, key);
	struct pf_sealer batch, single;
	static uint8_t a[N * STRIDE], b[N * STRIDE];
	for (size_t i = 0; i < sizeof(a); i++)
		a[i] = b[i] = (uint8_t)(i * 7);
	pf_sealer_init(&batch, aead, salt, PF_HOST_TO_CLIENT);
	single = batch;
	assert_int_equal(pf_sealer_seal_batch(&batch, a, N, STRIDE, TEXT), PF_OK);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(
			pf_sealer_seal_batch(&single, b + i * STRIDE, 1, STRIDE, TEXT), PF_OK);
	assert_memory_equal(a, b, sizeof(a)); /* the bytes between packets included */
	assert_int_equal(batch.next_seq, N);
	pf_aead_destroy(aead);
}

static void a_batch_is_the_same_as_one_by_one(void **state)
{
	(void)state;
	for_each_provider(check_batch);
}

static void the_sequence_space_ends(void **state)
{
	(void)state;
	const uint8_t key[16] = {7}, salt[4] = {1};
	struct pf_aead *aead;
	struct pf_sealer s;
	uint8_t packets[2 * 64] = {0};
	assert_int_equal(pf_aead_create(&aead, PF_CIPHER_AES_128_GCM, key, 16), PF_OK);
	pf_sealer_init(&s, aead, salt, PF_HOST_TO_CLIENT);
	s.next_seq = UINT64_MAX - 1;
	assert_int_equal(pf_sealer_seal_batch(&s, packets, 2, 64, 40), PF_E_CLOSED);
	assert_int_equal(pf_sealer_seal_batch(&s, packets, 1, 64, 40), PF_OK);
	assert_int_equal(pf_sealer_seal_batch(&s, packets, 1, 64, 40), PF_E_CLOSED);
	pf_aead_destroy(aead);
}

static void bad_keys_and_ciphers_are_refused(void **state)
{
	(void)state;
	const uint8_t key[32] = {0};
	struct pf_aead *aead;
	enum pf_cipher chacha = PF_CIPHER_CHACHA20_POLY1305;
	assert_int_equal(pf_aead_create(&aead, PF_CIPHER_AES_128_GCM, key, 32), PF_E_INVALID);
	assert_int_equal(pf_aead_create(&aead, PF_CIPHER_AES_128_GCM, NULL, 16), PF_E_INVALID);
	assert_int_equal(pf_aead_create(&aead, chacha, key, 16), PF_E_INVALID);
	assert_int_equal(pf_aead_create(&aead, (enum pf_cipher)9, key, 32), PF_E_UNSUPPORTED);
	assert_int_equal(pf_aead_create_from(&aead, "nobody", chacha, key, 32), PF_E_UNSUPPORTED);
	assert_null(aead);
	pf_aead_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),
		cmocka_unit_test(the_packet_of_the_wire_document),
		cmocka_unit_test(a_flipped_bit_anywhere_never_opens),
		cmocka_unit_test(a_packet_does_not_open_in_the_other_direction),
		cmocka_unit_test(a_batch_is_the_same_as_one_by_one),
		cmocka_unit_test(the_sequence_space_ends),
		cmocka_unit_test(bad_keys_and_ciphers_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
