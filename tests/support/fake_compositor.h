/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_SUPPORT_FAKE_COMPOSITOR_H
#define TESTS_SUPPORT_FAKE_COMPOSITOR_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/sysmacros.h>
#include <sys/types.h>

/*
 * A compositor of ext-image-copy-capture and wlr-screencopy on a thread of its own, with one output, "FAKE-1", whose
 * picture changes every few milliseconds, and which does what a test tells it to do wrong.
 */

#define FAKE_MAX_HEIGHT 2048u
#define FAKE_DEVICE	makedev(1, 5) /* of its GPU: one that is always there */
#define FAKE_FOURCC	0x34325258u
#define FAKE_MODIFIER	UINT64_C(0x0100000000000001)

enum fake_fault {
	FAKE_GOOD,
	FAKE_ABSURD_SIZE,
	FAKE_EMPTY_SIZE,
	FAKE_NO_FORMAT, /* only some that nobody knows */
	FAKE_NEVER_DONE,
	FAKE_NEVER_READY,
	FAKE_REFUSES,
	FAKE_STOPS,   /* after some pictures: the session is stopped */
	FAKE_DIES,    /* after some pictures: the connection breaks */
	FAKE_RESIZES, /* after some pictures: other constraints */
	FAKE_FLAPS,   /* says the same constraints again with each picture */
	FAKE_BAD_DAMAGE,
	FAKE_NO_GPU,	   /* refuses every buffer of a GPU's memory */
	FAKE_ODD_DEVICE,   /* names the GPU that it draws on by half a number */
	FAKE_OTHER_LAYOUT, /* has none that a client could know */
	FAKE_BAD_STAMP,	   /* pictures of the future, and of long ago */
	FAKE_FLIPPED,	   /* every second picture says that it is upside down */
	FAKE_SCRIBBLES,	   /* refuses every second copy, and leaves something else in its buffer */
	FAKE_BAD_STRIDE,   /* of wlr-screencopy: rows that overlap */
};

enum fake_pointer_fault {
	FAKE_POINTER_GOOD,
	FAKE_POINTER_HUGE,
	FAKE_POINTER_NO_FORMAT, /* only some without alpha */
	FAKE_POINTER_REFUSES,
	FAKE_POINTER_SILENT, /* never brings its shape */
	FAKE_POINTER_STOPS,  /* after the first shape */
	FAKE_POINTER_ODD,    /* a hot spot outside */
};

struct fake_compositor {
	/* set before start */
	enum fake_fault fault; /* of ext-image-copy-capture */
	bool has_images, has_screencopy, has_dmabuf, has_seat;
	uint32_t width, height;
	dev_t main_device; /* with has_dmabuf: what it tells that it draws on; 0 = it is too old to */

	enum fake_pointer_fault pointer_fault;

	/* at any time; see fake_cursor.h */
	_Atomic bool pointer_there;    /* the seat has one */
	_Atomic uint32_t pointer_look; /* which shape; 0 = it is not on the output */
	_Atomic int32_t pointer_x, pointer_y;

	char path[108];	     /* of its socket */
	_Atomic bool paints; /* the pointer into the pictures, as it was told last */
	_Atomic unsigned n_pointers, n_shapes;
	_Atomic unsigned n_gpu_buffers;
	_Atomic uint64_t n_copies,
		n_partial; /* pictures; and those whose buffer lacked only some rows */

	/* the thread's */
	pthread_t thread;
	int stop_fd;
	struct wl_display *display;
	struct wl_event_source *tick, *stop;
	struct wl_resource *session, *frame, *buffer, *screencopy;
	bool captured, with_damage, buffer_whole, buffer_lacks[FAKE_MAX_HEIGHT];
	unsigned n_tries;
	uint32_t rows[FAKE_MAX_HEIGHT];
	uint64_t seq;
	struct wl_resource *seat, *cursor, *shapes, *shape_frame, *shape_buffer;
	bool seat_told, inside_told, shape_due;
	uint32_t look_told;
	int32_t x_told, y_told;
	char dir[96];
};

/* Takes what is set above. Returns 0, or -1. */
int fake_compositor_start(struct fake_compositor *f);
void fake_compositor_stop(struct fake_compositor *f);
/* What all pixels of a row are in picture seq (from 0): each changes a few rows of the one before. */
uint32_t fake_compositor_row(uint64_t seq, uint32_t height, uint32_t row);

#endif
