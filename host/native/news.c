/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include "host/base/loop.h"
#include "host/host.h"
#include "host/native/control.h"
#include "host/native/internal.h"
#include "host/native/send.h"

/* From a send thread to the loop: a ring for each client, and at most one post at a time to say that it is filled. */

/* The client may be gone when it arrives, so it is named by number. */
struct news_post {
	struct native *native;
	uint64_t id;
};

static void send_timing(struct native_client *c, const struct pf_host_timing *t)
{
	uint8_t buf[PF_HOST_TIMING_LEN];
	pf_host_timing_write(buf, t);
	/* One that finds no room is old when there is some. */
	int err = quic_conn_send_datagram(c->conn, buf, sizeof(buf));
	(void)err;
}

static void pass_on(struct native_client *c, const struct news *news)
{
	switch (news->kind) {
	case NEWS_TIMING:
		send_timing(c, &news->timing);
		break;
	case NEWS_GAP:
		control_send(
			c, &(struct pf_msg){.type = PF_MSG_PIPELINE_GAP, .gap_ms = news->gap_ms});
		break;
	case NEWS_PROBE:
		break; /* see below */
	}
}

static void handle_news(const void *data, size_t len)
{
	struct news_post post;
	pf_check(len == sizeof(post));
	memcpy(&post, data, sizeof(post));
	struct native_client *c = post.native->clients;
	while (c && c->id != post.id)
		c = c->next;
	if (!c)
		return;
	struct news_ring *r = &c->data.news;
	atomic_store(&r->posted, false);
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	while (c->state == CLIENT_STREAM && tail != atomic_load(&r->head)) {
		struct news news = r->slots[tail % NEWS_SLOTS];
		atomic_store(&r->tail, ++tail);
		pass_on(c, &news);
	}
	/* Not by the news of it: that may have found no room. */
	if (c->state == CLIENT_STREAM)
		probe_report(c);
	native_flush(c->native);
}

void news_tell(struct native_client *c, const struct news *news)
{
	struct news_ring *r = &c->data.news;
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	if (head - atomic_load(&r->tail) < NEWS_SLOTS) {
		r->slots[head % NEWS_SLOTS] = *news;
		atomic_store(&r->head, head + 1);
	}
	if (atomic_exchange(&r->posted, true))
		return;
	struct news_post post = {c->native, c->id};
	if (loop_post(c->native->host->loop, handle_news, &post, sizeof(post)) < 0)
		atomic_store(&r->posted, false);
}
