/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/error.h"
#include "tests/sim/scenarios.h"

/*
 * flow-sim [--seconds N] [--required] [--link NAME] [--check FILE]
 *
 * Runs the scenarios and prints a table. --required: only those that the first rows of the table are about;
 * --link: only those with NAME in theirs; --check: the table must be what the file says, to the letter.
 */

#define MAX_WALL_MS 10000u /* 10 minutes of stream take no longer than this */
#define MIN_BREAKS  10u	   /* fewer have no 95th percentile */

static const struct sim_mode modes[] = {
	{"adaptive", true, true},
	{"fixed", false, true},
	{"keyframes", true, false},
};
#define N_MODES (sizeof(modes) / sizeof(*modes))

static const char head[] =
	"| link                  | mode      | frames |  shown | repaired |   lost | breaks |    "
	"RFI |"
	" keyframes | heal 50 % | heal 95 % |   kbps |  FEC | on wire | queue 95 % |\n"
	"|-----------------------|-----------|-------:|-------:|---------:|-------:|-------:|------"
	"-:|"
	"----------:|----------:|----------:|-------:|-----:|--------:|-----------:|\n";

struct options {
	unsigned seconds, n_scenarios;
	const char *link, *check;
};

static uint64_t wall_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void print_ms(FILE *out, int width, uint64_t us)
{
	fprintf(out, " %*" PRIu64 ".%" PRIu64 " |", width, us / 1000, us / 100 % 10);
}

static void print_row(FILE *out, const struct sim_scenario *s, const struct sim_mode *m,
	const struct sim_result *r)
{
	fprintf(out,
		"| %-21s | %-9s | %6" PRIu64 " | %6" PRIu64 " | %8" PRIu64 " | %6" PRIu64
		" | %6" PRIu64 " | %6" PRIu64 " | %9" PRIu64 " |",
		s->name, m->name, r->sent, r->shown, r->repaired, r->sent - r->shown, r->n_breaks,
		r->asked_rfi, r->asked_keyframe);
	print_ms(out, 7, r->heal_p50_us);
	print_ms(out, 7, r->heal_p95_us);
	fprintf(out, " %6" PRIu64 " | %2" PRIu64 ".%" PRIu64 " | %7" PRIu64 " |", r->mean_kbps,
		r->mean_fec_percent_x10 / 10, r->mean_fec_percent_x10 % 10, r->wire_kbps);
	print_ms(out, 8, r->queue_p95_us);
	fputc('\n', out);
}

/* What must hold whatever the golden file says. */
static bool is_sound(const struct sim_scenario *s, const struct sim_mode *m,
	const struct sim_result *r, uint64_t took_ms, unsigned seconds)
{
	const char *wrong = NULL;
	if (r->forged)
		wrong = "showed what was not sent";
	else if (r->dirty)
		wrong = "showed what refers to a lost frame";
	else if (s->heals && r->n_breaks >= MIN_BREAKS && m->adaptive && m->rfi &&
		r->heal_p95_us >= r->heal_bound_us)
		wrong = "takes too long to heal";
	else if (took_ms > MAX_WALL_MS && seconds == 600)
		wrong = "takes more than 10 s";
	if (wrong)
		fprintf(stderr, "flow-sim: %s, %s: %s\n", s->name, m->name, wrong);
	return !wrong;
}

static int run_all(FILE *out, const struct options *o)
{
	int worst = PF_OK;
	fputs(head, out);
	for (unsigned i = 0; i < o->n_scenarios; i++) {
		const struct sim_scenario *s = &sim_scenarios[i];
		if (o->link && !strstr(s->name, o->link))
			continue;
		for (size_t m = 0; m < N_MODES; m++) {
			struct sim_result r;
			uint64_t start_ms = wall_ms();
			int err = sim_run(s, &modes[m], o->seconds, &r);
			if (err < 0) {
				fprintf(stderr, "flow-sim: %s: %s\n", s->name, pf_strerror(err));
				return err;
			}
			print_row(out, s, &modes[m], &r);
			if (!is_sound(s, &modes[m], &r, wall_ms() - start_ms, o->seconds))
				worst = PF_E_INVALID;
		}
	}
	return worst;
}

static int compare(const char *path, const char *table, size_t len)
{
	FILE *f = fopen(path, "re");
	if (!f) {
		perror(path);
		return PF_E_IO;
	}
	char *golden = calloc(1, len + 2);
	size_t n = golden ? fread(golden, 1, len + 1, f) : 0;
	bool same = n == len && !memcmp(golden, table, len);
	free(golden);
	fclose(f);
	if (same)
		return PF_OK;
	fputs(table, stdout);
	fprintf(stderr,
		"flow-sim: this is not what %s says; where the change is meant, put the table "
		"there\n",
		path);
	return PF_E_INVALID;
}

static int read_options(struct options *o, int argc, char **argv)
{
	*o = (struct options){.seconds = 60, .n_scenarios = sim_n_scenarios};
	for (int i = 1; i < argc; i++) {
		bool more = i + 1 < argc;
		if (!strcmp(argv[i], "--required"))
			o->n_scenarios = SIM_N_REQUIRED;
		else if (!strcmp(argv[i], "--seconds") && more)
			o->seconds = (unsigned)strtoul(argv[++i], NULL, 10);
		else if (!strcmp(argv[i], "--link") && more)
			o->link = argv[++i];
		else if (!strcmp(argv[i], "--check") && more)
			o->check = argv[++i];
		else
			return PF_E_INVALID;
	}
	return o->seconds >= 1 && o->seconds <= 3600 ? PF_OK : PF_E_INVALID;
}

int main(int argc, char **argv)
{
	struct options o;
	if (read_options(&o, argc, argv) < 0) {
		fputs("usage: flow-sim [--seconds 1..3600] [--required] [--link NAME] [--check "
		      "FILE]\n",
			stderr);
		return 2;
	}
	if (!o.check)
		return run_all(stdout, &o) < 0;
	char *table = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&table, &len);
	if (!out)
		return 1;
	int err = run_all(out, &o);
	fclose(out);
	if (err >= 0)
		err = compare(o.check, table, len);
	free(table);
	return err < 0;
}
