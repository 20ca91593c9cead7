/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include "connector/internal.h"

/* Rumble is state: of each pad the newest counts, and what is not refreshed in its time ends. */

/* As in sound.c: no packet is overtaken by so much. */
#define RESTART_NS 500000000ull

int rumble_init(struct rumble_table *t)
{
	*t = (struct rumble_table){0};
	if (pthread_mutex_init(&t->lock, NULL))
		return PF_E_NOMEM;
	if (ring_cond_init(&t->cond) < 0) {
		pthread_mutex_destroy(&t->lock);
		return PF_E_NOMEM;
	}
	t->ready = true;
	return PF_OK;
}

void rumble_finish(struct rumble_table *t)
{
	if (!t->ready)
		return;
	pthread_cond_destroy(&t->cond);
	pthread_mutex_destroy(&t->lock);
	t->ready = false;
}

static bool differs(const struct pf_rumble *a, const struct pf_rumble *b)
{
	return a->low != b->low || a->high != b->high || a->left_trigger != b->left_trigger ||
		a->right_trigger != b->right_trigger;
}

static void still(struct rumble_pad *p)
{
	p->now.low = p->now.high = p->now.left_trigger = p->now.right_trigger = 0;
	p->ends_ns = UINT64_MAX;
}

static bool is_old(const struct rumble_pad *p, const struct pf_rumble *r, uint64_t now_ns)
{
	return p->known && p->now.has_ttl && r->has_ttl && (uint8_t)(r->seq - p->now.seq) > 127 &&
		now_ns - p->seen_ns < RESTART_NS;
}

void rumble_take(struct rumble_table *t, const struct pf_rumble *r, uint64_t now_ns)
{
	if (r->pad >= PF_PADS)
		return;
	pthread_mutex_lock(&t->lock);
	struct rumble_pad *p = &t->pads[r->pad];
	if (!is_old(p, r, now_ns)) {
		p->known = true;
		p->seen_ns = now_ns;
		p->now = *r;
		p->ends_ns = r->has_ttl && r->ttl_ms ? now_ns + r->ttl_ms * 1000000ull : UINT64_MAX;
		pthread_cond_signal(&t->cond);
	}
	pthread_mutex_unlock(&t->lock);
}

void rumble_close(struct rumble_table *t)
{
	pthread_mutex_lock(&t->lock);
	t->closed = true;
	for (unsigned i = 0; i < PF_PADS; i++)
		still(&t->pads[i]);
	pthread_cond_broadcast(&t->cond);
	pthread_mutex_unlock(&t->lock);
}

/* What has changed, or NULL; *wake_ns: when to look again. */
static struct rumble_pad *changed(struct rumble_table *t, uint64_t now_ns, uint64_t *wake_ns)
{
	for (unsigned i = 0; i < PF_PADS; i++) {
		struct rumble_pad *p = &t->pads[(t->next + i) % PF_PADS];
		if (p->ends_ns <= now_ns)
			still(p);
		if (differs(&p->now, &p->given)) {
			t->next = (t->next + i + 1) % PF_PADS;
			return p;
		}
		if (p->ends_ns < *wake_ns)
			*wake_ns = p->ends_ns;
	}
	return NULL;
}

static int wait_change(struct rumble_table *t, struct punktfunk_rumble *full, uint32_t timeout_ms)
{
	uint64_t now = session_now_ns(), until = now + timeout_ms * 1000000ull;
	for (;;) {
		uint64_t wake = until;
		struct rumble_pad *p = changed(t, now, &wake);
		if (p) {
			p->given = p->now;
			full->pad = (uint32_t)(p - t->pads);
			full->low = p->now.low;
			full->high = p->now.high;
			full->left_trigger = p->now.left_trigger;
			full->right_trigger = p->now.right_trigger;
			return PF_OK;
		}
		if (t->closed)
			return PF_E_CLOSED;
		if (now >= until)
			return PF_E_NO_FRAME;
		ring_cond_wait(&t->cond, &t->lock, wake);
		now = session_now_ns();
	}
}

int punktfunk_connection_next_rumble(
	struct punktfunk_connection *c, struct punktfunk_rumble *out, uint32_t timeout_ms)
{
	if (!c || !out)
		return PF_E_NULL;
	if (out->size < sizeof(out->size))
		return PF_E_INVALID;
	struct punktfunk_rumble full = {.size = out->size};
	pthread_mutex_lock(&c->side.rumble.lock);
	int err = wait_change(&c->side.rumble, &full, timeout_ms);
	pthread_mutex_unlock(&c->side.rumble.lock);
	if (err == PF_OK)
		memcpy(out, &full, out->size < sizeof(full) ? out->size : sizeof(full));
	return err;
}
