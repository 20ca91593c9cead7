/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "connector/internal.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/alloc.h"
#include "core/base/bytes.h"
#include "core/packet/native.h"

/* Batches read before QUIC gets its turn: 8 of 64 packets are 1 ms of a 5 Gbit/s stream. */
#define BATCHES_PER_TURN 8

/*
 * A reader that is this far behind cannot catch up by decoding faster: it starts afresh with the newest
 * picture, rather than showing everything late from here on. Longer than a stall of a busy machine.
 */
#define BACKLOG_NS 400000000ull

int planes_open(struct punktfunk_connection *c)
{
	union udp_addr to = c->remote;
	if (to.sa.sa_family == AF_INET6)
		to.in6.sin6_port = htons(c->welcome.data_port);
	else
		to.in4.sin_port = htons(c->welcome.data_port);
	struct udp_params params = {
		.bind_host = to.sa.sa_family == AF_INET6 ? "::" : "0.0.0.0",
		.recv_buffer = DATA_RECV_BUFFER,
		.want_gro = true,
	};
	int err = udp_open(&c->data, &params);
	if (err < 0)
		return err;
	err = udp_connect(&c->data, &to, c->remote_len);
	if (err < 0)
		return err;
	size_t overhead = PF_NATIVE_HEADER_LEN + PF_SEAL_OVERHEAD;
	size_t largest = c->welcome.shard_payload > MAX_SHARD ? c->welcome.shard_payload
							      : MAX_SHARD;
	err = udp_rx_create(&c->rx, largest + overhead, c->data.gro);
	if (err < 0)
		return err;
	struct pf_reassembler_stats stats;
	pf_reassembler_get_stats(c->reassembler, &stats);
	pf_report_start(&c->report, &stats, session_now_ns());
	c->next_punch_ns = 0;
	c->drop_state = c->drop_state ? c->drop_state : 1;
	return PF_OK;
}

void planes_close(struct punktfunk_connection *c)
{
	udp_rx_destroy(c->rx);
	c->rx = NULL;
	if (c->data.fd >= 0)
		udp_close(&c->data);
	c->data.fd = -1;
	pf_reassembler_destroy(c->reassembler);
	pf_reassembler_destroy(c->old);
	c->reassembler = c->old = NULL;
	pf_aead_destroy(c->aead);
	c->aead = NULL;
}

static bool drop_for_test(struct punktfunk_connection *c)
{
	if (!c->drop_percent)
		return false;
	uint64_t x = c->drop_state;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	c->drop_state = x;
	if ((x >> 33) % 100 >= c->drop_percent)
		return false;
	atomic_fetch_add_explicit(&c->packets_dropped_test, 1, memory_order_relaxed);
	return true;
}

/* Opens in place. false: nothing of this packet may be looked at. */
static bool open_packet(struct punktfunk_connection *c, struct udp_packet *p)
{
	uint64_t seq;
	if (!c->encrypted)
		return true;
	if (pf_sealer_open(&c->open, p->data, p->len, &seq, &p->data, &p->len) < 0) {
		atomic_fetch_add_explicit(&c->packets_bad, 1, memory_order_relaxed);
		return false;
	}
	if (!pf_replay_accept(&c->replay, seq)) {
		atomic_fetch_add_explicit(&c->packets_replayed, 1, memory_order_relaxed);
		return false;
	}
	return true;
}

static void add_stats(struct pf_reassembler_stats *sum, const struct pf_reassembler_stats *s)
{
	sum->packets += s->packets;
	sum->packets_bad += s->packets_bad;
	sum->packets_duplicate += s->packets_duplicate;
	sum->packets_late += s->packets_late;
	sum->packets_unneeded += s->packets_unneeded;
	sum->shards_recovered += s->shards_recovered;
	sum->frames_completed += s->frames_completed;
	sum->frames_recovered += s->frames_recovered;
	sum->frames_lost += s->frames_lost;
	sum->frames_delivered += s->frames_delivered;
	sum->bytes_in_flight += s->bytes_in_flight;
}

void planes_stats(struct punktfunk_connection *c, struct pf_reassembler_stats *out)
{
	struct pf_reassembler_stats old;
	pf_reassembler_get_stats(c->reassembler, out);
	add_stats(out, &c->old_stats);
	if (!c->old)
		return;
	pf_reassembler_get_stats(c->old, &old);
	add_stats(out, &old);
}

/* Nothing is left in the buffers of before: they go. Under au_lock. */
static bool drop_old(struct punktfunk_connection *c)
{
	struct pf_reassembler_stats s;
	if (!c->old || c->held_by == c->old || pf_reassembler_deadline(c->old) != UINT64_MAX ||
		pf_reassembler_ready(c->old))
		return false;
	pf_reassembler_get_stats(c->old, &s);
	s.bytes_in_flight = 0;
	add_stats(&c->old_stats, &s);
	pf_reassembler_destroy(c->old);
	c->old = NULL;
	return true;
}

bool planes_offer_shard(struct punktfunk_connection *c, uint16_t shard)
{
	uint16_t most = c->welcome.shard_payload > MAX_SHARD ? c->welcome.shard_payload : MAX_SHARD;
	if (!c->rx || shard % 2 || shard < PF_SHARD_PAYLOAD_MIN || shard > most)
		return false;
	c->next_shard = shard == c->shard_payload ? 0 : shard;
	return true;
}

/*
 * The first packet of the size that was agreed: the frames before it stay where they are until they are read
 * out, and all that follow go to new buffers.
 */
static void change_shard(struct punktfunk_connection *c, uint64_t now_ns)
{
	struct pf_reassembler *made;
	pthread_mutex_lock(&c->au_lock);
	bool busy = c->old != NULL;
	pthread_mutex_unlock(&c->au_lock);
	if (busy || (c->shard_changed_ns && now_ns - c->shard_changed_ns < SHARD_CHANGE_NS))
		return; /* for now its packets are refused */
	/* Without memory the video stops; the caller sees no frames, and closes. */
	if (control_make_reassembler(c, c->next_shard, &made) < 0)
		return;
	pthread_mutex_lock(&c->au_lock);
	c->old = c->reassembler;
	c->reassembler = made;
	c->border = true;
	pthread_mutex_unlock(&c->au_lock);
	pthread_mutex_lock(&c->state_lock);
	c->shard_payload = c->next_shard;
	pthread_mutex_unlock(&c->state_lock);
	side_event(c, PUNKTFUNK_EVENT_SHARD_PAYLOAD, c->next_shard, 0, 0, NULL, 0);
	c->shard_changed_ns = now_ns;
	c->next_shard = 0;
}

static struct pf_reassembler *of_packet(struct punktfunk_connection *c, const struct udp_packet *p)
{
	return c->old && pf_get_le16(p->data + 34) != c->shard_payload ? c->old : c->reassembler;
}

/* Filler has a frame-index space of its own. Says whether it was some. */
static bool take_filler(struct punktfunk_connection *c, const struct udp_packet *p, uint64_t now_ns)
{
	if (p->len < PF_NATIVE_HEADER_LEN || !(pf_get_le32(p->data + 20) & PF_USER_PROBE))
		return false;
	speed_take(c, p->len, now_ns);
	return true;
}

static void take_batch(struct punktfunk_connection *c, struct udp_packet *packets, int n)
{
	uint64_t bytes = 0, now_ns = session_now_ns();
	int kept = 0;
	for (int i = 0; i < n; i++) {
		bytes += packets[i].len;
		if (drop_for_test(c) || !open_packet(c, &packets[i]) ||
			take_filler(c, &packets[i], now_ns))
			continue;
		packets[kept++] = packets[i];
		if (c->next_shard && packets[i].len >= PF_NATIVE_HEADER_LEN &&
			pf_get_le16(packets[i].data + 34) == c->next_shard)
			change_shard(c, now_ns);
	}
	atomic_fetch_add_explicit(&c->packets_received, (uint64_t)n, memory_order_relaxed);
	atomic_fetch_add_explicit(&c->bytes_received, bytes, memory_order_relaxed);
	c->video_packets += (uint64_t)kept;
	bool ready = false;
	pthread_mutex_lock(&c->au_lock);
	for (int i = 0; i < kept; i++) {
		if (packets[i].len < PF_NATIVE_HEADER_LEN)
			continue;
		ready |= pf_reassembler_push(of_packet(c, &packets[i]), packets[i].data,
				 packets[i].len, now_ns) > 0;
	}
	if (ready)
		pthread_cond_signal(&c->au_cond);
	pthread_mutex_unlock(&c->au_lock);
}

void planes_read(struct punktfunk_connection *c)
{
	if (!c->rx)
		return;
	for (int i = 0; i < BATCHES_PER_TURN; i++) {
		struct udp_packet *packets;
		int n = udp_rx_read(c->rx, &c->data, &packets);
		/* PF_E_CLOSED is an ICMP from a host that is not listening yet or any more: QUIC tells which. */
		if (n <= 0)
			return;
		take_batch(c, packets, n);
	}
}

static void punch(struct punktfunk_connection *c, uint64_t now_ns)
{
	if (now_ns < c->next_punch_ns)
		return;
	/* A refused punch is repeated by the timer, like a lost one. */
	int err = udp_send_one(&c->data, NULL, 0, (const uint8_t *)PF_PUNCH, PF_PUNCH_LEN);
	(void)err;
	c->next_punch_ns = now_ns + (++c->punches < PUNCH_FAST ? PUNCH_FAST_NS : PUNCH_SLOW_NS);
}

static void report(struct punktfunk_connection *c, uint64_t now_ns)
{
	if (now_ns < pf_report_deadline(&c->report))
		return;
	struct pf_reassembler_stats stats;
	pthread_mutex_lock(&c->au_lock);
	planes_stats(c, &stats);
	pthread_mutex_unlock(&c->au_lock);
	struct pf_report_due due = pf_report_poll(&c->report, &stats, c->video_packets, now_ns);
	struct pf_msg m = {.type = PF_MSG_LOSS_REPORT, .loss_ppm = due.loss_ppm};
	if (due.loss)
		session_send_msg(c, &m);
	m = (struct pf_msg){.type = PF_MSG_DELIVERY_REPORT, .delivered_packets = due.packets};
	if (due.delivery)
		session_send_msg(c, &m);
}

static void ask_for_fresh_start(struct punktfunk_connection *c, uint64_t now_ns)
{
	struct pf_ask_state s = {
		.rtt_ns = atomic_load(&c->rtt_ns),
		.refresh_hz = c->mode.refresh_hz,
	};
	pthread_mutex_lock(&c->au_lock);
	s.hole = (c->old && pf_reassembler_hole(c->old, &s.first, &s.last)) ||
		pf_reassembler_hole(c->reassembler, &s.first, &s.last);
	s.healing = pf_reassembler_is_healing(c->reassembler);
	s.started = c->gate.started;
	s.skipping = c->gate.skipping;
	s.closed = c->want_fresh;
	s.shown = c->shown;
	s.stuck = c->stuck;
	pthread_mutex_unlock(&c->au_lock);
	struct pf_ask_request ask = pf_ask_poll(&c->ask, &s, now_ns);
	if (ask.kind == PF_ASK_NOTHING)
		return;
	struct pf_msg m = {.type = PF_MSG_REQUEST_KEYFRAME};
	if (ask.kind == PF_ASK_RFI) {
		m.type = PF_MSG_RFI_REQUEST;
		m.rfi.first = ask.first;
		m.rfi.last = ask.last;
		atomic_fetch_add(&c->rfi_requested, 1);
	} else {
		atomic_fetch_add(&c->keyframes_requested, 1);
	}
	session_send_msg(c, &m);
}

void planes_tick(struct punktfunk_connection *c, uint64_t now_ns)
{
	if (!c->rx || !c->quic)
		return;
	atomic_store_explicit(&c->rtt_ns, quic_conn_rtt_ns(c->quic), memory_order_relaxed);
	punch(c, now_ns);
	report(c, now_ns);
	pthread_mutex_lock(&c->au_lock);
	if (c->old && pf_reassembler_expire(c->old, now_ns) > 0)
		pthread_cond_signal(&c->au_cond);
	if (pf_reassembler_expire(c->reassembler, now_ns) > 0)
		pthread_cond_signal(&c->au_cond);
	if (drop_old(c))
		pthread_cond_signal(&c->au_cond);
	pthread_mutex_unlock(&c->au_lock);
	ask_for_fresh_start(c, now_ns);
}

uint64_t planes_deadline(struct punktfunk_connection *c)
{
	if (!c->rx || !c->quic)
		return UINT64_MAX;
	uint64_t reports = pf_report_deadline(&c->report), asks = pf_ask_deadline(&c->ask);
	uint64_t at = c->next_punch_ns < reports ? c->next_punch_ns : reports;
	at = asks < at ? asks : at;
	pthread_mutex_lock(&c->au_lock);
	uint64_t frames = pf_reassembler_deadline(c->reassembler);
	uint64_t old = c->old ? pf_reassembler_deadline(c->old) : UINT64_MAX;
	frames = old < frames ? old : frames;
	pthread_mutex_unlock(&c->au_lock);
	return frames < at ? frames : at;
}

static bool is_keyframe(const struct punktfunk_connection *c, const struct pf_au *au)
{
	return au->anchor && control_is_keyframe(c, au->data, au->len, au->user_flags);
}

static bool passes_gate(struct punktfunk_connection *c, const struct pf_au *au)
{
	bool stale = session_now_ns() - au->complete_ns > BACKLOG_NS;
	struct pf_gate_frame frame = {
		.user_flags = au->user_flags,
		.keyframe = is_keyframe(c, au),
		.gap = au->after_gap,
		.skip = stale,
	};
	bool passes = pf_gate_pass(&c->gate, &frame);
	c->want_fresh = !passes;
	*(passes ? &c->shown : &c->stuck) = au->frame_index;
	return passes;
}

static void fill_frame(
	const struct punktfunk_connection *c, struct punktfunk_frame *f, const struct pf_au *au)
{
	uint64_t to_real = session_realtime_ns() - session_now_ns();
	struct punktfunk_frame full = {
		.size = f->size,
		.data = au->data,
		.len = au->len,
		.frame_index = au->frame_index,
		.flags = (is_keyframe(c, au) ? PUNKTFUNK_FRAME_KEYFRAME : 0) |
			(au->after_gap ? PUNKTFUNK_FRAME_AFTER_GAP : 0) |
			(au->user_flags & PF_USER_REPEATED ? PUNKTFUNK_FRAME_REPEATED : 0),
		.pts_ns = au->pts_ns,
		.received_ns = au->first_packet_ns + to_real,
		.complete_ns = au->complete_ns + to_real,
		.recovered_shards = au->recovered_shards,
	};
	memcpy(f, &full, f->size < sizeof(full) ? f->size : sizeof(full));
}

static int take_frame(struct punktfunk_connection *c, struct punktfunk_frame *frame)
{
	struct pf_au au;
	for (;;) {
		drop_old(c);
		struct pf_reassembler *r = c->old ? c->old : c->reassembler;
		if (pf_reassembler_poll(r, &au) < 0)
			return PF_E_NO_FRAME;
		if (r == c->reassembler && c->border) {
			c->border = false;
			au.after_gap |= au.frame_index != c->last_index + 1;
		}
		c->last_index = au.frame_index;
		if (passes_gate(c, &au)) {
			c->held_by = r;
			c->frames_delivered++;
			fill_frame(c, frame, &au);
			return PF_OK;
		}
		c->frames_skipped++;
		pf_reassembler_release(r);
	}
}

int planes_next_au(
	struct punktfunk_connection *c, struct punktfunk_frame *frame, uint32_t timeout_ms)
{
	uint64_t until = session_now_ns() + timeout_ms * 1000000ull;
	struct timespec ts = {(time_t)(until / 1000000000u), (long)(until % 1000000000u)};
	pthread_mutex_lock(&c->au_lock);
	if (c->held_by)
		pf_reassembler_release(c->held_by);
	c->held_by = NULL;
	int err;
	while ((err = take_frame(c, frame)) == PF_E_NO_FRAME && !c->au_closed && timeout_ms)
		if (pthread_cond_timedwait(&c->au_cond, &c->au_lock, &ts) == ETIMEDOUT) {
			err = take_frame(c, frame);
			break;
		}
	if (err == PF_E_NO_FRAME && c->au_closed)
		err = PF_E_CLOSED;
	pthread_mutex_unlock(&c->au_lock);
	return err;
}
