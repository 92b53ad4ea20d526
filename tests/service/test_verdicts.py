"""Verdicts on what landed, on both databases."""

import io
from typing import Any

import pytest

from phaselab.db.schema.database import Database
from phaselab.domain.answers.verdicts import Ruling
from phaselab.domain.settings.faults import InvalidInput
from phaselab.service.base.errors import NotFound
from phaselab.service.verbs import submit as submitting
from phaselab.service.verbs.portable import export_experiment, import_experiment
from phaselab.service.verbs.verdicts import verdicts
from tests.db.rows import finish, land, store, take_all
from tests.results import made_up

K, RATE = "data.k", "training.learning_rate"


def claim(measure: str = "train_loss", where: tuple[str, ...] = (), **expect: Any) -> dict[str, Any]:
    return {"text": "x", "source": "y", "measure": measure, "where": list(where), "expect": expect}


def landed(database: Database, claims: list[dict[str, Any]], **spec: Any) -> int:
    """An experiment over data.k and the learning rate, whose loss is k / 10 plus 5 at the larger rate, nearly."""
    sweep = {K: [4, 8, 16], RATE: [1e-3, 1e-2]}
    experiment = store(database, sweep=sweep, claims=claims, **spec)
    for run in take_all(database, experiment):
        data, rate = run.settings.data, run.settings.training.learning_rate
        loss = data.k / 10 + 5 * (rate > 5e-3) + run.data_seed / 1000
        land(database, [made_up(run, train_loss=loss)])
    return experiment


def test_rulings_from_rows(database: Database) -> None:
    small, large = f"{RATE}=0.001", f"{RATE}=0.01"
    claims = [
        claim(where=(small,), below=3.0),
        claim(where=(small,), above=0.5),
        claim(where=(small, f"{K}=16"), between=[1.5, 1.7]),
        claim(order=[small, large]),
        claim(order=[large, small]),
        claim(where=(small,), slope={"x": K, "near": 0.1, "within": 0.01}),
        claim(where=("data.k=99",), above=0.0),
    ]
    experiment = landed(database, claims, seeds=4)
    found = verdicts(database, experiment).items
    assert [one.ruling for one in found] == [
        Ruling.HOLDS,
        Ruling.FAILS,  # at k = 4
        Ruling.HOLDS,
        Ruling.HOLDS,
        Ruling.FAILS,
        Ruling.HOLDS,
        Ruling.UNDECIDED,
    ]
    assert dict(found[1].decides.place) == {K: 4}
    assert [one.places for one in found[:6]] == [3, 3, 1, 3, 3, 1]
    assert found[3].decides.value == pytest.approx(5.0)
    assert found[5].decides.value == pytest.approx(0.1)
    assert found[6].decides.reason == "no point meets its conditions"


def test_runs_on_the_same_data_are_one_draw(database: Database) -> None:
    sweep = {"data.seed": [1, 2, 3]}
    experiment = store(database, sweep=sweep, claims=[claim(below=100.0)], seeds=5)
    finish(database, experiment)
    (found,) = verdicts(database, experiment).items
    assert (found.decides.n, found.places) == (3, 1)


def test_an_experiment_without_claims_has_none_and_a_missing_one_is_not_found(database: Database) -> None:
    assert verdicts(database, store(database)).items == ()
    with pytest.raises(NotFound):
        verdicts(database, 99)


def test_a_claim_that_this_version_does_not_know_harms_no_other(database: Database) -> None:
    experiment = store(database, claims=[claim("beauty", above=0.0), claim(above=0.0)], seeds=2)
    finish(database, experiment)
    unknown, known = verdicts(database, experiment).items
    assert (unknown.ruling, known.ruling) == (Ruling.UNDECIDED, Ruling.HOLDS)
    assert "no measure 'beauty'" in str(unknown.decides.reason)


def test_what_no_one_may_submit_no_file_brings_in(sqlite_database: Database) -> None:
    """Claims are held to the same check, whoever they come from."""
    experiment = store(sqlite_database, claims=[claim("beauty", above=0.0)], seeds=2)
    file = b"".join(export_experiment(sqlite_database, experiment))
    with pytest.raises(InvalidInput, match="beauty"):
        import_experiment(sqlite_database, io.BytesIO(file), "bob")


def test_claims_ask_for_so_many_points_at_most(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submitting, "MOST_JUDGED", 6)
    spec = {"name": "x", "sweep": {K: [4, 8, 16]}, "claims": [claim(above=0.0), claim(above=0.0)]}
    assert submitting.submit(sqlite_database, spec, "ada").points == 3
    more = spec | {"claims": [claim(order=[f"{K}=4", f"{K}=8", f"{K}=16"])]}
    with pytest.raises(InvalidInput, match="at most 6 are judged"):
        submitting.submit(sqlite_database, more, "ada")
