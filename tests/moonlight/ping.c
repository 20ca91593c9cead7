/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/moonlight/ping.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/base/bytes.h"

#define PERIOD_NS   500000000ull
#define RECV_BUFFER (8 << 20) /* some 20 of the largest frames, while this thread decodes */

uint64_t moon_now_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int open_socket(const char *host, uint16_t port)
{
	const int size = RECV_BUFFER;
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	if (inet_pton(AF_INET, host, &to.sin_addr) != 1)
		return -1;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	close(fd);
	return -1;
}

bool moon_ping_open(struct moon_ping *p, const char *to, uint16_t port, const char *token)
{
	memset(p, 0, sizeof(*p));
	snprintf(p->to, sizeof(p->to), "%s", to);
	p->port = port;
	snprintf(p->token, sizeof(p->token), "%s", token);
	p->fd = open_socket(p->to, port);
	return p->fd >= 0;
}

void moon_ping_close(struct moon_ping *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

void moon_ping_turn(struct moon_ping *p)
{
	uint8_t packet[20];
	const uint64_t now = moon_now_ns();
	if (now < p->due_ns)
		return;
	p->due_ns = now + PERIOD_NS;
	const size_t len = p->token[0] ? sizeof(packet) : 4;
	memcpy(packet, p->token[0] ? p->token : "PING", p->token[0] ? 16 : 4);
	if (p->token[0])
		pf_put_be32(packet + 16, ++p->n);
	/* What is lost comes again. */
	ssize_t sent = send(p->fd, packet, len, MSG_NOSIGNAL);
	(void)sent;
}

bool moon_ping_rebind(struct moon_ping *p)
{
	moon_ping_close(p);
	p->fd = open_socket(p->to, p->port);
	p->due_ns = 0;
	return p->fd >= 0;
}
