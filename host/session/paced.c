/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/session/paced.h"

#include <stdbool.h>
#include <time.h>

#include "host/media/clock.h"

static void sleep_until(uint64_t at_ns)
{
	struct timespec ts = {(time_t)(at_ns / 1000000000u), (long)(at_ns % 1000000000u)};
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

int paced_send(struct pf_pacer *pacer, struct udp_socket *s, const union udp_addr *to,
	socklen_t to_len, const struct pf_packet_batch *b)
{
	size_t at = 0;
	int sent = 0;
	pf_pacer_begin(pacer, b->n_packets * b->packet_len, clock_now_ns());
	for (;;) {
		size_t n = pf_pacer_take(pacer, b->packet_len, b->n_packets - at, clock_now_ns());
		if (n) {
			int err = udp_send_batch(s, to, to_len, b->data + at * b->packet_len,
				b->packet_len, n, PACED_WAIT_MS);
			if (err < 0)
				return err;
			sent += err;
			at += n;
		}
		if (at == b->n_packets)
			return sent;
		sleep_until(pf_pacer_deadline(pacer, b->packet_len, b->n_packets - at));
	}
}

static bool is_lost(struct paced_loss *loss)
{
	uint64_t x = loss->state ? loss->state : 1;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	loss->state = x;
	return (x >> 33) % 100 < loss->percent;
}

int paced_send_lossy(struct paced_loss *loss, struct udp_socket *s, const union udp_addr *to,
	socklen_t to_len, const struct pf_packet_batch *b)
{
	/* One by one, so that single ones can be left out. */
	for (size_t i = 0; i < b->n_packets; i++) {
		if (is_lost(loss))
			continue;
		int err = udp_send_batch(s, to, to_len, b->data + i * b->packet_len, b->packet_len,
			1, PACED_WAIT_MS);
		if (err < 0)
			return err;
	}
	return (int)b->n_packets;
}
