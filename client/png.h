/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CLIENT_PNG_H
#define CLIENT_PNG_H

struct AVFrame;

/*
 * Writes a decoded picture as an RGB PNG, atomically; colours by the picture's own matrix and range
 * (BT.709 limited when it does not say). Errors: PUNKTFUNK_E_IO (errno says why), PUNKTFUNK_E_NOMEM,
 * PUNKTFUNK_E_UNSUPPORTED (a pixel format that libswscale cannot read, or no PNG encoder).
 */
int png_write(const char *path, const struct AVFrame *picture) __attribute__((warn_unused_result));

#endif
