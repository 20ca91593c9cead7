/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_CAPTURE_WLR_INTERNAL_H
#define HOST_CAPTURE_WLR_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "host/base/thread.h"
#include "host/capture/capture.h"
#include "host/capture/wlr_cursor.h"
#include "host/capture/wlr_gpu.h"
#include "host/capture/wlr_pool.h"
#include "host/wayland/wlconn.h"

/*
 * The parts of the backend "wlr": the connection and its thread (wlr.c), and the two ways to ask a compositor for
 * pictures. Everything here is the capture thread's while it runs.
 */

struct wlr;

/* A way has one request pending at a time, which the compositor answers when it has drawn something new. */
struct wlr_way {
	const char *name;
	bool (*is_there)(const struct wlr *c);
	void (*begin)(struct wlr *c);
	void (*ask)(struct wlr *c); /* for the next picture; nothing is pending */
	void (*end)(struct wlr *c); /* what is pending, if anything */
	void (*finish)(struct wlr *c);
};

extern const struct wlr_way wlr_image_way; /* ext-image-copy-capture */
extern const struct wlr_way wlr_screencopy_way;

#define WLR_MAX_BINDS 6u

struct wlr {
	struct capture base;
	bool told_other_gpu;
	char display_name[128], output_name[64];
	struct thread thread;
	int wake_fd;
	_Atomic bool quit;
	_Atomic bool drawn; /* the pointer is to be in the picture */
	_Atomic bool woken; /* for `drawn`: wake_fd is to be emptied */

	struct wlconn conn;
	struct wlconn_bind binds[WLR_MAX_BINDS];
	struct wl_shm *shm;
	struct zwlr_screencopy_manager_v1 *screencopy;
	struct ext_image_copy_capture_manager_v1 *images;
	struct ext_output_image_capture_source_manager_v1 *sources;
	struct zwp_linux_dmabuf_v1 *dmabuf;
	struct wl_seat *seat;
	bool seat_has_pointer;

	const struct wlr_way *way;
	bool apart;  /* the pointer is told apart from the pictures */
	bool paints; /* the compositor paints it into them */
	struct wlr_cursor cursor;
	struct wlr_pool pool;
	struct wlr_buffer *buffer; /* being copied into */
	bool fresh; /* there is no picture before the next one that damage could refer to */
	bool y_invert;
	struct frame_damage damage;
	unsigned n_failed;
	uint64_t retry_ns; /* UINT64_MAX = no retry due */
	uint64_t first_ns; /* when the first picture is overdue; UINT64_MAX = it came */
	uint64_t seq;
	const char *lost; /* why it cannot go on */
	int lost_err;

	/* screencopy */
	struct zwlr_screencopy_frame_v1 *request;
	struct wlr_layout offered;
	bool has_offer;

	/* ext-image-copy-capture */
	struct ext_image_capture_source_v1 *source;
	struct ext_image_copy_capture_session_v1 *session;
	struct ext_image_copy_capture_frame_v1 *frame;
	struct wlr_layout coming, wanted; /* coming: until `done` */
	bool has_format, has_constraints;
	uint64_t presented_ns;
	struct wlr_gpu gpu;
	struct wlr_gpu_layout gpu_coming, gpu_wanted; /* n_modifiers 0 = none that is for us */
};

void wlr_lose(struct wlr *c, int err, const char *why);
/* The buffer that was being copied into is free again. */
void wlr_drop_buffer(struct wlr *c);
/* Ends what is pending; the next is asked for a little later. */
void wlr_retry_later(struct wlr *c);
/* The same for a request that the compositor refused; many in a row lose the display. */
void wlr_refused(struct wlr *c);
/* Has the pool buffers of this layout? It gets them; false: it is lost. */
bool wlr_fit_pool(struct wlr *c, const struct wlr_layout *layout);
/* Takes a buffer to copy into; false: consumers hold every one, a retry is due. */
bool wlr_take_buffer(struct wlr *c);
/* Rows that the compositor says differ; anything may come in. */
void wlr_add_damage(struct wlr *c, int64_t y, int64_t height);
/* A stamp of the compositor's, as three words. */
uint64_t wlr_stamp(uint32_t sec_hi, uint32_t sec_lo, uint32_t nsec);
/* The buffer holds a picture: asks for the next one and gives this one out. presented_ns: 0 = not told. */
void wlr_deliver(struct wlr *c, uint64_t presented_ns);

#endif
