/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/bytes.h"
#include "core/wire/text.h"
#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/config/config.h"
#include "host/encode/encoder.h"
#include "host/host.h"
#include "host/media/clock.h"
#include "host/native/access.h"
#include "host/native/clip.h"
#include "host/native/control.h"
#include "host/native/internal.h"
#include "host/session/kept.h"

/* Hello -> session -> Welcome -> Start -> punch -> pictures (wire 4.6). */

static uint8_t choose_codec(const struct native_client *c)
{
	uint8_t offered = c->hello.codecs ? c->hello.codecs : PF_CODEC_HEVC;
	return encoder_offer_choose(&c->native->host->offer, offered, c->hello.preferred_codec);
}

static uint32_t choose_bitrate(const struct native_client *c)
{
	const struct config *config = c->native->host->config;
	uint32_t kbps = c->hello.bitrate_kbps ? c->hello.bitrate_kbps : config->bitrate;
	if (kbps < ENCODER_MIN_KBPS)
		return ENCODER_MIN_KBPS;
	return kbps > config->max_bitrate ? config->max_bitrate : kbps;
}

static void on_session_lost(const char *why, void *userdata)
{
	struct native_client *c = userdata;
	/* Not from inside session code: the close goes out now, the session stops with the connection. */
	log_error("native: %s: %s", c->name, why);
	c->session_failed = true;
	quic_conn_close(c->conn, PF_CLOSE_SETUP_FAILED, why);
	native_flush(c->native);
}

static void take_name(struct native_client *c)
{
	if (c->hello.name[0])
		pf_text_clean(c->name, sizeof(c->name), c->hello.name, strlen(c->hello.name));
}

static int make_session(struct native_client *c, uint32_t kbps, const char **why)
{
	struct vdisplay_output output;
	struct session_params params = {
		.host = c->native->host,
		.mode = c->hello.mode,
		.bitrate_kbps = kbps,
		.codec = choose_codec(c),
		.sink = {.video = data_video,
			.between = probe_between,
			.cursor = c->hello.client_caps & PF_CCAP_CURSOR ? cursor_moved : NULL,
			.lost = on_session_lost,
			.userdata = c},
		.name = c->name,
		.owner = c->has_fp ? c->fp : NULL,
		.adopt_any_size = true, /* Welcome tells which */
	};
	if (!params.codec) {
		*why = "host and client share no video codec; see --codecs of the host";
		return PF_E_UNSUPPORTED;
	}
	/* From here on the session that it had is over. */
	if (stay_take(c, &output))
		params.adopt = &output;
	int err = session_create(&c->session, &params, why);
	if (err < 0)
		return err;
	c->native->n_streaming++;
	sound_open(c);
	err = data_open(c, kbps, session_mode(c->session).refresh_hz);
	if (err < 0)
		*why = err == PF_E_BUSY ? "the host's video port is in use"
					: "the host could not open a video port";
	return err;
}

static void announce_input(const struct native_client *c, struct pf_welcome *w)
{
	const struct inject_caps caps = session_input_caps(c->session);
	w->host_caps |= (caps.text ? PF_HCAP_TEXT : 0) | (caps.pads ? PF_HCAP_PAD_SNAPSHOT : 0);
	w->host_caps2 |= (caps.touch ? PF_HCAP2_TOUCH : 0) |
		(caps.smooth_scroll ? PF_HCAP2_SMOOTH_SCROLL : 0);
}

static int send_welcome(struct native_client *c, uint32_t kbps)
{
	uint8_t buf[2 + 256];
	struct pf_welcome w;
	pf_welcome_init(&w);
	w.data_port = (uint16_t)c->data.port;
	w.mode = session_mode(c->session);
	w.fec_scheme = PF_FEC_GF16;
	w.fec_percent = (uint8_t)adapt_first_fec(c->native->host->config);
	w.max_data_per_block = MAX_DATA_PER_BLOCK;
	w.shard_payload = (uint16_t)c->data.shard_payload;
	w.encrypt = 1;
	memcpy(w.aes_key, c->data.key, sizeof(w.aes_key));
	memcpy(w.salt, c->data.salt, sizeof(w.salt));
	w.compositor = session_compositor(c->session);
	w.bitrate_kbps = kbps;
	w.codec = choose_codec(c);
	encoder_colour(c->native->host->config->encoder, w.codec, w.colour);
	w.host_caps = clip_host_caps(c) | cursor_begin(c);
	w.audio_channels = c->hello.audio_channels;
	w.host_caps2 = PF_HCAP2_EXT_BLOCK | PF_HCAP2_REPEAT_MARK | PF_HCAP2_DELIVERY |
		PF_HCAP2_INPUT_EDGES;
	announce_input(c, &w);
	w.grants = access_told(c);
	w.expires_s = access_left_s(c);
	int n = pf_welcome_write(buf + 2, sizeof(buf) - 2, &w);
	pf_wipe(&w, sizeof(w));
	pf_wipe(c->data.key, sizeof(c->data.key));
	pf_check(n > 0);
	pf_put_le16(buf, (uint16_t)n);
	int err = quic_conn_send(c->conn, c->stream, buf, 2u + (size_t)n, false);
	pf_wipe(buf, sizeof(buf));
	return err;
}

static void refuse_mode(struct native_client *c)
{
	char why[96];
	const struct pf_mode *m = &c->hello.mode;
	if (pf_mode_valid(m))
		snprintf(why, sizeof(why),
			"a display of %ux%u is larger than this host allows (%u megapixels)",
			m->width, m->height, c->native->host->config->max_megapixels);
	else
		snprintf(why, sizeof(why), "a display of %ux%u at %u Hz cannot be made", m->width,
			m->height, m->refresh_hz);
	native_end(c, PF_CLOSE_SETUP_FAILED, why);
}

/*
 * A display that waits for its client takes a place, as it costs the desktop as much as one in use; but it gives
 * way to a client that is here.
 */
static bool make_room(const struct native_client *c)
{
	const struct native *n = c->native;
	uint32_t most = n->host->config->max_concurrent;
	if (stay_has(c))
		return true; /* it has a place already */
	while (n->n_streaming + kept_count(n->host->kept) >= most)
		if (n->n_streaming >= most || !kept_drop_oldest(n->host->kept))
			return false;
	return true;
}

void handshake_admitted(struct native_client *c)
{
	const char *why = "";
	if (!make_room(c)) {
		native_end(
			c, PF_CLOSE_BUSY, "the host is busy: it serves as many clients as it may");
		return;
	}
	uint32_t kbps = choose_bitrate(c);
	int err = make_session(c, kbps, &why);
	if (err < 0) {
		native_end(c, err == PF_E_BUSY ? PF_CLOSE_BUSY : PF_CLOSE_SETUP_FAILED, why);
		return;
	}
	struct pf_mode made = session_mode(c->session);
	log_info("native: %s: %ux%u at %u Hz, %u kbit/s, video on UDP port %d", c->name, made.width,
		made.height, made.refresh_hz, kbps, c->data.port);
	c->state = CLIENT_START;
	/* Of its own: a desktop that takes long to make its display is not the client's fault. */
	loop_set_deadline(c->timer, clock_now_ns() + FIRST_MESSAGE_NS);
	adapt_begin(c, kbps);
	if (send_welcome(c, kbps) < 0)
		native_end(c, PF_CLOSE_SETUP_FAILED, "the host could not answer");
}

static int handle_hello(struct native_client *c, const uint8_t *payload, size_t len)
{
	int err = pf_hello_read(&c->hello, payload, len);
	if (err < 0)
		return err;
	take_name(c);
	if (c->hello.version != PF_WIRE_VERSION) {
		native_end(c, PF_CLOSE_WIRE_VERSION,
			"host and client speak different versions of the protocol: update the "
			"older one");
		return PF_OK;
	}
	if (!session_mode_allowed(c->native->host, &c->hello.mode)) {
		refuse_mode(c);
		return PF_OK;
	}
	if (access_admit(c))
		handshake_admitted(c);
	return PF_OK;
}

static int handle_start(struct native_client *c, const uint8_t *payload, size_t len)
{
	struct pf_start start;
	int err = pf_start_read(&start, payload, len);
	if (err < 0)
		return err;
	if (start.ext_offset) {
		struct pf_ext ext;
		err = pf_ext_parse(&ext, payload + start.ext_offset, len - start.ext_offset);
		if (err < 0)
			return err;
		c->reads_reason = ext.abr_features & PF_ABR_READS_REASON;
	}
	c->start_port = start.client_port;
	/* One from another port may be an older client of that machine: the next punch tells. */
	if (c->early_port && c->early_port == start.client_port && data_assume_peer(c) == PF_OK) {
		handshake_stream(c);
		return PF_OK;
	}
	c->state = CLIENT_PUNCH;
	loop_set_deadline(c->timer, clock_now_ns() + PUNCH_WAIT_NS);
	return PF_OK;
}

int handshake_payload(struct native_client *c, const uint8_t *payload, size_t len)
{
	switch (c->state) {
	case CLIENT_HELLO:
		return handle_hello(c, payload, len);
	case CLIENT_START:
		return handle_start(c, payload, len);
	default:
		return PF_E_BAD_PACKET; /* a second Hello or Start */
	}
}

void handshake_stream(struct native_client *c)
{
	uint32_t seconds = c->native->host->config->seconds;
	c->state = CLIENT_STREAM;
	loop_set_deadline(
		c->timer, seconds ? clock_now_ns() + seconds * 1000000000ull : UINT64_MAX);
	if (session_start(c->session) < 0)
		native_end(c, PF_CLOSE_SETUP_FAILED, "the host could not start the stream");
	else {
		delivery_begin(c);
		adapt_stream(c);
		sound_begin(c, choose_bitrate(c));
	}
}
