/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/config/config.h"
#include "host/host.h"
#include "host/media/clock.h"
#include "host/native/control.h"
#include "host/native/internal.h"
#include "host/native/send.h"

/*
 * How the video leaves: the delivery profile that the client chose, and a shard size that its path carries; and
 * what a client is told when its stream begins.
 */

#define NO_PROFILE_FORCED 0xFF
#define INTERFACE_UNKNOWN 0

/* QUIC's search for the path's size is over by then, on any path that a stream can use. */
#define PATH_KNOWN_NS 5000000000ull
/* Of a datagram, what is not shard: header and seal (wire 7.2, 7.3). */
#define PACKET_OVERHEAD 64u

void delivery_wanted(struct native_client *c, const struct pf_msg *m)
{
	struct pf_msg answer = {.type = PF_MSG_DELIVERY_CHANGED};
	uint32_t profile = m->set_delivery;
	if (profile > PF_DELIVERY_SMOOTH)
		profile = atomic_load(&c->data.wishes.delivery);
	atomic_store(&c->data.wishes.delivery, profile);
	answer.delivery_changed.profile = (uint8_t)profile;
	control_send(c, &answer);
}

/* --- shard size --- */

static void on_path_timer(void *userdata)
{
	struct native_client *c = userdata;
	size_t path = quic_conn_max_udp(c->conn);
	size_t fits = path > PACKET_OVERHEAD ? (path - PACKET_OVERHEAD) & ~(size_t)1 : 0;
	if (c->state != CLIENT_STREAM || fits < SHARD_MIN ||
		fits >= atomic_load(&c->data.wishes.shard_payload))
		return;
	log_info("native: %s: the way there takes datagrams of %zu bytes; shards go from %u to %zu",
		c->name, path, atomic_load(&c->data.wishes.shard_payload), fits);
	c->shard_asked = (uint16_t)fits;
	control_send(c,
		&(struct pf_msg){
			.type = PF_MSG_SHARD_PAYLOAD_CHANGED, .shard_payload = c->shard_asked});
	native_flush(c->native);
}

void shard_acked(struct native_client *c, const struct pf_msg *m)
{
	if (!c->shard_asked || m->shard_payload != c->shard_asked)
		return;
	atomic_store(&c->data.wishes.shard_payload, c->shard_asked);
	c->shard_asked = 0;
}

int delivery_open(struct native_client *c)
{
	return loop_add_timer(c->native->host->loop, &c->path_timer, on_path_timer, c);
}

/* --- the stream begins --- */

static void tell_facts(struct native_client *c)
{
	struct pf_msg m = {.type = PF_MSG_HOST_FACTS};
	m.host_facts.interface_kind = INTERFACE_UNKNOWN;
	m.host_facts.send_buffer_kib = SEND_BUFFER >> 10;
	m.host_facts.forced_profile = NO_PROFILE_FORCED;
	control_send(c, &m);
}

/* This host starts what --app says and nothing by name; the session is the desktop then. */
static void refuse_launch(struct native_client *c)
{
	static const char words[] = "this host starts no programs by name: it shows its desktop";
	struct pf_msg m = {.type = PF_MSG_LAUNCH_OUTCOME};
	m.launch.kind = PF_LAUNCH_REFUSED;
	m.launch.text = (struct pf_span){(const uint8_t *)words, sizeof(words) - 1};
	control_send(c, &m);
}

void delivery_begin(struct native_client *c)
{
	tell_facts(c);
	if (c->hello.launch[0] && c->state == CLIENT_STREAM)
		refuse_launch(c);
	if (c->hello.max_shard)
		loop_set_deadline(c->path_timer, clock_now_ns() + PATH_KNOWN_NS);
}
