/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/nv/rtsp.h"

#include <string.h>

#include "core/base/bytes.h"

/*
 * METHOD SP target SP RTSP/1.0 CRLF
 * name ":" blanks value CRLF            any number of them
 * CRLF
 * body                                  Content-length bytes
 *
 * Responses are the same with "RTSP/1.0 SP status SP reason" in front. A client reads "name: value" with that one
 * blank, wants at least one header and takes no empty value.
 */

#define VERSION "RTSP/1.0"

static struct pf_nv_text text_of(const uint8_t *p, const uint8_t *end)
{
	return (struct pf_nv_text){.p = (const char *)p, .len = (size_t)(end - p)};
}

bool pf_nv_text_is(struct pf_nv_text t, const char *text)
{
	return t.p && strlen(text) == t.len && !memcmp(t.p, text, t.len);
}

bool pf_nv_text_starts(struct pf_nv_text t, const char *text)
{
	size_t len = strlen(text);
	return t.p && t.len >= len && !memcmp(t.p, text, len);
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* name: in lower case */
static bool is_named(struct pf_nv_text t, const char *name)
{
	if (strlen(name) != t.len)
		return false;
	for (size_t i = 0; i < t.len; i++)
		if (lower(t.p[i]) != name[i])
			return false;
	return true;
}

static struct pf_nv_text trim(struct pf_nv_text t)
{
	while (t.len && *t.p == ' ') {
		t.p++;
		t.len--;
	}
	while (t.len && t.p[t.len - 1] == ' ')
		t.len--;
	return t;
}

/* Takes what stands before the next `end`; false when there is none. */
static bool split(struct pf_nv_text *rest, char end, struct pf_nv_text *out)
{
	const char *at = rest->len ? memchr(rest->p, end, rest->len) : NULL;
	if (!at)
		return false;
	*out = (struct pf_nv_text){.p = rest->p, .len = (size_t)(at - rest->p)};
	rest->len -= out->len + 1;
	rest->p = at + 1;
	return true;
}

static int read_number(struct pf_nv_text t, uint32_t *out)
{
	uint64_t v = 0;
	if (!t.len)
		return PF_E_BAD_PACKET;
	for (size_t i = 0; i < t.len; i++) {
		if (t.p[i] < '0' || t.p[i] > '9')
			return PF_E_BAD_PACKET;
		v = v * 10 + (uint64_t)(t.p[i] - '0');
		if (v > UINT32_MAX)
			return PF_E_BAD_PACKET;
	}
	*out = (uint32_t)v;
	return PF_OK;
}

static uint8_t method_of(struct pf_nv_text t)
{
	static const char *const names[] = {
		[PF_NV_RTSP_OPTIONS] = "OPTIONS",
		[PF_NV_RTSP_DESCRIBE] = "DESCRIBE",
		[PF_NV_RTSP_SETUP] = "SETUP",
		[PF_NV_RTSP_ANNOUNCE] = "ANNOUNCE",
		[PF_NV_RTSP_PLAY] = "PLAY",
	};
	for (uint8_t i = PF_NV_RTSP_OPTIONS; i <= PF_NV_RTSP_PLAY; i++)
		if (pf_nv_text_is(t, names[i]))
			return i;
	return PF_NV_RTSP_OTHER;
}

static int read_request_line(struct pf_nv_rtsp_request *r, struct pf_nv_text line)
{
	struct pf_nv_text method;
	if (!split(&line, ' ', &method) || !method.len || !split(&line, ' ', &r->target) ||
		!r->target.len || !pf_nv_text_is(line, VERSION))
		return PF_E_BAD_PACKET;
	r->method = method_of(method);
	return PF_OK;
}

static int read_header(struct pf_nv_rtsp_request *r, struct pf_nv_text line, uint32_t *body_len)
{
	struct pf_nv_text name;
	if (!split(&line, ':', &name) || !name.len || memchr(name.p, ' ', name.len))
		return PF_E_BAD_PACKET;
	struct pf_nv_text value = trim(line);
	if (is_named(name, "cseq"))
		return read_number(value, &r->cseq);
	if (is_named(name, "content-length"))
		return read_number(value, body_len);
	if (is_named(name, "host"))
		r->host = value;
	else if (is_named(name, "session"))
		r->session = value;
	else if (is_named(name, "transport"))
		r->transport = value;
	return PF_OK;
}

/* One line, printable, without its end. PF_E_AGAIN: it has not come yet. */
static int next_line(const uint8_t **at, const uint8_t *end, struct pf_nv_text *line)
{
	const uint8_t *p = *at;
	while (p < end && *p >= ' ' && *p <= '~')
		p++;
	if ((size_t)(p - *at) > PF_NV_RTSP_LINE_MAX)
		return PF_E_FULL;
	if (p == end)
		return PF_E_AGAIN;
	if (*p != '\r')
		return PF_E_BAD_PACKET;
	if (p + 1 == end)
		return PF_E_AGAIN;
	if (p[1] != '\n')
		return PF_E_BAD_PACKET;
	*line = text_of(*at, p);
	*at = p + 2;
	return PF_OK;
}

static int read_headers(
	struct pf_nv_rtsp_request *r, const uint8_t **at, const uint8_t *end, uint32_t *body_len)
{
	for (unsigned n = 0; n <= PF_NV_RTSP_HEADERS_MAX; n++) {
		struct pf_nv_text line;
		int err = next_line(at, end, &line);
		if (err < 0 || !line.len)
			return err;
		err = read_header(r, line, body_len);
		if (err < 0)
			return err;
	}
	return PF_E_FULL;
}

int pf_nv_rtsp_read(struct pf_nv_rtsp_request *r, const uint8_t *data, size_t len)
{
	const uint8_t *at = data;
	const uint8_t *end = data + (len < PF_NV_RTSP_HEAD_MAX ? len : (size_t)PF_NV_RTSP_HEAD_MAX);
	struct pf_nv_text line;
	uint32_t body_len = 0;
	*r = (struct pf_nv_rtsp_request){0};
	if (!len)
		return PF_E_AGAIN;
	int err = next_line(&at, end, &line);
	if (!err)
		err = read_request_line(r, line);
	if (!err)
		err = read_headers(r, &at, end, &body_len);
	if (err == PF_E_AGAIN && len >= PF_NV_RTSP_HEAD_MAX)
		return PF_E_FULL;
	if (err < 0)
		return err;
	size_t head_len = (size_t)(at - data);
	if (body_len > PF_NV_RTSP_MAX - head_len)
		return PF_E_FULL;
	if (len - head_len < body_len)
		return PF_E_AGAIN;
	if (body_len)
		r->body = text_of(at, at + body_len);
	return (int)(head_len + body_len);
}

static void write_text(struct pf_writer *w, const char *text)
{
	pf_write_bytes(w, text, strlen(text));
}

static void write_number(struct pf_writer *w, uint32_t v)
{
	uint8_t digits[10];
	size_t at = sizeof(digits);
	do {
		digits[--at] = (uint8_t)('0' + v % 10);
		v /= 10;
	} while (v);
	pf_write_bytes(w, digits + at, sizeof(digits) - at);
}

static void write_header(struct pf_writer *w, const char *name, const char *value)
{
	write_text(w, name);
	write_text(w, ": ");
	write_text(w, value);
	write_text(w, "\r\n");
}

static void write_number_header(struct pf_writer *w, const char *name, uint32_t value)
{
	write_text(w, name);
	write_text(w, ": ");
	write_number(w, value);
	write_text(w, "\r\n");
}

static bool text_ok(const char *text)
{
	if (!text)
		return true;
	for (const char *p = text; *p; p++)
		if (*p < ' ' || *p > '~')
			return false;
	return *text != 0;
}

static void write_headers(struct pf_writer *w, const struct pf_nv_rtsp_response *r)
{
	write_number_header(w, "CSeq", r->cseq);
	if (r->options)
		write_header(w, "Public", r->options);
	if (r->session) {
		write_text(w, "Session: ");
		write_text(w, r->session);
		write_text(w, ";timeout = 90\r\n");
	}
	if (r->port) {
		write_text(w, "Transport: server_port=");
		write_number(w, r->port);
		write_text(w, "\r\n");
	}
	if (r->ping_payload)
		write_header(w, "X-SS-Ping-Payload", r->ping_payload);
	if (r->connect_data)
		write_number_header(w, "X-SS-Connect-Data", *r->connect_data);
	if (r->body.len) {
		write_header(w, "Content-Type", "application/sdp");
		write_number_header(w, "Content-Length", (uint32_t)r->body.len);
	}
}

int pf_nv_rtsp_write(uint8_t *out, size_t cap, const struct pf_nv_rtsp_response *r)
{
	struct pf_writer w = pf_writer_make(out, cap);
	if (r->status < 100 || r->status > 999 || !r->reason || !text_ok(r->reason) ||
		!text_ok(r->session) || !text_ok(r->ping_payload) || !text_ok(r->options) ||
		r->body.len > PF_NV_RTSP_MAX)
		return PF_E_INVALID;
	write_text(&w, VERSION " ");
	write_number(&w, r->status);
	write_text(&w, " ");
	write_text(&w, r->reason);
	write_text(&w, "\r\n");
	write_headers(&w, r);
	write_text(&w, "\r\n");
	pf_write_bytes(&w, r->body.p, r->body.len);
	return w.ok ? (int)pf_writer_len(&w) : PF_E_FULL;
}

/*
 *  0                  4              8            24
 *  +------------------+--------------+------------+------------+
 *  | 1, length (BE)   | seq (BE)     | tag        | ciphertext |
 *  +------------------+--------------+------------+------------+
 *
 * The first bit is set in no letter, so nothing in clear begins so. Nonce: sequence (LE), six zeros, 'C' or 'H' for
 * the side that sends, 'R'.
 */
#define SEALED_BIT 0x80000000u

static void make_nonce(
	uint8_t nonce[static PF_AEAD_NONCE_LEN], enum pf_direction from, uint32_t seq)
{
	memset(nonce, 0, PF_AEAD_NONCE_LEN);
	pf_put_le32(nonce, seq);
	nonce[10] = from == PF_CLIENT_TO_HOST ? 'C' : 'H';
	nonce[11] = 'R';
}

int pf_nv_rtsp_is_sealed(const uint8_t *data, size_t len)
{
	return len ? data[0] >> 7 : PF_E_AGAIN;
}

int pf_nv_rtsp_sealed_len(const uint8_t *data, size_t len)
{
	if (len < sizeof(uint32_t))
		return PF_E_AGAIN;
	uint32_t head = pf_get_be32(data);
	uint32_t text_len = head & ~SEALED_BIT;
	if (!(head & SEALED_BIT) || !text_len)
		return PF_E_BAD_PACKET;
	return text_len > PF_NV_RTSP_MAX ? PF_E_FULL : (int)(PF_NV_RTSP_SEAL_LEN + text_len);
}

int pf_nv_rtsp_open(struct pf_aead *aead, enum pf_direction from, const uint8_t *message,
	size_t len, uint8_t *out, uint32_t *seq)
{
	uint8_t nonce[PF_AEAD_NONCE_LEN];
	int whole = pf_nv_rtsp_sealed_len(message, len);
	if (whole < 0 || (size_t)whole != len)
		return PF_E_BAD_PACKET;
	size_t text_len = len - PF_NV_RTSP_SEAL_LEN;
	*seq = pf_get_be32(message + 4);
	make_nonce(nonce, from, *seq);
	memcpy(out, message + PF_NV_RTSP_SEAL_LEN, text_len);
	memcpy(out + text_len, message + 8, PF_AEAD_TAG_LEN);
	int err = pf_aead_open(aead, nonce, NULL, 0, out, text_len);
	return err < 0 ? err : (int)text_len;
}

int pf_nv_rtsp_seal(struct pf_aead *aead, enum pf_direction from, uint32_t seq, const uint8_t *text,
	size_t len, uint8_t *out, size_t cap)
{
	uint8_t nonce[PF_AEAD_NONCE_LEN], tag[PF_AEAD_TAG_LEN];
	if (!len || len > PF_NV_RTSP_MAX)
		return PF_E_INVALID;
	if (cap < PF_NV_RTSP_SEAL_LEN + len)
		return PF_E_FULL;
	make_nonce(nonce, from, seq);
	/* The tag is made behind the text and belongs in front of it: that is the room of length and sequence. */
	uint8_t *sealed = out + sizeof(uint64_t);
	memcpy(sealed, text, len);
	int err = pf_aead_seal(aead, nonce, NULL, 0, sealed, len);
	if (err < 0)
		return err;
	memcpy(tag, sealed + len, sizeof(tag));
	memmove(out + PF_NV_RTSP_SEAL_LEN, sealed, len);
	memcpy(out + 8, tag, sizeof(tag));
	pf_put_be32(out, SEALED_BIT | (uint32_t)len);
	pf_put_be32(out + 4, seq);
	return (int)(PF_NV_RTSP_SEAL_LEN + len);
}
