/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "host/vdisplay/sway_ipc.h"

/* The other end of a socketpair is the server; its answer is written before the question is asked. */
struct pair {
	struct sway_ipc ipc;
	int server;
};

static int setup(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));
	int fds[2];
	if (!p || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -1;
	sway_ipc_attach(&p->ipc, fds[0]);
	p->server = fds[1];
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct pair *p = *state;
	sway_ipc_close(&p->ipc);
	if (p->server >= 0)
		close(p->server);
	free(p);
	return 0;
}

static void put(int fd, const void *data, size_t len)
{
	assert_int_equal(write(fd, data, len), (ssize_t)len);
}

static void answer(struct pair *p, uint32_t type, const char *text)
{
	const uint32_t len = (uint32_t)strlen(text);
	char *message = malloc(SWAY_IPC_HEADER_LEN + (size_t)len);
	assert_non_null(message);
	memcpy(message, "i3-ipc", 6);
	memcpy(message + 6, &len, 4);
	memcpy(message + 10, &type, 4);
	memcpy(message + SWAY_IPC_HEADER_LEN, text, len);
	put(p->server, message, SWAY_IPC_HEADER_LEN + (size_t)len);
	free(message);
}

static void expect_broken(struct pair *p, int want)
{
	json_t *reply = (json_t *)p;
	assert_int_equal(sway_ipc_request(&p->ipc, SWAY_IPC_GET_OUTPUTS, NULL, &reply), want);
	assert_null(reply);
	assert_int_equal(p->ipc.fd, -1);
	assert_int_not_equal(p->ipc.error[0], 0);
	assert_int_equal(
		sway_ipc_request(&p->ipc, SWAY_IPC_GET_OUTPUTS, NULL, &reply), PF_E_CLOSED);
}

static void a_request_has_the_documented_bytes(void **state)
{
	struct pair *p = *state;
	answer(p, SWAY_IPC_RUN_COMMAND, "[{\"success\": true}]");
	assert_int_equal(sway_ipc_command(&p->ipc, "output %s enable", "HEADLESS-1"), 0);
	unsigned char got[64], want[SWAY_IPC_HEADER_LEN] = "i3-ipc";
	const uint32_t len = 24;
	memcpy(want + 6, &len, 4);
	assert_int_equal(read(p->server, got, sizeof(got)), SWAY_IPC_HEADER_LEN + 24);
	assert_memory_equal(got, want, sizeof(want));
	assert_memory_equal(got + SWAY_IPC_HEADER_LEN, "output HEADLESS-1 enable", 24);
}

static void a_reply_is_parsed(void **state)
{
	struct pair *p = *state;
	json_t *reply;
	answer(p, SWAY_IPC_GET_OUTPUTS, "[{\"name\": \"HEADLESS-1\"}]");
	assert_int_equal(sway_ipc_request(&p->ipc, SWAY_IPC_GET_OUTPUTS, NULL, &reply), 0);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(reply, 0), "name")), "HEADLESS-1");
	json_decref(reply);
	assert_true(p->ipc.fd >= 0);
}

static void events_in_between_are_passed_over(void **state)
{
	struct pair *p = *state;
	json_t *reply;
	answer(p, 0x80000000u, "{\"change\": \"focus\"}");
	answer(p, 0x80000003u, "not even JSON");
	answer(p, SWAY_IPC_GET_OUTPUTS, "[]");
	assert_int_equal(sway_ipc_request(&p->ipc, SWAY_IPC_GET_OUTPUTS, NULL, &reply), 0);
	json_decref(reply);
}

static void endless_events_end_the_connection(void **state)
{
	struct pair *p = *state;
	for (int i = 0; i < 100; i++)
		answer(p, 0x80000000u, "{}");
	expect_broken(p, PF_E_BAD_PACKET);
}

static void a_refused_command_keeps_the_connection(void **state)
{
	struct pair *p = *state;
	answer(p, 0, "[{\"success\": true}, {\"success\": false, \"error\": \"Unknown command\"}]");
	assert_int_equal(sway_ipc_command(&p->ipc, "nop; bogus"), PF_E_UNSUPPORTED);
	assert_non_null(strstr(p->ipc.error, "Unknown command"));
	answer(p, 0, "[{\"success\": true}]");
	assert_int_equal(sway_ipc_command(&p->ipc, "nop"), 0);
	answer(p, 0, "[{\"success\": 1}]");
	assert_int_equal(sway_ipc_command(&p->ipc, "nop"), PF_E_UNSUPPORTED);
	answer(p, 0, "[7]");
	assert_int_equal(sway_ipc_command(&p->ipc, "nop"), PF_E_UNSUPPORTED);
	answer(p, 0, "[]");
	assert_int_equal(sway_ipc_command(&p->ipc, "nop"), PF_E_BAD_PACKET);
}

static void wrong_magic_is_refused(void **state)
{
	put(((struct pair *)*state)->server, "HTTP/1.1 400 Bad Request", 24);
	expect_broken(*state, PF_E_BAD_PACKET);
}

static void a_huge_length_is_refused(void **state)
{
	static const uint32_t lengths[] = {SWAY_IPC_MAX_REPLY + 1, 0x7FFFFFFF, UINT32_MAX};
	for (size_t i = 0; i < 3; i++) {
		struct pair *p;
		assert_int_equal(setup((void **)&p), 0);
		const uint32_t type = SWAY_IPC_GET_OUTPUTS;
		put(p->server, "i3-ipc", 6);
		put(p->server, &lengths[i], 4);
		put(p->server, &type, 4);
		expect_broken(p, PF_E_BAD_PACKET);
		teardown((void **)&p);
	}
}

static void another_requests_reply_is_refused(void **state)
{
	answer(*state, SWAY_IPC_GET_VERSION, "{}");
	expect_broken(*state, PF_E_BAD_PACKET);
}

static void what_is_no_json_is_refused(void **state)
{
	static const char *const texts[] = {"", "{", "[1,", "\xff\xfe", "nonsense"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct pair *p;
		assert_int_equal(setup((void **)&p), 0);
		answer(p, SWAY_IPC_GET_OUTPUTS, texts[i]);
		expect_broken(p, PF_E_BAD_PACKET);
		teardown((void **)&p);
	}
	(void)state;
}

static void deep_json_does_not_overflow_the_stack(void **state)
{
	struct pair *p = *state;
	char *text = malloc(100001);
	assert_non_null(text);
	memset(text, '[', 100000);
	text[100000] = 0;
	answer(p, SWAY_IPC_GET_OUTPUTS, text);
	free(text);
	expect_broken(p, PF_E_BAD_PACKET);
}

static void a_reply_cut_short_is_an_end(void **state)
{
	struct pair *p = *state;
	const uint32_t len = 100, type = SWAY_IPC_GET_OUTPUTS;
	put(p->server, "i3-ipc", 6);
	put(p->server, &len, 4);
	put(p->server, &type, 4);
	put(p->server, "[]", 2);
	shutdown(p->server, SHUT_WR);
	expect_broken(p, PF_E_CLOSED);
}

static void silence_times_out(void **state)
{
	struct pair *p = *state;
	p->ipc.timeout_ms = 20;
	put(p->server, "i3-i", 4);
	expect_broken(p, PF_E_TIMEOUT);
}

static void a_closed_peer_is_an_error_and_no_signal(void **state)
{
	struct pair *p = *state;
	close(p->server);
	p->server = -1;
	expect_broken(p, PF_E_CLOSED);
}

static void commands_that_are_too_long_are_refused(void **state)
{
	struct pair *p = *state;
	char name[SWAY_IPC_MAX_COMMAND + 1];
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	assert_int_equal(sway_ipc_command(&p->ipc, "%s", name), PF_E_INVALID);
	assert_true(p->ipc.fd >= 0);
}

static void nobody_at_a_path_is_told(void **state)
{
	(void)state;
	struct sway_ipc ipc;
	char path[200];
	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = 0;
	assert_int_equal(sway_ipc_open(&ipc, path), PF_E_INVALID);
	assert_int_equal(sway_ipc_open(&ipc, ""), PF_E_INVALID);
	assert_int_equal(sway_ipc_open(&ipc, "/nonexistent/sway.sock"), PF_E_IO);
	assert_non_null(strstr(ipc.error, "/nonexistent/sway.sock"));
	sway_ipc_close(&ipc);
}

static void names_that_could_be_commands_are_refused(void **state)
{
	(void)state;
	assert_int_equal(sway_ipc_check_name("HEADLESS-1"), 0);
	assert_int_equal(sway_ipc_check_name("DP-1.2_x"), 0);
	static const char *const bad[] = {"", "a b", "a;exit", "a,exit", "\"a\"", "*", "$x", "a\n",
		"0123456789012345678901234567890123456789012345678901234567890123"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(sway_ipc_check_name(bad[i]), PF_E_INVALID);
	assert_int_equal(sway_ipc_check_name(NULL), PF_E_INVALID);
}

#define WITH_PAIR(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PAIR(a_request_has_the_documented_bytes),
		WITH_PAIR(a_reply_is_parsed),
		WITH_PAIR(events_in_between_are_passed_over),
		WITH_PAIR(endless_events_end_the_connection),
		WITH_PAIR(a_refused_command_keeps_the_connection),
		WITH_PAIR(wrong_magic_is_refused),
		cmocka_unit_test(a_huge_length_is_refused),
		WITH_PAIR(another_requests_reply_is_refused),
		cmocka_unit_test(what_is_no_json_is_refused),
		WITH_PAIR(deep_json_does_not_overflow_the_stack),
		WITH_PAIR(a_reply_cut_short_is_an_end),
		WITH_PAIR(silence_times_out),
		WITH_PAIR(a_closed_peer_is_an_error_and_no_signal),
		WITH_PAIR(commands_that_are_too_long_are_refused),
		cmocka_unit_test(nobody_at_a_path_is_told),
		cmocka_unit_test(names_that_could_be_commands_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
