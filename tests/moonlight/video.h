/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_MOONLIGHT_VIDEO_H
#define TESTS_MOONLIGHT_VIDEO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/moonlight/ping.h"
#include "tests/support/nv_receiver.h"

/*
 * The Moonlight side of GameStream's video for tests: pings, receives with repair, drops what a stock client drops
 * after a loss, decodes and reads the marks of the synthetic source. Thread: one.
 */

#define MOON_FRAMES 4096u

struct moon_frame {
	uint32_t index;
	uint8_t type;
	uint16_t latency; /* 0.1 ms */
	size_t len;
	uint64_t at_ns;
	uint64_t mark; /* of the synthetic source; 0 = not decoded, or none */
	bool dropped;  /* waiting for a frame that ends a loss */
	bool clean;    /* decoded without an error, and the mark is whole */
};

struct moon_video_stats {
	uint64_t datagrams,
		withheld;      /* withheld: thrown away by drop_percent and moon_video_lose() */
	uint64_t frames, lost; /* whole ones, and those that never will be */
	uint64_t clean, dropped, broken; /* broken: decoded with an error or without a mark */
	uint64_t types[8];		 /* of whole frames */
	uint64_t heals, heal_max_ns;	 /* from noticing a loss to the next clean picture */
	uint64_t gap_max_ns;		 /* between two clean pictures */
	uint64_t first_ns, first_clean_ns;
	unsigned width, height; /* of the newest picture */
};

struct moon_video_params {
	const char *to; /* IPv4 address */
	uint16_t port;
	const char *token;
	unsigned packet_size;
	unsigned codec;	       /* as in struct moon_wish */
	const uint8_t *key;    /* NULL = in clear */
	unsigned drop_percent; /* of datagrams, by a fixed seed */
	bool decode;	       /* needs libavcodec: false in a build without */
	bool invalidation;     /* the host can; else a loss waits for an IDR frame */
	/* first and last of a loss, as this client counts. */
	void (*on_lost)(uint32_t first, uint32_t last, void *userdata);
	void (*on_block)(const struct nv_block *b, void *userdata); /* NULL = nobody cares */
	void *userdata;
};

struct moon_video;

struct moon_video *moon_video_create(const struct moon_video_params *p); /* NULL: no memory */
void moon_video_destroy(struct moon_video *v);				 /* takes NULL */
struct moon_ping *moon_video_ping(struct moon_video *v);
/* Takes all that came, and pings. */
void moon_video_turn(struct moon_video *v);
/* The next n datagrams never arrive. */
void moon_video_lose(struct moon_video *v, unsigned n);
const struct moon_video_stats *moon_video_stats(const struct moon_video *v);
const struct nv_video_stats *moon_video_received(const struct moon_video *v);
/* Whole frames so far; the newest MOON_FRAMES are kept. */
size_t moon_video_count(const struct moon_video *v);
const struct moon_frame *moon_video_frame(const struct moon_video *v, size_t n);
bool moon_video_decodes(void); /* is there a decoder? */

#endif
