/* Stretching by linear interpolation. */
#include "stretch.h"

/* Outputs whose places are computed before any is read, so that both loops have one purpose: the
 * first becomes vectors on every processor. */
#define AT_ONCE 256

void wsnet_stretch(const float *in, int64_t n_in, float *out, int64_t n_out) {
  const double step = n_out > 1 ? (double)(n_in - 1) / (double)(n_out - 1) : 0.0;
  const int32_t last = (int32_t)n_in - 2;
  int32_t below[AT_ONCE];
  float part[AT_ONCE];
  for (int64_t first = 0; first < n_out; first += AT_ONCE) {
    const int32_t n = (int32_t)(n_out - first < AT_ONCE ? n_out - first : AT_ONCE);
    for (int32_t i = 0; i < n; i++) {
      const double place = (double)((int32_t)first + i) * step;
      below[i] = (int32_t)place;
      part[i] = (float)(place - (double)below[i]);
    }
    for (int32_t i = 0; i < n; i++) {
      /* The last place may round to that of the last sample, which has no neighbour above. */
      const int32_t at = below[i] < last ? below[i] : last;
      const float rest = part[i] + (float)(below[i] - at);
      out[first + i] = in[at] + rest * (in[at + 1] - in[at]);
    }
  }
}
