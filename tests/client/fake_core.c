/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The client library's interface without a network: a host in the same process that encodes small
 * pictures. The environment says how it misbehaves: FAKE is one of the words below, FAKE_CERT the byte
 * that its fingerprint consists of.
 */
#include "punktfunk_core.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/client/h264_source.h"

#define FRAME_NS    16666667ull
#define END_AFTER   20 /* frames, in the scenarios that end */
#define BREAK_AT    10
#define UNIT_BUFFER (4u << 20)

struct punktfunk_connection {
	struct h264_source *source;
	struct punktfunk_mode mode;
	_Atomic uint64_t wanted_mode; /* width << 32 | height, 0 = none */
	atomic_int mode_result;
	atomic_uint n_keys;
	_Atomic uint64_t pointer; /* x << 32 | y */
	atomic_bool want_keyframe;
	uint64_t next_ns, delivered, bytes;
	uint8_t *unit;
	int end_reason;
	/* the other planes */
	unsigned n_events, n_inputs[PUNKTFUNK_INPUT_SMOOTH_SCROLL + 1], n_rich, n_shapes;
	uint32_t asked_kbps; /* of a speed test that is to be answered */
	struct punktfunk_probe_result probe;
	unsigned clip_step;
	char clip[64]; /* what the client offered, fetched by the "host" */
};

static bool fake_is(const char *word)
{
	const char *fake = getenv("FAKE");
	return fake && !strcmp(fake, word);
}

static uint64_t now_ns(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void own_fingerprint(uint8_t out[32])
{
	const char *cert = getenv("FAKE_CERT");
	memset(out, cert ? (int)strtol(cert, NULL, 16) : 0x5a, 32);
}

uint32_t punktfunk_abi_version(void)
{
	return fake_is("abi") ? PUNKTFUNK_ABI_VERSION + 1 : PUNKTFUNK_ABI_VERSION;
}

const char *punktfunk_strerror(int status)
{
	return status == PUNKTFUNK_E_TIMEOUT ? "timed out" : "error of the fake";
}

void punktfunk_connect_opts_init(struct punktfunk_connect_opts *opts)
{
	memset(opts, 0, sizeof(*opts));
	opts->size = sizeof(*opts);
}

static const char fake_pem[] = "-----BEGIN FAKE-----\n";

int punktfunk_generate_identity(char *cert_pem, size_t cert_cap, char *key_pem, size_t key_cap)
{
	if (fake_is("noidentity"))
		return PUNKTFUNK_E_CRYPTO;
	snprintf(cert_pem, cert_cap, "%s%ld\n", fake_pem, (long)getpid());
	snprintf(key_pem, key_cap, "key\n");
	return PUNKTFUNK_OK;
}

int punktfunk_identity_fingerprint(const char *cert_pem, const char *key_pem, uint8_t *out)
{
	if (strncmp(cert_pem, fake_pem, sizeof(fake_pem) - 1) != 0 || !strstr(key_pem, "key\n"))
		return PUNKTFUNK_E_INVALID;
	memset(out, 0x11, 32);
	return PUNKTFUNK_OK;
}

void punktfunk_pair_opts_init(struct punktfunk_pair_opts *opts)
{
	memset(opts, 0, sizeof(*opts));
	opts->size = sizeof(*opts);
}

/* The right PIN is 1234. */
int punktfunk_pair(const struct punktfunk_pair_opts *opts, uint8_t *fingerprint, char *message,
	size_t message_len)
{
	uint8_t own[32];
	own_fingerprint(own);
	snprintf(message, message_len, "words of the fake");
	if (opts->expected && memcmp(opts->expected, own, 32) != 0)
		return PUNKTFUNK_E_PIN;
	if (fake_is("notarmed"))
		return PUNKTFUNK_E_NOT_ARMED;
	if (fake_is("toofast"))
		return PUNKTFUNK_E_RATE_LIMITED;
	if (fake_is("bound"))
		return PUNKTFUNK_E_BOUND_TO_OTHER;
	if (fake_is("timeout"))
		return PUNKTFUNK_E_TIMEOUT;
	if (strcmp(opts->pin, "1234") != 0)
		return PUNKTFUNK_E_CRYPTO;
	memcpy(fingerprint, own, 32);
	return PUNKTFUNK_OK;
}

int punktfunk_wake_on_lan(const uint8_t *mac, const char *address)
{
	(void)mac;
	return address && !strcmp(address, "bad") ? PUNKTFUNK_E_INVALID : PUNKTFUNK_OK;
}

static unsigned n_connects;

int punktfunk_connect_opts(struct punktfunk_connection **out,
	const struct punktfunk_connect_opts *opts, char *message, size_t message_len)
{
	uint8_t own[32];
	own_fingerprint(own);
	if (fake_is("timeout"))
		return PUNKTFUNK_E_TIMEOUT;
	if (fake_is("refuse")) {
		snprintf(message, message_len, "The host's operator \x1b[31mdenied this client.");
		return PUNKTFUNK_E_DENIED;
	}
	if (fake_is("knock")) {
		opts->waiting(opts->userdata, 1000);
		opts->waiting(opts->userdata, 1250);
		if (opts->approval_timeout_ms) {
			snprintf(message, message_len, "approved by nobody");
			return PUNKTFUNK_E_APPROVAL_TIMEOUT;
		}
		snprintf(message, message_len, "the host at x heard us and does not let us in");
		return PUNKTFUNK_E_TIMEOUT;
	}
	if (opts->pin && memcmp(opts->pin, own, 32) != 0)
		return PUNKTFUNK_E_PIN;
	/* The first try to come back fails, the second does not. */
	n_connects++;
	if ((fake_is("comeback") && n_connects == 2) || (fake_is("lost") && n_connects > 1))
		return PUNKTFUNK_E_TIMEOUT;
	if (fake_is("expelled") && n_connects > 1) {
		snprintf(message, message_len, "denied by the fake");
		return PUNKTFUNK_E_DENIED;
	}
	struct punktfunk_connection *c = calloc(1, sizeof(*c));
	if (!c || !(c->unit = calloc(1, UNIT_BUFFER)))
		abort();
	c->mode = opts->mode;
	c->source = h264_source_create(opts->mode.width, opts->mode.height, 2);
	c->next_ns = now_ns(CLOCK_MONOTONIC);
	c->mode_result = PUNKTFUNK_E_NO_FRAME;
	c->want_keyframe = true;
	/* Where a desktop's pointer rests at first. */
	c->pointer = (uint64_t)(opts->mode.width / 2) << 32 | opts->mode.height / 2;
	*out = c;
	return PUNKTFUNK_OK;
}

int punktfunk_connection_fingerprint(const struct punktfunk_connection *c, uint8_t *out)
{
	(void)c;
	own_fingerprint(out);
	return PUNKTFUNK_OK;
}

int punktfunk_connection_mode(const struct punktfunk_connection *c, struct punktfunk_mode *out)
{
	*out = c->mode;
	return PUNKTFUNK_OK;
}

int punktfunk_connection_codec(const struct punktfunk_connection *c)
{
	(void)c;
	return fake_is("codec") ? PUNKTFUNK_CODEC_HEVC : PUNKTFUNK_CODEC_H264;
}

uint32_t punktfunk_connection_bitrate(const struct punktfunk_connection *c)
{
	(void)c;
	return 5000;
}

int64_t punktfunk_connection_clock_offset_ns(const struct punktfunk_connection *c)
{
	(void)c;
	return 0;
}

/* A grey field, a cell for each key that came, and a pointer. */
static void draw(struct punktfunk_connection *c)
{
	uint32_t w = c->mode.width, h = c->mode.height, columns = w / 10;
	uint8_t *luma = h264_source_luma(c->source);
	memset(luma, 64, (size_t)w * h);
	uint32_t keys = fake_is("deaf") ? 0 : c->n_keys;
	for (uint32_t i = 0; i < keys && i / columns * 20 + 16 <= h / 2; i++)
		for (uint32_t y = 0; y < 16; y++)
			memset(luma + (i / columns * 20 + y) * w + i % columns * 10, 220, 8);
	uint64_t at = c->pointer;
	uint32_t px = (uint32_t)(at >> 32), py = (uint32_t)at;
	for (uint32_t y = py; y < py + 24 && y < h; y++)
		for (uint32_t x = px; x < px + 24 && x < w; x++)
			luma[y * w + x] = 255;
}

static void apply_mode(struct punktfunk_connection *c)
{
	uint64_t wanted = atomic_exchange(&c->wanted_mode, 0);
	if (!wanted)
		return;
	c->mode.width = (uint32_t)(wanted >> 32);
	c->mode.height = (uint32_t)wanted;
	h264_source_destroy(c->source);
	c->source = h264_source_create(c->mode.width, c->mode.height, 2);
	c->want_keyframe = true;
	c->mode_result = 1;
}

static int end(struct punktfunk_connection *c, int reason)
{
	c->end_reason = reason;
	return PUNKTFUNK_E_CLOSED;
}

int punktfunk_connection_next_au(
	struct punktfunk_connection *c, struct punktfunk_frame *frame, uint32_t timeout_ms)
{
	uint64_t now = now_ns(CLOCK_MONOTONIC), limit = now + timeout_ms * 1000000ull;
	uint64_t until = c->next_ns < limit ? c->next_ns : limit;
	if (until > now) {
		struct timespec t = {(time_t)(until / 1000000000u), (long)(until % 1000000000u)};
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
			;
	}
	if (fake_is("comeback") && c->delivered >= END_AFTER && n_connects == 1)
		return end(c, PUNKTFUNK_END_LOST);
	if ((fake_is("lost") || fake_is("expelled")) && c->delivered >= END_AFTER)
		return end(c, PUNKTFUNK_END_LOST);
	if (fake_is("ended") && c->delivered >= END_AFTER)
		return end(c, PUNKTFUNK_END_HOST_ENDED);
	if (c->next_ns > limit || fake_is("nopicture"))
		return PUNKTFUNK_E_NO_FRAME;
	c->next_ns += FRAME_NS;
	apply_mode(c);
	draw(c);
	bool keyframe = atomic_exchange(&c->want_keyframe, false);
	const uint8_t *data;
	size_t len = h264_source_next(c->source, keyframe, &data);
	if (len > UNIT_BUFFER)
		abort();
	memcpy(c->unit, data, len);
	if (fake_is("junk"))
		memset(c->unit + 4, 0xa5, len - 4);
	if (fake_is("damage") && c->delivered == BREAK_AT)
		memset(c->unit + len / 2, 0xa5, len - len / 2);
	uint64_t real = now_ns(CLOCK_REALTIME);
	*frame = (struct punktfunk_frame){.size = frame->size,
		.data = c->unit,
		.len = len,
		.frame_index = (uint32_t)c->delivered++,
		.flags = keyframe ? PUNKTFUNK_FRAME_KEYFRAME : 0,
		.pts_ns = real - 3000000,
		.received_ns = real - 1000000,
		.complete_ns = real};
	c->bytes += len;
	return PUNKTFUNK_OK;
}

int punktfunk_connection_send_input(
	struct punktfunk_connection *c, const struct punktfunk_input_event *event)
{
	/* Full now and then, as a real queue may be. */
	static unsigned calls;
	if (++calls % 7 == 0)
		return PUNKTFUNK_E_FULL;
	c->n_inputs[event->kind]++;
	if (event->kind == PUNKTFUNK_INPUT_KEY_DOWN)
		atomic_fetch_add(&c->n_keys, 1);
	if (event->kind == PUNKTFUNK_INPUT_MOUSE_ABS)
		c->pointer = (uint64_t)(uint32_t)event->x << 32 | (uint32_t)event->y;
	return PUNKTFUNK_OK;
}

int punktfunk_connection_request_mode(
	struct punktfunk_connection *c, uint32_t width, uint32_t height, uint32_t refresh_hz)
{
	(void)refresh_hz;
	c->mode_result = fake_is("refusemode") ? PUNKTFUNK_E_INVALID : 0;
	if (!fake_is("refusemode"))
		c->wanted_mode = (uint64_t)width << 32 | height;
	return PUNKTFUNK_OK;
}

int punktfunk_connection_mode_result(const struct punktfunk_connection *c)
{
	return c->mode_result;
}

int punktfunk_connection_request_keyframe(struct punktfunk_connection *c)
{
	c->want_keyframe = true;
	return PUNKTFUNK_OK;
}

int punktfunk_connection_request_bitrate(struct punktfunk_connection *c, uint32_t kbps)
{
	(void)c, (void)kbps;
	return PUNKTFUNK_OK;
}

int punktfunk_connection_get_stats(
	const struct punktfunk_connection *c, struct punktfunk_stats *out)
{
	*out = (struct punktfunk_stats){.size = out->size,
		.frames_received = 0,
		.frames_lost = fake_is("lost") ? 1 : 0,
		.packets_received = c->n_keys};
	return PUNKTFUNK_OK;
}

int punktfunk_connection_end_reason(const struct punktfunk_connection *c)
{
	return c->end_reason;
}

const char *punktfunk_connection_end_message(const struct punktfunk_connection *c)
{
	return c->end_reason == PUNKTFUNK_END_HOST_ENDED ? "bye\x1b[31m \"you\"" : "a phrase";
}

void punktfunk_connection_disconnect_quit(struct punktfunk_connection *c)
{
	(void)c;
}

void punktfunk_connection_close(struct punktfunk_connection *c)
{
	if (!c)
		return;
	h264_source_destroy(c->source);
	free(c->unit);
	free(c);
}

/* --- the other planes --- */

uint32_t punktfunk_connection_host_caps(const struct punktfunk_connection *c)
{
	(void)c;
	return fake_is("bare") ? 0 : PUNKTFUNK_HOST_CAP_CLIPBOARD | PUNKTFUNK_HOST_CAP_CURSOR;
}

uint32_t punktfunk_connection_grants(const struct punktfunk_connection *c)
{
	(void)c;
	return fake_is("watch") ? 0 : UINT32_MAX;
}

int punktfunk_connection_next_event(
	struct punktfunk_connection *c, struct punktfunk_event *out, uint32_t timeout_ms)
{
	static const struct punktfunk_event events[] = {
		{.kind = PUNKTFUNK_EVENT_BITRATE,
			.value = 4000,
			.detail = PUNKTFUNK_BITRATE_GOVERNOR},
		{.kind = PUNKTFUNK_EVENT_ACCESS, .value = PUNKTFUNK_GRANT_POINTER, .detail = 60},
		{.kind = PUNKTFUNK_EVENT_LAUNCH, .value = 4, .text = "no such \x1b[31mgame"},
		{.kind = PUNKTFUNK_EVENT_DELIVERY, .value = 2, .detail = 1},
		{.kind = PUNKTFUNK_EVENT_PIPELINE_GAP, .value = 700},
		{.kind = 99},
	};
	(void)timeout_ms;
	size_t size = out->size;
	if (c->asked_kbps) {
		c->asked_kbps = 0;
		*out = (struct punktfunk_event){
			.kind = PUNKTFUNK_EVENT_SPEED_TEST, .value = !c->probe.declined};
	} else if (fake_is("events") && c->delivered &&
		c->n_events < sizeof(events) / sizeof(events[0])) {
		*out = events[c->n_events++];
	} else {
		return PUNKTFUNK_E_NO_FRAME;
	}
	out->size = size;
	return PUNKTFUNK_OK;
}

int punktfunk_connection_next_cursor_shape(
	struct punktfunk_connection *c, struct punktfunk_cursor_shape *out, uint32_t timeout_ms)
{
	(void)out, (void)timeout_ms;
	return c->n_shapes && c->n_shapes-- ? PUNKTFUNK_OK : PUNKTFUNK_E_NO_FRAME;
}

int punktfunk_connection_set_cursor_render(struct punktfunk_connection *c, int client_draws)
{
	c->n_shapes = client_draws ? 3 : 0;
	return PUNKTFUNK_OK;
}

/* A link of 20 Mbit/s. */
int punktfunk_connection_speed_test(
	struct punktfunk_connection *c, uint32_t kbps, uint32_t duration_ms)
{
	uint32_t through = kbps < 20000 ? kbps : 20000;
	c->asked_kbps = kbps;
	c->probe = (struct punktfunk_probe_result){.size = sizeof(c->probe),
		.declined = fake_is("declined"),
		.sent_packets = kbps,
		.received_packets = through,
		.received_kbps = through,
		.duration_ms = duration_ms};
	return PUNKTFUNK_OK;
}

int punktfunk_connection_probe_result(
	const struct punktfunk_connection *c, struct punktfunk_probe_result *out)
{
	*out = c->probe;
	return PUNKTFUNK_OK;
}

int punktfunk_connection_set_delivery(struct punktfunk_connection *c, uint32_t delivery)
{
	(void)c;
	return delivery > PUNKTFUNK_DELIVERY_SMOOTH ? PUNKTFUNK_E_INVALID : PUNKTFUNK_OK;
}

int punktfunk_connection_send_rich_input(
	struct punktfunk_connection *c, const struct punktfunk_rich_input *input)
{
	(void)input;
	c->n_rich++;
	return PUNKTFUNK_OK;
}

/*
 * The clipboard: the host copies something, the client fetches it; what the client offers is fetched, and the
 * host copies what it got with a word before it.
 */
int punktfunk_connection_clipboard_control(struct punktfunk_connection *c, int enabled, int files)
{
	(void)files;
	c->clip_step = enabled ? 1 : 0;
	return PUNKTFUNK_OK;
}

int punktfunk_connection_clipboard_offer(struct punktfunk_connection *c,
	const struct punktfunk_clip_kind *kinds, size_t n_kinds, uint32_t *seq)
{
	(void)kinds, (void)n_kinds;
	*seq = 77;
	c->clip_step = 5;
	return PUNKTFUNK_OK;
}

int punktfunk_connection_clipboard_fetch(
	struct punktfunk_connection *c, uint32_t seq, const char *mime, uint32_t file, uint32_t *id)
{
	(void)seq, (void)mime, (void)file;
	*id = 9;
	c->clip_step = 3;
	return PUNKTFUNK_OK;
}

int punktfunk_connection_clipboard_serve(
	struct punktfunk_connection *c, uint32_t id, uint32_t status, const void *data, size_t len)
{
	if (id != 5 || status != PUNKTFUNK_CLIP_OK || len >= sizeof(c->clip) - 8)
		abort();
	snprintf(c->clip, sizeof(c->clip), "got %.*s", (int)len, (const char *)data);
	c->clip_step = 2;
	return PUNKTFUNK_OK;
}

int punktfunk_connection_clipboard_cancel(struct punktfunk_connection *c, uint32_t id)
{
	(void)c, (void)id;
	return PUNKTFUNK_OK;
}

int punktfunk_connection_next_clipboard(
	struct punktfunk_connection *c, struct punktfunk_clip_event *out, uint32_t timeout_ms)
{
	static const struct punktfunk_clip_kind kinds[] = {
		{"image/png", 9}, {PUNKTFUNK_CLIP_TEXT, 0}};
	(void)timeout_ms;
	size_t size = out->size;
	switch (c->clip_step) {
	case 1: /* on, or off with a reason */
		*out = (struct punktfunk_clip_event){.kind = PUNKTFUNK_CLIP_EVENT_STATE,
			.status = !fake_is("noclip"),
			.reason = fake_is("noclip") ? 3 : 0};
		c->clip_step = fake_is("noclip") ? 0 : 2;
		snprintf(c->clip, sizeof(c->clip), "from the host");
		break;
	case 2:
		*out = (struct punktfunk_clip_event){
			.kind = PUNKTFUNK_CLIP_EVENT_OFFER, .seq = 1, .n_kinds = 2, .kinds = kinds};
		c->clip_step = 0;
		break;
	case 3:
		*out = (struct punktfunk_clip_event){.kind = PUNKTFUNK_CLIP_EVENT_DATA,
			.id = 9,
			.data = (const uint8_t *)c->clip,
			.len = strlen(c->clip)};
		c->clip_step = 0;
		break;
	case 5:
		*out = (struct punktfunk_clip_event){.kind = PUNKTFUNK_CLIP_EVENT_FETCH,
			.id = 5,
			.seq = 77,
			.mime = PUNKTFUNK_CLIP_TEXT};
		c->clip_step = 0;
		break;
	default:
		return PUNKTFUNK_E_NO_FRAME;
	}
	out->size = size;
	return PUNKTFUNK_OK;
}

#define NOTHING(name, type) \
	int punktfunk_connection_##name( \
		struct punktfunk_connection *c, struct type *out, uint32_t timeout_ms) \
	{ \
		(void)c, (void)out, (void)timeout_ms; \
		return PUNKTFUNK_E_NO_FRAME; \
	}

NOTHING(next_host_timing, punktfunk_host_timing)
NOTHING(next_audio, punktfunk_audio_packet)
NOTHING(next_pad_audio, punktfunk_audio_packet)
NOTHING(next_rumble, punktfunk_rumble)
NOTHING(next_hidout, punktfunk_hid_output)
NOTHING(next_hdr_meta, punktfunk_hdr_meta)
NOTHING(next_cursor_state, punktfunk_cursor_state)

int punktfunk_connection_end_reject(const struct punktfunk_connection *c)
{
	(void)c;
	return PUNKTFUNK_OK;
}
