"""`python -m tests.golden.write`: compute the golden numbers anew. Only for a new RECIPE or a new measure.

With `missing`, samples that are new are added and all others stay as they are.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.results import Curve, RunResult
from phaselab.domain.settings.runs import RECIPE, Run
from phaselab.domain.settings.stacks import Stack
from phaselab.service.base.presets import presets
from phaselab.workers.trial.run_stack import run_stack
from tests.golden.samples import preset_keys, samples
from tests.workers.image_files import write_cifar10, write_mnist

FILE = Path(__file__).with_name("golden.json")
DIGITS = 8
"""Significant digits that are kept."""


def made_up_images(folder: Path) -> None:
    """The image files that golden runs see, and their checkpoints' place."""
    write_mnist(folder)
    write_cifar10(folder)
    os.environ["PHASELAB_DATA_DIR"] = str(folder)
    os.environ["PHASELAB_CHECKPOINT_DIR"] = str(folder / "checkpoints")


def numbers(run: Run) -> dict[str, Any]:
    """What is kept of a run: its key, measures, curves, flags, and of its cosines the shape and a few."""
    (result,) = run_stack(Stack((run,)))
    assert isinstance(result, RunResult), result
    first = result.cosines.flat[:8].tolist()
    return {
        "key": run.key,
        "measures": {name: _short(result.measures.get(name)) for name in MEASURES},
        "curves": dict(chain.from_iterable(map(_curves, result.curves))),
        "flags": list(result.trust.flags),
        "cosines": {"shape": list(result.cosines.shape), "first": [_short(one) for one in first]},
    }


def _curves(curve: Curve) -> Iterator[tuple[str, list[float | None]]]:
    for bound, name in zip(curve.bounds, ("", " upper"), strict=False):
        yield f"{curve.method} {curve.readout}{name}", [_short(accuracy) for accuracy in bound.tolist()]


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")


def main() -> None:
    """Write the file."""
    with tempfile.TemporaryDirectory() as folder:
        made_up_images(Path(folder))
        kept = json.loads(FILE.read_text())["runs"] if sys.argv[1:] == ["missing"] else {}
        found = {name: kept[name] if name in kept else numbers(run) for name, run in samples()}
    keys = {name: preset_keys(name) for name in presets()}
    FILE.write_text(json.dumps({"recipe": RECIPE, "keys": keys, "runs": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
