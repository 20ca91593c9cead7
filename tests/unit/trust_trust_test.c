/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/trust/trust.h"
#include "host/trust/trust_json.h"

#define COPY TRUST_FILE ".bak"

static char dir[200], path[300], why[700];

/* Linked in place of the system's: a process can be killed in front of any step of a write. */
static int kill_at = -1;
int __real_renameat(int a, const char *from, int b, const char *to);
int __wrap_renameat(int a, const char *from, int b, const char *to);
int __real_fsync(int fd);
int __wrap_fsync(int fd);

static void step(void)
{
	if (kill_at >= 0 && kill_at-- == 0)
		raise(SIGKILL);
}

int __wrap_renameat(int a, const char *from, int b, const char *to)
{
	step();
	return __real_renameat(a, from, b, to);
}

int __wrap_fsync(int fd)
{
	step();
	return __real_fsync(fd);
}

static int setup(void **state)
{
	(void)state;
	const char *tmp = getenv("TMPDIR");
	snprintf(dir, sizeof(dir), "%s/pf-trust-XXXXXX", tmp && strlen(tmp) < 150 ? tmp : "/tmp");
	return mkdtemp(dir) ? 0 : -1;
}

static const char *file(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static int teardown(void **state)
{
	(void)state;
	chmod(dir, 0700);
	unlink(file(TRUST_FILE));
	unlink(file(COPY));
	return rmdir(dir); /* fails when a temporary file was left behind */
}

static struct trust_client client(uint8_t n, const char *name)
{
	struct trust_client c = {.paired_s = 1790000000 + n, .grants = PF_GRANT_ALL};
	memset(c.fp, n, sizeof(c.fp));
	snprintf(c.name, sizeof(c.name), "%s", name);
	return c;
}

static struct trust *open_store(void)
{
	struct trust *t;
	assert_int_equal(trust_create(&t, dir, TRUST_FILE, why, sizeof(why)), PF_OK);
	return t;
}

static void put(struct trust *t, uint8_t n, const char *name)
{
	struct trust_client c = client(n, name);
	assert_int_equal(trust_put(t, &c, why, sizeof(why)), PF_OK);
}

static void write_text(const char *name, const char *text, size_t len, mode_t mode)
{
	unlink(file(name));
	int fd = open(file(name), O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
}

static size_t read_text(const char *name, char *out, size_t cap)
{
	int fd = open(file(name), O_RDONLY);
	assert_true(fd >= 0);
	ssize_t n = read(fd, out, cap);
	assert_true(n >= 0 && (size_t)n < cap);
	close(fd);
	out[n] = '\0';
	return (size_t)n;
}

static void what_was_stored_is_there_after_a_restart(void **state)
{
	(void)state;
	struct stat st;
	char text[4096], copy[4096];
	mode_t old = umask(0);
	struct trust *t = open_store();
	assert_int_equal(trust_count(t), 0);
	assert_null(trust_problem(t));
	struct trust_client guest = client(2, "ein Gerät \"mit\" \\ Zeichen");
	guest.grants = PF_GRANT_GAMEPAD;
	guest.expires_s = 1999999999;
	put(t, 1, "phone");
	assert_int_equal(trust_put(t, &guest, why, sizeof(why)), PF_OK);
	umask(old);
	trust_destroy(t);
	assert_int_equal(stat(file(TRUST_FILE), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(file(COPY), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	read_text(TRUST_FILE, text, sizeof(text));
	read_text(COPY, copy, sizeof(copy));
	assert_string_equal(text, copy);

	t = open_store();
	assert_int_equal(trust_count(t), 2);
	const struct trust_client *c = trust_find(t, guest.fp);
	assert_non_null(c);
	assert_string_equal(c->name, guest.name);
	assert_int_equal(c->grants, PF_GRANT_GAMEPAD);
	assert_int_equal(c->expires_s, 1999999999);
	assert_int_equal(c->paired_s, guest.paired_s);
	guest.fp[31] ^= 1; /* one bit of another certificate */
	assert_null(trust_find(t, guest.fp));
	guest.fp[31] ^= 1;
	assert_int_equal(trust_remove(t, guest.fp, why, sizeof(why)), PF_OK);
	assert_int_equal(trust_remove(t, guest.fp, why, sizeof(why)), PF_E_NO_FRAME);
	trust_destroy(t);
	t = open_store();
	assert_int_equal(trust_count(t), 1);
	assert_null(trust_find(t, guest.fp));
	/* Nor does the copy bring it back. */
	read_text(COPY, copy, sizeof(copy));
	assert_null(strstr(copy, "Zeichen"));
	trust_destroy(t);
}

/* Nobody is paired, nothing is written, the sentence names the file; put back, it works again. */
static void refuses(const char *words)
{
	struct trust_client c = client(9, "new");
	char before[70000], after[70000];
	size_t len = read_text(TRUST_FILE, before, sizeof(before));
	struct trust *t = open_store();
	assert_int_equal(trust_count(t), 0);
	assert_non_null(trust_problem(t));
	assert_non_null(strstr(trust_problem(t), TRUST_FILE));
	if (!strstr(trust_problem(t), words))
		fail_msg("'%s' has no '%s'", trust_problem(t), words);
	assert_int_equal(trust_put(t, &c, why, sizeof(why)), PF_E_INVALID);
	assert_non_null(strstr(why, TRUST_FILE));
	assert_int_equal(trust_remove(t, c.fp, why, sizeof(why)), PF_E_INVALID);
	assert_int_equal(trust_count(t), 0);
	trust_destroy(t);
	assert_int_equal(read_text(TRUST_FILE, after, sizeof(after)), len);
	assert_memory_equal(before, after, len);
}

static void a_file_cut_anywhere_lets_nobody_in(void **state)
{
	(void)state;
	char text[4096];
	struct trust *t = open_store();
	put(t, 1, "phone");
	put(t, 2, "tv");
	size_t len = read_text(TRUST_FILE, text, sizeof(text));
	for (size_t i = 0; i < len; i++) {
		write_text(TRUST_FILE, text, i, 0600);
		refuses(i ? "damaged" : "empty");
	}
	/* The host that runs meanwhile sees it too, and what a person puts back. */
	assert_int_equal(trust_refresh(t), 1);
	assert_int_equal(trust_count(t), 0);
	assert_non_null(trust_problem(t));
	size_t n = read_text(COPY, text, sizeof(text));
	write_text(TRUST_FILE, text, n, 0600);
	assert_int_equal(trust_refresh(t), 1);
	assert_null(trust_problem(t));
	assert_int_equal(trust_count(t), 2);
	trust_destroy(t);
}

#define HEX	     "\"fingerprint\": \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""
#define ONE(members) "{\"version\": 1, \"clients\": [{" members "}]}"
#define TIMES	     ", \"paired\": 1, \"expires\": 0"

static void a_garbled_file_lets_nobody_in(void **state)
{
	(void)state;
	static const struct {
		const char *text, *words;
	} bad[] = {
		{"\xff\xfe garbage", "line 1"},
		{"{\n\n\"version\": 1,\n oops", "line 4"},
		{"[]", "version"},
		{"{\"version\": 2, \"clients\": []}", "newer host"},
		{"{\"version\": \"1\", \"clients\": []}", "version"},
		{"{\"version\": 1, \"clients\": {}}", "clients"},
		{"{\"version\": 1, \"version\": 1, \"clients\": []}", "duplicate"},
		{"{\"version\": 1, \"clients\": [7]}", "fingerprint"},
		{ONE("\"fingerprint\": \"aa\""), "fingerprint"},
		{ONE(HEX ", \"grants\": 1" TIMES), "name"},
		{ONE(HEX ", \"name\": \"\", \"grants\": 1" TIMES), "name"},
		{ONE(HEX ", \"name\": \"a\\u0000b\", \"grants\": 1" TIMES), "line 1"},
		{ONE(HEX ", \"name\": \"x\"" TIMES), "grants"},
		{ONE(HEX ", \"name\": \"x\", \"grants\": 256" TIMES), "grants"},
		{ONE(HEX ", \"name\": \"x\", \"grants\": -1" TIMES), "grants"},
		{ONE(HEX ", \"name\": \"x\", \"grants\": 1.0" TIMES), "grants"},
		{ONE(HEX ", \"name\": \"x\", \"grants\": 1, \"paired\": 1"), "expires"},
		{ONE(HEX ", \"name\": \"x\", \"grants\": 1, \"paired\": 1, \"expires\": -5"),
			"expires"},
		{ONE(HEX ", \"name\": \"x\", \"grants\": 1" TIMES "}, {" HEX
			 ", \"name\": \"y\", \"grants\": 255" TIMES),
			"one fingerprint"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		write_text(TRUST_FILE, bad[i].text, strlen(bad[i].text), 0600);
		refuses(bad[i].words);
	}
	static char deep[60000];
	memset(deep, '[', sizeof(deep));
	write_text(TRUST_FILE, deep, sizeof(deep), 0600);
	refuses("damaged");
}

static void a_file_too_large_or_with_too_many_is_refused(void **state)
{
	(void)state;
	struct trust_client c;
	struct trust *t = open_store();
	/* Filled to the last place it can be read again. */
	static char longest[PF_NAME_MAX + 1];
	memset(longest, '"', PF_NAME_MAX); /* two bytes each in JSON */
	struct trust_list *list = calloc(1, sizeof(*list));
	assert_non_null(list);
	for (; list->n < TRUST_MAX; list->n++) {
		list->clients[list->n] = client(1, longest);
		list->clients[list->n].fp[0] = (uint8_t)list->n;
		list->clients[list->n].expires_s = INT64_MAX;
	}
	char *text = trust_json_write(list);
	assert_non_null(text);
	assert_true(strlen(text) < TRUST_FILE_MAX);
	write_text(TRUST_FILE, text, strlen(text), 0600);
	free(text);
	free(list);
	assert_int_equal(trust_refresh(t), 1);
	assert_int_equal(trust_count(t), TRUST_MAX);
	c = client(200, "one more");
	assert_int_equal(trust_put(t, &c, why, sizeof(why)), PF_E_FULL);
	assert_non_null(strstr(why, "unpair"));
	/* One that is there may still be changed. */
	c = *trust_at(t, 5);
	c.grants = 0;
	assert_int_equal(trust_put(t, &c, why, sizeof(why)), PF_OK);
	assert_int_equal(trust_count(t), TRUST_MAX);
	trust_destroy(t);

	char *big = calloc(1, TRUST_FILE_MAX + 1);
	assert_non_null(big);
	memset(big, ' ', TRUST_FILE_MAX + 1);
	write_text(TRUST_FILE, big, TRUST_FILE_MAX + 1, 0600);
	free(big);
	t = open_store();
	assert_non_null(strstr(trust_problem(t), "too large"));
	trust_destroy(t);
}

static void what_others_could_write_or_read_is_refused(void **state)
{
	(void)state;
	struct trust *t = open_store();
	put(t, 1, "phone");
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(chmod(file(TRUST_FILE), i ? 0644 : 0620), 0);
		assert_int_equal(trust_refresh(t), 1);
		assert_int_equal(trust_count(t), 0);
		assert_non_null(strstr(trust_problem(t), "chmod 600"));
	}
	assert_int_equal(chmod(file(TRUST_FILE), 0600), 0);
	assert_int_equal(trust_refresh(t), 1);
	assert_int_equal(trust_count(t), 1);
	/* A folder that others can write to: they could exchange the file. */
	assert_int_equal(chmod(dir, 0777), 0);
	struct trust_client c = client(3, "x");
	assert_true(trust_put(t, &c, why, sizeof(why)) < 0);
	assert_non_null(strstr(why, "chmod go-w"));
	assert_int_equal(chmod(dir, 0700), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(file(TRUST_FILE), 65534, 65534), 0);
		assert_int_equal(trust_refresh(t), 1);
		assert_int_equal(trust_count(t), 0);
		assert_non_null(strstr(trust_problem(t), "another user"));
	}
	trust_destroy(t);
}

/* A killed process leaves the older list or the newer one, whole, and nothing lying about. */
static void a_crash_in_a_write_loses_nothing(void **state)
{
	(void)state;
	struct trust *t = open_store();
	put(t, 1, "phone");
	int status = 0, steps = 0;
	for (;; steps++) {
		struct trust_client c = client(2, "tv");
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			kill_at = steps;
			_exit(trust_put(t, &c, why, sizeof(why)) == PF_OK ? 0 : 1);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		if (WIFEXITED(status))
			break;
		assert_int_equal(WTERMSIG(status), SIGKILL);
		struct trust *after = open_store(); /* cleans up, as teardown sees */
		assert_null(trust_problem(after));
		assert_non_null(trust_find(after, client(1, "").fp));
		assert_true(trust_count(after) == 1 || trust_count(after) == 2);
		if (trust_count(after) == 2)
			assert_int_equal(trust_remove(after, c.fp, why, sizeof(why)), PF_OK);
		trust_destroy(after);
	}
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(steps, 6); /* of two files: the data, the name, the folder */
	assert_int_equal(trust_refresh(t), 1);
	assert_int_equal(trust_count(t), 2);
	trust_destroy(t);
}

static void two_processes_do_not_undo_each_other(void **state)
{
	(void)state;
	struct trust *a = open_store(), *b = open_store();
	put(a, 1, "phone");
	put(b, 2, "tv"); /* b has not looked since */
	assert_int_equal(trust_count(b), 2);
	assert_int_equal(trust_refresh(a), 1);
	assert_int_equal(trust_refresh(a), 0);
	assert_int_equal(trust_count(a), 2);
	struct trust_client c = client(1, "phone");
	assert_int_equal(trust_remove(b, c.fp, why, sizeof(why)), PF_OK);
	c = client(3, "pad");
	assert_int_equal(trust_put(a, &c, why, sizeof(why)), PF_OK);
	assert_null(trust_find(a, client(1, "").fp)); /* stays away */
	assert_int_equal(unlink(file(TRUST_FILE)), 0);
	assert_int_equal(trust_refresh(a), 1); /* a person took the list away: nobody is paired */
	assert_int_equal(trust_count(a), 0);
	trust_destroy(a);
	trust_destroy(b);
}

/* Another user can lock a folder that they may look into; and our own programs may hold the lock for long. */
static void a_lock_held_by_others_stops_neither_reading_nor_writing(void **state)
{
	(void)state;
	struct trust *a = open_store(), *b = open_store();
	put(b, 1, "tv");
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(trust_refresh(a), 1);
	assert_int_equal(trust_count(a), 1);
	struct trust_client c = client(2, "phone");
	assert_int_equal(trust_put(a, &c, why, sizeof(why)), PF_E_TIMEOUT); /* one of ours */
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(trust_put(a, &c, why, sizeof(why)), PF_OK);
	assert_int_equal(trust_count(a), 2);
	close(fd);
	struct stat st;
	assert_int_equal(stat(file(".lock"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(unlink(file(".lock")), 0);
	assert_int_equal(chmod(dir, 0700), 0);
	trust_destroy(a);
	trust_destroy(b);
}

static void one_is_found_by_name_or_digits(void **state)
{
	(void)state;
	const struct trust_client *c;
	struct trust *t = open_store();
	put(t, 0xAB, "phone");
	put(t, 0xAC, "tv");
	put(t, 0xAD, "tv");
	put(t, 0xAE, "acacac");
	assert_int_equal(trust_lookup(t, "phone", &c), PF_OK);
	assert_int_equal(c->fp[0], 0xAB);
	assert_int_equal(trust_lookup(t, "tv", &c), PF_E_FULL);
	assert_int_equal(trust_lookup(t, "ADADAD", &c), PF_OK);
	assert_int_equal(c->fp[0], 0xAD);
	/* A device that calls itself by another's fingerprint does not stand in for it. */
	assert_int_equal(trust_lookup(t, "acacac", &c), PF_E_FULL);
	assert_int_equal(trust_lookup(t, "acacacac", &c), PF_OK);
	assert_int_equal(c->fp[0], 0xAC);
	put(t, 0xDE, "dede"); /* by its own it may */
	assert_int_equal(trust_lookup(t, "dede", &c), PF_OK);
	assert_int_equal(trust_lookup(t, "aba", &c), PF_E_NO_FRAME); /* too short to be sure */
	assert_int_equal(trust_lookup(t, "", &c), PF_E_NO_FRAME);
	trust_destroy(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_was_stored_is_there_after_a_restart, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_file_cut_anywhere_lets_nobody_in, setup, teardown),
		cmocka_unit_test_setup_teardown(a_garbled_file_lets_nobody_in, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_file_too_large_or_with_too_many_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_others_could_write_or_read_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_crash_in_a_write_loses_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(
			two_processes_do_not_undo_each_other, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_lock_held_by_others_stops_neither_reading_nor_writing, setup, teardown),
		cmocka_unit_test_setup_teardown(one_is_found_by_name_or_digits, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
