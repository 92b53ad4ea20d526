"""The settings of networks of any depth: what follows, what is refused, and what has one key."""

from typing import Any

import pytest

from phaselab.domain.families.registry import family_of
from phaselab.domain.families.resolve import resolve
from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.settings.runs import canonical
from phaselab.domain.settings.settings import Settings


def submitted(network: dict[str, Any], training: dict[str, Any] | None = None, **groups: Any) -> Settings:
    return Settings.model_validate({"network": {"kind": "mlp"} | network, "training": training or {}} | groups)


def text(network: dict[str, Any], training: dict[str, Any] | None = None) -> str:
    return canonical(resolve(submitted(network, training)))


def test_what_is_left_out_is_the_published_network() -> None:
    binary, groups = resolve(submitted({})), resolve(submitted({"labels": "clusters"}))
    assert (binary.network.depth, binary.network.activation, binary.network.output) == (2, "relu", "fixed")
    assert (binary.network.bias, groups.network.bias) == ("first", "none")
    assert (binary.training.loss, groups.training.loss) == ("logistic", "cross_entropy")
    assert (binary.network.width, groups.network.width) == (5, 1)
    assert family_of(binary).neurons(binary) == family_of(groups).neurons(groups) == 10


@pytest.mark.parametrize(
    ("activation", "scale"),
    [("relu", 2**0.5), ("leaky_relu", 2**0.5), ("power", 2**0.5), ("linear", 1.0), ("erf", 1.0)],
)
def test_hidden_scale_follows_the_activation_and_is_nothing_at_depth_2(activation: str, scale: float) -> None:
    assert resolve(submitted({"activation": activation, "depth": 3})).network.hidden_scale == scale
    assert resolve(submitted({"activation": activation, "hidden_scale": 0.5})).network.hidden_scale is None
    assert text({"activation": activation, "hidden_scale": 0.5}) == text({"activation": activation})


def test_what_is_the_same_has_one_key() -> None:
    assert text({"activation": "power"}) == text({"activation": "power", "power": 3.0})
    assert text({}, {"train": "first"}) == text({})
    assert text({"output": "trained"}, {"train": "first"}) != text({"output": "trained"})
    assert text({}, {"loss": "logistic"}) == text({"bias": "first"}) == text({})


@pytest.mark.parametrize(
    ("network", "training", "place", "words"),
    [
        ({"power": 2.0}, {}, "/network/power", "power is not used by activation relu; use activation: power"),
        ({"activation": "power", "init_scale": 0.0}, {}, "/network/init_scale", "must be above 0"),
        ({"init": "orthogonal", "width": 20}, {}, "/network/init", "40 neurons cannot be orthogonal in 30 dimensions"),
        ({"init": "balanced"}, {}, "/network/init", "use init: normal"),
        ({"init": "balanced", "output": "trained", "depth": 3}, {}, "/network/init", "use init: normal"),
        ({"symmetric": "pairs", "labels": 3}, {}, "/network/symmetric", "use output: trained"),
        (
            {"symmetric": "pairs", "labels": 3, "output": "trained", "width": 3},
            {},
            "/network/width",
            "it must be even",
        ),
        ({}, {"train": "output"}, "/training/train", "use output: trained, or train: all"),
        ({"output_scale": 1.0}, {}, "/network/output_scale", "the output layer is fixed; use output: trained"),
        (
            {"output_scale": 1.0, "output": "trained", "init": "balanced"},
            {},
            "/network/output_scale",
            "init: normal, or leave it out",
        ),
        ({"multiplier": 10.0}, {}, "/network/multiplier", "use symmetric: pairs"),
        ({"width": 10_000, "labels": 3}, {}, "/network/width", "at most 20000 can be attacked"),
        ({"width": 10_000, "depth": 3}, {}, "/network/width", "4e+08 weights between hidden layers"),
        ({}, {"loss": "cross_entropy"}, "/training/loss", "use logistic, square, exponential or auto"),
        ({"labels": 3}, {"loss": "logistic"}, "/training/loss", "use cross_entropy, square, exponential or auto"),
    ],
)
def test_what_cannot_be_is_refused_with_its_remedy(
    network: dict[str, Any], training: dict[str, Any], place: str, words: str
) -> None:
    with pytest.raises(InvalidInput) as invalid:
        resolve(submitted(network, training, data={"d": 30, "k": 4}))
    found = {fault.pointer: fault.detail for fault in invalid.value.faults}
    assert list(found) == [place]
    assert words in found[place]


def test_a_sweep_of_depth_needs_nothing_else() -> None:
    for depth in range(2, 11):
        settings = resolve(submitted({"depth": depth}))
        assert resolve(Settings.model_validate_json(canonical(settings))) == settings


@pytest.mark.parametrize("depth", [1, 11])
def test_depths_beyond_are_refused(depth: int) -> None:
    with pytest.raises(ValueError, match="depth"):
        submitted({"depth": depth})


HAVE_EXACT = ({}, {"activation": "leaky_relu", "output": "trained"}, {"activation": "linear", "depth": 5})
HAVE_BOUNDS = ({"depth": 3}, {"activation": "erf"}, {"activation": "power"}, {"activation": "leaky_relu", "depth": 4})


def methods(network: dict[str, Any], *given: str) -> tuple[str, ...]:
    attack = {"attack": {"methods": given}} if given else {}
    return resolve(submitted(network, **attack)).attack.methods


@pytest.mark.parametrize(
    "network", [*HAVE_EXACT, *HAVE_BOUNDS], ids=lambda network: ", ".join(map(str, network.values()))
)
def test_methods_that_are_left_out_are_those_that_hold(network: dict[str, Any]) -> None:
    proof = "exact" if network in HAVE_EXACT else "certified"
    assert methods(network) == methods(network, "pgd", "pgd_native", "exact") == (proof, "pgd", "pgd_native")
    assert methods(network, "exact", "certified") == (proof,)
    assert methods(network, "pgd") == ("pgd",)


@pytest.mark.parametrize(
    "network", [*HAVE_EXACT, *HAVE_BOUNDS], ids=lambda network: ", ".join(map(str, network.values()))
)
def test_a_method_that_does_not_hold_is_refused_with_the_one_that_does(network: dict[str, Any]) -> None:
    holds, other = ("exact", "certified") if network in HAVE_EXACT else ("certified", "exact")
    with pytest.raises(InvalidInput) as refused:
        methods(network, other, "pgd")
    (fault,) = refused.value.faults
    assert fault.pointer == "/attack/methods"
    assert f"{other} is for " in fault.detail
    assert f"use {holds}, or both" in fault.detail
