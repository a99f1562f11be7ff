/* The kernels of inference, and the choice among them. */
#include <math.h>
#include <string.h>

#include "kernels.h"

#define PER_ISA "kernels.inc"
#include "each_isa.inc"

const wsnet_kernels *wsnet_kernels_of(int32_t isa) { CHOOSE(wsnet_kernels, isa) }
