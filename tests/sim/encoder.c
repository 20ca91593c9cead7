/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/sim/encoder.h"

#include "tests/sim/link.h"

#define KEYFRAME_GAP_NS (50 * SIM_MS)
#define ANCHOR_GAP_NS	(20 * SIM_MS)
#define KEYFRAME_FACTOR 6u
#define FRAME_MIN	200u
#define N_HEALED	8u

void model_init(struct model *m, uint32_t hz, bool rfi)
{
	*m = (struct model){.hz = hz, .rfi = rfi, .seed = 44, .want_keyframe = true};
}

static bool is_healed(const struct model *m, uint32_t first, uint32_t last)
{
	for (unsigned i = 0; i < N_HEALED && i < m->n_healed; i++)
		if (first >= m->healed[i].from && last < m->healed[i].at)
			return true;
	return false;
}

static void note_healed(struct model *m, uint32_t from, uint32_t at)
{
	m->healed[m->n_healed % N_HEALED].from = from;
	m->healed[m->n_healed++ % N_HEALED].at = at;
}

void model_ask_keyframe(struct model *m)
{
	m->want_keyframe = true;
}

void model_lost(struct model *m, uint32_t first, uint32_t last)
{
	if (!m->rfi) {
		m->want_keyframe = true;
		return;
	}
	if (first >= m->next || is_healed(m, first, last))
		return;
	uint32_t back = m->next - first; /* the frames that cannot be referred to: 1 = the newest */
	m->usable &= back < 32 ? UINT32_MAX << back : 0;
	if (!m->usable) {
		m->want_keyframe = true;
		return;
	}
	if (!m->want_anchor || first < m->anchor_from)
		m->anchor_from = first;
	m->want_anchor = true;
}

uint64_t model_due_ns(const struct model *m)
{
	uint64_t at = UINT64_MAX;
	if (m->want_keyframe)
		at = m->next_keyframe_ns;
	if (m->want_anchor && m->next_anchor_ns < at)
		at = m->next_anchor_ns;
	return at;
}

/* Around the budget's share of a frame, less what the frames before took above it. */
static uint32_t choose_len(struct model *m, const struct model_frame *f, uint32_t kbps)
{
	uint64_t share = (uint64_t)kbps * 125 / m->hz;
	uint64_t len = share * (70 + sim_below(&m->seed, 61)) / 100;
	if (f->keyframe)
		len = share * KEYFRAME_FACTOR;
	else if (f->anchor)
		len = len * (100 + 5 * (f->index - f->ref)) / 100;
	uint64_t pay = m->debt / 8;
	if (!f->keyframe && pay) {
		pay = pay < len / 2 ? pay : len / 2;
		len -= pay;
	}
	len = len > FRAME_MIN ? len : FRAME_MIN;
	m->debt = m->debt + len > share ? m->debt + len - share : 0;
	return (uint32_t)len;
}

struct model_frame *model_encode(struct model *m, uint32_t kbps, uint64_t now_ns)
{
	struct model_frame *f = &m->frames[m->next % MODEL_KEEP];
	*f = (struct model_frame){.index = m->next, .ref = MODEL_NONE};
	f->keyframe = !m->next || (m->want_keyframe && now_ns >= m->next_keyframe_ns);
	if (!f->keyframe) {
		uint32_t back = 0;
		while (back < MODEL_DEPTH && !(m->usable >> back & 1))
			back++;
		f->ref = m->next - 1 - back;
		f->anchor = m->want_anchor;
	}
	f->len = choose_len(m, f, kbps);
	if (f->keyframe) {
		m->want_keyframe = false;
		m->usable = 0;
		m->next_keyframe_ns = now_ns + KEYFRAME_GAP_NS;
		note_healed(m, 0, m->next);
	} else if (f->anchor) {
		m->next_anchor_ns = now_ns + ANCHOR_GAP_NS;
		note_healed(m, m->anchor_from, m->next);
	}
	m->want_anchor = false;
	m->usable = (m->usable << 1 | 1) & ((1u << MODEL_DEPTH) - 1);
	m->next++;
	return f;
}

const struct model_frame *model_frame(const struct model *m, uint32_t index)
{
	const struct model_frame *f = &m->frames[index % MODEL_KEEP];
	return m->next && f->index == index ? f : NULL;
}
