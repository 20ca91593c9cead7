/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_WIRE_DATAGRAM_H
#define PF_WIRE_DATAGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/* QUIC datagrams of generation 1 (wire 6): the first byte is the tag. */

enum pf_datagram_tag {
	PF_DGRAM_INPUT = 0xC8,		 /* C>H */
	PF_DGRAM_AUDIO = 0xC9,		 /* H>C */
	PF_DGRAM_RUMBLE = 0xCA,		 /* H>C */
	PF_DGRAM_MIC = 0xCB,		 /* C>H */
	PF_DGRAM_RICH_INPUT = 0xCC,	 /* C>H */
	PF_DGRAM_HID_OUTPUT = 0xCD,	 /* H>C */
	PF_DGRAM_HDR_META = 0xCE,	 /* H>C */
	PF_DGRAM_HOST_TIMING = 0xCF,	 /* H>C */
	PF_DGRAM_CURSOR_STATE = 0xD0,	 /* H>C */
	PF_DGRAM_PAD_AUDIO = 0xD1,	 /* H>C */
	PF_DGRAM_AUDIO_REDUNDANT = 0xD2, /* H>C */
	PF_DGRAM_AUDIO_PCM = 0xD3,	 /* H>C */
};

enum pf_input_kind {
	PF_INPUT_KEY_DOWN,
	PF_INPUT_KEY_UP,
	PF_INPUT_MOUSE_REL,
	PF_INPUT_MOUSE_ABS,
	PF_INPUT_BUTTON_DOWN,
	PF_INPUT_BUTTON_UP,
	PF_INPUT_SCROLL,
	PF_INPUT_PAD_BUTTON,
	PF_INPUT_PAD_AXIS,
	PF_INPUT_TOUCH_DOWN,
	PF_INPUT_TOUCH_MOVE,
	PF_INPUT_TOUCH_UP,
	PF_INPUT_PAD_SNAPSHOT,
	PF_INPUT_PAD_REMOVED,
	PF_INPUT_PAD_ARRIVED,
	PF_INPUT_TEXT,
	PF_INPUT_SMOOTH_SCROLL,
	PF_INPUT_KIND_COUNT,
};

#define PF_INPUT_LEN 18u

struct pf_input {
	uint8_t kind; /* enum pf_input_kind */
	uint32_t code;
	int32_t x, y;
	uint32_t flags;
};

void pf_input_write(uint8_t out[static PF_INPUT_LEN], const struct pf_input *in);
/* Errors: PF_E_BAD_PACKET (length or tag), PF_E_UNSUPPORTED (kind not in the enum). */
int pf_input_read(struct pf_input *in, const uint8_t *data, size_t len) PF_MUST_CHECK;

/* Host timing of one frame (wire 6.6, 0xCF, the 25-byte form). All durations in microseconds. */
#define PF_HOST_TIMING_LEN 25u
struct pf_host_timing {
	uint64_t pts_ns;
	uint32_t host_us; /* capture to last packet sent */
	uint32_t queue_us, encode_us, pace_us;
};
void pf_host_timing_write(uint8_t out[static PF_HOST_TIMING_LEN], const struct pf_host_timing *t);
/* Reads the forms of 13 and 25 bytes, whatever follows; absent fields are 0. Errors: PF_E_BAD_PACKET. */
int pf_host_timing_read(struct pf_host_timing *t, const uint8_t *data, size_t len) PF_MUST_CHECK;

/* A QUIC datagram that any path carries; what is larger is refused by the writers (PF_E_INVALID). */
#define PF_DGRAM_MAX 1200u
/* Pads of a session (wire 6.1). Whatever names a higher one reads as PF_E_UNSUPPORTED: there is no such pad. */
#define PF_PADS 16u

/*
 * Sound (wire 6.2): tags AUDIO, AUDIO_REDUNDANT, AUDIO_PCM, PAD_AUDIO and, toward the host, MIC. The
 * payload is borrowed from the datagram.
 */
struct pf_audio {
	uint8_t tag;		 /* enum pf_datagram_tag */
	uint8_t pad, kind;	 /* PAD_AUDIO only: kind 0 haptics (5 ms), 1 speaker (10 ms) */
	uint32_t seq;		 /* packets, per plane, wraps */
	uint64_t pts_ns;	 /* CLOCK_REALTIME of the first sample, the sender's */
	const uint8_t *data;	 /* one Opus packet, or interleaved little-endian samples */
	size_t len;		 /* AUDIO: 0 = silence, there is nothing to decode */
	const uint8_t *previous; /* AUDIO_REDUNDANT only: the Opus packet of seq - 1; NULL = none */
	size_t previous_len;
};
/* Returns the length. Errors: PF_E_INVALID (tag, pad, kind, empty but AUDIO, does not fit PF_DGRAM_MAX), PF_E_FULL. */
int pf_audio_write(uint8_t *out, size_t cap, const struct pf_audio *a) PF_MUST_CHECK;
/* Errors: PF_E_BAD_PACKET (tag, empty but AUDIO), PF_E_UNSUPPORTED (pad, kind). */
int pf_audio_read(struct pf_audio *a, const uint8_t *data, size_t len) PF_MUST_CHECK;

/* Rumble (wire 6.3): state, resent while it lasts. Forms of 7, 10 and 14 bytes. */
#define PF_RUMBLE_LEN 14u
struct pf_rumble {
	uint16_t pad, low, high;    /* motors 0 to 65535 */
	bool has_ttl, has_triggers; /* triggers only with ttl */
	uint8_t seq;
	uint16_t ttl_ms; /* a client stops by itself after it; 0 = until told */
	uint16_t left_trigger, right_trigger;
};
/* The shortest form that holds what is there. Returns the length. Errors: PF_E_INVALID (pad, triggers without ttl). */
int pf_rumble_write(uint8_t out[static PF_RUMBLE_LEN], const struct pf_rumble *r) PF_MUST_CHECK;
/* Errors: PF_E_BAD_PACKET, PF_E_UNSUPPORTED (pad). */
int pf_rumble_read(struct pf_rumble *r, const uint8_t *data, size_t len) PF_MUST_CHECK;

/* Rich input (wire 6.4). */
enum pf_rich_kind {
	PF_RICH_TOUCHPAD = 1,
	PF_RICH_MOTION = 2,
	PF_RICH_TOUCHPAD_EX = 3,
	PF_RICH_RAW = 4,
	PF_RICH_PEN = 5,
};
#define PF_RICH_RAW_MAX	   64u
#define PF_PEN_MAX_SAMPLES 8u
#define PF_RICH_MAX_LEN	   (6u + 21u * PF_PEN_MAX_SAMPLES)
struct pf_pen_sample {
	uint8_t state, tool;
	float x, y; /* finite: readers refuse anything else */
	uint16_t pressure, distance;
	uint8_t tilt;
	uint16_t azimuth, roll, dt_us;
};
struct pf_rich {
	uint8_t kind; /* enum pf_rich_kind */
	uint8_t pad;  /* all but PEN */
	union {
		struct {
			uint8_t finger;
			bool active;
			uint16_t x, y;
		} touchpad;
		struct {
			int16_t gyro[3];  /* 20 a degree per second */
			int16_t accel[3]; /* 10000 a g */
		} motion;
		struct {
			uint8_t surface, finger, state; /* state: 1 touch, 2 click */
			int16_t x, y;
			uint16_t pressure;
		} touchpad_ex;
		struct {
			uint8_t len;
			uint8_t data[PF_RICH_RAW_MAX];
		} raw;
		struct {
			uint8_t flags; /* 0; a reader leaves it as it came */
			uint8_t count; /* at most PF_PEN_MAX_SAMPLES */
			uint16_t seq;
			struct pf_pen_sample samples[PF_PEN_MAX_SAMPLES];
		} pen;
	};
};
/* Returns the length. Errors: PF_E_INVALID (kind, pad, counts, floats), PF_E_FULL. */
int pf_rich_write(uint8_t *out, size_t cap, const struct pf_rich *r) PF_MUST_CHECK;
/* Errors: PF_E_BAD_PACKET (also a float that is not finite), PF_E_UNSUPPORTED (kind, pad). */
int pf_rich_read(struct pf_rich *r, const uint8_t *data, size_t len) PF_MUST_CHECK;

/* What a pad is to do (wire 6.5). */
enum pf_hid_kind {
	PF_HID_LIGHT_BAR = 1,
	PF_HID_PLAYER_LEDS = 2,
	PF_HID_TRIGGER = 3,
	PF_HID_HAPTIC = 4,
	PF_HID_RAW = 5,
	PF_HID_AUDIO_CONTROL = 6,
	PF_HID_MIC_LED = 7,
};
#define PF_HID_TRIGGER_MAX 11u
#define PF_HID_RAW_MAX	   64u
#define PF_HID_MAX_LEN	   (4u + PF_HID_RAW_MAX)
struct pf_hid_output {
	uint8_t kind; /* enum pf_hid_kind */
	uint16_t pad; /* a byte but for AUDIO_CONTROL */
	union {
		struct {
			uint8_t r, g, b;
		} light_bar;
		uint8_t player_leds;
		struct {
			uint8_t which, len;
			uint8_t effect[PF_HID_TRIGGER_MAX];
		} trigger;
		struct {
			uint8_t side;
			uint16_t amplitude, period, count;
		} haptic;
		struct {
			uint8_t report, len; /* report: 0 output, 1 feature */
			uint8_t data[PF_HID_RAW_MAX];
		} raw;
		struct {
			uint8_t flags;
			uint8_t data[6];
		} audio_control;
		uint8_t mic_led;
	};
};
/* Returns the length. Errors: PF_E_INVALID (kind, pad, report, len), PF_E_FULL. */
int pf_hid_output_write(uint8_t *out, size_t cap, const struct pf_hid_output *h) PF_MUST_CHECK;
/* Errors: PF_E_BAD_PACKET, PF_E_UNSUPPORTED (kind, pad, report). */
int pf_hid_output_read(struct pf_hid_output *h, const uint8_t *data, size_t len) PF_MUST_CHECK;

/* HDR metadata (wire 6.6, also Hello's volume, there without the tag). */
#define PF_HDR_META_LEN 29u
struct pf_hdr_meta {
	uint16_t green[2], blue[2], red[2], white[2]; /* x, y in 1/50000 */
	uint32_t max_luminance, min_luminance;	      /* 0.0001 nit */
	uint16_t max_cll, max_fall;		      /* nit */
};
void pf_hdr_meta_write(uint8_t out[static PF_HDR_META_LEN], const struct pf_hdr_meta *h);
/* Errors: PF_E_BAD_PACKET. */
int pf_hdr_meta_read(struct pf_hdr_meta *h, const uint8_t *data, size_t len) PF_MUST_CHECK;

#define PF_CURSOR_STATE_LEN 14u
struct pf_cursor_state {
	uint32_t serial; /* of the CursorShape that it goes with */
	bool visible, relative_hint;
	int32_t x, y; /* pixels of the display, of the hot spot */
};
void pf_cursor_state_write(
	uint8_t out[static PF_CURSOR_STATE_LEN], const struct pf_cursor_state *c);
/* Errors: PF_E_BAD_PACKET. */
int pf_cursor_state_read(struct pf_cursor_state *c, const uint8_t *data, size_t len) PF_MUST_CHECK;

/* Hole punch of wire 7.1: the client's first bytes to the host's data port. */
#define PF_PUNCH     "PFpunch1"
#define PF_PUNCH_LEN 8u

#endif
