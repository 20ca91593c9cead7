/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/rtsp_session.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/crypto.h>

#include "core/base/alloc.h"

enum { AUDIO = 1, VIDEO = 2, CONTROL = 4, ALL_STREAMS = 7 };

static const char *reason_of(unsigned status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 413:
		return "Request Entity Too Large";
	case 454:
		return "Session Not Found";
	case 455:
		return "Method Not Valid in This State";
	case 501:
		return "Not Implemented";
	default:
		return "Service Unavailable";
	}
}

static unsigned set_status(struct rtsp_answer *out, unsigned status, const char *why)
{
	out->response = (struct pf_nv_rtsp_response){.status = status, .reason = reason_of(status)};
	out->why = why;
	return status;
}

void rtsp_answer_refuse(struct rtsp_answer *out, unsigned status, const char *why)
{
	set_status(out, status, why);
}

/* len of 32 letters and digits, and a NUL. */
static int make_token(char *out, size_t len)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	if (getrandom(out, len, 0) != (ssize_t)len)
		return PF_E_IO;
	for (size_t i = 0; i < len; i++)
		out[i] = letters[(unsigned char)out[i] % 32];
	out[len] = 0;
	return PF_OK;
}

static int make_tokens(struct rtsp_session *s)
{
	if (make_token(s->token, RTSP_TOKEN_LEN) < 0 ||
		make_token(s->tokens.audio_ping, PF_NV_PING_LEN) < 0 ||
		make_token(s->tokens.video_ping, PF_NV_PING_LEN) < 0)
		return PF_E_IO;
	do {
		if (getrandom(&s->tokens.connect_data, sizeof(s->tokens.connect_data), 0) !=
			sizeof(s->tokens.connect_data))
			return PF_E_IO;
	} while (!s->tokens.connect_data);
	return PF_OK;
}

struct rtsp_session *rtsp_session_by_id(struct rtsp_sessions *s, uint64_t launch_id)
{
	for (size_t i = 0; i < LAUNCH_MAX; i++)
		if (s->list[i].launch_id == launch_id)
			return &s->list[i];
	return NULL;
}

static void begin_anew(struct rtsp_session *session, const struct gs_launch *l)
{
	const uint32_t host_seq = session->launch_id == l->id ? session->host_seq : 0;
	pf_wipe(session, sizeof(*session));
	session->launch_id = l->id;
	session->created_ns = l->created_ns;
	session->host_seq = host_seq;
}

struct rtsp_session *rtsp_session_of(struct rtsp_sessions *s, const struct gs_launch *l)
{
	struct rtsp_session *session = rtsp_session_by_id(s, l->id);
	for (size_t i = 0; !session && i < LAUNCH_MAX; i++)
		if (!s->list[i].launch_id || !launch_by_id(s->launches, s->list[i].launch_id))
			session = &s->list[i];
	pf_check(session); /* there are no more launches than that */
	if (session->launch_id != l->id || session->created_ns != l->created_ns)
		begin_anew(session, l);
	return session;
}

static bool has_token(const struct rtsp_session *session, struct pf_nv_text token)
{
	/* Clients send what stands before our semicolon; parameters after one say nothing. */
	return session->token[0] && token.len >= RTSP_TOKEN_LEN &&
		(token.len == RTSP_TOKEN_LEN || token.p[RTSP_TOKEN_LEN] == ';') &&
		!CRYPTO_memcmp(session->token, token.p, RTSP_TOKEN_LEN);
}

struct gs_launch *rtsp_session_find(struct rtsp_sessions *s, const union udp_addr *from,
	const struct pf_nv_rtsp_request *r, bool *ambiguous)
{
	struct gs_launch *l = NULL, *found[2] = {NULL, NULL};
	const bool harmless = r->method == PF_NV_RTSP_OPTIONS || r->method == PF_NV_RTSP_DESCRIBE;
	unsigned n[2] = {0, 0};
	*ambiguous = false;
	while ((l = launch_next_pending(s->launches, from, false, l))) {
		const struct rtsp_session *session = rtsp_session_of(s, l);
		if (r->session.p ? has_token(session, r->session) : harmless)
			return l;
		found[session->set_up != 0] = l;
		n[session->set_up != 0]++;
	}
	if (r->session.p)
		return NULL;
	/* Who has begun already has a Session; so it is one who has not. */
	const unsigned begun = n[0] == 0;
	*ambiguous = n[begun] > 1;
	return *ambiguous ? NULL : found[begun];
}

static unsigned describe(const struct rtsp_sessions *s, struct rtsp_answer *out)
{
	int n = pf_nv_describe_write(out->body, sizeof(out->body), &s->can);
	pf_check(n > 0);
	set_status(out, 200, NULL);
	out->response.body = (struct pf_nv_text){.p = out->body, .len = (size_t)n};
	return 200;
}

static unsigned stream_of(struct pf_nv_text target)
{
	if (pf_nv_text_starts(target, "streamid=audio"))
		return AUDIO;
	if (pf_nv_text_starts(target, "streamid=video"))
		return VIDEO;
	return pf_nv_text_starts(target, "streamid=control") ? CONTROL : 0;
}

static bool begin_setup(struct rtsp_sessions *s, struct rtsp_session *session, struct gs_launch *l)
{
	session->set_up = 0;
	session->announced = false;
	session->token[0] = 0;
	int err = make_tokens(session);
	if (err >= 0)
		err = s->hooks.setup(l, &session->tokens, &session->ports, s->hooks.userdata);
	if (err < 0)
		session->token[0] = 0;
	return err >= 0;
}

static unsigned setup(struct rtsp_sessions *s, struct rtsp_session *session, struct gs_launch *l,
	const struct pf_nv_rtsp_request *r, struct rtsp_answer *out)
{
	unsigned stream = stream_of(r->target);
	if (!stream)
		return set_status(out, 404, "it sets up a stream that this host does not have");
	if (session->played)
		return set_status(out, 455, "it sets up a stream that already plays");
	if (!r->session.p && !begin_setup(s, session, l))
		return set_status(out, 503, "its streams could not be set up");
	session->set_up |= stream;
	set_status(out, 200, NULL);
	out->response.session = session->token;
	if (stream == AUDIO) {
		out->response.port = session->ports.audio;
		out->response.ping_payload = session->tokens.audio_ping;
	} else if (stream == VIDEO) {
		out->response.port = session->ports.video;
		out->response.ping_payload = session->tokens.video_ping;
	} else {
		out->response.port = session->ports.control;
		out->response.connect_data = &session->tokens.connect_data;
	}
	return 200;
}

/* NULL = it may. */
static const char *judge_encryption(const struct rtsp_sessions *s, uint32_t wanted)
{
	if (!(wanted & PF_NV_ENCRYPT_CONTROL))
		return "it cannot encrypt its input the way that is safe: update Moonlight on it";
	if (s->encryption == GS_ENCRYPTION_REQUIRED && wanted != PF_NV_ENCRYPT_ALL)
		return "it does not encrypt video and sound, which --gamestream-encryption "
		       "required asks for: update Moonlight on it";
	/* Sound is told apart: a client may encrypt it without asking. */
	if (wanted & ~(s->can.encryption_supported | PF_NV_ENCRYPT_AUDIO))
		return "it encrypts what this host did not offer to (--gamestream-encryption off)";
	return NULL;
}

static const char *judge_media(
	const struct rtsp_sessions *s, const struct pf_nv_stream_config *config)
{
	if ((config->codec == PF_NV_HEVC && !s->can.hevc) ||
		(config->codec == PF_NV_AV1 && !s->can.av1))
		return "it wants a video codec that this host did not offer";
	if (config->channels > s->can.max_channels)
		return "it wants more sound channels than this host offered";
	return NULL;
}

static unsigned refuse_by(struct rtsp_answer *out, int err, const char *why)
{
	return set_status(out, err == PF_E_INVALID || err == PF_E_UNSUPPORTED ? 400 : 503,
		why ? why : pf_strerror(err));
}

static unsigned announce(struct rtsp_sessions *s, struct rtsp_session *session, struct gs_launch *l,
	const struct pf_nv_rtsp_request *r, struct rtsp_answer *out)
{
	struct pf_nv_stream_config config;
	const char *why = "";
	if (session->set_up != ALL_STREAMS || session->announced)
		return set_status(out, 455, "it announces before all streams are set up, or twice");
	if (pf_nv_announce_read(&config, r->body.p, r->body.len, &why) < 0) {
		snprintf(out->text, sizeof(out->text), "its %s is missing or out of range", why);
		return set_status(out, 400, out->text);
	}
	/* Stereo says it here: a client names no host when it wants less. */
	if (config.channels == 2)
		config.high_quality = r->host.len && !pf_nv_text_is(r->host, "0.0.0.0");
	why = judge_encryption(s, config.encryption);
	if (why)
		return set_status(out, 403, why);
	why = judge_media(s, &config);
	if (why)
		return set_status(out, 400, why);
	int err = s->hooks.announce(l, &config, &why, s->hooks.userdata);
	if (err < 0)
		return refuse_by(out, err, why);
	session->announced = true;
	set_status(out, 200, NULL);
	out->response.session = session->token;
	return 200;
}

static unsigned play(struct rtsp_sessions *s, struct rtsp_session *session, struct gs_launch *l,
	struct rtsp_answer *out)
{
	const char *why = NULL;
	if (!session->announced || session->played)
		return set_status(out, 455, "it plays before it announced, or twice");
	int err = s->hooks.play(l, &why, s->hooks.userdata);
	if (err < 0)
		return refuse_by(out, err, why);
	session->played = true;
	set_status(out, 200, NULL);
	out->response.session = session->token;
	return 200;
}

unsigned rtsp_session_answer(struct rtsp_sessions *s, struct gs_launch *l,
	const struct pf_nv_rtsp_request *r, struct rtsp_answer *out)
{
	struct rtsp_session *session = rtsp_session_of(s, l);
	const bool needs_session = r->method == PF_NV_RTSP_ANNOUNCE || r->method == PF_NV_RTSP_PLAY;
	if (r->session.p ? !has_token(session, r->session) : needs_session)
		return set_status(out, 454, "it names no session of this launch");
	launch_touch(s->launches, l);
	switch ((enum pf_nv_rtsp_method)r->method) {
	case PF_NV_RTSP_OPTIONS:
		set_status(out, 200, NULL);
		out->response.options = "OPTIONS, DESCRIBE, SETUP, ANNOUNCE, PLAY";
		return 200;
	case PF_NV_RTSP_DESCRIBE:
		return describe(s, out);
	case PF_NV_RTSP_SETUP:
		return setup(s, session, l, r, out);
	case PF_NV_RTSP_ANNOUNCE:
		return announce(s, session, l, r, out);
	case PF_NV_RTSP_PLAY:
		return play(s, session, l, out);
	case PF_NV_RTSP_OTHER:
		break;
	}
	return set_status(out, 501, "it asks for something that no stock client does");
}
