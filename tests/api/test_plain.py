import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from phaselab.api.base.plain import json_bytes


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([1.0, math.nan, 0.1], [1.0, None, 0.1]),
        ((math.inf, -math.inf), [None, None]),
        ([1.0, 2, None, "a", [0.5]], [1.0, 2, None, "a", [0.5]]),
        (np.array([[0.5, np.nan]]), [[0.5, None]]),
        ({"a": np.float64(0.5), "b": ()}, {"a": 0.5, "b": []}),
    ],
)
def test_values_become_json_without_nan_and_infinity(value: Any, expected: Sequence[Any]) -> None:
    assert json.loads(json_bytes(value)) == expected
