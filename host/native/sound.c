/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "host/audio/source.h"
#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/config/config.h"
#include "host/host.h"
#include "host/native/internal.h"
#include "host/session/audio.h"

/*
 * A client's sound: from the audio thread through a ring to the loop, and from there as datagrams 0xC9 (wire 6.2).
 * Nothing is sent while nothing plays, so numbers count what was sent.
 */

#define SOUND_SLOTS \
	16u /* 80 ms: the loop is never behind by more, but while a compositor holds it */
#define SOUND_MAX	512u /* a packet of any layout in use here */
#define SOUND_PACKET_MS 5u
#define SOUND_REST_MS	1000u
/* From here on a stereo packet of 320 bytes is nothing beside the video. */
#define HIGH_QUALITY_KBPS 15000u

struct sound_packet {
	uint64_t pts_ns;
	uint32_t seq;
	uint16_t len;
	uint8_t data[SOUND_MAX];
};

struct sound {
	struct audio_source *source;
	struct audio *audio; /* NULL = not begun */
	struct native *native;
	uint64_t client_id;
	_Atomic uint32_t head, tail;
	_Atomic bool posted; /* the loop was woken and has not looked yet */
	struct sound_packet slots[SOUND_SLOTS];
};

/* The client may be gone when it arrives, so it is named by number. */
struct sound_post {
	struct native *native;
	uint64_t id;
};

static void send_packet(struct native_client *c, const struct sound_packet *p)
{
	uint8_t buf[32 + SOUND_MAX];
	const struct pf_audio a = {
		.tag = PF_DGRAM_AUDIO,
		.seq = p->seq,
		.pts_ns = p->pts_ns,
		.data = p->data,
		.len = p->len,
	};
	int n = pf_audio_write(buf, sizeof(buf), &a);
	pf_check(n > 0);
	/* One that finds no room is old when there is some. */
	int err = quic_conn_send_datagram(c->conn, buf, (size_t)n);
	(void)err;
}

static void handle_sound(const void *data, size_t len)
{
	struct sound_post post;
	pf_check(len == sizeof(post));
	memcpy(&post, data, sizeof(post));
	struct native_client *c = post.native->clients;
	while (c && c->id != post.id)
		c = c->next;
	if (!c || !c->sound)
		return;
	struct sound *s = c->sound;
	atomic_store(&s->posted, false);
	uint32_t tail = atomic_load_explicit(&s->tail, memory_order_relaxed);
	while (c->state == CLIENT_STREAM && tail != atomic_load(&s->head)) {
		send_packet(c, &s->slots[tail % SOUND_SLOTS]);
		atomic_store(&s->tail, ++tail);
	}
	native_flush(c->native);
}

static void take_packet(
	const uint8_t *opus, size_t len, uint32_t seq, uint64_t pts_ns, void *userdata)
{
	struct sound *s = userdata;
	uint32_t head = atomic_load_explicit(&s->head, memory_order_relaxed);
	if (head - atomic_load(&s->tail) < SOUND_SLOTS && len <= SOUND_MAX) {
		struct sound_packet *p = &s->slots[head % SOUND_SLOTS];
		p->pts_ns = pts_ns;
		p->seq = seq;
		p->len = (uint16_t)len;
		memcpy(p->data, opus, len);
		atomic_store(&s->head, head + 1);
	}
	if (atomic_exchange(&s->posted, true))
		return;
	struct sound_post post = {s->native, s->client_id};
	if (loop_post(s->native->host->loop, handle_sound, &post, sizeof(post)) < 0)
		atomic_store(&s->posted, false);
}

void sound_open(struct native_client *c)
{
	const struct config *config = c->native->host->config;
	if (!strcmp(config->audio, "off"))
		return;
	struct sound *s = calloc(1, sizeof(*s));
	if (!s)
		return; /* pictures go on without it */
	s->native = c->native;
	s->client_id = c->id;
	int err = audio_make_source(
		&s->source, config, c->hello.audio_channels, c->has_fp ? c->fp : NULL, c->name);
	if (err < 0) {
		log_warn("native: %s: no sound: %s", c->name, pf_strerror(err));
		free(s);
		return;
	}
	c->sound = s;
}

void sound_begin(struct native_client *c, uint32_t kbps)
{
	struct sound *s = c->sound;
	if (!s)
		return;
	const struct audio_params params = {
		.source = s->source,
		.packet_ms = SOUND_PACKET_MS,
		.high_quality = c->hello.audio_channels == 2 && kbps >= HIGH_QUALITY_KBPS,
		.rest_ms = SOUND_REST_MS,
		.packet = take_packet,
		.userdata = s,
	};
	int err = audio_start(&s->audio, &params);
	if (err < 0)
		log_warn("native: %s: no sound: %s", c->name, pf_strerror(err));
}

void sound_close(struct native_client *c)
{
	struct sound *s = c->sound;
	if (!s)
		return;
	c->sound = NULL;
	audio_stop(s->audio);
	audio_source_destroy(s->source);
	free(s);
}
