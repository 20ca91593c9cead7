/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_WIRE_FIELDS_H
#define PF_WIRE_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"

/*
 * A body of fixed layout as a list of members, so that reader and writer cannot differ. A member of 1, 2, 4
 * or 8 bytes is a little-endian number of that size on the wire, a bool is a byte that is true unless 0, and
 * an array of bytes is itself. A list ends where size is 0.
 */
struct pf_field {
	uint16_t at;
	uint8_t size;
	bool truth;
};

#define PF_FIELD(type, member) \
	{ \
		offsetof(type, member), sizeof(((type *)0)->member), \
			_Generic(((type *)0)->member, bool \
				 : true, default \
				 : false) \
	}

/* At most n fields. What does not fit shows in ok of reader or writer. */
void pf_fields_read(struct pf_reader *r, void *object, const struct pf_field *f, size_t n);
void pf_fields_write(struct pf_writer *w, const void *object, const struct pf_field *f, size_t n);

#endif
