/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/moonlight/rtsp_client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/bytes.h"
#include "tests/moonlight/seal.h"

enum { SEAL_LEN = 24, CONTROL_V2 = 1, VIDEO = 2, AUDIO = 4 };

/* --- one request --- */

size_t moon_rtsp_make(struct moon_rtsp *c, uint8_t *out, size_t cap, const char *method,
	const char *target, const char *headers, const char *body)
{
	char text[8192], session[80] = "", length[40] = "";
	if (c->session[0])
		snprintf(session, sizeof(session), "Session: %s\r\n", c->session);
	if (body)
		snprintf(length, sizeof(length), "Content-length: %zu\r\n", strlen(body));
	int n = snprintf(text, sizeof(text),
		"%s %s RTSP/1.0\r\nCSeq: %u\r\nX-GS-ClientVersion: 14\r\nHost: %s\r\n%s%s%s\r\n%s",
		method, target, ++c->cseq, c->host_header ? c->host_header : "192.0.2.1", session,
		headers ? headers : "", length, body ? body : "");
	size_t len = (size_t)n;
	if (n < 0 || len >= sizeof(text) || len + SEAL_LEN > cap)
		return 0;
	if (!c->sealed) {
		memcpy(out, text, len);
		return len;
	}
	pf_put_be32(out, 0x80000000u | (uint32_t)len);
	pf_put_be32(out + 4, ++c->seal_seq);
	return moon_seal(true, c->key, c->seal_seq, 'C', 'R', (const uint8_t *)text, len,
		       out + SEAL_LEN, out + 8)
		? len + SEAL_LEN
		: 0;
}

int moon_rtsp_connect(const struct moon_rtsp *c)
{
	socklen_t len = c->host.sa.sa_family == AF_INET ? sizeof(c->host.in4) : sizeof(c->host.in6);
	int fd = socket(c->host.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, &c->host.sa, len) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static int64_t now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* To the end of the connection. -1: not in time, too long, or broken off. */
static ssize_t read_all(const struct moon_rtsp *c, int fd, uint8_t *out, size_t cap)
{
	const int64_t end_ms = now_ms() + c->timeout_ms;
	size_t len = 0;
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int64_t left = end_ms - now_ms();
		if (left <= 0 || len == cap)
			return -1;
		if (poll(&p, 1, c->pump ? 0 : (int)left) <= 0) {
			if (c->pump)
				c->pump(c->userdata);
			continue;
		}
		ssize_t n = recv(fd, out + len, cap - len, 0);
		if (n == 0)
			return (ssize_t)len;
		if (n < 0)
			return -1;
		len += (size_t)n;
	}
}

static bool unseal(struct moon_rtsp *c, uint8_t *raw, size_t len, struct moon_response *out)
{
	if (len <= SEAL_LEN || pf_get_be32(raw) != (0x80000000u | (uint32_t)(len - SEAL_LEN)))
		return false;
	const uint32_t seq = pf_get_be32(raw + 4);
	/* A host that uses a sequence twice gives its key away. */
	if (seq < 64) {
		if (c->host_seqs >> seq & 1)
			return false;
		c->host_seqs |= 1ull << seq;
	}
	out->len = len - SEAL_LEN;
	return out->len < sizeof(out->text) &&
		moon_seal(false, c->key, seq, 'H', 'R', raw + SEAL_LEN, out->len,
			(uint8_t *)out->text, raw + 8);
}

/* As a client does: three words, then at least one header, then an empty line. */
static bool parse(struct moon_response *r)
{
	char *end = strstr(r->text, "\r\n\r\n");
	const char *first = strstr(r->text, "\r\n");
	if (strlen(r->text) != r->len || strncmp(r->text, "RTSP/1.0 ", 9) || !end || first == end)
		return false;
	for (const char *line = first + 2; line < end + 2; line = strstr(line, "\r\n") + 2) {
		const char *colon = strstr(line, ": ");
		if (!colon || colon > strstr(line, "\r\n") - 3)
			return false;
	}
	r->status = atoi(r->text + 9);
	r->body = end[4] ? end + 4 : NULL;
	return r->status >= 100;
}

bool moon_rtsp_read(struct moon_rtsp *c, int fd, struct moon_response *out)
{
	uint8_t raw[8192 + SEAL_LEN];
	memset(out, 0, sizeof(*out));
	ssize_t n = read_all(c, fd, raw, sizeof(raw) - 1);
	close(fd);
	if (n <= 0)
		return false;
	if (c->sealed) {
		if (!unseal(c, raw, (size_t)n, out))
			return false;
	} else {
		out->len = (size_t)n;
		if (out->len >= sizeof(out->text))
			return false;
		memcpy(out->text, raw, out->len);
	}
	if (!parse(out))
		out->status = 0;
	return out->status != 0;
}

bool moon_rtsp_ask(struct moon_rtsp *c, const char *method, const char *target, const char *headers,
	const char *body, struct moon_response *out)
{
	uint8_t wire[8192 + SEAL_LEN];
	char cseq[16], want[16];
	size_t len = moon_rtsp_make(c, wire, sizeof(wire), method, target, headers, body);
	int fd = len ? moon_rtsp_connect(c) : -1;
	memset(out, 0, sizeof(*out));
	if (fd < 0)
		return false;
	/* In the pieces that a client's own send makes of it. */
	for (size_t at = 0, n; at < len; at += n) {
		n = len - at < 500 ? len - at : 500;
		if (send(fd, wire + at, n, MSG_NOSIGNAL) != (ssize_t)n) {
			close(fd);
			return false;
		}
	}
	if (!moon_rtsp_read(c, fd, out))
		return false;
	snprintf(want, sizeof(want), "%u", c->cseq);
	return moon_response_header(out, "CSeq", cseq, sizeof(cseq)) && !strcmp(cseq, want);
}

bool moon_response_header(
	const struct moon_response *r, const char *name, char *out, size_t out_len)
{
	const size_t len = strlen(name);
	const char *line = strstr(r->text, "\r\n");
	while (line && strncmp(line, "\r\n\r\n", 4)) {
		line += 2;
		const char *end = strstr(line, "\r\n");
		if (!strncmp(line, name, len) && !strncmp(line + len, ": ", 2)) {
			snprintf(out, out_len, "%.*s", (int)(end - line - (ptrdiff_t)len - 2),
				line + len + 2);
			return true;
		}
		line = end;
	}
	return false;
}

/* --- the handshake --- */

const struct moon_wish moon_default_wish = {.width = 1280,
	.height = 720,
	.fps = 60,
	.packet_size = 1392,
	.bitrate_kbps = 10000,
	.channels = 2,
	.packet_ms = 5};

void moon_rtsp_announce_body(
	char *out, size_t cap, const struct moon_wish *wish, struct moon_streams *s)
{
	unsigned kbps = wish->bitrate_kbps * 4 / 5;
	kbps = kbps > 100000 ? 100000 : kbps;
	s->packet_size = wish->packet_size - (s->encryption & VIDEO ? 32 : 0);
	snprintf(out, cap,
		"v=0\r\no=android 0 14 IN IPv4 192.0.2.1\r\ns=NVIDIA Streaming Client\r\n"
		"a=x-ml-general.featureFlags:3 \r\n"
		"a=x-ss-general.encryptionEnabled:%u \r\n"
		"a=x-ss-video[0].chromaSamplingType:0 \r\n"
		"a=x-nv-video[0].clientViewportWd:%u \r\n"
		"a=x-nv-video[0].clientViewportHt:%u \r\n"
		"a=x-nv-video[0].maxFPS:%u \r\n"
		"a=x-nv-video[0].packetSize:%u \r\n"
		"a=x-nv-video[0].rateControlMode:4 \r\n"
		"a=x-nv-video[0].timeoutLengthMs:7000 \r\n"
		"a=x-nv-vqos[0].bw.minimumBitrateKbps:%u \r\n"
		"a=x-nv-vqos[0].bw.maximumBitrateKbps:%u \r\n"
		"a=x-ml-video.configuredBitrateKbps:%u \r\n"
		"a=x-nv-vqos[0].fec.enable:1 \r\n"
		"a=x-nv-vqos[0].qosTrafficType:5 \r\n"
		"a=x-nv-aqos.qosTrafficType:4 \r\n"
		"a=x-nv-general.featureFlags:%u \r\n"
		"a=x-nv-general.useReliableUdp:13 \r\n"
		"a=x-nv-vqos[0].fec.minRequiredFecPackets:2 \r\n"
		"a=x-nv-video[0].videoEncoderSlicesPerFrame:1 \r\n"
		"a=x-nv-clientSupportHevc:%u \r\n"
		"a=x-nv-vqos[0].bitStreamFormat:%u \r\n"
		"a=x-nv-video[0].dynamicRangeMode:0 \r\n"
		"a=x-nv-video[0].maxNumReferenceFrames:%u \r\n"
		"a=x-nv-video[0].clientRefreshRateX100:%u \r\n"
		"a=x-nv-audio.surround.numChannels:%u \r\n"
		"a=x-nv-audio.surround.channelMask:%u \r\n"
		"a=x-nv-audio.surround.enable:%u \r\n"
		"a=x-nv-audio.surround.AudioQuality:%u \r\n"
		"a=x-nv-aqos.packetDuration:%u \r\n"
		"a=x-nv-video[0].encoderCscMode:2 \r\n"
		"t=0 0\r\nm=video %u  \r\n",
		s->encryption, wish->width, wish->height, wish->fps, s->packet_size, kbps, kbps,
		wish->bitrate_kbps, s->encryption & AUDIO ? 167u : 135u, wish->codec == 1,
		wish->codec, wish->one_reference,
		wish->refresh_x100 ? wish->refresh_x100 : wish->fps * 100, wish->channels,
		wish->channels == 2	      ? 3u
			: wish->channels == 6 ? 0x3Fu
					      : 0x63Fu,
		wish->channels > 2, wish->channels > 2 && wish->high_quality, wish->packet_ms,
		s->video_port);
}

static uint32_t number_after(const char *body, const char *name)
{
	const char *p = strstr(body, name);
	return p ? (uint32_t)strtoul(p + strlen(name), NULL, 10) : 0;
}

/* The digits of one layout, as the client turns them; false when there is none for its channels. */
static bool read_layout(const char *body, const struct moon_wish *wish, struct moon_streams *s)
{
	char prefix[40];
	uint8_t digits[8];
	snprintf(prefix, sizeof(prefix), "a=fmtp:97 surround-params=%u", wish->channels);
	const char *p = strstr(body, prefix);
	if (p && wish->high_quality)
		p = strstr(p + strlen(prefix), prefix);
	if (!p)
		return false;
	p += strlen(prefix);
	if (strspn(p, "0123456789") < wish->channels + 2)
		return false;
	s->streams = (unsigned)(*p++ - '0');
	s->coupled = (unsigned)(*p++ - '0');
	for (unsigned i = 0; i < wish->channels; i++)
		s->mapping[i] = digits[i] = (uint8_t)(p[i] - '0');
	if (!wish->high_quality) {
		s->mapping[3] = digits[wish->channels - 1];
		memcpy(&s->mapping[4], &digits[3], wish->channels - 4);
	}
	return true;
}

static bool read_describe(const char *body, const struct moon_wish *wish, struct moon_streams *s)
{
	const uint32_t supported = number_after(body, "a=x-ss-general.encryptionSupported:");
	const uint32_t requested = number_after(body, "a=x-ss-general.encryptionRequested:");
	s->hevc = strstr(body, "sprop-parameter-sets=AAAAAU") != NULL;
	s->av1 = strstr(body, "AV1/90000") != NULL;
	s->invalidation = strstr(body, "x-nv-video[0].refPicInvalidation") != NULL;
	s->host_features = number_after(body, "a=x-ss-general.featureFlags:");
	s->encryption = supported & CONTROL_V2;
	if (requested & VIDEO || (supported & VIDEO && wish->encrypt_video))
		s->encryption |= VIDEO;
	if (requested & AUDIO || (supported & AUDIO && wish->encrypt_audio))
		s->encryption |= AUDIO;
	if (wish->channels > 2)
		return read_layout(body, wish, s);
	s->streams = s->coupled = 1;
	s->mapping[1] = 1;
	return true;
}

/* Fills port, and the header `token` if it is there; takes the session when there is none yet. */
static bool set_up(struct moon_rtsp *c, const char *target, uint16_t *port, const char *token,
	char *token_out, size_t token_len, int *status)
{
	struct moon_response r;
	char value[128];
	bool ok = moon_rtsp_ask(c, "SETUP", target,
		"Transport: unicast;X-GS-ClientPort=50000-50001\r\n"
		"If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n",
		NULL, &r);
	*status = r.status;
	if (!ok || r.status != 200)
		return false;
	if (!moon_response_header(&r, "Transport", value, sizeof(value)))
		return false;
	*port = (uint16_t)number_after(value, "server_port=");
	if (!moon_response_header(&r, token, token_out, token_len))
		token_out[0] = '\0';
	if (c->session[0])
		return true;
	if (!moon_response_header(&r, "Session", value, sizeof(value)))
		return false;
	snprintf(c->session, sizeof(c->session), "%.*s", (int)strcspn(value, ";"), value);
	return c->session[0] != '\0';
}

/* Of any other length it does not count. */
static void take_ping(char out[17], const char *token)
{
	if (strlen(token) == 16)
		memcpy(out, token, 17);
}

static bool simple(struct moon_rtsp *c, const char *method, const char *target, const char *headers,
	const char *body, struct moon_streams *s, struct moon_response *r)
{
	s->step = method;
	bool ok = moon_rtsp_ask(c, method, target, headers, body, r);
	s->status = r->status;
	return ok && r->status == 200;
}

bool moon_rtsp_handshake(struct moon_rtsp *c, const struct moon_wish *wish, struct moon_streams *s)
{
	static const char url[] = "rtsp://192.0.2.1:48010";
	struct moon_response r;
	char body[4096], token[64];
	memset(s, 0, sizeof(*s));
	if (!simple(c, "OPTIONS", url, NULL, NULL, s, &r))
		return false;
	if (!simple(c, "DESCRIBE", url,
		    "Accept: application/sdp\r\n"
		    "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n",
		    NULL, s, &r) ||
		!r.body || !read_describe(r.body, wish, s))
		return false;
	s->step = "SETUP";
	if (!set_up(c, "streamid=audio/0/0", &s->audio_port, "X-SS-Ping-Payload", token,
		    sizeof(token), &s->status))
		return false;
	take_ping(s->audio_ping, token);
	if (!set_up(c, "streamid=video/0/0", &s->video_port, "X-SS-Ping-Payload", token,
		    sizeof(token), &s->status))
		return false;
	take_ping(s->video_ping, token);
	if (!set_up(c, "streamid=control/13/0", &s->control_port, "X-SS-Connect-Data", token,
		    sizeof(token), &s->status))
		return false;
	s->connect_data = (uint32_t)strtoul(token, NULL, 0);
	moon_rtsp_announce_body(body, sizeof(body), wish, s);
	if (!simple(c, "ANNOUNCE", "streamid=control/13/0", "Content-type: application/sdp\r\n",
		    body, s, &r) ||
		!simple(c, "PLAY", "/", NULL, NULL, s, &r))
		return false;
	s->step = NULL;
	return true;
}
