/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/pipeline.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libavcodec/avcodec.h>

#include "client/clock.h"
#include "client/decode/decode.h"
#include "client/record.h"
#include "client/stats.h"

#define N_SLOTS	       8u	   /* 130 ms at 60 Hz: a longer wait helps nobody */
#define UNIT_MAX       (64u << 20) /* larger than an 8K picture that is not compressed at all */
#define WAIT_MS	       20	   /* how late a stop is noticed */
#define KEYFRAME_AGAIN (500 * NS_PER_MS) /* a keyframe that does not come is asked for again */
#define FRESH	       4u		 /* in the mailbox: nobody has taken this one */

struct unit {
	AVBufferRef *buf; /* reused as soon as nobody else holds it */
	size_t len;
	struct punktfunk_frame frame; /* without data */
};

struct pipeline {
	struct pipeline_params params;
	struct decode *decode;
	AVPacket *received, *decoding;
	pthread_t receive_id, decode_id;
	bool receiving, decoding_started;
	atomic_bool stop, no_more;

	/* ring: the receive thread fills, the decode thread empties */
	struct unit slots[N_SLOTS];
	uint32_t head, tail;
	sem_t filled, empty;

	/* mailbox of one: three pictures, of which each side holds one and `middle` names the third */
	struct pipeline_picture pictures[3];
	uint32_t back, front; /* the decode thread's, the taker's */
	atomic_uint middle;

	bool broken; /* decode thread: what comes is wrong until a keyframe */
	uint64_t asked_ns;
	atomic_uint_least64_t decoded, damaged, delayed, bytes, size, size_since_ns;
	atomic_bool ended;
	atomic_int record_error;
};

static void wake(struct pipeline *p)
{
	uint64_t one = 1;
	/* It can only fail when the counter is full, and then the reader is awake. */
	ssize_t n = write(p->params.wake_fd, &one, sizeof(one));
	(void)n;
}

/* False: nothing within WAIT_MS. */
static bool wait_for(sem_t *sem)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += (long)(WAIT_MS * NS_PER_MS);
	if (until.tv_nsec >= (long)NS_PER_S) {
		until.tv_nsec -= (long)NS_PER_S;
		until.tv_sec++;
	}
	int ret;
	while ((ret = sem_timedwait(sem, &until)) != 0 && errno == EINTR)
		;
	return ret == 0;
}

/* Copies the borrowed unit into a slot, with the zero bytes behind it that libavcodec wants. */
static int fill(struct unit *u, const struct punktfunk_frame *f)
{
	size_t need = f->len + AV_INPUT_BUFFER_PADDING_SIZE;
	if (!u->buf || u->buf->size < need || !av_buffer_is_writable(u->buf)) {
		av_buffer_unref(&u->buf);
		u->buf = av_buffer_alloc(need + need / 2);
		if (!u->buf)
			return PUNKTFUNK_E_NOMEM;
	}
	memcpy(u->buf->data, f->data, f->len);
	memset(u->buf->data + f->len, 0, AV_INPUT_BUFFER_PADDING_SIZE);
	u->len = f->len;
	u->frame = *f;
	u->frame.data = NULL;
	return PUNKTFUNK_OK;
}

static void record_unit(struct pipeline *p, const struct unit *u)
{
	p->received->buf = u->buf;
	p->received->data = u->buf->data;
	p->received->size = (int)u->len;
	int err = record_write(p->params.record, p->received, u->frame.pts_ns,
		u->frame.flags & PUNKTFUNK_FRAME_KEYFRAME);
	p->received->buf = NULL; /* it was only lent */
	if (!err)
		return;
	p->params.record = NULL;
	atomic_store(&p->record_error, err == PUNKTFUNK_E_NOMEM ? ENOMEM : errno ? errno : EIO);
	wake(p);
}

static void *receive_main(void *userdata)
{
	struct pipeline *p = userdata;
	while (!atomic_load(&p->stop)) {
		struct punktfunk_frame f = {.size = sizeof(f)};
		int err = punktfunk_connection_next_au(p->params.connection, &f, WAIT_MS);
		if (err == PUNKTFUNK_E_NO_FRAME)
			continue;
		if (err) {
			atomic_store(&p->ended, true);
			break;
		}
		if (!f.data || !f.len || f.len > UNIT_MAX) {
			atomic_fetch_add(&p->damaged, 1);
			continue;
		}
		bool room;
		while (!(room = wait_for(&p->empty)) && !atomic_load(&p->stop))
			;
		if (!room)
			break;
		struct unit *u = &p->slots[p->head % N_SLOTS];
		if (fill(u, &f)) {
			atomic_store(&p->ended, true);
			break;
		}
		p->head++;
		atomic_fetch_add(&p->bytes, f.len);
		sem_post(&p->filled);
		/* The decoder has it already: a slow disk does not hold the picture up. */
		if (p->params.record)
			record_unit(p, u);
	}
	atomic_store(&p->no_more, true);
	wake(p);
	return NULL;
}

static void publish(struct pipeline *p, uint64_t pts_ns, uint64_t end_ns)
{
	struct pipeline_picture *pic = &p->pictures[p->back];
	uint64_t size = (uint64_t)pic->frame->width << 32 | (uint32_t)pic->frame->height;
	pic->pts_ns = pts_ns;
	pic->decode_end_ns = end_ns;
	if (atomic_load(&p->size) != size) {
		atomic_store(&p->size_since_ns, clock_mono_ns());
		atomic_store(&p->size, size);
	}
	p->back = atomic_exchange(&p->middle, p->back | FRESH) & ~FRESH;
	wake(p);
}

/* A unit could not be used: asks for a keyframe, but not for each unit until it comes. */
static void note_damage(struct pipeline *p)
{
	uint64_t now = clock_mono_ns();
	atomic_fetch_add(&p->damaged, 1);
	if (!p->broken || now - p->asked_ns > KEYFRAME_AGAIN) {
		p->asked_ns = now;
		punktfunk_connection_request_keyframe(p->params.connection);
	}
	p->broken = true;
}

static void decode_one(struct pipeline *p, const struct unit *u)
{
	AVFrame *frame = p->pictures[p->back].frame;
	struct stats_frame row = {.frame = u->frame, .bytes = u->len};
	if (u->frame.flags & PUNKTFUNK_FRAME_KEYFRAME)
		p->broken = false;
	av_frame_unref(frame);
	p->decoding->buf = u->buf;
	p->decoding->data = u->buf->data;
	p->decoding->size = (int)u->len;
	row.decode_start_ns = clock_real_ns();
	int err = decode_unit(p->decode, p->decoding, frame);
	uint64_t end_ns = clock_real_ns();
	p->decoding->buf = NULL; /* it was only lent */
	if (!err && !p->broken) {
		row.decode_end_ns = end_ns;
		row.width = (uint32_t)frame->width;
		row.height = (uint32_t)frame->height;
		atomic_fetch_add(&p->decoded, 1);
		publish(p, u->frame.pts_ns, end_ns);
	} else if (err == PUNKTFUNK_E_NO_FRAME) {
		atomic_fetch_add(&p->delayed, 1);
	} else {
		note_damage(p);
	}
	if (p->params.trace)
		stats_trace_add(p->params.trace, &row);
}

static void *decode_main(void *userdata)
{
	struct pipeline *p = userdata;
	for (;;) {
		/* In this order: nothing is filled after no_more was set. */
		bool last = atomic_load(&p->no_more);
		if (last ? sem_trywait(&p->filled) != 0 : !wait_for(&p->filled)) {
			if (last)
				return NULL;
			continue;
		}
		decode_one(p, &p->slots[p->tail % N_SLOTS]);
		p->tail++;
		sem_post(&p->empty);
	}
}

int pipeline_start(struct pipeline **out, const struct pipeline_params *params)
{
	struct pipeline *p = calloc(1, sizeof(*p));
	if (!p)
		return PUNKTFUNK_E_NOMEM;
	p->params = *params;
	sem_init(&p->filled, 0, 0);
	sem_init(&p->empty, 0, N_SLOTS);
	p->front = 1;
	atomic_init(&p->middle, 2);
	int err = PUNKTFUNK_E_NOMEM;
	for (int i = 0; i < 3; i++)
		if (!(p->pictures[i].frame = av_frame_alloc()))
			goto fail;
	p->received = av_packet_alloc();
	p->decoding = av_packet_alloc();
	if (!p->received || !p->decoding)
		goto fail;
	err = decode_create(&p->decode);
	if (err)
		goto fail;
	err = PUNKTFUNK_E_IO;
	p->decoding_started = pthread_create(&p->decode_id, NULL, decode_main, p) == 0;
	if (!p->decoding_started)
		goto fail;
	pthread_setname_np(p->decode_id, "pf-decode");
	p->receiving = pthread_create(&p->receive_id, NULL, receive_main, p) == 0;
	if (!p->receiving)
		goto fail;
	pthread_setname_np(p->receive_id, "pf-receive");
	*out = p;
	return PUNKTFUNK_OK;
fail:
	pipeline_destroy(p);
	return err;
}

void pipeline_stop(struct pipeline *p)
{
	atomic_store(&p->stop, true);
	if (p->receiving)
		pthread_join(p->receive_id, NULL);
	atomic_store(&p->no_more, true);
	if (p->decoding_started)
		pthread_join(p->decode_id, NULL);
	p->receiving = p->decoding_started = false;
}

void pipeline_destroy(struct pipeline *p)
{
	if (!p)
		return;
	pipeline_stop(p);
	decode_destroy(p->decode);
	for (int i = 0; i < 3; i++)
		av_frame_free(&p->pictures[i].frame);
	for (uint32_t i = 0; i < N_SLOTS; i++)
		av_buffer_unref(&p->slots[i].buf);
	av_packet_free(&p->received);
	av_packet_free(&p->decoding);
	sem_destroy(&p->filled);
	sem_destroy(&p->empty);
	free(p);
}

const struct pipeline_picture *pipeline_take(struct pipeline *p)
{
	if (!(atomic_load(&p->middle) & FRESH))
		return NULL;
	p->front = atomic_exchange(&p->middle, p->front) & ~FRESH;
	return &p->pictures[p->front];
}

struct pipeline_counters pipeline_counters(struct pipeline *p)
{
	uint64_t size = atomic_load(&p->size);
	return (struct pipeline_counters){
		.decoded = atomic_load(&p->decoded),
		.damaged = atomic_load(&p->damaged),
		.delayed = atomic_load(&p->delayed),
		.bytes = atomic_load(&p->bytes),
		.width = (uint32_t)(size >> 32),
		.height = (uint32_t)size,
		.size_since_ns = atomic_load(&p->size_since_ns),
		.ended = atomic_load(&p->ended),
		.record_error = atomic_load(&p->record_error),
	};
}
