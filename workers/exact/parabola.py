"""A lower bound that sees the opposing neurons together: parabolas above their relus.

relu(q) <= (q + c)^2 / (4 c) for every c > 0, with equality at q = c and at q = -c. With parabolas for relus and the
ball's |u|^2, the Lagrangian of a node is a quadratic whose minimum has a closed form and bounds |u|^2 from below over
all flips. At a local minimiser u with c = |q(u)| the bound is |u| itself whenever the quadratic is convex, which
proves that minimiser global (docs/methods/exact.md).
"""

import torch
from torch import Tensor

from phaselab.workers.exact.program import SLACK
from phaselab.workers.exact.side import OneSide, combine_rows

CONVEX = 1.01  # by which the widths exceed those at which the quadratic is just convex (Gershgorin)
PRICES = (1.0, 0.8, 0.6, 0.4)


def parabola_bound(
    here: OneSide, weights: Tensor, u: Tensor, linear: tuple[Tensor, Tensor], curved: Tensor
) -> tuple[Tensor, Tensor]:
    """(lower bounds [F], the parabolas' gaps over relu at u [F, Q]) for F points of one run.

    `weights` [F, R] are the dual weights t and `u` [F, D] a minimiser to be tight at; `linear` (slope [F, Q], lift
    [F, Q]) bounds the relus by slope * q + lift, except those of `curved` [F, Q] bool, which get parabolas.
    """
    slope, lift = linear
    rows = here.opposing_factor[0]  # [Q, D]
    opposing = here.opposing + u @ rows.T  # [F, Q]
    pattern = torch.where(curved, (opposing > 0).to(slope), slope)
    own = combine_rows(here.own_factor, here.run, weights)  # [F, D]
    steep = (own - pattern @ rows).norm(dim=1)
    price = 2 * u.norm(dim=1) / steep.clamp_min(torch.finfo(steep.dtype).tiny)  # [F] multiplier of the constraint
    gram = rows @ rows.T  # [Q, Q]
    crowd = CONVEX / 4 * (curved.to(slope) @ gram.abs())  # [F, Q]
    value = (weights * here.own).sum(1)  # [F]
    best = torch.zeros_like(price)
    for share in PRICES:
        cost = share * price
        width = torch.maximum(opposing.abs(), cost.unsqueeze(1) * crowd).clamp_min(torch.finfo(slope.dtype).tiny)
        bend = torch.where(curved, 1 / (4 * width), 0.0)  # [F, Q] the majorant is bend q^2 + tilt q + constant
        tilt = torch.where(curved, 0.5, slope)
        constant = torch.where(curved, width / 4, lift)
        height = value - (bend * here.opposing.square() + tilt * here.opposing + constant).sum(1)
        gradient = own - (tilt + 2 * bend * here.opposing) @ rows  # [F, D] at u = 0
        size = here.own.abs().sum(1) + here.opposing.abs().sum(1) + constant.abs().sum(1)
        least = cost * (height - 8 * SLACK * size) - _quadratic(gram, bend, cost, gradient, rows)
        best = torch.maximum(best, least)
        if share == 1.0:
            gap = torch.where(curved, (opposing.abs() - width).square() / (4 * width), torch.inf)
    return best.sqrt() * (1 - 1e-12), gap


def _quadratic(gram: Tensor, bend: Tensor, price: Tensor, gradient: Tensor, rows: Tensor) -> Tensor:
    """[F] price^2 / 4 * g . (I - price * rows^T diag(bend) rows)^-1 g, by Woodbury in the opposing neurons."""
    root = (price.unsqueeze(1) * bend).sqrt()  # [F, Q]
    inner = torch.eye(len(gram)).to(gram) - root.unsqueeze(2) * gram * root.unsqueeze(1)  # [F, Q, Q]
    side = root * (gradient @ rows.T)  # [F, Q]
    factor, failed = torch.linalg.cholesky_ex(inner)
    solved = torch.cholesky_solve(side.unsqueeze(2), factor).squeeze(2)
    value = price.square() / 4 * (gradient.square().sum(1) + (side * solved).sum(1))
    return torch.where((failed == 0) & value.isfinite(), value, torch.inf)
