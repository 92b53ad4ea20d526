"""Bounds that see the opposing neurons together: parabolas above their relus.

relu(q) <= (q + c)^2 / (4 c) for every c > 0, with equality at q = c and at q = -c. With parabolas for relus the
Lagrangian psi of a node, |u|^2 plus a price times (own value less the majorants), is a convex quadratic. Flips u have
psi(u) <= |u|^2: its minimum bounds |u|^2 from below, and the flips in a ball lie in an ellipsoid, which narrows the
intervals of all neurons. At a local minimiser u with c = |q(u)| the bound is |u| itself whenever the quadratic is
convex, which proves that minimiser global (docs/methods/exact.md). With a leak relu is the part 1 - leak of max(q, leak
q), and q the rest.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from phaselab.workers.exact.program import slopes
from phaselab.workers.exact.side import OneSide, combine_lengths, combine_rows

CONVEX = 1.01  # by which the widths exceed those at which the quadratic is just convex (Gershgorin)
INVERSE = 102  # at least the largest eigenvalue of the inverse Hessian, 1 / (1 - 1 / CONVEX), with rounding
PRICES = (1.0, 0.8, 0.6, 0.4)


@dataclass(frozen=True, eq=False)
class Parabolas:
    """What parabolas prove of F nodes."""

    bound: Tensor  # [F] no flip of the node is shorter
    gap: Tensor  # [F, Q] of the parabolas over relu at the point that they shall be tight at, inf where there is none
    low: Tensor  # [F, Q] of the opposing pre-activations at flips inside the ball
    high: Tensor  # [F, Q]


def parabolas(
    here: OneSide, weights: Tensor, u: Tensor, linear: tuple[Tensor, Tensor], curved: Tensor, radius: Tensor
) -> Parabolas:
    """For the flips with |u| <= `radius` [F] of F points of one run.

    `weights` [F, R] are the dual weights t and `u` [F, D] a minimiser to be tight at; `linear` (slope [F, Q], lift
    [F, Q]) bounds the relus by slope * q + lift, except those of `curved` [F, Q] bool, which get parabolas.
    """
    slope, _ = linear
    rows = here.opposing_factor[0]  # [Q, D]
    opposing = (here.opposing + u @ rows.T).abs()  # [F, Q]
    pattern = torch.where(curved, slopes(here.opposing + u @ rows.T, here.leak), slope)
    steep = (combine_rows(here.own_factor, here.run, weights) - pattern @ rows).norm(dim=1)
    price = 2 * u.norm(dim=1) / steep.clamp_min(torch.finfo(steep.dtype).tiny)  # [F] multiplier of the constraint
    gram = rows @ rows.T  # [Q, Q]
    crowd = CONVEX / 4 * (1 - here.leak) * (curved.to(slope) @ gram.abs())  # [F, Q]

    def quadratic(share: Tensor) -> tuple[_Quadratic, Tensor]:
        cost = share * price
        width = torch.maximum(opposing, cost.unsqueeze(1) * crowd).clamp_min(torch.finfo(slope.dtype).tiny)
        return _Quadratic.of(here, weights, _majorant(linear, curved, width, here.leak), cost, gram), width

    shares = torch.tensor(PRICES).to(slope)
    least = torch.stack([quadratic(share)[0].least() for share in shares])  # [P, F]
    bound, which = least.nan_to_num(nan=-torch.inf).max(0)
    best, width = quadratic(shares[which])
    low, high = best.ellipsoid(radius)
    gap = torch.where(curved, (1 - here.leak) * (opposing - width).square() / (4 * width), torch.inf)
    return Parabolas(bound.clamp_min(0).sqrt() * (1 - here.rounding), gap, low, high)


@dataclass(frozen=True, eq=False)
class _Majorant:
    """bend q^2 + tilt q + constant, at least max(q, leak q) for every opposing q of a node; none is negative."""

    bend: Tensor  # [F, Q]
    tilt: Tensor  # [F, Q]
    constant: Tensor  # [F, Q]


def _majorant(linear: tuple[Tensor, Tensor], curved: Tensor, width: Tensor, leak: float) -> _Majorant:
    """Parabolas of `width` [F, Q] where `curved`, else `linear`."""
    slope, lift = linear
    return _Majorant(
        bend=torch.where(curved, (1 - leak) / (4 * width), 0.0),
        tilt=torch.where(curved, 0.5 * (1 + leak), slope),
        constant=torch.where(curved, (1 - leak) * width / 4, lift),
    )


@dataclass(frozen=True, eq=False)
class _Quadratic:
    """psi(u) = |u|^2 + price (t . p(u) - sum of the majorants at q(u)) for F nodes, and what rounding hides of it."""

    here: OneSide
    price: Tensor  # [F]
    height: Tensor  # [F] at most psi(0) over the price
    gradient: Tensor  # [F, D] of psi at u = 0, over the price
    slip: Tensor  # [F] by how much the gradient may be off
    root: Tensor  # [F, Q] the Hessian is 2 (I - rows^T diag(root^2) rows)
    rest: Tensor  # [F, Q, Q] (I - root gram root)^-1
    gram: Tensor  # [Q, Q]

    @classmethod
    def of(cls, here: OneSide, weights: Tensor, majorant: _Majorant, price: Tensor, gram: Tensor) -> "_Quadratic":
        """With the dual weights t [F, R]."""
        q, rows, bent = here.opposing, here.opposing_factor[0], majorant.bend * here.opposing  # [F, Q], [Q, D], [F, Q]
        height = (weights * here.own).sum(1) - (bent * q + majorant.tilt * q + majorant.constant).sum(1)  # [F]
        sizes = (weights * here.own.abs()).sum(1) + (bent * q + majorant.tilt * q.abs() + majorant.constant).sum(1)
        own, steep = combine_rows(here.own_factor, here.run, weights), majorant.tilt + 2 * bent
        terms = combine_lengths(here.own_length, here.run, weights) + steep.abs() @ here.opposing_length[0]
        root = (price.unsqueeze(1) * majorant.bend).sqrt()
        factor, failed = torch.linalg.cholesky_ex(_identity(gram) - root.unsqueeze(2) * gram * root.unsqueeze(1))
        rest = torch.where((failed == 0).view(-1, 1, 1), torch.cholesky_inverse(factor), torch.nan)
        return cls(
            here=here,
            price=price,
            height=height - 2 * here.rounding * sizes,
            gradient=own - steep @ rows,
            slip=2 * here.rounding * terms,
            root=root,
            rest=rest,
            gram=gram,
        )

    def least(self) -> Tensor:
        """[F] at most the minimum of psi; nan where nothing is proved."""
        side = self.root * (self.gradient @ self.here.opposing_factor[0].T)  # [F, Q]
        solved = self._times_rest(side)
        square, size = self.gradient.square().sum(1), solved.norm(dim=1)  # [F]
        off = self._off() * size * (size + square.sqrt())
        fall = (square + (side * solved).sum(1) + off).sqrt() * (1 + self.here.rounding) + self.slip * INVERSE**0.5
        rise = self.price * self.height
        least: Tensor = rise - (self.price * fall).square() / 4 * (1 + self.here.rounding)
        return least - self.here.rounding * rise.abs()

    def ellipsoid(self, radius: Tensor) -> tuple[Tensor, Tensor]:
        """(low, high) [F, Q] of the opposing pre-activations where psi(u) <= radius^2; infinite where not known."""
        rows, here = self.here.opposing_factor[0], self.here
        half = self.price.unsqueeze(1) / 2
        solved = self._times_rest(self.root * (self.gradient @ rows.T))
        center = -half * (self.gradient + (self.root * solved) @ rows)  # [F, D] the minimiser of psi
        left = (
            center - (self.root.square() * (center @ rows.T)) @ rows + half * self.gradient
        )  # half the gradient there
        length = center.norm(dim=1)
        astray = left.norm(dim=1) + here.rounding * 4 * length + self.price * self.slip  # [F]
        room = (radius.square() * (1 + here.rounding) - self.least()).clamp_min(0).sqrt() + astray * INVERSE**0.5
        cross = self.gram * self.root.unsqueeze(1)  # [F, Q, Q]
        width = self.gram.diagonal() + (cross @ self.rest * cross).sum(2)  # [F, Q] squared, of psi <= its minimum + 1
        width = width + self._off() * INVERSE**2 * here.opposing_length[0].square()
        at = here.opposing + center @ rows.T
        reach = room.unsqueeze(1) * width.sqrt() * (1 + here.rounding)
        reach = reach + here.rounding * (here.opposing.abs() + length.unsqueeze(1) * here.opposing_length[0])
        return (at - reach).nan_to_num(nan=-torch.inf), (at + reach).nan_to_num(nan=torch.inf)

    def _times_rest(self, side: Tensor) -> Tensor:
        return (self.rest @ side.unsqueeze(2)).squeeze(2)

    def _off(self) -> float:
        """Relative error of the inverse, in parts of itself."""
        return 8 * len(self.gram) * self.here.rounding


def _identity(like: Tensor) -> Tensor:
    return torch.eye(len(like)).to(like)
