/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_INJECT_INJECT_H
#define HOST_INJECT_INJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/wire/datagram.h"

/*
 * A client's input -> the desktop. inject.c validates events, keeps the set of keys and buttons that are
 * down, drops repeats of a state, and releases everything at destroy; backends only emit.
 * Thread: the control loop.
 */

struct loop;
struct sd_bus;
struct inject;

struct inject_params {
	struct loop *loop;
	const char *wayland_display; /* wlr, kwin */
	const char *output_name;     /* absolute coordinates are of this output */
	uint32_t width, height;	     /* its pixels now: see inject_set_size() */
	/* mutter, portal, and libei for what mutter's EIS cannot: the session that made the output, borrowed for life. */
	struct sd_bus *bus;
	const char *remote_session, *remote_stream;
	int eis_fd; /* libei: inject_create() takes it, also when it fails; -1 = none */
	const char *
		mapping_id; /* libei: of the output's region; NULL or empty = it is known by its size */
	const char *xkb_layout;				  /* NULL = "us" */
	const char *record_path;			  /* record; NULL = none */
	void (*on_lost)(const char *why, void *userdata); /* the compositor is gone */
	void *userdata;
};

enum inject_scroll { INJECT_SCROLL_WHEEL, INJECT_SCROLL_FINGER, INJECT_SCROLL_CONTINUOUS };

struct inject_touch {
	uint8_t kind; /* PF_INPUT_TOUCH_DOWN, _MOVE, _UP */
	uint32_t id;
	uint32_t x, y, width, height; /* x in 0..width-1, as motion_absolute() */
};

/* What a client may be told that it can send; without touch one finger is the pointer. */
struct inject_caps {
	bool text, touch, smooth_scroll, pads;
	bool view_only; /* neither pointer nor keyboard reach the desktop */
};

#define INJECT_MAX_TOUCHES 10u /* two hands */
#define INJECT_MAX_PADS	   16u /* wire 6.1 */

struct inject_impl {
	const char *name;
	bool view_only; /* takes events and drops them */
	int (*create)(struct inject **out, const struct inject_params *params);
	void (*destroy)(struct inject *base);
	void (*key)(struct inject *base, uint32_t evdev_code, bool down);
	void (*motion)(struct inject *base, int32_t dx, int32_t dy);
	/* x in 0..width-1 of a surface that is stretched over the output */
	void (*motion_absolute)(
		struct inject *base, uint32_t x, uint32_t y, uint32_t width, uint32_t height);
	void (*button)(struct inject *base, uint32_t evdev_code, bool down); /* BTN_LEFT … */
	void (*scroll)(
		struct inject *base, bool horizontal, int32_t amount_120); /* 120 per detent */
	/* units as Wayland counts them, 256 to one: fingers on a pad; 0 = they left it */
	void (*scroll_smooth)(
		struct inject *base, bool horizontal, int32_t amount_q8, enum inject_scroll source);
	void (*flush)(struct inject *base);
	/* optional, NULL = this backend cannot: inject.caps says so */
	void (*text)(struct inject *base, uint32_t scalar); /* types one character */
	/* Balanced: each contact goes down once and up once. */
	void (*touch)(struct inject *base, const struct inject_touch *touch);
	void (*pad)(struct inject *base, const struct pf_input *event); /* in range, in order */
	void (*rich)(struct inject *base, const struct pf_rich *event);
	/* The seat is shared: pointer (to base->at, if that is known) and focus come back to this output. */
	void (*claim)(struct inject *base);
	bool roams; /* relative motion alone may leave the output */
};

#define INJECT_MAX_KEY 0x300u

struct inject {
	const struct inject_impl *impl;
	struct inject_params params;
	uint64_t down[INJECT_MAX_KEY / 64]; /* by evdev code, keys and buttons alike */
	uint64_t events, dropped;	    /* dropped: out of range or not known here */
	struct inject_caps caps;	    /* filled by inject_create() */
	struct inject_touch at; /* where this client moved the pointer to; width 0 = not known */
	struct inject_touch touches[INJECT_MAX_TOUCHES]; /* down now; without touch one at most */
	size_t n_touches;
	uint8_t pad_seq[INJECT_MAX_PADS]; /* of the newest snapshot or removal */
	uint16_t pads_seen;		  /* bits: pad_seq counts */
};

extern const struct inject_impl inject_wlr_impl;  /* HAVE_WLROOTS */
extern const struct inject_impl inject_kwin_impl; /* HAVE_KWIN */
extern const struct inject_impl inject_mutter_impl;
extern const struct inject_impl inject_portal_impl, inject_view_only_impl;
extern const struct inject_impl inject_libei_impl; /* HAVE_LIBEI */
extern const struct inject_impl
	inject_record_impl; /* remembers what it was given: for tests and no desktop */

bool inject_has(const char *name); /* in this build */
int inject_create(
	struct inject **out, const char *name, const struct inject_params *params) PF_MUST_CHECK;
void inject_destroy(struct inject *i); /* takes NULL; releases every key and button first */
/* Never fails: what makes no sense is counted and dropped. */
void inject_event(struct inject *i, const struct pf_input *event);
void inject_rich(struct inject *i, const struct pf_rich *event);
void inject_release_all(struct inject *i);
/* The output has other pixels from here on. */
void inject_set_size(struct inject *i, uint32_t width, uint32_t height);
/* Before events of this client, when the last ones were another's. */
void inject_claim(struct inject *i);
/* Windows virtual-key -> evdev code; 0 = none. */
uint32_t inject_vk_to_evdev(uint32_t vk);
bool inject_is_keypad(uint32_t evdev_code); /* what NumLock makes digits of */

#endif
