/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/bytes.h"
#include "core/packet/native.h"
#include "core/wire/control.h"
#include "core/wire/datagram.h"
#include "core/wire/handshake.h"
#include "host/media/clock.h"
#include "tests/integration/raw_client.h"
#include "tests/support/host_process.h"

/*
 * What one client, or a stranger, can make a real host spend: floods of every message, streams that nobody
 * asked for, clients that come and go, and a stream aimed at somebody else. PUNKTFUNK_HOST names the program.
 */

#define MS	1000000ull
#define WAIT_NS (5000 * MS)

static struct host_process host;
static size_t idle_tasks; /* entries of /proc/PID/task while no session is there */

static uint16_t bound_port(int fd)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	return ntohs(a.sin_port);
}

static int udp_at(uint32_t address, uint16_t port)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(address)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static size_t count_datagrams(int fd)
{
	size_t n = 0;
	uint8_t buf[2048];
	while (recv(fd, buf, sizeof(buf), 0) >= 0)
		n++;
	return n;
}

static void turn_for(struct raw *r, uint64_t ns)
{
	uint64_t until = clock_now_ns() + ns;
	while (clock_now_ns() < until && !r->ended)
		raw_turn(r);
}

static void send_msg(struct raw *r, const struct pf_msg *m)
{
	uint8_t buf[PF_MSG_MAX_LEN];
	int len = pf_msg_write_framed(buf, sizeof(buf), m);
	assert_true(len > 0);
	assert_int_equal(quic_conn_send(r->conn, r->stream, buf, (size_t)len, false), 0);
}

static void say_hello(struct raw *r)
{
	uint8_t hello[64];
	size_t n = raw_good_hello(hello, sizeof(hello));
	raw_send(r, hello, n);
	raw_wait_bytes(r, 2 + PF_WELCOME_MIN);
}

static void say_start(struct raw *r, uint16_t port)
{
	uint8_t payload[16];
	struct pf_start start = {.client_port = port};
	int n = pf_start_write(payload, sizeof(payload), &start);
	assert_true(n > 0);
	raw_send(r, payload, (size_t)n);
}

/* A whole session of a raw client; fd gets its pictures, unread. */
static void start_stream(struct raw *r, int *fd)
{
	struct pf_welcome w;
	raw_open(r, host.port);
	say_hello(r);
	assert_int_equal(pf_welcome_read(&w, r->got + 2, pf_get_le16(r->got)), 0);
	*fd = udp_at(INADDR_LOOPBACK, 0);
	say_start(r, bound_port(*fd));
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(w.data_port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	uint64_t until = clock_now_ns() + WAIT_NS;
	size_t n = 0;
	while (!n && clock_now_ns() < until) {
		sendto(*fd, PF_PUNCH, PF_PUNCH_LEN, 0, (struct sockaddr *)&to, sizeof(to));
		turn_for(r, 20 * MS);
		n = count_datagrams(*fd);
	}
	assert_true(n > 0);
}

/* The next typed message of this type, with its last occurrence in *m. Returns how many there were. */
static size_t read_msgs(const struct raw *r, size_t from, enum pf_msg_type type, struct pf_msg *m)
{
	size_t n = 0;
	while (from + 2 <= r->got_len) {
		size_t len = pf_get_le16(r->got + from);
		struct pf_msg one;
		if (from + 2 + len > r->got_len)
			break;
		if (pf_msg_read(&one, r->got + from + 2, len) == 0 && one.type == type) {
			*m = one;
			n++;
		}
		from += 2 + len;
	}
	return n;
}

static size_t count_entries(const char *what)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)host.pid, what);
	size_t n = 0;
	DIR *dir = opendir(path);
	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void forget_summary(void)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/summary.json", host.dir);
	unlink(path);
}

/* A counter of the summary that the session which ends now writes. */
static long summary_value(const char *name)
{
	char path[128], text[2048] = "", key[64];
	snprintf(path, sizeof(path), "%s/summary.json", host.dir);
	snprintf(key, sizeof(key), "\"%s\": ", name);
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (!strchr(text, '}') && clock_now_ns() < until) {
		FILE *f = fopen(path, "re");
		text[f ? fread(text, 1, sizeof(text) - 1, f) : 0] = 0;
		if (f)
			fclose(f);
		usleep(5000);
	}
	const char *at = strstr(text, key);
	assert_non_null(at);
	return strtol(at + strlen(key), NULL, 10);
}

static void wait_no_session(void)
{
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (count_entries("task") > idle_tasks && clock_now_ns() < until)
		usleep(5000);
	assert_int_equal(count_entries("task"), idle_tasks);
}

/* --- a relay that can make a client's packets come from elsewhere --- */

struct relay {
	int front, honest, forged; /* sockets: toward the client, and two toward the host */
	struct sockaddr_in host, client;
	_Atomic bool forge, stop;
	pthread_t thread;
};

static void *relay_run(void *userdata)
{
	struct relay *r = userdata;
	uint8_t buf[2048];
	while (!atomic_load(&r->stop)) {
		struct pollfd p[] = {{.fd = r->front, .events = POLLIN},
			{.fd = r->honest, .events = POLLIN}, {.fd = r->forged, .events = POLLIN}};
		poll(p, 3, 5);
		struct sockaddr_in from;
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(r->front, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);
		if (n > 0) {
			r->client = from;
			sendto(atomic_load(&r->forge) ? r->forged : r->honest, buf, (size_t)n, 0,
				(struct sockaddr *)&r->host, sizeof(r->host));
		}
		n = recv(r->honest, buf, sizeof(buf), 0);
		if (n > 0)
			sendto(r->front, buf, (size_t)n, 0, (struct sockaddr *)&r->client,
				sizeof(r->client));
		count_datagrams(r->forged); /* a forger never sees the answers */
	}
	return NULL;
}

static void relay_open(struct relay *r)
{
	memset(r, 0, sizeof(*r));
	r->front = udp_at(INADDR_LOOPBACK, 0);
	r->honest = udp_at(INADDR_LOOPBACK, 0);
	r->forged = udp_at(INADDR_LOOPBACK + 1, 0);
	r->host = (struct sockaddr_in){.sin_family = AF_INET,
		.sin_port = htons((uint16_t)host.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(pthread_create(&r->thread, NULL, relay_run, r), 0);
}

static void relay_close(struct relay *r)
{
	atomic_store(&r->stop, true);
	pthread_join(r->thread, NULL);
	close(r->front);
	close(r->honest);
	close(r->forged);
}

/* A client that forges its source address cannot have the pictures sent to whoever lives there. */
static void a_stream_cannot_be_aimed_at_others(void **state)
{
	struct relay relay;
	struct raw r;
	(void)state;
	int own = udp_at(INADDR_LOOPBACK, 0);
	int victim = udp_at(INADDR_LOOPBACK + 1, bound_port(own));
	relay_open(&relay);
	raw_open(&r, bound_port(relay.front));
	say_hello(&r);
	atomic_store(&relay.forge, true);
	say_start(&r, bound_port(own));
	turn_for(&r, 200 * MS);
	uint64_t until = clock_now_ns() + WAIT_NS;
	size_t n_own = 0, n_victim = 0;
	while (n_own + n_victim == 0 && clock_now_ns() < until) {
		turn_for(&r, 50 * MS);
		n_own = count_datagrams(own);
		n_victim = count_datagrams(victim);
	}
	assert_int_equal(n_victim, 0);
	assert_true(n_own > 0);
	atomic_store(&relay.forge, false);
	raw_close(&r);
	relay_close(&relay);
	close(own);
	close(victim);
}

/* --- floods --- */

static void a_flood_of_modes_makes_few(void **state)
{
	struct raw r;
	int fd;
	struct pf_msg m = {.type = PF_MSG_RECONFIGURE}, answer;
	(void)state;
	start_stream(&r, &fd);
	turn_for(&r, 100 * MS);
	size_t from = r.got_len, n = 0;
	for (unsigned i = 0; i < 500; i++) {
		m.reconfigure = (struct pf_mode){i % 2 ? 320 : 480, 240 + 2 * (i % 50), 30};
		send_msg(&r, &m);
	}
	m.reconfigure = (struct pf_mode){800, 600, 60};
	send_msg(&r, &m);
	uint64_t until = clock_now_ns() + WAIT_NS;
	do {
		turn_for(&r, 50 * MS);
		n = read_msgs(&r, from, PF_MSG_RECONFIGURED, &answer);
	} while ((!n || answer.reconfigured.mode.width != 800) && clock_now_ns() < until);
	/* The newest is made and said, and few of those before it. */
	assert_int_equal(answer.reconfigured.mode.width, 800);
	assert_int_equal(answer.reconfigured.mode.height, 600);
	assert_true(answer.reconfigured.accepted);
	assert_in_range(n, 1, 8);
	raw_close(&r);
	close(fd);
	wait_no_session();
}

/* What fits the wire may still be more than the machine has memory for, times the clients. */
static void huge_displays_are_refused(void **state)
{
	struct raw r;
	uint8_t hello[64];
	struct pf_msg m = {.type = PF_MSG_RECONFIGURE, .reconfigure = {8192, 8192, 60}}, answer;
	(void)state;
	size_t n = raw_good_hello(hello, sizeof(hello));
	pf_put_le32(hello + 8, 8192);
	pf_put_le32(hello + 12, 8192);
	raw_open(&r, host.port);
	raw_send(&r, hello, n);
	raw_expect_close(&r, PF_CLOSE_SETUP_FAILED, "larger than this host allows (16 megapixels)");
	raw_open(&r, host.port);
	say_hello(&r);
	size_t from = r.got_len;
	send_msg(&r, &m);
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (!read_msgs(&r, from, PF_MSG_RECONFIGURED, &answer) && clock_now_ns() < until)
		raw_turn(&r);
	assert_int_equal(read_msgs(&r, from, PF_MSG_RECONFIGURED, &answer), 1);
	assert_false(answer.reconfigured.accepted);
	assert_int_equal(answer.reconfigured.mode.width, 640);
	raw_close(&r);
	wait_no_session();
}

static void a_flood_of_keyframe_requests_makes_few(void **state)
{
	struct raw r;
	int fd;
	struct pf_msg ask = {.type = PF_MSG_REQUEST_KEYFRAME};
	struct pf_msg rfi = {.type = PF_MSG_RFI_REQUEST};
	(void)state;
	start_stream(&r, &fd);
	forget_summary();
	uint64_t start = clock_now_ns();
	while (clock_now_ns() - start < 1000 * MS) {
		send_msg(&r, &ask);
		send_msg(&r, &rfi);
		raw_turn(&r);
		count_datagrams(fd);
	}
	raw_close(&r);
	close(fd);
	wait_no_session();
	/* One in 50 ms, and the first; and all of them take the place of frames at 30 Hz, or nearly. */
	assert_in_range(summary_value("keyframes"), 5, 26);
	assert_in_range(summary_value("frames_encoded"), 5, 75);
}

static void flapping_bitrates_do_no_harm(void **state)
{
	struct raw r;
	int fd;
	struct pf_msg m = {.type = PF_MSG_SET_BITRATE}, answer;
	(void)state;
	start_stream(&r, &fd);
	size_t from = r.got_len;
	for (unsigned i = 0; i < 60; i++) {
		m.bitrate_kbps = i % 2 ? UINT32_MAX : 0;
		send_msg(&r, &m);
		if (i % 4 == 0)
			turn_for(&r, 10 * MS);
	}
	turn_for(&r, 200 * MS);
	assert_int_equal(read_msgs(&r, from, PF_MSG_BITRATE_CHANGED, &answer), 60);
	assert_int_equal(answer.bitrate_changed.kbps, 150000); /* --max-bitrate's default */
	assert_true(count_datagrams(fd) > 0);
	raw_close(&r);
	close(fd);
	wait_no_session();
}

static void an_input_flood_leaves_the_others_alone(void **state)
{
	struct raw r, other;
	int fd, other_fd;
	uint8_t event[PF_INPUT_LEN];
	(void)state;
	start_stream(&r, &fd);
	start_stream(&other, &other_fd);
	pf_input_write(event, &(struct pf_input){.kind = PF_INPUT_MOUSE_REL, .x = 1});
	uint64_t start = clock_now_ns();
	struct pf_msg probe = {.type = PF_MSG_CLOCK_PROBE, .clock.t1_ns = 1}, echo;
	size_t from = other.got_len;
	while (clock_now_ns() - start < 500 * MS) {
		for (int i = 0; i < 200;
			i++) /* the oldest are dropped on our side when it is full */
			assert_int_equal(quic_conn_send_datagram(r.conn, event, sizeof(event)), 0);
		raw_turn(&r);
		count_datagrams(fd);
	}
	start = clock_now_ns();
	send_msg(&other, &probe);
	while (!read_msgs(&other, from, PF_MSG_CLOCK_ECHO, &echo) &&
		clock_now_ns() - start < WAIT_NS)
		raw_turn(&other);
	assert_true(clock_now_ns() - start < 1000 * MS);
	assert_true(count_datagrams(other_fd) > 0);
	raw_close(&r);
	raw_close(&other);
	close(fd);
	close(other_fd);
	assert_true(host_process_logged(&host, "input events above 16000 a second were", 5000));
	wait_no_session();
}

/* --- streams --- */

static void other_streams_pile_nothing_up(void **state)
{
	static uint8_t data[60000];
	struct raw r;
	(void)state;
	raw_open(&r, host.port);
	say_hello(&r);
	int64_t ids[3] = {-1, -1, -1};
	long before = host_process_rss_kb(&host);
	size_t sent = 0;
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (sent < (24u << 20) && !r.ended && clock_now_ns() < until) {
		for (int i = 0; i < 3; i++) {
			if (quic_conn_send(r.conn, ids[i], data, sizeof(data), false) == 0)
				sent += sizeof(data);
			else /* the host broke it off: the next one */
				ids[i] = quic_conn_open_stream(r.conn);
		}
		raw_turn(&r);
	}
	assert_true(sent > (8u << 20));
	/* ASan keeps what was freed for a while. */
	assert_true(host_process_rss_kb(&host) - before < 16 * 1024 * (TEST_SLOW ? 4 : 1));
	raw_close(&r);
	wait_no_session();
}

/* --- order --- */

static void a_second_hello_ends_the_session(void **state)
{
	struct raw r;
	uint8_t hello[64];
	(void)state;
	raw_open(&r, host.port);
	say_hello(&r);
	size_t n = raw_good_hello(hello, sizeof(hello));
	raw_send(&r, hello, n);
	raw_expect_close(&r, PF_CLOSE_SETUP_FAILED, "malformed");
	wait_no_session();
}

static void a_second_start_ends_the_session(void **state)
{
	struct raw r;
	int fd;
	(void)state;
	start_stream(&r, &fd);
	say_start(&r, 9);
	raw_expect_close(&r, PF_CLOSE_SETUP_FAILED, "malformed");
	close(fd);
	wait_no_session();
}

/* What follows a refusal in the same packet is not looked at. */
static void words_after_a_refusal_are_not_heard(void **state)
{
	struct raw r;
	uint8_t hello[64];
	struct pf_msg m = {.type = PF_MSG_RECONFIGURE, .reconfigure = {800, 600, 60}};
	(void)state;
	size_t n = raw_good_hello(hello, sizeof(hello));
	pf_put_le32(hello + 8, 0);
	raw_open(&r, host.port);
	uint8_t head[2];
	pf_put_le16(head, (uint16_t)n);
	assert_int_equal(quic_conn_send(r.conn, r.stream, head, 2, false), 0);
	assert_int_equal(quic_conn_send(r.conn, r.stream, hello, n, false), 0);
	pf_put_le32(hello + 8, 640);
	assert_int_equal(quic_conn_send(r.conn, r.stream, head, 2, false), 0);
	assert_int_equal(quic_conn_send(r.conn, r.stream, hello, n, false), 0);
	send_msg(&r, &m);
	say_start(&r, 9);
	raw_expect_close(&r, PF_CLOSE_SETUP_FAILED, "cannot be made");
	wait_no_session();
}

/* What a client calls itself is read by a person, on a terminal. */
static void a_name_cannot_write_on_a_terminal(void **state)
{
	struct raw r;
	uint8_t buf[256];
	struct pf_hello h;
	(void)state;
	pf_hello_init(&h);
	h.mode = (struct pf_mode){640, 480, 30};
	h.codecs = PF_CODEC_H264;
	snprintf(h.name, sizeof(h.name),
		"Zoë\x1b[2J\xc2\x9b"
		"31m\n2026 error");
	int n = pf_hello_write(buf, sizeof(buf), &h);
	assert_true(n > 0);
	raw_open(&r, host.port);
	raw_send(&r, buf, (size_t)n);
	raw_wait_bytes(&r, 2 + PF_WELCOME_MIN);
	raw_close(&r);
	assert_true(host_process_logged(&host, "native: Zoë?[2J?31m?2026 error: 640x480", 5000));
	wait_no_session();
}

/* --- coming and going --- */

static void come_and_go(unsigned i)
{
	struct raw r;
	int fd = -1;
	switch (i % 5) {
	case 0:
		raw_open(&r, host.port);
		break;
	case 1:
		raw_open(&r, host.port);
		raw_send(&r, (const uint8_t *)"x", 1);
		break;
	case 2:
		raw_open(&r, host.port);
		say_hello(&r);
		break;
	case 3:
		raw_open(&r, host.port);
		say_hello(&r);
		say_start(&r, 9);
		turn_for(&r, MS);
		break;
	default:
		start_stream(&r, &fd);
		break;
	}
	raw_close(&r);
	if (fd >= 0)
		close(fd);
}

static void coming_and_going_leaves_nothing(void **state)
{
	unsigned rounds = TEST_SLOW ? 50 : 150;
	(void)state;
	for (unsigned i = 0; i < 50; i++) /* what is made once and stays */
		come_and_go(i);
	wait_no_session();
	usleep(50000); /* the sockets go right after the threads */
	size_t fds = count_entries("fd");
	long rss = host_process_rss_kb(&host);
	for (unsigned i = 0; i < rounds; i++)
		come_and_go(i);
	wait_no_session();
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (count_entries("fd") > fds && clock_now_ns() < until)
		usleep(5000); /* the sockets go right after the threads */
	/* Fewer is a socket that was still going when the first count was taken. */
	assert_true(count_entries("fd") <= fds);
	/* The allocator keeps what it was given back; a session that leaked its pictures would be 5 MiB each. */
	assert_true(host_process_rss_kb(&host) - rss < 16 * 1024 * (TEST_SLOW ? 4 : 1));
}

/* The host ends with clients in every state; a sanitizer's host says here what it found. */
static void the_host_ends_with_clients_in_every_state(void **state)
{
	static const char *const args[] = {"--source", "synthetic", "--max-concurrent", "4", NULL};
	struct host_process first = host;
	struct raw r[5];
	int fd;
	(void)state;
	assert_int_equal(host_process_start(&host, getenv("PUNKTFUNK_HOST"), args), 0);
	raw_open(&r[0], host.port);
	raw_open(&r[1], host.port);
	say_hello(&r[1]);
	raw_open(&r[2], host.port);
	say_hello(&r[2]);
	say_start(&r[2], 9);
	turn_for(&r[2], 50 * MS);
	start_stream(&r[3], &fd);
	raw_open(&r[4], host.port);
	raw_send(&r[4], (const uint8_t *)"x", 1);
	turn_for(&r[4], 50 * MS);
	assert_int_equal(host_process_end(&host), 0);
	for (int i = 0; i < 5; i++)
		raw_close(&r[i]);
	close(fd);
	host_process_clean(&host);
	host = first;
}

static int start(void **state)
{
	static const char *const args[] = {"--source", "synthetic", "--max-concurrent", "2", NULL};
	const char *path = getenv("PUNKTFUNK_HOST");
	(void)state;
	if (!path || host_process_start(&host, path, args) < 0)
		return -1;
	/* A first session, for a sanitizer makes a thread of its own with the first one that it sees. */
	struct raw r;
	int fd;
	start_stream(&r, &fd);
	raw_close(&r);
	close(fd);
	if (!host_process_logged(&host, " captured, ", 5000))
		return -1;
	idle_tasks = count_entries("task");
	return 0;
}

static int stop(void **state)
{
	(void)state;
	return host_process_finish(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flood_of_modes_makes_few),
		cmocka_unit_test(huge_displays_are_refused),
		cmocka_unit_test(a_flood_of_keyframe_requests_makes_few),
		cmocka_unit_test(flapping_bitrates_do_no_harm),
		cmocka_unit_test(an_input_flood_leaves_the_others_alone),
		cmocka_unit_test(other_streams_pile_nothing_up),
		cmocka_unit_test(a_second_hello_ends_the_session),
		cmocka_unit_test(a_second_start_ends_the_session),
		cmocka_unit_test(words_after_a_refusal_are_not_heard),
		cmocka_unit_test(a_name_cannot_write_on_a_terminal),
		cmocka_unit_test(coming_and_going_leaves_nothing),
		cmocka_unit_test(a_stream_cannot_be_aimed_at_others),
		cmocka_unit_test(the_host_ends_with_clients_in_every_state),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
