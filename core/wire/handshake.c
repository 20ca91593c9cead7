/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/wire/handshake.h"

#include <string.h>

#include "core/base/bytes.h"
#include "core/crypto/aead.h"
#include "core/fec/fec.h"
#include "core/wire/text.h"

#define DEFAULT_RATE_HZ	  48000u
#define DEFAULT_FRAME_US  5000u /* the Opus frame; a PCM host always says its own */
#define HELLO_BITRATE_END 26u
#define WELCOME_FIELDS	  10 /* behind host_caps: an extension block comes after all of them */

static const uint8_t magic[4] = {'P', 'K', 'F', '1'};

bool pf_mode_valid(const struct pf_mode *mode)
{
	return mode->width >= PF_MODE_MIN_SIDE && mode->width <= PF_MODE_MAX_SIDE &&
		mode->height >= PF_MODE_MIN_SIDE && mode->height <= PF_MODE_MAX_SIDE &&
		mode->refresh_hz >= PF_MODE_MIN_HZ && mode->refresh_hz <= PF_MODE_MAX_HZ &&
		(uint64_t)mode->width * mode->height <= PF_MODE_MAX_PIXELS;
}

/*
 * Fields behind the minimum are optional by truncation: one that does not fit whole is absent, and
 * so is everything after it.
 */
static bool has(struct pf_reader *r, size_t len)
{
	if (pf_reader_left(r) >= len)
		return true;
	r->p = r->end;
	return false;
}

bool pf_handshake_is(const uint8_t *payload, size_t len)
{
	return len >= sizeof magic && !memcmp(payload, magic, sizeof magic);
}

static bool read_magic(struct pf_reader *r)
{
	const uint8_t *p = pf_read_bytes(r, sizeof magic);
	return p && !memcmp(p, magic, sizeof magic);
}

static void read_mode(struct pf_reader *r, struct pf_mode *mode)
{
	mode->width = pf_read_le32(r);
	mode->height = pf_read_le32(r);
	mode->refresh_hz = pf_read_le32(r);
}

static void write_mode(struct pf_writer *w, const struct pf_mode *mode)
{
	pf_write_le32(w, mode->width);
	pf_write_le32(w, mode->height);
	pf_write_le32(w, mode->refresh_hz);
}

/* Length u8 || bytes into out[cap]; empty when absent, too long or not text. */
static void read_text(struct pf_reader *r, char *out, size_t cap)
{
	out[0] = '\0';
	if (!has(r, 1))
		return;
	size_t len = pf_read_u8(r);
	if (!has(r, len))
		return;
	const uint8_t *p = pf_read_bytes(r, len);
	if (!p || len >= cap || !pf_text_valid(p, len))
		return;
	memcpy(out, p, len);
	out[len] = '\0';
}

static void write_text(struct pf_writer *w, const char *text, size_t len)
{
	pf_write_u8(w, (uint8_t)len);
	pf_write_bytes(w, text, len);
}

static bool text_ok(const char *text, size_t cap)
{
	size_t len = strnlen(text, cap);
	return len < cap && pf_text_valid((const uint8_t *)text, len);
}

static uint8_t channels_or_stereo(uint8_t n)
{
	return n == 6 || n == 8 ? n : 2;
}

static bool one_bit(uint8_t v)
{
	return v && !(v & (v - 1));
}

static int written(const struct pf_writer *w)
{
	return w->ok ? (int)pf_writer_len(w) : PF_E_FULL;
}

/* The same, with an extension block behind; NULL = none. */
static int written_with(const struct pf_writer *w, const struct pf_ext *ext)
{
	int len = written(w);
	if (len < 0 || !ext)
		return len;
	int n = pf_ext_write(w->p, (size_t)(w->end - w->p), ext);
	return n < 0 ? n : len + n;
}

void pf_hello_init(struct pf_hello *h)
{
	*h = (struct pf_hello){
		.version = PF_WIRE_VERSION,
		.audio_channels = 2,
		.audio_rate_hz = DEFAULT_RATE_HZ,
		.audio_bits = 16,
	};
}

static bool hello_ok(const struct pf_hello *h)
{
	return pf_mode_valid(&h->mode) && text_ok(h->name, sizeof h->name) &&
		text_ok(h->launch, sizeof h->launch) &&
		channels_or_stereo(h->audio_channels) == h->audio_channels &&
		(!h->preferred_codec || one_bit(h->preferred_codec)) &&
		(h->audio_bits == 16 || h->audio_bits == 24) && h->video_fit <= 2;
}

/* How many of the fields behind the bitrate must be written: the last that is not its default. */
static int hello_last_field(const struct pf_hello *h)
{
	const bool differs[] = {
		h->name[0] != '\0',
		h->launch[0] != '\0',
		h->video_caps != 0,
		h->audio_channels != 2,
		h->codecs != 0,
		h->preferred_codec != 0,
		h->has_hdr_volume,
		h->client_caps != 0,
		h->max_shard != 0,
		h->audio_rate_hz != DEFAULT_RATE_HZ,
		h->audio_bits != 16,
		h->audio_layout != 0,
		h->video_fit != 0,
	};
	int last = 0;
	for (int i = 0; i < (int)(sizeof differs / sizeof differs[0]); i++)
		if (differs[i])
			last = i + 1;
	return last;
}

static void hello_write_field(struct pf_writer *w, const struct pf_hello *h, int field)
{
	switch (field) {
	case 1:
		write_text(w, h->name, strlen(h->name));
		break;
	case 2:
		write_text(w, h->launch, strlen(h->launch));
		break;
	case 3:
		pf_write_u8(w, h->video_caps);
		break;
	case 4:
		pf_write_u8(w, h->audio_channels);
		break;
	case 5:
		pf_write_u8(w, h->codecs);
		break;
	case 6:
		pf_write_u8(w, h->preferred_codec);
		break;
	case 7:
		if (h->has_hdr_volume)
			pf_write_bytes(w, h->hdr_volume, PF_HDR_VOLUME_LEN);
		break;
	case 8:
		pf_write_u8(w, h->client_caps);
		break;
	case 9:
		pf_write_le16(w, h->max_shard);
		break;
	case 10:
		pf_write_le32(w, h->audio_rate_hz);
		break;
	case 11:
		pf_write_u8(w, h->audio_bits);
		break;
	case 12:
		pf_write_u8(w, h->audio_layout);
		break;
	case 13:
		pf_write_u8(w, h->video_fit);
		break;
	default:
		pf_check(false);
	}
}

/*
 * Hello: 0 `PKF1`, 4 version u32, 8 width u32, 12 height u32, 16 refresh u32, 20 compositor u8,
 * 21 gamepad u8, 22 bitrate u32, 26 name, launch (length u8 || UTF-8 each), then at T:
 * T+0 video caps u8, T+1 channels u8, T+2 codecs u8, T+3 preferred u8, [T+4 HDR volume 28], then at P:
 * P+0 client caps u8, P+1 max shard u16, P+3 audio rate u32, P+7 bits u8, P+8 layout u8, P+9 fit u8.
 */
int pf_hello_write(uint8_t *out, size_t cap, const struct pf_hello *h)
{
	if (!hello_ok(h))
		return PF_E_INVALID;
	struct pf_writer w = pf_writer_make(out, cap);
	pf_write_bytes(&w, magic, sizeof magic);
	pf_write_le32(&w, h->version);
	write_mode(&w, &h->mode);
	pf_write_u8(&w, h->compositor);
	pf_write_u8(&w, h->gamepad);
	pf_write_le32(&w, h->bitrate_kbps);
	int last = hello_last_field(h);
	for (int field = 1; field <= last; field++)
		hello_write_field(&w, h, field);
	return written(&w);
}

static void hello_read_tail(struct pf_reader *r, struct pf_hello *h)
{
	if (has(r, 1))
		h->video_caps = pf_read_u8(r);
	if (has(r, 1))
		h->audio_channels = channels_or_stereo(pf_read_u8(r));
	if (has(r, 1))
		h->codecs = pf_read_u8(r);
	if (has(r, 1))
		h->preferred_codec = pf_read_u8(r);
	if (!one_bit(h->preferred_codec))
		h->preferred_codec = 0;
	/* No flag says that the HDR block is there: the fields behind it are always shorter than it. */
	if (pf_reader_left(r) >= PF_HDR_VOLUME_LEN) {
		h->has_hdr_volume = true;
		memcpy(h->hdr_volume, pf_read_bytes(r, PF_HDR_VOLUME_LEN), PF_HDR_VOLUME_LEN);
	}
	if (has(r, 1))
		h->client_caps = pf_read_u8(r);
	if (has(r, 2))
		h->max_shard = pf_read_le16(r);
	if (has(r, 4))
		h->audio_rate_hz = pf_read_le32(r);
	if (!h->audio_rate_hz)
		h->audio_rate_hz = DEFAULT_RATE_HZ;
	if (has(r, 1))
		h->audio_bits = pf_read_u8(r) == 24 ? 24 : 16;
	if (has(r, 1))
		h->audio_layout = pf_read_u8(r);
	if (has(r, 1))
		h->video_fit = pf_read_u8(r);
	if (h->video_fit > 2)
		h->video_fit = 0;
}

int pf_hello_read(struct pf_hello *h, const uint8_t *data, size_t len)
{
	pf_hello_init(h);
	struct pf_reader r = pf_reader_make(data, len);
	if (len < PF_HELLO_MIN || len > PF_WIRE_MAX_PAYLOAD || !read_magic(&r))
		return PF_E_BAD_PACKET;
	h->version = pf_read_le32(&r);
	read_mode(&r, &h->mode);
	/* Another version may lay the rest out otherwise; the caller refuses it anyway. */
	if (h->version != PF_WIRE_VERSION)
		return PF_OK;
	if (has(&r, 1))
		h->compositor = pf_read_u8(&r);
	if (has(&r, 1))
		h->gamepad = pf_read_u8(&r);
	if (has(&r, 4))
		h->bitrate_kbps = pf_read_le32(&r);
	read_text(&r, h->name, sizeof h->name);
	read_text(&r, h->launch, sizeof h->launch);
	hello_read_tail(&r, h);
	return PF_OK;
}

void pf_welcome_init(struct pf_welcome *w)
{
	*w = (struct pf_welcome){
		.version = PF_WIRE_VERSION,
		.bit_depth = 8,
		.colour = {1, 1, 1,
			0}, /* BT.709, limited range: what a host without the field sends */
		.chroma_format = 1,
		.audio_channels = 2,
		.codec =
			PF_CODEC_HEVC, /* as codec bits 0 in Hello: before the field there was only HEVC */
		.grants = UINT32_MAX,
		.audio_rate_hz = DEFAULT_RATE_HZ,
		.audio_bits = 16,
		.audio_frame_us = DEFAULT_FRAME_US,
	};
}

static int welcome_check(const struct pf_welcome *w)
{
	if (w->cipher > PF_CIPHER_CHACHA20_POLY1305 || w->fec_scheme > PF_FEC_GF16)
		return PF_E_UNSUPPORTED;
	if (!pf_mode_valid(&w->mode) || w->encrypt > 1 || !w->max_data_per_block ||
		(w->fec_scheme == PF_FEC_GF8 && w->max_data_per_block > PF_FEC_GF8_MAX_SHARDS) ||
		w->shard_payload < PF_SHARD_PAYLOAD_MIN ||
		w->shard_payload > PF_SHARD_PAYLOAD_MAX || w->shard_payload % 2)
		return PF_E_INVALID;
	if ((w->bit_depth != 8 && w->bit_depth != 10) ||
		(w->chroma_format != 1 && w->chroma_format != 3) || !one_bit(w->codec))
		return PF_E_INVALID;
	return PF_OK;
}

/* How many of the fields behind host_caps must be written. */
static int welcome_last_field(const struct pf_welcome *w)
{
	const bool differs[] = {
		w->cipher != PF_CIPHER_AES_128_GCM,
		w->mgmt_port != 0,
		w->grants != UINT32_MAX,
		w->expires_s != 0,
		w->audio_codec != 0,
		w->audio_rate_hz != DEFAULT_RATE_HZ,
		w->audio_bits != 16,
		w->audio_frame_us != DEFAULT_FRAME_US,
		w->host_caps2 != 0,
		w->audio_layout != 0,
	};
	_Static_assert(sizeof differs / sizeof differs[0] == WELCOME_FIELDS, "one for each field");
	int last = 0;
	for (int i = 0; i < WELCOME_FIELDS; i++)
		if (differs[i])
			last = i + 1;
	return last;
}

static void welcome_write_field(struct pf_writer *out, const struct pf_welcome *w, int field)
{
	switch (field) {
	case 1:
		pf_write_u8(out, w->cipher);
		if (w->cipher == PF_CIPHER_CHACHA20_POLY1305)
			pf_write_bytes(out, w->chacha_key, sizeof w->chacha_key);
		break;
	case 2:
		pf_write_le16(out, w->mgmt_port);
		break;
	case 3:
		pf_write_le32(out, w->grants);
		break;
	case 4:
		pf_write_le32(out, w->expires_s);
		break;
	case 5:
		pf_write_u8(out, w->audio_codec);
		break;
	case 6:
		pf_write_le32(out, w->audio_rate_hz);
		break;
	case 7:
		pf_write_u8(out, w->audio_bits);
		break;
	case 8:
		pf_write_le16(out, w->audio_frame_us);
		break;
	case 9:
		pf_write_u8(out, w->host_caps2);
		break;
	case 10:
		pf_write_u8(out, w->audio_layout);
		break;
	default:
		pf_check(false);
	}
}

/*
 * Welcome: 0 `PKF1`, 4 version u32, 8 data port u16, 10 width u32, 14 height u32, 18 refresh u32,
 * 22 FEC scheme u8, 23 FEC percent u8, 24 max data per block u16, 26 shard payload u16, 28 encrypt u8,
 * 29 AES key 16, 45 salt 4, 49 frames u32, 53 compositor u8, 54 gamepad u8, 55 bitrate u32,
 * 59 bit depth u8, 60 CICP 4, 64 chroma u8, 65 channels u8, 66 codec u8, 67 host caps u8,
 * 68 cipher u8, [69 ChaCha key 32], then at A: A+0 management port u16, A+2 grants u32,
 * A+6 expires u32, A+10 audio codec u8, A+11 rate u32, A+15 bits u8, A+16 frame us u16,
 * A+18 host caps 2 u8, A+19 layout u8, [A+20 extension block].
 */
int pf_welcome_write(uint8_t *out, size_t cap, const struct pf_welcome *w)
{
	int err = welcome_check(w);
	if (err < 0)
		return PF_E_INVALID;
	if (channels_or_stereo(w->audio_channels) != w->audio_channels ||
		(w->audio_bits != 16 && w->audio_bits != 24))
		return PF_E_INVALID;
	struct pf_writer wr = pf_writer_make(out, cap);
	pf_write_bytes(&wr, magic, sizeof magic);
	pf_write_le32(&wr, w->version);
	pf_write_le16(&wr, w->data_port);
	write_mode(&wr, &w->mode);
	pf_write_u8(&wr, w->fec_scheme);
	pf_write_u8(&wr, w->fec_percent);
	pf_write_le16(&wr, w->max_data_per_block);
	pf_write_le16(&wr, w->shard_payload);
	pf_write_u8(&wr, w->encrypt);
	pf_write_bytes(&wr, w->aes_key, sizeof w->aes_key);
	pf_write_bytes(&wr, w->salt, sizeof w->salt);
	pf_write_le32(&wr, w->frames);
	pf_write_u8(&wr, w->compositor);
	pf_write_u8(&wr, w->gamepad);
	pf_write_le32(&wr, w->bitrate_kbps);
	pf_write_u8(&wr, w->bit_depth);
	pf_write_bytes(&wr, w->colour, sizeof w->colour);
	pf_write_u8(&wr, w->chroma_format);
	pf_write_u8(&wr, w->audio_channels);
	pf_write_u8(&wr, w->codec);
	pf_write_u8(&wr, w->host_caps);
	int last = w->ext && !pf_ext_is_empty(w->ext) ? WELCOME_FIELDS : welcome_last_field(w);
	for (int field = 1; field <= last; field++)
		welcome_write_field(&wr, w, field);
	return written_with(&wr, w->ext);
}

static void welcome_read_stream(struct pf_reader *r, struct pf_welcome *w)
{
	if (has(r, 1))
		w->compositor = pf_read_u8(r);
	if (has(r, 1))
		w->gamepad = pf_read_u8(r);
	if (has(r, 4))
		w->bitrate_kbps = pf_read_le32(r);
	if (has(r, 1))
		w->bit_depth = pf_read_u8(r);
	if (has(r, 4))
		memcpy(w->colour, pf_read_bytes(r, 4), 4);
	if (has(r, 1))
		w->chroma_format = pf_read_u8(r);
	if (has(r, 1))
		w->audio_channels = channels_or_stereo(pf_read_u8(r));
	if (has(r, 1))
		w->codec = pf_read_u8(r);
	if (!w->codec)
		w->codec = PF_CODEC_HEVC;
	if (has(r, 1))
		w->host_caps = pf_read_u8(r);
}

static int welcome_read_cipher(struct pf_reader *r, struct pf_welcome *w)
{
	if (!has(r, 1))
		return PF_OK;
	w->cipher = pf_read_u8(r);
	if (w->cipher != PF_CIPHER_CHACHA20_POLY1305)
		return PF_OK; /* a foreign one is refused by welcome_check() */
	const uint8_t *key = pf_read_bytes(r, sizeof w->chacha_key);
	if (!key)
		return PF_E_BAD_PACKET;
	memcpy(w->chacha_key, key, sizeof w->chacha_key);
	return PF_OK;
}

static void welcome_read_tail(struct pf_reader *r, struct pf_welcome *w)
{
	if (has(r, 2))
		w->mgmt_port = pf_read_le16(r);
	if (has(r, 4))
		w->grants = pf_read_le32(r);
	if (has(r, 4))
		w->expires_s = pf_read_le32(r);
	if (has(r, 1))
		w->audio_codec = pf_read_u8(r);
	if (has(r, 4))
		w->audio_rate_hz = pf_read_le32(r);
	if (!w->audio_rate_hz)
		w->audio_rate_hz = DEFAULT_RATE_HZ;
	if (has(r, 1))
		w->audio_bits = pf_read_u8(r) == 24 ? 24 : 16;
	if (has(r, 2))
		w->audio_frame_us = pf_read_le16(r);
	if (has(r, 1))
		w->host_caps2 = pf_read_u8(r);
	if (has(r, 1))
		w->audio_layout = pf_read_u8(r);
}

int pf_welcome_read(struct pf_welcome *w, const uint8_t *data, size_t len)
{
	pf_welcome_init(w);
	struct pf_reader r = pf_reader_make(data, len);
	if (len < PF_WELCOME_MIN || len > PF_WIRE_MAX_PAYLOAD || !read_magic(&r))
		return PF_E_BAD_PACKET;
	w->version = pf_read_le32(&r);
	if (w->version != PF_WIRE_VERSION)
		return PF_OK;
	w->data_port = pf_read_le16(&r);
	read_mode(&r, &w->mode);
	w->fec_scheme = pf_read_u8(&r);
	w->fec_percent = pf_read_u8(&r);
	w->max_data_per_block = pf_read_le16(&r);
	w->shard_payload = pf_read_le16(&r);
	w->encrypt = pf_read_u8(&r);
	memcpy(w->aes_key, pf_read_bytes(&r, sizeof w->aes_key), sizeof w->aes_key);
	memcpy(w->salt, pf_read_bytes(&r, sizeof w->salt), sizeof w->salt);
	w->frames = pf_read_le32(&r);
	welcome_read_stream(&r, w);
	int err = welcome_read_cipher(&r, w);
	if (err < 0)
		return err;
	err = welcome_check(w);
	if (err < 0)
		return err;
	welcome_read_tail(&r, w);
	size_t left = pf_reader_left(&r);
	if (!left)
		return PF_OK;
	w->ext_offset = (uint16_t)(len - left);
	return pf_ext_read(r.p, left, NULL, NULL);
}

/* Start: 0 `PKF1`, 4 client UDP port u16, [6 extension block]. */
int pf_start_write(uint8_t *out, size_t cap, const struct pf_start *s)
{
	struct pf_writer w = pf_writer_make(out, cap);
	pf_write_bytes(&w, magic, sizeof magic);
	pf_write_le16(&w, s->client_port);
	return written_with(&w, s->ext);
}

int pf_start_read(struct pf_start *s, const uint8_t *data, size_t len)
{
	*s = (struct pf_start){0};
	struct pf_reader r = pf_reader_make(data, len);
	if (len > PF_WIRE_MAX_PAYLOAD || !read_magic(&r))
		return PF_E_BAD_PACKET;
	s->client_port = pf_read_le16(&r);
	if (!r.ok)
		return PF_E_BAD_PACKET;
	size_t left = pf_reader_left(&r);
	if (!left)
		return PF_OK;
	s->ext_offset = (uint16_t)(len - left);
	return pf_ext_read(r.p, left, NULL, NULL);
}

int pf_close_code_to_error(uint64_t code)
{
	switch (code) {
	case PF_CLOSE_BUSY:
		return PF_E_BUSY;
	case PF_CLOSE_NOT_ARMED:
		return PF_E_NOT_ARMED;
	case PF_CLOSE_BOUND_TO_OTHER:
		return PF_E_BOUND_TO_OTHER;
	case PF_CLOSE_RATE_LIMITED:
		return PF_E_RATE_LIMITED;
	case PF_CLOSE_IDENTITY_REQUIRED:
		return PF_E_IDENTITY_REQUIRED;
	case PF_CLOSE_DENIED:
		return PF_E_DENIED;
	case PF_CLOSE_APPROVAL_TIMEOUT:
		return PF_E_APPROVAL_TIMEOUT;
	case PF_CLOSE_SUPERSEDED:
		return PF_E_SUPERSEDED;
	case PF_CLOSE_WIRE_VERSION:
		return PF_E_WIRE_VERSION;
	case PF_CLOSE_SETUP_FAILED:
		return PF_E_SETUP_FAILED;
	case PF_CLOSE_ACCESS_EXPIRED:
		return PF_E_ACCESS_EXPIRED;
	case PF_CLOSE_LAUNCH_NOT_PERMITTED:
		return PF_E_LAUNCH_NOT_PERMITTED;
	case PF_CLOSE_HOST_POWER:
		return PF_E_HOST_POWER;
	case PF_CLOSE_PROFILE_UNKNOWN:
		return PF_E_PROFILE_UNKNOWN;
	case PF_CLOSE_NO_SEAT:
		return PF_E_NO_SEAT;
	case PF_CLOSE_SEAT_OCCUPIED:
		return PF_E_SEAT_OCCUPIED;
	case PF_CLOSE_SEAT_UNAVAILABLE:
		return PF_E_SEAT_UNAVAILABLE;
	default:
		return PF_E_CLOSED;
	}
}
