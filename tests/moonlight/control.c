/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/moonlight/control.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <enet/enet.h>

#include "core/base/bytes.h"
#include "tests/moonlight/seal.h"

#define PING_NS	 100000000ull
#define SEAL_LEN 24u /* type, length, sequence, tag */
#define HEAD_LEN 4u
#define SEQS	 4096u /* of the host that are kept apart */

enum {
	SEALED = 0x0001,
	TERMINATION = 0x0109,
	PING = 0x0200,
	INPUT = 0x0206,
	INVALIDATE = 0x0301,
	IDR = 0x0302,
	START = 0x0307,
	STATUS = 0x5502,
};

struct moon_control {
	ENetHost *enet;
	ENetPeer *peer;
	struct moon_control_params params;
	bool connected, ended;
	uint32_t seq;
	uint64_t ping_at_ns;
	uint32_t termination;
	size_t n_heard;
	uint64_t n_bad;
	uint8_t seen[SEQS / 8];
	uint8_t last[MOON_PACKET_MAX];
	size_t last_len;
	struct moon_heard heard[MOON_HEARD];
};

static uint64_t now_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

struct moon_control *moon_control_create(const struct moon_control_params *p)
{
	ENetAddress to = {.port = p->port};
	struct moon_control *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->params = *p;
	c->enet = enet_host_create(NULL, 1, MOON_CHANNELS, 0, 0);
	if (c->enet && enet_address_set_host_ip(&to, p->to ? p->to : "127.0.0.1") == 0)
		c->peer = enet_host_connect(
			c->enet, &to, p->channels ? p->channels : MOON_CHANNELS, p->connect_data);
	if (!c->peer) {
		moon_control_destroy(c);
		return NULL;
	}
	enet_peer_timeout(c->peer, 2, 10000, 10000);
	enet_host_flush(c->enet);
	return c;
}

void moon_control_destroy(struct moon_control *c)
{
	if (!c)
		return;
	if (c->peer)
		enet_peer_reset(c->peer);
	if (c->enet)
		enet_host_destroy(c->enet);
	free(c);
}

void moon_control_leave(struct moon_control *c, int timeout_ms)
{
	const uint64_t until = now_ns() + (uint64_t)timeout_ms * 1000000u;
	if (!c->connected)
		return;
	enet_peer_disconnect(c->peer, 0);
	while (!c->ended && now_ns() < until) {
		ENetEvent e;
		if (enet_host_service(c->enet, &e, 5) <= 0)
			continue;
		if (e.type == ENET_EVENT_TYPE_RECEIVE)
			enet_packet_destroy(e.packet);
		c->ended = e.type == ENET_EVENT_TYPE_DISCONNECT;
	}
	c->connected = false;
	c->ended = true;
}

int moon_control_fd(const struct moon_control *c)
{
	return c->enet->socket;
}

/*
 *  0        2        4          8        24
 *  +--------+--------+----------+--------+---------------------------------------+
 *  | 0x0001 | length | sequence | tag    | sealed: type LE16, length LE16, payload |
 *  +--------+--------+----------+--------+---------------------------------------+
 */
static bool hear(struct moon_control *c, uint8_t *p, size_t len)
{
	if (len < SEAL_LEN + HEAD_LEN || pf_get_le16(p) != SEALED || pf_get_le16(p + 2) != len - 4)
		return false;
	const uint32_t seq = pf_get_le32(p + 4);
	uint8_t *m = p + SEAL_LEN;
	len -= SEAL_LEN;
	if (!moon_seal(false, c->params.key, seq, 'H', 'C', m, len, m, p + 8))
		return false;
	/* A host that uses a sequence twice gives its key away. */
	if (seq >= SEQS || c->seen[seq / 8] >> seq % 8 & 1)
		return false;
	c->seen[seq / 8] |= (uint8_t)(1u << seq % 8);
	if (pf_get_le16(m + 2) != len - HEAD_LEN)
		return false;
	struct moon_heard *h = &c->heard[c->n_heard++ % MOON_HEARD];
	h->type = pf_get_le16(m);
	h->len = len - HEAD_LEN < MOON_HEARD_BYTES ? len - HEAD_LEN : MOON_HEARD_BYTES;
	memcpy(h->data, m + HEAD_LEN, h->len);
	if (h->type == TERMINATION && h->len >= 4)
		c->termination = pf_get_be32(h->data);
	return true;
}

void moon_control_turn(struct moon_control *c)
{
	static const uint8_t ping[8] = {4};
	ENetEvent e;
	while (enet_host_service(c->enet, &e, 0) > 0) {
		if (e.type == ENET_EVENT_TYPE_CONNECT) {
			c->connected = true;
		} else if (e.type == ENET_EVENT_TYPE_DISCONNECT) {
			c->connected = false;
			c->ended = true;
		} else if (e.type == ENET_EVENT_TYPE_RECEIVE) {
			c->n_bad += !hear(c, e.packet->data, e.packet->dataLength);
			enet_packet_destroy(e.packet);
		}
	}
	if (!c->connected || c->params.mute || now_ns() < c->ping_at_ns)
		return;
	c->ping_at_ns = now_ns() + PING_NS;
	moon_control_send(c, PING, ping, sizeof(ping), MOON_CHANNEL_MAIN, MOON_RELIABLE);
}

bool moon_control_connected(const struct moon_control *c)
{
	return c->connected;
}

bool moon_control_ended(const struct moon_control *c)
{
	return c->ended;
}

size_t moon_control_granted(const struct moon_control *c)
{
	return c->peer->channelCount;
}

uint32_t moon_control_termination(const struct moon_control *c)
{
	return c->termination;
}

size_t moon_control_count(const struct moon_control *c)
{
	return c->n_heard;
}

const struct moon_heard *moon_control_heard(const struct moon_control *c, size_t n)
{
	return &c->heard[n % MOON_HEARD];
}

uint64_t moon_control_bad(const struct moon_control *c)
{
	return c->n_bad;
}

/* --- sending --- */

bool moon_control_raw(struct moon_control *c, const uint8_t *data, size_t len, unsigned channel,
	enum moon_way way)
{
	static const uint32_t flags[] = {[MOON_RELIABLE] = ENET_PACKET_FLAG_RELIABLE,
		[MOON_UNSEQUENCED] = ENET_PACKET_FLAG_UNSEQUENCED};
	if (!c->connected)
		return false;
	if (channel >= c->peer->channelCount)
		channel = 0;
	ENetPacket *p = enet_packet_create(data, len, flags[way]);
	if (!p || enet_peer_send(c->peer, (uint8_t)channel, p) < 0)
		return false;
	enet_host_flush(c->enet);
	return true;
}

size_t moon_control_seal(uint8_t out[static MOON_PACKET_MAX], const uint8_t key[static 16],
	uint32_t seq, uint16_t type, const void *payload, size_t len)
{
	uint8_t plain[HEAD_LEN + MOON_MESSAGE_MAX];
	if (len > MOON_MESSAGE_MAX)
		return 0;
	pf_put_le16(plain, type);
	pf_put_le16(plain + 2, (uint16_t)len);
	if (len)
		memcpy(plain + HEAD_LEN, payload, len);
	pf_put_le16(out, SEALED);
	pf_put_le16(out + 2, (uint16_t)(SEAL_LEN - 4 + HEAD_LEN + len));
	pf_put_le32(out + 4, seq);
	return moon_seal(true, key, seq, 'C', 'C', plain, HEAD_LEN + len, out + SEAL_LEN, out + 8)
		? SEAL_LEN + HEAD_LEN + len
		: 0;
}

bool moon_control_send(struct moon_control *c, uint16_t type, const void *payload, size_t len,
	unsigned channel, enum moon_way way)
{
	if (!c->connected)
		return false;
	c->last_len = moon_control_seal(c->last, c->params.key, c->seq++, type, payload, len);
	return c->last_len && moon_control_raw(c, c->last, c->last_len, channel, way);
}

size_t moon_control_last(const struct moon_control *c, uint8_t out[static MOON_PACKET_MAX])
{
	memcpy(out, c->last, c->last_len);
	return c->last_len;
}

bool moon_control_start(struct moon_control *c)
{
	static const uint8_t zeros[2];
	return moon_control_send(c, IDR, zeros, 2, MOON_CHANNEL_MAIN, MOON_RELIABLE) &&
		moon_control_send(c, START, zeros, 1, MOON_CHANNEL_MAIN, MOON_RELIABLE);
}

bool moon_control_idr(struct moon_control *c)
{
	static const uint8_t zeros[2];
	return moon_control_send(c, IDR, zeros, 2, MOON_CHANNEL_SOON, MOON_RELIABLE);
}

bool moon_control_invalidate(struct moon_control *c, uint32_t first, uint32_t last)
{
	uint8_t p[24] = {0};
	pf_put_le32(p, first);
	pf_put_le32(p + 8, last);
	return moon_control_send(c, INVALIDATE, p, sizeof(p), MOON_CHANNEL_SOON, MOON_RELIABLE);
}

bool moon_control_status(struct moon_control *c, const struct nv_block *b)
{
	uint8_t p[21];
	pf_put_be32(p, b->frame);
	pf_put_be16(p + 4, b->highest_seq);
	pf_put_be16(p + 6, b->next_seq);
	pf_put_be16(p + 8, b->missing);
	pf_put_be16(p + 10, b->data);
	pf_put_be16(p + 12, b->parity);
	pf_put_be16(p + 14, b->received_data);
	pf_put_be16(p + 16, b->received_parity);
	p[18] = b->percent;
	p[19] = b->block;
	p[20] = b->n_blocks;
	return moon_control_send(c, STATUS, p, sizeof(p), MOON_CHANNEL_MAIN, MOON_UNSEQUENCED);
}

bool moon_control_input(struct moon_control *c, const uint8_t *packet, size_t len, unsigned channel,
	enum moon_way way)
{
	return moon_control_send(c, INPUT, packet, len, channel, way);
}
