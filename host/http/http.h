/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_HTTP_HTTP_H
#define HOST_HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "net/udp.h"

/*
 * A small HTTP/1.1 server on the control loop, over libmicrohttpd: GET only, one request a connection, plain or TLS.
 * With TLS it asks for a client certificate and takes any whose key the client has and that is checked at once (RSA
 * within the limits below, or elliptic curves); what it is worth is the handler's to judge, by the exact certificate
 * (no chains, no dates). Thread: the control loop.
 */

struct http;
struct http_request;
struct loop;

#define HTTP_CONNECTIONS 128u		/* with TLS some 100 KiB each */
#define HTTP_PER_ADDRESS 32u		/* a client that fetches its pictures has a dozen */
#define HTTP_BURST	 300u		/* new connections of one address: a picture for each app */
#define HTTP_PER_SECOND	 50u		/* and then: a handshake costs the loop 1.5 ms */
#define HTTP_POOL	 (32u << 10)	/* bytes for a request line and its headers */
#define HTTP_ARGS	 64u		/* in a query; clients send 15 */
#define HTTP_REQUEST_NS	 10000000000ull /* from accept to a whole request, however it trickles in */
#define HTTP_ANSWER_NS	 30000000000ull /* for a client to read an answer */
#define HTTP_FP_LEN	 32u
/* A client's RSA key: to check a signature with one of 16,384 bits and such an exponent takes most of a second. */
#define HTTP_RSA_BITS	    4096u
#define HTTP_EXPONENT_BYTES 5u /* 33 bits */
/*
 * Bytes of a whole handshake, both ways, with which a client's certificates come: to take apart 100 KiB of names takes
 * a quarter of a second. Stock ones need 4,000; the largest certificate that is paired has 6,100.
 */
#define HTTP_HANDSHAKE_MAX (12u << 10)

/*
 * Answers with http_reply() before it returns or, where that takes time, later: then http_wait() comes first.
 */
typedef void (*http_handler)(struct http_request *rq, void *userdata);

struct http_route {
	const char *path; /* whole: "/serverinfo" */
	http_handler handle;
};

struct http_params {
	struct loop *loop;
	int fd;				 /* listening (net/tcp.h); taken over also on failure */
	const char *cert_pem, *key_pem;	 /* NULL = plain HTTP */
	const struct http_route *routes; /* stays the caller's, and must stay */
	size_t n_routes;
	http_handler other; /* for every other path; NULL = transport status 404 */
	void *userdata;
	uint64_t request_ns; /* 0 = HTTP_REQUEST_NS */
};

/* Errors: PF_E_NOMEM, PF_E_IO, PF_E_CRYPTO (certificate and key). */
int http_create(struct http **out, const struct http_params *params) PF_MUST_CHECK;
/* Requests that wait are told by their gone(). Takes NULL. */
void http_destroy(struct http *h);

const char *http_path(const struct http_request *rq);
/* A query argument, decoded; the first of that name. NULL = absent, or it holds a NUL. Until the reply. */
const char *http_arg(const struct http_request *rq, const char *name);
/* The addresses of the connection, as udp_addr_unmap() leaves them. */
const union udp_addr *http_peer(const struct http_request *rq);
const union udp_addr *http_local(const struct http_request *rq);
bool http_is_tls(const struct http_request *rq);
void *http_userdata(const struct http_request *rq); /* the server's */
/* SHA-256 of the certificate that the client proved to have the key of; NULL = it showed none. */
const uint8_t *http_client_fp(const struct http_request *rq);

/*
 * The handler returns without an answer. gone: the client hung up, or the server ends; the request must not be
 * touched after that. The waiter sets its own deadline.
 */
void http_wait(struct http_request *rq, void (*gone)(struct http_request *rq, void *userdata),
	void *userdata);
/* Exactly once, unless gone. The body is copied; the connection is closed behind it. */
void http_reply(
	struct http_request *rq, unsigned status, const char *type, const void *body, size_t len);

#endif
