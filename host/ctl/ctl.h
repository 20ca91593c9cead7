/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_CTL_CTL_H
#define HOST_CTL_CTL_H

#include <stddef.h>

#include <jansson.h>

#include "core/base/error.h"

/*
 * The host's control socket, and the commands behind it. Parts of the host register commands by name; people
 * reach them through the subcommands of punktfunk-host, other front ends through ctl_call(). Only the user
 * of the host and root get in (SO_PEERCRED, in a folder of mode 0700).
 *
 * One connection, one request, one reply, each a single packet (SOCK_SEQPACKET) of JSON:
 *
 *     {"command": "pair.arm", "args": {"ttl": 120}}
 *     {"ok": true, "result": {"pin": "0123", "ttl": 120}}
 *     {"ok": false, "error": "what happened, and what to do"}
 *
 * Thread: the control loop, except ctl_request().
 */

struct ctl;
struct loop;

#define CTL_MAX_COMMANDS 32u
#define CTL_REQUEST_MAX	 4096u
#define CTL_REPLY_MAX	 (128u << 10) /* bytes: every paired client in its longest form */

/*
 * args: an object, borrowed, checked by the handler. On success *result is a new reference (NULL = nothing
 * to say). On failure why is a sentence for the person who asked. Must not block.
 */
typedef int (*ctl_handler)(
	const json_t *args, json_t **result, char *why, size_t why_len, void *userdata);

/*
 * Listens at path. A socket left by a dead host is taken away; one that a living host answers on is left
 * alone (PF_E_BUSY). On failure why is a sentence. Errors: PF_E_BUSY, PF_E_INVALID, PF_E_IO, PF_E_NOMEM.
 */
int ctl_create(struct ctl **out, struct loop *loop, const char *path, char *why,
	size_t why_len) PF_MUST_CHECK;
/* Takes NULL; removes the socket. */
void ctl_destroy(struct ctl *c);

/* name: a literal, "noun.verb". Errors: PF_E_FULL, PF_E_INVALID (taken). */
int ctl_register(struct ctl *c, const char *name, ctl_handler fn, void *userdata) PF_MUST_CHECK;
/* Takes away every command of userdata. */
void ctl_unregister(struct ctl *c, const void *userdata);
/* Runs a command from inside of the host: what a front end in the same process calls. args may be NULL. */
int ctl_call(struct ctl *c, const char *name, const json_t *args, json_t **result, char *why,
	size_t why_len) PF_MUST_CHECK;

/*
 * Where the socket is: `given` (--ctl); else host.sock in `config_dir` where a person named that folder; else
 * $XDG_RUNTIME_DIR/punktfunk/host.sock; else host.sock in the default folder of the configuration.
 * Errors: PF_E_INVALID with why.
 */
int ctl_default_path(char *out, size_t cap, const char *given, const char *config_dir, char *why,
	size_t why_len) PF_MUST_CHECK;

/*
 * The other end, in another process: sends one request and waits for the reply, at most timeout_ms.
 * Errors: PF_E_CLOSED (no host answers there), PF_E_DENIED (the host is somebody else's), PF_E_INVALID (the
 * host said no: why is its sentence), PF_E_TIMEOUT, PF_E_BAD_PACKET, PF_E_IO, PF_E_NOMEM. Thread: any.
 */
int ctl_request(const char *path, const char *name, const json_t *args, json_t **result,
	int timeout_ms, char *why, size_t why_len) PF_MUST_CHECK;

#endif
