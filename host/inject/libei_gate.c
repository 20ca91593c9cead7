/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/inject/libei_gate.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

/*
 * A message of EI, in the machine's byte order:
 *
 *  0                 8         12         16
 *  +-----------------+---------+----------+------------------+
 *  | object          | length  | opcode   | arguments        |
 *  +-----------------+---------+----------+------------------+
 *
 * length is of the whole. A string is its length with the NUL (4 bytes), the bytes, and padding to a multiple of 4.
 */
#define HEADER	 16u
#define MAX_PEEK 4096u /* a server's greeting has some hundred bytes */
#define MAX_NAME 64u   /* of an interface */
/* Servers number their objects from here on. */
#define FIRST_SERVER_ID UINT64_C(0xff00000000000000)

enum { HANDSHAKE_VERSION, INTERFACE_VERSION, CONNECTION };

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t get64(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

/* name, version */
static bool is_interface(const uint8_t *p, size_t len)
{
	if (len < 4)
		return false;
	const uint32_t n = get32(p);
	const size_t padded = ((size_t)n + 3) & ~(size_t)3;
	return n >= 2 && n <= MAX_NAME && len == 4 + padded + 4 && !p[4 + n - 1] &&
		strlen((const char *)p + 4) == n - 1 && get32(p + 4 + padded);
}

static bool is_good(uint32_t opcode, const uint8_t *p, size_t len)
{
	switch (opcode) {
	case HANDSHAKE_VERSION:
		return len == 4 && get32(p);
	case INTERFACE_VERSION:
		return is_interface(p, len);
	case CONNECTION: /* serial, object, version: the only one that there is */
		return len == 16 && get64(p + 4) >= FIRST_SERVER_ID && get32(p + 12) == 1;
	default:
		return false;
	}
}

int libei_gate_check(const uint8_t *data, size_t len)
{
	size_t at = 0;
	while (at < len) {
		if (len - at < HEADER || get64(data + at) != 0)
			return PF_E_BAD_PACKET;
		/* Servers write a message whole: half of one is none. */
		const uint32_t size = get32(data + at + 8), opcode = get32(data + at + 12);
		if (size < HEADER || size > len - at ||
			!is_good(opcode, data + at + HEADER, size - HEADER))
			return PF_E_BAD_PACKET;
		if (opcode == CONNECTION)
			return LIBEI_GATE_PASSED;
		at += size;
	}
	return len ? LIBEI_GATE_GREETING : LIBEI_GATE_QUIET;
}

int libei_gate_look(int fd)
{
	uint8_t data[MAX_PEEK];
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLRDHUP};
	if (poll(&p, 1, 0) < 0)
		return pf_error_from_errno(errno);
	if (p.revents & (POLLHUP | POLLRDHUP | POLLERR | POLLNVAL))
		return PF_E_CLOSED;
	const ssize_t n = recv(fd, data, sizeof(data), MSG_PEEK | MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? LIBEI_GATE_QUIET
							 : pf_error_from_errno(errno);
	return n ? libei_gate_check(data, (size_t)n) : PF_E_CLOSED;
}
