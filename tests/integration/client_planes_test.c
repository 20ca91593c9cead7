/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/bytes.h"
#include "core/packet/native.h"
#include "core/wire/datagram.h"
#include "punktfunk_core.h"
#include "tests/integration/shipped_host.h"

/* Every plane beside the video, between the client library and a host that the test plays. */

#define WAIT_MS 5000u
#define SOON_MS 50u

static const struct shipped_variant stage = {
	.name = "stage",
	.scheme = 1,
	.percent = 10,
	.per_block = 4096,
	.shard = 1408,
	.codec = PF_CODEC_H264,
	.frame_len = 20000,
	.stay = true,
	.host_caps = PF_HCAP_CLIPBOARD | PF_HCAP_PAD_SNAPSHOT | PF_HCAP_TEXT,
	.host_caps2 = PF_HCAP2_INPUT_EDGES | PF_HCAP2_TOUCH | PF_HCAP2_SMOOTH_SCROLL,
	.expires_s = 3600,
};

static struct shipped *host;
static struct punktfunk_connection *conn;

static void dial(const struct shipped_variant *v)
{
	struct punktfunk_connect_opts o;
	char message[256] = "";
	host = shipped_start(v);
	punktfunk_connect_opts_init(&o);
	o.host = "127.0.0.1";
	o.port = (uint16_t)shipped_port(host);
	o.mode = (struct punktfunk_mode){1280, 720, 60};
	o.timeout_ms = WAIT_MS;
	o.client_caps = PUNKTFUNK_CLIENT_CAP_CURSOR | PUNKTFUNK_CLIENT_CAP_PAD_AUDIO;
	if (punktfunk_connect_opts(&conn, &o, message, sizeof(message)) != PUNKTFUNK_OK)
		fail_msg("%s", message);
}

static int setup(void **state)
{
	(void)state;
	dial(&stage);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	punktfunk_connection_close(conn);
	conn = NULL;
	shipped_stop(host, NULL);
	return 0;
}

struct bytes {
	const uint8_t *data;
	size_t len;
};

static void do_datagram(struct shipped *s, void *arg)
{
	const struct bytes *b = arg;
	shipped_datagram(s, b->data, b->len);
}

static void throw(const uint8_t *data, int len)
{
	assert_true(len > 0);
	shipped_call(host, do_datagram, &(struct bytes){data, (size_t)len});
}

static void do_msg(struct shipped *s, void *arg)
{
	shipped_msg(s, arg);
}

static void say(struct pf_msg m)
{
	shipped_call(host, do_msg, &m);
}

static void do_bytes(struct shipped *s, void *arg)
{
	const struct bytes *b = arg;
	pf_check(shipped_bytes(s, 0, b->data, b->len, false) >= 0);
}

static void hear(enum pf_msg_type type, struct pf_msg *m)
{
	static struct shipped_item i;
	do {
		if (!shipped_next(host, SHIPPED_MSG, &i))
			fail_msg("the host never got a message of type 0x%02x", type);
	} while (pf_msg_read(m, i.data, i.len) < 0 || m->type != type);
}

static struct shipped_item catch (uint8_t tag)
{
	static struct shipped_item i;
	do {
		if (!shipped_next(host, SHIPPED_DATAGRAM, &i))
			fail_msg("the host never got a datagram 0x%02x", tag);
	} while (i.data[0] != tag);
	return i;
}

/* --- host to client --- */

static void play(uint8_t tag, uint32_t seq, const char *data, const char *previous)
{
	uint8_t buf[PF_DGRAM_MAX];
	struct pf_audio a = {.tag = tag,
		.pad = 3,
		.kind = 1,
		.seq = seq,
		.pts_ns = 1000000000 + seq * 5000000ull,
		.data = (const uint8_t *)data,
		.len = strlen(data),
		.previous = (const uint8_t *)previous,
		.previous_len = previous ? strlen(previous) : 0};
	if (tag != PF_DGRAM_PAD_AUDIO)
		a.pad = a.kind = 0;
	throw(buf, pf_audio_write(buf, sizeof(buf), &a));
}

typedef int (*next_sound)(struct punktfunk_connection *, struct punktfunk_audio_packet *, uint32_t);

static struct punktfunk_audio_packet expect_sound(
	next_sound next, uint32_t seq, uint32_t flags, const char *data)
{
	struct punktfunk_audio_packet p = {.size = sizeof(p)};
	assert_int_equal(next(conn, &p, WAIT_MS), PUNKTFUNK_OK);
	assert_int_equal(p.seq, seq);
	assert_int_equal(p.flags, flags);
	assert_int_equal(p.len, strlen(data));
	assert_memory_equal(p.data, data, p.len);
	assert_int_equal(p.pts_ns, 1000000000 + seq * 5000000ull);
	return p;
}

static void sound_is_in_order_and_gaps_are_filled(void **state)
{
	(void)state;
	struct punktfunk_audio_packet p = {.size = sizeof(p)};
	assert_int_equal(punktfunk_connection_next_audio(conn, &p, 0), PUNKTFUNK_E_NO_FRAME);
	play(PF_DGRAM_AUDIO, 10, "ten", NULL);
	play(PF_DGRAM_AUDIO_REDUNDANT, 12, "twelve", "eleven"); /* 11 was lost */
	play(PF_DGRAM_AUDIO_REDUNDANT, 12, "twelve", "eleven"); /* doubled */
	play(PF_DGRAM_AUDIO, 11, "late", NULL);
	play(PF_DGRAM_AUDIO_REDUNDANT, 13, "thirteen", "twelve");
	play(PF_DGRAM_AUDIO, 16, "sixteen", NULL);
	play(PF_DGRAM_AUDIO_REDUNDANT, 20, "twenty", "nineteen");
	next_sound next = punktfunk_connection_next_audio;
	expect_sound(next, 10, 0, "ten");
	expect_sound(next, 11, PUNKTFUNK_AUDIO_RECOVERED, "eleven");
	expect_sound(next, 12, 0, "twelve");
	expect_sound(next, 13, 0, "thirteen");
	expect_sound(next, 16, PUNKTFUNK_AUDIO_AFTER_GAP, "sixteen");
	expect_sound(next, 19, PUNKTFUNK_AUDIO_RECOVERED | PUNKTFUNK_AUDIO_AFTER_GAP, "nineteen");
	expect_sound(next, 20, 0, "twenty");
	assert_int_equal(next(conn, &p, SOON_MS), PUNKTFUNK_E_NO_FRAME);
	struct punktfunk_stats s = {.size = sizeof(s)};
	assert_int_equal(punktfunk_connection_get_stats(conn, &s), PUNKTFUNK_OK);
	assert_int_equal(s.audio_recovered, 2);
	assert_int_equal(s.datagrams_received, 7);
	assert_int_equal(s.datagrams_bad, 0);
}

/* A head without Opus is a packet of its own, with nothing to decode: no gap, and not malformed. */
static void silence_is_a_packet(void **state)
{
	(void)state;
	play(PF_DGRAM_AUDIO, 1, "one", NULL);
	play(PF_DGRAM_AUDIO, 2, "", NULL);
	play(PF_DGRAM_AUDIO, 4, "", NULL);
	play(PF_DGRAM_AUDIO, 5, "five", NULL);
	next_sound next = punktfunk_connection_next_audio;
	expect_sound(next, 1, 0, "one");
	assert_non_null(expect_sound(next, 2, 0, "").data);
	expect_sound(next, 4, PUNKTFUNK_AUDIO_AFTER_GAP, "");
	expect_sound(next, 5, 0, "five");
	struct punktfunk_stats s = {.size = sizeof(s)};
	assert_int_equal(punktfunk_connection_get_stats(conn, &s), PUNKTFUNK_OK);
	assert_int_equal(s.datagrams_bad, 0);
}

static void each_sound_has_its_plane(void **state)
{
	(void)state;
	play(PF_DGRAM_AUDIO_PCM, 1, "pcmm", NULL);
	play(PF_DGRAM_PAD_AUDIO, 1, "pad", NULL);
	play(PF_DGRAM_AUDIO, 1, "main", NULL);
	expect_sound(punktfunk_connection_next_audio, 1, 0, "main");
	expect_sound(punktfunk_connection_next_audio_pcm, 1, 0, "pcmm");
	struct punktfunk_audio_packet p = expect_sound(
		punktfunk_connection_next_pad_audio, 1, 0, "pad");
	assert_int_equal(p.pad, 3);
	assert_int_equal(p.kind, 1);
}

/* Nobody pulls: the oldest goes, and it is counted. */
static void a_slow_listener_hears_the_newest(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 200; i++)
		play(PF_DGRAM_AUDIO, i, "x", NULL);
	play(PF_DGRAM_AUDIO_PCM, 1, "last", NULL);
	expect_sound(punktfunk_connection_next_audio_pcm, 1, 0, "last");
	expect_sound(punktfunk_connection_next_audio, 200 - 64, 0, "x");
	struct punktfunk_stats s = {.size = sizeof(s)};
	assert_int_equal(punktfunk_connection_get_stats(conn, &s), PUNKTFUNK_OK);
	assert_int_equal(s.planes_dropped, 200 - 64);
}

static void rumble(struct pf_rumble r)
{
	uint8_t buf[PF_RUMBLE_LEN];
	throw(buf, pf_rumble_write(buf, &r));
}

static struct punktfunk_rumble expect_rumble(uint32_t pad, uint16_t low, uint16_t high)
{
	struct punktfunk_rumble r = {.size = sizeof(r)};
	assert_int_equal(punktfunk_connection_next_rumble(conn, &r, WAIT_MS), PUNKTFUNK_OK);
	assert_int_equal(r.pad, pad);
	assert_int_equal(r.low, low);
	assert_int_equal(r.high, high);
	return r;
}

static void rumble_is_state_that_ends(void **state)
{
	(void)state;
	struct punktfunk_rumble r = {.size = sizeof(r)};
	rumble((struct pf_rumble){.pad = 2, .low = 100, .high = 200});
	expect_rumble(2, 100, 200);
	rumble((struct pf_rumble){.pad = 2, .low = 100, .high = 200}); /* said again */
	rumble((struct pf_rumble){.pad = 0,
		.low = 7,
		.has_ttl = true,
		.seq = 5,
		.ttl_ms = 60,
		.has_triggers = true,
		.left_trigger = 1,
		.right_trigger = 2});
	r = expect_rumble(0, 7, 0);
	assert_int_equal(r.left_trigger, 1);
	assert_int_equal(r.right_trigger, 2);
	/* An older one comes late. */
	rumble((struct pf_rumble){.pad = 0, .low = 9, .has_ttl = true, .seq = 4, .ttl_ms = 5000});
	expect_rumble(0, 0, 0); /* nobody refreshed it */
	assert_int_equal(punktfunk_connection_next_rumble(conn, &r, SOON_MS), PUNKTFUNK_E_NO_FRAME);
	/* Of many changes the newest. */
	for (uint16_t i = 0; i < 40; i++)
		rumble((struct pf_rumble){.pad = 1, .low = i});
	rumble((struct pf_rumble){.pad = 15, .low = 3});
	uint32_t seen = 0;
	while (!(seen & 1 << 15)) {
		assert_int_equal(punktfunk_connection_next_rumble(conn, &r, WAIT_MS), PUNKTFUNK_OK);
		seen |= 1u << r.pad;
	}
	/* The pads do not shake on when the session is over. */
	say((struct pf_msg){.type = PF_MSG_REFUSED, .refused = {.code = PF_CLOSE_BUSY}});
	uint32_t stopped = 0;
	int err;
	while ((err = punktfunk_connection_next_rumble(conn, &r, WAIT_MS)) == PUNKTFUNK_OK)
		if (!r.low && !r.high)
			stopped |= 1u << r.pad;
	assert_int_equal(err, PUNKTFUNK_E_CLOSED);
	assert_int_equal(stopped, 1u << 1 | 1u << 2 | 1u << 15);
}

static struct punktfunk_hid_output hid(struct pf_hid_output h)
{
	uint8_t buf[PF_HID_MAX_LEN];
	struct punktfunk_hid_output o = {.size = sizeof(o)};
	throw(buf, pf_hid_output_write(buf, sizeof(buf), &h));
	assert_int_equal(punktfunk_connection_next_hidout(conn, &o, WAIT_MS), PUNKTFUNK_OK);
	assert_int_equal(o.kind, h.kind);
	assert_int_equal(o.pad, h.pad);
	return o;
}

static void a_pad_is_told_what_to_do(void **state)
{
	(void)state;
	struct pf_hid_output h = {.kind = PF_HID_LIGHT_BAR, .pad = 1, .light_bar = {9, 8, 7}};
	struct punktfunk_hid_output o = hid(h);
	assert_int_equal(o.len, 3);
	assert_memory_equal(o.data, "\x09\x08\x07", 3);
	o = hid((struct pf_hid_output){.kind = PF_HID_PLAYER_LEDS, .pad = 4, .player_leds = 5});
	assert_int_equal(o.data[0], 5);
	h = (struct pf_hid_output){.kind = PF_HID_TRIGGER, .trigger = {1, 4, {1, 2, 3, 4}}};
	o = hid(h);
	assert_int_equal(o.which, 1);
	assert_int_equal(o.len, 4);
	assert_memory_equal(o.data, "\1\2\3\4", 4);
	h = (struct pf_hid_output){.kind = PF_HID_HAPTIC, .haptic = {1, 1000, 20, 3}};
	o = hid(h);
	assert_int_equal(o.which, 1);
	assert_int_equal(o.amplitude, 1000);
	assert_int_equal(o.period, 20);
	assert_int_equal(o.count, 3);
	h = (struct pf_hid_output){.kind = PF_HID_RAW, .raw = {.report = 1, .len = 64}};
	memset(h.raw.data, 0x77, 64);
	o = hid(h);
	assert_int_equal(o.which, 1);
	assert_int_equal(o.len, 64);
	assert_int_equal(o.data[63], 0x77);
	h = (struct pf_hid_output){.kind = PF_HID_AUDIO_CONTROL, .audio_control = {5, {1, 2}}};
	o = hid(h);
	assert_int_equal(o.which, 5);
	assert_int_equal(o.len, 6);
	o = hid((struct pf_hid_output){.kind = PF_HID_MIC_LED, .mic_led = 2});
	assert_int_equal(o.data[0], 2);
}

static void the_newest_state_is_given(void **state)
{
	(void)state;
	uint8_t buf[64];
	struct pf_hdr_meta h = {.green = {1, 2},
		.blue = {3, 4},
		.red = {5, 6},
		.white = {7, 8},
		.max_luminance = 10000000,
		.min_luminance = 50,
		.max_cll = 1000,
		.max_fall = 400};
	for (uint32_t i = 0; i < 3; i++) {
		h.min_luminance = i;
		pf_hdr_meta_write(buf, &h);
		throw(buf, PF_HDR_META_LEN);
		pf_cursor_state_write(
			buf, &(struct pf_cursor_state){9, true, false, -5, (int32_t)i});
		throw(buf, PF_CURSOR_STATE_LEN);
		pf_host_timing_write(buf, &(struct pf_host_timing){1000 + i, 9, 1, 2, 3});
		throw(buf, PF_HOST_TIMING_LEN);
	}
	struct punktfunk_host_timing t = {.size = sizeof(t)};
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(
			punktfunk_connection_next_host_timing(conn, &t, WAIT_MS), PUNKTFUNK_OK);
		assert_int_equal(t.pts_ns, 1000 + i);
		assert_int_equal(t.encode_us, 2);
		assert_int_equal(t.pace_us, 3);
	}
	struct punktfunk_hdr_meta m = {.size = sizeof(m)};
	assert_int_equal(punktfunk_connection_next_hdr_meta(conn, &m, WAIT_MS), PUNKTFUNK_OK);
	assert_int_equal(m.min_luminance, 2);
	assert_int_equal(m.red[1], 6);
	assert_int_equal(m.max_fall, 400);
	struct punktfunk_cursor_state c = {.size = sizeof(c)};
	assert_int_equal(punktfunk_connection_next_cursor_state(conn, &c, WAIT_MS), PUNKTFUNK_OK);
	assert_int_equal(c.serial, 9);
	assert_int_equal(c.visible, 1);
	assert_int_equal(c.x, -5);
	assert_int_equal(c.y, 2);
	assert_int_equal(punktfunk_connection_next_cursor_state(conn, &c, 0), PUNKTFUNK_E_NO_FRAME);
}

static void shapes_come_whole(void **state)
{
	(void)state;
	static uint8_t rgba[120 * 120 * 4];
	for (uint32_t i = 1; i <= 6; i++) {
		memset(rgba, (int)i, sizeof(rgba));
		say((struct pf_msg){.type = PF_MSG_CURSOR_SHAPE,
			.cursor_shape = {i, 120, 120, 3, 4, {rgba, sizeof(rgba)}}});
	}
	say((struct pf_msg){.type = PF_MSG_PIPELINE_GAP, .gap_ms = 1}); /* the last one is there */
	struct punktfunk_event e = {.size = sizeof(e)};
	assert_int_equal(punktfunk_connection_next_event(conn, &e, WAIT_MS), PUNKTFUNK_OK);
	struct punktfunk_cursor_shape s = {.size = sizeof(s)};
	for (uint32_t i = 3; i <= 6; i++) {
		assert_int_equal(
			punktfunk_connection_next_cursor_shape(conn, &s, WAIT_MS), PUNKTFUNK_OK);
		assert_int_equal(s.serial, i);
		assert_int_equal(s.width, 120);
		assert_int_equal(s.hot_y, 4);
		assert_int_equal(s.rgba[0], i);
		assert_int_equal(s.rgba[sizeof(rgba) - 1], i);
	}
}

static struct punktfunk_event expect_event(uint32_t kind, uint32_t value, uint32_t detail)
{
	struct punktfunk_event e = {.size = sizeof(e)};
	assert_int_equal(punktfunk_connection_next_event(conn, &e, WAIT_MS), PUNKTFUNK_OK);
	assert_int_equal(e.kind, kind);
	assert_int_equal(e.value, value);
	assert_int_equal(e.detail, detail);
	return e;
}

static void events_and_getters_agree(void **state)
{
	(void)state;
	assert_int_equal(punktfunk_connection_grants(conn), UINT32_MAX);
	uint32_t left = punktfunk_connection_access_expires_in(conn);
	assert_true(left > 3590 && left <= 3600);
	say((struct pf_msg){.type = PF_MSG_ACCESS_UPDATE, .access = {PF_GRANT_POINTER, 60}});
	expect_event(PUNKTFUNK_EVENT_ACCESS, PF_GRANT_POINTER, 60);
	assert_int_equal(punktfunk_connection_grants(conn), PUNKTFUNK_GRANT_POINTER);
	left = punktfunk_connection_access_expires_in(conn);
	assert_true(left > 50 && left <= 60);
	say((struct pf_msg){.type = PF_MSG_ACCESS_UPDATE, .access = {PF_GRANT_ALL, 0}});
	expect_event(PUNKTFUNK_EVENT_ACCESS, PF_GRANT_ALL, UINT32_MAX);
	assert_int_equal(punktfunk_connection_access_expires_in(conn), UINT32_MAX);
	say((struct pf_msg){.type = PF_MSG_BITRATE_CHANGED,
		.bitrate_changed = {4000, PF_BITRATE_GOVERNOR, true}});
	expect_event(PUNKTFUNK_EVENT_BITRATE, 4000, PUNKTFUNK_BITRATE_GOVERNOR);
	assert_int_equal(punktfunk_connection_bitrate(conn), 4000);
	say((struct pf_msg){.type = PF_MSG_BITRATE_CHANGED, .bitrate_changed = {5000, 0, false}});
	expect_event(PUNKTFUNK_EVENT_BITRATE, 5000, PUNKTFUNK_BITRATE_NOT_TOLD);
	say((struct pf_msg){.type = PF_MSG_RECONFIGURED, .reconfigured = {true, {640, 480, 30}}});
	struct punktfunk_event e = expect_event(PUNKTFUNK_EVENT_MODE, 1, 640u << 16 | 480);
	assert_int_equal(e.more, 30);
	say((struct pf_msg){.type = PF_MSG_PIPELINE_GAP, .gap_ms = 250});
	expect_event(PUNKTFUNK_EVENT_PIPELINE_GAP, 250, 0);
	say((struct pf_msg){.type = PF_MSG_AUDIO_STATE, .audio_muted = true});
	expect_event(PUNKTFUNK_EVENT_AUDIO_STATE, 1, 0);
	say((struct pf_msg){.type = PF_MSG_PAD_SLOTS, .pad_slots = 0x8001});
	expect_event(PUNKTFUNK_EVENT_PAD_SLOTS, 0x8001, 0);
	say((struct pf_msg){.type = PF_MSG_HOST_FACTS, .host_facts = {2, 1000, 512, 0xFF}});
	e = expect_event(PUNKTFUNK_EVENT_HOST_FACTS, 1000, 2);
	assert_int_equal(e.more, 512);
	say((struct pf_msg){.type = PF_MSG_DELIVERY_CHANGED, .delivery_changed = {2, true}});
	expect_event(PUNKTFUNK_EVENT_DELIVERY, PUNKTFUNK_DELIVERY_SMOOTH, 1);
	static const char text[] = "no \x1b[2Jgame";
	say((struct pf_msg){.type = PF_MSG_LAUNCH_OUTCOME,
		.launch = {PF_LAUNCH_FAILED, {(const uint8_t *)text, strlen(text)}}});
	e = expect_event(PUNKTFUNK_EVENT_LAUNCH, PUNKTFUNK_LAUNCH_FAILED, 0);
	assert_string_equal(e.text, "no ?[2Jgame"); /* a host cannot write on a terminal */
}

static void a_refusal_comes_with_words(void **state)
{
	(void)state;
	static const char why[] = "come back\ntomorrow";
	assert_int_equal(punktfunk_connection_end_reject(conn), PUNKTFUNK_OK);
	assert_string_equal(punktfunk_connection_end_reject_said(conn), "");
	say((struct pf_msg){.type = PF_MSG_REFUSED,
		.refused = {PF_CLOSE_ACCESS_EXPIRED, {(const uint8_t *)why, strlen(why)}}});
	struct punktfunk_frame f = {.size = sizeof(f)};
	assert_int_equal(punktfunk_connection_next_au(conn, &f, WAIT_MS), PUNKTFUNK_E_CLOSED);
	assert_int_equal(punktfunk_connection_end_reject(conn), PUNKTFUNK_E_ACCESS_EXPIRED);
	assert_string_equal(punktfunk_connection_end_reject_said(conn), "come back?tomorrow");
	assert_non_null(strstr(punktfunk_connection_end_message(conn), "come back?tomorrow"));
	struct punktfunk_event e = {.size = sizeof(e)};
	assert_int_equal(punktfunk_connection_next_event(conn, &e, 0), PUNKTFUNK_E_CLOSED);
}

/* --- client to host --- */

static void every_kind_of_input_arrives(void **state)
{
	(void)state;
	for (uint8_t kind = 0; kind <= PUNKTFUNK_INPUT_SMOOTH_SCROLL; kind++) {
		struct punktfunk_input_event e = {
			.kind = kind, .code = 65, .x = -1, .y = 2, .flags = 3};
		struct pf_input in;
		assert_int_equal(punktfunk_connection_send_input(conn, &e), PUNKTFUNK_OK);
		if (kind <= PUNKTFUNK_INPUT_KEY_UP) {
			struct pf_msg m;
			hear(PF_MSG_INPUT_EDGE, &m);
			in = m.input_edge;
		} else {
			struct shipped_item i = catch (PF_DGRAM_INPUT);
			assert_int_equal(pf_input_read(&in, i.data, i.len), PF_OK);
		}
		assert_int_equal(in.kind, kind);
		assert_int_equal(in.code, 65);
		assert_int_equal(in.x, -1);
		assert_int_equal(in.y, 2);
		/* The first snapshot of pad 3 has number 0, its removal number 1. */
		assert_int_equal(in.flags, kind == PUNKTFUNK_INPUT_PAD_REMOVED ? 1u << 24 | 3 : 3);
	}
	static const struct punktfunk_input_event bad[] = {
		{.kind = PUNKTFUNK_INPUT_SMOOTH_SCROLL + 1},
		{.kind = PUNKTFUNK_INPUT_TEXT, .code = 0xD800},
		{.kind = PUNKTFUNK_INPUT_TEXT, .code = 0x110000},
		{.kind = PUNKTFUNK_INPUT_TEXT},
		{.kind = PUNKTFUNK_INPUT_PAD_SNAPSHOT, .flags = 16},
		{.kind = PUNKTFUNK_INPUT_PAD_AXIS, .flags = 255},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(
			punktfunk_connection_send_input(conn, &bad[i]), PUNKTFUNK_E_INVALID);
}

static void the_microphone_arrives(void **state)
{
	(void)state;
	static uint8_t much[2000];
	struct pf_audio a;
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(
			punktfunk_connection_send_mic(conn, 77 + i, (const uint8_t *)"voice", 5),
			PUNKTFUNK_OK);
		struct shipped_item got = catch (PF_DGRAM_MIC);
		assert_int_equal(pf_audio_read(&a, got.data, got.len), PF_OK);
		assert_int_equal(a.seq, i);
		assert_int_equal(a.pts_ns, 77 + i);
		assert_int_equal(a.len, 5);
		assert_memory_equal(a.data, "voice", 5);
	}
	assert_int_equal(
		punktfunk_connection_send_mic(conn, 0, much, sizeof(much)), PUNKTFUNK_E_INVALID);
	assert_int_equal(punktfunk_connection_send_mic(conn, 0, much, 0), PUNKTFUNK_E_INVALID);
	assert_int_equal(punktfunk_connection_send_mic(conn, 0, NULL, 1), PUNKTFUNK_E_NULL);
}

static struct pf_rich rich(struct punktfunk_rich_input in)
{
	struct pf_rich r;
	in.size = sizeof(in);
	assert_int_equal(punktfunk_connection_send_rich_input(conn, &in), PUNKTFUNK_OK);
	struct shipped_item i = catch (PF_DGRAM_RICH_INPUT);
	assert_int_equal(pf_rich_read(&r, i.data, i.len), PF_OK);
	assert_int_equal(r.kind, in.kind);
	assert_int_equal(r.pad, in.pad);
	return r;
}

static void rich_input_arrives(void **state)
{
	(void)state;
	struct pf_rich r = rich((struct punktfunk_rich_input){.kind = PUNKTFUNK_RICH_TOUCHPAD,
		.pad = 2,
		.finger = 1,
		.state = 1,
		.x = 65535,
		.y = 7});
	assert_true(r.touchpad.active);
	assert_int_equal(r.touchpad.finger, 1);
	assert_int_equal(r.touchpad.x, 65535);
	r = rich((struct punktfunk_rich_input){
		.kind = PUNKTFUNK_RICH_MOTION, .gyro = {1, -2, 3}, .accel = {-10000, 0, 5}});
	assert_int_equal(r.motion.gyro[1], -2);
	assert_int_equal(r.motion.accel[0], -10000);
	r = rich((struct punktfunk_rich_input){.kind = PUNKTFUNK_RICH_TOUCHPAD_EX,
		.surface = 1,
		.state = 3,
		.x = -32768,
		.y = 32767,
		.pressure = 500});
	assert_int_equal(r.touchpad_ex.x, -32768);
	assert_int_equal(r.touchpad_ex.pressure, 500);
	r = rich((struct punktfunk_rich_input){
		.kind = PUNKTFUNK_RICH_RAW, .len = 64, .data = {1, 2}});
	assert_int_equal(r.raw.len, 64);
	assert_int_equal(r.raw.data[1], 2);

	struct punktfunk_rich_input bad = {.size = sizeof(bad), .kind = 9};
	assert_int_equal(punktfunk_connection_send_rich_input(conn, &bad), PUNKTFUNK_E_INVALID);
	bad.kind = PUNKTFUNK_RICH_RAW;
	bad.len = 65;
	assert_int_equal(punktfunk_connection_send_rich_input(conn, &bad), PUNKTFUNK_E_INVALID);
	bad = (struct punktfunk_rich_input){
		.size = sizeof(bad), .kind = PUNKTFUNK_RICH_MOTION, .pad = 16};
	assert_int_equal(punktfunk_connection_send_rich_input(conn, &bad), PUNKTFUNK_E_INVALID);
}

static void the_pen_arrives(void **state)
{
	(void)state;
	struct punktfunk_pen_sample s[9] = {{.x = 0.25f, .y = 1, .pressure = 9, .tilt = 4}};
	struct pf_rich r;
	for (uint16_t seq = 0; seq < 2; seq++) {
		assert_int_equal(punktfunk_connection_send_pen(conn, s, 8), PUNKTFUNK_OK);
		struct shipped_item i = catch (PF_DGRAM_RICH_INPUT);
		assert_int_equal(pf_rich_read(&r, i.data, i.len), PF_OK);
		assert_int_equal(r.kind, PF_RICH_PEN);
		assert_int_equal(r.pen.count, 8);
		assert_int_equal(r.pen.seq, seq);
		assert_true(r.pen.samples[0].x == 0.25f);
		assert_int_equal(r.pen.samples[0].tilt, 4);
	}
	assert_int_equal(punktfunk_connection_send_pen(conn, s, 9), PUNKTFUNK_E_INVALID);
	assert_int_equal(punktfunk_connection_send_pen(conn, s, 0), PUNKTFUNK_E_INVALID);
	s[1].y = 0.0f / 0.0f;
	assert_int_equal(punktfunk_connection_send_pen(conn, s, 2), PUNKTFUNK_E_INVALID);
}

static void wishes_arrive(void **state)
{
	(void)state;
	struct pf_msg m;
	assert_int_equal(punktfunk_connection_set_cursor_render(conn, 5), PUNKTFUNK_OK);
	hear(PF_MSG_CURSOR_RENDER, &m);
	assert_true(m.client_draws_cursor);
	assert_int_equal(
		punktfunk_connection_set_delivery(conn, PUNKTFUNK_DELIVERY_CAPPED), PUNKTFUNK_OK);
	hear(PF_MSG_SET_DELIVERY, &m);
	assert_int_equal(m.set_delivery, PF_DELIVERY_CAPPED);
	assert_int_equal(punktfunk_connection_set_delivery(conn, 3), PUNKTFUNK_E_INVALID);
}

/* --- the data plane's own --- */

struct filler {
	uint32_t n;
};

static void do_filler(struct shipped *s, void *arg)
{
	const struct filler *f = arg;
	for (uint32_t i = 0; i < f->n; i++)
		shipped_frame(s, 1000 + i, 1408, PF_USER_PROBE);
}

static void a_speed_test_counts_both_sides(void **state)
{
	(void)state;
	struct punktfunk_probe_result r = {.size = sizeof(r)};
	struct pf_msg m;
	struct filler f = {3};
	assert_int_equal(punktfunk_connection_probe_result(conn, &r), PUNKTFUNK_E_NO_FRAME);
	shipped_call(host, do_filler, &f); /* unasked */
	assert_int_equal(punktfunk_connection_speed_test(conn, 100, 10), PUNKTFUNK_E_INVALID);
	assert_int_equal(punktfunk_connection_speed_test(conn, 9000, 10001), PUNKTFUNK_E_INVALID);
	usleep(SOON_MS * 1000);
	assert_int_equal(punktfunk_connection_speed_test(conn, 9000, 100), PUNKTFUNK_OK);
	assert_int_equal(punktfunk_connection_speed_test(conn, 9000, 100), PUNKTFUNK_E_FULL);
	hear(PF_MSG_PROBE_REQUEST, &m);
	assert_int_equal(m.probe_request.kbps, 9000);
	assert_int_equal(m.probe_request.duration_ms, 100);
	shipped_call(host, do_filler, &f);
	usleep(10000);
	shipped_call(host, do_filler, &f);
	/* A frame of 20000 bytes is 15 data and 2 repair packets: 17 of the 120 were lost. */
	say((struct pf_msg){
		.type = PF_MSG_PROBE_RESULT, .probe_result = {150000, 90, 100, 120, 1, true}});
	expect_event(PUNKTFUNK_EVENT_SPEED_TEST, 1, 0);
	assert_int_equal(punktfunk_connection_probe_result(conn, &r), PUNKTFUNK_OK);
	assert_int_equal(r.declined, 0);
	assert_int_equal(r.sent_packets, 120);
	assert_int_equal(r.send_dropped, 1);
	assert_int_equal(r.received_packets, 2 * 3 * 17);
	assert_int_equal(r.received_bytes, 2 * 3 * 17 * (1408 + 40));
	assert_int_equal(r.loss_ppm, (120 - 102) * 1000000ull / 120);
	assert_true(r.received_kbps > 0);
	/* And nothing of it was taken for video. */
	struct punktfunk_stats s = {.size = sizeof(s)};
	assert_int_equal(punktfunk_connection_get_stats(conn, &s), PUNKTFUNK_OK);
	assert_int_equal(s.probe_packets, 3 * 3 * 17);
	assert_int_equal(s.frames_received, 0);
	assert_int_equal(s.frames_lost, 0);

	assert_int_equal(punktfunk_connection_speed_test(conn, 9000, 100), PUNKTFUNK_OK);
	say((struct pf_msg){.type = PF_MSG_PROBE_RESULT});
	expect_event(PUNKTFUNK_EVENT_SPEED_TEST, 0, 0);
	assert_int_equal(punktfunk_connection_probe_result(conn, &r), PUNKTFUNK_OK);
	assert_int_equal(r.declined, 1);
	assert_int_equal(r.sent_packets, 0);
}

struct frame {
	uint32_t index, flags;
	uint16_t shard;
};

static void do_frame(struct shipped *s, void *arg)
{
	const struct frame *f = arg;
	shipped_frame(s, f->index, f->shard, f->flags);
}

static void show(uint32_t index, uint16_t shard)
{
	shipped_call(host, do_frame, &(struct frame){index, index ? 0 : PF_USER_KEYFRAME, shard});
}

static void expect_picture(uint32_t index)
{
	static uint8_t want[20008];
	struct punktfunk_frame f = {.size = sizeof(f)};
	int err = punktfunk_connection_next_au(conn, &f, WAIT_MS);
	if (err)
		fail_msg("frame %u: %s", index, punktfunk_strerror(err));
	shipped_fill(&stage, index, want);
	assert_int_equal(f.frame_index, index);
	assert_int_equal(f.len, stage.frame_len);
	assert_memory_equal(f.data, want, f.len);
	assert_int_equal(f.flags, index ? 0 : PUNKTFUNK_FRAME_KEYFRAME);
}

static void change_to(uint16_t shard)
{
	struct pf_msg m;
	say((struct pf_msg){.type = PF_MSG_SHARD_PAYLOAD_CHANGED, .shard_payload = shard});
	hear(PF_MSG_SHARD_PAYLOAD_ACK, &m);
	assert_int_equal(m.shard_payload, shard);
}

/* Our writer refuses most of them, so the bytes are set here. */
static void say_shard_payload(uint16_t payload)
{
	uint8_t frame[] = {7, 0, 'P', 'K', 'F', 'c', PF_MSG_SHARD_PAYLOAD_CHANGED, 0, 0};
	pf_put_le16(frame + 7, payload);
	shipped_call(host, do_bytes, &(struct bytes){frame, sizeof(frame)});
}

static void packets_change_their_size(void **state)
{
	(void)state;
	assert_int_equal(punktfunk_connection_shard_payload(conn), 1408);
	show(0, 1408);
	show(1, 1408);
	expect_picture(0);
	change_to(1000);
	show(2, 1408); /* agreed, not done yet */
	show(3, 1000);
	show(4, 1000);
	for (uint32_t i = 1; i <= 4; i++)
		expect_picture(i);
	expect_event(PUNKTFUNK_EVENT_SHARD_PAYLOAD, 1000, 0);
	assert_int_equal(punktfunk_connection_shard_payload(conn), 1000);
	show(5, 1000);
	expect_picture(5);
	struct punktfunk_stats s = {.size = sizeof(s)};
	assert_int_equal(punktfunk_connection_get_stats(conn, &s), PUNKTFUNK_OK);
	assert_int_equal(s.frames_received, 6);
	assert_int_equal(s.frames_lost, 0);
	/* Back again, while the reader still holds a frame of before. */
	sleep(1);
	change_to(1408);
	show(6, 1408);
	expect_picture(6);
	/* Sizes that nobody allowed are not answered. */
	static const uint16_t bad[] = {1410, 9000};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		say_shard_payload(bad[i]);
	change_to(1408); /* the next answer is to this one */
	show(7, 1408);
	expect_picture(7);
}

/* A frame that never came at the border is missed like any other. */
static void a_gap_at_the_border_is_a_gap(void **state)
{
	(void)state;
	struct punktfunk_frame f = {.size = sizeof(f)};
	show(0, 1408);
	expect_picture(0);
	change_to(1000);
	show(2, 1000);
	assert_int_equal(punktfunk_connection_next_au(conn, &f, 200), PUNKTFUNK_E_NO_FRAME);
	struct pf_msg m;
	hear(PF_MSG_REQUEST_KEYFRAME, &m);
	shipped_call(host, do_frame, &(struct frame){3, PF_USER_RECOVERY_ANCHOR, 1000});
	assert_int_equal(punktfunk_connection_next_au(conn, &f, WAIT_MS), PUNKTFUNK_OK);
	assert_int_equal(f.frame_index, 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(sound_is_in_order_and_gaps_are_filled),
		TEST(silence_is_a_packet),
		TEST(each_sound_has_its_plane),
		TEST(a_slow_listener_hears_the_newest),
		TEST(rumble_is_state_that_ends),
		TEST(a_pad_is_told_what_to_do),
		TEST(the_newest_state_is_given),
		TEST(shapes_come_whole),
		TEST(events_and_getters_agree),
		TEST(a_refusal_comes_with_words),
		TEST(every_kind_of_input_arrives),
		TEST(the_microphone_arrives),
		TEST(rich_input_arrives),
		TEST(the_pen_arrives),
		TEST(wishes_arrive),
		TEST(a_speed_test_counts_both_sides),
		TEST(packets_change_their_size),
		TEST(a_gap_at_the_border_is_a_gap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
