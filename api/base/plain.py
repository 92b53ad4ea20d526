"""Values as JSON: dataclasses, arrays, enums and times made plain, and never a NaN or an infinity."""

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping
from datetime import date
from enum import Enum
from typing import Any

import numpy as np
from pydantic import BaseModel


def plain(value: object) -> Any:
    """`value` in JSON's own types; a number that is not finite becomes null. Raises TypeError for what has no form."""
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
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple) and {float} == set(map(type, value)):  # most of what is long
        return [item if math.isfinite(item) else None for item in value]
    if isinstance(value, Iterable) and not isinstance(value, bytes):
        return [plain(item) for item in value]
    raise TypeError(f"no JSON form of {type(value).__name__}")


def json_bytes(value: object) -> bytes:
    """`value` as compact UTF-8 JSON."""
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
