import subprocess
import sys
import time

import pytest

from phaselab.service.base.exit_codes import SILENT
from phaselab.service.processes.environment import scheduler_environment
from phaselab.service.scheduling import lead
from phaselab.service.scheduling.lead import is_dead
from phaselab.service.scheduling.watchdog import Watchdog
from tests.faults.harness import ROOT


def test_a_process_whose_part_goes_silent_ends_and_says_which() -> None:
    program = (
        "import time; from phaselab.service.scheduling.watchdog import Watchdog; dog = Watchdog(); dog.start();"
        "dog.expect('Tune', 0.3); time.sleep(30)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
    )
    assert ended.returncode == SILENT
    assert "Tune has gone silent" in ended.stderr


def test_it_ends_the_process_even_when_nobody_reads_what_it_says() -> None:
    program = (
        "import os, time; from phaselab.service.scheduling.watchdog import Watchdog; dog = Watchdog(); dog.start();"
        "os.close(2); dog.expect('Tune', 0.1); time.sleep(20); os._exit(0)"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, timeout=30, check=False)
    assert ended.returncode == SILENT


def test_beats_and_farewells_keep_it_quiet() -> None:
    dog = Watchdog()
    dog.expect("a", 0.2)
    dog.expect("b", 60.0)
    dog.forget("a")
    dog.beat("a")
    time.sleep(0.25)
    assert dog.silent() is None
    dog.expect("a", 0.1)
    time.sleep(0.15)
    assert dog.silent() == "a"
    dog.beat("a")
    assert dog.silent() is None


def test_a_holder_on_another_machine_is_never_taken_for_dead() -> None:
    assert not is_dead("elsewhere:pid:[1]/1/1")


@pytest.mark.parametrize("holder", ["", "/", "{here}/x/1", "{here}//1", "{here}", "{here}/1"])
def test_a_holder_that_no_version_wrote_is_never_taken_for_dead(holder: str) -> None:
    assert not is_dead(holder.format(here=lead._place()))
    assert not is_dead("anything")


def test_a_ray_of_our_own_sees_no_other_ray_and_has_a_token_of_its_own() -> None:
    left = {"RAY_ADDRESS": "10.0.0.1:6379", "RAY_AUTH_TOKEN": "old", "RAY_AUTH_TOKEN_PATH": "/x", "PATH": "/bin"}
    own, other = scheduler_environment(left, None), scheduler_environment(left, None)
    assert own["PATH"] == "/bin"
    assert {"RAY_ADDRESS", "RAY_AUTH_TOKEN_PATH"}.isdisjoint(own)
    assert len({own["RAY_AUTH_TOKEN"], other["RAY_AUTH_TOKEN"], "old"}) == 3


def test_a_cluster_is_joined_with_the_token_that_was_given() -> None:
    given = {"RAY_AUTH_TOKEN": "shared", "RAY_ADDRESS": "auto"}
    joined = scheduler_environment(given, "head:6379")
    assert joined["RAY_AUTH_TOKEN"] == "shared"
    assert "RAY_ADDRESS" not in joined
