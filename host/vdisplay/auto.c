/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/vdisplay/auto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/wire/handshake.h"
#include "host/base/log.h"
#include "host/media/clock.h"
#include "host/vdisplay/detect.h"
#include "host/vdisplay/vdisplay.h"

/*
 * The desktops of a machine as they come and go: each output is made on what is best at that time, and what was made
 * stays where it is.
 */

/* Each backend twice, as running and as our own, and as many that were lost and still have outputs to give back. */
#define MAX_CHILDREN   32u
#define MAX_CANDIDATES 16u

/* What took so long hangs, and is left alone for a while: each try holds the control loop and every client with it. */
#define SLOW_NS 900000000ull
#define REST_NS 5000000000ull

#define DIR_LEN 108u /* of sockets, with their names */
#define WHY_LEN 704u /* the last words of a compositor among them */

struct child {
	struct desktops *all;
	struct vdisplay *v;
	uint32_t home;
	bool own;  /* a session that we started */
	bool lost; /* it goes when the last output was given back */
	unsigned n_outputs;
};

struct desktops {
	struct vdisplay base;
	const char *only;
	struct child *children[MAX_CHILDREN];
	const struct child *newest; /* that an output was made on */
	uint32_t next_home;
	uint64_t rest_until_ns[MAX_CANDIDATES];
	char why[WHY_LEN];
};

struct candidate {
	const struct vdisplay_impl *impl;
	size_t at; /* in the registry */
	bool own;
	unsigned rank;
};

static char why_text[WHY_LEN]; /* of create(); Thread: the control loop */

static struct desktops *from_base(const struct vdisplay *base)
{
	pf_check(base->impl == &vdisplay_auto_impl);
	return (struct desktops *)base;
}

static void on_child_lost(const char *why, void *userdata)
{
	struct child *c = userdata;
	struct desktops *d = c->all;
	c->lost = true;
	if (d->newest == c)
		d->newest = NULL;
	if (d->base.params.on_lost)
		d->base.params.on_lost(why, d->base.params.userdata);
}

static struct child *find_child(const struct desktops *d, const struct candidate *want)
{
	for (size_t i = 0; i < MAX_CHILDREN; i++) {
		struct child *c = d->children[i];
		if (c && !c->lost && c->v->impl == want->impl && c->own == want->own)
			return c;
	}
	return NULL;
}

static struct child *home_of(const struct desktops *d, const struct vdisplay_output *output)
{
	for (size_t i = 0; i < MAX_CHILDREN; i++)
		if (d->children[i] && d->children[i]->home == output->home)
			return d->children[i];
	return NULL;
}

/* As home_of(), where it can still do something for the output. */
static struct child *living_home_of(const struct desktops *d, const struct vdisplay_output *output)
{
	struct child *c = home_of(d, output);
	return c && !c->lost ? c : NULL;
}

/* Not when they are lost: that is told from inside of them, and sessions still borrow from their outputs. */
static void sweep(struct desktops *d)
{
	for (size_t i = 0; i < MAX_CHILDREN; i++) {
		struct child *c = d->children[i];
		if (!c || !c->lost || c->n_outputs)
			continue;
		vdisplay_destroy(c->v);
		free(c);
		d->children[i] = NULL;
	}
}

static int make_child(struct desktops *d, const struct candidate *want, struct child **out)
{
	size_t i = 0;
	while (i < MAX_CHILDREN && d->children[i])
		i++;
	snprintf(d->why, sizeof(d->why), "the host is out of memory");
	struct child *c = i < MAX_CHILDREN ? calloc(1, sizeof(*c)) : NULL;
	if (!c)
		return PF_E_NOMEM;
	c->all = d;
	c->own = want->own;
	c->home = ++d->next_home;
	struct vdisplay_params params = d->base.params;
	params.own_session = want->own;
	params.compositor = NULL;
	params.on_lost = on_child_lost;
	params.userdata = c;
	const uint64_t start_ns = clock_now_ns();
	const int err = want->impl->create(&c->v, &params);
	if (err < 0) {
		const char *why = want->impl->why ? want->impl->why() : pf_strerror(err);
		snprintf(d->why, sizeof(d->why), "%s", why);
		if (err == PF_E_TIMEOUT || (!want->own && clock_now_ns() - start_ns > SLOW_NS))
			d->rest_until_ns[want->at] = clock_now_ns() + REST_NS;
		free(c);
		return err;
	}
	d->children[i] = *out = c;
	return PF_OK;
}

static int probe(struct desktops *d, size_t at, unsigned rank)
{
	char note[VDISPLAY_NOTE_LEN];
	const struct vdisplay_impl *impl = vdisplay_at(at);
	const uint64_t start_ns = clock_now_ns();
	if (start_ns < d->rest_until_ns[at]) {
		if (d->only)
			snprintf(d->why, sizeof(d->why),
				"%s does not answer; it is asked again within %u s", impl->name,
				(unsigned)(REST_NS / 1000000000u));
		return PF_E_TIMEOUT;
	}
	const int found = vdisplay_probe(impl, &d->base.params, note);
	if (found == PF_E_TIMEOUT || clock_now_ns() - start_ns > SLOW_NS)
		d->rest_until_ns[at] = clock_now_ns() + REST_NS;
	if (found < 0)
		log_write(rank || d->only ? LOG_WARN : LOG_DEBUG, "desktop: not %s: %s", impl->name,
			*note ? note : pf_strerror(found));
	/* Meant, and not running or hanging: what is used instead is an empty one. */
	if (found == VDISPLAY_STARTS && impl->own_session && rank)
		log_warn("desktop: %s", note);
	if (found < 0 && (d->only || !d->why[0]))
		snprintf(d->why, sizeof(d->why), "%s", *note ? note : pf_strerror(found));
	return found;
}

/* The better one first; of equals the one that the registry has first. */
static void insert(struct candidate *list, size_t *n, struct candidate c)
{
	if (*n == MAX_CANDIDATES)
		return;
	size_t i = (*n)++;
	for (; i && list[i - 1].rank < c.rank; i--)
		list[i] = list[i - 1];
	list[i] = c;
}

#define RANK_RUNS 100u /* what runs comes before what could be started */
#define RANK_OWN  10u

unsigned auto_rank(const struct vdisplay_impl *impl, bool own, int found, unsigned hint)
{
	if (own) /* also when it cannot: then it says what to install */
		return impl->own_session ? RANK_OWN : 0;
	if (found == VDISPLAY_RUNS)
		return RANK_RUNS + 10 * hint + !impl->asks_person;
	return found == VDISPLAY_STARTS && !impl->own_session;
}

static size_t find_candidates(struct desktops *d, struct candidate *list)
{
	struct detect hints;
	size_t n = 0;
	detect_read(&hints, d->base.params.user);
	for (size_t i = 0; vdisplay_at(i) && i < MAX_CANDIDATES; i++) {
		const struct vdisplay_impl *impl = vdisplay_at(i);
		if (impl == &vdisplay_none_impl || (!d->only && impl->by_name_only) ||
			(d->only && strcmp(impl->name, d->only) != 0))
			continue;
		const unsigned hint = detect_rank(&hints, impl->name);
		const int found = d->base.params.own_session ? 0 : probe(d, i, hint);
		for (int own = 0; own < 2; own++) {
			/* Who names a desktop that hangs wants that one, and no empty one beside it. */
			if (own && d->only && found == PF_E_TIMEOUT)
				continue;
			const unsigned rank = auto_rank(impl, own, found, hint);
			if (rank)
				insert(list, &n, (struct candidate){impl, i, own, rank});
		}
	}
	return n;
}

/* What keeps every desktop of somebody's from being found; false: nothing does. */
static bool runtime_is_bad(const struct desktops *d, char *why, size_t cap)
{
	char dir[DIR_LEN];
	const char *given = getenv("XDG_RUNTIME_DIR");
	/* A system service has none, and finds the desktop of the user that it is told. */
	if (d->base.params.own_session || (geteuid() == 0 && !(given && *given)))
		return false;
	return detect_runtime_dir(d->base.params.user, dir, sizeof(dir), why, cap) < 0;
}

/* Goes on behind *next. Returns an error, with why in d->why, when there is nothing left. */
static int pick(struct desktops *d, const struct candidate *list, size_t n, size_t *next,
	struct child **out)
{
	int err = PF_E_UNSUPPORTED;
	while (*next < n) {
		const struct candidate *want = &list[(*next)++];
		*out = find_child(d, want);
		err = *out ? PF_OK : make_child(d, want, out);
		if (err >= 0)
			return PF_OK;
		if (*next < n)
			log_warn("desktop: %s is not used: %s",
				want->own ? "a session of our own" : want->impl->name, d->why);
	}
	if (!d->why[0])
		snprintf(d->why, sizeof(d->why),
			"%s%.40s%s: install the packages that scripts/deps lists and build again, "
			"or "
			"stream a test picture with --source synthetic",
			d->only ? "this build knows no '" : "this build knows no desktop",
			d->only ? d->only : "", d->only ? "'" : "");
	char why[WHY_LEN];
	const size_t len = strlen(d->why);
	if (runtime_is_bad(d, why, sizeof(why)))
		snprintf(d->why + len, sizeof(d->why) - len, "; %s", why);
	return err;
}

static void note_choice(struct desktops *d, const struct child *c)
{
	if (d->newest != c)
		log_info(
			"desktop: %s%s", c->v->impl->name, c->own ? " (a session of our own)" : "");
	d->newest = c;
}

static void destroy(struct vdisplay *base)
{
	struct desktops *d = from_base(base);
	for (size_t i = 0; i < MAX_CHILDREN; i++) {
		if (d->children[i])
			vdisplay_destroy(d->children[i]->v);
		free(d->children[i]);
	}
	free(d);
}

/* Finds or starts the first one, so that a host that could show nobody anything says so when it starts. */
static int create(struct vdisplay **out, const struct vdisplay_params *params)
{
	struct desktops *d = calloc(1, sizeof(*d));
	snprintf(why_text, sizeof(why_text), "the host is out of memory");
	if (!d)
		return PF_E_NOMEM;
	d->base.impl = &vdisplay_auto_impl;
	d->base.params = *params;
	d->only = params->compositor;

	struct candidate list[MAX_CANDIDATES];
	struct child *c;
	char why[WHY_LEN];
	size_t next = 0;
	if (runtime_is_bad(d, why, sizeof(why)))
		log_warn("desktop: %s", why);
	const size_t n = find_candidates(d, list);
	const int err = pick(d, list, n, &next, &c);
	if (err < 0) {
		snprintf(why_text, sizeof(why_text), "%s", d->why);
		destroy(&d->base);
		return err;
	}
	note_choice(d, c);
	*out = &d->base;
	return PF_OK;
}

static int add_on(struct child *c, uint32_t width, uint32_t height, uint32_t refresh_mhz,
	struct vdisplay_output *out)
{
	struct desktops *d = c->all;
	vdisplay_set_owner(c->v, d->base.has_owner ? d->base.owner : NULL);
	const int err = vdisplay_add_output(c->v, width, height, refresh_mhz, out);
	if (err < 0) {
		const char *why = vdisplay_why_output(c->v);
		snprintf(d->why, sizeof(d->why), "%s", why ? why : "");
		return err;
	}
	out->home = c->home;
	c->n_outputs++;
	note_choice(d, c);
	return PF_OK;
}

static int add_output(struct vdisplay *base, uint32_t width, uint32_t height, uint32_t refresh_mhz,
	struct vdisplay_output *out)
{
	struct desktops *d = from_base(base);
	struct candidate list[MAX_CANDIDATES];
	struct child *c;
	size_t next = 0;
	sweep(d);
	d->why[0] = 0;
	const size_t n = find_candidates(d, list);
	for (;;) {
		int err = pick(d, list, n, &next, &c);
		if (err < 0) {
			log_error("desktop: %s", d->why);
			return err;
		}
		err = add_on(c, width, height, refresh_mhz, out);
		/* It cannot, whoever asks; what it may be able to do later is no reason for another desktop. */
		if (err != PF_E_UNSUPPORTED || next == n)
			return err;
		log_warn("desktop: %s makes no display: %s", c->v->impl->name,
			*d->why ? d->why : pf_strerror(err));
	}
}

static const char *why_output(const struct vdisplay *base)
{
	return from_base(base)->why;
}

static bool has_output(const struct vdisplay *base, const struct vdisplay_output *output)
{
	const struct child *c = living_home_of(from_base(base), output);
	return c && vdisplay_has_output(c->v, output);
}

static int set_mode(struct vdisplay *base, struct vdisplay_output *output, uint32_t width,
	uint32_t height, uint32_t refresh_mhz)
{
	const struct child *c = living_home_of(from_base(base), output);
	return c ? c->v->impl->set_mode(c->v, output, width, height, refresh_mhz) : PF_E_IO;
}

static void remove_output(struct vdisplay *base, struct vdisplay_output *output)
{
	struct child *c = home_of(from_base(base), output);
	if (!c)
		return;
	pf_check(c->n_outputs);
	c->n_outputs--;
	if (!c->lost)
		vdisplay_remove_output(c->v, output);
}

static void show_output(struct vdisplay *base, const struct vdisplay_output *output, bool shown)
{
	const struct child *c = living_home_of(from_base(base), output);
	if (c)
		vdisplay_show_output(c->v, output, shown);
}

static int claim_windows(struct vdisplay *base, const struct vdisplay_output *output, int pid)
{
	const struct child *c = living_home_of(from_base(base), output);
	return c ? vdisplay_claim_windows(c->v, output, pid) : PF_E_INVALID;
}

static int open_eis(struct vdisplay *base, const struct vdisplay_output *output)
{
	const struct child *c = living_home_of(from_base(base), output);
	return c ? vdisplay_open_eis(c->v, output) : PF_E_IO;
}

static int open_node(struct vdisplay *base, const struct vdisplay_output *output)
{
	const struct child *c = living_home_of(from_base(base), output);
	return c ? vdisplay_open_node(c->v, output) : PF_E_IO;
}

static const char *why(void)
{
	return why_text;
}

const struct vdisplay_impl vdisplay_auto_impl = {
	.name = "auto",
	.compositor = PF_COMPOSITOR_AUTO,
	.create = create,
	.destroy = destroy,
	.add_output = add_output,
	.set_mode = set_mode,
	.remove_output = remove_output,
	.show_output = show_output,
	.claim_windows = claim_windows,
	.open_eis = open_eis,
	.open_node = open_node,
	.why = why,
	.why_output = why_output,
	.has_output = has_output,
};
