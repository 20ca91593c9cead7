/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/stats.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "client/change.h"
#include "client/clock.h"
#include "client/file.h"
#include "client/trust.h"

#define TRACE_BUFFER (256u * 1024u) /* more than a second of lines at 1000 Hz */

struct stats_trace {
	FILE *file;
	uint64_t flushed_ns;
	int error; /* errno of the first failure */
};

int stats_trace_create(struct stats_trace **out, const char *path)
{
	struct stats_trace *t = calloc(1, sizeof(*t));
	if (!t)
		return PUNKTFUNK_E_NOMEM;
	t->file = fopen(path, "we");
	if (!t->file) {
		int saved = errno;
		free(t);
		errno = saved;
		return PUNKTFUNK_E_IO;
	}
	setvbuf(t->file, NULL, _IOFBF, TRACE_BUFFER);
	fputs(STATS_TRACE_HEADER "\n", t->file);
	*out = t;
	return PUNKTFUNK_OK;
}

void stats_trace_add(struct stats_trace *t, const struct stats_frame *f)
{
	if (t->error)
		return;
	errno = 0;
	int n = fprintf(t->file,
		"%" PRIu32 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu32
		",%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%zu\n",
		f->frame.frame_index, f->frame.pts_ns, f->frame.received_ns, f->frame.complete_ns,
		f->decode_start_ns, f->decode_end_ns, f->width, f->height,
		f->frame.recovered_shards, f->frame.flags, f->bytes);
	bool due = f->decode_start_ns - t->flushed_ns > NS_PER_S;
	if (due)
		t->flushed_ns = f->decode_start_ns;
	if (n < 0 || (due && fflush(t->file) != 0))
		t->error = errno ? errno : EIO;
}

int stats_trace_finish(struct stats_trace *t)
{
	if (!t)
		return PUNKTFUNK_OK;
	int error = t->error;
	if (fclose(t->file) != 0 && !error)
		error = errno ? errno : EIO;
	free(t);
	errno = error;
	return error ? PUNKTFUNK_E_IO : PUNKTFUNK_OK;
}

/* The length of the UTF-8 sequence at s, 0 when it is none (JSON must be UTF-8; the host's words need not). */
static size_t utf8_len(const unsigned char *s)
{
	size_t len = s[0] < 0x80 ? 1 : s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
	if (s[0] >= 0x80 && (s[0] < 0xC2 || s[0] > 0xF4))
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xC0) != 0x80)
			return 0;
	/* too long a form, surrogates, beyond the last plane */
	if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] >= 0xA0) ||
		(s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] >= 0x90))
		return 0;
	return len;
}

char *stats_quote(const char *text)
{
	size_t n = 0;
	char *out = malloc(6 * strlen(text) + 3);
	if (!out)
		return NULL;
	out[n++] = '"';
	for (const unsigned char *p = (const unsigned char *)text; *p;) {
		size_t len = utf8_len(p);
		if (!len) {
			out[n++] = '?';
			p++;
			continue;
		}
		if (*p < 0x20 || *p == 0x7f) {
			n += (size_t)sprintf(out + n, "\\u%04x", *p);
		} else {
			if (*p == '"' || *p == '\\')
				out[n++] = '\\';
			memcpy(out + n, p, len);
			n += len;
		}
		p += len;
	}
	out[n++] = '"';
	out[n] = '\0';
	return out;
}

static void put_string(FILE *f, const char *key, const char *text)
{
	char *quoted = stats_quote(text);
	fprintf(f, "  \"%s\": %s,\n", key, quoted ? quoted : "null");
	free(quoted);
}

static void put_count(FILE *f, const char *key, uint64_t value)
{
	fprintf(f, "  \"%s\": %" PRIu64 ",\n", key, value);
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void put_host(FILE *f, const struct stats_summary *s)
{
	char hex[TRUST_HEX_MAX];
	trust_hex(s->fingerprint, hex);
	put_string(f, "host", s->host);
	put_count(f, "port", s->port);
	put_string(f, "fingerprint", hex);
	put_count(f, "width", s->mode.width);
	put_count(f, "height", s->mode.height);
	put_count(f, "refresh_hz", s->mode.refresh_hz);
	put_count(f, "bitrate_kbps", s->bitrate_kbps);
	fprintf(f, "  \"clock_offset_ns\": %" PRId64 ",\n", s->clock_offset_ns);
	put_count(f, "connected_ns", s->connected_ns);
	put_count(f, "first_picture_ns", s->first_picture_ns);
	put_count(f, "ended_ns", s->ended_ns);
}

#define COUNTERS(X) \
	X(packets_received) \
	X(packets_bad) \
	X(packets_replayed) \
	X(packets_dropped_test) \
	X(bytes_received) \
	X(shards_recovered) \
	X(frames_received) \
	X(frames_recovered) \
	X(frames_lost) \
	X(frames_delivered) \
	X(frames_skipped) \
	X(keyframes_requested) \
	X(rfi_requested) \
	X(datagrams_received) \
	X(datagrams_bad) \
	X(planes_dropped) \
	X(audio_recovered) \
	X(probe_packets)

void stats_add(struct punktfunk_stats *sum, const struct punktfunk_stats *other)
{
#define ADD(name) sum->name += other->name;
	COUNTERS(ADD)
#undef ADD
}

static void put_counters(FILE *f, const struct stats_summary *s)
{
	const struct punktfunk_stats *l = &s->library;
#define PUT(name) put_count(f, #name, l->name);
	COUNTERS(PUT)
#undef PUT
	put_count(f, "rtt_ns", l->rtt_ns);
	put_count(f, "frames_decoded", s->counters.decoded);
	put_count(f, "frames_damaged", s->counters.damaged);
	put_count(f, "frames_delayed", s->counters.delayed);
	put_count(f, "bytes", s->counters.bytes);
}

static void put_planes(FILE *f, const struct stats_summary *s)
{
	const struct planes_counters *p = &s->planes;
	char grants[PLANES_GRANTS_MAX];
	planes_grants_text(s->grants, grants);
	put_string(f, "grants", grants);
	put_count(f, "reconnects", s->reconnects);
	put_count(f, "host_us_p50", s->host_us);
	put_count(f, "host_timings", p->host_timings);
	put_count(f, "bitrate_changes", p->bitrate_changes);
	put_count(f, "audio_packets", p->audio_packets);
	put_count(f, "audio_gaps", p->audio_gaps);
	put_count(f, "pad_audio_packets", p->pad_audio_packets);
	put_count(f, "rumbles", p->rumbles);
	put_count(f, "pad_outputs", p->pad_outputs);
	put_count(f, "cursor_shapes", p->cursor_shapes);
	put_count(f, "cursor_states", p->cursor_states);
	put_count(f, "clip_from_host", s->clip_from_host);
	put_count(f, "clip_to_host", s->clip_to_host);
}

int stats_summary_write(const char *path, const struct stats_summary *s)
{
	static const char *const switches[] = {"none", "done", "refused", "unanswered"};
	struct rusage usage = {0};
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	if (!f)
		return PUNKTFUNK_E_NOMEM;
	getrusage(RUSAGE_SELF, &usage);
	fputs("{\n", f);
	put_host(f, s);
	put_counters(f, s);
	put_planes(f, s);
	put_string(f, "mode_switch", switches[s->mode_switch]);
	if (s->mode_switch == STATS_SWITCH_DONE)
		fprintf(f, "  \"mode_switch_ms\": %.3f,\n", s->mode_switch_ms);
	else
		fputs("  \"mode_switch_ms\": null,\n", f);
	fprintf(f, "  \"typing_changed_picture\": %s,\n",
		s->typing_blocks < 0				? "null"
			: s->typing_blocks >= CHANGE_BLOCKS_MIN ? "true"
								: "false");
	fprintf(f, "  \"typing_changed_blocks\": %d,\n",
		s->typing_blocks < 0 ? 0 : s->typing_blocks);
	fprintf(f, "  \"cpu_user_s\": %.3f,\n  \"cpu_sys_s\": %.3f,\n", seconds(usage.ru_utime),
		seconds(usage.ru_stime));
	put_count(f, "max_rss_kb", (uint64_t)usage.ru_maxrss);
	put_string(f, "end_reason", s->end_reason);
	put_string(f, "end_message", s->end_message);
	fprintf(f, "  \"exit_code\": %d\n}\n", s->exit_code);
	if (fclose(f) != 0) {
		free(text);
		return PUNKTFUNK_E_NOMEM;
	}
	int err = file_write_atomic(path, text, len, 0644);
	int saved = errno;
	free(text);
	errno = saved;
	return err;
}
