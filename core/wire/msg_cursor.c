/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/wire/body.h"

#define BYTES_A_PIXEL 4u

static bool side_ok(uint16_t side)
{
	return side && side <= PF_CURSOR_MAX_SIDE;
}

static size_t rgba_len(const struct pf_msg *m)
{
	return BYTES_A_PIXEL * m->cursor_shape.width * m->cursor_shape.height;
}

/* CursorShape: 5 serial u32, 9 width u16, 11 height u16, 13 hot x u16, 15 hot y u16, 17 RGBA 4 * w * h. */
static int read_shape(struct pf_reader *r, struct pf_msg *m)
{
	m->cursor_shape.serial = pf_read_le32(r);
	m->cursor_shape.width = pf_read_le16(r);
	m->cursor_shape.height = pf_read_le16(r);
	m->cursor_shape.hot_x = pf_read_le16(r);
	m->cursor_shape.hot_y = pf_read_le16(r);
	if (!side_ok(m->cursor_shape.width) || !side_ok(m->cursor_shape.height))
		return PF_E_BAD_PACKET;
	m->cursor_shape.rgba = pf_read_span(r, rgba_len(m));
	/* A hot spot outside would put the picture away from where it points. */
	if (m->cursor_shape.hot_x > m->cursor_shape.width)
		m->cursor_shape.hot_x = m->cursor_shape.width;
	if (m->cursor_shape.hot_y > m->cursor_shape.height)
		m->cursor_shape.hot_y = m->cursor_shape.height;
	return PF_OK;
}

static bool shape_ok(const struct pf_msg *m)
{
	return side_ok(m->cursor_shape.width) && side_ok(m->cursor_shape.height) &&
		m->cursor_shape.hot_x <= m->cursor_shape.width &&
		m->cursor_shape.hot_y <= m->cursor_shape.height && m->cursor_shape.rgba.data &&
		m->cursor_shape.rgba.len == rgba_len(m);
}

static size_t shape_len(const struct pf_msg *m)
{
	return 4 + 4 * 2 + rgba_len(m);
}

static void write_shape(struct pf_writer *w, const struct pf_msg *m)
{
	pf_write_le32(w, m->cursor_shape.serial);
	pf_write_le16(w, m->cursor_shape.width);
	pf_write_le16(w, m->cursor_shape.height);
	pf_write_le16(w, m->cursor_shape.hot_x);
	pf_write_le16(w, m->cursor_shape.hot_y);
	pf_write_bytes(w, m->cursor_shape.rgba.data, m->cursor_shape.rgba.len);
}

const struct pf_body pf_body_cursor_shape = {read_shape, shape_ok, shape_len, write_shape};
