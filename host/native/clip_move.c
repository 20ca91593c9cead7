/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include "core/base/bytes.h"
#include "host/media/clock.h"
#include "host/native/clip.h"
#include "host/native/internal.h"

/* Text on its way: each transfer is a stream of its own, opened by who wants it. */

#define WAIT_NS	 5000000000ull	/* for the next bytes of a transfer: as long as a person waits */
#define PASTE_NS 30000000000ull /* for a whole one: 8 MiB at 2 Mbit/s */
#define PIECE	 65536u		/* as much of a text as goes to a stream at a time */
/* Each asks a program on the desktop for its text. */
#define FETCHES_PER_SECOND 10u
#define FETCHES_BURST	   20u

/* --- a client reads the desktop's clipboard --- */

static void end_serve(struct clip_serve *s)
{
	clip_text_unref(s->text);
	*s = (struct clip_serve){.stream = -1};
}

static void cancel_serve(struct native_client *c, struct clip_serve *s)
{
	quic_conn_reset_stream(c->conn, s->stream, PF_CLOSE_CLIP_CANCELLED);
	end_serve(s);
}

static struct clip_serve *find_serve(struct clip *k, int64_t stream)
{
	for (unsigned i = 0; i < CLIP_TRANSFERS; i++)
		if (k->serves[i].stream == stream)
			return &k->serves[i];
	return NULL;
}

static void answer(struct native_client *c, struct clip_serve *s, enum pf_clip_status status)
{
	uint8_t buf[CLIP_HDR_LEN];
	struct pf_msg m = {.type = PF_MSG_CLIP_FETCH_HDR};
	m.clip_fetch_hdr.status = status;
	m.clip_fetch_hdr.total_size = s->text ? s->text->len : 0;
	int len = pf_msg_write_framed(buf, sizeof(buf), &m);
	pf_check(len == (int)sizeof(buf));
	bool last = !s->text || !s->text->len;
	if (quic_conn_send(c->conn, s->stream, buf, sizeof(buf), last) < 0 || last)
		end_serve(s); /* one that does not take a first answer has closed its side */
	else
		s->state = SERVE_SENDING;
	s->until_ns = clock_now_ns() + WAIT_NS;
}

static bool send_more(struct native_client *c, struct clip_serve *s)
{
	bool sent = false;
	while (s->stream >= 0) {
		size_t left = s->text->len - s->sent, n = left < PIECE ? left : PIECE;
		int err = quic_conn_send(c->conn, s->stream, s->text->data + s->sent, n, n == left);
		if (err == PF_E_FULL)
			break;
		sent = true;
		s->sent += n;
		s->until_ns = clock_now_ns() + WAIT_NS;
		if (err < 0 || n == left)
			end_serve(s);
	}
	return sent;
}

bool clip_pump(struct native_client *c)
{
	bool sent = false;
	for (unsigned i = 0; c->clip->board && i < CLIP_TRANSFERS; i++)
		if (c->clip->serves[i].stream >= 0 && c->clip->serves[i].state == SERVE_SENDING)
			sent |= send_more(c, &c->clip->serves[i]);
	return sent;
}

void clip_text_came(struct clip_text *text, void *userdata)
{
	struct native_client *c = userdata;
	struct clip *k = c->clip;
	for (unsigned i = 0; i < CLIP_TRANSFERS; i++) {
		struct clip_serve *s = &k->serves[i];
		if (s->stream < 0 || s->state != SERVE_READING)
			continue;
		bool stale = s->seq != k->seq || !k->has_text || k->offer_due;
		if (text && !stale)
			s->text = clip_text_ref(text);
		answer(c, s,
			stale		  ? PF_CLIP_STALE
				: s->text ? PF_CLIP_FETCH_OK
					  : PF_CLIP_UNAVAILABLE);
	}
	clip_text_unref(text);
	(void)clip_pump(c);
	clip_rearm(c);
	native_flush(c->native);
}

static bool within_budget(struct clip *k)
{
	uint64_t each_ns = 1000000000ull / FETCHES_PER_SECOND;
	uint64_t n = (clock_now_ns() - k->refilled_ns) / each_ns;
	k->refilled_ns += n * each_ns;
	k->fetches_left = n < FETCHES_BURST - k->fetches_left ? k->fetches_left + (uint32_t)n
							      : FETCHES_BURST;
	if (!k->fetches_left)
		return false;
	k->fetches_left--;
	return true;
}

static void serve(struct native_client *c, struct clip_serve *s, const struct pf_msg *m)
{
	struct clip *k = c->clip;
	const struct pf_span *mime = &m->clip_fetch.mime;
	bool text = mime->len == sizeof(PF_CLIP_MIME_TEXT) - 1 &&
		!memcmp(mime->data, PF_CLIP_MIME_TEXT, mime->len) &&
		m->clip_fetch.file_index == PF_CLIP_INDEX_NONE;
	s->seq = m->clip_fetch.seq;
	s->state = SERVE_READING;
	if (s->seq != k->seq || !k->told_text || !k->has_text || k->offer_due)
		answer(c, s, PF_CLIP_STALE);
	else if (!text || !within_budget(k) || clipboard_fetch(k->board) < 0)
		answer(c, s, PF_CLIP_UNAVAILABLE);
}

static void serve_bytes(
	struct native_client *c, struct clip_serve *s, const uint8_t *data, size_t len, bool fin)
{
	struct pf_msg m;
	if (fin && quic_conn_stream_was_reset(c->conn, s->stream)) {
		cancel_serve(c, s);
		return;
	}
	if (s->state != SERVE_ASKING)
		return;
	size_t room = sizeof(s->head) - s->head_len, n = len < room ? len : room;
	if (n)
		memcpy(s->head + s->head_len, data, n);
	s->head_len += n;
	int skip = pf_clip_head_read(s->head, s->head_len);
	if (skip == PF_E_AGAIN && !fin)
		return;
	if (skip < 0) {
		cancel_serve(c, s);
		return;
	}
	const uint8_t *frame = s->head + skip;
	size_t have = s->head_len - (size_t)skip, want = have < 2 ? 2 : 2u + pf_get_le16(frame);
	if (want <= have && want > 2 && pf_msg_read(&m, frame + 2, want - 2) == PF_OK &&
		m.type == PF_MSG_CLIP_FETCH)
		serve(c, s, &m);
	else if (want <= have || want > CLIP_FETCH_LEN || fin)
		cancel_serve(c, s);
}

/* --- the desktop reads the client's --- */

/* text is the caller's; NULL = nothing. */
static void end_paste(struct native_client *c, struct clip_text *text)
{
	struct clip_paste *p = &c->clip->paste;
	clip_build_drop(&p->build);
	*p = (struct clip_paste){.stream = -1};
	clipboard_give(c->clip->board, text);
}

static void cancel_paste(struct native_client *c)
{
	quic_conn_reset_stream(c->conn, c->clip->paste.stream, PF_CLOSE_CLIP_CANCELLED);
	end_paste(c, NULL);
}

void clip_paste_cancel(struct native_client *c)
{
	if (c->clip->paste.stream >= 0)
		cancel_paste(c);
}

void clip_paste_begin(struct native_client *c)
{
	uint8_t buf[PF_CLIP_HEAD_LEN + CLIP_FETCH_LEN];
	struct clip_paste *p = &c->clip->paste;
	struct pf_msg m = {.type = PF_MSG_CLIP_FETCH};
	c->clip->paste_due = false;
	if (p->stream >= 0)
		return;
	m.clip_fetch.seq = c->clip->peer_seq;
	m.clip_fetch.file_index = PF_CLIP_INDEX_NONE;
	m.clip_fetch.mime = (struct pf_span){
		(const uint8_t *)PF_CLIP_MIME_TEXT, sizeof(PF_CLIP_MIME_TEXT) - 1};
	memcpy(buf, PF_CLIP_HEAD, PF_CLIP_HEAD_LEN);
	int len = pf_msg_write_framed(buf + PF_CLIP_HEAD_LEN, CLIP_FETCH_LEN, &m);
	pf_check(len > 0);
	p->stream = quic_conn_open_stream(c->conn);
	p->until_ns = clock_now_ns() + WAIT_NS;
	p->end_ns = clock_now_ns() + PASTE_NS;
	if (p->stream < 0)
		end_paste(c, NULL);
	else if (quic_conn_send(c->conn, p->stream, buf, PF_CLIP_HEAD_LEN + (size_t)len, true) < 0)
		cancel_paste(c);
}

static int paste_head(struct clip_paste *p, const uint8_t **data, size_t *len)
{
	struct pf_msg m;
	size_t room = sizeof(p->head) - p->head_len, n = *len < room ? *len : room;
	if (!n)
		return PF_OK;
	memcpy(p->head + p->head_len, *data, n);
	p->head_len += n;
	*data += n;
	*len -= n;
	if (p->head_len < sizeof(p->head))
		return PF_OK;
	if (pf_get_le16(p->head) != sizeof(p->head) - 2 ||
		pf_msg_read(&m, p->head + 2, sizeof(p->head) - 2) < 0 ||
		m.type != PF_MSG_CLIP_FETCH_HDR)
		return PF_E_BAD_PACKET;
	p->total = m.clip_fetch_hdr.total_size;
	if (m.clip_fetch_hdr.status != PF_CLIP_FETCH_OK || p->total > CLIP_TEXT_MAX)
		return PF_E_UNSUPPORTED;
	return PF_OK;
}

static void paste_bytes(struct native_client *c, const uint8_t *data, size_t len, bool fin)
{
	struct clip_paste *p = &c->clip->paste;
	struct clip_text *text = NULL;
	int err = paste_head(p, &data, &len);
	if (err >= 0 && len)
		err = clip_build_add(&p->build, data, len);
	if (err < 0 || (fin && quic_conn_stream_was_reset(c->conn, p->stream))) {
		cancel_paste(c);
		return;
	}
	p->until_ns = clock_now_ns() + WAIT_NS;
	if (!fin)
		return;
	size_t have = p->build.text ? p->build.text->len : 0;
	/* Half a text is none. */
	bool whole = p->head_len == sizeof(p->head) && (!p->total || p->total == have);
	if (whole && clip_build_take(&p->build, &text) < 0)
		text = NULL;
	end_paste(c, text);
	clip_text_unref(text);
}

/* --- both --- */

void clip_stream(struct native_client *c, int64_t stream, const uint8_t *data, size_t len, bool fin)
{
	struct clip *k = c->clip;
	if (k->board && stream == k->paste.stream) {
		paste_bytes(c, data, len, fin);
		return;
	}
	bool theirs = stream % 4 == 0; /* opened by the client (RFC 9000 2.1) */
	struct clip_serve *s = k->board ? find_serve(k, stream) : NULL;
	if (!s && k->board && theirs && len) {
		s = find_serve(k, -1);
		if (s)
			s->stream = stream;
	}
	if (s)
		serve_bytes(c, s, data, len, fin);
	else if (len)
		quic_conn_reset_stream(c->conn, stream, PF_CLOSE_CLIP_CANCELLED);
	clip_rearm(c);
}

uint64_t clip_move_expire(struct native_client *c, uint64_t now_ns)
{
	struct clip *k = c->clip;
	struct clip_paste *p = &k->paste;
	uint64_t at_ns = UINT64_MAX;
	if (p->stream >= 0 && (now_ns >= p->until_ns || now_ns >= p->end_ns))
		cancel_paste(c);
	if (p->stream >= 0)
		at_ns = p->until_ns < p->end_ns ? p->until_ns : p->end_ns;
	for (unsigned i = 0; i < CLIP_TRANSFERS; i++) {
		struct clip_serve *s = &k->serves[i];
		if (s->stream < 0 || s->state != SERVE_SENDING)
			continue;
		if (now_ns >= s->until_ns)
			cancel_serve(c, s);
		else if (s->until_ns < at_ns)
			at_ns = s->until_ns;
	}
	return at_ns;
}

void clip_move_stop(struct native_client *c)
{
	struct clip *k = c->clip;
	for (unsigned i = 0; i < CLIP_TRANSFERS; i++)
		if (k->serves[i].stream >= 0)
			cancel_serve(c, &k->serves[i]);
	clip_paste_cancel(c);
}
