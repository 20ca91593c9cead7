/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/moonlight/video.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/moonlight/decoder.h"
#include "tests/test.h"

#define SEED	     0x6d6f6f6eu
#define DATAGRAM_MAX 9216u
#define TURN_MAX     256u /* datagrams: a decoder that cannot follow leaves time for the rest */
#define IDR	     2u
#define INTRA	     4u
#define INVALIDATED  5u

struct moon_video {
	struct moon_video_params params;
	struct moon_ping ping;
	struct nv_video_rx *rx;
	struct moon_decoder *decoder;
	struct moon_video_stats stats;
	uint64_t random;
	unsigned to_lose;
	uint64_t rx_lost;  /* of the receiver, when last looked at */
	uint32_t newest;   /* whole or known to be lost */
	bool waiting;	   /* for a frame that ends a loss */
	uint64_t lost_ns;  /* when the loss was noticed; 0 = none */
	uint64_t clean_ns; /* of the last clean picture */
	struct moon_frame frames[MOON_FRAMES];
};

static void note_clean(struct moon_video *v, const struct moon_frame *f)
{
	struct moon_video_stats *s = &v->stats;
	s->clean++;
	if (!s->first_clean_ns)
		s->first_clean_ns = f->at_ns;
	if (v->clean_ns && f->at_ns - v->clean_ns > s->gap_max_ns)
		s->gap_max_ns = f->at_ns - v->clean_ns;
	v->clean_ns = f->at_ns;
	if (!v->lost_ns)
		return;
	s->heals++;
	if (f->at_ns - v->lost_ns > s->heal_max_ns)
		s->heal_max_ns = f->at_ns - v->lost_ns;
	v->lost_ns = 0;
}

static bool ends_a_loss(const struct moon_video *v, uint8_t type)
{
	return type == IDR || type == INTRA || (v->params.invalidation && type == INVALIDATED);
}

/* Frames between the newest and the one under way, or just whole, will not come any more. */
static void look_for_losses(struct moon_video *v)
{
	const uint64_t lost = nv_video_rx_stats(v->rx)->lost, n = lost - v->rx_lost;
	if (!n)
		return;
	v->rx_lost = v->stats.lost = lost;
	const uint32_t first = v->newest + 1;
	v->newest += (uint32_t)n;
	v->waiting = true;
	if (!v->lost_ns)
		v->lost_ns = moon_now_ns();
	if (v->params.on_lost)
		v->params.on_lost(first, v->newest, v->params.userdata);
}

static void on_frame(const struct nv_frame *in, void *userdata)
{
	struct moon_video *v = userdata;
	look_for_losses(v); /* one datagram can show a loss and be a whole frame */
	struct moon_frame *f = &v->frames[v->stats.frames++ % MOON_FRAMES];
	*f = (struct moon_frame){.index = in->index,
		.type = in->type,
		.latency = in->latency,
		.len = in->len,
		.at_ns = moon_now_ns()};
	v->newest = in->index;
	v->stats.types[in->type & 7]++;
	if (!v->stats.first_ns)
		v->stats.first_ns = f->at_ns;
	if (v->waiting && !ends_a_loss(v, in->type)) {
		f->dropped = true;
		v->stats.dropped++;
		return;
	}
	v->waiting = false;
	if (!v->decoder)
		return;
	f->clean = moon_decoder_decode(v->decoder, in->data, in->len, &f->mark);
	moon_decoder_size(v->decoder, &v->stats.width, &v->stats.height);
	if (f->clean)
		note_clean(v, f);
	else
		v->stats.broken++;
}

static void on_block(const struct nv_block *b, void *userdata)
{
	struct moon_video *v = userdata;
	if (v->params.on_block)
		v->params.on_block(b, v->params.userdata);
}

struct moon_video *moon_video_create(const struct moon_video_params *p)
{
	struct moon_video *v = calloc(1, sizeof(*v));
	if (!v)
		return NULL;
	v->params = *p;
	v->ping.fd = -1;
	v->random = SEED;
	v->waiting = true;
	v->rx = nv_video_rx_create(p->packet_size, p->key, on_frame, v);
	v->decoder = p->decode ? moon_decoder_create(p->codec) : NULL;
	if (!v->rx || (p->decode && !v->decoder) ||
		!moon_ping_open(&v->ping, p->to, p->port, p->token)) {
		moon_video_destroy(v);
		return NULL;
	}
	nv_video_rx_watch(v->rx, on_block);
	return v;
}

void moon_video_destroy(struct moon_video *v)
{
	if (!v)
		return;
	moon_ping_close(&v->ping);
	nv_video_rx_destroy(v->rx);
	moon_decoder_destroy(v->decoder);
	free(v);
}

struct moon_ping *moon_video_ping(struct moon_video *v)
{
	return &v->ping;
}

static bool withhold(struct moon_video *v)
{
	if (v->to_lose) {
		v->to_lose--;
		return true;
	}
	return v->params.drop_percent && test_rand(&v->random) % 100 < v->params.drop_percent;
}

void moon_video_turn(struct moon_video *v)
{
	uint8_t datagram[DATAGRAM_MAX];
	ssize_t n;
	moon_ping_turn(&v->ping);
	for (unsigned i = 0;
		i < TURN_MAX && (n = recv(v->ping.fd, datagram, sizeof(datagram), 0)) >= 0; i++) {
		v->stats.datagrams++;
		if (withhold(v)) {
			v->stats.withheld++;
			continue;
		}
		nv_video_rx_add(v->rx, datagram, (size_t)n);
		look_for_losses(v);
	}
}

void moon_video_lose(struct moon_video *v, unsigned n)
{
	v->to_lose += n;
}

const struct moon_video_stats *moon_video_stats(const struct moon_video *v)
{
	return &v->stats;
}

const struct nv_video_stats *moon_video_received(const struct moon_video *v)
{
	return nv_video_rx_stats(v->rx);
}

size_t moon_video_count(const struct moon_video *v)
{
	return v->stats.frames;
}

const struct moon_frame *moon_video_frame(const struct moon_video *v, size_t n)
{
	return &v->frames[n % MOON_FRAMES];
}

bool moon_video_decodes(void)
{
	struct moon_decoder *d = moon_decoder_create(0);
	moon_decoder_destroy(d);
	return d != NULL;
}
