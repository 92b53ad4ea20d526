"""Write the tables of parameters and measures of `glossary.md` anew from their catalogues."""

from pathlib import Path

from phaselab.domain.results.measures import MEASURES
from phaselab.domain.settings.parameters import Parameter, parameters

GLOSSARY = Path(__file__).parent / "glossary.md"
SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def parameter_row(parameter: Parameter) -> str:
    """One row of the table of parameters."""
    kinds = [kind for kind in parameter.types if kind not in ("text", "null")]
    limits = ", ".join(f"{SIGNS[name]} {limit:.10g}" for name, limit in parameter.limits.items())
    values = ", ".join([f"`{choice}`" for choice in parameter.choices] + kinds)
    default = "" if parameter.default is None else f"`{parameter.default}`"
    return f"| `{parameter.path}` | {parameter.meaning} | {values}{' ' if limits else ''}{limits} | {default} |"


def tables() -> str:
    """Both tables, as they stand at the end of the glossary."""
    lines = ["## Parameters", "", "| parameter | meaning | values | default |", "|---|---|---|---|"]
    lines += [parameter_row(parameter) for parameter in parameters().values()]
    lines += ["", "## Measures", "", "| measure | symbol | range | meaning |", "|---|---|---|---|"]
    for measure in MEASURES.values():
        low, high = ("" if bound is None else f"{bound:g}" for bound in (measure.low, measure.high))
        lines.append(f"| `{measure.name}` | {measure.symbol} | {low} .. {high} | {measure.meaning} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    GLOSSARY.write_text(GLOSSARY.read_text().split("## Parameters")[0] + tables())
