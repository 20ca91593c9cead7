/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * A client and a host with one PIN and somebody in between who orders, drops, repeats, cuts and changes what
 * they say. Input: steps of op u8 [|| length u8 || masks]. Each side may say "paired" only when every byte that
 * reached it was the other side's own, in order.
 */
#include <stdbool.h>
#include <string.h>

#include "core/pair/pair.h"
#include "fuzz/fuzz.h"
#include "fuzz/input.h"

enum { OPS_MAX = 12, LEN_MAX = 80 };

enum step { FRESH, GOING, PROVED, OVER };

struct ceremony {
	struct pf_pair_client *client;
	struct pf_pair_host *host;
	enum step client_at, host_at; /* where they must be */
	uint8_t asked[33];	      /* what the host answered to */
	uint8_t x[33], y[33], confirm[32], proof[32];
};

struct delivery {
	uint8_t *data; /* of exactly len bytes, so that the sanitizer sees one too many */
	size_t len;
	bool same; /* as it was sent */
};

static struct delivery deliver(
	struct fuzz_input *in, bool change, const uint8_t *sent, size_t sent_len)
{
	struct delivery d = {.len = change ? fuzz_u8(in) % (LEN_MAX + 1) : sent_len};
	d.data = malloc(d.len ? d.len : 1);
	FUZZ_CHECK(d.data);
	for (size_t i = 0; i < d.len; i++)
		d.data[i] = (uint8_t)((i < sent_len ? sent[i] : 0) ^ (change ? fuzz_u8(in) : 0));
	d.same = d.len == sent_len && !memcmp(d.data, sent, sent_len);
	return d;
}

/* What a call out of order must say; PF_OK when it is in order. */
static int expect(enum step *at, enum step wanted)
{
	if (*at == wanted)
		return PF_OK;
	int err = *at == OVER ? PF_E_CLOSED : PF_E_BAD_PACKET;
	*at = OVER;
	return err;
}

static void start(struct ceremony *c)
{
	int order = expect(&c->client_at, FRESH);
	FUZZ_CHECK(pf_pair_client_start(c->client, c->x) == order);
	if (!order)
		c->client_at = GOING;
}

static void request(struct ceremony *c, struct fuzz_input *in, bool change)
{
	uint8_t y[33], confirm[32];
	struct delivery d = deliver(in, change, c->x, sizeof c->x);
	int order = expect(&c->host_at, FRESH);
	int err = pf_pair_host_request(c->host, d.data, d.len, y, confirm);
	FUZZ_CHECK(!order || err == order);
	FUZZ_CHECK(err || (d.len == sizeof c->x && d.data[0] == 0x41));
	if (!order) {
		/* Before start() there is no message of the client: x is zeros. */
		FUZZ_CHECK(!d.same || c->x[0] == 0 || !err);
		c->host_at = err ? OVER : GOING;
	}
	if (!err) {
		memcpy(c->asked, d.data, sizeof c->asked);
		memcpy(c->y, y, sizeof y);
		memcpy(c->confirm, confirm, sizeof confirm);
	}
	free(d.data);
}

/* The host answered the client's own message; a fuzzer finds it before it was sent, too. */
static bool honest(const struct ceremony *c)
{
	return !memcmp(c->asked, c->x, sizeof c->x) && c->x[0];
}

static void challenge(struct ceremony *c, struct fuzz_input *in, uint8_t op)
{
	uint8_t proof[32];
	struct delivery m = deliver(in, op & 8, c->y, sizeof c->y);
	struct delivery k = deliver(in, op & 16, c->confirm, sizeof c->confirm);
	bool good = c->client_at == GOING && honest(c) && m.same && k.same;
	int order = expect(&c->client_at, GOING);
	int err = pf_pair_client_challenge(c->client, m.data, m.len, k.data, k.len, proof);
	FUZZ_CHECK(good == !err);
	FUZZ_CHECK(!order || err == order);
	if (!order)
		c->client_at = err ? OVER : PROVED;
	if (!err)
		memcpy(c->proof, proof, sizeof proof);
	free(m.data);
	free(k.data);
}

static void proof(struct ceremony *c, struct fuzz_input *in, bool change)
{
	static const uint8_t none[32];
	struct delivery d = deliver(in, change, c->proof, sizeof c->proof);
	bool good = c->host_at == GOING && honest(c) && d.same && memcmp(c->proof, none, 32);
	int order = expect(&c->host_at, GOING);
	int err = pf_pair_host_proof(c->host, d.data, d.len);
	FUZZ_CHECK(good == !err);
	FUZZ_CHECK(!order || err == order);
	c->host_at = OVER;
	free(d.data);
}

static void result(struct ceremony *c, struct fuzz_input *in)
{
	uint8_t ok = fuzz_u8(in);
	int order = expect(&c->client_at, PROVED);
	int err = pf_pair_client_result(c->client, ok);
	FUZZ_CHECK(err == (order ? order : ok == 1 ? PF_OK : PF_E_CRYPTO));
	c->client_at = OVER;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t client_fp[32] = {1}, host_fp[32] = {2}, x[64] = {3}, y[64] = {4};
	struct fuzz_input in = {data, size};
	struct ceremony c = {0};
	FUZZ_CHECK(!pf_pair_client_create(&c.client, "4821", client_fp, host_fp, x));
	FUZZ_CHECK(!pf_pair_host_create(&c.host, "4821", client_fp, host_fp, y));
	for (int i = 0; i < OPS_MAX && in.len; i++) {
		uint8_t op = fuzz_u8(&in);
		switch (op & 7) {
		case 0:
			start(&c);
			break;
		case 1:
			request(&c, &in, op & 8);
			break;
		case 2:
			challenge(&c, &in, op);
			break;
		case 3:
			proof(&c, &in, op & 8);
			break;
		default:
			result(&c, &in);
		}
	}
	pf_pair_client_destroy(c.client);
	pf_pair_host_destroy(c.host);
	return 0;
}
