/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/base/bytes.h"
#include "core/packet/nvaudio.h"
#include "host/audio/source.h"
#include "host/base/log.h"
#include "host/config/config.h"
#include "host/gamestream/streams.h"
#include "host/session/audio.h"

/*
 * A stream's sound: session's Opus packets -> GameStream's -> the address that its client pings from. The source
 * stays as long as the app, so that what plays on it is not cut off when a client goes away.
 */

#define DSCP_CS6 0xC0 /* shifted into the traffic class */

struct gs_audio {
	struct audio *stream;
	struct gs_target *target;
	struct udp_socket socket; /* its own, of the port that all share */
	struct pf_cbc *cbc;	  /* NULL = in clear */
	struct pf_nvaudio *packetizer;
	_Atomic uint64_t n_packets, n_errors;
};

int gs_audio_source(struct gs_stream *s, const struct gs_launch *l, unsigned channels)
{
	if (s->sound && audio_source_channels(s->sound) == channels)
		return PF_OK;
	audio_source_destroy(s->sound);
	s->sound = NULL;
	return audio_make_source(&s->sound, s->all->g->config, channels, l->fp, l->name);
}

void gs_audio_env(const struct gs_stream *s, struct gs_launch *l)
{
	struct audio_env env;
	_Static_assert(AUDIO_ENV_VARS <= APP_RUN_ENV && AUDIO_ENV_LEN <= APP_RUN_ENV_LEN,
		"an app gets all of it");
	audio_source_env(s->sound, &env);
	for (unsigned i = 0; i < env.n; i++)
		memcpy(l->environment[i], env.vars[i], sizeof(env.vars[i]));
}

/* On the audio thread. Until the first ping there is nobody to number packets for. */
static void on_packet(
	const uint8_t *opus, size_t len, uint32_t seq, uint64_t pts_ns, void *userdata)
{
	struct gs_audio *a = userdata;
	struct pf_nvaudio_batch batch;
	union udp_addr to;
	socklen_t to_len;
	(void)seq, (void)pts_ns;
	if (!gs_target_get(a->target, &to, &to_len))
		return;
	if (pf_nvaudio_build(a->packetizer, opus, len, &batch) < 0) {
		atomic_fetch_add(&a->n_errors, 1);
		return;
	}
	for (size_t i = 0; i < batch.n; i++) {
		int err = udp_send_one(
			&a->socket, &to, to_len, batch.packets[i].data, batch.packets[i].len);
		atomic_fetch_add(err < 0 ? &a->n_errors : &a->n_packets, 1);
	}
}

static int open_audio(struct gs_stream *s, struct gs_audio *a, const struct launch_request *request)
{
	int err = udp_share(&a->socket, &s->all->audio);
	if (err < 0)
		return err;
	a->socket.tos = s->config.audio_qos ? DSCP_CS6 : 0;
	if (s->config.encryption & PF_NV_ENCRYPT_AUDIO)
		err = pf_cbc_create(&a->cbc, request->rikey);
	if (err < 0)
		return err;
	const struct pf_nvaudio_params packets = {
		.packet_ms = s->config.packet_ms,
		.cbc = a->cbc,
		.key_id = request->rikeyid,
	};
	err = pf_nvaudio_create(&a->packetizer, &packets);
	if (err < 0)
		return err;
	const struct audio_params params = {
		.source = s->sound,
		.packet_ms = s->config.packet_ms,
		.high_quality = s->config.high_quality,
		.packet = on_packet,
		.userdata = a,
	};
	return audio_start(&a->stream, &params);
}

int gs_audio_open(struct gs_stream *s, const struct launch_request *request)
{
	struct gs_audio *a = calloc(1, sizeof(*a));
	if (!a)
		return PF_E_NOMEM;
	a->socket.fd = -1;
	a->target = &s->audio_target;
	s->audio = a;
	return open_audio(s, a, request);
}

void gs_audio_close(struct gs_stream *s)
{
	struct gs_audio *a = s->audio;
	if (!a)
		return;
	s->audio = NULL;
	audio_stop(a->stream);
	if (atomic_load(&a->n_errors))
		log_info("gamestream: %llu packets of sound of %llu were not sent",
			(unsigned long long)atomic_load(&a->n_errors),
			(unsigned long long)(atomic_load(&a->n_packets) +
				atomic_load(&a->n_errors)));
	pf_nvaudio_destroy(a->packetizer);
	pf_cbc_destroy(a->cbc);
	if (a->socket.fd >= 0)
		udp_close(&a->socket);
	free(a);
}
