/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * The data path over loopback sockets, a sending and a receiving thread on a processor each: bare
 * datagrams without any protection, one system call a batch and with GSO and GRO, against ours whole:
 * packetise, 10 % parity, seal, send; read, open, replay check, reassemble. The sender waits while a
 * window of bytes is on its way, so nothing is lost and what is measured is what arrives.
 */
#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>

#include "bench/measure.h"
#include "core/crypto/aead.h"
#include "core/crypto/replay.h"
#include "core/flow/packetizer.h"
#include "core/flow/reassembler.h"
#include "core/packet/native.h"
#include "net/udp.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum {
	SKIP = 77, /* what meson takes as skipped */
	SHARD = 1408,
	PACKET = SHARD + (int)PF_NATIVE_HEADER_LEN + (int)PF_SEAL_OVERHEAD, /* 1472: a full frame */
	ROUNDS = 5,
	MAX_FRAME = 8 << 20,
	SOCKET_BUFFER = 64 << 20,
	BATCH = 64,
	GSO_SEGS = 44, /* 64,768 bytes: the most that fits one datagram before it is cut */
	GRO_READS = 8,
	GRO_BYTES = 65536,
};

#define SLICE_NS   700000000u
#define STALL_NS   5000000000u /* far above what a busy machine takes a thread away for */
#define WINDOW_MAX (4u << 20)  /* some ms of either rate, within the last cache */

#define LEAST_TO_MMSG 1.5
#define LEAST_TO_GSO  0.25

enum kind { BARE_MMSG, BARE_GSO, PATH };

struct flow {
	enum kind kind;
	size_t len; /* of a frame */
	struct udp_socket tx, rx;
	uint64_t window;
	uint8_t *payload;

	struct pf_aead *seal_aead, *open_aead;
	struct pf_packetizer *packetizer;
	struct pf_sealer open;
	struct pf_replay replay;
	struct pf_reassembler *reassembler;
	struct udp_rx *batch;
	uint32_t index;

	uint64_t sent; /* bytes; of this slice, as all below */
	uint64_t tx_ns, rx_ns, video_bytes;
	bool compared;
	_Atomic uint64_t arrived; /* bytes */
	_Atomic bool done;	  /* sent is final */
};

struct figures {
	struct candidate wire, video; /* Gbit/s */
	double tx_ns[ROUNDS], rx_ns[ROUNDS];
};

static int processors[2];

static void fail(const char *what)
{
	fprintf(stderr, "bench_socket: %s failed\n", what);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void pin(int processor)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	if (pthread_setaffinity_np(pthread_self(), sizeof(set), &set) != 0)
		fail("pthread_setaffinity_np");
}

/* Sleeps rather than spins: the time of the thread is to be what the work costs. */
static void wait_for_window(struct flow *f, uint64_t bytes)
{
	const struct timespec pause = {.tv_nsec = 20000};
	uint64_t last = UINT64_MAX, since = 0;
	for (;;) {
		uint64_t arrived = atomic_load_explicit(&f->arrived, memory_order_acquire);
		if (f->sent + bytes - arrived <= f->window)
			break;
		if (arrived != last) {
			last = arrived;
			since = now_ns();
		} else if (now_ns() - since > STALL_NS) {
			fail("delivering everything (the kernel dropped datagrams)");
		}
		nanosleep(&pause, NULL);
	}
	f->sent += bytes;
}

static void send_mmsg(struct flow *f)
{
	struct iovec iov[BATCH];
	struct mmsghdr msgs[BATCH] = {0};
	for (int i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){f->payload + i * PACKET, PACKET};
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	wait_for_window(f, BATCH * PACKET);
	for (int done = 0; done < BATCH;) {
		int n = sendmmsg(f->tx.fd, msgs + done, (unsigned)(BATCH - done), 0);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			fail("sendmmsg");
		done += n > 0 ? n : 0;
	}
}

static void send_gso(struct flow *f)
{
	union {
		char buf[CMSG_SPACE(sizeof(uint16_t))];
		struct cmsghdr align;
	} control = {0};
	struct iovec iov = {f->payload, GSO_SEGS * PACKET};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	const uint16_t segment = PACKET;
	c->cmsg_level = IPPROTO_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(segment));
	memcpy(CMSG_DATA(c), &segment, sizeof(segment));
	wait_for_window(f, GSO_SEGS * PACKET);
	while (sendmsg(f->tx.fd, &msg, 0) < 0)
		if (errno != EAGAIN && errno != EINTR)
			fail("sendmsg with UDP_SEGMENT");
}

static void send_frame(struct flow *f)
{
	const struct pf_frame_info info = {.pts_ns = f->index,
		.frame_index = f->index,
		.user_flags = PF_USER_KEYFRAME,
		.flags = PF_NATIVE_PICTURE};
	struct pf_packet_batch b;
	f->index++;
	if (pf_packetizer_build(f->packetizer, &info, f->payload, f->len, &b) < 0)
		fail("pf_packetizer_build");
	if (b.packet_len != PACKET)
		fail("making packets of 1472 bytes");
	size_t most = f->window / 2 / PACKET;
	for (size_t at = 0, n; at < b.n_packets; at += n) {
		n = b.n_packets - at < most ? b.n_packets - at : most;
		wait_for_window(f, n * PACKET);
		if (udp_send_batch(&f->tx, NULL, 0, b.data + at * PACKET, PACKET, n, 1000) !=
			(int)n)
			fail("udp_send_batch");
	}
}

static void *sender(void *arg)
{
	struct flow *f = arg;
	pin(processors[0]);
	/* Or a pause is three times what was asked for. */
	prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0);
	uint64_t until = now_ns() + SLICE_NS;
	while (now_ns() < until) {
		if (f->kind == PATH)
			send_frame(f);
		else if (f->kind == BARE_GSO)
			send_gso(f);
		else
			send_mmsg(f);
	}
	f->tx_ns = measure_cpu_ns();
	atomic_store_explicit(&f->done, true, memory_order_release);
	return NULL;
}

/* Returns how many bytes there were, 0 when none are waiting. */
static uint64_t read_bare(struct flow *f)
{
	static uint8_t buf[GRO_READS * GRO_BYTES];
	struct iovec iov[BATCH];
	struct mmsghdr msgs[BATCH];
	size_t n = f->kind == BARE_GSO ? GRO_READS : BATCH, size = sizeof(buf) / n;
	memset(msgs, 0, n * sizeof(msgs[0]));
	for (size_t i = 0; i < n; i++) {
		iov[i] = (struct iovec){buf + i * size, size};
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	int got = recvmmsg(f->rx.fd, msgs, (unsigned)n, MSG_DONTWAIT, NULL);
	if (got < 0 && errno != EAGAIN && errno != EINTR)
		fail("recvmmsg");
	uint64_t bytes = 0;
	for (int i = 0; i < got; i++)
		bytes += msgs[i].msg_len;
	return bytes;
}

static void take_frames(struct flow *f)
{
	struct pf_au au;
	while (pf_reassembler_poll(f->reassembler, &au) == PF_OK) {
		if (!f->compared && (au.len != f->len || memcmp(au.data, f->payload, au.len) != 0))
			fail("giving the frame back");
		f->compared = true;
		f->video_bytes += au.len;
		pf_reassembler_release(f->reassembler);
	}
}

static uint64_t read_path(struct flow *f)
{
	struct udp_packet *packets;
	uint64_t bytes = 0, now = now_ns();
	int n = udp_rx_read(f->batch, &f->rx, &packets);
	if (n < 0 && n != PF_E_AGAIN)
		fail("udp_rx_read");
	for (int i = 0; i < n; i++) {
		uint64_t seq;
		uint8_t *text;
		size_t len;
		bytes += packets[i].len;
		if (pf_sealer_open(&f->open, packets[i].data, packets[i].len, &seq, &text, &len) <
			0)
			fail("pf_sealer_open");
		if (!pf_replay_accept(&f->replay, seq))
			fail("pf_replay_accept");
		int ready = pf_reassembler_push(f->reassembler, text, len, now);
		if (ready < 0)
			fail("pf_reassembler_push");
		if (ready)
			take_frames(f);
	}
	return bytes;
}

static void *receiver(void *arg)
{
	struct flow *f = arg;
	uint64_t arrived = 0, since = now_ns();
	pin(processors[1]);
	for (;;) {
		uint64_t bytes = f->kind == PATH ? read_path(f) : read_bare(f);
		if (bytes) {
			arrived += bytes;
			atomic_store_explicit(&f->arrived, arrived, memory_order_release);
			since = now_ns();
			continue;
		}
		if (atomic_load_explicit(&f->done, memory_order_acquire) && arrived == f->sent)
			break;
		if (now_ns() - since > STALL_NS)
			fail("delivering everything (the kernel dropped datagrams)");
		struct pollfd p = {.fd = f->rx.fd, .events = POLLIN};
		(void)poll(&p, 1, 1);
	}
	f->rx_ns = measure_cpu_ns();
	return NULL;
}

static void run_slice(struct flow *f, struct figures *out, int round)
{
	pthread_t tx, rx;
	f->sent = f->video_bytes = 0;
	f->compared = false;
	atomic_store(&f->arrived, 0);
	atomic_store(&f->done, false);
	uint64_t start = now_ns();
	if (pthread_create(&rx, NULL, receiver, f) != 0)
		fail("pthread_create");
	if (pthread_create(&tx, NULL, sender, f) != 0)
		fail("pthread_create");
	pthread_join(tx, NULL);
	pthread_join(rx, NULL);
	double took = (double)(now_ns() - start), packets = (double)f->sent / PACKET;
	if (round < 0)
		return;
	out->wire.rate[round] = (double)f->sent * 8 / took;
	out->video.rate[round] = (double)f->video_bytes * 8 / took;
	out->tx_ns[round] = (double)f->tx_ns / packets;
	out->rx_ns[round] = (double)f->rx_ns / packets;
}

static void open_sockets(struct flow *f)
{
	struct udp_params params = {.bind_host = "127.0.0.1",
		.send_buffer = SOCKET_BUFFER,
		.recv_buffer = SOCKET_BUFFER,
		.want_gro = f->kind != BARE_MMSG};
	union udp_addr to;
	socklen_t to_len;
	if (udp_open(&f->rx, &params) < 0 || udp_local_addr(&f->rx, &to, &to_len) < 0)
		fail("opening a socket on 127.0.0.1");
	params.want_gro = false;
	if (udp_open(&f->tx, &params) < 0 || udp_connect(&f->tx, &to, to_len) < 0)
		fail("opening a socket on 127.0.0.1");
	int room = 0;
	socklen_t room_len = sizeof(room);
	if (getsockopt(f->rx.fd, SOL_SOCKET, SO_RCVBUF, &room, &room_len) < 0)
		fail("SO_RCVBUF");
	/* The kernel counts its own overhead too, nearly as much again. */
	f->window = (uint64_t)room / 4 < WINDOW_MAX ? (uint64_t)room / 4 : WINDOW_MAX;
}

static void make_path(struct flow *f)
{
	const uint8_t key[16] = {3}, salt[4] = {1};
	struct pf_sealer seal;
	if (pf_aead_create(&f->seal_aead, PF_CIPHER_AES_128_GCM, key, sizeof(key)) < 0 ||
		pf_aead_create(&f->open_aead, PF_CIPHER_AES_128_GCM, key, sizeof(key)) < 0)
		fail("pf_aead_create");
	pf_sealer_init(&seal, f->seal_aead, salt, PF_HOST_TO_CLIENT);
	pf_sealer_init(&f->open, f->open_aead, salt, PF_HOST_TO_CLIENT);
	pf_replay_init(&f->replay);
	struct pf_packetizer_params out = {.shard_payload = SHARD,
		.scheme = PF_FEC_GF16,
		.fec_percent = 10,
		.min_parity = 2,
		.max_data_per_block = 4096,
		.max_frame_bytes = MAX_FRAME,
		.seal = &seal};
	struct pf_reassembler_params in = {.shard_bytes = SHARD};
	pf_reassembler_limits_init(&in.limits, MAX_FRAME);
	if (pf_packetizer_create(&f->packetizer, &out) < 0 ||
		pf_reassembler_create(&f->reassembler, &in) < 0 ||
		udp_rx_create(&f->batch, PACKET, f->rx.gro) < 0)
		fail("setting up");
}

static void make(struct flow *f, enum kind kind, size_t len)
{
	*f = (struct flow){.kind = kind, .len = len};
	f->payload = malloc(len);
	if (!f->payload)
		fail("malloc");
	for (size_t i = 0; i < len; i++)
		f->payload[i] = (uint8_t)(i * 2654435761u >> 11);
	open_sockets(f);
	if (kind == PATH)
		make_path(f);
}

static void finish(struct flow *f)
{
	udp_rx_destroy(f->batch);
	pf_reassembler_destroy(f->reassembler);
	pf_packetizer_destroy(f->packetizer);
	pf_aead_destroy(f->seal_aead);
	pf_aead_destroy(f->open_aead);
	udp_close(&f->tx);
	udp_close(&f->rx);
	free(f->payload);
}

static void choose_processors(void)
{
	cpu_set_t set;
	int n = 0;
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		fail("sched_getaffinity");
	for (int i = 0; i < CPU_SETSIZE && n < 2; i++)
		if (CPU_ISSET(i, &set))
			processors[n++] = i;
	if (n < 2) {
		processors[1] = processors[0];
		printf("both threads share one processor: these figures say little\n");
	}
}

static void print_load(const char *when)
{
	double load = 0;
	if (getloadavg(&load, 1) == 1)
		printf("load %s: %.1f\n", when, load);
}

static void print(const struct figures *r)
{
	printf("  %-26s %6.2f [%.2f .. %.2f]", r->wire.name, measure_median(&r->wire, ROUNDS),
		measure_at(r->wire.rate, ROUNDS, 0), measure_at(r->wire.rate, ROUNDS, 1));
	printf("  send %5.0f [%.0f .. %.0f]", measure_at(r->tx_ns, ROUNDS, 0.5),
		measure_at(r->tx_ns, ROUNDS, 0), measure_at(r->tx_ns, ROUNDS, 1));
	printf("  receive %5.0f [%.0f .. %.0f]", measure_at(r->rx_ns, ROUNDS, 0.5),
		measure_at(r->rx_ns, ROUNDS, 0), measure_at(r->rx_ns, ROUNDS, 1));
	double video = measure_median(&r->video, ROUNDS);
	if (video > 0)
		printf("  video %.2f Gbit/s", video);
	printf("\n");
}

static bool claim(const struct figures *ours, const struct figures *bare, double least)
{
	double ratio[ROUNDS];
	for (int i = 0; i < ROUNDS; i++)
		ratio[i] = ours->wire.rate[i] / bare->wire.rate[i];
	double median = measure_at(ratio, ROUNDS, 0.5);
	bool good = median >= least;
	printf("%s: %s / %s = %.2f [%.2f .. %.2f], at least %.2f\n", good ? "PASS" : "FAIL",
		ours->wire.name, bare->wire.name, median, measure_at(ratio, ROUNDS, 0),
		measure_at(ratio, ROUNDS, 1), least);
	return good;
}

int main(void)
{
	enum { N = 4 };
	static struct flow flows[N];
	static struct figures r[N] = {{.wire.name = "bare sendmmsg, recvmmsg"},
		{.wire.name = "bare GSO, GRO"}, {.wire.name = "ours, frames of 125 kB"},
		{.wire.name = "ours, frames of 417 kB"}};
	const size_t lens[N] = {BATCH * PACKET, BATCH * PACKET, 125000, 416667};
	choose_processors();
	for (int i = 0; i < N; i++)
		make(&flows[i], i < PATH ? (enum kind)i : PATH, lens[i]);
	bool offload = flows[BARE_GSO].tx.gso && flows[BARE_GSO].rx.gro;
	if (!offload)
		printf("this kernel has no UDP GSO or GRO: without them there is nothing to "
		       "compare\n");
	printf("sealing by %s, window %llu bytes\n", pf_aead_provider(flows[PATH].seal_aead),
		(unsigned long long)flows[PATH].window);
	print_load("before");
	for (int round = -1; round < ROUNDS && offload; round++)
		for (int i = 0; i < N; i++)
			run_slice(&flows[i], &r[i], round);
	print_load("after");
	bool good = true;
	if (offload) {
		printf("Gbit/s of datagrams that arrived; ns of CPU a packet; median [least .. "
		       "most]:\n");
		for (int i = 0; i < N; i++)
			print(&r[i]);
		for (int i = PATH; i < N; i++) {
			good &= claim(&r[i], &r[BARE_MMSG], LEAST_TO_MMSG);
			good &= claim(&r[i], &r[BARE_GSO], LEAST_TO_GSO);
		}
	}
	for (int i = 0; i < N; i++)
		finish(&flows[i]);
	return !offload ? SKIP : good ? 0 : 1;
}
