/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/*
 * Several candidates, in turn, for several rounds, on the thread's CPU time: a machine that is
 * shared changes its speed from second to second, so only figures taken side by side compare.
 */

#define MEASURE_MAX_ROUNDS 64

struct candidate {
	const char *name;
	/* Does one piece of work, returns how many units (bits, mostly) it was. */
	uint64_t (*run)(void *userdata);
	void *userdata;
	const uint64_t *excluded_ns;	 /* grows by what run() did besides its work; may be NULL */
	double rate[MEASURE_MAX_ROUNDS]; /* units a nanosecond, by round */
};

static inline uint64_t measure_cpu_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static inline int measure_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static inline double measure_at(const double *values, int n, double share)
{
	double sorted[MEASURE_MAX_ROUNDS];
	for (int i = 0; i < n; i++)
		sorted[i] = values[i];
	qsort(sorted, (size_t)n, sizeof(sorted[0]), measure_compare);
	return sorted[(int)(share * (n - 1) + 0.5)];
}

static inline double measure_median(const struct candidate *c, int rounds)
{
	return measure_at(c->rate, rounds, 0.5);
}

/* The median over the rounds of a's rate divided by b's in the same round. */
static inline double measure_ratio(const struct candidate *a, const struct candidate *b, int rounds)
{
	double ratio[MEASURE_MAX_ROUNDS];
	for (int i = 0; i < rounds; i++)
		ratio[i] = a->rate[i] / b->rate[i];
	return measure_at(ratio, rounds, 0.5);
}

/* Each candidate for at least slice_ns a round, after one round that does not count. */
static inline void measure(struct candidate *c, int n, int rounds, uint64_t slice_ns)
{
	for (int round = -1; round < rounds; round++) {
		for (int i = 0; i < n; i++) {
			uint64_t units = 0, start = measure_cpu_ns(), took;
			uint64_t zero = 0;
			const uint64_t *excluded = c[i].excluded_ns ? c[i].excluded_ns : &zero;
			start -= *excluded; /* so that only what is added from here on counts */
			do {
				units += c[i].run(c[i].userdata);
				took = measure_cpu_ns() - *excluded - start;
			} while (took < slice_ns);
			if (round >= 0)
				c[i].rate[round] = (double)units / (double)took;
		}
	}
}

/* One line a candidate: median, 10th and 90th percentile, in units a nanosecond (Gbit/s for bits). */
static inline void measure_print(const struct candidate *c, int n, int rounds, const char *unit)
{
	for (int i = 0; i < n; i++)
		printf("  %-34s %8.2f %s  [%.2f .. %.2f]\n", c[i].name,
			measure_median(&c[i], rounds), unit, measure_at(c[i].rate, rounds, 0.1),
			measure_at(c[i].rate, rounds, 0.9));
}

#endif
