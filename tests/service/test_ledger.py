from phaselab.domain.results.parcels import Errand
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import Stack
from phaselab.service.scheduling.ledger import Entry, Ledger


def stack(*seeds: int) -> Stack:
    return Stack(tuple(Run.of(Settings(), seed) for seed in seeds))


def seeds(entry: Entry) -> list[int]:
    return [run.seed for run in entry.stack.runs]


def test_a_stack_that_keeps_killing_is_split_until_the_run_at_fault_is_alone() -> None:
    ledger = Ledger()
    waiting = [ledger.add(stack(*range(8)), Errand(1, "ada"))]
    survived: list[int] = []
    deaths = 0
    while not (len(waiting[0].stack.runs) == 1 and waiting[0].deaths >= 3):
        entry = waiting.pop(0)
        if 5 in seeds(entry):
            deaths += 1
            waiting = [*ledger.after_death(entry.number), *waiting]
        else:
            survived += seeds(entry)
            ledger.close(entry.number)
    assert seeds(waiting[0]) == [5]
    assert sorted(survived + [seed for entry in waiting[1:] for seed in seeds(entry)]) == [0, 1, 2, 3, 4, 6, 7]
    assert deaths == 6


def test_one_death_alone_does_not_split() -> None:
    ledger = Ledger()
    entry = ledger.add(stack(1, 2, 3), Errand(1, "ada"))
    again = ledger.after_death(entry.number)
    assert [seeds(one) for one in again] == [[1, 2, 3]]
    assert ledger.close(entry.number) is None
    assert len(ledger) == 1


def test_a_death_after_the_result_changes_nothing() -> None:
    ledger = Ledger()
    entry = ledger.add(stack(1), Errand(1, "ada"))
    ledger.close(entry.number)
    assert ledger.after_death(entry.number) == ()
    assert len(ledger) == 0


def test_only_stacks_without_any_wanted_run_are_unwanted() -> None:
    ledger = Ledger()
    one, two = ledger.add(stack(1, 2), Errand(1, "ada")), ledger.add(stack(3), Errand(2, "bob"))
    assert ledger.unwanted({one.keys[0], *two.keys}) == [two.number]
    assert ledger.of({1}) == [one.number]
    assert ledger.experiments() == {1, 2}
    assert sorted(ledger.keys()) == sorted(one.keys + two.keys)
    assert ledger.stacks_by_owner() == {"ada": 1, "bob": 1}
