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
#define REMEDY \
	"Restore it from a copy, or remove both " CERT_FILE " and " KEY_FILE \
	" there to get a new identity (paired devices must pair again)."

static int write_pem(const struct folder *f, const char *name, const char *text)
{
	return folder_write(f, name, text, strlen(text));
}

static int create(const struct folder *f, const char *name, struct pf_identity **out)
{
	struct pf_identity *id = NULL;
	int err = pf_identity_generate(&id, name, (uint64_t)time(NULL));
	if (err < 0)
		return folder_fail(
			f, err, "Cannot make an identity named '%s': %s.", name, pf_strerror(err));
	/* The key first: a certificate without its key would look like a loss. */
	err = write_pem(f, KEY_FILE, pf_identity_key_pem(id));
	if (!err)
		err = write_pem(f, CERT_FILE, pf_identity_cert_pem(id));
	if (err < 0) {
		(void)unlinkat(f->fd, KEY_FILE, 0); /* ours of a moment ago; the lock is held */
		pf_identity_destroy(id);
		return err;
	}
	*out = id;
	return PF_OK;
}

static int load(const struct folder *f, const char *name, struct pf_identity **out)
{
	char *cert = NULL, *key = NULL;
	size_t cert_len = 0, key_len = 0;
	int has_cert = folder_read(f, CERT_FILE, FILE_MAX, false, REMEDY, &cert, &cert_len);
	int has_key = has_cert < 0
		? 0
		: folder_read(f, KEY_FILE, FILE_MAX, true, REMEDY, &key, &key_len);
	int err = has_cert < 0 ? has_cert : has_key < 0 ? has_key : PF_OK;
	if (!err && !has_cert && !has_key) {
		err = create(f, name, out);
	} else if (!err && has_cert != has_key) {
		err = folder_fail(f, PF_E_INVALID,
			"%s has %s but no %s. Restore the missing file from a copy, or remove the "
			"other one "
			"to get a new identity (paired devices must pair again).",
			f->path, has_cert ? CERT_FILE : KEY_FILE, has_cert ? KEY_FILE : CERT_FILE);
	} else if (!err) {
		err = pf_identity_from_pem(out, cert, cert_len, key, key_len);
		if (err < 0)
			folder_fail(f, err,
				"%s/" CERT_FILE " and %s/" KEY_FILE
				" are damaged or do not belong together. Restore both from a copy, "
				"or "
				"remove both to get a new identity (paired devices must pair "
				"again).",
				f->path, f->path);
	}
	pf_free(cert);
	pf_free_secret(key, key_len);
	return err;
}

int identity_load_or_create(
	struct pf_identity **out, const char *dir, const char *name, char *why, size_t why_len)
{
	struct folder f;
	*out = NULL;
	if (why_len)
		why[0] = '\0';
	int err = folder_enter(&f, dir, LOCK_WAIT_MS, why, why_len);
	if (!err)
		err = load(&f, name, out);
	folder_leave(&f);
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
