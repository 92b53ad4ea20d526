"""Image data sets of the right shape with made-up pixels, for tests."""

import gzip
import struct
from pathlib import Path

import numpy as np


def write_mnist(folder: Path, seed: int = 0) -> None:
    """Four MNIST files: a class is told by which part of the image is bright."""
    (folder / "mnist").mkdir(parents=True)
    random = np.random.default_rng(seed)
    for name, count in (("train", 60_000), ("t10k", 10_000)):
        classes = random.integers(10, size=count).astype(np.uint8)
        images = np.zeros((count, 28, 28), dtype=np.uint8)
        images[np.arange(count), 2 * classes + 4] += 120
        _write_idx(folder / "mnist" / f"{name}-images-idx3-ubyte.gz", images)
        _write_idx(folder / "mnist" / f"{name}-labels-idx1-ubyte.gz", classes)


def write_cifar10(folder: Path, seed: int = 0) -> None:
    """Six CIFAR-10 files of 10,000 records."""
    (folder / "cifar10").mkdir(parents=True)
    random = np.random.default_rng(seed)
    for name in [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]:
        classes = random.integers(10, size=10_000).astype(np.uint8)
        pixels = np.zeros((10_000, 3, 32, 32), dtype=np.uint8)
        pixels[np.arange(10_000), classes % 3, 3 * classes] += 150
        records = np.concatenate([classes[:, None], pixels.reshape(10_000, -1)], axis=1)
        (folder / "cifar10" / name).write_bytes(records.tobytes())


def _write_idx(path: Path, array: np.ndarray) -> None:
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(gzip.compress(head + array.tobytes(), compresslevel=1))
