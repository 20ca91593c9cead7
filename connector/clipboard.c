/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include "connector/internal.h"
#include "core/base/alloc.h"

/* The clipboard as callers see it. The transfers themselves are clip.c's. */

#define OFFER_MAX_LEN \
	(PF_FRAME_PREFIX + 10u + PUNKTFUNK_CLIP_MAX_KINDS * (1u + PF_CLIP_MIME_MAX + 8u))

static int post(struct punktfunk_connection *c, const struct pf_msg *m)
{
	uint8_t buf[OFFER_MAX_LEN];
	int len = pf_msg_write_framed(buf, sizeof(buf), m);
	return len < 0 ? len : session_post(c, false, buf, (size_t)len);
}

int punktfunk_connection_clipboard_control(struct punktfunk_connection *c, int enabled, int files)
{
	struct pf_msg m = {.type = PF_MSG_CLIP_CONTROL, .clip_control = {enabled != 0, files != 0}};
	if (!c)
		return PF_E_NULL;
	struct clip *k = &c->clip;
	pthread_mutex_lock(&k->lock);
	int err = k->closed ? PF_E_CLOSED : post(c, &m);
	if (err == PF_OK)
		k->enabled = enabled != 0;
	if (!enabled) { /* what was copied is nobody's business any more, even if the host is not told */
		k->enabled = false;
		k->theirs = (struct clip_offer){0};
		k->ours = (struct clip_offer){.seq = k->ours.seq};
	}
	pthread_mutex_unlock(&k->lock);
	return err;
}

static int read_offer(struct clip_offer *o, const struct punktfunk_clip_kind *kinds, size_t n_kinds)
{
	for (size_t i = 0; i < n_kinds; i++) {
		size_t len = kinds[i].mime ? strnlen(kinds[i].mime, PF_CLIP_MIME_MAX + 1) : 0;
		if (!len || len > PF_CLIP_MIME_MAX)
			return PF_E_INVALID;
		memcpy(o->mime[i], kinds[i].mime, len + 1);
		o->size_hint[i] = kinds[i].size_hint;
	}
	o->n = (uint32_t)n_kinds;
	return PF_OK;
}

int punktfunk_connection_clipboard_offer(struct punktfunk_connection *c,
	const struct punktfunk_clip_kind *kinds, size_t n_kinds, uint32_t *seq)
{
	struct clip_offer o = {0};
	if (!c || (n_kinds && !kinds))
		return PF_E_NULL;
	if (n_kinds > PUNKTFUNK_CLIP_MAX_KINDS)
		return PF_E_INVALID;
	int err = read_offer(&o, kinds, n_kinds);
	if (err < 0)
		return err;
	struct clip *k = &c->clip;
	pthread_mutex_lock(&k->lock);
	o.seq = k->next_seq + 1;
	struct pf_msg m = {
		.type = PF_MSG_CLIP_OFFER, .clip_offer = {.seq = o.seq, .n_kinds = (uint8_t)o.n}};
	for (uint32_t i = 0; i < o.n; i++)
		m.clip_offer.kinds[i] = (struct pf_clip_kind){
			{(const uint8_t *)o.mime[i], strlen(o.mime[i])}, o.size_hint[i]};
	err = k->closed ? PF_E_CLOSED : k->enabled ? post(c, &m) : PF_E_INVALID;
	if (err == PF_OK) {
		k->ours = o;
		k->next_seq = o.seq;
	}
	pthread_mutex_unlock(&k->lock);
	if (err == PF_OK && seq)
		*seq = o.seq;
	return err;
}

static struct clip_transfer *free_fetch(struct clip *k)
{
	for (unsigned i = 0; i < CLIP_FETCHES; i++)
		if (k->fetches[i].step == CLIP_FREE)
			return &k->fetches[i];
	return NULL;
}

int punktfunk_connection_clipboard_fetch(
	struct punktfunk_connection *c, uint32_t seq, const char *mime, uint32_t file, uint32_t *id)
{
	if (!c || !mime || !id)
		return PF_E_NULL;
	struct pf_msg m = {.type = PF_MSG_CLIP_FETCH,
		.clip_fetch = {
			seq, file, {(const uint8_t *)mime, strnlen(mime, PF_CLIP_MIME_MAX + 1)}}};
	if (!m.clip_fetch.mime.len || pf_msg_framed_len(&m) < 0)
		return PF_E_INVALID;
	struct clip *k = &c->clip;
	uint64_t now = session_now_ns();
	int err = PF_OK;
	pthread_mutex_lock(&k->lock);
	struct clip_transfer *t = free_fetch(k);
	if (k->closed) {
		err = PF_E_CLOSED;
	} else if (!k->enabled) {
		err = PF_E_INVALID;
	} else if (!t) {
		err = PF_E_FULL;
	} else {
		*t = (struct clip_transfer){.step = CLIP_TO_OPEN,
			.id = ++k->next_id,
			.seq = seq,
			.file = file,
			.stream = -1,
			.began_ns = now,
			.moved_ns = now};
		memcpy(t->mime, mime, m.clip_fetch.mime.len);
		*id = t->id;
		atomic_store(&k->work, true);
	}
	pthread_mutex_unlock(&k->lock);
	if (err == PF_OK)
		session_wake(c);
	return err;
}

static struct clip_transfer *find_id(struct clip *k, uint32_t id)
{
	for (unsigned i = 0; i < CLIP_FETCHES; i++)
		if (k->fetches[i].step != CLIP_FREE && k->fetches[i].id == id)
			return &k->fetches[i];
	for (unsigned i = 0; i < CLIP_SERVES; i++)
		if (k->serves[i].step >= CLIP_BODY && k->serves[i].id == id && !k->serves[i].reset)
			return &k->serves[i];
	return NULL;
}

static int fill_serve(
	struct clip *k, struct clip_transfer *t, uint32_t status, const void *data, size_t len)
{
	if (!t || !t->serve || t->step != CLIP_GIVEN)
		return PF_E_INVALID;
	if (len > PUNKTFUNK_CLIP_MAX_BYTES - k->bytes_out)
		return PF_E_FULL;
	if (len) {
		t->data = pf_realloc(NULL, len);
		if (!t->data)
			return PF_E_NOMEM;
		memcpy(t->data, data, len);
	}
	t->len = t->cap = len;
	k->bytes_out += len;
	t->status = status;
	t->step = CLIP_BODY;
	t->moved_ns = session_now_ns();
	atomic_store(&k->work, true);
	return PF_OK;
}

int punktfunk_connection_clipboard_serve(
	struct punktfunk_connection *c, uint32_t id, uint32_t status, const void *data, size_t len)
{
	if (!c || (len && !data))
		return PF_E_NULL;
	if (status > PUNKTFUNK_CLIP_DENIED || (status && len) || len > PUNKTFUNK_CLIP_MAX_BYTES)
		return PF_E_INVALID;
	struct clip *k = &c->clip;
	pthread_mutex_lock(&k->lock);
	int err = k->closed ? PF_E_CLOSED : fill_serve(k, find_id(k, id), status, data, len);
	pthread_mutex_unlock(&k->lock);
	if (err == PF_OK)
		session_wake(c);
	return err;
}

int punktfunk_connection_clipboard_cancel(struct punktfunk_connection *c, uint32_t id)
{
	if (!c)
		return PF_E_NULL;
	struct clip *k = &c->clip;
	pthread_mutex_lock(&k->lock);
	struct clip_transfer *t = find_id(k, id);
	if (t)
		clip_cut(k, t);
	pthread_mutex_unlock(&k->lock);
	session_wake(c);
	return t ? PF_OK : PF_E_INVALID;
}

/* --- next_clipboard --- */

static void free_given(struct clip *k)
{
	k->bytes_in -= k->given_cap;
	k->given_cap = 0;
	pf_free(k->given_data);
	k->given_data = NULL;
}

static bool give_transfer(struct clip *k, struct punktfunk_clip_event *e)
{
	for (unsigned i = 0; i < CLIP_FETCHES; i++) {
		struct clip_transfer *t = &k->fetches[i];
		/* A stream that is still to be cancelled keeps its place. */
		if (t->step != CLIP_DONE || (t->reset && !k->closed))
			continue;
		e->kind = PUNKTFUNK_CLIP_EVENT_DATA;
		e->id = t->id;
		e->seq = t->seq;
		e->status = t->status;
		e->file = t->file;
		if (t->data) {
			t->data[t->len] = 0;
			k->given_data = t->data;
			k->given_cap = t->cap;
			e->data = t->data;
			e->len = t->len;
		}
		memcpy(k->given_mime, t->mime, sizeof(t->mime));
		e->mime = k->given_mime;
		*t = (struct clip_transfer){.stream = -1};
		return true;
	}
	for (unsigned i = 0; i < CLIP_SERVES; i++) {
		struct clip_transfer *t = &k->serves[i];
		if (t->step != CLIP_ASKED || t->reset)
			continue;
		t->step = CLIP_GIVEN;
		e->kind = PUNKTFUNK_CLIP_EVENT_FETCH;
		e->id = t->id;
		e->seq = t->seq;
		e->file = t->file;
		memcpy(k->given_mime, t->mime, sizeof(t->mime));
		e->mime = k->given_mime;
		return true;
	}
	return false;
}

static bool give(struct clip *k, struct punktfunk_clip_event *e)
{
	if (k->state_fresh) {
		k->state_fresh = false;
		e->kind = PUNKTFUNK_CLIP_EVENT_STATE;
		e->status = k->state_on;
		e->reason = k->state_reason;
		return true;
	}
	if (k->theirs.fresh) {
		k->theirs.fresh = false;
		k->given_offer = k->theirs;
		for (uint32_t i = 0; i < k->given_offer.n; i++)
			k->given_kinds[i] = (struct punktfunk_clip_kind){
				k->given_offer.mime[i], k->given_offer.size_hint[i]};
		e->kind = PUNKTFUNK_CLIP_EVENT_OFFER;
		e->seq = k->given_offer.seq;
		e->n_kinds = k->given_offer.n;
		e->kinds = k->given_kinds;
		return true;
	}
	return give_transfer(k, e);
}

int punktfunk_connection_next_clipboard(
	struct punktfunk_connection *c, struct punktfunk_clip_event *out, uint32_t timeout_ms)
{
	if (!c || !out)
		return PF_E_NULL;
	if (out->size < sizeof(out->size))
		return PF_E_INVALID;
	struct clip *k = &c->clip;
	struct punktfunk_clip_event full = {.size = out->size};
	uint64_t until = session_now_ns() + timeout_ms * 1000000ull;
	int err = PF_OK;
	pthread_mutex_lock(&k->lock);
	free_given(k);
	bool given;
	while (!(given = give(k, &full)) && !k->closed && timeout_ms &&
		ring_cond_wait(&k->cond, &k->lock, until))
		;
	if (!given)
		err = k->closed ? PF_E_CLOSED : PF_E_NO_FRAME;
	pthread_mutex_unlock(&k->lock);
	if (err == PF_OK)
		memcpy(out, &full, out->size < sizeof(full) ? out->size : sizeof(full));
	return err;
}
