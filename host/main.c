/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "host/announce.h"
#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/config/config.h"
#include "host/ctl/cli.h"
#include "host/doctor/doctor.h"
#include "host/gamestream/gamestream.h"
#include "host/host.h"
#include "host/native/native.h"

/* argv -> config -> loop -> host -> run */

static void quit(void *userdata)
{
	loop_quit(userdata, EXIT_SUCCESS);
}

static int announce(struct announce **out, const struct native *native, const struct config *config)
{
	struct native_contact contact;
	int err = native_contact(native, &contact);
	return err < 0
		? err
		: announce_create(out, config, &contact.local, contact.fp, config->require_pairing);
}

static int run(const struct config *config)
{
	struct loop *loop = NULL;
	struct host *host = NULL;
	struct native *native = NULL;
	struct gamestream *gamestream = NULL;
	struct announce *announcement = NULL;
	int code = EXIT_FAILURE;
	if (loop_create(&loop) < 0) {
		log_error("host: no event loop could be made: the system is out of descriptors or "
			  "memory");
		return code;
	}
	if (host_create(&host, loop, config) >= 0 &&
		native_create(&native, host, quit, loop) >= 0 &&
		gamestream_create(&gamestream, host) >= 0 &&
		announce(&announcement, native, config) >= 0)
		code = loop_run(loop);
	gamestream_destroy(gamestream);
	native_destroy(native);
	announce_destroy(
		announcement); /* may wait for a daemon that hangs: clients have been told by now */
	host_destroy(host);
	loop_destroy(loop);
	return code < 0 ? EXIT_FAILURE : code;
}

/*
 * A session is a few large buffers, made and freed by several threads. With an arena for each thread and a
 * threshold that creeps up, glibc keeps more of them with every session; like this they go back at once.
 */
static void keep_memory_flat(void)
{
	mallopt(M_ARENA_MAX, 2);
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
	mallopt(M_TRIM_THRESHOLD, 1 << 20);
}

int main(int argc, char **argv)
{
	struct config config;
	if (argc >= 2 && cli_is_command(argv[1]))
		return cli_main(argc, argv);
	int err = config_parse(&config, argc, argv);
	if (err)
		return err < 0 ? 2 : EXIT_SUCCESS;
	if (config.command == CMD_DOCTOR)
		return doctor_main(&config);
	keep_memory_flat();
	if (config.verbose)
		log_set_level(LOG_DEBUG);
	return run(&config);
}
