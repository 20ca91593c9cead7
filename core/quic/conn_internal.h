/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_QUIC_CONN_INTERNAL_H
#define PF_QUIC_CONN_INTERNAL_H

#include <ngtcp2/ngtcp2.h>

#include "core/quic/conn.h"
#include "core/quic/sendq.h"
#include "core/quic/tls.h"

/* Inside of pf_quic, shared by conn.c (life, packets, ends) and streams.c (what they carry). */

#define N_SLOTS (2u * PF_QUIC_MAX_STREAMS)

struct pf_quic_stream {
	int64_t id; /* -1 = free slot */
	struct pf_sendq queue;
	bool fin_wanted, fin_sent;
	bool peer_ended; /* fin or reset was handed up, or is not wanted any more */
	bool was_reset;	 /* by the peer */
	bool blocked;	 /* by flow control, in this write */
	bool shut;	 /* the peer wants no more of it */
};

struct pf_quic {
	ngtcp2_conn *ng;
	struct pf_tls *tls;
	const struct pf_quic_callbacks *cb;
	void *userdata;
	bool server;
	enum pf_quic_state state;
	struct pf_quic_end end;
	uint64_t last_now;
	uint64_t idle_ns;
	ngtcp2_path_storage path; /* local address and the first remote one */
	ngtcp2_path_storage tx_path;
	struct pf_quic_stream streams[N_SLOTS];
	struct pf_dgramq dgrams;
	bool got_reset;
	/* closing */
	ngtcp2_ccerr close_error;
	uint64_t close_deadline;
	uint64_t n_close_packets_in, next_close_reply;
	size_t close_len;
	bool close_due;
	uint8_t close_packet[PF_QUIC_MAX_UDP];
};

/* ngtcp2's callbacks of streams and datagrams. */
int pf_quic_on_stream_open(ngtcp2_conn *ng, int64_t id, void *userdata);
int pf_quic_on_stream_data(ngtcp2_conn *ng, uint32_t flags, int64_t id, uint64_t offset,
	const uint8_t *data, size_t len, void *userdata, void *stream_userdata);
int pf_quic_on_stream_acked(ngtcp2_conn *ng, int64_t id, uint64_t offset, uint64_t len,
	void *userdata, void *stream_userdata);
int pf_quic_on_stream_reset(ngtcp2_conn *ng, int64_t id, uint64_t final_size, uint64_t code,
	void *userdata, void *stream_userdata);
int pf_quic_on_stream_close(ngtcp2_conn *ng, uint32_t flags, int64_t id, uint64_t code,
	void *userdata, void *stream_userdata);
int pf_quic_on_datagram(
	ngtcp2_conn *ng, uint32_t flags, const uint8_t *data, size_t len, void *userdata);

void pf_quic_streams_init(struct pf_quic *q);
void pf_quic_streams_finish(struct pf_quic *q);
/* One packet of whatever waits, or of ngtcp2's own needs. Returns its length, 0, or ngtcp2's error. */
ngtcp2_ssize pf_quic_write_packet(struct pf_quic *q, uint8_t *out, size_t cap, uint64_t now);

#endif
