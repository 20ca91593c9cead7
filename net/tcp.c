/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "net/tcp.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 64

static int parse(const char *host, uint16_t port, union udp_addr *out, socklen_t *len)
{
	char service[8];
	struct addrinfo hints = {.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
	struct addrinfo *res = NULL;
	snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(host, service, &hints, &res) != 0)
		return PF_E_INVALID;
	int err = res->ai_addrlen <= sizeof(*out) ? PF_OK : PF_E_INVALID;
	if (!err) {
		memcpy(out, res->ai_addr, res->ai_addrlen);
		*len = res->ai_addrlen;
	}
	freeaddrinfo(res);
	return err;
}

static int listen_at(const union udp_addr *addr, socklen_t len, bool v6only)
{
	int one = 1, only = v6only, err;
	int fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return errno == EAFNOSUPPORT ? PF_E_UNSUPPORTED : pf_error_from_errno(errno);
	if (addr->sa.sa_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
	/* A host that starts again does not wait for the connections of the last one to be forgotten. */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, &addr->sa, len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	err = errno == EADDRNOTAVAIL ? PF_E_INVALID : pf_error_from_errno(errno);
	close(fd);
	return err;
}

int tcp_listen(const char *bind_host, uint16_t port)
{
	union udp_addr addr = {0};
	socklen_t len = sizeof(addr.in6);
	if (bind_host) {
		int err = parse(bind_host, port, &addr, &len);
		return err < 0 ? err : listen_at(&addr, len, true);
	}
	addr.in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int fd = listen_at(&addr, len, false);
	if (fd != PF_E_UNSUPPORTED && fd != PF_E_INVALID)
		return fd;
	addr = (union udp_addr){.in4 = {.sin_family = AF_INET, .sin_port = htons(port)}};
	return listen_at(&addr, sizeof(addr.in4), true);
}

int tcp_accept(int fd, union udp_addr *from)
{
	socklen_t len = sizeof(*from);
	int one = 1;
	memset(from, 0, sizeof(*from));
	int got = accept4(fd, &from->sa, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (got < 0)
		/* Who hung up before we came is nobody. */
		return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED
			? PF_E_AGAIN
			: pf_error_from_errno(errno);
	(void)udp_addr_unmap(from, len);
	(void)setsockopt(got, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return got;
}
