/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/moonlight/pairing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/ctl/ctl.h"

#define WAIT_MS	 5000
#define SECRET_N (2 * (16 + GS_CERT_SIG_MAX) + 1)

struct http_get moon_plain(const struct moon_host *h)
{
	return (struct http_get){.to = h->address, .port = h->base};
}

struct http_get moon_tls(const struct moon_host *h, const struct device *d)
{
	return (struct http_get){.to = h->address,
		.port = h->base - 5,
		.tls = 1,
		.cert = d ? d->cert_pem : NULL,
		.key = d ? d->key_pem : NULL};
}

int moon_ask(struct moon_host *h, const struct http_get *g, const char *request, int *transport)
{
	int status = -1;
	int http = http_get(g, request, h->body, sizeof(h->body), NULL);
	if (transport)
		*transport = http;
	const char *at = strstr(h->body, "<root status_code=\"");
	return at && sscanf(at, "<root status_code=\"%d\"", &status) == 1 ? status : -1;
}

bool moon_element(const struct moon_host *h, char *out, size_t cap, const char *name)
{
	char open[64];
	snprintf(open, sizeof(open), "<%s>", name);
	const char *at = strstr(h->body, open);
	const char *stop = at ? strchr(at + strlen(open), '<') : NULL;
	if (!stop)
		return false;
	snprintf(out, cap, "%.*s", (int)(stop - at - (long)strlen(open)), at + strlen(open));
	return true;
}

bool moon_is(const struct moon_host *h, const char *name, const char *value)
{
	char text[256];
	return moon_element(h, text, sizeof(text), name) && !strcmp(text, value);
}

int moon_command(const struct moon_host *h, const char *name, json_t *args, json_t **result)
{
	char path[128], why[600] = "";
	json_t *unused = NULL;
	snprintf(path, sizeof(path), "%s/host.sock", h->process.dir);
	int err = ctl_request(
		path, name, args, result ? result : &unused, WAIT_MS, why, sizeof(why));
	json_decref(args);
	json_decref(unused);
	return err;
}

size_t moon_waiting(const struct moon_host *h)
{
	json_t *result = NULL;
	if (moon_command(h, "gamestream.waiting", NULL, &result) < 0)
		return SIZE_MAX;
	size_t n = json_array_size(json_object_get(result, "devices"));
	json_decref(result);
	return n;
}

int moon_type_pin(const struct moon_host *h, const char *pin, int device, const char *name)
{
	return moon_command(h, "gamestream.pin",
		json_pack("{s:s, s:i, s:s}", "pin", pin, "device", device, "name", name), NULL);
}

/* --- the five steps --- */

static void *first_main(void *userdata)
{
	struct moon_first_step *f = userdata;
	const struct http_get g = moon_plain(f->host);
	size_t max = sizeof(f->device->cert_hex) + 300;
	char *request = malloc(max);
	snprintf(request, max,
		"/pair?" MOON_UNIQUEID
		"&devicename=roth&updateState=1&phrase=getservercert&salt=%s&clientcert=%s",
		f->salt, f->device->cert_hex);
	f->status = http_get(&g, request, f->reply, sizeof(f->reply), NULL);
	free(request);
	return NULL;
}

bool moon_begin(
	struct moon_first_step *f, const struct moon_host *h, struct device *d, const char *pin)
{
	const size_t n = moon_waiting(h) + 1;
	memset(f, 0, sizeof(*f));
	f->host = h;
	f->device = d;
	device_begin(d, pin, f->salt);
	if (pthread_create(&f->thread, NULL, first_main, f))
		abort();
	for (int waited = 0; waited < WAIT_MS; waited += 10) {
		if (moon_waiting(h) == n)
			return true;
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	return false;
}

void moon_begun(struct moon_first_step *f)
{
	pthread_join(f->thread, NULL);
}

bool moon_step(struct moon_host *h, const char *argument, const char *value)
{
	static char path[4096];
	const struct http_get g = moon_plain(h);
	snprintf(path, sizeof(path), "/pair?" MOON_UNIQUEID "&devicename=roth&updateState=1&%s=%s",
		argument, value);
	return moon_ask(h, &g, path, NULL) == 200 && moon_is(h, "paired", "1");
}

int moon_steps(struct moon_host *h, struct device *d, const struct gs_cert *host)
{
	char word[SECRET_N], value[SECRET_N];
	device_challenge(d, word);
	if (!moon_step(h, "clientchallenge", word) ||
		!moon_element(h, value, sizeof(value), "challengeresponse"))
		return 0;
	if (!device_response(d, value, word))
		return -1;
	if (!moon_step(h, "serverchallengeresp", word) ||
		!moon_element(h, value, sizeof(value), "pairingsecret"))
		return 1;
	if (!device_trusts(d, value, host))
		return -1;
	device_secret(d, d->key, word);
	return moon_step(h, "clientpairingsecret", word) ? 3 : 2;
}

bool moon_pair(struct moon_host *h, struct device *d, const struct gs_cert *host, const char *name)
{
	static struct moon_first_step f;
	const struct http_get g = moon_tls(h, d);
	const bool known = moon_begin(&f, h, d, "4711") && moon_type_pin(h, "4711", 0, name) >= 0;
	moon_begun(&f);
	return known && f.status == 200 && strstr(f.reply, "<paired>1</paired>") &&
		strstr(f.reply, "<plaincert>2d2d2d2d2d424547494e") && moon_steps(h, d, host) == 3 &&
		moon_ask(h, &g, "/pair?" MOON_UNIQUEID "&phrase=pairchallenge", NULL) == 200 &&
		moon_is(h, "paired", "1");
}
