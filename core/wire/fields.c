/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/wire/fields.h"

static void read_number(struct pf_reader *r, uint8_t *member, const struct pf_field *f)
{
	switch (f->size) {
	case sizeof(uint8_t): {
		uint8_t v = pf_read_u8(r);
		if (f->truth)
			memcpy(member, &(bool){v != 0}, sizeof(bool));
		else
			*member = v;
		break;
	}
	case sizeof(uint16_t):
		memcpy(member, &(uint16_t){pf_read_le16(r)}, sizeof(uint16_t));
		break;
	case sizeof(uint32_t):
		memcpy(member, &(uint32_t){pf_read_le32(r)}, sizeof(uint32_t));
		break;
	case sizeof(uint64_t):
		memcpy(member, &(uint64_t){pf_read_le64(r)}, sizeof(uint64_t));
		break;
	default: {
		const uint8_t *p = pf_read_bytes(r, f->size);
		if (p)
			memcpy(member, p, f->size);
	}
	}
}

void pf_fields_read(struct pf_reader *r, void *object, const struct pf_field *f, size_t n)
{
	for (; n && f->size; n--, f++)
		read_number(r, (uint8_t *)object + f->at, f);
}

void pf_fields_write(struct pf_writer *w, const void *object, const struct pf_field *f, size_t n)
{
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;
	for (; n && f->size; n--, f++) {
		const uint8_t *member = (const uint8_t *)object + f->at;
		switch (f->size) {
		case sizeof v16:
			memcpy(&v16, member, sizeof v16);
			pf_write_le16(w, v16);
			break;
		case sizeof v32:
			memcpy(&v32, member, sizeof v32);
			pf_write_le32(w, v32);
			break;
		case sizeof v64:
			memcpy(&v64, member, sizeof v64);
			pf_write_le64(w, v64);
			break;
		default:
			pf_write_bytes(w, member, f->size);
		}
	}
}
