/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdlib.h>

#include "tests/sim/ends.h"

/* After the last frame: what is under way arrives, or is given up. */
#define AFTER_NS (2 * SIM_S)

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* Nearest rank; sorts. */
static uint64_t percentile(uint64_t *values, size_t n, unsigned percent)
{
	if (!n)
		return 0;
	qsort(values, n, sizeof(*values), compare);
	size_t rank = (n * percent + 99) / 100;
	return values[rank ? rank - 1 : 0];
}

static void fill_result(
	struct sim_result *r, struct sim_host *h, struct sim_client *c, unsigned seconds)
{
	struct pf_reassembler_stats stats;
	pf_reassembler_get_stats(c->reassembler, &stats);
	const struct sim_scenario *s = h->scenario;
	size_t n = h->frames < h->max_frames ? (size_t)h->frames : h->max_frames;
	r->sent = h->frames;
	r->repaired = stats.frames_recovered;
	r->heal_p50_us = percentile(c->heal_us, c->n_heal, 50);
	r->heal_p95_us = percentile(c->heal_us, c->n_heal, 95);
	r->queue_p95_us = percentile(h->queue_us, n, 95);
	r->mean_kbps = h->sum_kbps / h->frames;
	r->mean_fec_percent_x10 = h->sum_fec * 10 / h->frames;
	r->wire_kbps = h->bytes * 8 / 1000 / seconds;
	r->heal_bound_us = (4 * s->link.delay_ns + SIM_S / s->hz) / 1000;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static int run_until(struct sim_host *h, struct sim_client *c, struct link *link, struct back *back,
	uint64_t end_ns)
{
	for (;;) {
		uint64_t now_ns = least(host_next_ns(h), link_next_ns(link));
		now_ns = least(now_ns, least(back_next_ns(back), client_next_ns(c)));
		if (now_ns >= end_ns)
			return PF_OK;
		struct back_msg msg;
		while (back_take(back, now_ns, &msg)) {
			client_acknowledged(c, &msg,
				now_ns + link_queue_ns(link, now_ns) + h->scenario->link.delay_ns);
			host_message(h, &msg, now_ns);
		}
		if (now_ns >= host_next_ns(h)) {
			int err = host_run(h, now_ns);
			if (err < 0)
				return err;
		}
		struct link_packet *p;
		while ((p = link_take(link, now_ns)))
			client_packet(c, p, now_ns);
		client_run(c, now_ns);
	}
}

int sim_run(const struct sim_scenario *scenario, const struct sim_mode *mode, unsigned seconds,
	struct sim_result *result)
{
	*result = (struct sim_result){0};
	size_t max_frames = (size_t)seconds * scenario->hz * 2;
	struct sim_host *h = calloc(1, sizeof(*h));
	struct sim_client *c = calloc(1, sizeof(*c));
	struct back *back = calloc(1, sizeof(*back));
	struct link *link = NULL;
	int err = PF_E_NOMEM;
	if (!h || !c || !back)
		goto out;
	back_init(back, &scenario->link);
	err = link_create(&link, &scenario->link);
	if (err >= 0)
		err = host_create(h, scenario, mode, link, max_frames);
	h->end_ns = seconds * SIM_S;
	if (err >= 0)
		err = client_create(c, h, back, max_frames, result);
	if (err >= 0)
		err = run_until(h, c, link, back, seconds * SIM_S + AFTER_NS);
	if (err >= 0)
		fill_result(result, h, c, seconds);
out:
	if (c)
		client_finish(c);
	if (h)
		host_finish(h);
	link_destroy(link);
	free(back);
	free(c);
	free(h);
	return err;
}
