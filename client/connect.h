/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CLIENT_CONNECT_H
#define CLIENT_CONNECT_H

#include <stdint.h>

#include "client/identity.h"
#include "client/options.h"
#include "client/target.h"

#define CONNECT_MESSAGE_MAX TRUST_MESSAGE_MAX

/* Where to, as whom, and whom to believe: settled once, used for each connection. Thread: main. */
struct connect {
	const struct options *o; /* not owned */
	struct target target;
	struct identity identity;
	bool has_identity;
	char *path; /* known_hosts; NULL = not used, as with --pin */
	bool has_pin;
	uint8_t pin[32];
	struct punktfunk_mode mode; /* to ask for: that of the options at first */
	uint32_t timeout_ms;	    /* 0 = the library's */
	uint8_t fingerprint[32];    /* of the host, after connect_open() */
	int status;		    /* of the library, of the last connect_open() */
	bool told_waiting;
};

/* The library's version, and a home for what is remembered. Returns EXIT_FINE or a code with a sentence. */
int connect_check(char message[CONNECT_MESSAGE_MAX]);

/*
 * Finds the host and this client's identity. Returns EXIT_FINE, or the exit code with one sentence. Finish it
 * in any case; *o must outlive it.
 */
int connect_prepare(struct connect *c, const struct options *o, char message[CONNECT_MESSAGE_MAX])
	__attribute__((warn_unused_result));
void connect_finish(struct connect *c);

/*
 * Connects and settles the trust in the host. Returns EXIT_FINE with *out (message then holds a notice, or
 * nothing), or the exit code with one sentence. A known host that does not answer is looked for where the
 * network says that it is now.
 */
int connect_open(struct connect *c, struct punktfunk_connection **out,
	char message[CONNECT_MESSAGE_MAX]) __attribute__((warn_unused_result));

/*
 * The host ended a connection or a stream with this status: when it says that it does not know this client,
 * that is noted. The host is the one whose certificate is known.
 */
void connect_note_end(const struct connect *c, int status);

/* The name that a host shows for this client: `given`, or the machine's; "" when it has none. */
const char *connect_own_name(const char *given, char buffer[ARGS_NAME_MAX + 1]);
/* The exit code for a status of the library. */
int connect_exit_code(int status);

#endif
