/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <arpa/inet.h>
#include <enet/enet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "core/base/bytes.h"
#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/config/config.h"
#include "host/gamestream/datagram.h"
#include "host/gamestream/streams.h"
#include "host/media/clock.h"

/*
 * The control connections of all clients: one ENet host. ENet itself lets anybody connect, who then costs memory
 * until it times out. So a connect reaches it only with the number that a client was told in RTSP, few at a time,
 * and it counts once a message came that only the owner of the key can have made.
 */

#define CHANNELS       48u
#define PEERS	       128u /* two for each of 64 clients */
#define PEERS_OF_HOST  64u  /* several people may be behind one address */
#define PEERS_UNPROVEN 4u   /* of one client */
/* Two losses while connecting and one of the first message take some 3.5 s. */
#define PROVE_NS	4000000000ull
#define PEER_TIMEOUT_MS 10000u
#define PACKET_MAX	2048u /* PF_NV_MESSAGE_MAX and its seal */
#define WAITING_MAX	(256u << 10)
#define EVENTS_AT_ONCE	256u
#define TICK_NS		20000000ull /* ENet resends and pings by being called */

/*
 * And ENet keeps whatever comes out of order, for as long as what is before it is missing: of an empty message it does
 * not even count the bytes. So there is an end to how far ahead one may be, and to what somebody unproven may send.
 */
#define AHEAD_MAX	    2048u /* messages of a channel; clients have fewer under way in all */
#define UNPROVEN_DATAGRAMS  64u	  /* the first that is opened proves */
#define CONNECT_DATA_OFFSET 44u	  /* BE32: the number */

struct gs_control {
	struct gs_streams *streams;
	ENetHost *host;
	bool inited;
	struct loop_source *readable, *timer;
	uint64_t since_ns[PEERS];   /* that it is here without proof; 0 = it is not, or has it */
	unsigned n_unproven[PEERS]; /* datagrams of such a one */
	uint64_t n_refused;
};

/* ENet leaves one pointer of a host to us, and only with compression, which is not in use. */
static struct gs_control *control_of(const ENetHost *host)
{
	return host->compressor.context;
}

static struct gs_stream *stream_of(const struct gs_control *c, const ENetPeer *peer)
{
	return gs_stream_by_id(c->streams, (uint64_t)(uintptr_t)peer->data);
}

static struct gs_stream *awaited(const struct gs_control *c, uint32_t connect_data)
{
	for (struct gs_stream *s = c->streams->list; s; s = s->next)
		if (connect_data && s->channel.connect_data == connect_data)
			return s;
	return NULL;
}

static bool is_here(const ENetPeer *peer)
{
	return peer->state != ENET_PEER_STATE_DISCONNECTED && peer->state != ENET_PEER_STATE_ZOMBIE;
}

static unsigned count_unproven(const struct gs_control *c, uint32_t connect_data)
{
	unsigned n = 0;
	for (size_t i = 0; i < c->host->peerCount; i++) {
		const ENetPeer *p = &c->host->peers[i];
		n += is_here(p) && p->eventData == connect_data;
	}
	return n;
}

static int refuse(struct gs_control *c)
{
	c->n_refused++;
	return 1;
}

static bool may_connect(struct gs_control *c, const struct gs_datagram_command *first)
{
	uint32_t connect_data = pf_get_be32(first->data + CONNECT_DATA_OFFSET);
	const struct gs_stream *s = awaited(c, connect_data);
	return s && !s->channel.peer && count_unproven(c, connect_data) < PEERS_UNPROVEN;
}

static bool is_too_far(const ENetPeer *peer, const struct gs_datagram_command *command)
{
	if (!peer->channels || command->channel >= peer->channelCount)
		return false; /* ENet says no itself */
	uint16_t expected = peer->channels[command->channel].incomingReliableSequenceNumber;
	uint16_t ahead = (uint16_t)(command->sequence - expected);
	return ahead > AHEAD_MAX &&
		ahead < 0x8000; /* beyond: it came before, and its ack was lost */
}

/* What no client sends, and ENet would keep. */
static bool is_hostile(const ENetPeer *peer, const struct gs_datagram_command *command)
{
	switch (command->command) {
	case GS_ENET_SEND_RELIABLE:
		return is_too_far(peer, command);
	case GS_ENET_SEND_UNRELIABLE:
		return command->len < PF_NV_SEAL_LEN || is_too_far(peer, command);
	case GS_ENET_SEND_FRAGMENT: /* for messages that are too long for a datagram */
	case GS_ENET_SEND_UNRELIABLE_FRAGMENT:
		return true;
	default:
		return false;
	}
}

static bool within_trial(struct gs_control *c, const ENetPeer *peer)
{
	const struct gs_stream *s = peer->data ? stream_of(c, peer) : NULL;
	if (s && s->channel.peer == peer)
		return true;
	return c->n_unproven[peer - c->host->peers]++ < UNPROVEN_DATAGRAMS;
}

/* 1: ENet does not get to see it. */
static int ENET_CALLBACK on_datagram(ENetHost *host, ENetEvent *event)
{
	struct gs_control *c = control_of(host);
	struct gs_datagram datagram;
	struct gs_datagram_command command;
	int err;
	(void)event;
	if (!gs_datagram_open(&datagram, host->receivedData, host->receivedDataLength))
		return refuse(c);
	if (datagram.peer == GS_ENET_NO_PEER)
		return gs_datagram_next(&datagram, &command) == 1 &&
				command.command == GS_ENET_CONNECT && may_connect(c, &command)
			? 0
			: refuse(c);
	if (datagram.peer >= host->peerCount)
		return refuse(c);
	const ENetPeer *peer = &host->peers[datagram.peer];
	if (!is_here(peer) || peer->address.host != host->receivedAddress.host ||
		peer->address.port != host->receivedAddress.port || !within_trial(c, peer))
		return refuse(c);
	while ((err = gs_datagram_next(&datagram, &command)) == 1)
		if (is_hostile(peer, &command))
			return 1;
	return err < 0;
}

static void drop_peer(struct gs_control *c, ENetPeer *peer)
{
	peer->data = NULL;
	c->since_ns[peer - c->host->peers] = 0;
	c->n_unproven[peer - c->host->peers] = 0;
	enet_peer_reset(peer);
}

static void on_connect(struct gs_control *c, ENetPeer *peer, uint32_t connect_data)
{
	struct gs_stream *s = awaited(c, connect_data);
	if (!s || s->channel.peer) {
		drop_peer(c, peer);
		return;
	}
	peer->data = (void *)(uintptr_t)s->id; /* by number: streams go before their peers */
	peer->eventData = connect_data;
	enet_peer_timeout(peer, 2, PEER_TIMEOUT_MS, PEER_TIMEOUT_MS);
}

/* The others that came with its number were not it. */
static void prove(struct gs_control *c, struct gs_stream *s, ENetPeer *peer)
{
	s->channel.peer = peer;
	c->since_ns[peer - c->host->peers] = 0;
	for (size_t i = 0; i < c->host->peerCount; i++) {
		ENetPeer *p = &c->host->peers[i];
		if (p != peer && is_here(p) && p->eventData == s->channel.connect_data)
			drop_peer(c, p);
	}
	gs_stream_connected(s);
}

static void take(struct gs_stream *s, const struct pf_nv_message *m)
{
	switch (m->kind) {
	case PF_NV_REQUEST_IDR:
		gs_govern_asked(s);
		session_request_keyframe(s->session);
		break;
	case PF_NV_INVALIDATE:
		gs_govern_asked(s);
		gs_video_invalidate(s, m->invalidate.first, m->invalidate.last);
		break;
	case PF_NV_INPUT:
		gs_input_take(s, m->input.data, m->input.len);
		break;
	case PF_NV_FEC_STATUS:
		gs_govern_status(s, &m->fec_status);
		break;
	default: /* start, pings, statistics of old clients: that they came is all */
		break;
	}
}

static void on_message(struct gs_control *c, ENetPeer *peer, ENetPacket *packet)
{
	struct gs_stream *s = stream_of(c, peer);
	struct pf_nv_message m;
	uint8_t *text;
	size_t len;
	if (!s || (s->channel.peer && s->channel.peer != peer))
		return;
	if (pf_nv_control_open(&s->channel.box, packet->data, packet->dataLength, &text, &len) <
		0) {
		s->channel.n_bad++;
		return;
	}
	if (!s->channel.peer)
		prove(c, s, peer);
	int err = pf_nv_message_read(&m, text, len);
	if (err >= 0) {
		s->channel.n_messages++;
		take(s, &m);
	} else if (err != PF_E_UNSUPPORTED) {
		s->channel.n_bad++;
	}
}

static void on_disconnect(struct gs_control *c, ENetPeer *peer)
{
	struct gs_stream *s = stream_of(c, peer);
	peer->data = NULL;
	c->since_ns[peer - c->host->peers] = 0;
	c->n_unproven[peer - c->host->peers] = 0;
	if (!s || s->channel.peer != peer)
		return;
	s->channel.peer = NULL;
	gs_stream_left(s, "the device disconnected", PF_NV_ENDED);
}

/* Returns whether anybody is connected, or about to be. */
static bool drop_unproven(struct gs_control *c, uint64_t now_ns)
{
	bool any = false;
	for (size_t i = 0; i < c->host->peerCount; i++) {
		ENetPeer *p = &c->host->peers[i];
		if (!is_here(p)) {
			c->since_ns[i] = 0;
			c->n_unproven[i] = 0;
			continue;
		}
		any = true;
		const struct gs_stream *s = p->data ? stream_of(c, p) : NULL;
		if (s && s->channel.peer == p)
			continue;
		if (!c->since_ns[i])
			c->since_ns[i] = now_ns;
		else if (now_ns - c->since_ns[i] > PROVE_NS)
			drop_peer(c, p);
	}
	return any;
}

static void service(void *userdata)
{
	struct gs_control *c = userdata;
	ENetEvent event;
	unsigned n = 0;
	while (n < EVENTS_AT_ONCE && enet_host_service(c->host, &event, 0) > 0) {
		n++;
		if (event.type == ENET_EVENT_TYPE_CONNECT)
			on_connect(c, event.peer, event.data);
		else if (event.type == ENET_EVENT_TYPE_DISCONNECT)
			on_disconnect(c, event.peer);
		else if (event.type == ENET_EVENT_TYPE_RECEIVE) {
			on_message(c, event.peer, event.packet);
			enet_packet_destroy(event.packet);
		}
	}
	uint64_t now_ns = clock_now_ns();
	bool any = drop_unproven(c, now_ns);
	if (n == EVENTS_AT_ONCE)
		loop_set_deadline(
			c->timer, now_ns); /* the rest is in ENet's queue, not in the socket's */
	else
		loop_set_deadline(c->timer, any ? now_ns + TICK_NS : UINT64_MAX);
}

static void on_readable(uint32_t events, void *userdata)
{
	(void)events;
	service(userdata);
}

static int make_host(struct gs_control *c, const char *bind, uint16_t port)
{
	ENetAddress address = {.host = ENET_HOST_ANY, .port = port};
	if (bind && enet_address_set_host_ip(&address, bind) < 0) {
		log_error("gamestream: Moonlight's control connection is made over IPv4 only: give "
			  "--bind an IPv4 address, or leave it out");
		return PF_E_INVALID;
	}
	c->host = enet_host_create(&address, PEERS, CHANNELS, 0, 0);
	if (!c->host) {
		log_error("gamestream: UDP port %u cannot be opened: is another host running? "
			  "Change --gamestream-port",
			port);
		return PF_E_BUSY;
	}
	c->host->duplicatePeers = PEERS_OF_HOST;
	c->host->maximumPacketSize = PACKET_MAX;
	c->host->maximumWaitingData = WAITING_MAX;
	c->host->compressor.context = c;
	c->host->intercept = on_datagram;
	return PF_OK;
}

int gs_control_create(struct gs_control **out, struct gs_streams *ss)
{
	struct gs_control *c = calloc(1, sizeof(*c));
	int err = PF_E_NOMEM;
	if (!c)
		goto fail;
	c->streams = ss;
	c->inited = enet_initialize() == 0;
	if (!c->inited)
		goto fail;
	err = make_host(c, ss->g->bind, gs_port(ss->g, GS_PORT_CONTROL));
	if (err < 0)
		goto fail;
	err = loop_add_timer(ss->g->loop, &c->timer, service, c);
	if (err >= 0)
		err = loop_add_fd(
			ss->g->loop, &c->readable, c->host->socket, EPOLLIN, on_readable, c);
	if (err < 0)
		goto fail;
	*out = c;
	return PF_OK;
fail:
	gs_control_destroy(c);
	return err;
}

void gs_control_destroy(struct gs_control *c)
{
	if (!c)
		return;
	loop_remove(&c->readable);
	loop_remove(&c->timer);
	if (c->n_refused)
		log_info("gamestream: %llu control connections of strangers were refused",
			(unsigned long long)c->n_refused);
	if (c->host)
		enet_host_destroy(c->host);
	if (c->inited)
		enet_deinitialize();
	free(c);
}

uint16_t gs_control_port(const struct gs_control *c)
{
	return c->host->address.port;
}

int gs_channel_open(struct gs_stream *s, const uint8_t key[static LAUNCH_KEY_LEN])
{
	struct gs_channel *ch = &s->channel;
	int err = pf_aead_create(&ch->aead, PF_CIPHER_AES_128_GCM, key, LAUNCH_KEY_LEN);
	if (err < 0)
		return err;
	pf_nv_control_init(&ch->box, ch->aead, PF_HOST_TO_CLIENT);
	ch->n_messages = ch->n_bad = 0;
	ch->connect_data = s->tokens.connect_data;
	return PF_OK;
}

/* Those that came with its number and never proved that they have the key, which is gone now. */
static void drop_its_unproven(struct gs_control *c, const struct gs_stream *s)
{
	for (size_t i = 0; i < c->host->peerCount; i++) {
		ENetPeer *p = &c->host->peers[i];
		if (is_here(p) && p != s->channel.peer && stream_of(c, p) == s)
			drop_peer(c, p);
	}
}

void gs_channel_close(struct gs_stream *s, uint32_t code)
{
	struct gs_channel *ch = &s->channel;
	struct gs_control *c = s->all->control;
	struct pf_nv_feedback end = {.kind = PF_NV_TERMINATION, .termination = code};
	if (ch->aead)
		drop_its_unproven(c, s);
	if (ch->peer) {
		ENetPeer *peer = ch->peer;
		if (gs_channel_send(s, &end) < 0)
			log_debug("gamestream: a device could not be told that its stream ends");
		peer->data = NULL;
		enet_peer_disconnect_later(peer, 0);
		enet_host_flush(c->host);
		loop_set_deadline(c->timer, clock_now_ns() + TICK_NS);
	}
	pf_aead_destroy(ch->aead);
	*ch = (struct gs_channel){0};
}

int gs_channel_send(struct gs_stream *s, const struct pf_nv_feedback *f)
{
	struct gs_channel *ch = &s->channel;
	uint8_t plain[PF_NV_FEEDBACK_MAX], sealed[PF_NV_FEEDBACK_MAX + PF_NV_SEAL_LEN];
	if (!ch->peer)
		return PF_OK;
	int n = pf_nv_feedback_write(plain, f);
	if (n >= 0)
		n = pf_nv_control_seal(&ch->box, plain, (size_t)n, sealed, sizeof(sealed));
	if (n < 0)
		return n;
	ENetPacket *packet = enet_packet_create(sealed, (size_t)n, ENET_PACKET_FLAG_RELIABLE);
	if (!packet)
		return PF_E_NOMEM;
	if (enet_peer_send(ch->peer, 0, packet) < 0) {
		enet_packet_destroy(packet);
		return PF_E_IO;
	}
	enet_host_flush(s->all->control->host);
	return PF_OK;
}

uint64_t gs_channel_rtt_ns(const struct gs_stream *s)
{
	const ENetPeer *peer = s->channel.peer;
	if (!peer || peer->roundTripTime == ENET_PEER_DEFAULT_ROUND_TRIP_TIME)
		return 0;
	return peer->roundTripTime * 1000000ull;
}
