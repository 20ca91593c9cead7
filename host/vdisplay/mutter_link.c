/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/vdisplay/mutter_link.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "core/wire/text.h"
#include "host/base/log.h"
#include "host/media/clock.h"

#define NS_PER_US 1000u
/* RecordVirtual and its cursor modes are of this version (GNOME 40). */
#define OLDEST_VERSION 3

static int handle_node(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct mutter_link *l = userdata;
	const char *path = sd_bus_message_get_path(m);
	uint32_t node = 0;
	(void)error;
	if (path && sd_bus_message_read(m, "u", &node) >= 0)
		l->on_node(path, node, l->userdata);
	return 0;
}

static int handle_closed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct mutter_link *l = userdata;
	const char *path = sd_bus_message_get_path(m);
	(void)error;
	if (path)
		l->on_closed(path, l->userdata);
	return 0;
}

static int handle_owner(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct mutter_link *l = userdata;
	const char *name, *before, *now;
	(void)error;
	if (!user_bus_said(m) || sd_bus_message_read(m, "sss", &name, &before, &now) < 0 ||
		strcmp(now, l->owner) == 0)
		return 0;
	l->on_gone(
		"GNOME's compositor, which the host used, ended or was started again", l->userdata);
	return 0;
}

static int handle_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct mutter_link *l = userdata;
	(void)m;
	(void)error;
	l->on_gone("the D-Bus session bus, and with it the desktop, is gone", l->userdata);
	return 0;
}

static uint64_t time_for(const struct mutter_link *l, uint64_t now_ns)
{
	const uint64_t call_ns = MUTTER_CALL_MS * UINT64_C(1000000);
	if (!l->call_until_ns || now_ns + call_ns <= l->call_until_ns)
		return call_ns;
	return now_ns < l->call_until_ns ? l->call_until_ns - now_ns : NS_PER_US;
}

static int error_of(struct mutter_link *l, int r, uint64_t began_ns, const sd_bus_error *error)
{
	if (r >= 0)
		return PF_OK;
	if (sd_bus_error_has_name(error, SD_BUS_ERROR_UNKNOWN_METHOD))
		return PF_E_UNSUPPORTED;
	/* The bus says the same of who is gone as of who hangs, but sooner. */
	const uint64_t now_ns = clock_now_ns();
	if (r != -ETIMEDOUT || now_ns - began_ns < time_for(l, began_ns) / 10 * 9)
		return r == -ENOMEM ? PF_E_NOMEM : PF_E_IO;
	l->hung_until_ns = now_ns + MUTTER_REST_NS;
	return PF_E_TIMEOUT;
}

static int make_call(struct mutter_link *l, const char *const to[4], const char *types,
	va_list args, sd_bus_message **reply)
{
	sd_bus_message *m = NULL;
	sd_bus_error error = SD_BUS_ERROR_NULL;
	const uint64_t began_ns = clock_now_ns();
	int r = sd_bus_message_new_method_call(l->user.bus, &m, to[0], to[1], to[2], to[3]);
	if (r >= 0 && types)
		r = sd_bus_message_appendv(m, types, args);
	if (r >= 0)
		r = sd_bus_call(l->user.bus, m, time_for(l, began_ns) / NS_PER_US, &error, reply);
	const int err = error_of(l, r, began_ns, &error);
	if (err < 0 && err != PF_E_UNSUPPORTED) {
		char text[160] = "no answer";
		if (error.message)
			pf_text_clean(text, sizeof(text), error.message, strlen(error.message));
		snprintf(l->said, sizeof(l->said), "%.*s", (int)sizeof(l->said) - 1, text);
		log_warn("mutter: %s: %s", to[3], text);
	}
	sd_bus_error_free(&error);
	sd_bus_message_unref(m);
	return err;
}

int mutter_link_call(struct mutter_link *l, const char *path, const char *interface,
	const char *member, sd_bus_message **reply, const char *types, ...)
{
	const char *const to[4] = {l->owner, path, interface, member};
	va_list args;
	if (!l->owner[0])
		return PF_E_IO;
	if (clock_now_ns() < l->hung_until_ns)
		return PF_E_TIMEOUT;
	va_start(args, types);
	const int err = make_call(l, to, types, args, reply);
	va_end(args);
	return err;
}

void mutter_link_tell(
	struct mutter_link *l, const char *path, const char *interface, const char *member)
{
	sd_bus_message *m = NULL;
	if (l->owner[0] &&
		sd_bus_message_new_method_call(
			l->user.bus, &m, l->owner, path, interface, member) >= 0 &&
		sd_bus_message_set_expect_reply(m, 0) >= 0)
		(void)sd_bus_send(l->user.bus, m, NULL);
	sd_bus_message_unref(m);
}

/*
 * The interfaces' versions are the same in GNOME 43 and 50. The one that stopped limiting the streams of virtual
 * monitors is the one that deprecated the locks' properties, 49.
 */
void mutter_link_learn(struct mutter_link *l, const char *session)
{
	sd_bus_message *reply = NULL;
	const char *xml = "";
	if (l->known)
		return;
	if (mutter_link_call(l, session, "org.freedesktop.DBus.Introspectable", "Introspect",
		    &reply, NULL) < 0 ||
		sd_bus_message_read(reply, "s", &xml) < 0)
		xml = "";
	const char *eis = strstr(xml, "\"ConnectToEIS\""), *locks = strstr(xml, "\"NumLockState\"");
	const char *end = locks ? strstr(locks, "</property>") : NULL,
		   *old = locks ? strstr(locks, "org.freedesktop.DBus.Deprecated") : NULL;
	l->has_eis = eis;
	l->keeps_rate = eis && old && end && old < end;
	l->known = true;
	sd_bus_message_unref(reply);
}

int mutter_link_wait(struct mutter_link *l, uint64_t deadline_ns)
{
	int r = sd_bus_process(l->user.bus, NULL);
	const uint64_t now_ns = clock_now_ns();
	if (r == 0 && now_ns >= deadline_ns) {
		l->hung_until_ns = now_ns + MUTTER_REST_NS;
		return PF_E_TIMEOUT;
	}
	if (r == 0)
		r = sd_bus_wait(l->user.bus, (deadline_ns - now_ns) / NS_PER_US + 1);
	return r < 0 && r != -EINTR ? PF_E_IO : PF_OK;
}

/* Who owns the name now; all that follows is asked of that one alone. */
static int find_owner(struct mutter_link *l)
{
	sd_bus_message *reply = NULL;
	const char *owner;
	int r = sd_bus_call_method(l->user.bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
		"org.freedesktop.DBus", "GetNameOwner", NULL, &reply, "s", MUTTER_CAST);
	if (r >= 0)
		r = sd_bus_message_read(reply, "s", &owner);
	if (r >= 0 && strlen(owner) < sizeof(l->owner))
		snprintf(l->owner, sizeof(l->owner), "%s", owner);
	sd_bus_message_unref(reply);
	return l->owner[0] ? PF_OK : r == -ETIMEDOUT ? PF_E_TIMEOUT : PF_E_NO_FRAME;
}

static int watch(struct mutter_link *l)
{
	sd_bus *bus = l->user.bus;
	int r = sd_bus_match_signal(bus, &l->slots[0], l->owner, NULL, MUTTER_CAST_STREAM,
		"PipeWireStreamAdded", handle_node, l);
	if (r >= 0)
		r = sd_bus_match_signal(bus, &l->slots[1], l->owner, NULL, MUTTER_CAST_SESSION,
			"Closed", handle_closed, l);
	if (r >= 0)
		r = sd_bus_match_signal(bus, &l->slots[2], l->owner, NULL, MUTTER_REMOTE_SESSION,
			"Closed", handle_closed, l);
	if (r >= 0)
		r = sd_bus_add_match(bus, &l->slots[3],
			"type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
			"interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0="
			"'" MUTTER_CAST "'",
			handle_owner, l);
	if (r >= 0)
		r = sd_bus_match_signal(bus, &l->slots[4], "org.freedesktop.DBus.Local",
			"/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local", "Disconnected",
			handle_disconnected, l);
	return r >= 0 ? PF_OK : r == -ETIMEDOUT ? PF_E_TIMEOUT : PF_E_IO;
}

static int ask_version(struct mutter_link *l)
{
	sd_bus_message *reply = NULL;
	int err = mutter_link_call(l, MUTTER_CAST_PATH, "org.freedesktop.DBus.Properties", "Get",
		&reply, "ss", MUTTER_CAST, "Version");
	if (err >= 0 && sd_bus_message_read(reply, "v", "i", &l->version) < 0)
		err = PF_E_UNSUPPORTED;
	sd_bus_message_unref(reply);
	return err;
}

static int open_link(struct mutter_link *l, const char *user, char *why, size_t why_cap)
{
	int err = user_bus_open(&l->user, user, why, why_cap);
	if (err < 0)
		return err;
	err = find_owner(l);
	if (err >= 0)
		err = watch(l);
	if (err >= 0)
		err = ask_version(l);
	if (err >= 0 && l->version < OLDEST_VERSION)
		err = PF_E_UNSUPPORTED;
	if (err >= 0)
		return PF_OK;
	if (err == PF_E_NO_FRAME)
		snprintf(why, why_cap,
			"no GNOME runs on user %u's session bus: log in to GNOME (Wayland), or to "
			"start one without a screen: gnome-shell --headless",
			(unsigned)l->user.uid);
	else if (err == PF_E_UNSUPPORTED)
		snprintf(why, why_cap,
			"this GNOME makes no virtual displays (screen cast version %d, %d is "
			"needed): "
			"update it to GNOME 40 or newer",
			(int)l->version, OLDEST_VERSION);
	else
		snprintf(why, why_cap,
			"GNOME's compositor does not answer on the session bus: see whether the "
			"desktop hangs, and log in again");
	return err;
}

int mutter_link_open(struct mutter_link *l, const char *user, char *why, size_t why_cap)
{
	l->version = 0;
	l->known = l->has_eis = l->keeps_rate = false;
	l->owner[0] = 0;
	l->hung_until_ns = 0;
	const int err = open_link(l, user, why, why_cap);
	if (err < 0)
		mutter_link_close(l);
	return err;
}

void mutter_link_close(struct mutter_link *l)
{
	for (size_t i = 0; i < sizeof(l->slots) / sizeof(l->slots[0]); i++)
		l->slots[i] = sd_bus_slot_unref(l->slots[i]);
	user_bus_close(&l->user);
	l->owner[0] = 0;
}
