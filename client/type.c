/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/type.h"

#include <stdio.h>
#include <string.h>

#include "punktfunk_core.h"

/* Without shift and with it, for the keys that are neither letters nor blanks. */
static const struct {
	uint8_t vk;
	char plain, shifted;
} us_keys[] = {
	{'0', '0', ')'},
	{'1', '1', '!'},
	{'2', '2', '@'},
	{'3', '3', '#'},
	{'4', '4', '$'},
	{'5', '5', '%'},
	{'6', '6', '^'},
	{'7', '7', '&'},
	{'8', '8', '*'},
	{'9', '9', '('},
	{0xBA, ';', ':'},
	{0xBB, '=', '+'},
	{0xBC, ',', '<'},
	{0xBD, '-', '_'},
	{0xBE, '.', '>'},
	{0xBF, '/', '?'},
	{0xC0, '`', '~'},
	{0xDB, '[', '{'},
	{0xDC, '\\', '|'},
	{0xDD, ']', '}'},
	{0xDE, '\'', '"'},
};

bool type_lookup(unsigned char c, struct type_key *out)
{
	if (c >= 'a' && c <= 'z') {
		*out = (struct type_key){.vk = (uint8_t)(c - 'a' + 'A')};
		return true;
	}
	if (c >= 'A' && c <= 'Z') {
		*out = (struct type_key){.vk = c, .shift = true};
		return true;
	}
	if (c == ' ' || c == '\n' || c == '\t') {
		*out = (struct type_key){.vk = c == ' ' ? 0x20 : c == '\n' ? 0x0D : 0x09};
		return true;
	}
	for (size_t i = 0; i < sizeof(us_keys) / sizeof(us_keys[0]); i++) {
		if (c == (unsigned char)us_keys[i].plain ||
			c == (unsigned char)us_keys[i].shifted) {
			*out = (struct type_key){.vk = us_keys[i].vk,
				.shift = c == (unsigned char)us_keys[i].shifted};
			return true;
		}
	}
	return false;
}

/* The length of the UTF-8 sequence at s (2 to 4) and its scalar, or 0 when it is none. */
static size_t read_utf8(const char *s, uint32_t *scalar)
{
	unsigned char c = (unsigned char)s[0];
	size_t len = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
	if (c < 0xC2 || c > 0xF4)
		return 0;
	uint32_t v = c & (0xFFu >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if (((unsigned char)s[i] & 0xC0) != 0x80)
			return 0;
		v = v << 6 | ((unsigned char)s[i] & 0x3Fu);
	}
	*scalar = v;
	return len;
}

int type_check(const char *text, char named[TYPE_NAMED_MAX])
{
	struct type_key key;
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (type_lookup(c, &key))
			continue;
		uint32_t scalar = 0;
		size_t len = c >= 0x80 ? read_utf8(text, &scalar) : 0;
		/* U+0080 to U+009F are control characters: a terminal may obey them. */
		if (len && scalar >= 0xA0)
			snprintf(named, TYPE_NAMED_MAX, "'%.*s' (U+%04X)", (int)len, text, scalar);
		else if (len || c < 0x80)
			snprintf(named, TYPE_NAMED_MAX, "the character U+%04X", len ? scalar : c);
		else
			snprintf(named, TYPE_NAMED_MAX, "the byte 0x%02X", c);
		return PUNKTFUNK_E_UNSUPPORTED;
	}
	return PUNKTFUNK_OK;
}

void type_init(struct type_state *t, const char *text)
{
	*t = (struct type_state){.next = text};
}

bool type_next(struct type_state *t, struct type_event *out)
{
	struct type_key key = {0};
	if (t->key_down) {
		t->key_down = false;
		*out = (struct type_event){.vk = t->vk, .ends_char = true};
		return true;
	}
	bool more = *t->next && type_lookup((unsigned char)*t->next, &key);
	if (t->shift_down != (more && key.shift)) {
		t->shift_down = !t->shift_down;
		*out = (struct type_event){.vk = TYPE_VK_SHIFT, .down = t->shift_down};
		return true;
	}
	if (!more)
		return false;
	t->next++;
	t->key_down = true;
	t->vk = key.vk;
	*out = (struct type_event){.vk = key.vk, .down = true};
	return true;
}
