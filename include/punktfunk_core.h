/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PUNKTFUNK_CORE_H
#define PUNKTFUNK_CORE_H

/*
 * punktfunk_core: the C ABI of the punktfunk client library. C99 and C++ clean.
 *
 * Rules: punktfunk_abi_version() must equal PUNKTFUNK_ABI_VERSION. Structs that the caller fills begin
 * with their own size; the library reads min(size, its own) over defaults, so a struct may grow.
 * Structs that the library fills begin with a size that the caller sets; it writes no further.
 * Borrowed buffers live until the same thread's next call for the same plane. Each plane may be pulled
 * by one thread; send_*, request_* and what only asks (mode, bitrate, stats, end_*, …) may be called from
 * any thread; close from any thread, once, after every other call has returned, a waiting next_au too.
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
	const char *cert_pem,
		*key_pem; /* the identity to show, copied; both NULL = none is shown */
};

/* Fills opts with defaults (size included). */
PUNKTFUNK_API void punktfunk_connect_opts_init(struct punktfunk_connect_opts *opts);

/*
 * Connects, shakes hands, starts the stream; blocks up to opts->timeout_ms. On success *out must be
 * closed. On failure, `message` (if not NULL) gets one sentence that says what happened and what to do,
 * at most message_len bytes with its NUL.
 * Errors: E_NULL, E_INVALID, E_TIMEOUT (nobody answered), E_CLOSED (nobody listens there), E_IO, E_PIN, E_CRYPTO, E_BAD_PACKET, and the
 * refusals. Thread: any.
 */
PUNKTFUNK_API int punktfunk_connect_opts(struct punktfunk_connection **out,
	const struct punktfunk_connect_opts *opts, char *message, size_t message_len);

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

/* Kinds of input (kind: see PUNKTFUNK_INPUT_*; fields as in docs/protocol.md, input). */
#define PUNKTFUNK_INPUT_KEY_DOWN    0u /* code: Windows virtual-key */
#define PUNKTFUNK_INPUT_KEY_UP	    1u
#define PUNKTFUNK_INPUT_MOUSE_REL   2u /* x, y: pixels */
#define PUNKTFUNK_INPUT_MOUSE_ABS   3u /* x, y: pixels; flags: surface width << 16 | height */
#define PUNKTFUNK_INPUT_BUTTON_DOWN 4u /* code: 1 left, 2 middle, 3 right, 4 X1, 5 X2 */
#define PUNKTFUNK_INPUT_BUTTON_UP   5u
#define PUNKTFUNK_INPUT_SCROLL	    6u /* code: 0 vertical, 1 horizontal; x: 120 per detent */

struct punktfunk_input_event {
	uint8_t kind;
	uint8_t pad[3]; /* zero */
	uint32_t code;
	int32_t x, y;
	uint32_t flags;
};

/* Errors: E_NULL, E_INVALID (unknown kind), E_CLOSED, E_FULL. Does not block. */
PUNKTFUNK_API int punktfunk_connection_send_input(
	struct punktfunk_connection *c, const struct punktfunk_input_event *event);

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
	uint32_t shard_payload;	       /* bytes of video a packet, even, 16..9128; both sides alike;
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
