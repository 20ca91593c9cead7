/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/rtsp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/gamestream/apps.h"
#include "tests/moonlight/rtsp_client.h"
#include "tests/test.h"

enum { WAIT_MS = 5000 };

/* Stands in for the streams: notes what it is told. */
struct recorder {
	unsigned setups, announces, plays;
	uint64_t launch; /* of the last call */
	struct stream_tokens tokens;
	struct pf_nv_stream_config config;
	int err;	 /* what the next calls return */
	const char *why; /* with it */
	bool ends;	 /* the launch ends in play() */
};

static struct loop *loop;
static struct launches *launches;
static struct apps *apps;
static struct gs_rtsp *rtsp;
static struct recorder rec;
static uint8_t next_device;

static int on_setup(struct gs_launch *l, const struct stream_tokens *tokens,
	struct stream_ports *ports, void *userdata)
{
	struct recorder *r = userdata;
	r->setups++;
	r->launch = l->id;
	r->tokens = *tokens;
	*ports = (struct stream_ports){.audio = 48000, .video = 47998, .control = 47999};
	return r->err;
}

static int on_announce(struct gs_launch *l, const struct pf_nv_stream_config *config,
	const char **why, void *userdata)
{
	struct recorder *r = userdata;
	r->announces++;
	r->launch = l->id;
	r->config = *config;
	if (r->why)
		*why = r->why;
	return r->err;
}

static int on_play(struct gs_launch *l, const char **why, void *userdata)
{
	struct recorder *r = userdata;
	r->plays++;
	r->launch = l->id;
	if (r->ends) {
		launch_end(launches, l, "the test ends it");
		return PF_E_CLOSED;
	}
	if (r->why)
		*why = r->why;
	if (r->err >= 0)
		launch_running(launches, l);
	return r->err;
}

static int on_prepare(struct gs_launch *l, char *why, size_t why_len, void *userdata)
{
	(void)l, (void)why, (void)why_len, (void)userdata;
	return PF_OK;
}

static void on_teardown(struct gs_launch *l, const char *why, void *userdata)
{
	(void)l, (void)why, (void)userdata;
}

static void start(enum gs_encryption encryption)
{
	static const struct launch_hooks hooks = {.prepare = on_prepare, .teardown = on_teardown};
	const struct stream_hooks streams = {
		.setup = on_setup, .announce = on_announce, .play = on_play, .userdata = &rec};
	char dir[64];
	rec = (struct recorder){0};
	assert_int_equal(test_folder(dir, sizeof(dir), "rtsp"), 0);
	assert_int_equal(loop_create(&loop), PF_OK);
	assert_int_equal(apps_create(&apps, dir), PF_OK);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(launches_create(&launches, loop, &hooks, LAUNCH_MAX, NULL), PF_OK);
	const struct gs_rtsp_params params = {.loop = loop,
		.launches = launches,
		.bind = "127.0.0.1",
		.encryption = encryption,
		.can = {.hevc = true, .invalidation = true, .max_channels = 8, .features = 3},
		.hooks = &streams};
	assert_int_equal(gs_rtsp_create(&rtsp, &params), PF_OK);
}

static void stop(void)
{
	gs_rtsp_destroy(rtsp);
	launches_destroy(launches);
	apps_destroy(apps);
	loop_destroy(loop);
}

static void pump(void *userdata)
{
	(void)userdata;
	assert_true(sd_event_run(loop_sd_event(loop), 10000) >= 0);
}

static void on_launched(struct gs_launch *l, int err, const char *why, void *userdata)
{
	(void)why;
	assert_int_equal(err, PF_OK);
	*(struct gs_launch **)userdata = l;
}

/* Another device, and the client that comes for it. from: its address as the host saw it over HTTPS. */
static struct gs_launch *launch_from(struct moon_rtsp *c, bool sealed, const char *from)
{
	uint8_t fp[LAUNCH_FP_LEN] = {++next_device};
	struct launch_request request = {.mode = {1280, 720, 60},
		.channels = 2,
		.corever = 1,
		.peer.in4 = {.sin_family = AF_INET}};
	struct gs_launch *l = NULL;
	char why[256];
	assert_int_equal(inet_pton(AF_INET, from, &request.peer.in4.sin_addr), 1);
	memset(request.rikey, next_device, sizeof(request.rikey));
	assert_int_equal(launch_start(launches, fp, "a device", apps_at(apps, 0), &request,
				 on_launched, &l, why, sizeof(why)),
		PF_OK);
	assert_non_null(l);
	l->encrypted_rtsp = sealed;
	*c = (struct moon_rtsp){.sealed = sealed, .timeout_ms = WAIT_MS, .pump = pump};
	memcpy(c->key, request.rikey, sizeof(c->key));
	c->host.in4 = (struct sockaddr_in){.sin_family = AF_INET,
		.sin_port = htons(gs_rtsp_port(rtsp)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	return l;
}

static struct gs_launch *launch(struct moon_rtsp *c, bool sealed)
{
	return launch_from(c, sealed, "127.0.0.1");
}

static int ask(struct moon_rtsp *c, const char *method, const char *target, const char *body)
{
	struct moon_response r;
	(void)moon_rtsp_ask(c, method, target, NULL, body, &r);
	return r.status;
}

static struct gs_rtsp_stats stats(void)
{
	struct gs_rtsp_stats s;
	gs_rtsp_get_stats(rtsp, &s);
	return s;
}

static void shake_hands(bool sealed)
{
	struct moon_rtsp c;
	struct moon_streams s;
	struct gs_launch *l = launch(&c, sealed);
	assert_true(moon_rtsp_handshake(&c, &moon_default_wish, &s));
	assert_int_equal(s.audio_port, 48000);
	assert_int_equal(s.video_port, 47998);
	assert_int_equal(s.control_port, 47999);
	assert_int_equal(strlen(s.audio_ping), 16);
	assert_string_equal(s.audio_ping, rec.tokens.audio_ping);
	assert_string_equal(s.video_ping, rec.tokens.video_ping);
	assert_string_not_equal(s.audio_ping, s.video_ping);
	assert_int_equal(s.connect_data, rec.tokens.connect_data);
	assert_int_not_equal(s.connect_data, 0);
	assert_true(s.hevc && s.invalidation && !s.av1);
	assert_int_equal(s.host_features, 3);
	assert_int_equal(s.encryption, PF_NV_ENCRYPT_CONTROL);
	assert_int_equal(rec.setups, 1);
	assert_int_equal(rec.announces, 1);
	assert_int_equal(rec.plays, 1);
	assert_int_equal(rec.launch, l->id);
	assert_int_equal(l->state, LAUNCH_RUNNING);
	assert_int_equal(rec.config.width, 1280);
	assert_int_equal(rec.config.packet_size, 1392);
	assert_int_equal(rec.config.bitrate_kbps, 8000);
	assert_int_equal(rec.config.configured_kbps, 10000);
	assert_true(rec.config.high_quality); /* it names the host */
	assert_int_equal(stats().requests, 7);
	assert_int_equal(stats().refused, 0);
	/* What plays is no pending launch any more. */
	assert_int_equal(ask(&c, "OPTIONS", "/", NULL), sealed ? 0 : 454);
}

static void test_handshake_in_clear(void **state)
{
	(void)state;
	start(GS_ENCRYPTION_OFFERED);
	shake_hands(false);
	stop();
}

static void test_handshake_sealed(void **state)
{
	(void)state;
	start(GS_ENCRYPTION_OFFERED);
	shake_hands(true);
	stop();
}

static void test_layouts(void **state)
{
	(void)state;
	struct moon_rtsp c;
	struct moon_streams s;
	struct moon_wish wish = moon_default_wish;
	start(GS_ENCRYPTION_OFFERED);
	for (unsigned i = 0; i < 4; i++) {
		static const unsigned streams[] = {4, 6, 5, 8}, coupled[] = {2, 0, 3, 0};
		wish.channels = i < 2 ? 6 : 8;
		wish.high_quality = i & 1;
		(void)launch(&c, true);
		assert_true(moon_rtsp_handshake(&c, &wish, &s));
		assert_int_equal(s.streams, streams[i]);
		assert_int_equal(s.coupled, coupled[i]);
		for (uint8_t ch = 0; ch < wish.channels; ch++)
			assert_int_equal(s.mapping[ch], ch);
		assert_int_equal(rec.config.channels, wish.channels);
		assert_int_equal(rec.config.high_quality, i & 1);
	}
	wish = moon_default_wish;
	(void)launch(&c, true);
	c.host_header = "0.0.0.0";
	assert_true(moon_rtsp_handshake(&c, &wish, &s));
	assert_false(rec.config.high_quality);
	stop();
}

/* Several at once, from one address: each comes to its own launch, whatever the order. */
static void test_keys_tell_launches_apart(void **state)
{
	(void)state;
	struct moon_rtsp c[5];
	struct moon_streams s;
	struct gs_launch *l[5];
	start(GS_ENCRYPTION_OFFERED);
	for (size_t i = 0; i < 5; i++)
		l[i] = launch_from(&c[i], true, "192.0.2.9"); /* the address says nothing */
	for (size_t i = 0; i < 5; i++) {
		const size_t k = (i * 2) % 5;
		assert_true(moon_rtsp_handshake(&c[k], &moon_default_wish, &s));
		assert_int_equal(rec.launch, l[k]->id);
	}
	stop();
}

static void test_addresses_tell_launches_apart(void **state)
{
	(void)state;
	struct moon_rtsp c, other;
	struct moon_streams s;
	start(GS_ENCRYPTION_OFFERED);
	struct gs_launch *l = launch(&c, false);
	(void)launch_from(&other, false, "192.0.2.9"); /* it comes from here as well */
	assert_true(moon_rtsp_handshake(&c, &moon_default_wish, &s));
	assert_int_equal(rec.launch, l->id);
	/* The other's launch is not for this address. */
	assert_int_equal(ask(&other, "OPTIONS", "/", NULL), 404);
	assert_int_equal(ask(&other, "SETUP", "streamid=audio/0/0", NULL), 404);
	stop();
}

static void test_two_of_one_address_in_clear(void **state)
{
	(void)state;
	struct moon_rtsp a, b;
	struct moon_streams s;
	struct moon_response r;
	start(GS_ENCRYPTION_OFFERED);
	struct gs_launch *first = launch(&a, false);
	assert_int_equal(ask(&a, "OPTIONS", "/", NULL), 200);
	/* As long as it is sure whose turn it is, all is well. */
	assert_true(moon_rtsp_ask(&a, "SETUP", "streamid=audio/0/0", NULL, NULL, &r));
	assert_true(moon_response_header(&r, "Session", a.session, sizeof(a.session)));
	a.session[strcspn(a.session, ";")] = '\0';
	struct gs_launch *second = launch(&b, false);
	assert_true(moon_rtsp_handshake(&b, &moon_default_wish, &s));
	assert_int_equal(rec.launch, second->id);
	assert_int_equal(ask(&a, "SETUP", "streamid=video/0/0", NULL), 200);
	assert_int_equal(ask(&a, "SETUP", "streamid=control/13/0", NULL), 200);
	char body[4096];
	s = (struct moon_streams){.encryption = PF_NV_ENCRYPT_CONTROL};
	moon_rtsp_announce_body(body, sizeof(body), &moon_default_wish, &s);
	assert_int_equal(ask(&a, "ANNOUNCE", "streamid=control/13/0", body), 200);
	assert_int_equal(rec.launch, first->id);
	/* Two who have not begun: nobody sees the other's desktop. */
	(void)launch(&a, false);
	(void)launch(&b, false);
	assert_int_equal(ask(&a, "DESCRIBE", "/", NULL), 200);
	assert_int_equal(ask(&a, "SETUP", "streamid=audio/0/0", NULL), 503);
	stop();
}

static void test_order(void **state)
{
	(void)state;
	struct moon_rtsp c;
	struct moon_response r;
	struct moon_streams s = {.encryption = PF_NV_ENCRYPT_CONTROL};
	char body[4096], session[64];
	start(GS_ENCRYPTION_OFFERED);
	(void)launch(&c, true);
	moon_rtsp_announce_body(body, sizeof(body), &moon_default_wish, &s);
	/* Nothing before there is a session. */
	assert_int_equal(ask(&c, "PLAY", "/", NULL), 454);
	assert_int_equal(ask(&c, "ANNOUNCE", "streamid=control/13/0", body), 454);
	assert_int_equal(ask(&c, "SETUP", "streamid=mic/0/0", NULL), 404);
	assert_int_equal(ask(&c, "TEARDOWN", "/", NULL), 501);
	strcpy(c.session, "aaaaaaaaaaaaaaaa");
	assert_int_equal(ask(&c, "SETUP", "streamid=audio/0/0", NULL), 454);
	c.session[0] = '\0';
	assert_true(moon_rtsp_ask(&c, "SETUP", "streamid=video", NULL, NULL, &r));
	assert_true(moon_response_header(&r, "Session", session, sizeof(session)));
	assert_string_equal(session + 16, ";timeout = 90");
	session[16] = '\0';
	/* Almost the same. */
	strcpy(c.session, session);
	c.session[15] ^= 1;
	assert_int_equal(ask(&c, "SETUP", "streamid=audio/0/0", NULL), 454);
	strcpy(c.session, session);
	c.session[15] = '\0';
	assert_int_equal(ask(&c, "SETUP", "streamid=audio/0/0", NULL), 454);
	snprintf(c.session, sizeof(c.session), "%.16sx", session);
	assert_int_equal(ask(&c, "SETUP", "streamid=audio/0/0", NULL), 454);
	strcpy(c.session, session);
	assert_int_equal(ask(&c, "SETUP", "streamid=audio/0/0", NULL), 200);
	assert_int_equal(ask(&c, "ANNOUNCE", "streamid=control/13/0", body), 455);
	assert_int_equal(ask(&c, "PLAY", "/", NULL), 455);
	assert_int_equal(ask(&c, "SETUP", "streamid=control/13/0", NULL), 200);
	assert_int_equal(ask(&c, "ANNOUNCE", "streamid=control/13/0", "v=0\r\n"), 400);
	assert_int_equal(rec.announces, 0);
	assert_int_equal(ask(&c, "ANNOUNCE", "streamid=video", body), 200);
	assert_int_equal(ask(&c, "ANNOUNCE", "streamid=video", body), 455);
	/* A client that begins again: what it had set up is void. */
	const struct stream_tokens before = rec.tokens;
	c.session[0] = '\0';
	assert_true(moon_rtsp_handshake(&c, &moon_default_wish, &s));
	assert_int_equal(rec.setups, 2);
	assert_string_not_equal(before.audio_ping, rec.tokens.audio_ping);
	assert_string_not_equal(c.session, session);
	stop();
}

static void test_hooks_refuse(void **state)
{
	(void)state;
	struct moon_rtsp c;
	struct moon_streams s;
	start(GS_ENCRYPTION_OFFERED);
	(void)launch(&c, true);
	rec.err = PF_E_IO;
	assert_false(moon_rtsp_handshake(&c, &moon_default_wish, &s));
	assert_string_equal(s.step, "SETUP");
	assert_int_equal(s.status, 503);
	rec.err = PF_OK;
	assert_true(moon_rtsp_handshake(&c, &moon_default_wish, &s));
	/* In clear, the same with a launch that ends while it is asked. */
	struct gs_launch *l = launch(&c, true);
	const uint64_t id = l->id;
	rec.ends = true;
	assert_false(moon_rtsp_handshake(&c, &moon_default_wish, &s));
	assert_string_equal(s.step, "PLAY");
	assert_int_equal(s.status, 503);
	assert_null(launch_by_id(launches, id));
	stop();
}

static void test_announce_refused_by_stream(void **state)
{
	(void)state;
	struct moon_rtsp c;
	struct moon_streams s;
	struct moon_wish wish = moon_default_wish;
	start(GS_ENCRYPTION_OFFERED);
	(void)launch(&c, true);
	wish.codec = 2; /* not described */
	assert_false(moon_rtsp_handshake(&c, &wish, &s));
	assert_string_equal(s.step, "ANNOUNCE");
	assert_int_equal(s.status, 400);
	assert_int_equal(rec.announces, 0);
	wish.codec = 1;
	c.session[0] = '\0';
	assert_true(moon_rtsp_handshake(&c, &wish, &s));
	assert_int_equal(rec.config.codec, PF_NV_HEVC);
	stop();
}

static void test_policies(void **state)
{
	(void)state;
	struct moon_rtsp c;
	struct moon_streams s;
	struct moon_wish wish = moon_default_wish;
	wish.encrypt_video = true;
	/* As the client asks. */
	start(gs_encryption_of("offered"));
	(void)launch(&c, true);
	assert_true(moon_rtsp_handshake(&c, &wish, &s));
	assert_int_equal(s.encryption, PF_NV_ENCRYPT_CONTROL | PF_NV_ENCRYPT_VIDEO);
	assert_int_equal(rec.config.encryption, s.encryption);
	assert_int_equal(rec.config.packet_size, 1392 - 32);
	stop();
	/* All, whatever the client's person says. */
	start(gs_encryption_of("required"));
	(void)launch(&c, true);
	assert_true(moon_rtsp_handshake(&c, &moon_default_wish, &s));
	assert_int_equal(s.encryption, PF_NV_ENCRYPT_ALL);
	assert_int_equal(rec.config.encryption, PF_NV_ENCRYPT_ALL);
	/* Not in clear. */
	(void)launch(&c, false);
	assert_int_equal(ask(&c, "OPTIONS", "/", NULL), 403);
	stop();
	/* None; but control always. */
	start(gs_encryption_of("off"));
	(void)launch(&c, false);
	assert_true(moon_rtsp_handshake(&c, &wish, &s));
	assert_int_equal(s.encryption, PF_NV_ENCRYPT_CONTROL);
	stop();
	assert_int_equal(gs_encryption_of("anything"), GS_ENCRYPTION_REQUIRED);
}

/* What a client announces is not taken for what it was told. */
static int announce_with(enum gs_encryption policy, const char *encryption, const char *features)
{
	struct moon_rtsp c;
	struct moon_response r;
	struct moon_streams s = {0};
	char body[4096], more[256];
	start(policy);
	(void)launch(&c, true);
	assert_true(moon_rtsp_ask(&c, "SETUP", "streamid=audio/0/0", NULL, NULL, &r));
	assert_true(moon_response_header(&r, "Session", c.session, sizeof(c.session)));
	c.session[16] = '\0';
	assert_int_equal(ask(&c, "SETUP", "streamid=video/0/0", NULL), 200);
	assert_int_equal(ask(&c, "SETUP", "streamid=control/13/0", NULL), 200);
	moon_rtsp_announce_body(body, sizeof(body) - sizeof(more), &moon_default_wish, &s);
	snprintf(more, sizeof(more),
		"a=x-ss-general.encryptionEnabled:%s\r\na=x-nv-general.featureFlags:%s\r\n",
		encryption, features);
	strcat(body, more);
	int status = ask(&c, "ANNOUNCE", "streamid=control/13/0", body);
	assert_int_equal(rec.announces, status == 200);
	const uint32_t got = rec.config.encryption;
	stop();
	return status == 200 ? (int)got : -status;
}

static void test_announced_encryption(void **state)
{
	(void)state;
	assert_int_equal(announce_with(GS_ENCRYPTION_REQUIRED, "7", "167"), 7);
	assert_int_equal(announce_with(GS_ENCRYPTION_REQUIRED, "5", "167"), -403);
	assert_int_equal(announce_with(GS_ENCRYPTION_REQUIRED, "3", "135"), -403);
	assert_int_equal(announce_with(GS_ENCRYPTION_OFFERED, "0", "135"), -403); /* too old */
	assert_int_equal(announce_with(GS_ENCRYPTION_OFFERED, "6", "167"), -403);
	assert_int_equal(announce_with(GS_ENCRYPTION_OFFERED, "8", "135"), -400);
	assert_int_equal(announce_with(GS_ENCRYPTION_OFF, "3", "135"), -403);
	assert_int_equal(announce_with(GS_ENCRYPTION_OFF, "1", "135"), 1);
	/* Clients do that with a host that did not offer it. */
	assert_int_equal(announce_with(GS_ENCRYPTION_OFF, "1", "167"), 5);
}

/* --- hostile --- */

static int send_raw(struct moon_rtsp *c, const void *data, size_t len, struct moon_response *r)
{
	int fd = moon_rtsp_connect(c);
	assert_true(fd >= 0);
	for (size_t at = 0; at < len;) {
		ssize_t n = send(
			fd, (const uint8_t *)data + at, len - at, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0)
			at += (size_t)n;
		else if (errno == EAGAIN)
			pump(NULL);
		else
			break; /* hung up on */
	}
	shutdown(fd, SHUT_WR);
	(void)moon_rtsp_read(c, fd, r);
	return r->status;
}

static void test_nonsense(void **state)
{
	(void)state;
	struct moon_rtsp c;
	struct moon_response r;
	struct moon_streams s;
	static char big[200000];
	start(GS_ENCRYPTION_OFFERED);
	(void)launch(&c, false);
	assert_int_equal(send_raw(&c, "", 0, &r), 0);
	assert_int_equal(send_raw(&c, "OPTIONS / RTSP/1.0\r\n", 20, &r), 0);
	assert_int_equal(send_raw(&c, "GET / HTTP/1.1\r\n\r\n", 18, &r), 400);
	assert_int_equal(send_raw(&c, "\0\0\0\0\0\0\0\0", 8, &r), 400);
	assert_int_equal(
		send_raw(&c, "PLAY / RTSP/1.0\r\nContent-length: 99999\r\n\r\n", 43, &r), 413);
	/* All of it may be on its way: the answer arrives nevertheless. */
	memset(big, 'x', sizeof(big));
	assert_int_equal(send_raw(&c, big, sizeof(big), &r), 413);
	/* Sealed, with no key: not a word. */
	memset(big, 0x80, sizeof(big));
	assert_int_equal(send_raw(&c, big, sizeof(big), &r), 0);
	memcpy(big, "\x80\0\0\x10", 4);
	assert_int_equal(send_raw(&c, big, 24 + 16, &r), 0);
	assert_int_equal(send_raw(&c, big, 24 + 17, &r), 0);
	assert_int_equal(send_raw(&c, "\x80\0\0\0", 4, &r), 0);
	assert_true(moon_rtsp_handshake(&c, &moon_default_wish, &s));
	stop();
}

static void test_sealed_is_kept(void **state)
{
	(void)state;
	struct moon_rtsp c, thief;
	struct moon_response r;
	struct moon_streams s;
	uint8_t wire[2048];
	start(GS_ENCRYPTION_OFFERED);
	(void)launch(&c, true);
	const uint64_t bad = stats().bad;
	size_t len = moon_rtsp_make(&c, wire, sizeof(wire), "OPTIONS", "/", NULL, NULL);
	/* Every truncation, every byte changed. */
	for (size_t n = 1; n < len; n++)
		assert_int_equal(send_raw(&c, wire, n, &r), 0);
	for (size_t i = 0; i < len; i++) {
		wire[i] ^= 0x10;
		struct moon_rtsp other = c;
		other.sealed = false;
		assert_int_equal(send_raw(&other, wire, len, &r), 0);
		wire[i] ^= 0x10;
	}
	assert_true(stats().bad > bad);
	assert_int_equal(send_raw(&c, wire, len, &r), 200);
	/* Once: who listens cannot ask again with it. */
	assert_int_equal(send_raw(&c, wire, len, &r), 0);
	/* In clear it is not for that launch, not even from its own address. */
	thief = c;
	thief.sealed = false;
	assert_int_equal(ask(&thief, "OPTIONS", "/", NULL), 404);
	/* With the key, but no request in it; the answer is sealed too. */
	len = moon_rtsp_make(&c, wire, sizeof(wire), "OPTIONS", "/ /", NULL, NULL);
	assert_int_equal(send_raw(&c, wire, len, &r), 400);
	assert_true(moon_rtsp_handshake(&c, &moon_default_wish, &s));
	stop();
}

/* A resume has a new key, counts from its beginning, and the old one's tokens are void. */
static void test_resume(void **state)
{
	(void)state;
	struct moon_rtsp c, old;
	struct moon_streams s;
	start(GS_ENCRYPTION_OFFERED);
	struct gs_launch *l = launch(&c, true), *again = NULL;
	assert_true(moon_rtsp_handshake(&c, &moon_default_wish, &s));
	launch_left(launches, l);
	assert_int_equal(ask(&c, "OPTIONS", "/", NULL), 0);
	struct launch_request request = l->request;
	memset(request.rikey, 0x77, sizeof(request.rikey));
	char why[256];
	assert_int_equal(
		launch_resume(launches, l->fp, &request, on_launched, &again, why, sizeof(why)),
		PF_OK);
	assert_ptr_equal(again, l);
	l->encrypted_rtsp = true;
	old = c;
	assert_int_equal(ask(&old, "OPTIONS", "/", NULL), 0);
	memcpy(c.key, request.rikey, sizeof(c.key));
	c.seal_seq = c.cseq = 0;
	assert_int_equal(ask(&c, "SETUP", "streamid=audio/0/0", NULL), 454); /* the old session */
	c.session[0] = '\0';
	assert_true(moon_rtsp_handshake(&c, &moon_default_wish, &s));
	assert_int_equal(rec.plays, 2);
	stop();
}

static bool is_closed(int fd)
{
	char byte;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	return poll(&p, 1, 0) == 1 && recv(fd, &byte, 1, MSG_DONTWAIT) <= 0;
}

/* Many that say nothing, from one address: the newest are served, the oldest hung up on. */
static void test_slow_senders_make_room(void **state)
{
	(void)state;
	enum { N = 40, KEPT = 8 };
	struct moon_rtsp c;
	struct moon_streams s;
	int fd[N], open = 0;
	start(GS_ENCRYPTION_OFFERED);
	(void)launch(&c, true);
	for (int i = 0; i < N; i++) {
		fd[i] = moon_rtsp_connect(&c);
		assert_true(fd[i] >= 0);
		assert_int_equal(send(fd[i], "OPT", 3, MSG_NOSIGNAL), 3);
	}
	assert_true(moon_rtsp_handshake(&c, &moon_default_wish, &s));
	assert_true(stats().dropped >= N - KEPT);
	for (int i = 0; i < N; i++) {
		open += !is_closed(fd[i]);
		close(fd[i]);
	}
	assert_true(open < KEPT);
	assert_int_equal(stats().late, 0);
	stop();
}

/* Who sends on but never ends is cut off after five seconds, told by the clock of the loop alone. */
static void test_slow_sender_is_late(void **state)
{
	(void)state;
	struct moon_rtsp c;
	start(GS_ENCRYPTION_OFFERED);
	(void)launch(&c, true);
	int fd = moon_rtsp_connect(&c);
	assert_int_equal(send(fd, "\x80\0\0\x10", 4, MSG_NOSIGNAL), 4);
	while (!stats().late)
		assert_true(sd_event_run(loop_sd_event(loop), 10000000) > 0);
	assert_true(is_closed(fd));
	assert_int_equal(stats().bad, 0);
	close(fd);
	stop();
}

/* One byte at a time is slow, but a request. */
static void test_byte_by_byte(void **state)
{
	(void)state;
	struct moon_rtsp c;
	struct moon_response r;
	uint8_t wire[2048];
	start(GS_ENCRYPTION_OFFERED);
	for (int sealed = 0; sealed < 2; sealed++) {
		(void)launch(&c, sealed);
		size_t len = moon_rtsp_make(&c, wire, sizeof(wire), "OPTIONS", "/", NULL, NULL);
		int fd = moon_rtsp_connect(&c);
		for (size_t i = 0; i < len; i++) {
			assert_int_equal(send(fd, wire + i, 1, MSG_NOSIGNAL), 1);
			pump(NULL);
		}
		assert_true(moon_rtsp_read(&c, fd, &r));
		assert_int_equal(r.status, 200);
	}
	stop();
}

static void test_port_is_taken(void **state)
{
	(void)state;
	struct gs_rtsp *second = NULL;
	start(GS_ENCRYPTION_OFFERED);
	const struct stream_hooks streams = {.setup = on_setup};
	const struct gs_rtsp_params params = {.loop = loop,
		.launches = launches,
		.bind = "127.0.0.1",
		.port = gs_rtsp_port(rtsp),
		.hooks = &streams};
	assert_int_equal(gs_rtsp_create(&second, &params), PF_E_BUSY);
	assert_null(second);
	gs_rtsp_destroy(NULL);
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handshake_in_clear),
		cmocka_unit_test(test_handshake_sealed),
		cmocka_unit_test(test_layouts),
		cmocka_unit_test(test_keys_tell_launches_apart),
		cmocka_unit_test(test_addresses_tell_launches_apart),
		cmocka_unit_test(test_two_of_one_address_in_clear),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_hooks_refuse),
		cmocka_unit_test(test_announce_refused_by_stream),
		cmocka_unit_test(test_policies),
		cmocka_unit_test(test_announced_encryption),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_sealed_is_kept),
		cmocka_unit_test(test_resume),
		cmocka_unit_test(test_slow_senders_make_room),
		cmocka_unit_test(test_slow_sender_is_late),
		cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_port_is_taken),
	};
	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
