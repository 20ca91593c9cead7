/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/stream/stream.h"
#include "tests/support/host_process.h"

/*
 * bench_stream HOST [latency|loss|recovery|remode|soak|sessions]: a real host process with the synthetic source, a
 * client over the C ABI on loopback; prints what was measured and exits non-zero when a frame went missing.
 */

/* Frames sent this close to the client's leaving may still be on their way. */
#define TAIL_NS 200000000ull

static const char *host_path;

static double ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

static void print_row(const char *what, uint64_t *values, size_t n)
{
	printf("  %-38s p50 %8.3f  p95 %8.3f  p99 %8.3f  max %8.3f ms  (n %zu)\n", what,
		ms(bench_percentile(values, n, 50)), ms(bench_percentile(values, n, 95)),
		ms(bench_percentile(values, n, 99)), ms(bench_percentile(values, n, 100)), n);
}

/* Where index was decoded, or NULL. Frames come in index order. */
static const struct bench_frame *find_frame(const struct bench_run *r, uint64_t index)
{
	size_t lo = 0, hi = r->n_frames;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (r->frames[mid].index < index)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < r->n_frames && r->frames[lo].index == index ? &r->frames[lo] : NULL;
}

struct join {
	uint64_t *around, *total, *convert, *encode; /* ns */
	size_t n, sent, missing;
};

static void join_free(struct join *j)
{
	free(j->around);
	free(j->total);
	free(j->convert);
	free(j->encode);
}

static int join_runs(struct join *j, const struct bench_run *r, const struct bench_trace *t)
{
	memset(j, 0, sizeof(*j));
	j->around = calloc(t->n + 1, sizeof(uint64_t));
	j->total = calloc(t->n + 1, sizeof(uint64_t));
	j->convert = calloc(t->n + 1, sizeof(uint64_t));
	j->encode = calloc(t->n + 1, sizeof(uint64_t));
	if (!j->around || !j->total || !j->convert || !j->encode || !t->n)
		return -1;
	uint64_t end_ns = t->rows[t->n - 1].send_end_ns - TAIL_NS;
	for (size_t i = 0; i < t->n && t->rows[i].send_end_ns <= end_ns; i++) {
		const struct bench_sent *s = &t->rows[i];
		const struct bench_frame *f = find_frame(r, s->frame_index);
		j->sent++;
		if (!f) {
			j->missing++;
			continue;
		}
		if (s->repeated)
			continue;
		j->around[j->n] = f->complete_ns - s->captured_ns - s->encode_ns;
		j->total[j->n] = f->decoded_ns - s->captured_ns;
		j->convert[j->n] = s->convert_ns;
		j->encode[j->n++] = s->encode_ns;
	}
	return 0;
}

static int run_session(struct bench_run *r, struct bench_trace *t, const char *const *args)
{
	struct host_process h;
	if (host_process_start(&h, host_path, args) < 0)
		return -1;
	r->port = h.port;
	struct bench_relay *relay = NULL;
	int err = 0;
	if (r->host) {
		relay = bench_relay_start(h.port, r->data_port, r->delay_ns);
		err = relay ? 0 : -1;
	}
	if (err >= 0)
		err = bench_receive(r);
	bench_relay_stop(relay);
	if (host_process_end(&h) < 0) {
		fprintf(stderr, "bench: the host did not end well\n");
		err = -1;
	}
	if (err >= 0)
		err = bench_trace_read(t, h.dir);
	host_process_clean(&h);
	return err;
}

static int latency(uint32_t hz, double seconds)
{
	static const char *const args[] = {"--source", "synthetic", NULL};
	struct bench_run r = {.mode = {1280, 720, hz}, .seconds = seconds};
	struct bench_trace t = {0};
	struct join j;
	struct bench_wake *wake = bench_wake_start(1.0 / hz);
	int err = run_session(&r, &t, args);
	uint64_t *wakes = NULL;
	size_t n_wakes = wake ? bench_wake_stop(wake, &wakes) : 0;
	if (err < 0 || join_runs(&j, &r, &t) < 0)
		return -1;
	printf("latency, 1280x720 at %u fps, synthetic source, x264, loopback, %.0f s\n", hz,
		seconds);
	printf("  frames sent %zu, decoded %zu, missing %zu, damaged %zu, marks unreadable %zu; "
	       "first "
	       "picture after %.1f ms\n",
		j.sent, j.sent - j.missing, j.missing, r.damaged, r.unmarked, ms(r.connect_ns));
	print_row("capture->reassembled minus encode", j.around, j.n);
	print_row("  of it: convert", j.convert, j.n);
	print_row("encode", j.encode, j.n);
	print_row("capture->decoded", j.total, j.n);
	print_row("bare cross-thread wake, same time", wakes, n_wakes);
	int bad = j.missing || r.damaged || r.unmarked || j.n < (size_t)(seconds * hz / 2);
	free(wakes);
	join_free(&j);
	bench_trace_free(&t);
	bench_run_free(&r);
	return bad ? -1 : 0;
}

/* From the moment a lost frame had been sent to the next clean picture, decoded. */
static size_t recoveries(const struct bench_run *r, const struct bench_trace *t, uint64_t *out)
{
	size_t n = 0;
	for (size_t i = 0; i < t->n; i++) {
		if (find_frame(r, t->rows[i].frame_index))
			continue;
		uint64_t lost_ns = t->rows[i].send_end_ns;
		while (i < t->n && !find_frame(r, t->rows[i].frame_index))
			i++;
		if (i < t->n)
			out[n++] = find_frame(r, t->rows[i].frame_index)->decoded_ns - lost_ns;
	}
	return n;
}

static int loss(double seconds)
{
	static const char *const args[] = {"--source", "synthetic", "--fec-percent", "20", NULL};
	struct bench_run r = {.mode = {1280, 720, 60}, .seconds = seconds, .drop_percent = 5};
	struct bench_trace t = {0};
	struct join j;
	if (run_session(&r, &t, args) < 0 || join_runs(&j, &r, &t) < 0)
		return -1;
	uint64_t *clean = calloc(t.n + 1, sizeof(*clean));
	size_t n = clean ? recoveries(&r, &t, clean) : 0;
	double whole = 100.0 * (double)r.stats.frames_received /
		(double)(r.stats.frames_received + r.stats.frames_lost);
	uint64_t bound = 2 * r.stats.rtt_ns + 1000000000ull / 60;
	size_t inside = 0;
	for (size_t i = 0; i < n; i++)
		inside += clean[i] <= bound;
	printf("loss, 1280x720 at 60 fps, 5 %% of datagrams dropped at random, 20 %% parity, %.0f "
	       "s\n",
		seconds);
	printf("  datagrams received %" PRIu64 ", dropped %" PRIu64 "; shards repaired %" PRIu64
	       "\n",
		r.stats.packets_received, r.stats.packets_dropped_test, r.stats.shards_recovered);
	printf("  frames whole %.3f %% (%" PRIu64 " of them by FEC), never whole %" PRIu64
	       ", whole but skipped %" PRIu64
	       ", damaged in the decoder %zu, marks unreadable %zu\n",
		whole, r.stats.frames_recovered, r.stats.frames_lost, r.stats.frames_skipped,
		r.damaged, r.unmarked);
	printf("  fresh starts asked for %" PRIu64
	       "; QUIC round trip %.3f ms; bound (2 round trips + 1 "
	       "frame) %.3f ms, %zu of %zu inside\n",
		r.stats.rfi_requested + r.stats.keyframes_requested, ms(r.stats.rtt_ns), ms(bound),
		inside, n);
	print_row("lost frame sent -> next clean picture", clean, n);
	int bad = whole < 99.0 || r.damaged || r.unmarked;
	free(clean);
	join_free(&j);
	bench_trace_free(&t);
	bench_run_free(&r);
	return bad ? -1 : 0;
}

static void print_sizes(const char *what, const struct bench_trace *t, int kind)
{
	uint64_t *of = calloc(t->n + 1, sizeof(*of));
	size_t n = 0;
	/* The first second is the encoder's start. */
	for (size_t i = 60; of && i < t->n; i++)
		if ((t->rows[i].keyframe ? 2 : t->rows[i].anchor ? 1 : 0) == kind)
			of[n++] = t->rows[i].bytes;
	printf("  %-38s p50 %8" PRIu64 "  p95 %8" PRIu64 "  max %8" PRIu64 " bytes  (n %zu)\n",
		what, bench_percentile(of, n, 50), bench_percentile(of, n, 95),
		bench_percentile(of, n, 100), n);
	free(of);
}

static int recovery(unsigned rtt_ms, double seconds)
{
	char port[16];
	int data_port = bench_free_port();
	snprintf(port, sizeof(port), "%d", data_port);
	const char *const args[] = {
		"--source", "synthetic", "--bind", "127.0.0.1", "--data-port", port, NULL};
	struct bench_run r = {.mode = {1280, 720, 60},
		.seconds = seconds,
		.host = BENCH_RELAY_HOST,
		.data_port = data_port,
		.delay_ns = rtt_ms * 500000ull};
	struct bench_trace t = {0};
	if (data_port < 0 || run_session(&r, &t, args) < 0)
		return -1;
	uint64_t *clean = calloc(t.n + 1, sizeof(*clean));
	size_t n = clean ? recoveries(&r, &t, clean) : 0, inside = 0;
	uint64_t bound = 2 * rtt_ms * 1000000ull + 1000000000ull / 60;
	for (size_t i = 0; i < n; i++)
		inside += clean[i] <= bound;
	printf("recovery, 1280x720 at 60 fps, %u ms there and back, no video for 12 ms of each 397 "
	       "ms, %.0f s\n",
		rtt_ms, seconds);
	printf("  asked for %" PRIu64 " frames and %" PRIu64
	       " keyframes; damaged in the decoder %zu, marks unreadable %zu\n",
		r.stats.rfi_requested, r.stats.keyframes_requested, r.damaged, r.unmarked);
	printf("  QUIC round trip %.3f ms; bound (2 round trips + 1 frame) %.3f ms, %zu of %zu "
	       "inside\n",
		ms(r.stats.rtt_ns), ms(bound), inside, n);
	print_row("lost frame sent -> next clean picture", clean, n);
	print_sizes("frames", &t, 0);
	print_sizes("recovery anchors", &t, 1);
	print_sizes("keyframes", &t, 2);
	int bad = !n || r.damaged || r.unmarked;
	free(clean);
	bench_trace_free(&t);
	bench_run_free(&r);
	return bad ? -1 : 0;
}

static int remode(void)
{
	static const char *const args[] = {"--source", "synthetic", NULL};
	uint64_t took[10];
	size_t n = 0;
	for (size_t i = 0; i < sizeof(took) / sizeof(took[0]); i++) {
		struct bench_run r = {
			.mode = {1280, 720, 60}, .remode = {1920, 1080, 60}, .seconds = 2};
		struct bench_trace t = {0};
		int err = run_session(&r, &t, args);
		if (err >= 0 && r.remode_seen_ns && !r.damaged)
			took[n++] = r.remode_seen_ns - r.remode_asked_ns;
		bench_trace_free(&t);
		bench_run_free(&r);
	}
	printf("mode switch, 1280x720 -> 1920x1080 at 60 fps, request -> first decoded picture of "
	       "the new "
	       "size\n");
	print_row("mode switch", took, n);
	return n == sizeof(took) / sizeof(took[0]) ? 0 : -1;
}

/* What a session's end may keep beyond its start: the stacks and tables that grow once. */
#define FLAT_KB 2048

static int soak_frames(void)
{
	static const char *const args[] = {"--source", "synthetic", NULL};
	struct host_process h;
	if (host_process_start(&h, host_path, args) < 0)
		return -1;
	struct bench_run r = {.port = h.port,
		.mode = {1280, 720, 120},
		.seconds = 300,
		.max_frames = 10000,
		.watched = &h};
	int err = bench_receive(&r);
	printf("soak, host memory: %ld KiB after %u frames, %ld KiB after %zu (%+ld KiB)\n",
		r.warm_kb, WARM_FRAMES, r.end_kb, r.n_frames, r.end_kb - r.warm_kb);
	if (r.n_frames < r.max_frames || r.end_kb - r.warm_kb > FLAT_KB)
		err = -1;
	bench_run_free(&r);
	if (host_process_end(&h) < 0)
		err = -1;
	host_process_clean(&h);
	return err;
}

static int soak_sessions(void)
{
	static const char *const args[] = {"--source", "synthetic", NULL};
	struct host_process h;
	int err = 0;
	long before = 0, after = 0;
	if (host_process_start(&h, host_path, args) < 0)
		return -1;
	for (int i = 0; i < 110 && err >= 0; i++) {
		struct bench_run r = {.port = h.port,
			.mode = {1280, 720, 60},
			.seconds = 10,
			.max_frames = 2 * WARM_FRAMES,
			.watched = &h};
		err = bench_receive(&r);
		if (err >= 0 && r.n_frames < r.max_frames)
			err = -1;
		after = r.end_kb;
		if (i == 9)
			before = after;
		bench_run_free(&r);
	}
	printf("soak, host memory: %ld KiB in session 10, %ld KiB in session 110 (%+ld KiB)\n",
		before, after, after - before);
	if (after - before > FLAT_KB || host_process_end(&h) < 0)
		err = -1;
	host_process_clean(&h);
	return err;
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[2] : "all";
	bool all = !strcmp(what, "all");
	int bad = 0;
	if (argc < 2 || argc > 3) {
		fprintf(stderr,
			"usage: bench_stream PATH-OF-PUNKTFUNK-HOST "
			"[latency|loss|recovery|remode|soak|sessions]\n");
		return 2;
	}
	host_path = argv[1];
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (all || !strcmp(what, "latency"))
		bad += latency(60, 15) < 0, bad += latency(120, 15) < 0;
	if (all || !strcmp(what, "loss"))
		bad += loss(30) < 0;
	if (all || !strcmp(what, "recovery"))
		bad += recovery(20, 20) < 0, bad += recovery(50, 20) < 0;
	if (all || !strcmp(what, "remode"))
		bad += remode() < 0;
	if (!strcmp(what, "soak") || !strcmp(what, "sessions"))
		bad += (strcmp(what, "sessions") && soak_frames() < 0), bad += soak_sessions() < 0;
	printf("%s\n",
		bad ? "bench_stream: NOT all as it must be" : "bench_stream: all as it must be");
	return bad ? 1 : 0;
}
