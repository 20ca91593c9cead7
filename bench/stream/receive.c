/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bench/stream/stream.h"

#include <libavcodec/avcodec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/decode/decode.h"
#include "host/capture/capture.h"
#include "host/media/clock.h"
#include "tests/support/host_process.h"

#define MAX_FRAMES 65536u

static int connect_to(struct bench_run *r, struct punktfunk_connection **c)
{
	struct punktfunk_connect_opts opts;
	char message[256];
	punktfunk_connect_opts_init(&opts);
	opts.host = r->host ? r->host : "127.0.0.1";
	opts.port = (uint16_t)r->port;
	opts.mode = r->mode;
	opts.bitrate_kbps = r->bitrate_kbps;
	opts.drop_percent = r->drop_percent;
	opts.drop_seed = 12345;
	opts.name = "bench";
	int err = punktfunk_connect_opts(c, &opts, message, sizeof(message));
	if (err < 0)
		fprintf(stderr, "bench: %s\n", message);
	return err;
}

static void note_picture(struct bench_run *r, const struct punktfunk_frame *f, const AVFrame *pic)
{
	struct bench_frame *b = &r->frames[r->n_frames++];
	uint64_t mark_ns;
	*b = (struct bench_frame){
		.index = f->frame_index,
		.width = (uint32_t)pic->width,
		.height = (uint32_t)pic->height,
		.complete_ns = f->complete_ns,
		.decoded_ns = clock_realtime_ns(),
	};
	b->marked = synthetic_read_mark(
		pic->data[0], (size_t)pic->linesize[0], b->width, b->height, &b->seq, &mark_ns);
	r->unmarked += !b->marked;
	if (r->watched && r->n_frames == WARM_FRAMES)
		r->warm_kb = host_process_rss_kb(r->watched);
	if (r->remode_asked_ns && !r->remode_seen_ns && b->width == r->remode.width &&
		b->height == r->remode.height)
		r->remode_seen_ns = b->decoded_ns;
}

static int decode_one(struct bench_run *r, struct decode *d, const struct punktfunk_frame *f,
	AVPacket *packet, AVFrame *picture)
{
	if (av_new_packet(packet, (int)f->len) < 0)
		return PUNKTFUNK_E_NOMEM;
	memcpy(packet->data, f->data, f->len);
	int err = decode_unit(d, packet, picture);
	av_packet_unref(packet);
	if (err == PUNKTFUNK_OK && r->n_frames < MAX_FRAMES)
		note_picture(r, f, picture);
	av_frame_unref(picture);
	return err == PUNKTFUNK_E_NOMEM ? err : PUNKTFUNK_OK;
}

static int receive_loop(struct bench_run *r, struct punktfunk_connection *c, struct decode *d,
	AVPacket *packet, AVFrame *picture)
{
	uint64_t start_ns = clock_realtime_ns();
	uint64_t until_ns = start_ns + (uint64_t)(r->seconds * 1e9);
	uint64_t ask_ns = start_ns + (until_ns - start_ns) / 2;
	for (uint64_t now_ns = start_ns; now_ns < until_ns; now_ns = clock_realtime_ns()) {
		if (r->max_frames && r->n_frames >= r->max_frames)
			break;
		struct punktfunk_frame f = {.size = sizeof(f)};
		if (r->remode.width && !r->remode_asked_ns && now_ns >= ask_ns) {
			r->remode_asked_ns = now_ns;
			if (punktfunk_connection_request_mode(
				    c, r->remode.width, r->remode.height, r->remode.refresh_hz) < 0)
				return PUNKTFUNK_E_INVALID;
		}
		int err = punktfunk_connection_next_au(c, &f, 20);
		if (err == PUNKTFUNK_E_NO_FRAME)
			continue;
		if (err < 0) {
			fprintf(stderr, "bench: the stream ended early: %s\n",
				punktfunk_connection_end_message(c));
			return err;
		}
		err = decode_one(r, d, &f, packet, picture);
		if (err < 0)
			return err;
	}
	return PUNKTFUNK_OK;
}

int bench_receive(struct bench_run *r)
{
	struct punktfunk_connection *c = NULL;
	struct decode *d = NULL;
	AVPacket *packet = av_packet_alloc();
	AVFrame *picture = av_frame_alloc();
	uint64_t start_ns = clock_realtime_ns();
	r->frames = calloc(MAX_FRAMES, sizeof(*r->frames));
	int err = r->frames && packet && picture ? connect_to(r, &c) : PUNKTFUNK_E_NOMEM;
	if (err >= 0)
		err = decode_create(&d);
	if (err >= 0)
		err = receive_loop(r, c, d, packet, picture);
	if (d)
		r->damaged = decode_counters(d)->damaged + decode_counters(d)->delayed;
	if (r->n_frames)
		r->connect_ns = r->frames[0].decoded_ns - start_ns;
	if (r->watched)
		r->end_kb = host_process_rss_kb(r->watched);
	r->stats.size = sizeof(r->stats);
	if (c && punktfunk_connection_get_stats(c, &r->stats) < 0)
		err = PUNKTFUNK_E_INVALID;
	punktfunk_connection_disconnect_quit(c);
	punktfunk_connection_close(c);
	decode_destroy(d);
	av_packet_free(&packet);
	av_frame_free(&picture);
	return err;
}

void bench_run_free(struct bench_run *r)
{
	free(r->frames);
	r->frames = NULL;
}
