/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_NV_RTSP_H
#define PF_NV_RTSP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/crypto/aead.h"

/*
 * GameStream's RTSP (docs/gamestream.md, "RTSP"): one request, one response, in clear or sealed whole. Thread:
 * one thread at a time per object.
 */

/* A request with its body; the longest of stock clients, ANNOUNCE, has 2 KiB. */
#define PF_NV_RTSP_MAX		65536u
#define PF_NV_RTSP_HEAD_MAX	8192u /* all but the body; it is read again with each segment */
#define PF_NV_RTSP_LINE_MAX	1024u /* a target or a header; a URL with an IPv6 address has 60 */
#define PF_NV_RTSP_HEADERS_MAX	32u   /* stock clients send 7 */
#define PF_NV_RTSP_RESPONSE_MAX 4096u
#define PF_NV_RTSP_SEAL_LEN	24u /* length, sequence, tag: in front of a sealed message */

enum pf_nv_rtsp_method {
	PF_NV_RTSP_OTHER, /* none of these: 501 */
	PF_NV_RTSP_OPTIONS,
	PF_NV_RTSP_DESCRIBE,
	PF_NV_RTSP_SETUP,
	PF_NV_RTSP_ANNOUNCE,
	PF_NV_RTSP_PLAY,
};

/* Borrowed; printable ASCII but for a body. NULL = absent. */
struct pf_nv_text {
	const char *p;
	size_t len;
};

bool pf_nv_text_is(struct pf_nv_text t, const char *text);
bool pf_nv_text_starts(struct pf_nv_text t, const char *text);

struct pf_nv_rtsp_request {
	uint8_t method; /* enum pf_nv_rtsp_method */
	uint32_t cseq;
	struct pf_nv_text target, host, session, transport;
	struct pf_nv_text body; /* any bytes; absent when empty */
};

/*
 * Reads the request at the start of data, however much of it has come. Returns its length; *r points into data.
 * Names of headers are taken in either case; of a header that is there twice, the last one counts. Errors:
 * PF_E_AGAIN (more is to come), PF_E_FULL (longer than it may be), PF_E_BAD_PACKET. After PF_E_AGAIN a call with
 * more of the same bytes.
 */
int pf_nv_rtsp_read(struct pf_nv_rtsp_request *r, const uint8_t *data, size_t len) PF_MUST_CHECK;

/* Zero and NULL = leave it out. Texts are printable ASCII; the body any. */
struct pf_nv_rtsp_response {
	unsigned status; /* 100 to 999 */
	const char *reason;
	uint32_t cseq;
	const char *session;	  /* the token alone */
	uint16_t port;		  /* for Transport */
	const char *ping_payload; /* clients take PF_NV_PING_LEN characters or ignore it */
	const uint32_t *connect_data;
	const char *options; /* for Public */
	struct pf_nv_text body;
};

#define PF_NV_PING_LEN 16u

/* Returns the length. Errors: PF_E_FULL (cap), PF_E_INVALID (an end of line in a text). */
int pf_nv_rtsp_write(uint8_t *out, size_t cap, const struct pf_nv_rtsp_response *r) PF_MUST_CHECK;

/*
 * Is what begins so a sealed message? 1 or 0; no request in clear begins as one. Errors: PF_E_AGAIN (len is 0).
 */
int pf_nv_rtsp_is_sealed(const uint8_t *data, size_t len) PF_MUST_CHECK;
/*
 * The length of the sealed message that begins so, PF_NV_RTSP_SEAL_LEN included. Errors: PF_E_AGAIN (more is
 * needed), PF_E_FULL, PF_E_BAD_PACKET (nothing in it).
 */
int pf_nv_rtsp_sealed_len(const uint8_t *data, size_t len) PF_MUST_CHECK;

/*
 * Opens one whole message of the side `from` into out, which has room for len bytes and is apart from it.
 * Returns the length of the text; *seq is authenticated: take each once. Nobody but the owner of the key can
 * have made it. Errors: PF_E_BAD_PACKET (lengths), PF_E_CRYPTO (another key: try the next).
 */
int pf_nv_rtsp_open(struct pf_aead *aead, enum pf_direction from, const uint8_t *message,
	size_t len, uint8_t *out, uint32_t *seq) PF_MUST_CHECK;

/*
 * Seals text into out, PF_NV_RTSP_SEAL_LEN + len bytes, apart from it. seq: never twice for a key and a
 * direction. Returns that length. Errors: PF_E_INVALID (len 0 or above PF_NV_RTSP_MAX), PF_E_FULL (cap),
 * PF_E_CRYPTO.
 */
int pf_nv_rtsp_seal(struct pf_aead *aead, enum pf_direction from, uint32_t seq, const uint8_t *text,
	size_t len, uint8_t *out, size_t cap) PF_MUST_CHECK;

#endif
