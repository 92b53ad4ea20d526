"""The entries of parameters: what users see of them, and that a new one leaves every older run key as it is."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from phaselab.domain.families import heads, rules
from phaselab.domain.families.catalogue import catalogue
from phaselab.domain.families.resolve import resolve
from phaselab.domain.settings import parameters as catalogue_of_settings
from phaselab.domain.settings import runs
from phaselab.domain.settings.entries import Entry
from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.settings.parameters import parameters
from phaselab.domain.settings.runs import canonical
from phaselab.domain.settings.settings import Network, Settings, Training

SILENT: dict[str, tuple[Any, ...]] = {
    "data.normalization": (None,),
    "features.kind": (None,),
    "attack.label_radius": ("auto",),
    "attack.radii_in": ("absolute",),
    **{f"features.{name}": (None,) for name in ("labels", "width", "learning_rate", "steps", "batch_size", "seed")},
    **{f"features.{name}": (None,) for name in ("weight_decay", "precision", "schedule", "augmentation")},
    **{f"training.{name}": (None,) for name in ("schedule", "augmentation", "label_smoothing", "adversarial_radius")},
    "data.balance": ("random",),
    "data.clone": ("none",),
    "data.noise_dims": (None,),
    "data.perturbation": (0.0,),
    "data.nonzeros": (5,),
    "data.response_noise": (0.1,),
    "network.depth": (2,),
    "network.activation": ("relu",),
    "network.power": (None,),
    "network.bias": (None,),
    "network.output": ("fixed",),
    "network.output_power": (1.0,),
    "network.init": ("normal",),
    "network.hidden_scale": (None,),
    "network.output_scale": (None,),
    "network.symmetric": ("none",),
    "network.multiplier": (1.0,),
    "training.loss": ("auto",),
    "training.off_target": (0.0,),
    "training.output_weight_decay": (None,),
    "training.train": ("all",),
    "training.stop_margin": (None,),
    "training.stop_loss": (None,),
}
"""The values at which a parameter is not in the canonical text. Add a line for a new parameter; never change one, for
stored runs without the parameter would from then on mean something else."""

BASES: tuple[dict[str, Any], ...] = (
    {},
    {"network": {"labels": "clusters"}, "training": {"optimizer": "momentum"}},
    {"data": {"source": "digits"}, "attack": {"test_points": 100}},
    {"data": {"source": "cifar10"}, "network": {"kind": "resnet18", "width": 8}},
    {"data": {"source": "cifar10"}, "features": {"kind": "resnet18", "width": 4}},
)
TEXTS = [canonical(resolve(Settings.model_validate(base))) for base in BASES]
"""The canonical texts of today."""


class GrownNetwork(Network):
    """A network with a parameter that has come since."""

    sparsity: Annotated[int, Entry("sparsity", families=("two_layer",), varies=False)] = Field(2, ge=2)
    """Inputs of a neuron."""


class GrownTraining(Training):
    """Training with a parameter that has come since."""

    penalty: Annotated[Literal["published", "square"] | None, Entry("penalty", neutral="published")] = None
    """What is made small."""


class Grown(Settings):
    """The settings of a later version."""

    network: GrownNetwork = GrownNetwork()
    training: GrownTraining = GrownTraining()


def forget() -> None:
    """Read the catalogue anew from here on."""
    for cached in (parameters, runs._left_out, rules._neutral, rules._not_taken, heads.of_extractor):
        cached.cache_clear()


@pytest.fixture
def grown(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Settings with two parameters more."""
    for module in (catalogue_of_settings, runs, heads):
        monkeypatch.setattr(module, "Settings", Grown)
    forget()
    yield
    monkeypatch.undo()
    forget()


LATER: dict[str, dict[str, tuple[Any, ...]]] = {
    "two_layer": {"training.adversarial_radius": (None, 0.0)},
    "mlp": {"training.adversarial_radius": (None, 0.0)},
    "resnet18": {},
}
"""The same of parameters that a family takes since later than others. Add lines, never change one."""


@pytest.mark.parametrize("family", LATER)
def test_what_is_left_out_of_the_canonical_text_stands_for_what_it_always_did(family: str) -> None:
    left_out = {f"{group}.{name}": values for group, name, values in runs._left_out(family)}
    assert left_out == SILENT | LATER[family]


def later(base: dict[str, Any], **groups: dict[str, Any]) -> Settings:
    return resolve(Grown.model_validate(base | {name: base.get(name, {}) | own for name, own in groups.items()}))


def test_new_parameters_leave_the_text_and_so_the_key_of_every_older_run(grown: None) -> None:
    for base, text in zip(BASES, TEXTS, strict=True):
        for settings in (later(base), later(base, network={"sparsity": 2}, training={"penalty": "published"})):
            assert canonical(settings) == text
        assert resolve(Grown.model_validate_json(text)) == later(base)


def test_new_parameters_are_in_the_key_where_they_change_something(grown: None) -> None:
    plain, sparse, square = later({}), later({}, network={"sparsity": 3}), later({}, training={"penalty": "square"})
    assert len({canonical(settings) for settings in (plain, sparse, square)}) == 3
    assert resolve(Grown.model_validate_json(canonical(sparse))) == sparse


def test_a_new_parameter_is_refused_where_it_is_not_for(grown: None) -> None:
    with pytest.raises(InvalidInput, match="sparsity is for two_layer, not for resnet18; leave it out") as invalid:
        later(BASES[3], network={"sparsity": 3})
    assert [fault.pointer for fault in invalid.value.faults] == ["/network/sparsity"]


def test_every_parameter_has_its_words() -> None:
    for path, parameter in parameters().items():
        assert parameter.meaning, path
        assert parameter.symbol, path
        assert parameter.default is None or parameter.neutral is None, f"{path} stands for two things when left out"


def test_an_extractors_parameter_says_what_its_own_run_says() -> None:
    own, its = parameters()["features.learning_rate"], parameters()["training.learning_rate"]
    assert (own.symbol, own.scale, own.limits) == ("extractor η", its.scale, its.limits)
    assert own.meaning == "Of the extractor, as `training.learning_rate`: Step size."
    assert (own.default, own.stands_for, its.stands_for) == (None, 0.1, 1e-3)


def test_the_catalogue_says_what_is_not_for_all() -> None:
    shown = catalogue()
    assert shown["training.schedule"].families == ("resnet18",)
    assert shown["data.snr"].sources == ("clusters",)
    assert shown["data.k"].families == shown["data.k"].sources == ()
    assert shown["training.precision"].only == {"mixed": ("resnet18",)}
    assert shown["attack.methods"].only == {"exact": ("two_layer", "mlp"), "certified": ("mlp",)}
    assert "`resnet18`: channels of the first stage" in shown["network.width"].meaning
    assert "`images`, `features`: there are ten classes." in shown["data.k"].meaning
