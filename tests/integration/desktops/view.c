/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include "tests/integration/desktops/view.h"

#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavutil/frame.h>

#include "client/decode/decode.h"
#include "client/png.h"
#include "host/media/clock.h"
#include "tests/integration/desktops/rig.h"
#include "tests/support/wl_app.h"

#define SLOW_NS UINT64_C(20000000000) /* a compositor that was left alone is asked again by then */
#define NEAR	24 /* of 255: what an encoder that is in a hurry may do to a plain surface */

static int open_connection(struct view *v, struct punktfunk_connect_opts *o, int port,
	uint32_t width, uint32_t height, uint32_t hz)
{
	o->host = "127.0.0.1";
	o->port = (uint16_t)port;
	o->mode = (struct punktfunk_mode){width, height, hz};
	v->start_ns = clock_realtime_ns();
	const int err = punktfunk_connect_opts(&v->c, o, v->message, sizeof(v->message));
	if (err < 0)
		v->c = NULL;
	return err;
}

int view_connect(struct view *v, uint32_t width, uint32_t height, uint32_t hz)
{
	struct punktfunk_connect_opts o;
	memset(v, 0, sizeof(*v));
	punktfunk_connect_opts_init(&o);
	return open_connection(v, &o, rig.host.port, width, height, hz);
}

int view_connect_known(struct view *v, uint32_t width, uint32_t height, uint32_t hz)
{
	char cert[4096], key[4096];
	struct punktfunk_connect_opts o;
	memset(v, 0, sizeof(*v));
	punktfunk_connect_opts_init(&o);
	assert_int_equal(punktfunk_generate_identity(cert, sizeof(cert), key, sizeof(key)), 0);
	o.cert_pem = cert;
	o.key_pem = key;
	return open_connection(v, &o, rig.host.port, width, height, hz);
}

static void make_decoder(struct view *v)
{
	assert_int_equal(decode_create(&v->decode), 0);
	v->picture = av_frame_alloc();
	assert_non_null(v->picture);
}

void view_open(struct view *v, uint32_t width, uint32_t height, uint32_t hz)
{
	/* Where everything is slow, a host may take a compositor that is busy for one that hangs. */
	const uint64_t until = clock_now_ns() + (getenv("PUNKTFUNK_TEST_SLOW") ? SLOW_NS : 0);
	while (view_connect(v, width, height, hz) < 0) {
		if (clock_now_ns() >= until)
			fail_msg("the host does not serve %ux%u: %s", width, height, v->message);
		rig_pause_ms(500);
	}
	make_decoder(v);
}

void view_open_at(struct view *v, int port, uint32_t width, uint32_t height, uint32_t hz)
{
	struct punktfunk_connect_opts o;
	memset(v, 0, sizeof(*v));
	punktfunk_connect_opts_init(&o);
	if (open_connection(v, &o, port, width, height, hz) < 0)
		fail_msg("the host on port %d does not serve %ux%u: %s", port, width, height,
			v->message);
	make_decoder(v);
}

void view_vanish(struct view *v)
{
	punktfunk_connection_close(v->c);
	decode_destroy(v->decode);
	av_frame_free(&v->picture);
	memset(v, 0, sizeof(*v));
}

void view_close(struct view *v)
{
	if (v->c)
		punktfunk_connection_disconnect_quit(v->c);
	view_vanish(v);
}

static void decode_frame(struct view *v, const struct punktfunk_frame *f)
{
	AVPacket *packet = av_packet_alloc();
	AVFrame *picture = av_frame_alloc();
	assert_non_null(packet);
	assert_non_null(picture);
	assert_int_equal(av_new_packet(packet, (int)f->len), 0);
	memcpy(packet->data, f->data, f->len);
	if (decode_unit(v->decode, packet, picture) == PUNKTFUNK_OK) {
		av_frame_unref(v->picture);
		av_frame_move_ref(v->picture, picture);
	}
	av_frame_free(&picture);
	av_packet_free(&packet);
}

bool view_next(struct view *v, unsigned timeout_ms, bool decoded)
{
	struct punktfunk_frame f = {.size = sizeof(f)};
	const int err = punktfunk_connection_next_au(v->c, &f, timeout_ms);
	if (err == PUNKTFUNK_E_NO_FRAME)
		return false;
	if (err != PUNKTFUNK_OK)
		fail_msg("the stream ended: %s", punktfunk_connection_end_message(v->c));
	if (!v->first_pts_ns)
		v->first_pts_ns = f.pts_ns;
	v->n_new += !(f.flags & PUNKTFUNK_FRAME_REPEATED);
	if (decoded)
		decode_frame(v, &f);
	return true;
}

double view_first_ms(struct view *v)
{
	const uint64_t until = clock_now_ns() + UINT64_C(10000000000);
	while (!v->first_pts_ns && clock_now_ns() < until)
		view_next(v, 50, true);
	assert_true(v->first_pts_ns > v->start_ns);
	return (double)(v->first_pts_ns - v->start_ns) / 1e6;
}

static double clamp(double value)
{
	return value < 0 ? 0 : value > 255 ? 255 : value;
}

static uint32_t pixel(const AVFrame *p, int x, int y)
{
	const bool full = p->color_range == AVCOL_RANGE_JPEG;
	const bool sd = p->colorspace == AVCOL_SPC_SMPTE170M || p->colorspace == AVCOL_SPC_BT470BG;
	const double kr = sd ? 0.299 : 0.2126, kb = sd ? 0.114 : 0.0722, kg = 1 - kr - kb;
	const double luma = p->data[0][y * p->linesize[0] + x];
	const double cb = p->data[1][y / 2 * p->linesize[1] + x / 2] - 128.0;
	const double cr = p->data[2][y / 2 * p->linesize[2] + x / 2] - 128.0;
	const double l = full ? luma : (luma - 16) * 255 / 219, scale = full ? 1 : 255.0 / 224;
	const double r = clamp(l + 2 * (1 - kr) * cr * scale),
		     b = clamp(l + 2 * (1 - kb) * cb * scale),
		     g = clamp((l - kr * r - kb * b) / kg);
	return (uint32_t)r << 16 | (uint32_t)g << 8 | (uint32_t)b;
}

static bool is(const AVFrame *p, int x, int y, uint32_t rgb)
{
	const uint32_t got = pixel(p, x, y);
	for (int shift = 0; shift < 24; shift += 8)
		if (abs((int)(got >> shift & 0xFF) - (int)(rgb >> shift & 0xFF)) > NEAR)
			return false;
	return true;
}

/* A corner's square, at both of its ends and beyond them: it is where it should be within some four pixels. */
static bool has_corner(const AVFrame *p, int x, int y, int dx, int dy, uint32_t rgb, uint32_t other)
{
	const int in = WL_APP_CORNER - 4, out = WL_APP_CORNER + 4;
	return is(p, x + dx, y + dy, rgb) && is(p, x + in * dx, y + in * dy, rgb) &&
		is(p, x + out * dx, y + dy, other) && is(p, x + dx, y + out * dy, other);
}

bool view_has_size(const struct view *v, int width, int height)
{
	return v->picture->width == width && v->picture->height == height;
}

bool view_shows(struct view *v, int width, int height, uint32_t rgb)
{
	const AVFrame *p = v->picture;
	const int w = width - 1, h = height - 1;
	return view_has_size(v, width, height) && has_corner(p, 0, 0, 1, 1, WL_APP_TOP_LEFT, rgb) &&
		has_corner(p, w, 0, -1, 1, WL_APP_TOP_RIGHT, rgb) &&
		has_corner(p, 0, h, 1, -1, WL_APP_BOTTOM_LEFT, rgb) &&
		has_corner(p, w, h, -1, -1, WL_APP_BOTTOM_RIGHT, rgb) && is(p, w / 4, h / 2, rgb) &&
		is(p, w * 3 / 4, h / 2, rgb);
}

static void save(struct view *v)
{
	const char *dir = getenv("PUNKTFUNK_TEST_PICTURES");
	char path[512];
	if (!dir || !v->picture->width)
		return;
	snprintf(path, sizeof(path), "%s/%s-%dx%d.png", dir, rig.kind->name, v->picture->width,
		v->picture->height);
	if (png_write(path, v->picture) < 0)
		fprintf(stderr, "%s cannot be written\n", path);
}

bool view_wait_shows(struct view *v, int width, int height, uint32_t rgb, unsigned timeout_ms)
{
	const uint64_t until = clock_now_ns() + timeout_ms * UINT64_C(1000000);
	bool shown = view_shows(v, width, height, rgb);
	while (!shown && clock_now_ns() < until) {
		if (view_next(v, 50, true))
			shown = view_shows(v, width, height, rgb);
	}
	save(v);
	return shown;
}

int view_number(struct view *v)
{
	const AVFrame *p = v->picture;
	const int side = WL_APP_CELL, x0 = p->width / 2 - WL_APP_BITS / 2 * side,
		  y0 = p->height / 2 - side / 2;
	int number = 0;
	if (p->width < side * WL_APP_BITS || p->height < side)
		return -1;
	for (int i = 0; i < WL_APP_BITS; i++) {
		const int x = x0 + i * side + side / 2, y = y0 + side / 2;
		const uint32_t got = pixel(p, x, y) >> 8 & 0xFF;
		if (got > 96 && got < 160)
			return -1;
		number |= (got >= 160) << i;
	}
	return number;
}

const char *view_wait_end(struct view *v, unsigned timeout_ms)
{
	const uint64_t until = clock_now_ns() + timeout_ms * UINT64_C(1000000);
	struct punktfunk_frame f = {.size = sizeof(f)};
	int err = PUNKTFUNK_OK;
	while (err != PUNKTFUNK_E_CLOSED && clock_now_ns() < until)
		err = punktfunk_connection_next_au(v->c, &f, 50);
	return err == PUNKTFUNK_E_CLOSED ? punktfunk_connection_end_message(v->c) : NULL;
}

void view_send(struct view *v, uint8_t kind, uint32_t code, int32_t x, int32_t y, uint32_t flags)
{
	const struct punktfunk_input_event e = {
		.kind = kind, .code = code, .x = x, .y = y, .flags = flags};
	assert_int_equal(punktfunk_connection_send_input(v->c, &e), PUNKTFUNK_OK);
}
