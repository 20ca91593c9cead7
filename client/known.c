/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/known.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/*
 * line:   addresses SP sha256hex [SP key=value]...
 *         addresses: host:port[,host:port]...     an IPv6 address in brackets
 *         sha256hex: 64 lower-case hexadecimal digits
 *         keys, each at most once:
 *           name=TEXT  id=TEXT    bytes up to ' ', '%' and DEL as %XX
 *           paired=1   unpaired=1   used=SECONDS   mac=xx:xx:xx:xx:xx:xx[,...]
 */

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(const char *s, size_t n_bytes, uint8_t *out)
{
	for (size_t i = 0; i < n_bytes; i++) {
		int high = hex_digit(s[2 * i]);
		int low = high < 0 ? -1 : hex_digit(s[2 * i + 1]);
		if (low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool is_plain(unsigned char c)
{
	return c > ' ' && c != '%' && c != 0x7f;
}

/* Decodes s to at most cap - 1 bytes of text without control characters. */
static bool read_text(const char *s, char *out, size_t cap)
{
	size_t n = 0;
	for (; *s; s++) {
		uint8_t c = (uint8_t)*s;
		if (c == '%') {
			if (!read_hex(s + 1, 1, &c) || is_plain(c))
				return false;
			s += 2;
		} else if (!is_plain(c)) {
			return false;
		}
		if (c < ' ' || c == 0x7f || n + 1 >= cap)
			return false;
		out[n++] = (char)c;
	}
	out[n] = '\0';
	return n > 0;
}

static void put_text(FILE *f, const char *key, const char *text)
{
	if (!*text)
		return;
	fprintf(f, " %s=", key);
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		if (is_plain(*p))
			fputc(*p, f);
		else
			fprintf(f, "%%%02x", *p);
}

/* One address; consumes s. */
static bool read_address(char *s, struct known_addr *out)
{
	char *colon = strrchr(s, ':');
	uint32_t port;
	if (!colon)
		return false;
	*colon = '\0';
	const char *digits = colon + 1;
	if (!args_read_number(&digits, 1, 65535, &port) || *digits)
		return false;
	if (*s == '[') {
		if (colon[-1] != ']')
			return false;
		colon[-1] = '\0';
		s++;
	} else if (strchr(s, ':')) {
		return false;
	}
	if (!*s || strlen(s) >= sizeof(out->host) || strpbrk(s, "[]"))
		return false;
	snprintf(out->host, sizeof(out->host), "%s", s);
	out->port = (uint16_t)port;
	return true;
}

static bool read_addresses(char *s, struct known_host *h)
{
	for (char *one; (one = strsep(&s, ","));) {
		if (h->n_addrs == KNOWN_ADDRS_MAX || !read_address(one, &h->addrs[h->n_addrs]))
			return false;
		h->n_addrs++;
	}
	return h->n_addrs > 0;
}

static bool read_macs(char *s, struct known_host *h)
{
	if (h->n_macs)
		return false;
	for (char *one; (one = strsep(&s, ","));) {
		if (h->n_macs == KNOWN_MACS_MAX || strlen(one) != 3 * KNOWN_MAC_LEN - 1)
			return false;
		for (size_t i = 0; i < KNOWN_MAC_LEN; i++)
			if (!read_hex(one + 3 * i, 1, &h->macs[h->n_macs][i]) ||
				(one[3 * i + 2] != ':' && i + 1 < KNOWN_MAC_LEN))
				return false;
		h->n_macs++;
	}
	return true;
}

static bool read_used(const char *s, struct known_host *h)
{
	size_t len = strspn(s, "0123456789");
	if (h->used_s || !len || len > 18 || s[len])
		return false;
	h->used_s = strtoull(s, NULL, 10);
	return h->used_s > 0;
}

static bool read_flag(const char *value, bool *flag)
{
	if (*flag || strcmp(value, "1") != 0)
		return false;
	return *flag = true;
}

static bool read_key(char *s, struct known_host *h)
{
	char *value = strchr(s, '=');
	if (!value)
		return false;
	*value++ = '\0';
	if (!strcmp(s, "name"))
		return !h->name[0] && read_text(value, h->name, sizeof(h->name));
	if (!strcmp(s, "id"))
		return !h->id[0] && read_text(value, h->id, sizeof(h->id));
	if (!strcmp(s, "mac"))
		return read_macs(value, h);
	if (!strcmp(s, "used"))
		return read_used(value, h);
	if (!strcmp(s, "paired"))
		return read_flag(value, &h->paired);
	return !strcmp(s, "unpaired") && read_flag(value, &h->unpaired);
}

/* Consumes the line. */
static bool read_line(char *line, struct known_host *h)
{
	memset(h, 0, sizeof(*h));
	char *addresses = strsep(&line, " "), *hex = strsep(&line, " ");
	if (!hex || strlen(hex) != 64 || !read_hex(hex, 32, h->sha256) ||
		!read_addresses(addresses, h))
		return false;
	for (char *word; (word = strsep(&line, " "));)
		if (!read_key(word, h))
			return false;
	return true;
}

static struct known_host *grow(struct known *k)
{
	if (k->n_hosts == KNOWN_HOSTS_MAX)
		return NULL;
	if (k->n_hosts == k->room) {
		size_t room = k->room ? 2 * k->room : 8;
		struct known_host *hosts = realloc(k->hosts, room * sizeof(*hosts));
		if (!hosts)
			return NULL;
		k->hosts = hosts;
		k->room = room;
	}
	return &k->hosts[k->n_hosts++];
}

static int take_line(struct known *k, const char *line, size_t len)
{
	char copy[KNOWN_LINE_MAX];
	if (len >= sizeof(copy) || memchr(line, '\0', len))
		return PUNKTFUNK_E_INVALID;
	memcpy(copy, line, len);
	copy[len] = '\0';
	struct known_host *h = grow(k);
	if (!h)
		return k->n_hosts == KNOWN_HOSTS_MAX ? PUNKTFUNK_E_FULL : PUNKTFUNK_E_NOMEM;
	return read_line(copy, h) ? PUNKTFUNK_OK : PUNKTFUNK_E_INVALID;
}

int known_parse(struct known *k, const char *text, size_t len, size_t *bad_line)
{
	int err = PUNKTFUNK_E_NOMEM;
	*k = (struct known){0};
	*bad_line = 0;
	k->comments = malloc(len + 1);
	if (!k->comments)
		return err;
	for (const char *p = text, *end = text + len; p < end;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = nl ? (size_t)(nl - p) : (size_t)(end - p);
		++*bad_line;
		err = PUNKTFUNK_OK;
		if (!n || *p == '#') {
			memcpy(k->comments + k->comments_len, p, n);
			k->comments_len += n;
			k->comments[k->comments_len++] = '\n';
		} else {
			/* A last line without its end is a write that was cut off. */
			err = nl ? take_line(k, p, n) : PUNKTFUNK_E_INVALID;
		}
		if (err) {
			known_finish(k);
			return err;
		}
		p += n + 1;
	}
	return PUNKTFUNK_OK;
}

static void put_host(FILE *f, const struct known_host *h)
{
	for (size_t i = 0; i < h->n_addrs; i++) {
		bool v6 = strchr(h->addrs[i].host, ':');
		fprintf(f, "%s%s%s%s:%u", i ? "," : "", v6 ? "[" : "", h->addrs[i].host,
			v6 ? "]" : "", h->addrs[i].port);
	}
	fputc(' ', f);
	for (size_t i = 0; i < sizeof(h->sha256); i++)
		fprintf(f, "%02x", h->sha256[i]);
	put_text(f, "name", h->name);
	put_text(f, "id", h->id);
	if (h->paired)
		fputs(" paired=1", f);
	if (h->unpaired)
		fputs(" unpaired=1", f);
	if (h->used_s)
		fprintf(f, " used=%" PRIu64, h->used_s);
	for (size_t i = 0; i < h->n_macs; i++) {
		const uint8_t *m = h->macs[i];
		fprintf(f, "%s%02x:%02x:%02x:%02x:%02x:%02x", i ? "," : " mac=", m[0], m[1], m[2],
			m[3], m[4], m[5]);
	}
	fputc('\n', f);
}

int known_format(const struct known *k, char **text, size_t *len)
{
	FILE *f = open_memstream(text, len);
	if (!f)
		return PUNKTFUNK_E_NOMEM;
	if (k->comments_len)
		fwrite(k->comments, 1, k->comments_len, f);
	for (size_t i = 0; i < k->n_hosts; i++)
		put_host(f, &k->hosts[i]);
	bool bad = ferror(f);
	if (fclose(f) == 0 && !bad)
		return PUNKTFUNK_OK;
	free(*text);
	*text = NULL;
	return PUNKTFUNK_E_NOMEM;
}

void known_finish(struct known *k)
{
	free(k->hosts);
	free(k->comments);
	*k = (struct known){0};
}

const char *known_label(const struct known_host *h)
{
	return h->name[0] ? h->name : h->addrs[0].host;
}

static size_t find_address(const struct known_host *h, const char *host, uint16_t port)
{
	size_t i = 0;
	while (i < h->n_addrs &&
		(h->addrs[i].port != port || strcasecmp(h->addrs[i].host, host) != 0))
		i++;
	return i;
}

struct known_host *known_by_address(const struct known *k, const char *host, uint16_t port)
{
	for (size_t i = 0; i < k->n_hosts; i++)
		if (find_address(&k->hosts[i], host, port) < k->hosts[i].n_addrs)
			return &k->hosts[i];
	return NULL;
}

struct known_host *known_by_label(const struct known *k, const char *label)
{
	for (size_t i = 0; i < k->n_hosts; i++)
		if (!strcasecmp(known_label(&k->hosts[i]), label))
			return &k->hosts[i];
	return NULL;
}

struct known_host *known_by_sha256(const struct known *k, const uint8_t sha256[32])
{
	for (size_t i = 0; i < k->n_hosts; i++)
		if (!memcmp(k->hosts[i].sha256, sha256, 32))
			return &k->hosts[i];
	return NULL;
}

struct known_host *known_add(
	struct known *k, const uint8_t sha256[32], const char *host, uint16_t port)
{
	struct known_host *h = grow(k);
	if (!h)
		return NULL;
	memset(h, 0, sizeof(*h));
	memcpy(h->sha256, sha256, sizeof(h->sha256));
	known_put_address(h, host, port);
	return h;
}

void known_remove(struct known *k, struct known_host *h)
{
	size_t at = (size_t)(h - k->hosts);
	memmove(h, h + 1, (k->n_hosts - at - 1) * sizeof(*h));
	k->n_hosts--;
}

void known_put_address(struct known_host *h, const char *host, uint16_t port)
{
	size_t at = find_address(h, host, port);
	if (at == KNOWN_ADDRS_MAX)
		return;
	struct known_addr a = {.port = port};
	snprintf(a.host, sizeof(a.host), "%s", host);
	h->n_addrs += at == h->n_addrs;
	memmove(&h->addrs[1], &h->addrs[0], at * sizeof(a));
	h->addrs[0] = a;
}

void known_take_address(struct known *k, struct known_host *h, const char *host, uint16_t port)
{
	size_t at = find_address(h, host, port);
	if (at == h->n_addrs)
		return;
	h->n_addrs--;
	memmove(&h->addrs[at], &h->addrs[at + 1], (h->n_addrs - at) * sizeof(h->addrs[0]));
	if (!h->n_addrs)
		known_remove(k, h);
}
