/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "host/config/config.h"
#include "host/ctl/ctl.h"
#include "host/doctor/doctor.h"
#include "host/trust/trust.h"
#include "net/identity.h"

/* What the system around has to give: folders, ports, daemons, devices. */

#define HOST_ANSWER_MS 1000

/* --- the host --- */

static int ask_host(const struct config *c, char *path, size_t cap, char *why, size_t why_len)
{
	json_t *result = NULL;
	int err = ctl_default_path(path, cap, c->ctl, c->config_dir, why, why_len);
	if (err < 0)
		return err;
	err = ctl_request(path, "clients.list", NULL, &result, HOST_ANSWER_MS, why, why_len);
	json_decref(result);
	return err == PF_E_INVALID ? PF_OK : err; /* one that says no is there as well */
}

void doctor_host(struct doctor *d)
{
	char path[128], why[512];
	const int err = ask_host(d->config, path, sizeof(path), why, sizeof(why));
	if (err >= 0)
		doctor_say(d, DOCTOR_NOTE, NULL, "a host runs already (%s)", path);
	else if (err == PF_E_CLOSED)
		doctor_say(d, DOCTOR_NOTE, NULL,
			"none runs yet; start one with: punktfunk-host serve");
	else
		doctor_say(d, DOCTOR_LACKS, NULL, "%s", why);
}

/* --- ports --- */

static int try_port(const struct config *c, bool tcp, uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
	const int on = 1;
	if (inet_pton(AF_INET, c->bind, &a.sin_addr) != 1)
		return PF_E_INVALID;
	const int fd = socket(AF_INET, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return pf_error_from_errno(errno);
	if (tcp) /* connections that ended a moment ago are no hindrance */
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	const int saved = bind(fd, (const struct sockaddr *)&a, sizeof(a)) < 0 ? errno : 0;
	close(fd);
	return saved == EADDRINUSE ? PF_E_BUSY : saved ? pf_error_from_errno(saved) : PF_OK;
}

static void say_port(struct doctor *d, int err, bool host_runs, bool tcp, uint16_t port)
{
	const char *kind = tcp ? "TCP" : "UDP";
	if (err == PF_E_BUSY && host_runs)
		doctor_say(d, DOCTOR_GOOD, NULL, "%s port %u is in use, by the host that runs",
			kind, port);
	else if (err == PF_E_BUSY)
		doctor_say(d, DOCTOR_BAD,
			"see who has it with: ss -lnup (TCP: ss -lntp); end that, or give another "
			"with "
			"--port or --gamestream-port",
			"%s port %u is in use by another program", kind, port);
	else
		doctor_say(d, DOCTOR_BAD,
			"give an address of this machine with --bind, and a port above 1023",
			"%s port %u of %s cannot be used: %s", kind, port, d->config->bind,
			pf_strerror(err));
}

void doctor_ports(struct doctor *d)
{
	/* GameStream's, apart from the base port (docs/gamestream.md). */
	static const struct {
		int place;
		bool tcp;
	} gamestream[] = {{-5, true}, {0, true}, {21, true}, {9, false}, {10, false}, {11, false}};
	const struct config *c = d->config;
	char path[128], why[512];
	const bool host_runs = ask_host(c, path, sizeof(path), why, sizeof(why)) >= 0;
	unsigned n_free = 0, n = 0;
	struct {
		bool tcp;
		uint16_t port;
	} all[8];
	if (c->port)
		all[n++].port = (uint16_t)c->port, all[n - 1].tcp = false;
	if (c->data_port)
		all[n++].port = (uint16_t)c->data_port, all[n - 1].tcp = false;
	for (size_t i = 0; c->gamestream && i < 6; i++) {
		all[n].tcp = gamestream[i].tcp;
		all[n++].port = (uint16_t)((int)c->gamestream_port + gamestream[i].place);
	}
	for (unsigned i = 0; i < n; i++) {
		const int err = try_port(c, all[i].tcp, all[i].port);
		n_free += err >= 0;
		if (err < 0)
			say_port(d, err, host_runs, all[i].tcp, all[i].port);
	}
	if (n_free == n)
		doctor_say(d, DOCTOR_GOOD, NULL, "UDP port %u is free%s", c->port,
			c->gamestream ? ", and GameStream's are" : "");
}

/* --- daemons --- */

/* Is the name owned on the system bus? Or an error, when there is no such bus. */
static int has_owner(const char *name)
{
	sd_bus *bus = NULL;
	sd_bus_message *reply = NULL;
	int owned = 0;
	int r = sd_bus_open_system(&bus);
	if (r >= 0)
		r = sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
			"org.freedesktop.DBus", "NameHasOwner", NULL, &reply, "s", name);
	if (r >= 0)
		r = sd_bus_message_read(reply, "b", &owned);
	sd_bus_message_unref(reply);
	sd_bus_close_unref(bus);
	return r < 0 ? PF_E_IO : owned;
}

void doctor_avahi(struct doctor *d)
{
	const int found = d->config->no_discovery ? 0 : has_owner("org.freedesktop.Avahi");
	if (d->config->no_discovery)
		doctor_say(
			d, DOCTOR_NOTE, NULL, "the host is not announced, as --no-discovery says");
	else if (found > 0)
		doctor_say(d, DOCTOR_GOOD, NULL, "avahi-daemon runs: clients find this host");
	else
		doctor_say(d, DOCTOR_LACKS,
			found < 0 ? "start the system's D-Bus (package dbus), and avahi-daemon"
				  : "install the package avahi-daemon and start it with: systemctl "
				    "enable --now avahi-daemon",
			"%s: clients do not find this host by itself, but by its address",
			found < 0 ? "there is no system bus" : "avahi-daemon does not run");
}

static bool file_has(const char *root, const char *path, const char *line)
{
	char name[512], text[256];
	bool found = false;
	snprintf(name, sizeof(name), "%s%s", root, path);
	FILE *f = fopen(name, "re");
	while (f && !found && fgets(text, sizeof(text), f))
		found = strncasecmp(text, line, strlen(line)) == 0;
	if (f)
		fclose(f);
	return found;
}

void doctor_firewall(struct doctor *d)
{
	char remedy[256];
	const uint32_t port = d->config->port;
	const bool ufw = file_has(d->root, "/etc/ufw/ufw.conf", "ENABLED=yes");
	const bool firewalld = has_owner("org.fedoraproject.FirewallD1") > 0;
	if (ufw)
		snprintf(remedy, sizeof(remedy),
			"ufw allow %u/udp; and for the video: serve --data-port PORT, ufw allow "
			"PORT/udp",
			port);
	else
		snprintf(remedy, sizeof(remedy),
			"firewall-cmd --permanent --add-port=%u/udp; and for the video: serve "
			"--data-port "
			"PORT, --add-port=PORT/udp; then firewall-cmd --reload",
			port);
	if (ufw || firewalld)
		doctor_say(d, DOCTOR_NOTE, remedy, "%s is on: see that it lets UDP port %u in",
			ufw ? "ufw" : "firewalld", port);
	else
		doctor_say(d, DOCTOR_NOTE, NULL,
			"neither ufw nor firewalld is on; another one must let in UDP port %u, and "
			"the "
			"video's (see --data-port)",
			port);
}

/* --- folders --- */

static int find_folder(const struct config *c, char *dir, size_t cap, char *why, size_t why_len)
{
	if (!c->config_dir)
		return identity_config_dir(dir, cap, why, why_len);
	const int n = snprintf(dir, cap, "%s", c->config_dir);
	snprintf(why, why_len, "the path of --config-dir is empty or too long");
	return n > 0 && (size_t)n < cap ? PF_OK : PF_E_INVALID;
}

/* The host makes what is missing: can it? */
static void say_missing(struct doctor *d, const char *dir)
{
	char above[512];
	snprintf(above, sizeof(above), "%s", dir);
	char *slash;
	while ((slash = strrchr(above, '/')) != NULL && access(above, F_OK) < 0)
		*slash = 0;
	if (access(*above ? above : "/", W_OK) == 0)
		doctor_say(d, DOCTOR_GOOD, NULL, "%s is made when the host starts", dir);
	else
		doctor_say(d, DOCTOR_BAD, "make it yours, or name another with --config-dir",
			"%s cannot be made in %s: %s", dir, *above ? above : "/", strerror(errno));
}

static void say_key(struct doctor *d, const char *dir)
{
	struct stat st;
	char path[600];
	snprintf(path, sizeof(path), "%s/key.pem", dir);
	if (stat(path, &st) < 0 || !(st.st_mode & 077))
		return;
	doctor_say(d, DOCTOR_BAD,
		"chmod 600 it; if somebody may have read it, remove key.pem and cert.pem there and "
		"pair "
		"all devices again",
		"others can read the host's key %s", path);
}

void doctor_folder(struct doctor *d)
{
	struct stat st;
	char dir[512], why[400];
	if (find_folder(d->config, dir, sizeof(dir), why, sizeof(why)) < 0) {
		doctor_say(d, DOCTOR_BAD, "give --config-dir DIR", "%s", why);
		return;
	}
	if (stat(dir, &st) < 0 && errno == ENOENT) {
		say_missing(d, dir);
		return;
	}
	if (access(dir, R_OK | W_OK | X_OK) < 0 || !S_ISDIR(st.st_mode)) {
		doctor_say(d, DOCTOR_BAD,
			"make it a folder of yours, or name another with --config-dir",
			"%s cannot be used: %s", dir, strerror(errno));
		return;
	}
	if (st.st_uid != geteuid())
		doctor_say(d, DOCTOR_BAD,
			"run the host as that user, or name another with --config-dir",
			"%s is user %u's, and we are user %u", dir, (unsigned)st.st_uid,
			(unsigned)geteuid());
	else if (st.st_mode & 022)
		doctor_say(d, DOCTOR_BAD, "chmod 700 it", "others can write to %s", dir);
	else
		doctor_say(d, DOCTOR_GOOD, NULL, "%s", dir);
	say_key(d, dir);
}

static void count_clients(struct doctor *d, const char *dir, const char *file, const char *kind)
{
	struct trust *t = NULL;
	char why[400] = "";
	if (trust_create(&t, dir, file, why, sizeof(why)) < 0) {
		doctor_say(d, DOCTOR_LACKS, NULL, "%s: %s", kind, why);
		return;
	}
	const char *problem = trust_problem(t);
	if (problem)
		doctor_say(d, DOCTOR_LACKS, NULL, "%s: %s", kind, problem);
	else
		doctor_say(d, DOCTOR_NOTE, NULL, "%zu %s paired", trust_count(t), kind);
	trust_destroy(t);
}

void doctor_clients(struct doctor *d)
{
	char dir[512], why[400];
	if (find_folder(d->config, dir, sizeof(dir), why, sizeof(why)) < 0 ||
		access(dir, F_OK) < 0) {
		doctor_say(d, DOCTOR_NOTE, NULL,
			"none is paired; pair one with: punktfunk-host pair --arm");
		return;
	}
	count_clients(d, dir, TRUST_FILE, "clients of punktfunk");
	count_clients(d, dir, TRUST_GAMESTREAM_FILE, "Moonlight clients");
}

/* --- devices --- */

void doctor_devices(struct doctor *d)
{
	static const char *const names[] = {"/dev/uinput", "/dev/uhid"};
	for (size_t i = 0; i < 2; i++) {
		char path[512];
		snprintf(path, sizeof(path), "%s%s", d->root, names[i]);
		if (access(path, R_OK | W_OK) == 0)
			doctor_say(d, DOCTOR_GOOD, NULL, "%s can be opened", names[i]);
		else if (errno == ENOENT)
			doctor_say(d, DOCTOR_NOTE, i ? "modprobe uhid" : "modprobe uinput",
				"there is no %s: no gamepads of that kind", names[i]);
		else
			doctor_say(d, DOCTOR_NOTE,
				i ? "a udev rule: KERNEL==\"uhid\", TAG+=\"uaccess\""
				  : "a udev rule: KERNEL==\"uinput\", TAG+=\"uaccess\"",
				"%s may not be opened (%s): no gamepads of that kind", names[i],
				strerror(errno));
	}
}
