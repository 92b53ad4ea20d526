"""L from the weights themselves."""

import torch
from torch import Tensor


def span_factor(weights: Tensor) -> Tensor:
    """[..., M, min(M, e)] L with W = L Q, Q of orthonormal rows, of weights [..., M, e]; double precision.

    By Householder's QR decomposition of W^T, whose backward error is small in every column (Higham 2002, theorem 19.4):
    each row of L is right to rounding of that row, however small it is and however nearly the rows depend on each
    other. The square root of W W^T is not: it loses every direction in which W is shorter than 1e-8 of its norm.
    """
    triangle: Tensor = torch.linalg.qr(weights.double().mT, mode="r").R
    return triangle.mT
