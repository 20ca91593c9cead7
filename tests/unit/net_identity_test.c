/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/identity.h"

static char base[256], dir[300], path[400];

static int setup(void **state)
{
	(void)state;
	const char *tmp = getenv("TMPDIR");
	snprintf(base, sizeof base, "%s/pf-identity-XXXXXX",
		tmp && strlen(tmp) < 200 ? tmp : "/tmp");
	if (!mkdtemp(base))
		return -1;
	snprintf(dir, sizeof dir, "%s/a/b", base);
	return 0;
}

static const char *file(const char *name)
{
	snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

static int teardown(void **state)
{
	(void)state;
	unlink(file("cert.pem"));
	unlink(file("key.pem"));
	unlink(file("host-id"));
	unlink(file(".lock")); /* of a folder that others may look into */
	rmdir(dir);
	snprintf(path, sizeof path, "%s/a", base);
	rmdir(path);
	return rmdir(base); /* fails when a temporary file was left behind */
}

static void put(const char *name, const char *text, mode_t mode)
{
	unlink(file(name));
	int fd = open(file(name), O_WRONLY | O_CREAT | O_EXCL, mode);
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static mode_t mode_of(const char *p)
{
	struct stat st;
	assert_int_equal(stat(p, &st), 0);
	return st.st_mode & 07777;
}

static void made_once_then_loaded(void **state)
{
	(void)state;
	struct pf_identity *a, *b;
	uint8_t fa[32], fb[32];
	char why[512];
	mode_t old = umask(0);
	assert_int_equal(identity_load_or_create(&a, dir, "punktfunk", why, sizeof why), PF_OK);
	umask(old);
	assert_string_equal(why, "");
	assert_int_equal(mode_of(dir), 0700);
	assert_int_equal(mode_of(file("key.pem")), 0600);
	assert_int_equal(identity_load_or_create(&b, dir, "punktfunk", why, sizeof why), PF_OK);
	pf_identity_fingerprint(a, fa);
	pf_identity_fingerprint(b, fb);
	assert_memory_equal(fa, fb, 32);
	pf_identity_destroy(a);
	pf_identity_destroy(b);
}

/* It fails, the sentence names what and where, and no byte on the disk has changed. */
static void refused(const char *must_say, int err)
{
	struct pf_identity *id;
	char why[512];
	assert_int_equal(identity_load_or_create(&id, dir, "punktfunk", why, sizeof why), err);
	assert_null(id);
	assert_non_null(strstr(why, must_say));
	assert_non_null(strstr(why, dir));
	char tiny[8];
	assert_int_equal(identity_load_or_create(&id, dir, "punktfunk", tiny, sizeof tiny), err);
	assert_int_equal(strlen(tiny), 7);
}

static void damage_is_an_error_and_stays(void **state)
{
	(void)state;
	struct pf_identity *id;
	char why[512];
	assert_int_equal(identity_load_or_create(&id, dir, "punktfunk", why, sizeof why), PF_OK);
	char *cert = strdup(pf_identity_cert_pem(id)), *key = strdup(pf_identity_key_pem(id));
	assert_true(cert && key);
	pf_identity_destroy(id);

	assert_int_equal(chmod(file("key.pem"), 0640), 0);
	refused("chmod 600", PF_E_INVALID);
	assert_int_equal(chmod(file("key.pem"), 0600), 0);

	put("key.pem", "", 0600);
	refused("key.pem", PF_E_INVALID);
	put("key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n", 0600);
	refused("damaged", PF_E_INVALID);
	put("key.pem", cert, 0600);
	refused("damaged", PF_E_INVALID);
	unlink(file("key.pem"));
	refused("no key.pem", PF_E_INVALID);
	put("key.pem", key, 0600);
	unlink(file("cert.pem"));
	refused("no cert.pem", PF_E_INVALID);
	put("cert.pem", "junk", 0644);
	refused("damaged", PF_E_INVALID);
	unlink(file("cert.pem"));
	assert_int_equal(mkdir(file("cert.pem"), 0700), 0);
	refused("cert.pem", PF_E_INVALID);
	assert_int_equal(rmdir(file("cert.pem")), 0);

	put("cert.pem", cert, 0644); /* put back, it works again */
	assert_int_equal(identity_load_or_create(&id, dir, "punktfunk", why, sizeof why), PF_OK);
	assert_string_equal(pf_identity_key_pem(id), key);
	pf_identity_destroy(id);
	free(cert);
	free(key);
}

/* A key that somebody else put there is their key: they know it. */
static void what_others_could_have_put_there_is_refused(void **state)
{
	(void)state;
	struct pf_identity *id;
	char why[512];
	assert_int_equal(identity_load_or_create(&id, dir, "punktfunk", why, sizeof why), PF_OK);
	pf_identity_destroy(id);
	assert_int_equal(chmod(dir, 0777), 0);
	refused("chmod go-w", PF_E_INVALID);
	assert_int_equal(chmod(dir, 0770), 0);
	refused("chmod go-w", PF_E_INVALID);
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(identity_load_or_create(&id, dir, "punktfunk", why, sizeof why), PF_OK);
	pf_identity_destroy(id);
	if (geteuid() != 0)
		return;
	assert_int_equal(chown(file("key.pem"), 65534, 65534), 0);
	refused("another user", PF_E_INVALID);
	/* Root may use the whole folder of another; an ordinary user may not. */
	assert_int_equal(chown(dir, 65534, 65534), 0);
	assert_int_equal(identity_load_or_create(&id, dir, "punktfunk", why, sizeof why), PF_OK);
	pf_identity_destroy(id);
	assert_int_equal(chmod(base, 0755), 0);
	snprintf(why, sizeof why, "%s/a", base);
	assert_int_equal(chmod(why, 0755), 0);
	assert_int_equal(seteuid(1), 0);
	refused("another user", PF_E_INVALID);
	assert_int_equal(seteuid(0), 0);
}

static void a_folder_that_cannot_be_made(void **state)
{
	(void)state;
	struct pf_identity *id;
	char why[512], under[350];
	snprintf(under, sizeof under, "%s/file", base);
	int fd = open(under, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
	char deep[380];
	snprintf(deep, sizeof deep, "%s/x", under);
	assert_int_equal(identity_load_or_create(&id, deep, "punktfunk", why, sizeof why), PF_E_IO);
	assert_non_null(strstr(why, "Cannot make the folder"));
	unlink(under);
}

static void two_at_once_get_the_same(void **state)
{
	(void)state;
	pid_t child = fork();
	assert_true(child >= 0);
	struct pf_identity *id = NULL;
	char why[512];
	int err = identity_load_or_create(&id, dir, "punktfunk", why, sizeof why);
	if (child == 0) {
		pf_identity_destroy(id);
		_exit(err == PF_OK ? 0 : 1);
	}
	int status = -1;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(err, PF_OK);
	assert_int_equal(status, 0);
	pf_identity_destroy(id);
}

static void the_configuration_folder(void **state)
{
	(void)state;
	char out[256], why[256];
	setenv("HOME", "/home/u", 1);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("PUNKTFUNK_CONFIG_DIR");
	assert_int_equal(identity_config_dir(out, sizeof out, why, sizeof why), PF_OK);
	assert_string_equal(out, "/home/u/.config/punktfunk");
	setenv("XDG_CONFIG_HOME", "relative", 1);
	assert_int_equal(identity_config_dir(out, sizeof out, why, sizeof why), PF_OK);
	assert_string_equal(out, "/home/u/.config/punktfunk");
	setenv("XDG_CONFIG_HOME", "/xdg", 1);
	assert_int_equal(identity_config_dir(out, sizeof out, why, sizeof why), PF_OK);
	assert_string_equal(out, "/xdg/punktfunk");
	setenv("PUNKTFUNK_CONFIG_DIR", "/own", 1);
	assert_int_equal(identity_config_dir(out, sizeof out, why, sizeof why), PF_OK);
	assert_string_equal(out, "/own");
	assert_int_equal(identity_config_dir(out, 3, why, sizeof why), PF_E_INVALID);
	setenv("PUNKTFUNK_CONFIG_DIR", "own", 1);
	assert_int_equal(identity_config_dir(out, sizeof out, why, sizeof why), PF_E_INVALID);
	assert_non_null(strstr(why, "PUNKTFUNK_CONFIG_DIR"));
	unsetenv("PUNKTFUNK_CONFIG_DIR");
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("HOME");
	assert_int_equal(identity_config_dir(out, sizeof out, why, sizeof why), PF_E_INVALID);
	assert_non_null(strstr(why, "HOME"));
}

static void a_host_keeps_its_id(void **state)
{
	(void)state;
	char first[IDENTITY_HOST_ID_LEN + 1], again[IDENTITY_HOST_ID_LEN + 1], why[512];
	assert_int_equal(identity_host_id(first, dir, why, sizeof why), PF_OK);
	assert_int_equal(strlen(first), IDENTITY_HOST_ID_LEN);
	assert_int_equal(mode_of(file("host-id")), 0600);
	assert_int_equal(identity_host_id(again, dir, why, sizeof why), PF_OK);
	assert_string_equal(first, again);
	/* What makes no sense is replaced: nothing hangs on it. */
	static const char *const bad[] = {"x", "0123456789abcdef0123456789abcdef",
		"0123456789abcdef0123456789abcdeg\n", "0123456789abcdef0123456789abcdef\n\n"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		put("host-id", bad[i], 0600);
		assert_int_equal(identity_host_id(again, dir, why, sizeof why), PF_OK);
		assert_int_equal(strlen(again), IDENTITY_HOST_ID_LEN);
		assert_string_not_equal(first, again);
		memcpy(first, again, sizeof first);
	}
	/* What others can write is not believed. */
	put("host-id", "0123456789abcdef0123456789abcdef\n", 0622);
	assert_int_equal(identity_host_id(again, dir, why, sizeof why), PF_E_INVALID);
	assert_string_equal(again, "");
	assert_non_null(strstr(why, "host-id"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(made_once_then_loaded, setup, teardown),
		cmocka_unit_test_setup_teardown(damage_is_an_error_and_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_others_could_have_put_there_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_folder_that_cannot_be_made, setup, teardown),
		cmocka_unit_test_setup_teardown(two_at_once_get_the_same, setup, teardown),
		cmocka_unit_test(the_configuration_folder),
		cmocka_unit_test_setup_teardown(a_host_keeps_its_id, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
