/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CLIENT_CHANGE_H
#define CLIENT_CHANGE_H

#include <stdint.h>

/*
 * Did something happen to the picture? First pictures are learned: each block of 8 x 8 pixels gets the
 * range of brightness that it shows by itself (codec noise, a blinking cursor, an animation). Later a
 * picture is judged by how many blocks are clearly outside their range, not counting those near places
 * where the pointer was.
 */

struct change;
struct AVFrame;

#define CHANGE_BLOCKS_MIN 6 /* a typed word has more; a stray error of the codec has fewer */

struct change *change_create(void);    /* NULL: no memory */
void change_destroy(struct change *c); /* takes NULL */

/* Learns a picture; one of another size starts anew. Pictures that are not 8-bit YUV are not learned. */
void change_learn(struct change *c, const struct AVFrame *picture);
/* The pointer is, or was, at this pixel. */
void change_hide(struct change *c, int32_t x, int32_t y);
/*
 * The number of changed blocks (CHANGE_BLOCKS_MIN and more mean: yes, it changed), or
 * PUNKTFUNK_E_INVALID: the picture cannot be compared with those learned.
 */
int change_judge(const struct change *c, const struct AVFrame *picture);

#endif
