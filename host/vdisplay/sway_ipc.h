/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_VDISPLAY_SWAY_IPC_H
#define HOST_VDISPLAY_SWAY_IPC_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/*
 * A client of sway's control socket (the i3 IPC). One request at a time, every one bounded in time and
 * size. The peer is not trusted: after anything that is not the protocol the connection is closed.
 * Thread: one at a time.
 */

enum sway_ipc_type {
	SWAY_IPC_RUN_COMMAND = 0,
	SWAY_IPC_GET_WORKSPACES = 1,
	SWAY_IPC_SUBSCRIBE = 2,
	SWAY_IPC_GET_OUTPUTS = 3,
	SWAY_IPC_GET_TREE = 4,
	SWAY_IPC_GET_VERSION = 7,
};

#define SWAY_IPC_HEADER_LEN 14u
/* The tree of some thousand windows; more is no desktop. */
#define SWAY_IPC_MAX_REPLY   (8u << 20)
#define SWAY_IPC_MAX_COMMAND 1024u
/* sway answers within a frame; a compositor that takes this long hangs. */
#define SWAY_IPC_TIMEOUT_MS 2000u

struct sway_ipc {
	int fd;		/* -1: closed */
	int peer_pid;	/* the process that listens; 0 = not known */
	uid_t peer_uid; /* and whose it is; (uid_t)-1 = not known */
	uint32_t timeout_ms;
	uint64_t until_ns; /* no request goes on beyond it; 0 = each has its timeout_ms */
	char error[256];   /* one sentence about the last failure */
};

/* Errors: PF_E_INVALID (path too long), PF_E_IO (nobody listens), PF_E_TIMEOUT. */
int sway_ipc_open(struct sway_ipc *ipc, const char *path) PF_MUST_CHECK;
/* Takes over a connected stream socket. */
void sway_ipc_attach(struct sway_ipc *ipc, int fd);
void sway_ipc_close(struct sway_ipc *ipc);

/*
 * One request and its reply, parsed; the caller owns *reply (json_decref). Errors: PF_E_TIMEOUT,
 * PF_E_CLOSED, PF_E_BAD_PACKET (not the protocol, too long, not JSON), PF_E_IO: the connection is closed.
 */
int sway_ipc_request(struct sway_ipc *ipc, enum sway_ipc_type type, const char *payload,
	json_t **reply) PF_MUST_CHECK;
/*
 * The next event, when one is there to read; the caller owns *event (json_decref). One that breaks off is
 * PF_E_TIMEOUT. Errors: as above.
 */
int sway_ipc_event(struct sway_ipc *ipc, json_t **event) PF_MUST_CHECK;
/* Runs commands; PF_E_UNSUPPORTED when sway refuses one (error tells which words it gave). */
int sway_ipc_command(struct sway_ipc *ipc, const char *format, ...)
	__attribute__((format(printf, 2, 3))) PF_MUST_CHECK;

/* May this name stand in a command? What sway itself gives to outputs: [A-Za-z0-9._-], 1 to 63 characters. */
int sway_ipc_check_name(const char *name) PF_MUST_CHECK;

#endif
