/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/vdisplay/sway_output.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/*
 * wlroots before 0.16 can neither unplug nor disable a headless output. One that nobody uses is set to
 * this mode, which no client asks for, and is known by it. Its last period runs out before another mode shows a
 * picture: a fifth of a second for who gets the output next, against five wake-ups a second.
 */
#define IDLE_WIDTH  320u
#define IDLE_HEIGHT 182u
#define IDLE_HZ	    5u
/* Commands take effect at once, or with the next turn of sway's loop. */
#define MAX_WINDOWS 256 /* of a workspace; each is a request */
#define TRIES	    20
#define TRY_WAIT_MS 10

static int refused(struct sway_ipc *ipc, const char *what)
{
	snprintf(ipc->error, sizeof(ipc->error), "%s", what);
	return PF_E_UNSUPPORTED;
}

static void pause_a_little(void)
{
	const struct timespec ts = {0, TRY_WAIT_MS * 1000000L};
	nanosleep(&ts, NULL);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

/* A member that is a whole number in range, else 0. */
static uint32_t number_of(const json_t *object, const char *key)
{
	const json_int_t v = json_integer_value(json_object_get(object, key));
	return v > 0 && v <= 10000000 ? (uint32_t)v : 0;
}

static void read_mode(
	const json_t *output, uint32_t *width, uint32_t *height, uint32_t *refresh_mhz)
{
	const json_t *mode = json_object_get(output, "current_mode");
	*width = number_of(mode, "width");
	*height = number_of(mode, "height");
	*refresh_mhz = number_of(mode, "refresh");
}

static bool is_headless(const json_t *output)
{
	const char *name = text_of(output, "name");
	return strncmp(name, "HEADLESS-", 9) == 0 && sway_ipc_check_name(name) >= 0;
}

static bool is_idle(const json_t *output)
{
	uint32_t width, height, mhz;
	read_mode(output, &width, &height, &mhz);
	return !json_is_true(json_object_get(output, "active")) ||
		(width == IDLE_WIDTH && height == IDLE_HEIGHT && mhz == IDLE_HZ * 1000);
}

static const json_t *find(const json_t *outputs, const char *name)
{
	for (size_t i = 0; i < json_array_size(outputs); i++) {
		const json_t *output = json_array_get(outputs, i);
		if (strcmp(text_of(output, "name"), name) == 0)
			return output;
	}
	return NULL;
}

static int get_outputs(struct sway_ipc *ipc, json_t **outputs)
{
	return sway_ipc_request(ipc, SWAY_IPC_GET_OUTPUTS, NULL, outputs);
}

static bool take_idle(const json_t *outputs, bool (*used)(const char *name, void *userdata),
	void *userdata, char *name, size_t cap)
{
	for (size_t i = 0; i < json_array_size(outputs); i++) {
		const json_t *output = json_array_get(outputs, i);
		if (!is_headless(output) || !is_idle(output) ||
			used(text_of(output, "name"), userdata))
			continue;
		snprintf(name, cap, "%s", text_of(output, "name"));
		return true;
	}
	return false;
}

static bool take_new(const json_t *before, const json_t *after, char *name, size_t cap)
{
	for (size_t i = 0; i < json_array_size(after); i++) {
		const json_t *output = json_array_get(after, i);
		if (!is_headless(output) || find(before, text_of(output, "name")))
			continue;
		snprintf(name, cap, "%s", text_of(output, "name"));
		return true;
	}
	return false;
}

int sway_output_make(struct sway_ipc *ipc, bool (*used)(const char *name, void *userdata),
	void *userdata, char *name, size_t cap)
{
	json_t *before, *after;
	int err = get_outputs(ipc, &before);
	if (err < 0)
		return err;
	if (take_idle(before, used, userdata, name, cap)) {
		json_decref(before);
		return 0;
	}
	err = sway_ipc_command(ipc, "create_output");
	bool found = false;
	for (int i = 0; err >= 0 && !found && i < TRIES; i++) {
		if (i > 0)
			pause_a_little();
		err = get_outputs(ipc, &after);
		if (err < 0)
			break;
		found = take_new(before, after, name, cap);
		json_decref(after);
	}
	json_decref(before);
	if (err < 0)
		return err;
	return found ? 0
		     : refused(ipc,
			       "sway made no headless output; it must run with the headless "
			       "backend (WLR_BACKENDS=drm,libinput,headless)");
}

int sway_output_set_mode(struct sway_ipc *ipc, struct vdisplay_output *output, uint32_t width,
	uint32_t height, uint32_t refresh_mhz)
{
	if (sway_ipc_check_name(output->name) < 0)
		return refused(ipc, "an output's name cannot be used in a command");
	/* A scale or a rotation from the user's configuration would not be the client's size. */
	int err = sway_ipc_command(ipc,
		"output %s enable mode --custom %ux%u@%u.%03uHz scale 1 transform normal",
		output->name, width, height, refresh_mhz / 1000, refresh_mhz % 1000);
	for (int i = 0; err >= 0 && i < TRIES; i++) {
		json_t *outputs;
		if (i > 0)
			pause_a_little();
		err = get_outputs(ipc, &outputs);
		if (err < 0)
			break;
		read_mode(find(outputs, output->name), &output->width, &output->height,
			&output->refresh_mhz);
		json_decref(outputs);
		if (output->width == width && output->height == height)
			return 0;
	}
	if (err < 0)
		return err;
	char text[200];
	snprintf(text, sizeof(text), "sway made output %s %ux%u when asked for %ux%u", output->name,
		output->width, output->height, width, height);
	return refused(ipc, text);
}

static bool is_empty_workspace(const json_t *workspaces, const char *output)
{
	for (size_t i = 0; i < json_array_size(workspaces); i++) {
		const json_t *ws = json_array_get(workspaces, i);
		if (strcmp(text_of(ws, "output"), output) == 0 &&
			json_is_true(json_object_get(ws, "visible")))
			return json_array_size(json_object_get(ws, "focus")) == 0;
	}
	return false;
}

/* Windows in windows; no layout that a person made is deeper. */
#define MAX_DEPTH 64

static const json_t *child_with(const json_t *node, const char *key, const json_t *value)
{
	static const char *const lists[] = {"nodes", "floating_nodes"};
	for (size_t k = 0; k < 2; k++) {
		const json_t *list = json_object_get(node, lists[k]);
		for (size_t i = 0; i < json_array_size(list); i++) {
			const json_t *child = json_array_get(list, i);
			if (json_equal(json_object_get(child, key), value))
				return child;
		}
	}
	return NULL;
}

/* The window on the output's workspace that had the focus last; 0 when there is none or one has it. */
static json_int_t window_to_focus(const json_t *tree, const char *output)
{
	json_t *name = json_string(output);
	const json_t *node = child_with(tree, "name", name);
	json_decref(name);
	node = child_with(node, "name", json_object_get(node, "current_workspace"));
	if (!json_is_true(json_object_get(node, "focused")))
		return 0;
	json_int_t id = 0;
	for (int depth = 0; node && depth < MAX_DEPTH; depth++) {
		node = child_with(node, "id", json_array_get(json_object_get(node, "focus"), 0));
		if (node)
			id = json_integer_value(json_object_get(node, "id"));
	}
	return id;
}

int sway_output_focus(struct sway_ipc *ipc, const char *name)
{
	json_t *tree;
	int err = sway_ipc_command(ipc, "focus output %s", name);
	if (err >= 0)
		err = sway_ipc_request(ipc, SWAY_IPC_GET_TREE, NULL, &tree);
	if (err < 0)
		return err;
	/*
	 * A window that opened while another output had the focus never had it, and sway would rather
	 * focus the bare workspace: what is typed would go nowhere.
	 */
	const json_int_t id = window_to_focus(tree, name);
	json_decref(tree);
	return id > 0 ? sway_ipc_command(ipc, "[con_id=%lld] focus", (long long)id) : 0;
}

int sway_output_show(struct sway_ipc *ipc, const char *name, const char *app_path)
{
	json_t *workspaces;
	int err = sway_output_focus(ipc, name);
	if (err < 0 || !app_path[0])
		return err;
	err = sway_ipc_request(ipc, SWAY_IPC_GET_WORKSPACES, NULL, &workspaces);
	if (err < 0)
		return err;
	const bool empty = is_empty_workspace(workspaces, name);
	json_decref(workspaces);
	/* The program's chatter would fill the session's folder. */
	return empty ? sway_ipc_command(ipc, "exec \"exec /bin/sh %s >/dev/null 2>&1\"", app_path)
		     : 0;
}

static bool holds(const json_t *node, json_int_t id, int depth)
{
	static const char *const lists[] = {"nodes", "floating_nodes"};
	if (json_integer_value(json_object_get(node, "id")) == id)
		return true;
	for (size_t k = 0; k < 2 && depth < MAX_DEPTH; k++) {
		const json_t *list = json_object_get(node, lists[k]);
		for (size_t i = 0; i < json_array_size(list); i++) {
			if (holds(json_array_get(list, i), id, depth + 1))
				return true;
		}
	}
	return false;
}

int sway_output_bring(struct sway_ipc *ipc, const char *name, json_int_t id)
{
	json_t *tree;
	const int err = sway_ipc_request(ipc, SWAY_IPC_GET_TREE, NULL, &tree);
	if (err < 0)
		return err;
	json_t *wanted = json_string(name);
	const bool there = holds(child_with(tree, "name", wanted), id, 0);
	json_decref(wanted);
	json_decref(tree);
	return there ? 0
		     : sway_ipc_command(ipc, "[con_id=%lld] move container to output %s",
			       (long long)id, name);
}

static void move_all(struct sway_ipc *ipc, const json_t *windows, const char *to)
{
	for (size_t i = 0; i < json_array_size(windows) && i < MAX_WINDOWS; i++) {
		const json_t *id = json_object_get(json_array_get(windows, i), "id");
		if (json_integer_value(id) > 0 &&
			sway_ipc_command(ipc, "[con_id=%lld] move container to output %s",
				(long long)json_integer_value(id), to) == PF_E_IO)
			return;
	}
}

/* What stands on the output, on whichever of its workspaces, goes to the one that `to` shows. */
static void bring_back(struct sway_ipc *ipc, const char *name, const char *to)
{
	json_t *tree;
	if (sway_ipc_check_name(to) < 0 || strcmp(name, to) == 0 ||
		sway_ipc_request(ipc, SWAY_IPC_GET_TREE, NULL, &tree) < 0)
		return;
	json_t *wanted = json_string(name);
	const json_t *workspaces = json_object_get(child_with(tree, "name", wanted), "nodes");
	json_decref(wanted);
	for (size_t i = 0; i < json_array_size(workspaces); i++) {
		const json_t *workspace = json_array_get(workspaces, i);
		move_all(ipc, json_object_get(workspace, "nodes"), to);
		move_all(ipc, json_object_get(workspace, "floating_nodes"), to);
	}
	json_decref(tree);
}

void sway_output_drop(struct sway_ipc *ipc, const char *name, bool unplug, const char *to)
{
	if (sway_ipc_check_name(name) < 0)
		return;
	int err = unplug ? sway_ipc_command(ipc, "output %s unplug", name) : PF_E_UNSUPPORTED;
	if (err == PF_E_UNSUPPORTED && unplug)
		bring_back(ipc, name, to);
	if (err == PF_E_UNSUPPORTED)
		err = sway_ipc_command(ipc, "output %s mode --custom %ux%u@%uHz", name, IDLE_WIDTH,
			IDLE_HEIGHT, IDLE_HZ);
	(void)err; /* an output that went with its sway needs no removal */
}

int sway_output_focused(struct sway_ipc *ipc, char *name, size_t cap)
{
	json_t *outputs;
	name[0] = 0;
	const int err = get_outputs(ipc, &outputs);
	if (err < 0)
		return err;
	for (size_t i = 0; i < json_array_size(outputs); i++) {
		const json_t *output = json_array_get(outputs, i);
		if (json_is_true(json_object_get(output, "focused")) &&
			sway_ipc_check_name(text_of(output, "name")) >= 0)
			snprintf(name, cap, "%s", text_of(output, "name"));
	}
	json_decref(outputs);
	return 0;
}

int sway_output_is_used(struct sway_ipc *ipc, const char *name)
{
	json_t *outputs;
	int err = get_outputs(ipc, &outputs);
	if (err < 0)
		return err;
	const json_t *output = find(outputs, name);
	err = output && is_headless(output) && !is_idle(output);
	json_decref(outputs);
	return err;
}
