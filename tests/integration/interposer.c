/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * interposer PORT HOW [WITH]: a process between a client and the host on 127.0.0.1 PORT. It ends TLS on both
 * sides with a certificate of its own, hands on what the two say on their control stream, and does to the
 * pairing what HOW says:
 *
 *   relay            nothing
 *   flip FIELD       changes a bit of x, y, confirm, proof or result
 *   replay HEX       puts this payload in the place of the host's PairChallenge
 *   forge            gives the host its own confirmation for a proof when the client went away
 *   skip             answers PairRequest with PairResult by itself, without a host
 *   answer PIN       plays the host by itself, with this PIN
 *   split PIN        the same, and the client towards the host
 *
 * It prints the port that it listens on and then what happens, one line each, and ends when its standard input
 * does.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <gnutls/crypto.h>

#include "core/pair/pair.h"
#include "core/wire/control.h"
#include "net/quic_endpoint.h"

#define QUEUE_MAX 65536u
#define FRAME_MAX 65535u
#define TURN_MS	  5

enum how { RELAY, FLIP, REPLAY, FORGE, SKIP, ANSWER, SPLIT };

/* One of the two: the client (we are its host) or the host (we are its client). */
struct side {
	const char *name;
	struct quic_endpoint *endpoint;
	struct quic_conn *conn; /* NULL = not there, or ended */
	struct pf_framer *framer;
	struct side *other;
	int64_t stream;
	bool ready, said_end;
	uint8_t fp[PF_FINGERPRINT_LEN];
	uint8_t queue[QUEUE_MAX]; /* for it, until it is ready */
	size_t queued;
};

static struct side client = {.name = "client"}, host = {.name = "host"};
static struct pf_identity *identity;
static uint8_t own_fp[PF_FINGERPRINT_LEN];
static int host_port;
static enum how how;
static const char *with;
static uint8_t last_confirm[PF_PAIR_CONFIRM_LEN];
static bool have_confirm;
static struct pf_pair_host *as_host;
static struct pf_pair_client *as_client;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

static uint64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* What is for a side that is not ready yet waits. */
static void send_bytes(struct side *to, const void *data, size_t len)
{
	if (to->ready && to->conn) {
		if (to->stream < 0)
			to->stream = quic_conn_open_stream(to->conn);
		pf_check(to->stream >= 0);
		(void)!quic_conn_send(to->conn, to->stream, data, len, false);
	} else if (!to->said_end) {
		pf_check(len <= sizeof to->queue - to->queued);
		memcpy(to->queue + to->queued, data, len);
		to->queued += len;
	}
}

static void send_payload(struct side *to, const uint8_t *payload, size_t len)
{
	const uint8_t head[2] = {(uint8_t)len, (uint8_t)(len >> 8)};
	send_bytes(to, head, sizeof head);
	send_bytes(to, payload, len);
}

static void send_message(struct side *to, const struct pf_msg *m)
{
	uint8_t out[1024];
	int n = pf_msg_write_framed(out, sizeof out, m);
	pf_check(n > 0);
	send_bytes(to, out, (size_t)n);
}

static void random_bytes(uint8_t *out, size_t len)
{
	pf_check(gnutls_rnd(GNUTLS_RND_NONCE, out, len) >= 0);
}

/* --- what HOW does --- */

/*
 * A bit of the field named, if this payload has it. All but the result's are their last byte's lowest bit but
 * one, which leaves a side byte and a length alone.
 */
static void flip(const struct side *from, uint8_t *payload, size_t len)
{
	struct pf_msg m;
	if (pf_msg_read(&m, payload, len) < 0)
		return;
	uint8_t *at = NULL;
	if (from == &client && m.type == PF_MSG_PAIR_REQUEST && !strcmp(with, "x"))
		at = payload + (m.pair_request.spake.data - payload) + PF_PAIR_MESSAGE_LEN - 2;
	if (from == &host && m.type == PF_MSG_PAIR_CHALLENGE && !strcmp(with, "y"))
		at = payload + (m.pair_challenge.spake.data - payload) + PF_PAIR_MESSAGE_LEN - 2;
	if ((from == &host && m.type == PF_MSG_PAIR_CHALLENGE && !strcmp(with, "confirm")) ||
		(from == &client && m.type == PF_MSG_PAIR_PROOF && !strcmp(with, "proof")))
		at = payload + len - 1;
	if (from == &host && m.type == PF_MSG_PAIR_RESULT && !strcmp(with, "result"))
		at = payload + len - 1;
	if (!at)
		return;
	*at ^= !strcmp(with, "result") ? 1 : 2;
	say("flipped %s", with);
}

static void replay(const struct pf_msg *m)
{
	static uint8_t old[FRAME_MAX];
	size_t len = 0;
	if (m->type != PF_MSG_PAIR_CHALLENGE)
		return;
	for (const char *p = with; p[0] && p[1]; p += 2) {
		unsigned v;
		pf_check(sscanf(p, "%2x", &v) == 1);
		old[len++] = (uint8_t)v;
	}
	send_payload(&client, old, len);
	say("replayed");
}

static void answer_request(const struct pf_msg *m)
{
	uint8_t random[PF_PAIR_RANDOM_LEN], y[PF_PAIR_MESSAGE_LEN];
	struct pf_msg out = {.type = PF_MSG_PAIR_CHALLENGE};
	random_bytes(random, sizeof random);
	pf_check(pf_pair_host_create(&as_host, with, client.fp, own_fp, random) == PF_OK);
	pf_check(pf_pair_host_request(as_host, m->pair_request.spake.data,
			 m->pair_request.spake.len, y, out.pair_challenge.confirm) == PF_OK);
	out.pair_challenge.spake = (struct pf_span){y, sizeof y};
	send_message(&client, &out);
}

static void answer_proof(const struct pf_msg *m)
{
	int err = as_host ? pf_pair_host_proof(as_host, m->pair_proof, PF_PAIR_CONFIRM_LEN)
			  : PF_E_CLOSED;
	say("client %s", err ? "not paired with us" : "paired with us");
	send_message(&client, &(struct pf_msg){.type = PF_MSG_PAIR_RESULT, .pair_ok = !err});
}

/* The host's fingerprint is known only when it is ready. */
static void ask_host(void)
{
	uint8_t random[PF_PAIR_RANDOM_LEN], x[PF_PAIR_MESSAGE_LEN];
	random_bytes(random, sizeof random);
	pf_check(pf_pair_client_create(&as_client, with, own_fp, host.fp, random) == PF_OK);
	pf_check(pf_pair_client_start(as_client, x) == PF_OK);
	struct pf_msg m = {.type = PF_MSG_PAIR_REQUEST,
		.pair_request = {.name = {(const uint8_t *)"between", 7}, .spake = {x, sizeof x}}};
	send_message(&host, &m);
}

static void prove_to_host(const struct pf_msg *m)
{
	struct pf_msg out = {.type = PF_MSG_PAIR_PROOF};
	int err = pf_pair_client_challenge(as_client, m->pair_challenge.spake.data,
		m->pair_challenge.spake.len, m->pair_challenge.confirm, PF_PAIR_CONFIRM_LEN,
		out.pair_proof);
	if (err)
		say("host not ours");
	else
		send_message(&host, &out);
}

static void play(const struct side *from, const struct pf_msg *m)
{
	if (from == &client && m->type == PF_MSG_PAIR_REQUEST)
		answer_request(m);
	else if (from == &client && m->type == PF_MSG_PAIR_PROOF)
		answer_proof(m);
	else if (from == &host && m->type == PF_MSG_PAIR_CHALLENGE)
		prove_to_host(m);
	else if (from == &host && m->type == PF_MSG_PAIR_RESULT)
		say("host %s", m->pair_ok ? "paired with us" : "not paired with us");
}

static int on_payload(const uint8_t *data, size_t len, void *userdata)
{
	static uint8_t payload[FRAME_MAX];
	struct side *from = userdata;
	struct pf_msg m = {0};
	memcpy(payload, data, len);
	const bool known = pf_msg_is_typed(payload, len) && pf_msg_read(&m, payload, len) == PF_OK;
	printf("%s said ", from->name);
	for (size_t i = 0; i < len; i++)
		printf("%02x", payload[i]);
	say("%s", "");
	if (known && from == &host && m.type == PF_MSG_PAIR_CHALLENGE) {
		memcpy(last_confirm, m.pair_challenge.confirm, sizeof last_confirm);
		have_confirm = true;
	}
	if (how == FLIP)
		flip(from, payload, len);
	if (known && (how == ANSWER || how == SPLIT)) {
		play(from, &m);
	} else if (known && how == SKIP && m.type == PF_MSG_PAIR_REQUEST) {
		send_message(
			&client, &(struct pf_msg){.type = PF_MSG_PAIR_RESULT, .pair_ok = true});
	} else if (known && how == REPLAY && from == &host && m.type == PF_MSG_PAIR_CHALLENGE) {
		replay(&m);
	} else {
		send_payload(from->other, payload, len);
	}
	return PF_OK;
}

/* --- the two connections --- */

static void connect_host(void)
{
	union udp_addr to = {.in4 = {.sin_family = AF_INET,
				     .sin_port = htons((uint16_t)host_port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
	if (how != SKIP && how != ANSWER)
		pf_check(quic_endpoint_connect(host.endpoint, &host.conn, &to, sizeof to.in4, NULL,
				 now()) == PF_OK);
}

static void on_ready(struct quic_conn *c, const uint8_t *peer_fp, void *userdata)
{
	struct side *s = userdata;
	s->conn = c;
	s->ready = true;
	say("%s ready %s", s->name, peer_fp ? "with a certificate" : "without a certificate");
	if (peer_fp)
		memcpy(s->fp, peer_fp, sizeof s->fp);
	if (s == &client)
		connect_host();
	else if (how == SPLIT)
		ask_host();
	if (s->queued)
		send_bytes(s, s->queue, s->queued);
	s->queued = 0;
}

static int on_stream(
	struct quic_conn *c, int64_t id, const uint8_t *data, size_t len, bool fin, void *userdata)
{
	struct side *from = userdata;
	(void)c, (void)fin;
	from->stream = id;
	return pf_framer_feed(from->framer, data, len, on_payload, from);
}

static void on_datagram(struct quic_conn *c, const uint8_t *data, size_t len, void *userdata)
{
	(void)c, (void)data, (void)len, (void)userdata;
}

static void forge(void)
{
	struct pf_msg m = {.type = PF_MSG_PAIR_PROOF};
	memcpy(m.pair_proof, last_confirm, sizeof m.pair_proof);
	send_message(&host, &m);
	say("forged");
}

/* The end of one is the end of the other, with the same code, unless each has a ceremony of its own. */
static void on_end(struct quic_conn *c, const struct pf_quic_end *end, void *userdata)
{
	struct side *s = userdata;
	(void)c;
	s->conn = NULL;
	s->ready = false;
	s->said_end = true;
	say("%s ended 0x%llx %s", s->name, (unsigned long long)end->code, end->reason);
	if (s == &client && how == FORGE && have_confirm && host.conn)
		forge();
	if (!s->other->conn || how == SPLIT || (s == &client && how == FORGE))
		return;
	quic_endpoint_flush(s->other->endpoint, now()); /* what it said before */
	quic_conn_close(s->other->conn, end->application ? end->code : 0, end->reason);
}

static const struct quic_endpoint_callbacks callbacks = {
	.on_ready = on_ready,
	.on_stream = on_stream,
	.on_datagram = on_datagram,
	.on_end = on_end,
};

static int open_side(struct side *s, struct side *other, size_t max_connections)
{
	struct quic_endpoint_params params = {
		.bind_host = "127.0.0.1",
		.identity = identity,
		.callbacks = &callbacks,
		.userdata = s,
		.max_connections = max_connections,
	};
	s->other = other;
	s->stream = -1;
	int err = pf_framer_create(&s->framer);
	return err ? err : quic_endpoint_create(&s->endpoint, &params);
}

static void turn(struct pollfd fds[static 3])
{
	fds[0] = (struct pollfd){.fd = quic_endpoint_fd(client.endpoint), .events = POLLIN};
	fds[1] = (struct pollfd){.fd = quic_endpoint_fd(host.endpoint), .events = POLLIN};
	fds[2] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
	poll(fds, 3, TURN_MS);
	pf_check(quic_endpoint_process(client.endpoint, now()) == PF_OK);
	pf_check(quic_endpoint_process(host.endpoint, now()) == PF_OK);
	quic_endpoint_flush(client.endpoint, now());
	quic_endpoint_flush(host.endpoint, now());
}

static bool read_how(const char *name)
{
	static const char *const names[] = {
		"relay", "flip", "replay", "forge", "skip", "answer", "split"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (!strcmp(name, names[i])) {
			how = (enum how)i;
			return how == RELAY || how == FORGE || how == SKIP || with;
		}
	return false;
}

int main(int argc, char **argv)
{
	struct pollfd fds[3] = {0};
	int rc = 1;
	with = argc > 3 ? argv[3] : NULL;
	if (argc < 3 || !read_how(argv[2])) {
		fprintf(stderr, "usage: interposer PORT HOW [WITH]; see interposer.c\n");
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	host_port = atoi(argv[1]);
	if (pf_identity_generate(&identity, "punktfunk", (uint64_t)time(NULL)) < 0 ||
		open_side(&client, &host, 4) < 0 || open_side(&host, &client, 0) < 0)
		goto end;
	pf_identity_fingerprint(identity, own_fp);
	say("port %d", quic_endpoint_port(client.endpoint));
	while (!(fds[2].revents & (POLLIN | POLLHUP)))
		turn(fds);
	rc = 0;
end:
	pf_pair_host_destroy(as_host);
	pf_pair_client_destroy(as_client);
	quic_endpoint_destroy(client.endpoint);
	quic_endpoint_destroy(host.endpoint);
	pf_framer_destroy(client.framer);
	pf_framer_destroy(host.framer);
	pf_identity_destroy(identity);
	return rc;
}
