/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "punktfunk_core.h"

/* Only the public header, as a program would use it. */

#define MS UINT64_C(1000000)

static const uint8_t key[32] = {1, 2, 3, 4};

static struct punktfunk_config config_of(void)
{
	struct punktfunk_config c;
	punktfunk_config_init(&c);
	c.max_frame_bytes = 200000;
	c.key = key;
	c.salt[0] = 7;
	return c;
}

static int submit(struct punktfunk_session *host, uint32_t index, size_t len, uint32_t flags)
{
	static uint8_t data[200000];
	const struct punktfunk_frame f = {.size = sizeof(f),
		.data = data,
		.len = len,
		.flags = flags,
		.pts_ns = index * 10 * MS};
	memset(data, (int)(index + 1), len);
	return punktfunk_host_submit_frame(host, &f);
}

static struct punktfunk_frame expect(
	struct punktfunk_session *client, uint32_t index, size_t len, uint64_t now_ns)
{
	struct punktfunk_frame f = {.size = sizeof(f)};
	assert_int_equal(punktfunk_client_poll_frame(client, &f, now_ns), PUNKTFUNK_OK);
	assert_int_equal(f.frame_index, index);
	assert_int_equal(f.len, len);
	assert_true(f.pts_ns == index * 10 * MS);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(f.data[i], (uint8_t)(index + 1));
	return f;
}

static void expect_nothing(struct punktfunk_session *client, uint64_t now_ns)
{
	struct punktfunk_frame f = {.size = sizeof(f)};
	assert_int_equal(punktfunk_client_poll_frame(client, &f, now_ns), PUNKTFUNK_E_NO_FRAME);
}

static struct punktfunk_stats stats_of(const struct punktfunk_session *s)
{
	struct punktfunk_stats st = {.size = sizeof(st)};
	assert_int_equal(punktfunk_get_stats(s, &st), PUNKTFUNK_OK);
	return st;
}

static void a_loopback_pair_carries_frames_over_loss(void **state)
{
	(void)state;
	for (uint32_t scheme = PUNKTFUNK_FEC_GF8; scheme <= PUNKTFUNK_FEC_GF16; scheme++) {
		struct punktfunk_session *host, *client;
		struct punktfunk_config c = config_of();
		c.fec_scheme = scheme;
		c.loopback_drop_period = 13;
		assert_int_equal(punktfunk_test_loopback_pair(&host, &client, &c), PUNKTFUNK_OK);
		for (uint32_t i = 0; i < 30; i++) {
			uint32_t flags = i ? 0 : PUNKTFUNK_FRAME_KEYFRAME;
			assert_int_equal(submit(host, i, i * 5000, flags), PUNKTFUNK_OK);
			struct punktfunk_frame f = expect(client, i, i * 5000, i * 10 * MS);
			assert_int_equal(f.flags, flags);
			assert_true(f.received_ns == i * 10 * MS);
		}
		struct punktfunk_stats h = stats_of(host), s = stats_of(client);
		assert_int_equal(h.frames_received, 30);
		assert_int_equal(h.packets_dropped_test, h.packets_received / 13);
		assert_int_equal(s.packets_received, h.packets_received - h.packets_dropped_test);
		assert_int_equal(s.frames_delivered, 30);
		assert_true(s.frames_recovered > 10 && s.shards_recovered >= s.frames_recovered);
		assert_int_equal(s.frames_lost + s.packets_bad + s.packets_replayed, 0);
		/* either may go first */
		punktfunk_session_free(scheme ? host : client);
		assert_int_equal(scheme ? 0 : submit(host, 30, 100, 0), PUNKTFUNK_OK);
		punktfunk_session_free(scheme ? client : host);
	}
}

static void open_both(struct punktfunk_session **host, struct punktfunk_session **client,
	struct punktfunk_config c)
{
	assert_int_equal(punktfunk_session_create(host, &c), PUNKTFUNK_OK);
	c.role = PUNKTFUNK_ROLE_CLIENT;
	assert_int_equal(punktfunk_session_create(client, &c), PUNKTFUNK_OK);
}

/* Carries the last frame's packets over, but for the first `skip` of them. */
static int carry(struct punktfunk_session *host, struct punktfunk_session *client, size_t skip,
	uint64_t now_ns)
{
	struct punktfunk_packets p = {.size = sizeof(p)};
	assert_int_equal(punktfunk_host_packets(host, &p), PUNKTFUNK_OK);
	int ready = 0;
	for (size_t i = skip; i < p.n_packets; i++) {
		ready = punktfunk_client_push_packet(
			client, p.data + i * p.packet_len, p.packet_len, now_ns);
		assert_true(ready >= 0);
	}
	return ready;
}

static void a_transport_of_ones_own(void **state)
{
	(void)state;
	struct punktfunk_session *host, *client;
	struct punktfunk_packets p = {.size = sizeof(p)};
	uint32_t first, last;
	struct punktfunk_config c = config_of();
	c.cipher = PUNKTFUNK_CIPHER_CHACHA20_POLY1305;
	open_both(&host, &client, c);
	assert_int_equal(punktfunk_host_packets(host, &p), PUNKTFUNK_E_NO_FRAME);
	assert_int_equal(submit(host, 0, 50000, PUNKTFUNK_FRAME_KEYFRAME), PUNKTFUNK_OK);
	assert_int_equal(carry(host, client, 2, 5), 1);
	struct punktfunk_frame f = expect(client, 0, 50000, 5);
	assert_int_equal(f.recovered_shards, 2);
	assert_true(f.received_ns == 5);
	/* frame 1 is beyond repair: 2 waits, and the hole shows */
	assert_int_equal(submit(host, 1, 50000, 0), PUNKTFUNK_OK);
	carry(host, client, 30, 10 * MS);
	assert_int_equal(submit(host, 2, 1000, PUNKTFUNK_FRAME_REPEATED), PUNKTFUNK_OK);
	carry(host, client, 0, 20 * MS);
	expect_nothing(client, 20 * MS);
	assert_int_equal(punktfunk_client_missing(client, &first, &last), 1);
	assert_true(first == 1 && last == 1);
	assert_true(punktfunk_client_deadline(client) == 130 * MS);
	f = expect(client, 2, 1000, 130 * MS);
	assert_int_equal(f.flags, PUNKTFUNK_FRAME_AFTER_GAP | PUNKTFUNK_FRAME_REPEATED);
	assert_int_equal(punktfunk_client_missing(client, &first, &last), 0);
	assert_true(punktfunk_client_deadline(client) == UINT64_MAX);
	/* more parity from the next frame on */
	assert_int_equal(punktfunk_host_set_fec_percent(host, 100), PUNKTFUNK_OK);
	assert_int_equal(submit(host, 3, 20 * 1408, 0), PUNKTFUNK_OK);
	assert_int_equal(punktfunk_host_packets(host, &p), PUNKTFUNK_OK);
	assert_int_equal(p.n_packets, 40);
	punktfunk_session_free(host);
	punktfunk_session_free(client);
}

static void forged_and_repeated_packets_are_harmless(void **state)
{
	(void)state;
	struct punktfunk_session *host, *client;
	struct punktfunk_packets p = {.size = sizeof(p)};
	open_both(&host, &client, config_of());
	assert_int_equal(submit(host, 0, 5000, 0), PUNKTFUNK_OK);
	assert_int_equal(punktfunk_host_packets(host, &p), PUNKTFUNK_OK);
	uint8_t *copy = malloc(p.packet_len + 1);
	assert_non_null(copy);
	memcpy(copy, p.data, p.packet_len);
	copy[30] ^= 1;
	assert_int_equal(
		punktfunk_client_push_packet(client, copy, p.packet_len, 1), PUNKTFUNK_E_CRYPTO);
	copy[30] ^= 1;
	for (size_t len = 0; len <= p.packet_len + 1; len++)
		if (len != p.packet_len)
			assert_int_equal(punktfunk_client_push_packet(client, copy, len, 1),
				PUNKTFUNK_E_BAD_PACKET);
	assert_int_equal(punktfunk_client_push_packet(client, copy, p.packet_len, 1), 0);
	assert_memory_equal(copy, p.data, p.packet_len); /* the caller's bytes stay */
	assert_int_equal(
		punktfunk_client_push_packet(client, copy, p.packet_len, 1), PUNKTFUNK_E_CLOSED);
	carry(host, client, 1, 1);
	expect(client, 0, 5000, 1);
	struct punktfunk_stats s = stats_of(client);
	assert_int_equal(s.packets_replayed, 1);
	assert_int_equal(s.packets_bad, p.packet_len + 2);
	free(copy);
	punktfunk_session_free(host);
	punktfunk_session_free(client);
}

static void wrong_calls_are_refused(void **state)
{
	(void)state;
	struct punktfunk_session *host, *client, *none;
	struct punktfunk_config c = config_of();
	struct punktfunk_frame f = {.size = sizeof(f)};
	struct punktfunk_packets p = {.size = sizeof(p)};
	struct punktfunk_stats st = {.size = sizeof(st)};
	uint32_t n;
	open_both(&host, &client, c);
	assert_int_equal(punktfunk_session_create(NULL, &c), PUNKTFUNK_E_NULL);
	assert_int_equal(punktfunk_session_create(&none, NULL), PUNKTFUNK_E_NULL);
	assert_int_equal(punktfunk_test_loopback_pair(&none, NULL, &c), PUNKTFUNK_E_NULL);
	assert_int_equal(submit(client, 0, 1, 0), PUNKTFUNK_E_INVALID);
	assert_int_equal(submit(NULL, 0, 1, 0), PUNKTFUNK_E_NULL);
	assert_int_equal(submit(host, 0, 200000, 0), PUNKTFUNK_OK);
	f.len = 200001;
	assert_int_equal(punktfunk_host_submit_frame(host, &f), PUNKTFUNK_E_NULL);
	f.data = key;
	assert_int_equal(punktfunk_host_submit_frame(host, &f), PUNKTFUNK_E_INVALID);
	assert_int_equal(punktfunk_host_packets(host, &p), PUNKTFUNK_E_NO_FRAME);
	f.size = 8;
	assert_int_equal(punktfunk_host_submit_frame(host, &f), PUNKTFUNK_E_INVALID);
	assert_int_equal(punktfunk_host_submit_frame(host, NULL), PUNKTFUNK_E_NULL);
	assert_int_equal(punktfunk_host_packets(client, &p), PUNKTFUNK_E_INVALID);
	assert_int_equal(punktfunk_host_set_fec_percent(host, 101), PUNKTFUNK_E_INVALID);
	assert_int_equal(punktfunk_host_set_fec_percent(client, 1), PUNKTFUNK_E_INVALID);
	assert_int_equal(punktfunk_client_push_packet(host, key, 1, 0), PUNKTFUNK_E_INVALID);
	assert_int_equal(punktfunk_client_push_packet(client, NULL, 1, 0), PUNKTFUNK_E_NULL);
	assert_int_equal(punktfunk_client_poll_frame(client, &f, 0), PUNKTFUNK_E_INVALID);
	assert_int_equal(punktfunk_client_poll_frame(client, NULL, 0), PUNKTFUNK_E_NULL);
	assert_int_equal(punktfunk_client_missing(client, NULL, &n), PUNKTFUNK_E_NULL);
	assert_int_equal(punktfunk_client_missing(host, &n, &n), PUNKTFUNK_E_INVALID);
	assert_true(punktfunk_client_deadline(NULL) == 0);
	assert_int_equal(punktfunk_get_stats(NULL, &st), PUNKTFUNK_E_NULL);
	st.size = 8;
	assert_int_equal(punktfunk_get_stats(host, &st), PUNKTFUNK_E_INVALID);
	punktfunk_session_free(NULL);
	punktfunk_session_free(host);
	punktfunk_session_free(client);
}

static void refuse(struct punktfunk_config c, int status)
{
	struct punktfunk_session *s, *other;
	assert_int_equal(punktfunk_session_create(&s, &c), status);
	assert_null(s);
	assert_int_equal(punktfunk_test_loopback_pair(&s, &other, &c), status);
	assert_true(!s && !other);
}

static void bad_configs_are_refused(void **state)
{
	(void)state;
	struct punktfunk_config ok = config_of(), c;
	c = ok, c.size = 0, refuse(c, PUNKTFUNK_E_INVALID);
	c = ok, c.role = 2, refuse(c, PUNKTFUNK_E_INVALID);
	c = ok, c.fec_scheme = 2, refuse(c, PUNKTFUNK_E_INVALID);
	c = ok, c.fec_percent = 101, refuse(c, PUNKTFUNK_E_INVALID);
	c = ok, c.shard_payload = 0, refuse(c, PUNKTFUNK_E_INVALID);
	c = ok, c.shard_payload = 1407, refuse(c, PUNKTFUNK_E_INVALID);
	c = ok, c.shard_payload = UINT32_MAX, refuse(c, PUNKTFUNK_E_INVALID);
	c = ok, c.max_data_per_block = UINT32_MAX, refuse(c, PUNKTFUNK_E_INVALID);
	c = ok, c.max_frame_bytes = 0, refuse(c, PUNKTFUNK_E_INVALID);
	c = ok, c.max_frame_bytes = SIZE_MAX, refuse(c, PUNKTFUNK_E_INVALID);
	c = ok, c.cipher = 2, refuse(c, PUNKTFUNK_E_UNSUPPORTED);
}

/* A program built against an older header: the fields it does not know keep their defaults. */
static void shorter_structs_are_served(void **state)
{
	(void)state;
	struct punktfunk_session *host, *client;
	struct punktfunk_config c = config_of();
	/* ends in the middle of the key pointer: half a pointer is not one */
	c.size = offsetof(struct punktfunk_config, key) + 3;
	assert_int_equal(punktfunk_test_loopback_pair(&host, &client, &c), PUNKTFUNK_OK);
	assert_int_equal(submit(host, 0, 1000, 0), PUNKTFUNK_OK);
	uint8_t bytes[sizeof(struct punktfunk_frame)];
	struct punktfunk_frame f = {.size = offsetof(struct punktfunk_frame, pts_ns)};
	memset(bytes, 0xee, sizeof(bytes));
	memcpy(bytes, &f.size, sizeof(f.size));
	assert_int_equal(punktfunk_client_poll_frame(client, (void *)bytes, 0), PUNKTFUNK_OK);
	for (size_t i = f.size; i < sizeof(bytes); i++)
		assert_int_equal(bytes[i], 0xee);
	memcpy(&f, bytes, f.size);
	assert_int_equal(f.len, 1000);
	struct punktfunk_packets p = {.size = sizeof(p)};
	assert_int_equal(punktfunk_host_packets(host, &p), PUNKTFUNK_OK);
	assert_int_equal(p.packet_len, 40 + 1408); /* without the key: not sealed */
	punktfunk_session_free(host);
	punktfunk_session_free(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_loopback_pair_carries_frames_over_loss),
		cmocka_unit_test(a_transport_of_ones_own),
		cmocka_unit_test(forged_and_repeated_packets_are_harmless),
		cmocka_unit_test(wrong_calls_are_refused),
		cmocka_unit_test(bad_configs_are_refused),
		cmocka_unit_test(shorter_structs_are_served),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
