/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GAMESTREAM_STREAM_H
#define HOST_GAMESTREAM_STREAM_H

#include <stdint.h>

#include "core/base/error.h"
#include "core/nv/rtsp.h"
#include "core/nv/sdp.h"
#include "host/gamestream/launch.h"

/*
 * What a stream does when its client comes over RTSP. The order is setup, announce, play; a client that starts
 * anew in the middle begins again with setup, and what it set up before is void. Thread: the control loop.
 */

/*
 * How the client's first packets are known, random and new for each setup: never by their address alone.
 * docs/gamestream.md, "Pings".
 */
struct stream_tokens {
	char audio_ping[PF_NV_PING_LEN +
		1]; /* letters and digits; a ping is these 16, then a BE32 counter */
	char video_ping[PF_NV_PING_LEN + 1];
	uint32_t
		connect_data; /* of ENet's connect; never 0, which is what clients without any send */
};

/* Where the client is told to go, UDP. */
struct stream_ports {
	uint16_t audio, video, control;
};

struct stream_hooks {
	/*
	 * Fills *ports, and from now on takes pings and a control connection with these tokens for l, and with no
	 * earlier ones. Errors: any; the client is told 503.
	 */
	int (*setup)(struct gs_launch *l, const struct stream_tokens *tokens,
		struct stream_ports *ports, void *userdata);
	/*
	 * What the client wants; encryption is settled, the rest is the stream's to judge against l->request and
	 * what prepare() made. config is copied. Errors: PF_E_INVALID and PF_E_UNSUPPORTED (the client is told 400),
	 * any other (503); *why, a sentence for the log, may be set to static text.
	 */
	int (*announce)(struct gs_launch *l, const struct pf_nv_stream_config *config,
		const char **why, void *userdata);
	/*
	 * Starts capture; nothing is sent before the first ping. Calls launch_running(). Errors: any, as
	 * announce()'s; l is as it was then. The response leaves after this returns.
	 */
	int (*play)(struct gs_launch *l, const char **why, void *userdata);
	void *userdata;
};

struct gamestream;
struct gs_streams;

/*
 * The sockets of video, audio and control, for all clients, at once. g->launches may come later. Errors: as
 * udp_open(); a sentence went to the log.
 */
int gs_streams_create(struct gs_streams **out, struct gamestream *g) PF_MUST_CHECK;
/* After the launches and RTSP. Takes NULL. */
void gs_streams_destroy(struct gs_streams *ss);
struct launch_hooks gs_streams_launch_hooks(struct gs_streams *ss);
struct stream_hooks gs_streams_rtsp_hooks(struct gs_streams *ss);

#endif
