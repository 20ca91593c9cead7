/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GPU_DMABUF_H
#define HOST_GPU_DMABUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/error.h"
#include "host/media/frame.h"

/* Pictures in a GPU's memory, as a compositor describes them: whatever it says is checked against the memory. */

#define DMABUF_LINEAR	UINT64_C(0)
#define DMABUF_INVALID	UINT64_C(0x00ffffffffffffff) /* the modifier of who does not know it */
#define DMABUF_MAX_SIDE 8192u			     /* pixels: as CAPTURE_MAX_SIZE */
#define DMABUF_MAX_STRIDE \
	(DMABUF_MAX_SIDE * 8u) /* bytes: a row of 4 bytes a pixel with room for any alignment */

#define DMABUF_FOURCC(a, b, c, d) \
	((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
#define DMABUF_XR24 DMABUF_FOURCC('X', 'R', '2', '4')
#define DMABUF_AR24 DMABUF_FOURCC('A', 'R', '2', '4')
#define DMABUF_XB24 DMABUF_FOURCC('X', 'B', '2', '4')
#define DMABUF_AB24 DMABUF_FOURCC('A', 'B', '2', '4')

/*
 * May f->dmabuf be looked at? It has planes of a known format that is f->format's, in memory that is large enough
 * for them. Errors: PF_E_UNSUPPORTED (a format or layout that is not for us), PF_E_INVALID (it cannot be true).
 */
int dmabuf_check(const struct frame *f) PF_MUST_CHECK;

/* What draws one picture of a display takes longer only when it hangs. */
#define DMABUF_WAIT_MS 100u

/*
 * Waits until whoever writes f's DMA-BUFs is done, as its implicit fences say, DMABUF_WAIT_MS at most: for readers
 * that the fences do not hold, and for those that they would hold for ever. Errors: PF_E_TIMEOUT, PF_E_INVALID (no
 * planes, or no descriptors), PF_E_IO.
 */
int dmabuf_wait(const struct frame *f) PF_MUST_CHECK;

/* False: its owner could make it shorter while it is read, which would end this process. */
bool dmabuf_keeps_its_size(int fd);

/* What one piece of memory is known by as long as somebody has it open. */
struct dmabuf_id {
	dev_t device;
	ino_t inode;
};

/* Errors: PF_E_IO. */
int dmabuf_identify(int fd, struct dmabuf_id *out) PF_MUST_CHECK;

/* A compositor's ring has 2 to 8 buffers; one that has more pays with a mapping for each picture. */
#define DMABUF_MAPS 16u

/* Memory that stays mapped from picture to picture. One thread at a time. */
struct dmabuf_maps {
	struct dmabuf_map {
		struct dmabuf_id id;
		void *at; /* NULL = free */
		size_t len;
		uint64_t used; /* when, in calls */
	} maps[DMABUF_MAPS];
	uint64_t n_calls;
};

void dmabuf_maps_init(struct dmabuf_maps *m);
void dmabuf_maps_finish(struct dmabuf_maps *m);
/*
 * A checked frame in linear memory as pixels that the CPU may read until dmabuf_end(); waits for the GPU that draws
 * it. Returns the first pixel; rows are f->dmabuf.stride[0] apart. NULL: it is not linear, or cannot be mapped,
 * or its owner could make it shorter while it is read.
 */
const uint8_t *dmabuf_begin(struct dmabuf_maps *m, const struct frame *f);
void dmabuf_end(const struct frame *f);

#endif
