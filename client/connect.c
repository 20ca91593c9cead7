/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/connect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/run.h"

/* When a wait is explained: a paired host hardly ever asks anybody. */
#define SAY_STRANGER_MS 1000u
#define SAY_PAIRED_MS	5000u

int connect_exit_code(int status)
{
	if (status == PUNKTFUNK_E_PIN)
		return EXIT_TRUST;
	return status <= PUNKTFUNK_E_NOT_ARMED ? EXIT_REFUSED : EXIT_CONNECT;
}

const char *connect_own_name(const char *given, char buffer[ARGS_NAME_MAX + 1])
{
	buffer[0] = buffer[ARGS_NAME_MAX] = '\0';
	if (!given && gethostname(buffer, ARGS_NAME_MAX) != 0)
		buffer[0] = '\0';
	return given ? given : buffer;
}

/* The sentence for a host whose certificate is not the one that --pin names. */
static void explain_pin(const struct connect *c, char message[CONNECT_MESSAGE_MAX])
{
	char hex[TRUST_HEX_MAX];
	trust_hex(c->pin, hex);
	snprintf(message, CONNECT_MESSAGE_MAX,
		"The certificate of %s port %u is not the one that --pin names (%s), so somebody "
		"may be in between; compare with the fingerprint that the host shows.",
		c->target.host, c->target.port, hex);
}

/* The host does not let us in, and how it would. */
static void explain_stranger(const struct connect *c, char message[CONNECT_MESSAGE_MAX])
{
	char word[TARGET_WORD_MAX];
	snprintf(message, CONNECT_MESSAGE_MAX,
		"The host %s does not know this client and did not let it in. Pair with it: "
		"punktfunk-host pair --arm there, punktfunk-client pair %s here. Or ask again and "
		"let somebody there say yes (punktfunk-host knocks, punktfunk-host approve): "
		"--wait-approval 180.",
		target_label(&c->target), target_word(&c->target, word));
}

/* The host has our Hello and gave no answer: it waits for a person's word, if it knows us not. */
static bool kept_waiting(int status, const char *message)
{
	return status == PUNKTFUNK_E_TIMEOUT && strstr(message, "heard us");
}

/* The library's own words are kept where it knows more than we do; without any, a phrase and advice. */
static void explain(const struct connect *c, int status, char message[CONNECT_MESSAGE_MAX])
{
	if (status == PUNKTFUNK_E_IDENTITY_REQUIRED || status == PUNKTFUNK_E_APPROVAL_TIMEOUT ||
		kept_waiting(status, message))
		explain_stranger(c, message);
	if (message[0])
		return;
	const char *advice = connect_exit_code(status) == EXIT_REFUSED
		? "look at the host's messages"
		: "check its name, that punktfunk-host runs there and that UDP gets through";
	snprintf(message, CONNECT_MESSAGE_MAX, "No connection to %s port %u (%s); %s.",
		c->target.host, c->target.port, punktfunk_strerror(status), advice);
}

/* The host heard us, and there is no picture yet: it starts its desktop, or a person is asked. Said once. */
static int say_waiting(void *userdata, uint32_t waited_ms)
{
	struct connect *c = userdata;
	bool paired = c->target.known.paired && !c->target.known.unpaired;
	uint32_t after_ms = paired ? SAY_PAIRED_MS : SAY_STRANGER_MS;
	if (!c->has_identity || c->told_waiting || waited_ms < after_ms)
		return 0;
	char hex[TRUST_HEX_MAX];
	trust_hex(c->identity.sha256, hex);
	c->told_waiting = true;
	if (!c->o->quiet)
		run_say("Waiting for %s: it starts its desktop, or asks its owner about this "
			"client. To let the client in, there: punktfunk-host approve %.16s",
			target_label(&c->target), hex);
	return 0;
}

static int dial(
	struct connect *c, struct punktfunk_connection **out, char message[CONNECT_MESSAGE_MAX])
{
	const struct options *o = c->o;
	struct punktfunk_connect_opts opts;
	char buffer[ARGS_NAME_MAX + 1];
	const char *name = connect_own_name(o->name, buffer);
	punktfunk_connect_opts_init(&opts);
	opts.host = c->target.host;
	opts.port = c->target.port;
	opts.mode = c->mode.width ? c->mode : o->mode;
	opts.timeout_ms = c->timeout_ms;
	opts.pin = c->has_pin ? c->pin : NULL;
	opts.bitrate_kbps = o->bitrate;
	opts.codecs = PUNKTFUNK_CODEC_H264;
	opts.name = name[0] ? name : NULL;
	opts.drop_percent = o->drop;
	opts.drop_seed = 1;
	opts.cert_pem = opts.key_pem = c->has_identity ? c->identity.pem : NULL;
	opts.approval_timeout_ms = o->wait_approval * 1000;
	opts.waiting = say_waiting;
	opts.userdata = c;
	opts.launch = o->launch;
	opts.video_caps = PUNKTFUNK_VIDEO_CAP_HOST_TIMING;
	if (o->cursor == OPTIONS_CURSOR_CLIENT)
		opts.client_caps = PUNKTFUNK_CLIENT_CAP_CURSOR;
	message[0] = '\0';
	c->status = punktfunk_connect_opts(out, &opts, message, CONNECT_MESSAGE_MAX);
	message[CONNECT_MESSAGE_MAX - 1] = '\0';
	return c->status;
}

/* Nobody is where the host was; it may be elsewhere. */
static int dial_anywhere(
	struct connect *c, struct punktfunk_connection **out, char message[CONNECT_MESSAGE_MAX])
{
	int err = dial(c, out, message);
	bool silent = err == PUNKTFUNK_E_TIMEOUT || err == PUNKTFUNK_E_CLOSED ||
		err == PUNKTFUNK_E_IO || err == PUNKTFUNK_E_INVALID;
	struct target before = c->target;
	if (!silent || !c->path || !target_search(&c->target))
		return err;
	if (!c->o->quiet)
		run_say("%s does not answer at %s port %u; trying %s port %u, where the network "
			"has it now.",
			target_label(&before), before.host, before.port, c->target.host,
			c->target.port);
	err = dial(c, out, message);
	if (err)
		c->target = before;
	return err;
}

/* What is said of a host that was let in and noted. */
static void say_noted(const struct connect *c, enum target_was was, char message[])
{
	char hex[TRUST_HEX_MAX];
	trust_hex(c->fingerprint, hex);
	message[0] = '\0';
	if (was == TARGET_NEW)
		snprintf(message, CONNECT_MESSAGE_MAX,
			"First meeting with %s port %u: its certificate %s is trusted from now on "
			"(noted in %s). Only pairing makes sure that nobody is in between.",
			c->target.host, c->target.port, hex, c->path);
	else if (was == TARGET_MOVED && !c->has_pin)
		snprintf(message, CONNECT_MESSAGE_MAX,
			"%s port %u is a host that is known already, by its certificate %s.",
			c->target.host, c->target.port, hex);
}

static int settle(
	struct connect *c, struct punktfunk_connection *pc, char message[CONNECT_MESSAGE_MAX])
{
	enum target_was was;
	message[0] = '\0';
	if (punktfunk_connection_codec(pc) != PUNKTFUNK_CODEC_H264) {
		snprintf(message, CONNECT_MESSAGE_MAX,
			"The host chose a codec that this client cannot decode; set it to H.264.");
		return EXIT_CONNECT;
	}
	if (punktfunk_connection_fingerprint(pc, c->fingerprint) != PUNKTFUNK_OK) {
		snprintf(message, CONNECT_MESSAGE_MAX,
			"The host's fingerprint cannot be read; update punktfunk and connect "
			"again.");
		return EXIT_TRUST;
	}
	if (!c->path)
		return EXIT_FINE;
	int err = target_remember(&c->target, c->path, c->fingerprint, false, &was, message);
	if (!err) {
		say_noted(c, was, message);
		memcpy(c->pin, c->fingerprint, sizeof(c->pin));
		c->has_pin = true;
		return EXIT_FINE;
	}
	/* A host whose certificate was known before needs no note to be believed. */
	if (err != PUNKTFUNK_E_PIN && c->has_pin) {
		run_say("%s", message);
		message[0] = '\0';
		return EXIT_FINE;
	}
	punktfunk_connection_disconnect_quit(pc);
	return err == PUNKTFUNK_E_IO || err == PUNKTFUNK_E_NOMEM ? EXIT_OUTPUT : EXIT_TRUST;
}

void connect_note_end(const struct connect *c, int status)
{
	char message[CONNECT_MESSAGE_MAX];
	bool stranger = status == PUNKTFUNK_E_DENIED || status == PUNKTFUNK_E_APPROVAL_TIMEOUT;
	if (stranger && c->path && c->has_pin && target_unpaired(c->path, c->pin, message) < 0)
		run_say("%s", message);
}

int connect_open(
	struct connect *c, struct punktfunk_connection **out, char message[CONNECT_MESSAGE_MAX])
{
	struct punktfunk_connection *pc = NULL;
	int err = dial_anywhere(c, &pc, message);
	bool waited = kept_waiting(err, message);
	if (err == PUNKTFUNK_E_PIN && !c->path)
		explain_pin(c, message);
	else if (err == PUNKTFUNK_E_PIN)
		trust_explain_mismatch(c->path, c->target.host, c->target.port, message);
	else if (err)
		explain(c, err, message);
	connect_note_end(c, err);
	if (err)
		return waited ? EXIT_REFUSED : connect_exit_code(err);
	int code = settle(c, pc, message);
	if (code)
		punktfunk_connection_close(pc);
	else
		*out = pc;
	return code;
}

int connect_check(char message[CONNECT_MESSAGE_MAX])
{
	if (punktfunk_abi_version() == PUNKTFUNK_ABI_VERSION)
		return EXIT_FINE;
	snprintf(message, CONNECT_MESSAGE_MAX,
		"The library punktfunk_core has interface %u and this client wants %u; install "
		"both from one version.",
		punktfunk_abi_version(), PUNKTFUNK_ABI_VERSION);
	return EXIT_CONNECT;
}

/* Without a home there is nothing to be known by; a host with --pin and --allow-tofu may not mind. */
static int load_identity(struct connect *c, char message[CONNECT_MESSAGE_MAX])
{
	char *path = identity_path();
	if (!path)
		return EXIT_FINE;
	int err = identity_load(&c->identity, path, message);
	c->has_identity = !err;
	free(path);
	return err ? EXIT_TRUST : EXIT_FINE;
}

int connect_prepare(struct connect *c, const struct options *o, char message[CONNECT_MESSAGE_MAX])
{
	memset(c, 0, sizeof(*c));
	c->o = o;
	c->mode = o->mode;
	message[0] = '\0';
	int code = connect_check(message);
	if (code)
		return code;
	if (o->pin.given) {
		c->has_pin = true;
		memcpy(c->pin, o->pin.sha256, sizeof(c->pin));
	} else if (!(c->path = trust_path())) {
		snprintf(message, CONNECT_MESSAGE_MAX,
			"Neither PUNKTFUNK_CONFIG_DIR (an absolute path) nor HOME says where "
			"known_hosts is; set one or "
			"use --pin.");
		return EXIT_TRUST;
	}
	code = load_identity(c, message);
	if (!code)
		code = target_find(&c->target, o->host, c->path, message);
	if (!code && c->target.is_known) {
		c->has_pin = true;
		memcpy(c->pin, c->target.known.sha256, sizeof(c->pin));
	}
	return code;
}

void connect_finish(struct connect *c)
{
	identity_finish(&c->identity);
	free(c->path);
	c->path = NULL;
}
