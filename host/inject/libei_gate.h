/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_INJECT_LIBEI_GATE_H
#define HOST_INJECT_LIBEI_GATE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/*
 * libei before 1.5 (Debian 13 has 1.3.901) follows a null pointer when a connection ends before its handshake is
 * over: the server hung up, or said something else than the protocol has there. Until the handshake is over nothing
 * is given to the library that was not looked at here.
 */

enum {
	LIBEI_GATE_QUIET,    /* nothing there */
	LIBEI_GATE_GREETING, /* as the protocol has it, and not all of it */
	LIBEI_GATE_PASSED, /* with this the handshake is over: the library stands what comes now */
};

/* What a server of EIS sends first. Returns one of the above. Errors: PF_E_BAD_PACKET. */
int libei_gate_check(const uint8_t *data, size_t len) PF_MUST_CHECK;
/* The same of what waits to be read from fd. Errors also: PF_E_CLOSED (the server is gone), PF_E_IO. */
int libei_gate_look(int fd) PF_MUST_CHECK;

#endif
