/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "connector/internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "core/base/bytes.h"

#define OUTBOX_HEAD 3u

static uint64_t read_clock(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t session_now_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t session_realtime_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

void session_end(struct punktfunk_connection *c, int status, int reason, const char *message)
{
	pthread_mutex_lock(&c->state_lock);
	if (c->state != CONN_ENDED) {
		c->end_status = status;
		c->end_reason = reason;
		snprintf(c->end_message, sizeof(c->end_message), "%s", message);
		c->state = CONN_ENDED;
		pthread_cond_broadcast(&c->state_cond);
	}
	pthread_mutex_unlock(&c->state_lock);
	side_close(&c->side);
	clip_close(&c->clip);
	pthread_mutex_lock(&c->au_lock);
	c->au_closed = true;
	pthread_cond_broadcast(&c->au_cond);
	pthread_mutex_unlock(&c->au_lock);
}

void session_wake(struct punktfunk_connection *c)
{
	uint64_t one = 1;
	/* The counter saturating means that the thread has a wake waiting already. */
	ssize_t n = write(c->wake_fd, &one, sizeof(one));
	(void)n;
}

int session_post(struct punktfunk_connection *c, bool datagram, const uint8_t *data, size_t len)
{
	pf_check(len <= OUTBOX_ITEM_MAX);
	int err = PF_OK;
	pthread_mutex_lock(&c->outbox_lock);
	if (c->outbox_len + OUTBOX_HEAD + len > OUTBOX_BYTES) {
		err = PF_E_FULL;
	} else {
		uint8_t *at = c->outbox + c->outbox_len;
		at[0] = datagram;
		pf_put_le16(at + 1, (uint16_t)len);
		memcpy(at + OUTBOX_HEAD, data, len);
		c->outbox_len += OUTBOX_HEAD + len;
	}
	pthread_mutex_unlock(&c->outbox_lock);
	if (err == PF_OK)
		session_wake(c);
	return err;
}

void session_send_msg(struct punktfunk_connection *c, const struct pf_msg *m)
{
	uint8_t buf[PF_MSG_MAX_LEN];
	int len = pf_msg_write_framed(buf, sizeof(buf), m);
	pf_check(len > 0);
	/* A full or closing stream ends the connection by its own timeout; nothing to add here. */
	if (c->quic && quic_conn_send(c->quic, c->stream, buf, (size_t)len, false) < 0)
		return;
}

static void drain_outbox(struct punktfunk_connection *c)
{
	uint8_t local[OUTBOX_BYTES];
	uint64_t count;
	ssize_t n = read(c->wake_fd, &count, sizeof(count));
	(void)n;
	pthread_mutex_lock(&c->outbox_lock);
	size_t len = c->outbox_len;
	memcpy(local, c->outbox, len);
	c->outbox_len = 0;
	pthread_mutex_unlock(&c->outbox_lock);
	for (size_t at = 0; at < len && c->quic;) {
		size_t n_bytes = pf_get_le16(local + at + 1);
		const uint8_t *data = local + at + OUTBOX_HEAD;
		/* A lost input datagram is a lost event by design; a full stream is seen by its timeout. */
		int err = local[at] ? quic_conn_send_datagram(c->quic, data, n_bytes)
				    : quic_conn_send(c->quic, c->stream, data, n_bytes, false);
		(void)err;
		at += OUTBOX_HEAD + n_bytes;
	}
}

static int wait_ms(uint64_t now_ns, uint64_t deadline_ns)
{
	if (deadline_ns == UINT64_MAX)
		return 1000;
	if (deadline_ns <= now_ns)
		return 0;
	uint64_t ms = (deadline_ns - now_ns + 999999) / 1000000;
	return ms > 1000 ? 1000 : (int)ms;
}

static uint64_t next_deadline(struct punktfunk_connection *c)
{
	uint64_t a = quic_endpoint_deadline(c->endpoint);
	uint64_t b = planes_deadline(c);
	return a < b ? a : b;
}

static void say_goodbye(struct punktfunk_connection *c)
{
	if (!c->quic)
		return;
	quic_conn_close(c->quic, atomic_load(&c->quit_on_purpose) ? PF_CLOSE_QUIT : PF_CLOSE_END,
		"client left");
	quic_endpoint_flush(c->endpoint, session_now_ns());
}

static void *run(void *userdata)
{
	struct punktfunk_connection *c = userdata;
	prctl(PR_SET_NAME, "pf-net");
	prctl(PR_SET_TIMERSLACK, 1ul);
	while (!atomic_load(&c->quit)) {
		struct pollfd fds[3] = {
			{.fd = c->wake_fd, .events = POLLIN},
			{.fd = quic_endpoint_fd(c->endpoint), .events = POLLIN},
			{.fd = c->data.fd, .events = POLLIN},
		};
		uint64_t now_ns = session_now_ns();
		if (poll(fds, 3, wait_ms(now_ns, next_deadline(c))) < 0 && errno != EINTR) {
			session_end(
				c, PF_E_IO, PUNKTFUNK_END_LOST, "waiting for the network failed");
			break;
		}
		now_ns = session_now_ns();
		if (fds[2].revents)
			planes_read(c);
		if (fds[0].revents)
			drain_outbox(c);
		if (quic_endpoint_process(c->endpoint, now_ns) < 0) {
			session_end(c, PF_E_IO, PUNKTFUNK_END_LOST, "the network socket failed");
			break;
		}
		planes_tick(c, now_ns);
		speed_tick(c, now_ns);
		clip_run(c, now_ns);
		quic_endpoint_flush(c->endpoint, now_ns);
	}
	say_goodbye(c);
	session_end(c, PF_E_CLOSED, PUNKTFUNK_END_LOCAL, "closed by this side");
	return NULL;
}

static int bind_endpoint(struct punktfunk_connection *c)
{
	struct quic_endpoint_params params = {
		.bind_host = c->remote.sa.sa_family == AF_INET6 ? "::" : "0.0.0.0",
		.identity = c->identity,
		.callbacks = &control_callbacks,
		.userdata = c,
	};
	int err = quic_endpoint_create(&c->endpoint, &params);
	if (err < 0)
		return err;
	return quic_endpoint_connect(c->endpoint, &c->quic, &c->remote, c->remote_len,
		c->has_pin ? c->pin : NULL, session_now_ns());
}

int session_start(struct punktfunk_connection *c)
{
	c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->wake_fd < 0)
		return pf_error_from_errno(errno);
	int err = pf_framer_create(&c->framer);
	if (err < 0)
		return err;
	err = bind_endpoint(c);
	if (err < 0)
		return err;
	/* The embedding program's signals are its own: none is handled on our thread. */
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&c->thread, NULL, run, c);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err)
		return pf_error_from_errno(err);
	c->thread_running = true;
	return PF_OK;
}

void session_stop(struct punktfunk_connection *c)
{
	if (c->thread_running) {
		atomic_store(&c->quit, true);
		session_wake(c);
		pthread_join(c->thread, NULL);
		c->thread_running = false;
	}
	planes_close(c);
	quic_endpoint_destroy(c->endpoint);
	c->endpoint = NULL;
	pf_identity_destroy(c->identity);
	c->identity = NULL;
	pf_framer_destroy(c->framer);
	c->framer = NULL;
	if (c->wake_fd >= 0)
		close(c->wake_fd);
	c->wake_fd = -1;
}
