"""The settings of a run: every parameter of a run but its seed, as one validated class.

A field here is the one entry of a parameter: its type and range (validation), its meaning, symbol and unit
(`/parameters`, documentation, axis titles) all come from it.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

MAX_RADII = 200
"""Most radii of one curve."""


def _shown(symbol: str, unit: str = "", scale: str = "linear") -> dict[str, JsonValue]:
    """How a parameter is shown: its symbol, its unit and the natural scale of its axis."""
    return {"symbol": symbol, "unit": unit, "scale": scale}


class Group(BaseModel):
    """A group of parameters: strict types, no unknown keys, no infinities, never changed."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class Data(Group):
    """The data set: `clusters`, k Gaussian clusters in R^d, or images, whose clusters are their ten classes."""

    source: Literal["clusters", "digits", "mnist", "cifar10"] = Field("clusters", json_schema_extra=_shown("source"))
    """Where the points come from; `clusters` draws Gaussian clusters around orthogonal centres, the others are images
    whose clusters are their ten classes: digits are of class +1 when even, CIFAR-10's first five classes are."""
    k: int = Field(10, ge=2, le=2_000, json_schema_extra=_shown("k", "clusters"))
    """Number of clusters."""
    d: int = Field(3072, ge=2, le=1_000_000_000, json_schema_extra=_shown("d", "dimensions", "log"))
    """Dimension of the input; of images, it follows from the source, and of features from `features.width`."""
    n: int = Field(1000, ge=2, le=60_000, json_schema_extra=_shown("n", "points", "log"))
    """Number of training points."""
    snr: float = Field(1.0, gt=0, le=1e6, json_schema_extra=_shown("SNR", "", "log"))
    """Signal to noise: centres have the norm snr * sqrt(d), the noise has variance 1 a coordinate."""
    center_cosine: float = Field(0.0, gt=-1, lt=1, json_schema_extra=_shown("cos(μ,μ')"))
    """Cosine between any two centres; 0 is orthogonal."""
    positive_clusters: int | None = Field(None, ge=1, json_schema_extra=_shown("|J+|", "clusters"))
    """How many clusters (the first ones) are of class +1; k // 2 when left out."""
    label_noise: float = Field(0.0, ge=0, lt=0.5, json_schema_extra=_shown("label noise"))
    """Probability that the label of a training point is flipped."""
    normalization: Literal["unit", "standard"] | None = Field(None, json_schema_extra=_shown("normalization"))
    """Of images: `unit` has pixels in [0, 1]; `standard` takes each channel less the data set's mean, over its
    standard deviation. Radii are in these units. `unit` when left out."""
    draw: Literal["auto", "law", "literal"] = Field("auto", json_schema_extra=_shown("draw"))
    """`literal` draws every coordinate; `law` draws the same distribution at a cost free of d; `auto` takes the
    law for the gram engine and the literal draw for autograd."""
    seed: int | None = Field(None, ge=0, le=2**31 - 1, json_schema_extra=_shown("data seed"))
    """Seed of the training and test data; the run's own seed when left out. Fix it to vary only initial weights."""


class Network(Group):
    """The network: `two_layer`, a ReLU network whose second layer is fixed, or `resnet18`."""

    kind: Literal["two_layer", "resnet18"] = Field("two_layer", json_schema_extra=_shown("network"))
    """Architecture: a two-layer ReLU network whose second layer is fixed, or, for images, the ResNet-18 of CIFAR-10
    (3 x 3 stem, no pooling after it)."""
    labels: Literal["binary", "clusters"] | Annotated[int, Field(ge=2)] = Field(
        "binary", json_schema_extra=_shown("labels")
    )
    """What it is trained on: `binary` (logistic loss on +-1) or a number of label groups 2..k (cross-entropy);
    `clusters` is one label per cluster. For `resnet18`, `binary` is two groups."""
    width: Literal["auto"] | Annotated[int, Field(ge=1, le=10_000)] = Field(
        "auto", json_schema_extra=_shown("width", "neurons")
    )
    """Neurons per sign (`binary`) or per output; `auto` gives the network k neurons in all, as published:
    k // 2 per sign, k // labels per output; and 3 k in all on features. Of `resnet18`, channels of the first stage;
    `auto` is 64."""
    init_scale: float = Field(1e-5, ge=0, le=1e3, json_schema_extra=_shown("σ₀", "", "log"))
    """Standard deviation of the first layer's initial weights, of `two_layer`."""


class Training(Group):
    """How the network is trained."""

    engine: Literal["auto", "gram", "autograd"] = Field("auto", json_schema_extra=_shown("engine"))
    """`gram` trains exactly in the span of the data; `autograd` is plain PyTorch; `auto` takes gram where it holds."""
    optimizer: Literal["gd", "momentum", "nesterov", "adam"] = Field("gd", json_schema_extra=_shown("optimizer"))
    """Gradient descent, with momentum, with Nesterov's momentum, or Adam (the last two by autograd only)."""
    learning_rate: float = Field(1e-3, gt=0, le=1e6, json_schema_extra=_shown("η", "", "log"))
    """Step size."""
    steps: int = Field(100, ge=0, le=1_000_000, json_schema_extra=_shown("T", "steps", "log"))
    """Number of optimizer steps."""
    momentum: float | None = Field(None, ge=0, lt=1, json_schema_extra=_shown("momentum"))
    """Momentum coefficient, for `optimizer: momentum` and `nesterov` only; 0.9 when left out."""
    batch_size: int | None = Field(None, ge=1, json_schema_extra=_shown("batch", "points"))
    """Points per step; the whole training set when left out."""
    weight_decay: float = Field(0.0, ge=0, le=1e3, json_schema_extra=_shown("λ", "", "log"))
    """L2 penalty: weight_decay * w is added to the gradient of every weight and bias."""
    precision: Literal["float32", "float64", "mixed"] = Field("float32", json_schema_extra=_shown("precision"))
    """Number format of training; `mixed`, for `resnet18`, computes products in bfloat16 and keeps float32 weights."""
    schedule: Literal["constant", "cosine", "triangle"] | None = Field(None, json_schema_extra=_shown("schedule"))
    """Of `resnet18`: how the step size runs over the steps. `cosine` falls from learning_rate to 0; `triangle` rises
    to it over the first fifth, then falls to 0. `constant` when left out."""
    augmentation: Literal["none", "crop", "flip_crop"] | None = Field(None, json_schema_extra=_shown("augmentation"))
    """Of `resnet18`: `crop` shifts a training image by up to an eighth of its side, `flip_crop` also mirrors every
    other one; `none` when left out."""
    label_smoothing: float | None = Field(None, ge=0, lt=1, json_schema_extra=_shown("label smoothing"))
    """Of `resnet18`: share of a training label that is spread over all label groups; 0 when left out."""
    adversarial_radius: float | None = Field(None, ge=0, le=1e6, json_schema_extra=_shown("ε_train", "L2"))
    """Of `resnet18`: trains on images perturbed by up to this L2 norm against its own loss; 0 when left out."""


class Features(Group):
    """The features that a `two_layer` network, then a head, is trained on instead of pixels: those of an extractor, a
    ResNet that was trained on the same images before. All null without one."""

    kind: Literal["resnet18"] | None = Field(None, json_schema_extra=_shown("extractor"))
    """The extractor, of which a head sees what its last layer sees, 8 * width numbers; null for no features."""
    labels: Literal["binary", "clusters"] | Annotated[int, Field(ge=2)] | None = Field(
        None, json_schema_extra=_shown("extractor labels")
    )
    """What the extractor is trained on, as `network.labels`; `clusters` when left out."""
    width: int | None = Field(None, ge=2, le=512, json_schema_extra=_shown("extractor width", "channels"))
    """Channels of the extractor's first stage; 64 when left out."""
    learning_rate: float | None = Field(None, gt=0, le=1e6, json_schema_extra=_shown("extractor η", "", "log"))
    """Step size of the extractor's training, by Nesterov's momentum of 0.9; 0.1 when left out."""
    steps: int | None = Field(None, ge=0, le=1_000_000, json_schema_extra=_shown("extractor T", "steps", "log"))
    """Steps of the extractor's training; 1000 when left out."""
    batch_size: int | None = Field(None, ge=1, json_schema_extra=_shown("extractor batch", "images"))
    """Images per step of the extractor's training; 100, or all if there are fewer, when left out."""
    weight_decay: float | None = Field(None, ge=0, le=1e3, json_schema_extra=_shown("extractor λ", "", "log"))
    """L2 penalty of the extractor's training; 0.0005 when left out."""
    precision: Literal["float32", "float64", "mixed"] | None = Field(
        None, json_schema_extra=_shown("extractor precision")
    )
    """Number format of the extractor's training, as `training.precision`; `float32` when left out."""
    schedule: Literal["constant", "cosine", "triangle"] | None = Field(
        None, json_schema_extra=_shown("extractor schedule")
    )
    """Schedule of the extractor's training, as `training.schedule`; `triangle` when left out."""
    augmentation: Literal["none", "crop", "flip_crop"] | None = Field(
        None, json_schema_extra=_shown("extractor augmentation")
    )
    """Augmentation in the extractor's training, as `training.augmentation`; `none` when left out."""
    seed: int | None = Field(None, ge=0, le=2**31 - 1, json_schema_extra=_shown("extractor seed"))
    """Seed of the extractor's initial weights, batches and augmentation; 0 when left out. Its images are those of the
    head, so heads of several seeds share one extractor only where `data.seed` is given."""


class RadiusRange(Group):
    """`num` radii from `start` to `stop`, both included, evenly spaced."""

    start: float = Field(0.0, ge=0)
    stop: float = Field(ge=0)
    num: int = Field(ge=1, le=MAX_RADII)


Radius = Annotated[float, Field(ge=0, le=1e9)]
Method = Literal["pgd", "pgd_native", "exact"]
METHODS: tuple[Method, ...] = ("pgd", "pgd_native", "exact")


class Attack(Group):
    """How the trained network is attacked."""

    norm: Literal["l2"] = Field("l2", json_schema_extra=_shown("norm"))
    """Norm of the perturbation."""
    radii: RadiusRange | Annotated[tuple[Radius, ...], Field(min_length=1, max_length=MAX_RADII, strict=False)] = Field(
        RadiusRange(start=0.0, stop=60.0, num=31), json_schema_extra=_shown("ε", "L2")
    )
    """Perturbation radii, in data units: a list, or {start, stop, num}."""
    test_points: int = Field(1000, ge=1, le=100_000, json_schema_extra=_shown("test points", "points"))
    """Number of fresh test points, for accuracy and for attacks."""
    steps: int = Field(40, ge=1, le=10_000, json_schema_extra=_shown("attack steps", "steps"))
    """Steps of projected gradient descent; each is 2.5 * radius / steps long."""
    restarts: int = Field(1, ge=1, le=100, json_schema_extra=_shown("restarts"))
    """Starts of the attack per point: the first at the point, the others at random inside the ball."""
    methods: Annotated[tuple[Method, ...], Field(min_length=1, strict=False)] = Field(
        METHODS, json_schema_extra=_shown("methods")
    )
    """Which curves to compute: `pgd` on the scored readout, `pgd_native` on the network's own loss, `exact`."""


class Settings(Group):
    """Everything that decides a run but its seed."""

    data: Data = Data()
    features: Features = Features()
    network: Network = Network()
    training: Training = Training()
    attack: Attack = Attack()
