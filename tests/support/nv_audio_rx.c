/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "core/base/bytes.h"
#include "tests/support/nv_gf.h"
#include "tests/support/nv_receiver.h"

#define RTP_LEN	   12u
#define PARITY_LEN 24u
#define DATA	   4u
#define PARITY	   2u
#define MAX_TEXT   1408u

struct nv_audio_rx {
	unsigned packet_ms;
	EVP_CIPHER_CTX *ctx;
	uint32_t key_id;
	void (*on_packet)(uint16_t sequence, const uint8_t *opus, size_t len, void *userdata);
	void *userdata;
	struct nv_audio_stats stats;
	bool started, done; /* done: the group was delivered */
	uint16_t base;	    /* first sequence of the group under way */
	uint32_t base_time; /* as its packets say */
	size_t text_len, n; /* of the group; received */
	uint8_t *shards[DATA + PARITY];
	uint8_t slots[DATA + PARITY][MAX_TEXT], spare[DATA][MAX_TEXT];
};

struct nv_audio_rx *nv_audio_rx_create(unsigned packet_ms, const uint8_t *key, uint32_t key_id,
	void (*on_packet)(uint16_t sequence, const uint8_t *opus, size_t len, void *userdata),
	void *userdata)
{
	struct nv_audio_rx *rx = calloc(1, sizeof(*rx));
	if (!rx)
		return NULL;
	rx->packet_ms = packet_ms;
	rx->key_id = key_id;
	rx->on_packet = on_packet;
	rx->userdata = userdata;
	rx->ctx = key ? EVP_CIPHER_CTX_new() : NULL;
	if (key &&
		(!rx->ctx ||
			EVP_DecryptInit_ex(rx->ctx, EVP_aes_128_cbc(), NULL, key, NULL) != 1)) {
		nv_audio_rx_destroy(rx);
		return NULL;
	}
	return rx;
}

void nv_audio_rx_destroy(struct nv_audio_rx *rx)
{
	if (!rx)
		return;
	EVP_CIPHER_CTX_free(rx->ctx);
	free(rx);
}

const struct nv_audio_stats *nv_audio_rx_stats(const struct nv_audio_rx *rx)
{
	return &rx->stats;
}

static void deliver(struct nv_audio_rx *rx, uint16_t sequence, const uint8_t *text)
{
	uint8_t iv[16] = {0}, opus[MAX_TEXT + 16];
	int n = 0, last = 0;
	if (!rx->ctx) {
		rx->stats.packets++;
		rx->on_packet(sequence, text, rx->text_len, rx->userdata);
		return;
	}
	pf_put_be32(iv, rx->key_id + sequence);
	if (EVP_DecryptInit_ex(rx->ctx, NULL, NULL, NULL, iv) != 1 ||
		EVP_DecryptUpdate(rx->ctx, opus, &n, text, (int)rx->text_len) != 1 ||
		EVP_DecryptFinal_ex(rx->ctx, opus + n, &last) != 1) {
		rx->stats.bad++;
		return;
	}
	rx->stats.packets++;
	rx->on_packet(sequence, opus, (size_t)(n + last), rx->userdata);
}

/* With fewer than four of six: what there is. */
static void end_group(struct nv_audio_rx *rx)
{
	if (!rx->started || rx->done)
		return;
	uint8_t *fresh[DATA];
	size_t n_data = 0;
	for (size_t i = 0; i < DATA; i++) {
		fresh[i] = rx->spare[i];
		n_data += rx->shards[i] != NULL;
	}
	if (n_data < DATA && rx->n >= DATA &&
		nv_repair(rx->shards, fresh, DATA, PARITY, rx->text_len, nv_audio_row))
		rx->stats.rebuilt += DATA - n_data;
	for (size_t i = 0; i < DATA; i++) {
		if (rx->shards[i])
			deliver(rx, (uint16_t)(rx->base + i), rx->shards[i]);
		else
			rx->stats.lost++;
	}
	rx->done = true;
}

static void begin_group(struct nv_audio_rx *rx, uint16_t base, uint32_t time, size_t text_len)
{
	end_group(rx);
	if (rx->started) /* whole groups that never came */
		rx->stats.lost += (uint16_t)(base - rx->base) - DATA;
	rx->started = true;
	rx->done = false;
	rx->base = base;
	rx->base_time = time;
	rx->text_len = text_len;
	rx->n = 0;
	memset(rx->shards, 0, sizeof(rx->shards));
}

struct place {
	uint16_t base;
	uint32_t time;
	size_t shard, head;
};

static bool find_place(const struct nv_audio_rx *rx, const uint8_t *p, size_t len, struct place *at)
{
	if (len < RTP_LEN || p[0] != 0x80)
		return false;
	uint16_t sequence = pf_get_be16(p + 2);
	if (p[1] == 97) {
		at->shard = sequence % DATA;
		at->base = (uint16_t)(sequence - at->shard);
		at->time = pf_get_be32(p + 4) - (uint32_t)at->shard * rx->packet_ms;
		at->head = RTP_LEN;
		return true;
	}
	if (p[1] != 127 || len < PARITY_LEN || p[12] >= PARITY || p[13] != 97)
		return false;
	at->shard = DATA + p[12];
	at->base = pf_get_be16(p + 14);
	at->time = pf_get_be32(p + 16);
	at->head = PARITY_LEN;
	return at->base % DATA == 0;
}

void nv_audio_rx_add(struct nv_audio_rx *rx, const uint8_t *datagram, size_t len)
{
	struct place at;
	if (!find_place(rx, datagram, len, &at) || len - at.head > MAX_TEXT ||
		(rx->started && (int16_t)(uint16_t)(at.base - rx->base) < 0)) {
		rx->stats.rejected++;
		return;
	}
	if (!rx->started || at.base != rx->base)
		begin_group(rx, at.base, at.time, len - at.head);
	if (rx->done || rx->shards[at.shard]) {
		rx->stats.rejected++;
		return;
	}
	if (at.time != rx->base_time || len - at.head != rx->text_len) {
		rx->stats.bad++;
		return;
	}
	memcpy(rx->slots[at.shard], datagram + at.head, rx->text_len);
	rx->shards[at.shard] = rx->slots[at.shard];
	rx->n++;
	if (rx->n >= DATA)
		end_group(rx);
}
