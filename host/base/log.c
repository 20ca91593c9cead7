/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOG_LINE_MAX \
	1024 /* a longer message is cut; one write() keeps lines whole between threads */

static _Atomic int current_level = LOG_INFO;

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&current_level, level, memory_order_relaxed);
}

enum log_level log_get_level(void)
{
	return atomic_load_explicit(&current_level, memory_order_relaxed);
}

/* What others named (windows, peers, files) may hold control characters: no second line, no escapes. */
static void blank_controls(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = '?';
}

void log_write(enum log_level level, const char *format, ...)
{
	static const char *const words[] = {[LOG_ERROR] = "error",
		[LOG_WARN] = "warn",
		[LOG_INFO] = "info",
		[LOG_DEBUG] = "debug"};
	if (level > log_get_level())
		return;
	int saved_errno = errno;

	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	struct tm tm;
	localtime_r(&now.tv_sec, &tm);
	char line[LOG_LINE_MAX];
	size_t len = strftime(line, sizeof(line), "%F %T", &tm);
	len += (size_t)snprintf(
		line + len, sizeof(line) - len, ".%03ld %s ", now.tv_nsec / 1000000, words[level]);

	va_list args;
	va_start(args, format);
	errno = saved_errno; /* for %m */
	int n = vsnprintf(line + len, sizeof(line) - len - 1, format, args);
	va_end(args);
	if (n > 0) {
		size_t room = sizeof(line) - len - 2;
		size_t text_len = (size_t)n < room ? (size_t)n : room;
		blank_controls(line + len, text_len);
		len += text_len;
	}
	line[len++] = '\n';
	ssize_t written = write(STDERR_FILENO, line, len);
	(void)written; /* where would one complain? */
	errno = saved_errno;
}
