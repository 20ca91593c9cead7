/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_WIRE_HANDSHAKE_H
#define PF_WIRE_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/packet/native.h"

/*
 * The positional handshake of punktfunk/1 generation 1 (wire 4.1 to 4.4): Hello, Welcome, Start.
 * Payloads only: the u16 frame length in front is pf_frame_write() in control.h.
 */

#define PF_WIRE_VERSION	    2u
#define PF_WIRE_ALPN	    "pkf1"
#define PF_WIRE_SNI	    "punktfunk"
#define PF_WIRE_PORT	    9777u
#define PF_WIRE_MAX_PAYLOAD 65535u

#define PF_HELLO_MIN	   20u /* the reader's minimum */
#define PF_WELCOME_MIN	   53u
#define PF_NAME_MAX	   64u
#define PF_LAUNCH_MAX	   128u
#define PF_HDR_VOLUME_LEN  28u
#define PF_EXT_MAX_LEN	   4096u /* including the length field */
#define PF_EXT_MAX_ENTRIES 64u

/* A mode outside these is refused before anything is allocated (wire gives no bound; ours). */
#define PF_MODE_MIN_SIDE   64u
#define PF_MODE_MAX_SIDE   8192u
#define PF_MODE_MIN_HZ	   1u
#define PF_MODE_MAX_HZ	   1000u
#define PF_MODE_MAX_PIXELS (64u << 20) /* 8192x8192: beyond any panel sold */

struct pf_mode {
	uint32_t width, height; /* pixels; even in practice for 4:2:0 */
	uint32_t refresh_hz;
};

/* Shard payloads that a Welcome may ask for (wire 7.4): even, from here to PF_SHARD_PAYLOAD_MAX. */
#define PF_SHARD_PAYLOAD_MIN 512u

/* Is this a mode that can be made at all? Checks the limits above. */
bool pf_mode_valid(const struct pf_mode *mode);

enum pf_codec { PF_CODEC_H264 = 1, PF_CODEC_HEVC = 2, PF_CODEC_AV1 = 4, PF_CODEC_PYROWAVE = 8 };
enum pf_video_caps {
	PF_VCAP_10BIT = 1,
	PF_VCAP_HDR = 2,
	PF_VCAP_444 = 4,
	PF_VCAP_HOST_TIMING = 8,
	PF_VCAP_PROBE_SEQ = 0x10,
	PF_VCAP_STREAMED_AU = 0x20,
	PF_VCAP_CHACHA20 = 0x40,
	PF_VCAP_MULTI_SLICE = 0x80,
};
enum pf_client_caps {
	PF_CCAP_CURSOR = 1,
	PF_CCAP_PHASE_LOCK = 2,
	PF_CCAP_AUDIO_REDUNDANCY = 4,
	PF_CCAP_PAD_AUDIO = 8,
	PF_CCAP_HIRES_AUDIO = 0x10,
	PF_CCAP_KEEP_HOST_AUDIO = 0x20,
	PF_CCAP_EXT_BLOCK = 0x40,
};
enum pf_host_caps {
	PF_HCAP_PAD_SNAPSHOT = 1,
	PF_HCAP_CLIPBOARD = 2,
	PF_HCAP_TEXT = 4,
	PF_HCAP_CURSOR = 8,
	PF_HCAP_PEN = 0x10,
	PF_HCAP_AUDIO_REDUNDANCY = 0x20,
	PF_HCAP_PAD_AUDIO = 0x40,
	PF_HCAP_HIRES_AUDIO = 0x80,
};
enum pf_host_caps2 {
	PF_HCAP2_REPEAT_MARK = 1,
	PF_HCAP2_TOUCH = 2,
	PF_HCAP2_EXT_BLOCK = 4,
	PF_HCAP2_SMOOTH_SCROLL = 8,
	PF_HCAP2_RAMP = 0x10,
	PF_HCAP2_DELIVERY = 0x20,
	PF_HCAP2_INPUT_EDGES = 0x40,
};
enum pf_compositor {
	PF_COMPOSITOR_AUTO,
	PF_COMPOSITOR_KWIN,
	PF_COMPOSITOR_WLROOTS,
	PF_COMPOSITOR_MUTTER,
	PF_COMPOSITOR_GAMESCOPE,
	PF_COMPOSITOR_HYPRLAND,
	PF_COMPOSITOR_WINDOWS,
};

struct pf_hello {
	uint32_t version;
	struct pf_mode mode;
	uint8_t compositor, gamepad;
	uint32_t bitrate_kbps;		    /* 0 = host default */
	char name[PF_NAME_MAX + 1];	    /* UTF-8, empty = absent */
	char launch[PF_LAUNCH_MAX + 1];	    /* UTF-8, empty = absent */
	uint8_t video_caps, audio_channels; /* channels 2, 6 or 8 */
	uint8_t codecs, preferred_codec;    /* codecs 0 = HEVC only */
	bool has_hdr_volume;
	uint8_t hdr_volume[PF_HDR_VOLUME_LEN];
	uint8_t client_caps;
	uint16_t max_shard; /* largest sealed shard payload accepted; 0 = not told */
	uint32_t audio_rate_hz;
	uint8_t audio_bits, audio_layout, video_fit;
};

/* Is this payload one of the three (`PKF1`)? */
bool pf_handshake_is(const uint8_t *payload, size_t len);

/* Every default of wire 4.1, and version, so a caller sets only what it wants. */
void pf_hello_init(struct pf_hello *h);
/*
 * Writes as far as the last field that differs from its default, at least through the bitrate (26
 * bytes). Returns the length. Errors: PF_E_INVALID (a value out of range), PF_E_FULL (cap).
 */
int pf_hello_write(uint8_t *out, size_t cap, const struct pf_hello *h) PF_MUST_CHECK;
/*
 * Errors: PF_E_BAD_PACKET. A foreign version is no error here: look at h->version (only the mode is read
 * then). The mode is not judged: ask pf_mode_valid(). Values without a meaning read as their default.
 */
int pf_hello_read(struct pf_hello *h, const uint8_t *data, size_t len) PF_MUST_CHECK;

/*
 * What an extension block (wire 4.4) says by the tags whose bytes are known. 1 is padding; 5 link facts, 6
 * probe-only and 7 PyroWave quality are skipped, and never written.
 */
enum pf_ext_tag { PF_EXT_CLIENT_LABEL = 2, PF_EXT_ABR_FEATURES = 3, PF_EXT_PRESET = 4 };
#define PF_EXT_LABEL_MAX    96u
#define PF_PRESET_ID_MAX    32u
#define PF_PRESET_NAME_MAX  64u
#define PF_ABR_READS_REASON 1u /* bit of abr_features: BitrateChanged may carry its reason */
struct pf_ext {
	char label[PF_EXT_LABEL_MAX + 1]; /* UTF-8, for a log; empty = absent, as all of these */
	uint8_t abr_features;
	char preset_id[PF_PRESET_ID_MAX + 1];	  /* printable ASCII */
	char preset_name[PF_PRESET_NAME_MAX + 1]; /* UTF-8, only beside an id */
};

struct pf_welcome {
	uint32_t version;
	uint16_t data_port;
	struct pf_mode mode;
	uint8_t fec_scheme, fec_percent;
	uint16_t max_data_per_block, shard_payload;
	uint8_t encrypt; /* 0 or 1 */
	uint8_t aes_key[16];
	uint8_t salt[4];
	uint32_t frames; /* 0 = unbounded */
	uint8_t compositor, gamepad;
	uint32_t bitrate_kbps;
	uint8_t bit_depth;
	uint8_t colour[4];     /* CICP primaries, transfer, matrix, full range */
	uint8_t chroma_format; /* 1 or 3 */
	uint8_t audio_channels;
	uint8_t codec; /* one bit */
	uint8_t host_caps;
	uint8_t cipher; /* enum pf_cipher; anything else is refused by the reader */
	uint8_t chacha_key[32];
	uint16_t mgmt_port;
	uint32_t grants; /* absent = all */
	uint32_t expires_s;
	uint8_t audio_codec;
	uint32_t audio_rate_hz;
	uint8_t audio_bits;
	uint16_t audio_frame_us;
	uint8_t host_caps2;
	uint8_t audio_layout;
	/* Writer: sent behind; NULL or empty = none. Only to a client that says PF_CCAP_EXT_BLOCK. */
	const struct pf_ext *ext;
	uint16_t ext_offset; /* reader: where the extension block lies in the payload; 0 = none */
};

/* Every default of wire 4.2, and version. Nothing is random: keys and salt are the caller's. */
void pf_welcome_init(struct pf_welcome *w);
/* At least through host_caps (68 bytes). Returns the length. Errors: PF_E_INVALID, PF_E_FULL. */
int pf_welcome_write(uint8_t *out, size_t cap, const struct pf_welcome *w) PF_MUST_CHECK;
/*
 * Errors: PF_E_BAD_PACKET (short, bad magic, bad extension block), PF_E_UNSUPPORTED (cipher, scheme),
 * PF_E_INVALID (ranges). A foreign version is no error: look at w->version (nothing else is read then).
 */
int pf_welcome_read(struct pf_welcome *w, const uint8_t *data, size_t len) PF_MUST_CHECK;

struct pf_start {
	uint16_t client_port;
	const struct pf_ext
		*ext;	     /* as in pf_welcome; only to a host that says PF_HCAP2_EXT_BLOCK */
	uint16_t ext_offset; /* reader: as in pf_welcome; not written */
};
/* Returns the length. Errors: PF_E_INVALID (ext), PF_E_FULL. */
int pf_start_write(uint8_t *out, size_t cap, const struct pf_start *s) PF_MUST_CHECK;
/* Errors: PF_E_BAD_PACKET. */
int pf_start_read(struct pf_start *s, const uint8_t *data, size_t len) PF_MUST_CHECK;

/*
 * Walks an extension block (wire 4.4) that fills data[0..len): length, entry count, repeats and truncation
 * are checked first, then `entry` is called for each (may be NULL). Errors: PF_E_BAD_PACKET.
 */
int pf_ext_read(const uint8_t *data, size_t len,
	void (*entry)(uint16_t tag, const uint8_t *value, size_t value_len, void *userdata),
	void *userdata) PF_MUST_CHECK;
/* The same into a struct. A value that is not what its tag says counts as absent. Errors: PF_E_BAD_PACKET. */
int pf_ext_parse(struct pf_ext *e, const uint8_t *data, size_t len) PF_MUST_CHECK;
bool pf_ext_is_empty(const struct pf_ext *e);
/* Writes the block. Returns its length, 0 when it is empty. Errors: PF_E_INVALID (a text), PF_E_FULL. */
int pf_ext_write(uint8_t *out, size_t cap, const struct pf_ext *e) PF_MUST_CHECK;

/* QUIC application close codes (wire 3.1). */
enum pf_close_code {
	PF_CLOSE_END = 0x00,
	PF_CLOSE_BUSY = 0x42,
	PF_CLOSE_QUIT = 0x51,
	PF_CLOSE_GAME_ENDED = 0x52,
	PF_CLOSE_NOT_ARMED = 0x60,
	PF_CLOSE_BOUND_TO_OTHER = 0x61,
	PF_CLOSE_RATE_LIMITED = 0x62,
	PF_CLOSE_IDENTITY_REQUIRED = 0x63,
	PF_CLOSE_DENIED = 0x64,
	PF_CLOSE_APPROVAL_TIMEOUT = 0x65,
	PF_CLOSE_SUPERSEDED = 0x66,
	PF_CLOSE_WIRE_VERSION = 0x67,
	PF_CLOSE_SETUP_FAILED = 0x68,
	PF_CLOSE_ACCESS_EXPIRED = 0x69,
	PF_CLOSE_LAUNCH_NOT_PERMITTED = 0x6A,
	PF_CLOSE_HOST_POWER = 0x6B,
	PF_CLOSE_PROFILE_UNKNOWN = 0x6C,
	PF_CLOSE_NO_SEAT = 0x6D,
	PF_CLOSE_SEAT_OCCUPIED = 0x6E,
	PF_CLOSE_SEAT_UNAVAILABLE = 0x6F,
	PF_CLOSE_CLIP_CANCELLED = 0x70,
};
/* The pf_error that a peer's close code means to us: PF_E_CLOSED for a plain end. */
int pf_close_code_to_error(uint64_t code);

#endif
