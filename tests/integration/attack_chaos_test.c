/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/bytes.h"
#include "core/packet/native.h"
#include "core/wire/datagram.h"
#include "host/media/clock.h"
#include "tests/integration/access_rig.h"

/*
 * Clients that say whatever the wire allows, in any order, take their sessions over, pair, knock, vanish and are
 * unpaired meanwhile. Nothing is expected of the host but that it lives, leaks nothing (a sanitizer says so at its
 * end), and serves the next client. PUNKTFUNK_HOST names the program, PUNKTFUNK_STEPS how many steps are taken.
 */

#define N_WILD 4
#define STEPS  4000

static uint64_t seed = 0x9E3779B97F4A7C15u;

static uint32_t any(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)((seed >> 20) % below);
}

/* Small numbers, large ones, and those at the edges. */
static uint32_t number(void)
{
	static const uint32_t edges[] = {
		0, 1, 2, 255, 1408, 65535, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF};
	return any(2) ? any(3000) : edges[any(sizeof(edges) / sizeof(edges[0]))];
}

struct wild {
	struct raw raw;
	bool open, greeted;
	int64_t streams[3];
};

static struct wild wilds[N_WILD];
static struct pf_identity **const people[] = {&rig_alice, &rig_bob, &rig_alice};

static void send_bytes(struct wild *w, int64_t stream, const void *data, size_t len, bool fin)
{
	if (w->raw.conn)
		(void)!quic_conn_send(w->raw.conn, stream, data, len, fin);
}

static void send_msg(struct wild *w, int64_t stream, const struct pf_msg *m)
{
	uint8_t buf[1024];
	int n = pf_msg_write_framed(buf, sizeof(buf), m);
	if (n > 0)
		send_bytes(w, stream, buf, (size_t)n, false);
}

static void say_something(struct wild *w)
{
	static const uint8_t types[] = {PF_MSG_RECONFIGURE, PF_MSG_REQUEST_KEYFRAME,
		PF_MSG_LOSS_REPORT, PF_MSG_SET_BITRATE, PF_MSG_RFI_REQUEST,
		PF_MSG_SHARD_PAYLOAD_ACK, PF_MSG_DELIVERY_REPORT, PF_MSG_LINK_REPORT,
		PF_MSG_SET_DELIVERY, PF_MSG_PROBE_REQUEST, PF_MSG_PROBE_SHAPED, PF_MSG_CLOCK_PROBE,
		PF_MSG_CLIP_CONTROL, PF_MSG_CLIP_OFFER, PF_MSG_CURSOR_RENDER, PF_MSG_INPUT_EDGE,
		PF_MSG_ACCESS_UPDATE, PF_MSG_CLIP_FETCH_HDR};
	struct pf_msg m = {.type = types[any(sizeof(types))]};
	switch (m.type) {
	case PF_MSG_RECONFIGURE:
		m.reconfigure = (struct pf_mode){16 * any(60), 16 * any(60), any(130)};
		break;
	case PF_MSG_RFI_REQUEST:
		m.rfi.first = number();
		m.rfi.last = m.rfi.first + any(300);
		break;
	case PF_MSG_SHARD_PAYLOAD_ACK:
		m.shard_payload = (uint16_t)number();
		break;
	case PF_MSG_SET_DELIVERY:
		m.set_delivery = (uint8_t)any(3);
		break;
	case PF_MSG_PROBE_REQUEST:
		m.probe_request.kbps = number();
		m.probe_request.duration_ms = any(2) ? any(50) : number();
		break;
	case PF_MSG_PROBE_SHAPED:
		m.probe_shaped.kbps = number();
		m.probe_shaped.duration_ms = any(60);
		m.probe_shaped.burst_hz = (uint16_t)number();
		m.probe_shaped.group_bytes = number();
		m.probe_shaped.group_kbps = number();
		break;
	case PF_MSG_CLIP_CONTROL:
		m.clip_control.enabled = any(4);
		break;
	case PF_MSG_CLIP_OFFER:
		m.clip_offer.seq = number();
		m.clip_offer.n_kinds = (uint8_t)any(2);
		m.clip_offer.kinds[0].mime = (struct pf_span){
			(const uint8_t *)PF_CLIP_MIME_TEXT, strlen(PF_CLIP_MIME_TEXT)};
		break;
	case PF_MSG_CURSOR_RENDER:
		m.client_draws_cursor = any(2);
		break;
	case PF_MSG_INPUT_EDGE:
		m.input_edge.kind = any(2) ? PF_INPUT_KEY_DOWN : PF_INPUT_KEY_UP;
		m.input_edge.code = number();
		break;
	default:
		m.bitrate_kbps = number();
	}
	send_msg(w, w->raw.stream, &m);
}

/* Clipboard streams: begun, cut, filled with nonsense, left. */
static void play_streams(struct wild *w)
{
	static const uint8_t junk[5000];
	int64_t *s = &w->streams[any(3)];
	struct pf_msg m = {.type = PF_MSG_CLIP_FETCH};
	if (*s < 0) {
		*s = quic_conn_open_stream(w->raw.conn);
		return;
	}
	switch (any(5)) {
	case 0:
		m.clip_fetch.seq = any(6);
		m.clip_fetch.file_index = PF_CLIP_INDEX_NONE;
		m.clip_fetch.mime = (struct pf_span){
			(const uint8_t *)PF_CLIP_MIME_TEXT, strlen(PF_CLIP_MIME_TEXT)};
		send_msg(w, *s, &m);
		break;
	case 1:
		send_bytes(w, *s, "\x05", 1, false);
		break;
	case 2:
		send_bytes(w, *s, junk, any(sizeof(junk)), any(2));
		break;
	case 3:
		quic_conn_reset_stream(w->raw.conn, *s, any(2) ? PF_CLOSE_CLIP_CANCELLED : 0);
		*s = -1;
		break;
	default:
		*s = -1;
	}
}

/* The host asks for the clipboard of this client. */
static void answer_host(struct raw *r, int64_t id, const uint8_t *data, size_t len, bool fin)
{
	static const uint8_t text[3000] = {'x'};
	struct pf_msg m = {.type = PF_MSG_CLIP_FETCH_HDR};
	struct wild *w = (struct wild *)r;
	(void)data, (void)fin;
	if (!len || !any(3) || id % 4 != 1)
		return;
	m.clip_fetch_hdr.status = any(4) ? PF_CLIP_FETCH_OK : PF_CLIP_STALE;
	m.clip_fetch_hdr.total_size = any(3) ? 0 : number();
	send_msg(w, id, &m);
	send_bytes(w, id, text, any(sizeof(text)), any(3));
}

static void send_input(struct wild *w)
{
	uint8_t buf[64];
	struct pf_input e = {.kind = (uint8_t)any(PF_INPUT_KIND_COUNT),
		.code = number(),
		.x = (int32_t)number(),
		.y = (int32_t)number(),
		.flags = number()};
	pf_input_write(buf, &e);
	(void)!quic_conn_send_datagram(w->raw.conn, buf, PF_INPUT_LEN);
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)any(256);
	buf[0] = (uint8_t)(0xC8 + any(12));
	(void)!quic_conn_send_datagram(w->raw.conn, buf, any(sizeof(buf)));
}

static void greet(struct wild *w)
{
	uint8_t payload[64], head[2], spake[PF_PAIR_MESSAGE_LEN] = {0x41};
	struct pf_msg m = {.type = PF_MSG_PAIR_REQUEST};
	if (!any(8)) {
		spake[1] = (uint8_t)any(256);
		m.pair_request.spake = (struct pf_span){spake, sizeof(spake)};
		send_msg(w, w->raw.stream, &m);
	} else {
		size_t n = raw_good_hello(payload, sizeof(payload));
		pf_put_le32(payload + 8, 64 * (1 + any(16)));
		if (!any(10))
			payload[any((uint32_t)n)] ^= (uint8_t)(1 + any(255));
		pf_put_le16(head, (uint16_t)n);
		send_bytes(w, w->raw.stream, head, 2, false);
		send_bytes(w, w->raw.stream, payload, n, false);
	}
	w->greeted = true;
}

static void start_session(struct wild *w)
{
	uint8_t payload[16], head[2];
	struct pf_start start = {.client_port = (uint16_t)(9 + any(2) * 2000)};
	int n = pf_start_write(payload, sizeof(payload), &start);
	pf_put_le16(head, (uint16_t)n);
	send_bytes(w, w->raw.stream, head, 2, false);
	send_bytes(w, w->raw.stream, payload, (size_t)n, false);
}

static void leave(struct wild *w)
{
	if (w->raw.conn && any(2)) {
		quic_conn_close(w->raw.conn, any(2) ? PF_CLOSE_QUIT : any(0x80), "bye");
		quic_endpoint_flush(w->raw.endpoint, clock_now_ns());
	}
	raw_close(&w->raw);
	w->open = false;
}

static void act(struct wild *w)
{
	if (!w->open) {
		unsigned i = any(4);
		memset(w, 0, sizeof(*w));
		raw_begin(&w->raw, rig_host.port, i < 3 ? *people[i] : NULL, "127.0.0.1");
		w->raw.other = answer_host;
		w->open = true;
		w->streams[0] = w->streams[1] = w->streams[2] = -1;
		return;
	}
	assert_int_equal(quic_endpoint_process(w->raw.endpoint, clock_now_ns()), 0);
	if (w->raw.ended) {
		leave(w);
		return;
	}
	if (!w->raw.ready)
		return;
	if (w->raw.got_len > sizeof(w->raw.got) / 2)
		w->raw.got_len = 0;
	uint32_t what = any(100);
	if (!w->greeted)
		greet(w);
	else if (what < 2)
		leave(w);
	else if (what < 5)
		start_session(w);
	else if (what < 55)
		say_something(w);
	else if (what < 75)
		play_streams(w);
	else
		send_input(w);
	if (w->open)
		quic_endpoint_flush(w->raw.endpoint, clock_now_ns());
}

static void person_acts(void)
{
	static const char *const names[] = {"alice", "bob"};
	const char *name = names[any(2)];
	char why[600];
	json_t *args = NULL;
	const char *command = "pair.disarm";
	switch (any(8)) {
	case 0:
		command = "client.unpair";
		args = json_pack("{s:s}", "client", name);
		break;
	case 1:
	case 2:
		command = "client.access";
		args = json_pack("{s:s, s:i}", "client", name, "grants", (int)any(256));
		break;
	case 3:
		command = "knock.deny";
		args = rig_knock_of(any(2) ? rig_alice : rig_bob);
		break;
	case 4:
	case 5:
	case 6:
		command = "knock.approve";
		args = rig_knock_of(any(2) ? rig_alice : rig_bob);
		break;
	default:
		command = any(2) ? "pair.arm" : "pair.disarm";
		break;
	}
	(void)!rig_command(command, args, NULL, why, sizeof(why));
}

/* Names stay what they were: who knocks again is called by its address. */
static void pair_both(void)
{
	if (!rig_is_stored(rig_alice))
		rig_pair(rig_alice, "alice", NULL);
	if (!rig_is_stored(rig_bob))
		rig_pair(rig_bob, "bob", NULL);
}

static void the_host_lives_through_anything(void **state)
{
	const char *text = getenv("PUNKTFUNK_STEPS");
	unsigned steps = text ? (unsigned)atoi(text) : TEST_SLOW ? STEPS / 2 : STEPS;
	(void)state;
	for (unsigned i = 0; i < steps; i++) {
		if (i % 1000 == 0)
			pair_both();
		act(&wilds[any(N_WILD)]);
		if (!any(60))
			person_acts();
		if (!any(20)) {
			struct timespec ms = {.tv_nsec = 1000000};
			nanosleep(&ms, NULL);
		}
		assert_true(i % 200 || host_process_running(&rig_host));
	}
	for (int i = 0; i < N_WILD; i++)
		if (wilds[i].open)
			leave(&wilds[i]);
	rig_must("pair.disarm", NULL);
	rig_pair(rig_carol, "carol", NULL);
	rig_is_let_in(rig_carol);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_host_lives_through_anything, rig_fresh),
	};
	return cmocka_run_group_tests(tests, rig_start_host, rig_end_host);
}
