/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * The C ABI's sessions without a network, called with any sizes and values: nothing is written past a
 * struct's own size, nothing crashes, and an honest frame still comes through at the end.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "fuzz/input.h"
#include "punktfunk_core.h"

enum { MAX_FRAME = 20000, GUARD = 0xd5 };

static uint8_t unit[MAX_FRAME];
static const uint8_t key[32] = {9, 8, 7};

/* Any bytes for a config, with memory and pointers kept inside what exists. */
static struct punktfunk_config any_config(struct fuzz_input *in)
{
	struct punktfunk_config c;
	uint8_t how = fuzz_u8(in);
	punktfunk_config_init(&c);
	if (how & 1) /* mostly wild */
		for (size_t i = 0; i < sizeof(c); i++)
			((uint8_t *)&c)[i] = fuzz_u8(in);
	c.size = how & 2 ? fuzz_u8(in) : sizeof(c);
	if (how & 4) {
		c.shard_payload = fuzz_u16(in);
		c.max_data_per_block = fuzz_u16(in);
		c.fec_percent = fuzz_u8(in);
		c.fec_scheme = fuzz_u8(in) & 3;
		c.cipher = fuzz_u8(in) & 3;
	}
	c.loopback_drop_period = fuzz_u8(in);
	c.max_frame_bytes = how & 8 ? fuzz_u16(in) : MAX_FRAME;
	c.key = how & 16 ? key : NULL;
	return c;
}

/* A struct of the library's with `size` said to be its length, and guards where it must not write. */
static void *guarded(size_t len, size_t size)
{
	uint8_t *p = malloc(len);
	FUZZ_CHECK(p);
	memset(p, GUARD, len);
	memcpy(p, &size, sizeof(size));
	return p;
}

static void check_guard(void *p, size_t len, size_t size)
{
	for (size_t i = size < sizeof(size) ? sizeof(size) : size; i < len; i++)
		FUZZ_CHECK(((uint8_t *)p)[i] == GUARD);
	free(p);
}

static void read_out(struct punktfunk_session *s, struct fuzz_input *in)
{
	size_t size = fuzz_u8(in), len = sizeof(struct punktfunk_frame);
	size = size < len ? size : len;
	void *frame = guarded(len, size);
	(void)!punktfunk_client_poll_frame(s, frame, fuzz_u32(in));
	check_guard(frame, len, size);

	size = fuzz_u8(in);
	len = sizeof(struct punktfunk_stats);
	size = size < len ? size : len;
	void *stats = guarded(len, size);
	(void)!punktfunk_get_stats(s, stats);
	check_guard(stats, len, size);

	size = fuzz_u8(in);
	len = sizeof(struct punktfunk_packets);
	size = size < len ? size : len;
	void *packets = guarded(len, size);
	(void)!punktfunk_host_packets(s, packets);
	check_guard(packets, len, size);
}

static void push_any(struct punktfunk_session *s, struct fuzz_input *in)
{
	size_t len = fuzz_u16(in) % 2000;
	uint8_t *packet = malloc(len ? len : 1);
	FUZZ_CHECK(packet);
	for (size_t i = 0; i < len; i++)
		packet[i] = fuzz_u8(in);
	(void)!punktfunk_client_push_packet(s, packet, len, fuzz_u32(in));
	free(packet);
}

static void submit_any(struct punktfunk_session *s, struct fuzz_input *in)
{
	size_t whole = sizeof(struct punktfunk_frame), size = fuzz_u8(in);
	struct punktfunk_frame f = {.size = size < whole ? size : whole,
		.data = unit,
		.len = fuzz_u16(in) % (MAX_FRAME + 1u),
		.flags = fuzz_u8(in),
		.pts_ns = fuzz_u32(in)};
	(void)!punktfunk_host_submit_frame(s, &f);
}

static void use(struct punktfunk_session *s, struct fuzz_input *in)
{
	uint32_t first, last;
	switch (fuzz_u8(in) % 5) {
	case 0:
		submit_any(s, in);
		break;
	case 1:
		push_any(s, in);
		break;
	case 2:
		read_out(s, in);
		break;
	case 3:
		(void)!punktfunk_host_set_fec_percent(s, fuzz_u8(in));
		break;
	case 4:
		(void)!punktfunk_client_missing(s, &first, &last);
		(void)!punktfunk_client_deadline(s);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	struct punktfunk_config c = any_config(&in);
	struct punktfunk_session *host = NULL, *client = NULL;
	int err = punktfunk_test_loopback_pair(&host, &client, &c);
	FUZZ_CHECK((err == 0) == (host && client));
	for (int i = 0; i < 200 && in.len && !err; i++)
		use(fuzz_u8(&in) & 1 ? host : client, &in);
	punktfunk_session_free(host);
	punktfunk_session_free(client);
	return 0;
}
