/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "net/udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define SEND_BATCH    64u    /* messages of one sendmmsg */
#define GSO_MAX_SEGS  64u    /* what every kernel with GSO takes in one send */
#define GSO_MAX_BYTES 65000u /* below the largest IPv4 and IPv6 datagram */
#define RX_BATCH      32u
#define RX_GRO_BATCH  8u
#define RX_GRO_BUF    65536u
#define RX_TRIES      8u
#define RX_MAX_SEGS   128u /* of one coalesced read: newer kernels merge this many on loopback */

static void set_int(int fd, int level, int name, int value)
{
	/* Each of these is an improvement that the socket works without. */
	(void)setsockopt(fd, level, name, &value, sizeof value);
}

static void set_buffer(int fd, int forced, int plain, int bytes)
{
	if (bytes > 0 && setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof bytes) < 0)
		set_int(fd, SOL_SOCKET, plain, bytes);
}

static int bind_address(const struct udp_params *params, union udp_addr *out, socklen_t *len)
{
	char port[8];
	struct addrinfo hints = {.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_DGRAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
	struct addrinfo *res = NULL;
	snprintf(port, sizeof port, "%u", params->port);
	if (getaddrinfo(params->bind_host, port, &hints, &res) != 0)
		return PF_E_INVALID;
	int err = res->ai_addrlen <= sizeof *out ? PF_OK : PF_E_INVALID;
	if (!err) {
		memcpy(out, res->ai_addr, res->ai_addrlen);
		*len = res->ai_addrlen;
	}
	freeaddrinfo(res);
	return err;
}

static int open_bound(struct udp_socket *s, const struct udp_params *params,
	const union udp_addr *addr, socklen_t len)
{
	int fd = socket(addr->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return errno == EAFNOSUPPORT ? PF_E_UNSUPPORTED : pf_error_from_errno(errno);
	if (addr->sa.sa_family == AF_INET6) {
		set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, params->bind_host != NULL);
		if (params->dont_fragment)
			set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
	}
	if (params->dont_fragment)
		set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
	set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, params->send_buffer);
	set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, params->recv_buffer);
	if (bind(fd, &addr->sa, len) < 0) {
		int err = errno == EADDRNOTAVAIL ? PF_E_INVALID : pf_error_from_errno(errno);
		close(fd);
		return err;
	}
	int value = 0, one = 1;
	socklen_t value_len = sizeof value;
	s->fd = fd;
	s->gso = getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &value, &value_len) == 0;
	s->gro = params->want_gro && setsockopt(fd, IPPROTO_UDP, UDP_GRO, &one, sizeof one) == 0;
	return PF_OK;
}

int udp_open(struct udp_socket *s, const struct udp_params *params)
{
	union udp_addr addr = {0};
	socklen_t len = sizeof addr.in6;
	*s = (struct udp_socket){.fd = -1};
	if (params->bind_host) {
		int err = bind_address(params, &addr, &len);
		return err < 0 ? err : open_bound(s, params, &addr, len);
	}
	addr.in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(params->port)};
	int err = open_bound(s, params, &addr, len);
	if (err != PF_E_UNSUPPORTED && err != PF_E_INVALID)
		return err;
	addr = (union udp_addr){.in4 = {.sin_family = AF_INET, .sin_port = htons(params->port)}};
	return open_bound(s, params, &addr, sizeof addr.in4);
}

void udp_close(struct udp_socket *s)
{
	/* A zeroed one never was open: descriptor 0 is not a socket of ours. */
	if (s->fd > 0)
		close(s->fd);
	s->fd = -1;
}

int udp_local_addr(const struct udp_socket *s, union udp_addr *out, socklen_t *len)
{
	*len = sizeof *out;
	memset(out, 0, sizeof *out);
	return getsockname(s->fd, &out->sa, len) < 0 ? pf_error_from_errno(errno) : PF_OK;
}

int udp_local_port(const struct udp_socket *s)
{
	union udp_addr addr;
	socklen_t len;
	int err = udp_local_addr(s, &addr, &len);
	if (err < 0)
		return err;
	return ntohs(addr.sa.sa_family == AF_INET6 ? addr.in6.sin6_port : addr.in4.sin_port);
}

int udp_share(struct udp_socket *out, const struct udp_socket *s)
{
	*out = (struct udp_socket){.gso = s->gso, .tos = s->tos};
	out->fd = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);
	return out->fd < 0 ? PF_E_IO : PF_OK;
}

int udp_connect(struct udp_socket *s, const union udp_addr *to, socklen_t to_len)
{
	return connect(s->fd, &to->sa, to_len) < 0 ? pf_error_from_errno(errno) : PF_OK;
}

static const char *resolve_why(int gai)
{
	switch (gai) {
	case EAI_NONAME:
	case EAI_NODATA:
		return "no such host name";
	case EAI_AGAIN:
		return "the name server does not answer; try again";
	case EAI_ADDRFAMILY:
		return "the host has no address of a kind that this machine has";
	default:
		return "the name could not be looked up";
	}
}

int udp_resolve(
	const char *host, uint16_t port, union udp_addr *out, socklen_t *len, const char **why)
{
	char text[8];
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *res = NULL;
	snprintf(text, sizeof text, "%u", port);
	int gai = getaddrinfo(host, text, &hints, &res);
	if (gai != 0) {
		*why = resolve_why(gai);
		return PF_E_INVALID;
	}
	/* Hosts in the field listen on IPv4; a name that has both means that one. */
	const struct addrinfo *best = res;
	for (const struct addrinfo *a = res; a; a = a->ai_next)
		if (a->ai_family == AF_INET) {
			best = a;
			break;
		}
	int err = PF_OK;
	if (best->ai_addrlen <= sizeof *out) {
		memset(out, 0, sizeof *out);
		memcpy(out, best->ai_addr, best->ai_addrlen);
		*len = best->ai_addrlen;
	} else {
		*why = "the host has no IPv4 or IPv6 address";
		err = PF_E_INVALID;
	}
	freeaddrinfo(res);
	return err;
}

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What a full queue or a network that is away for a moment says: the packet is lost, nothing else. */
static bool is_drop(int errnum)
{
	return errnum == ENOBUFS || errnum == EMSGSIZE || errnum == ENETUNREACH ||
		errnum == EHOSTUNREACH || errnum == ENETDOWN || errnum == EHOSTDOWN ||
		errnum == EPERM;
}

union udp_control {
	char buf[CMSG_SPACE(sizeof(uint16_t)) + CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

/* Adds one to what msg has; its buffer has room. */
static void add_control(struct msghdr *msg, union udp_control *control, int level, int type,
	const void *value, size_t len)
{
	struct cmsghdr *c = (struct cmsghdr *)(void *)(control->buf + msg->msg_controllen);
	msg->msg_control = control->buf;
	msg->msg_controllen += CMSG_SPACE(len);
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), value, len);
}

static void add_class(const struct udp_socket *s, const union udp_addr *to, struct msghdr *msg,
	union udp_control *control)
{
	int tos = s->tos;
	if (tos && to && to->sa.sa_family == AF_INET6)
		add_control(msg, control, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof tos);
	else if (tos && to)
		add_control(msg, control, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
}

/* One send of n packets as a single GSO message. Returns 0 or an errno. */
static int send_gso(struct udp_socket *s, const union udp_addr *to, socklen_t to_len,
	const uint8_t *data, size_t packet_len, size_t n)
{
	union udp_control control = {0};
	struct iovec iov = {(void *)(uintptr_t)data, packet_len * n};
	struct msghdr msg = {
		.msg_name = (void *)(uintptr_t)to,
		.msg_namelen = to ? to_len : 0,
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	uint16_t segment = (uint16_t)packet_len;
	add_control(&msg, &control, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment);
	add_class(s, to, &msg, &control);
	return sendmsg(s->fd, &msg, MSG_NOSIGNAL) < 0 ? errno : 0;
}

/* Up to SEND_BATCH packets one by one. Returns how many, or -errno. */
static int send_each(struct udp_socket *s, const union udp_addr *to, socklen_t to_len,
	const uint8_t *data, size_t packet_len, size_t n)
{
	struct iovec iov[SEND_BATCH];
	struct mmsghdr msg[SEND_BATCH];
	struct msghdr class = {0};
	union udp_control control = {0};
	add_class(s, to, &class, &control);
	if (n > SEND_BATCH)
		n = SEND_BATCH;
	memset(msg, 0, n * sizeof msg[0]);
	for (size_t i = 0; i < n; i++) {
		iov[i] = (struct iovec){(void *)(uintptr_t)(data + i * packet_len), packet_len};
		msg[i].msg_hdr.msg_name = (void *)(uintptr_t)to;
		msg[i].msg_hdr.msg_namelen = to ? to_len : 0;
		msg[i].msg_hdr.msg_iov = &iov[i];
		msg[i].msg_hdr.msg_iovlen = 1;
		msg[i].msg_hdr.msg_control = class.msg_control;
		msg[i].msg_hdr.msg_controllen = class.msg_controllen;
	}
	int sent = sendmmsg(s->fd, msg, (unsigned)n, MSG_NOSIGNAL);
	return sent < 0 ? -errno : sent;
}

/* Hands the kernel the next packets. Returns how many it took, or -errno. */
static int send_some(struct udp_socket *s, const union udp_addr *to, socklen_t to_len,
	const uint8_t *data, size_t packet_len, size_t n)
{
	size_t segs = GSO_MAX_BYTES / packet_len;
	if (segs > GSO_MAX_SEGS)
		segs = GSO_MAX_SEGS;
	if (segs > n)
		segs = n;
	s->sent_calls++;
	if (s->gso && segs > 1) {
		int err = send_gso(s, to, to_len, data, packet_len, segs);
		if (!err)
			return (int)segs;
		if (err != EIO && err != EINVAL && err != EMSGSIZE)
			return -err;
		/*
		 * The device cannot (no checksum offload), or the packet is longer than its MTU: newer kernels say
		 * EMSGSIZE then. One by one the kernel cuts them in fragments, where it may; shorter ones, once
		 * they come, go together again.
		 */
		s->gso = err == EMSGSIZE;
		s->sent_calls++;
	}
	return send_each(s, to, to_len, data, packet_len, n);
}

static bool wait_for_room(const struct udp_socket *s, int64_t until_ms)
{
	int64_t left = until_ms - now_ms();
	if (left <= 0)
		return false;
	struct pollfd p = {.fd = s->fd, .events = POLLOUT};
	return poll(&p, 1, (int)left) > 0 || errno == EINTR;
}

int udp_send_batch(struct udp_socket *s, const union udp_addr *to, socklen_t to_len,
	const uint8_t *data, size_t packet_len, size_t n, int timeout_ms)
{
	size_t done = 0, sent = 0;
	int64_t until_ms = timeout_ms > 0 ? now_ms() + timeout_ms : 0;
	if (!packet_len || packet_len > GSO_MAX_BYTES)
		return PF_E_INVALID;
	while (done < n) {
		int got = send_some(s, to, to_len, data + done * packet_len, packet_len, n - done);
		if (got >= 0) {
			done += (size_t)got;
			sent += (size_t)got;
			s->sent_packets += (uint64_t)got;
			continue;
		}
		if (got == -EINTR)
			continue;
		if (got == -EAGAIN && timeout_ms > 0 && wait_for_room(s, until_ms))
			continue;
		if (got == -EAGAIN || is_drop(-got)) {
			s->send_dropped += n - done;
			break;
		}
		return got == -ECONNREFUSED ? PF_E_CLOSED : PF_E_IO;
	}
	return (int)sent;
}

int udp_send_one(struct udp_socket *s, const union udp_addr *to, socklen_t to_len,
	const uint8_t *data, size_t len)
{
	return udp_send_batch(s, to, to_len, data, len, 1, 0);
}

struct udp_rx {
	size_t max_packet, n_msgs, buf_len, cap;
	uint64_t dropped;
	uint8_t *buf;
	struct udp_packet *packets;
	struct mmsghdr msgs[RX_BATCH];
	struct iovec iov[RX_BATCH];
	union udp_addr from[RX_BATCH];
	_Alignas(struct cmsghdr) char control[RX_BATCH][CMSG_SPACE(sizeof(int))];
};

int udp_rx_create(struct udp_rx **out, size_t max_packet, bool gro)
{
	*out = NULL;
	if (!max_packet || max_packet > RX_GRO_BUF)
		return PF_E_INVALID;
	struct udp_rx *rx = calloc(1, sizeof *rx);
	if (!rx)
		return PF_E_NOMEM;
	rx->max_packet = max_packet;
	rx->n_msgs = gro ? RX_GRO_BATCH : RX_BATCH;
	rx->buf_len = gro ? RX_GRO_BUF : max_packet;
	rx->cap = gro ? RX_GRO_BATCH * RX_MAX_SEGS : RX_BATCH;
	rx->buf = malloc(rx->n_msgs * rx->buf_len);
	rx->packets = calloc(rx->cap, sizeof *rx->packets);
	if (!rx->buf || !rx->packets) {
		udp_rx_destroy(rx);
		return PF_E_NOMEM;
	}
	*out = rx;
	return PF_OK;
}

void udp_rx_destroy(struct udp_rx *rx)
{
	if (!rx)
		return;
	free(rx->packets);
	free(rx->buf);
	free(rx);
}

uint64_t udp_rx_dropped(const struct udp_rx *rx)
{
	return rx->dropped;
}

socklen_t udp_addr_unmap(union udp_addr *addr, socklen_t len)
{
	if (addr->sa.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&addr->in6.sin6_addr))
		return len;
	struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = addr->in6.sin6_port};
	memcpy(&in4.sin_addr, addr->in6.sin6_addr.s6_addr + 12, 4);
	memset(addr, 0, sizeof *addr);
	addr->in4 = in4;
	return sizeof in4;
}

bool udp_addr_same_host(const union udp_addr *a, const union udp_addr *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET6)
		return !memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof a->in6.sin6_addr);
	return a->in4.sin_addr.s_addr == b->in4.sin_addr.s_addr;
}

bool udp_addr_same_household(const union udp_addr *a, const union udp_addr *b)
{
	if (a->sa.sa_family == AF_INET6 && b->sa.sa_family == AF_INET6)
		return !memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, 8);
	return udp_addr_same_host(a, b);
}

void udp_addr_text(char out[static UDP_ADDR_TEXT_LEN], const union udp_addr *addr)
{
	const void *at = addr->sa.sa_family == AF_INET6 ? (const void *)&addr->in6.sin6_addr
							: (const void *)&addr->in4.sin_addr;
	if (!inet_ntop(addr->sa.sa_family, at, out, UDP_ADDR_TEXT_LEN))
		snprintf(out, UDP_ADDR_TEXT_LEN, "?");
}

static size_t segment_size(struct msghdr *msg, size_t len)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		int size = 0;
		if (c->cmsg_level != IPPROTO_UDP || c->cmsg_type != UDP_GRO)
			continue;
		memcpy(&size, CMSG_DATA(c), sizeof size);
		if (size > 0)
			return (size_t)size;
	}
	return len;
}

static size_t split(struct udp_rx *rx, size_t i, size_t n)
{
	struct msghdr *msg = &rx->msgs[i].msg_hdr;
	size_t len = rx->msgs[i].msg_len;
	if (msg->msg_flags & MSG_TRUNC) {
		rx->dropped++;
		return n;
	}
	socklen_t from_len = udp_addr_unmap(&rx->from[i], msg->msg_namelen);
	size_t segment = segment_size(msg, len);
	uint8_t *p = rx->iov[i].iov_base;
	while (len) {
		size_t part = len < segment ? len : segment;
		if (part > rx->max_packet || n == rx->cap)
			rx->dropped++;
		else
			rx->packets[n++] = (struct udp_packet){p, part, rx->from[i], from_len};
		p += part;
		len -= part;
	}
	return n;
}

int udp_rx_read(struct udp_rx *rx, struct udp_socket *s, struct udp_packet **packets)
{
	for (size_t i = 0; i < rx->n_msgs; i++) {
		rx->iov[i] = (struct iovec){rx->buf + i * rx->buf_len, rx->buf_len};
		rx->msgs[i].msg_hdr = (struct msghdr){
			.msg_name = &rx->from[i],
			.msg_namelen = sizeof rx->from[i],
			.msg_iov = &rx->iov[i],
			.msg_iovlen = 1,
			.msg_control = rx->control[i],
			.msg_controllen = sizeof rx->control[i],
		};
	}
	int got = -1;
	/* Each ICMP message that is waiting costs one call; only a closed port is worth telling. */
	for (unsigned i = 0; i < RX_TRIES && got < 0; i++) {
		got = recvmmsg(s->fd, rx->msgs, (unsigned)rx->n_msgs, MSG_DONTWAIT, NULL);
		if (got < 0 && errno != EINTR && errno != ENOPROTOOPT && !is_drop(errno))
			break;
	}
	if (got < 0) {
		if (errno == EAGAIN || errno == EINTR || errno == ENOPROTOOPT || is_drop(errno))
			return PF_E_AGAIN;
		return errno == ECONNREFUSED ? PF_E_CLOSED : PF_E_IO;
	}
	size_t n = 0;
	for (int i = 0; i < got; i++)
		n = split(rx, (size_t)i, n);
	*packets = rx->packets;
	return (int)n;
}
