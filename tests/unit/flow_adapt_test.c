/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include "core/flow/adapt.h"

#define MS UINT64_C(1000000)
#define S  (1000 * MS)

/* A link in miniature: what is sent above its rate is queued, and what is lost by chance is told apart. */
struct bench {
	struct pf_adapt a;
	uint64_t now_ns, sent, delivered_milli, rtt_ns;
	uint32_t link_kbps; /* 0 = wider than anything */
	uint32_t loss_ppm;
	uint64_t queue_bits;
	bool reports;
};

static struct pf_adapt_params usual(void)
{
	return (struct pf_adapt_params){
		.ceiling_kbps = 20000,
		.refresh_hz = 60,
		.shard_payload = 1408,
		.packet_len = 1472,
		.min_parity = 2,
		.fec_percent = PF_ADAPT_FEC_START,
	};
}

static void bench_init(struct bench *b, const struct pf_adapt_params *p)
{
	*b = (struct bench){.reports = true};
	pf_adapt_init(&b->a, p, 0);
}

static uint64_t wire_kbps(const struct bench *b)
{
	uint64_t k = (pf_adapt_kbps(&b->a) * 125u / 60 + 1407) / 1408;
	uint64_t m = (k * pf_adapt_fec_percent(&b->a) + 99) / 100;
	return (k + (m < 2 ? 2 : m)) * 1500 * 60 / 125;
}

static void run(struct bench *b, uint64_t for_ns)
{
	for (uint64_t end_ns = b->now_ns + for_ns; b->now_ns < end_ns;) {
		b->now_ns += PF_ADAPT_TICK_NS;
		uint64_t out_bits = wire_kbps(b) * 50, in_bits = out_bits;
		if (b->link_kbps) {
			b->queue_bits += out_bits;
			in_bits = b->link_kbps * UINT64_C(50);
			in_bits = in_bits < b->queue_bits ? in_bits : b->queue_bits;
			b->queue_bits -= in_bits;
			if (b->queue_bits > b->link_kbps * UINT64_C(1000)) /* a second */
				b->queue_bits = b->link_kbps * UINT64_C(1000);
		}
		b->sent += out_bits / 12000;
		b->delivered_milli += in_bits * 1000 / 12000 * (1000000 - b->loss_ppm) / 1000000;
		b->rtt_ns = 20 * MS + (b->link_kbps ? b->queue_bits * MS / b->link_kbps : 0);
		if (b->reports && b->now_ns % (100 * MS) == 0)
			pf_adapt_on_delivery(&b->a, b->delivered_milli / 1000, b->now_ns);
		if (b->now_ns % (500 * MS) == 0)
			pf_adapt_on_loss(&b->a, b->loss_ppm, b->now_ns);
		pf_adapt_tick(&b->a, b->sent, b->rtt_ns, b->now_ns);
	}
}

static void a_clean_link_costs_five_percent(void **state)
{
	(void)state;
	struct pf_adapt_params p = usual();
	struct bench b;
	bench_init(&b, &p);
	assert_int_equal(pf_adapt_fec_percent(&b.a), PF_ADAPT_FEC_START);
	run(&b, 20 * S);
	assert_int_equal(pf_adapt_fec_percent(&b.a), PF_ADAPT_FEC_MIN);
	assert_int_equal(pf_adapt_kbps(&b.a), 20000);
	assert_int_equal(pf_adapt_get_pace(&b.a, b.now_ns).kbps, 0);
}

static void parity_is_quick_up_and_slow_down(void **state)
{
	(void)state;
	struct pf_adapt_params p = usual();
	struct bench b;
	bench_init(&b, &p);
	run(&b, 10 * S);
	b.loss_ppm = 50000;
	run(&b, 2 * S);
	unsigned high = pf_adapt_fec_percent(&b.a);
	assert_in_range(high, 15, 30);
	assert_int_equal(pf_adapt_kbps(&b.a), 20000); /* chance is not congestion */
	b.loss_ppm = 0;
	run(&b, 2 * S);
	assert_in_range(pf_adapt_fec_percent(&b.a), high - 3, high);
	run(&b, 60 * S);
	assert_int_equal(pf_adapt_fec_percent(&b.a), PF_ADAPT_FEC_MIN);
}

static void parity_stays_within_its_limits(void **state)
{
	(void)state;
	struct pf_adapt_params p = usual();
	struct bench b;
	bench_init(&b, &p);
	b.loss_ppm = 900000;
	run(&b, 10 * S);
	assert_int_equal(pf_adapt_fec_percent(&b.a), PF_ADAPT_FEC_MAX);
	assert_int_equal(pf_adapt_frame_fec(&b.a, true), PF_ADAPT_FEC_MAX);
	pf_adapt_on_loss(&b.a, UINT32_MAX, b.now_ns);
	pf_adapt_tick(&b.a, b.sent, 0, b.now_ns);
	assert_int_equal(pf_adapt_fec_percent(&b.a), PF_ADAPT_FEC_MAX);
}

static void asks_raise_parity_where_parity_repairs(void **state)
{
	(void)state;
	struct pf_adapt_params p = usual();
	struct bench b;
	bench_init(&b, &p);
	b.loss_ppm = 10000;
	run(&b, 20 * S);
	unsigned before = pf_adapt_fec_percent(&b.a);
	pf_adapt_on_ask(&b.a, b.now_ns);
	run(&b, 100 * MS);
	assert_true(pf_adapt_fec_percent(&b.a) > before);
	/* Whole bursts: nothing is repaired, and nothing would be. */
	bench_init(&b, &p);
	run(&b, 20 * S);
	for (int i = 0; i < 20; i++) {
		pf_adapt_on_ask(&b.a, b.now_ns);
		run(&b, S);
	}
	assert_int_equal(pf_adapt_fec_percent(&b.a), PF_ADAPT_FEC_MIN);
}

static void video_and_parity_fit_a_narrower_link(void **state)
{
	(void)state;
	struct pf_adapt_params p = usual();
	struct bench b;
	bench_init(&b, &p);
	run(&b, 5 * S);
	b.link_kbps = 12000;
	run(&b, 10 * S);
	assert_in_range(wire_kbps(&b), 7000, 13000);
	assert_true(b.queue_bits / b.link_kbps < 200); /* ms */
	assert_true(pf_adapt_get_pace(&b.a, b.now_ns).narrow);
	assert_in_range(pf_adapt_get_pace(&b.a, b.now_ns).kbps, 8000, 20000);
	b.link_kbps = 100000;
	run(&b, 40 * S);
	assert_int_equal(pf_adapt_kbps(&b.a), 20000);
}

static void a_pacer_is_only_slowed(void **state)
{
	(void)state;
	const struct pf_pacer_params usual_pace = {
		.rate_bps = 900000000, .burst_bytes = 65536, .max_spread_ns = 8 * MS};
	struct pf_pacer_params p = usual_pace;
	pf_adapt_shape(&p, &(struct pf_adapt_pace){0}, 60);
	assert_memory_equal(&p, &usual_pace, sizeof(p));
	pf_adapt_shape(&p, &(struct pf_adapt_pace){.kbps = 2000000, .narrow = true}, 60);
	assert_memory_equal(&p, &usual_pace, sizeof(p));
	pf_adapt_shape(&p, &(struct pf_adapt_pace){.kbps = 50000}, 60);
	assert_true(p.rate_bps == 50000000 && p.burst_bytes == 65536 && p.max_spread_ns == 50 * MS);
	pf_adapt_shape(&p, &(struct pf_adapt_pace){.kbps = 20000, .narrow = true}, 0);
	assert_true(p.rate_bps == 20000000 && p.burst_bytes < 20000);
	p = (struct pf_pacer_params){0}; /* at once */
	pf_adapt_shape(&p, &(struct pf_adapt_pace){.kbps = 20000}, 60);
	assert_true(p.rate_bps == 20000000);
}

/* A shipped client sends loss reports at most: the round trip is enough. */
static void works_without_delivery_reports(void **state)
{
	(void)state;
	struct pf_adapt_params p = usual();
	struct bench b;
	bench_init(&b, &p);
	b.reports = false;
	run(&b, 5 * S);
	b.link_kbps = 12000;
	run(&b, 10 * S);
	assert_in_range(wire_kbps(&b), 5000, 13000);
}

static void works_without_anything(void **state)
{
	(void)state;
	struct pf_adapt_params p = usual();
	struct pf_adapt a;
	pf_adapt_init(&a, &p, 0);
	for (uint64_t i = 1; i < 1000; i++)
		pf_adapt_tick(&a, i * 100, 0, i * PF_ADAPT_TICK_NS);
	assert_int_equal(pf_adapt_kbps(&a), 20000);
	assert_int_equal(pf_adapt_fec_percent(&a), PF_ADAPT_FEC_MIN);
}

/* Another way to the client, 80 ms longer: sending less does not shorten it. */
static void a_longer_way_is_not_a_queue(void **state)
{
	(void)state;
	struct pf_adapt_params p = usual();
	struct pf_adapt a;
	pf_adapt_init(&a, &p, 0);
	uint64_t sent = 0;
	for (uint64_t i = 1; i < 400; i++) {
		sent += 100;
		uint64_t now_ns = i * PF_ADAPT_TICK_NS;
		pf_adapt_on_delivery(&a, sent, now_ns);
		pf_adapt_tick(&a, sent, (i < 100 ? 20 : 100) * MS, now_ns);
	}
	assert_int_equal(pf_adapt_kbps(&a), 20000);
}

static void what_is_pinned_stays(void **state)
{
	(void)state;
	struct pf_adapt_params p = usual();
	p.pin_fec = p.pin_rate = true;
	p.fec_percent = 33;
	struct bench b;
	bench_init(&b, &p);
	b.link_kbps = 5000;
	b.loss_ppm = 100000;
	run(&b, 5 * S);
	assert_int_equal(pf_adapt_fec_percent(&b.a), 33);
	assert_int_equal(pf_adapt_frame_fec(&b.a, true), 33);
	assert_int_equal(pf_adapt_kbps(&b.a), 20000);
}

static void the_ceiling_and_the_floor_hold(void **state)
{
	(void)state;
	struct pf_adapt_params p = usual();
	struct bench b;
	bench_init(&b, &p);
	run(&b, S);
	b.link_kbps = 500;
	run(&b, 60 * S);
	assert_in_range(pf_adapt_kbps(&b.a), PF_ADAPT_FLOOR_KBPS, 2000);
	pf_adapt_set_ceiling(&b.a, 300);
	assert_int_equal(pf_adapt_kbps(&b.a), 300);
	b.link_kbps = 0;
	pf_adapt_set_ceiling(&b.a, 50000);
	run(&b, 90 * S);
	assert_int_equal(pf_adapt_kbps(&b.a), 50000);
}

/* A client may say anything. */
static void survives_a_lying_client(void **state)
{
	(void)state;
	struct pf_adapt_params p = usual();
	struct pf_adapt a;
	pf_adapt_init(&a, &p, 0);
	uint64_t seed = 7;
	for (uint64_t i = 1; i < 20000; i++) {
		uint64_t now_ns = i * PF_ADAPT_TICK_NS;
		if (test_rand(&seed) % 2)
			pf_adapt_on_delivery(&a, test_rand(&seed) >> test_rand(&seed) % 64, now_ns);
		if (test_rand(&seed) % 2)
			pf_adapt_on_loss(&a, (uint32_t)test_rand(&seed), now_ns);
		if (test_rand(&seed) % 2)
			pf_adapt_on_ask(&a, now_ns);
		if (test_rand(&seed) % 500 == 0)
			pf_adapt_set_ceiling(&a, 500 + (uint32_t)test_rand(&seed) % 8000000);
		pf_adapt_tick(&a, i * (test_rand(&seed) % 1000),
			test_rand(&seed) >> test_rand(&seed) % 64, now_ns);
		assert_in_range(pf_adapt_fec_percent(&a), PF_ADAPT_FEC_MIN, PF_ADAPT_FEC_MAX);
		assert_in_range(pf_adapt_kbps(&a), PF_ADAPT_FLOOR_KBPS, a.p.ceiling_kbps);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clean_link_costs_five_percent),
		cmocka_unit_test(parity_is_quick_up_and_slow_down),
		cmocka_unit_test(parity_stays_within_its_limits),
		cmocka_unit_test(asks_raise_parity_where_parity_repairs),
		cmocka_unit_test(video_and_parity_fit_a_narrower_link),
		cmocka_unit_test(a_pacer_is_only_slowed),
		cmocka_unit_test(works_without_delivery_reports),
		cmocka_unit_test(works_without_anything),
		cmocka_unit_test(a_longer_way_is_not_a_queue),
		cmocka_unit_test(what_is_pinned_stays),
		cmocka_unit_test(the_ceiling_and_the_floor_hold),
		cmocka_unit_test(survives_a_lying_client),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
