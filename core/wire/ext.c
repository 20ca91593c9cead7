/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include "core/base/bytes.h"
#include "core/wire/handshake.h"
#include "core/wire/text.h"

/* Extension block: total u16 (without itself), then entries of tag u16 || length u16 || value. */
int pf_ext_read(const uint8_t *data, size_t len,
	void (*entry)(uint16_t tag, const uint8_t *value, size_t value_len, void *userdata),
	void *userdata)
{
	uint16_t seen[PF_EXT_MAX_ENTRIES];
	size_t n = 0;
	struct pf_reader r = pf_reader_make(data, len);
	uint16_t total = pf_read_le16(&r);
	if (!r.ok || len > PF_EXT_MAX_LEN || total != pf_reader_left(&r))
		return PF_E_BAD_PACKET;
	while (pf_reader_left(&r)) {
		uint16_t tag = pf_read_le16(&r);
		size_t value_len = pf_read_le16(&r);
		if (!pf_read_bytes(&r, value_len) || n == PF_EXT_MAX_ENTRIES)
			return PF_E_BAD_PACKET;
		for (size_t i = 0; i < n; i++)
			if (seen[i] == tag)
				return PF_E_BAD_PACKET;
		seen[n++] = tag;
	}
	if (!entry)
		return PF_OK;
	r = pf_reader_make(data + 2, total);
	while (pf_reader_left(&r)) {
		uint16_t tag = pf_read_le16(&r);
		size_t value_len = pf_read_le16(&r);
		entry(tag, pf_read_bytes(&r, value_len), value_len, userdata);
	}
	return PF_OK;
}

static bool label_ok(const void *label, size_t len)
{
	return len && len <= PF_EXT_LABEL_MAX && pf_text_valid(label, len);
}

static bool preset_ok(const void *id, size_t id_len, const void *name, size_t name_len)
{
	return id_len && id_len <= PF_PRESET_ID_MAX && pf_text_printable(id, id_len) &&
		name_len <= PF_PRESET_NAME_MAX && pf_text_valid(name, name_len);
}

static void copy_text(char *out, const void *text, size_t len)
{
	memcpy(out, text, len);
	out[len] = '\0';
}

/* Preset: 0 id length u8 || id, then name length u8 || name. */
static void read_preset(struct pf_ext *e, const uint8_t *value, size_t len)
{
	struct pf_reader r = pf_reader_make(value, len);
	size_t id_len = pf_read_u8(&r);
	const uint8_t *id = pf_read_bytes(&r, id_len);
	size_t name_len = pf_read_u8(&r);
	const uint8_t *name = pf_read_bytes(&r, name_len);
	if (!r.ok || pf_reader_left(&r) || !preset_ok(id, id_len, name, name_len))
		return;
	copy_text(e->preset_id, id, id_len);
	copy_text(e->preset_name, name, name_len);
}

static void on_entry(uint16_t tag, const uint8_t *value, size_t value_len, void *userdata)
{
	struct pf_ext *e = userdata;
	if (tag == PF_EXT_CLIENT_LABEL && label_ok(value, value_len))
		copy_text(e->label, value, value_len);
	else if (tag == PF_EXT_ABR_FEATURES && value_len == 1)
		e->abr_features = value[0];
	else if (tag == PF_EXT_PRESET)
		read_preset(e, value, value_len);
}

int pf_ext_parse(struct pf_ext *e, const uint8_t *data, size_t len)
{
	*e = (struct pf_ext){0};
	return pf_ext_read(data, len, on_entry, e);
}

bool pf_ext_is_empty(const struct pf_ext *e)
{
	return !e->label[0] && !e->abr_features && !e->preset_id[0] && !e->preset_name[0];
}

int pf_ext_write(uint8_t *out, size_t cap, const struct pf_ext *e)
{
	size_t label = strnlen(e->label, sizeof e->label);
	size_t id = strnlen(e->preset_id, sizeof e->preset_id);
	size_t name = strnlen(e->preset_name, sizeof e->preset_name);
	if (pf_ext_is_empty(e))
		return 0;
	if ((label && !label_ok(e->label, label)) ||
		((id || name) && !preset_ok(e->preset_id, id, e->preset_name, name)))
		return PF_E_INVALID;
	struct pf_writer w = pf_writer_make(out, cap);
	pf_write_le16(&w, 0);
	if (label) {
		pf_write_le16(&w, PF_EXT_CLIENT_LABEL);
		pf_write_le16(&w, (uint16_t)label);
		pf_write_bytes(&w, e->label, label);
	}
	if (e->abr_features) {
		pf_write_le16(&w, PF_EXT_ABR_FEATURES);
		pf_write_le16(&w, 1);
		pf_write_u8(&w, e->abr_features);
	}
	if (id) {
		pf_write_le16(&w, PF_EXT_PRESET);
		pf_write_le16(&w, (uint16_t)(2 + id + name));
		pf_write_u8(&w, (uint8_t)id);
		pf_write_bytes(&w, e->preset_id, id);
		pf_write_u8(&w, (uint8_t)name);
		pf_write_bytes(&w, e->preset_name, name);
	}
	if (!w.ok)
		return PF_E_FULL;
	pf_put_le16(out, (uint16_t)(pf_writer_len(&w) - 2));
	return (int)pf_writer_len(&w);
}
