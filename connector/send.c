/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <math.h>
#include <string.h>

#include "connector/internal.h"

/* What callers send: checked here, then left in the outbox. */

#define MAX_SCALAR     0x10FFFFu
#define MIN_KBPS       500u	/* wire 9 */
#define MAX_KBPS       8000000u /* wire 9 */
#define MAX_SPEED_MS   10000u
#define SPEED_GRACE_MS 5000u /* an answer that is later than this does not come */

static int ended(struct punktfunk_connection *c)
{
	pthread_mutex_lock(&c->state_lock);
	bool gone = c->state == CONN_ENDED;
	pthread_mutex_unlock(&c->state_lock);
	return gone ? PF_E_CLOSED : PF_OK;
}

static int post_msg(struct punktfunk_connection *c, const struct pf_msg *m)
{
	uint8_t buf[PF_MSG_MAX_LEN];
	int err = ended(c);
	if (err < 0)
		return err;
	int len = pf_msg_write_framed(buf, sizeof(buf), m);
	pf_check(len > 0);
	return session_post(c, false, buf, (size_t)len);
}

static bool is_pad_kind(uint8_t kind)
{
	return kind == PF_INPUT_PAD_BUTTON || kind == PF_INPUT_PAD_AXIS ||
		kind == PF_INPUT_PAD_SNAPSHOT || kind == PF_INPUT_PAD_REMOVED ||
		kind == PF_INPUT_PAD_ARRIVED;
}

static bool input_ok(const struct punktfunk_input_event *e)
{
	if (e->kind >= PF_INPUT_KIND_COUNT)
		return false;
	if (e->kind == PF_INPUT_TEXT)
		return e->code && e->code <= MAX_SCALAR && (e->code < 0xD800 || e->code > 0xDFFF);
	return !is_pad_kind(e->kind) || (e->flags & 0xFF) < PF_PADS;
}

/* Old snapshots are dropped by the host, so each pad's are numbered in the order in which they are sent. */
static uint32_t number(struct punktfunk_connection *c, const struct punktfunk_input_event *e)
{
	if (e->kind != PF_INPUT_PAD_SNAPSHOT && e->kind != PF_INPUT_PAD_REMOVED)
		return e->flags;
	pthread_mutex_lock(&c->state_lock);
	uint32_t seq = c->pad_seq[e->flags & 0xFF]++;
	pthread_mutex_unlock(&c->state_lock);
	return (e->flags & 0xFFFFFF) | seq << 24;
}

int punktfunk_connection_send_input(
	struct punktfunk_connection *c, const struct punktfunk_input_event *event)
{
	if (!c || !event)
		return PF_E_NULL;
	if (!input_ok(event))
		return PF_E_INVALID;
	int err = ended(c);
	if (err < 0)
		return err;
	struct pf_input in = {event->kind, event->code, event->x, event->y, event->flags};
	if (fallback_wanted(c, in.kind))
		return fallback_send(c, &in);
	in.flags = number(c, event);
	bool key = in.kind == PF_INPUT_KEY_DOWN || in.kind == PF_INPUT_KEY_UP;
	if (key && (c->welcome.host_caps2 & PF_HCAP2_INPUT_EDGES))
		return post_msg(c, &(struct pf_msg){.type = PF_MSG_INPUT_EDGE, .input_edge = in});
	uint8_t buf[PF_INPUT_LEN];
	pf_input_write(buf, &in);
	return session_post(c, true, buf, sizeof(buf));
}

int punktfunk_connection_send_mic(
	struct punktfunk_connection *c, uint64_t pts_ns, const uint8_t *opus, size_t len)
{
	uint8_t buf[PF_DGRAM_MAX];
	if (!c || !opus)
		return PF_E_NULL;
	int err = ended(c);
	if (err < 0)
		return err;
	struct pf_audio a = {.tag = PF_DGRAM_MIC,
		.pts_ns = pts_ns ? pts_ns : session_realtime_ns(),
		.data = opus,
		.len = len};
	pthread_mutex_lock(&c->state_lock);
	a.seq = c->mic_seq;
	int n = pf_audio_write(buf, sizeof(buf), &a);
	if (n > 0)
		c->mic_seq++;
	pthread_mutex_unlock(&c->state_lock);
	return n < 0 ? PF_E_INVALID : session_post(c, true, buf, (size_t)n);
}

static int16_t to_i16(int32_t v)
{
	return (int16_t)(v < INT16_MIN ? INT16_MIN : v > INT16_MAX ? INT16_MAX : v);
}

static int fill_rich(struct pf_rich *r, const struct punktfunk_rich_input *in)
{
	r->kind = in->kind;
	r->pad = in->pad;
	switch (in->kind) {
	case PF_RICH_TOUCHPAD:
		if (in->x < 0 || in->x > UINT16_MAX || in->y < 0 || in->y > UINT16_MAX)
			return PF_E_INVALID;
		r->touchpad.finger = in->finger;
		r->touchpad.active = in->state & 1;
		r->touchpad.x = (uint16_t)in->x;
		r->touchpad.y = (uint16_t)in->y;
		return PF_OK;
	case PF_RICH_MOTION:
		memcpy(r->motion.gyro, in->gyro, sizeof(in->gyro));
		memcpy(r->motion.accel, in->accel, sizeof(in->accel));
		return PF_OK;
	case PF_RICH_TOUCHPAD_EX:
		r->touchpad_ex.surface = in->surface;
		r->touchpad_ex.finger = in->finger;
		r->touchpad_ex.state = in->state;
		r->touchpad_ex.x = to_i16(in->x);
		r->touchpad_ex.y = to_i16(in->y);
		r->touchpad_ex.pressure = in->pressure;
		return PF_OK;
	case PF_RICH_RAW:
		if (in->len > PF_RICH_RAW_MAX)
			return PF_E_INVALID;
		r->raw.len = in->len;
		memcpy(r->raw.data, in->data, in->len);
		return PF_OK;
	default:
		return PF_E_INVALID;
	}
}

static int post_rich(struct punktfunk_connection *c, const struct pf_rich *r)
{
	uint8_t buf[PF_RICH_MAX_LEN];
	int n = pf_rich_write(buf, sizeof(buf), r);
	return n < 0 ? PF_E_INVALID : session_post(c, true, buf, (size_t)n);
}

int punktfunk_connection_send_rich_input(
	struct punktfunk_connection *c, const struct punktfunk_rich_input *input)
{
	struct punktfunk_rich_input in = {0};
	struct pf_rich r = {0};
	if (!c || !input)
		return PF_E_NULL;
	if (input->size < offsetof(struct punktfunk_rich_input, surface))
		return PF_E_INVALID;
	memcpy(&in, input, input->size < sizeof(in) ? input->size : sizeof(in));
	if (in.pad >= PF_PADS || fill_rich(&r, &in) < 0)
		return PF_E_INVALID;
	int err = ended(c);
	return err < 0 ? err : post_rich(c, &r);
}

int punktfunk_connection_send_pen(struct punktfunk_connection *c,
	const struct punktfunk_pen_sample *samples, size_t n_samples)
{
	struct pf_rich r = {.kind = PF_RICH_PEN};
	if (!c || !samples)
		return PF_E_NULL;
	if (!n_samples || n_samples > PF_PEN_MAX_SAMPLES)
		return PF_E_INVALID;
	for (size_t i = 0; i < n_samples; i++) {
		const struct punktfunk_pen_sample *s = &samples[i];
		if (!isfinite(s->x) || !isfinite(s->y))
			return PF_E_INVALID;
		r.pen.samples[i] = (struct pf_pen_sample){
			.state = s->state,
			.tool = s->tool,
			.x = s->x,
			.y = s->y,
			.pressure = s->pressure,
			.distance = s->distance,
			.tilt = s->tilt,
			.azimuth = s->azimuth,
			.roll = s->roll,
			.dt_us = s->dt_us,
		};
	}
	int err = ended(c);
	if (err < 0)
		return err;
	r.pen.count = (uint8_t)n_samples;
	pthread_mutex_lock(&c->state_lock);
	r.pen.seq = c->pen_seq++;
	pthread_mutex_unlock(&c->state_lock);
	return post_rich(c, &r);
}

int punktfunk_connection_request_mode(
	struct punktfunk_connection *c, uint32_t width, uint32_t height, uint32_t refresh_hz)
{
	struct pf_msg m = {.type = PF_MSG_RECONFIGURE, .reconfigure = {width, height, refresh_hz}};
	if (!c)
		return PF_E_NULL;
	if (!pf_mode_valid(&m.reconfigure))
		return PF_E_INVALID;
	pthread_mutex_lock(&c->state_lock);
	c->mode_result = 0;
	pthread_mutex_unlock(&c->state_lock);
	return post_msg(c, &m);
}

int punktfunk_connection_request_keyframe(struct punktfunk_connection *c)
{
	struct pf_msg m = {.type = PF_MSG_REQUEST_KEYFRAME};
	if (!c)
		return PF_E_NULL;
	atomic_fetch_add(&c->keyframes_requested, 1);
	return post_msg(c, &m);
}

int punktfunk_connection_request_bitrate(struct punktfunk_connection *c, uint32_t kbps)
{
	struct pf_msg m = {.type = PF_MSG_SET_BITRATE, .bitrate_kbps = kbps};
	return c ? post_msg(c, &m) : PF_E_NULL;
}

int punktfunk_connection_set_cursor_render(struct punktfunk_connection *c, int client_draws)
{
	struct pf_msg m = {.type = PF_MSG_CURSOR_RENDER, .client_draws_cursor = client_draws != 0};
	return c ? post_msg(c, &m) : PF_E_NULL;
}

int punktfunk_connection_set_delivery(struct punktfunk_connection *c, uint32_t delivery)
{
	struct pf_msg m = {.type = PF_MSG_SET_DELIVERY, .set_delivery = (uint8_t)delivery};
	if (!c)
		return PF_E_NULL;
	return delivery <= PF_DELIVERY_SMOOTH ? post_msg(c, &m) : PF_E_INVALID;
}

int punktfunk_connection_speed_test(
	struct punktfunk_connection *c, uint32_t kbps, uint32_t duration_ms)
{
	struct pf_msg m = {.type = PF_MSG_PROBE_REQUEST, .probe_request = {kbps, duration_ms}};
	if (!c)
		return PF_E_NULL;
	if (kbps < MIN_KBPS || kbps > MAX_KBPS || !duration_ms || duration_ms > MAX_SPEED_MS)
		return PF_E_INVALID;
	pthread_mutex_lock(&c->state_lock);
	bool busy = c->speed.step == SPEED_RUNNING || c->speed.step == SPEED_RESULT;
	if (!busy)
		c->speed = (struct speed){
			.step = SPEED_RUNNING,
			.ends_ns = session_now_ns() + (duration_ms + SPEED_GRACE_MS) * 1000000ull,
		};
	pthread_mutex_unlock(&c->state_lock);
	if (busy)
		return PF_E_FULL;
	int err = post_msg(c, &m);
	if (err < 0) {
		pthread_mutex_lock(&c->state_lock);
		c->speed.step = SPEED_NONE;
		pthread_mutex_unlock(&c->state_lock);
	}
	return err;
}

void punktfunk_connection_disconnect_quit(struct punktfunk_connection *c)
{
	if (c)
		atomic_store(&c->quit_on_purpose, true);
}
