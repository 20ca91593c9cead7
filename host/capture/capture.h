/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_CAPTURE_CAPTURE_H
#define HOST_CAPTURE_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/error.h"
#include "host/media/cursor.h"
#include "host/media/frame.h"

/*
 * Where pictures come from. A backend runs a thread of its own between start() and stop() and calls the
 * callbacks from there. capture.c checks arguments and picks the backend; backends trust.
 */

struct capture;

struct capture_params {
	/* wlr: the compositor's socket (path or name as in WAYLAND_DISPLAY) and the output's name. */
	const char *wayland_display;
	const char *output_name;
	/* pipewire: the node (never a number that a stranger chose) and its daemon's socket; empty = the user's own. */
	uint32_t node_id;
	bool node_sized; /* it knows its size and tells when that changes; else it takes ours */
	const char *node_remote;
	int node_fd; /* pipewire: a connection that sees it, instead; capture_create() takes it; 0 = none */
	bool node_keeps_rate; /* pipewire: what is agreed on makes the display's rate and limits nothing */
	/* synthetic makes, pipewire negotiates such pictures; other backends follow the output. Thousandths of a hertz. */
	uint32_t width, height, refresh_mhz;
	bool dmabuf; /* who takes the frames can import DMA-BUFs: they come untouched where the compositor has them */
	/* pipewire, with dmabuf: layouts besides the linear one, best first; DRM's, copied, at most 64 */
	const uint64_t *modifiers;
	uint32_t n_modifiers;
	/* with dmabuf: a node of the GPU that imports them; 0 = not known. What another draws comes in memory. */
	dev_t device;
	bool cursor; /* draw the pointer into the picture, until capture_draw_cursor() */
	/* On the backend's thread. The callee takes its own reference if it keeps the frame. */
	void (*on_frame)(struct frame *frame, void *userdata);
	/*
	 * Where the pointer is now: at most once a frame, and only when something of it changed. shape: NULL
	 * where it is the one of the call before. Only from backends with caps.cursor; on the backend's thread. The
	 * callee takes its own reference if it keeps the shape. May be NULL.
	 */
	void (*on_cursor)(
		struct cursor_shape *shape, const struct cursor_state *state, void *userdata);
	/* Capture ended by itself (compositor gone, output gone). Once, on the backend's thread. */
	void (*on_lost)(int err, const char *why, void *userdata);
	void *userdata;
};

struct capture_caps {
	bool damage_driven; /* frames come only when something changed */
	bool cursor;	    /* tells the pointer's shape and place apart from the picture */
	bool resizes;	    /* follows set_mode() or the output by itself, without a restart */
};

struct capture_impl {
	const char *name;
	int (*create)(struct capture **out, const struct capture_params *params);
	void (*destroy)(struct capture *base);
	int (*start)(struct capture *base);
	void (*stop)(struct capture *base); /* synchronous: no callback after it returns */
	/* optional: NULL for backends that follow their output */
	int (*set_mode)(
		struct capture *base, uint32_t width, uint32_t height, uint32_t refresh_mhz);
	/* with caps.cursor */
	void (*draw_cursor)(struct capture *base, bool drawn);
};

struct capture {
	const struct capture_impl *impl;
	struct capture_caps caps;     /* filled by create(), constant afterwards */
	struct capture_params params; /* strings are the backend's own copies */
	bool started;		      /* capture.c's: between a good start() and stop() */
	_Atomic uint32_t away; /* counts up; odd: pictures are being agreed on anew or are halted */
	_Atomic uint64_t n_frames; /* given to on_frame */
	_Atomic uint64_t
		n_skipped; /* not made: the thread was late, or the consumer held every buffer */
};

#define CAPTURE_MAX_SIZE 8192u /* pixels a side: the largest picture of any codec level in use */
#define CAPTURE_MAX_HZ	 1000u

extern const struct capture_impl capture_synthetic_impl;
extern const struct capture_impl capture_wlr_impl;	/* HAVE_WLROOTS */
extern const struct capture_impl capture_pipewire_impl; /* HAVE_PIPEWIRE */

/*
 * name: "synthetic", "wlr", "pipewire". Errors: PF_E_UNSUPPORTED (unknown or not built), PF_E_INVALID, PF_E_IO,
 * PF_E_NOMEM.
 */
int capture_create(
	struct capture **out, const char *name, const struct capture_params *params) PF_MUST_CHECK;
/* Takes NULL; stops first. Frames that consumers still hold stay valid until their last unref. */
void capture_destroy(struct capture *c);
int capture_start(struct capture *c) PF_MUST_CHECK;
void capture_stop(struct capture *c); /* may be called when not started; not from a callback */
/*
 * Thread: one controlling thread, as all of the above. Frames of the new mode follow soon; a few of the
 * old one may come first. Errors: PF_E_UNSUPPORTED (follows its output), PF_E_INVALID, PF_E_NOMEM.
 */
int capture_set_mode(
	struct capture *c, uint32_t width, uint32_t height, uint32_t refresh_mhz) PF_MUST_CHECK;

/* Is the pointer in the pictures from here on? Nothing happens without caps.cursor. Thread: as above. */
void capture_draw_cursor(struct capture *c, bool drawn);

/*
 * The synthetic source writes its frame number and CLOCK_REALTIME stamp into the top rows of each
 * picture as blocks of black and white that survive the encoder, with a CRC; the rest of the picture
 * moves. Reads them back from the luma plane of a decoded picture. Returns false when the marks are not
 * there or the CRC fails. Thread: any.
 */
bool synthetic_read_mark(const uint8_t *luma, size_t stride, uint32_t width, uint32_t height,
	uint64_t *frame_seq, uint64_t *realtime_ns);

#endif
