/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/* The reader of apps.json: what it accepts is within its bounds, and keeps its ids when it was written and read again. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "host/gamestream/apps_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct app_list a, b;
	char why[256] = "", *text = NULL, *again = NULL;
	if (apps_json_read(&a, (const char *)data, size, "/d", &text, why, sizeof(why)) < 0) {
		FUZZ_CHECK(!a.n && why[0] && !text);
		return 0;
	}
	FUZZ_CHECK(a.n >= 1 && a.n <= APPS_MAX);
	for (size_t i = 0; i < a.n; i++) {
		const struct app *app = a.apps[i];
		FUZZ_CHECK(app->id >= 1 && app->id <= INT32_MAX && app->title[0]);
		FUZZ_CHECK(app->n_commands <= APP_COMMANDS && app->n_env <= APP_ENV_MAX);
		FUZZ_CHECK(!app->art || app->art[0] == '/');
		for (size_t k = 0; k < i; k++)
			FUZZ_CHECK(a.apps[k]->id != app->id);
	}
	if (text) {
		FUZZ_CHECK(apps_json_read(&b, text, strlen(text), "/d", &again, why, sizeof(why)) ==
			PF_OK);
		FUZZ_CHECK(!again && a.n == b.n);
		for (size_t i = 0; i < a.n; i++)
			FUZZ_CHECK(a.apps[i]->id == b.apps[i]->id);
		app_list_finish(&b);
	}
	free(text);
	app_list_finish(&a);
	return 0;
}
