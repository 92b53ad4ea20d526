"""From settings as submitted to the canonical settings of a run: nothing left out, nothing ambiguous."""

from functools import lru_cache

import numpy as np

from phaselab.domain.families.on_features import extractor_settings, impossible_features, on_features, with_features
from phaselab.domain.families.on_images import image_set, impossible_images, with_source
from phaselab.domain.families.resnet18 import impossible_resnet, with_resnet
from phaselab.domain.settings.faults import Fault, InvalidInput, pointer
from phaselab.domain.settings.labels import group_count
from phaselab.domain.settings.settings import Attack, Data, RadiusRange, Settings, Training

ONLY_AUTOGRAD = ("adam", "nesterov")
"""Optimizers that the gram engine has no form of."""
LITERAL_LIMIT = 2_000_000_000
"""Most numbers (n * d) of a literally drawn training set: 8 GB in float32."""


def resolve(settings: Settings) -> Settings:
    """The canonical settings: every `auto` and every omission replaced by what it stands for.

    `data.seed` alone stays null, which means the run's own seed. Raises InvalidInput for impossible
    combinations; each fault points at one parameter, as `/data/k`.
    """
    faults = list(_impossible(settings))
    if faults:
        raise InvalidInput(faults)
    settings = _with_all(settings)
    data, network, training = settings.data, settings.network, settings.training
    groups = group_count(network.labels, data.k)
    engine = _engine(data, training)
    return Settings(
        data=data.model_copy(
            update={
                "positive_clusters": data.positive_clusters or data.k // 2,
                "draw": _draw(data, engine),
            }
        ),
        features=settings.features,
        network=network.model_copy(
            update={
                "labels": "binary" if network.labels == "binary" else groups,
                "width": max(1, _auto_neurons(settings) // groups) if network.width == "auto" else network.width,
            }
        ),
        training=training.model_copy(
            update={
                "engine": engine,
                "momentum": _momentum(training),
                "batch_size": None if training.batch_size == data.n else training.batch_size,
            }
        ),
        attack=_attack(settings.attack),
    )


def radii(attack: Attack) -> tuple[float, ...]:
    """The radii of an attack in ascending order, each once."""
    values: list[float] | tuple[float, ...]
    if isinstance(attack.radii, RadiusRange):
        values = np.linspace(attack.radii.start, attack.radii.stop, attack.radii.num).tolist()
    else:
        values = attack.radii
    return tuple(sorted({tidy(value) for value in values}))


def tidy(value: float) -> float:
    """The value to 12 significant digits, so that a grid's 1e-5 is the 1e-5 that one would type."""
    return float(f"{value:.12g}")


def _engine(data: Data, training: Training) -> str:
    if training.engine != "auto":
        return training.engine
    many = (
        image_set(data) is not None and data.n > 2 * data.d
    )  # a mini-batch step in their span costs what all points cost
    return "autograd" if training.optimizer in ONLY_AUTOGRAD or (many and training.batch_size) else "gram"


def _draw(data: Data, engine: str) -> str:
    if data.draw == "auto":
        return "law" if engine == "gram" and image_set(data) is None else "literal"
    return data.draw


def _momentum(training: Training) -> float | None:
    if training.optimizer not in ("momentum", "nesterov"):
        return None
    return 0.9 if training.momentum is None else training.momentum


@lru_cache(maxsize=100)  # most points of a plan have the same attack, and a hundred radii take longer than the rest
def _attack(attack: Attack) -> Attack:
    methods = tuple(sorted(set(attack.methods)))
    return attack.model_copy(update={"radii": radii(attack), "methods": methods})


def _with_all(settings: Settings) -> Settings:
    """The settings with what follows from the source, from the kind of network and from `features`."""
    settings = settings.model_copy(update={"data": with_source(settings.data)})
    return with_features(with_resnet(settings))


def _impossible(settings: Settings) -> list[Fault]:
    of_source = [*impossible_images(settings), *impossible_features(settings)]
    of_data = _impossible_data(_with_all(settings).data, settings.training)
    of_network = impossible_resnet(settings)
    return [*of_source, *of_data, *of_network, *_impossible_rest(settings), *_impossible_extractor(settings)]


def _impossible_extractor(settings: Settings) -> list[Fault]:
    """The faults of the extractor's network and training, at their places in `features`."""
    if not on_features(settings) or image_set(settings.data) is None:
        return []
    faults = _impossible(extractor_settings(with_features(settings)))
    moved = [(fault.pointer.split("/")[1:], fault.detail) for fault in faults]
    return [
        Fault(pointer("features", *path[1:]), detail) for path, detail in moved if path[0] in ("network", "training")
    ]


def _impossible_data(data: Data, training: Training) -> list[Fault]:
    faults = []
    if data.d < data.k:
        faults.append(Fault(pointer("data", "d"), f"{data.k} independent centres need d >= {data.k}, not {data.d}"))
    if data.center_cosine <= -1 / (data.k - 1):
        least = -1 / (data.k - 1)
        faults.append(
            Fault(
                pointer("data", "center_cosine"),
                f"{data.k} centres cannot all have cosine {data.center_cosine}; it must be above {least:.6g}",
            )
        )
    if data.positive_clusters is not None and data.positive_clusters >= data.k:
        faults.append(
            Fault(
                pointer("data", "positive_clusters"),
                f"{data.positive_clusters} of {data.k} clusters leaves a class empty; it must be in 1..{data.k - 1}",
            )
        )
    if training.optimizer == "adam" and data.draw == "law":
        detail = "adam depends on the coordinates, so the law of the draw does not hold for it; use draw: literal"
        faults.append(Fault(pointer("data", "draw"), detail))
    if _draw(data, _engine(data, training)) == "literal" and data.n * data.d > LITERAL_LIMIT:
        faults.append(
            Fault(
                pointer("data", "d"),
                f"a literal draw of n * d = {data.n * data.d:.3g} numbers is too large (at most {LITERAL_LIMIT:.0e});"
                " use the gram engine with data.draw: law",
            )
        )
    return faults


def _impossible_rest(settings: Settings) -> list[Fault]:
    network, training, k, n = settings.network, settings.training, settings.data.k, settings.data.n
    faults = []
    if isinstance(network.labels, int) and network.labels > k:
        detail = f"{network.labels} label groups need as many clusters, and k is {k}; it must be in 2..{k}"
        faults.append(Fault(pointer("network", "labels"), detail))
    if training.engine == "gram" and training.optimizer in ONLY_AUTOGRAD:
        name = training.optimizer
        detail = f"the gram engine does not hold for {name}; use engine: autograd, or optimizer: gd or momentum"
        faults.append(Fault(pointer("training", "engine"), detail))
    if training.momentum is not None and training.optimizer not in ("momentum", "nesterov"):
        detail = f"momentum is not used by optimizer {training.optimizer}; use optimizer: momentum, or leave it out"
        faults.append(Fault(pointer("training", "momentum"), detail))
    if training.batch_size is not None and training.batch_size > n:
        detail = f"a batch of {training.batch_size} is larger than the training set; it must be in 1..{n}"
        faults.append(Fault(pointer("training", "batch_size"), detail))
    if network.kind == "two_layer" and _neurons(settings) > 20_000:
        detail = f"the network would have {_neurons(settings)} neurons; at most 20000 can be attacked"
        faults.append(Fault(pointer("network", "width"), detail))
    return faults


def _neurons(settings: Settings) -> int:
    network, k = settings.network, settings.data.k
    groups = group_count(network.labels, k)
    return groups * network.width if isinstance(network.width, int) else _auto_neurons(settings)


def _auto_neurons(settings: Settings) -> int:
    """Neurons of the published network: one a cluster, three a class on features."""
    return settings.data.k * (3 if on_features(settings) else 1)
