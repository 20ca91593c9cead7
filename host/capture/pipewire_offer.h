/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_CAPTURE_PIPEWIRE_OFFER_H
#define HOST_CAPTURE_PIPEWIRE_OFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "host/media/frame.h"

struct spa_pod;

/* What a capture offers a PipeWire node, and what the two agreed on. Thread: any. */

#define PIPEWIRE_OFFERS	   4u	 /* formats in one go */
#define PIPEWIRE_METAS	   6u	 /* with the buffers */
#define PIPEWIRE_POD_ROOM  8192u /* bytes for all of them */
#define PIPEWIRE_MODIFIERS 64u	 /* layouts of a GPU's memory that are offered at most */

/*
 * Buffers asked for: one that the node draws in, one in the mailbox, one in the encoder, one kept for repeats, one
 * kept for the pointer, and room for a node that draws ahead.
 */
#define PIPEWIRE_BUFFERS     8u
#define PIPEWIRE_MAX_BUFFERS 64u /* that a node may have */

enum pipewire_memory {
	PIPEWIRE_SHARED, /* only memory that the CPU reads */
	PIPEWIRE_SHARED_FIRST, /* or linear memory of a GPU, which the CPU may read, where a node has no other */
	PIPEWIRE_GPU_FIRST, /* a GPU's, for who can import it; or shared */
};

/*
 * A node that makes a display for us takes its size and rate from what is agreed on first. From then on the rate is
 * only a limit, which a display that comes a little early would run into at every second picture; and each word of the
 * pointer in between counts against it, so that it must be far above.
 */
enum pipewire_step {
	PIPEWIRE_EXACT,	 /* the size and the rate */
	PIPEWIRE_RAISED, /* the size, and as good as no limit */
	PIPEWIRE_ANY,	 /* what the node has, this size if it can */
};

struct pipewire_wish {
	uint32_t width, height, refresh_mhz;
	enum pipewire_step step;
	enum pipewire_memory memory;
	const uint64_t *modifiers; /* with PIPEWIRE_GPU_FIRST, besides the linear one */
	uint32_t n_modifiers;
};

struct pipewire_format {
	uint32_t width, height;
	enum frame_format format;
	bool alpha; /* DRM's name of the format differs */
	bool gpu;   /* DMA-BUFs, laid out by the modifier */
	bool open;  /* the modifier is still a choice: the node fixes it and tells again */
	uint64_t modifier;
};

/* Returns the number of pods, which lie in room. */
uint32_t pipewire_offer_formats(const struct pipewire_wish *wish, uint8_t room[PIPEWIRE_POD_ROOM],
	const struct spa_pod *pods[PIPEWIRE_OFFERS]);
uint32_t pipewire_offer_buffers(const struct pipewire_format *format,
	uint8_t room[PIPEWIRE_POD_ROOM], const struct spa_pod *pods[PIPEWIRE_METAS]);
/* Errors: PF_E_UNSUPPORTED (not offered by us), PF_E_INVALID (not a format, or out of range). */
int pipewire_offer_parse(const struct spa_pod *pod, struct pipewire_format *out) PF_MUST_CHECK;
/* DRM's name of the format. */
uint32_t pipewire_offer_fourcc(const struct pipewire_format *format);

#endif
