"""Write the tables of `glossary.md` anew from what they are of: phases and their like, parameters, measures."""

from pathlib import Path

from phaselab.domain.answers.glossary import SECTIONS
from phaselab.domain.families.catalogue import catalogue
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.settings.parameters import Parameter

GLOSSARY = Path(__file__).parent / "glossary.md"
AFTER = {
    "Phases": (
        "Thresholds are settings of a query. A point has no phase when a measure that decides is undefined. Why these,"
        " with an example of each: [phases](methods/phases.md).",
        "",
    )
}
"""What is said below a table."""
SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def parameter_row(parameter: Parameter) -> str:
    """One row of the table of parameters."""
    default = "" if parameter.stands_for is None else f"`{parameter.stands_for}`"
    taken = ", ".join(f"`{name}`" for name in (*parameter.families, *parameter.sources))
    return f"| `{parameter.path}` | {parameter.meaning} | {values(parameter)} | {default} | {taken} |"


def values(parameter: Parameter) -> str:
    """What a parameter can be, and of what is not for all the families or sources that it is for."""
    kinds = [kind for kind in parameter.types if kind not in ("text", "null", "list")]
    limits = [", ".join(f"{SIGNS[name]} {limit:.10g}" for name, limit in parameter.limits.items())]
    choices = [f"`{one}`" + only(parameter.only.get(one, ())) for one in parameter.choices]
    alternatives = ", ".join([*choices, *kinds[:-1], *[" ".join([kind, *limits]).strip() for kind in kinds[-1:]]])
    return " of ".join(filter(None, ["list" if "list" in parameter.types else "", alternatives]))


def only(names: tuple[str, ...]) -> str:
    """Names in brackets; nothing for none."""
    return f" ({', '.join(names)})" if names else ""


def tables() -> str:
    """The tables, as they stand at the end of the glossary."""
    lines = []
    for heading, words in SECTIONS.items():
        lines += [f"## {heading}", "", "| word | meaning |", "|---|---|"]
        lines += [f"| `{word}` | {meaning} |" for word, meaning in words.items()]
        lines += ["", *AFTER.get(heading, ())]
    lines += ["## Parameters", "", "| parameter | meaning | values | default | for |", "|---|---|---|---|---|"]
    lines += [parameter_row(parameter) for parameter in catalogue().values()]
    lines += ["", "## Measures", "", "| measure | symbol | range | meaning | for |", "|---|---|---|---|---|"]
    for measure in MEASURES.values():
        low, high = ("" if bound is None else f"{bound:g}" for bound in (measure.low, measure.high))
        given = ", ".join(f"`{name}`" for name in (*measure.families, *measure.sources))
        lines.append(f"| `{measure.name}` | {measure.symbol} | {low} .. {high} | {measure.meaning} | {given} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    GLOSSARY.write_text(GLOSSARY.read_text().split("## Phases")[0] + tables())
