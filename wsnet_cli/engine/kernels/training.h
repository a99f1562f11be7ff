/* What training asks of a convolution with batch norm, ReLU and max pooling, beside what inference
 * asks: the statistics of its output, its output with the places of the maxima, and its gradients.
 *
 * wsnet_cli/learn/modules/fused.py has the formulas. Batch norm's statistics follow from the sums and the
 * products of the input's windows, so the unpooled output is never written; after pooling only the
 * maxima have a gradient, and the rest of batch norm's gradient follows from the same sums. Changes
 * raise WSNET_ABI too.
 */
#ifndef WSNET_TRAINING_H
#define WSNET_TRAINING_H

#include "wsnet.h"

/* One convolution, then batch norm, pooling and ReLU, on a batch of maps. A map lies channel by channel, [n_channels][n_samples]; its
 * rows lie step by step with n_columns side by side, the channel groups summed, and `padding` rows of
 * zeros at either end. A window is the n_taps = length * n_columns values that an output weighs; the
 * next begins gap = stride * n_columns values further on. A pool of 1/1 is none. */
typedef struct wsnet_block {
  int64_t n_channels, n_samples; /* n_columns divides n_channels */
  int64_t n_columns, padding, length, stride;
  int64_t n_filters, n_steps;               /* n_steps: outputs before pooling */
  int64_t pool_size, pool_stride, n_pooled; /* pool_size <= WSNET_POOL_MAX */
} wsnet_block;

#define WSNET_POOL_MAX 255
#define WSNET_NO_CHOICE 255 /* in `chosen`: the maximum is not above 0, and ReLU let nothing pass */

/* Floats of one item's rows, with what the kernels read past their end; of the scratch that one
 * thread needs; of one row of `mixing` below, at least n_taps. */
WSNET_API int64_t wsnet_train_row_floats(const wsnet_block *block, int32_t isa);
WSNET_API int64_t wsnet_train_scratch_floats(const wsnet_block *block, int32_t isa);
WSNET_API int64_t wsnet_train_filter_floats(const wsnet_block *block, int32_t isa);
/* Outputs that one row of the band has, and its taps: see wsnet_train_input_gradient. */
WSNET_API int64_t wsnet_train_band_outputs(const wsnet_block *block, int32_t isa);

/* Maps of n_items to their rows; adds to sums [n_taps] and products [n_taps][n_taps] (its upper
 * triangle) those of all windows. The products of float32 values are exact in double. */
WSNET_API void wsnet_train_moments(const wsnet_block *block, int32_t isa, int64_t n_items,
                                   const float *maps, float *rows, double *sums, double *products,
                                   float *scratch);

/* Pooled, activated outputs [n_items][n_filters][n_pooled] of scale * <window, filter> + shift, and
 * for each the first place of its maximum in the pooling window. weights: by wsnet_pack. scale and
 * shift: padded to a multiple of the lanes. */
WSNET_API void wsnet_train_outputs(const wsnet_block *block, int32_t isa, int64_t n_items,
                                   const float *rows, const float *weights, const float *scale,
                                   const float *shift, float *out, uint8_t *chosen, float *scratch);

/* Adds to sums [n_filters] the gradients of the chosen outputs, and to products [n_filters][n_taps]
 * the same times their windows. gradient: of the outputs. */
WSNET_API void wsnet_train_weight_gradient(const wsnet_block *block, int32_t isa, int64_t n_items,
                                           const float *rows, const float *gradient,
                                           const uint8_t *chosen, double *sums, double *products,
                                           float *scratch);

/* What flows back into the maps: to each window
 *
 *   the sum over its chosen outputs of gradient * filter, + mixing * window + constant.
 *
 * filters: n_taps of n_filters taps each, tap i of filter k being value k of the filter of output i; by
 *   wsnet_pack.
 * mixing: symmetric, [n_taps] rows of wsnet_train_filter_floats, zeros behind. constant: one such row.
 * band: mixing summed over all windows that hold two values, as filters of one value each: B outputs
 *   (wsnet_train_band_outputs), 2 * n_taps + B - 2 taps, of which the first lies n_taps - 1 values
 *   before the first output; by wsnet_pack. band_shift: constant likewise, padded to the lanes. */
WSNET_API void wsnet_train_input_gradient(const wsnet_block *block, int32_t isa, int64_t n_items,
                                          const float *rows, const float *gradient,
                                          const uint8_t *chosen, const float *filters,
                                          const float *mixing, const float *constant,
                                          const float *band, const float *band_shift,
                                          float *map_gradient, float *scratch);

#endif
