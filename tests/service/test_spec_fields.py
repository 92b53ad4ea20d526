"""A spec as fields of a form: what they hold of a YAML text, and what the text is when one of them changes."""

from typing import Any

import pytest

from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.settings.parameters import parameters
from phaselab.domain.specs.spec import parse_spec
from phaselab.service.base.presets import presets
from phaselab.service.base.spec_fields import form_fields, shown_in, with_field
from phaselab.service.base.yaml_edit import as_yaml
from phaselab.service.base.yaml_text import Unreadable, parse_yaml

TEXT = """\
name: "a: b"
data: {source: clusters, k: 10} # ten
attack: {methods: [exact], radii: {start: 0, stop: 4, num: 3}}
sweep:
  network.init_scale: {logspace: [1e-6, 0.1, 11]}
  network.labels: [binary, 4, clusters]
seeds: [7]
"""


def test_every_parameter_has_a_field_in_the_words_of_the_catalogue() -> None:
    fields = form_fields()
    assert set(parameters()) < set(fields)
    assert all(field.meaning for field in fields.values())
    assert fields["data.k"].usual == 10
    assert fields["seeds"].usual == 5


def test_fields_hold_what_a_spec_says() -> None:
    assert shown_in(parse_yaml(TEXT)) == {
        "name": "a: b",
        "seeds": "[7]",
        "data.source": "clusters",
        "data.k": "10",
        "network.labels": "binary, 4, clusters",
        "network.init_scale": "{logspace: [1.0e-06, 0.1, 11]}",
        "attack.methods": "[exact]",
        "attack.radii": "{start: 0, stop: 4, num: 3}",
    }
    assert shown_in(["no", "spec"]) == {}


@pytest.mark.parametrize(
    ("path", "given", "place", "value"),
    [
        ("data.k", "12", ("data", "k"), 12),
        ("data.k", " 4, 6 ", ("sweep", "data.k"), [4, 6]),
        ("data.k", "[4]", ("sweep", "data.k"), [4]),
        ("data.snr", "{linspace: [1, 2, 3]}", ("sweep", "data.snr"), {"linspace": [1, 2, 3]}),
        ("network.labels", "binary", ("network", "labels"), "binary"),
        ("seeds", "0, 3", ("seeds",), [0, 3]),
        ("seeds", "3", ("seeds",), 3),
        ("attack.methods", "exact, pgd", ("attack", "methods"), ["exact", "pgd"]),
        ("attack.methods", "pgd", ("attack", "methods"), ["pgd"]),
        ("attack.radii", "{start: 0, stop: 2, num: 3}", ("attack", "radii"), {"start": 0, "stop": 2, "num": 3}),
        ("impossible", "skip", ("impossible",), "skip"),
        ("name", "yes: {no}", ("name",), "yes: {no}"),
        ("name", "12", ("name",), "12"),
        ("name", '$x^2$ "é" \\ # 名', ("name",), '$x^2$ "é" \\ # 名'),
    ],
)
def test_a_field_is_written_into_the_text_and_read_from_it_again(
    path: str, given: str, place: tuple[str, ...], value: Any
) -> None:
    text = with_field(TEXT, path, given)
    found = parse_yaml(text)
    for key in place:
        found = found[key]
    assert found == value
    assert with_field(text, path, shown_in(parse_yaml(text))[path]) == text
    if path != "data.k":
        assert "k: 10} # ten" in text


def test_one_value_ends_a_sweep_and_nothing_leaves_it_out() -> None:
    alone = parse_yaml(with_field(TEXT, "network.labels", "4"))
    assert (alone["network"], [*alone["sweep"]]) == ({"labels": 4}, ["network.init_scale"])
    left_out = parse_yaml(with_field(TEXT, "network.init_scale", " "))
    assert [*left_out["sweep"]] == ["network.labels"]


@pytest.mark.parametrize("given", ["4]", "{a", '"', "4 # x", "*a"])
def test_what_is_no_value_is_not_written(given: str) -> None:
    with pytest.raises(Unreadable):
        with_field(TEXT, "data.k", given)


def test_there_are_only_the_fields_that_there_are() -> None:
    with pytest.raises(InvalidInput, match="no field"):
        with_field(TEXT, "sweep.data.k", "4")


@pytest.mark.parametrize("name", presets())
def test_fields_of_presets_written_again_change_nothing(name: str) -> None:
    text = as_yaml(presets()[name].submitted)
    spec = parse_spec(parse_yaml(text))
    for path, given in shown_in(parse_yaml(text)).items():
        text = with_field(text, path, given)
    assert parse_spec(parse_yaml(text)) == spec
