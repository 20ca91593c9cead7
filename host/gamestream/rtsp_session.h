/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GAMESTREAM_RTSP_SESSION_H
#define HOST_GAMESTREAM_RTSP_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/nv/rtsp.h"
#include "core/nv/sdp.h"
#include "host/gamestream/launch.h"
#include "host/gamestream/rtsp.h"
#include "host/gamestream/stream.h"

/*
 * How far the client of each launch has come, apart from the connections that it comes by. A part of rtsp.c.
 * Thread: the control loop.
 *
 *   OPTIONS, DESCRIBE: any time ─► SETUP audio, video, control, in any order ─► ANNOUNCE ─► PLAY
 *                                    ▲ without Session: from the beginning, new tokens
 */

#define RTSP_TOKEN_LEN 16u /* of 32 letters and digits: 80 bits */

struct rtsp_session {
	uint64_t launch_id; /* 0 = free */
	uint64_t
		created_ns; /* of the launch or resume that it belongs to: another has another key */
	uint32_t client_seq; /* the newest that was opened */
	uint32_t
		host_seq; /* the last that was used; goes on over resumes, should a key come twice */
	unsigned set_up;  /* a bit for each stream */
	bool announced, played;
	char token[RTSP_TOKEN_LEN + 1]; /* empty = none yet */
	struct stream_tokens tokens;
	struct stream_ports ports;
};

struct rtsp_sessions {
	struct launches *launches;
	enum gs_encryption encryption;
	struct pf_nv_capabilities can;
	struct stream_hooks hooks;
	struct rtsp_session list[LAUNCH_MAX];
};

/* What goes into a response; cseq is set by who writes it. */
struct rtsp_answer {
	struct pf_nv_rtsp_response response;
	const char *why; /* a sentence for the log when the status is not 200 */
	char body[PF_NV_DESCRIBE_MAX];
	char text[96]; /* for why */
};

/* The state of l's client, new when l is, or is resumed. Good until the next call. */
struct rtsp_session *rtsp_session_of(struct rtsp_sessions *s, const struct gs_launch *l);

/* Also when the launch is gone, until there is another. NULL = there never was one. */
struct rtsp_session *rtsp_session_by_id(struct rtsp_sessions *s, uint64_t launch_id);

/*
 * The launch that a request in clear from this address is of: by its Session, else the only one that has not begun.
 * NULL: none, or, with *ambiguous, more than one.
 */
struct gs_launch *rtsp_session_find(struct rtsp_sessions *s, const union udp_addr *from,
	const struct pf_nv_rtsp_request *r, bool *ambiguous);

/* Does what the request asks for; returns the status. l may be gone after it. *out is good until the next call. */
unsigned rtsp_session_answer(struct rtsp_sessions *s, struct gs_launch *l,
	const struct pf_nv_rtsp_request *r, struct rtsp_answer *out);
/* An answer without anything: status and reason, why for the log. */
void rtsp_answer_refuse(struct rtsp_answer *out, unsigned status, const char *why);

#endif
