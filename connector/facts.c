/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include "connector/internal.h"

/* What is asked of a connection and changes nothing. */

int punktfunk_connection_fingerprint(const struct punktfunk_connection *c, uint8_t *out)
{
	if (!c || !out)
		return PF_E_NULL;
	memcpy(out, c->fingerprint, PF_FINGERPRINT_LEN);
	return PF_OK;
}

int punktfunk_connection_mode(const struct punktfunk_connection *c, struct punktfunk_mode *out)
{
	if (!c || !out)
		return PF_E_NULL;
	pthread_mutex_lock(&unconst(c)->state_lock);
	*out = (struct punktfunk_mode){c->mode.width, c->mode.height, c->mode.refresh_hz};
	pthread_mutex_unlock(&unconst(c)->state_lock);
	return PF_OK;
}

int punktfunk_connection_codec(const struct punktfunk_connection *c)
{
	return c ? c->welcome.codec : PF_E_NULL;
}

int64_t punktfunk_connection_clock_offset_ns(const struct punktfunk_connection *c)
{
	return c ? atomic_load(&unconst(c)->clock_offset_ns) : 0;
}

int punktfunk_connection_mode_result(const struct punktfunk_connection *c)
{
	if (!c)
		return PF_E_NULL;
	pthread_mutex_lock(&unconst(c)->state_lock);
	int result = c->mode_result;
	pthread_mutex_unlock(&unconst(c)->state_lock);
	return result;
}

#define WELCOME_FACT(type, name, field) \
	type punktfunk_connection_##name(const struct punktfunk_connection *c) \
	{ \
		return c ? c->welcome.field : 0; \
	}

WELCOME_FACT(uint32_t, host_caps, host_caps)
WELCOME_FACT(uint32_t, host_caps2, host_caps2)
WELCOME_FACT(uint32_t, compositor, compositor)
WELCOME_FACT(uint32_t, gamepad, gamepad)
WELCOME_FACT(uint16_t, mgmt_port, mgmt_port)
WELCOME_FACT(uint32_t, chroma_format, chroma_format)
WELCOME_FACT(uint32_t, audio_codec, audio_codec)
WELCOME_FACT(uint32_t, audio_channels, audio_channels)
WELCOME_FACT(uint32_t, audio_sample_rate, audio_rate_hz)
WELCOME_FACT(uint32_t, audio_bits, audio_bits)
WELCOME_FACT(uint32_t, audio_frame_us, audio_frame_us)
WELCOME_FACT(uint32_t, audio_layout, audio_layout)

int punktfunk_connection_color_info(
	const struct punktfunk_connection *c, struct punktfunk_color_info *out)
{
	if (!c || !out)
		return PF_E_NULL;
	if (out->size < sizeof(out->size))
		return PF_E_INVALID;
	struct punktfunk_color_info full = {
		.size = out->size,
		.bit_depth = c->welcome.bit_depth,
		.primaries = c->welcome.colour[0],
		.transfer = c->welcome.colour[1],
		.matrix = c->welcome.colour[2],
		.full_range = c->welcome.colour[3],
	};
	memcpy(out, &full, out->size < sizeof(full) ? out->size : sizeof(full));
	return PF_OK;
}

static uint32_t read_state(const struct punktfunk_connection *c, const uint32_t *field)
{
	pthread_mutex_lock(&unconst(c)->state_lock);
	uint32_t value = *field;
	pthread_mutex_unlock(&unconst(c)->state_lock);
	return value;
}

uint32_t punktfunk_connection_bitrate(const struct punktfunk_connection *c)
{
	return c ? read_state(c, &c->bitrate_kbps) : 0;
}

uint32_t punktfunk_connection_shard_payload(const struct punktfunk_connection *c)
{
	return c ? read_state(c, &c->shard_payload) : 0;
}

uint32_t punktfunk_connection_grants(const struct punktfunk_connection *c)
{
	return c ? read_state(c, &c->grants) : 0;
}

uint32_t punktfunk_connection_access_expires_in(const struct punktfunk_connection *c)
{
	if (!c)
		return 0;
	pthread_mutex_lock(&unconst(c)->state_lock);
	uint64_t ends = c->access_ends_ns;
	pthread_mutex_unlock(&unconst(c)->state_lock);
	uint64_t now = session_now_ns();
	if (ends == UINT64_MAX)
		return UINT32_MAX;
	uint64_t left_s = ends > now ? (ends - now + 999999999u) / 1000000000u : 0;
	return left_s < UINT32_MAX ? (uint32_t)left_s : UINT32_MAX - 1;
}

int punktfunk_connection_get_stats(
	const struct punktfunk_connection *const_c, struct punktfunk_stats *out)
{
	struct punktfunk_connection *c = unconst(const_c);
	struct pf_reassembler_stats r;
	if (!c || !out)
		return PF_E_NULL;
	if (out->size < sizeof(out->size))
		return PF_E_INVALID;
	pthread_mutex_lock(&c->au_lock);
	planes_stats(c, &r);
	struct punktfunk_stats full = {
		.size = out->size,
		.packets_received = atomic_load(&c->packets_received),
		.packets_bad = atomic_load(&c->packets_bad) + r.packets_bad,
		.packets_replayed = atomic_load(&c->packets_replayed),
		.packets_dropped_test = atomic_load(&c->packets_dropped_test),
		.bytes_received = atomic_load(&c->bytes_received),
		.shards_recovered = r.shards_recovered,
		.frames_received = r.frames_completed,
		.frames_recovered = r.frames_recovered,
		.frames_lost = r.frames_lost,
		.frames_delivered = c->frames_delivered,
		.frames_skipped = c->frames_skipped,
		.keyframes_requested = atomic_load(&c->keyframes_requested),
		.rfi_requested = atomic_load(&c->rfi_requested),
		.rtt_ns = atomic_load(&c->rtt_ns),
		.datagrams_received = atomic_load(&c->datagrams_received),
		.datagrams_bad = atomic_load(&c->datagrams_bad),
		.planes_dropped = side_dropped(&c->side),
		.audio_recovered = atomic_load(&c->audio_recovered),
		.probe_packets = atomic_load(&c->probe_packets),
	};
	pthread_mutex_unlock(&c->au_lock);
	memcpy(out, &full, out->size < sizeof(full) ? out->size : sizeof(full));
	return PF_OK;
}

int punktfunk_connection_end_reason(const struct punktfunk_connection *c)
{
	if (!c)
		return PF_E_NULL;
	pthread_mutex_lock(&unconst(c)->state_lock);
	int reason = c->state == CONN_ENDED ? c->end_reason : PUNKTFUNK_END_NONE;
	pthread_mutex_unlock(&unconst(c)->state_lock);
	return reason;
}

const char *punktfunk_connection_end_message(const struct punktfunk_connection *c)
{
	if (!c || punktfunk_connection_end_reason(c) == PUNKTFUNK_END_NONE)
		return "";
	return c->end_message; /* written once, before the state that we just saw */
}

int punktfunk_connection_end_reject(const struct punktfunk_connection *c)
{
	if (!c)
		return PF_E_NULL;
	pthread_mutex_lock(&unconst(c)->state_lock);
	int status = c->state == CONN_ENDED ? c->end_status : PF_OK;
	pthread_mutex_unlock(&unconst(c)->state_lock);
	return status <= PF_E_NOT_ARMED && status >= PF_E_SEAT_UNAVAILABLE ? status : PF_OK;
}

const char *punktfunk_connection_end_reject_said(const struct punktfunk_connection *c)
{
	return c && punktfunk_connection_end_reject(c) < 0 ? c->said : "";
}
