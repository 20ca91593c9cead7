/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/vdisplay/user_bus.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "host/media/clock.h"
#include "host/vdisplay/run_user.h"

#define NS_PER_US 1000u

/* What is to be tried: an address as D-Bus writes them, or a socket's path. */
struct place {
	const char *address;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	uid_t owner; /* of the path, when it was judged: as whom root connects, whatever is there by then */
};

/* "unix:path=/run/user/1000/bus,guid=…" -> the path, where it is nothing more complicated. */
static void path_of_address(struct place *p)
{
	static const char start[] = "unix:path=";
	if (strncmp(p->address, start, sizeof(start) - 1) != 0)
		return;
	const char *path = p->address + sizeof(start) - 1;
	const size_t len = strcspn(path, ",;%");
	if (path[len] == '%' || path[len] == ';' || len >= sizeof(p->path))
		return;
	memcpy(p->path, path, len);
	p->path[len] = 0;
}

static bool is_socket(const char *path, struct stat *st)
{
	return stat(path, st) == 0 && S_ISSOCK(st->st_mode);
}

static int find_in(struct place *p, const char *dir, uid_t person, char *why, size_t cap)
{
	struct stat st;
	if (!dir || dir[0] != '/')
		return PF_E_NO_FRAME;
	const int n = snprintf(p->path, sizeof(p->path), "%s/bus", dir);
	if (n >= (int)sizeof(p->path) || !is_socket(p->path, &st)) {
		p->path[0] = 0;
		return PF_E_NO_FRAME;
	}
	/* What a stranger put there would see all that the remote person types. */
	if (st.st_uid != person && st.st_uid != geteuid()) {
		snprintf(why, cap,
			"%s is user %u's, not user %u's: start the host as the user of the "
			"desktop, or "
			"as root with --session-user",
			p->path, (unsigned)st.st_uid, (unsigned)person);
		p->path[0] = 0;
		return PF_E_DENIED;
	}
	p->owner = st.st_uid;
	return PF_OK;
}

static int find(struct place *p, uid_t person, char *why, size_t cap)
{
	char dir[64];
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	struct stat st;
	memset(p, 0, sizeof(*p));
	p->owner = geteuid();
	/* Whoever sets this variable says which one to trust. */
	p->address = getenv("DBUS_SESSION_BUS_ADDRESS");
	if (p->address && p->address[0]) {
		path_of_address(p);
		if (p->path[0] && is_socket(p->path, &st))
			p->owner = st.st_uid;
		return PF_OK;
	}
	p->address = NULL;
	const int in_runtime = find_in(p, runtime, person, why, cap);
	if (in_runtime >= 0)
		return PF_OK;
	snprintf(dir, sizeof(dir), "/run/user/%u", (unsigned)person);
	if (find_in(p, dir, person, why, cap) >= 0)
		return PF_OK;
	if (in_runtime == PF_E_DENIED)
		return PF_E_DENIED;
	snprintf(why, cap,
		"user %u has no D-Bus session bus: DBUS_SESSION_BUS_ADDRESS is not set, and there "
		"is "
		"no socket 'bus' in %s; start the host in the desktop's session or with systemctl "
		"--user%s",
		(unsigned)person, runtime && *runtime ? runtime : dir,
		geteuid() == 0 ? ", or name the desktop's user with --session-user" : "");
	return PF_E_NO_FRAME;
}

/* Of this thread alone: the library's calls would change all of them. */
static int become(uid_t uid)
{
	return syscall(SYS_setresuid, (uid_t)-1, uid, (uid_t)-1) < 0 ? pf_error_from_errno(errno)
								     : PF_OK;
}

/* The bus asks the kernel who connected. */
static int connect_as(const char *path, uid_t uid)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return pf_error_from_errno(errno);
	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	int err = become(uid);
	if (err >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		err = pf_error_from_errno(errno);
	pf_check(become(0) >= 0);
	if (err >= 0)
		return fd;
	close(fd);
	return err;
}

static int set_target(sd_bus *bus, const struct place *p, uid_t owner)
{
	if (owner != geteuid()) {
		const int fd = connect_as(p->path, owner);
		if (fd < 0)
			return fd;
		const int r = sd_bus_set_fd(bus, fd, fd);
		if (r >= 0)
			return PF_OK;
		close(fd);
		return pf_error_from_errno(-r);
	}
	char address[sizeof(p->path) * 3 + 16] = "unix:path=";
	size_t at = strlen(address);
	for (const char *c = p->path; *c && !p->address; c++) {
		/* As the D-Bus specification says; the rest would be taken for syntax. */
		const bool plain = strchr("-_/.\\", *c) || (*c >= '0' && *c <= '9') ||
			(*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z');
		at += (size_t)snprintf(address + at, sizeof(address) - at, plain ? "%c" : "%%%02x",
			(unsigned char)*c);
	}
	const int r = sd_bus_set_address(bus, p->address ? p->address : address);
	return r < 0 ? pf_error_from_errno(-r) : PF_OK;
}

static int wait_ready(sd_bus *bus)
{
	const uint64_t until_ns = clock_now_ns() + USER_BUS_CONNECT_MS * UINT64_C(1000000);
	for (;;) {
		int r = sd_bus_is_ready(bus);
		if (r > 0)
			return PF_OK;
		if (r >= 0)
			r = sd_bus_process(bus, NULL);
		const uint64_t now_ns = clock_now_ns();
		if (r >= 0 && now_ns >= until_ns)
			return PF_E_TIMEOUT;
		if (r == 0)
			r = sd_bus_wait(bus, (until_ns - now_ns) / NS_PER_US + 1);
		if (r < 0 && r != -EINTR)
			return r == -EPERM || r == -EACCES ? PF_E_DENIED : PF_E_IO;
	}
}

static int open_at(struct user_bus *b, const struct place *p)
{
	b->uid = geteuid() == 0 ? p->owner : geteuid();
	if (b->uid != geteuid())
		snprintf(b->dir, sizeof(b->dir), "/run/user/%u", (unsigned)b->uid);
	else if (!getenv("XDG_RUNTIME_DIR") && p->path[0] && !p->address)
		snprintf(b->dir, sizeof(b->dir), "%.*s", (int)(strrchr(p->path, '/') - p->path),
			p->path);
	if (sd_bus_new(&b->bus) < 0)
		return PF_E_NOMEM;
	int err = set_target(b->bus, p, b->uid);
	if (err < 0)
		return err;
	int r = sd_bus_set_bus_client(b->bus, true);
	if (r >= 0)
		r = sd_bus_set_description(b->bus, "desktop");
	if (r >= 0)
		r = sd_bus_set_method_call_timeout(b->bus, USER_BUS_CALL_MS * UINT64_C(1000));
	if (r >= 0)
		r = sd_bus_start(b->bus);
	return r < 0 ? pf_error_from_errno(-r) : wait_ready(b->bus);
}

int user_bus_open(struct user_bus *b, const char *user, char *why, size_t why_cap)
{
	struct place place;
	memset(b, 0, sizeof(*b));
	int err = find(&place, run_user_person(user), why, why_cap);
	if (err < 0)
		return err;
	err = open_at(b, &place);
	if (err >= 0)
		return PF_OK;
	user_bus_close(b);
	snprintf(why, why_cap, "the D-Bus session bus at %.200s %s: %s",
		place.address ? place.address : place.path,
		err == PF_E_TIMEOUT ? "hangs" : "does not answer",
		err == PF_E_DENIED
			? "it belongs to somebody else; start the host as the user of the "
			  "desktop"
			: "log in to the desktop again, or correct "
			  "DBUS_SESSION_BUS_ADDRESS");
	return err;
}

bool user_bus_said(sd_bus_message *m)
{
	const char *sender = sd_bus_message_get_sender(m);
	return sender && !strcmp(sender, "org.freedesktop.DBus");
}

void user_bus_close(struct user_bus *b)
{
	sd_bus_close_unref(b->bus);
	b->bus = NULL;
}
