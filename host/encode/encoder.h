/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_ENCODE_ENCODER_H
#define HOST_ENCODE_ENCODER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "host/media/frame.h"
#include "host/media/unit.h"

/*
 * Picture -> access unit. Conversion to the encoder's colour format is part of encode() and timed apart.
 * Thread: create anywhere, then one thread at a time.
 */

struct encoder;
struct gpu_display;

struct encoder_params {
	uint32_t width, height, refresh_hz;
	uint32_t bitrate_kbps;
	uint8_t codec;	  /* one bit of enum pf_codec */
	unsigned threads; /* 0 = the backend's choice */
	unsigned slices;  /* of a picture; 0 = the backend's choice */
	/* H.273's number of the matrix, and its range; 0 = what the backend makes anyway (encoder_impl.colour). */
	uint8_t matrix;
	bool full_range;    /* with a matrix */
	unsigned max_depth; /* references that the decoder has room for; 0 = all there may be */
};

struct encoder_caps {
	bool live_bitrate; /* set_bitrate() without a keyframe */
	bool bitrate_keyframe; /* its next unit is one; without either only a new encoder has another rate */
	/* How many units back one may still be referred to: what encoder_invalidate() can reach; 0 = it cannot. */
	unsigned depth;
	/* Of the coded picture: as asked, odd numbers rounded up (4:2:0); the added edge repeats the last pixels. */
	uint32_t coded_width, coded_height;
	bool dmabuf; /* takes frames that lie only in a GPU's memory */
};

struct encoder_impl {
	const char *name;
	uint8_t codecs; /* bits of enum pf_codec that it can make */
	uint8_t costly; /* those of them that take so much more time that they go only to who asks (offer.h) */
	bool hardware; /* may break down while it works: then another one takes its place (encoder_retire()) */
	/* Which of `codecs` the library at hand really has. NULL: all. */
	uint8_t (*available)(void);
	/* The GPU that imports frames for it, or NULL where none does. NULL: frames have to be in memory. */
	const struct gpu_display *(*importer)(void);
	/* What the pictures are, as CICP (H.273): primaries, transfer, matrix, full range. The stream says the same. */
	uint8_t colour[4];
	int (*create)(struct encoder **out, const struct encoder_params *params);
	void (*destroy)(struct encoder *base);
	/* Fills unit: data, len, keyframe, times, pts and stage stamps. frame has the encoder's size. */
	int (*encode)(
		struct encoder *base, struct frame *frame, bool force_keyframe, struct unit *unit);
	/* NULL without caps.live_bitrate and caps.bitrate_keyframe; after an error the encoder is of no use */
	int (*set_bitrate)(struct encoder *base, uint32_t kbps);
	/* No unit from number on may be referred to again; one before it can be. NULL: units refer to nothing. */
	int (*invalidate)(struct encoder *base, uint64_t number);
};

struct encoder {
	const struct encoder_impl *impl;
	struct encoder_caps caps;
	struct encoder_params params;
	/* encoder.c's own */
	uint64_t next_number;
	uint64_t usable; /* bit i: unit next_number - 1 - i can be referred to */
	bool anchor_due; /* units were invalidated since the last one */
};

extern const struct encoder_impl encoder_x264_impl;    /* HAVE_X264 */
extern const struct encoder_impl encoder_avcodec_impl; /* HAVE_AVCODEC */
extern const struct encoder_impl encoder_vaapi_impl;   /* HAVE_AVCODEC */
extern const struct encoder_impl encoder_nvenc_impl;   /* HAVE_AVCODEC */
extern const struct encoder_impl
	encoder_null_impl; /* never picked by itself: a header and filler bytes */

#define ENCODER_MIN_KBPS     500u     /* wire 9 */
#define ENCODER_MAX_KBPS     8000000u /* wire 9 */
#define ENCODER_DEFAULT_KBPS 20000u
#define ENCODER_MIN_SIZE     16u   /* one macroblock */
#define ENCODER_MAX_SIZE     8192u /* pixels a side: the largest picture of any codec level in use */
#define ENCODER_MAX_HZ	     1000u
#define ENCODER_MAX_THREADS  16u
#define ENCODER_MAX_SLICES   32u
#define ENCODER_MAX_DEPTH    16u /* H.264's and HEVC's */

/*
 * How far back references should reach: a client gives a lost frame up after 120 ms (wire 7.5) and asks for a
 * keyframe instead, and what it asked for by then is two frames on its way.
 */
#define ENCODER_DEPTH_MS 150u

/*
 * name NULL or "auto" = the first that can make params->codec and opens; "x264", "avcodec", "vaapi", "nvenc", "null".
 * The bitrate is clamped to the range above. Errors: PF_E_UNSUPPORTED (not built, or not this codec), PF_E_INVALID,
 * PF_E_NOMEM.
 */
int encoder_create(
	struct encoder **out, const char *name, const struct encoder_params *params) PF_MUST_CHECK;
void encoder_destroy(struct encoder *e); /* takes NULL */
/*
 * The first unit of an encoder, those with force_keyframe and what caps.bitrate_keyframe says are keyframes, no others.
 * Errors: PF_E_INVALID (the frame has not the encoder's size, lies where caps say that it may not, or cannot be true),
 * PF_E_UNSUPPORTED (nothing here reads the memory that it lies in), PF_E_TIMEOUT (it is not drawn yet, and does not
 * seem to be soon): the encoder goes on with the next. PF_E_NOMEM, PF_E_IO (the encoder failed: make a new one). After
 * an error the unit holds nothing.
 */
int encoder_encode(struct encoder *e, struct frame *frame, bool force_keyframe,
	struct unit *unit) PF_MUST_CHECK;
/*
 * Unit `number` (as in struct unit) and all that came after it are lost to the decoder: the next unit, marked
 * unit.anchor, refers to older ones only. Units may be named twice. Errors: PF_E_UNSUPPORTED (caps.depth is 0,
 * or nothing old enough is left): nothing changed, and only a keyframe helps; PF_E_IO.
 */
int encoder_invalidate(struct encoder *e, uint64_t number) PF_MUST_CHECK;
/* Units of ENCODER_DEPTH_MS at this rate, at most ENCODER_MAX_DEPTH: what a backend aims at. */
unsigned encoder_depth(uint32_t refresh_hz);
/* From the next frame on; clamped. Errors: PF_E_UNSUPPORTED (see caps), others (make a new one). */
int encoder_set_bitrate(struct encoder *e, uint32_t kbps) PF_MUST_CHECK;
/*
 * e, of hardware, broke: whoever asks for its kind from now on gets what "auto" leaves, in this process. Said once.
 * Thread: any.
 */
void encoder_retire(const struct encoder *e, int err);
/* For tests: one that goes before all others of its codecs; NULL takes it away. While nothing encodes. */
void encoder_stand_in(const struct encoder_impl *impl);
/* Whether there is an encoder of this name, "auto" included; this build may still be without it. */
bool encoder_known(const char *name);

/* The codecs (bits of enum pf_codec) that the named encoder can make; NULL or "auto" = any that may be picked. */
uint8_t encoder_codecs(const char *name);
/* Those of them that are dear: see encoder_impl.costly. */
uint8_t encoder_costly(const char *name);
/*
 * The GPU that imports DMA-BUFs for whichever encoder may be picked by this name; NULL: frames have to be in memory.
 * What layouts it takes: gpu_display_modifiers(). It may be gone the next time, when it refused some.
 */
const struct gpu_display *encoder_importer(const char *name);
/* CICP of the pictures that the named (or any) built encoder makes of codec; 2 (unspecified) when there is none. */
void encoder_colour(const char *name, uint8_t codec, uint8_t out[static 4]);

#endif
