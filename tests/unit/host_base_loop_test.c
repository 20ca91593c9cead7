/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/base/thread.h"
#include "host/media/clock.h"

#define GUARD_NS 20000000000ull /* a test that hangs ends itself after this */

struct fixture {
	struct loop *loop;
	struct loop_source *guard, *source;
	unsigned n_calls;
	int status;
};

static void give_up(void *userdata)
{
	struct fixture *f = userdata;
	loop_quit(f->loop, 99);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	if (!f || loop_create(&f->loop) || loop_add_timer(f->loop, &f->guard, give_up, f))
		return -1;
	loop_set_deadline(f->guard, clock_now_ns() + GUARD_NS);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	loop_remove(&f->source);
	loop_remove(&f->guard);
	loop_remove(&f->guard); /* NULL by now */
	loop_destroy(f->loop);
	free(f);
	return 0;
}

static void quit_before_run_counts(void **state)
{
	struct fixture *f = *state;
	loop_quit(f->loop, 7);
	assert_int_equal(loop_run(f->loop), 7);
}

/* As what is torn down last does. */
static void a_deadline_after_the_end_is_nothing(void **state)
{
	struct fixture *f = *state;
	loop_quit(f->loop, 0);
	assert_int_equal(loop_run(f->loop), 0);
	loop_set_deadline(f->guard, 1);
	loop_set_deadline(f->guard, UINT64_MAX);
}

static void a_signal_quits(void **state)
{
	struct fixture *f = *state;
	raise(SIGTERM); /* stays pending: blocked by loop_create() */
	assert_int_equal(loop_run(f->loop), 0);
}

struct numbered {
	struct fixture *f;
	unsigned n;
	char padding[LOOP_POST_MAX - sizeof(void *) - sizeof(unsigned)];
};

static void count_in_order(const void *data, size_t len)
{
	const struct numbered *d = data;
	assert_int_equal(len, sizeof(*d));
	assert_int_equal(d->n, d->f->n_calls);
	d->f->n_calls++;
}

static void quit_from_post(const void *data, size_t len)
{
	struct fixture *const *f = data;
	loop_quit((*f)->loop, 0);
}

static void posts_run_in_order_and_are_bounded(void **state)
{
	struct fixture *f = *state;
	struct numbered d = {.f = f};
	assert_int_equal(loop_post(f->loop, count_in_order, &d, LOOP_POST_MAX + 1), PF_E_INVALID);
	for (d.n = 0; d.n < LOOP_POST_SLOTS - 1; d.n++)
		assert_int_equal(loop_post(f->loop, count_in_order, &d, sizeof(d)), 0);
	assert_int_equal(loop_post(f->loop, quit_from_post, &f, sizeof(f)), 0);
	assert_int_equal(loop_post(f->loop, count_in_order, &d, sizeof(d)), PF_E_FULL);
	assert_int_equal(loop_run(f->loop), 0);
	assert_int_equal(f->n_calls, LOOP_POST_SLOTS - 1);
}

#define N_POSTERS 3
#define N_POSTS	  20000u

struct poster {
	struct fixture *f;
	unsigned index, next[N_POSTERS];
	unsigned *seen;
};

struct mark {
	struct poster *all;
	unsigned index, n;
};

static void check_mark(const void *data, size_t len)
{
	const struct mark *m = data;
	struct fixture *f = m->all[0].f;
	assert_int_equal(m->all[0].next[m->index], m->n); /* in order for each thread */
	m->all[0].next[m->index]++;
	if (++f->n_calls == N_POSTERS * N_POSTS)
		loop_quit(f->loop, 0);
}

static void post_many(void *userdata)
{
	struct poster *p = userdata;
	for (unsigned i = 0; i < N_POSTS; i++) {
		struct mark m = {.all = p - p->index, .index = p->index, .n = i};
		while (loop_post(p->f->loop, check_mark, &m, sizeof(m)) == PF_E_FULL)
			sched_yield();
	}
}

static void posts_of_many_threads_all_arrive(void **state)
{
	struct fixture *f = *state;
	struct poster posters[N_POSTERS] = {0};
	struct thread threads[N_POSTERS] = {0};
	for (unsigned i = 0; i < N_POSTERS; i++) {
		posters[i].f = f;
		posters[i].index = i;
		assert_int_equal(
			thread_start(&threads[i], "poster", THREAD_NORMAL, post_many, &posters[i]),
			0);
	}
	assert_int_equal(loop_run(f->loop), 0);
	for (unsigned i = 0; i < N_POSTERS; i++)
		thread_join(&threads[i]);
	assert_int_equal(f->n_calls, N_POSTERS * N_POSTS);
}

static void read_one(uint32_t events, void *userdata)
{
	struct fixture *f = userdata;
	assert_true(events & EPOLLIN);
	f->n_calls++;
	loop_remove(&f->source); /* from its own callback */
	assert_null(f->source);
	loop_quit(f->loop, 3);
}

static void a_descriptor_is_watched(void **state)
{
	struct fixture *f = *state;
	int fds[2];
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(loop_add_fd(f->loop, &f->source, fds[0], 0, read_one, f), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	loop_set_events(f->source, EPOLLIN);
	assert_int_equal(loop_run(f->loop), 3);
	assert_int_equal(f->n_calls, 1);
	close(fds[0]);
	close(fds[1]);
}

static void a_bad_descriptor_is_refused(void **state)
{
	struct fixture *f = *state;
	assert_true(loop_add_fd(f->loop, &f->source, -1, EPOLLIN, read_one, f) < 0);
	assert_null(f->source);
}

struct timing {
	struct fixture *f;
	uint64_t deadline_ns;
};

static void rearm(void *userdata)
{
	struct timing *t = userdata;
	assert_true(clock_now_ns() >= t->deadline_ns); /* never early */
	if (++t->f->n_calls == 3) {
		loop_quit(t->f->loop, 0);
		return;
	}
	t->deadline_ns = clock_now_ns() + 2000001;
	loop_set_deadline(t->f->source, t->deadline_ns);
}

static void a_timer_fires_once_per_deadline(void **state)
{
	struct fixture *f = *state;
	struct timing t = {.f = f, .deadline_ns = clock_now_ns() + 1000001};
	assert_int_equal(loop_add_timer(f->loop, &f->source, rearm, &t), 0);
	loop_set_deadline(f->source, t.deadline_ns);
	assert_int_equal(loop_run(f->loop), 0);
	assert_int_equal(f->n_calls, 3);
}

static void must_not_fire(void *userdata)
{
	struct fixture *f = userdata;
	f->n_calls++;
}

static void a_disarmed_timer_stays_silent(void **state)
{
	struct fixture *f = *state;
	struct loop_source *unused = NULL;
	assert_int_equal(loop_add_timer(f->loop, &unused, must_not_fire, f), 0);
	loop_set_deadline(unused, clock_now_ns());
	loop_set_deadline(unused, UINT64_MAX);
	assert_int_equal(loop_add_timer(f->loop, &f->source, give_up, f), 0);
	loop_set_deadline(f->source, clock_now_ns() + 3000000);
	assert_int_equal(loop_run(f->loop), 99);
	assert_int_equal(f->n_calls, 0);
	loop_remove(&unused);
}

static void child_ended(int pid, int status, void *userdata)
{
	struct fixture *f = userdata;
	assert_true(pid > 0);
	f->status = status;
	f->n_calls++;
	loop_quit(f->loop, 0);
}

static void run_child(struct fixture *f, bool by_signal)
{
	int pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		if (by_signal) {
			signal(SIGKILL, SIG_DFL);
			kill(getpid(), SIGKILL);
		}
		_exit(42);
	}
	assert_int_equal(loop_add_child(f->loop, &f->source, pid, child_ended, f), 0);
	assert_int_equal(loop_run(f->loop), 0);
	assert_int_equal(f->n_calls, 1);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), -1); /* reaped */
	assert_int_equal(errno, ECHILD);
}

static void a_child_that_exits_gives_its_code(void **state)
{
	struct fixture *f = *state;
	run_child(f, false);
	assert_true(WIFEXITED(f->status));
	assert_int_equal(WEXITSTATUS(f->status), 42);
}

static void a_child_that_is_killed_gives_its_signal(void **state)
{
	struct fixture *f = *state;
	run_child(f, true);
	assert_true(WIFSIGNALED(f->status));
	assert_int_equal(WTERMSIG(f->status), SIGKILL);
}

static void a_log_line_is_one_line(void **state)
{
	int fds[2], old_stderr = dup(STDERR_FILENO);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
	log_set_level(LOG_INFO);
	errno = ENOENT;
	log_warn("test: bad name 'a\nb\033[2J': %s", "x");
	int kept = errno;
	log_debug("test: not shown");
	char big[4000];
	memset(big, 'y', sizeof(big) - 1);
	big[sizeof(big) - 1] = 0;
	log_info("test: %s", big);
	assert_true(dup2(old_stderr, STDERR_FILENO) >= 0);
	close(old_stderr);
	close(fds[1]);

	assert_int_equal(kept, ENOENT);
	char text[8192];
	ssize_t n = read(fds[0], text, sizeof(text) - 1);
	close(fds[0]);
	assert_true(n > 0);
	text[n] = 0;
	assert_non_null(strstr(text, " warn test: bad name 'a?b?[2J': x\n"));
	assert_null(strstr(text, "not shown"));
	char *second = strchr(text, '\n') + 1;
	assert_non_null(strstr(second, " info test: yyy"));
	assert_int_equal(text[n - 1], '\n');
	assert_ptr_equal(strchr(second, '\n'), text + n - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(quit_before_run_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_deadline_after_the_end_is_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_signal_quits, setup, teardown),
		cmocka_unit_test_setup_teardown(
			posts_run_in_order_and_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(posts_of_many_threads_all_arrive, setup, teardown),
		cmocka_unit_test_setup_teardown(a_descriptor_is_watched, setup, teardown),
		cmocka_unit_test_setup_teardown(a_bad_descriptor_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_timer_fires_once_per_deadline, setup, teardown),
		cmocka_unit_test_setup_teardown(a_disarmed_timer_stays_silent, setup, teardown),
		cmocka_unit_test_setup_teardown(a_child_that_exits_gives_its_code, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_child_that_is_killed_gives_its_signal, setup, teardown),
		cmocka_unit_test(a_log_line_is_one_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
