/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/http/http.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <microhttpd.h>

#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/http/limit.h"
#include "host/media/clock.h"

/*
 * Old clients have TLS 1.2 only. COMPAT, as a certificate whose key usage forbids it is still the one that was paired;
 * it also gives up encrypt-then-MAC, so that ciphers with a MAC of their own are left out. Key exchange on small curves
 * only: with a group of 8,192 bits a stranger's handshake takes the host a quarter of a second.
 */
#define PRIORITIES \
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+" \
	"CHACHA20-POLY1305:-KX-ALL:+ECDHE-RSA:+ECDHE-ECDSA:-GROUP-ALL:+GROUP-X25519:+" \
	"GROUP-SECP256R1:+GROUP-SECP384R1:%COMPAT"
/* libmicrohttpd stops to accept at its own limit; ours makes room first. */
#define LIMIT_SPARE 16u
/*
 * In the middle of a TLS handshake libmicrohttpd wants to be called at once, again and again, until the client's next
 * bytes come. These wake it anyway, so that after so many calls for nothing it waits.
 */
#define IDLE_RUNS 8u
#define IDLE_NS	  20000000ull

struct http_request {
	struct http_conn *conn;
	const char *path;
	bool has_fp, handled, waiting, suspended;
	uint8_t fp[HTTP_FP_LEN];
	struct MHD_Response *response;
	unsigned status;
	void (*gone)(struct http_request *rq, void *userdata);
	void *gone_userdata;
	struct loop_source *hangup;
};

struct http_conn {
	struct http_conn *next;
	struct http *http;
	struct MHD_Connection *mhd;
	int fd;
	union udp_addr peer, local;
	uint64_t deadline_ns;
	bool shut;
	struct http_request rq;
};

struct http {
	struct http_params params;
	struct MHD_Daemon *daemon;
	struct loop_source *ready, *timer;
	struct http_conn *conns; /* newest first */
	struct http_limit limit;
	bool resumed;	    /* a connection goes on in the next run */
	unsigned idle_runs; /* in a row, at its own wish */
};

/* --- the loop --- */

static bool is_answering(const struct http *h)
{
	const struct http_conn *c = h->conns;
	while (c && !c->rq.response)
		c = c->next;
	return c;
}

static uint64_t next_run_ns(const struct http *h)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms;
	if (h->resumed)
		return 0;
	if (MHD_get_timeout(h->daemon, &timeout_ms) != MHD_YES)
		return UINT64_MAX;
	if (!timeout_ms && h->idle_runs >= IDLE_RUNS && !is_answering(h))
		return clock_now_ns() + IDLE_NS;
	return clock_now_ns() + timeout_ms * 1000000u;
}

static void rearm(struct http *h)
{
	uint64_t next = next_run_ns(h);
	for (const struct http_conn *c = h->conns; c; c = c->next)
		if (c->deadline_ns < next)
			next = c->deadline_ns;
	if (h->timer)
		loop_set_deadline(h->timer, next);
}

static void run(struct http *h)
{
	h->resumed = false;
	(void)MHD_run(h->daemon);
	rearm(h);
}

static void on_ready(uint32_t events, void *userdata)
{
	struct http *h = userdata;
	(void)events;
	h->idle_runs = 0;
	run(h);
}

/* libmicrohttpd notices, and ends the connection in its next run. */
static void shut(struct http_conn *c)
{
	if (!c->shut)
		(void)shutdown(c->fd, SHUT_RDWR);
	c->shut = true;
	c->deadline_ns = UINT64_MAX;
}

static void on_time(void *userdata)
{
	struct http *h = userdata;
	uint64_t now_ns = clock_now_ns();
	for (struct http_conn *c = h->conns; c; c = c->next)
		if (c->deadline_ns <= now_ns)
			shut(c);
	if (h->idle_runs < IDLE_RUNS)
		h->idle_runs++;
	run(h);
}

/* --- requests --- */

const char *http_path(const struct http_request *rq)
{
	return rq->path;
}

const char *http_arg(const struct http_request *rq, const char *name)
{
	const char *value = NULL;
	size_t len = 0;
	if (MHD_lookup_connection_value_n(rq->conn->mhd, MHD_GET_ARGUMENT_KIND, name, strlen(name),
		    &value, &len) != MHD_YES ||
		!value || strlen(value) != len)
		return NULL;
	return value;
}

const union udp_addr *http_peer(const struct http_request *rq)
{
	return &rq->conn->peer;
}

const union udp_addr *http_local(const struct http_request *rq)
{
	return &rq->conn->local;
}

bool http_is_tls(const struct http_request *rq)
{
	return rq->conn->http->params.cert_pem;
}

void *http_userdata(const struct http_request *rq)
{
	return rq->conn->http->params.userdata;
}

const uint8_t *http_client_fp(const struct http_request *rq)
{
	return rq->has_fp ? rq->fp : NULL;
}

static void read_certificate(struct http_request *rq)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		rq->conn->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	unsigned n = 0;
	if (!info || !info->tls_session)
		return;
	/* The handshake is over: the key was proven. */
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(info->tls_session, &n);
	rq->has_fp = chain && n &&
		gnutls_hash_fast(GNUTLS_DIG_SHA256, chain[0].data, chain[0].size, rq->fp) == 0;
}

static void on_hangup(uint32_t events, void *userdata)
{
	struct http_request *rq = userdata;
	void (*gone)(struct http_request *, void *) = rq->gone;
	(void)events;
	loop_remove(&rq->hangup);
	rq->gone = NULL;
	if (gone)
		gone(rq, rq->gone_userdata);
	http_reply(rq, MHD_HTTP_SERVICE_UNAVAILABLE, "text/plain", "", 0);
	shut(rq->conn);
}

void http_wait(struct http_request *rq, void (*gone)(struct http_request *rq, void *userdata),
	void *userdata)
{
	struct http_conn *c = rq->conn;
	rq->gone = gone;
	rq->gone_userdata = userdata;
	c->deadline_ns = UINT64_MAX;
	/* While a connection is suspended libmicrohttpd does not look at it. */
	if (loop_add_fd(c->http->params.loop, &rq->hangup, c->fd, EPOLLRDHUP, on_hangup, rq) < 0)
		log_warn("http: a client that waits is not watched: %s", pf_strerror(PF_E_NOMEM));
	rq->waiting = true;
}

void http_reply(
	struct http_request *rq, unsigned status, const char *type, const void *body, size_t len)
{
	struct http_conn *c = rq->conn;
	rq->gone = NULL;
	loop_remove(&rq->hangup);
	if (rq->response)
		return;
	rq->response = MHD_create_response_from_buffer(
		len, (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
	rq->status = status;
	if (rq->response) {
		(void)MHD_add_response_header(rq->response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
		(void)MHD_add_response_header(rq->response, MHD_HTTP_HEADER_CONNECTION, "close");
		(void)MHD_add_response_header(
			rq->response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	} else {
		shut(c);
	}
	if (!c->shut)
		c->deadline_ns = clock_now_ns() + HTTP_ANSWER_NS;
	if (rq->suspended) {
		rq->suspended = false;
		MHD_resume_connection(c->mhd);
		/* Neither a descriptor nor MHD_get_timeout() says so. */
		c->http->resumed = true;
		rearm(c->http);
	}
}

static void refuse(struct http_request *rq, unsigned status, const char *text)
{
	http_reply(rq, status, "text/plain", text, strlen(text));
}

static bool has_body(struct http_request *rq)
{
	const char *len = MHD_lookup_connection_value(
		rq->conn->mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	return (len && strcmp(len, "0") != 0) ||
		MHD_lookup_connection_value(
			rq->conn->mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_TRANSFER_ENCODING);
}

static void dispatch(struct http_request *rq, const char *method)
{
	const struct http_params *p = &rq->conn->http->params;
	int n_args = MHD_get_connection_values(rq->conn->mhd, MHD_GET_ARGUMENT_KIND, NULL, NULL);
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0) {
		refuse(rq, MHD_HTTP_METHOD_NOT_ALLOWED, "GET only\n");
		return;
	}
	if (has_body(rq) || n_args < 0 || (unsigned)n_args > HTTP_ARGS) {
		refuse(rq, MHD_HTTP_BAD_REQUEST, "too much\n");
		return;
	}
	read_certificate(rq);
	for (size_t i = 0; i < p->n_routes; i++)
		if (!strcmp(p->routes[i].path, rq->path)) {
			p->routes[i].handle(rq, p->userdata);
			return;
		}
	if (p->other)
		p->other(rq, p->userdata);
	else
		refuse(rq, MHD_HTTP_NOT_FOUND, "not found\n");
}

/* Called for a request, and again when one that was suspended goes on. */
static enum MHD_Result on_request(void *userdata, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_len,
	void **request)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct http_conn *c = info ? info->socket_context : NULL;
	(void)userdata, (void)version, (void)upload, (void)upload_len;
	if (!c || c->shut)
		return MHD_NO;
	struct http_request *rq = &c->rq;
	if (!rq->handled) {
		rq->handled = true;
		rq->path = url;
		*request = rq;
		dispatch(rq, method);
		/* Not sooner: what is answered inside of the handler was never suspended. */
		rq->suspended = rq->waiting && !rq->response;
		if (rq->suspended)
			MHD_suspend_connection(mhd);
	}
	if (rq->suspended)
		return MHD_YES;
	if (!rq->response || MHD_queue_response(mhd, rq->status, rq->response) != MHD_YES)
		return MHD_NO;
	return MHD_YES;
}

/* --- certificates --- */

static bool is_cheap(gnutls_x509_crt_t crt)
{
	gnutls_datum_t modulus = {0}, exponent = {0};
	unsigned bits = 0;
	int algorithm = gnutls_x509_crt_get_pk_algorithm(crt, &bits);
	if (algorithm == GNUTLS_PK_ECDSA || algorithm == GNUTLS_PK_EDDSA_ED25519)
		return true;
	if (algorithm != GNUTLS_PK_RSA || bits > HTTP_RSA_BITS ||
		gnutls_x509_crt_get_pk_rsa_raw(crt, &modulus, &exponent) < 0)
		return false;
	bool small = exponent.size <= HTTP_EXPONENT_BYTES;
	gnutls_free(modulus.data);
	gnutls_free(exponent.data);
	return small;
}

/* The client's proof has come and is not checked yet, which is what takes long. */
static int judge_key(gnutls_session_t tls, unsigned type, unsigned when, unsigned incoming,
	const gnutls_datum_t *message)
{
	unsigned n = 0;
	gnutls_x509_crt_t crt = NULL;
	(void)type, (void)when, (void)message;
	if (!incoming)
		return 0; /* our own */
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(tls, &n);
	if (!chain || !n || gnutls_x509_crt_init(&crt) < 0)
		return GNUTLS_E_CERTIFICATE_ERROR;
	bool good = gnutls_x509_crt_import(crt, &chain[0], GNUTLS_X509_FMT_DER) >= 0 &&
		is_cheap(crt);
	gnutls_x509_crt_deinit(crt);
	return good ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

/* --- connections --- */

/* Whoever has said least for longest makes room. */
static void make_room(struct http *h)
{
	struct http_conn *oldest = NULL;
	unsigned n = 0;
	for (struct http_conn *c = h->conns; c; c = c->next) {
		n += !c->shut;
		if (!c->shut && !c->rq.handled)
			oldest = c;
	}
	if (n >= HTTP_CONNECTIONS && oldest)
		shut(oldest);
}

static enum MHD_Result may_connect(void *userdata, const struct sockaddr *sa, socklen_t len)
{
	struct http *h = userdata;
	union udp_addr from = {0};
	unsigned n = 0;
	if (len > sizeof(from))
		return MHD_NO;
	memcpy(&from, sa, len);
	(void)udp_addr_unmap(&from, len);
	for (const struct http_conn *c = h->conns; c; c = c->next)
		n += !c->shut && udp_addr_same_household(&c->peer, &from);
	if (n >= HTTP_PER_ADDRESS || !http_limit_take(&h->limit, &from, clock_now_ns()))
		return MHD_NO;
	make_room(h);
	return MHD_YES;
}

static void open_conn(struct http *h, struct MHD_Connection *mhd, void **context)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct http_conn *c = calloc(1, sizeof(*c));
	socklen_t len = sizeof(c->peer);
	*context = c;
	if (!c || !info) {
		free(c);
		*context = NULL;
		return;
	}
	c->http = h;
	c->mhd = mhd;
	c->fd = info->connect_fd;
	c->rq.conn = c;
	if (getpeername(c->fd, &c->peer.sa, &len) == 0)
		(void)udp_addr_unmap(&c->peer, len);
	len = sizeof(c->local);
	if (getsockname(c->fd, &c->local.sa, &len) == 0)
		(void)udp_addr_unmap(&c->local, len);
	c->deadline_ns = clock_now_ns() + h->params.request_ns;
	c->next = h->conns;
	h->conns = c;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	/* Without the names of authorities, as some clients choose a certificate by these. */
	if (info && info->tls_session) {
		gnutls_certificate_server_set_request(info->tls_session, GNUTLS_CERT_REQUEST);
		gnutls_handshake_set_max_packet_length(info->tls_session, HTTP_HANDSHAKE_MAX);
		gnutls_handshake_set_hook_function(info->tls_session,
			GNUTLS_HANDSHAKE_CERTIFICATE_VERIFY, GNUTLS_HOOK_PRE, judge_key);
	}
}

static void close_conn(struct http *h, struct http_conn *c)
{
	for (struct http_conn **at = &h->conns; *at; at = &(*at)->next)
		if (*at == c) {
			*at = c->next;
			break;
		}
	loop_remove(&c->rq.hangup);
	if (c->rq.gone)
		c->rq.gone(&c->rq, c->rq.gone_userdata);
	if (c->rq.response)
		MHD_destroy_response(c->rq.response);
	free(c);
}

static void on_connection(void *userdata, struct MHD_Connection *mhd, void **context,
	enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		open_conn(userdata, mhd, context);
	else if (*context)
		close_conn(userdata, *context);
}

/* --- life --- */

static void no_log(void *userdata, const char *format, va_list args)
{
	/* What strangers make it say is of no use to anybody. */
	(void)userdata, (void)format, (void)args;
}

static struct MHD_Daemon *start_daemon(struct http *h)
{
	const struct http_params *p = &h->params;
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)p->cert_pem},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)p->key_pem},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)PRIORITIES},
		{MHD_OPTION_END, 0, NULL},
	};
	if (p->cert_pem)
		flags |= MHD_USE_TLS;
	else
		tls[0].option = MHD_OPTION_END;
	return MHD_start_daemon(flags, 0, may_connect, h, on_request, h, MHD_OPTION_EXTERNAL_LOGGER,
		no_log, NULL, /* first, as it is for what follows */
		MHD_OPTION_ARRAY, tls, MHD_OPTION_LISTEN_SOCKET, p->fd, MHD_OPTION_CONNECTION_LIMIT,
		HTTP_CONNECTIONS + LIMIT_SPARE, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)HTTP_POOL, MHD_OPTION_NOTIFY_CONNECTION, on_connection, h, MHD_OPTION_END);
}

int http_create(struct http **out, const struct http_params *params)
{
	struct http *h = calloc(1, sizeof(*h));
	int err = PF_E_NOMEM;
	if (!h) {
		close(params->fd);
		return err;
	}
	h->params = *params;
	if (!h->params.request_ns)
		h->params.request_ns = HTTP_REQUEST_NS;
	http_limit_init(&h->limit, HTTP_BURST, HTTP_PER_SECOND);
	h->daemon = start_daemon(h);
	if (!h->daemon) {
		close(params->fd);
		err = params->cert_pem ? PF_E_CRYPTO : PF_E_IO;
		goto fail;
	}
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	err = info && info->epoll_fd >= 0 ? loop_add_timer(params->loop, &h->timer, on_time, h)
					  : PF_E_UNSUPPORTED;
	if (err >= 0)
		err = loop_add_fd(params->loop, &h->ready, info->epoll_fd, EPOLLIN, on_ready, h);
	if (err < 0)
		goto fail;
	*out = h;
	return PF_OK;
fail:
	http_destroy(h);
	return err;
}

void http_destroy(struct http *h)
{
	if (!h)
		return;
	loop_remove(&h->ready);
	loop_remove(&h->timer);
	/* libmicrohttpd must not be stopped with a suspended connection. */
	for (struct http_conn *c = h->conns; c; c = c->next)
		if (c->rq.suspended)
			on_hangup(0, &c->rq);
	if (h->daemon) {
		(void)MHD_run(h->daemon);
		MHD_stop_daemon(h->daemon);
	}
	free(h);
}
