/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "core/wire/text.h"
#include "host/vdisplay/undo.h"
#include "host/vdisplay/undo_record.h"

#define VERSION 1

/*
 * {"version": 1, "kind": "wlroots", "socket": "/run/user/1000/sway-ipc.sock", "pid": 7, "started": 70,
 *  "focus": "eDP-1", "outputs": ["HEADLESS-1"]}
 */

static int read_text(char *out, size_t cap, const json_t *value)
{
	const char *text = json_string_value(value);
	const size_t len = json_string_length(value);
	if (!text || len >= cap || strlen(text) != len ||
		!pf_text_printable((const uint8_t *)text, len))
		return PF_E_INVALID;
	memcpy(out, text, len + 1);
	return PF_OK;
}

static int read_outputs(struct undo_record *r, const json_t *list)
{
	const size_t n = json_array_size(list);
	if (!json_is_array(list) || n == 0 || n > UNDO_MAX_OUTPUTS)
		return PF_E_INVALID;
	for (size_t i = 0; i < n; i++) {
		if (read_text(r->outputs[i], UNDO_NAME_LEN, json_array_get(list, i)) < 0 ||
			!r->outputs[i][0])
			return PF_E_INVALID;
	}
	r->n_outputs = n;
	return PF_OK;
}

static int read_object(struct undo_record *r, const json_t *root)
{
	const json_int_t version = json_integer_value(json_object_get(root, "version"));
	const json_int_t pid = json_integer_value(json_object_get(root, "pid"));
	const json_int_t started = json_integer_value(json_object_get(root, "started"));
	if (version > VERSION)
		return PF_E_UNSUPPORTED;
	if (version != VERSION || pid < 0 || pid > INT32_MAX || started < 0)
		return PF_E_INVALID;
	r->pid = (int)pid;
	r->started = (uint64_t)started;
	if (read_text(r->kind, sizeof(r->kind), json_object_get(root, "kind")) < 0 || !r->kind[0] ||
		read_text(r->socket, sizeof(r->socket), json_object_get(root, "socket")) < 0 ||
		r->socket[0] != '/' ||
		read_text(r->focus, sizeof(r->focus), json_object_get(root, "focus")) < 0)
		return PF_E_INVALID;
	return read_outputs(r, json_object_get(root, "outputs"));
}

int undo_record_read(struct undo_record *r, const char *text, size_t len)
{
	json_error_t why;
	memset(r, 0, sizeof(*r));
	json_t *root = len <= UNDO_MAX_FILE ? json_loadb(text, len, JSON_REJECT_DUPLICATES, &why)
					    : NULL;
	const int err = root ? read_object(r, root) : PF_E_INVALID;
	json_decref(root);
	if (err < 0)
		memset(r, 0, sizeof(*r));
	return err;
}

char *undo_record_write(const struct undo_record *r)
{
	json_t *outputs = json_array();
	for (size_t i = 0; i < r->n_outputs; i++)
		json_array_append_new(outputs, json_string(r->outputs[i]));
	json_t *root = json_pack("{s:i, s:s, s:s, s:i, s:I, s:s, s:o}", "version", VERSION, "kind",
		r->kind, "socket", r->socket, "pid", r->pid, "started", (json_int_t)r->started,
		"focus", r->focus, "outputs", outputs);
	char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
	json_decref(root);
	return text;
}

/*
 * /proc/PID/stat: "PID (NAME) STATE PARENT ...", the start is its 22nd word; the name is the program's choice, brackets
 * included. 0: there is no such process.
 */
uint64_t undo_process_started(int pid)
{
	char path[32], text[1024];
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	const int fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		return 0;
	const ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	const char *at = strrchr(text, ')');
	for (int word = 2; at && word < 22; word++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at, NULL, 10) : 0;
}

int undo_record_check_peer(const struct undo_record *r, int pid, uid_t uid)
{
	if (uid != r->owner)
		return PF_E_DENIED;
	if (pid != r->pid || undo_process_started(pid) != r->started)
		return PF_E_CLOSED;
	return PF_OK;
}
