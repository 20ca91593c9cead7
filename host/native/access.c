/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/native/access.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/config/config.h"
#include "host/ctl/ctl.h"
#include "host/host.h"
#include "host/media/clock.h"
#include "host/native/clip.h"
#include "host/native/control.h"
#include "host/native/internal.h"
#include "host/native/native.h"

#define SECOND_NS 1000000000ull
/* While somebody's access has an end, the wall clock is looked at so often: it may be set meanwhile. */
#define RECHECK_NS (5 * SECOND_NS)
/* A clock this far behind the pairing is wrong, and with it every date that is not over yet. */
#define CLOCK_SLACK_S 86400
/* A date may be any number; of nanoseconds, and of the wire's seconds, there is no end of room. */
#define LEFT_MAX_S (100ll * 365 * 86400)
/* A client hears that its access ends while so much of it is left, as a person would want to. */
#define FIRST_WARNING_S 300u
#define LAST_WARNING_S	60u

static int64_t now_s(void)
{
	return (int64_t)(clock_realtime_ns() / SECOND_NS);
}

/* Is it in for a time? */
static bool has_end(const struct native_client *c)
{
	return c->access_ends_ns != UINT64_MAX && c->state != CLIENT_ENDING;
}

static bool has_session(const struct native_client *c)
{
	return c->session && c->state != CLIENT_ENDING;
}

static bool is_over(const struct trust_client *t)
{
	return t->expires_s && (now_s() >= t->expires_s || now_s() < t->paired_s - CLOCK_SLACK_S);
}

/* Only for one that is not over. */
static uint64_t end_of(const struct trust_client *t)
{
	int64_t left_s = t->expires_s - now_s();
	if (!t->expires_s)
		return UINT64_MAX;
	return clock_now_ns() + (uint64_t)(left_s < LEFT_MAX_S ? left_s : LEFT_MAX_S) * SECOND_NS;
}

uint32_t access_left_s(const struct native_client *c)
{
	if (c->access_ends_ns == UINT64_MAX)
		return 0;
	uint64_t now_ns = clock_now_ns();
	/* 0 would say "never". */
	return c->access_ends_ns > now_ns
		? (uint32_t)((c->access_ends_ns - now_ns + SECOND_NS - 1) / SECOND_NS)
		: 1;
}

uint8_t access_input_grant(const struct pf_input *event)
{
	switch (event->kind) {
	case PF_INPUT_KEY_DOWN:
	case PF_INPUT_KEY_UP:
	case PF_INPUT_TEXT:
		return PF_GRANT_KEYBOARD;
	case PF_INPUT_PAD_BUTTON:
	case PF_INPUT_PAD_AXIS:
	case PF_INPUT_PAD_SNAPSHOT:
	case PF_INPUT_PAD_REMOVED:
	case PF_INPUT_PAD_ARRIVED:
		return PF_GRANT_GAMEPAD;
	default: /* pointer, wheel, touch */
		return PF_GRANT_POINTER;
	}
}

/* --- time --- */

/* Due is the warning after those that the time left has passed already: what is told says that much itself. */
static void plan_warning(struct native_client *c)
{
	const uint64_t ends_ns = c->access_ends_ns, now_ns = clock_now_ns();
	c->access_warn_ns = UINT64_MAX;
	if (ends_ns == UINT64_MAX)
		return;
	if (ends_ns > now_ns + FIRST_WARNING_S * SECOND_NS)
		c->access_warn_ns = ends_ns - FIRST_WARNING_S * SECOND_NS;
	else if (ends_ns > now_ns + LAST_WARNING_S * SECOND_NS)
		c->access_warn_ns = ends_ns - LAST_WARNING_S * SECOND_NS;
}

void access_rearm(struct access *a)
{
	uint64_t at = knocks_deadline(&a->knocks), recheck = clock_now_ns() + RECHECK_NS;
	for (struct native_client *c = a->native->clients; c; c = c->next) {
		if (!has_end(c))
			continue;
		at = c->access_ends_ns < at ? c->access_ends_ns : at;
		at = c->access_warn_ns < at ? c->access_warn_ns : at;
		at = recheck < at ? recheck : at;
	}
	loop_set_deadline(a->timer, at);
}

static void end_expired(struct access *a)
{
	for (struct native_client *c = a->native->clients; c; c = c->next) {
		if (!has_end(c))
			continue;
		const struct trust_client *t = c->has_fp ? trust_find(a->trust, c->fp) : NULL;
		if (clock_now_ns() >= c->access_ends_ns || (t && is_over(t)))
			native_end(c, PF_CLOSE_ACCESS_EXPIRED,
				"the time that this device was given is over");
	}
}

uint8_t access_told(const struct native_client *c)
{
	const bool view_only = c->session && session_input_caps(c->session).view_only;
	return view_only ? c->grants & (uint8_t) ~(PF_GRANT_POINTER | PF_GRANT_KEYBOARD)
			 : c->grants;
}

static void tell(struct native_client *c)
{
	struct pf_msg m = {.type = PF_MSG_ACCESS_UPDATE};
	m.access.grants = access_told(c);
	m.access.remaining_s = access_left_s(c);
	control_send(c, &m);
	clip_access(c);
}

static void warn_ending(struct access *a)
{
	for (struct native_client *c = a->native->clients; c; c = c->next) {
		if (c->access_warn_ns > clock_now_ns())
			continue;
		plan_warning(c);
		if (has_session(c))
			tell(c);
	}
}

static void on_timer(void *userdata)
{
	struct access *a = userdata;
	struct native_client *c;
	while ((c = knocks_expire(&a->knocks, clock_now_ns())))
		native_end(c, PF_CLOSE_APPROVAL_TIMEOUT, "nobody at the host let this device in");
	end_expired(a);
	warn_ending(a);
	access_rearm(a);
	native_flush(a->native);
}

/* --- changes of the list --- */

static void warn_problem(const struct access *a)
{
	if (trust_problem(a->trust))
		log_warn("trust: %s Until then no device counts as paired, and none can be added.",
			trust_problem(a->trust));
}

static void update(struct native_client *c, const struct trust_client *t)
{
	const uint8_t lost = c->grants & (uint8_t)~t->grants;
	if (is_over(t)) {
		native_end(
			c, PF_CLOSE_ACCESS_EXPIRED, "the time that this device was given is over");
		return;
	}
	if (c->grants == t->grants && c->access_expires_s == t->expires_s)
		return;
	/* Not anew for the same date: the wall clock may have been set back meanwhile. */
	if (c->access_expires_s != t->expires_s)
		c->access_ends_ns = end_of(t);
	plan_warning(c);
	c->access_expires_s = t->expires_s;
	c->grants = t->grants;
	if (lost)
		session_release_input(c->session);
	tell(c);
}

void access_apply(struct access *a)
{
	for (struct native_client *c = a->native->clients; c; c = c->next) {
		const struct trust_client *t = c->has_fp ? trust_find(a->trust, c->fp) : NULL;
		if (!has_session(c))
			continue;
		if (t)
			update(c, t);
		else if (a->native->host->config->require_pairing)
			native_end(c, PF_CLOSE_DENIED, "this device is not paired any more");
	}
	access_rearm(a);
	native_flush(a->native);
}

void access_refresh(struct access *a)
{
	uint8_t before[TRUST_MAX][PF_FINGERPRINT_LEN];
	const size_t n = trust_count(a->trust);
	for (size_t i = 0; i < n; i++)
		memcpy(before[i], trust_at(a->trust, i)->fp, sizeof(before[i]));
	if (!trust_refresh(a->trust))
		return;
	warn_problem(a);
	access_apply(a);
	for (size_t i = 0; i < n; i++)
		if (!trust_find(a->trust, before[i]))
			native_forget(a->native, before[i]);
}

static void on_watched(uint32_t events, void *userdata)
{
	struct access *a = userdata;
	_Alignas(struct inotify_event) char buf[4096];
	(void)events;
	while (read(a->watch, buf, sizeof(buf)) > 0)
		;
	access_refresh(a);
}

/* Without it a change by another program counts from the next Hello on, and running sessions miss it. */
static void watch_folder(struct access *a)
{
	const char *dir = a->native->host->config_dir;
	a->watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (a->watch >= 0 &&
		inotify_add_watch(a->watch, dir,
			IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB |
				IN_ONLYDIR) >= 0 &&
		loop_add_fd(a->native->host->loop, &a->watched, a->watch, EPOLLIN, on_watched, a) >=
			0)
		return;
	log_warn("trust: %s cannot be watched (%s): what other programs change there does not end "
		 "a running session",
		dir, strerror(errno));
}

unsigned access_expel(
	struct access *a, const uint8_t fp[static PF_FINGERPRINT_LEN], const char *reason)
{
	unsigned n = 0;
	for (struct native_client *c = a->native->clients; c; c = c->next) {
		if (c->state == CLIENT_ENDING || !c->has_fp ||
			memcmp(c->fp, fp, sizeof(c->fp)) != 0)
			continue;
		native_end(c, PF_CLOSE_DENIED, reason);
		n++;
	}
	native_forget(a->native, fp);
	native_flush(a->native);
	return n;
}

/* --- Hello --- */

/* Of IPv6 the first half, which is one household: as udp_addr_same_household() tells them apart. */
static void address_key(uint8_t out[static KNOCKS_ADDRESS_LEN], const union udp_addr *from)
{
	memset(out, 0, KNOCKS_ADDRESS_LEN);
	if (from->sa.sa_family == AF_INET6)
		memcpy(out, &from->in6.sin6_addr, 8);
	else
		memcpy(out + 12, &from->in4.sin_addr, 4);
}

static void park(struct access *a, struct native_client *c)
{
	struct knock k = {.parked = c};
	union udp_addr from = c->peer;
	void *superseded;
	udp_addr_unmap(&from, c->peer_len);
	memcpy(k.fp, c->fp, sizeof(k.fp));
	snprintf(k.name, sizeof(k.name), "%s", c->name);
	udp_addr_text(k.from, &c->peer);
	address_key(k.address, &c->peer);
	int err = knocks_add(&a->knocks, clock_now_ns(), &k, &superseded);
	if (err == PF_E_DENIED) {
		native_end(
			c, PF_CLOSE_DENIED, "the host's owner said no; ask again in ten minutes");
		return;
	}
	if (err < 0) {
		native_end(c, PF_CLOSE_RATE_LIMITED,
			"too many devices wait to be let in: try again in some minutes");
		return;
	}
	c->state = CLIENT_PARKED;
	loop_set_deadline(c->timer, UINT64_MAX);
	if (superseded)
		native_end(superseded, PF_CLOSE_SUPERSEDED, "this device asked again");
	const struct knock *listed = NULL;
	for (const struct knock *e = NULL; (e = knocks_next(&a->knocks, e));)
		listed = e->parked == c ? e : listed;
	pf_check(listed);
	log_info("native: %s (%s, fingerprint %02x%02x%02x%02x…) asks to be let in: punktfunk-host "
		 "approve %u, or deny %u",
		k.name, k.from, k.fp[0], k.fp[1], k.fp[2], k.fp[3], listed->number, listed->number);
	access_rearm(a);
}

/* t NULL = nobody said what it may not do. */
static bool let_in(struct native_client *c, const struct trust_client *t)
{
	c->grants = t ? t->grants : (uint8_t)PF_GRANT_ALL;
	c->access_expires_s = t ? t->expires_s : 0;
	c->access_ends_ns = t ? end_of(t) : UINT64_MAX;
	plan_warning(c);
	access_rearm(c->native->access);
	if (c->hello.launch[0] && !(c->grants & PF_GRANT_LAUNCH)) {
		native_end(c, PF_CLOSE_LAUNCH_NOT_PERMITTED,
			"this device may watch or play, but not start programs");
		return false;
	}
	return true;
}

bool access_admit(struct native_client *c)
{
	struct access *a = c->native->access;
	access_refresh(a);
	if (c->state == CLIENT_ENDING)
		return false;
	const struct trust_client *t = c->has_fp ? trust_find(a->trust, c->fp) : NULL;
	if (t && is_over(t)) {
		native_end(
			c, PF_CLOSE_ACCESS_EXPIRED, "the time that this device was given is over");
		return false;
	}
	if (t || !c->native->host->config->require_pairing)
		return let_in(c, t);
	if (c->has_fp)
		park(a, c);
	else
		native_end(c, PF_CLOSE_IDENTITY_REQUIRED,
			"this host wants paired devices: pair this one, or update it if it cannot");
	return false;
}

void access_paired(struct access *a, const uint8_t fp[static PF_FINGERPRINT_LEN])
{
	const struct knock *k = NULL;
	while ((k = knocks_next(&a->knocks, k)) && memcmp(k->fp, fp, sizeof(k->fp)) != 0)
		;
	struct native_client *c = k ? k->parked : NULL;
	if (k)
		knocks_remove(&a->knocks, k->number);
	access_apply(a);
	if (!c)
		return;
	c->state = CLIENT_HELLO;
	loop_set_deadline(c->timer, clock_now_ns() + FIRST_MESSAGE_NS);
	if (access_admit(c))
		handshake_admitted(c);
	access_rearm(a);
	native_flush(a->native);
}

void access_forget(struct native_client *c)
{
	if (c->state == CLIENT_PARKED)
		knocks_unpark(&c->native->access->knocks, c);
}

/* --- life --- */

int access_create(struct access **out, struct native *n)
{
	char why[600];
	struct access *a = calloc(1, sizeof(*a));
	int err = PF_E_NOMEM;
	if (!a)
		goto fail;
	const struct config *config = n->host->config;
	a->native = n;
	a->watch = -1;
	knocks_init(&a->knocks, config->knock_wait * SECOND_NS);
	arming_init(&a->arming, config->pair_cooldown_ms * (SECOND_NS / 1000));
	err = trust_create(&a->trust, n->host->config_dir, TRUST_FILE, why, sizeof(why));
	if (err < 0) {
		log_error("trust: %s", why);
		goto end;
	}
	err = loop_add_timer(n->host->loop, &a->timer, on_timer, a);
	if (err >= 0 && n->host->ctl)
		err = access_register(a, n->host->ctl);
	if (err < 0)
		goto fail;
	warn_problem(a);
	watch_folder(a);
	*out = a;
	return PF_OK;
fail:
	log_error("trust: %s", pf_strerror(err));
end:
	access_destroy(a);
	return err;
}

void access_destroy(struct access *a)
{
	if (!a)
		return;
	if (a->native->host->ctl)
		ctl_unregister(a->native->host->ctl, a);
	loop_remove(&a->watched);
	if (a->watch >= 0)
		close(a->watch);
	loop_remove(&a->timer);
	trust_destroy(a->trust);
	arming_finish(&a->arming);
	free(a);
}
