/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "net/identity.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "core/base/alloc.h"
#include "net/folder.h"

#define CERT_FILE "cert.pem"
#define KEY_FILE  "key.pem"
#define ID_FILE	  "host-id"
#define FILE_MAX  (64u << 10) /* bytes; a PEM file is one or two thousand */

#define LOCK_WAIT_MS 10000u /* a process that makes one holds the lock for a moment */

static int write_pem(const struct folder *f, const struct identity_pem *pem)
{
	/* The key first: a certificate without its key would look like a loss. */
	int err = folder_write(f, pem->key_file, pem->key, pem->key_len);
	if (!err)
		err = folder_write(f, pem->cert_file, pem->cert, pem->cert_len);
	if (err < 0)
		(void)unlinkat(
			f->fd, pem->key_file, 0); /* ours of a moment ago; the lock is held */
	return err;
}

/* 1 = both are there, 0 = neither. */
static int read_pem(const struct folder *f, struct identity_pem *pem)
{
	char remedy[256];
	snprintf(remedy, sizeof(remedy),
		"Restore it from a copy, or remove both %s and %s there to get a new identity "
		"(paired devices must pair again).",
		pem->cert_file, pem->key_file);
	int has_cert = folder_read(
		f, pem->cert_file, FILE_MAX, false, remedy, &pem->cert, &pem->cert_len);
	int has_key = has_cert < 0
		? 0
		: folder_read(f, pem->key_file, FILE_MAX, true, remedy, &pem->key, &pem->key_len);
	if (has_cert < 0 || has_key < 0)
		return has_cert < 0 ? has_cert : has_key;
	if (has_cert != has_key)
		return folder_fail(f, PF_E_INVALID,
			"%s has %s but no %s. Restore the missing file from a copy, or remove the "
			"other one "
			"to get a new identity (paired devices must pair again).",
			f->path, has_cert ? pem->cert_file : pem->key_file,
			has_cert ? pem->key_file : pem->cert_file);
	return has_cert;
}

int identity_pem_load(struct identity_pem *pem, const char *dir,
	int (*make)(struct identity_pem *pem, void *userdata), void *userdata, char *why,
	size_t why_len)
{
	struct folder f;
	pem->cert = pem->key = NULL;
	pem->cert_len = pem->key_len = 0;
	if (why_len)
		why[0] = '\0';
	int err = folder_enter(&f, dir, LOCK_WAIT_MS, why, why_len);
	int has = err < 0 ? err : read_pem(&f, pem);
	err = has < 0 ? has : PF_OK;
	if (!has) {
		err = make(pem, userdata);
		if (err < 0)
			folder_fail(&f, err, "Cannot make an identity: %s.", pf_strerror(err));
		else
			err = write_pem(&f, pem);
	}
	folder_leave(&f);
	if (err < 0)
		identity_pem_finish(pem);
	return err;
}

int identity_pem_damaged(const struct identity_pem *pem, const char *dir, char *why, size_t why_len)
{
	const struct folder f = {.why = why, .why_len = why_len};
	return folder_fail(&f, PF_E_INVALID,
		"%s/%s and %s/%s are damaged or do not belong together. Restore both from a copy, "
		"or remove both to get a new identity (paired devices must pair again).",
		dir, pem->cert_file, dir, pem->key_file);
}

void identity_pem_finish(struct identity_pem *pem)
{
	pf_free(pem->cert);
	pf_free_secret(pem->key, pem->key_len);
	pem->cert = pem->key = NULL;
}

static char *copy_text(const char *text, size_t *len)
{
	*len = strlen(text);
	char *copy = pf_calloc(1, *len + 1);
	if (copy)
		memcpy(copy, text, *len);
	return copy;
}

static int make_native(struct identity_pem *pem, void *userdata)
{
	struct pf_identity *id = NULL;
	int err = pf_identity_generate(&id, userdata, (uint64_t)time(NULL));
	if (err < 0)
		return err;
	pem->cert = copy_text(pf_identity_cert_pem(id), &pem->cert_len);
	pem->key = copy_text(pf_identity_key_pem(id), &pem->key_len);
	pf_identity_destroy(id);
	return pem->cert && pem->key ? PF_OK : PF_E_NOMEM;
}

int identity_load_or_create(
	struct pf_identity **out, const char *dir, const char *name, char *why, size_t why_len)
{
	struct identity_pem pem = {.cert_file = CERT_FILE, .key_file = KEY_FILE};
	*out = NULL;
	int err = identity_pem_load(&pem, dir, make_native, (void *)(uintptr_t)name, why, why_len);
	if (err < 0)
		return err;
	err = pf_identity_from_pem(out, pem.cert, pem.cert_len, pem.key, pem.key_len);
	if (err < 0)
		identity_pem_damaged(&pem, dir, why, why_len);
	identity_pem_finish(&pem);
	return err;
}

static int make_id(const struct folder *f, char out[static IDENTITY_HOST_ID_LEN + 1])
{
	uint8_t random[IDENTITY_HOST_ID_LEN / 2];
	char line[IDENTITY_HOST_ID_LEN + 2];
	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		return folder_fail(
			f, PF_E_IO, "The system gives no random bytes: %s.", strerror(errno));
	for (size_t i = 0; i < sizeof random; i++)
		snprintf(out + 2 * i, 3, "%02x", random[i]);
	snprintf(line, sizeof line, "%s\n", out);
	return folder_write(f, ID_FILE, line, sizeof line - 1);
}

static int load_id(const struct folder *f, char out[static IDENTITY_HOST_ID_LEN + 1])
{
	char *text = NULL;
	size_t len = 0;
	int err = folder_read(
		f, ID_FILE, FILE_MAX, false, "Remove it: a new one is made.", &text, &len);
	if (err < 0)
		return err;
	bool good = err && len == IDENTITY_HOST_ID_LEN + 1 && text[IDENTITY_HOST_ID_LEN] == '\n' &&
		strspn(text, "0123456789abcdef") == IDENTITY_HOST_ID_LEN;
	if (good)
		memcpy(out, text, IDENTITY_HOST_ID_LEN);
	out[IDENTITY_HOST_ID_LEN] = '\0';
	pf_free(text);
	return good ? PF_OK : make_id(f, out);
}

int identity_host_id(
	char out[static IDENTITY_HOST_ID_LEN + 1], const char *dir, char *why, size_t why_len)
{
	struct folder f;
	out[0] = '\0';
	if (why_len)
		why[0] = '\0';
	int err = folder_enter(&f, dir, LOCK_WAIT_MS, why, why_len);
	if (!err)
		err = load_id(&f, out);
	folder_leave(&f);
	if (err < 0)
		out[0] = '\0';
	return err;
}

int identity_config_dir(char *out, size_t cap, char *why, size_t why_len)
{
	const char *own = getenv("PUNKTFUNK_CONFIG_DIR");
	const char *xdg = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	const struct folder f = {.why = why, .why_len = why_len};
	int n;
	if (why_len)
		why[0] = '\0';
	if (own && *own) {
		if (*own != '/')
			return folder_fail(&f, PF_E_INVALID,
				"PUNKTFUNK_CONFIG_DIR is '%s', which is not an absolute path. Set "
				"it to one "
				"that begins with '/', or unset it.",
				own);
		n = snprintf(out, cap, "%s", own);
	} else if (xdg && *xdg == '/') { /* the XDG specification says to ignore a relative one */
		n = snprintf(out, cap, "%s/punktfunk", xdg);
	} else if (home && *home == '/') {
		n = snprintf(out, cap, "%s/.config/punktfunk", home);
	} else {
		return folder_fail(&f, PF_E_INVALID,
			"Cannot tell where the configuration lives: HOME is not set. Set HOME, or "
			"name a "
			"folder with PUNKTFUNK_CONFIG_DIR.");
	}
	if (n < 0 || (size_t)n >= cap)
		return folder_fail(&f, PF_E_INVALID,
			"The path of the configuration folder is too long. Name a shorter one with "
			"PUNKTFUNK_CONFIG_DIR.");
	return PF_OK;
}
