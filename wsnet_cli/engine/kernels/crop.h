/* Windows for training: cut from 16-bit samples, stretched, and added up. */
#ifndef WSNET_CROP_H
#define WSNET_CROP_H

#include "wsnet.h"

/* scale * codes[start .. start + n_in - 1] at another length, by linear interpolation: the first and
 * the last sample are kept, and zeros stand where the piece reaches beyond codes [n_codes]. Writes
 * out [n_out] and gives the sum of its squares. 1 <= n_codes, 2 <= n_in and 1 <= n_out, all < 2^31.
 * Places are exact to 2e-5 of a sample. */
WSNET_API double wsnet_crop(const int16_t *codes, int64_t n_codes, float scale, int64_t start,
                            int64_t n_in, float *out, int64_t n_out);

/* gain1 * first + gain2 * second, into first [n]; gives the sum of its squares. */
WSNET_API double wsnet_add(float *first, float gain1, const float *second, float gain2, int64_t n);

#endif
