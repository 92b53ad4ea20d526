"""How fast one core is, for estimates; measured times replace them."""

MATRIX_RATE = 8e10
"""Floating point operations a second of a matrix product on one core."""
POINTWISE_RATE = 5e8
"""Elements a second of an attack step on one core, all passes over memory counted in; many points break early."""
CONVOLUTION_RATE = 1e11
"""Floating point operations a second of a ResNet on one core; 1.5e11 was measured in training at width 16, in float32
on a 2.6 GHz core with AVX-512."""
OVERHEAD = 2e-3
"""Seconds of a run that no size explains."""
