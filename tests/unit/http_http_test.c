/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/http/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-event.h>

#include "host/base/loop.h"
#include "host/http/limit.h"
#include "host/media/clock.h"
#include "net/tcp.h"
#include "tests/test.h"
#include "tests/unit/gamestream_device.h"

#define MS 1000000ull

static struct loop *loop;
static struct http *server;
static uint16_t port;
static struct http_request *waiting;
static int n_gone, n_handled;

/* --- the server --- */

static void hello(struct http_request *rq, void *userdata)
{
	const char *word = http_arg(rq, "word");
	(void)userdata;
	n_handled++;
	assert_false(http_is_tls(rq));
	assert_null(http_client_fp(rq));
	assert_int_equal(http_peer(rq)->sa.sa_family, AF_INET);
	assert_int_equal(http_local(rq)->in4.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	word = word ? word : "none";
	http_reply(rq, 200, "text/plain", word, strlen(word));
}

static void gone(struct http_request *rq, void *userdata)
{
	(void)userdata;
	assert_ptr_equal(rq, waiting);
	n_gone++;
	waiting = NULL;
}

static void later(struct http_request *rq, void *userdata)
{
	waiting = rq;
	http_wait(rq, gone, userdata);
}

/* Waits, and answers before it returns. */
static void soon(struct http_request *rq, void *userdata)
{
	http_wait(rq, gone, userdata);
	http_reply(rq, 200, "text/plain", "soon", 4);
}

static const struct http_route routes[] = {{"/hello", hello}, {"/later", later}, {"/soon", soon}};

static int setup(void **state)
{
	struct http_params params = {.routes = routes, .n_routes = 3, .request_ns = 300 * MS};
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);
	(void)state;
	n_gone = n_handled = 0;
	waiting = NULL;
	if (loop_create(&loop) < 0)
		return -1;
	params.loop = loop;
	params.fd = tcp_listen("127.0.0.1", 0);
	if (params.fd < 0 || getsockname(params.fd, (struct sockaddr *)&addr, &len) < 0)
		return -1;
	port = ntohs(addr.sin_port);
	return http_create(&server, &params);
}

static int teardown(void **state)
{
	(void)state;
	http_destroy(server);
	loop_destroy(loop);
	return 0;
}

static void run_ms(unsigned ms)
{
	uint64_t end_ns = clock_now_ns() + ms * MS;
	while (clock_now_ns() < end_ns)
		assert_true(sd_event_run(loop_sd_event(loop), 2000) >= 0);
}

/* --- a client --- */

static int dial(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	assert_true(fcntl(fd, F_SETFL, O_NONBLOCK) >= 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* All until the other side closes; false: it does not within that time. */
static bool hear(int fd, unsigned ms, char *out, size_t cap)
{
	size_t n = 0;
	for (unsigned i = 0; i < ms / 5; i++) {
		run_ms(5);
		ssize_t got = recv(fd, out + n, cap - 1 - n, 0);
		if (got > 0)
			n += (size_t)got;
		out[n] = '\0';
		if (got == 0 || (got < 0 && errno == ECONNRESET))
			return true;
	}
	return false;
}

static void a_request_is_answered_and_closed(void **state)
{
	char text[1000];
	int fd = dial();
	(void)state;
	say(fd, "GET /hello?word=a%26b+c&word=second HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_true(hear(fd, 3000, text, sizeof(text)));
	assert_non_null(strstr(text, "HTTP/1.1 200"));
	assert_non_null(strstr(text, "\r\n\r\na&b c"));
	close(fd);
	fd = dial();
	say(fd, "GET /soon HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_true(hear(fd, 3000, text, sizeof(text)));
	assert_non_null(strstr(text, "\r\n\r\nsoon"));
	close(fd);
	fd = dial();
	say(fd, "GET /other HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_true(hear(fd, 3000, text, sizeof(text)));
	assert_non_null(strstr(text, "HTTP/1.1 404"));
	close(fd);
	assert_int_equal(n_gone, 0);
}

static void a_connection_has_one_request(void **state)
{
	char text[1000];
	int fd = dial();
	(void)state;
	say(fd,
		"GET /hello?word=first HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n"
		"GET /hello?word=next HTTP/1.1\r\nHost: x\r\n\r\n"
		"GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_true(hear(fd, 3000, text, sizeof(text)));
	assert_int_equal(n_handled, 1);
	assert_null(waiting);
	const char *answer = strstr(text, "HTTP/1.1 200");
	assert_non_null(answer);
	assert_null(strstr(answer + 1, "HTTP/1.1"));
	close(fd);
}

static void a_zero_byte_hides_nothing(void **state)
{
	char text[1000];
	int fd = dial();
	(void)state;
	say(fd, "GET /hello?word=safe%00evil HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_true(hear(fd, 3000, text, sizeof(text)));
	assert_null(strstr(text, "safe"));
	close(fd);
}

static void an_answer_may_come_later(void **state)
{
	char text[1000];
	int fd = dial();
	(void)state;
	say(fd, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
	/* Longer than a request may take: that time counts until it is whole. */
	assert_false(hear(fd, 500, text, sizeof(text)));
	assert_non_null(waiting);
	http_reply(waiting, 200, "text/plain", "now", 3);
	assert_true(hear(fd, 1000, text, sizeof(text)));
	assert_non_null(strstr(text, "\r\n\r\nnow"));
	assert_int_equal(n_gone, 0);
	close(fd);
}

static void who_hangs_up_is_noticed(void **state)
{
	int fd = dial();
	(void)state;
	say(fd, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
	run_ms(50);
	assert_non_null(waiting);
	close(fd);
	run_ms(50);
	assert_int_equal(n_gone, 1);
	/* And one that waits when the server ends: teardown. */
	fd = dial();
	say(fd, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
	run_ms(50);
	assert_non_null(waiting);
	close(fd);
}

static void who_speaks_slowly_is_closed(void **state)
{
	static const char request[] =
		"GET /hello HTTP/1.1\r\nHost: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
	char text[100];
	int fd = dial(), silent = dial();
	bool closed = false;
	(void)state;
	for (size_t i = 0; i < sizeof(request) - 1 && !closed; i++) {
		closed = send(fd, request + i, 1, MSG_NOSIGNAL) < 0;
		run_ms(10);
		closed |= recv(fd, text, sizeof(text), 0) == 0;
	}
	assert_true(closed);
	assert_true(hear(silent, 1000, text, sizeof(text)));
	assert_int_equal(n_handled, 0);
	close(fd);
	close(silent);
}

static void one_address_has_so_many_places(void **state)
{
	int fds[HTTP_PER_ADDRESS + 4];
	char text[100];
	size_t n = 0;
	(void)state;
	for (size_t i = 0; i < HTTP_PER_ADDRESS + 4; i++) {
		fds[i] = dial();
		run_ms(1);
	}
	run_ms(20);
	for (size_t i = 0; i < HTTP_PER_ADDRESS + 4; i++)
		n += recv(fds[i], text, sizeof(text), 0) < 0 && errno == EAGAIN;
	assert_int_equal(n, HTTP_PER_ADDRESS);
	for (size_t i = 0; i < HTTP_PER_ADDRESS + 4; i++)
		close(fds[i]);
	run_ms(20);
	int fd = dial();
	say(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_true(hear(fd, 1000, text, sizeof(text)));
	close(fd);
}

static void a_bad_certificate_is_an_error(void **state)
{
	struct http *other = NULL;
	struct http_params params = {.loop = loop,
		.routes = routes,
		.n_routes = 3,
		.cert_pem = "nothing",
		.key_pem = "nothing"};
	(void)state;
	params.fd = tcp_listen("127.0.0.1", 0);
	assert_true(params.fd >= 0);
	assert_int_equal(http_create(&other, &params), PF_E_CRYPTO);
	/* Taken over, and closed once. */
	assert_int_equal(fcntl(params.fd, F_GETFD), -1);
}

/* Half of a client's first message, and then nothing: it costs no more than any other that is slow. */
static void half_a_handshake_is_waited_for(void **state)
{
	static const uint8_t half[] = {0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 1, 2, 3, 4};
	static struct device d;
	struct http *tls = NULL;
	struct http_params params = {.routes = routes, .n_routes = 3};
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);
	unsigned n = 0;
	(void)state;
	device_make(&d, NULL);
	params.loop = loop;
	params.cert_pem = d.cert_pem;
	params.key_pem = d.key_pem;
	params.fd = tcp_listen("127.0.0.1", 0);
	assert_true(params.fd >= 0);
	assert_int_equal(getsockname(params.fd, (struct sockaddr *)&addr, &len), 0);
	assert_int_equal(http_create(&tls, &params), PF_OK);
	port = ntohs(addr.sin_port);
	int fd = dial();
	assert_int_equal(send(fd, half, sizeof(half), MSG_NOSIGNAL), sizeof(half));
	const uint64_t end_ns = clock_now_ns() + 400 * MS;
	while (clock_now_ns() < end_ns)
		n += sd_event_run(loop_sd_event(loop), 2000) > 0;
	assert_in_range(n, 1, 60);
	close(fd);
	http_destroy(tls);
	device_free(&d);
}

static void buckets_fill_with_time(void **state)
{
	static struct http_limit l;
	union udp_addr a = {.in4 = {.sin_family = AF_INET}}, b = a;
	uint64_t now = 5000000 * MS;
	(void)state;
	b.in4.sin_addr.s_addr = htonl(1);
	http_limit_init(&l, 3, 10);
	for (int i = 0; i < 3; i++)
		assert_true(http_limit_take(&l, &a, now));
	assert_false(http_limit_take(&l, &a, now));
	assert_true(http_limit_take(&l, &b, now));
	assert_false(http_limit_take(&l, &a, now + 99 * MS));
	assert_true(http_limit_take(&l, &a, now + 101 * MS));
	now += 3600000 * MS;
	for (int i = 0; i < 3; i++)
		assert_true(http_limit_take(&l, &a, now));
	assert_false(http_limit_take(&l, &a, now));
	/* More addresses than places: the busy one is not forgotten. */
	for (uint32_t i = 2; i < 2 + HTTP_LIMIT_ADDRESSES - 1; i++) {
		union udp_addr c = a;
		c.in4.sin_addr.s_addr = htonl(i);
		assert_true(http_limit_take(&l, &c, now + i));
		assert_false(http_limit_take(&l, &a, now + i));
	}
	/* Of IPv6 a /64 is one. */
	union udp_addr v6 = {.in6 = {.sin6_family = AF_INET6}};
	for (uint8_t i = 0; i < 4; i++) {
		v6.in6.sin6_addr.s6_addr[15] = i;
		assert_int_equal(http_limit_take(&l, &v6, now), i < 3);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_request_is_answered_and_closed),
		TEST(a_connection_has_one_request),
		TEST(a_zero_byte_hides_nothing),
		TEST(an_answer_may_come_later),
		TEST(who_hangs_up_is_noticed),
		TEST(who_speaks_slowly_is_closed),
		TEST(one_address_has_so_many_places),
		TEST(a_bad_certificate_is_an_error),
		TEST(half_a_handshake_is_waited_for),
		cmocka_unit_test(buckets_fill_with_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
