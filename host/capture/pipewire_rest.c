/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/capture/pipewire_rest.h"

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void pipewire_rest_note(
	struct pipewire_rest *r, uint64_t n_taken, uint64_t n_words, uint64_t now_ns)
{
	if (n_words != r->words_seen) {
		r->words_seen = n_words;
		r->word_ns = now_ns;
		r->doubted = true;
	}
	r->came = n_taken != r->n_seen;
	if (!r->came)
		return;
	r->n_seen = n_taken;
	r->n_flow = now_ns - r->changed_ns < FLOW_GAP_NS ? r->n_flow + 1 : 0;
	r->changed_ns = now_ns;
	r->owed = !r->asked_ns; /* else it is the answer */
	r->doubted = false;
	r->asked_ns = r->n_asked = 0;
}

uint64_t pipewire_rest_first_due(const struct pipewire_rest *r, uint64_t since_ns)
{
	return r->n_asked < MAX_ASKED ? later(r->asked_ns, since_ns) + FIRST_NS : UINT64_MAX;
}

uint64_t pipewire_rest_due(const struct pipewire_rest *r)
{
	if (r->asked_ns && r->n_asked < MAX_ASKED)
		return r->asked_ns + FIRST_NS;
	if (r->owed && r->words_seen)
		return r->changed_ns + REST_NS;
	return r->doubted ? later(r->word_ns + REST_NS, r->last_ask_ns + DOUBT_NS) : UINT64_MAX;
}

void pipewire_rest_asked(struct pipewire_rest *r, uint64_t now_ns)
{
	r->owed = r->doubted = false;
	r->asked_ns = r->last_ask_ns = now_ns;
	r->n_asked++;
}
