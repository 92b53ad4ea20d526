"""The files of the image data sets: found, checked, downloaded; wrong ones are named with what was expected."""

import hashlib
import io
import logging
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from phaselab.workers.data import commands, image_sets
from phaselab.workers.data.data_files import CIFAR10, MNIST, DataFault, DataFile, Download
from phaselab.workers.data.fetch import fetch
from phaselab.workers.data.idx import parse_idx
from tests.workers.image_files import write_cifar10, write_mnist


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_mnist(folder)
    write_cifar10(folder)
    return folder


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PHASELAB_DATA_DIR", str(tmp_path))
    return tmp_path


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("mirror")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", folder
    server.shutdown()
    server.server_close()
    thread.join()


def described(name: str, content: bytes) -> DataFile:
    return DataFile(name, len(content), hashlib.sha256(content).hexdigest())


def test_the_digits_come_with_scikit_learn_and_are_the_originals() -> None:
    digits = image_sets.load("digits")
    assert digits.train.shape == (1297, 64)
    assert digits.test.shape == (500, 64)
    assert digits.origin == "original"
    assert np.bincount(np.concatenate([digits.train_class, digits.test_class])).tolist() == [
        178, 182, 177, 183, 181, 182, 181, 179, 174, 180,
    ]  # fmt: skip
    assert (digits.train.max(), digits.full) == (16, 16)


def test_files_of_the_right_shape_are_accepted_with_a_warning_that_names_them(
    made_up: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PHASELAB_DATA_DIR", str(made_up))
    with caplog.at_level(logging.WARNING):
        images = image_sets.load("cifar10")
    assert images.train.shape == (50_000, 3072)
    assert images.test_class.shape == (10_000,)
    assert "data_batch_3.bin" in caplog.text
    assert images.origin.startswith("not the original files")
    assert image_sets.load("mnist").train.shape == (60_000, 784)


def test_a_missing_file_is_named_with_its_size_sum_and_remedy(empty: Path) -> None:
    with pytest.raises(DataFault) as fault:
        image_sets.load("mnist")
    for part in (str(empty / "mnist" / MNIST[0].name), "9912422 bytes", MNIST[0].sha256, "phaselab data fetch mnist"):
        assert part in str(fault.value)


@pytest.mark.parametrize(
    ("source", "name", "fault"),
    [
        ("mnist", MNIST[0].name, "damaged or cut short"),
        ("mnist", MNIST[3].name, "damaged or cut short"),
        ("cifar10", CIFAR10[2].name, "not 10000 records of 3073 bytes"),
    ],
)
def test_a_truncated_file_is_named(made_up: Path, empty: Path, source: str, name: str, fault: str) -> None:
    (empty / source).mkdir()
    for file in (made_up / source).iterdir():
        (empty / source / file.name).symlink_to(file)
    (empty / source / name).unlink()
    content = (made_up / source / name).read_bytes()
    (empty / source / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(DataFault, match=fault) as raised:
        image_sets.load(source)
    assert str(empty / source / name) in str(raised.value)
    assert "sha256" in str(raised.value)


def test_two_files_that_were_exchanged_are_told_by_their_shape(made_up: Path, empty: Path) -> None:
    (empty / "mnist").mkdir()
    for file in (made_up / "mnist").iterdir():
        other = file.name.replace("train", "t10k") if "train" in file.name else file.name.replace("t10k", "train")
        (empty / "mnist" / other).symlink_to(file)
    with pytest.raises(DataFault, match=r"its shape is \(10000, 28, 28\), expected \(60000, 28, 28\)"):
        image_sets.load("mnist")


def test_a_class_beyond_nine_is_refused(made_up: Path, empty: Path) -> None:
    (empty / "cifar10").mkdir()
    for file in (made_up / "cifar10").iterdir():
        (empty / "cifar10" / file.name).symlink_to(file)
    content = bytearray((made_up / "cifar10" / "test_batch.bin").read_bytes())
    content[0] = 10
    (empty / "cifar10" / "test_batch.bin").unlink()
    (empty / "cifar10" / "test_batch.bin").write_bytes(content)
    with pytest.raises(DataFault, match=r"test_batch.bin: it has a class 10, expected 0\.\.9"):
        image_sets.load("cifar10")


def test_idx_refuses_what_is_no_idx() -> None:
    with pytest.raises(ValueError, match="no IDX file"):
        parse_idx(b"", (3,))
    with pytest.raises(ValueError, match="expected 11"):
        parse_idx(bytes([0, 0, 8, 1, 0, 0, 0, 3, 1]), (3,))


def test_a_download_is_checked_and_the_next_mirror_is_tried(
    made_up: Path, empty: Path, mirror: tuple[str, Path]
) -> None:
    url, folder = mirror
    content = (made_up / "mnist" / MNIST[3].name).read_bytes()
    (folder / "right").write_bytes(content)
    (folder / "wrong").write_bytes(content[:-1] + b"?")
    file = described(MNIST[3].name, content)
    told: list[str] = []
    downloads = {"mnist": [Download(file, (f"{url}/absent", f"{url}/wrong", f"{url}/right"))]}
    fetch("mnist", told.append, downloads)
    assert (empty / "mnist" / file.name).read_bytes() == content
    assert "downloaded and checked" in told[-1]
    fetch("mnist", told.append, downloads)
    assert "there already" in told[-1]
    assert [path.name for path in (empty / "mnist").iterdir()] == [file.name]


def test_a_download_that_is_wrong_everywhere_leaves_nothing_and_says_what_to_do(
    empty: Path, mirror: tuple[str, Path]
) -> None:
    url, folder = mirror
    (folder / "wrong").write_bytes(b"something else")
    download = Download(MNIST[3], (f"{url}/absent", f"{url}/wrong"))
    with pytest.raises(DataFault) as fault:
        fetch("mnist", lambda line: None, {"mnist": [download]})
    for part in ("absent: ", "serves 14 bytes", MNIST[3].sha256, str(empty / "mnist"), "by hand"):
        assert part in str(fault.value)
    assert list((empty / "mnist").iterdir()) == []


def test_an_archive_is_unpacked(made_up: Path, empty: Path, mirror: tuple[str, Path]) -> None:
    url, folder = mirror
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as archive:
        for name in ("test_batch.bin", "data_batch_1.bin"):
            archive.add(made_up / "cifar10" / name, f"cifar-10-batches-bin/{name}")
    (folder / "archive.tar.gz").write_bytes(packed.getvalue())
    file = described("archive.tar.gz", packed.getvalue())
    fetch("cifar10", lambda line: None, {"cifar10": [Download(file, (f"{url}/{file.name}",), ("test_batch.bin",))]})
    assert [path.name for path in (empty / "cifar10").iterdir()] == ["test_batch.bin"]
    assert image_sets.usable("cifar10", "test_batch.bin")


def test_check_says_what_is_there_and_ends_with_1_when_something_is_not(empty: Path) -> None:
    answer = CliRunner().invoke(commands.main, ["check", "digits"])
    assert (answer.exit_code, "1297 training and 500 test images" in answer.output) == (0, True)
    answer = CliRunner().invoke(commands.main, ["check"])
    assert answer.exit_code == 1
    assert "mnist: " in answer.stderr
    logging.disable(logging.NOTSET)
