/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/vdisplay/shepherd.h"
#include "host/vdisplay/sway_ipc.h"
#include "host/vdisplay/sway_output.h"
#include "tests/integration/desk.h"

/* Programs of several clients on one real sway: whose windows open where. */

#define WAIT_MS 10000

static char ipc_path[128];
static int programs[8];
static size_t n_programs;

static int stop_all(void **state)
{
	while (n_programs > 0)
		shepherd_stop(programs[--n_programs]);
	return desk_close_all(state);
}

static void add(struct desk *d, uint32_t w, uint32_t h, struct vdisplay_output *o)
{
	assert_int_equal(vdisplay_add_output(d->vdisplay, w, h, VDISPLAY_MHZ(60), o), 0);
	snprintf(ipc_path, sizeof(ipc_path), "%s", o->wayland_display);
	snprintf(strrchr(ipc_path, '/'), 16, "/sway.sock");
}

/* A shell command on the display of o; its shepherd. */
static int start(const struct vdisplay_output *o, const char *command)
{
	char display[160], runtime[160];
	snprintf(display, sizeof(display), "WAYLAND_DISPLAY=%s", o->wayland_display);
	snprintf(runtime, sizeof(runtime), "XDG_RUNTIME_DIR=%s", o->wayland_display);
	*strrchr(runtime, '/') = 0;
	const char *const argv[] = {"sh", "-c", command, NULL};
	const char *const envp[] = {
		display, runtime, "PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", NULL};
	/* A terminal says a lot. */
	const int quiet = open("/dev/null", O_RDWR | O_CLOEXEC);
	const struct shepherd_params params = {
		.path = "/bin/sh",
		.argv = (char *const *)argv,
		.envp = (char *const *)envp,
		.dir = "/",
		.log_fd = quiet,
	};
	assert_true(n_programs < sizeof(programs) / sizeof(programs[0]));
	assert_int_equal(shepherd_start(&params, &programs[n_programs]), 0);
	close(quiet);
	return programs[n_programs++];
}

static bool has_app(const json_t *node, const char *app_id)
{
	static const char *const lists[] = {"nodes", "floating_nodes"};
	const char *is = json_string_value(json_object_get(node, "app_id"));
	if (is && strcmp(is, app_id) == 0)
		return true;
	for (size_t k = 0; k < 2; k++) {
		const json_t *list = json_object_get(node, lists[k]);
		for (size_t i = 0; i < json_array_size(list); i++)
			if (has_app(json_array_get(list, i), app_id))
				return true;
	}
	return false;
}

/* The output that the window is on; empty = there is none. */
static void find_window(const char *app_id, char name[64])
{
	struct sway_ipc ipc;
	json_t *tree;
	name[0] = 0;
	assert_int_equal(sway_ipc_open(&ipc, ipc_path), 0);
	assert_int_equal(sway_ipc_request(&ipc, SWAY_IPC_GET_TREE, NULL, &tree), 0);
	const json_t *outputs = json_object_get(tree, "nodes");
	for (size_t i = 0; i < json_array_size(outputs); i++) {
		const json_t *output = json_array_get(outputs, i);
		if (has_app(output, app_id))
			snprintf(
				name, 64, "%s", json_string_value(json_object_get(output, "name")));
	}
	json_decref(tree);
	sway_ipc_close(&ipc);
}

struct where {
	const char *app_id, *output;
};

static bool is_there(void *data)
{
	const struct where *w = data;
	char name[64];
	find_window(w->app_id, name);
	return strcmp(name, w->output) == 0;
}

static void wait_for(struct desk *d, const char *app_id, const char *output)
{
	struct where w = {app_id, output};
	char name[64];
	if (desk_run(d, WAIT_MS, is_there, &w))
		return;
	find_window(app_id, name);
	fail_msg("window %s is on '%s', not on %s", app_id, name, output);
}

static void assert_focus(const char *output)
{
	struct sway_ipc ipc;
	char name[64];
	assert_int_equal(sway_ipc_open(&ipc, ipc_path), 0);
	assert_int_equal(sway_output_focused(&ipc, name, sizeof(name)), 0);
	sway_ipc_close(&ipc);
	assert_string_equal(name, output);
}

static void each_launch_is_on_its_own_output(void **state)
{
	(void)state;
	static struct desk d;
	struct vdisplay_output a, b, person;
	desk_open(&d, true, "sleep 1000");
	add(&d, 1280, 720, &a);
	const int pa = start(&a,
		"sleep 0.3; foot --app-id=of-a & sleep 0.3; foot -F "
		"--app-id=late-of-a & wait");
	assert_int_equal(vdisplay_claim_windows(d.vdisplay, &a, pa), 0);
	add(&d, 800, 600, &b);
	const int pb = start(&b, "sleep 0.3; foot --app-id=of-b; :");
	assert_int_equal(vdisplay_claim_windows(d.vdisplay, &b, pb), 0);
	/* Somebody sits at another one all the while. */
	add(&d, 640, 480, &person);
	start(&person, "foot --app-id=of-person; :");
	wait_for(&d, "of-person", person.name);
	wait_for(&d, "of-a", a.name);
	wait_for(&d, "of-b", b.name);
	wait_for(&d, "late-of-a", a.name);
	wait_for(&d, "of-person", person.name);
	assert_focus(person.name);
	desk_close(&d);
}

static void what_a_person_moved_stays_there(void **state)
{
	(void)state;
	static struct desk d;
	struct vdisplay_output a, b;
	struct sway_ipc ipc;
	desk_open(&d, true, "sleep 1000");
	add(&d, 1280, 720, &a);
	add(&d, 800, 600, &b);
	const int pa = start(&a, "foot --app-id=first & sleep 1; foot --app-id=second & wait");
	assert_int_equal(vdisplay_claim_windows(d.vdisplay, &a, pa), 0);
	wait_for(&d, "first", a.name);
	assert_int_equal(sway_ipc_open(&ipc, ipc_path), 0);
	assert_int_equal(
		sway_ipc_command(&ipc, "[app_id=\"first\"] move container to output %s", b.name),
		0);
	sway_ipc_close(&ipc);
	wait_for(&d, "second", a.name);
	wait_for(&d, "first", b.name);
	desk_close(&d);
}

static void a_claim_ends_with_its_output(void **state)
{
	(void)state;
	static struct desk d;
	struct vdisplay_output a, b, gone;
	desk_open(&d, true, "sleep 1000");
	add(&d, 1280, 720, &a);
	add(&d, 800, 600, &b);
	const int pa = start(&a, "sleep 0.5; foot --app-id=homeless; :");
	assert_int_equal(vdisplay_claim_windows(d.vdisplay, &a, pa), 0);
	/* Another one now, as after a lost display. */
	assert_int_equal(vdisplay_claim_windows(d.vdisplay, &b, pa), 0);
	wait_for(&d, "homeless", b.name);
	gone = a;
	vdisplay_remove_output(d.vdisplay, &a);
	vdisplay_remove_output(d.vdisplay, &b);
	assert_int_equal(vdisplay_claim_windows(d.vdisplay, &gone, pa), PF_E_INVALID);
	add(&d, 640, 480, &a);
	const int pb = start(&a, "foot --app-id=after; :");
	assert_int_equal(vdisplay_claim_windows(d.vdisplay, &a, 0), PF_E_INVALID);
	assert_int_equal(vdisplay_claim_windows(d.vdisplay, &a, pb), 0);
	wait_for(&d, "after", a.name);
	desk_close(&d);
}

#define TEST(f) cmocka_unit_test_teardown(f, stop_all)

int main(int argc, char **argv)
{
	const int skip = desk_begin("sway foot", argc, argv);
	if (skip)
		return skip;
	const struct CMUnitTest tests[] = {
		TEST(each_launch_is_on_its_own_output),
		TEST(what_a_person_moved_stays_there),
		TEST(a_claim_ends_with_its_output),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
