from types import SimpleNamespace
from typing import Any

import pytest
from ray.tune.execution import tune_controller

from phaselab.domain.results.parcels import Parcel
from phaselab.domain.results.results import Outcome, RunFailure
from phaselab.service.scheduling.results_let_go import LettingGo, let_results_go


def test_a_result_that_was_handed_on_is_referenced_no_more() -> None:
    manager: Any = LettingGo(resource_manager=SimpleNamespace())
    manager._tracked_actors_to_task_futures["trial"] = {"ended", "awaited"}
    manager._actor_task_events.track_future("awaited")
    handed_on: list[tuple[str, str]] = []
    task = SimpleNamespace(_tracked_actor="trial", _on_result=lambda actor, result: handed_on.append((actor, result)))
    manager._actor_task_resolved(task, "result")
    assert manager._tracked_actors_to_task_futures["trial"] == {"awaited"}
    assert handed_on == [("trial", "result")]


def test_tuners_take_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tune_controller, "RayActorManager", tune_controller.RayActorManager)  # undone at the end
    let_results_go()
    assert tune_controller.RayActorManager is LettingGo
    # By this name, as a global of that module, a Tuner finds its manager of actors.
    assert "RayActorManager" in tune_controller.TuneController.__init__.__code__.co_names


def test_the_text_of_a_parcel_is_short() -> None:
    # Tune makes a text of every result, twice, whatever its log does with it: of arrays that takes longer than storing.
    outcomes: list[Outcome] = [RunFailure(str(i), "reason") for i in range(100)]
    assert len(repr(Parcel(1, outcomes, 0.5))) < 100
