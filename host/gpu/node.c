/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gpu/node.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Render nodes have the minor numbers from 128 on. */
#define FIRST_RENDER 128u
#define N_RENDER     64u

/* struct drm_version of the kernel's interface, whose header not every Debian has. */
struct version {
	int major, minor, patch;
	size_t name_len;
	char *name;
	size_t date_len;
	char *date;
	size_t text_len;
	char *text;
};

#define GET_VERSION _IOWR('d', 0x00, struct version)

static void read_driver(int fd, char *out, size_t size)
{
	struct version v = {.name = out, .name_len = size - 1};
	memset(out, 0, size);
	if (ioctl(fd, GET_VERSION, &v) < 0)
		snprintf(out, size, "unknown");
	for (char *c = out; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '-' && *c != '_')
			*c = '?';
}

int gpu_node_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? pf_error_from_errno(errno) : fd;
}

dev_t gpu_node_number(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISCHR(st.st_mode) ? st.st_rdev : 0;
}

/* Both nodes have the same parent in sysfs. */
bool gpu_same_card(dev_t a, dev_t b)
{
	char link[64], path_a[PATH_MAX], path_b[PATH_MAX];
	if (a == b)
		return true;
	snprintf(link, sizeof(link), "/sys/dev/char/%u:%u/device", major(a), minor(a));
	if (!realpath(link, path_a))
		return false;
	snprintf(link, sizeof(link), "/sys/dev/char/%u:%u/device", major(b), minor(b));
	return realpath(link, path_b) && strcmp(path_a, path_b) == 0;
}

unsigned gpu_nodes(struct gpu_node out[static GPU_MAX_NODES])
{
	struct stat st;
	unsigned n = 0;
	for (unsigned i = 0; i < N_RENDER && n < GPU_MAX_NODES; i++) {
		struct gpu_node *node = &out[n];
		memset(node, 0, sizeof(*node));
		snprintf(node->path, sizeof(node->path), "/dev/dri/renderD%u", FIRST_RENDER + i);
		if (stat(node->path, &st) < 0 || !S_ISCHR(st.st_mode))
			continue;
		n++;
		int fd = gpu_node_open(node->path);
		node->err = fd < 0 ? fd : PF_OK;
		if (fd < 0)
			continue;
		read_driver(fd, node->driver, sizeof(node->driver));
		close(fd);
	}
	return n;
}

bool gpu_present(void)
{
	struct gpu_node nodes[GPU_MAX_NODES];
	return gpu_nodes(nodes) || !access("/dev/nvidiactl", R_OK | W_OK);
}
