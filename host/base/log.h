/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_BASE_LOG_H
#define HOST_BASE_LOG_H

/*
 * One line on stderr: time, level, message; the message begins with its module ("native: …"). Level is
 * tested before formatting; errno is kept. Never on a packet or frame path. Thread: any.
 */
enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_set_level(enum log_level level);
enum log_level log_get_level(void);
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) (log_get_level() >= LOG_DEBUG ? log_write(LOG_DEBUG, __VA_ARGS__) : (void)0)

#endif
