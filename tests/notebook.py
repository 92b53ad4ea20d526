"""Runs a notebook's code cells in order and writes what they show, without Jupyter: `python -m tests.notebook FILE`.

What counts as shown is what Jupyter shows: what is printed, the value of a cell's last line in its richest forms, and
matplotlib's figures.
"""

import ast
import base64
import contextlib
import io
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib

ROOT = Path(__file__).parent.parent
NOTEBOOK = ROOT / "examples" / "granularity.ipynb"
DPI = 80


def code_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    """The cells that are run."""
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def run(notebook: dict[str, Any]) -> dict[str, Any]:
    """Run the code cells in order in one namespace, which is given, and put what they show in place of their outputs.
    Raises what they raise."""
    matplotlib.use("agg")
    list(_figures())  # of whatever ran before in this process
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(code_cells(notebook), start=1):
        cell["execution_count"] = number
        cell["outputs"] = list(_outputs("".join(cell["source"]), names, number))
    return names


def _outputs(source: str, names: dict[str, Any], number: int) -> Iterator[dict[str, Any]]:
    tree, printed, value = ast.parse(source), io.StringIO(), None
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, f"<cell {number}>", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), f"<cell {number}>", "eval"), names)
    if printed.getvalue():
        yield {"output_type": "stream", "name": "stdout", "text": _lines(printed.getvalue())}
    if value is not None:
        yield {"output_type": "execute_result", "execution_count": number, "metadata": {}, "data": _forms(value)}
    yield from _figures()


def _forms(value: Any) -> dict[str, Any]:
    forms = {"text/plain": _lines(repr(value))}
    shown = getattr(value, "_repr_html_", None)
    return forms | ({"text/html": _lines(shown())} if shown else {})


def _figures() -> Iterator[dict[str, Any]]:
    from matplotlib import pyplot  # noqa: PLC0415 - once its backend is chosen

    for number in pyplot.get_fignums():
        content = io.BytesIO()
        pyplot.figure(number).savefig(content, format="png", dpi=DPI)
        picture = {"image/png": base64.b64encode(content.getvalue()).decode()}
        yield {"output_type": "display_data", "metadata": {}, "data": picture}
    pyplot.close("all")


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def main(path: Path) -> None:
    """Run a notebook against a service of its own, and write it with what it shows."""
    sys.path.insert(0, str(ROOT / "examples"))
    from running import service  # noqa: PLC0415 - it is no module of the tests

    notebook = json.loads(path.read_text())
    with tempfile.TemporaryDirectory() as folder, service(Path(folder)) as url:
        os.environ["PHASELAB_URL"] = url
        run(notebook)
        text = json.dumps(notebook, indent=1, ensure_ascii=False).replace(url, "http://127.0.0.1:8000")
    path.write_text(text + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else NOTEBOOK)
