"""The image data sets as arrays: pixels as bytes, and the class of each image. Read once a process."""

import hashlib
import io
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from phaselab.domain.settings.images import CLASSES, IMAGE_SETS
from phaselab.workers.data.data_files import FILES, Content, DataFault, DataFile, read_file, wrong
from phaselab.workers.data.idx import Bytes, parse_idx

LOG = logging.getLogger(__name__)
DIGITS_SPLIT_SEED = 0
"""Seed of the permutation that splits the digits, which come as one set, into training and test images."""


@dataclass(frozen=True, eq=False)
class Images:
    """A data set: pixels [images, d] plane by plane as bytes, `full` standing for 1, and classes [images] 0..9."""

    train: Bytes
    train_class: npt.NDArray[np.int64]
    test: Bytes
    test_class: npt.NDArray[np.int64]
    full: int
    origin: str
    """`original`, or that the files are others, with the start of the sha256 of their sums."""


def load(source: str) -> Images:
    """An image data set, checked. Raises DataFault, which names the file at fault."""
    contents = [read_file(source, file) for file in FILES[source]]
    parts = [
        _parse(source, file, content, parser)
        for file, content, parser in zip(FILES[source], contents, _PARSERS[source], strict=True)
    ]
    return _JOIN[source](parts, _origin(source, contents))


def usable(source: str, name: str) -> bool:
    """Whether a file of a source is there and of the right shape, the original or not."""
    place = [file.name for file in FILES[source]].index(name)
    file = FILES[source][place]
    try:
        _parse(source, file, read_file(source, file), _PARSERS[source][place])
    except DataFault:
        return False
    return True


load_once = cache(load)
"""`load`, remembered for as long as the process lives."""

_Part = tuple[Bytes | None, Bytes | None]
"""Pixels and classes of a file, as far as it holds them."""


def _parse(source: str, file: DataFile, content: Content, parser: Callable[[bytes], _Part]) -> _Part:
    try:
        pixels, classes = parser(content.data)
        if classes is not None and classes.max() >= CLASSES:
            raise ValueError(f"it has a class {classes.max()}, expected 0..{CLASSES - 1}")
    except ValueError as error:
        raise wrong(source, file, content.path, content.path.stat().st_size, str(error)) from None
    return pixels, classes


def _origin(source: str, contents: list[Content]) -> str:
    """Whether the files are the originals; warns when they only have their shape."""
    others = [content.path.name for content in contents if not content.original]
    if not others:
        return "original"
    sums = hashlib.sha256("".join(content.sha256 for content in contents).encode()).hexdigest()
    LOG.warning("%s: not the original files, but of their shape: %s", source, ", ".join(others))
    return f"not the original files (sums {sums[:12]}): {', '.join(others)}"


def _mnist_images(count: int) -> Callable[[bytes], _Part]:
    side = IMAGE_SETS["mnist"].side
    return lambda content: (parse_idx(content, (count, side, side)).reshape(count, side * side), None)


def _mnist_classes(count: int) -> Callable[[bytes], _Part]:
    return lambda content: (None, parse_idx(content, (count,)))


def _cifar10_batch(content: bytes) -> _Part:
    """Records of one byte of class and 3072 bytes of pixels: https://www.cs.toronto.edu/~kriz/cifar.html."""
    length, count = 1 + IMAGE_SETS["cifar10"].d, 10_000
    if len(content) != count * length:
        raise ValueError(f"it is not {count} records of {length} bytes")
    records = np.frombuffer(content, np.uint8).reshape(count, length)
    return records[:, 1:], records[:, 0]


def _digits(content: bytes) -> _Part:
    """Lines of 64 pixels in 0..16 and a class."""
    rows, columns = IMAGE_SETS["digits"].train + IMAGE_SETS["digits"].test, IMAGE_SETS["digits"].d + 1
    table = np.loadtxt(io.BytesIO(content), delimiter=",", dtype=np.uint8, ndmin=2)
    if table.shape != (rows, columns):
        raise ValueError(f"its table is {table.shape}, expected {(rows, columns)}")
    return table[:, :-1], table[:, -1]


_TRAIN, _TEST = IMAGE_SETS["mnist"].train, IMAGE_SETS["mnist"].test
_PARSERS: dict[str, tuple[Callable[[bytes], _Part], ...]] = {
    "mnist": (_mnist_images(_TRAIN), _mnist_classes(_TRAIN), _mnist_images(_TEST), _mnist_classes(_TEST)),
    "cifar10": (_cifar10_batch,) * 6,
    "digits": (_digits,),
}
"""A parser for each file of `FILES`."""


def _of(pixels: list[Bytes | None], classes: list[Bytes | None]) -> tuple[Bytes, npt.NDArray[np.int64]]:
    """The files' pixels and classes, one after the other."""
    return (
        np.concatenate([part for part in pixels if part is not None]),
        np.concatenate([part for part in classes if part is not None]).astype(np.int64),
    )


def _join_mnist(parts: list[_Part], origin: str) -> Images:
    pixels, classes = [part[0] for part in parts], [part[1] for part in parts]
    return Images(*_of(pixels[:2], classes[:2]), *_of(pixels[2:], classes[2:]), 255, origin)


def _join_cifar10(parts: list[_Part], origin: str) -> Images:
    pixels, classes = [part[0] for part in parts], [part[1] for part in parts]
    return Images(*_of(pixels[:5], classes[:5]), *_of(pixels[5:], classes[5:]), 255, origin)


def _join_digits(parts: list[_Part], origin: str) -> Images:
    pixels, classes = _of([parts[0][0]], [parts[0][1]])
    order = np.random.default_rng(DIGITS_SPLIT_SEED).permutation(len(pixels))
    train, test = np.split(order, [IMAGE_SETS["digits"].train])
    return Images(pixels[train], classes[train], pixels[test], classes[test], 16, origin)


_JOIN: dict[str, Callable[[list[_Part], str], Images]] = {
    "mnist": _join_mnist,
    "cifar10": _join_cifar10,
    "digits": _join_digits,
}
