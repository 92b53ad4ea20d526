"""Families: each keeps the contract, none is named outside its own files, and a new one needs nothing else."""

import ast
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from phaselab.domain.answers.theory import flip_radius
from phaselab.domain.families.catalogue import catalogue
from phaselab.domain.families.contract import Family
from phaselab.domain.families.cost import estimate_seconds
from phaselab.domain.families.registry import FAMILIES, family_of
from phaselab.domain.families.resolve import resolve
from phaselab.domain.families.rules import is_for_family
from phaselab.domain.families.sources import SOURCES, source_of
from phaselab.domain.settings import names
from phaselab.domain.settings.faults import Fault, InvalidInput
from phaselab.domain.settings.parameters import parameters
from phaselab.domain.settings.runs import Run, canonical
from phaselab.domain.settings.settings import METHODS, Settings
from phaselab.domain.settings.stacks import Stack, shape
from phaselab.domain.specs.draft import make_draft
from phaselab.domain.specs.points import plan
from phaselab.domain.specs.spec import parse_spec

ON: dict[str, dict[str, Any]] = {
    "clusters": {},
    "images": {"data": {"source": "digits"}, "attack": {"test_points": 100}},
    "orthogonal": {"data": {"source": "orthogonal", "n": 40, "d": 100}},
    "sparse_regression": {"data": {"source": "sparse_regression", "n": 40, "d": 100}},
    "grid": {"data": {"source": "grid", "k": 9, "n": 40, "d": 20}},
    "features": {"data": {"source": "cifar10"}, "features": {"kind": "resnet18", "width": 4}},
}
"""Settings on every source."""
OTHER: dict[str, tuple[Any, ...]] = {"number": (0.25, 2.0), "integer": (3,), "list": ((0.0, 1.0),)}
"""Values of a type, of which at least one is none of today's defaults and inside every parameter's limits."""


def submitted(family: str, source: str, path: str = "", value: object = None) -> Settings:
    """Settings of a family on a source, with one value more."""
    groups = {group: dict(values) for group, values in ON[source].items()}
    groups.setdefault("network", {})["kind"] = family
    if path:
        group, name = path.split(".")
        groups.setdefault(group, {})[name] = value
    return Settings.model_validate(groups)


def faults(settings: Settings) -> dict[str, str]:
    """Pointer -> detail of what is wrong with settings."""
    with pytest.raises(InvalidInput) as invalid:
        resolve(settings)
    return {fault.pointer: fault.detail for fault in invalid.value.faults}


def another(path: str) -> object:
    """A value of a parameter that is not its default."""
    parameter = parameters()[path]
    values = [*parameter.choices, *(value for kind in parameter.types for value in OTHER.get(kind, ()))]
    low = parameter.limits.get("gt", parameter.limits.get("ge", -math.inf))
    high = parameter.limits.get("le", parameter.limits.get("lt", math.inf))
    inside = [one for one in values if not isinstance(one, float) or low < one < high]
    return next(one for one in inside if one != parameter.default)


@pytest.mark.parametrize("name", FAMILIES)
class TestContract:
    """What holds for every family."""

    def test_its_settings_resolve_on_every_source_it_takes_and_stay_so(self, name: str) -> None:
        for source in FAMILIES[name].sources:
            resolved = resolve(submitted(name, source))
            assert (family_of(resolved).name, source_of(resolved).name) == (name, source)
            assert isinstance(resolved.network.width, int)
            assert "auto" not in (resolved.training.engine, resolved.data.draw)
            assert resolve(Settings.model_validate_json(canonical(resolved))) == resolved

    def test_it_is_refused_on_every_other_source(self, name: str) -> None:
        for source in set(SOURCES) - set(FAMILIES[name].sources):
            detail = faults(submitted(name, source))["/network/kind"]
            assert f"not for {source}: use " in detail

    def test_it_says_how_many_neurons_it_has_and_what_it_costs(self, name: str) -> None:
        for source in FAMILIES[name].sources:
            resolved = resolve(submitted(name, source))
            assert FAMILIES[name].neurons(resolved) >= 1
            assert 0 < estimate_seconds(resolved) < math.inf
            dearer = resolve(submitted(name, source, "attack.restarts", 50))
            assert estimate_seconds(dearer) > estimate_seconds(resolved)

    def test_it_offers_methods_and_refuses_the_others_when_they_are_asked_for(self, name: str) -> None:
        source = FAMILIES[name].sources[0]
        offered = resolve(submitted(name, source)).attack.methods
        assert offered
        for method in set(METHODS) - set(offered):
            assert (
                f"{method} is for " in faults(submitted(name, source, "attack.methods", (method,)))["/attack/methods"]
            )

    def test_what_is_for_others_is_refused_at_its_place_with_the_remedy(self, name: str) -> None:
        family = FAMILIES[name]
        for path in [path for path, parameter in parameters().items() if not is_for_family(parameter, family)]:
            detail = faults(submitted(name, family.sources[0], path, another(path)))["/" + path.replace(".", "/")]
            assert f"not for {name}" in detail
            assert "leave it out, or use network.kind: " in detail

    def test_choices_that_it_does_not_offer_are_refused_at_their_place(self, name: str) -> None:
        family = FAMILIES[name]
        for path, offered in family.choices.items():
            assert set(offered) <= set(parameters()[path].choices)
            for choice in set(parameters()[path].choices) - set(offered):
                value = (choice,) if "list" in parameters()[path].types else choice
                detail = faults(submitted(name, family.sources[0], path, value))["/" + path.replace(".", "/")]
                assert f"{choice} is for " in detail

    def test_what_it_says_of_parameters_names_parameters(self, name: str) -> None:
        assert set(FAMILIES[name].notes) | set(FAMILIES[name].choices) | FAMILIES[name].takes <= set(parameters())
        assert "network.kind" in FAMILIES[name].notes
        assert FAMILIES[name].chosen_by == f"network.kind: {name}"


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_refuses_what_is_for_others(name: str) -> None:
    family = next(one for one in FAMILIES.values() if name in one.sources)
    bound = [path for path, parameter in parameters().items() if parameter.sources and name not in parameter.sources]
    assert bound
    for path in bound:
        detail = faults(submitted(family.name, name, path, another(path)))["/" + path.replace(".", "/")]
        assert f"not for {name}" in detail
        assert "leave it out, or use " in detail


def test_an_unknown_family_is_told_which_there_are() -> None:
    with pytest.raises(
        InvalidInput, match="'two_layer' or 'mlp' or 'resnet18' or 'diagonal', not 'perceptron'"
    ) as invalid:
        parse_spec({"name": "x", "network": {"kind": "perceptron"}})
    assert [fault.pointer for fault in invalid.value.faults] == ["/network/kind"]


ROOT = Path(__file__).parent.parent.parent
ENTRIES = ("domain/settings/names.py", "domain/settings/settings.py", "domain/results/measure")
"""How files begin that have the list of families, or entries of parameters and measures, which say whose they are."""


@pytest.mark.parametrize("folder", ["domain", "workers", "service", "api", "db"])
def test_no_file_but_its_own_names_a_family(folder: str) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        place = path.relative_to(ROOT).as_posix()
        if place.startswith(ENTRIES) or path.stem in FAMILIES:
            continue
        named = [node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)]
        assert not {name for name in FAMILIES if name in named}, place


def _follow(settings: Settings) -> Settings:
    width = settings.network.width
    return settings.with_values({"network.width": 7 if width == "auto" else width, "training.engine": "autograd"})


def _impossible(settings: Settings) -> Iterator[Fault]:
    if settings.network.width == 8:
        yield Fault("/network/width", "a made-up network cannot be 8 wide; it must be odd")


MADE_UP = Family(
    name="made_up",
    chosen_by="network.kind: made_up",
    sources=("clusters", "images"),
    takes=frozenset({"network.init_scale", "training.label_smoothing"}),
    choices={"training.engine": ("auto", "autograd"), "attack.methods": ("pgd",)},
    notes={"network.kind": "a family that this test made up"},
    follow=_follow,
    impossible=_impossible,
    neurons=lambda settings: 1 if settings.network.width == "auto" else settings.network.width,
    seconds=lambda settings: 0.5 * settings.attack.restarts,
)


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A third family: what its file says, and its name in the list."""
    monkeypatch.setattr(names, "FAMILY_NAMES", (*names.FAMILY_NAMES, "made_up"))
    monkeypatch.setitem(FAMILIES, "made_up", MADE_UP)
    parameters.cache_clear()
    yield
    monkeypatch.undo()
    parameters.cache_clear()


SPEC: dict[str, Any] = {
    "name": "made up",
    "network": {"kind": "made_up", "init_scale": 0.1},
    "training": {"label_smoothing": 0.1},
    "sweep": {"network.width": [3, 5], "data.snr": [1.0, 2.0]},
    "seeds": 2,
}


def test_a_made_up_family_is_planned_resolved_keyed_stacked_and_estimated(made_up: None) -> None:
    planned = plan(parse_spec(SPEC))
    settings = planned.points[0].settings
    assert (settings.network.width, settings.training.engine, settings.data.draw) == (3, "autograd", "literal")
    assert settings.attack.methods == ("pgd",)
    assert settings.training.schedule is None
    assert resolve(Settings.model_validate_json(canonical(settings))) == settings
    runs = [Run.of(point.settings, seed) for point in planned.points for seed in planned.spec.seed_list]
    assert len({run.key for run in runs}) == 8
    assert len(make_draft(planned).runs) == 8
    assert len(Stack(tuple(run for run in runs if run.settings.network.width == 3)).runs) == 4
    assert len({shape(run.settings) for run in runs}) == 2
    assert estimate_seconds(settings) == pytest.approx(0.5, rel=0.01)
    assert flip_radius(settings, "max").reason == "theory does not speak of made_up networks"


def test_a_made_up_family_is_swept_against_the_others(made_up: None) -> None:
    sweep = {"network.kind": ["two_layer", "made_up", "resnet18"], "data.source": ["clusters", "mnist"]}
    planned = plan(parse_spec({"name": "x", "sweep": sweep, "impossible": "skip"}))
    assert planned.skipped == 1
    assert [point.settings.network.width for point in planned.points] == [5, 5, 7, 7, 64]


@pytest.mark.parametrize(
    ("group", "given", "words"),
    [
        ("network", {"width": 8}, "must be odd"),
        ("training", {"engine": "gram"}, "gram is for two_layer or mlp, not for made_up; use auto or autograd"),
        ("training", {"schedule": "cosine"}, "schedule is for resnet18, not for made_up; leave it out"),
        ("attack", {"methods": ["exact"]}, "exact is for two_layer or mlp, not for made_up; use pgd"),
        ("features", {"kind": "resnet18"}, "features are those of images"),
    ],
)
def test_a_made_up_family_refuses_what_it_cannot_do(
    made_up: None, group: str, given: dict[str, Any], words: str
) -> None:
    kind = {"network": {"kind": "made_up"}}
    found = faults(Settings.model_validate(kind | {group: kind.get(group, {}) | given}))
    assert [words in detail for detail in found.values()] == [True]


def test_a_made_up_family_is_in_the_catalogue(made_up: None) -> None:
    shown = catalogue()
    assert shown["network.kind"].choices == ("two_layer", "mlp", "resnet18", "diagonal", "made_up")
    assert "`made_up`: a family that this test made up." in shown["network.kind"].meaning
    assert shown["network.init_scale"].families == ("two_layer", "mlp", "diagonal", "made_up")
    assert shown["training.label_smoothing"].families == ("resnet18", "made_up")
    assert shown["attack.methods"].only == {
        "pgd_native": ("two_layer", "mlp", "resnet18", "diagonal"),
        "exact": ("two_layer", "mlp"),
        "certified": ("mlp",),
    }
    assert (
        "made_up"
        in faults(Settings.model_validate({"training": {"label_smoothing": 0.1}}))["/training/label_smoothing"]
    )
