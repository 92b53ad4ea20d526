"""Interpolators of few points in many dimensions: those of least l1 norm, and those that gradient flow on diagonal
networks comes to, which have the least penalty Q (arXiv 2002.09277). Derivation: docs/methods/diagonal.md.

With beta = alpha^D h(z) the flow from u = v = alpha moves z in the span of the inputs: h(z) = 2 sinh z for two layers,
(1 - z)^-3 - (1 + z)^-3 for three. It ends where X beta = y, at the least Q = alpha^D sum q(beta / alpha^D) with
q' = h^-1, for that is stationary where z is in the span.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog

Vector = npt.NDArray[np.float64]
SHRINK = 3.0
"""Times by which alpha falls from one start of Newton's method to the next."""
MOST = 200
"""Steps of Newton's method at one alpha, of which a few are needed."""
ROUNDING = 1e-15
"""Part of the dual that a step must be expected to gain, or rounding hides it."""
TIGHT = 1e-10
"""Residual over that of beta = 0 at which it has converged."""


def least_l1(inputs: Vector, responses: Vector) -> float:
    """The least l1 norm of a beta with X beta = y, by a linear program over its positive and negative parts; nan where
    no beta has."""
    d = inputs.shape[1]
    found = linprog(np.ones(2 * d), A_eq=np.hstack([inputs, -inputs]), b_eq=responses, bounds=(0, None))
    return float(found.fun) if found.status == 0 else np.nan


@dataclass(frozen=True)
class Penalty:
    """Q of networks of `depth` layers that start at `alpha`."""

    alpha: float
    depth: int

    @property
    def scale(self) -> float:
        """alpha^D"""
        return self.alpha**self.depth

    def beta(self, z: Vector) -> Vector:
        """alpha^D h(z)"""
        if self.depth == 2:
            return self.scale * 2 * np.sinh(z)
        return self.scale * ((1 - z) ** -3.0 - (1 + z) ** -3.0)

    def slope(self, z: Vector) -> Vector:
        """alpha^D h'(z)"""
        if self.depth == 2:
            return self.scale * 2 * np.cosh(z)
        return self.scale * 3 * ((1 - z) ** -4.0 + (1 + z) ** -4.0)

    def conjugate(self, z: Vector) -> float:
        """alpha^D sum of the integrals of h from 0 to z, infinite outside of where h is."""
        if self.depth == 2:
            with np.errstate(over="ignore"):
                return float(self.scale * (2 * np.cosh(z) - 2).sum())
        if np.abs(z).max() >= 1:
            return np.inf
        return float(self.scale * (((1 - z) ** -2.0 + (1 + z) ** -2.0) / 2 - 1).sum())

    def inverse(self, beta: Vector) -> Vector:
        """z with beta(z) = beta."""
        if self.depth == 2:
            return np.asarray(np.arcsinh(beta / self.scale / 2))
        low, high = np.full_like(beta, -1.0), np.full_like(beta, 1.0)
        for _ in range(60):  # halves an interval of length 2 down to rounding
            middle = (low + high) / 2
            above = self.beta(middle) > beta
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        return np.asarray((low + high) / 2)

    def of(self, beta: Vector) -> float:
        """Q(beta) = <beta, z> less the conjugate, z = h^-1."""
        z = self.inverse(beta)
        return float(beta @ z) - self.conjugate(z)


def least_penalty(inputs: Vector, responses: Vector, alpha: float, depth: int) -> float:
    """The least Q of a beta with X beta = y, [n, d] and [n]; nan where Newton's method does not come to one.

    Newton's method on the dual, beta = alpha^D h(X^T nu), of least conjugate(X^T nu) - <nu, y>; from large alpha, where
    it is all but quadratic, down to the one that is asked for.
    """
    start = max(1.0, alpha)
    stages = max(1, int(np.ceil(np.log(start / alpha) / np.log(SHRINK))) + 1)
    nu = np.zeros(len(responses))
    for each in np.geomspace(start, alpha, stages):
        penalty = Penalty(float(each), depth)
        nu = _newton(penalty, inputs, responses, nu)
    beta = penalty.beta(inputs.T @ nu)
    off = np.linalg.norm(inputs @ beta - responses)
    return penalty.of(beta) if off <= 1e-6 * np.linalg.norm(responses) else np.nan


def _newton(penalty: Penalty, inputs: Vector, responses: Vector, nu: Vector) -> Vector:
    """nu at the least of the dual, by steps that are halved until it falls."""
    for _ in range(MOST):
        z = inputs.T @ nu
        residual = inputs @ penalty.beta(z) - responses  # the gradient
        if np.linalg.norm(residual) <= TIGHT * np.linalg.norm(responses):
            break
        step = np.linalg.solve((inputs * penalty.slope(z)) @ inputs.T, residual)
        size, now, fall = 1.0, penalty.conjugate(z) - nu @ responses, residual @ step
        if fall <= ROUNDING * abs(now):
            break
        while size > 1e-12:
            after = nu - size * step
            if penalty.conjugate(inputs.T @ after) - after @ responses <= now - size * fall / 4:
                nu = after
                break
            size /= 2
        else:  # rounding hides what is left
            break
    return nu
