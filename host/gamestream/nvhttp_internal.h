/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GAMESTREAM_NVHTTP_INTERNAL_H
#define HOST_GAMESTREAM_NVHTTP_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "host/gamestream/internal.h"
#include "host/gamestream/nvhttp.h"
#include "host/gamestream/pairing.h"
#include "host/gamestream/xml.h"
#include "host/http/http.h"
#include "host/http/limit.h"
#include "host/trust/trust.h"

/* What nvhttp*.c share. */

struct nvhttp {
	struct gamestream *g;
	struct http *http, *https;
	struct pairing *pairing;
	struct http_limit begins; /* first steps of pairing, by address */
	struct loop_source *timer;
	uint32_t codec_modes; /* ServerCodecModeSupport */
	struct {	      /* the last attempt that got its PIN and ended */
		uint32_t number;
		bool paired;
		char name[PF_NAME_MAX + 1];
	} last;
};

/* Statuses in the root of an answer; the transport's is 200. */
#define NV_OK		200
#define NV_BAD		400
#define NV_UNAUTHORIZED 401
#define NV_FORBIDDEN	403
#define NV_NOT_FOUND	404
#define NV_FAILED	503

/* Ends the text, sends it and finishes it. */
void nvhttp_send(struct http_request *rq, struct xml *x);
/* An answer of a status and a sentence for a person. */
void nvhttp_refuse(struct http_request *rq, int status, const char *message);
/* The paired client of this connection; NULL after a 401. Until the list changes. */
const struct trust_client *nvhttp_client(struct nvhttp *n, struct http_request *rq);
/* Sets the timer for what is due next, after anything changed. */
void nvhttp_rearm(struct nvhttp *n);
/* The list of paired clients changed: what runs for one that is not on it any more ends. */
void nvhttp_apply(struct nvhttp *n, const char *why);

/* Handlers of http_route. nvhttp_info.c, nvhttp_launch.c, nvhttp_pair.c */
void nvhttp_serverinfo(struct http_request *rq, void *userdata);
void nvhttp_applist(struct http_request *rq, void *userdata);
void nvhttp_appasset(struct http_request *rq, void *userdata);
void nvhttp_launch(struct http_request *rq, void *userdata);
void nvhttp_resume(struct http_request *rq, void *userdata);
void nvhttp_cancel(struct http_request *rq, void *userdata);
void nvhttp_pair(struct http_request *rq, void *userdata);
void nvhttp_pair_tls(struct http_request *rq, void *userdata);
void nvhttp_unpair(struct http_request *rq, void *userdata);

/* Answers requests of pairing whose attempts have ended. */
void nvhttp_reap(struct nvhttp *n);
/* codecs, bits of enum pf_codec, as those of ServerCodecModeSupport. */
uint32_t nvhttp_codec_modes(uint8_t codecs);

/* nvhttp_ctl.c: gamestream.* of the control socket. */
int nvhttp_register(struct nvhttp *n) PF_MUST_CHECK;

#endif
