/* The kernels of inference, the choice among them, and the layout of their weights. */
#include <math.h>
#include <string.h>

#include "kernels.h"

#define PER_ISA "kernels.inc"
#include "each_isa.inc"

const wsnet_kernels *wsnet_kernels_of(int32_t isa) { CHOOSE(wsnet_kernels, isa) }

void wsnet_pack(const float *filters, int64_t n_filters, int64_t gap, int64_t n_taps,
                int32_t lanes, float *out) {
  for (int64_t first = 0; first < n_filters; first += 2 * lanes) {
    const int64_t left = n_filters - first, width = left > lanes ? 2 * lanes : lanes;
    for (int64_t k = 0; k < n_taps; k++)
      for (int64_t n = 0; n < width; n++)
        *out++ = n < left ? filters[(first + n) * gap + k] : 0.0f;
  }
}

int32_t wsnet_abi(void) { return WSNET_ABI; }

int32_t wsnet_n_isas(void) {
  int32_t n = 0;
  while (wsnet_kernels_of(n)) n++;
  return n;
}

const char *wsnet_isa_name(int32_t isa) {
  const wsnet_kernels *kernels = isa < 0 ? NULL : wsnet_kernels_of(isa);
  return kernels ? kernels->name : NULL;
}

int32_t wsnet_lanes(int32_t isa) { return wsnet_kernels_of(isa)->lanes; }
