/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/audio/pace.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW_FRAMES AUDIO_RATE_HZ /* a second: long enough for the beat of portions and packets */
/* More than that too much is no drift: the reader stood still. It is left out at once. */
#define EXCESS_MAX (AUDIO_RATE_HZ * 40u / 1000u)
/* A pause that is shorter was none: the producer came late. */
#define GAP_NS 200000000ull
/* Windows without a gap, after which a smaller margin is tried. */
#define CALM_WINDOWS 30u

int audio_pace_init(struct audio_pace *p, unsigned channels)
{
	memset(p, 0, sizeof(*p));
	if (!channels || channels > AUDIO_MAX_CHANNELS)
		return PF_E_INVALID;
	p->channels = channels;
	p->margin = AUDIO_PACE_MARGIN;
	p->ring = calloc((size_t)AUDIO_PACE_FRAMES * channels, sizeof(float));
	return p->ring ? PF_OK : PF_E_NOMEM;
}

void audio_pace_finish(struct audio_pace *p)
{
	free(p->ring);
	p->ring = NULL;
}

static float *ring_at(struct audio_pace *p, uint32_t frame)
{
	return p->ring + (size_t)(frame % AUDIO_PACE_FRAMES) * p->channels;
}

/* Frames from here to the ring's end. */
static uint32_t until_wrap(uint32_t frame, uint32_t n)
{
	uint32_t most = AUDIO_PACE_FRAMES - frame % AUDIO_PACE_FRAMES;
	return n < most ? n : most;
}

void audio_pace_push(struct audio_pace *p, const float *samples, uint32_t n_frames, uint64_t now_ns)
{
	uint32_t head = atomic_load_explicit(&p->head, memory_order_relaxed);
	uint32_t room = AUDIO_PACE_FRAMES -
		(head - atomic_load_explicit(&p->tail, memory_order_acquire));
	if (n_frames > room) {
		atomic_fetch_add_explicit(&p->n_lost, n_frames - room, memory_order_relaxed);
		n_frames = room;
	}
	if (n_frames > atomic_load_explicit(&p->portion, memory_order_relaxed))
		atomic_store_explicit(&p->portion, n_frames, memory_order_relaxed);
	size_t frame_bytes = p->channels * sizeof(float);
	uint32_t first = until_wrap(head, n_frames);
	memcpy(ring_at(p, head), samples, first * frame_bytes);
	memcpy(p->ring, samples + (size_t)first * p->channels, (n_frames - first) * frame_bytes);
	atomic_store_explicit(&p->head, head + n_frames, memory_order_release);
	atomic_store_explicit(&p->pushed_ns, now_ns, memory_order_release);
}

static uint32_t available(const struct audio_pace *p)
{
	return atomic_load_explicit(&p->head, memory_order_acquire) -
		atomic_load_explicit(&p->tail, memory_order_relaxed);
}

static void consume(struct audio_pace *p, uint32_t n)
{
	uint32_t silent = n < p->lead ? n : p->lead;
	p->lead -= silent;
	atomic_fetch_add_explicit(&p->tail, n - silent, memory_order_release);
}

/* The next n frames, of which there are as many, without taking them. */
static void peek(struct audio_pace *p, float *out, uint32_t n)
{
	size_t frame_bytes = p->channels * sizeof(float);
	uint32_t silent = n < p->lead ? n : p->lead;
	memset(out, 0, silent * frame_bytes);
	out += (size_t)silent * p->channels;
	n -= silent;
	uint32_t tail = atomic_load_explicit(&p->tail, memory_order_relaxed);
	uint32_t first = until_wrap(tail, n);
	memcpy(out, ring_at(p, tail), first * frame_bytes);
	memcpy(out + (size_t)first * p->channels, p->ring, (n - first) * frame_bytes);
}

static void new_window(struct audio_pace *p)
{
	p->low = UINT32_MAX;
	p->n_window = 0;
}

void audio_pace_begin(struct audio_pace *p, uint32_t packet)
{
	pf_check(packet && packet <= AUDIO_MAX_PACKET);
	p->packet = packet;
	p->running = false;
	p->lead = 0;
	p->steps = 0;
	p->dry_ns = 0;
	consume(p, available(p));
	new_window(p);
}

/* from 0 to 1, or the other way round. */
static void ramp(const struct audio_pace *p, float *out, uint32_t n, bool up)
{
	for (uint32_t i = 0; i < n; i++) {
		float gain = (float)(up ? i : n - 1 - i) / (float)n;
		for (unsigned c = 0; c < p->channels; c++)
			out[(size_t)i * p->channels + c] *= gain;
	}
}

/* Enough that the next portion, if it comes in time, finds the margin. */
static void end_pause(struct audio_pace *p, uint32_t there, uint64_t now_ns)
{
	if (p->dry_ns && now_ns - p->dry_ns < GAP_NS) {
		p->n_gaps++;
		p->n_calm = 0;
		p->margin = p->margin > AUDIO_PACE_MARGIN_MAX / 2 ? AUDIO_PACE_MARGIN_MAX
								  : p->margin * 2;
	}
	uint32_t portion = atomic_load_explicit(&p->portion, memory_order_relaxed);
	uint32_t wanted = p->packet + portion + p->margin;
	if (wanted > AUDIO_PACE_FRAMES / 2)
		wanted = AUDIO_PACE_FRAMES / 2;
	p->lead = wanted > there ? wanted - there : 0;
	if (there > wanted)
		consume(p, there - wanted);
	p->running = true;
	p->fade = true;
	p->steps = 0;
	new_window(p);
}

static void run_dry(struct audio_pace *p, float *out, uint32_t level, uint64_t now_ns)
{
	peek(p, out, level);
	ramp(p, out, level, false);
	memset(out + (size_t)level * p->channels, 0,
		(size_t)(p->packet - level) * p->channels * sizeof(float));
	consume(p, level);
	p->running = false;
	p->dry_ns = now_ns;
	atomic_store_explicit(&p->portion, 0, memory_order_relaxed);
}

/* m frames of in, and the one after them, as n frames. */
static void stretch(const struct audio_pace *p, float *out, uint32_t n, const float *in, uint32_t m)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = i * m / n;
		float part = (float)(i * m % n) / (float)n;
		for (unsigned c = 0; c < p->channels; c++) {
			float a = in[(size_t)at * p->channels + c];
			float b = in[(size_t)(at + 1) * p->channels + c];
			out[(size_t)i * p->channels + c] = a + (b - a) * part;
		}
	}
}

static void take_packet(struct audio_pace *p, float *out, uint32_t level)
{
	uint32_t n = p->packet, m = n;
	if (p->steps > 0 && level > n + 1)
		m = n + 1;
	else if (p->steps < 0)
		m = n - 1;
	if (m == n) {
		peek(p, out, n);
	} else {
		peek(p, p->scratch, m + 1);
		stretch(p, out, n, p->scratch, m);
		p->steps += m < n ? 1 : -1;
		p->n_stepped++;
	}
	consume(p, m);
}

/*
 * How old the sound at the packet's end is, in frames: what is left, and what has been played since the last
 * portion came. Between portions it stays as it is, so it tells the drift of the clocks at once, where the level
 * alone would hide it until a whole portion is missing. The time is read before the level: a portion that comes
 * in between makes it too old, and the least is what counts.
 */
static uint32_t age(const struct audio_pace *p, uint64_t now_ns)
{
	uint64_t pushed_ns = atomic_load_explicit(&p->pushed_ns, memory_order_acquire);
	uint64_t since_ns = now_ns > pushed_ns ? now_ns - pushed_ns : 0;
	if (since_ns > GAP_NS)
		since_ns = GAP_NS;
	return p->lead + available(p) + (uint32_t)(since_ns * AUDIO_RATE_HZ / 1000000000u);
}

/* Once a window: the least says how far the clocks have gone apart, lateness included. */
static void correct(struct audio_pace *p)
{
	if (++p->n_calm >= CALM_WINDOWS) {
		p->n_calm = 0;
		p->margin -= p->margin / 4;
		if (p->margin < AUDIO_PACE_MARGIN_MIN)
			p->margin = AUDIO_PACE_MARGIN_MIN;
	}
	uint32_t aim = p->margin + atomic_load_explicit(&p->portion, memory_order_relaxed);
	int32_t excess = (int32_t)p->low - (int32_t)aim;
	int32_t slack = (int32_t)(p->margin / 2); /* the window's own noise */
	p->steps = excess > slack || excess < -slack ? excess : 0;
	new_window(p);
}

bool audio_pace_pull(struct audio_pace *p, float *out, uint64_t now_ns)
{
	uint32_t there = available(p);
	if (!p->running && !there) {
		memset(out, 0, (size_t)p->packet * p->channels * sizeof(float));
		return false;
	}
	if (!p->running)
		end_pause(p, there, now_ns);
	uint32_t level = p->lead + available(p);
	if (level < p->packet) {
		run_dry(p, out, level, now_ns);
		return level > 0;
	}
	uint32_t most = p->packet + p->margin + EXCESS_MAX +
		atomic_load_explicit(&p->portion, memory_order_relaxed);
	if (level > most) {
		p->n_skipped += level - (most - EXCESS_MAX);
		consume(p, level - (most - EXCESS_MAX));
		level = most - EXCESS_MAX;
		p->fade = true;
	}
	take_packet(p, out, level);
	if (p->fade)
		ramp(p, out, p->packet, true);
	p->fade = false;
	uint32_t old = age(p, now_ns);
	p->low = old < p->low ? old : p->low;
	if (++p->n_window * p->packet >= WINDOW_FRAMES)
		correct(p);
	return true;
}

uint64_t audio_pace_delay_ns(const struct audio_pace *p)
{
	uint64_t frames = p->packet + p->margin +
		atomic_load_explicit(&p->portion, memory_order_relaxed);
	return frames * 1000000000u / AUDIO_RATE_HZ;
}
