/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "net/discovery_list.h"

#include <stdlib.h>
#include <string.h>

#include "core/wire/text.h"

static struct discovery_record *find(struct discovery_list *l, const struct discovery_key *key)
{
	for (size_t i = 0; i < l->n_records; i++)
		if (l->records[i].key.interface == key->interface &&
			!strcmp(l->records[i].key.name, key->name))
			return &l->records[i];
	return NULL;
}

bool discovery_list_remove(struct discovery_list *l, const struct discovery_key *key)
{
	struct discovery_record *r = find(l, key);
	if (!r)
		return false;
	/* In order: the record that was heard first describes its host. */
	size_t behind = (size_t)(l->records + l->n_records - r) - 1;
	memmove(r, r + 1, behind * sizeof(*r));
	l->n_records--;
	return true;
}

int discovery_list_put(struct discovery_list *l, const struct discovery_key *key, uint32_t addr,
	uint16_t port, const uint8_t *txt, size_t txt_len)
{
	struct discovery_record r;
	memset(&r, 0, sizeof(r)); /* padding too: it is compared */
	r.key.interface = key->interface;
	strcpy(r.key.name, key->name);
	r.addr = addr;
	r.port = port;
	int err = pf_txt_read(&r.txt, txt, txt_len);
	if (!err && (!port || !key->name[0] || !pf_address_usable(addr)))
		err = PF_E_INVALID;
	if (err < 0) {
		l->n_ignored++;
		discovery_list_remove(l, key);
		return err;
	}
	struct discovery_record *known = find(l, key);
	if (!known) {
		if (l->n_records == DISCOVERY_RECORDS_MAX) {
			l->n_dropped++;
			return PF_E_FULL;
		}
		l->records[l->n_records++] = r;
		return 1;
	}
	bool same = !memcmp(known, &r, sizeof(r));
	*known = r;
	return !same;
}

static bool same_host(const struct discovery_record *a, const struct discovery_record *b)
{
	if (a->port != b->port || a->txt.has_fp != b->txt.has_fp ||
		memcmp(a->txt.fp, b->txt.fp, sizeof(a->txt.fp)) != 0 ||
		strcmp(a->txt.id, b->txt.id) != 0)
		return false;
	return a->txt.id[0] || !strcmp(a->key.name, b->key.name);
}

static void add_addr(struct discovery_host *h, uint32_t addr)
{
	for (size_t i = 0; i < h->n_addrs; i++)
		if (h->addrs[i] == addr)
			return;
	if (h->n_addrs < DISCOVERY_ADDRS_MAX)
		h->addrs[h->n_addrs++] = addr;
}

static int by_name(const void *a, const void *b)
{
	const struct discovery_host *x = a, *y = b;
	int order = strcmp(x->name, y->name);
	if (!order)
		order = x->addr < y->addr ? -1 : x->addr > y->addr;
	return order ? order : (int)x->port - (int)y->port;
}

/* The host of record i, of which it is the first. */
static void make_host(const struct discovery_list *l, size_t i, const struct discovery_nets *nets,
	struct discovery_host *h)
{
	const struct discovery_record *r = &l->records[i];
	memset(h, 0, sizeof(*h));
	pf_text_clean(h->name, sizeof(h->name), r->key.name, strlen(r->key.name));
	h->port = r->port;
	h->txt = r->txt;
	for (size_t k = i; k < l->n_records; k++)
		if (same_host(r, &l->records[k]))
			add_addr(h, l->records[k].addr);
	h->addr = pf_address_pick(h->addrs, h->n_addrs, nets->own, nets->n_own, r->txt.addr,
		nets->routes, nets->n_routes);
}

size_t discovery_list_hosts(const struct discovery_list *l, const struct discovery_nets *nets,
	struct discovery_host *out, size_t cap)
{
	size_t n = 0;
	for (size_t i = 0; i < l->n_records && n < cap; i++) {
		bool first = true;
		for (size_t k = 0; k < i && first; k++)
			first = !same_host(&l->records[k], &l->records[i]);
		if (first)
			make_host(l, i, nets, &out[n++]);
	}
	qsort(out, n, sizeof(*out), by_name);
	return n;
}
