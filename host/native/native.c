/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/native/native.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/config/config.h"
#include "host/host.h"
#include "host/media/clock.h"
#include "host/native/access.h"
#include "host/native/clip.h"
#include "host/native/control.h"
#include "host/native/internal.h"
#include "host/session/kept.h"
#include "host/trust/knocks.h"
#include "net/identity.h"

/* Connections beyond the sessions: some to be told "busy", half-open ones of strangers, and those that wait. */
#define EXTRA_CONNECTIONS (16u + KNOCKS_MAX)
#define MAX_HANDSHAKING	  16u
#define RETRY_FROM \
	4u /* as many as connect at once in a household; of a flood the rest is not kept */
/*
 * A client whose program ends closes its control stream and then says why, one right behind the other: how it left
 * tells whether its display stays.
 */
#define PARTING_NS 300000000ull
/* Beyond the sessions, of one address: a client that tries again beside what it has, and room for its family. */
#define EXTRA_PER_ADDRESS (4u + KNOCKS_PER_ADDRESS)

static void rearm(struct native *n)
{
	loop_set_deadline(n->timer, quic_endpoint_deadline(n->endpoint));
}

void native_flush(struct native *n)
{
	quic_endpoint_flush(n->endpoint, clock_now_ns());
	rearm(n);
}

static void process(struct native *n)
{
	if (quic_endpoint_process(n->endpoint, clock_now_ns()) < 0) {
		log_error("native: the UDP socket failed; the host cannot go on");
		loop_quit(n->host->loop, 1);
		return;
	}
	bool more = false;
	for (struct native_client *c = n->clients; c; c = c->next)
		more |= clip_pump(c);
	if (more)
		quic_endpoint_flush(n->endpoint, clock_now_ns());
	rearm(n);
	uint32_t enough = n->host->config->max_sessions;
	if (enough && n->sessions_done >= enough && !n->clients && n->on_done) {
		void (*done)(void *) = n->on_done;
		n->on_done = NULL;
		done(n->userdata);
	}
}

static void on_readable(uint32_t events, void *userdata)
{
	(void)events;
	process(userdata);
}

static void on_timer(void *userdata)
{
	process(userdata);
}

/* kept: gets the display, which then stays; NULL = it goes. */
static void stop_session(struct native_client *c, struct vdisplay_output *kept)
{
	struct native *n = c->native;
	if (!c->session)
		return;
	clip_stop(c);
	sound_close(c);
	n->sessions_done += c->state == CLIENT_STREAM;
	if (kept)
		session_destroy_kept(c->session, kept);
	else
		session_destroy(c->session);
	c->session = NULL;
	n->n_streaming--;
	data_close(c);
}

void native_end(struct native_client *c, uint64_t code, const char *reason)
{
	native_end_kept(c, code, reason, NULL);
}

void native_end_kept(
	struct native_client *c, uint64_t code, const char *reason, struct vdisplay_output *kept)
{
	if (kept)
		memset(kept, 0, sizeof(*kept));
	if (c->state == CLIENT_ENDING)
		return;
	log_info("native: %s: ending: %s (0x%02llx)", c->name, reason, (unsigned long long)code);
	pair_forget(c);
	access_forget(c);
	stop_session(c, kept);
	c->state = CLIENT_ENDING;
	loop_set_deadline(c->timer, UINT64_MAX);
	quic_conn_close(c->conn, code, reason);
}

/* It closed its control stream and said nothing more: an accident, as far as anybody knows. */
static void end_parting(struct native_client *c)
{
	struct vdisplay_output kept = {0};
	native_end_kept(c, PF_CLOSE_END, "the client closed its control stream",
		stay_allowed(c) ? &kept : NULL);
	if (kept.name[0])
		kept_put(c->native->host->kept, c->fp, &kept, c->name);
}

/* One timer a client, for what its state waits for. */
static void on_client_timer(void *userdata)
{
	struct native_client *c = userdata;
	switch (c->state) {
	case CLIENT_PAIR:
		pair_timeout(c);
		break;
	case CLIENT_HELLO:
	case CLIENT_START:
		native_end(c, PF_CLOSE_SETUP_FAILED,
			"the client did not finish its handshake in time");
		break;
	case CLIENT_PUNCH:
		if (data_assume_peer(c) == PF_OK)
			handshake_stream(c);
		else
			native_end(c, PF_CLOSE_SETUP_FAILED, "the client's video port is unknown");
		break;
	case CLIENT_STREAM:
		if (c->parting)
			end_parting(c);
		else
			native_end(c, PF_CLOSE_END, "the test's time is over");
		break;
	case CLIENT_PARKED: /* access.c has the time */
	case CLIENT_ENDING:
		break;
	}
	native_flush(c->native);
}

static void describe_peer(struct native_client *c)
{
	char text[INET6_ADDRSTRLEN] = "?";
	quic_conn_remote(c->conn, &c->peer, &c->peer_len);
	if (c->peer.sa.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &c->peer.in6.sin6_addr, text, sizeof(text));
	else if (c->peer.sa.sa_family == AF_INET)
		inet_ntop(AF_INET, &c->peer.in4.sin_addr, text, sizeof(text));
	snprintf(c->name, sizeof(c->name), "%s", text);
}

static void client_free(struct native_client *c)
{
	struct native_client **at = &c->native->clients;
	while (*at && *at != c)
		at = &(*at)->next;
	if (*at)
		*at = c->next;
	pair_forget(c);
	access_forget(c);
	stop_session(c, NULL);
	data_close(c);
	pf_framer_destroy(c->framer);
	control_close(c);
	loop_remove(&c->timer);
	free(c);
}

static struct native_client *new_client(struct native *n, struct quic_conn *conn)
{
	struct native_client *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->native = n;
	c->id = ++n->last_id;
	c->conn = conn;
	c->stream = -1;
	c->access_ends_ns = UINT64_MAX;
	c->access_warn_ns = UINT64_MAX;
	c->data.socket.fd = -1;
	if (pf_framer_create(&c->framer) >= 0 && control_open(c) >= 0 &&
		loop_add_timer(n->host->loop, &c->timer, on_client_timer, c) >= 0)
		return c;
	client_free(c);
	return NULL;
}

/* One that has not said a word; those that wait, pair or play keep their places. */
static bool may_evict(const struct quic_conn *conn, void *userdata)
{
	const struct native_client *c = quic_conn_userdata(conn);
	(void)userdata;
	return c && c->state == CLIENT_HELLO;
}

static void on_ready(struct quic_conn *conn, const uint8_t *peer_fp, void *userdata)
{
	struct native *n = userdata;
	struct native_client *c = new_client(n, conn);
	if (!c) {
		quic_conn_close(conn, PF_CLOSE_SETUP_FAILED, "the host is out of memory");
		return;
	}
	c->next = n->clients;
	n->clients = c;
	quic_conn_set_userdata(conn, c);
	c->has_fp = peer_fp;
	if (peer_fp)
		memcpy(c->fp, peer_fp, sizeof(c->fp));
	describe_peer(c);
	loop_set_deadline(c->timer, clock_now_ns() + FIRST_MESSAGE_NS);
	log_debug("native: %s connected", c->name);
}

static int on_payload(const uint8_t *payload, size_t len, void *userdata)
{
	struct native_client *c = userdata;
	if (c->state == CLIENT_ENDING)
		return PF_OK;
	int err = PF_OK;
	/*
	 * The first message decides (wire 4): a pairing, or Hello and nothing else. In a session what nobody knows is
	 * skipped, an empty frame too.
	 */
	bool typed = pf_msg_is_typed(payload, len);
	if (c->session && !pf_handshake_is(payload, len))
		control_payload(c, payload, len);
	else if (!typed)
		err = handshake_payload(c, payload, len);
	else if (c->state == CLIENT_HELLO || c->state == CLIENT_PAIR)
		err = pair_payload(c, payload, len);
	else
		err = PF_E_BAD_PACKET;
	if (err < 0)
		native_end(c, PF_CLOSE_SETUP_FAILED, "a malformed message");
	return PF_OK;
}

static int on_stream(struct quic_conn *conn, int64_t stream_id, const uint8_t *data, size_t len,
	bool fin, void *userdata)
{
	struct native_client *c = quic_conn_userdata(conn);
	(void)userdata;
	if (!c || c->state == CLIENT_ENDING)
		return PF_OK;
	if (c->stream < 0)
		c->stream = stream_id;
	if (stream_id != c->stream) {
		clip_stream(c, stream_id, data, len, fin);
		return PF_OK;
	}
	int err = pf_framer_feed(c->framer, data, len, on_payload, c);
	if (err < 0)
		native_end(c, PF_CLOSE_SETUP_FAILED, "a malformed message");
	else if (fin && c->state != CLIENT_STREAM)
		native_end(c, PF_CLOSE_END, "the client closed its control stream");
	else if (fin) {
		c->parting = true;
		loop_set_deadline(c->timer, clock_now_ns() + PARTING_NS);
	}
	return PF_OK;
}

static void on_datagram(struct quic_conn *conn, const uint8_t *data, size_t len, void *userdata)
{
	struct native_client *c = quic_conn_userdata(conn);
	(void)userdata;
	if (c && c->state == CLIENT_STREAM)
		input_datagram(c, data, len);
}

static void on_end(struct quic_conn *conn, const struct pf_quic_end *end, void *userdata)
{
	struct native_client *c = quic_conn_userdata(conn);
	(void)userdata;
	if (!c)
		return;
	if (end->by_peer && end->application)
		log_info("native: %s left (0x%02llx%s%s)", c->name, (unsigned long long)end->code,
			end->reason[0] ? ": " : "", end->reason);
	else if (c->state != CLIENT_ENDING)
		log_info("native: %s is gone: %s", c->name, pf_strerror(end->err));
	if (stay_wanted(c, end)) {
		struct vdisplay_output kept;
		stop_session(c, &kept);
		if (kept.name[0])
			kept_put(c->native->host->kept, c->fp, &kept, c->name);
	}
	client_free(c);
}

static const struct quic_endpoint_callbacks callbacks = {
	.may_evict = may_evict,
	.on_ready = on_ready,
	.on_stream = on_stream,
	.on_datagram = on_datagram,
	.on_end = on_end,
};

static int load_identity(struct native *n)
{
	char why[256];
	int err = identity_load_or_create(
		&n->identity, n->host->config_dir, "punktfunk", why, sizeof(why));
	if (err < 0)
		log_error("identity: %s", why);
	return err;
}

static int listen_udp(struct native *n)
{
	const struct config *config = n->host->config;
	struct quic_endpoint_params params = {
		.bind_host = config->bind,
		.port = (uint16_t)config->port,
		.identity = n->identity,
		.callbacks = &callbacks,
		.userdata = n,
		.idle_timeout_ns = config->idle_timeout * 1000000000ull,
		.max_connections = config->max_concurrent + EXTRA_CONNECTIONS,
		.max_handshaking = MAX_HANDSHAKING,
		.retry_from = RETRY_FROM,
		.max_per_address = config->max_concurrent + EXTRA_PER_ADDRESS,
	};
	int err = quic_endpoint_create(&n->endpoint, &params);
	if (err == PF_E_BUSY)
		log_error(
			"native: UDP port %u is in use: another host is running, or choose another "
			"with --port",
			config->port);
	else if (err == PF_E_INVALID)
		log_error("native: --bind %s is not an address of this machine; 'ip address' lists "
			  "them, and 0.0.0.0 stands for all",
			config->bind);
	else if (err < 0)
		log_error(
			"native: cannot listen on UDP port %u: %s", config->port, pf_strerror(err));
	return err;
}

static void announce(const struct native *n)
{
	uint8_t fp[PF_FINGERPRINT_LEN];
	char hex[2 * PF_FINGERPRINT_LEN + 1];
	pf_identity_fingerprint(n->identity, fp);
	for (size_t i = 0; i < sizeof(fp); i++)
		snprintf(hex + 2 * i, 3, "%02x", fp[i]);
	log_info("native: fingerprint %s", hex);
	log_info("native: listening on %s, UDP port %d", n->host->config->bind,
		quic_endpoint_port(n->endpoint));
	if (n->host->config->require_pairing && !n->host->ctl)
		log_info("native: only clients that are paired already may connect");
	else if (n->host->config->require_pairing)
		log_info("native: only paired clients may connect; to pair one: punktfunk-host "
			 "pair --arm");
	else if (strncmp(n->host->config->bind, "127.", 4) && strcmp(n->host->config->bind, "::1"))
		log_warn("native: --allow-tofu: whoever reaches this port sees and controls the "
			 "desktop");
}

int native_create(
	struct native **out, struct host *host, void (*on_done)(void *userdata), void *userdata)
{
	struct native *n = calloc(1, sizeof(*n));
	if (!n)
		return PF_E_NOMEM;
	n->host = host;
	n->on_done = on_done;
	n->userdata = userdata;
	int err = load_identity(n);
	if (err >= 0)
		err = access_create(&n->access, n);
	if (err >= 0)
		err = listen_udp(n);
	if (err >= 0)
		err = loop_add_fd(host->loop, &n->readable, quic_endpoint_fd(n->endpoint), EPOLLIN,
			on_readable, n);
	if (err >= 0)
		err = loop_add_timer(host->loop, &n->timer, on_timer, n);
	if (err < 0) {
		native_destroy(n);
		return err;
	}
	rearm(n);
	announce(n);
	*out = n;
	return PF_OK;
}

void native_destroy(struct native *n)
{
	if (!n)
		return;
	n->closing = true;
	loop_remove(&n->readable);
	loop_remove(&n->timer);
	for (struct native_client *c = n->clients; c; c = c->next)
		native_end(c, PF_CLOSE_END, "the host is shutting down");
	quic_endpoint_destroy(n->endpoint);
	while (n->clients)
		client_free(n->clients);
	access_destroy(n->access);
	pf_identity_destroy(n->identity);
	free(n);
}

int native_contact(const struct native *n, struct native_contact *out)
{
	socklen_t len = sizeof(out->local);
	pf_identity_fingerprint(n->identity, out->fp);
	if (getsockname(quic_endpoint_fd(n->endpoint), &out->local.sa, &len) < 0)
		return pf_error_from_errno(errno);
	return PF_OK;
}
