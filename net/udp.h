/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef NET_UDP_H
#define NET_UDP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "core/base/error.h"

/*
 * UDP sockets of both planes: batches through sendmmsg/recvmmsg, GSO and GRO where the kernel has them
 * (asked once per socket; the first EIO or EINVAL turns GSO off for that socket). All sockets are
 * non-blocking and close-on-exec. errno is converted here.
 * Thread: one thread at a time for each direction of a socket.
 */

union udp_addr {
	struct sockaddr sa;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
};

/*
 * A socket for both families names an IPv4 peer ::ffff:a.b.c.d; this makes it the AF_INET address that
 * everyone else uses. Returns the new length. Other addresses stay.
 */
socklen_t udp_addr_unmap(union udp_addr *addr, socklen_t len);
/* One machine, whatever the port. */
bool udp_addr_same_host(const union udp_addr *a, const union udp_addr *b);
/* One machine, or of IPv6 one /64: what limits of each address count by. */
bool udp_addr_same_household(const union udp_addr *a, const union udp_addr *b);
#define UDP_ADDR_TEXT_LEN 46u
/* The address without its port. */
void udp_addr_text(char out[static UDP_ADDR_TEXT_LEN], const union udp_addr *addr);

struct udp_socket {
	int fd;
	bool gso, gro;
	uint64_t sent_packets, sent_calls, send_dropped; /* dropped: the kernel had no room */
	uint8_t tos; /* traffic class of what goes to a named address; 0 = as the system has it */
};

struct udp_params {
	const char *
		bind_host; /* numeric address; NULL = any IPv4 and IPv6 (or "0.0.0.0" without IPv6) */
	uint16_t port;	   /* 0 = ephemeral */
	int send_buffer, recv_buffer; /* bytes asked for; 0 = leave */
	bool want_gro;
	bool dont_fragment; /* set DF, for path-MTU discovery: what is too long is dropped */
};

/* Errors: PF_E_BUSY (port in use), PF_E_INVALID (bad address), PF_E_IO. */
int udp_open(struct udp_socket *s, const struct udp_params *params) PF_MUST_CHECK;
void udp_close(struct udp_socket *s); /* takes a zeroed or closed one (fd < 0) */
int udp_local_addr(const struct udp_socket *s, union udp_addr *out, socklen_t *len) PF_MUST_CHECK;
int udp_local_port(const struct udp_socket *s) PF_MUST_CHECK;
/* The same port for another thread to send from. Nobody reads out. Errors: PF_E_IO. */
int udp_share(struct udp_socket *out, const struct udp_socket *s) PF_MUST_CHECK;
int udp_connect(struct udp_socket *s, const union udp_addr *to, socklen_t to_len) PF_MUST_CHECK;

/*
 * host: name or numeric; resolves (blocking), an IPv4 address first. Errors: PF_E_INVALID with *why set to a
 * static text.
 */
int udp_resolve(const char *host, uint16_t port, union udp_addr *out, socklen_t *len,
	const char **why) PF_MUST_CHECK;

/*
 * Sends n packets of packet_len bytes that lie back to back at data. to NULL = the connected peer.
 * Waits at most timeout_ms for buffer room, then drops the rest. Returns how many were sent. What the
 * network refuses for the moment (no route, too long for the device) is dropped and counted, no error.
 * Errors: PF_E_CLOSED (nobody listens there: ICMP), PF_E_IO.
 */
int udp_send_batch(struct udp_socket *s, const union udp_addr *to, socklen_t to_len,
	const uint8_t *data, size_t packet_len, size_t n, int timeout_ms) PF_MUST_CHECK;
int udp_send_one(struct udp_socket *s, const union udp_addr *to, socklen_t to_len,
	const uint8_t *data, size_t len) PF_MUST_CHECK;

/* A received datagram inside the receive batch's memory. With GRO one read gives several of equal size. */
struct udp_packet {
	uint8_t *data;
	size_t len;
	union udp_addr from;
	socklen_t from_len;
};

struct udp_rx; /* buffers for recvmmsg, allocated once */
/* max_packet: larger datagrams are dropped and counted, never truncated into use. */
int udp_rx_create(struct udp_rx **out, size_t max_packet, bool gro) PF_MUST_CHECK;
void udp_rx_destroy(struct udp_rx *rx); /* takes NULL */
/*
 * Reads what is there, at most one batch, without blocking. packets points at an array inside rx, valid
 * until the next call. Returns the count (0: all of the batch were empty or too large), PF_E_AGAIN when
 * there is nothing. IPv4 senders are AF_INET also on a socket for both. Errors: PF_E_CLOSED, PF_E_IO.
 */
int udp_rx_read(struct udp_rx *rx, struct udp_socket *s, struct udp_packet **packets) PF_MUST_CHECK;
uint64_t udp_rx_dropped(const struct udp_rx *rx); /* too large */

#endif
