/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/capture/capture.h"
#include "host/config/config.h"
#include "host/host.h"
#include "host/inject/inject.h"
#include "host/session/session.h"
#include "host/vdisplay/vdisplay.h"

/*
 * A session whose display changes its mode: capture and input are of the test's own (--wrap), and so is the desktop,
 * which makes another output for a new mode where anew is set.
 */

enum anew { SAME, NODE, NAME };

struct rig {
	struct host host;
	struct config config;
	struct vdisplay desktop;
	enum anew anew;
	bool other_goes;	/* another desktop, while this one makes an output */
	bool old_capture_loses; /* the old node goes while the desktop makes the new one */
	int capture_err, inject_err, mode_err;
	struct capture *capture; /* the newest */
	unsigned n_captures, n_started, n_injects, n_outputs;
	char inject_output[64];
	unsigned n_lost;
	char why[160];
	struct {
		void (*fn)(const void *data, size_t len);
		uint8_t data[LOOP_POST_MAX];
		size_t len;
	} posts[8]; /* for the loop */
	unsigned n_posts;
};

static struct rig *rig;

int __wrap_capture_create(
	struct capture **out, const char *name, const struct capture_params *params);
int __wrap_inject_create(struct inject **out, const char *name, const struct inject_params *params);

int __wrap_loop_post(
	struct loop *l, void (*fn)(const void *data, size_t len), const void *data, size_t len);

/* --- the loop --- */

int __wrap_loop_post(
	struct loop *l, void (*fn)(const void *data, size_t len), const void *data, size_t len)
{
	(void)l;
	assert_true(rig->n_posts < sizeof(rig->posts) / sizeof(rig->posts[0]));
	assert_true(len <= LOOP_POST_MAX);
	rig->posts[rig->n_posts].fn = fn;
	rig->posts[rig->n_posts].len = len;
	memcpy(rig->posts[rig->n_posts++].data, data, len);
	return PF_OK;
}

static void turn(void)
{
	for (unsigned i = 0; i < rig->n_posts; i++)
		rig->posts[i].fn(rig->posts[i].data, rig->posts[i].len);
	rig->n_posts = 0;
}

/* --- capture --- */

static void destroy_capture(struct capture *c)
{
	assert_false(c->started);
	rig->n_captures--;
	free(c);
}

static int start_capture(struct capture *c)
{
	(void)c;
	rig->n_started++;
	return PF_OK;
}

static void stop_capture(struct capture *c)
{
	(void)c;
	rig->n_started--;
}

static int set_capture_mode(struct capture *c, uint32_t w, uint32_t h, uint32_t mhz)
{
	(void)c;
	(void)w;
	(void)h;
	(void)mhz;
	return PF_OK;
}

static const struct capture_impl capture_impl = {
	.name = "fake",
	.destroy = destroy_capture,
	.start = start_capture,
	.stop = stop_capture,
	.set_mode = set_capture_mode,
};

int __wrap_capture_create(
	struct capture **out, const char *name, const struct capture_params *params)
{
	(void)name;
	*out = NULL;
	if (rig->capture_err)
		return rig->capture_err;
	struct capture *c = calloc(1, sizeof(*c));
	assert_non_null(c);
	c->impl = &capture_impl;
	c->params = *params;
	rig->n_captures++;
	rig->capture = *out = c;
	return PF_OK;
}

/* --- input --- */

static void destroy_inject(struct inject *i)
{
	rig->n_injects--;
	free(i);
}

static void flush(struct inject *i)
{
	(void)i;
}

static const struct inject_impl inject_impl = {
	.name = "fake", .destroy = destroy_inject, .flush = flush};

int __wrap_inject_create(struct inject **out, const char *name, const struct inject_params *params)
{
	(void)name;
	*out = NULL;
	if (rig->inject_err)
		return rig->inject_err;
	struct inject *i = calloc(1, sizeof(*i));
	assert_non_null(i);
	i->impl = &inject_impl;
	snprintf(rig->inject_output, sizeof(rig->inject_output), "%s", params->output_name);
	rig->n_injects++;
	*out = i;
	return PF_OK;
}

/* --- the desktop --- */

static int add_output(
	struct vdisplay *v, uint32_t w, uint32_t h, uint32_t mhz, struct vdisplay_output *out)
{
	(void)v;
	if (rig->other_goes)
		session_desktop_lost(&rig->host, "the other desktop is gone");
	rig->n_outputs++;
	strcpy(out->name, "first");
	out->width = w;
	out->height = h;
	out->refresh_mhz = mhz;
	out->node.id = 7;
	return PF_OK;
}

static int set_mode(
	struct vdisplay *v, struct vdisplay_output *out, uint32_t w, uint32_t h, uint32_t mhz)
{
	(void)v;
	if (rig->mode_err)
		return rig->mode_err;
	if (rig->old_capture_loses)
		rig->capture->params.on_lost(
			PF_E_CLOSED, "the old node went", rig->capture->params.userdata);
	if (rig->anew != SAME)
		out->node.id++;
	if (rig->anew == NAME)
		strcpy(out->name, "second");
	out->width = w;
	out->height = h;
	out->refresh_mhz = mhz;
	return PF_OK;
}

static void remove_output(struct vdisplay *v, struct vdisplay_output *out)
{
	(void)v;
	(void)out;
	rig->n_outputs--;
}

static bool has_output(const struct vdisplay *v, const struct vdisplay_output *out)
{
	(void)v;
	return out->name[0];
}

static const struct vdisplay_impl desktop_impl = {
	.name = "fake",
	.add_output = add_output,
	.set_mode = set_mode,
	.remove_output = remove_output,
	.has_output = has_output,
};

/* --- the session --- */

static int setup(void **state)
{
	static char *argv[] = {(char *)"punktfunk-host", (char *)"serve", (char *)"--encoder",
		(char *)"null", NULL};
	rig = calloc(1, sizeof(*rig));
	if (!rig || config_parse(&rig->config, 4, argv) != 0)
		return -1;
	rig->desktop.impl = &desktop_impl;
	rig->host.config = &rig->config;
	rig->host.vdisplay = &rig->desktop;
	rig->host.next_session_id = 1;
	rig->host.capture_name = rig->host.inject_name = "fake";
	log_set_level(LOG_ERROR);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(rig);
	return 0;
}

static int take_unit(struct unit *unit, uint32_t index, void *userdata)
{
	(void)unit;
	(void)index;
	(void)userdata;
	return 1;
}

static void on_lost(const char *why, void *userdata)
{
	(void)userdata;
	rig->n_lost++;
	snprintf(rig->why, sizeof(rig->why), "%s", why);
}

static struct session *make(bool started)
{
	struct session *s = NULL;
	const char *why = NULL;
	const struct session_params params = {
		.host = &rig->host,
		.mode = {1280, 720, 60},
		.bitrate_kbps = 10000,
		.codec = PF_CODEC_H264,
		.sink = {.video = take_unit, .lost = on_lost},
		.name = "a client",
	};
	assert_int_equal(session_create(&s, &params, &why), PF_OK);
	if (started)
		assert_int_equal(session_start(s), PF_OK);
	return s;
}

static int change(struct session *s)
{
	const struct pf_mode wanted = {1024, 768, 60};
	struct pf_mode made;
	return session_set_mode(s, &wanted, 0, &made);
}

static void done(struct session *s)
{
	session_destroy(s);
	assert_int_equal(rig->n_started, 0);
	assert_int_equal(rig->n_captures, 0);
	assert_int_equal(rig->n_injects, 0);
	assert_int_equal(rig->n_outputs, 0);
}

static void a_mode_in_place_keeps_all(void **state)
{
	(void)state;
	struct session *s = make(true);
	const struct capture *before = rig->capture;
	assert_int_equal(change(s), PF_OK);
	assert_ptr_equal(rig->capture, before);
	assert_int_equal(session_mode(s).width, 1024);
	assert_int_equal(rig->n_started, 1);
	done(s);
}

static void another_node_is_another_capture(void **state)
{
	(void)state;
	struct session *s = make(true);
	rig->anew = NODE;
	assert_int_equal(change(s), PF_OK);
	assert_int_equal(rig->n_captures, 1);
	assert_int_equal(rig->n_started, 1);
	assert_int_equal(rig->capture->params.node_id, 8);
	assert_string_equal(rig->inject_output, "first");
	done(s);
}

/* Moonlight's clients say their mode at the launch, and once more before the start. */
static void a_mode_before_the_start_starts_nothing(void **state)
{
	(void)state;
	struct session *s = make(false);
	rig->anew = NODE;
	assert_int_equal(change(s), PF_OK);
	assert_int_equal(rig->n_started, 0);
	assert_int_equal(session_start(s), PF_OK);
	assert_int_equal(rig->n_started, 1);
	done(s);
}

/* KWin before 6.6: places are of the output, which has another name then. */
static void input_follows_to_another_output(void **state)
{
	(void)state;
	struct session *s = make(true);
	rig->anew = NAME;
	assert_int_equal(change(s), PF_OK);
	assert_int_equal(rig->n_injects, 1);
	assert_string_equal(rig->inject_output, "second");
	done(s);
}

static void a_node_that_is_replaced_ends_nothing(void **state)
{
	(void)state;
	struct session *s = make(true);
	rig->anew = NODE;
	rig->old_capture_loses = true;
	assert_int_equal(change(s), PF_OK);
	turn();
	assert_int_equal(rig->n_lost, 0);
	/* The new one is still heard. */
	rig->capture->params.on_lost(PF_E_CLOSED, "the new node went", s);
	turn();
	assert_int_equal(rig->n_lost, 1);
	assert_string_equal(rig->why, "the new node went");
	done(s);
}

/* In place it is the same capture that was lost. */
static void a_loss_on_the_way_is_told(void **state)
{
	(void)state;
	struct session *s = make(true);
	rig->old_capture_loses = true;
	assert_int_equal(change(s), PF_OK);
	turn();
	assert_int_equal(rig->n_lost, 1);
	assert_string_equal(rig->why, "the old node went");
	done(s);
}

static void what_cannot_follow_is_named(void **state)
{
	(void)state;
	struct session *s = make(true);
	rig->anew = NAME;
	rig->inject_err = PF_E_IO;
	assert_int_equal(change(s), PF_E_IO);
	turn();
	assert_int_equal(rig->n_lost, 1);
	assert_non_null(strstr(rig->why, "input"));
	done(s);

	rig->inject_err = 0;
	s = make(true);
	rig->capture_err = PF_E_IO;
	assert_int_equal(change(s), PF_E_IO);
	turn();
	assert_int_equal(rig->n_lost, 2);
	assert_non_null(strstr(rig->why, "captured"));
	assert_int_equal(change(s), PF_E_CLOSED);
	done(s);
}

static void a_session_that_is_being_made_loses_nothing(void **state)
{
	(void)state;
	rig->other_goes = true;
	struct session *s = make(true);
	turn();
	assert_int_equal(rig->n_lost, 0);
	done(s);
}

/* gamescope: its size is for life, and another one would be another game. */
static void a_display_that_cannot_change_is_kept_as_it_is(void **state)
{
	(void)state;
	const char *why = NULL;
	const struct vdisplay_output kept = {
		.name = "kept", .width = 800, .height = 600, .refresh_mhz = 30000};
	struct session_params params = {
		.host = &rig->host,
		.mode = {1280, 720, 60},
		.bitrate_kbps = 10000,
		.codec = PF_CODEC_H264,
		.sink = {.video = take_unit, .lost = on_lost},
		.name = "a client",
		.adopt = &kept,
		.adopt_any_size = true,
	};
	struct session *s = NULL;
	rig->mode_err = PF_E_UNSUPPORTED;
	rig->n_outputs = 1;
	assert_int_equal(session_create(&s, &params, &why), PF_OK);
	assert_string_equal(rig->inject_output, "kept");
	assert_int_equal(session_mode(s).width, 800);
	assert_int_equal(session_mode(s).refresh_hz, 30);
	done(s);
	/* Who needs exactly this size, and one that is gone. */
	for (int i = 0; i < 2; i++) {
		params.adopt_any_size = i == 1;
		rig->mode_err = i == 0 ? PF_E_UNSUPPORTED : PF_E_IO;
		rig->n_outputs = 1;
		assert_int_equal(session_create(&s, &params, &why), PF_OK);
		assert_string_equal(rig->inject_output, "first");
		assert_int_equal(session_mode(s).width, 1280);
		done(s);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_mode_in_place_keeps_all),
		TEST(another_node_is_another_capture),
		TEST(a_mode_before_the_start_starts_nothing),
		TEST(input_follows_to_another_output),
		TEST(a_node_that_is_replaced_ends_nothing),
		TEST(a_loss_on_the_way_is_told),
		TEST(what_cannot_follow_is_named),
		TEST(a_session_that_is_being_made_loses_nothing),
		TEST(a_display_that_cannot_change_is_kept_as_it_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
