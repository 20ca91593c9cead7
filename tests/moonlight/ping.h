/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_MOONLIGHT_PING_H
#define TESTS_MOONLIGHT_PING_H

#include <stdbool.h>
#include <stdint.h>

/* The socket of video or audio: tells the host each 500 ms where to send (docs/gamestream.md, "Pings"). */

struct moon_ping {
	int fd; /* does not block */
	char to[16];
	uint16_t port;
	char token[17]; /* empty: the letters PING */
	uint32_t n;
	uint64_t due_ns;
};

/* to: an IPv4 address. False: no socket. */
bool moon_ping_open(struct moon_ping *p, const char *to, uint16_t port, const char *token);
void moon_ping_close(struct moon_ping *p);
/* Sends one when it is due; twice as often as asked for does no harm. */
void moon_ping_turn(struct moon_ping *p);
/* Another source port from here on, as behind a NAT that forgot. */
bool moon_ping_rebind(struct moon_ping *p);
uint64_t moon_now_ns(void); /* CLOCK_MONOTONIC */

#endif
