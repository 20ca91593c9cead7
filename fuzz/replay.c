/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Runs a fuzz target over the files of the folders given, without libFuzzer: the seeds are
 * a test of every build. The empty input is always among them.
 */
#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz/fuzz.h"

/* No datagram or message that a target reads is larger. */
#define INPUT_MAX (1u << 20)

static int run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	if (!file) {
		fprintf(stderr, "replay: cannot open %s; is the seed readable?\n", path);
		return 1;
	}
	uint8_t *buffer = malloc(INPUT_MAX);
	size_t len = buffer ? fread(buffer, 1, INPUT_MAX, file) : 0;
	fclose(file);
	/* An exact copy: the sanitizer sees a read of one byte too many. */
	uint8_t *data = malloc(len ? len : 1);
	if (buffer && data) {
		for (size_t i = 0; i < len; i++)
			data[i] = buffer[i];
		LLVMFuzzerTestOneInput(data, len);
	}
	free(data);
	free(buffer);
	return 0;
}

static int run_folder(const char *path, unsigned *n_files)
{
	DIR *folder = opendir(path);
	if (!folder)
		return 0; /* a target without seeds */
	int failed = 0;
	struct dirent *entry;
	while ((entry = readdir(folder))) {
		char name[4096];
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		failed |= run_file(name);
		*n_files += 1;
	}
	closedir(folder);
	return failed;
}

int main(int argc, char **argv)
{
	static const uint8_t nothing;
	unsigned n_files = 0;
	int failed = 0;
	LLVMFuzzerTestOneInput(&nothing, 0);
	for (int i = 1; i < argc; i++)
		failed |= run_folder(argv[i], &n_files);
	printf("%u seeds\n", n_files);
	return failed;
}
