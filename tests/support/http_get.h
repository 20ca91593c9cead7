/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_SUPPORT_HTTP_GET_H
#define TESTS_SUPPORT_HTTP_GET_H

#include <stddef.h>
#include <stdint.h>

/* An HTTP client for tests: one request a connection, each wait bounded. */

struct http_get {
	const char *to; /* IPv4 address; NULL = 127.0.0.1 */
	int port;
	const char *from;	/* source address; NULL = any */
	const char *cert, *key; /* PEM; NULL = none */
	int tls, wait_s;	/* 0 = 8 */
	const char *priorities; /* GnuTLS's; NULL = as clients have them */
};

/* A connection; -1 = refused. */
int http_get_connect(const struct http_get *g);
/*
 * Sends `GET path` and reads to the end of the connection. Returns the transport's status, 0 when the other side
 * closed without one, -1 when it did not answer (or the handshake failed). body is NUL-ended; its length in *len
 * (may be NULL).
 */
int http_get(const struct http_get *g, const char *path, char *body, size_t cap, size_t *len);
/* The same with any bytes in place of the request. */
int http_send(const struct http_get *g, const char *request, size_t request_len, char *body,
	size_t cap, size_t *len);

#endif
