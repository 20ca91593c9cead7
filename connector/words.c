/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include "connector/internal.h"

/* What happened, where, and what to do: for a person. */

int words_fail(char *message, size_t message_len, int status, const char *format, ...)
{
	if (message && message_len) {
		va_list args;
		va_start(args, format);
		vsnprintf(message, message_len, format, args);
		va_end(args);
	}
	return status;
}

/* What can be done about a refusal; NULL where the host's own words must do. */
static const char *advice(int status)
{
	switch (status) {
	case PF_E_NOT_ARMED:
		return "it takes no new device now: run `punktfunk-host pair --arm` there and "
		       "pair with the PIN that it shows";
	case PF_E_BOUND_TO_OTHER:
		return "it waits for another device to pair: arm it again for this one";
	case PF_E_RATE_LIMITED:
		return "somebody tried to pair just now: wait a few seconds and try again";
	case PF_E_IDENTITY_REQUIRED:
		return "it does not know this device: pair with it first";
	case PF_E_DENIED:
		return "it does not let this device in";
	case PF_E_APPROVAL_TIMEOUT:
		return "nobody there approved this device in time: ask again, or pair with a PIN";
	case PF_E_SUPERSEDED:
		return "a newer try of this device took the place of this one";
	case PF_E_BUSY:
		return "it serves as many sessions as it may: end one of them, or try later";
	case PF_E_ACCESS_EXPIRED:
		return "the access of this device has ended: ask for it again there";
	case PF_E_LAUNCH_NOT_PERMITTED:
		return "this device may not start programs there";
	default:
		return NULL;
	}
}

void words_end(char *out, size_t len, const char *host, uint16_t port, int status, bool streaming,
	const struct pf_quic_end *end)
{
	const char *what = advice(status);
	if (status == PF_E_PIN)
		snprintf(out, len,
			"the host at %.60s shows another certificate than the pinned one: either "
			"it is not "
			"your host, or it was reinstalled; compare the fingerprint in the host's "
			"log",
			host);
	else if (status == PF_E_TIMEOUT && streaming)
		snprintf(out, len,
			"the host at %.120s went silent: the network or the host is down", host);
	else if (status == PF_E_TIMEOUT || (status == PF_E_CLOSED && !streaming && !end->by_peer))
		snprintf(out, len,
			"nobody answers at %.120s, UDP port %u: check the address, that "
			"punktfunk-host runs "
			"there, and that a firewall lets UDP through",
			host, port);
	else if (status == PF_E_WIRE_VERSION)
		snprintf(out, len,
			"the host at %.120s speaks another version of the protocol: update the "
			"older side",
			host);
	else if (status == PF_E_CRYPTO)
		snprintf(out, len, "the TLS handshake with %.120s failed: is it a punktfunk host?",
			host);
	else if (what && end->reason[0])
		snprintf(out, len, "the host at %.60s refuses: %s (it says: %.127s)", host, what,
			end->reason);
	else if (what)
		snprintf(out, len, "the host at %.80s refuses: %s", host, what);
	else if (end->reason[0])
		snprintf(out, len, "the host at %.80s says: %.140s", host, end->reason);
	else
		snprintf(out, len, "the host at %.120s ended the connection: %s", host,
			pf_strerror(status));
}
