/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/quic/conn.h"

#include <string.h>

#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>

#include "core/base/alloc.h"
#include "core/quic/conn_internal.h"

#define SECOND		     1000000000ull
#define DEFAULT_IDLE_NS	     (8 * SECOND)
#define MIN_IDLE_NS	     (1 * SECOND)
#define MAX_KEEP_ALIVE_NS    (4 * SECOND)
#define DEFAULT_HANDSHAKE_NS (10 * SECOND)
#define ALERT_NO_ALPN	     120u /* no_application_protocol, RFC 7301 */
#define CRYPTO_ERROR_FIRST   0x100u
#define CRYPTO_ERROR_LAST    0x1FFu
#define CLIENT_DCID_LEN	     16u /* of the first, random one; RFC 9000 7.2 wants at least 8 */
#define MIN_SERVER_DCID_LEN  8u
/* The peer waits that much longer before it repeats a request to heal a loss that was itself lost. */
#define MAX_ACK_DELAY_NS 2000000u
#define ACTIVE_CID_LIMIT 4u /* ids of the peer that we store: a path change takes one */
#define RETRY_NS	 DEFAULT_HANDSHAKE_NS /* how long an answer to a Retry is good for */
#define CLOSE_PTOS	 3u /* RFC 9000 10.2: how long a closing connection stays */

/*
 * Flow control: a stranger can make us hold this much out of order; the windows grow only as fast as
 * the application takes bytes in order.
 */
#define STREAM_WINDOW	  (64u << 10) /* one control frame */
#define CONN_WINDOW	  (128u << 10)
#define MAX_STREAM_WINDOW (512u << 10)
#define MAX_CONN_WINDOW	  (1u << 20)

static void *mem_malloc(size_t size, void *userdata)
{
	(void)userdata;
	return pf_realloc(NULL, size);
}

static void mem_free(void *p, void *userdata)
{
	(void)userdata;
	pf_free(p);
}

static void *mem_calloc(size_t n, size_t size, void *userdata)
{
	(void)userdata;
	return pf_calloc(n, size);
}

static void *mem_realloc(void *p, size_t size, void *userdata)
{
	(void)userdata;
	return pf_realloc(p, size);
}

static const ngtcp2_mem memory = {NULL, mem_malloc, mem_free, mem_calloc, mem_realloc};

static uint64_t advance(struct pf_quic *q, uint64_t now_ns)
{
	/* ngtcp2 asserts that time does not run backwards. */
	if (now_ns > q->last_now)
		q->last_now = now_ns;
	return q->last_now;
}

static void copy_reason(char *out, size_t cap, const void *reason, size_t len)
{
	const uint8_t *p = reason;
	size_t n = 0;
	for (; n < len && n + 1 < cap; n++)
		out[n] = p[n] >= ' ' && p[n] <= '~' ? (char)p[n] : '?';
	out[n] = '\0';
}

/* The first cause stays. Returns false when there is one already. */
static bool set_end(struct pf_quic *q, enum pf_quic_cause cause, int err, const char *reason)
{
	if (q->state >= PF_QUIC_CLOSING)
		return false;
	q->end = (struct pf_quic_end){.cause = cause, .err = err};
	copy_reason(q->end.reason, sizeof q->end.reason, reason, strlen(reason));
	return true;
}

static void die(struct pf_quic *q, enum pf_quic_cause cause, int err, const char *reason)
{
	set_end(q, cause, err, reason);
	q->state = PF_QUIC_DEAD;
}

/* From here on the next write gives a CONNECTION_CLOSE with q->close_error. */
static void start_closing(struct pf_quic *q)
{
	q->state = PF_QUIC_CLOSING;
	q->close_due = true;
	q->end.code = q->close_error.error_code;
	q->end.application = q->close_error.type == NGTCP2_CCERR_TYPE_APPLICATION;
}

void pf_quic_close(struct pf_quic *q, uint64_t code, const char *reason)
{
	if (!set_end(q, PF_QUIC_CAUSE_LOCAL, PF_E_CLOSED, reason ? reason : ""))
		return;
	ngtcp2_ccerr_set_application_error(
		&q->close_error, code, (const uint8_t *)q->end.reason, strlen(q->end.reason));
	start_closing(q);
}

static void close_transport(
	struct pf_quic *q, enum pf_quic_cause cause, int err, int liberr, const char *reason)
{
	if (!set_end(q, cause, err, reason))
		return;
	ngtcp2_ccerr_set_liberr(&q->close_error, liberr, NULL, 0);
	start_closing(q);
}

static void close_alert(struct pf_quic *q, uint8_t alert)
{
	bool set;
	if (pf_tls_pin_failed(q->tls))
		set = set_end(q, PF_QUIC_CAUSE_PIN, PF_E_PIN,
			"the host's certificate is not the pinned one");
	else if (alert == ALERT_NO_ALPN)
		set = set_end(
			q, PF_QUIC_CAUSE_ALPN, PF_E_WIRE_VERSION, "no common wire version (ALPN)");
	else
		set = set_end(q, PF_QUIC_CAUSE_TLS, PF_E_CRYPTO, "the TLS handshake failed");
	if (!set)
		return;
	ngtcp2_ccerr_set_tls_alert(&q->close_error, alert, NULL, 0);
	start_closing(q);
}

static void tell_cid(struct pf_quic *q, const ngtcp2_cid *cid, bool added)
{
	if (q->cb->on_cid)
		q->cb->on_cid(q, cid->data, cid->datalen, added, q->userdata);
}

static void random_cid(ngtcp2_cid *cid, size_t len)
{
	cid->datalen = len;
	pf_tls_random(cid->data, len);
}

static int on_new_cid(ngtcp2_conn *ng, ngtcp2_cid *cid, uint8_t *token, size_t len, void *userdata)
{
	(void)ng;
	random_cid(cid, len);
	/* Nobody here sends stateless resets, so the token needs no secret to be found again. */
	pf_tls_random(token, NGTCP2_STATELESS_RESET_TOKENLEN);
	tell_cid(userdata, cid, true);
	return 0;
}

static int on_remove_cid(ngtcp2_conn *ng, const ngtcp2_cid *cid, void *userdata)
{
	(void)ng;
	tell_cid(userdata, cid, false);
	return 0;
}

static int on_stateless_reset(
	ngtcp2_conn *ng, const ngtcp2_pkt_stateless_reset *reset, void *userdata)
{
	(void)ng;
	(void)reset;
	((struct pf_quic *)userdata)->got_reset = true;
	return 0;
}

static void on_random(uint8_t *out, size_t len, const ngtcp2_rand_ctx *ctx)
{
	(void)ctx;
	pf_tls_random(out, len);
}

static void start_keep_alive(struct pf_quic *q)
{
	uint64_t idle = q->idle_ns;
	const ngtcp2_transport_params *peer = ngtcp2_conn_get_remote_transport_params(q->ng);
	if (peer && peer->max_idle_timeout && peer->max_idle_timeout < idle)
		idle = peer->max_idle_timeout;
	uint64_t period = idle / 2 < MAX_KEEP_ALIVE_NS ? idle / 2 : MAX_KEEP_ALIVE_NS;
	ngtcp2_conn_set_keep_alive_timeout(q->ng, period);
}

static int on_handshake_completed(ngtcp2_conn *ng, void *userdata)
{
	(void)ng;
	struct pf_quic *q = userdata;
	if (q->state != PF_QUIC_HANDSHAKE)
		return 0;
	if (pf_tls_check_alpn(q->tls) < 0) {
		close_alert(q, ALERT_NO_ALPN);
		return NGTCP2_ERR_CALLBACK_FAILURE;
	}
	start_keep_alive(q);
	q->state = PF_QUIC_READY;
	q->cb->on_ready(q, pf_tls_peer_fingerprint(q->tls), q->userdata);
	return 0;
}

static const ngtcp2_callbacks callbacks = {
	.client_initial = ngtcp2_crypto_client_initial_cb,
	.recv_client_initial = ngtcp2_crypto_recv_client_initial_cb,
	.recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb,
	.handshake_completed = on_handshake_completed,
	.encrypt = ngtcp2_crypto_encrypt_cb,
	.decrypt = ngtcp2_crypto_decrypt_cb,
	.hp_mask = ngtcp2_crypto_hp_mask_cb,
	.recv_stream_data = pf_quic_on_stream_data,
	.acked_stream_data_offset = pf_quic_on_stream_acked,
	.stream_open = pf_quic_on_stream_open,
	.stream_close = pf_quic_on_stream_close,
	.recv_stateless_reset = on_stateless_reset,
	.recv_retry = ngtcp2_crypto_recv_retry_cb,
	.rand = on_random,
	.get_new_connection_id = on_new_cid,
	.remove_connection_id = on_remove_cid,
	.update_key = ngtcp2_crypto_update_key_cb,
	.stream_reset = pf_quic_on_stream_reset,
	.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb,
	.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb,
	.recv_datagram = pf_quic_on_datagram,
	.get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb,
	.version_negotiation = ngtcp2_crypto_version_negotiation_cb,
};

static ngtcp2_conn *get_conn(ngtcp2_crypto_conn_ref *ref)
{
	return ((struct pf_quic *)ref->user_data)->ng;
}

/* ngtcp2 aborts on an address family that it does not know. */
static bool address_ok(const struct sockaddr *addr, uint32_t len)
{
	return addr &&
		((addr->sa_family == AF_INET && len == sizeof(struct sockaddr_in)) ||
			(addr->sa_family == AF_INET6 && len == sizeof(struct sockaddr_in6)));
}

static void fill_settings(
	ngtcp2_settings *settings, const struct pf_quic_params *params, uint64_t now_ns)
{
	/* Ethernet with IPv6 and with IPv4, and PPPoE's 8 bytes less. */
	static const uint16_t probes[] = {1444, 1452, PF_QUIC_MAX_UDP};
	static const uint32_t versions[] = {NGTCP2_PROTO_VER_V1};
	ngtcp2_settings_default(settings);
	settings->initial_ts = now_ns;
	settings->handshake_timeout = params->handshake_timeout_ns ? params->handshake_timeout_ns
								   : DEFAULT_HANDSHAKE_NS;
	settings->max_tx_udp_payload_size = PF_QUIC_MAX_UDP;
	settings->pmtud_probes = probes;
	settings->pmtud_probeslen = sizeof probes / sizeof probes[0];
	settings->max_window = MAX_CONN_WINDOW;
	settings->max_stream_window = MAX_STREAM_WINDOW;
	settings->available_versions = versions;
	settings->available_versionslen = 1;
}

static void fill_transport(const struct pf_quic *q, ngtcp2_transport_params *tp)
{
	ngtcp2_transport_params_default(tp);
	tp->initial_max_stream_data_bidi_local = STREAM_WINDOW;
	tp->initial_max_stream_data_bidi_remote = STREAM_WINDOW;
	tp->initial_max_data = CONN_WINDOW;
	tp->initial_max_streams_bidi = PF_QUIC_MAX_STREAMS;
	tp->max_idle_timeout = q->idle_ns;
	tp->max_udp_payload_size = PF_QUIC_MAX_UDP;
	tp->active_connection_id_limit = ACTIVE_CID_LIMIT;
	tp->max_datagram_frame_size = PF_QUIC_MAX_UDP;
	tp->max_ack_delay = MAX_ACK_DELAY_NS;
}

static int create(struct pf_quic **out, const struct pf_quic_params *params, bool server)
{
	*out = NULL;
	if (!address_ok(params->local, params->local_len) ||
		!address_ok(params->remote, params->remote_len) || !params->callbacks)
		return PF_E_INVALID;
	struct pf_quic *q = pf_calloc(1, sizeof *q);
	if (!q)
		return PF_E_NOMEM;
	q->cb = params->callbacks;
	q->userdata = params->userdata;
	q->server = server;
	q->idle_ns = params->idle_timeout_ns ? params->idle_timeout_ns : DEFAULT_IDLE_NS;
	if (q->idle_ns < MIN_IDLE_NS)
		q->idle_ns = MIN_IDLE_NS;
	pf_quic_streams_init(q);
	ngtcp2_ccerr_default(&q->close_error);
	ngtcp2_path_storage_init(&q->path, params->local, params->local_len, params->remote,
		params->remote_len, NULL);
	ngtcp2_path_storage_init(&q->tx_path, params->local, params->local_len, params->remote,
		params->remote_len, NULL);
	const struct pf_tls_params tls = {
		.server = server,
		.identity = params->identity,
		.pin = server ? NULL : params->pin,
		.get_conn = get_conn,
		.get_conn_arg = q,
	};
	int err = pf_tls_create(&q->tls, &tls);
	if (err < 0) {
		pf_quic_destroy(q);
		return err;
	}
	*out = q;
	return PF_OK;
}

int pf_quic_connect(struct pf_quic **out, const struct pf_quic_params *params, uint64_t now_ns)
{
	struct pf_quic *q;
	ngtcp2_settings settings;
	ngtcp2_transport_params tp;
	ngtcp2_cid dcid, scid;
	int err = create(&q, params, false);
	if (err < 0)
		return err;
	advance(q, now_ns);
	fill_settings(&settings, params, q->last_now);
	fill_transport(q, &tp);
	random_cid(&dcid, CLIENT_DCID_LEN);
	random_cid(&scid, PF_QUIC_CID_LEN);
	if (ngtcp2_conn_client_new(&q->ng, &dcid, &scid, &q->path.path, NGTCP2_PROTO_VER_V1,
		    &callbacks, &settings, &tp, &memory, q) != 0) {
		q->ng = NULL;
		pf_quic_destroy(q);
		return PF_E_NOMEM;
	}
	ngtcp2_conn_set_tls_native_handle(q->ng, pf_tls_native_handle(q->tls));
	tell_cid(q, &scid, true);
	*out = q;
	return PF_OK;
}

/* The client's address is proven when its token is ours; the client checks what it was told in return. */
static int check_token(const struct pf_quic_params *params, const ngtcp2_pkt_hd *hd,
	ngtcp2_settings *settings, ngtcp2_transport_params *tp, uint64_t now_ns)
{
	tp->original_dcid = hd->dcid;
	tp->original_dcid_present = 1;
	if (!hd->tokenlen || !params->retry_secret)
		return PF_OK;
	if (ngtcp2_crypto_verify_retry_token2(&tp->original_dcid, hd->token, hd->tokenlen,
		    params->retry_secret, PF_QUIC_SECRET_LEN, hd->version, params->remote,
		    params->remote_len, &hd->dcid, RETRY_NS, now_ns) != 0)
		return PF_E_BAD_PACKET;
	tp->retry_scid = hd->dcid;
	tp->retry_scid_present = 1;
	settings->token = hd->token;
	settings->tokenlen = hd->tokenlen;
	settings->token_type = NGTCP2_TOKEN_TYPE_RETRY;
	return PF_OK;
}

int pf_quic_accept(struct pf_quic **out, const struct pf_quic_params *params, const uint8_t *packet,
	size_t len, uint64_t now_ns)
{
	struct pf_quic *q;
	ngtcp2_settings settings;
	ngtcp2_transport_params tp;
	ngtcp2_pkt_hd hd;
	ngtcp2_cid scid;
	*out = NULL;
	if (!len || ngtcp2_accept(&hd, packet, len) != 0)
		return PF_E_BAD_PACKET;
	if (hd.version != NGTCP2_PROTO_VER_V1)
		return PF_E_UNSUPPORTED;
	if (hd.dcid.datalen < MIN_SERVER_DCID_LEN)
		return PF_E_BAD_PACKET;
	int err = create(&q, params, true);
	if (err < 0)
		return err;
	advance(q, now_ns);
	fill_settings(&settings, params, q->last_now);
	fill_transport(q, &tp);
	err = check_token(params, &hd, &settings, &tp, now_ns);
	if (err < 0) {
		pf_quic_destroy(q);
		return err;
	}
	random_cid(&scid, PF_QUIC_CID_LEN);
	if (ngtcp2_conn_server_new(&q->ng, &hd.scid, &scid, &q->path.path, hd.version, &callbacks,
		    &settings, &tp, &memory, q) != 0) {
		q->ng = NULL;
		pf_quic_destroy(q);
		return PF_E_NOMEM;
	}
	ngtcp2_conn_set_tls_native_handle(q->ng, pf_tls_native_handle(q->tls));
	/* The client goes on with the id that it made up until it has seen ours. */
	tell_cid(q, &hd.dcid, true);
	tell_cid(q, &scid, true);
	*out = q;
	return PF_OK;
}

void pf_quic_destroy(struct pf_quic *q)
{
	if (!q)
		return;
	if (q->ng)
		ngtcp2_conn_del(q->ng);
	pf_tls_destroy(q->tls);
	pf_quic_streams_finish(q);
	pf_free_secret(q, sizeof *q);
}

/* The peer's CONNECTION_CLOSE, or its stateless reset. */
static void peer_ended(struct pf_quic *q)
{
	if (q->state >= PF_QUIC_CLOSING) {
		q->state = PF_QUIC_DEAD;
		return;
	}
	if (q->got_reset) {
		die(q, PF_QUIC_CAUSE_RESET, PF_E_CLOSED, "the peer lost the connection's state");
		q->end.by_peer = true;
		return;
	}
	const ngtcp2_ccerr *e = ngtcp2_conn_get_ccerr(q->ng);
	struct pf_quic_end end = {
		.cause = PF_QUIC_CAUSE_PEER,
		.err = PF_E_CLOSED,
		.by_peer = true,
		.application = e->type == NGTCP2_CCERR_TYPE_APPLICATION,
		.code = e->error_code,
	};
	if (!end.application && end.code >= CRYPTO_ERROR_FIRST && end.code <= CRYPTO_ERROR_LAST) {
		bool alpn = end.code == CRYPTO_ERROR_FIRST + ALERT_NO_ALPN;
		end.cause = alpn ? PF_QUIC_CAUSE_ALPN : PF_QUIC_CAUSE_TLS;
		end.err = alpn ? PF_E_WIRE_VERSION : PF_E_CRYPTO;
	}
	copy_reason(end.reason, sizeof end.reason, e->reason, e->reasonlen);
	q->end = end;
	q->state = PF_QUIC_DEAD;
}

/* What an error of ngtcp2 means for the connection. */
static void failed(struct pf_quic *q, int liberr)
{
	switch (liberr) {
	case NGTCP2_ERR_DRAINING:
		peer_ended(q);
		break;
	case NGTCP2_ERR_CLOSING:
		break;
	case NGTCP2_ERR_RETRY:
	case NGTCP2_ERR_DROP_CONN:
		die(q, PF_QUIC_CAUSE_PROTOCOL, PF_E_BAD_PACKET, "no usable handshake");
		break;
	case NGTCP2_ERR_IDLE_CLOSE:
	case NGTCP2_ERR_HANDSHAKE_TIMEOUT:
		if (q->state == PF_QUIC_HANDSHAKE)
			die(q, PF_QUIC_CAUSE_HANDSHAKE_TIMEOUT, PF_E_TIMEOUT, "no answer in time");
		else
			die(q, PF_QUIC_CAUSE_IDLE, PF_E_TIMEOUT, "the peer fell silent");
		break;
	case NGTCP2_ERR_CRYPTO:
		close_alert(q, ngtcp2_conn_get_tls_alert(q->ng));
		break;
	case NGTCP2_ERR_RECV_VERSION_NEGOTIATION:
	case NGTCP2_ERR_VERSION_NEGOTIATION_FAILURE:
		die(q, PF_QUIC_CAUSE_QUIC_VERSION, PF_E_WIRE_VERSION,
			"the host speaks no QUIC version 1");
		break;
	case NGTCP2_ERR_NOMEM:
		close_transport(q, PF_QUIC_CAUSE_PROTOCOL, PF_E_NOMEM, liberr, "out of memory");
		break;
	default:
		close_transport(q, PF_QUIC_CAUSE_PROTOCOL, PF_E_BAD_PACKET, liberr,
			ngtcp2_strerror(liberr));
		break;
	}
}

static int result(const struct pf_quic *q)
{
	return q->state >= PF_QUIC_CLOSING ? q->end.err : PF_OK;
}

/* A packet for a connection that is closing: say it again, ever more rarely (RFC 9000 10.2.1). */
static void repeat_close(struct pf_quic *q)
{
	if (!q->close_len || ++q->n_close_packets_in < q->next_close_reply)
		return;
	q->next_close_reply *= 2;
	q->close_due = true;
}

int pf_quic_read(struct pf_quic *q, const struct sockaddr *remote, uint32_t remote_len,
	const uint8_t *packet, size_t len, uint64_t now_ns)
{
	uint64_t now = advance(q, now_ns);
	if (q->state == PF_QUIC_CLOSING)
		repeat_close(q);
	if (q->state >= PF_QUIC_CLOSING)
		return result(q);
	if (!len || !address_ok(remote, remote_len))
		return PF_OK;
	ngtcp2_path_storage from;
	const ngtcp2_path *path = &q->path.path;
	ngtcp2_path_storage_init(
		&from, path->local.addr, path->local.addrlen, remote, remote_len, NULL);
	/* A host does not move (RFC 9000 9): what comes from elsewhere is not its. */
	if (!q->server && !ngtcp2_path_eq(&from.path, path))
		return PF_OK;
	int err = ngtcp2_conn_read_pkt(q->ng, &from.path, NULL, packet, len, now);
	if (err != 0)
		failed(q, err);
	return result(q);
}

static int write_close(struct pf_quic *q, uint8_t *out, size_t cap, uint64_t now)
{
	if (!q->close_due)
		return 0;
	q->close_due = false;
	if (!q->close_len) {
		ngtcp2_ssize n = ngtcp2_conn_write_connection_close(q->ng, &q->tx_path.path, NULL,
			q->close_packet, sizeof q->close_packet, &q->close_error, now);
		/* Too early to have keys, or held back by the amplification limit: it ends silently. */
		if (n <= 0) {
			q->state = PF_QUIC_DEAD;
			return 0;
		}
		q->close_len = (size_t)n;
		q->next_close_reply = 1;
		q->close_deadline = now + CLOSE_PTOS * ngtcp2_conn_get_pto(q->ng);
	}
	pf_check(cap >= q->close_len);
	memcpy(out, q->close_packet, q->close_len);
	return (int)q->close_len;
}

int pf_quic_write(struct pf_quic *q, uint8_t *out, size_t cap, uint64_t now_ns)
{
	uint64_t now = advance(q, now_ns);
	pf_check(cap >= PF_QUIC_MAX_UDP);
	if (q->state == PF_QUIC_DEAD)
		return 0;
	while (q->state < PF_QUIC_CLOSING) {
		enum pf_quic_state before = q->state;
		ngtcp2_ssize n = pf_quic_write_packet(q, out, PF_QUIC_MAX_UDP, now);
		if (n < 0) {
			failed(q, (int)n);
			break;
		}
		ngtcp2_conn_update_pkt_tx_time(q->ng, now);
		if (n > 0)
			return (int)n;
		/* A client gets ready inside a write; what on_ready queued can go out at once. */
		if (q->state == before)
			return 0;
	}
	return q->state == PF_QUIC_CLOSING ? write_close(q, out, cap, now) : 0;
}

uint64_t pf_quic_deadline(const struct pf_quic *q)
{
	if (q->state == PF_QUIC_DEAD)
		return UINT64_MAX;
	if (q->state == PF_QUIC_CLOSING)
		return q->close_due ? q->last_now : q->close_deadline;
	return ngtcp2_conn_get_expiry(q->ng);
}

int pf_quic_expire(struct pf_quic *q, uint64_t now_ns)
{
	uint64_t now = advance(q, now_ns);
	if (q->state == PF_QUIC_CLOSING && q->close_len && now >= q->close_deadline)
		q->state = PF_QUIC_DEAD;
	if (q->state >= PF_QUIC_CLOSING || ngtcp2_conn_get_expiry(q->ng) > now)
		return result(q);
	int err = ngtcp2_conn_handle_expiry(q->ng, now);
	if (err != 0)
		failed(q, err);
	return result(q);
}

enum pf_quic_state pf_quic_state(const struct pf_quic *q)
{
	return q->state;
}

void pf_quic_get_end(const struct pf_quic *q, struct pf_quic_end *out)
{
	*out = q->end;
}

size_t pf_quic_max_udp(const struct pf_quic *q)
{
	return ngtcp2_conn_get_path_max_tx_udp_payload_size(q->ng);
}

uint64_t pf_quic_rtt_ns(const struct pf_quic *q)
{
	ngtcp2_conn_info info;
	ngtcp2_conn_get_conn_info(q->ng, &info);
	return info.min_rtt == UINT64_MAX ? 0 : info.smoothed_rtt;
}

static uint32_t copy_address(const ngtcp2_addr *addr, struct sockaddr *out, uint32_t cap)
{
	if (addr->addrlen > cap)
		return 0;
	memcpy(out, addr->addr, addr->addrlen);
	return (uint32_t)addr->addrlen;
}

uint32_t pf_quic_tx_remote(const struct pf_quic *q, struct sockaddr *out, uint32_t cap)
{
	return copy_address(&q->tx_path.path.remote, out, cap);
}

uint32_t pf_quic_remote(const struct pf_quic *q, struct sockaddr *out, uint32_t cap)
{
	return copy_address(&ngtcp2_conn_get_path(q->ng)->remote, out, cap);
}
