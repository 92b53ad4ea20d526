"""The annotated spec of the documentation is one that can be submitted, and has every key that there is."""

import re
from pathlib import Path

from phaselab.db.schema.database import Database
from phaselab.domain.specs.points import expand_axes, plan
from phaselab.domain.specs.spec import Spec, parse_spec
from phaselab.service.base.yaml_text import parse_yaml
from phaselab.service.verbs.submit import submit

PAGE = (Path(__file__).parent.parent / "docs" / "spec.md").read_text()


def example() -> str:
    found = re.search("```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_annotated_spec_is_one() -> None:
    spec = parse_spec(parse_yaml(example()))
    axes = expand_axes(spec)
    assert [len(values) for values in axes.values()] == [3, 9, 11]
    planned = plan(spec)
    assert planned.skipped == 2 * 11
    assert len(planned.points) == 3 * 9 * 11 - planned.skipped


def test_it_is_submitted(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    made = submit(database, parse_yaml(example()), "ada", None)
    database.close()
    assert made.created


def test_every_key_of_a_spec_is_on_the_page() -> None:
    written = set(parse_yaml(example()))
    assert set(Spec.model_fields) - written == {"features", "notify"}
    assert "`notify`" in PAGE
