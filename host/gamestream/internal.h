/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GAMESTREAM_INTERNAL_H
#define HOST_GAMESTREAM_INTERNAL_H

#include <stdint.h>

#include "host/config/config.h"
#include "host/gamestream/gamestream.h"
#include "host/host.h"

/*
 * What the parts of GameStream share. gamestream.c makes and ends them in the order of the fields; a part is a
 * pointer to a struct of its own file. Thread: the control loop.
 */

/* Places relative to --gamestream-port, which clients compute as well. */
#define GS_PORT_HTTPS	(-5)
#define GS_PORT_HTTP	0
#define GS_PORT_VIDEO	9
#define GS_PORT_CONTROL 10
#define GS_PORT_AUDIO	11
#define GS_PORT_RTSP	21

struct announce;
struct apps;
struct gs_identity;
struct gs_rtsp;
struct gs_streams;
struct launches;
struct nvhttp;
struct trust;

struct gamestream {
	struct host *host;
	struct loop *loop;
	const struct config *config;
	const char *bind; /* for net/tcp.h and net/udp.h: NULL = every address, IPv4 and IPv6 */

	struct gs_identity *identity; /* RSA certificate and the host's id */
	struct trust *trust;	      /* paired clients */
	struct apps *apps;
	struct gs_streams *streams; /* stream.c */
	struct launches *launches;
	struct nvhttp *nvhttp; /* pairing, apps and launches over HTTP and HTTPS */
	struct gs_rtsp *rtsp;  /* rtsp.c */
	struct announce *announce;
};

static inline uint16_t gs_port(const struct gamestream *g, int place)
{
	return (uint16_t)((int)g->config->gamestream_port + place);
}

#endif
