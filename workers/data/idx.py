"""The IDX format of MNIST: two zero bytes, a type (8: unsigned byte), the number of axes, each axis's length as a
big-endian 32-bit number, then the entries. http://yann.lecun.com/exdb/mnist/"""

import struct

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]


def parse_idx(content: bytes, shape: tuple[int, ...]) -> Bytes:
    """The array of an IDX file of unsigned bytes. Raises ValueError unless it has exactly this shape."""
    head = 4 + 4 * len(shape)
    if len(content) < head or content[:4] != bytes([0, 0, 8, len(shape)]):
        raise ValueError(f"no IDX file of unsigned bytes with {len(shape)} axes")
    found = struct.unpack(f">{len(shape)}I", content[4:head])
    if found != shape:
        raise ValueError(f"its shape is {found}, expected {shape}")
    if len(content) != head + np.prod(shape, dtype=int):
        raise ValueError(f"unpacked it has {len(content)} bytes, expected {head + np.prod(shape, dtype=int)}")
    return np.frombuffer(content, np.uint8, offset=head).reshape(shape)
