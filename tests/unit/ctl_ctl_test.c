/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/base/loop.h"
#include "host/ctl/ctl.h"
#include "host/ctl/wire.h"

#define WAIT_MS 5000

static char dir[80], sock[100], why[600];
static struct loop *loop;
static struct ctl *ctl;
static pthread_t thread;

static int echo(const json_t *args, json_t **result, char *reason, size_t len, void *userdata)
{
	(void)userdata;
	if (json_object_get(args, "cut")) {
		snprintf(reason, len, "a path in Latin-1: caf\xe9");
		return PF_E_INVALID;
	}
	if (json_object_get(args, "fail")) {
		snprintf(reason, len, "it cannot be; do that");
		return PF_E_INVALID;
	}
	*result = json_deep_copy(args);
	return PF_OK;
}

static int large(const json_t *args, json_t **result, char *reason, size_t len, void *userdata)
{
	static char text[CTL_REPLY_MAX];
	(void)args, (void)reason, (void)len, (void)userdata;
	memset(text, 'x', sizeof(text) - 64);
	*result = json_string(text);
	return PF_OK;
}

static void *run(void *userdata)
{
	(void)userdata;
	(void)!loop_run(loop);
	return NULL;
}

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/pf-ctl-XXXXXX");
	if (!mkdtemp(dir) || loop_create(&loop) < 0)
		return -1;
	snprintf(sock, sizeof(sock), "%s/run/host.sock", dir);
	return 0;
}

static void start(void)
{
	assert_int_equal(ctl_create(&ctl, loop, sock, why, sizeof(why)), PF_OK);
	assert_int_equal(ctl_register(ctl, "test.echo", echo, NULL), PF_OK);
	assert_int_equal(ctl_register(ctl, "test.echo", echo, NULL), PF_E_INVALID);
	assert_int_equal(ctl_register(ctl, "test.large", large, NULL), PF_OK);
	assert_int_equal(pthread_create(&thread, NULL, run, NULL), 0);
}

static void stop(void)
{
	loop_quit(loop, 0);
	pthread_join(thread, NULL);
	ctl_destroy(ctl);
	ctl = NULL;
}

static int teardown(void **state)
{
	(void)state;
	loop_destroy(loop);
	snprintf(sock, sizeof(sock), "%s/run", dir);
	if (access(sock, F_OK) == 0 && rmdir(sock) < 0) /* fails when the socket was left */
		return -1;
	return rmdir(dir);
}

static int ask(const char *name, json_t *args, json_t **result)
{
	int err = ctl_request(sock, name, args, result, WAIT_MS, why, sizeof(why));
	json_decref(args);
	return err;
}

static void works(void)
{
	json_t *result;
	assert_int_equal(ask("test.echo", json_pack("{s:i}", "n", 7), &result), PF_OK);
	assert_int_equal(json_integer_value(json_object_get(result, "n")), 7);
	json_decref(result);
}

static void a_request_gets_its_reply(void **state)
{
	struct stat st;
	json_t *result;
	(void)state;
	assert_int_equal(ask("test.echo", NULL, &result), PF_E_CLOSED);
	assert_non_null(strstr(why, "No host is running"));
	start();
	assert_int_equal(stat(sock, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	works();
	assert_int_equal(ask("test.echo", json_pack("{s:b}", "fail", 1), &result), PF_E_INVALID);
	assert_string_equal(why, "it cannot be; do that");
	assert_null(result);
	assert_int_equal(ask("test.echo", json_pack("{s:b}", "cut", 1), &result), PF_E_INVALID);
	assert_string_equal(why, "a path in Latin-1: caf?");
	assert_int_equal(ask("test.unknown", NULL, &result), PF_E_INVALID);
	assert_non_null(strstr(why, "no command of that name"));
	assert_int_equal(ask("test.large", NULL, &result), PF_OK);
	assert_int_equal(json_string_length(result), CTL_REPLY_MAX - 64);
	json_decref(result);
	stop();
	assert_int_equal(access(sock, F_OK), -1);
}

static int connect_raw(void)
{
	struct sockaddr_un address;
	assert_int_equal(ctl_address(&address, sock), PF_OK);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void nonsense_is_answered_or_hung_up_on(void **state)
{
	static const char *const bad[] = {"", "x", "[]", "{}", "{\"command\": 1}",
		"{\"command\": \"test.echo\", \"args\": []}", "{\"command\": \"test.echo\"",
		"{\"command\": \"test.echo\", \"command\": \"test.echo\"}"};
	static char big[2 * CTL_REQUEST_MAX], reply[1000];
	(void)state;
	start();
	memset(big, '[', sizeof(big));
	for (size_t i = 0; i <= sizeof(bad) / sizeof(bad[0]); i++) {
		bool last = i == sizeof(bad) / sizeof(bad[0]);
		int fd = connect_raw();
		(void)!send(
			fd, last ? big : bad[i], last ? sizeof(big) : strlen(bad[i]), MSG_NOSIGNAL);
		struct pollfd pfd = {.fd = fd, .events = POLLIN};
		assert_int_equal(poll(&pfd, 1, WAIT_MS), 1);
		ssize_t n = recv(fd, reply, sizeof(reply) - 1, 0);
		reply[n > 0 ? n : 0] = '\0';
		if (n > 0)
			assert_non_null(strstr(reply, "\"ok\":false"));
		close(fd);
	}
	works();
	/* Those who connect and say nothing hold the others up for the time of one request at most. */
	int silent[30];
	for (size_t i = 0; i < 30; i++)
		silent[i] = connect_raw();
	for (size_t i = 0; i < 30; i++) {
		struct pollfd pfd = {.fd = silent[i], .events = POLLIN};
		assert_int_equal(poll(&pfd, 1, WAIT_MS), 1);
		assert_true(recv(silent[i], reply, sizeof(reply), 0) <= 0);
		close(silent[i]);
	}
	works();
	stop();
}

static void a_dead_hosts_socket_is_replaced_a_living_ones_is_not(void **state)
{
	struct ctl *second;
	struct loop *other;
	struct sockaddr_un address;
	char run_dir[100];
	(void)state;
	snprintf(run_dir, sizeof(run_dir), "%s/run", dir);
	assert_int_equal(mkdir(run_dir, 0700), 0);
	assert_int_equal(ctl_address(&address, sock), PF_OK);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd); /* as a killed host leaves it */
	start();
	works();
	assert_int_equal(loop_create(&other), PF_OK);
	assert_int_equal(ctl_create(&second, other, sock, why, sizeof(why)), PF_E_BUSY);
	assert_non_null(strstr(why, "--ctl"));
	works();
	stop();
	/* A file of somebody's is not ours to remove. */
	fd = open(sock, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	assert_int_equal(ctl_create(&second, other, sock, why, sizeof(why)), PF_E_INVALID);
	assert_int_equal(unlink(sock), 0);
	/* Nor is a folder safe where others can put their socket. */
	assert_int_equal(chmod(run_dir, 0777), 0);
	assert_int_equal(ctl_create(&second, other, sock, why, sizeof(why)), PF_E_INVALID);
	assert_int_equal(chmod(run_dir, 0700), 0);
	char deep[200];
	memset(deep, 'x', sizeof(deep) - 1);
	deep[0] = '/';
	deep[sizeof(deep) - 1] = '\0';
	assert_int_equal(ctl_create(&second, other, deep, why, sizeof(why)), PF_E_INVALID);
	assert_int_equal(ctl_create(&second, other, "relative", why, sizeof(why)), PF_E_INVALID);
	loop_destroy(other);
}

static int ask_as(uid_t uid)
{
	int status;
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		json_t *result;
		if (setresuid(uid, uid, uid) < 0)
			_exit(99);
		_exit(-ctl_request(sock, "test.echo", NULL, &result, WAIT_MS, why, sizeof(why)));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

static void another_user_gets_no_answer(void **state)
{
	char run_dir[100];
	(void)state;
	start();
	if (geteuid() == 0) {
		assert_int_equal(ask_as(65534), PF_E_DENIED); /* the folder's mode */
		/* Were the modes wrong, the kernel would still say who asks. */
		snprintf(run_dir, sizeof(run_dir), "%s/run", dir);
		assert_int_equal(chmod(dir, 0755), 0);
		assert_int_equal(chmod(run_dir, 0755), 0);
		assert_int_equal(chmod(sock, 0666), 0);
		assert_int_equal(ask_as(65534), PF_E_DENIED);
	}
	works();
	stop();
}

static void where_the_socket_is(void **state)
{
	char out[128];
	(void)state;
	setenv("HOME", "/home/u", 1);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("PUNKTFUNK_CONFIG_DIR");
	setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
	assert_int_equal(ctl_default_path(out, sizeof(out), NULL, NULL, why, sizeof(why)), PF_OK);
	assert_string_equal(out, "/run/user/7/punktfunk/host.sock");
	assert_int_equal(ctl_default_path(out, sizeof(out), NULL, "/c", why, sizeof(why)), PF_OK);
	assert_string_equal(out, "/c/host.sock");
	assert_int_equal(ctl_default_path(out, sizeof(out), "/x", "/c", why, sizeof(why)), PF_OK);
	assert_string_equal(out, "/x");
	setenv("PUNKTFUNK_CONFIG_DIR", "/own", 1);
	assert_int_equal(ctl_default_path(out, sizeof(out), NULL, NULL, why, sizeof(why)), PF_OK);
	assert_string_equal(out, "/own/host.sock");
	unsetenv("PUNKTFUNK_CONFIG_DIR");
	unsetenv("XDG_RUNTIME_DIR");
	assert_int_equal(ctl_default_path(out, sizeof(out), NULL, NULL, why, sizeof(why)), PF_OK);
	assert_string_equal(out, "/home/u/.config/punktfunk/host.sock");
	char deep[120];
	memset(deep, 'x', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	assert_int_equal(
		ctl_default_path(out, sizeof(out), NULL, deep, why, sizeof(why)), PF_E_INVALID);
	assert_non_null(strstr(why, "--ctl"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_request_gets_its_reply, setup, teardown),
		cmocka_unit_test_setup_teardown(
			nonsense_is_answered_or_hung_up_on, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_dead_hosts_socket_is_replaced_a_living_ones_is_not, setup, teardown),
		cmocka_unit_test_setup_teardown(another_user_gets_no_answer, setup, teardown),
		cmocka_unit_test(where_the_socket_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
