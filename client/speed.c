/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/speed.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/clock.h"
#include "client/command.h"
#include "client/connect.h"
#include "client/planes.h"
#include "client/run.h"
#include "client/stats.h"

#define FIRST_KBPS    4000u
#define MAX_KBPS      300000u /* unless asked for more: twice what a host sends at most by default */
#define SECONDS	      8u
#define SECONDS_MAX   15u  /* what a host lends for tests at once */
#define STEP_MS_MIN   300u /* shorter ones measure the first burst */
#define STEP_MS_MAX   1000u
#define LOSS_GOOD_PPM 10000u	       /* FEC mends this without effort */
#define QUEUE_GOOD_NS (50 * NS_PER_MS) /* what a link may hold back and not be full */
#define ARRIVED_GOOD  85u   /* percent of what was asked for; the host's clock is not ours */
#define BACK_PERCENT  90u   /* of what arrived: the next try after one that did not get through */
#define SHARE_PERCENT 80u   /* recommended: sound and other people need the rest */
#define VIDEO_KBPS    500u  /* of the session that carries the test; the least there is */
#define SETTLE_MS     500u  /* idle, before and between: queues run empty */
#define STEP_GRACE_MS 6000u /* the library gives up on an answer before */
#define FRAMES	      64u   /* that wait for their host timing */

/* --- the plan --- */

void speed_plan_init(struct speed_plan *p, uint32_t max_kbps, uint32_t seconds)
{
	uint32_t step_ms = seconds * 100;
	*p = (struct speed_plan){.max_kbps = max_kbps, .left_ms = seconds * 1000};
	p->step_ms = step_ms < STEP_MS_MIN ? STEP_MS_MIN
		: step_ms > STEP_MS_MAX	   ? STEP_MS_MAX
					   : step_ms;
}

static uint32_t least(uint64_t a, uint64_t b)
{
	return (uint32_t)(a < b ? a : b);
}

uint32_t speed_plan_next(const struct speed_plan *p)
{
	if (p->n_steps == SPEED_STEPS_MAX || p->left_ms < p->step_ms)
		return 0;
	if (!p->n_steps)
		return least(FIRST_KBPS, p->max_kbps);
	const struct speed_step *last = &p->steps[p->n_steps - 1];
	if (!p->limited)
		return last->asked_kbps < p->max_kbps ? least(2ull * last->asked_kbps, p->max_kbps)
						      : 0;
	/* Coming down, the first that gets through ends it. */
	if (last->good)
		return 0;
	uint32_t lower = least((uint64_t)last->received_kbps * BACK_PERCENT / 100,
		(uint64_t)last->asked_kbps * BACK_PERCENT / 100);
	return lower < VIDEO_KBPS ? 0 : lower;
}

void speed_plan_put(struct speed_plan *p, const struct speed_step *step)
{
	struct speed_step *s = &p->steps[p->n_steps++];
	*s = *step;
	s->good = s->loss_ppm <= LOSS_GOOD_PPM && s->rtt_ns <= p->rest_rtt_ns + QUEUE_GOOD_NS &&
		(uint64_t)s->received_kbps * 100 >= (uint64_t)s->asked_kbps * ARRIVED_GOOD;
	p->left_ms -= p->step_ms < p->left_ms ? p->step_ms : p->left_ms;
	p->limited |= !s->good;
	if (s->good && s->asked_kbps > p->best_kbps)
		p->best_kbps = s->asked_kbps;
}

uint32_t speed_plan_recommend(const struct speed_plan *p)
{
	uint32_t kbps = (uint32_t)((uint64_t)p->best_kbps * SHARE_PERCENT / 100);
	return kbps < VIDEO_KBPS ? 0 : kbps / 500 * 500;
}

/* --- the command --- */

#define SPEED_TABLE(X) \
	X(host, host, NULL, "HOST", 0, 0, \
		"the host: its name, as hosts and discover list it, or its address (port 9777)") \
	X(number, kbps, "kbps", "N", 1000, 8000000, \
		"try no more than this (300000; a host sends twice its --max-bitrate at most)") \
	X(number, seconds, "seconds", "S", 2, SECONDS_MAX, "send filler for so long in all (8)") \
	X(pin, pin, "pin", "HEX", 0, 0, \
		"the SHA-256 of the host's certificate; known_hosts is not used") \
	X(flag, json, "json", NULL, 0, 0, "print a JSON object") \
	ARGS_COMMON(X)

struct speed_options {
#define FIELD(kind, field, ...) ARGS_TYPE_##kind field;
	SPEED_TABLE(FIELD)
#undef FIELD
};

static const struct args_rule rules[] = {
#define RULE(kind, field, name, meta, min, max, help) \
	{name, meta, help, args_parse_##kind, offsetof(struct speed_options, field), min, max},
	SPEED_TABLE(RULE)
#undef RULE
};
#define N_RULES (sizeof(rules) / sizeof(rules[0]))

static char *help(void)
{
	return args_help(
		"Usage: punktfunk-client speed-test HOST [options]\n"
		"Has the host send filler, faster and faster, and says what gets through.\n\n"
		"Options:\n",
		rules, N_RULES,
		"\nExit codes:\n"
		"  0  measured\n"
		"  1  the command line is wrong\n"
		"  2  could not connect\n"
		"  3  the host did not let this client in, or refused the test\n"
		"  4  the host's certificate is not the known one, or a file cannot be trusted\n"
		"  5  the host was lost, or nothing got through\n"
		"  6  the result could not be written\n");
}

struct frame {
	uint64_t pts_ns, complete_ns;
};

struct test {
	struct punktfunk_connection *connection;
	struct planes planes;
	struct speed_plan plan;
	struct frame frames[FRAMES]; /* a ring */
	uint64_t n_frames;
	int64_t transit_ns; /* of the frame before: host sent to all here, of two clocks */
	bool has_transit;
	double jitter_sum_ns;
	uint64_t n_jitter;
	bool ended;
};

/* How evenly frames cross: what changes from one to the next, less what the host says that it took itself. */
static void take_timing(struct test *t, const struct punktfunk_host_timing *timing)
{
	for (size_t i = 0; i < FRAMES; i++) {
		const struct frame *f = &t->frames[i];
		if (f->pts_ns != timing->pts_ns || !f->pts_ns)
			continue;
		int64_t transit = (int64_t)(f->complete_ns - f->pts_ns) - timing->host_us * 1000ll;
		if (t->has_transit) {
			t->jitter_sum_ns += fabs((double)(transit - t->transit_ns));
			t->n_jitter++;
		}
		t->transit_ns = transit;
		t->has_transit = true;
		return;
	}
}

static uint64_t rtt_ns(const struct test *t)
{
	struct punktfunk_stats s = {.size = sizeof(s)};
	punktfunk_connection_get_stats(t->connection, &s);
	return s.rtt_ns;
}

/* Takes what comes for so long, or until the step is done; returns the longest round trip. */
static uint64_t receive(struct test *t, uint32_t ms, bool step)
{
	uint64_t until = clock_mono_ns() + ms * NS_PER_MS, longest = 0;
	while (clock_mono_ns() < until && !t->ended && !(step && t->planes.speed_done)) {
		struct punktfunk_frame f = {.size = sizeof(f)};
		int err = punktfunk_connection_next_au(t->connection, &f, 10);
		if (!err)
			t->frames[t->n_frames++ % FRAMES] = (struct frame){f.pts_ns, f.complete_ns};
		t->ended = err && err != PUNKTFUNK_E_NO_FRAME;
		struct punktfunk_host_timing timing = {.size = sizeof(timing)};
		while (punktfunk_connection_next_host_timing(t->connection, &timing, 0) ==
			PUNKTFUNK_OK)
			take_timing(t, &timing);
		planes_poll(&t->planes, t->connection);
		uint64_t rtt = rtt_ns(t);
		longest = rtt > longest ? rtt : longest;
	}
	return longest;
}

/* One step. Returns EXIT_FINE or a code; then it was said why. */
static int run_step(struct test *t, uint32_t kbps, bool show)
{
	struct punktfunk_probe_result result = {.size = sizeof(result)};
	struct speed_step step = {.asked_kbps = kbps};
	t->planes.speed_done = false;
	int err = punktfunk_connection_speed_test(t->connection, kbps, t->plan.step_ms);
	if (!err)
		step.rtt_ns = receive(t, t->plan.step_ms + STEP_GRACE_MS, true);
	if (t->ended || (!err && !t->planes.speed_done) ||
		(err && err != PUNKTFUNK_E_INVALID && err != PUNKTFUNK_E_FULL)) {
		run_say("The host was lost in the middle of the test (%s); check the network and "
			"try again.",
			punktfunk_connection_end_message(t->connection));
		return EXIT_ENDED;
	}
	if (!err)
		err = punktfunk_connection_probe_result(t->connection, &result);
	if (err || result.declined) {
		run_say("The host sends no filler now: it does no speed tests, or had its share of "
			"them just now. Wait a minute and try again.");
		return EXIT_REFUSED;
	}
	step.received_kbps = result.received_kbps;
	/* Where its own system threw packets away, the host is what limits. */
	uint64_t all = (uint64_t)result.sent_packets + result.send_dropped;
	uint64_t lost = all - least(result.received_packets, all);
	step.loss_ppm = all ? (uint32_t)(lost * 1000000 / all) : 0;
	speed_plan_put(&t->plan, &step);
	if (show)
		fprintf(stderr,
			"  %7.1f Mbit/s of filler, %7.1f with its headers and repair data  lost "
			"%5.2f %%  rtt %5.1f ms\n",
			kbps / 1e3, step.received_kbps / 1e3, step.loss_ppm / 1e4,
			(double)step.rtt_ns / 1e6);
	return EXIT_FINE;
}

static int measure(struct test *t, bool show)
{
	uint32_t kbps;
	int code = EXIT_FINE;
	receive(t, SETTLE_MS, false);
	t->plan.rest_rtt_ns = rtt_ns(t);
	while (!code && (kbps = speed_plan_next(&t->plan))) {
		code = run_step(t, kbps, show);
		if (!code && !t->plan.steps[t->plan.n_steps - 1].good)
			receive(t, SETTLE_MS, false);
	}
	/* What was measured before the host had enough is still true. */
	return code == EXIT_REFUSED && t->plan.n_steps ? EXIT_FINE : code;
}

/* The step that the result rests on: the fastest that got through, or the last one. */
static const struct speed_step *best_step(const struct speed_plan *p)
{
	const struct speed_step *best = &p->steps[p->n_steps - 1];
	for (size_t i = 0; i < p->n_steps; i++)
		if (p->steps[i].good && p->steps[i].asked_kbps == p->best_kbps)
			best = &p->steps[i];
	return best;
}

static double jitter_ms(const struct test *t)
{
	return t->n_jitter ? t->jitter_sum_ns / (double)t->n_jitter / 1e6 : 0;
}

static void print_json(const struct test *t, const struct connect *c)
{
	const struct speed_plan *p = &t->plan;
	const struct speed_step *best = best_step(p);
	char *host = stats_quote(c->target.host);
	printf("{\"host\": %s, \"port\": %u, \"throughput_kbps\": %u, \"limited\": %s, "
	       "\"loss_ppm\": %u, \"rtt_ms\": %.3f, \"rtt_loaded_ms\": %.3f, \"jitter_ms\": %.3f, "
	       "\"recommended_kbps\": %u, \"steps\": [",
		host ? host : "null", c->target.port, best->received_kbps,
		p->limited ? "true" : "false", best->loss_ppm, (double)p->rest_rtt_ns / 1e6,
		(double)best->rtt_ns / 1e6, jitter_ms(t), speed_plan_recommend(p));
	for (size_t i = 0; i < p->n_steps; i++)
		printf("%s\n  {\"asked_kbps\": %u, \"received_kbps\": %u, \"loss_ppm\": %u, "
		       "\"rtt_ms\": %.3f, \"good\": %s}",
			i ? "," : "", p->steps[i].asked_kbps, p->steps[i].received_kbps,
			p->steps[i].loss_ppm, (double)p->steps[i].rtt_ns / 1e6,
			p->steps[i].good ? "true" : "false");
	puts("\n]}");
	free(host);
}

static void print_text(const struct test *t)
{
	const struct speed_plan *p = &t->plan;
	const struct speed_step *best = best_step(p);
	uint32_t recommended = speed_plan_recommend(p);
	printf("Throughput   %s%.1f Mbit/s\n"
	       "Loss         %.2f %% at that rate\n"
	       "Round trip   %.1f ms at rest, %.1f ms at that rate\n"
	       "Jitter       %.2f ms\n",
		p->limited ? "" : "at least ", best->received_kbps / 1e3, best->loss_ppm / 1e4,
		(double)p->rest_rtt_ns / 1e6, (double)best->rtt_ns / 1e6, jitter_ms(t));
	if (recommended)
		printf("Recommended  --bitrate %u\n", recommended);
	else
		printf("Recommended  nothing: not even %u kbit/s got through\n",
			p->steps[p->n_steps - 1].asked_kbps);
}

static int test(const struct speed_options *o, struct connect *c)
{
	struct test t = {0};
	char message[CONNECT_MESSAGE_MAX];
	int code = connect_open(c, &t.connection, message);
	if (message[0])
		run_say("%s", message);
	if (code)
		return code;
	planes_init(&t.planes, true);
	speed_plan_init(&t.plan, o->kbps, o->seconds);
	code = measure(&t, !o->json);
	if (!code) {
		if (o->json)
			print_json(&t, c);
		else
			print_text(&t);
		code = fflush(stdout) != 0 ? EXIT_OUTPUT
			: t.plan.best_kbps ? EXIT_FINE
					   : EXIT_ENDED;
	}
	punktfunk_connection_disconnect_quit(t.connection);
	punktfunk_connection_close(t.connection);
	return code;
}

static int run(const struct speed_options *o)
{
	const struct options stream = {.host = o->host,
		.pin = o->pin,
		.mode = {.width = 640, .height = 360, .refresh_hz = 60},
		.bitrate = VIDEO_KBPS};
	char message[CONNECT_MESSAGE_MAX];
	struct connect c;
	int code = connect_prepare(&c, &stream, message);
	if (code)
		run_say("%s", message);
	else
		code = test(o, &c);
	connect_finish(&c);
	return code;
}

int speed_command(int argc, char **argv)
{
	struct speed_options o = {.kbps = MAX_KBPS, .seconds = SECONDS};
	char message[ARGS_MESSAGE_MAX];
	int err = args_parse(rules, N_RULES, &o, argc, argv, message);
	if (!err && !o.help && !o.version && !o.host)
		err = args_fail(
			message, "Say which host to test: punktfunk-client speed-test HOST.");
	if (err) {
		run_say("%s", message);
		return EXIT_USAGE;
	}
	if (o.help)
		return command_help(help());
	return o.version ? command_version() : run(&o);
}
