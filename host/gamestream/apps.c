/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/apps.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/alloc.h"
#include "host/base/log.h"
#include "host/gamestream/apps_json.h"
#include "host/gamestream/placeholder.h"
#include "net/folder.h"

#define LOCK_WAIT_MS 300u
#define PNG_MIN	     57u   /* bytes: the signature and three chunks */
#define ART_SIDE_MAX 4096u /* pixels; a phone has to hold it decoded */

struct app *app_ref(struct app *app)
{
	app->refs++;
	return app;
}

static void free_strings(char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

void app_unref(struct app *app)
{
	if (!app || --app->refs)
		return;
	for (size_t i = 0; i < app->n_commands; i++) {
		free(app->commands[i].run);
		free(app->commands[i].undo);
	}
	free_strings(app->env, app->n_env);
	free(app->title);
	free(app->command);
	free(app->compositor);
	free(app->dir);
	free(app->art);
	free(app);
}

struct apps {
	char *dir;
	struct app_list list;
	struct stat seen; /* of the file; all 0 = there was none */
	char problem[512];
	struct app *bad_art; /* was complained about last */
};

/* --- the file --- */

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
		a->st_mode == b->st_mode && a->st_uid == b->st_uid &&
		a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static void look(const struct folder *f, struct stat *st)
{
	if (fstatat(f->fd, APPS_FILE, st, 0) < 0)
		memset(st, 0, sizeof(*st));
}

static int parse(struct apps *a, const struct folder *f, const char *text, size_t len)
{
	struct app_list next;
	char where[256], *rewritten = NULL;
	int err = apps_json_read(&next, text, len, a->dir, &rewritten, where, sizeof(where));
	if (err < 0)
		return folder_fail(f, err,
			"%s/" APPS_FILE
			" cannot be used: %s. Mend it: the host reads it again by itself",
			a->dir, where);
	app_list_finish(&a->list);
	a->list = next;
	/* The ids stay with their apps when titles change. */
	if (rewritten && folder_write(f, APPS_FILE, rewritten, strlen(rewritten)) < 0)
		log_warn("apps: the ids of apps could not be noted in %s/" APPS_FILE
			 "; they change with the titles",
			a->dir);
	else if (rewritten)
		log_info("apps: apps without an \"id\" got one in %s/" APPS_FILE, a->dir);
	free(rewritten);
	return PF_OK;
}

static int load(struct apps *a, const struct folder *f)
{
	char *text = NULL;
	size_t len = 0;
	look(f, &a->seen);
	int got = folder_read(f, APPS_FILE, APPS_FILE_MAX, false,
		"It names programs that are started: only you may be able to write to it.", &text,
		&len);
	if (got < 0)
		return got;
	if (!got) {
		app_list_finish(&a->list);
		return apps_json_default(&a->list);
	}
	int err = parse(a, f, text, len);
	pf_free(text);
	if (err >= 0)
		look(f, &a->seen);
	return err;
}

static void reload(struct apps *a)
{
	struct folder f;
	char why[sizeof(a->problem)] = "";
	int err = folder_enter(&f, a->dir, LOCK_WAIT_MS, why, sizeof(why));
	if (err >= 0)
		err = load(a, &f);
	folder_leave(&f);
	snprintf(a->problem, sizeof(a->problem), "%s", err < 0 ? why : "");
	if (err < 0)
		log_warn("apps: %s%s", why, a->list.n ? "; the last good list stays" : "");
	else
		log_info("apps: %zu to start", a->list.n);
}

bool apps_refresh(struct apps *a)
{
	char path[4096];
	struct stat now;
	snprintf(path, sizeof(path), "%s/" APPS_FILE, a->dir);
	if (stat(path, &now) < 0)
		memset(&now, 0, sizeof(now));
	if (same_file(&now, &a->seen))
		return false;
	reload(a);
	return true;
}

const char *apps_problem(const struct apps *a)
{
	return a->problem[0] ? a->problem : NULL;
}

size_t apps_count(const struct apps *a)
{
	return a->list.n;
}

struct app *apps_at(const struct apps *a, size_t i)
{
	return i < a->list.n ? a->list.apps[i] : NULL;
}

struct app *apps_find(const struct apps *a, uint32_t id)
{
	for (size_t i = 0; i < a->list.n; i++)
		if (a->list.apps[i]->id == id)
			return a->list.apps[i];
	return NULL;
}

int apps_create(struct apps **out, const char *dir)
{
	struct apps *a = calloc(1, sizeof(*a));
	if (!a)
		return PF_E_NOMEM;
	a->dir = strdup(dir);
	if (!a->dir)
		goto fail;
	reload(a);
	if (!a->list.n && apps_json_default(&a->list) < 0)
		goto fail;
	*out = a;
	return PF_OK;
fail:
	apps_destroy(a);
	return PF_E_NOMEM;
}

void apps_destroy(struct apps *a)
{
	if (!a)
		return;
	app_list_finish(&a->list);
	app_unref(a->bad_art);
	free(a->dir);
	free(a);
}

/* --- pictures --- */

/* A PNG of a sane size, by its first chunk: clients decode the rest. */
static bool is_png(const uint8_t *p, size_t len)
{
	static const uint8_t start[16] = {
		0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0, 0, 13, 'I', 'H', 'D', 'R'};
	if (len < PNG_MIN || memcmp(p, start, sizeof(start)) != 0)
		return false;
	for (size_t at = sizeof(start); at < sizeof(start) + 8; at += 4)
		if (p[at] || p[at + 1] || (!p[at + 2] && !p[at + 3]) ||
			p[at + 2] >= ART_SIDE_MAX >> 8)
			return false;
	return true;
}

static int read_file(const char *path, uint8_t **out, size_t *len)
{
	struct stat st;
	size_t n = 0;
	/* A pipe in its place would hold the host. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err = PF_E_INVALID;
	if (fd < 0)
		return PF_E_IO;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < 1 ||
		st.st_size > (off_t)APP_ART_MAX)
		goto done;
	*out = malloc((size_t)st.st_size);
	err = *out ? PF_OK : PF_E_NOMEM;
	while (err >= 0 && n < (size_t)st.st_size) {
		ssize_t got = read(fd, *out + n, (size_t)st.st_size - n);
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	*len = n;
done:
	close(fd);
	return err;
}

int apps_read_art(struct apps *a, const struct app *app, uint8_t **out, size_t *len)
{
	*out = NULL;
	if (app->art) {
		int err = read_file(app->art, out, len);
		if (err >= 0 && is_png(*out, *len))
			return PF_OK;
		free(*out);
		*out = NULL;
		if (a->bad_art != app)
			log_warn("apps: the picture of '%s' is no PNG file of at most %u bytes and "
				 "%u pixels a side: %s",
				app->title, APP_ART_MAX, ART_SIDE_MAX, app->art);
		app_unref(a->bad_art);
		a->bad_art = app_ref((struct app *)(uintptr_t)app);
	}
	return placeholder_make(out, len, app->id);
}
