/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/wire/txt.h"

#include <string.h>

#include "core/base/bytes.h"

#define PROTO "punktfunk/1"

/*
 *  0        1
 *  +--------+---------------------------+
 *  | length | key [ '=' value ]         |  again and again to the end of the record
 *  +--------+---------------------------+
 */

/* A piece of the record; nothing ends it but its length. */
struct piece {
	const uint8_t *p;
	size_t len;
};

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 'a' - 'A') : c;
}

static bool piece_is(struct piece v, const char *word)
{
	return v.len == strlen(word) && !memcmp(v.p, word, v.len);
}

static bool key_is(struct piece key, const char *name)
{
	if (key.len != strlen(name))
		return false;
	for (size_t i = 0; i < key.len; i++)
		if (lower(key.p[i]) != (uint8_t)name[i])
			return false;
	return true;
}

/* What is before the next separator; *rest begins behind it. False at the end. */
static bool next_item(struct piece *rest, uint8_t separator, struct piece *item)
{
	if (!rest->p)
		return false;
	const uint8_t *at = rest->len ? memchr(rest->p, separator, rest->len) : NULL;
	*item = (struct piece){rest->p, at ? (size_t)(at - rest->p) : rest->len};
	if (at)
		*rest = (struct piece){at + 1, rest->len - item->len - 1};
	else
		*rest = (struct piece){NULL, 0};
	return true;
}

/* Digits only. */
static bool read_number(struct piece v, uint32_t max, uint32_t *out)
{
	uint32_t n = 0;
	if (!v.len || v.len > 9)
		return false;
	for (size_t i = 0; i < v.len; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return false;
		n = n * 10 + (uint32_t)(v.p[i] - '0');
	}
	*out = n;
	return n <= max;
}

/* Small letters only, as the wire has them; -1 = no digit. */
static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex_byte(const uint8_t *p, uint8_t *out)
{
	int high = hex_digit(p[0]), low = hex_digit(p[1]);
	if (high < 0 || low < 0)
		return false;
	*out = (uint8_t)(high << 4 | low);
	return true;
}

static void read_fp(struct pf_txt *t, struct piece v)
{
	bool good = v.len == 2u * PF_TXT_FP_LEN;
	for (size_t i = 0; good && i < PF_TXT_FP_LEN; i++)
		good = read_hex_byte(v.p + 2 * i, &t->fp[i]);
	t->has_fp = good;
	if (!good)
		memset(t->fp, 0, sizeof(t->fp));
}

static void read_pair(struct pf_txt *t, struct piece v)
{
	if (piece_is(v, "required"))
		t->pair = PF_TXT_PAIR_REQUIRED;
	else if (piece_is(v, "optional"))
		t->pair = PF_TXT_PAIR_OPTIONAL;
}

static void read_id(struct pf_txt *t, struct piece v)
{
	if (v.len > PF_TXT_ID_MAX)
		return;
	for (size_t i = 0; i < v.len; i++)
		if (v.p[i] <= ' ' || v.p[i] > '~')
			return;
	memcpy(t->id, v.p, v.len);
	t->id[v.len] = '\0';
}

static void read_mgmt(struct pf_txt *t, struct piece v)
{
	uint32_t port;
	if (read_number(v, UINT16_MAX, &port))
		t->mgmt = (uint16_t)port;
}

/* 00:11:22:aa:bb:cc, the separators ':' or '-', letters of either size. */
static bool read_mac(struct piece v, uint8_t mac[PF_TXT_MAC_LEN])
{
	static const uint8_t none[PF_TXT_MAC_LEN];
	if (v.len != 3u * PF_TXT_MAC_LEN - 1)
		return false;
	for (size_t i = 0; i < PF_TXT_MAC_LEN; i++) {
		const uint8_t *p = v.p + 3 * i;
		const uint8_t digits[2] = {lower(p[0]), lower(p[1])};
		if (!read_hex_byte(digits, &mac[i]) ||
			(i + 1 < PF_TXT_MAC_LEN && p[2] != ':' && p[2] != '-'))
			return false;
	}
	/* A group address wakes nobody, or everybody. */
	return !(mac[0] & 1) && memcmp(mac, none, sizeof(none)) != 0;
}

static void read_macs(struct pf_txt *t, struct piece v)
{
	struct piece item;
	uint8_t mac[PF_TXT_MAC_LEN];
	while (t->n_macs < PF_TXT_MACS_MAX && next_item(&v, ',', &item))
		if (read_mac(item, mac))
			memcpy(t->macs[t->n_macs++], mac, sizeof(mac));
}

static bool os_char(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

static void read_os(struct pf_txt *t, struct piece v)
{
	struct piece item;
	size_t at = 0, tokens = 0;
	while (tokens < PF_TXT_OS_TOKENS && next_item(&v, '/', &item)) {
		size_t start = at + (at > 0), n = 0;
		for (size_t i = 0; i < item.len && n < PF_TXT_OS_TOKEN_MAX; i++)
			if (os_char(lower(item.p[i])))
				t->os[start + n++] = (char)lower(item.p[i]);
		if (!n)
			continue;
		if (at)
			t->os[at] = '/';
		at = start + n;
		tokens++;
	}
	t->os[at] = '\0';
}

static void read_addr(struct pf_txt *t, struct piece v)
{
	struct piece item;
	uint32_t addr = 0, part;
	size_t n = 0;
	for (; next_item(&v, '.', &item); n++) {
		/* "01" is octal to some and decimal to others. */
		if (n == 4 || !read_number(item, 255, &part) || (item.len > 1 && item.p[0] == '0'))
			return;
		addr = addr << 8 | part;
	}
	if (n == 4)
		t->addr = addr;
}

static void read_wires(struct pf_txt *t, struct piece v)
{
	struct piece item;
	uint32_t n, wires = 0;
	bool any = false;
	while (next_item(&v, ',', &item)) {
		if (!read_number(item, 999999999, &n) || !n)
			continue;
		any = true; /* also one from a future that the mask does not reach to */
		if (n <= PF_TXT_WIRE_MAX)
			wires |= 1u << n;
	}
	if (any)
		t->wires = wires;
}

static const struct {
	const char *name;
	void (*read)(struct pf_txt *t, struct piece value); /* NULL: pf_txt_read() itself */
} keys[] = {
	{"proto", NULL},
	{"fp", read_fp},
	{"pair", read_pair},
	{"id", read_id},
	{"mgmt", read_mgmt},
	{"mac", read_macs},
	{"os", read_os},
	{"addr", read_addr},
	{"wire", read_wires},
};
#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

static int read_string(struct pf_txt *t, struct piece rest, uint32_t *seen)
{
	struct piece key;
	(void)next_item(&rest, '=', &key); /* a string always has a first item */
	for (size_t i = 0; i < N_KEYS; i++) {
		if (!key_is(key, keys[i].name))
			continue;
		if (*seen & 1u << i)
			return PF_OK;
		*seen |= 1u << i;
		if (!keys[i].read) {
			t->old = false;
			return rest.p && piece_is(rest, PROTO) ? PF_OK : PF_E_UNSUPPORTED;
		}
		if (rest.p)
			keys[i].read(t, rest);
		return PF_OK;
	}
	return PF_OK;
}

int pf_txt_read(struct pf_txt *out, const uint8_t *data, size_t len)
{
	struct pf_reader r = pf_reader_make(data, len);
	uint32_t seen = 0;
	int err = PF_OK;
	memset(out, 0, sizeof(*out));
	out->old = true;
	out->wires = 1u << 1;
	if (len > PF_TXT_RECORD_MAX)
		return PF_E_BAD_PACKET;
	for (size_t n = 0; n < PF_TXT_STRINGS_MAX && pf_reader_left(&r) && !err; n++) {
		size_t string_len = pf_read_u8(&r);
		const uint8_t *p = pf_read_bytes(&r, string_len);
		if (!p)
			return PF_E_BAD_PACKET;
		err = read_string(out, (struct piece){p, string_len}, &seen);
	}
	return err;
}

void pf_txt_set_os(struct pf_txt *txt, const char *text, size_t len)
{
	read_os(txt, (struct piece){(const uint8_t *)text, len});
}

/* One string of the record, put together piece by piece. */
struct string_writer {
	struct pf_writer w;
	uint8_t bytes[PF_TXT_STRING_MAX];
};

static void begin(struct string_writer *s, const char *key)
{
	s->w = pf_writer_make(s->bytes, sizeof(s->bytes));
	pf_write_bytes(&s->w, key, strlen(key));
	pf_write_u8(&s->w, '=');
}

static void end(struct string_writer *s, struct pf_writer *record)
{
	size_t len = pf_writer_len(&s->w);
	pf_write_u8(record, (uint8_t)len);
	pf_write_bytes(record, s->bytes, len);
	record->ok = record->ok && s->w.ok;
}

static void put_text(struct string_writer *s, const char *text)
{
	pf_write_bytes(&s->w, text, strlen(text));
}

static void put_number(struct string_writer *s, uint32_t n)
{
	char digits[10];
	size_t at = sizeof(digits);
	do
		digits[--at] = (char)('0' + n % 10);
	while (n /= 10);
	pf_write_bytes(&s->w, digits + at, sizeof(digits) - at);
}

static void put_hex(struct string_writer *s, const uint8_t *p, size_t len, const char *between)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < len; i++) {
		if (i)
			put_text(s, between);
		pf_write_u8(&s->w, (uint8_t)digits[p[i] >> 4]);
		pf_write_u8(&s->w, (uint8_t)digits[p[i] & 15]);
	}
}

static void put_macs(struct string_writer *s, const struct pf_txt *t)
{
	for (size_t i = 0; i < t->n_macs; i++) {
		if (i)
			put_text(s, ",");
		put_hex(s, t->macs[i], PF_TXT_MAC_LEN, ":");
	}
}

static void put_addr(struct string_writer *s, uint32_t addr)
{
	for (int shift = 24; shift >= 0; shift -= 8) {
		put_number(s, addr >> shift & 255);
		if (shift)
			put_text(s, ".");
	}
}

static void put_wires(struct string_writer *s, uint32_t wires)
{
	bool first = true;
	for (uint32_t n = 1; n <= PF_TXT_WIRE_MAX; n++) {
		if (!(wires & 1u << n))
			continue;
		if (!first)
			put_text(s, ",");
		put_number(s, n);
		first = false;
	}
}

static bool writable(const struct pf_txt *t)
{
	struct pf_txt again = {0};
	if (!memchr(t->id, '\0', sizeof(t->id)) || !memchr(t->os, '\0', sizeof(t->os)) ||
		t->n_macs > PF_TXT_MACS_MAX)
		return false;
	read_id(&again, (struct piece){(const uint8_t *)t->id, strlen(t->id)});
	read_os(&again, (struct piece){(const uint8_t *)t->os, strlen(t->os)});
	return !strcmp(again.id, t->id) && !strcmp(again.os, t->os);
}

static void write_text(struct pf_writer *record, const char *key, const char *value)
{
	struct string_writer s;
	if (!*value)
		return;
	begin(&s, key);
	put_text(&s, value);
	end(&s, record);
}

int pf_txt_write(uint8_t *out, size_t cap, const struct pf_txt *t)
{
	static const char *const pair[] = {"", "required", "optional"};
	struct pf_writer record = pf_writer_make(out, cap);
	struct string_writer s;
	if (!writable(t))
		return PF_E_INVALID;
	write_text(&record, "proto", PROTO);
	if (t->has_fp) {
		begin(&s, "fp");
		put_hex(&s, t->fp, sizeof(t->fp), "");
		end(&s, &record);
	}
	write_text(&record, "pair", pair[t->pair]);
	write_text(&record, "id", t->id);
	if (t->mgmt) {
		begin(&s, "mgmt");
		put_number(&s, t->mgmt);
		end(&s, &record);
	}
	if (t->n_macs) {
		begin(&s, "mac");
		put_macs(&s, t);
		end(&s, &record);
	}
	write_text(&record, "os", t->os);
	if (t->addr) {
		begin(&s, "addr");
		put_addr(&s, t->addr);
		end(&s, &record);
	}
	if (t->wires >> 1) {
		begin(&s, "wire");
		put_wires(&s, t->wires);
		end(&s, &record);
	}
	return record.ok ? (int)pf_writer_len(&record) : PF_E_FULL;
}
