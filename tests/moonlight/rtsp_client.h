/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_MOONLIGHT_RTSP_CLIENT_H
#define TESTS_MOONLIGHT_RTSP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/udp.h"

/*
 * The Moonlight side of RTSP for tests: asks for and refuses what a stock client does (docs/gamestream.md). Nothing
 * of core/nv is used. Thread: one; calls block.
 */

struct moon_rtsp {
	union udp_addr host;	 /* with its port */
	bool sealed;		 /* rtspenc */
	uint8_t key[16];	 /* rikey */
	const char *host_header; /* "0.0.0.0": the lower quality of stereo; NULL: 192.0.2.1 */
	int timeout_ms;		 /* of each request */
	/* Called while there is nothing to read, when the host runs in this thread; NULL = wait. */
	void (*pump)(void *userdata);
	void *userdata;

	/* The client's own. */
	uint32_t cseq, seal_seq;
	uint64_t host_seqs; /* a bit for each of the first 64 that the host used */
	char session[64];
};

struct moon_response {
	int status;	 /* 0: none came */
	char text[8192]; /* the whole, as it was when opened */
	size_t len;
	const char *body; /* in text; NULL = none */
};

/* Opens a connection and nothing more. The descriptor blocks. -1: refused. */
int moon_rtsp_connect(const struct moon_rtsp *c);
/* Request as it goes over the wire, sealed or not. Returns its length. */
size_t moon_rtsp_make(struct moon_rtsp *c, uint8_t *out, size_t cap, const char *method,
	const char *target, const char *headers, const char *body);
/*
 * Reads to the end of the connection, which it closes. False: nothing came, in time, that a client would take; out's
 * status is then 0.
 */
bool moon_rtsp_read(struct moon_rtsp *c, int fd, struct moon_response *out);
/* One request; headers: more lines, each with CRLF, or NULL. */
bool moon_rtsp_ask(struct moon_rtsp *c, const char *method, const char *target, const char *headers,
	const char *body, struct moon_response *out);
/* The value of a header. False: it is not there. */
bool moon_response_header(
	const struct moon_response *r, const char *name, char *out, size_t out_len);

/* What a client's settings make of ANNOUNCE. */
struct moon_wish {
	unsigned width, height, fps;
	unsigned refresh_x100;		   /* of the device's display; 0 = fps */
	unsigned packet_size;		   /* before encryption: 1392 */
	unsigned bitrate_kbps;		   /* as the person set it */
	unsigned channels;		   /* 2, 6 or 8 */
	unsigned codec;			   /* 0 H.264, 1 HEVC, 2 AV1 */
	unsigned packet_ms;		   /* 5 or 10 */
	bool encrypt_video, encrypt_audio; /* the person's wish */
	bool one_reference, high_quality;
};
extern const struct moon_wish moon_default_wish; /* 1280x720 at 60, 10 Mbit/s, stereo */

/* What a client knows after the handshake. */
struct moon_streams {
	uint16_t audio_port, video_port, control_port;
	char audio_ping[17], video_ping[17]; /* empty: the letters PING */
	uint32_t connect_data;
	uint32_t encryption; /* as it was announced */
	uint32_t host_features;
	unsigned packet_size; /* as announced */
	bool invalidation, hevc, av1;
	unsigned streams, coupled; /* of Opus */
	uint8_t mapping[8];	   /* for the client's order FL FR C LFE BL BR SL SR */
	int status;		   /* of the last response */
	const char *step;	   /* the request that failed; NULL = none */
};

void moon_rtsp_announce_body(
	char *out, size_t cap, const struct moon_wish *wish, struct moon_streams *s);
/* From OPTIONS to PLAY, as stock clients do. False: see status and step. */
bool moon_rtsp_handshake(
	struct moon_rtsp *c, const struct moon_wish *wish, struct moon_streams *out);

#endif
