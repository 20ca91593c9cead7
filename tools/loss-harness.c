/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/* Sweeps packet loss over parity, frame size and both error-correcting codes, and shows what arrives. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/fec/fec.h"
#include "tools/loss.h"

#define DEFAULT_FRAMES 100u
#define MAX_FRAMES     1000000u

static const char help[] =
	"Usage: loss-harness [options]\n"
	"\n"
	"Sends frames through the real packetiser and reassembler over a simulated link that "
	"loses\n"
	"packets, one by one (random) or in runs of 8 on average (bursty), and prints how many "
	"frames\n"
	"arrive whole, for several amounts of parity and both error-correcting codes.\n"
	"The same options give the same figures on every machine.\n"
	"\n"
	"  --frames N   frames for each figure (default 100; more is finer and takes longer)\n"
	"  --seed N     another run of luck (default 1)\n"
	"  --csv FILE   also write every figure as a line of comma-separated values\n"
	"  --svg FILE   also draw the figures as charts\n"
	"  --quick      fewer sizes, losses and amounts of parity\n"
	"  --help       this text\n";

static const struct loss_axes full = {
	.schemes = {PF_FEC_GF8, PF_FEC_GF16},
	.n_schemes = 2,
	.frame_bytes = {10000, 60000, 250000, 1000000},
	.n_frame_bytes = 4,
	.parity = {0, 5, 10, 20, 30, 50},
	.n_parity = 6,
	.loss = {0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3},
	.n_loss = 12,
};

static const struct loss_axes quick = {
	.schemes = {PF_FEC_GF8, PF_FEC_GF16},
	.n_schemes = 2,
	.frame_bytes = {10000, 250000},
	.n_frame_bytes = 2,
	.parity = {0, 10, 20, 50},
	.n_parity = 4,
	.loss = {0, 0.01, 0.03, 0.1, 0.3},
	.n_loss = 5,
};

struct options {
	unsigned n_frames;
	uint64_t seed;
	const char *csv, *svg;
	const struct loss_axes *axes;
};

/* 1: go on; 0: help was asked for; -1: wrong, and said so. */
static int read_number(const char *name, const char *text, uint64_t max, uint64_t *out)
{
	char *end;
	errno = 0;
	unsigned long long n = strtoull(text, &end, 10);
	if (errno || end == text || *end || strchr(text, '-') || n < 1 || n > max) {
		fprintf(stderr, "loss-harness: --%s takes a number from 1 to %llu, not '%s'\n",
			name, (unsigned long long)max, text);
		return -1;
	}
	*out = n;
	return 1;
}

static int read_options(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {{"frames", required_argument, NULL, 'f'},
		{"seed", required_argument, NULL, 's'}, {"csv", required_argument, NULL, 'c'},
		{"svg", required_argument, NULL, 'g'}, {"quick", no_argument, NULL, 'q'},
		{"help", no_argument, NULL, 'h'}, {0}};
	int c, ok = 1;
	uint64_t n;
	while (ok == 1 && (c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'f':
			ok = read_number("frames", optarg, MAX_FRAMES, &n);
			o->n_frames = ok == 1 ? (unsigned)n : 0;
			break;
		case 's':
			ok = read_number("seed", optarg, UINT64_MAX, &o->seed);
			break;
		case 'c':
			o->csv = optarg;
			break;
		case 'g':
			o->svg = optarg;
			break;
		case 'q':
			o->axes = &quick;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return -1;
		}
	}
	if (ok == 1 && optind < argc) {
		fprintf(stderr, "loss-harness: '%s' is no option; see --help\n", argv[optind]);
		return -1;
	}
	return ok;
}

static int close_file(FILE *f, const char *path)
{
	int bad = ferror(f);
	if (fclose(f) != 0 || bad) {
		fprintf(stderr, "loss-harness: %s could not be written: %s\n", path,
			strerror(errno));
		return -1;
	}
	return 0;
}

static FILE *open_file(const char *path)
{
	FILE *f = fopen(path, "w");
	if (!f)
		fprintf(stderr, "loss-harness: %s cannot be opened for writing: %s\n", path,
			strerror(errno));
	return f;
}

static int write_files(const struct options *o, const struct loss_cell *cells)
{
	if (o->csv) {
		FILE *f = open_file(o->csv);
		if (!f)
			return -1;
		loss_write_csv(f, cells, loss_count(o->axes));
		if (close_file(f, o->csv) < 0)
			return -1;
	}
	if (o->svg) {
		FILE *f = open_file(o->svg);
		if (!f)
			return -1;
		loss_write_svg(f, o->axes, cells);
		if (close_file(f, o->svg) < 0)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = {.n_frames = DEFAULT_FRAMES, .seed = 1, .axes = &full};
	int go = read_options(&o, argc, argv);
	if (go <= 0)
		return go < 0 ? 2 : 0;
	size_t n = loss_count(o.axes);
	struct loss_cell *cells = calloc(n, sizeof(*cells));
	if (!cells) {
		fprintf(stderr, "loss-harness: out of memory\n");
		return 1;
	}
	int status = 0;
	for (size_t i = 0; i < n && !status; i++) {
		loss_place(o.axes, i, &cells[i]);
		/* Each figure has its own luck: one long bad stretch must not colour a whole row. */
		int err = loss_run(&cells[i], o.n_frames, o.seed * 0x9E3779B97F4A7C15u + i);
		if (err < 0) {
			fprintf(stderr, "loss-harness: figure %zu of %zu failed: %s\n", i + 1, n,
				pf_strerror(err));
			status = 1;
		}
	}
	if (!status) {
		loss_print_tables(stdout, o.axes, cells);
		status = write_files(&o, cells) < 0;
	}
	free(cells);
	return status;
}
