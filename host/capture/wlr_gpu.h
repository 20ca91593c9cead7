/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_CAPTURE_WLR_GPU_H
#define HOST_CAPTURE_WLR_GPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/capture/wlr_pool.h"

struct gbm_device;
struct zwp_linux_buffer_params_v1;
struct zwp_linux_dmabuf_v1;

/*
 * Buffers in a GPU's memory (GBM) that a compositor copies into, for who imports DMA-BUFs. Thread: the capture's, after
 * init.
 */

#define WLR_MAX_MODIFIERS 64u /* as capture.h takes */
#define WLR_NO_FORMAT	  UINT32_MAX

/* What a compositor takes, as far as it is for us. Zeroed at first, and comparable by its bytes. */
struct wlr_gpu_layout {
	dev_t device;
	bool has_device;
	uint32_t fourcc, n_modifiers;
	uint64_t modifiers[WLR_MAX_MODIFIERS];
};

struct wlr_gpu {
	bool failed; /* not tried again */
	/* what the consumer imports besides the linear layout */
	uint64_t imports[WLR_MAX_MODIFIERS];
	uint32_t n_imports;
	int node_fd;
	dev_t device; /* of node_fd */
	struct gbm_device *gbm;
	struct wlr_gpu_layout layout; /* of what was made last */
	struct wlr_pool *pool;
	struct zwp_linux_buffer_params_v1 *params[WLR_POOL_BUFFERS];
	unsigned n_waiting; /* buffers that the compositor still looks at */
	void (*on_done)(bool good, void *userdata);
	void *userdata;
};

/* modifiers: copied, at most WLR_MAX_MODIFIERS of them. */
void wlr_gpu_init(struct wlr_gpu *g, const uint64_t *modifiers, uint32_t n);
void wlr_gpu_finish(struct wlr_gpu *g);
/* One format of a compositor with its modifiers; keeps what we can have of the best format. */
void wlr_gpu_offer(const struct wlr_gpu *g, struct wlr_gpu_layout *l, uint32_t fourcc,
	const uint64_t *modifiers, size_t n);
/*
 * Begins to make the pool's buffers of this memory; on_done comes when the compositor has taken or refused them. The
 * pool must not be used before. After a refusal, and after an error, failed is set. Errors: PF_E_UNSUPPORTED (no GPU, no
 * GBM), PF_E_IO, PF_E_NOMEM.
 */
int wlr_gpu_make(struct wlr_gpu *g, struct wlr_pool *pool, struct zwp_linux_dmabuf_v1 *dmabuf,
	const struct wlr_layout *layout, const struct wlr_gpu_layout *gpu_layout,
	void (*on_done)(bool good, void *userdata), void *userdata) PF_MUST_CHECK;
/* What the compositor still looks at is not waited for. */
void wlr_gpu_cancel(struct wlr_gpu *g);

#endif
