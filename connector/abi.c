/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "connector/internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/base/alloc.h"

/* The C ABI's entry points: arguments are checked here, once; the rest of connector/ trusts. */

#define DEFAULT_TIMEOUT_MS 10000u
#define MAX_TIMEOUT_MS	   600000u
#define MAX_DROP_PERCENT   90u

uint32_t punktfunk_abi_version(void)
{
	return PUNKTFUNK_ABI_VERSION;
}

const char *punktfunk_strerror(int status)
{
	return pf_strerror(status);
}

void punktfunk_connect_opts_init(struct punktfunk_connect_opts *opts)
{
	if (opts)
		*opts = (struct punktfunk_connect_opts){.size = sizeof(*opts)};
}

__attribute__((format(printf, 4, 5))) static int fail(
	char *message, size_t message_len, int status, const char *format, ...)
{
	if (message && message_len) {
		va_list args;
		va_start(args, format);
		vsnprintf(message, message_len, format, args);
		va_end(args);
	}
	return status;
}

/* Copies min(size, ours) over defaults, so that a caller built against an older header is served. */
static int read_opts(struct punktfunk_connect_opts *o, const struct punktfunk_connect_opts *given,
	char *message, size_t message_len)
{
	punktfunk_connect_opts_init(o);
	size_t least = offsetof(struct punktfunk_connect_opts, mode) + sizeof(o->mode);
	if (given->size < least)
		return fail(message, message_len, PF_E_INVALID,
			"punktfunk_connect_opts.size is not set: call punktfunk_connect_opts_init "
			"first");
	memcpy(o, given, given->size < sizeof(*o) ? given->size : sizeof(*o));
	o->size = sizeof(*o);
	if (!o->host)
		return fail(message, message_len, PF_E_NULL, "no host was given");
	struct pf_mode mode = {o->mode.width, o->mode.height, o->mode.refresh_hz};
	if (!pf_mode_valid(&mode))
		return fail(message, message_len, PF_E_INVALID,
			"a mode of %ux%u at %u Hz cannot be made: sides are %u to %u pixels, rates "
			"%u to %u "
			"Hz",
			mode.width, mode.height, mode.refresh_hz, PF_MODE_MIN_SIDE,
			PF_MODE_MAX_SIDE, PF_MODE_MIN_HZ, PF_MODE_MAX_HZ);
	if (o->name && strlen(o->name) > PF_NAME_MAX)
		return fail(message, message_len, PF_E_INVALID, "the name is longer than %u bytes",
			PF_NAME_MAX);
	if (o->drop_percent > MAX_DROP_PERCENT || o->timeout_ms > MAX_TIMEOUT_MS)
		return fail(message, message_len, PF_E_INVALID,
			"drop_percent is at most %u, timeout_ms at most %u", MAX_DROP_PERCENT,
			MAX_TIMEOUT_MS);
	if (!o->codecs)
		o->codecs = PUNKTFUNK_CODEC_H264;
	if (!o->port)
		o->port = PF_WIRE_PORT;
	if (!o->timeout_ms)
		o->timeout_ms = DEFAULT_TIMEOUT_MS;
	return PF_OK;
}

static int init_sync(struct punktfunk_connection *c)
{
	pthread_condattr_t attr;
	if (pthread_condattr_init(&attr))
		return PF_E_NOMEM;
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	int err = pthread_mutex_init(&c->state_lock, NULL) ||
		pthread_mutex_init(&c->au_lock, NULL) ||
		pthread_mutex_init(&c->outbox_lock, NULL) ||
		pthread_cond_init(&c->state_cond, &attr) || pthread_cond_init(&c->au_cond, &attr);
	pthread_condattr_destroy(&attr);
	return err ? PF_E_NOMEM : PF_OK;
}

static int make(struct punktfunk_connection **out, const struct punktfunk_connect_opts *o)
{
	struct punktfunk_connection *c = pf_calloc(1, sizeof(*c));
	if (!c)
		return PF_E_NOMEM;
	c->wake_fd = c->data.fd = -1;
	c->port = o->port;
	c->drop_percent = o->drop_percent;
	c->drop_state = o->drop_seed;
	c->mode_result = PF_E_NO_FRAME;
	snprintf(c->host, sizeof(c->host), "%s", o->host);
	if (o->pin) {
		memcpy(c->pin, o->pin, sizeof(c->pin));
		c->has_pin = true;
	}
	pf_hello_init(&c->hello);
	c->hello.mode = (struct pf_mode){o->mode.width, o->mode.height, o->mode.refresh_hz};
	c->mode = c->hello.mode;
	c->hello.bitrate_kbps = o->bitrate_kbps;
	c->hello.codecs = o->codecs;
	if (o->name)
		snprintf(c->hello.name, sizeof(c->hello.name), "%s", o->name);
	pf_clock_sync_init(&c->clock);
	int err = init_sync(c);
	if (err < 0) {
		pf_free(c);
		return err;
	}
	*out = c;
	return PF_OK;
}

/* why: MESSAGE_LEN bytes; empty when nothing has ended. */
static int wait_streaming(struct punktfunk_connection *c, uint32_t timeout_ms, char *why)
{
	uint64_t until = session_now_ns() + timeout_ms * 1000000ull;
	struct timespec ts = {(time_t)(until / 1000000000u), (long)(until % 1000000000u)};
	int err = PF_OK;
	pthread_mutex_lock(&c->state_lock);
	while (c->state == CONN_CONNECTING && err != ETIMEDOUT)
		err = pthread_cond_timedwait(&c->state_cond, &c->state_lock, &ts);
	err = c->state == CONN_STREAMING ? PF_OK
		: c->state == CONN_ENDED ? c->end_status
					 : PF_E_TIMEOUT;
	snprintf(why, MESSAGE_LEN, "%s", c->state == CONN_ENDED ? c->end_message : "");
	pthread_mutex_unlock(&c->state_lock);
	return err;
}

int punktfunk_connect_opts(struct punktfunk_connection **out,
	const struct punktfunk_connect_opts *opts, char *message, size_t message_len)
{
	struct punktfunk_connect_opts o;
	struct punktfunk_connection *c = NULL;
	const char *why = "";
	char ended[MESSAGE_LEN];
	if (!out || !opts)
		return fail(message, message_len, PF_E_NULL, "a required pointer is NULL");
	*out = NULL;
	int err = read_opts(&o, opts, message, message_len);
	if (err < 0)
		return err;
	err = make(&c, &o);
	if (err < 0)
		return fail(message, message_len, err, "out of memory");
	err = identity_read(&c->identity, o.cert_pem, o.key_pem);
	if (err < 0) {
		fail(message, message_len, err,
			"the client's certificate and key cannot be used (%s): make a new identity",
			pf_strerror(err));
		goto fail;
	}
	err = udp_resolve(o.host, o.port, &c->remote, &c->remote_len, &why);
	if (err < 0) {
		fail(message, message_len, err,
			"the host name %.120s cannot be found (%s): check its "
			"spelling, or use the address",
			o.host, why);
		goto fail;
	}
	err = session_start(c);
	if (err < 0) {
		fail(message, message_len, err, "no network socket could be opened: %s",
			pf_strerror(err));
		goto fail;
	}
	err = wait_streaming(c, o.timeout_ms, ended);
	if (err == PF_E_TIMEOUT && !ended[0])
		fail(message, message_len, err,
			"nobody answers at %.120s, UDP port %u: check the address, that "
			"punktfunk-host runs "
			"there, and that a firewall lets UDP through",
			o.host, o.port);
	else if (err < 0)
		fail(message, message_len, err, "%s", ended);
	if (err < 0)
		goto fail;
	*out = c;
	return PF_OK;
fail:
	punktfunk_connection_close(c);
	return err;
}

int punktfunk_connection_fingerprint(const struct punktfunk_connection *c, uint8_t *out)
{
	if (!c || !out)
		return PF_E_NULL;
	memcpy(out, c->fingerprint, PF_FINGERPRINT_LEN);
	return PF_OK;
}

/* The locks are the only members that a reader touches for writing. */
static struct punktfunk_connection *unconst(const struct punktfunk_connection *c)
{
	return (struct punktfunk_connection *)(uintptr_t)c;
}

int punktfunk_connection_mode(const struct punktfunk_connection *c, struct punktfunk_mode *out)
{
	if (!c || !out)
		return PF_E_NULL;
	pthread_mutex_lock(&unconst(c)->state_lock);
	*out = (struct punktfunk_mode){c->mode.width, c->mode.height, c->mode.refresh_hz};
	pthread_mutex_unlock(&unconst(c)->state_lock);
	return PF_OK;
}

int punktfunk_connection_codec(const struct punktfunk_connection *c)
{
	return c ? c->welcome.codec : PF_E_NULL;
}

uint32_t punktfunk_connection_bitrate(const struct punktfunk_connection *c)
{
	if (!c)
		return 0;
	pthread_mutex_lock(&unconst(c)->state_lock);
	uint32_t kbps = c->bitrate_kbps;
	pthread_mutex_unlock(&unconst(c)->state_lock);
	return kbps;
}

int64_t punktfunk_connection_clock_offset_ns(const struct punktfunk_connection *c)
{
	return c ? atomic_load(&unconst(c)->clock_offset_ns) : 0;
}

int punktfunk_connection_next_au(
	struct punktfunk_connection *c, struct punktfunk_frame *frame, uint32_t timeout_ms)
{
	if (!c || !frame)
		return PF_E_NULL;
	if (frame->size < offsetof(struct punktfunk_frame, flags))
		return PF_E_INVALID;
	return planes_next_au(c, frame, timeout_ms);
}

static int ended(struct punktfunk_connection *c)
{
	pthread_mutex_lock(&c->state_lock);
	bool gone = c->state == CONN_ENDED;
	pthread_mutex_unlock(&c->state_lock);
	return gone ? PF_E_CLOSED : PF_OK;
}

int punktfunk_connection_send_input(
	struct punktfunk_connection *c, const struct punktfunk_input_event *event)
{
	uint8_t buf[PF_INPUT_LEN];
	if (!c || !event)
		return PF_E_NULL;
	if (event->kind >= PF_INPUT_KIND_COUNT)
		return PF_E_INVALID;
	int err = ended(c);
	if (err < 0)
		return err;
	pf_input_write(buf,
		&(struct pf_input){event->kind, event->code, event->x, event->y, event->flags});
	return session_post(c, true, buf, sizeof(buf));
}

static int post_msg(struct punktfunk_connection *c, const struct pf_msg *m)
{
	uint8_t buf[PF_MSG_MAX_LEN];
	int err = ended(c);
	if (err < 0)
		return err;
	int len = pf_msg_write_framed(buf, sizeof(buf), m);
	pf_check(len > 0);
	return session_post(c, false, buf, (size_t)len);
}

int punktfunk_connection_request_mode(
	struct punktfunk_connection *c, uint32_t width, uint32_t height, uint32_t refresh_hz)
{
	struct pf_msg m = {.type = PF_MSG_RECONFIGURE, .reconfigure = {width, height, refresh_hz}};
	if (!c)
		return PF_E_NULL;
	if (!pf_mode_valid(&m.reconfigure))
		return PF_E_INVALID;
	pthread_mutex_lock(&c->state_lock);
	c->mode_result = 0;
	pthread_mutex_unlock(&c->state_lock);
	return post_msg(c, &m);
}

int punktfunk_connection_mode_result(const struct punktfunk_connection *c)
{
	if (!c)
		return PF_E_NULL;
	pthread_mutex_lock(&unconst(c)->state_lock);
	int result = c->mode_result;
	pthread_mutex_unlock(&unconst(c)->state_lock);
	return result;
}

int punktfunk_connection_request_keyframe(struct punktfunk_connection *c)
{
	struct pf_msg m = {.type = PF_MSG_REQUEST_KEYFRAME};
	if (!c)
		return PF_E_NULL;
	atomic_fetch_add(&c->keyframes_requested, 1);
	return post_msg(c, &m);
}

int punktfunk_connection_request_bitrate(struct punktfunk_connection *c, uint32_t kbps)
{
	struct pf_msg m = {.type = PF_MSG_SET_BITRATE, .bitrate_kbps = kbps};
	return c ? post_msg(c, &m) : PF_E_NULL;
}

int punktfunk_connection_get_stats(
	const struct punktfunk_connection *const_c, struct punktfunk_stats *out)
{
	struct punktfunk_connection *c = unconst(const_c);
	struct pf_reassembler_stats r;
	if (!c || !out)
		return PF_E_NULL;
	if (out->size < sizeof(out->size))
		return PF_E_INVALID;
	pthread_mutex_lock(&c->au_lock);
	pf_reassembler_get_stats(c->reassembler, &r);
	struct punktfunk_stats full = {
		.size = out->size,
		.packets_received = atomic_load(&c->packets_received),
		.packets_bad = atomic_load(&c->packets_bad) + r.packets_bad,
		.packets_replayed = atomic_load(&c->packets_replayed),
		.packets_dropped_test = atomic_load(&c->packets_dropped_test),
		.bytes_received = atomic_load(&c->bytes_received),
		.shards_recovered = r.shards_recovered,
		.frames_received = r.frames_completed,
		.frames_recovered = r.frames_recovered,
		.frames_lost = r.frames_lost,
		.frames_delivered = c->frames_delivered,
		.frames_skipped = c->frames_skipped,
		.keyframes_requested = atomic_load(&c->keyframes_requested),
		.rfi_requested = atomic_load(&c->rfi_requested),
		.rtt_ns = atomic_load(&c->rtt_ns),
	};
	pthread_mutex_unlock(&c->au_lock);
	memcpy(out, &full, out->size < sizeof(full) ? out->size : sizeof(full));
	return PF_OK;
}

int punktfunk_connection_end_reason(const struct punktfunk_connection *c)
{
	if (!c)
		return PF_E_NULL;
	pthread_mutex_lock(&unconst(c)->state_lock);
	int reason = c->state == CONN_ENDED ? c->end_reason : PUNKTFUNK_END_NONE;
	pthread_mutex_unlock(&unconst(c)->state_lock);
	return reason;
}

const char *punktfunk_connection_end_message(const struct punktfunk_connection *c)
{
	if (!c || punktfunk_connection_end_reason(c) == PUNKTFUNK_END_NONE)
		return "";
	return c->end_message; /* written once, before the state that we just saw */
}

void punktfunk_connection_disconnect_quit(struct punktfunk_connection *c)
{
	if (c)
		atomic_store(&c->quit_on_purpose, true);
}

void punktfunk_connection_close(struct punktfunk_connection *c)
{
	if (!c)
		return;
	session_stop(c);
	pthread_cond_destroy(&c->au_cond);
	pthread_cond_destroy(&c->state_cond);
	pthread_mutex_destroy(&c->outbox_lock);
	pthread_mutex_destroy(&c->au_lock);
	pthread_mutex_destroy(&c->state_lock);
	pf_free_secret(c, sizeof(*c));
}
