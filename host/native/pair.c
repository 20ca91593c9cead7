/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "core/base/alloc.h"
#include "core/pair/pair.h"
#include "core/wire/control.h"
#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/host.h"
#include "host/media/clock.h"
#include "host/native/access.h"
#include "host/native/control.h"
#include "host/native/internal.h"

/* The host's half of a pairing (wire 5.3): PairRequest -> PairChallenge, PairProof -> PairResult. */

/* A result that gets lost is sent again for so long, and round trips, before the connection closes behind it. */
#define LINGER_NS     400000000ull
#define LINGER_MAX_NS 5000000000ull
#define LINGER_RTTS   4u

/* The ceremony of c is over, for good or bad; why is NULL when it is paired. */
static void finish(struct native_client *c, const char *why)
{
	struct access *a = c->native->access;
	char hex[TRUST_HEX_LEN + 1];
	pf_pair_host_destroy(c->pairing);
	c->pairing = NULL;
	arming_end(&a->arming);
	a->outcome.number++;
	a->outcome.paired = !why;
	a->outcome.why = why;
	memcpy(a->outcome.fp, c->fp, sizeof(c->fp));
	snprintf(a->outcome.name, sizeof(a->outcome.name), "%s", c->pair_name);
	snprintf(a->outcome.from, sizeof(a->outcome.from), "%.63s", c->name);
	trust_hex(hex, c->fp);
	if (why)
		log_warn("pair: '%s' at %s did not pair: %s. The PIN is used up; for another one: "
			 "punktfunk-host pair --arm",
			c->pair_name, c->name, why);
	else
		log_info("pair: '%s' at %s is paired, fingerprint %s", c->pair_name, c->name, hex);
}

void pair_forget(struct native_client *c)
{
	if (c->pairing)
		finish(c,
			"it left in the middle: a wrong PIN was typed there, or somebody is in "
			"between");
}

void pair_take_back(struct native_client *c)
{
	if (!c->pairing)
		return;
	finish(c, "the PIN was taken back");
	native_end(c, PF_CLOSE_NOT_ARMED, "the host's owner took the PIN back");
}

void pair_timeout(struct native_client *c)
{
	if (!c->pairing) { /* lingering */
		native_end(c, PF_CLOSE_END, "the pairing is done");
		return;
	}
	finish(c, "it did not finish in time");
	native_end(c, PF_CLOSE_NOT_ARMED, "the pairing took too long: ask for a new PIN");
}

static void refuse(struct native_client *c, int err)
{
	if (err == PF_E_RATE_LIMITED)
		native_end(c, PF_CLOSE_RATE_LIMITED,
			"another pairing was tried a moment ago: wait some seconds");
	else if (err == PF_E_BOUND_TO_OTHER)
		native_end(c, PF_CLOSE_BOUND_TO_OTHER, "the host waits to pair another device");
	else
		native_end(c, PF_CLOSE_NOT_ARMED,
			"the host does not pair now: run punktfunk-host pair --arm there");
}

static int create(struct native_client *c, const char *pin)
{
	uint8_t random[PF_PAIR_RANDOM_LEN], host_fp[PF_FINGERPRINT_LEN];
	pf_identity_fingerprint(c->native->identity, host_fp);
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return PF_E_CRYPTO;
	int err = pf_pair_host_create(&c->pairing, pin, c->fp, host_fp, random);
	pf_wipe(random, sizeof(random));
	return err;
}

static int request(struct native_client *c, const struct pf_msg *m)
{
	struct access *a = c->native->access;
	struct pf_msg answer = {.type = PF_MSG_PAIR_CHALLENGE};
	uint8_t message[PF_PAIR_MESSAGE_LEN];
	char pin[PF_PIN_LEN + 1];
	if (!c->has_fp) {
		native_end(c, PF_CLOSE_IDENTITY_REQUIRED,
			"a device pairs with its certificate, and this one shows none");
		return PF_OK;
	}
	int err = arming_begin(&a->arming, clock_now_ns(), c->fp, pin);
	if (err < 0) {
		refuse(c, err);
		return PF_OK;
	}
	/* Now: the next PIN may be for somebody else, and be out before this ceremony ends. */
	c->pair_grants = a->new_grants;
	c->pair_expires_s = a->new_expires_s;
	trust_clean_name(
		c->pair_name, (const char *)m->pair_request.name.data, m->pair_request.name.len);
	log_info("pair: '%s' at %s tries the PIN", c->pair_name, c->name);
	err = create(c, pin);
	pf_wipe(pin, sizeof(pin));
	if (err < 0) {
		arming_end(&a->arming);
		log_error("pair: %s", pf_strerror(err));
		native_end(c, PF_CLOSE_SETUP_FAILED, "the host could not begin to pair");
		return PF_OK;
	}
	err = pf_pair_host_request(c->pairing, m->pair_request.spake.data,
		m->pair_request.spake.len, message, answer.pair_challenge.confirm);
	if (err < 0) {
		finish(c, "what it sent makes no sense");
		return err;
	}
	answer.pair_challenge.spake = (struct pf_span){message, sizeof(message)};
	c->state = CLIENT_PAIR;
	loop_set_deadline(c->timer, clock_now_ns() + ARMING_CEREMONY_NS);
	control_send(c, &answer);
	return PF_OK;
}

static void store(struct native_client *c)
{
	struct access *a = c->native->access;
	struct trust_client client = {.grants = c->pair_grants, .expires_s = c->pair_expires_s};
	char why[600];
	memcpy(client.fp, c->fp, sizeof(client.fp));
	snprintf(client.name, sizeof(client.name), "%s", c->pair_name);
	client.paired_s = (int64_t)(clock_realtime_ns() / 1000000000);
	int err = trust_put(a->trust, &client, why, sizeof(why));
	if (err < 0) {
		log_error("pair: %s", why);
		finish(c,
			"the host could not write its list of paired devices (its log says more)");
		control_send(c, &(struct pf_msg){.type = PF_MSG_PAIR_RESULT, .pair_ok = false});
		return;
	}
	finish(c, NULL);
	control_send(c, &(struct pf_msg){.type = PF_MSG_PAIR_RESULT, .pair_ok = true});
	access_paired(a, client.fp);
}

static int proof(struct native_client *c, const struct pf_msg *m)
{
	if (!c->pairing)
		return PF_E_BAD_PACKET;
	int err = pf_pair_host_proof(c->pairing, m->pair_proof, sizeof(m->pair_proof));
	if (err < 0) {
		finish(c,
			"its proof does not fit: a wrong PIN was typed there, or somebody is in "
			"between");
		control_send(c, &(struct pf_msg){.type = PF_MSG_PAIR_RESULT, .pair_ok = false});
	} else {
		store(c);
	}
	uint64_t linger_ns = LINGER_NS + LINGER_RTTS * quic_conn_rtt_ns(c->conn);
	loop_set_deadline(
		c->timer, clock_now_ns() + (linger_ns < LINGER_MAX_NS ? linger_ns : LINGER_MAX_NS));
	return PF_OK;
}

int pair_payload(struct native_client *c, const uint8_t *payload, size_t len)
{
	struct pf_msg m;
	int err = pf_msg_read(&m, payload, len);
	if (err < 0)
		return err;
	if (m.type == PF_MSG_PAIR_REQUEST && c->state == CLIENT_HELLO)
		return request(c, &m);
	if (m.type == PF_MSG_PAIR_PROOF && c->state == CLIENT_PAIR)
		return proof(c, &m);
	return PF_E_BAD_PACKET;
}
