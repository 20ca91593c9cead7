/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <arpa/inet.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>

#include "core/base/alloc.h"
#include "core/packet/native.h"
#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/config/config.h"
#include "host/host.h"
#include "host/media/clock.h"
#include "host/native/control.h"
#include "host/native/internal.h"
#include "host/native/send.h"

/* A session's data plane (wire 7): one socket, one key, one direction. What goes out is send.c's. */

static uint16_t port_of(const union udp_addr *a)
{
	return ntohs(a->sa.sa_family == AF_INET6 ? a->in6.sin6_port : a->in4.sin_port);
}

/*
 * A punch is eight bytes that anyone could send, so it counts only from the address that QUIC has
 * authenticated: a stranger can neither take the stream nor aim it at somebody.
 */
static bool is_punch(
	struct native_client *c, const uint8_t *data, size_t len, const union udp_addr *from)
{
	return len == PF_PUNCH_LEN && !memcmp(data, PF_PUNCH, PF_PUNCH_LEN) &&
		udp_addr_same_host(from, &c->peer);
}

static void on_data_readable(uint32_t events, void *userdata)
{
	struct native_client *c = userdata;
	(void)events;
	/* Once streaming, only the client's repeated punches come; they are read so that they do not wait. */
	for (int i = 0; i < 64; i++) {
		uint8_t buf[64];
		union udp_addr from;
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(c->data.socket.fd, buf, sizeof(buf), 0, &from.sa, &from_len);
		if (n < 0)
			return;
		if (c->state > CLIENT_PUNCH || !is_punch(c, buf, (size_t)n, &from))
			continue;
		if (c->state < CLIENT_PUNCH)
			c->early_port = port_of(&from);
		else if (udp_connect(&c->data.socket, &from, from_len) == PF_OK)
			handshake_stream(c);
		native_flush(c->native);
	}
}

int data_assume_peer(struct native_client *c)
{
	union udp_addr peer = c->peer;
	if (!c->start_port)
		return PF_E_INVALID;
	if (peer.sa.sa_family == AF_INET6)
		peer.in6.sin6_port = htons(c->start_port);
	else
		peer.in4.sin_port = htons(c->start_port);
	return udp_connect(&c->data.socket, &peer, c->peer_len);
}

static size_t choose_shard(const struct native_client *c)
{
	size_t shard = c->peer.sa.sa_family == AF_INET6 ? SHARD_IPV6 : SHARD_IPV4;
	size_t most = c->hello.max_shard & ~1u; /* GF(2^16) works on pairs of bytes */
	if (!c->hello.max_shard || most >= shard)
		return shard;
	return most < SHARD_MIN ? SHARD_MIN : most;
}

static size_t frame_cap(uint32_t kbps, uint32_t hz)
{
	uint64_t bytes = 4ull * kbps * 1000 / 8 / (hz ? hz : 1);
	if (bytes < FRAME_BYTES_MIN)
		return FRAME_BYTES_MIN;
	return bytes > FRAME_BYTES_MAX ? FRAME_BYTES_MAX : (size_t)bytes;
}

static int make_sealer(struct native_data *d, struct pf_sealer *seal)
{
	if (getrandom(d->key, sizeof(d->key), 0) != sizeof(d->key) ||
		getrandom(d->salt, sizeof(d->salt), 0) != sizeof(d->salt))
		return PF_E_CRYPTO;
	int err = pf_aead_create(&d->aead, PF_CIPHER_AES_128_GCM, d->key, sizeof(d->key));
	if (err < 0)
		return err;
	pf_sealer_init(seal, d->aead, d->salt, PF_HOST_TO_CLIENT);
	return PF_OK;
}

int data_open(struct native_client *c, uint32_t bitrate_kbps, uint32_t refresh_hz)
{
	struct native_data *d = &c->data;
	const struct config *config = c->native->host->config;
	struct udp_params udp = {
		.bind_host = config->bind,
		.port = (uint16_t)config->data_port,
		.send_buffer = SEND_BUFFER,
	};
	int err = udp_open(&d->socket, &udp);
	if (err < 0)
		return err;
	d->port = udp_local_port(&d->socket);
	d->loss = (struct paced_loss){.percent = config->drop_percent};
	struct pf_sealer seal;
	err = make_sealer(d, &seal);
	if (err < 0)
		return err;
	d->shard_payload = choose_shard(c);
	d->params = (struct pf_packetizer_params){
		.shard_payload = d->shard_payload,
		.scheme = PF_FEC_GF16,
		.fec_percent = adapt_first_fec(config),
		.min_parity = FEC_MIN_PARITY,
		.small_block = FEC_SMALL_BLOCK,
		.max_data_per_block = MAX_DATA_PER_BLOCK,
		.max_frame_bytes = frame_cap(bitrate_kbps, refresh_hz),
		.seal = &seal,
	};
	err = pf_packetizer_create(&d->packetizer, &d->params);
	d->params.seal = NULL; /* it was copied; the next one resumes from there */
	if (err < 0)
		return err;
	err = send_open(c, refresh_hz);
	if (err < 0)
		return err;
	return loop_add_fd(
		c->native->host->loop, &d->readable, d->socket.fd, EPOLLIN, on_data_readable, c);
}

void data_close(struct native_client *c)
{
	struct native_data *d = &c->data;
	loop_remove(&d->readable);
	pf_packetizer_destroy(d->packetizer);
	d->packetizer = NULL;
	pf_aead_destroy(d->aead);
	d->aead = NULL;
	pf_wipe(d->key, sizeof(d->key));
	if (d->socket.fd >= 0)
		udp_close(&d->socket);
	d->socket.fd = -1;
}
