/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_INTEGRATION_RAW_CLIENT_H
#define TESTS_INTEGRATION_RAW_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/quic_endpoint.h"

/* A client that speaks QUIC to 127.0.0.1 and then says what a test wants. Every wait is bounded and asserts. */

struct raw {
	struct quic_endpoint *endpoint;
	struct quic_conn *conn; /* NULL once ended */
	int64_t stream;
	bool ready, ended;
	struct pf_quic_end end;
	uint8_t got[128 << 10]; /* what the host said on any stream, but for what other() takes */
	size_t got_len;
	/* Streams beside the control stream. NULL = as that. */
	void (*other)(struct raw *r, int64_t id, const uint8_t *data, size_t len, bool fin);
	uint8_t datagram[256]; /* the newest */
	size_t datagram_len;
	unsigned n_datagrams;
};

void raw_open(struct raw *r, int port);
/* Shows this certificate; NULL = none. */
void raw_open_as(struct raw *r, int port, const struct pf_identity *identity);
/* From this address of the loopback network. */
void raw_open_from(
	struct raw *r, int port, const struct pf_identity *identity, const char *bind_host);
/* Does not wait: ready or ended tells later. */
void raw_begin(struct raw *r, int port, const struct pf_identity *identity, const char *bind_host);
void raw_close(struct raw *r);
/* One frame: length || payload. */
void raw_send(struct raw *r, const uint8_t *payload, size_t len);
void raw_turn(struct raw *r);
void raw_wait_bytes(struct raw *r, size_t len);
/* The host must close with this code and words in its reason; closes this side as well. */
void raw_expect_close(struct raw *r, uint64_t code, const char *words);
/* A Hello of 640x480 at 30 Hz, H.264. Returns its length. */
size_t raw_good_hello(uint8_t *out, size_t cap);

#endif
