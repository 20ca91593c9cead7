/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <arpa/inet.h>

#include <enet/enet.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "core/base/bytes.h"
#include "core/nv/control.h"
#include "host/base/loop.h"
#include "host/config/config.h"
#include "host/gamestream/streams.h"
#include "host/media/clock.h"

/* Real ENet clients against the control port; what it tells the rest is ours here (the linker's --wrap). */

#define CONNECT_DATA 0x12345678u
#define WAIT_NS	     5000000000ull

static const uint8_t key[LAUNCH_KEY_LEN] = {1, 2, 3};

static struct {
	unsigned keyframes, invalidations, inputs, statuses, connected, left;
	uint32_t first, last;
} got;

void __wrap_session_request_keyframe(struct session *s);
void __wrap_gs_video_invalidate(struct gs_stream *s, uint32_t first, uint32_t last);
void __wrap_gs_input_take(struct gs_stream *s, const uint8_t *data, size_t len);
void __wrap_gs_govern_asked(struct gs_stream *s);
void __wrap_gs_govern_status(struct gs_stream *s, const struct pf_nv_fec_status *status);
void __wrap_gs_stream_connected(struct gs_stream *s);
void __wrap_gs_stream_left(struct gs_stream *s, const char *why, uint32_t code);

void __wrap_session_request_keyframe(struct session *s)
{
	(void)s;
	got.keyframes++;
}

void __wrap_gs_video_invalidate(struct gs_stream *s, uint32_t first, uint32_t last)
{
	(void)s;
	got.invalidations++;
	got.first = first;
	got.last = last;
}

void __wrap_gs_input_take(struct gs_stream *s, const uint8_t *data, size_t len)
{
	(void)s, (void)data, (void)len;
	got.inputs++;
}

void __wrap_gs_govern_asked(struct gs_stream *s)
{
	(void)s;
}

void __wrap_gs_govern_status(struct gs_stream *s, const struct pf_nv_fec_status *status)
{
	(void)s, (void)status;
	got.statuses++;
}

void __wrap_gs_stream_connected(struct gs_stream *s)
{
	(void)s;
	got.connected++;
}

void __wrap_gs_stream_left(struct gs_stream *s, const char *why, uint32_t code)
{
	(void)s, (void)why, (void)code;
	got.left++;
}

struct client {
	ENetHost *host;
	ENetPeer *peer;
	struct pf_aead *aead;
	struct pf_nv_control box;
	bool connected, gone;
	uint8_t last[256]; /* opened, the newest message */
	size_t last_len;
};

struct rig {
	struct config config;
	struct gamestream gamestream;
	struct gs_streams streams;
	struct gs_stream stream;
	struct client clients[8];
};

static int begin(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	assert_non_null(r);
	memset(&got, 0, sizeof(got));
	assert_int_equal(loop_create(&r->gamestream.loop), PF_OK);
	r->gamestream.config = &r->config;
	r->gamestream.bind = "127.0.0.1";
	r->streams.g = &r->gamestream;
	r->streams.list = &r->stream;
	r->stream.all = &r->streams;
	r->stream.id = 7;
	r->stream.tokens.connect_data = CONNECT_DATA;
	/* Any port that is free. */
	int err = PF_E_BUSY;
	for (uint32_t port = 20000; err < 0 && port < 20400; port++) {
		r->config.gamestream_port = port;
		err = gs_control_create(&r->streams.control, &r->streams);
	}
	assert_int_equal(err, PF_OK);
	assert_int_equal(gs_channel_open(&r->stream, key), PF_OK);
	*state = r;
	return 0;
}

static int end(void **state)
{
	struct rig *r = *state;
	gs_channel_close(&r->stream, PF_NV_ENDED);
	gs_control_destroy(r->streams.control);
	for (size_t i = 0; i < 8; i++) {
		if (r->clients[i].host)
			enet_host_destroy(r->clients[i].host);
		pf_aead_destroy(r->clients[i].aead);
	}
	loop_destroy(r->gamestream.loop);
	free(r);
	return 0;
}

static void take_event(struct client *c, ENetEvent *event)
{
	uint8_t *text;
	size_t len;
	if (event->type == ENET_EVENT_TYPE_CONNECT)
		c->connected = true;
	else if (event->type == ENET_EVENT_TYPE_DISCONNECT)
		c->gone = true;
	else if (event->type == ENET_EVENT_TYPE_RECEIVE) {
		assert_int_equal(pf_nv_control_open(&c->box, event->packet->data,
					 event->packet->dataLength, &text, &len),
			PF_OK);
		assert_in_range(len, 1, sizeof(c->last));
		memcpy(c->last, text, len);
		c->last_len = len;
		enet_packet_destroy(event->packet);
	}
}

/* Until done says so, or time is up. */
static bool pump(struct rig *r, bool (*done)(struct rig *r), uint64_t wait_ns)
{
	uint64_t until_ns = clock_now_ns() + wait_ns;
	while (clock_now_ns() < until_ns) {
		assert_true(sd_event_run(loop_sd_event(r->gamestream.loop), 2000) >= 0);
		for (size_t i = 0; i < 8; i++) {
			struct client *c = &r->clients[i];
			ENetEvent event;
			while (c->host && enet_host_service(c->host, &event, 0) > 0)
				take_event(c, &event);
		}
		if (done && done(r))
			return true;
	}
	return false;
}

static void join(struct rig *r, size_t i, uint32_t connect_data, const uint8_t *with)
{
	struct client *c = &r->clients[i];
	ENetAddress to = {.port = gs_control_port(r->streams.control)};
	assert_int_equal(enet_address_set_host_ip(&to, "127.0.0.1"), 0);
	c->host = enet_host_create(NULL, 1, 48, 0, 0);
	assert_non_null(c->host);
	c->peer = enet_host_connect(c->host, &to, 48, connect_data);
	assert_non_null(c->peer);
	assert_int_equal(
		pf_aead_create(&c->aead, PF_CIPHER_AES_128_GCM, with, LAUNCH_KEY_LEN), PF_OK);
	pf_nv_control_init(&c->box, c->aead, PF_CLIENT_TO_HOST);
}

static void put(struct client *c, const uint8_t *data, size_t len)
{
	ENetPacket *packet = enet_packet_create(data, len, ENET_PACKET_FLAG_RELIABLE);
	assert_non_null(packet);
	assert_int_equal(enet_peer_send(c->peer, 1, packet), 0);
}

static void say(struct client *c, uint16_t type, const uint8_t *payload, size_t len)
{
	uint8_t plain[64], sealed[128];
	pf_put_le16(plain, type);
	pf_put_le16(plain + 2, (uint16_t)len);
	memcpy(plain + 4, payload, len);
	int n = pf_nv_control_seal(&c->box, plain, 4 + len, sealed, sizeof(sealed));
	assert_true(n > 0);
	put(c, sealed, (size_t)n);
}

static const uint8_t zeros[24];

static bool first_connected(struct rig *r)
{
	return r->clients[0].connected;
}

static bool proven(struct rig *r)
{
	(void)r;
	return got.connected;
}

static bool three_keyframes(struct rig *r)
{
	(void)r;
	return got.keyframes == 3;
}

static bool told(struct rig *r)
{
	return r->clients[0].last_len;
}

static bool first_gone(struct rig *r)
{
	return r->clients[0].gone;
}

static void connect_first(struct rig *r)
{
	join(r, 0, CONNECT_DATA, key);
	assert_true(pump(r, first_connected, WAIT_NS));
	assert_int_equal(r->clients[0].peer->channelCount, 48);
	assert_int_equal(got.connected, 0); /* not before it proved itself */
	say(&r->clients[0], 0x0302, zeros, 2);
	assert_true(pump(r, proven, WAIT_NS));
	assert_int_equal(got.keyframes, 1);
}

static bool anybody(struct rig *r)
{
	for (size_t i = 0; i < 8; i++)
		if (r->clients[i].connected)
			return true;
	return false;
}

/* Without the number from RTSP nobody so much as connects. */
static void test_strangers(void **state)
{
	struct rig *r = *state;
	join(r, 0, 0, key);
	join(r, 1, CONNECT_DATA + 1, key);
	join(r, 2, 0x78563412u, key);
	assert_false(pump(r, anybody, 300000000ull));
	gs_channel_close(&r->stream, PF_NV_ENDED); /* nobody is awaited any more */
	join(r, 3, CONNECT_DATA, key);
	join(r, 4, 0, key);
	assert_false(pump(r, anybody, 300000000ull));
}

static void test_messages(void **state)
{
	struct rig *r = *state;
	static const uint8_t lost[24] = {5, 0, 0, 0, 0, 0, 0, 0, 9};
	static const uint8_t junk[64] = {1, 0, 60, 0};
	struct client *c = &r->clients[0];
	connect_first(r);
	say(c, 0x0301, lost, sizeof(lost));
	say(c, 0x0206, zeros, 12);
	say(c, 0x5502, zeros, 21);
	say(c, 0x0200, zeros, 8);
	/* None of these ends it. */
	put(c, junk, sizeof(junk));
	put(c, junk, 1);
	put(c, junk, 0);
	say(c, 0x0301, zeros, 3);
	say(c, 0x3001, zeros, 20);
	say(c, 0x0302, zeros, 2);
	say(c, 0x0302, zeros, 2);
	assert_true(pump(r, three_keyframes, WAIT_NS));
	assert_int_equal(got.invalidations, 1);
	assert_int_equal(got.first, 5);
	assert_int_equal(got.last, 9);
	assert_int_equal(got.inputs, 1);
	assert_int_equal(got.statuses, 1);
	assert_true(r->stream.channel.n_bad >= 3);
	assert_int_equal(got.left, 0);
	assert_true(gs_channel_rtt_ns(&r->stream) > 0);
}

static void test_feedback(void **state)
{
	struct rig *r = *state;
	const struct pf_nv_feedback rumble = {
		.kind = PF_NV_RUMBLE, .pad = 2, .rumble = {0x1234, 0x5678}};
	static const uint8_t expected[] = {
		0x0B, 0x01, 10, 0, 0, 0, 0, 0, 2, 0, 0x34, 0x12, 0x78, 0x56};
	/* Nobody is there: nothing happens. */
	assert_int_equal(gs_channel_send(&r->stream, &rumble), PF_OK);
	connect_first(r);
	assert_int_equal(gs_channel_send(&r->stream, &rumble), PF_OK);
	assert_true(pump(r, told, WAIT_NS));
	assert_int_equal(r->clients[0].last_len, sizeof(expected));
	assert_memory_equal(r->clients[0].last, expected, sizeof(expected));
}

static void test_end(void **state)
{
	struct rig *r = *state;
	static const uint8_t ended[] = {0x09, 0x01, 4, 0, 0x80, 0x03, 0x00, 0x23};
	connect_first(r);
	gs_channel_close(&r->stream, PF_NV_ENDED);
	assert_true(pump(r, first_gone, WAIT_NS));
	assert_int_equal(r->clients[0].last_len, sizeof(ended));
	assert_memory_equal(r->clients[0].last, ended, sizeof(ended));
	assert_int_equal(got.left, 0); /* it was sent away, it did not leave */
}

static bool left(struct rig *r)
{
	(void)r;
	return got.left;
}

static void test_leaves(void **state)
{
	struct rig *r = *state;
	connect_first(r);
	enet_peer_disconnect(r->clients[0].peer, 0);
	assert_true(pump(r, left, WAIT_NS));
	assert_int_equal(got.left, 1);
}

/* Who guessed the number has two seconds, and does not keep the owner of the key out. */
static void test_number_without_key(void **state)
{
	struct rig *r = *state;
	static const uint8_t wrong[LAUNCH_KEY_LEN] = {9};
	for (size_t i = 1; i < 4; i++)
		join(r, i, CONNECT_DATA, wrong);
	(void)pump(r, NULL, 200000000ull);
	for (size_t i = 1; i < 4; i++) {
		assert_true(r->clients[i].connected);
		say(&r->clients[i], 0x0302, zeros, 2);
	}
	(void)pump(r, NULL, 100000000ull);
	assert_int_equal(got.connected, 0);
	assert_int_equal(got.keyframes, 0);
	connect_first(r);
	/* And once it is there, the number is of no use. */
	join(r, 5, CONNECT_DATA, key);
	say(&r->clients[0], 0x0302, zeros, 2);
	(void)pump(r, NULL, 200000000ull);
	assert_false(r->clients[5].connected);
	assert_int_equal(got.keyframes, 2);
	assert_int_equal(got.left, 0);
}

static void test_unproven_go(void **state)
{
	struct rig *r = *state;
	for (size_t i = 0; i < 6; i++)
		join(r, i, CONNECT_DATA, key);
	(void)pump(r, NULL, 300000000ull);
	unsigned n = 0;
	for (size_t i = 0; i < 6; i++)
		n += r->clients[i].connected;
	assert_int_equal(n, 4); /* no more at a time */
	(void)pump(r, NULL, 4500000000ull);
	got.connected = 0;
	join(r, 6, CONNECT_DATA, key);
	(void)pump(r, NULL, 200000000ull);
	assert_true(r->clients[6].connected);
	say(&r->clients[6], 0x0302, zeros, 2);
	assert_true(pump(r, proven, WAIT_NS));
}

/* It connected, did not prove itself, and the stream has ended since: what it says now is no one's. */
static void test_unproven_after_the_end(void **state)
{
	struct rig *r = *state;
	join(r, 0, CONNECT_DATA, key);
	assert_true(pump(r, first_connected, WAIT_NS));
	(void)pump(r, NULL, 100000000ull); /* the host has heard so too */
	gs_channel_close(&r->stream, PF_NV_ENDED);
	say(&r->clients[0], 0x0302, zeros, 2);
	(void)pump(r, NULL, 200000000ull);
	assert_int_equal(got.connected, 0);
	assert_int_equal(got.keyframes, 0);
}

/* One datagram of commands that are all alike, of the first client. */
static void flood(
	struct rig *r, uint8_t command, const uint8_t *rest, size_t len, uint16_t sequence)
{
	const struct client *c = &r->clients[0];
	uint8_t data[1400];
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(gs_control_port(r->streams.control)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	size_t n = 4;
	pf_put_be16(data,
		(uint16_t)(0x8000u | (unsigned)c->peer->outgoingSessionID << 12 |
			c->peer->outgoingPeerID));
	pf_put_be16(data + 2, 0);
	for (; n + 4 + len <= sizeof(data); n += 4 + len) {
		data[n] = command;
		data[n + 1] = 7;
		pf_put_be16(data + n + 2, sequence++);
		memcpy(data + n + 4, rest, len);
	}
	assert_int_equal(
		sendto(c->host->socket, data, n, 0, (const struct sockaddr *)&to, sizeof(to)), n);
}

/* What the host keeps of those that wait for one before them. */
static size_t n_kept(struct rig *r)
{
	ENetPeer *p = r->stream.channel.peer;
	return enet_list_size(&p->channels[7].incomingReliableCommands) +
		enet_list_size(&p->channels[7].incomingUnreliableCommands);
}

/* Out of order, in pieces, empty: kept until what is missing comes, which is never. */
static void test_what_waits_is_bounded(void **state)
{
	struct rig *r = *state;
	static const uint8_t empty[4];
	static const uint8_t piece[21] = {
		0, 9, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 'x'};
	connect_first(r);
	for (unsigned i = 0; i < 100; i++) {
		flood(r, 0x86, empty, 2, (uint16_t)(2 + i * 232));
		flood(r, 0x07, empty, 4, (uint16_t)(2 + i * 174));
		flood(r, 0x88, piece, sizeof(piece), 9);
		(void)pump(r, NULL, 1000000);
	}
	assert_in_range(n_kept(r), 1, 2048);
	assert_int_equal(got.left, 0);
	/* Behind it all, the session goes on. */
	say(&r->clients[0], 0x0302, zeros, 2);
	say(&r->clients[0], 0x0302, zeros, 2);
	assert_true(pump(r, three_keyframes, WAIT_NS));
}

static void test_unproven_say_little(void **state)
{
	struct rig *r = *state;
	static const uint8_t empty[2];
	join(r, 0, CONNECT_DATA, key);
	assert_true(pump(r, first_connected, WAIT_NS));
	for (unsigned i = 0; i < 80; i++)
		flood(r, 0x86, empty, sizeof(empty), 2);
	(void)pump(r, NULL, 50000000ull);
	say(&r->clients[0], 0x0302, zeros, 2);
	assert_false(pump(r, proven, 100000000ull));
	/* It is gone after two seconds, and another one may come in its place. */
	(void)pump(r, NULL, 2200000000ull);
	join(r, 1, CONNECT_DATA, key);
	(void)pump(r, NULL, 200000000ull);
	say(&r->clients[1], 0x0302, zeros, 2);
	assert_true(pump(r, proven, WAIT_NS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_strangers, begin, end),
		cmocka_unit_test_setup_teardown(test_messages, begin, end),
		cmocka_unit_test_setup_teardown(test_feedback, begin, end),
		cmocka_unit_test_setup_teardown(test_end, begin, end),
		cmocka_unit_test_setup_teardown(test_leaves, begin, end),
		cmocka_unit_test_setup_teardown(test_number_without_key, begin, end),
		cmocka_unit_test_setup_teardown(test_unproven_go, begin, end),
		cmocka_unit_test_setup_teardown(test_unproven_after_the_end, begin, end),
		cmocka_unit_test_setup_teardown(test_what_waits_is_bounded, begin, end),
		cmocka_unit_test_setup_teardown(test_unproven_say_little, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
