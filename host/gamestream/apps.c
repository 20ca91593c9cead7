/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/apps.h"

#include <stdlib.h>

struct app *app_ref(struct app *app)
{
	app->refs++;
	return app;
}

static void free_strings(char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

void app_unref(struct app *app)
{
	if (!app || --app->refs)
		return;
	for (size_t i = 0; i < app->n_commands; i++) {
		free(app->commands[i].run);
		free(app->commands[i].undo);
	}
	free_strings(app->env, app->n_env);
	free(app->title);
	free(app->command);
	free(app->compositor);
	free(app->dir);
	free(app->art);
	free(app);
}
