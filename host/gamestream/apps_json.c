/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/apps_json.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/wire/text.h"

/*
 * {"apps": [{"id": 1, "title": "…", "command": "…", "compositor": "gamescope", "directory": "/…",
 *            "environment": {"NAME": "value"}, "prepare": [{"run": "…", "undo": "…"}], "art": "/….png"}]}
 */

#define ID_MAX	   0x7fffffff
#define DESKTOP_ID 1

struct reader {
	char *why;
	size_t why_len;
	const char *dir;
	size_t i; /* of the app */
	const char *title;
};

__attribute__((format(printf, 2, 3))) static int fail(const struct reader *r, const char *fmt, ...)
{
	char text[160];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	snprintf(r->why, r->why_len, "app %zu%s%.40s%s: %s", r->i + 1, r->title ? " (" : "",
		r->title ? r->title : "", r->title ? ")" : "", text);
	return PF_E_INVALID;
}

static struct app *new_app(void)
{
	struct app *app = calloc(1, sizeof(*app));
	if (app)
		app->refs = 1;
	return app;
}

static int copy_text(
	struct reader *r, char **out, const json_t *object, const char *key, size_t max)
{
	const json_t *v = json_object_get(object, key);
	if (!v || json_is_null(v))
		return PF_OK;
	if (!json_is_string(v) || json_string_length(v) > max)
		return fail(r, "\"%s\" is a text of at most %zu bytes", key, max);
	if (!json_string_length(v))
		return PF_OK;
	*out = strdup(json_string_value(v));
	return *out ? PF_OK : PF_E_NOMEM;
}

static int check_keys(struct reader *r, const json_t *object, const char *const *keys)
{
	const char *key;
	json_t *v;
	json_object_foreach((json_t *)(uintptr_t)object, key, v)
	{
		size_t i = 0;
		while (keys[i] && strcmp(keys[i], key) != 0)
			i++;
		if (!keys[i]) {
			char clean[48];
			pf_text_clean(clean, sizeof(clean), key, strlen(key));
			return fail(
				r, "\"%s\" is nothing that is known here; is it misspelt?", clean);
		}
	}
	return PF_OK;
}

static int read_title(struct reader *r, struct app *app, const json_t *object)
{
	const json_t *title = json_object_get(object, "title");
	char clean[APP_TITLE_MAX + 1];
	if (!json_is_string(title) || !json_string_length(title) ||
		json_string_length(title) > APP_TITLE_MAX)
		return fail(r, "there is no \"title\" of 1 to %u bytes", APP_TITLE_MAX);
	pf_text_clean(clean, sizeof(clean), json_string_value(title), json_string_length(title));
	app->title = strdup(clean);
	r->title = app->title;
	return app->title ? PF_OK : PF_E_NOMEM;
}

static int read_id(struct reader *r, struct app *app, const json_t *object)
{
	const json_t *id = json_object_get(object, "id");
	if (!id)
		return PF_OK;
	if (!json_is_integer(id) || json_integer_value(id) < 1 || json_integer_value(id) > ID_MAX)
		return fail(r, "\"id\" is a number from 1 to %d", ID_MAX);
	app->id = (uint32_t)json_integer_value(id);
	return PF_OK;
}

static int read_compositor(struct reader *r, struct app *app, const json_t *object)
{
	int err = copy_text(r, &app->compositor, object, "compositor", 32);
	if (err < 0 || !app->compositor)
		return err;
	if (strcmp(app->compositor, "gamescope") && strcmp(app->compositor, "cage"))
		return fail(r, "\"compositor\" is \"gamescope\" or \"cage\", or left out");
	if (!app->command)
		return fail(r, "a \"compositor\" needs a \"command\" to run in it");
	return PF_OK;
}

static int read_paths(struct reader *r, struct app *app, const json_t *object)
{
	char *art = NULL;
	int err = copy_text(r, &app->dir, object, "directory", 1024);
	if (err >= 0 && app->dir && app->dir[0] != '/')
		err = fail(r, "\"directory\" begins with /");
	if (err >= 0)
		err = copy_text(r, &art, object, "art", 1024);
	if (err >= 0 && art && art[0] != '/') {
		size_t len = strlen(r->dir) + strlen(art) + 2;
		app->art = malloc(len);
		if (app->art)
			snprintf(app->art, len, "%s/%s", r->dir, art);
		err = app->art ? PF_OK : PF_E_NOMEM;
	} else if (err >= 0) {
		app->art = art;
		art = NULL;
	}
	free(art);
	return err;
}

static bool is_name(const char *name)
{
	if (!isalpha((unsigned char)*name) && *name != '_')
		return false;
	while (isalnum((unsigned char)*name) || *name == '_')
		name++;
	return !*name;
}

static int read_environment(struct reader *r, struct app *app, const json_t *object)
{
	const json_t *env = json_object_get(object, "environment");
	const char *name;
	json_t *v;
	if (!env)
		return PF_OK;
	if (!json_is_object(env) || json_object_size(env) > APP_ENV_MAX)
		return fail(r, "\"environment\" has at most %u names with values", APP_ENV_MAX);
	app->env = calloc(APP_ENV_MAX, sizeof(*app->env));
	if (!app->env)
		return PF_E_NOMEM;
	json_object_foreach((json_t *)(uintptr_t)env, name, v)
	{
		if (!is_name(name) || strlen(name) > 128 || !json_is_string(v) ||
			json_string_length(v) > APP_COMMAND_MAX)
			return fail(r,
				"\"environment\" has names of letters, digits and _, and texts as "
				"values");
		size_t len = strlen(name) + json_string_length(v) + 2;
		char *text = malloc(len);
		if (!text)
			return PF_E_NOMEM;
		snprintf(text, len, "%s=%s", name, json_string_value(v));
		app->env[app->n_env++] = text;
	}
	return PF_OK;
}

static int read_prepare(struct reader *r, struct app *app, const json_t *object)
{
	static const char *const keys[] = {"run", "undo", NULL};
	const json_t *list = json_object_get(object, "prepare");
	int err = PF_OK;
	if (!list)
		return PF_OK;
	if (!json_is_array(list) || json_array_size(list) > APP_COMMANDS)
		return fail(r, "\"prepare\" is a list of at most %u", APP_COMMANDS);
	for (size_t i = 0; i < json_array_size(list) && err >= 0; i++) {
		const json_t *entry = json_array_get(list, i);
		struct app_command *c = &app->commands[app->n_commands++];
		if (!json_is_object(entry))
			return fail(r, "each of \"prepare\" has a \"run\", an \"undo\" or both");
		err = check_keys(r, entry, keys);
		if (err >= 0)
			err = copy_text(r, &c->run, entry, "run", APP_COMMAND_MAX);
		if (err >= 0)
			err = copy_text(r, &c->undo, entry, "undo", APP_COMMAND_MAX);
	}
	return err;
}

static int read_app(struct reader *r, struct app *app, const json_t *object)
{
	static const char *const keys[] = {"id", "title", "command", "compositor", "directory",
		"environment", "prepare", "art", NULL};
	if (!json_is_object(object))
		return fail(r, "it is no {object}");
	int err = read_title(r, app, object);
	if (err >= 0)
		err = check_keys(r, object, keys);
	if (err >= 0)
		err = read_id(r, app, object);
	if (err >= 0)
		err = copy_text(r, &app->command, object, "command", APP_COMMAND_MAX);
	if (err >= 0)
		err = read_compositor(r, app, object);
	if (err >= 0)
		err = read_paths(r, app, object);
	if (err >= 0)
		err = read_environment(r, app, object);
	if (err >= 0)
		err = read_prepare(r, app, object);
	return err;
}

static const struct app *find_id(const struct app_list *l, uint32_t id)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->apps[i]->id == id)
			return l->apps[i];
	return NULL;
}

/* FNV-1a of the title: the same at each start, also where the file cannot be written. */
static uint32_t make_id(const struct app_list *l, const char *title)
{
	uint32_t id = 2166136261u;
	for (; *title; title++)
		id = (id ^ (uint8_t)*title) * 16777619u;
	id &= ID_MAX;
	while (id <= DESKTOP_ID || find_id(l, id))
		id = (id + 1) & ID_MAX;
	return id;
}

/* An id that a person gave is never taken by one that is made: these come last. */
static int give_ids(struct reader *r, struct app_list *l, json_t *apps, bool *changed)
{
	for (size_t i = 0; i < l->n; i++)
		for (size_t k = 0; k < i; k++)
			if (l->apps[i]->id && l->apps[i]->id == l->apps[k]->id) {
				r->i = i;
				r->title = l->apps[i]->title;
				return fail(r, "its id is that of app %zu as well", k + 1);
			}
	for (size_t i = 0; i < l->n; i++) {
		struct app *app = l->apps[i];
		if (app->id)
			continue;
		app->id = make_id(l, app->title);
		*changed = true;
		if (json_object_set_new(json_array_get(apps, i), "id", json_integer(app->id)) < 0)
			return PF_E_NOMEM;
	}
	return PF_OK;
}

static int read_root(struct reader *r, struct app_list *l, const json_t *root)
{
	json_t *apps = json_object_get(root, "apps");
	if (!json_is_array(apps) || json_array_size(apps) > APPS_MAX) {
		snprintf(r->why, r->why_len, "there is no list \"apps\" of at most %u", APPS_MAX);
		return PF_E_INVALID;
	}
	for (size_t i = 0; i < json_array_size(apps); i++) {
		struct app *app = new_app();
		if (!app)
			return PF_E_NOMEM;
		l->apps[l->n++] = app;
		r->i = i;
		r->title = NULL;
		int err = read_app(r, app, json_array_get(apps, i));
		if (err < 0)
			return err;
	}
	return PF_OK;
}

int apps_json_read(struct app_list *out, const char *text, size_t len, const char *dir,
	char **rewritten, char *why, size_t why_len)
{
	struct reader r = {.why = why, .why_len = why_len, .dir = dir};
	json_error_t error;
	bool changed = false;
	out->n = 0;
	*rewritten = NULL;
	snprintf(why, why_len, "there is no memory left to read it");
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!root) {
		if (json_error_code(&error) == json_error_out_of_memory)
			return PF_E_NOMEM;
		char clean[JSON_ERROR_TEXT_LENGTH];
		pf_text_clean(clean, sizeof(clean), error.text, strlen(error.text));
		snprintf(why, why_len, "line %d, column %d: %s", error.line, error.column, clean);
		return PF_E_INVALID;
	}
	int err = read_root(&r, out, root);
	if (err >= 0)
		err = give_ids(&r, out, json_object_get(root, "apps"), &changed);
	if (err >= 0 && changed)
		*rewritten = json_dumps(root, JSON_INDENT(2));
	json_decref(root);
	if (err >= 0 && !out->n)
		err = apps_json_default(out);
	if (err < 0)
		app_list_finish(out);
	return err;
}

int apps_json_default(struct app_list *out)
{
	struct app *app = new_app();
	out->n = 0;
	if (app)
		app->title = strdup("Desktop");
	if (!app || !app->title) {
		app_unref(app);
		return PF_E_NOMEM;
	}
	app->id = DESKTOP_ID;
	out->apps[out->n++] = app;
	return PF_OK;
}

void app_list_finish(struct app_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		app_unref(l->apps[i]);
	l->n = 0;
}
