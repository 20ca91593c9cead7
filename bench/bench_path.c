/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * The data path without its sockets, in Gbit/s of video on one core: packetise, 10 % parity and seal
 * on the way out; open, replay check and reassembly on the way in, with no loss and with 2 %. Building
 * the packets that the receiving side eats is not counted. An argument sets another parity percent.
 */
#include <string.h>

#include "bench/measure.h"
#include "core/crypto/aead.h"
#include "core/crypto/replay.h"
#include "core/flow/packetizer.h"
#include "core/flow/reassembler.h"
#include "core/packet/native.h"

enum { SHARD = 1408, ROUNDS = 15, MAX_FRAME = 8 << 20 };

#define SLICE_NS 30000000u

static unsigned percent = 10;

struct path {
	size_t len;
	int receive;
	unsigned loss_per_thousand;
	uint8_t *au;
	struct pf_aead *aead;
	struct pf_sealer open;
	struct pf_packetizer *packetizer;
	struct pf_reassembler *reassembler;
	struct pf_replay replay;
	uint32_t index;
	uint64_t rand, excluded_ns, n_frames;
};

static void fail(const char *what)
{
	fprintf(stderr, "bench_path: %s failed\n", what);
	exit(1);
}

static uint64_t next_rand(uint64_t *state)
{
	uint64_t x = *state;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *state = x;
}

static void receive(struct path *p, const struct pf_packet_batch *batch)
{
	for (size_t i = 0; i < batch->n_packets; i++) {
		uint64_t seq;
		uint8_t *text;
		size_t len;
		if (p->loss_per_thousand && next_rand(&p->rand) % 1000 < p->loss_per_thousand)
			continue;
		if (pf_sealer_open(&p->open, batch->data + i * batch->packet_len, batch->packet_len,
			    &seq, &text, &len) < 0)
			fail("pf_sealer_open");
		if (!pf_replay_accept(&p->replay, seq))
			fail("pf_replay_accept");
		if (pf_reassembler_push(p->reassembler, text, len, p->index) < 0)
			fail("pf_reassembler_push");
	}
	struct pf_au au;
	while (pf_reassembler_poll(p->reassembler, &au) == PF_OK) {
		p->n_frames++;
		pf_reassembler_release(p->reassembler);
	}
}

static uint64_t run(void *userdata)
{
	struct path *p = userdata;
	uint64_t start = p->receive ? measure_cpu_ns() : 0;
	/* With loss some frame may be beyond repair: each is an anchor, so none waits for another. */
	const struct pf_frame_info info = {.pts_ns = p->index,
		.frame_index = p->index++,
		.user_flags = PF_USER_KEYFRAME,
		.flags = PF_NATIVE_PICTURE};
	struct pf_packet_batch batch;
	if (pf_packetizer_build(p->packetizer, &info, p->au, p->len, &batch) < 0)
		fail("pf_packetizer_build");
	if (p->receive) {
		p->excluded_ns += measure_cpu_ns() - start;
		receive(p, &batch);
	}
	return p->len * 8;
}

static void make(struct path *p, enum pf_fec_scheme scheme, size_t len, int receive, unsigned loss)
{
	const uint8_t key[16] = {3}, salt[4] = {1};
	*p = (struct path){.len = len, .receive = receive, .loss_per_thousand = loss, .rand = 7};
	p->au = malloc(len);
	if (!p->au || pf_aead_create(&p->aead, PF_CIPHER_AES_128_GCM, key, sizeof(key)) < 0)
		fail("setting up");
	for (size_t i = 0; i < len; i++)
		p->au[i] = (uint8_t)next_rand(&p->rand);
	pf_sealer_init(&p->open, p->aead, salt, PF_HOST_TO_CLIENT);
	struct pf_packetizer_params out = {.shard_payload = SHARD,
		.scheme = scheme,
		.fec_percent = percent,
		.min_parity = 2,
		.max_data_per_block = scheme == PF_FEC_GF8 ? 200 : 4096,
		.max_frame_bytes = MAX_FRAME,
		.seal = &p->open};
	struct pf_reassembler_params in = {.shard_bytes = SHARD};
	pf_reassembler_limits_init(&in.limits, MAX_FRAME);
	if (pf_packetizer_create(&p->packetizer, &out) < 0 ||
		(receive && pf_reassembler_create(&p->reassembler, &in) < 0))
		fail("setting up");
}

static void finish(struct path *p)
{
	pf_packetizer_destroy(p->packetizer);
	pf_reassembler_destroy(p->reassembler);
	pf_aead_destroy(p->aead);
	free(p->au);
}

static void compare(enum pf_fec_scheme scheme, size_t len)
{
	static struct path paths[3];
	struct candidate c[3] = {{.name = "packetise, parity, seal"}, {.name = "open, reassemble"},
		{.name = "open, reassemble, 2 % lost"}};
	for (int i = 0; i < 3; i++) {
		make(&paths[i], scheme, len, i > 0, i == 2 ? 20 : 0);
		c[i].run = run;
		c[i].userdata = &paths[i];
		c[i].excluded_ns = &paths[i].excluded_ns;
	}
	measure(c, 3, ROUNDS, SLICE_NS);
	printf("%s, frames of %zu bytes:\n", scheme == PF_FEC_GF8 ? "GF(2^8)" : "GF(2^16)", len);
	measure_print(c, 3, ROUNDS, "Gbit/s");
	for (int i = 1; i < 3; i++) {
		struct pf_reassembler_stats s;
		pf_reassembler_get_stats(paths[i].reassembler, &s);
		printf("  %-34s %8.2f %% of frames whole, %.2f %% with parity's help\n", c[i].name,
			100.0 * (double)s.frames_delivered / paths[i].index,
			100.0 * (double)s.frames_recovered / paths[i].index);
	}
	for (int i = 0; i < 3; i++)
		finish(&paths[i]);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		percent = (unsigned)atoi(argv[1]);
	/* 60 Mbit/s at 60 Hz; 800 Mbit/s at 240 Hz; and the 5120x1440 class, a keyframe of 4 MiB. */
	const size_t lens[] = {125000, 416667, 4 << 20};
	struct pf_aead *aead;
	if (pf_aead_create(&aead, PF_CIPHER_AES_128_GCM, (const uint8_t[16]){0}, 16) < 0)
		fail("pf_aead_create");
	printf("sealing by %s\n", pf_aead_provider(aead));
	pf_aead_destroy(aead);
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		compare(PF_FEC_GF16, lens[i]);
		compare(PF_FEC_GF8, lens[i]);
	}
	return 0;
}
