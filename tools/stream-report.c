/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Merges what the host and the client measured of one stream into one table. */
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "tools/percentile.h"
#include "tools/trace.h"

#define JSON_MAX      (1024 * 1024) /* a summary has some two thousand bytes */
#define LEAVING_NS    200000000ll /* on its way when the client left: not to be expected decoded */
#define NUMBER_ABSENT (-1.0)

enum exit_code { REPORT_GOOD, REPORT_USAGE, REPORT_INPUT, REPORT_UNDECODED, REPORT_TYPING };

enum host_column {
	H_INDEX,
	H_PRESENTED,
	H_CAPTURED,
	H_CONVERT_START,
	H_CONVERT_END,
	H_ENCODE_START,
	H_ENCODE_END,
	H_SEND_START,
	H_SEND_END,
	H_REPEAT,
	H_COLUMNS
};
static const char *const host_columns[H_COLUMNS] = {"frame_index", "presented_ns", "captured_ns",
	"convert_start_ns", "convert_end_ns", "encode_start_ns", "encode_end_ns", "send_start_ns",
	"send_end_ns", "repeated"};

enum client_column { C_INDEX, C_COMPLETE, C_DECODE_END, C_COLUMNS };
static const char *const client_columns[C_COLUMNS] = {
	"frame_index", "complete_ns", "decode_end_ns"};

enum stage { S_CAPTURE, S_CONVERT, S_ENCODE, S_SEND, S_NETWORK, S_DECODE, S_ALL, S_STAGES };
static const char *const stage_names[S_STAGES] = {"capture", "convert", "encode", "seal + send",
	"network + reassemble", "decode", "captured -> decoded"};

struct report {
	const char *paths[4]; /* host trace, host summary, client trace, client summary */
	struct trace host, client;
	json_t *host_summary, *client_summary;
	int64_t *samples[S_STAGES];
	size_t n_samples[S_STAGES];
	size_t n_sent, n_leaving, n_undecoded;
	uint64_t first_undecoded;
};

static int usage(FILE *to, int code)
{
	fputs("Usage: stream-report --host-trace FILE --host-summary FILE --client-trace FILE "
	      "--client-summary FILE\n"
	      "Prints one table of a stream's frames, delays and costs.\n\n"
	      "  --host-trace FILE      CSV of punktfunk-host\n"
	      "  --host-summary FILE    JSON of punktfunk-host\n"
	      "  --client-trace FILE    CSV of punktfunk-client --trace\n"
	      "  --client-summary FILE  JSON of punktfunk-client --summary\n"
	      "  --help                 print this and end\n\n"
	      "Exit codes:\n"
	      "  0  every sent frame was decoded\n"
	      "  1  the command line is wrong\n"
	      "  2  a file cannot be read or is not what it should be\n"
	      "  3  a sent frame was not decoded\n"
	      "  4  typing did not change the picture\n",
		to);
	return code;
}

static int parse(struct report *r, int argc, char **argv)
{
	static const struct option options[] = {{"host-trace", required_argument, NULL, 0},
		{"host-summary", required_argument, NULL, 1},
		{"client-trace", required_argument, NULL, 2},
		{"client-summary", required_argument, NULL, 3}, {"help", no_argument, NULL, 'h'},
		{0}};
	int c;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'h')
			exit(usage(stdout, REPORT_GOOD));
		if (c < 0 || c > 3)
			return usage(stderr, REPORT_USAGE);
		r->paths[c] = optarg;
	}
	for (int i = 0; i < 4; i++)
		if (!r->paths[i] || optind != argc)
			return usage(stderr, REPORT_USAGE);
	return REPORT_GOOD;
}

/* Opens a regular file for reading; says what is wrong otherwise. */
static FILE *open_file(const char *path, off_t max)
{
	struct stat st;
	FILE *f = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= max)
		f = fdopen(fd, "r");
	if (!f)
		fprintf(stderr,
			"stream-report: %s is not a readable file of the right size; name the file "
			"that the program wrote.\n",
			path);
	return f;
}

static int load_trace(struct trace *t, const char *path, const char *const *columns, size_t n)
{
	char message[TRACE_MESSAGE_MAX];
	FILE *f = open_file(path, (off_t)TRACE_ROWS_MAX * TRACE_LINE_MAX);
	if (!f)
		return REPORT_INPUT;
	int err = trace_read(t, f, path, columns, n, message);
	fclose(f);
	if (err)
		fprintf(stderr, "stream-report: %s\n", message);
	return err ? REPORT_INPUT : REPORT_GOOD;
}

static int load_summary(json_t **out, const char *path)
{
	json_error_t error;
	FILE *f = open_file(path, JSON_MAX);
	if (!f)
		return REPORT_INPUT;
	*out = json_loadf(f, JSON_REJECT_DUPLICATES, &error);
	fclose(f);
	if (json_is_object(*out))
		return REPORT_GOOD;
	fprintf(stderr, "stream-report: %s is not a JSON object; run the measurement again.\n",
		path);
	return REPORT_INPUT;
}

static double number(const json_t *summary, const char *key)
{
	const json_t *v = json_object_get(summary, key);
	return json_is_number(v) ? json_number_value(v) : NUMBER_ABSENT;
}

/* For remarks in brackets, where a number that is not there counts as none. */
static double count(const json_t *summary, const char *key)
{
	double v = number(summary, key);
	return v > 0 ? v : 0;
}

static int64_t whole(const json_t *summary, const char *key)
{
	return json_integer_value(json_object_get(summary, key));
}

static int compare_rows(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	if (x[C_INDEX] != y[C_INDEX])
		return x[C_INDEX] < y[C_INDEX] ? -1 : 1;
	/* Of one index twice the decoded one comes first. */
	return (x[C_DECODE_END] == 0) - (y[C_DECODE_END] == 0);
}

static const uint64_t *find_client(const struct report *r, uint64_t index)
{
	size_t low = 0, high = r->client.n_rows;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (trace_get(&r->client, middle, C_INDEX) < index)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == r->client.n_rows || trace_get(&r->client, low, C_INDEX) != index)
		return NULL;
	return r->client.values + low * C_COLUMNS;
}

/* A stamp of 0 is one that was not taken. Stamps may be anything: the difference wraps, never overflows. */
static void add_sample(struct report *r, enum stage stage, uint64_t from, uint64_t to)
{
	if (from && to)
		r->samples[stage][r->n_samples[stage]++] = (int64_t)(to - from);
}

/* Whether the client went to its host over loopback. */
static bool one_machine(const json_t *client)
{
	const char *host = json_string_value(json_object_get(client, "host"));
	return host &&
		(!strncmp(host, "127.", 4) || !strcmp(host, "::1") || !strcmp(host, "localhost"));
}

static void merge_frame(struct report *r, const uint64_t *h, uint64_t offset, uint64_t left_ns)
{
	const uint64_t *c = find_client(r, h[H_INDEX]);
	uint64_t complete = c && c[C_COMPLETE] ? c[C_COMPLETE] + offset : 0;
	uint64_t decoded = c && c[C_DECODE_END] ? c[C_DECODE_END] + offset : 0;
	/* A repeated picture was captured earlier: its capture says nothing about the way of this frame. */
	if (!h[H_REPEAT]) {
		add_sample(r, S_CAPTURE, h[H_PRESENTED], h[H_CAPTURED]);
		add_sample(r, S_CONVERT, h[H_CONVERT_START], h[H_CONVERT_END]);
		add_sample(r, S_ALL, h[H_CAPTURED], decoded);
	}
	add_sample(r, S_ENCODE, h[H_ENCODE_START], h[H_ENCODE_END]);
	add_sample(r, S_SEND, h[H_SEND_START], h[H_SEND_END]);
	add_sample(r, S_NETWORK, h[H_SEND_START], complete);
	add_sample(r, S_DECODE, complete, decoded);
	if (!h[H_SEND_END])
		return;
	r->n_sent++;
	if (decoded)
		return;
	if (left_ns && (int64_t)(left_ns - h[H_SEND_END]) < LEAVING_NS) {
		r->n_leaving++;
		return;
	}
	if (!r->n_undecoded++)
		r->first_undecoded = h[H_INDEX];
}

static int merge(struct report *r)
{
	for (int i = 0; i < S_STAGES; i++) {
		r->samples[i] = calloc(r->host.n_rows + 1, sizeof(int64_t));
		if (!r->samples[i]) {
			fputs("stream-report: no memory is left; end other programs and try "
			      "again.\n",
				stderr);
			return REPORT_INPUT;
		}
	}
	if (r->client.n_rows)
		qsort(r->client.values, r->client.n_rows, C_COLUMNS * sizeof(uint64_t),
			compare_rows);
	/* The client's clock becomes the host's: clock_offset_ns is host minus client. Over loopback both are one. */
	uint64_t offset = one_machine(r->client_summary)
		? 0
		: (uint64_t)whole(r->client_summary, "clock_offset_ns");
	uint64_t left = (uint64_t)whole(r->client_summary, "ended_ns");
	left = left ? left + offset : 0;
	for (size_t i = 0; i < r->host.n_rows; i++)
		merge_frame(r, r->host.values + i * H_COLUMNS, offset, left);
	return REPORT_GOOD;
}

static void print_count(const char *name, double value)
{
	if (value == NUMBER_ABSENT)
		printf("  %-22s %10s", name, "-");
	else
		printf("  %-22s %10.0f", name, value);
}

static void print_counts(const struct report *r)
{
	const json_t *h = r->host_summary, *c = r->client_summary;
	puts("frames");
	print_count("captured", number(h, "frames_captured"));
	puts("");
	print_count("encoded", number(h, "frames_encoded"));
	printf("   (%.0f repeated, %.0f keyframes)\n", count(h, "frames_repeated"),
		count(h, "keyframes"));
	print_count("sent", number(h, "frames_sent"));
	printf("   (%.0f packets)\n", count(h, "packets_sent"));
	print_count("recovered by FEC", number(c, "frames_recovered"));
	puts("");
	print_count("decoded", number(c, "frames_decoded"));
	puts("");
	static const char *const drops[] = {"frames_replaced", "units_dropped"};
	static const char *const losses[] = {"frames_lost", "frames_skipped", "frames_damaged"};
	double sum = 0;
	for (size_t i = 0; i < 2; i++)
		sum += count(h, drops[i]);
	for (size_t i = 0; i < 3; i++)
		sum += count(c, losses[i]);
	print_count("dropped", sum);
	printf("   (%.0f replaced by a newer one before encoding, %.0f not sent,\n"
	       "%38s%.0f lost, %.0f skipped after a loss, %.0f damaged)\n\n",
		count(h, drops[0]), count(h, drops[1]), "", count(c, losses[0]),
		count(c, losses[1]), count(c, losses[2]));
}

static void print_stages(struct report *r)
{
	printf("%-22s   %10s %10s %10s %10s\n", "delay, ms", "p50", "p95", "p99", "frames");
	for (int i = 0; i < S_STAGES; i++) {
		size_t n = r->n_samples[i];
		const int64_t *s = r->samples[i];
		percentile_sort(r->samples[i], n);
		if (n)
			printf("  %-22s %10.3f %10.3f %10.3f %10zu\n", stage_names[i],
				(double)percentile_of(s, n, 50) / 1e6,
				(double)percentile_of(s, n, 95) / 1e6,
				(double)percentile_of(s, n, 99) / 1e6, n);
		else
			printf("  %-22s %10s %10s %10s %10d\n", stage_names[i], "-", "-", "-", 0);
	}
}

static void print_cost(const char *name, const json_t *s)
{
	double user = number(s, "cpu_user_s"), sys = number(s, "cpu_sys_s");
	if (user < 0 || sys < 0)
		printf("%-24s %10s\n", name, "-");
	else
		printf("%-24s %10.2f s   (%.2f user, %.2f system; at most %.0f MB of memory)\n",
			name, user + sys, user, sys, count(s, "max_rss_kb") / 1024);
}

static void print_rest(const struct report *r)
{
	double ms = number(r->client_summary, "mode_switch_ms");
	if (ms >= 0)
		printf("\n%-24s %10.1f ms\n", "mode switch", ms);
	else
		printf("\n%-24s %10s\n", "mode switch", "-");
	print_cost("CPU of the host", r->host_summary);
	print_cost("CPU of the client", r->client_summary);
	puts("\nDefinitions: capture = the compositor presented it -> the host has it; convert = "
	     "into the\n"
	     "encoder's colours; encode = into one access unit; seal + send = cutting, FEC, "
	     "encryption and\n"
	     "handing the last packet to the system; network + reassemble = the host began to send "
	     "-> the\n"
	     "client has it whole (so it contains seal + send); decode = whole -> decoded, waiting "
	     "included;\n"
	     "captured -> decoded = the host has it -> the client decoded it. Repeated pictures "
	     "count from\n"
	     "encode on only. Percentiles are nearest-rank. The mode switch runs from the request "
	     "to the end\n"
	     "of decoding the first picture of the new size.");
	if (r->n_leaving)
		printf("%zu %s sent within 200 ms of the client's leaving and not decoded any "
		       "more; that\nis not counted against the stream.\n",
			r->n_leaving, r->n_leaving == 1 ? "frame was" : "frames were");
}

static int verdict(const struct report *r)
{
	if (!r->n_sent) {
		fputs("stream-report: the host's trace has no sent frame; check that both ran "
		      "together.\n",
			stderr);
		return REPORT_UNDECODED;
	}
	if (r->n_undecoded) {
		fprintf(stderr,
			"stream-report: %zu of %zu sent frames were not decoded, the first of them "
			"frame %" PRIu64 "; look for it in both traces.\n",
			r->n_undecoded, r->n_sent, r->first_undecoded);
		return REPORT_UNDECODED;
	}
	const json_t *typing = json_object_get(r->client_summary, "typing_changed_picture");
	if (json_is_false(typing)) {
		fputs("stream-report: typing did not change the picture; check that a terminal has "
		      "the "
		      "keyboard focus and that the host injects input.\n",
			stderr);
		return REPORT_TYPING;
	}
	printf("\nGood: each of the %zu frames was decoded%s.\n", r->n_sent - r->n_leaving,
		json_is_true(typing) ? ", and typing changed the picture" : "");
	return REPORT_GOOD;
}

int main(int argc, char **argv)
{
	struct report r = {0};
	int code = parse(&r, argc, argv);
	if (code)
		return code;
	code = load_trace(&r.host, r.paths[0], host_columns, H_COLUMNS);
	if (!code)
		code = load_summary(&r.host_summary, r.paths[1]);
	if (!code)
		code = load_trace(&r.client, r.paths[2], client_columns, C_COLUMNS);
	if (!code)
		code = load_summary(&r.client_summary, r.paths[3]);
	if (!code)
		code = merge(&r);
	if (!code) {
		print_counts(&r);
		print_stages(&r);
		print_rest(&r);
		fflush(stdout);
		code = verdict(&r);
	}
	for (int i = 0; i < S_STAGES; i++)
		free(r.samples[i]);
	trace_finish(&r.host);
	trace_finish(&r.client);
	json_decref(r.host_summary);
	json_decref(r.client_summary);
	return code;
}
