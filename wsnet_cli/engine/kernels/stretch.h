/* A piece of sound at another length, for training; a change raises WSNET_ABI. */
#ifndef WSNET_STRETCH_H
#define WSNET_STRETCH_H

#include "wsnet.h"

/* Linear interpolation of in [n_in] to out [n_out]; the first and the last sample are kept.
 * 2 <= n_in < 2^31, 1 <= n_out < 2^31; the two do not overlap. */
WSNET_API void wsnet_stretch(const float *in, int64_t n_in, float *out, int64_t n_out);

#endif
