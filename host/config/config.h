/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_CONFIG_CONFIG_H
#define HOST_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"

enum config_command { CMD_NONE = 0, CMD_SERVE = 1, CMD_NATIVE = 2, CMD_DOCTOR = 4, CMD_ALL = 7 };

/* Everything that a person can set; made of options.def. Strings are borrowed from argv. */
struct config {
	enum config_command command;
#define STRING(field, flag, value, commands, arg, help)		  const char *field;
#define NUMBER(field, flag, value, min, max, commands, arg, help) uint32_t field;
#define SWITCH(field, flag, commands, help)			  bool field;
#include "host/config/options.def"
#undef STRING
#undef NUMBER
#undef SWITCH
};

#define CONFIG_FEC_MOST	     90u /* --fec-percent: receivers have no room for more in a full block */
#define CONFIG_FEC_AS_NEEDED 100u /* --fec-percent: more than anybody may ask for */

/*
 * Parses argv. Returns 1 when help or the version was printed and there is nothing else to do, 0 to go
 * on. Errors: PF_E_INVALID, after one sentence on stderr.
 */
int config_parse(struct config *c, int argc, char **argv) PF_MUST_CHECK;

/* The backend that --compositor or $PUNKTFUNK_COMPOSITOR names, "own" or "none"; NULL = whatever runs. */
const char *config_compositor(const struct config *c);

#endif
