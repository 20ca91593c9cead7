/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bench/stream/stream.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "host/media/clock.h"

enum flow { QUIC, VIDEO, N_FLOWS };

#define QUEUE	   8192u /* datagrams on their way: 100 ms of 800 Mbit/s */
#define DATAGRAM   2048u /* larger than any MTU of these tests */
#define STOP_MS	   50
#define SOCKET_BUF (4 << 20)

struct waiting {
	uint64_t due_ns;
	size_t len;
	unsigned flow;
	bool to_host;
	uint8_t data[DATAGRAM];
};

struct bench_relay {
	uint64_t delay_ns, start_ns;
	int client_fd[N_FLOWS], host_fd[N_FLOWS];
	struct sockaddr_in client[N_FLOWS]; /* where it last came from */
	struct waiting *queue;
	size_t head, tail;
	pthread_t thread;
	bool running;
	atomic_bool stop;
};

static struct sockaddr_in address(const char *host, int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	inet_pton(AF_INET, host, &a.sin_addr);
	return a;
}

/*
 * Outages that are as long as most of a frame at 60 Hz, so that no parity helps; how often is a prime number of
 * milliseconds, so that they come at every phase of a frame. The first seconds are the stream's own.
 */
#define QUIET_NS  2000000000ull
#define EVERY_NS  397000000ull
#define OUTAGE_NS 12000000ull

static bool is_outage(const struct bench_relay *r, uint64_t now_ns)
{
	uint64_t since_ns = now_ns - r->start_ns;
	return since_ns > QUIET_NS && since_ns % EVERY_NS < OUTAGE_NS;
}

static void take(struct bench_relay *r, unsigned flow, bool to_host)
{
	int fd = to_host ? r->client_fd[flow] : r->host_fd[flow];
	while (r->tail - r->head < QUEUE) {
		struct waiting *w = &r->queue[r->tail % QUEUE];
		struct sockaddr_in from;
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(fd, w->data, sizeof(w->data), MSG_DONTWAIT,
			(struct sockaddr *)&from, &from_len);
		if (n < 0)
			return;
		if (flow == VIDEO && !to_host && is_outage(r, clock_now_ns()))
			continue;
		w->due_ns = clock_now_ns() + r->delay_ns;
		w->len = (size_t)n;
		w->flow = flow;
		w->to_host = to_host;
		if (to_host)
			r->client[flow] = from;
		r->tail++;
	}
}

static void deliver(struct bench_relay *r)
{
	uint64_t now_ns = clock_now_ns();
	for (; r->head != r->tail && r->queue[r->head % QUEUE].due_ns <= now_ns; r->head++) {
		const struct waiting *w = &r->queue[r->head % QUEUE];
		const struct sockaddr *to = (const struct sockaddr *)&r->client[w->flow];
		/* What the kernel does not take is lost, as on any link. */
		ssize_t n = w->to_host ? send(r->host_fd[w->flow], w->data, w->len, 0)
				       : sendto(r->client_fd[w->flow], w->data, w->len, 0, to,
						 sizeof(r->client[0]));
		(void)n;
	}
}

static void *relay_main(void *userdata)
{
	struct bench_relay *r = userdata;
	while (!atomic_load(&r->stop)) {
		struct pollfd fds[2 * N_FLOWS];
		for (unsigned i = 0; i < N_FLOWS; i++) {
			fds[2 * i] = (struct pollfd){.fd = r->client_fd[i], .events = POLLIN};
			fds[2 * i + 1] = (struct pollfd){.fd = r->host_fd[i], .events = POLLIN};
		}
		uint64_t now_ns = clock_now_ns(), until_ns = now_ns + STOP_MS * 1000000ull;
		if (r->head != r->tail && r->queue[r->head % QUEUE].due_ns < until_ns)
			until_ns = r->queue[r->head % QUEUE].due_ns;
		uint64_t wait_ns = until_ns > now_ns ? until_ns - now_ns : 0;
		struct timespec ts = {0, (long)wait_ns};
		ppoll(fds, 2 * N_FLOWS, &ts, NULL);
		for (unsigned i = 0; i < N_FLOWS; i++) {
			take(r, i, true);
			take(r, i, false);
		}
		deliver(r);
	}
	return NULL;
}

static int open_flow(struct bench_relay *r, unsigned flow, int port)
{
	struct sockaddr_in near = address(BENCH_RELAY_HOST, port), far = address("127.0.0.1", port);
	int size = SOCKET_BUF;
	r->client_fd[flow] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	r->host_fd[flow] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (r->client_fd[flow] < 0 || r->host_fd[flow] < 0)
		return -1;
	/* Larger buffers are better, not needed. */
	(void)setsockopt(r->host_fd[flow], SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(r->client_fd[flow], (struct sockaddr *)&near, sizeof(near)) < 0 ||
		connect(r->host_fd[flow], (struct sockaddr *)&far, sizeof(far)) < 0)
		return -1;
	return 0;
}

struct bench_relay *bench_relay_start(int port, int data_port, uint64_t delay_ns)
{
	struct bench_relay *r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	for (unsigned i = 0; i < N_FLOWS; i++)
		r->client_fd[i] = r->host_fd[i] = -1;
	r->delay_ns = delay_ns;
	r->start_ns = clock_now_ns();
	r->queue = calloc(QUEUE, sizeof(*r->queue));
	if (!r->queue || open_flow(r, QUIC, port) < 0 || open_flow(r, VIDEO, data_port) < 0)
		goto fail;
	r->running = pthread_create(&r->thread, NULL, relay_main, r) == 0;
	if (r->running)
		return r;
fail:
	perror("bench: no relay");
	bench_relay_stop(r);
	return NULL;
}

void bench_relay_stop(struct bench_relay *r)
{
	if (!r)
		return;
	atomic_store(&r->stop, true);
	if (r->running)
		pthread_join(r->thread, NULL);
	for (unsigned i = 0; i < N_FLOWS; i++) {
		if (r->client_fd[i] >= 0)
			close(r->client_fd[i]);
		if (r->host_fd[i] >= 0)
			close(r->host_fd[i]);
	}
	free(r->queue);
	free(r);
}

int bench_free_port(void)
{
	struct sockaddr_in a = address("127.0.0.1", 0);
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int port = fd >= 0 && bind(fd, (struct sockaddr *)&a, len) == 0 &&
			getsockname(fd, (struct sockaddr *)&a, &len) == 0
		? ntohs(a.sin_port)
		: -1;
	if (fd >= 0)
		close(fd);
	return port;
}
