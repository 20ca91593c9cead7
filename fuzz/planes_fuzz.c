/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * What a host can send a connected client beside the video, in any order and between any calls: datagrams,
 * control messages, bytes on streams. Nothing is given out that is longer than it may be, and the clipboard
 * holds what it may hold.
 */
#include <string.h>

#include "connector/internal.h"
#include "core/base/alloc.h"
#include "fuzz/fuzz.h"
#include "fuzz/input.h"

enum { MAX_STEPS = 300, MAX_BYTES = 300, N_STREAMS = 8 };

static struct punktfunk_connection *connected(void)
{
	struct punktfunk_connection *c = pf_calloc(1, sizeof(*c));
	FUZZ_CHECK(c && !pthread_mutex_init(&c->state_lock, NULL));
	FUZZ_CHECK(!pthread_mutex_init(&c->au_lock, NULL));
	FUZZ_CHECK(!pthread_mutex_init(&c->outbox_lock, NULL));
	FUZZ_CHECK(!ring_cond_init(&c->state_cond) && !ring_cond_init(&c->au_cond));
	FUZZ_CHECK(!side_init(&c->side) && !clip_init(&c->clip));
	c->wake_fd = -1;
	c->state = CONN_STREAMING;
	c->clip.enabled = true;
	c->clip.ours = (struct clip_offer){.seq = 1, .n = 1, .mime = {PF_CLIP_MIME_TEXT}};
	return c;
}

static void finish(struct punktfunk_connection *c)
{
	clip_finish(&c->clip);
	side_finish(&c->side);
	pthread_cond_destroy(&c->au_cond);
	pthread_cond_destroy(&c->state_cond);
	pthread_mutex_destroy(&c->outbox_lock);
	pthread_mutex_destroy(&c->au_lock);
	pthread_mutex_destroy(&c->state_lock);
	pf_free(c);
}

/* A copy of its own, so that a sanitizer sees every step beyond it. */
static uint8_t *take(struct fuzz_input *in, size_t *len)
{
	*len = fuzz_u16(in) % MAX_BYTES;
	if (*len > in->len)
		*len = in->len;
	uint8_t *data = malloc(*len ? *len : 1);
	FUZZ_CHECK(data);
	memcpy(data, in->p, *len);
	in->p += *len;
	in->len -= *len;
	return data;
}

static void hear(struct punktfunk_connection *c, struct fuzz_input *in)
{
	struct pf_msg m;
	size_t len;
	uint8_t *data = take(in, &len);
	if (pf_msg_is_typed(data, len) && pf_msg_read(&m, data, len) == PF_OK)
		events_msg(c, &m);
	free(data);
}

static void stream(struct punktfunk_connection *c, struct fuzz_input *in)
{
	uint8_t how = fuzz_u8(in);
	size_t len;
	uint8_t *data = take(in, &len);
	clip_stream(c, how % N_STREAMS * 4 + (how >> 7), data, len, how & 0x40, how & 0x20);
	free(data);
}

/* As the thread would, with streams that open at once. */
static void fetch(struct punktfunk_connection *c, struct fuzz_input *in)
{
	uint32_t id;
	if (punktfunk_connection_clipboard_fetch(c, fuzz_u8(in), PUNKTFUNK_CLIP_TEXT, 0, &id) < 0)
		return;
	for (unsigned i = 0; i < CLIP_FETCHES; i++)
		if (c->clip.fetches[i].step == CLIP_TO_OPEN) {
			c->clip.fetches[i].step = CLIP_HEAD;
			c->clip.fetches[i].stream = 4 + 4 * i;
		}
}

static void answer(struct punktfunk_connection *c, struct fuzz_input *in)
{
	uint32_t id = fuzz_u8(in) % 16;
	if (fuzz_u8(in) & 1)
		(void)!punktfunk_connection_clipboard_cancel(c, id);
	else
		(void)!punktfunk_connection_clipboard_serve(c, id, fuzz_u8(in) % 5, "text", 4);
}

/* Only the desktop's sound has packets with nothing in them: silence. */
static void read_sound(const struct punktfunk_audio_packet *a, bool may_be_empty)
{
	volatile uint8_t sink; /* every byte is read */
	FUZZ_CHECK((a->len || may_be_empty) && a->len <= AUDIO_MAX_LEN);
	FUZZ_CHECK(a->pad < PF_PADS && a->kind < 2);
	for (size_t i = 0; i < a->len; i++)
		sink = a->data[i];
	(void)sink;
}

static void pull_sound(struct punktfunk_connection *c)
{
	struct punktfunk_audio_packet a = {.size = sizeof(a)};
	while (!punktfunk_connection_next_audio(c, &a, 0))
		read_sound(&a, true);
	while (!punktfunk_connection_next_audio_pcm(c, &a, 0))
		read_sound(&a, false);
	while (!punktfunk_connection_next_pad_audio(c, &a, 0))
		read_sound(&a, false);
}

static void pull(struct punktfunk_connection *c)
{
	struct punktfunk_rumble r = {.size = sizeof(r)};
	struct punktfunk_hid_output h = {.size = sizeof(h)};
	struct punktfunk_cursor_shape s = {.size = sizeof(s)};
	struct punktfunk_event e = {.size = sizeof(e)};
	struct punktfunk_clip_event k = {.size = sizeof(k)};
	pull_sound(c);
	while (!punktfunk_connection_next_rumble(c, &r, 0))
		FUZZ_CHECK(r.pad < PF_PADS);
	while (!punktfunk_connection_next_hidout(c, &h, 0))
		FUZZ_CHECK(h.len <= sizeof(h.data) && h.pad < PF_PADS);
	while (!punktfunk_connection_next_cursor_shape(c, &s, 0))
		FUZZ_CHECK(s.width && s.width <= 120 && s.height && s.height <= 120);
	while (!punktfunk_connection_next_event(c, &e, 0))
		FUZZ_CHECK(memchr(e.text, 0, sizeof(e.text)));
	while (!punktfunk_connection_next_clipboard(c, &k, 0)) {
		FUZZ_CHECK(k.n_kinds <= PUNKTFUNK_CLIP_MAX_KINDS);
		for (uint32_t i = 0; i < k.n_kinds; i++)
			FUZZ_CHECK(strlen(k.kinds[i].mime) <= PUNKTFUNK_CLIP_MIME_MAX);
		FUZZ_CHECK(!k.data || !k.data[k.len]);
		FUZZ_CHECK(!k.data || k.status == PUNKTFUNK_CLIP_OK);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	struct punktfunk_connection *c = connected();
	for (int i = 0; i < MAX_STEPS && in.len; i++) {
		uint8_t *bytes;
		size_t len;
		switch (fuzz_u8(&in) % 6) {
		case 0:
			bytes = take(&in, &len);
			(void)!side_datagram(c, bytes, len);
			free(bytes);
			break;
		case 1:
			hear(c, &in);
			break;
		case 2:
			stream(c, &in);
			break;
		case 3:
			fetch(c, &in);
			break;
		case 4:
			answer(c, &in);
			break;
		case 5:
			pull(c);
			break;
		}
		FUZZ_CHECK(c->clip.bytes_in <= PUNKTFUNK_CLIP_MAX_BYTES);
		FUZZ_CHECK(c->clip.bytes_out <= PUNKTFUNK_CLIP_MAX_BYTES);
	}
	pull(c);
	finish(c);
	return 0;
}
