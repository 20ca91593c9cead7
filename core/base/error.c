/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/base/error.h"

#include <errno.h>

const char *pf_strerror(int err)
{
	switch (err) {
	case PF_E_INVALID:
		return "invalid value";
	case PF_E_FEC:
		return "too few shards to repair";
	case PF_E_CRYPTO:
		return "cryptographic check failed";
	case PF_E_BAD_PACKET:
		return "malformed data from the network";
	case PF_E_NO_FRAME:
		return "nothing there yet";
	case PF_E_UNSUPPORTED:
		return "not supported";
	case PF_E_IO:
		return "system error";
	case PF_E_NULL:
		return "required pointer is NULL";
	case PF_E_TIMEOUT:
		return "timed out";
	case PF_E_CLOSED:
		return "closed";
	case PF_E_NOMEM:
		return "out of memory";
	case PF_E_FULL:
		return "queue full";
	case PF_E_AGAIN:
		return "try again";
	case PF_E_PIN:
		return "host certificate is not the pinned one";
	case PF_E_NOT_ARMED:
		return "host is not armed for pairing";
	case PF_E_BOUND_TO_OTHER:
		return "host is armed for another device";
	case PF_E_RATE_LIMITED:
		return "too many attempts";
	case PF_E_IDENTITY_REQUIRED:
		return "host requires a client certificate";
	case PF_E_DENIED:
		return "denied by the host's operator";
	case PF_E_APPROVAL_TIMEOUT:
		return "nobody approved in time";
	case PF_E_SUPERSEDED:
		return "superseded by a newer request";
	case PF_E_WIRE_VERSION:
		return "protocol versions differ";
	case PF_E_BUSY:
		return "busy";
	case PF_E_SETUP_FAILED:
		return "host could not set the session up";
	case PF_E_ACCESS_EXPIRED:
		return "access has expired";
	case PF_E_LAUNCH_NOT_PERMITTED:
		return "launch not permitted";
	case PF_E_HOST_POWER:
		return "host is going down";
	case PF_E_PROFILE_UNKNOWN:
		return "profile unknown";
	case PF_E_NO_SEAT:
		return "no such seat";
	case PF_E_SEAT_OCCUPIED:
		return "seat occupied";
	case PF_E_SEAT_UNAVAILABLE:
		return "seat unavailable";
	default:
		return err >= 0 ? "success" : "unknown error";
	}
}

int pf_error_from_errno(int errnum)
{
	switch (errnum) {
	case EINVAL:
	case ERANGE:
		return PF_E_INVALID;
	case ENOMEM:
		return PF_E_NOMEM;
	case EAGAIN:
#if EWOULDBLOCK != EAGAIN
	case EWOULDBLOCK:
#endif
		return PF_E_AGAIN;
	case EADDRINUSE:
		return PF_E_BUSY;
	case ETIMEDOUT:
		return PF_E_TIMEOUT;
	case ECONNREFUSED:
	case ECONNRESET:
	case EPIPE:
		return PF_E_CLOSED;
	case ENOSYS:
	case EOPNOTSUPP:
	case EPROTONOSUPPORT:
		return PF_E_UNSUPPORTED;
	default:
		return PF_E_IO;
	}
}
