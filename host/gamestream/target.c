/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include "host/gamestream/streams.h"

/*
 * A client's pings (docs/gamestream.md): 16 letters that only it and the host know, then a counter. Neither is
 * proven beyond that; who reads along can take the stream over to an address of its own, where RTSP is not encrypted.
 */
#define PING_LEN (PF_NV_PING_LEN + 4u)

void gs_target_init(struct gs_target *t)
{
	memset(t, 0, sizeof(*t));
	pf_check(pthread_mutex_init(&t->lock, NULL) == 0);
}

void gs_target_finish(struct gs_target *t)
{
	pthread_mutex_destroy(&t->lock);
}

void gs_target_reset(struct gs_target *t, const char *token)
{
	pthread_mutex_lock(&t->lock);
	t->len = 0;
	pthread_mutex_unlock(&t->lock);
	memset(t->token, 0, sizeof(t->token));
	if (token)
		memcpy(t->token, token, PF_NV_PING_LEN);
}

static bool same_text(const char *a, const uint8_t *b, size_t len)
{
	uint8_t differ = 0;
	for (size_t i = 0; i < len; i++)
		differ |= (uint8_t)((uint8_t)a[i] ^ b[i]);
	return !differ;
}

bool gs_target_ping(struct gs_target *t, const uint8_t *data, size_t len,
	const union udp_addr *from, socklen_t from_len, bool *first)
{
	if (len != PING_LEN || !t->token[0] || !same_text(t->token, data, PF_NV_PING_LEN))
		return false;
	pthread_mutex_lock(&t->lock);
	*first = !t->len;
	t->addr = *from;
	t->len = from_len;
	pthread_mutex_unlock(&t->lock);
	return true;
}

bool gs_target_get(struct gs_target *t, union udp_addr *to, socklen_t *len)
{
	pthread_mutex_lock(&t->lock);
	*to = t->addr;
	*len = t->len;
	pthread_mutex_unlock(&t->lock);
	return *len;
}
