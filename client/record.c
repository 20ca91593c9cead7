/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "punktfunk_core.h"

#define TICKS_PER_S   90000
#define NOMINAL_TICKS (TICKS_PER_S / 60) /* where the real length of a frame is not known */
#define GAP_MAX_NS \
	(60u * 1000000000ull) /* a desktop that stands still sends less often, but not so */
#define FRAGMENT_US "1000000" /* what a killed client loses at most */
#define HEADERS_MAX 4096      /* SPS and PPS have some dozen bytes */
#define AVC3	    MKTAG('a', 'v', 'c', '3')
#define REWRITE_MAX (4ll << 30) /* longer recordings stay fragmented: the copy would take minutes */

struct record {
	char *path;
	AVFormatContext *out; /* NULL until the first keyframe */
	AVIOContext *io;
	AVPacket *held; /* the last frame: its length is known when the next one comes */
	bool holding;
	uint64_t last_pts_ns;
	int64_t ns; /* of the held frame, from the start of the file */
	int64_t ticks;
};

static int io_error(int averror)
{
	if (averror == AVERROR(ENOMEM))
		return PUNKTFUNK_E_NOMEM;
	/* AVERROR(e) is -e for errors of the system. */
	errno = averror < 0 && averror > -4096 ? -averror : EIO;
	return PUNKTFUNK_E_IO;
}

int record_create(struct record **out, const char *path)
{
	struct record *r = calloc(1, sizeof(*r));
	if (!r)
		return PUNKTFUNK_E_NOMEM;
	int err = PUNKTFUNK_E_NOMEM;
	r->path = strdup(path);
	r->held = av_packet_alloc();
	char *url = NULL;
	/* With the prefix no name can be taken for a network address. */
	if (!r->path || !r->held || asprintf(&url, "file:%s", path) < 0)
		goto fail;
	int ret = avio_open(&r->io, url, AVIO_FLAG_WRITE);
	free(url);
	if (ret < 0) {
		err = io_error(ret);
		goto fail;
	}
	*out = r;
	return PUNKTFUNK_OK;
fail:
	record_destroy(r);
	return err;
}

void record_destroy(struct record *r)
{
	if (!r)
		return;
	int saved = errno;
	avformat_free_context(r->out);
	avio_closep(&r->io);
	av_packet_free(&r->held);
	free(r->path);
	free(r);
	errno = saved;
}

/* The next start code's offset at or after `from`, or len. */
static size_t find_start(const uint8_t *data, size_t len, size_t from)
{
	for (size_t i = from; i + 3 <= len; i++)
		if (!data[i] && !data[i + 1] && data[i + 2] == 1)
			return i;
	return len;
}

/*
 * Collects the SPS and PPS of a unit, in Annex B.
 * unit: (00) 00 00 01 | header: 1 bit zero, 2 bits ref_idc, 5 bits type (7 SPS, 8 PPS) | …
 */
static size_t copy_headers(const AVPacket *packet, uint8_t out[HEADERS_MAX])
{
	size_t len = (size_t)packet->size, n = 0, seen = 0;
	for (size_t at = find_start(packet->data, len, 0); at + 3 < len;) {
		size_t end = find_start(packet->data, len, at + 3);
		unsigned type = packet->data[at + 3] & 31u;
		if (type == 1 || type == 5)
			break; /* pictures: nothing of interest behind them */
		if (type == 7 || type == 8) {
			if (end - at > HEADERS_MAX - n)
				return 0;
			memcpy(out + n, packet->data + at, end - at);
			n += end - at;
			seen |= type == 7 ? 1 : 2;
		}
		at = end;
	}
	return seen == 3 ? n : 0;
}

/* Size and profile as the SPS says. */
static int describe(const AVPacket *packet, AVCodecParameters *par)
{
	int err = PUNKTFUNK_E_NOMEM;
	AVCodecParserContext *parser = av_parser_init(AV_CODEC_ID_H264);
	AVCodecContext *codec = avcodec_alloc_context3(NULL);
	if (parser && codec) {
		uint8_t *data;
		int len;
		codec->codec_id = AV_CODEC_ID_H264;
		parser->flags |= PARSER_FLAG_COMPLETE_FRAMES;
		av_parser_parse2(parser, codec, &data, &len, packet->data, packet->size,
			AV_NOPTS_VALUE, AV_NOPTS_VALUE, 0);
		par->width = parser->width;
		par->height = parser->height;
		par->profile = codec->profile;
		par->level = codec->level;
		err = par->width > 0 && par->height > 0 ? PUNKTFUNK_OK : PUNKTFUNK_E_BAD_PACKET;
	}
	if (parser)
		av_parser_close(parser);
	avcodec_free_context(&codec);
	return err;
}

static int add_stream(AVFormatContext *out, const AVCodecParameters *par)
{
	AVStream *st = avformat_new_stream(out, NULL);
	if (!st || avcodec_parameters_copy(st->codecpar, par) < 0)
		return PUNKTFUNK_E_NOMEM;
	st->codecpar->codec_tag = AVC3;
	st->time_base = (AVRational){1, TICKS_PER_S};
	return PUNKTFUNK_OK;
}

/* Writes the file's head, from the first keyframe. Returns PUNKTFUNK_E_NO_FRAME when it has no SPS. */
static int begin(struct record *r, const AVPacket *packet)
{
	uint8_t headers[HEADERS_MAX];
	size_t len = copy_headers(packet, headers);
	if (!len)
		return PUNKTFUNK_E_NO_FRAME;
	AVFormatContext *out = NULL;
	AVDictionary *opts = NULL;
	AVCodecParameters *par = avcodec_parameters_alloc();
	int err = PUNKTFUNK_E_NOMEM;
	if (!par || avformat_alloc_output_context2(&out, NULL, "mp4", NULL) < 0)
		goto fail;
	par->codec_type = AVMEDIA_TYPE_VIDEO;
	par->codec_id = AV_CODEC_ID_H264;
	par->extradata = av_mallocz(len + AV_INPUT_BUFFER_PADDING_SIZE);
	if (!par->extradata)
		goto fail;
	memcpy(par->extradata, headers, len);
	par->extradata_size = (int)len;
	err = describe(packet, par);
	if (err == PUNKTFUNK_E_BAD_PACKET)
		err = PUNKTFUNK_E_NO_FRAME;
	if (!err)
		err = add_stream(out, par);
	if (err)
		goto fail;
	out->pb = r->io;
	out->flags |= AVFMT_FLAG_FLUSH_PACKETS | AVFMT_FLAG_BITEXACT;
	av_dict_set(&opts, "movflags", "empty_moov+default_base_moof", 0);
	av_dict_set(&opts, "frag_duration", FRAGMENT_US, 0);
	int ret = avformat_write_header(out, &opts);
	if (ret < 0)
		err = io_error(ret);
	else
		r->out = out;
fail:
	av_dict_free(&opts);
	avcodec_parameters_free(&par);
	if (!r->out)
		avformat_free_context(out);
	return err;
}

/* Writes the held frame, which lasts until `next` ticks. */
static int write_held(struct record *r, int64_t next)
{
	r->held->pts = r->held->dts = r->ticks;
	r->held->duration = next - r->ticks;
	r->held->stream_index = 0;
	av_packet_rescale_ts(r->held, (AVRational){1, TICKS_PER_S}, r->out->streams[0]->time_base);
	int ret = av_write_frame(r->out, r->held);
	av_packet_unref(r->held);
	r->holding = false;
	/* A full disk shows in the I/O context when a fragment is flushed, not in the return value. */
	if (ret >= 0 && r->io->error < 0)
		ret = r->io->error;
	return ret < 0 ? io_error(ret) : PUNKTFUNK_OK;
}

int record_write(struct record *r, const AVPacket *packet, uint64_t pts_ns, bool keyframe)
{
	int err = PUNKTFUNK_OK;
	if (!r->out) {
		err = keyframe ? begin(r, packet) : PUNKTFUNK_E_NO_FRAME;
		if (err)
			return err == PUNKTFUNK_E_NO_FRAME ? PUNKTFUNK_OK : err;
	}
	if (r->holding) {
		uint64_t step = pts_ns - r->last_pts_ns;
		if (pts_ns <= r->last_pts_ns || step > GAP_MAX_NS)
			step = 1000000000u / 60;
		r->ns += (int64_t)step;
		int64_t next = av_rescale(r->ns, TICKS_PER_S, 1000000000);
		if (next <= r->ticks)
			next = r->ticks + 1;
		err = write_held(r, next);
		r->ticks = next;
		if (err)
			return err;
	}
	if (av_packet_ref(r->held, packet) < 0)
		return PUNKTFUNK_E_NOMEM;
	r->held->flags = keyframe ? AV_PKT_FLAG_KEY : 0;
	r->holding = true;
	r->last_pts_ns = pts_ns;
	return PUNKTFUNK_OK;
}

static int copy_packets(AVFormatContext *in, AVFormatContext *out)
{
	AVPacket *p = av_packet_alloc();
	int ret = p ? 0 : AVERROR(ENOMEM);
	while (ret >= 0 && (ret = av_read_frame(in, p)) >= 0) {
		av_packet_rescale_ts(p, in->streams[0]->time_base, out->streams[0]->time_base);
		p->pos = -1;
		ret = av_write_frame(out, p);
		av_packet_unref(p);
	}
	av_packet_free(&p);
	return ret == AVERROR_EOF ? 0 : ret;
}

/* Copies the fragmented file to an ordinary one with its index in front. */
static int rewrite(const char *from, const char *to)
{
	AVFormatContext *in = NULL, *out = NULL;
	AVDictionary *opts = NULL;
	char *to_url = NULL, *from_url = NULL;
	int ret = AVERROR(ENOMEM);
	if (asprintf(&to_url, "file:%s", to) < 0 || asprintf(&from_url, "file:%s", from) < 0)
		goto out;
	ret = avformat_open_input(&in, from_url, av_find_input_format("mov"), NULL);
	if (ret < 0)
		goto out;
	ret = avformat_alloc_output_context2(&out, NULL, "mp4", to_url);
	if (ret < 0 || in->nb_streams != 1 || add_stream(out, in->streams[0]->codecpar) != 0) {
		ret = ret < 0 ? ret : AVERROR(EINVAL);
		goto out;
	}
	out->flags |= AVFMT_FLAG_BITEXACT;
	ret = avio_open(&out->pb, to_url, AVIO_FLAG_WRITE);
	av_dict_set(&opts, "movflags", "faststart", 0);
	if (ret >= 0)
		ret = avformat_write_header(out, &opts);
	if (ret >= 0)
		ret = copy_packets(in, out);
	if (ret >= 0)
		ret = av_write_trailer(out);
	if (out->pb && ret >= 0 && out->pb->error < 0)
		ret = out->pb->error;
	int closed = avio_closep(&out->pb);
	if (ret >= 0)
		ret = closed;
out:
	av_dict_free(&opts);
	avformat_close_input(&in);
	avformat_free_context(out);
	free(to_url);
	free(from_url);
	return ret;
}

int record_finish(struct record *r)
{
	int err = PUNKTFUNK_OK;
	if (!r->out) {
		avio_closep(&r->io);
		unlink(r->path);
		return PUNKTFUNK_E_NO_FRAME;
	}
	if (r->holding)
		err = write_held(r, r->ticks + NOMINAL_TICKS);
	int ret = err ? 0 : av_write_trailer(r->out);
	int64_t size = avio_tell(r->io);
	int closed = avio_closep(&r->io);
	if (err)
		return err;
	if (ret < 0 || closed < 0)
		return io_error(ret < 0 ? ret : closed);
	if (size > REWRITE_MAX)
		return PUNKTFUNK_OK;
	char *temp;
	if (asprintf(&temp, "%s.part", r->path) < 0)
		return PUNKTFUNK_E_NOMEM;
	ret = rewrite(r->path, temp);
	if (ret >= 0 && rename(temp, r->path) != 0)
		ret = AVERROR(errno);
	if (ret < 0)
		unlink(temp);
	free(temp);
	return ret < 0 ? io_error(ret) : PUNKTFUNK_OK;
}
