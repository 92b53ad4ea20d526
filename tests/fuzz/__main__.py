"""`python -m tests.fuzz [INPUTS] [SEED]`: the long form. Each failure is told once, with its input; none is exit
code 0."""

import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.running import run


def main() -> None:
    """Feed so many inputs, a million by default, and say what was found."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = run(count, seed, Path(folder))
    print(f"{found.inputs} inputs in {time.monotonic() - started:.0f} s, seed {seed}; taken and refused by edge:")
    for name, (taken, refused) in sorted(found.by_edge.items()):
        print(f"  {name:20} {taken:9} {refused:9}")
    for failure, example in found.failures.items():
        print(f"\n{failure}\n{example}")
    print(f"\n{len(found.failures)} undocumented exceptions")
    sys.exit(bool(found.failures))


if __name__ == "__main__":
    main()
