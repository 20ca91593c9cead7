/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/trust/trust.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "core/base/alloc.h"
#include "host/trust/trust_json.h"
#include "net/folder.h"

#define COPY_SUFFIX  ".bak"
#define LOCK_WAIT_MS 300u /* the control loop waits; a writer holds the lock for two fsyncs */
#define PREFIX_MIN   4u	  /* hex digits: fewer are typed by mistake */
#define REMEDY	     "Restore it from %s beside it, or remove it; then all devices must pair again."

struct trust {
	char *dir;
	const char *file;
	char copy[64], remedy[160];
	struct trust_list list;
	bool broken;
	char problem[512];
	struct stat seen; /* of the file that list was read from; all 0 = there was none */
	bool stale;	  /* it could not be read: try again */
};

const char *trust_problem(const struct trust *t)
{
	return t->broken ? t->problem : NULL;
}

/* The list is what the file says, or nothing. seen is of before: what changes meanwhile is read again. */
static int load(struct trust *t, const struct folder *f)
{
	char *text = NULL, where[200];
	size_t len = 0;
	if (fstatat(f->fd, t->file, &t->seen, 0) < 0)
		memset(&t->seen, 0, sizeof(t->seen));
	int got = folder_read(f, t->file, TRUST_FILE_MAX, true, t->remedy, &text, &len);
	/* The machine's trouble is not the file's: what was read before still holds. */
	t->stale = got == PF_E_NOMEM || got == PF_E_IO;
	if (t->stale)
		return got;
	t->list.n = 0;
	t->broken = got < 0;
	if (got <= 0)
		return got;
	int err = trust_json_read(&t->list, text, len, where, sizeof(where));
	pf_free(text);
	t->broken = err < 0;
	if (err < 0)
		folder_fail(f, err, "%s/%s is damaged (%s). %s", t->dir, t->file, where, t->remedy);
	return err;
}

/* Without the lock: who holds that must not keep an unpaired client's session alive, nor the control loop waiting. */
static int reload(struct trust *t)
{
	struct folder f;
	char why[sizeof(t->problem)];
	int err = folder_look(&f, t->dir, why, sizeof(why));
	if (err >= 0)
		err = load(t, &f);
	else if (err == PF_E_INVALID) {
		t->list.n = 0;
		t->broken = true;
	}
	folder_leave(&f);
	if (t->broken)
		snprintf(t->problem, sizeof(t->problem), "%s", why);
	return err;
}

int trust_create(struct trust **out, const char *dir, const char *file, char *why, size_t why_len)
{
	struct folder f;
	int err = PF_E_NOMEM;
	if (why_len)
		snprintf(why, why_len, "The host is out of memory.");
	struct trust *t = calloc(1, sizeof(*t));
	if (!t)
		return PF_E_NOMEM;
	t->file = file;
	snprintf(t->copy, sizeof(t->copy), "%s" COPY_SUFFIX, file);
	snprintf(t->remedy, sizeof(t->remedy), REMEDY, t->copy);
	t->dir = strdup(dir);
	if (!t->dir)
		goto fail;
	err = folder_enter(&f, dir, LOCK_WAIT_MS, why, why_len);
	if (err >= 0) {
		folder_clean(&f, t->file);
		folder_clean(&f, t->copy);
		err = load(t, &f);
	}
	folder_leave(&f);
	if (err < 0 && !t->broken)
		goto fail;
	if (t->broken)
		snprintf(t->problem, sizeof(t->problem), "%s", why);
	*out = t;
	return PF_OK;
fail:
	trust_destroy(t);
	return err;
}

void trust_destroy(struct trust *t)
{
	if (!t)
		return;
	free(t->dir);
	free(t);
}

int trust_refresh(struct trust *t)
{
	char path[4096];
	struct stat now;
	snprintf(path, sizeof(path), "%s/%s", t->dir, t->file);
	if (stat(path, &now) < 0)
		memset(&now, 0, sizeof(now));
	if (!t->stale && now.st_ino == t->seen.st_ino && now.st_dev == t->seen.st_dev &&
		now.st_size == t->seen.st_size && now.st_mode == t->seen.st_mode &&
		now.st_uid == t->seen.st_uid && now.st_ctim.tv_sec == t->seen.st_ctim.tv_sec &&
		now.st_ctim.tv_nsec == t->seen.st_ctim.tv_nsec)
		return 0;
	(void)!reload(t); /* trust_problem() tells */
	return 1;
}

size_t trust_count(const struct trust *t)
{
	return t->list.n;
}

const struct trust_client *trust_at(const struct trust *t, size_t i)
{
	return i < t->list.n ? &t->list.clients[i] : NULL;
}

static struct trust_client *find(struct trust_list *list, const uint8_t *fp)
{
	struct trust_client *found = NULL;
	for (size_t i = 0; i < list->n; i++) {
		unsigned diff = 0;
		for (size_t k = 0; k < PF_FINGERPRINT_LEN; k++)
			diff |= (unsigned)(list->clients[i].fp[k] ^ fp[k]);
		if (!diff)
			found = &list->clients[i];
	}
	return found;
}

const struct trust_client *trust_find(
	const struct trust *t, const uint8_t fp[static PF_FINGERPRINT_LEN])
{
	return find((struct trust_list *)&t->list, fp);
}

int trust_lookup(const struct trust *t, const char *key, const struct trust_client **out)
{
	size_t len = strlen(key), n = 0;
	/* Names are the devices' choice: one that reads like another's fingerprint must not stand in for that. */
	for (size_t i = 0; i < t->list.n; i++) {
		const struct trust_client *c = &t->list.clients[i];
		char hex[TRUST_HEX_LEN + 1];
		trust_hex(hex, c->fp);
		if (strcmp(c->name, key) != 0 &&
			(len < PREFIX_MIN || strncasecmp(hex, key, len) != 0))
			continue;
		*out = c;
		n++;
	}
	return n == 1 ? PF_OK : n ? PF_E_FULL : PF_E_NO_FRAME;
}

/* The copy first: were we killed between the two, the file is the older one and nobody heard of a success. */
static int store(const struct trust *t, const struct folder *f, const struct trust_list *list)
{
	char *text = trust_json_write(list);
	if (!text)
		return folder_fail(f, PF_E_NOMEM, "No memory left to write %s.", t->file);
	size_t len = strlen(text);
	int err = folder_write(f, t->copy, text, len);
	if (err >= 0)
		err = folder_write(f, t->file, text, len);
	free(text);
	return err;
}

/* put (client) or remove (client NULL), to what the file holds now. */
static int change(struct trust *t, const uint8_t *fp, const struct trust_client *client, char *why,
	size_t why_len)
{
	struct folder f;
	struct trust_list *next = NULL;
	int err = folder_enter(&f, t->dir, LOCK_WAIT_MS, why, why_len);
	if (err >= 0)
		err = load(t, &f);
	if (err < 0 && t->broken)
		snprintf(t->problem, sizeof(t->problem), "%s", why);
	if (err < 0)
		goto end;
	next = malloc(sizeof(*next));
	if (!next) {
		err = folder_fail(&f, PF_E_NOMEM, "No memory left to change %s.", t->file);
		goto end;
	}
	*next = t->list;
	struct trust_client *at = find(next, fp);
	if (!at && !client) {
		err = folder_fail(&f, PF_E_NO_FRAME, "This device is not paired.");
		goto end;
	}
	if (!at && next->n == TRUST_MAX) {
		err = folder_fail(&f, PF_E_FULL,
			"%u devices are paired, more than a host keeps. Take one away first: "
			"punktfunk-host unpair NAME",
			TRUST_MAX);
		goto end;
	}
	if (client) {
		*(at ? at : &next->clients[next->n++]) = *client;
	} else {
		size_t behind = (size_t)(next->clients + next->n - at) - 1;
		memmove(at, at + 1, behind * sizeof(*at));
		next->n--;
	}
	err = store(t, &f, next);
	if (err < 0)
		goto end;
	t->list = *next;
	(void)fstatat(f.fd, t->file, &t->seen, 0);
end:
	free(next);
	folder_leave(&f);
	return err;
}

int trust_put(struct trust *t, const struct trust_client *client, char *why, size_t why_len)
{
	return change(t, client->fp, client, why, why_len);
}

int trust_remove(
	struct trust *t, const uint8_t fp[static PF_FINGERPRINT_LEN], char *why, size_t why_len)
{
	return change(t, fp, NULL, why, why_len);
}
