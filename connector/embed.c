/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/crypto/aead.h"
#include "core/crypto/replay.h"
#include "core/flow/packetizer.h"
#include "core/flow/reassembler.h"
#include "core/packet/native.h"
#include "punktfunk_core.h"

/*
 * The sessions without a network. A host session is a packetizer, a client session a reassembler behind
 * opening and the replay window; a loopback pair is one of each that know of each other.
 */

#define DEFAULT_PERCENT		10u
#define DEFAULT_SHARD		1408u
#define DEFAULT_GF16_PER_BLOCK	4096u
#define DEFAULT_GF8_PER_BLOCK	200u
#define DEFAULT_MAX_FRAME_BYTES ((size_t)8 << 20)
#define MAX_MAX_FRAME_BYTES	((size_t)256 << 20)
#define MIN_PARITY		2u /* as shipped hosts do: one lost packet of a tiny frame is repaired */
#define MAX_PER_BLOCK		32768u
#define SCHEMES			2u

struct punktfunk_session {
	uint32_t role;
	struct pf_aead *aead; /* NULL: not encrypted */
	size_t packet_len;
	/* host */
	struct pf_packetizer *packetizer;
	struct pf_packet_batch batch;
	bool has_batch;
	uint32_t next_index;
	uint32_t drop_period;
	struct punktfunk_session *peer; /* loopback; NULL once the peer is freed */
	/* client */
	struct pf_sealer open;
	struct pf_reassembler *reassembler;
	struct pf_replay *replay;
	uint8_t *scratch; /* one packet, opened here: the caller's bytes stay as they are */
	struct punktfunk_stats stats;
};

void punktfunk_config_init(struct punktfunk_config *config)
{
	if (config)
		*config = (struct punktfunk_config){
			.size = sizeof(*config),
			.role = PUNKTFUNK_ROLE_HOST,
			.fec_scheme = PUNKTFUNK_FEC_GF16,
			.fec_percent = DEFAULT_PERCENT,
			.shard_payload = DEFAULT_SHARD,
			.max_frame_bytes = DEFAULT_MAX_FRAME_BYTES,
		};
}

/* How much of a struct of `size` bytes are whole fields: half a pointer must not be read. */
static size_t whole_fields(size_t size)
{
#define END(field) \
	(offsetof(struct punktfunk_config, field) + sizeof(((struct punktfunk_config *)0)->field))
	static const size_t ends[] = {END(size), END(role), END(fec_scheme), END(fec_percent),
		END(max_data_per_block), END(shard_payload), END(loopback_drop_period),
		END(max_frame_bytes), END(cipher), END(key), END(salt)};
#undef END
	size_t whole = 0;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (ends[i] <= size)
			whole = ends[i];
	return whole;
}

static int read_config(struct punktfunk_config *c, const struct punktfunk_config *given)
{
	punktfunk_config_init(c);
	size_t len = whole_fields(given->size);
	if (len < offsetof(struct punktfunk_config, fec_scheme))
		return PF_E_INVALID;
	memcpy(c, given, len);
	c->size = sizeof(*c);
	if (c->role > PUNKTFUNK_ROLE_CLIENT || c->fec_scheme >= SCHEMES)
		return PF_E_INVALID;
	if (!c->max_data_per_block)
		c->max_data_per_block = c->fec_scheme == PUNKTFUNK_FEC_GF8 ? DEFAULT_GF8_PER_BLOCK
									   : DEFAULT_GF16_PER_BLOCK;
	if (c->max_data_per_block > MAX_PER_BLOCK || c->max_frame_bytes > MAX_MAX_FRAME_BYTES ||
		c->shard_payload > PF_SHARD_PAYLOAD_MAX)
		return PF_E_INVALID;
	return PF_OK;
}

static int create_host(struct punktfunk_session *s, const struct punktfunk_config *c)
{
	struct pf_sealer seal;
	if (s->aead)
		pf_sealer_init(&seal, s->aead, c->salt, PF_HOST_TO_CLIENT);
	const struct pf_packetizer_params params = {
		.shard_payload = c->shard_payload,
		.scheme = (enum pf_fec_scheme)c->fec_scheme,
		.fec_percent = c->fec_percent,
		.min_parity = MIN_PARITY,
		.max_data_per_block = c->max_data_per_block,
		.max_frame_bytes = c->max_frame_bytes,
		.seal = s->aead ? &seal : NULL,
	};
	return pf_packetizer_create(&s->packetizer, &params);
}

static int create_client(struct punktfunk_session *s, const struct punktfunk_config *c)
{
	struct pf_reassembler_params params = {
		.shard_bytes = c->shard_payload,
		.schemes = 1u << c->fec_scheme,
	};
	pf_reassembler_limits_init(&params.limits, c->max_frame_bytes);
	params.limits.max_data_per_block = c->max_data_per_block;
	params.limits.max_parity_per_block = c->max_data_per_block > MIN_PARITY
		? c->max_data_per_block
		: MIN_PARITY;
	size_t shards = c->max_frame_bytes / (c->shard_payload ? c->shard_payload : 1) + 1;
	size_t blocks = shards / c->max_data_per_block + 1;
	if (blocks > params.limits.max_blocks)
		params.limits.max_blocks = blocks;
	int err = pf_reassembler_create(&s->reassembler, &params);
	if (err < 0)
		return err;
	s->replay = pf_calloc(1, sizeof(*s->replay));
	s->scratch = pf_calloc(1, s->packet_len);
	if (!s->replay || !s->scratch)
		return PF_E_NOMEM;
	pf_replay_init(s->replay);
	if (s->aead)
		pf_sealer_init(&s->open, s->aead, c->salt, PF_HOST_TO_CLIENT);
	return PF_OK;
}

static int create(struct punktfunk_session **out, const struct punktfunk_config *c, uint32_t role)
{
	struct punktfunk_session *s = pf_calloc(1, sizeof(*s));
	if (!s)
		return PF_E_NOMEM;
	s->role = role;
	s->packet_len = PF_NATIVE_HEADER_LEN + c->shard_payload + (c->key ? PF_SEAL_OVERHEAD : 0);
	int err = PF_OK;
	if (c->key) {
		size_t key_len = c->cipher == PUNKTFUNK_CIPHER_AES_128_GCM ? 16 : 32;
		err = pf_aead_create(&s->aead, (enum pf_cipher)c->cipher, c->key, key_len);
	}
	if (!err)
		err = role == PUNKTFUNK_ROLE_HOST ? create_host(s, c) : create_client(s, c);
	if (err < 0)
		goto fail;
	*out = s;
	return PF_OK;
fail:
	punktfunk_session_free(s);
	return err;
}

int punktfunk_session_create(struct punktfunk_session **out, const struct punktfunk_config *config)
{
	struct punktfunk_config c;
	if (!out || !config)
		return PF_E_NULL;
	*out = NULL;
	int err = read_config(&c, config);
	return err < 0 ? err : create(out, &c, c.role);
}

int punktfunk_test_loopback_pair(struct punktfunk_session **host, struct punktfunk_session **client,
	const struct punktfunk_config *config)
{
	struct punktfunk_config c;
	if (!host || !client || !config)
		return PF_E_NULL;
	*host = *client = NULL;
	int err = read_config(&c, config);
	if (err < 0)
		return err;
	err = create(host, &c, PUNKTFUNK_ROLE_HOST);
	if (err < 0)
		return err;
	err = create(client, &c, PUNKTFUNK_ROLE_CLIENT);
	if (err < 0) {
		punktfunk_session_free(*host);
		*host = NULL;
		return err;
	}
	(*host)->drop_period = c.loopback_drop_period;
	(*host)->peer = *client;
	(*client)->peer = *host;
	return PF_OK;
}

void punktfunk_session_free(struct punktfunk_session *s)
{
	if (!s)
		return;
	if (s->peer)
		s->peer->peer = NULL;
	pf_packetizer_destroy(s->packetizer);
	pf_reassembler_destroy(s->reassembler);
	pf_free(s->replay);
	pf_free_secret(s->scratch, s->packet_len); /* held plaintext */
	pf_aead_destroy(s->aead);
	pf_free_secret(s, sizeof(*s));
}

static int check_role(const struct punktfunk_session *s, uint32_t role)
{
	if (!s)
		return PF_E_NULL;
	return s->role == role ? PF_OK : PF_E_INVALID;
}

static void deliver(struct punktfunk_session *s, uint64_t now_ns)
{
	const struct pf_packet_batch *b = &s->batch;
	uint64_t before = s->stats.packets_received - b->n_packets;
	for (size_t i = 0; i < b->n_packets; i++) {
		if (s->drop_period && (before + i + 1) % s->drop_period == 0) {
			s->stats.packets_dropped_test++;
			continue;
		}
		/* What the client thinks of a packet shows in its counters. */
		int ignored = punktfunk_client_push_packet(
			s->peer, b->data + i * b->packet_len, b->packet_len, now_ns);
		(void)ignored;
	}
}

int punktfunk_host_submit_frame(struct punktfunk_session *s, const struct punktfunk_frame *frame)
{
	int err = check_role(s, PUNKTFUNK_ROLE_HOST);
	if (err < 0)
		return err;
	if (!frame)
		return PF_E_NULL;
	if (frame->size < offsetof(struct punktfunk_frame, received_ns))
		return PF_E_INVALID;
	if (frame->len && !frame->data)
		return PF_E_NULL;
	const struct pf_frame_info info = {
		.pts_ns = frame->pts_ns,
		.frame_index = s->next_index,
		.user_flags = (frame->flags & PUNKTFUNK_FRAME_KEYFRAME ? PF_USER_KEYFRAME : 0u) |
			(frame->flags & PUNKTFUNK_FRAME_REPEATED ? PF_USER_REPEATED : 0u),
		.flags = PF_NATIVE_PICTURE,
	};
	s->has_batch = false;
	err = pf_packetizer_build(s->packetizer, &info, frame->data, frame->len, &s->batch);
	if (err < 0)
		return err;
	s->has_batch = true;
	s->next_index++;
	s->stats.packets_received += s->batch.n_packets;
	s->stats.bytes_received += s->batch.n_packets * s->batch.packet_len;
	s->stats.frames_received++;
	if (s->peer)
		deliver(s, frame->pts_ns);
	return PF_OK;
}

int punktfunk_host_packets(const struct punktfunk_session *s, struct punktfunk_packets *out)
{
	int err = check_role(s, PUNKTFUNK_ROLE_HOST);
	if (err < 0)
		return err;
	if (!out)
		return PF_E_NULL;
	if (out->size < sizeof(*out))
		return PF_E_INVALID;
	if (!s->has_batch)
		return PF_E_NO_FRAME;
	out->data = s->batch.data;
	out->packet_len = s->batch.packet_len;
	out->n_packets = s->batch.n_packets;
	return PF_OK;
}

int punktfunk_host_set_fec_percent(struct punktfunk_session *s, uint32_t percent)
{
	int err = check_role(s, PUNKTFUNK_ROLE_HOST);
	return err < 0 ? err : pf_packetizer_set_fec_percent(s->packetizer, percent);
}

static int open_packet(struct punktfunk_session *s, uint8_t **text, size_t *len)
{
	uint64_t seq;
	int err = pf_sealer_open(&s->open, s->scratch, *len, &seq, text, len);
	if (err < 0) {
		s->stats.packets_bad++;
		return err;
	}
	if (!pf_replay_accept(s->replay, seq)) {
		s->stats.packets_replayed++;
		return PF_E_CLOSED;
	}
	return PF_OK;
}

int punktfunk_client_push_packet(
	struct punktfunk_session *s, const uint8_t *packet, size_t len, uint64_t now_ns)
{
	int err = check_role(s, PUNKTFUNK_ROLE_CLIENT);
	if (err < 0)
		return err;
	if (!packet)
		return PF_E_NULL;
	s->stats.packets_received++;
	s->stats.bytes_received += len;
	if (len != s->packet_len) {
		s->stats.packets_bad++;
		return PF_E_BAD_PACKET;
	}
	if (!s->aead)
		return pf_reassembler_push(s->reassembler, packet, len, now_ns);
	uint8_t *text;
	memcpy(s->scratch, packet, len);
	err = open_packet(s, &text, &len);
	return err < 0 ? err : pf_reassembler_push(s->reassembler, text, len, now_ns);
}

int punktfunk_client_poll_frame(
	struct punktfunk_session *s, struct punktfunk_frame *frame, uint64_t now_ns)
{
	int err = check_role(s, PUNKTFUNK_ROLE_CLIENT);
	if (err < 0)
		return err;
	if (!frame)
		return PF_E_NULL;
	if (frame->size < offsetof(struct punktfunk_frame, flags))
		return PF_E_INVALID;
	struct pf_au au;
	pf_reassembler_release(s->reassembler);
	(void)pf_reassembler_expire(s->reassembler, now_ns);
	err = pf_reassembler_poll(s->reassembler, &au);
	if (err < 0)
		return err;
	const struct punktfunk_frame full = {
		.size = frame->size,
		.data = au.data,
		.len = au.len,
		.frame_index = au.frame_index,
		.flags = (au.anchor ? PUNKTFUNK_FRAME_KEYFRAME : 0u) |
			(au.after_gap ? PUNKTFUNK_FRAME_AFTER_GAP : 0u) |
			(au.user_flags & PF_USER_REPEATED ? PUNKTFUNK_FRAME_REPEATED : 0u),
		.pts_ns = au.pts_ns,
		.received_ns = au.first_packet_ns,
		.complete_ns = au.complete_ns,
		.recovered_shards = au.recovered_shards,
	};
	memcpy(frame, &full, frame->size < sizeof(full) ? frame->size : sizeof(full));
	return PF_OK;
}

uint64_t punktfunk_client_deadline(const struct punktfunk_session *s)
{
	return check_role(s, PUNKTFUNK_ROLE_CLIENT) < 0 ? 0
							: pf_reassembler_deadline(s->reassembler);
}

int punktfunk_client_missing(const struct punktfunk_session *s, uint32_t *first, uint32_t *last)
{
	int err = check_role(s, PUNKTFUNK_ROLE_CLIENT);
	if (err < 0)
		return err;
	if (!first || !last)
		return PF_E_NULL;
	return pf_reassembler_hole(s->reassembler, first, last);
}

int punktfunk_get_stats(const struct punktfunk_session *s, struct punktfunk_stats *out)
{
	if (!s || !out)
		return PF_E_NULL;
	if (out->size < offsetof(struct punktfunk_stats, packets_bad))
		return PF_E_INVALID;
	struct punktfunk_stats full = s->stats;
	full.size = out->size;
	if (s->reassembler) {
		struct pf_reassembler_stats r;
		pf_reassembler_get_stats(s->reassembler, &r);
		full.packets_bad += r.packets_bad;
		full.shards_recovered = r.shards_recovered;
		full.frames_received = r.frames_completed;
		full.frames_recovered = r.frames_recovered;
		full.frames_lost = r.frames_lost;
		full.frames_delivered = r.frames_delivered;
	}
	memcpy(out, &full, out->size < sizeof(full) ? out->size : sizeof(full));
	return PF_OK;
}
