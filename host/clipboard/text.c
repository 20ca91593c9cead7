/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/clipboard/text.h"

#include <stdbool.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/wire/text.h"

#define FIRST_CAP 4096u /* most of what is copied is a line */

struct clip_text *clip_text_ref(struct clip_text *t)
{
	t->refs++;
	return t;
}

void clip_text_unref(struct clip_text *t)
{
	if (!t)
		return;
	pf_check(t->refs > 0);
	if (--t->refs)
		return;
	pf_free_secret(t->data, t->cap);
	pf_free(t);
}

/* Not realloc(), which leaves copies behind that nobody wipes. */
static int grow(struct clip_text *t, size_t want)
{
	size_t cap = t->cap ? t->cap : FIRST_CAP;
	while (cap < want)
		cap *= 2;
	if (cap == t->cap)
		return PF_OK;
	uint8_t *data = pf_calloc(1, cap);
	if (!data)
		return PF_E_NOMEM;
	if (t->len)
		memcpy(data, t->data, t->len);
	pf_free_secret(t->data, t->cap);
	t->data = data;
	t->cap = cap;
	return PF_OK;
}

static int fit(struct clip_build *b, size_t len)
{
	if (!b->text) {
		b->text = pf_calloc(1, sizeof(*b->text));
		if (!b->text)
			return PF_E_NOMEM;
		b->text->refs = 1;
	}
	if (len > CLIP_TEXT_MAX - b->text->len)
		return PF_E_FULL;
	return grow(b->text, b->text->len + len);
}

/* Where the last character begins that may not be whole yet; a character has at most four bytes. */
static size_t whole_until(const struct clip_text *t, size_t from)
{
	size_t at = t->len;
	for (unsigned i = 0; i < 3 && at > from && (t->data[at - 1] & 0xC0) == 0x80; i++)
		at--;
	if (at > from && t->data[at - 1] >= 0xC0)
		at--;
	else
		at = t->len;
	return at;
}

static int check(struct clip_build *b, size_t until)
{
	if (!pf_text_valid(b->text->data + b->checked, until - b->checked))
		return PF_E_INVALID;
	b->checked = until;
	return PF_OK;
}

int clip_build_add(struct clip_build *b, const void *data, size_t len)
{
	int err = fit(b, len);
	if (err < 0 || !len)
		return err;
	memcpy(b->text->data + b->text->len, data, len);
	b->text->len += len;
	return check(b, whole_until(b->text, b->checked));
}

int clip_build_take(struct clip_build *b, struct clip_text **out)
{
	int err = fit(b, 0);
	if (err >= 0 && b->text->len)
		err = check(b, b->text->len);
	if (err < 0)
		return err;
	*out = b->text;
	*b = (struct clip_build){0};
	return PF_OK;
}

void clip_build_drop(struct clip_build *b)
{
	clip_text_unref(b->text);
	*b = (struct clip_build){0};
}
