/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/alloc.h"

#define FIRST_CAP 2048u

static void put(struct xml *x, const char *data, size_t len)
{
	if (x->failed)
		return;
	if (x->len + len + 1 > x->cap) {
		size_t cap = (x->len + len + 1) * 2;
		char *text = realloc(x->text, cap < FIRST_CAP ? FIRST_CAP : cap);
		x->failed = !text;
		if (!text)
			return;
		x->text = text;
		x->cap = cap < FIRST_CAP ? FIRST_CAP : cap;
	}
	memcpy(x->text + x->len, data, len);
	x->len += len;
	x->text[x->len] = '\0';
}

static void put_plain(struct xml *x, const char *text)
{
	put(x, text, strlen(text));
}

static void put_escaped(struct xml *x, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '&')
			put_plain(x, "&amp;");
		else if (c == '<')
			put_plain(x, "&lt;");
		else if (c == '>')
			put_plain(x, "&gt;");
		else if (c == '"')
			put_plain(x, "&quot;");
		else
			put(x, c < 0x20 ? "?" : text, 1);
	}
}

void xml_init(struct xml *x, int status, const char *message)
{
	char number[16];
	memset(x, 0, sizeof(*x));
	snprintf(number, sizeof(number), "%d", status);
	put_plain(x, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<root status_code=\"");
	put_plain(x, number);
	if (message) {
		put_plain(x, "\" status_message=\"");
		put_escaped(x, message);
	}
	put_plain(x, "\">");
}

void xml_finish(struct xml *x)
{
	if (x->text)
		pf_wipe(x->text, x->len);
	free(x->text);
	memset(x, 0, sizeof(*x));
}

void xml_open(struct xml *x, const char *name)
{
	put_plain(x, "<");
	put_plain(x, name);
	put_plain(x, ">");
}

void xml_close(struct xml *x, const char *name)
{
	put_plain(x, "</");
	put_plain(x, name);
	put_plain(x, ">");
}

void xml_text(struct xml *x, const char *name, const char *text)
{
	xml_open(x, name);
	put_escaped(x, text);
	xml_close(x, name);
}

void xml_number(struct xml *x, const char *name, long long value)
{
	char text[24];
	snprintf(text, sizeof(text), "%lld", value);
	xml_text(x, name, text);
}

void xml_end(struct xml *x)
{
	put_plain(x, "</root>\n");
}
