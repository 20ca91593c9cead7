/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "core/wire/text.h"
#include "host/vdisplay/portal_internal.h"

#define MAX_SIDE 65535

/* A variant of a plain string, where it is one that fits; anything else is passed over. */
static int read_text(sd_bus_message *m, const char *type, char *out, size_t cap)
{
	const char *contents, *text = NULL;
	char kind;
	int r = sd_bus_message_peek_type(m, &kind, &contents);
	if (r < 0 || kind != 'v' || !contents)
		return r < 0 ? r : -EBADMSG;
	/* The session's handle is an object path in the standard and a string in what runs. */
	if (strcmp(contents, type) != 0 && strcmp(contents, "s") != 0 && strcmp(contents, "o") != 0)
		return sd_bus_message_skip(m, "v");
	r = sd_bus_message_read(m, "v", contents, &text);
	if (r >= 0 && text && strlen(text) < cap &&
		pf_text_printable((const uint8_t *)text, strlen(text)))
		memcpy(out, text, strlen(text) + 1);
	return r;
}

static int read_size(sd_bus_message *m, struct portal_answer *a)
{
	const char *contents;
	char kind;
	int32_t w = 0, h = 0;
	int r = sd_bus_message_peek_type(m, &kind, &contents);
	if (r < 0 || kind != 'v' || !contents || strcmp(contents, "(ii)") != 0)
		return r < 0 ? r : sd_bus_message_skip(m, "v");
	r = sd_bus_message_read(m, "v", "(ii)", &w, &h);
	if (r >= 0 && w > 0 && h > 0 && w <= MAX_SIDE && h <= MAX_SIDE) {
		a->width = (uint32_t)w;
		a->height = (uint32_t)h;
	}
	return r;
}

static int read_number(sd_bus_message *m, uint32_t *out)
{
	const char *contents;
	char kind;
	const int r = sd_bus_message_peek_type(m, &kind, &contents);
	if (r < 0 || kind != 'v' || !contents || strcmp(contents, "u") != 0)
		return r < 0 ? r : sd_bus_message_skip(m, "v");
	return sd_bus_message_read(m, "v", "u", out);
}

/* Calls fn for each key of a{sv}, which reads or skips its variant. */
static int each_key(sd_bus_message *m, struct portal_answer *a,
	int (*fn)(sd_bus_message *m, const char *key, struct portal_answer *a))
{
	int r = sd_bus_message_enter_container(m, 'a', "{sv}");
	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		const char *key = NULL;
		r = sd_bus_message_read(m, "s", &key);
		if (r >= 0)
			r = fn(m, key, a);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_stream_key(sd_bus_message *m, const char *key, struct portal_answer *a)
{
	if (!strcmp(key, "size"))
		return read_size(m, a);
	if (!strcmp(key, "source_type"))
		return read_number(m, &a->source_type);
	if (!strcmp(key, "mapping_id"))
		return read_text(m, "s", a->mapping, sizeof(a->mapping));
	return sd_bus_message_skip(m, "v");
}

static int read_streams(sd_bus_message *m, struct portal_answer *a)
{
	const char *contents;
	char kind;
	int r = sd_bus_message_peek_type(m, &kind, &contents);
	if (r < 0 || kind != 'v' || !contents || strcmp(contents, "a(ua{sv})") != 0)
		return r < 0 ? r : sd_bus_message_skip(m, "v");
	r = sd_bus_message_enter_container(m, 'v', "a(ua{sv})");
	if (r >= 0)
		r = sd_bus_message_enter_container(m, 'a', "(ua{sv})");
	for (bool first = true; r >= 0; first = false) {
		r = sd_bus_message_enter_container(m, 'r', "ua{sv}");
		if (r <= 0)
			break;
		struct portal_answer other = {0};
		struct portal_answer *to = first ? a : &other; /* one was asked for */
		r = sd_bus_message_read(m, "u", &to->node);
		if (r >= 0)
			r = each_key(m, to, read_stream_key);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
	}
	if (r >= 0)
		r = sd_bus_message_exit_container(m);
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_key(sd_bus_message *m, const char *key, struct portal_answer *a)
{
	if (!strcmp(key, "session_handle"))
		return read_text(m, "o", a->session, sizeof(a->session));
	if (!strcmp(key, "restore_token"))
		return read_text(m, "s", a->token, sizeof(a->token));
	if (!strcmp(key, "devices"))
		return read_number(m, &a->devices);
	if (!strcmp(key, "streams"))
		return read_streams(m, a);
	return sd_bus_message_skip(m, "v");
}

int portal_read_answer(struct portal_answer *out, sd_bus_message *m)
{
	memset(out, 0, sizeof(*out));
	if (sd_bus_message_read(m, "u", &out->code) < 0 || each_key(m, out, read_key) < 0)
		return PF_E_BAD_PACKET;
	return PF_OK;
}
