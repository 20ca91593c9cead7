/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/session/kept.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/config/config.h"
#include "host/host.h"
#include "host/media/clock.h"

struct place {
	uint8_t fp[KEPT_FP_LEN];
	struct vdisplay_output output;
	uint64_t until_ns;
	char name[65];
};

struct kept {
	struct host *host;
	struct loop_source *timer;
	struct place places[KEPT_MAX]; /* the oldest first: the grace is the same for all */
	size_t n;
};

static void rearm(struct kept *k)
{
	loop_set_deadline(k->timer, k->n ? k->places[0].until_ns : UINT64_MAX);
}

static void cut_out(struct kept *k, size_t i)
{
	k->n--;
	memmove(&k->places[i], &k->places[i + 1], (k->n - i) * sizeof(k->places[0]));
	rearm(k);
}

static void drop(struct kept *k, size_t i, const char *why)
{
	struct place gone = k->places[i];
	cut_out(k, i);
	log_info("session: %s: the display that was kept goes: %s", gone.name, why);
	vdisplay_remove_output(k->host->vdisplay, &gone.output);
}

static void on_timer(void *userdata)
{
	struct kept *k = userdata;
	while (k->n && k->places[0].until_ns <= clock_now_ns())
		drop(k, 0, "its client did not come back");
	rearm(k);
}

int kept_create(struct kept **out, struct host *host)
{
	struct kept *k = calloc(1, sizeof(*k));
	if (!k)
		return PF_E_NOMEM;
	k->host = host;
	int err = loop_add_timer(host->loop, &k->timer, on_timer, k);
	if (err < 0) {
		kept_destroy(k);
		return err;
	}
	*out = k;
	return PF_OK;
}

void kept_destroy(struct kept *k)
{
	if (!k)
		return;
	while (k->n)
		drop(k, 0, "the host is shutting down");
	loop_remove(&k->timer);
	free(k);
}

/* KEPT_MAX when there is none. */
static size_t find(const struct kept *k, const uint8_t *fp)
{
	for (size_t i = 0; i < k->n; i++)
		if (!memcmp(k->places[i].fp, fp, KEPT_FP_LEN))
			return i;
	return KEPT_MAX;
}

void kept_put(struct kept *k, const uint8_t fp[static KEPT_FP_LEN],
	const struct vdisplay_output *output, const char *name)
{
	uint32_t grace_s = k->host->config->grace;
	kept_drop(k, fp, "the client left another one");
	if (k->n == KEPT_MAX)
		kept_drop_oldest(k);
	struct place *p = &k->places[k->n++];
	memcpy(p->fp, fp, sizeof(p->fp));
	p->output = *output;
	p->until_ns = clock_now_ns() + grace_s * 1000000000ull;
	snprintf(p->name, sizeof(p->name), "%s", name);
	rearm(k);
	log_info("session: %s: the display is kept for %u s", name, grace_s);
	vdisplay_show_output(k->host->vdisplay, &p->output, false);
}

bool kept_take(struct kept *k, const uint8_t fp[static KEPT_FP_LEN], struct vdisplay_output *output)
{
	size_t i = find(k, fp);
	if (i == KEPT_MAX)
		return false;
	*output = k->places[i].output;
	cut_out(k, i);
	return true;
}

bool kept_has(const struct kept *k, const uint8_t fp[static KEPT_FP_LEN])
{
	return find(k, fp) != KEPT_MAX;
}

void kept_drop(struct kept *k, const uint8_t fp[static KEPT_FP_LEN], const char *why)
{
	size_t i = find(k, fp);
	if (i != KEPT_MAX)
		drop(k, i, why);
}

bool kept_drop_oldest(struct kept *k)
{
	if (!k->n)
		return false;
	drop(k, 0, "another client needs its place");
	return true;
}

size_t kept_count(const struct kept *k)
{
	return k->n;
}

void kept_forget_lost(struct kept *k)
{
	struct vdisplay *v = k->host->vdisplay;
	for (size_t i = k->n; i--;)
		if (!vdisplay_has_output(v, &k->places[i].output))
			drop(k, i, "its desktop went away");
}
