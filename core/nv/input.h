/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_NV_INPUT_H
#define PF_NV_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/wire/datagram.h"

/*
 * GameStream's input packets, the payload of PF_NV_INPUT (docs/gamestream.md, "Input"), and what they are
 * in the events that an injector takes. Thread: one thread at a time per object.
 */

enum pf_nv_input_kind {
	PF_NV_KEY,
	PF_NV_TEXT,
	PF_NV_MOUSE_REL,
	PF_NV_MOUSE_ABS,
	PF_NV_MOUSE_BUTTON,
	PF_NV_SCROLL,
	PF_NV_HAPTICS, /* the client can rumble; carries nothing more */
	PF_NV_TOUCH,
	PF_NV_PEN,
	PF_NV_PAD_STATE,
	PF_NV_PAD_ARRIVAL,
	PF_NV_PAD_TOUCH,
	PF_NV_PAD_MOTION,
	PF_NV_PAD_BATTERY,
};

#define PF_NV_TEXT_MAX	 32u
#define PF_NV_UNKNOWN_16 0xFFFFu /* rotation */
#define PF_NV_UNKNOWN_8	 0xFFu	 /* tilt, battery percentage */

enum pf_nv_modifier {
	PF_NV_SHIFT = 1,
	PF_NV_CTRL = 2,
	PF_NV_ALT = 4,
	PF_NV_META = 8,
};
#define PF_NV_KEY_NOT_NORMALISED \
	1u /* the code is of the client's layout, not of its place on a US one */

enum pf_nv_touch_event {
	PF_NV_HOVER,
	PF_NV_DOWN,
	PF_NV_UP,
	PF_NV_MOVE,
	PF_NV_CANCEL,	   /* this contact: it did nothing */
	PF_NV_BUTTON_ONLY, /* of a pen */
	PF_NV_HOVER_LEAVE,
	PF_NV_CANCEL_ALL,
	PF_NV_TOUCH_EVENT_COUNT,
};

enum pf_nv_motion {
	PF_NV_ACCELEROMETER = 1,
	PF_NV_GYROSCOPE = 2,
};

enum pf_nv_pad_type {
	PF_NV_PAD_UNKNOWN,
	PF_NV_PAD_XBOX,
	PF_NV_PAD_PLAYSTATION,
	PF_NV_PAD_NINTENDO,
	PF_NV_PAD_STEAM,
};

enum pf_nv_pad_caps {
	PF_NV_CAP_ANALOG_TRIGGERS = 0x01,
	PF_NV_CAP_RUMBLE = 0x02,
	PF_NV_CAP_TRIGGER_RUMBLE = 0x04,
	PF_NV_CAP_TOUCHPAD = 0x08,
	PF_NV_CAP_ACCELEROMETER = 0x10,
	PF_NV_CAP_GYROSCOPE = 0x20,
	PF_NV_CAP_BATTERY = 0x40,
	PF_NV_CAP_LED = 0x80,
	PF_NV_CAP_TWO_TOUCHPADS = 0x100,
};

/* All floats are finite, and 0..1 where the comment says nothing else. Pads are below PF_PADS. */
struct pf_nv_input {
	uint8_t kind; /* enum pf_nv_input_kind */
	uint8_t pad;  /* PF_NV_PAD_* */
	union {
		struct {
			bool down;
			uint8_t vk; /* Windows virtual key */
			uint8_t flags, modifiers;
		} key;
		struct {
			uint8_t n;
			uint32_t scalars[PF_NV_TEXT_MAX]; /* Unicode */
		} text;
		struct {
			int16_t dx, dy;
		} mouse_rel;
		struct {
			uint16_t x, y;		/* 0..width - 1, 0..height - 1 */
			uint16_t width, height; /* what they refer to; at least 2 */
		} mouse_abs;
		struct {
			bool down;
			uint8_t number; /* 1 left, 2 middle, 3 right, 4 and 5 the thumb's */
		} mouse_button;
		struct {
			bool horizontal;
			int16_t amount; /* 120 a detent; up and right are positive */
		} scroll;
		struct {
			uint8_t event;	   /* enum pf_nv_touch_event */
			uint16_t rotation; /* degrees, PF_NV_UNKNOWN_16 */
			uint32_t id;
			float x, y, pressure; /* pressure: a distance for hovers; 0 = unknown */
			float major, minor;   /* of the contact, 0 = unknown */
		} touch;
		struct {
			uint8_t event;	 /* enum pf_nv_touch_event */
			uint8_t tool;	 /* 0 unknown, 1 pen, 2 eraser */
			uint8_t buttons; /* 1 first, 2 second, 4 third */
			uint8_t tilt;	 /* degrees, PF_NV_UNKNOWN_8 */
			uint16_t rotation;
			float x, y, pressure, major, minor;
		} pen;
		struct {
			uint16_t active;  /* a bit for each pad that is there */
			uint32_t buttons; /* as pf_input has them */
			uint8_t left_trigger, right_trigger;
			int16_t lx, ly, rx, ry; /* +y is up */
		} pad_state;
		struct {
			uint8_t type;	  /* enum pf_nv_pad_type, or newer */
			uint16_t caps;	  /* enum pf_nv_pad_caps */
			uint32_t buttons; /* that it has */
		} pad_arrival;
		struct {
			uint8_t event;	 /* enum pf_nv_touch_event */
			uint8_t surface; /* 0 or 1 */
			uint32_t finger;
			float x, y, pressure;
		} pad_touch;
		struct {
			uint8_t sensor; /* enum pf_nv_motion */
			float v[3];	/* m/s², or degrees a second; finite */
		} pad_motion;
		struct {
			/* 0 unknown, 1 none, 2 discharging, 3 charging, 4 not charging, 5 full */
			uint8_t state;
			uint8_t percent; /* PF_NV_UNKNOWN_8 */
		} pad_battery;
	};
};

/*
 * Reads one packet. Coordinates are brought into their range.
 * Errors: PF_E_BAD_PACKET (lengths, a float that is not finite, text that is no UTF-8, an event or button
 * that does not exist), PF_E_UNSUPPORTED (magic not known, a pad that we have not: pass it over).
 */
int pf_nv_input_read(struct pf_nv_input *in, const uint8_t *data, size_t len) PF_MUST_CHECK;

/*
 * What an injector takes. Pads come and go with the masks of their states, sequence numbers are given, and
 * the two sensors are kept, because one event has both.
 */
struct pf_nv_mapper {
	uint16_t pads; /* that were told */
	uint8_t pad_seq[PF_PADS];
	int16_t motion[PF_PADS][2][3]; /* gyroscope, accelerometer */
};

#define PF_NV_MAX_EVENTS \
	32u /* PF_NV_TEXT_MAX; all pads leaving, one coming and its state are fewer */
/* Touches are on a surface of this width and height. */
#define PF_NV_TOUCH_SURFACE 0xFFFFu

void pf_nv_mapper_init(struct pf_nv_mapper *m);

/*
 * The events of a packet, in order. Returns how many, 0 for what has no such form: hovers, cancels of all
 * contacts (the caller knows which there are), pens, and pf_nv_mapper_rich()'s. A cancelled contact is let go.
 */
size_t pf_nv_mapper_events(struct pf_nv_mapper *m, const struct pf_nv_input *in,
	struct pf_input out[static PF_NV_MAX_EVENTS]);
/* The same for touchpads and motion of pads: true when *out is one. */
bool pf_nv_mapper_rich(struct pf_nv_mapper *m, const struct pf_nv_input *in, struct pf_rich *out);

#endif
