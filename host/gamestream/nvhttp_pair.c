/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "host/base/log.h"
#include "host/gamestream/hex.h"
#include "host/gamestream/identity.h"
#include "host/gamestream/nvhttp_internal.h"
#include "host/media/clock.h"

/* /pair: the requests around pairing.h. */

static void send_step(struct http_request *rq, const char *element, const char *value)
{
	struct xml x;
	xml_init(&x, NV_OK, NULL);
	xml_number(&x, "paired", 1);
	if (element)
		xml_text(&x, element, value);
	nvhttp_send(rq, &x);
}

/* status 200: the client ends the attempt without showing more than that. */
static void send_end(struct http_request *rq, int status, const char *message)
{
	struct xml x;
	xml_init(&x, status, message);
	xml_number(&x, "paired", 0);
	nvhttp_send(rq, &x);
}

static struct pairing_from from_of(const struct http_request *rq)
{
	return (struct pairing_from){.uniqueid = http_arg(rq, "uniqueid"), .peer = http_peer(rq)};
}

void nvhttp_reap(struct nvhttp *n)
{
	struct http_request *rq;
	while ((rq = pairing_reap(n->pairing, clock_now_ns())))
		send_end(rq, NV_FAILED, "The PIN was not typed at the host in time.");
}

static void gone(struct http_request *rq, void *userdata)
{
	struct nvhttp *n = userdata;
	pairing_gone(n->pairing, rq);
	nvhttp_rearm(n);
}

static void begin(struct nvhttp *n, struct http_request *rq)
{
	const struct pairing_from from = from_of(rq);
	struct pairing_device device;
	char address[UDP_ADDR_TEXT_LEN], fp[TRUST_HEX_LEN + 1];
	if (!http_limit_take(&n->begins, from.peer, clock_now_ns())) {
		send_end(rq, NV_FAILED, "Too many attempts: wait some seconds.");
		return;
	}
	int err = pairing_begin(n->pairing, clock_now_ns(), &from, http_arg(rq, "salt"),
		http_arg(rq, "clientcert"), rq, &device);
	if (err < 0) {
		send_end(rq, err == PF_E_FULL || err == PF_E_NOMEM ? NV_FAILED : NV_BAD,
			err == PF_E_FULL ? "Too many devices wait for their PIN: try again later."
				: err == PF_E_INVALID
				? "The host takes RSA certificates of 2048 to 4096 bits only."
				: "The request makes no sense.");
		return;
	}
	http_wait(rq, gone, n);
	udp_addr_text(address, from.peer);
	trust_hex(fp, device.fp);
	log_info("gamestream: a device at %s (fingerprint %.16s) wants to pair and shows a PIN; if "
		 "it "
		 "is yours: punktfunk-host pin PIN --device %u",
		address, fp, device.number);
}

static void note_end(struct nvhttp *n, const struct pairing_device *device, bool paired)
{
	n->last.number = device->number;
	n->last.paired = paired;
	snprintf(n->last.name, sizeof(n->last.name), "%s", device->name);
}

static int store(struct nvhttp *n, struct pairing_device *device)
{
	struct trust_client client = {
		.grants = PF_GRANT_ALL, .paired_s = (int64_t)(clock_realtime_ns() / 1000000000)};
	char address[UDP_ADDR_TEXT_LEN], why[512] = "";
	udp_addr_text(address, &device->peer);
	if (!device->name[0])
		snprintf(device->name, sizeof(device->name), "Moonlight at %s", address);
	memcpy(client.fp, device->fp, sizeof(client.fp));
	trust_clean_name(client.name, device->name, strlen(device->name));
	int err = trust_put(n->g->trust, &client, why, sizeof(why));
	if (err < 0)
		log_error("gamestream: the device at %s could not be stored: %s", address, why);
	else
		log_info("gamestream: '%s' at %s is paired", client.name, address);
	return err;
}

static void finish(struct nvhttp *n, struct http_request *rq, const char *secret)
{
	const struct pairing_from from = from_of(rq);
	struct pairing_device device = {0};
	char address[UDP_ADDR_TEXT_LEN];
	int err = pairing_secret(n->pairing, clock_now_ns(), &from, secret, &device);
	udp_addr_text(address, from.peer);
	if (err == PF_E_CRYPTO)
		log_warn("gamestream: the device at %s did not prove the PIN and its key", address);
	if (err >= 0)
		err = store(n, &device);
	if (device.number)
		note_end(n, &device, err >= 0);
	if (err >= 0)
		send_step(rq, NULL, NULL);
	else
		send_end(rq, NV_OK, NULL);
}

static void step(struct nvhttp *n, struct http_request *rq)
{
	const struct pairing_from from = from_of(rq);
	const char *challenge = http_arg(rq, "clientchallenge"),
		   *response = http_arg(rq, "serverchallengeresp"),
		   *secret = http_arg(rq, "clientpairingsecret");
	char out[2 * PAIRING_SECRET_MAX + 1];
	int err = PF_E_BAD_PACKET;
	if (secret && !challenge && !response) {
		finish(n, rq, secret);
		return;
	}
	if (challenge && !response && !secret)
		err = pairing_challenge(n->pairing, clock_now_ns(), &from, challenge, out);
	else if (response && !challenge && !secret)
		err = pairing_response(n->pairing, clock_now_ns(), &from, response, out);
	else
		(void)pairing_cancel(n->pairing, &from);
	if (err >= 0)
		send_step(rq, challenge ? "challengeresponse" : "pairingsecret", out);
	else
		send_end(rq, NV_OK, NULL);
}

void nvhttp_pair(struct http_request *rq, void *userdata)
{
	struct nvhttp *n = userdata;
	const char *phrase = http_arg(rq, "phrase");
	if (!phrase)
		step(n, rq);
	else if (!strcmp(phrase, "getservercert"))
		begin(n, rq);
	else
		send_end(rq, NV_OK, NULL); /* the last step is for HTTPS */
	nvhttp_reap(n);
	nvhttp_rearm(n);
}

/* The last step, which shows the client that its certificate is known now. */
void nvhttp_pair_tls(struct http_request *rq, void *userdata)
{
	struct nvhttp *n = userdata;
	const char *phrase = http_arg(rq, "phrase");
	if (!nvhttp_client(n, rq))
		return;
	if (phrase && !strcmp(phrase, "pairchallenge"))
		send_step(rq, NULL, NULL);
	else
		send_end(rq, NV_OK, NULL);
}

/* Anybody can send this: it ends an attempt of the sender's, never a pairing. */
void nvhttp_unpair(struct http_request *rq, void *userdata)
{
	struct nvhttp *n = userdata;
	const struct pairing_from from = from_of(rq);
	const struct pairing_device device = {.number = pairing_cancel(n->pairing, &from)};
	struct xml x;
	if (device.number)
		note_end(n, &device, false);
	xml_init(&x, NV_OK, NULL);
	nvhttp_send(rq, &x);
	nvhttp_reap(n);
	nvhttp_rearm(n);
}
