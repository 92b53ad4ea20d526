"""Values as JSON: arrays, enums and times made plain, and never a NaN or an infinity.

What has attributes of its own is refused: their names would become the contract's. Its fields are declared instead, and
`api/answers/making.py` reads them.
"""

import json
import math
from collections.abc import Iterable, Mapping
from datetime import date
from enum import Enum
from typing import Any

import numpy as np
from pydantic import BaseModel

_AS_THEY_ARE = frozenset({float, int, bool, str, type(None)})
"""Types, and none derived from them, that JSON has; of numbers, those that are finite."""


def plain(value: object) -> Any:
    """`value` in JSON's own types; a number that is not finite becomes null. Raises TypeError for what is not plain."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    return _plain_container(value)


def _plain_container(value: object) -> Any:
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple) and _AS_THEY_ARE.issuperset(map(type, value)):  # most of what is long
        return [None if type(item) is float and not math.isfinite(item) else item for item in value]
    if isinstance(value, Iterable) and not isinstance(value, bytes | BaseModel):
        return [plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} is not plain: declare its fields")


def json_bytes(value: object) -> bytes:
    """`value` as compact UTF-8 JSON."""
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
