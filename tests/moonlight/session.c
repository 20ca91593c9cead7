/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/moonlight/session.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include <openssl/rand.h>

#include "core/base/bytes.h"
#include "host/gamestream/hex.h"

#define START_MS 10000
#define RTSP_MS	 5000
#define LEAVE_MS 1000
#define TURN_MS	 2 /* what of a time a frame waits at most for its request to be sent */

enum { ENCRYPT_VIDEO = 2, ENCRYPT_AUDIO = 4 };

static const char *address_of(const struct moon_session *s)
{
	return s->host->address ? s->host->address : "127.0.0.1";
}

bool moon_session_ask(struct moon_session *s, const char *word, unsigned app)
{
	char request[512], hex[33], url[128];
	const struct http_get g = moon_tls(s->host, s->device);
	const unsigned mask = s->wish.channels == 2 ? 0x3 : s->wish.channels == 6 ? 0x3F : 0x63F;
	RAND_bytes(s->key, sizeof(s->key));
	RAND_bytes((unsigned char *)&s->key_id, sizeof(s->key_id));
	hex_write(hex, s->key, sizeof(s->key));
	snprintf(request, sizeof(request),
		"/%s?" MOON_UNIQUEID "&appid=%u&mode=%ux%ux%u&additionalStates=1&sops=1&rikey=%s"
		"&rikeyid=%d&localAudioPlayMode=0&surroundAudioInfo=%u&remoteControllersBitmap=0"
		"&gcmap=0&gcpersist=0%s",
		word, app, s->wish.width, s->wish.height, s->wish.fps, hex, (int)s->key_id,
		mask << 16 | s->wish.channels, s->corever ? "&corever=1" : "");
	s->asked_ns = moon_now_ns();
	s->status = moon_ask(s->host, &g, request, NULL);
	if (s->status != 200 || !moon_element(s->host, url, sizeof(url), "sessionUrl0"))
		return false;
	const char *colon = strrchr(url, ':');
	s->rtsp = (struct moon_rtsp){.host.in4 = {.sin_family = AF_INET},
		.sealed = strstr(url, "rtspenc") != NULL,
		.timeout_ms = RTSP_MS};
	if (inet_pton(AF_INET, address_of(s), &s->rtsp.host.in4.sin_addr) != 1)
		return false;
	s->rtsp.host.in4.sin_port = htons((uint16_t)(colon ? atoi(colon + 1) : 0));
	memcpy(s->rtsp.key, s->key, sizeof(s->key));
	return true;
}

static void on_lost(uint32_t first, uint32_t last, void *userdata)
{
	struct moon_session *s = userdata;
	if (s->streams.invalidation) {
		s->invalidations++;
		moon_control_invalidate(s->control, first, last);
	} else {
		s->idr_requests++;
		moon_control_idr(s->control);
	}
}

static void on_block(const struct nv_block *b, void *userdata)
{
	struct moon_session *s = userdata;
	s->reports++;
	moon_control_status(s->control, b);
}

static bool open_planes(struct moon_session *s)
{
	const struct moon_streams *t = &s->streams;
	const struct moon_control_params control = {.to = address_of(s),
		.port = t->control_port,
		.connect_data = t->connect_data,
		.mute = s->mute};
	const struct moon_video_params video = {.to = address_of(s),
		.port = t->video_port,
		.token = t->video_ping,
		.packet_size = t->packet_size,
		.codec = s->wish.codec,
		.key = t->encryption & ENCRYPT_VIDEO ? s->key : NULL,
		.drop_percent = s->drop_percent,
		.decode = s->decode,
		.invalidation = t->invalidation,
		.on_lost = on_lost,
		.on_block = on_block,
		.userdata = s};
	const struct moon_audio_params audio = {.to = address_of(s),
		.port = t->audio_port,
		.token = t->audio_ping,
		.packet_ms = s->wish.packet_ms,
		.key = t->encryption & ENCRYPT_AUDIO ? s->key : NULL,
		.key_id = s->key_id,
		.channels = s->wish.channels,
		.streams = t->streams,
		.coupled = t->coupled,
		.mapping = t->mapping,
		.drop_percent = s->audio_drop_percent};
	struct moon_control_params keyed = control;
	memcpy(keyed.key, s->key, sizeof(s->key));
	s->control = moon_control_create(&keyed);
	s->video = moon_video_create(&video);
	s->audio = moon_audio_create(&audio);
	return s->control && s->video && s->audio;
}

static void turn(struct moon_session *s)
{
	struct pollfd fds[] = {{.fd = moon_control_fd(s->control), .events = POLLIN},
		{.fd = moon_video_ping(s->video)->fd, .events = POLLIN},
		{.fd = moon_audio_ping(s->audio)->fd, .events = POLLIN}};
	poll(fds, 3, TURN_MS);
	moon_control_turn(s->control);
	/* Clients ask for pictures once they can ask for more of them. */
	if (moon_control_connected(s->control))
		moon_video_turn(s->video);
	moon_audio_turn(s->audio);
}

static bool connected(const struct moon_session *s)
{
	return moon_control_connected(s->control);
}

bool moon_session_play(struct moon_session *s)
{
	s->invalidations = s->idr_requests = s->reports = 0;
	return moon_rtsp_handshake(&s->rtsp, &s->wish, &s->streams);
}

bool moon_session_connect(struct moon_session *s)
{
	s->streams.step = "control";
	if (!open_planes(s) || !moon_session_until(s, connected, START_MS) ||
		!moon_control_start(s->control))
		return false;
	s->streams.step = NULL;
	return true;
}

bool moon_session_has_picture(const struct moon_session *s)
{
	const struct moon_video_stats *v = moon_video_stats(s->video);
	return s->decode ? v->first_clean_ns : v->first_ns;
}

bool moon_session_has_ended(const struct moon_session *s)
{
	return moon_control_ended(s->control);
}

static bool begin(struct moon_session *s, const char *word, unsigned app)
{
	return moon_session_ask(s, word, app) && moon_session_play(s) && moon_session_connect(s) &&
		moon_session_until(s, moon_session_has_picture, START_MS);
}

bool moon_session_launch(struct moon_session *s)
{
	return begin(s, "launch", 1);
}

bool moon_session_resume(struct moon_session *s)
{
	return begin(s, "resume", 1);
}

void moon_session_run(struct moon_session *s, int ms)
{
	const uint64_t until = moon_now_ns() + (uint64_t)ms * 1000000u;
	while (moon_now_ns() < until)
		turn(s);
}

bool moon_session_until(
	struct moon_session *s, bool (*good)(const struct moon_session *s), int timeout_ms)
{
	const uint64_t until = moon_now_ns() + (uint64_t)timeout_ms * 1000000u;
	while (!good(s)) {
		if (moon_now_ns() > until)
			return false;
		turn(s);
	}
	return true;
}

void moon_session_die(struct moon_session *s)
{
	moon_control_destroy(s->control);
	moon_video_destroy(s->video);
	moon_audio_destroy(s->audio);
	s->control = NULL;
	s->video = NULL;
	s->audio = NULL;
}

void moon_session_leave(struct moon_session *s)
{
	if (s->control)
		moon_control_leave(s->control, LEAVE_MS);
	moon_session_die(s);
}

bool moon_session_cancel(struct moon_session *s)
{
	const struct http_get g = moon_tls(s->host, s->device);
	s->status = moon_ask(s->host, &g, "/cancel?" MOON_UNIQUEID, NULL);
	return s->status == 200 && moon_is(s->host, "cancel", "1");
}

double moon_session_start_ms(const struct moon_session *s)
{
	const struct moon_video_stats *v = s->video ? moon_video_stats(s->video) : NULL;
	const uint64_t at = v ? s->decode ? v->first_clean_ns : v->first_ns : 0;
	return at ? (double)(at - s->asked_ns) / 1e6 : -1;
}
