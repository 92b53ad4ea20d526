"""The short form of `make schema`: a few generated requests to every operation."""

import pytest

from tests.fuzz.schema import program, run


def test_every_operation_answers_as_it_is_described() -> None:
    if program() is None:
        pytest.skip("there is no schemathesis here")
    assert run(3, "fuzzing") == 0
