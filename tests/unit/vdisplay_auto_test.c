/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/vdisplay/detect.h"
#include "host/vdisplay/vdisplay.h"

/* auto over a registry of the test's own (--wrap=vdisplay_at), with the hints and the time that it says. */

#define N_FAKES 3
static struct fake {
	int found, create_err, add_err;
	bool sees_own;
	unsigned rank, n_probes, n_created, n_alive, n_outputs;
	uint64_t probe_takes_ns, create_takes_ns;
	struct vdisplay *newest;
	uint8_t owner;
} fakes[N_FAKES];

static const struct vdisplay_impl impls[N_FAKES];
static uint64_t now_ns;

const struct vdisplay_impl *__wrap_vdisplay_at(size_t i);
unsigned __wrap_detect_rank(const struct detect *d, const char *backend);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ts);

const struct vdisplay_impl *__wrap_vdisplay_at(size_t i)
{
	return i < N_FAKES ? &impls[i] : NULL;
}

static struct fake *fake_of(const struct vdisplay_impl *impl)
{
	return &fakes[impl - impls];
}

unsigned __wrap_detect_rank(const struct detect *d, const char *backend)
{
	(void)d;
	for (size_t i = 0; i < N_FAKES; i++)
		if (!strcmp(impls[i].name, backend))
			return fakes[i].rank;
	return 0;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
	(void)clock;
	*ts = (struct timespec){(time_t)(now_ns / 1000000000u), (long)(now_ns % 1000000000u)};
	return 0;
}

static int probe(struct fake *f, const struct vdisplay_params *params, char *note)
{
	(void)params;
	f->n_probes++;
	now_ns += f->probe_takes_ns;
	snprintf(note, VDISPLAY_NOTE_LEN, "note of \033[1m%d", (int)(f - fakes));
	return f->found;
}

static int probe_first(const struct vdisplay_params *p, char *note)
{
	return probe(&fakes[0], p, note);
}

static int probe_second(const struct vdisplay_params *p, char *note)
{
	return probe(&fakes[1], p, note);
}

static int probe_third(const struct vdisplay_params *p, char *note)
{
	return probe(&fakes[2], p, note);
}

static int create(struct vdisplay **out, const struct vdisplay_params *params, size_t i)
{
	struct fake *f = &fakes[i];
	now_ns += f->create_takes_ns;
	if (f->create_err)
		return f->create_err;
	struct vdisplay *v = calloc(1, sizeof(*v));
	assert_non_null(v);
	v->impl = &impls[i];
	v->params = *params;
	f->n_created++;
	f->n_alive++;
	f->sees_own = params->own_session;
	f->newest = *out = v;
	return PF_OK;
}

static int create_first(struct vdisplay **out, const struct vdisplay_params *p)
{
	return create(out, p, 0);
}

static int create_second(struct vdisplay **out, const struct vdisplay_params *p)
{
	return create(out, p, 1);
}

static int create_third(struct vdisplay **out, const struct vdisplay_params *p)
{
	return create(out, p, 2);
}

static void destroy(struct vdisplay *v)
{
	fake_of(v->impl)->n_alive--;
	free(v);
}

static int add_output(
	struct vdisplay *v, uint32_t w, uint32_t h, uint32_t mhz, struct vdisplay_output *out)
{
	struct fake *f = fake_of(v->impl);
	if (f->add_err)
		return f->add_err;
	snprintf(out->name, sizeof(out->name), "%s-1", v->impl->name);
	out->width = w;
	out->height = h;
	out->refresh_mhz = mhz;
	f->n_outputs++;
	f->owner = v->has_owner ? v->owner[0] : 0;
	return PF_OK;
}

/* As GNOME's: at another rate it is another output. */
static int set_mode(
	struct vdisplay *v, struct vdisplay_output *out, uint32_t w, uint32_t h, uint32_t mhz)
{
	struct vdisplay_output anew = *out;
	if (mhz != out->refresh_mhz) {
		memset(&anew, 0, sizeof(anew));
		snprintf(anew.name, sizeof(anew.name), "%s-2", v->impl->name);
	}
	anew.width = w;
	anew.height = h;
	anew.refresh_mhz = mhz;
	*out = anew;
	return PF_OK;
}

static void remove_output(struct vdisplay *v, struct vdisplay_output *out)
{
	(void)out;
	fake_of(v->impl)->n_outputs--;
}

static const char *why(void)
{
	return "it did not want to";
}

static const char *why_output(const struct vdisplay *v)
{
	return fake_of(v->impl)->add_err ? "waits for somebody to allow it" : "";
}

#define COMMON \
	.destroy = destroy, .add_output = add_output, .set_mode = set_mode, \
	.remove_output = remove_output, .why = why, .why_output = why_output

static const struct vdisplay_impl impls[N_FAKES] = {
	{.name = "first",
		.compositor = 2,
		.own_session = true,
		.probe = probe_first,
		.create = create_first,
		COMMON},
	{.name = "second", .compositor = 3, .probe = probe_second, .create = create_second, COMMON},
	{.name = "third",
		.compositor = 1,
		.asks_person = true,
		.probe = probe_third,
		.create = create_third,
		COMMON},
};

static unsigned n_lost;

static void on_lost(const char *text, void *userdata)
{
	(void)text;
	(void)userdata;
	n_lost++;
}

static int setup(void **state)
{
	(void)state;
	memset(fakes, 0, sizeof(fakes));
	for (size_t i = 0; i < N_FAKES; i++)
		fakes[i].found = PF_E_NO_FRAME;
	fakes[0].found = VDISPLAY_STARTS;
	now_ns = 1000000000000ull;
	n_lost = 0;
	return 0;
}

static struct vdisplay *make_params(const struct vdisplay_params *params)
{
	struct vdisplay *v = NULL;
	const char *text = NULL;
	assert_int_equal(vdisplay_create(&v, "auto", params, &text), PF_OK);
	return v;
}

static struct vdisplay *make(void)
{
	const struct vdisplay_params params = {.on_lost = on_lost};
	return make_params(&params);
}

static struct vdisplay_output add(struct vdisplay *v, const char *where)
{
	struct vdisplay_output o;
	assert_int_equal(vdisplay_add_output(v, 1280, 720, VDISPLAY_MHZ(60), &o), PF_OK);
	assert_int_equal(strncmp(o.name, where, strlen(where)), 0);
	return o;
}

static void done(struct vdisplay *v)
{
	vdisplay_destroy(v);
	for (size_t i = 0; i < N_FAKES; i++)
		assert_int_equal(fakes[i].n_alive, 0);
}

static void where_none_runs_there_is_one_of_our_own(void **state)
{
	(void)state;
	struct vdisplay *v = make();
	assert_int_equal(fakes[0].n_created, 1);
	assert_true(fakes[0].sees_own);
	struct vdisplay_output o = add(v, "first");
	assert_int_equal(o.compositor, 2);
	vdisplay_remove_output(v, &o);
	assert_int_equal(fakes[0].n_outputs, 0);
	done(v);
}

static void an_output_that_is_made_anew_stays_where_it_was(void **state)
{
	(void)state;
	struct vdisplay *v = make();
	struct vdisplay_output o = add(v, "first");
	assert_int_equal(vdisplay_set_mode(v, &o, 1280, 720, VDISPLAY_MHZ(30)), PF_OK);
	assert_string_equal(o.name, "first-2");
	assert_int_equal(o.compositor, 2);
	assert_true(vdisplay_has_output(v, &o));
	assert_int_equal(vdisplay_set_mode(v, &o, 800, 600, VDISPLAY_MHZ(30)), PF_OK);
	vdisplay_remove_output(v, &o);
	assert_int_equal(fakes[0].n_outputs, 0);
	done(v);
}

static void a_desktop_that_appears_is_the_next_sessions(void **state)
{
	(void)state;
	struct vdisplay *v = make();
	struct vdisplay_output own = add(v, "first");
	fakes[1].found = VDISPLAY_RUNS; /* somebody logged in */
	struct vdisplay_output theirs = add(v, "second");
	assert_int_equal(theirs.compositor, 3);
	/* The first session stays where it is, and each goes to its own. */
	assert_true(vdisplay_has_output(v, &own));
	assert_int_equal(vdisplay_set_mode(v, &own, 800, 600, VDISPLAY_MHZ(60)), PF_OK);
	fakes[1].found = PF_E_NO_FRAME; /* and out again */
	struct vdisplay_output again = add(v, "first");
	assert_int_equal(fakes[0].n_created, 1);
	assert_int_equal(fakes[0].n_outputs, 2);
	assert_int_equal(fakes[1].n_outputs, 1);
	vdisplay_remove_output(v, &own);
	vdisplay_remove_output(v, &again);
	vdisplay_remove_output(v, &theirs);
	assert_int_equal(fakes[0].n_outputs + fakes[1].n_outputs, 0);
	done(v);
}

static void the_one_that_is_looked_at_comes_first(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_FAKES; i++)
		fakes[i].found = VDISPLAY_RUNS;
	struct vdisplay *v = make();
	struct vdisplay_output o = add(v, "first");
	assert_false(fakes[0].sees_own);
	vdisplay_remove_output(v, &o);
	fakes[1].rank = 2;
	o = add(v, "second");
	vdisplay_remove_output(v, &o);
	fakes[2].rank = 4;
	o = add(v, "third");
	vdisplay_remove_output(v, &o);
	/* Of equals, not the one that asks somebody. */
	fakes[0].found = PF_E_NO_FRAME;
	fakes[1].rank = fakes[2].rank = 0;
	o = add(v, "second");
	vdisplay_remove_output(v, &o);
	done(v);
}

static void what_refuses_is_passed_over(void **state)
{
	(void)state;
	fakes[1].found = fakes[2].found = VDISPLAY_RUNS;
	fakes[1].create_err = PF_E_IO;
	struct vdisplay *v = make();
	struct vdisplay_output o = add(v, "third");
	vdisplay_remove_output(v, &o);
	fakes[2].add_err = PF_E_UNSUPPORTED;
	o = add(v, "first");
	assert_true(fakes[0].sees_own);
	vdisplay_remove_output(v, &o);
	/* What may go well in a moment is no reason to go elsewhere. */
	fakes[2].add_err = PF_E_BUSY;
	assert_int_equal(vdisplay_add_output(v, 1280, 720, VDISPLAY_MHZ(60), &o), PF_E_BUSY);
	assert_string_equal(vdisplay_why_output(v), "waits for somebody to allow it");
	assert_string_equal(o.name, "");
	done(v);
}

static void one_that_is_forced_is_the_only_one(void **state)
{
	(void)state;
	const struct vdisplay_params params = {.compositor = "second"},
				     unknown = {.compositor = "sixth"};
	struct vdisplay *v = NULL;
	const char *text = NULL;
	assert_int_equal(vdisplay_create(&v, "auto", &params, &text), PF_E_UNSUPPORTED);
	assert_string_equal(text, "note of ?[1m1");
	assert_int_equal(fakes[0].n_probes + fakes[0].n_created, 0);
	fakes[0].found = fakes[1].found = VDISPLAY_RUNS;
	v = make_params(&params);
	struct vdisplay_output o = add(v, "second");
	vdisplay_remove_output(v, &o);
	done(v);
	assert_int_equal(vdisplay_create(&v, "auto", &unknown, &text), PF_E_UNSUPPORTED);
	assert_non_null(strstr(text, "sixth"));
}

static void own_session_uses_nothing_that_runs(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_FAKES; i++)
		fakes[i].found = VDISPLAY_RUNS;
	const struct vdisplay_params params = {.own_session = true};
	struct vdisplay *v = make_params(&params);
	assert_true(fakes[0].sees_own);
	assert_int_equal(fakes[1].n_probes + fakes[1].n_created, 0);
	fakes[0].create_err = PF_E_IO;
	done(v);
	const char *text = NULL;
	assert_int_equal(vdisplay_create(&v, "auto", &params, &text), PF_E_IO);
	assert_string_equal(text, "it did not want to");
}

static void a_loss_ends_what_was_on_that_desktop_only(void **state)
{
	(void)state;
	struct vdisplay *v = make();
	struct vdisplay_output own = add(v, "first");
	fakes[1].found = VDISPLAY_RUNS;
	struct vdisplay_output theirs = add(v, "second");
	struct vdisplay *lost = fakes[1].newest;
	lost->params.on_lost("gone", lost->params.userdata);
	assert_int_equal(n_lost, 1);
	assert_true(vdisplay_has_output(v, &own));
	assert_false(vdisplay_has_output(v, &theirs));
	assert_int_equal(vdisplay_set_mode(v, &theirs, 800, 600, VDISPLAY_MHZ(60)), PF_E_IO);
	assert_int_equal(vdisplay_open_eis(v, &theirs), PF_E_IO);
	/* It comes back as a new one; what sessions borrow of the old one lives until they end. */
	struct vdisplay_output next = add(v, "second");
	assert_int_equal(fakes[1].n_created, 2);
	assert_int_equal(fakes[1].n_alive, 2);
	const struct vdisplay_output copy = theirs;
	vdisplay_remove_output(v, &theirs);
	assert_int_equal(fakes[1].n_outputs, 2); /* the dead one was not asked */
	struct vdisplay_output after = add(v, "second");
	assert_int_equal(fakes[1].n_alive, 1);
	/* Of one that is gone altogether nothing is left to remove. */
	struct vdisplay_output stale = copy;
	vdisplay_remove_output(v, &stale);
	vdisplay_remove_output(v, &next);
	vdisplay_remove_output(v, &after);
	vdisplay_remove_output(v, &own);
	done(v);
}

static void what_hangs_is_left_alone_for_a_moment(void **state)
{
	(void)state;
	fakes[1].found = PF_E_TIMEOUT;
	fakes[1].probe_takes_ns = 950000000;
	struct vdisplay *v = make();
	assert_int_equal(fakes[1].n_probes, 1);
	struct vdisplay_output o = add(v, "first");
	assert_int_equal(fakes[1].n_probes, 1);
	vdisplay_remove_output(v, &o);
	now_ns += 10000000000ull;
	fakes[1].found = VDISPLAY_RUNS;
	fakes[1].probe_takes_ns = 1000000;
	o = add(v, "second");
	vdisplay_remove_output(v, &o);
	done(v);
}

/* Each try would hold every client. */
static void what_is_slow_is_left_alone_too(void **state)
{
	(void)state;
	fakes[1].probe_takes_ns = 950000000; /* and then there is none */
	struct vdisplay *v = make();
	struct vdisplay_output o = add(v, "first");
	vdisplay_remove_output(v, &o);
	assert_int_equal(fakes[1].n_probes, 1);
	assert_int_equal(fakes[2].n_probes, 2);
	now_ns += 10000000000ull;
	/* It is there, and its making hangs, or takes as long as if it did. */
	static const int errs[] = {PF_E_TIMEOUT, PF_E_IO};
	for (size_t i = 0; i < 2; i++) {
		const unsigned before = fakes[1].n_probes;
		fakes[1].found = VDISPLAY_RUNS;
		fakes[1].probe_takes_ns = 0;
		fakes[1].create_err = errs[i];
		fakes[1].create_takes_ns = errs[i] == PF_E_IO ? 950000000 : 0;
		for (int n = 0; n < 2; n++) {
			o = add(v, "first");
			vdisplay_remove_output(v, &o);
			assert_int_equal(fakes[1].n_probes, before + 1);
		}
		now_ns += 10000000000ull;
	}
	done(v);
}

/* Nothing of our own is started beside it, and the words say what is the matter, also while it rests. */
static void a_named_desktop_that_hangs_is_missed(void **state)
{
	(void)state;
	const struct vdisplay_params params = {.compositor = "first"};
	struct vdisplay_output o;
	fakes[0].found = VDISPLAY_RUNS;
	struct vdisplay *v = make_params(&params);
	fakes[0].found = PF_E_TIMEOUT;
	fakes[0].probe_takes_ns = 950000000;
	assert_int_equal(vdisplay_add_output(v, 1280, 720, VDISPLAY_MHZ(60), &o), PF_E_UNSUPPORTED);
	assert_non_null(strstr(vdisplay_why_output(v), "note of"));
	assert_int_equal(vdisplay_add_output(v, 1280, 720, VDISPLAY_MHZ(60), &o), PF_E_UNSUPPORTED);
	assert_non_null(strstr(vdisplay_why_output(v), "does not answer"));
	assert_int_equal(fakes[0].n_created, 1);
	now_ns += 10000000000ull;
	fakes[0].found = VDISPLAY_RUNS;
	o = add(v, "first");
	vdisplay_remove_output(v, &o);
	done(v);
}

static void the_owner_goes_with_the_output(void **state)
{
	(void)state;
	struct vdisplay *v = make();
	uint8_t owner[VDISPLAY_OWNER_LEN] = {7};
	vdisplay_set_owner(v, owner);
	struct vdisplay_output o = add(v, "first");
	assert_int_equal(fakes[0].owner, 7);
	vdisplay_remove_output(v, &o);
	vdisplay_set_owner(v, NULL);
	o = add(v, "first");
	assert_int_equal(fakes[0].owner, 0);
	vdisplay_remove_output(v, &o);
	done(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(where_none_runs_there_is_one_of_our_own, setup),
		cmocka_unit_test_setup(an_output_that_is_made_anew_stays_where_it_was, setup),
		cmocka_unit_test_setup(a_desktop_that_appears_is_the_next_sessions, setup),
		cmocka_unit_test_setup(the_one_that_is_looked_at_comes_first, setup),
		cmocka_unit_test_setup(what_refuses_is_passed_over, setup),
		cmocka_unit_test_setup(one_that_is_forced_is_the_only_one, setup),
		cmocka_unit_test_setup(own_session_uses_nothing_that_runs, setup),
		cmocka_unit_test_setup(a_loss_ends_what_was_on_that_desktop_only, setup),
		cmocka_unit_test_setup(what_hangs_is_left_alone_for_a_moment, setup),
		cmocka_unit_test_setup(what_is_slow_is_left_alone_too, setup),
		cmocka_unit_test_setup(a_named_desktop_that_hangs_is_missed, setup),
		cmocka_unit_test_setup(the_owner_goes_with_the_output, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
