/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "connector/internal.h"
#include "core/base/alloc.h"

/* Connecting and closing. The options are checked here, once; the rest trusts them. */

#define DEFAULT_TIMEOUT_MS 10000u
#define MAX_TIMEOUT_MS	   600000u
#define MAX_DROP_PERCENT   90u
/* A host that answers at once is not one that lets us wait. */
#define WAITING_AFTER_NS 1000000000ull
#define WAITING_EVERY_NS 250000000ull

/* What the library itself cannot do is not offered, whatever the program says. */
#define VIDEO_CAPS \
	(PF_VCAP_10BIT | PF_VCAP_HDR | PF_VCAP_444 | PF_VCAP_HOST_TIMING | PF_VCAP_CHACHA20 | \
		PF_VCAP_MULTI_SLICE)
#define CLIENT_CAPS \
	(PF_CCAP_CURSOR | PF_CCAP_PAD_AUDIO | PF_CCAP_HIRES_AUDIO | PF_CCAP_KEEP_HOST_AUDIO)

void punktfunk_connect_opts_init(struct punktfunk_connect_opts *opts)
{
	if (opts)
		*opts = (struct punktfunk_connect_opts){.size = sizeof(*opts)};
}

static int check_numbers(const struct punktfunk_connect_opts *o, char *message, size_t message_len)
{
	if (o->drop_percent > MAX_DROP_PERCENT || o->timeout_ms > MAX_TIMEOUT_MS ||
		o->approval_timeout_ms > MAX_TIMEOUT_MS)
		return words_fail(message, message_len, PF_E_INVALID,
			"drop_percent is at most %u, timeout_ms and approval_timeout_ms at most %u",
			MAX_DROP_PERCENT, MAX_TIMEOUT_MS);
	bool channels = !o->audio_channels || o->audio_channels == 2 || o->audio_channels == 6 ||
		o->audio_channels == 8;
	bool bits = !o->audio_bits || o->audio_bits == 16 || o->audio_bits == 24;
	bool one_bit = !(o->preferred_codec & (o->preferred_codec - 1));
	if (!channels || !bits || !one_bit || o->video_fit > 2 ||
		o->gamepad > PUNKTFUNK_GAMEPAD_MAX || o->compositor > PF_COMPOSITOR_WINDOWS)
		return words_fail(message, message_len, PF_E_INVALID,
			"audio has 2, 6 or 8 channels of 16 or 24 bits, preferred_codec one bit, "
			"video_fit is at most 2, gamepad at most %u, compositor at most %u",
			PUNKTFUNK_GAMEPAD_MAX, (unsigned)PF_COMPOSITOR_WINDOWS);
	return PF_OK;
}

/* Copies min(size, ours) over defaults, so that a caller built against an older header is served. */
static int read_opts(struct punktfunk_connect_opts *o, const struct punktfunk_connect_opts *given,
	char *message, size_t message_len)
{
	punktfunk_connect_opts_init(o);
	size_t least = offsetof(struct punktfunk_connect_opts, mode) + sizeof(o->mode);
	if (given->size < least)
		return words_fail(message, message_len, PF_E_INVALID,
			"punktfunk_connect_opts.size is not set: call punktfunk_connect_opts_init "
			"first");
	memcpy(o, given, given->size < sizeof(*o) ? given->size : sizeof(*o));
	o->size = sizeof(*o);
	if (!o->host)
		return words_fail(message, message_len, PF_E_NULL, "no host was given");
	struct pf_mode mode = {o->mode.width, o->mode.height, o->mode.refresh_hz};
	if (!pf_mode_valid(&mode))
		return words_fail(message, message_len, PF_E_INVALID,
			"a mode of %ux%u at %u Hz cannot be made: sides are %u to %u pixels, rates "
			"%u to %u "
			"Hz",
			mode.width, mode.height, mode.refresh_hz, PF_MODE_MIN_SIDE,
			PF_MODE_MAX_SIDE, PF_MODE_MIN_HZ, PF_MODE_MAX_HZ);
	if (o->name && strlen(o->name) > PF_NAME_MAX)
		return words_fail(message, message_len, PF_E_INVALID,
			"the name is longer than %u bytes", PF_NAME_MAX);
	if (o->launch && strlen(o->launch) > PF_LAUNCH_MAX)
		return words_fail(message, message_len, PF_E_INVALID,
			"the name of what to start is longer than %u bytes", PF_LAUNCH_MAX);
	int err = check_numbers(o, message, message_len);
	if (err < 0)
		return err;
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
	if (pthread_mutex_init(&c->state_lock, NULL) || pthread_mutex_init(&c->au_lock, NULL) ||
		pthread_mutex_init(&c->outbox_lock, NULL) || ring_cond_init(&c->state_cond) < 0 ||
		ring_cond_init(&c->au_cond) < 0)
		return PF_E_NOMEM;
	int err = side_init(&c->side);
	return err < 0 ? err : clip_init(&c->clip);
}

static void fill_hello(struct pf_hello *h, const struct punktfunk_connect_opts *o)
{
	pf_hello_init(h);
	h->mode = (struct pf_mode){o->mode.width, o->mode.height, o->mode.refresh_hz};
	h->bitrate_kbps = o->bitrate_kbps;
	h->codecs = o->codecs;
	h->preferred_codec = o->preferred_codec;
	h->compositor = o->compositor;
	h->gamepad = o->gamepad;
	/* Filler counts its own frames only for those who say that they know: it would look like losses. */
	h->video_caps = (uint8_t)((o->video_caps & VIDEO_CAPS) | PF_VCAP_PROBE_SEQ);
	h->client_caps = (uint8_t)((o->client_caps & CLIENT_CAPS) | PF_CCAP_AUDIO_REDUNDANCY);
	h->max_shard = MAX_SHARD;
	h->video_fit = o->video_fit;
	if (o->audio_channels)
		h->audio_channels = o->audio_channels;
	if (o->audio_bits)
		h->audio_bits = o->audio_bits;
	if (o->audio_rate_hz)
		h->audio_rate_hz = o->audio_rate_hz;
	if (o->name)
		snprintf(h->name, sizeof(h->name), "%s", o->name);
	if (o->launch)
		snprintf(h->launch, sizeof(h->launch), "%s", o->launch);
}

static void free_connection(struct punktfunk_connection *c)
{
	clip_finish(&c->clip);
	side_finish(&c->side);
	pthread_cond_destroy(&c->au_cond);
	pthread_cond_destroy(&c->state_cond);
	pthread_mutex_destroy(&c->outbox_lock);
	pthread_mutex_destroy(&c->au_lock);
	pthread_mutex_destroy(&c->state_lock);
	pf_free_secret(c, sizeof(*c));
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
	c->grants = UINT32_MAX;
	c->access_ends_ns = UINT64_MAX;
	snprintf(c->host, sizeof(c->host), "%s", o->host);
	if (o->pin) {
		memcpy(c->pin, o->pin, sizeof(c->pin));
		c->has_pin = true;
	}
	fill_hello(&c->hello, o);
	c->mode = c->hello.mode;
	pf_clock_sync_init(&c->clock);
	int err = init_sync(c);
	if (err < 0) {
		free_connection(c);
		return err;
	}
	*out = c;
	return PF_OK;
}

/* Until when: a host that has heard us may let us wait for a person. */
static uint64_t deadline(const struct punktfunk_connection *c,
	const struct punktfunk_connect_opts *o, uint64_t start_ns)
{
	uint64_t at = start_ns + o->timeout_ms * 1000000ull;
	uint64_t approval = c->hello_ns + o->approval_timeout_ms * 1000000ull;
	return c->hello_ns && o->approval_timeout_ms && approval > at ? approval : at;
}

/* Calls the program back while it waits, without the lock. Says whether it gave up. */
static bool gave_up(struct punktfunk_connection *c, const struct punktfunk_connect_opts *o)
{
	uint64_t now = session_now_ns();
	if (!o->waiting || !c->hello_ns || now < c->hello_ns + WAITING_AFTER_NS)
		return false;
	uint32_t waited_ms = (uint32_t)((now - c->hello_ns) / 1000000u);
	pthread_mutex_unlock(&c->state_lock);
	bool up = o->waiting(o->userdata, waited_ms) != 0;
	pthread_mutex_lock(&c->state_lock);
	return up && c->state == CONN_CONNECTING;
}

/* why: MESSAGE_LEN bytes; empty when nothing has ended. */
static int wait_streaming(
	struct punktfunk_connection *c, const struct punktfunk_connect_opts *o, char *why)
{
	uint64_t start = session_now_ns();
	int err = PF_E_TIMEOUT;
	why[0] = 0;
	pthread_mutex_lock(&c->state_lock);
	while (c->state == CONN_CONNECTING && session_now_ns() < deadline(c, o, start)) {
		uint64_t until = deadline(c, o, start);
		uint64_t soon = session_now_ns() + WAITING_EVERY_NS;
		ring_cond_wait(&c->state_cond, &c->state_lock, soon < until ? soon : until);
		if (c->state == CONN_CONNECTING && gave_up(c, o)) {
			err = words_fail(why, MESSAGE_LEN, PF_E_CLOSED,
				"gave up waiting for the host at %.120s", c->host);
			break;
		}
	}
	if (c->state == CONN_STREAMING)
		err = PF_OK;
	if (c->state == CONN_ENDED)
		err = words_fail(why, MESSAGE_LEN, c->end_status, "%s", c->end_message);
	if (err == PF_E_TIMEOUT && c->hello_ns && !why[0])
		words_fail(why, MESSAGE_LEN, err,
			"the host at %.100s heard us and does not let us in: approve this device "
			"there, or pair with it",
			c->host);
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
		return words_fail(message, message_len, PF_E_NULL, "a required pointer is NULL");
	*out = NULL;
	int err = read_opts(&o, opts, message, message_len);
	if (err < 0)
		return err;
	err = make(&c, &o);
	if (err < 0)
		return words_fail(message, message_len, err, "out of memory");
	err = identity_read(&c->identity, o.cert_pem, o.key_pem);
	if (err < 0) {
		words_fail(message, message_len, err,
			"the client's certificate and key cannot be used (%s): make a new identity",
			pf_strerror(err));
		goto fail;
	}
	err = udp_resolve(o.host, o.port, &c->remote, &c->remote_len, &why);
	if (err < 0) {
		words_fail(message, message_len, err,
			"the host name %.120s cannot be found (%s): check its "
			"spelling, or use the address",
			o.host, why);
		goto fail;
	}
	err = session_start(c);
	if (err < 0) {
		words_fail(message, message_len, err, "no network socket could be opened: %s",
			pf_strerror(err));
		goto fail;
	}
	err = wait_streaming(c, &o, ended);
	if (err == PF_E_TIMEOUT && !ended[0])
		words_fail(message, message_len, err,
			"nobody answers at %.120s, UDP port %u: check the address, that "
			"punktfunk-host runs "
			"there, and that a firewall lets UDP through",
			o.host, o.port);
	else if (err < 0)
		words_fail(message, message_len, err, "%s", ended);
	if (err < 0)
		goto fail;
	*out = c;
	return PF_OK;
fail:
	punktfunk_connection_close(c);
	return err;
}

void punktfunk_connection_close(struct punktfunk_connection *c)
{
	if (!c)
		return;
	session_stop(c);
	free_connection(c);
}
