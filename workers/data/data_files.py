"""The files of the image data sets: which they are, where they are looked for, and whether they are the originals."""

import gzip
import hashlib
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from phaselab.domain.settings.faults import OperatorFault

FOLDER_VARIABLE = "PHASELAB_DATA_DIR"
DEFAULT_FOLDER = "var/data"


class DataFault(OperatorFault):
    """A data file is missing or wrong; the message names it, what was expected, and the remedy."""


@dataclass(frozen=True)
class DataFile:
    """A file of a data set as its authors published it: its length in bytes and the sha256 of its bytes."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Download:
    """A file and the addresses that serve it, tried in turn; of an archive, the files of ours that are inside."""

    file: DataFile
    urls: tuple[str, ...]
    inside: tuple[str, ...] = ()


_RECORDS = 30_730_000
MNIST = (
    DataFile(
        "train-images-idx3-ubyte.gz", 9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
    ),
    DataFile("train-labels-idx1-ubyte.gz", 28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
    DataFile(
        "t10k-images-idx3-ubyte.gz", 1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
    ),
    DataFile("t10k-labels-idx1-ubyte.gz", 4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
)
CIFAR10 = (
    DataFile("data_batch_1.bin", _RECORDS, "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"),
    DataFile("data_batch_2.bin", _RECORDS, "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"),
    DataFile("data_batch_3.bin", _RECORDS, "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"),
    DataFile("data_batch_4.bin", _RECORDS, "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"),
    DataFile("data_batch_5.bin", _RECORDS, "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"),
    DataFile("test_batch.bin", _RECORDS, "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"),
)
DIGITS = DataFile("digits.csv.gz", 57_523, "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22")

FILES: Mapping[str, tuple[DataFile, ...]] = {"mnist": MNIST, "cifar10": CIFAR10, "digits": (DIGITS,)}
"""Every file of each image source."""
_CIFAR10_ARCHIVE = DataFile(
    "cifar-10-binary.tar.gz", 170_052_171, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
)
DOWNLOADS: Mapping[str, tuple[Download, ...]] = {
    "mnist": tuple(
        Download(
            file,
            (
                f"https://ossci-datasets.s3.amazonaws.com/mnist/{file.name}",
                f"https://storage.googleapis.com/cvdf-datasets/mnist/{file.name}",
            ),
        )
        for file in MNIST
    ),
    "cifar10": (
        Download(
            _CIFAR10_ARCHIVE,
            ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
            tuple(file.name for file in CIFAR10),
        ),
    ),
    "digits": (),
}
"""Where the files come from; `digits` comes with scikit-learn."""


def folder_of(source: str) -> Path:
    """Where the files of a source are looked for: a folder of its name under PHASELAB_DATA_DIR, by default var/data."""
    if source == "digits":
        return _digits_folder()
    return Path(os.environ.get(FOLDER_VARIABLE) or DEFAULT_FOLDER) / source


def _digits_folder() -> Path:
    try:
        return Path(str(distribution("scikit-learn").locate_file("sklearn/datasets/data")))
    except PackageNotFoundError:
        raise DataFault("digits come with scikit-learn, of the worker part: pip install 'phaselab[worker]'") from None


@dataclass(frozen=True)
class Content:
    """A file as it was found: its bytes, unpacked where it is packed, and whether it is the original."""

    path: Path
    data: bytes
    sha256: str
    original: bool


def read_file(source: str, file: DataFile) -> Content:
    """A file of a source. Raises DataFault when it is missing, or packed and damaged."""
    path = folder_of(source) / file.name
    try:
        packed = path.read_bytes()
    except OSError as error:
        raise DataFault(f"{path}: {error.strerror}. {expected(source, file)}") from None
    sha256 = hashlib.sha256(packed).hexdigest()
    try:
        data = gzip.decompress(packed) if file.name.endswith(".gz") else packed
    except (OSError, EOFError, zlib.error) as error:
        raise wrong(source, file, path, len(packed), f"damaged or cut short ({error})") from None
    return Content(path, data, sha256, sha256 == file.sha256)


def wrong(source: str, file: DataFile, path: Path, size: int, fault: str) -> DataFault:
    """The fault of a file that is there, `size` bytes long, and cannot be used."""
    return DataFault(f"{path}: {fault}; it has {size} bytes. {expected(source, file)}")


def expected(source: str, file: DataFile) -> str:
    """What was expected, and the remedy."""
    remedy = (
        "reinstall scikit-learn"
        if source == "digits"
        else f"run `phaselab data fetch {source}`, or put the file there ({FOLDER_VARIABLE} names another folder)"
    )
    return f"Expected {file.name} of {file.size} bytes, sha256 {file.sha256}: {remedy}"
