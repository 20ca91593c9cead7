/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "connector/clip.h"

#include <string.h>

#include "connector/internal.h"
#include "core/base/alloc.h"
#include "core/base/bytes.h"

/* The clipboard on the library's thread: streams in and out. What callers do lies in clipboard.c. */

#define FIRST_ROOM 4096u /* bytes taken for a content whose size is not known */

int clip_init(struct clip *k)
{
	if (pthread_mutex_init(&k->lock, NULL))
		return PF_E_NOMEM;
	if (ring_cond_init(&k->cond) < 0) {
		pthread_mutex_destroy(&k->lock);
		return PF_E_NOMEM;
	}
	k->ready = true;
	return PF_OK;
}

static void drop_data(struct clip *k, struct clip_transfer *t)
{
	*(t->serve ? &k->bytes_out : &k->bytes_in) -= t->cap;
	pf_free(t->data);
	t->data = NULL;
	t->len = t->cap = t->sent = 0;
}

void clip_finish(struct clip *k)
{
	if (!k->ready)
		return;
	for (unsigned i = 0; i < CLIP_FETCHES; i++)
		drop_data(k, &k->fetches[i]);
	for (unsigned i = 0; i < CLIP_SERVES; i++)
		drop_data(k, &k->serves[i]);
	pf_free(k->given_data);
	pthread_cond_destroy(&k->cond);
	pthread_mutex_destroy(&k->lock);
	k->ready = false;
}

/* A fetch has come to its end, good or bad. */
static void finish_fetch(struct clip *k, struct clip_transfer *t, uint32_t status)
{
	t->status = status;
	t->step = CLIP_DONE;
	if (status != PUNKTFUNK_CLIP_OK) {
		drop_data(k, t);
		t->reset = t->stream >= 0;
		atomic_store(&k->work, true);
	}
	pthread_cond_signal(&k->cond);
}

void clip_cut(struct clip *k, struct clip_transfer *t)
{
	if (!t->serve) {
		if (t->step != CLIP_DONE)
			finish_fetch(k, t, PUNKTFUNK_CLIP_CUT);
		return;
	}
	drop_data(k, t);
	t->step = CLIP_BODY; /* nothing is read of it any more */
	t->reset = true;
	atomic_store(&k->work, true);
}

void clip_close(struct clip *k)
{
	pthread_mutex_lock(&k->lock);
	k->closed = true;
	for (unsigned i = 0; i < CLIP_FETCHES; i++)
		if (k->fetches[i].step != CLIP_FREE && k->fetches[i].step != CLIP_DONE)
			finish_fetch(k, &k->fetches[i], PUNKTFUNK_CLIP_CUT);
	pthread_cond_broadcast(&k->cond);
	pthread_mutex_unlock(&k->lock);
}

/* --- control messages --- */

static void copy_mime(char out[static PF_CLIP_MIME_MAX + 1], struct pf_span mime)
{
	pf_check(mime.len <= PF_CLIP_MIME_MAX); /* the reader has checked the text, too */
	memcpy(out, mime.data, mime.len);
	out[mime.len] = 0;
}

static void take_offer(struct clip *k, const struct pf_msg *m)
{
	struct clip_offer *o = &k->theirs;
	*o = (struct clip_offer){.seq = m->clip_offer.seq, .n = m->clip_offer.n_kinds};
	for (uint32_t i = 0; i < o->n; i++) {
		copy_mime(o->mime[i], m->clip_offer.kinds[i].mime);
		o->size_hint[i] = m->clip_offer.kinds[i].size_hint;
	}
	o->fresh = true;
}

void clip_msg(struct punktfunk_connection *c, const struct pf_msg *m)
{
	struct clip *k = &c->clip;
	pthread_mutex_lock(&k->lock);
	if (m->type == PF_MSG_CLIP_STATE) {
		k->state_fresh = true;
		k->state_on = m->clip_state.enabled;
		k->state_reason = m->clip_state.reason;
		pthread_cond_signal(&k->cond);
	} else if (m->type == PF_MSG_CLIP_OFFER && k->enabled) {
		take_offer(k, m);
		pthread_cond_signal(&k->cond);
	}
	pthread_mutex_unlock(&k->lock);
}

/* --- what comes on the transfers' streams --- */

static struct clip_transfer *find(struct clip *k, int64_t stream)
{
	for (unsigned i = 0; i < CLIP_FETCHES; i++)
		if (k->fetches[i].step != CLIP_FREE && k->fetches[i].stream == stream)
			return &k->fetches[i];
	for (unsigned i = 0; i < CLIP_SERVES; i++)
		if (k->serves[i].step != CLIP_FREE && k->serves[i].stream == stream)
			return &k->serves[i];
	return NULL;
}

/* A stream that the host has opened. */
static struct clip_transfer *new_serve(struct clip *k, int64_t stream)
{
	for (unsigned i = 0; i < CLIP_SERVES; i++) {
		struct clip_transfer *t = &k->serves[i];
		if (t->step != CLIP_FREE)
			continue;
		uint64_t now = session_now_ns();
		*t = (struct clip_transfer){.step = CLIP_HEAD,
			.serve = true,
			.id = ++k->next_id,
			.stream = stream,
			.began_ns = now,
			.moved_ns = now};
		atomic_store(&k->work, true);
		return t;
	}
	return NULL;
}

/* Room for `more` bytes and a NUL. false: more than is held at all, or no memory. */
static bool grow(struct clip *k, struct clip_transfer *t, size_t more)
{
	size_t want = t->len + more;
	if (want > PUNKTFUNK_CLIP_MAX_BYTES)
		return false;
	if (t->data && want <= t->cap)
		return true;
	size_t cap = t->cap ? 2 * t->cap : t->total ? (size_t)t->total : FIRST_ROOM;
	while (cap < want)
		cap *= 2;
	if (cap > PUNKTFUNK_CLIP_MAX_BYTES)
		cap = PUNKTFUNK_CLIP_MAX_BYTES;
	if (cap - t->cap > PUNKTFUNK_CLIP_MAX_BYTES - k->bytes_in)
		return false;
	uint8_t *data = pf_realloc(t->data, cap + 1);
	if (!data)
		return false;
	k->bytes_in += cap - t->cap;
	t->data = data;
	t->cap = cap;
	return true;
}

/* payload: of the transfer's first frame. */
static void take_head(struct clip *k, struct clip_transfer *t, const uint8_t *payload, size_t len)
{
	struct pf_msg m;
	int err = pf_msg_read(&m, payload, len);
	if (!t->serve) {
		if (err < 0 || m.type != PF_MSG_CLIP_FETCH_HDR)
			finish_fetch(k, t, PUNKTFUNK_CLIP_CUT);
		else if (m.clip_fetch_hdr.status != PF_CLIP_FETCH_OK)
			finish_fetch(k, t,
				m.clip_fetch_hdr.status <= PUNKTFUNK_CLIP_DENIED
					? m.clip_fetch_hdr.status
					: PUNKTFUNK_CLIP_UNAVAILABLE);
		else if (m.clip_fetch_hdr.total_size > PUNKTFUNK_CLIP_MAX_BYTES)
			finish_fetch(k, t, PUNKTFUNK_CLIP_CUT);
		else
			t->step = CLIP_BODY;
		if (t->step == CLIP_BODY)
			t->total = m.clip_fetch_hdr.total_size;
		return;
	}
	if (err < 0 || m.type != PF_MSG_CLIP_FETCH) {
		clip_cut(k, t);
		return;
	}
	t->seq = m.clip_fetch.seq;
	t->file = m.clip_fetch.file_index;
	copy_mime(t->mime, m.clip_fetch.mime);
	bool offered = false;
	for (uint32_t i = 0; i < k->ours.n; i++)
		offered |= !strcmp(k->ours.mime[i], t->mime);
	t->status = !k->enabled		? PUNKTFUNK_CLIP_DENIED
		: t->seq != k->ours.seq ? PUNKTFUNK_CLIP_STALE
		: !offered		? PUNKTFUNK_CLIP_UNAVAILABLE
					: PUNKTFUNK_CLIP_OK;
	t->step = t->status == PUNKTFUNK_CLIP_OK ? CLIP_ASKED : CLIP_BODY;
	atomic_store(&k->work, true);
	pthread_cond_signal(&k->cond);
}

/* Collects a transfer's first frame. Returns how many of the bytes belong to it. */
static size_t feed_head(struct clip *k, struct clip_transfer *t, const uint8_t *data, size_t len)
{
	size_t used = 0;
	while (used < len && t->step == CLIP_HEAD) {
		t->head[t->head_len++] = data[used++];
		/* What the host opened begins with words of its own. */
		int skip = t->serve ? pf_clip_head_read(t->head, t->head_len) : 0;
		if (skip == PF_E_UNSUPPORTED)
			clip_cut(k, t);
		if (skip < 0 || t->head_len < (size_t)skip + PF_FRAME_PREFIX)
			continue;
		const uint8_t *frame = t->head + skip;
		size_t have = t->head_len - (size_t)skip;
		size_t want = PF_FRAME_PREFIX + pf_get_le16(frame);
		if (want > CLIP_HEAD_MAX)
			clip_cut(k, t);
		else if (have == want)
			take_head(k, t, frame + PF_FRAME_PREFIX, have - PF_FRAME_PREFIX);
	}
	return used;
}

static void feed_fetch(struct clip *k, struct clip_transfer *t, const uint8_t *data, size_t len)
{
	if (t->step != CLIP_BODY || !len)
		return;
	if ((t->total && len > t->total - t->len) || !grow(k, t, len)) {
		finish_fetch(k, t, PUNKTFUNK_CLIP_CUT);
		return;
	}
	memcpy(t->data + t->len, data, len);
	t->len += len;
}

static void end_fetch(struct clip *k, struct clip_transfer *t, bool reset)
{
	bool whole = t->step == CLIP_BODY && !reset && (!t->total || t->len == t->total);
	if (whole && !grow(k, t, 0))
		whole = false;
	if (t->step != CLIP_DONE)
		finish_fetch(k, t, whole ? PUNKTFUNK_CLIP_OK : PUNKTFUNK_CLIP_CUT);
}

void clip_stream(struct punktfunk_connection *c, int64_t stream, const uint8_t *data, size_t len,
	bool fin, bool reset)
{
	struct clip *k = &c->clip;
	pthread_mutex_lock(&k->lock);
	struct clip_transfer *t = find(k, stream);
	/* Bit 0: the host opened it. There are as many places as QUIC lets it open, unless one is still being cut. */
	if (!t && (stream & 1) && !(fin && !len))
		t = new_serve(k, stream);
	if (t) {
		t->moved_ns = session_now_ns();
		/* A reset brings no bytes, and no place of theirs either. */
		size_t used = feed_head(k, t, data, len);
		if (!t->serve && used < len)
			feed_fetch(k, t, data + used, len - used);
		if (fin && !t->serve)
			end_fetch(k, t, reset);
		else if (fin && (reset || t->step == CLIP_HEAD))
			clip_cut(k, t);
	}
	pthread_mutex_unlock(&k->lock);
	if (!t && (stream & 1) && !fin && c->quic)
		quic_conn_reset_stream(c->quic, stream, PF_CLOSE_CLIP_CANCELLED);
}

/* --- what the thread sends --- */

static bool send_frame(
	struct punktfunk_connection *c, int64_t stream, const struct pf_msg *m, bool fin)
{
	uint8_t buf[PF_CLIP_HEAD_LEN + CLIP_HEAD_MAX] = PF_CLIP_HEAD;
	/* Who opens a stream says what it is for. */
	size_t at = m->type == PF_MSG_CLIP_FETCH ? PF_CLIP_HEAD_LEN : 0;
	int n = pf_msg_write_framed(buf + at, CLIP_HEAD_MAX, m);
	return n > 0 && quic_conn_send(c->quic, stream, buf, at + (size_t)n, fin) == PF_OK;
}

/* false: no stream may be opened now; it is tried again. */
static bool open_fetch(struct punktfunk_connection *c, struct clip_transfer *t)
{
	int64_t stream = quic_conn_open_stream(c->quic);
	if (stream == PF_E_AGAIN)
		return false;
	struct pf_msg m = {.type = PF_MSG_CLIP_FETCH,
		.clip_fetch = {.seq = t->seq,
			.file_index = t->file,
			.mime = {(const uint8_t *)t->mime, strlen(t->mime)}}};
	if (stream < 0) {
		finish_fetch(&c->clip, t, PUNKTFUNK_CLIP_CUT);
		return true;
	}
	t->stream = stream;
	t->step = CLIP_HEAD;
	if (!send_frame(c, stream, &m, true))
		finish_fetch(&c->clip, t, PUNKTFUNK_CLIP_CUT);
	return true;
}

static void free_transfer(struct clip *k, struct clip_transfer *t)
{
	drop_data(k, t);
	*t = (struct clip_transfer){.stream = -1};
}

/* The head once, then as much as QUIC takes. */
static void push_serve(struct punktfunk_connection *c, struct clip_transfer *t, uint64_t now_ns)
{
	struct clip *k = &c->clip;
	if (!t->answered) {
		struct pf_msg m = {.type = PF_MSG_CLIP_FETCH_HDR,
			.clip_fetch_hdr = {(uint8_t)t->status, t->len}};
		if (!send_frame(c, t->stream, &m, !t->len)) {
			clip_cut(k, t);
			return;
		}
		t->answered = true;
		t->moved_ns = now_ns;
	}
	while (t->sent < t->len) {
		size_t n = t->len - t->sent < CLIP_CHUNK ? t->len - t->sent : CLIP_CHUNK;
		int err = quic_conn_send(
			c->quic, t->stream, t->data + t->sent, n, t->sent + n == t->len);
		if (err == PF_E_FULL)
			return;
		if (err < 0) {
			clip_cut(k, t);
			return;
		}
		t->sent += n;
		t->moved_ns = now_ns;
	}
	free_transfer(k, t);
}

/* The loop's time is a little behind that of a caller. */
static bool has_passed(uint64_t now_ns, uint64_t since_ns, uint64_t len_ns)
{
	return now_ns > since_ns && now_ns - since_ns >= len_ns;
}

static bool too_slow(const struct clip_transfer *t, uint64_t now_ns)
{
	return t->step != CLIP_FREE && t->step != CLIP_DONE && !t->reset &&
		(has_passed(now_ns, t->moved_ns, CLIP_IDLE_NS) ||
			has_passed(now_ns, t->began_ns, CLIP_LIFE_NS));
}

static void run_one(struct punktfunk_connection *c, struct clip_transfer *t, uint64_t now_ns)
{
	struct clip *k = &c->clip;
	if (too_slow(t, now_ns))
		clip_cut(k, t);
	if (t->step == CLIP_TO_OPEN)
		open_fetch(c, t);
	if (t->step == CLIP_BODY && t->serve && !t->reset)
		push_serve(c, t, now_ns);
	if (t->reset) {
		quic_conn_reset_stream(c->quic, t->stream, PF_CLOSE_CLIP_CANCELLED);
		t->reset = false;
		t->stream = -1;
		if (t->serve)
			free_transfer(k, t);
		else
			pthread_cond_signal(&k->cond); /* now it can be given */
	}
}

void clip_run(struct punktfunk_connection *c, uint64_t now_ns)
{
	struct clip *k = &c->clip;
	if (!c->quic || !atomic_load(&k->work))
		return;
	bool work = false;
	pthread_mutex_lock(&k->lock);
	for (unsigned i = 0; i < CLIP_FETCHES; i++) {
		run_one(c, &k->fetches[i], now_ns);
		work |= k->fetches[i].step != CLIP_FREE && k->fetches[i].step != CLIP_DONE;
	}
	for (unsigned i = 0; i < CLIP_SERVES; i++) {
		run_one(c, &k->serves[i], now_ns);
		work |= k->serves[i].step != CLIP_FREE;
	}
	atomic_store(&k->work, work);
	pthread_mutex_unlock(&k->lock);
}
