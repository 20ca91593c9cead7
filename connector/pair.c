/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/pair/pair.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "connector/internal.h"
#include "core/base/alloc.h"
#include "core/wire/text.h"

/*
 * Pairing and asking who is there: a short connection of its own, driven on the caller's thread. Both end
 * with a status, which is 0 only at the very end.
 */

#define PROBE_TIMEOUT_MS 10000u
#define PAIR_TIMEOUT_MS	 60000u /* wire 5.3: as long as a ceremony lasts */
#define MAX_TIMEOUT_MS	 600000u
#define RUNNING		 1 /* no status yet */

struct visit {
	const char *host;
	uint16_t port;
	const uint8_t *expected;
	struct pf_identity *identity;
	struct quic_endpoint *endpoint;
	struct quic_conn *quic; /* NULL once ended */
	int status;
	uint8_t fingerprint[PF_FINGERPRINT_LEN];
	uint64_t rtt_ns;
	char message[MESSAGE_LEN];
	/* pairing only */
	bool pairing;
	const char *name, *pin;
	struct pf_pair_client *ceremony;
	struct pf_framer *framer;
	int64_t stream;
};

static void finish(struct visit *v, int status, const char *message)
{
	if (v->status != RUNNING)
		return;
	v->status = status;
	snprintf(v->message, sizeof(v->message), "%s", message);
}

/* The ceremony failed here: the host is told, and hears nothing more. */
static void give_up(struct visit *v, int status, const char *message)
{
	finish(v, status, message);
	if (v->quic)
		quic_conn_close(v->quic, PF_CLOSE_END, "pairing failed");
}

static int send_msg(struct visit *v, const struct pf_msg *m)
{
	uint8_t buf[512];
	int n = pf_msg_write_framed(buf, sizeof(buf), m);
	return n < 0 ? n : quic_conn_send(v->quic, v->stream, buf, (size_t)n, false);
}

static int begin_ceremony(struct visit *v)
{
	uint8_t random[PF_PAIR_RANDOM_LEN], ours[PF_FINGERPRINT_LEN];
	uint8_t message[PF_PAIR_MESSAGE_LEN];
	pf_identity_fingerprint(v->identity, ours);
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return PF_E_CRYPTO;
	int err = pf_pair_client_create(&v->ceremony, v->pin, ours, v->fingerprint, random);
	pf_wipe(random, sizeof(random));
	if (err == PF_OK)
		err = pf_pair_client_start(v->ceremony, message);
	if (err < 0)
		return err;
	v->stream = quic_conn_open_stream(v->quic);
	if (v->stream < 0)
		return PF_E_BAD_PACKET;
	struct pf_msg m = {.type = PF_MSG_PAIR_REQUEST,
		.pair_request = {.name = {(const uint8_t *)v->name, strlen(v->name)},
			.spake = {message, sizeof(message)}}};
	return send_msg(v, &m);
}

static void on_ready(struct quic_conn *q, const uint8_t *peer_fp, void *userdata)
{
	struct visit *v = userdata;
	v->quic = q;
	v->rtt_ns = quic_conn_rtt_ns(q);
	if (!peer_fp) {
		give_up(v, PF_E_BAD_PACKET, "the host has no certificate: it is no punktfunk host");
		return;
	}
	memcpy(v->fingerprint, peer_fp, PF_FINGERPRINT_LEN);
	if (!v->pairing) {
		finish(v, PF_OK, "");
		quic_conn_close(q, PF_CLOSE_END, "only looking");
		return;
	}
	int err = begin_ceremony(v);
	if (err < 0)
		give_up(v, err, "pairing could not begin: try again");
}

static void take_challenge(struct visit *v, const struct pf_msg *m)
{
	struct pf_msg proof = {.type = PF_MSG_PAIR_PROOF};
	int err = pf_pair_client_challenge(v->ceremony, m->pair_challenge.spake.data,
		m->pair_challenge.spake.len, m->pair_challenge.confirm,
		sizeof(m->pair_challenge.confirm), proof.pair_proof);
	if (err == PF_OK)
		err = send_msg(v, &proof);
	if (err == PF_E_CRYPTO)
		give_up(v, err,
			"the PIN is not the one that the host shows, or somebody stands between "
			"this "
			"device and the host: have the host show a new PIN and try again; if it "
			"fails again, do not use this network");
	else if (err < 0)
		give_up(v, err, "the host does not pair as punktfunk hosts do: update it");
}

static void take_result(struct visit *v, const struct pf_msg *m)
{
	int err = pf_pair_client_result(v->ceremony, m->pair_ok);
	if (err < 0) {
		give_up(v, err,
			err == PF_E_CRYPTO
				? "the PIN was right, but the host did not keep the pairing: its "
				  "log says why; then have it show a new PIN and try again"
				: "the host does not pair as punktfunk hosts do: update it");
		return;
	}
	finish(v, PF_OK, "");
	quic_conn_close(v->quic, PF_CLOSE_END, "paired");
}

static void take_refusal(struct visit *v, const struct pf_msg *m)
{
	struct pf_quic_end end = {.by_peer = true};
	char message[MESSAGE_LEN];
	int status = pf_close_code_to_error(m->refused.code);
	pf_text_clean(
		end.reason, sizeof(end.reason), m->refused.reason.data, m->refused.reason.len);
	words_end(message, sizeof(message), v->host, v->port, status, false, &end);
	give_up(v, status, message);
}

static int on_payload(const uint8_t *payload, size_t len, void *userdata)
{
	struct visit *v = userdata;
	struct pf_msg m;
	if (v->status != RUNNING)
		return PF_E_CLOSED;
	int err = pf_msg_read(&m, payload, len);
	if (err == PF_E_UNSUPPORTED)
		return PF_OK;
	if (err < 0) {
		give_up(v, PF_E_BAD_PACKET,
			"the host does not pair as punktfunk hosts do: update it");
		return err;
	}
	if (m.type == PF_MSG_PAIR_CHALLENGE)
		take_challenge(v, &m);
	else if (m.type == PF_MSG_PAIR_RESULT)
		take_result(v, &m);
	else if (m.type == PF_MSG_REFUSED)
		take_refusal(v, &m);
	return PF_OK;
}

static int on_stream(struct quic_conn *q, int64_t stream_id, const uint8_t *data, size_t len,
	bool fin, void *userdata)
{
	struct visit *v = userdata;
	(void)q, (void)fin;
	if (!v->pairing || !v->ceremony || stream_id != v->stream || v->status != RUNNING)
		return PF_OK;
	return pf_framer_feed(v->framer, data, len, on_payload, v);
}

static void on_datagram(struct quic_conn *q, const uint8_t *data, size_t len, void *userdata)
{
	(void)q, (void)data, (void)len, (void)userdata;
}

static void on_end(struct quic_conn *q, const struct pf_quic_end *end, void *userdata)
{
	struct visit *v = userdata;
	char message[MESSAGE_LEN];
	(void)q;
	int status = end->err;
	if (end->application && end->by_peer)
		status = pf_close_code_to_error(end->code);
	words_end(message, sizeof(message), v->host, v->port, status, false, end);
	v->quic = NULL;
	finish(v, status < 0 ? status : PF_E_CLOSED, message);
}

static const struct quic_endpoint_callbacks callbacks = {
	.on_ready = on_ready,
	.on_stream = on_stream,
	.on_datagram = on_datagram,
	.on_end = on_end,
};

static void wait_for(struct visit *v, uint64_t until_ns)
{
	uint64_t now = session_now_ns(), at = quic_endpoint_deadline(v->endpoint);
	at = at < until_ns ? at : until_ns;
	uint64_t ms = at > now ? (at - now + 999999) / 1000000 : 0;
	struct pollfd p = {.fd = quic_endpoint_fd(v->endpoint), .events = POLLIN};
	(void)!poll(&p, 1, (int)ms); /* a signal wakes us early, no more */
}

static int dial(struct visit *v, uint64_t *until_ns)
{
	const char *why = "";
	union udp_addr to;
	socklen_t to_len;
	int err = udp_resolve(v->host, v->port, &to, &to_len, &why);
	if (err < 0) {
		snprintf(v->message, sizeof(v->message),
			"the host name %.120s cannot be found (%s): check its spelling, or use the "
			"address",
			v->host, why);
		return err;
	}
	struct quic_endpoint_params params = {
		.bind_host = to.sa.sa_family == AF_INET6 ? "::" : "0.0.0.0",
		.identity = v->identity,
		.callbacks = &callbacks,
		.userdata = v,
	};
	uint64_t now = session_now_ns();
	*until_ns += now;
	err = quic_endpoint_create(&v->endpoint, &params);
	if (err == PF_OK)
		err = quic_endpoint_connect(v->endpoint, &v->quic, &to, to_len, v->expected, now);
	if (err < 0)
		snprintf(v->message, sizeof(v->message), "no network socket could be opened: %s",
			pf_strerror(err));
	return err;
}

/* To the end, and a little further: the host should read our last words. */
static int run(struct visit *v, uint32_t timeout_ms)
{
	uint64_t until = timeout_ms * 1000000ull;
	v->status = RUNNING;
	int err = dial(v, &until);
	if (err < 0)
		return err;
	while (v->status == RUNNING) {
		if (quic_endpoint_process(v->endpoint, session_now_ns()) < 0)
			finish(v, PF_E_IO, "the network socket failed");
		else if (v->status == RUNNING && session_now_ns() >= until)
			finish(v, PF_E_TIMEOUT,
				v->ceremony
					? "the host stopped in the middle of pairing: try again"
					: "nobody answers: check the address, that punktfunk-host "
					  "runs there, and that a firewall lets UDP through");
		else if (v->status == RUNNING)
			wait_for(v, until);
	}
	quic_endpoint_flush(v->endpoint, session_now_ns());
	return v->status;
}

static void leave(struct visit *v)
{
	quic_endpoint_destroy(v->endpoint);
	pf_pair_client_destroy(v->ceremony);
	pf_framer_destroy(v->framer);
	pf_identity_destroy(v->identity);
}

void punktfunk_pair_opts_init(struct punktfunk_pair_opts *opts)
{
	if (opts)
		*opts = (struct punktfunk_pair_opts){.size = sizeof(*opts)};
}

static int read_opts(struct punktfunk_pair_opts *o, const struct punktfunk_pair_opts *given,
	char *message, size_t message_len)
{
	punktfunk_pair_opts_init(o);
	if (given->size < offsetof(struct punktfunk_pair_opts, pin) + sizeof(o->pin))
		return words_fail(message, message_len, PF_E_INVALID,
			"punktfunk_pair_opts.size is not set: call punktfunk_pair_opts_init first");
	memcpy(o, given, given->size < sizeof(*o) ? given->size : sizeof(*o));
	if (!o->host || !o->cert_pem || !o->key_pem || !o->pin)
		return words_fail(message, message_len, PF_E_NULL,
			"pairing needs a host, an identity and a PIN");
	if (!pf_pin_valid(o->pin))
		return words_fail(message, message_len, PF_E_INVALID,
			"a PIN has exactly 4 digits: give the one that the host shows");
	if (o->timeout_ms > MAX_TIMEOUT_MS || (o->name && strlen(o->name) > PF_NAME_MAX))
		return words_fail(message, message_len, PF_E_INVALID,
			"timeout_ms is at most %u, the name at most %u bytes", MAX_TIMEOUT_MS,
			PF_NAME_MAX);
	return PF_OK;
}

int punktfunk_pair(const struct punktfunk_pair_opts *opts, uint8_t *fingerprint, char *message,
	size_t message_len)
{
	struct punktfunk_pair_opts o;
	if (!opts || !fingerprint)
		return words_fail(message, message_len, PF_E_NULL, "a required pointer is NULL");
	int err = read_opts(&o, opts, message, message_len);
	if (err < 0)
		return err;
	struct visit v = {
		.host = o.host,
		.port = o.port ? o.port : PF_WIRE_PORT,
		.expected = o.expected,
		.pairing = true,
		.name = o.name ? o.name : "",
		.pin = o.pin,
		.stream = -1,
	};
	err = identity_read(&v.identity, o.cert_pem, o.key_pem);
	if (err < 0) {
		words_fail(v.message, sizeof(v.message), err,
			"the client's certificate and key cannot be used (%s): make a new identity",
			pf_strerror(err));
		goto end;
	}
	err = pf_framer_create(&v.framer);
	if (err < 0)
		goto end;
	err = run(&v, o.timeout_ms ? o.timeout_ms : PAIR_TIMEOUT_MS);
	if (err == PF_OK)
		memcpy(fingerprint, v.fingerprint, PF_FINGERPRINT_LEN);
end:
	if (err < 0)
		words_fail(message, message_len, err, "%s",
			v.message[0] ? v.message : pf_strerror(err));
	leave(&v);
	return err;
}

int punktfunk_probe(const char *host, uint16_t port, uint32_t timeout_ms, uint8_t *fingerprint,
	uint64_t *rtt_ns, char *message, size_t message_len)
{
	struct visit v = {.host = host, .port = port ? port : PF_WIRE_PORT, .stream = -1};
	if (!host)
		return words_fail(message, message_len, PF_E_NULL, "no host was given");
	if (timeout_ms > MAX_TIMEOUT_MS)
		return words_fail(message, message_len, PF_E_INVALID, "timeout_ms is at most %u",
			MAX_TIMEOUT_MS);
	int err = run(&v, timeout_ms ? timeout_ms : PROBE_TIMEOUT_MS);
	if (err == PF_OK && fingerprint)
		memcpy(fingerprint, v.fingerprint, PF_FINGERPRINT_LEN);
	if (err == PF_OK && rtt_ns)
		*rtt_ns = v.rtt_ns;
	if (err < 0)
		words_fail(message, message_len, err, "%s",
			v.message[0] ? v.message : pf_strerror(err));
	leave(&v);
	return err;
}
