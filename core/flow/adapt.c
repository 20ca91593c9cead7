/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/flow/adapt.h"

#include "core/base/error.h"

#define PPM	    UINT64_C(1000000)
#define NS_PER_S    UINT64_C(1000000000)
#define NS_PER_MS   UINT64_C(1000000)
#define USUAL_HZ    60u
#define IP_UDP	    28u /* bytes; IPv6 has 20 more, which changes nothing here */
#define SMALL_FIRST 8u	/* blocks of 8 to 20 get one more (packetizer.h) */
#define SMALL_LAST  20u

/* A queue: this much round trip above the least, over two ticks; one frame may always wait for the link. */
#define QUEUE_NS      (10 * NS_PER_MS)
#define SWING_FACTOR  8u
#define SWING_MAX_NS  (100 * NS_PER_MS)
#define OVER_TICKS    2u
#define SEVERE_FACTOR 2u /* times that: at once */
/* The least round trip is that of this period or the last: a route that changed is believed after two. */
#define BASE_PERIOD_NS (10 * NS_PER_S)
#define RTT_MAX_NS     (10 * NS_PER_S) /* QUIC would have given up */
/* What came through is measured over this time, and after a fall also over a shorter one. */
#define RATE_NS (500 * NS_PER_MS)
#define LATE_NS (200 * NS_PER_MS)
/* A queue of so many ms costs so many percent of the rate, until it is gone. */
#define CUT_MIN_PERCENT	   15u
#define CUT_MAX_PERCENT	   50u
#define CUT_MS_PER_PERCENT 4u
#define SETTLE_NS	   (200 * NS_PER_MS)
#define DRAIN_MAX_NS	   (3 * NS_PER_S)
#define UNMOVED_PERCENT	   25u /* more than that missing, and it is a queue that overflows */
#define AFTER_PERCENT	   92u /* of what came through: where it goes on after the queue is gone */
/* Growth a tick, in thousandths: far from the knee, and near it. */
#define GROW_FAR     10u
#define GROW_NEAR    2u
#define NEAR_PERCENT 90u
#define PAST_PERCENT 110u
#define HOLD_NS	     (1 * NS_PER_S)
#define BACKOFF_MAX  4u /* 1, 2, 4, 8, 16 s without growth after congestions at one knee */
#define USED_PERCENT 70u
/* With half a queue, this much missing is congestion too. */
#define MISSING_PERCENT 5u
/* Without any, as at a short queue or a policer, this much is tried with less for a while: if as much is still
 * missing then, it was chance, and is believed to be for half a minute. */
#define TRIAL_PERCENT 15u
#define TRIAL_TICKS   10u
#define TRIAL_NS      (1200 * NS_PER_MS)
#define RANDOM_NS     (30 * NS_PER_S)
/* Losses past repair this close together are one story. */
#define ASKED_NS     NS_PER_S
#define KNEE_PERCENT 3u

/* Pacing */
#define PACE_LIMITED_PERCENT 120u	    /* of the link: a frame comes no later for it */
#define PACE_UNKNOWN_PERCENT 200u	    /* of the stream: a keyframe takes three frames' time */
#define GENTLE_NS	     (5 * NS_PER_S) /* after a loss past repair, and at the beginning */
#define PACE_FRAMES	     3u
#define NARROW_BURST	     12000u /* eight packets */
#define NARROW_SPREAD_NS \
	(500 * NS_PER_MS) /* a keyframe that takes longer comes too late to heal anything */

/* Parity */
#define SIGMAS \
	4u /* above the mean number of lost packets of a frame: one frame in some thousands */
#define BOOST_STEP    5u
#define BOOST_MAX     10u
#define BOOST_MIN_PPM 1000u
#define BOOST_HOLD_NS (5 * NS_PER_S)
#define FALL_NS	      NS_PER_S /* one percent less */
#define CONGESTED_NS  (2 * NS_PER_S)
#define HEAL_EXTRA    20u

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* --- counts --- */

static void add_count(struct pf_adapt_counts *c, uint64_t at_ns, uint64_t packets)
{
	c->newest = (c->newest + 1) % PF_ADAPT_HISTORY;
	c->at[c->newest] = (struct pf_adapt_count){at_ns, packets};
	c->n += c->n < PF_ADAPT_HISTORY;
}

/* kbit/s over the last span_ns or what is known; 0 = too little is. */
static uint32_t rate_over(
	const struct pf_adapt *a, const struct pf_adapt_counts *c, uint64_t span_ns)
{
	const struct pf_adapt_count *last = &c->at[c->newest], *from = NULL;
	for (unsigned i = 1; i < c->n; i++) {
		from = &c->at[(c->newest + PF_ADAPT_HISTORY - i) % PF_ADAPT_HISTORY];
		if (last->at_ns - from->at_ns >= span_ns)
			break;
	}
	if (!from || last->at_ns - from->at_ns < span_ns / 2)
		return 0;
	uint64_t bits = (last->packets - from->packets) * (a->p.packet_len + IP_UDP) * 8;
	return (uint32_t)least(bits * NS_PER_MS / (last->at_ns - from->at_ns), UINT32_MAX / 256);
}

static uint32_t rate_kbps(const struct pf_adapt *a, const struct pf_adapt_counts *c)
{
	return rate_over(a, c, RATE_NS);
}

/* --- the budget --- */

/* What video of kbps is on the wire, parity and headers included. */
static uint64_t wire_kbps(const struct pf_adapt *a, uint32_t kbps, unsigned fec)
{
	uint64_t bytes = (uint64_t)kbps * 125 / a->p.refresh_hz;
	uint64_t k = most((bytes + a->p.shard_payload - 1) / a->p.shard_payload, 1);
	uint64_t m = fec ? most((k * fec + 99) / 100, a->p.min_parity) : 0;
	m += fec && k >= SMALL_FIRST && k <= SMALL_LAST;
	return (k + m) * (a->p.packet_len + IP_UDP) * a->p.refresh_hz / 125;
}

/* The most video that fits the link, between the floor and the ceiling. */
static uint32_t video_kbps(const struct pf_adapt *a)
{
	uint32_t high = a->p.ceiling_kbps;
	uint32_t low = (uint32_t)least(PF_ADAPT_FLOOR_KBPS, high);
	if (!a->limited || a->p.pin_rate || wire_kbps(a, high, a->fec) <= a->link_kbps)
		return high;
	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;
		if (wire_kbps(a, mid, a->fec) <= a->link_kbps)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/* --- delay --- */

static void take_rtt(struct pf_adapt *a, uint64_t rtt_ns, uint64_t now_ns)
{
	if (!rtt_ns)
		return;
	rtt_ns = least(rtt_ns, RTT_MAX_NS);
	if (a->rtt_ns) {
		a->rtt_up_ns = (7 * a->rtt_up_ns + (rtt_ns > a->rtt_ns ? rtt_ns - a->rtt_ns : 0)) /
			8;
		a->rtt_down_ns = (7 * a->rtt_down_ns +
					 (rtt_ns < a->rtt_ns ? a->rtt_ns - rtt_ns : 0)) /
			8;
	}
	a->rtt_ns = rtt_ns;
	/* A queue that stays is no reason to forget how short the way is. */
	if (!a->base_ns[0] || (now_ns >= a->base_until_ns && !a->draining)) {
		a->base_ns[1] = a->base_ns[0];
		a->base_ns[0] = rtt_ns;
		a->base_until_ns = now_ns + BASE_PERIOD_NS;
	}
	a->base_ns[0] = least(a->base_ns[0], rtt_ns);
}

static uint64_t queue_ns(const struct pf_adapt *a)
{
	uint64_t base = a->base_ns[0];
	if (a->base_ns[1])
		base = least(base, a->base_ns[1]);
	return a->rtt_ns - base;
}

/* One frame may wait for the one before it, and a link that swings by itself says less. */
static uint64_t queue_limit_ns(const struct pf_adapt *a)
{
	/* Up and down: a queue that grows goes one way only. */
	uint64_t swing = SWING_FACTOR * least(a->rtt_up_ns, a->rtt_down_ns);
	swing = least(swing, SWING_MAX_NS);
	return NS_PER_S / a->p.refresh_hz + QUEUE_NS + swing;
}

/* --- the rate --- */

/* Percent of what was sent that did not come through lately; 0 = none, or not known. */
static unsigned missing_percent(const struct pf_adapt *a, uint64_t now_ns)
{
	uint32_t out = rate_kbps(a, &a->sent), in = rate_kbps(a, &a->delivered);
	const struct pf_adapt_count *last = &a->delivered.at[a->delivered.newest];
	if (!in || in >= out || now_ns - last->at_ns >= RATE_NS)
		return 0;
	return (unsigned)((uint64_t)(out - in) * 100 / out);
}

static bool is_congested(const struct pf_adapt *a, uint64_t now_ns)
{
	uint64_t queue = queue_ns(a), limit = queue_limit_ns(a);
	if (queue > limit)
		return true;
	return queue > limit / 2 && now_ns - a->asked_ns < ASKED_NS &&
		missing_percent(a, now_ns) > MISSING_PERCENT;
}

static bool is_near(uint32_t x, uint32_t y)
{
	return (uint64_t)x * 100 < (uint64_t)y * 115 && (uint64_t)y * 100 < (uint64_t)x * 115;
}

static void cut(struct pf_adapt *a, uint64_t now_ns)
{
	uint32_t out = rate_kbps(a, &a->sent), in = rate_kbps(a, &a->delivered);
	const struct pf_adapt_count *last = &a->delivered.at[a->delivered.newest];
	/* Without fresh reports: somewhat below what was sent, again and again until the queue is gone. */
	bool fresh = in && now_ns - last->at_ns < RATE_NS;
	uint32_t late = rate_over(a, &a->delivered, LATE_NS);
	in = late && late < in ? late : in;
	uint32_t knee = fresh ? in : (uint32_t)((uint64_t)out * 90 / 100);
	if (!knee)
		return;
	if (!a->draining) {
		bool same = a->knee_kbps && is_near(knee, a->knee_kbps);
		a->backoff = same ? (unsigned)least(a->backoff + 1, BACKOFF_MAX) : 0;
		a->drain_until_ns = now_ns + DRAIN_MAX_NS;
		a->cut_rtt_ns = a->rtt_ns;
		a->was_limited = a->limited;
		a->was_kbps = a->link_kbps;
	}
	a->knee_kbps = knee;
	uint64_t percent = most(queue_ns(a) / NS_PER_MS / CUT_MS_PER_PERCENT, CUT_MIN_PERCENT);
	a->link_kbps = (uint32_t)((uint64_t)knee * (100 - least(percent, CUT_MAX_PERCENT)) / 100);
	a->limited = a->draining = true;
	a->congested_ns = now_ns;
	a->settle_until_ns = now_ns + SETTLE_NS + a->rtt_ns;
}

/* It was not for want of room. */
static void undo_cut(struct pf_adapt *a)
{
	a->draining = a->on_trial = false;
	a->limited = a->was_limited;
	a->link_kbps = a->was_kbps;
	a->over_ticks = a->missing_ticks = 0;
}

static bool is_drained(const struct pf_adapt *a)
{
	return queue_ns(a) <= (NS_PER_S / a->p.refresh_hz + QUEUE_NS) / 2;
}

/* Sending less did not help, and all of it came: another way to the client, or somebody else's queue. */
static bool is_unmoved(const struct pf_adapt *a, uint64_t now_ns)
{
	return a->rtt_ns * 4 > a->cut_rtt_ns * 3 && a->rtt_ns * 2 < a->cut_rtt_ns * 3 &&
		missing_percent(a, now_ns) < UNMOVED_PERCENT;
}

/* The queue is gone, or never will be. */
static void end_drain(struct pf_adapt *a, uint64_t now_ns)
{
	if (!is_drained(a) && is_unmoved(a, now_ns)) {
		a->base_ns[0] = a->base_ns[1] = a->rtt_ns;
		a->base_until_ns = now_ns + BASE_PERIOD_NS;
		undo_cut(a);
		return;
	}
	if (!is_drained(a)) {
		a->drain_until_ns = now_ns + DRAIN_MAX_NS;
		return;
	}
	a->draining = false;
	a->link_kbps = (uint32_t)((uint64_t)a->knee_kbps * AFTER_PERCENT / 100);
	a->grow_at_ns = now_ns + (HOLD_NS << a->backoff);
}

static void end_trial(struct pf_adapt *a, uint64_t now_ns)
{
	if (missing_percent(a, now_ns) > TRIAL_PERCENT / 2) {
		undo_cut(a);
		a->random_until_ns = now_ns + RANDOM_NS;
		return;
	}
	a->on_trial = false;
	end_drain(a, now_ns);
}

/* At a short queue there is no delay to see: growth ends with the first loss that the usual loss does not explain. */
static bool is_at_knee(const struct pf_adapt *a, uint64_t now_ns)
{
	return a->limited && (uint64_t)a->link_kbps * 100 > (uint64_t)a->knee_kbps * NEAR_PERCENT &&
		now_ns - a->asked_ns < ASKED_NS && now_ns >= a->random_until_ns &&
		missing_percent(a, now_ns) >= KNEE_PERCENT + a->loss_ppm / 10000;
}

static bool is_short_of_room(struct pf_adapt *a, uint64_t now_ns)
{
	bool missing = missing_percent(a, now_ns) > TRIAL_PERCENT &&
		now_ns - a->asked_ns < ASKED_NS && now_ns >= a->random_until_ns;
	a->missing_ticks = missing ? a->missing_ticks + 1 : 0;
	return a->missing_ticks >= TRIAL_TICKS;
}

static void grow(struct pf_adapt *a, uint64_t now_ns)
{
	if (now_ns >= a->random_until_ns && missing_percent(a, now_ns) > TRIAL_PERCENT)
		return;
	uint64_t link = a->link_kbps;
	if ((uint64_t)rate_kbps(a, &a->sent) * 100 < link * USED_PERCENT)
		return; /* what is not used proves nothing */
	bool near = link * 100 > (uint64_t)a->knee_kbps * NEAR_PERCENT &&
		link * 100 < (uint64_t)a->knee_kbps * PAST_PERCENT;
	link += most(link * (near ? GROW_NEAR : GROW_FAR) / 1000, 1);
	if (link > wire_kbps(a, a->p.ceiling_kbps, PF_ADAPT_FEC_MAX))
		a->limited = false;
	a->link_kbps = (uint32_t)least(link, UINT32_MAX / 256);
}

static void steer(struct pf_adapt *a, uint64_t now_ns)
{
	a->over_ticks = is_congested(a, now_ns) ? a->over_ticks + 1 : 0;
	bool short_of_room = is_short_of_room(a, now_ns);
	if (now_ns < a->settle_until_ns)
		return;
	if (!a->draining && is_at_knee(a, now_ns))
		a->over_ticks = OVER_TICKS;
	bool severe = queue_ns(a) > SEVERE_FACTOR * queue_limit_ns(a);
	if ((severe || a->over_ticks >= OVER_TICKS) &&
		(!a->draining || now_ns < a->drain_until_ns)) {
		a->on_trial = false;
		cut(a, now_ns);
	} else if (a->on_trial) {
		end_trial(a, now_ns);
	} else if (a->draining) {
		if (is_drained(a) || now_ns >= a->drain_until_ns)
			end_drain(a, now_ns);
	} else if (short_of_room) {
		cut(a, now_ns);
		a->on_trial = true;
		a->settle_until_ns = now_ns + TRIAL_NS;
	} else if (a->limited && now_ns >= a->grow_at_ns && queue_ns(a) <= queue_limit_ns(a) / 2) {
		grow(a, now_ns);
	}
}

/* --- parity --- */

static uint64_t root(uint64_t x)
{
	uint64_t r = 0;
	for (uint64_t bit = UINT64_C(1) << 31; bit; bit >>= 1)
		if ((r + bit) * (r + bit) <= x)
			r += bit;
	return r;
}

/* The least percent that repairs a usual frame of this bitrate all but once in some thousand times. */
static unsigned fec_for_loss(const struct pf_adapt *a)
{
	uint64_t bytes = (uint64_t)a->kbps * 125 / a->p.refresh_hz;
	uint64_t k = most((bytes + a->p.shard_payload - 1) / a->p.shard_payload, 1);
	for (unsigned percent = PF_ADAPT_FEC_MIN; percent < PF_ADAPT_FEC_MAX; percent++) {
		uint64_t m = most((k * percent + 99) / 100, a->p.min_parity);
		uint64_t mean = (k + m) * a->loss_ppm; /* millionths of a packet */
		uint64_t sigma = root(mean * (PPM - a->loss_ppm) / PPM * PPM);
		if (mean + SIGMAS * sigma <= m * PPM)
			return percent;
	}
	return PF_ADAPT_FEC_MAX;
}

static void protect(struct pf_adapt *a, uint64_t now_ns)
{
	if (a->p.pin_fec)
		return;
	if (a->boost && now_ns >= a->boost_until_ns) {
		a->boost--;
		a->boost_until_ns = now_ns + FALL_NS;
	}
	unsigned want = fec_for_loss(a) + a->boost;
	want = want < PF_ADAPT_FEC_MAX ? want : PF_ADAPT_FEC_MAX;
	if (want >= a->fec) {
		a->fec = want;
		a->fall_at_ns = now_ns + FALL_NS;
	} else if (now_ns >= a->fall_at_ns) {
		a->fec--;
		a->fall_at_ns = now_ns + FALL_NS;
	}
}

/* --- outside --- */

void pf_adapt_init(struct pf_adapt *a, const struct pf_adapt_params *params, uint64_t now_ns)
{
	*a = (struct pf_adapt){.p = *params};
	if (!a->p.refresh_hz)
		a->p.refresh_hz = USUAL_HZ;
	pf_check(a->p.shard_payload);
	a->asked_ns = now_ns;
	a->fec = a->p.fec_percent;
	a->kbps = a->p.ceiling_kbps;
}

void pf_adapt_set_mode(
	struct pf_adapt *a, uint32_t refresh_hz, size_t shard_payload, size_t packet_len)
{
	pf_check(shard_payload);
	a->p.refresh_hz = refresh_hz ? refresh_hz : USUAL_HZ;
	a->p.shard_payload = shard_payload;
	a->p.packet_len = packet_len;
}

void pf_adapt_set_ceiling(struct pf_adapt *a, uint32_t kbps)
{
	a->p.ceiling_kbps = kbps;
	a->kbps = video_kbps(a);
}

void pf_adapt_on_loss(struct pf_adapt *a, uint32_t ppm, uint64_t now_ns)
{
	uint32_t loss = (uint32_t)least(ppm, PPM);
	a->has_loss = true;
	/* What a full queue drops is not repaired by filling it more. */
	if (a->congested_ns && now_ns - a->congested_ns < CONGESTED_NS && loss > a->loss_ppm)
		return;
	if (loss > a->loss_ppm)
		a->loss_ppm += (loss - a->loss_ppm + 1) / 2;
	else
		a->loss_ppm -= (a->loss_ppm - loss) / 8;
}

void pf_adapt_on_ask(struct pf_adapt *a, uint64_t now_ns)
{
	a->asked_ns = now_ns;
	if ((a->congested_ns && now_ns - a->congested_ns < CONGESTED_NS) || a->over_ticks)
		return;
	/* A client that reports next to no repairs loses whole bursts, which more parity does not repair. */
	if (a->has_loss && a->loss_ppm < BOOST_MIN_PPM)
		return;
	a->boost = (unsigned)least(a->boost + BOOST_STEP, BOOST_MAX);
	a->boost_until_ns = now_ns + BOOST_HOLD_NS;
}

void pf_adapt_on_delivery(struct pf_adapt *a, uint64_t packets, uint64_t now_ns)
{
	const struct pf_adapt_count *last = &a->delivered.at[a->delivered.newest];
	if (a->delivered.n && (packets < last->packets || now_ns <= last->at_ns))
		return;
	add_count(&a->delivered, now_ns, packets);
}

unsigned pf_adapt_frame_fec(const struct pf_adapt *a, bool heals)
{
	if (!heals || a->p.pin_fec)
		return a->fec;
	return (unsigned)least(a->fec + HEAL_EXTRA, PF_ADAPT_FEC_MAX);
}

struct pf_adapt_pace pf_adapt_get_pace(const struct pf_adapt *a, uint64_t now_ns)
{
	uint64_t kbps = 0;
	if (a->limited)
		kbps = most(a->link_kbps, a->knee_kbps) * PACE_LIMITED_PERCENT / 100;
	else if (now_ns - a->asked_ns < GENTLE_NS)
		kbps = wire_kbps(a, a->kbps, a->fec) * PACE_UNKNOWN_PERCENT / 100;
	return (struct pf_adapt_pace){(uint32_t)least(kbps, UINT32_MAX), a->limited};
}

void pf_adapt_shape(
	struct pf_pacer_params *params, const struct pf_adapt_pace *pace, uint32_t refresh_hz)
{
	uint64_t bps = pace->kbps * UINT64_C(1000);
	if (!bps || (params->rate_bps && params->rate_bps <= bps))
		return;
	params->rate_bps = bps;
	params->max_spread_ns = PACE_FRAMES * NS_PER_S / (refresh_hz ? refresh_hz : USUAL_HZ);
	if (pace->narrow) {
		params->burst_bytes = least(params->burst_bytes, NARROW_BURST);
		params->max_spread_ns = NARROW_SPREAD_NS;
	}
}

void pf_adapt_tick(struct pf_adapt *a, uint64_t sent_packets, uint64_t rtt_ns, uint64_t now_ns)
{
	add_count(&a->sent, now_ns, sent_packets);
	take_rtt(a, rtt_ns, now_ns);
	if (!a->p.pin_rate)
		steer(a, now_ns);
	protect(a, now_ns);
	a->kbps = video_kbps(a);
}
