"""The settings of a run: every parameter of a run but its seed, as one validated class.

A field here is the one entry of a parameter: its type and range (validation), its meaning, symbol and unit
(`/parameters`, documentation, axis titles), what it is for, what null stands for, whether it may differ inside a stack
and whether older run keys hold it all come from it (`entries.Entry`).
"""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from phaselab.domain.settings import names
from phaselab.domain.settings.entries import Entry, OneOf

MAX_RADII = 200
"""Most radii of one curve."""
RADIUS_LIMIT = 1e11
"""Largest radius; the largest norm of a centre, snr * sqrt(d) at their limits, is below it."""
_first = partial(Entry, first=True)
_of_images = partial(_first, sources=("images", "features"))
_of_heads = partial(_first, sources=("features",))
_of_resnets = partial(_first, families=("resnet18",))
_of_mlps = partial(Entry, families=("mlp",))
_of_responses = partial(Entry, sources=("sparse_regression",), varies=True)
_of_labels = partial(_first, sources=("clusters", "images", "features", "orthogonal", "grid"))

FamilyName = Annotated[str, AfterValidator(OneOf(lambda: names.FAMILY_NAMES))]
ExtractorName = Annotated[str, AfterValidator(OneOf(lambda: names.EXTRACTOR_NAMES))]
DataSource = Literal["clusters", "digits", "mnist", "cifar10", "orthogonal", "sparse_regression", "grid"]
Clone = Literal["none", "mean", "gaussian"]
Labels = Literal["binary", "clusters"] | Annotated[int, Field(ge=2)]
Rate = Annotated[float, Field(gt=0, le=1e6)]
Steps = Annotated[int, Field(ge=0, le=1_000_000)]
Batch = Annotated[int, Field(ge=1)]
Decay = Annotated[float, Field(ge=0, le=1e3)]
Precision = Literal["float32", "float64", "mixed"]
Schedule = Literal["constant", "cosine", "triangle"]
Augmentation = Literal["none", "crop", "flip_crop"]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]


class Group(BaseModel):
    """A group of parameters: strict types, no unknown keys, no infinities, never changed."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class Data(Group):
    """The data set: `clusters`, k Gaussian clusters in R^d, or images, whose clusters are their ten classes."""

    source: Annotated[DataSource, _first("source")] = "clusters"
    """Where the points come from; `clusters` draws Gaussian clusters around orthogonal centres, `orthogonal` has
    orthonormal inputs in k classes, `sparse_regression` normal inputs whose responses few coordinates decide,
    `grid` clusters on a square grid of two coordinates; the others are images in ten classes: digits are of class
    +1 when even, CIFAR-10's first five classes are."""
    k: Annotated[int, _first("k", "clusters")] = Field(10, ge=2, le=2_000)
    """Number of clusters."""
    d: Annotated[int, _first("d", "dimensions", "log")] = Field(3072, ge=2, le=1_000_000_000)
    """Dimension of the input."""
    n: Annotated[int, _first("n", "points", "log")] = Field(1000, ge=2, le=60_000)
    """Number of training points."""
    balance: Annotated[Literal["random", "exact"], Entry("balance", sources=("clusters",), varies=True)] = "random"
    """`random` deals training points to clusters as independent draws; `exact` gives every cluster as many, or one
    more. Test points are independent draws."""
    clone: Annotated[Clone, Entry("clone", sources=("clusters", "images"), varies=True)] = "none"
    """What training points are drawn from instead, label by label: a Gaussian of the same mean and covariance
    (`gaussian`), or of the same mean and as much noise in every direction (`mean`). Test points are real ones."""
    noise_dims: Annotated[int | None, Entry("noise dims", "dimensions", sources=("clusters",))] = Field(
        None, ge=0, le=1_000_000_000
    )
    """Noise in that many random directions orthogonal to the centres and in no other, so that points span k +
    noise_dims dimensions; in every direction when left out."""
    snr: Annotated[float, _first("SNR", "", "log", sources=("clusters",), varies=True)] = Field(1.0, gt=0, le=1e6)
    """Signal to noise: centres have the norm snr * sqrt(d), the noise has variance 1 a coordinate."""
    center_cosine: Annotated[float, _first("cos(μ,μ')", sources=("clusters",), varies=True)] = Field(0.0, gt=-1, lt=1)
    """Cosine between any two centres; 0 is orthogonal."""
    positive_clusters: Annotated[int | None, _first("|J+|", "clusters")] = Field(None, ge=1)
    """How many clusters (the first ones) are of class +1; k // 2 when left out."""
    label_noise: Annotated[float, _of_labels("label noise", varies=True)] = Field(0.0, ge=0, lt=0.5)
    """Probability that the label of a training point is flipped."""
    perturbation: Annotated[float, Entry("|E|_F", sources=("orthogonal",), varies=True)] = Field(0.0, ge=0, le=1e3)
    """Frobenius norm of the normal matrix that moves all orthonormal inputs together."""
    nonzeros: Annotated[int, _of_responses("s", "coordinates")] = Field(5, ge=1, le=1_000_000)
    """How many coordinates of an input decide its response, all alike."""
    response_noise: Annotated[float, _of_responses("σ_y")] = Field(0.1, ge=0, le=1e3)
    """Standard deviation of the noise of responses, whose signal has variance 1."""
    normalization: Annotated[Literal["unit", "standard"] | None, _of_images("normalization", neutral="unit")] = None
    """`unit` has pixels in [0, 1]; `standard` takes each channel less the data set's mean, over its standard deviation.
    Radii are in these units."""
    draw: Annotated[Literal["auto", "law", "literal"], _first("draw")] = "auto"
    """`literal` draws every coordinate; `law` draws the same distribution at a cost free of d; `auto` takes the
    law for the gram engine and the literal draw for autograd."""
    seed: Annotated[Seed | None, _first("data seed", varies=True)] = None
    """Seed of the training and test data; the run's own seed when left out. Fix it to vary only initial weights."""

    def seed_of(self, run_seed: int) -> int:
        """Seed of the training and test data of a run with this seed."""
        return run_seed if self.seed is None else self.seed


class Network(Group):
    """The network: its family, what it is trained on, and its size."""

    kind: Annotated[FamilyName, _first("network")] = "two_layer"
    """Family of the network."""
    labels: Annotated[Labels, _first("labels")] = "binary"
    """What it is trained on: `binary` (logistic loss on +-1) or a number of label groups 2..k (cross-entropy);
    `clusters` is one label per cluster."""
    width: Annotated[Literal["auto"] | Annotated[int, Field(ge=1, le=10_000)], _first("width", "neurons")] = "auto"
    """How wide it is; `auto` is the published size."""
    init_scale: Annotated[float, _first("σ₀", "", "log", families=("two_layer",), varies=True)] = Field(
        1e-5, ge=0, le=1e3
    )
    """Standard deviation of the first layer's initial weights."""
    depth: Annotated[int, _of_mlps("depth", "layers")] = Field(2, ge=2, le=10)
    """Layers of weights, the output's counted."""
    activation: Annotated[Literal["relu", "leaky_relu", "linear", "erf", "power"], _of_mlps("activation")] = "relu"
    """What a hidden neuron makes of its pre-activation z. `leaky_relu` has a slope of 0.1 below 0; `power` is
    relu(z)^p / (|w| R)^(p - 1) in the first layer, R being the centres' norm, and relu in those after it."""
    power: Annotated[float | None, _of_mlps("p")] = Field(None, ge=1, le=8)
    """The power p, for `activation: power` only; 3 when left out."""
    bias: Annotated[Literal["none", "first", "all"] | None, _of_mlps("bias")] = None
    """Which layers have biases; when left out as published, `first` for binary labels and `none` for label groups."""
    output: Annotated[Literal["fixed", "trained"], _of_mlps("output layer")] = "fixed"
    """`fixed` adds up the neurons of every output, as published; `trained` weighs every neuron for every output."""
    output_power: Annotated[float, _of_mlps("γ", varies=True)] = Field(1.0, ge=0, le=2)
    """Outputs are width^-γ times the weighted sum of their neurons: 1 is the mean field, 1/2 the NTK scaling."""
    init: Annotated[Literal["normal", "orthogonal", "balanced"], _of_mlps("init")] = "normal"
    """How weights start: normals; `orthogonal` rows of the same length; `balanced` normals, and output weights as long
    as their neuron's weights."""
    hidden_scale: Annotated[float | None, _of_mlps("σ_h", "", "log", varies=True)] = Field(None, gt=0, le=1e3)
    """Size of the initial weights of layers between the first and the output: their standard deviation times the root
    of their inputs' number. When left out √2, which keeps the size of signals through relu, and 1 for linear and erf;
    nothing at depth 2, which has none."""
    output_scale: Annotated[float | None, _of_mlps("σ_a", "", "log", varies=True)] = Field(None, gt=0, le=1e3)
    """Standard deviation of initial output weights, for `output: trained`; when left out they start as the fixed ones
    are."""
    symmetric: Annotated[Literal["none", "pairs"], _of_mlps("symmetric")] = "none"
    """With `pairs` the last hidden neurons start as twins of opposite output weights, so that outputs start at 0."""
    multiplier: Annotated[float, _of_mlps("α", "", "log", varies=True)] = Field(1.0, gt=0, le=1e9)
    """Outputs are times α and gradients over α²: large ones keep the weights near their start."""


class Training(Group):
    """How the network is trained."""

    engine: Annotated[Literal["auto", "gram", "autograd"], _first("engine")] = "auto"
    """`gram` trains exactly in the span of the data; `autograd` is plain PyTorch; `auto` takes gram where it holds."""
    optimizer: Annotated[Literal["gd", "momentum", "nesterov", "adam"], _first("optimizer")] = "gd"
    """Gradient descent, with momentum, with Nesterov's momentum, or Adam (by autograd only)."""
    learning_rate: Annotated[Rate, _first("η", "", "log", varies=True)] = 1e-3
    """Step size."""
    steps: Annotated[Steps, _first("T", "steps", "log", varies=True)] = 100
    """Number of optimizer steps."""
    momentum: Annotated[float | None, _first("momentum", varies=True)] = Field(None, ge=0, lt=1)
    """Momentum coefficient, for `optimizer: momentum` and `nesterov` only; 0.9 when left out."""
    batch_size: Annotated[Batch | None, _first("batch", "points")] = None
    """Points per step; the whole training set when left out."""
    weight_decay: Annotated[Decay, _first("λ", "", "log", varies=True)] = 0.0
    """L2 penalty: weight_decay * w is added to the gradient of every weight and bias."""
    precision: Annotated[Precision, _first("precision")] = "float32"
    """Number format of training; `mixed` computes products in bfloat16 and keeps float32 weights."""
    schedule: Annotated[Schedule | None, _of_resnets("schedule", neutral="constant")] = None
    """How the step size runs over the steps. `cosine` falls from learning_rate to 0; `triangle` rises to it over the
    first fifth, then falls to 0."""
    augmentation: Annotated[Augmentation | None, _of_resnets("augmentation", neutral="none")] = None
    """`crop` shifts a training image by up to an eighth of its side, `flip_crop` also mirrors every other one."""
    label_smoothing: Annotated[float | None, _of_resnets("label smoothing", neutral=0.0)] = Field(None, ge=0, lt=1)
    """Share of a training label that is spread over all label groups."""
    adversarial_radius: Annotated[
        float | None,
        _first("ε_train", "L2", families=("two_layer", "mlp", "resnet18"), later=("two_layer", "mlp"), neutral=0.0),
    ] = Field(None, ge=0, le=1e6)
    """Adversarial training: at every step each point is moved by up to this L2 norm, in the unit of the data, to where
    its own loss is larger. 0 is plain training."""
    loss: Annotated[
        Literal["auto", "logistic", "cross_entropy", "square", "exponential"], _of_mlps("loss function")
    ] = "auto"
    """What is made small; `auto` is `logistic` for binary labels and `cross_entropy` for label groups."""
    off_target: Annotated[float, _of_mlps("t_off")] = Field(0.0, ge=-10, lt=1)
    """What the outputs of a point's other label groups are to be, for `loss: square`; its own is to be 1."""
    output_weight_decay: Annotated[Decay | None, _of_mlps("λ_out", "", "log", varies=True)] = None
    """`weight_decay` of a trained output layer, where that is another one."""
    train: Annotated[Literal["all", "first", "output"], _of_mlps("trained layers")] = "all"
    """Which layers are trained, with their biases: `first` only the first one, `output` only the output's."""
    stop_margin: Annotated[float | None, _of_mlps("stop margin")] = Field(None, gt=0, le=1e9)
    """Training stops before its last step once every training point's own label is ahead by this margin."""
    stop_loss: Annotated[float | None, _of_mlps("stop loss", "", "log")] = Field(None, gt=0, le=1e9)
    """Training stops before its last step once its mean loss is this or less."""


class Features(Group):
    """The features that a network, then a head, is trained on instead of pixels: those of an extractor that was trained
    on the same images before. All null without one."""

    kind: Annotated[ExtractorName | None, Entry("extractor", as_in="network.kind")] = None
    """Family of the extractor, of which a head sees what its last layer sees; null for no features. It is trained by
    Nesterov's momentum of 0.9."""
    labels: Annotated[Labels | None, _of_heads(as_in="network.labels", neutral="clusters")] = None
    width: Annotated[int | None, _of_heads(unit="channels", as_in="network.width", neutral=64)] = Field(
        None, ge=2, le=512
    )
    """Channels of the extractor's first stage; a head sees 8 numbers for each."""
    learning_rate: Annotated[Rate | None, _of_heads(as_in="training.learning_rate", neutral=0.1)] = None
    steps: Annotated[Steps | None, _of_heads(as_in="training.steps", neutral=1000)] = None
    batch_size: Annotated[Batch | None, _of_heads(unit="images", as_in="training.batch_size", neutral=100)] = None
    """Images per step of the extractor's training; all of them where there are fewer than when left out."""
    weight_decay: Annotated[Decay | None, _of_heads(as_in="training.weight_decay", neutral=5e-4)] = None
    precision: Annotated[Precision | None, _of_heads(as_in="training.precision", neutral="float32")] = None
    schedule: Annotated[Schedule | None, _of_heads(as_in="training.schedule", neutral="triangle")] = None
    augmentation: Annotated[Augmentation | None, _of_heads(as_in="training.augmentation", neutral="none")] = None
    seed: Annotated[Seed | None, _of_heads("extractor seed", neutral=0)] = None
    """Seed of the extractor's initial weights, batches and augmentation. Its images are those of the head, so heads of
    several seeds share one extractor only where `data.seed` is given."""


Radius = Annotated[float, Field(ge=0, le=RADIUS_LIMIT)]
"""A radius of an attack, wherever it stands: what comes out of a range is read again as a list."""


class RadiusRange(Group):
    """`num` radii from `start` to `stop`, both included, evenly spaced."""

    start: Radius = 0.0
    stop: Radius
    num: int = Field(ge=1, le=MAX_RADII)


RADII = RadiusRange(start=0.0, stop=60.0, num=31)
RADII_IN_NORMS = RadiusRange(start=0.0, stop=1.2, num=31)
"""What is left out stands for, by the unit."""
RadiiIn = Literal["absolute", "center_norm"]
Method = Literal["pgd", "pgd_native", "exact", "certified"]
METHODS: tuple[Method, ...] = ("pgd", "pgd_native", "exact", "certified")
FORMER_METHODS: tuple[Method, ...] = ("pgd", "pgd_native", "exact")
"""What stood for all of them: stored specs, which leave nothing out, have it."""
PROOFS: tuple[Method, ...] = ("exact", "certified")
"""Those that prove radii: the radii themselves, or lower bounds of them. A run has one at most."""


def _all_of_today(methods: tuple[Method, ...]) -> tuple[Method, ...]:
    return METHODS if methods == FORMER_METHODS else methods


class Attack(Group):
    """How the trained network is attacked."""

    norm: Annotated[Literal["l2"], _first("norm")] = "l2"
    """Norm of the perturbation."""
    radii: Annotated[
        RadiusRange | Annotated[tuple[Radius, ...], Field(min_length=1, max_length=MAX_RADII, strict=False)],
        _first("ε", "L2", swept=False),
    ] = RADII
    """Perturbation radii, in the unit of `radii_in`: a list, or {start, stop, num}. When left out, 0 to 1.2 in norms of
    centres."""
    radii_in: Annotated[RadiiIn, Entry("unit of ε", sources=("clusters",), swept=False)] = "absolute"
    """Unit of the radii: `absolute` is that of the data, `center_norm` the norm R = snr * sqrt(d) of the centres, for
    curves at any d and snr on one axis."""
    test_points: Annotated[int, _first("test points", "points")] = Field(1000, ge=1, le=100_000)
    """Number of fresh test points, for accuracy and for attacks."""
    steps: Annotated[int, _first("attack steps", "steps")] = Field(40, ge=1, le=10_000)
    """Steps of projected gradient descent; each is 2.5 * radius / steps long."""
    restarts: Annotated[int, _first("restarts")] = Field(1, ge=1, le=100)
    """Starts of the attack per point: the first at the point, the others at random inside the ball."""
    methods: Annotated[tuple[Method, ...], AfterValidator(_all_of_today), _first("methods", swept=False)] = Field(
        METHODS, strict=False
    )
    """Which curves to compute: `pgd` on the scored readout, `pgd_native` on the network's own
    loss (of an `mlp` the own output less the logsumexp of the others, whatever it was trained by), `exact` radii, or
    where there are none `certified` lower bounds of them; none for measures alone. When left out all that hold."""
    label_radius: Annotated[Literal["auto", "always"], Entry("label radius", families=("two_layer",), swept=False)] = (
        "auto"
    )
    """Whether `exact` gives `robust_radius_label`, too: `auto` where few neurons oppose a label, so that it costs a few
    percent; beyond that it can cost more than all else of a run, and `always` asks for it."""


class Settings(Group):
    """Everything that decides a run but its seed."""

    data: Data = Data()
    features: Features = Features()
    network: Network = Network()
    training: Training = Training()
    attack: Attack = Attack()

    def with_values(self, values: Mapping[str, Any]) -> Self:
        """These settings with other values, by the parameters' dotted paths. Nothing is checked."""
        groups: dict[str, dict[str, Any]] = {}
        for path, value in values.items():
            group, name = path.split(".")
            groups.setdefault(group, {})[name] = value
        changed = {group: getattr(self, group).model_copy(update=changes) for group, changes in groups.items()}
        return self.model_copy(update=changed) if changed else self
