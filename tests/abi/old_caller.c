/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * A program that was built when the structs were smaller, and one that will be built when they are larger:
 * the library reads and writes no further than `size` says. The structs below are those of ABI 1, as the
 * header had them, under other names; this file is never brought up to date.
 *
 *     old_caller PORT        of a host that takes anybody
 */
#include <punktfunk_core.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MS 5000u
#define GUARD	0xA5
#define AFTER	512 /* guarded bytes behind each struct */

struct v1_mode {
	uint32_t width, height;
	uint32_t refresh_hz;
};
struct v1_connect_opts {
	size_t size;
	const char *host;
	uint16_t port;
	struct v1_mode mode;
	const uint8_t *pin;
	uint32_t bitrate_kbps;
	uint8_t codecs;
	const char *name;
	uint32_t timeout_ms;
	uint32_t drop_percent;
	uint32_t drop_seed;
};
struct v1_frame {
	size_t size;
	const uint8_t *data;
	size_t len;
	uint32_t frame_index;
	uint32_t flags;
	uint64_t pts_ns;
	uint64_t received_ns;
	uint64_t complete_ns;
	uint32_t recovered_shards;
};
struct v1_stats {
	size_t size;
	uint64_t packets_received, packets_bad, packets_replayed, packets_dropped_test;
	uint64_t bytes_received;
	uint64_t shards_recovered;
	uint64_t frames_received;
	uint64_t frames_recovered;
	uint64_t frames_lost;
	uint64_t frames_delivered;
	uint64_t frames_skipped;
	uint64_t keyframes_requested, rfi_requested;
	uint64_t rtt_ns;
};
struct v1_config {
	size_t size;
	uint32_t role;
	uint32_t fec_scheme;
	uint32_t fec_percent;
	uint32_t max_data_per_block;
	uint32_t shard_payload;
	uint32_t loopback_drop_period;
	size_t max_frame_bytes;
	uint32_t cipher;
	const uint8_t *key;
	uint8_t salt[4];
};

/* What ABI 1 had lies where it lay: checked when this is compiled. */
#define SAME(name, member) \
	typedef char same_##name##_##member[offsetof(struct v1_##name, member) == \
					offsetof(struct punktfunk_##name, member) && \
				sizeof(((struct v1_##name *)0)->member) == \
					sizeof(((struct punktfunk_##name *)0)->member) \
			? 1 \
			: -1]
SAME(connect_opts, host);
SAME(connect_opts, port);
SAME(connect_opts, mode);
SAME(connect_opts, pin);
SAME(connect_opts, bitrate_kbps);
SAME(connect_opts, codecs);
SAME(connect_opts, name);
SAME(connect_opts, timeout_ms);
SAME(connect_opts, drop_percent);
SAME(connect_opts, drop_seed);
SAME(frame, data);
SAME(frame, len);
SAME(frame, frame_index);
SAME(frame, flags);
SAME(frame, pts_ns);
SAME(frame, received_ns);
SAME(frame, complete_ns);
SAME(frame, recovered_shards);
SAME(stats, packets_received);
SAME(stats, bytes_received);
SAME(stats, frames_delivered);
SAME(stats, rtt_ns);
SAME(config, role);
SAME(config, shard_payload);
SAME(config, max_frame_bytes);
SAME(config, key);
SAME(config, salt);

static unsigned char
	room[sizeof(struct punktfunk_connect_opts) + sizeof(struct punktfunk_stats) + AFTER];

static void must(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "old_caller: %s failed\n", what);
	exit(1);
}

/* A copy with its size set, and guards behind it. */
static void *place(const void *small, size_t size)
{
	memset(room, GUARD, sizeof(room));
	memcpy(room, small, size);
	memcpy(room, &size, sizeof(size));
	return room;
}

static void check_guard(size_t size)
{
	size_t i;
	for (i = size; i < sizeof(room); i++)
		must(room[i] == GUARD, "keeping to the size");
}

static void use(struct punktfunk_connection *c, size_t frame_size, size_t stats_size)
{
	struct v1_frame frame;
	struct v1_stats stats;
	void *p;
	memset(&frame, 0, sizeof(frame));
	memset(&stats, 0, sizeof(stats));
	p = place(&frame, frame_size < sizeof(frame) ? frame_size : sizeof(frame));
	must(punktfunk_connection_next_au(c, (struct punktfunk_frame *)p, WAIT_MS) == 0,
		"receiving a frame");
	check_guard(frame_size);
	memcpy(&frame, p, frame_size);
	must(frame.len > 0 && frame.data != NULL, "a frame with content");
	p = place(&stats, stats_size);
	must(punktfunk_connection_get_stats(c, (struct punktfunk_stats *)p) == 0,
		"reading the statistics");
	check_guard(stats_size);
	memcpy(&stats, p, stats_size);
	must(stats.packets_received > 0, "counting");
}

static void old_connect(unsigned short port)
{
	struct v1_connect_opts o;
	struct punktfunk_connection *c = NULL;
	memset(&o, 0, sizeof(o));
	o.host = "127.0.0.1";
	o.port = port;
	o.mode.width = 320;
	o.mode.height = 240;
	o.mode.refresh_hz = 60;
	o.name = "old";
	o.timeout_ms = WAIT_MS;
	/* Behind it lie guards: read as pointers or as a callback they would not be survived. */
	must(punktfunk_connect_opts(
		     &c, (struct punktfunk_connect_opts *)place(&o, sizeof(o)), NULL, 0) == 0,
		"connecting");
	check_guard(sizeof(o));
	use(c, sizeof(struct v1_frame), sizeof(struct v1_stats));
	/* Older still: only the beginning of each. */
	use(c, offsetof(struct v1_frame, flags), offsetof(struct v1_stats, packets_bad));
	punktfunk_connection_close(c);
	/* No size, or one that leaves out what is required. */
	must(punktfunk_connect_opts(&c, (struct punktfunk_connect_opts *)place(&o, sizeof(size_t)),
		     NULL, 0) == PUNKTFUNK_E_INVALID,
		"refusing a size that is too small");
	must(c == NULL, "leaving nothing behind");
}

/* The one that comes after us knows more than the library: what it adds is not looked at. */
static void new_connect(unsigned short port)
{
	struct {
		struct punktfunk_connect_opts now;
		unsigned char more[64];
	} o;
	struct {
		struct punktfunk_stats now;
		unsigned char more[64];
	} s;
	struct punktfunk_connection *c = NULL;
	memset(&o, GUARD, sizeof(o));
	punktfunk_connect_opts_init(&o.now);
	o.now.size = sizeof(o);
	o.now.host = "127.0.0.1";
	o.now.port = port;
	o.now.mode.width = 320;
	o.now.mode.height = 240;
	o.now.mode.refresh_hz = 60;
	o.now.timeout_ms = WAIT_MS;
	must(punktfunk_connect_opts(&c, &o.now, NULL, 0) == 0, "connecting from the future");
	memset(&s, GUARD, sizeof(s));
	s.now.size = sizeof(s);
	must(punktfunk_connection_get_stats(c, &s.now) == 0, "statistics for the future");
	must(s.now.size == sizeof(s) && s.more[0] == GUARD, "leaving alone what it does not know");
	punktfunk_connection_close(c);
}

static void old_session(void)
{
	struct v1_config o;
	struct punktfunk_session *host = NULL, *client = NULL;
	memset(&o, 0, sizeof(o));
	o.fec_scheme = PUNKTFUNK_FEC_GF16;
	o.fec_percent = 20;
	o.max_data_per_block = 100;
	o.shard_payload = 1000;
	o.max_frame_bytes = 100000;
	must(punktfunk_test_loopback_pair(
		     &host, &client, (const struct punktfunk_config *)place(&o, sizeof(o))) == 0,
		"making a loopback pair");
	punktfunk_session_free(host);
	punktfunk_session_free(client);
}

int main(int argc, char **argv)
{
	unsigned short port;
	if (argc != 2) {
		fprintf(stderr, "usage: old_caller PORT\n");
		return 2;
	}
	port = (unsigned short)atoi(argv[1]);
	old_session();
	old_connect(port);
	new_connect(port);
	printf("old_caller: all of it worked\n");
	return 0;
}
