/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GAMESTREAM_RTSP_H
#define HOST_GAMESTREAM_RTSP_H

#include <stdint.h>

#include "core/base/error.h"
#include "core/nv/sdp.h"
#include "host/gamestream/stream.h"

/*
 * GameStream's RTSP server (docs/gamestream.md, "RTSP"): a TCP connection for each request. It brings the client of
 * a PENDING launch from OPTIONS to PLAY. Thread: the control loop.
 */

struct gs_rtsp;
struct loop;

/* What --gamestream-encryption says of video and sound. Control always is encrypted. */
enum gs_encryption { GS_ENCRYPTION_OFF, GS_ENCRYPTION_OFFERED, GS_ENCRYPTION_REQUIRED };

struct gs_rtsp_params {
	struct loop *loop;
	struct launches *launches;
	const char *bind; /* for tcp_listen() */
	uint16_t port;	  /* 0 = any */
	enum gs_encryption encryption;
	struct pf_nv_capabilities can;	  /* encryption_* are set here, from encryption */
	const struct stream_hooks *hooks; /* copied */
};

/* policy: "off", "offered" or "required", as config_parse() leaves it; anything else is required. */
enum gs_encryption gs_encryption_of(const char *policy);

/* Listens at once. Errors: as tcp_listen(), PF_E_NOMEM; a sentence went to the log. */
int gs_rtsp_create(struct gs_rtsp **out, const struct gs_rtsp_params *params) PF_MUST_CHECK;
void gs_rtsp_destroy(struct gs_rtsp *r); /* takes NULL; before the launches */
uint16_t gs_rtsp_port(const struct gs_rtsp *r);

/* Since it was made: for reports and tests. */
struct gs_rtsp_stats {
	uint64_t connections;
	uint64_t dropped;  /* closed for newer ones, too many */
	uint64_t late;	   /* did not send or read in time */
	uint64_t bad;	   /* what came was no request, or sealed with no key that is known */
	uint64_t requests; /* that were answered, by a launch or with an error */
	uint64_t refused;  /* of these, with another status than 200 */
};
void gs_rtsp_get_stats(const struct gs_rtsp *r, struct gs_rtsp_stats *out);

#endif
