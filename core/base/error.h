/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_BASE_ERROR_H
#define PF_BASE_ERROR_H

/*
 * One error type for the whole project. Functions that can fail return int: >= 0 is good,
 * negative is one of these. The numbers are the public ABI's (include/punktfunk_core.h) and the
 * reference system's; they are never reused.
 */
enum pf_error {
	PF_OK = 0,
	PF_E_INVALID = -1, /* an argument of ours, or a value of a peer's, is out of range */
	PF_E_FEC = -2,	   /* too few shards to rebuild a block */
	PF_E_CRYPTO = -3,  /* a tag or a signature does not verify, or the crypto library failed */
	PF_E_BAD_PACKET = -4,  /* bytes from the network that are not what the wire says */
	PF_E_NO_FRAME = -5,    /* nothing there yet */
	PF_E_UNSUPPORTED = -6, /* valid, but this build or this machine cannot do it */
	PF_E_IO = -7,	       /* the system refused: errno was logged where it happened */
	PF_E_NULL = -8,	       /* a required pointer is NULL (ABI only) */
	PF_E_TIMEOUT = -9,
	PF_E_CLOSED = -10,
	PF_E_NOMEM = -11,
	PF_E_FULL = -12,  /* a bounded queue or table is full */
	PF_E_AGAIN = -13, /* would block */
	PF_E_PIN = -14,	  /* the host's certificate is not the pinned one */
	/*
	 * One per refusal of a host (wire 3.1, ABI section 10). Close code 0x60 + n is -20 - n as far as 0x67;
	 * from 0x68 on it is -21 - n, because -28 is 0x42 (busy).
	 */
	PF_E_NOT_ARMED = -20,
	PF_E_BOUND_TO_OTHER = -21,
	PF_E_RATE_LIMITED = -22,
	PF_E_IDENTITY_REQUIRED = -23,
	PF_E_DENIED = -24,
	PF_E_APPROVAL_TIMEOUT = -25,
	PF_E_SUPERSEDED = -26,
	PF_E_WIRE_VERSION = -27,
	PF_E_BUSY = -28,
	PF_E_SETUP_FAILED = -29,
	PF_E_ACCESS_EXPIRED = -30,
	PF_E_LAUNCH_NOT_PERMITTED = -31,
	PF_E_HOST_POWER = -32,
	PF_E_PROFILE_UNKNOWN = -33,
	PF_E_NO_SEAT = -34,
	PF_E_SEAT_OCCUPIED = -35,
	PF_E_SEAT_UNAVAILABLE = -36,
};

/* A short lower-case phrase for any of the above, never NULL. Thread: any. */
const char *pf_strerror(int err);

/* The nearest pf_error for an errno value; never PF_OK. Thread: any. */
int pf_error_from_errno(int errnum);

#define PF_MUST_CHECK __attribute__((warn_unused_result))

/*
 * A check that stays in release builds: for faults of our own, never for a peer's. Prints nothing
 * (the core has no stdio); it traps, so a debugger or a core file shows the line.
 */
#define pf_check(cond) \
	do { \
		if (__builtin_expect(!(cond), 0)) \
			__builtin_trap(); \
	} while (0)

#endif
