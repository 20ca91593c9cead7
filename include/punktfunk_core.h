/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PUNKTFUNK_CORE_H
#define PUNKTFUNK_CORE_H

/*
 * punktfunk_core: the C ABI of the punktfunk client library. C99 and C++ clean.
 *
 * Rules: punktfunk_abi_version() must equal PUNKTFUNK_ABI_VERSION. Structs that the caller fills begin
 * with their own size; the library reads min(size, its own) over defaults, so a struct may grow.
 * Structs that the library fills begin with a size that the caller sets; it writes no further.
 * Borrowed buffers live until the same thread's next call for the same plane. Each plane (every next_*) may
 * be pulled by one thread; what nobody pulls is dropped, the oldest first, and costs nothing but its bounds. send_*,
 * request_* and what only asks (mode, bitrate, stats, end_*, …) may be called from any thread; close from any thread,
 * once, after every other call has returned, a waiting next_au too.
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define PUNKTFUNK_API __attribute__((visibility("default")))
#else
#define PUNKTFUNK_API
#endif

#define PUNKTFUNK_ABI_VERSION 2u

/* Status codes: 0 good, negative a reason; the numbers are never reused. */
enum punktfunk_status {
	PUNKTFUNK_OK = 0,
	PUNKTFUNK_E_INVALID = -1,    /* an argument is out of range */
	PUNKTFUNK_E_FEC = -2,	     /* a block could not be rebuilt */
	PUNKTFUNK_E_CRYPTO = -3,     /* TLS or a packet failed to verify */
	PUNKTFUNK_E_BAD_PACKET = -4, /* the host sent what the wire does not allow */
	PUNKTFUNK_E_NO_FRAME = -5,   /* nothing there yet */
	PUNKTFUNK_E_UNSUPPORTED = -6,
	PUNKTFUNK_E_IO = -7,
	PUNKTFUNK_E_NULL = -8, /* a required pointer is NULL */
	PUNKTFUNK_E_TIMEOUT = -9,
	PUNKTFUNK_E_CLOSED = -10,
	PUNKTFUNK_E_NOMEM = -11,
	PUNKTFUNK_E_FULL = -12, /* a queue is full: try again later */
	PUNKTFUNK_E_PIN = -14,	/* the host's certificate is not the pinned one */
	/* refusals of the host */
	PUNKTFUNK_E_NOT_ARMED = -20,
	PUNKTFUNK_E_BOUND_TO_OTHER = -21,
	PUNKTFUNK_E_RATE_LIMITED = -22,
	PUNKTFUNK_E_IDENTITY_REQUIRED = -23,
	PUNKTFUNK_E_DENIED = -24,
	PUNKTFUNK_E_APPROVAL_TIMEOUT = -25,
	PUNKTFUNK_E_SUPERSEDED = -26,
	PUNKTFUNK_E_WIRE_VERSION = -27,
	PUNKTFUNK_E_BUSY = -28,
	PUNKTFUNK_E_SETUP_FAILED = -29,
	PUNKTFUNK_E_ACCESS_EXPIRED = -30,
	PUNKTFUNK_E_LAUNCH_NOT_PERMITTED = -31,
	PUNKTFUNK_E_HOST_POWER = -32,
	PUNKTFUNK_E_PROFILE_UNKNOWN = -33,
	PUNKTFUNK_E_NO_SEAT = -34,
	PUNKTFUNK_E_SEAT_OCCUPIED = -35,
	PUNKTFUNK_E_SEAT_UNAVAILABLE = -36
};

/* The ABI that the library was built with. Thread: any. */
PUNKTFUNK_API uint32_t punktfunk_abi_version(void);
/* A short phrase for any status code, never NULL, static. Thread: any. */
PUNKTFUNK_API const char *punktfunk_strerror(int status);

/*
 * A client's identity: a self-signed certificate and its key, as PEM text. Made once and kept (the key from
 * other people's eyes): its fingerprint is what a host knows a paired client by.
 */
#define PUNKTFUNK_PEM_MAX 8192u /* bytes: longer text is refused; both buffers need not be larger */

/*
 * Makes one; both texts are NUL-terminated. Takes milliseconds. Errors: E_NULL, E_FULL (a buffer is too
 * small; both are empty then), E_CRYPTO, E_NOMEM. Thread: any.
 */
PUNKTFUNK_API int punktfunk_generate_identity(
	char *cert_pem, size_t cert_cap, char *key_pem, size_t key_cap);
/* SHA-256 of its certificate, to 32 bytes. Errors: E_NULL, E_INVALID (not PEM, or no pair), E_NOMEM. */
PUNKTFUNK_API int punktfunk_identity_fingerprint(
	const char *cert_pem, const char *key_pem, uint8_t *out);

struct punktfunk_connection; /* opaque */

struct punktfunk_mode {
	uint32_t width, height; /* pixels */
	uint32_t refresh_hz;
};

/* Codecs, as bits. */
#define PUNKTFUNK_CODEC_H264 1u
#define PUNKTFUNK_CODEC_HEVC 2u
#define PUNKTFUNK_CODEC_AV1  4u

struct punktfunk_connect_opts {
	size_t size;		    /* sizeof(struct punktfunk_connect_opts) */
	const char *host;	    /* required: name or address */
	uint16_t port;		    /* 0 = 9777 */
	struct punktfunk_mode mode; /* required */
	const uint8_t
		*pin; /* 32 bytes, SHA-256 of the host's certificate; NULL = trust on first use */
	uint32_t bitrate_kbps; /* 0 = the host's choice */
	uint8_t codecs;	       /* bits; 0 = H.264 */
	const char *name;      /* shown by the host, UTF-8, at most 64 bytes; NULL = none */
	uint32_t timeout_ms;   /* for the whole of connecting; 0 = 10000 */
	uint32_t drop_percent; /* test only: drop this share of received video datagrams, 0..90 */
	uint32_t drop_seed;    /* test only */
	/* since ABI 2 */
	/* The identity to show, copied; both NULL = none is shown. */
	const char *cert_pem, *key_pem;
	/*
	 * How much longer to wait when the host has heard us and lets us wait: a person there must approve.
	 * 0 = no longer than timeout_ms; hosts give up after about 180000.
	 */
	uint32_t approval_timeout_ms;
	/*
	 * Called on the connecting thread, first when the host has let us wait for a second, then about every
	 * 250 ms, with the time since then; not 0 gives up (E_CLOSED). The connection is not there yet. NULL = none.
	 */
	int (*waiting)(void *userdata, uint32_t waited_ms);
	void *userdata;
	const char *
		launch; /* what to start, as the host names it, at most 128 bytes; NULL = nothing */
	uint8_t compositor; /* PUNKTFUNK_COMPOSITOR_; 0 = any */
	uint8_t gamepad;    /* the pad that the host shows to games, PUNKTFUNK_GAMEPAD_; 0 = any */
	uint8_t preferred_codec; /* one bit; 0 = the host's choice */
	uint8_t video_caps;	 /* PUNKTFUNK_VIDEO_CAP_ */
	uint8_t client_caps;	 /* PUNKTFUNK_CLIENT_CAP_ */
	uint8_t audio_channels;	 /* 2, 6 or 8; 0 = 2 */
	uint8_t audio_bits;	 /* 16 or 24; 0 = 16 */
	uint8_t video_fit;	 /* 0 whole, 1 crop, 2 stretch */
	uint32_t audio_rate_hz;	 /* 0 = 48000 */
};

/* Compositors. */
#define PUNKTFUNK_COMPOSITOR_AUTO      0u
#define PUNKTFUNK_COMPOSITOR_KWIN      1u
#define PUNKTFUNK_COMPOSITOR_WLROOTS   2u
#define PUNKTFUNK_COMPOSITOR_MUTTER    3u
#define PUNKTFUNK_COMPOSITOR_GAMESCOPE 4u
#define PUNKTFUNK_COMPOSITOR_HYPRLAND  5u
#define PUNKTFUNK_COMPOSITOR_WINDOWS   6u

/* Kinds of gamepad, 0 to 18; the common ones have names. */
#define PUNKTFUNK_GAMEPAD_AUTO	    0u
#define PUNKTFUNK_GAMEPAD_XBOX_360  1u
#define PUNKTFUNK_GAMEPAD_DUALSENSE 2u
#define PUNKTFUNK_GAMEPAD_XBOX_ONE  3u
#define PUNKTFUNK_GAMEPAD_DS4	    4u
#define PUNKTFUNK_GAMEPAD_MAX	    18u

/* What the program can show: a host sends nothing of it that was not asked for. */
#define PUNKTFUNK_VIDEO_CAP_10BIT	0x01u
#define PUNKTFUNK_VIDEO_CAP_HDR		0x02u
#define PUNKTFUNK_VIDEO_CAP_444		0x04u
#define PUNKTFUNK_VIDEO_CAP_HOST_TIMING 0x08u /* wants next_host_timing */
#define PUNKTFUNK_VIDEO_CAP_CHACHA20	0x40u /* this machine has no AES in hardware */
#define PUNKTFUNK_VIDEO_CAP_MULTI_SLICE 0x80u

#define PUNKTFUNK_CLIENT_CAP_CURSOR	     0x01u /* reads next_cursor_shape and next_cursor_state */
#define PUNKTFUNK_CLIENT_CAP_PAD_AUDIO	     0x08u /* reads next_pad_audio */
#define PUNKTFUNK_CLIENT_CAP_HIRES_AUDIO     0x10u /* reads next_audio_pcm */
#define PUNKTFUNK_CLIENT_CAP_KEEP_HOST_AUDIO 0x20u /* the host goes on playing it too */

/* Fills opts with defaults (size included). */
PUNKTFUNK_API void punktfunk_connect_opts_init(struct punktfunk_connect_opts *opts);

/*
 * Connects, shakes hands, starts the stream; blocks up to opts->timeout_ms. On success *out must be
 * closed. On failure, `message` (if not NULL) gets one sentence that says what happened and what to do,
 * at most message_len bytes with its NUL.
 * Errors: E_NULL, E_INVALID, E_TIMEOUT (nobody answered), E_CLOSED (nobody listens there), E_IO, E_PIN, E_CRYPTO,
 * E_BAD_PACKET, and the refusals. Thread: any.
 */
PUNKTFUNK_API int punktfunk_connect_opts(struct punktfunk_connection **out,
	const struct punktfunk_connect_opts *opts, char *message, size_t message_len);

/*
 * Pairs with a host that is armed for it and shows a 4-digit PIN; blocks up to timeout_ms. On success
 * `fingerprint` gets the host's (32 bytes): keep it and pin it. Nothing but a good end counts: the PIN is
 * good for one try. `message` as with connect_opts.
 * Errors: E_CRYPTO (another PIN, or somebody stands between the two: no telling which), E_NOT_ARMED,
 * E_BOUND_TO_OTHER, E_RATE_LIMITED, E_INVALID (the PIN's form, the identity, a size), and those of connect_opts.
 * Thread: any.
 */
struct punktfunk_pair_opts {
	size_t size;			/* sizeof(struct punktfunk_pair_opts) */
	const char *host;		/* required: name or address */
	uint16_t port;			/* 0 = 9777 */
	const char *cert_pem, *key_pem; /* required: the identity that the host will know */
	const char *name;	 /* shown by the host, UTF-8, at most 64 bytes; NULL = none */
	const char *pin;	 /* required: 4 digits */
	uint32_t timeout_ms;	 /* 0 = 60000, as long as a host waits */
	const uint8_t *expected; /* 32 bytes: pair with this host only; NULL = whoever answers */
};
/* Fills opts with defaults (size included). */
PUNKTFUNK_API void punktfunk_pair_opts_init(struct punktfunk_pair_opts *opts);
PUNKTFUNK_API int punktfunk_pair(const struct punktfunk_pair_opts *opts, uint8_t *fingerprint,
	char *message, size_t message_len);

/*
 * Is there a host, and which? Shakes hands, asks for nothing and leaves. port 0 = 9777, timeout_ms 0 =
 * 10000. fingerprint (32 bytes) and rtt_ns may be NULL. Errors: as connect_opts. Thread: any.
 */
PUNKTFUNK_API int punktfunk_probe(const char *host, uint16_t port, uint32_t timeout_ms,
	uint8_t *fingerprint, uint64_t *rtt_ns, char *message, size_t message_len);

/*
 * Sends a Wake-on-LAN packet for `mac` (6 bytes) to UDP port 9 of an IPv4 address, NULL = this network's
 * broadcast address. Nobody answers. Errors: E_NULL, E_INVALID (address), E_IO. Thread: any.
 */
PUNKTFUNK_API int punktfunk_wake_on_lan(const uint8_t *mac, const char *address);

/* The host's certificate fingerprint: what to pin from now on. out: 32 bytes. */
PUNKTFUNK_API int punktfunk_connection_fingerprint(
	const struct punktfunk_connection *c, uint8_t *out);
/* The mode as the host made it (changes with request_mode). */
PUNKTFUNK_API int punktfunk_connection_mode(
	const struct punktfunk_connection *c, struct punktfunk_mode *out);
/* One PUNKTFUNK_CODEC_ bit. */
PUNKTFUNK_API int punktfunk_connection_codec(const struct punktfunk_connection *c);
/* kbps as the host granted it. */
PUNKTFUNK_API uint32_t punktfunk_connection_bitrate(const struct punktfunk_connection *c);
/*
 * What the host said when it took us in. 0 where it said nothing, or c is NULL. host_caps and host_caps2:
 * PUNKTFUNK_HOST_CAP_ and PUNKTFUNK_HOST_CAP2_: what else is sent to a host comes to nothing.
 */
PUNKTFUNK_API uint32_t punktfunk_connection_host_caps(const struct punktfunk_connection *c);
PUNKTFUNK_API uint32_t punktfunk_connection_host_caps2(const struct punktfunk_connection *c);
PUNKTFUNK_API uint32_t punktfunk_connection_compositor(const struct punktfunk_connection *c);
PUNKTFUNK_API uint32_t punktfunk_connection_gamepad(const struct punktfunk_connection *c);
PUNKTFUNK_API uint16_t punktfunk_connection_mgmt_port(const struct punktfunk_connection *c);
/* 1 (4:2:0) or 3 (4:4:4). */
PUNKTFUNK_API uint32_t punktfunk_connection_chroma_format(const struct punktfunk_connection *c);
/* Bytes of video a packet; changes with an event. */
PUNKTFUNK_API uint32_t punktfunk_connection_shard_payload(const struct punktfunk_connection *c);
PUNKTFUNK_API uint32_t punktfunk_connection_audio_codec(const struct punktfunk_connection *c);
PUNKTFUNK_API uint32_t punktfunk_connection_audio_channels(const struct punktfunk_connection *c);
PUNKTFUNK_API uint32_t punktfunk_connection_audio_sample_rate(const struct punktfunk_connection *c);
PUNKTFUNK_API uint32_t punktfunk_connection_audio_bits(const struct punktfunk_connection *c);
PUNKTFUNK_API uint32_t punktfunk_connection_audio_frame_us(const struct punktfunk_connection *c);
PUNKTFUNK_API uint32_t punktfunk_connection_audio_layout(const struct punktfunk_connection *c);

#define PUNKTFUNK_AUDIO_OPUS 0u
#define PUNKTFUNK_AUDIO_PCM  2u

#define PUNKTFUNK_HOST_CAP_PAD_SNAPSHOT	    0x01u
#define PUNKTFUNK_HOST_CAP_CLIPBOARD	    0x02u
#define PUNKTFUNK_HOST_CAP_TEXT		    0x04u
#define PUNKTFUNK_HOST_CAP_CURSOR	    0x08u
#define PUNKTFUNK_HOST_CAP_PEN		    0x10u
#define PUNKTFUNK_HOST_CAP_AUDIO_REDUNDANCY 0x20u
#define PUNKTFUNK_HOST_CAP_PAD_AUDIO	    0x40u
#define PUNKTFUNK_HOST_CAP_HIRES_AUDIO	    0x80u

#define PUNKTFUNK_HOST_CAP2_REPEAT_MARK	  0x01u
#define PUNKTFUNK_HOST_CAP2_TOUCH	  0x02u
#define PUNKTFUNK_HOST_CAP2_SMOOTH_SCROLL 0x08u
#define PUNKTFUNK_HOST_CAP2_DELIVERY	  0x20u
#define PUNKTFUNK_HOST_CAP2_INPUT_EDGES	  0x40u

struct punktfunk_color_info {
	size_t size; /* set by the caller */
	uint8_t bit_depth;
	uint8_t primaries, transfer, matrix; /* ITU-T H.273 */
	uint8_t full_range;
};
PUNKTFUNK_API int punktfunk_connection_color_info(
	const struct punktfunk_connection *c, struct punktfunk_color_info *out);

/* What this client may do, as of now; all bits where the host knows no grants. */
#define PUNKTFUNK_GRANT_GAMEPAD	   0x01u
#define PUNKTFUNK_GRANT_POINTER	   0x02u
#define PUNKTFUNK_GRANT_KEYBOARD   0x04u
#define PUNKTFUNK_GRANT_CLIPBOARD  0x08u
#define PUNKTFUNK_GRANT_MICROPHONE 0x10u
#define PUNKTFUNK_GRANT_LAUNCH	   0x20u
#define PUNKTFUNK_GRANT_POWER	   0x40u
#define PUNKTFUNK_GRANT_MANAGE	   0x80u
PUNKTFUNK_API uint32_t punktfunk_connection_grants(const struct punktfunk_connection *c);
/* Seconds until the access ends, 0 = it has, UINT32_MAX = it does not end. */
PUNKTFUNK_API uint32_t punktfunk_connection_access_expires_in(const struct punktfunk_connection *c);

/* Host clock (CLOCK_REALTIME) minus ours, ns; 0 until measured. */
PUNKTFUNK_API int64_t punktfunk_connection_clock_offset_ns(const struct punktfunk_connection *c);

/* Flags of a frame. */
#define PUNKTFUNK_FRAME_KEYFRAME  1u /* decodable by itself */
#define PUNKTFUNK_FRAME_AFTER_GAP 2u /* frames before it were lost; it is decodable all the same */
#define PUNKTFUNK_FRAME_REPEATED  4u /* the same picture again */

struct punktfunk_frame {
	size_t size;	     /* set by the caller */
	const uint8_t *data; /* one access unit (H.264: Annex B); borrowed until the next next_au */
	size_t len;
	uint32_t frame_index;
	uint32_t flags;		   /* PUNKTFUNK_FRAME_* */
	uint64_t pts_ns;	   /* host's CLOCK_REALTIME of capture */
	uint64_t received_ns;	   /* our CLOCK_REALTIME when its first packet came */
	uint64_t complete_ns;	   /* our CLOCK_REALTIME when it was whole */
	uint32_t recovered_shards; /* rebuilt by FEC */
};

/*
 * The next access unit, in decoding order. Only pictures that can be decoded cleanly are given: after an
 * unrepairable loss, or when the caller fell 400 ms behind, nothing comes until the host's fresh start,
 * which is asked for automatically.
 * timeout_ms: 0 = do not wait. Errors: E_NO_FRAME (timeout), E_CLOSED (see end_reason), E_NULL.
 */
PUNKTFUNK_API int punktfunk_connection_next_au(
	struct punktfunk_connection *c, struct punktfunk_frame *frame, uint32_t timeout_ms);

/*
 * The other planes. Each call gives the next thing of its plane and waits for it up to timeout_ms (0 = not
 * at all). `out` begins with the size that the caller sets. Errors: E_NO_FRAME (timeout), E_CLOSED (the
 * session is over and nothing is left), E_NULL, E_INVALID (size).
 */

#define PUNKTFUNK_AUDIO_RECOVERED 1u /* was lost and came again with the packet after it */
#define PUNKTFUNK_AUDIO_AFTER_GAP 2u /* packets before it are lost */

struct punktfunk_audio_packet {
	size_t size;
	const uint8_t *
		data; /* Opus, or interleaved little-endian samples; borrowed until the next call */
	size_t len; /* next_audio: 0 = silence for as long as a packet is, with nothing to decode */
	uint32_t seq;
	uint32_t flags;	    /* PUNKTFUNK_AUDIO_ */
	uint64_t pts_ns;    /* host's CLOCK_REALTIME of the first sample */
	uint32_t pad, kind; /* next_pad_audio: which pad; 0 haptics, 1 speaker */
};
/* In order, each at most once. Held: 64 packets, a third of a second. */
PUNKTFUNK_API int punktfunk_connection_next_audio(
	struct punktfunk_connection *c, struct punktfunk_audio_packet *out, uint32_t timeout_ms);
PUNKTFUNK_API int punktfunk_connection_next_audio_pcm(
	struct punktfunk_connection *c, struct punktfunk_audio_packet *out, uint32_t timeout_ms);
PUNKTFUNK_API int punktfunk_connection_next_pad_audio(
	struct punktfunk_connection *c, struct punktfunk_audio_packet *out, uint32_t timeout_ms);

struct punktfunk_rumble {
	size_t size;
	uint32_t pad;
	uint16_t low, high; /* motors, 0 to 65535 */
	uint16_t left_trigger, right_trigger;
};
/*
 * What a pad's motors are to do from now on. Only changes are given, of each pad the newest; a rumble that
 * the host does not refresh in its time ends by itself (all 0).
 */
PUNKTFUNK_API int punktfunk_connection_next_rumble(
	struct punktfunk_connection *c, struct punktfunk_rumble *out, uint32_t timeout_ms);

#define PUNKTFUNK_HID_LIGHT_BAR	    1u /* data: red, green, blue */
#define PUNKTFUNK_HID_PLAYER_LEDS   2u /* data: bits */
#define PUNKTFUNK_HID_TRIGGER	    3u /* which: 0 left, 1 right; data: up to 11 bytes */
#define PUNKTFUNK_HID_HAPTIC	    4u /* which: side; amplitude, period, count */
#define PUNKTFUNK_HID_RAW	    5u /* which: 0 output report, 1 feature report; data */
#define PUNKTFUNK_HID_AUDIO_CONTROL 6u /* which: flags; data: 6 bytes */
#define PUNKTFUNK_HID_MIC_LED	    7u /* data: mode */
struct punktfunk_hid_output {
	size_t size;
	uint32_t kind, pad, which;
	uint16_t amplitude, period, count;
	uint16_t len; /* of data */
	uint8_t data[64];
};
/* Held: 64. */
PUNKTFUNK_API int punktfunk_connection_next_hidout(
	struct punktfunk_connection *c, struct punktfunk_hid_output *out, uint32_t timeout_ms);

struct punktfunk_hdr_meta {
	size_t size;
	uint16_t green[2], blue[2], red[2], white[2]; /* x, y in 1/50000 */
	uint32_t max_luminance, min_luminance;	      /* 0.0001 nit */
	uint16_t max_cll, max_fall;		      /* nit */
};
/* The newest. */
PUNKTFUNK_API int punktfunk_connection_next_hdr_meta(
	struct punktfunk_connection *c, struct punktfunk_hdr_meta *out, uint32_t timeout_ms);

struct punktfunk_cursor_shape {
	size_t size;
	uint32_t serial;
	uint16_t width, height, hot_x, hot_y; /* pixels, sides 1 to 120 */
	const uint8_t
		*rgba; /* straight alpha, width * height * 4 bytes; borrowed until the next call */
};
/* Held: 4, the newest. */
PUNKTFUNK_API int punktfunk_connection_next_cursor_shape(
	struct punktfunk_connection *c, struct punktfunk_cursor_shape *out, uint32_t timeout_ms);

struct punktfunk_cursor_state {
	size_t size;
	uint32_t serial; /* of the shape that it goes with */
	uint8_t visible, relative_hint;
	int32_t x, y; /* of the hot spot, pixels of the host's display */
};
/* The newest. */
PUNKTFUNK_API int punktfunk_connection_next_cursor_state(
	struct punktfunk_connection *c, struct punktfunk_cursor_state *out, uint32_t timeout_ms);

struct punktfunk_host_timing {
	size_t size;
	uint64_t pts_ns;		       /* of the frame: as in punktfunk_frame */
	uint32_t host_us;		       /* capture to last packet sent */
	uint32_t queue_us, encode_us, pace_us; /* of that; 0 = not told */
};
/* Held: 256, of the newest frames. */
PUNKTFUNK_API int punktfunk_connection_next_host_timing(
	struct punktfunk_connection *c, struct punktfunk_host_timing *out, uint32_t timeout_ms);

/*
 * What the host tells about the session. The getters (mode, bitrate, grants, …) know it already when an
 * event is given, so a program that only wants to know what is need not pull.
 */
enum punktfunk_event_kind {
	PUNKTFUNK_EVENT_MODE =
		1, /* value: 1 accepted, 0 refused; detail: width << 16 | height; more: Hz */
	PUNKTFUNK_EVENT_BITRATE = 2, /* value: kbps; detail: PUNKTFUNK_BITRATE_ */
	PUNKTFUNK_EVENT_ACCESS = 3,  /* value: grants; detail: seconds left, UINT32_MAX = no end */
	PUNKTFUNK_EVENT_PIPELINE_GAP = 4, /* value: ms in which the host made no picture */
	PUNKTFUNK_EVENT_LAUNCH = 5,	  /* value: PUNKTFUNK_LAUNCH_; text */
	PUNKTFUNK_EVENT_AUDIO_STATE = 6,  /* value: 1 = muted at the host */
	PUNKTFUNK_EVENT_PAD_SLOTS = 7,	  /* value: bits of the pads that the host's system has */
	PUNKTFUNK_EVENT_HOST_FACTS =
		8, /* value: link Mbps; detail: interface kind; more: buffer KiB */
	PUNKTFUNK_EVENT_DELIVERY = 9,	    /* value: PUNKTFUNK_DELIVERY_; detail: 1 = forced */
	PUNKTFUNK_EVENT_SHARD_PAYLOAD = 10, /* value: bytes a packet from now on */
	PUNKTFUNK_EVENT_SPEED_TEST = 11	    /* value: 1 done, 0 declined; see probe_result */
};

#define PUNKTFUNK_BITRATE_GRANTED	0u
#define PUNKTFUNK_BITRATE_ENCODER_LIMIT 1u
#define PUNKTFUNK_BITRATE_CADENCE	2u
#define PUNKTFUNK_BITRATE_GOVERNOR	3u /* the link does not carry more */
#define PUNKTFUNK_BITRATE_PINNED	4u
#define PUNKTFUNK_BITRATE_NOT_TOLD	0xFFu

#define PUNKTFUNK_LAUNCH_SPAWNED	 0u
#define PUNKTFUNK_LAUNCH_ADOPTED	 1u
#define PUNKTFUNK_LAUNCH_ADOPTED_UNKNOWN 2u
#define PUNKTFUNK_LAUNCH_REFUSED	 3u
#define PUNKTFUNK_LAUNCH_FAILED		 4u
#define PUNKTFUNK_LAUNCH_SIGN_IN	 5u

struct punktfunk_event {
	size_t size;
	uint32_t kind; /* enum punktfunk_event_kind; others may come: skip them */
	uint32_t value, detail, more;
	char text[208]; /* the host's words, cleaned, UTF-8; "" = none */
};
/* Held: 64. */
PUNKTFUNK_API int punktfunk_connection_next_event(
	struct punktfunk_connection *c, struct punktfunk_event *out, uint32_t timeout_ms);

/*
 * The clipboard, off until clipboard_control turns it on. Who copies something offers it (kinds, no
 * content); who pastes fetches one kind of the offer. Contents are handed over whole, at most 64 MiB, and
 * the library holds no more than that of what comes and of what goes.
 */
#define PUNKTFUNK_CLIP_TEXT	   "text/plain;charset=utf-8"
#define PUNKTFUNK_CLIP_MAX_KINDS   16u
#define PUNKTFUNK_CLIP_MIME_MAX	   128u
#define PUNKTFUNK_CLIP_NO_FILE	   0xFFFFFFFFu
#define PUNKTFUNK_CLIP_MAX_BYTES   (64u << 20)
#define PUNKTFUNK_CLIP_OK	   0u /* status of a transfer */
#define PUNKTFUNK_CLIP_STALE	   1u /* something newer was copied since */
#define PUNKTFUNK_CLIP_UNAVAILABLE 2u
#define PUNKTFUNK_CLIP_DENIED	   3u
#define PUNKTFUNK_CLIP_CUT	   0x100u /* ours: it broke off, took too long, or is larger than allowed */

struct punktfunk_clip_kind { /* never grows */
	const char *mime;
	uint64_t size_hint; /* bytes; 0 = not known */
};

enum punktfunk_clip_event_kind {
	PUNKTFUNK_CLIP_EVENT_STATE = 1, /* status: 1 = on; reason */
	PUNKTFUNK_CLIP_EVENT_OFFER = 2, /* seq, n_kinds, kinds: the host has copied this */
	PUNKTFUNK_CLIP_EVENT_FETCH = 3, /* id, seq, mime, file: answer with clipboard_serve */
	PUNKTFUNK_CLIP_EVENT_DATA = 4	/* id, status, data, len: the end of our fetch */
};

struct punktfunk_clip_event {
	size_t size;
	uint32_t kind; /* enum punktfunk_clip_event_kind */
	uint32_t id;   /* of the transfer */
	uint32_t seq;  /* of the offer */
	uint32_t status;
	uint32_t
		reason; /* STATE: 0 ok, 1 no clipboard there, 2 taken over, 3 off at the host, 4 no files,
			    5 not permitted */
	uint32_t file; /* FETCH: index; NO_FILE = not a file */
	uint32_t n_kinds;
	const struct punktfunk_clip_kind *kinds; /* these three: borrowed until the next call */
	const char *mime;
	const uint8_t *data; /* a NUL follows */
	size_t len;
};

/* Errors of all five: E_NULL, E_INVALID, E_CLOSED, E_FULL (too many at a time). Thread: any. */
PUNKTFUNK_API int punktfunk_connection_clipboard_control(
	struct punktfunk_connection *c, int enabled, int files);
/* The program has copied something. *seq (may be NULL): the number that fetches of it will name. */
PUNKTFUNK_API int punktfunk_connection_clipboard_offer(struct punktfunk_connection *c,
	const struct punktfunk_clip_kind *kinds, size_t n_kinds, uint32_t *seq);
/* Of the host's offer `seq`. *id: what its DATA event will carry. It comes in any case. At most 2 at a time. */
PUNKTFUNK_API int punktfunk_connection_clipboard_fetch(struct punktfunk_connection *c, uint32_t seq,
	const char *mime, uint32_t file, uint32_t *id);
/* The answer to a FETCH event: status CLIP_OK with data (copied), or another status without. */
PUNKTFUNK_API int punktfunk_connection_clipboard_serve(
	struct punktfunk_connection *c, uint32_t id, uint32_t status, const void *data, size_t len);
/* Ends a transfer, of either way, early. Of a fetch the DATA event still comes, with CLIP_CUT. */
PUNKTFUNK_API int punktfunk_connection_clipboard_cancel(
	struct punktfunk_connection *c, uint32_t id);
/* Of state and offer only the newest is given; transfers are never dropped. */
PUNKTFUNK_API int punktfunk_connection_next_clipboard(
	struct punktfunk_connection *c, struct punktfunk_clip_event *out, uint32_t timeout_ms);

/* Kinds of input (PUNKTFUNK_INPUT_*). All but keys may get lost with a packet, as the wire has it. */
#define PUNKTFUNK_INPUT_KEY_DOWN    0u /* code: Windows virtual-key */
#define PUNKTFUNK_INPUT_KEY_UP	    1u
#define PUNKTFUNK_INPUT_MOUSE_REL   2u /* x, y: pixels */
#define PUNKTFUNK_INPUT_MOUSE_ABS   3u /* x, y: pixels; flags: surface width << 16 | height */
#define PUNKTFUNK_INPUT_BUTTON_DOWN 4u /* code: 1 left, 2 middle, 3 right, 4 X1, 5 X2 */
#define PUNKTFUNK_INPUT_BUTTON_UP   5u
#define PUNKTFUNK_INPUT_SCROLL	    6u /* code: 0 vertical, 1 horizontal; x: 120 per detent */
#define PUNKTFUNK_INPUT_PAD_BUTTON \
	7u /* code: one PUNKTFUNK_PAD_ bit; x: not 0 = pressed; flags: pad */
#define PUNKTFUNK_INPUT_PAD_AXIS   8u /* code: 0 LX, 1 LY, 2 RX, 3 RY, 4 LT, 5 RT; x; flags: pad */
#define PUNKTFUNK_INPUT_TOUCH_DOWN 9u /* code: contact; x, y; flags as MOUSE_ABS */
#define PUNKTFUNK_INPUT_TOUCH_MOVE 10u
#define PUNKTFUNK_INPUT_TOUCH_UP   11u
/* code: all buttons; x: lx << 16 | ly; y: rx << 16 | ry; flags: lt << 16 | rt << 8 | pad. */
#define PUNKTFUNK_INPUT_PAD_SNAPSHOT 12u
#define PUNKTFUNK_INPUT_PAD_REMOVED  13u /* flags: pad */
#define PUNKTFUNK_INPUT_PAD_ARRIVED \
	14u			 /* code: PUNKTFUNK_GAMEPAD_; flags: pad, bits 8, 9: its audio */
#define PUNKTFUNK_INPUT_TEXT 15u /* code: one Unicode scalar */
#define PUNKTFUNK_INPUT_SMOOTH_SCROLL \
	16u /* code: axis; x: Q24.8, 15 units a detent; flags: source | phase << 8 */

/* Buttons of a pad. Sticks: +y is up. Triggers: 0 to 255. Pads: 0 to 15. */
#define PUNKTFUNK_PAD_UP	0x0001u
#define PUNKTFUNK_PAD_DOWN	0x0002u
#define PUNKTFUNK_PAD_LEFT	0x0004u
#define PUNKTFUNK_PAD_RIGHT	0x0008u
#define PUNKTFUNK_PAD_START	0x0010u
#define PUNKTFUNK_PAD_BACK	0x0020u
#define PUNKTFUNK_PAD_LS	0x0040u
#define PUNKTFUNK_PAD_RS	0x0080u
#define PUNKTFUNK_PAD_LB	0x0100u
#define PUNKTFUNK_PAD_RB	0x0200u
#define PUNKTFUNK_PAD_GUIDE	0x0400u
#define PUNKTFUNK_PAD_A		0x1000u
#define PUNKTFUNK_PAD_B		0x2000u
#define PUNKTFUNK_PAD_X		0x4000u
#define PUNKTFUNK_PAD_Y		0x8000u
#define PUNKTFUNK_PAD_PADDLE1	0x10000u
#define PUNKTFUNK_PAD_PADDLE2	0x20000u
#define PUNKTFUNK_PAD_PADDLE3	0x40000u
#define PUNKTFUNK_PAD_PADDLE4	0x80000u
#define PUNKTFUNK_PAD_TOUCHPAD	0x100000u
#define PUNKTFUNK_PAD_MISC	0x200000u
#define PUNKTFUNK_PAD_MAX_COUNT 16u

struct punktfunk_input_event {
	uint8_t kind;
	uint8_t pad[3]; /* zero */
	uint32_t code;
	int32_t x, y;
	uint32_t flags;
};

/*
 * Keys go on the reliable stream where the host can take them from there. The sequence numbers of pads are
 * the library's: it sets the top byte of `flags` of PAD_SNAPSHOT and PAD_REMOVED.
 * Toward a host that does not announce a kind (host_caps, host_caps2): TEXT and TOUCH_ are E_UNSUPPORTED;
 * PAD_SNAPSHOT and PAD_REMOVED become PAD_BUTTON and PAD_AXIS of what has changed, PAD_ARRIVED nothing;
 * SMOOTH_SCROLL becomes SCROLL of the same distance. E_FULL of a snapshot: send it again, the rest follows.
 * Errors: E_NULL, E_INVALID (unknown kind, pad or scalar), E_UNSUPPORTED, E_CLOSED, E_FULL. Does not block.
 */
PUNKTFUNK_API int punktfunk_connection_send_input(
	struct punktfunk_connection *c, const struct punktfunk_input_event *event);

/* Microphone: one Opus packet, at most 1200 - 13 bytes. pts_ns: CLOCK_REALTIME of its first sample, 0 = now. */
PUNKTFUNK_API int punktfunk_connection_send_mic(
	struct punktfunk_connection *c, uint64_t pts_ns, const uint8_t *opus, size_t len);

#define PUNKTFUNK_RICH_TOUCHPAD	   1u /* finger, state: 1 = touches, x, y: 0 to 65535 */
#define PUNKTFUNK_RICH_MOTION	   2u /* gyro, accel */
#define PUNKTFUNK_RICH_TOUCHPAD_EX 3u /* surface, finger, state, x, y: -32768 to 32767, pressure */
#define PUNKTFUNK_RICH_RAW	   4u /* data, len: an input report */
struct punktfunk_rich_input {
	size_t size; /* sizeof(struct punktfunk_rich_input) */
	uint8_t kind;
	uint8_t pad; /* 0 to 15 */
	uint8_t surface, finger;
	uint8_t state; /* bit 0: touches, bit 1: is pressed */
	uint8_t len;   /* of data, at most 64 */
	uint16_t pressure;
	int32_t x, y;
	int16_t gyro[3];  /* 20 a degree per second */
	int16_t accel[3]; /* 10000 a g */
	uint8_t data[64];
};
/* Errors: E_NULL, E_INVALID, E_CLOSED, E_FULL. Does not block. */
PUNKTFUNK_API int punktfunk_connection_send_rich_input(
	struct punktfunk_connection *c, const struct punktfunk_rich_input *input);

/* This one never grows. */
struct punktfunk_pen_sample {
	float x, y; /* 0 to 1 over the picture */
	uint8_t state, tool, tilt, pad;
	uint16_t pressure, distance, azimuth, roll;
	uint16_t dt_us; /* since the sample before */
	uint16_t pad2;
};
#define PUNKTFUNK_PEN_MAX_SAMPLES 8u
/* Errors: E_NULL, E_INVALID (none, more than 8, a coordinate that is no number), E_CLOSED, E_FULL. */
PUNKTFUNK_API int punktfunk_connection_send_pen(struct punktfunk_connection *c,
	const struct punktfunk_pen_sample *samples, size_t n_samples);

/* Who draws the pointer: not 0 = this program, from next_cursor_shape; 0 = the host, into the picture. */
PUNKTFUNK_API int punktfunk_connection_set_cursor_render(
	struct punktfunk_connection *c, int client_draws);

/*
 * Asks for another mode; the answer comes later: mode() changes and a keyframe of the new size follows.
 * Errors: E_NULL, E_INVALID, E_CLOSED, E_FULL. Does not block.
 */
PUNKTFUNK_API int punktfunk_connection_request_mode(
	struct punktfunk_connection *c, uint32_t width, uint32_t height, uint32_t refresh_hz);
/* How the last request_mode ended: 1 accepted, 0 no answer yet, E_INVALID refused, E_NO_FRAME never asked. */
PUNKTFUNK_API int punktfunk_connection_mode_result(const struct punktfunk_connection *c);
PUNKTFUNK_API int punktfunk_connection_request_keyframe(struct punktfunk_connection *c);
/* kbps 500..8000000; the host clamps. */
PUNKTFUNK_API int punktfunk_connection_request_bitrate(
	struct punktfunk_connection *c, uint32_t kbps);

/* How the host spreads a frame's packets over time; it tells with an event. */
#define PUNKTFUNK_DELIVERY_BURST  0u
#define PUNKTFUNK_DELIVERY_CAPPED 1u
#define PUNKTFUNK_DELIVERY_SMOOTH 2u
PUNKTFUNK_API int punktfunk_connection_set_delivery(
	struct punktfunk_connection *c, uint32_t delivery);

/*
 * Asks the host to send filler at `kbps` for duration_ms (at most 10000) beside the stream; an event tells
 * when it is done. Errors: E_NULL, E_INVALID, E_CLOSED, E_FULL (one is running). Does not block.
 */
PUNKTFUNK_API int punktfunk_connection_speed_test(
	struct punktfunk_connection *c, uint32_t kbps, uint32_t duration_ms);

struct punktfunk_probe_result {
	size_t size;
	uint32_t declined;			 /* 1: the host does no such tests; all else is 0 */
	uint32_t sent_packets, received_packets; /* sent: 0 = not told, then loss_ppm is 0, too */
	uint64_t sent_bytes, received_bytes;	 /* of filler, as counted by each side */
	uint32_t duration_ms;			 /* that the host sent for */
	uint32_t received_kbps;			 /* that got through */
	uint32_t loss_ppm;			 /* of the packets */
	uint32_t send_dropped; /* packets that the host's own system threw away; not in loss_ppm */
};
/* Of the last speed test. Errors: E_NULL, E_INVALID, E_NO_FRAME (none, or still running). */
PUNKTFUNK_API int punktfunk_connection_probe_result(
	const struct punktfunk_connection *c, struct punktfunk_probe_result *out);

/* Counters since the start. */
struct punktfunk_stats {
	size_t size; /* set by the caller */
	uint64_t packets_received, packets_bad, packets_replayed, packets_dropped_test;
	uint64_t bytes_received;
	uint64_t shards_recovered;
	uint64_t frames_received;  /* whole, FEC included */
	uint64_t frames_recovered; /* of them with FEC's help */
	uint64_t frames_lost;	   /* never whole */
	uint64_t frames_delivered; /* given by next_au */
	uint64_t frames_skipped; /* whole, but not given: not decodable after a loss, or too late */
	uint64_t keyframes_requested, rfi_requested;
	uint64_t rtt_ns; /* of QUIC, smoothed */
	/* since ABI 2 */
	uint64_t datagrams_received, datagrams_bad;
	uint64_t planes_dropped;  /* audio, pads, …, events: nobody pulled them in time */
	uint64_t audio_recovered; /* packets that the next one brought again */
	uint64_t probe_packets;	  /* filler of speed tests, wanted or not */
};
PUNKTFUNK_API int punktfunk_connection_get_stats(
	const struct punktfunk_connection *c, struct punktfunk_stats *out);

/* Why next_au says E_CLOSED. */
enum punktfunk_end_reason {
	PUNKTFUNK_END_NONE = 0,
	PUNKTFUNK_END_LOCAL = 1,
	PUNKTFUNK_END_GAME_EXITED = 2,
	PUNKTFUNK_END_HOST_ENDED = 3,
	PUNKTFUNK_END_HOST_ERROR = 4,
	PUNKTFUNK_END_LOST = 5
};
PUNKTFUNK_API int punktfunk_connection_end_reason(const struct punktfunk_connection *c);
/* The host's own words about the end, or a phrase of ours; never NULL; valid until close. */
PUNKTFUNK_API const char *punktfunk_connection_end_message(const struct punktfunk_connection *c);

/* The refusal (E_NOT_ARMED … E_SEAT_UNAVAILABLE) that ended the session; OK = none did. */
PUNKTFUNK_API int punktfunk_connection_end_reject(const struct punktfunk_connection *c);
/* The host's words to it, cleaned, without ours; "" = none. Never NULL; valid until close. */
PUNKTFUNK_API const char *punktfunk_connection_end_reject_said(
	const struct punktfunk_connection *c);

/* Tells the host that this is on purpose (it tears the display down at once). Then close. */
PUNKTFUNK_API void punktfunk_connection_disconnect_quit(struct punktfunk_connection *c);
/* Ends the connection and frees it. Takes NULL. Blocks until its threads have ended (milliseconds). */
PUNKTFUNK_API void punktfunk_connection_close(struct punktfunk_connection *c);

/*
 * A session without a network, for programs that bring their own transport: a host session takes frames
 * and gives packets, a client session takes packets and gives frames. No thread, no socket, no clock:
 * time comes as an argument, in nanoseconds of any clock that does not jump. All memory is taken at
 * create. Thread: one at a time per session; a loopback pair counts as one.
 */
struct punktfunk_session; /* opaque */

#define PUNKTFUNK_ROLE_HOST   0u
#define PUNKTFUNK_ROLE_CLIENT 1u

#define PUNKTFUNK_FEC_GF8  0u /* at most 255 packets a block, parity included */
#define PUNKTFUNK_FEC_GF16 1u

#define PUNKTFUNK_CIPHER_AES_128_GCM	   0u /* 16-byte key */
#define PUNKTFUNK_CIPHER_CHACHA20_POLY1305 1u /* 32-byte key */

struct punktfunk_config {
	size_t size;		       /* sizeof(struct punktfunk_config) */
	uint32_t role;		       /* PUNKTFUNK_ROLE_ */
	uint32_t fec_scheme;	       /* PUNKTFUNK_FEC_, both sides alike; default GF16 */
	uint32_t fec_percent;	       /* host: parity as a share of data, 0..100; default 10 */
	uint32_t max_data_per_block;   /* packets; default 4096 (GF16), 200 (GF8) */
	uint32_t shard_payload;	       /* bytes of video a packet, even, 16..9152; both sides alike;
					  default 1408 */
	uint32_t loopback_drop_period; /* test_loopback_pair: lose every n-th packet; 0 = none */
	size_t max_frame_bytes;	       /* default 8 MiB, at most 256 MiB */
	uint32_t cipher;	       /* PUNKTFUNK_CIPHER_ */
	const uint8_t *key;	       /* copied; NULL = packets are not encrypted (tests) */
	uint8_t salt[4]; /* random, as secret as need be, with the key; both sides alike */
};

/* Fills config with defaults (size included): a host session. */
PUNKTFUNK_API void punktfunk_config_init(struct punktfunk_config *config);

/*
 * On success *out must be freed. A key seals one session only: a second host session under the same key
 * and salt would give both away. Errors: E_NULL, E_INVALID, E_UNSUPPORTED (cipher), E_NOMEM, E_CRYPTO.
 */
PUNKTFUNK_API int punktfunk_session_create(
	struct punktfunk_session **out, const struct punktfunk_config *config);
/*
 * A host and a client session joined in this process: a submitted frame's packets reach the client before
 * submit returns, less every loopback_drop_period-th; the frame's pts_ns is the client's time. `role` is
 * not looked at. Free both, in any order. Errors: as for session_create.
 */
PUNKTFUNK_API int punktfunk_test_loopback_pair(struct punktfunk_session **host,
	struct punktfunk_session **client, const struct punktfunk_config *config);
/* Takes NULL. Wipes the key. */
PUNKTFUNK_API void punktfunk_session_free(struct punktfunk_session *s);

/*
 * Makes the packets of one frame. Read of *frame: data, len, pts_ns, flags (KEYFRAME, REPEATED); size must
 * reach over pts_ns. Frames are numbered from 0. Errors: E_NULL, E_INVALID (not a host session, too long),
 * E_CRYPTO, E_CLOSED (the packet counter is used up).
 */
PUNKTFUNK_API int punktfunk_host_submit_frame(
	struct punktfunk_session *s, const struct punktfunk_frame *frame);

struct punktfunk_packets {
	size_t size; /* set by the caller */
	const uint8_t *
		data; /* packet i is data[i * packet_len .. (i + 1) * packet_len); borrowed until the
				next submit or free */
	size_t packet_len;
	size_t n_packets;
};
/* The packets of the last frame, to be sent in this order. Errors: E_NULL, E_INVALID, E_NO_FRAME. */
PUNKTFUNK_API int punktfunk_host_packets(
	const struct punktfunk_session *s, struct punktfunk_packets *out);
/* From the next frame on. Errors: E_NULL, E_INVALID. */
PUNKTFUNK_API int punktfunk_host_set_fec_percent(struct punktfunk_session *s, uint32_t percent);

/*
 * One packet, as it came. Returns 1 when poll_frame has something, 0 otherwise; packets that do not belong
 * here (E_CRYPTO, E_BAD_PACKET, and E_CLOSED for one that was here before) are counted and harmless.
 * Errors besides: E_NULL, E_INVALID (not a client session).
 */
PUNKTFUNK_API int punktfunk_client_push_packet(
	struct punktfunk_session *s, const uint8_t *packet, size_t len, uint64_t now_ns);
/*
 * The next whole frame, in order; its data is borrowed until the next poll_frame or free. Waits for older
 * frames up to 120 ms, but not before a KEYFRAME. With AFTER_GAP set and KEYFRAME not, it refers to frames
 * that are lost: ask the host for a keyframe. received_ns and complete_ns are times given to push_packet.
 * Errors: E_NULL, E_INVALID, E_NO_FRAME.
 */
PUNKTFUNK_API int punktfunk_client_poll_frame(
	struct punktfunk_session *s, struct punktfunk_frame *frame, uint64_t now_ns);
/* When to call poll_frame although no packet came; UINT64_MAX = no need. 0 for anything but a client. */
PUNKTFUNK_API uint64_t punktfunk_client_deadline(const struct punktfunk_session *s);
/* The frames that are missing right now: 1 and the range, or 0. Errors: E_NULL, E_INVALID. */
PUNKTFUNK_API int punktfunk_client_missing(
	const struct punktfunk_session *s, uint32_t *first, uint32_t *last);

/*
 * Counters since create. Of a host session: packets_received, bytes_received and frames_received are what
 * it made; packets_dropped_test what its loopback lost. Errors: E_NULL, E_INVALID (size).
 */
PUNKTFUNK_API int punktfunk_get_stats(
	const struct punktfunk_session *s, struct punktfunk_stats *out);

#ifdef __cplusplus
}
#endif

#endif
