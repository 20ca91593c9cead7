/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/integration/viewer.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/bytes.h"
#include "core/packet/native.h"
#include "host/media/clock.h"
#include "tests/test.h"

#define MS	1000000ull
#define WAIT_NS (5000 * MS)

static void look_at(struct viewer *v, const struct pf_native_header *h)
{
	if (h->user_flags & PF_USER_PROBE) {
		assert_int_equal(h->user_flags, PF_USER_PROBE);
		v->n_filler++;
		assert_true(h->frame_index <= v->next_unit);
		if (h->frame_index == v->next_unit)
			v->next_unit++;
		return;
	}
	v->shard = h->shard_bytes;
	if (h->frame_index < v->next_frame)
		return;
	v->n_holes += h->frame_index - v->next_frame;
	v->next_frame = h->frame_index + 1;
	v->last_pts_ns = h->pts_ns;
	v->n_frames++;
}

static void read_packets(struct viewer *v)
{
	uint8_t packet[2048], *text;
	ssize_t n;
	while ((n = recv(v->fd, packet, sizeof(packet), MSG_DONTWAIT)) >= 0) {
		struct pf_native_header h;
		uint64_t seq;
		size_t len;
		assert_int_equal(pf_sealer_open(&v->open, packet, (size_t)n, &seq, &text, &len), 0);
		assert_int_equal(pf_native_header_read(&h, text, len), 0);
		assert_int_equal(len, PF_NATIVE_HEADER_LEN + h.shard_bytes);
		look_at(v, &h);
	}
}

static void turn(struct viewer *v)
{
	raw_turn(&v->raw);
	read_packets(v);
	assert_false(v->raw.ended);
}

void viewer_turn_for(struct viewer *v, uint64_t ns)
{
	uint64_t until = clock_now_ns() + ns;
	while (clock_now_ns() < until)
		turn(v);
}

size_t viewer_count(const struct viewer *v, enum pf_msg_type type, struct pf_msg *last)
{
	const struct raw *r = &v->raw;
	size_t n = 0, at = 2u + pf_get_le16(r->got); /* behind Welcome */
	while (at + 2 <= r->got_len && at + 2 + pf_get_le16(r->got + at) <= r->got_len) {
		struct pf_msg m;
		size_t len = pf_get_le16(r->got + at);
		assert_int_equal(pf_msg_read(&m, r->got + at + 2, len), 0);
		if (m.type == type) {
			*last = m;
			n++;
		}
		at += 2 + len;
	}
	return n;
}

void viewer_wait(struct viewer *v, enum pf_msg_type type, size_t n, struct pf_msg *m)
{
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (viewer_count(v, type, m) < n && clock_now_ns() < until)
		turn(v);
	assert_int_equal(viewer_count(v, type, m), n);
}

void viewer_say(struct viewer *v, const struct pf_msg *m)
{
	uint8_t buf[PF_MSG_MAX_LEN];
	int len = pf_msg_write_framed(buf, sizeof(buf), m);
	assert_true(len > 0);
	assert_int_equal(quic_conn_send(v->raw.conn, v->raw.stream, buf, (size_t)len, false), 0);
	quic_endpoint_flush(v->raw.endpoint, clock_now_ns());
}

static void open_data(struct viewer *v)
{
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in to = own;
	socklen_t len = sizeof(own);
	int room = 8 << 20;
	uint8_t payload[16];
	to.sin_port = htons(v->welcome.data_port);
	v->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(v->fd >= 0);
	setsockopt(v->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	assert_int_equal(bind(v->fd, (struct sockaddr *)&own, sizeof(own)), 0);
	assert_int_equal(getsockname(v->fd, (struct sockaddr *)&own, &len), 0);
	struct pf_start start = {.client_port = ntohs(own.sin_port)};
	int n = pf_start_write(payload, sizeof(payload), &start);
	assert_true(n > 0);
	raw_send(&v->raw, payload, (size_t)n);
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (!v->n_frames && clock_now_ns() < until) {
		sendto(v->fd, PF_PUNCH, PF_PUNCH_LEN, 0, (struct sockaddr *)&to, sizeof(to));
		viewer_turn_for(v, 20 * MS);
	}
	assert_true(v->n_frames > 0);
}

void viewer_open(
	struct viewer *v, int port, uint8_t video_caps, const char *launch, uint16_t max_shard)
{
	uint8_t payload[256];
	struct pf_hello h;
	memset(v, 0, sizeof(*v));
	pf_hello_init(&h);
	h.mode = (struct pf_mode){640, 480, 60};
	h.codecs = PF_CODEC_H264;
	h.video_caps = video_caps;
	h.max_shard = max_shard;
	strcpy(h.launch, launch);
	int n = pf_hello_write(payload, sizeof(payload), &h);
	assert_true(n > 0);
	raw_open(&v->raw, port);
	raw_send(&v->raw, payload, (size_t)n);
	raw_wait_bytes(&v->raw, 2 + PF_WELCOME_MIN);
	assert_int_equal(pf_welcome_read(&v->welcome, v->raw.got + 2, pf_get_le16(v->raw.got)), 0);
	assert_int_equal(
		pf_aead_create(&v->aead, PF_CIPHER_AES_128_GCM, v->welcome.aes_key, 16), 0);
	pf_sealer_init(&v->open, v->aead, v->welcome.salt, PF_HOST_TO_CLIENT);
	open_data(v);
}

void viewer_close(struct viewer *v)
{
	close(v->fd);
	pf_aead_destroy(v->aead);
	raw_close(&v->raw);
}
