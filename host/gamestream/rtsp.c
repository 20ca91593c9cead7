/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/rtsp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/base/alloc.h"
#include "core/crypto/aead.h"
#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/gamestream/rtsp_session.h"
#include "host/media/clock.h"
#include "net/tcp.h"
#include "net/udp.h"

/*
 * Who connects is nobody yet, so all that a connection may take is bounded. A client's lasts for as long as one request
 * and its response travel: when there are too many, the oldest is a slow sender and makes room.
 */
#define MAX_CONNECTIONS	  64u
#define MAX_PER_HOUSEHOLD 8u
#define MAX_ACCEPTED	  16u /* at one go, so that a flood leaves the loop time for others */
#define REQUEST_NS	  5000000000ull /* for a request to come whole */
#define RESPONSE_NS	  5000000000ull /* for the response to leave */
#define LINGER_NS	  1000000000ull /* for the client to close its side */
#define RETRY_NS	  100000000ull	/* when the system has no descriptors left */
#define IN_MAX		  (PF_NV_RTSP_MAX + PF_NV_RTSP_SEAL_LEN)
#define OUT_MAX		  (PF_NV_RTSP_RESPONSE_MAX + PF_NV_RTSP_SEAL_LEN)

enum phase { READING, WRITING, LINGERING };

struct connection {
	struct connection *next;
	struct gs_rtsp *rtsp;
	struct loop_source *io;
	int fd;
	enum phase phase;
	union udp_addr from;
	uint64_t deadline_ns;
	size_t in_len, out_len, out_sent;
	uint8_t out[OUT_MAX];
	uint8_t in[IN_MAX];
};

struct gs_rtsp {
	struct loop *loop;
	struct rtsp_sessions sessions;
	int fd;
	uint16_t port;
	struct loop_source *acceptable, *timer;
	uint64_t retry_ns;	 /* accept again then; UINT64_MAX = is doing so */
	struct connection *list; /* oldest first */
	struct gs_rtsp_stats stats;
	struct rtsp_answer answer;
	uint8_t text[IN_MAX]; /* of what was sealed */
};

static void rearm(struct gs_rtsp *r)
{
	uint64_t next = r->retry_ns;
	for (const struct connection *c = r->list; c; c = c->next)
		if (c->deadline_ns < next)
			next = c->deadline_ns;
	loop_set_deadline(r->timer, next);
}

static void drop(struct connection *c)
{
	struct gs_rtsp *r = c->rtsp;
	for (struct connection **at = &r->list; *at; at = &(*at)->next)
		if (*at == c) {
			*at = c->next;
			break;
		}
	loop_remove(&c->io);
	close(c->fd);
	free(c);
}

/* --- responses --- */

/* What is left in the socket when it is closed would take the response with it: so the client closes first. */
static void linger(struct connection *c)
{
	(void)shutdown(c->fd, SHUT_WR);
	c->phase = LINGERING;
	c->deadline_ns = clock_now_ns() + LINGER_NS;
	loop_set_events(c->io, EPOLLIN);
}

/* False: the connection is over. */
static bool send_more(struct connection *c)
{
	while (c->out_sent < c->out_len) {
		ssize_t n = send(
			c->fd, c->out + c->out_sent, c->out_len - c->out_sent, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			loop_set_events(c->io, EPOLLOUT);
			return true;
		}
		if (n < 0)
			return false;
		c->out_sent += (size_t)n;
	}
	linger(c);
	return true;
}

/* session NULL: in clear. */
static bool respond(struct connection *c, const struct pf_nv_rtsp_request *request,
	struct rtsp_session *session, struct pf_aead *aead)
{
	struct gs_rtsp *r = c->rtsp;
	uint8_t text[PF_NV_RTSP_RESPONSE_MAX];
	uint8_t *to = session ? text : c->out;
	r->answer.response.cseq = request->cseq;
	int n = pf_nv_rtsp_write(to, PF_NV_RTSP_RESPONSE_MAX, &r->answer.response);
	pf_check(n > 0);
	if (session) {
		if (session->host_seq == UINT32_MAX)
			return false;
		n = pf_nv_rtsp_seal(aead, PF_HOST_TO_CLIENT, ++session->host_seq, text, (size_t)n,
			c->out, sizeof(c->out));
		if (n < 0)
			return false;
	}
	r->stats.requests++;
	r->stats.refused += r->answer.response.status != 200;
	c->out_len = (size_t)n;
	c->phase = WRITING;
	c->deadline_ns = clock_now_ns() + RESPONSE_NS;
	return send_more(c);
}

static bool refuse_plain(struct connection *c, const struct pf_nv_rtsp_request *request,
	unsigned status, const char *why)
{
	char from[UDP_ADDR_TEXT_LEN];
	udp_addr_text(from, &c->from);
	log_debug("gamestream: RTSP from %s is refused (%u): %s", from, status, why);
	rtsp_answer_refuse(&c->rtsp->answer, status, why);
	return respond(c, request, NULL, NULL);
}

/* --- requests --- */

static void ask_launch(
	struct gs_rtsp *r, struct gs_launch *l, const struct pf_nv_rtsp_request *request)
{
	char name[sizeof(l->name)];
	memcpy(name, l->name, sizeof(name));
	unsigned status = rtsp_session_answer(&r->sessions, l, request, &r->answer);
	if (status != 200)
		log_warn("gamestream: '%s' cannot come (RTSP %u): %s", name, status, r->answer.why);
}

static bool take_plain(struct connection *c)
{
	struct gs_rtsp *r = c->rtsp;
	struct pf_nv_rtsp_request request;
	bool ambiguous;
	int n = pf_nv_rtsp_read(&request, c->in, c->in_len);
	if (n == PF_E_AGAIN)
		return true;
	if (n < 0) {
		r->stats.bad++;
		return refuse_plain(c, &(struct pf_nv_rtsp_request){0}, n == PF_E_FULL ? 413 : 400,
			"this is no request");
	}
	if (r->sessions.encryption == GS_ENCRYPTION_REQUIRED)
		return refuse_plain(c, &request, 403,
			"it is not encrypted, which --gamestream-encryption required asks for");
	struct gs_launch *l = rtsp_session_find(&r->sessions, &c->from, &request, &ambiguous);
	if (ambiguous)
		return refuse_plain(c, &request, 503,
			"two devices of one address start at the same time: start them one by one");
	if (!l)
		return refuse_plain(c, &request, request.session.p ? 454 : 404,
			"nothing was launched from there that is expected in clear");
	ask_launch(r, l, &request);
	return respond(c, &request, NULL, NULL);
}

/* Tries the keys of all who are to come. NULL: it is of none of them, or is one that came before. */
static struct gs_launch *open_sealed(struct connection *c, struct pf_aead **aead, int *text_len)
{
	struct gs_rtsp *r = c->rtsp;
	struct gs_launch *l = NULL;
	uint32_t seq;
	while ((l = launch_next_pending(r->sessions.launches, &c->from, true, l))) {
		if (pf_aead_create(aead, PF_CIPHER_AES_128_GCM, l->request.rikey,
			    sizeof(l->request.rikey)) < 0)
			return NULL;
		*text_len = pf_nv_rtsp_open(
			*aead, PF_CLIENT_TO_HOST, c->in, c->in_len, r->text, &seq);
		if (*text_len > 0) {
			struct rtsp_session *session = rtsp_session_of(&r->sessions, l);
			if (seq <= session->client_seq)
				return NULL;
			session->client_seq = seq;
			return l;
		}
		pf_aead_destroy(*aead);
		*aead = NULL;
	}
	return NULL;
}

/* Who has no key is told nothing. */
static bool take_sealed(struct connection *c)
{
	struct gs_rtsp *r = c->rtsp;
	struct pf_nv_rtsp_request request;
	struct pf_aead *aead = NULL;
	int text_len = 0;
	int whole = pf_nv_rtsp_sealed_len(c->in, c->in_len);
	if (whole == PF_E_AGAIN || (whole > 0 && (size_t)whole > c->in_len))
		return true;
	struct gs_launch *l = whole == (int)c->in_len ? open_sealed(c, &aead, &text_len) : NULL;
	bool goes_on = false;
	if (l) {
		const uint64_t id = l->id;
		if (pf_nv_rtsp_read(&request, r->text, (size_t)text_len) == text_len) {
			ask_launch(r, l, &request);
		} else {
			request = (struct pf_nv_rtsp_request){0};
			rtsp_answer_refuse(&r->answer, 400, "this is no request");
		}
		struct rtsp_session *session = rtsp_session_by_id(&r->sessions, id);
		pf_check(session); /* NULL would be an answer in clear */
		goes_on = respond(c, &request, session, aead);
	} else {
		r->stats.bad++;
	}
	pf_aead_destroy(aead);
	return goes_on;
}

/* False: the connection is over. */
static bool receive(struct connection *c)
{
	uint8_t rest[4096];
	uint8_t *to = c->phase == READING ? c->in + c->in_len : rest;
	size_t room = c->phase == READING ? IN_MAX - c->in_len : sizeof(rest);
	ssize_t n = recv(c->fd, to, room, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
	if (n == 0)
		return false;
	if (c->phase != READING)
		return true;
	c->in_len += (size_t)n;
	/* Whatever is in_len long is whole, or too long, so there is room as long as it is read. */
	return pf_nv_rtsp_is_sealed(c->in, c->in_len) == 1 ? take_sealed(c) : take_plain(c);
}

static void on_io(uint32_t events, void *userdata)
{
	struct connection *c = userdata;
	struct gs_rtsp *r = c->rtsp;
	bool goes_on;
	if (c->phase == WRITING)
		goes_on = !(events & (EPOLLERR | EPOLLHUP)) && send_more(c);
	else
		goes_on = receive(c);
	if (!goes_on)
		drop(c);
	rearm(r);
}

/* --- connections --- */

static void make_room(struct gs_rtsp *r, const union udp_addr *from)
{
	struct connection *oldest = NULL;
	unsigned n = 0, n_near = 0;
	for (struct connection *c = r->list; c; c = c->next) {
		bool near = udp_addr_same_household(&c->from, from);
		if (near && !n_near++)
			oldest = c;
		n++;
	}
	if (n_near < MAX_PER_HOUSEHOLD)
		oldest = n >= MAX_CONNECTIONS ? r->list : NULL;
	if (!oldest)
		return;
	r->stats.dropped++;
	drop(oldest);
}

static void add_connection(struct gs_rtsp *r, int fd, const union udp_addr *from)
{
	make_room(r, from);
	struct connection *c = calloc(1, sizeof(*c));
	struct connection **at = &r->list;
	if (!c) {
		close(fd);
		return;
	}
	c->rtsp = r;
	c->fd = fd;
	c->from = *from;
	c->deadline_ns = clock_now_ns() + REQUEST_NS;
	while (*at)
		at = &(*at)->next;
	*at = c;
	if (loop_add_fd(r->loop, &c->io, fd, EPOLLIN, on_io, c) < 0)
		drop(c);
}

static void on_acceptable(uint32_t events, void *userdata)
{
	struct gs_rtsp *r = userdata;
	union udp_addr from;
	(void)events;
	for (unsigned i = 0; i < MAX_ACCEPTED; i++) {
		int fd = tcp_accept(r->fd, &from);
		if (fd == PF_E_AGAIN)
			break;
		if (fd < 0) {
			/* It would be told again at once, for ever. */
			loop_set_events(r->acceptable, 0);
			r->retry_ns = clock_now_ns() + RETRY_NS;
			break;
		}
		r->stats.connections++;
		add_connection(r, fd, &from);
	}
	rearm(r);
}

static void on_time(void *userdata)
{
	struct gs_rtsp *r = userdata;
	const uint64_t now_ns = clock_now_ns();
	struct connection *c = r->list;
	while (c) {
		struct connection *next = c->next;
		if (c->deadline_ns <= now_ns) {
			r->stats.late += c->phase != LINGERING;
			drop(c);
		}
		c = next;
	}
	if (r->retry_ns <= now_ns) {
		r->retry_ns = UINT64_MAX;
		loop_set_events(r->acceptable, EPOLLIN);
	}
	rearm(r);
}

/* --- life --- */

enum gs_encryption gs_encryption_of(const char *policy)
{
	if (!strcmp(policy, "off"))
		return GS_ENCRYPTION_OFF;
	return strcmp(policy, "offered") ? GS_ENCRYPTION_REQUIRED : GS_ENCRYPTION_OFFERED;
}

static void set_sessions(struct rtsp_sessions *s, const struct gs_rtsp_params *params)
{
	s->launches = params->launches;
	s->encryption = params->encryption;
	s->hooks = *params->hooks;
	s->can = params->can;
	s->can.encryption_supported = s->encryption == GS_ENCRYPTION_OFF ? PF_NV_ENCRYPT_CONTROL
									 : PF_NV_ENCRYPT_ALL;
	s->can.encryption_requested = s->encryption == GS_ENCRYPTION_REQUIRED ? PF_NV_ENCRYPT_ALL
									      : 0;
}

static int listen_at(struct gs_rtsp *r, const char *bind, uint16_t port)
{
	union udp_addr local = {0};
	socklen_t len = sizeof(local);
	r->fd = tcp_listen(bind, port);
	if (r->fd < 0) {
		log_error(
			"gamestream: TCP port %u (RTSP) cannot be used: %s; end what holds it, or "
			"give another --gamestream-port",
			port, pf_strerror(r->fd));
		return r->fd;
	}
	if (getsockname(r->fd, &local.sa, &len) < 0)
		return pf_error_from_errno(errno);
	/* Both families have it at the same place. */
	r->port = ntohs(local.in4.sin_port);
	return loop_add_fd(r->loop, &r->acceptable, r->fd, EPOLLIN, on_acceptable, r);
}

int gs_rtsp_create(struct gs_rtsp **out, const struct gs_rtsp_params *params)
{
	struct gs_rtsp *r = calloc(1, sizeof(*r));
	if (!r) {
		log_error("gamestream: %s", pf_strerror(PF_E_NOMEM));
		return PF_E_NOMEM;
	}
	r->loop = params->loop;
	r->fd = -1;
	r->retry_ns = UINT64_MAX;
	set_sessions(&r->sessions, params);
	int err = loop_add_timer(r->loop, &r->timer, on_time, r);
	if (err >= 0)
		err = listen_at(r, params->bind, params->port);
	if (err < 0)
		goto fail;
	*out = r;
	return PF_OK;
fail:
	gs_rtsp_destroy(r);
	return err;
}

void gs_rtsp_destroy(struct gs_rtsp *r)
{
	if (!r)
		return;
	while (r->list)
		drop(r->list);
	loop_remove(&r->acceptable);
	loop_remove(&r->timer);
	if (r->fd >= 0)
		close(r->fd);
	pf_wipe(&r->sessions, sizeof(r->sessions));
	free(r);
}

uint16_t gs_rtsp_port(const struct gs_rtsp *r)
{
	return r->port;
}

void gs_rtsp_get_stats(const struct gs_rtsp *r, struct gs_rtsp_stats *out)
{
	*out = r->stats;
}
