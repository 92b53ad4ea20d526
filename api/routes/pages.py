"""Pages for people: every page has a data twin in the api."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from phaselab.api.answers.runs import phase_of
from phaselab.api.base.deps import Account, ConfigurationOf, Db
from phaselab.api.base.problems import Problem
from phaselab.api.base.templating import FOLDER, page
from phaselab.api.entrance.bodies import FormFields
from phaselab.api.entrance.editions import form_edition
from phaselab.api.entrance.queries import ExperimentId, RunKey, SearchParameters, run_list
from phaselab.api.routes.answers import FORMATS
from phaselab.api.routes.opening import begins_with_cosines, named, opening, wants_cosines
from phaselab.api.routes.run_table import PAGE, run_table, span
from phaselab.api.routes.submit_page import spec_text
from phaselab.api.routes.views import LAYERS, axes_of, choose
from phaselab.domain.answers.failures import FailuresQuery
from phaselab.domain.answers.glossary import SECTIONS
from phaselab.domain.families.catalogue import catalogue
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.states import ExperimentStatus
from phaselab.domain.results.statistics import STATISTICS
from phaselab.domain.results.trust import FLAGS
from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.settings.parameters import Value, parameters
from phaselab.domain.specs.spec import Changes, validate
from phaselab.domain.specs.stored import seeds_of
from phaselab.domain.specs.visibility import Visibility
from phaselab.service.base.errors import Outdated
from phaselab.service.base.storage import Database
from phaselab.service.verbs import experiments, runs
from phaselab.service.verbs.experiments import ExperimentRow, ExperimentView
from phaselab.service.verbs.failures import failures
from phaselab.service.verbs.run_lists import RunView, list_runs
from phaselab.service.verbs.verdicts import verdicts

router = APIRouter(include_in_schema=False)

VERBS: Mapping[str, Callable[..., ExperimentView]] = {"pause": experiments.pause, "cancel": experiments.cancel}
ASKING: Mapping[str, Callable[..., ExperimentView]] = {"resume": experiments.resume, "retry": experiments.retry}
"""Those by which more may wait to be computed, which quotas are for."""
JUDGED = 2_000
"""Most points of an experiment whose page judges its claims; those of a larger one have an address of their own."""
MODULES = tuple(sorted(path.name for path in (FOLDER / "static" / "charts").glob("*.js")))
"""The scripts of that page, which it asks for all at once."""
COSINES_SHOWN = 4
"""Runs whose cosines are on an experiment's page, one of each setting."""
SIGHTS = {
    Visibility.OWNER: "only its owner and admins, its results too",
    Visibility.RESULTS: "only its owner and admins; its results serve everyone",
    Visibility.EVERYONE: "everyone",
}
"""Who sees an experiment, in words."""
FAILURES_SHOWN = 10
"""Reasons of failures on an experiment's page."""


@router.get("/")
def list_page(request: Request, database: Db) -> Response:
    """Experiments, newest first: all that are not archived, or those that are looked for."""
    given = {name: text for name, text in request.query_params.items() if text.strip()}
    try:
        asked = SearchParameters.model_validate(given)
    except ValidationError:
        raise Problem(422, "nothing can be looked for like this; use the form of the page") from None
    found = experiments.list_experiments(database, asked.cursor, 50, asked.search())
    query = {name: text for name, text in given.items() if name != "cursor"}
    values = {"items": found.items, "next": found.next, "asked": asked, "query": query, "statuses": ExperimentStatus}
    return page(request, "experiments.html", values | {"further": urlencode(query | {"cursor": found.next or ""})})


@router.get("/experiments/{experiment_id}")
def experiment_page(request: Request, experiment_id: ExperimentId, database: Db) -> Response:
    """One experiment: how far it is, its diagram, its curves."""
    view = experiments.experiment(database, experiment_id)
    axes, misfit = axes_of(view.row.spec)
    values = _view_values(request, view.row, axes) | {
        "sights": SIGHTS,
        "item": view,
        "spec": spec_text(view.row.spec),
        "misfit": misfit,
    }
    found = failures(database, FailuresQuery(experiment_id, FAILURES_SHOWN))
    address = f"/api/v1/experiments/{experiment_id}/failures"
    values |= {"failures": found.items, "failures_address": address, "failures_shown": FAILURES_SHOWN}
    held = view.row.points <= JUDGED and misfit is None and bool(view.row.spec.get("claims"))
    values |= {"verdicts": verdicts(database, experiment_id).items if held else (), "modules": MODULES}
    values |= {"cosines": _cosines(database, view), "cosines_first": begins_with_cosines(view.row.spec)}
    return page(request, "experiment.html", values)


@router.get("/experiments/{experiment_id}/view")
def experiment_view(request: Request, experiment_id: ExperimentId, database: Db) -> Response:
    """The part of that page that its selects change, by itself."""
    row = experiments.experiment(database, experiment_id).row
    return page(request, "view.html", _view_values(request, row, axes_of(row.spec)[0]))


def _view_values(request: Request, row: ExperimentRow, axes: Mapping[str, Sequence[Value]]) -> dict[str, Any]:
    """What view.html shows."""
    others = [path for path, entry in parameters().items() if entry.swept and path not in axes]
    chosen = choose(row.id, axes, row.spec, request.query_params, opening(row.spec, axes) if axes else {})
    values = {"row": row, "view": chosen, "groups": {"swept": tuple(axes), "not swept": others}, "layers": LAYERS}
    values |= {"named": [*named(row.spec, axes)] if axes else []}
    return values | {"measures": MEASURES, "statistics": STATISTICS, "formats": FORMATS}


def _cosines(database: Database, view: experiments.ExperimentView) -> Sequence[RunView]:
    """The first run of some settings, whose cosines the page shows; none where its spec names no cosines."""
    if not wants_cosines(view.row.spec) or not view.counts.done:
        return ()
    first = min(seeds_of(view.row.spec))
    return list_runs(database, run_list(view.row.id, [f"seed={first}", "state=done"], []), None, COSINES_SHOWN).items


@router.post("/experiments/{experiment_id}/describe")
def describe(
    request: Request, experiment_id: ExperimentId, fields: FormFields, database: Db, account: Account
) -> Response:
    """The form of an experiment's name, note and tags, who sees it, and whether it is archived; where somebody else was
    faster, a page that shows both."""
    seen = form_edition(fields)
    tags = [tag.strip() for tag in fields.get("tags", "").split(",") if tag.strip()]
    given = {"note": fields.get("note", "").strip(), "tags": tags, "archived": "archived" in fields}
    named = {name: fields[name] for name in ("name", "visibility") if name in fields}
    try:
        experiments.patch(database, experiment_id, validate(Changes, given | named), account, seen)
    except Outdated:
        item = experiments.experiment(database, experiment_id)
        mine = {name: text for name, text in fields.items() if name != "edition"}
        return page(request, "overtaken.html", {"row": item.row, "mine": mine, "sights": SIGHTS}, 412)
    return RedirectResponse(f"/experiments/{experiment_id}", 303)


@router.get("/experiments/{experiment_id}/delete")
def delete_page(request: Request, experiment_id: ExperimentId, database: Db) -> Response:
    """Asks whether an experiment is to be removed."""
    return page(request, "delete.html", {"item": experiments.experiment(database, experiment_id)})


@router.post("/experiments/{experiment_id}/delete")
def delete(experiment_id: ExperimentId, database: Db, account: Account) -> Response:
    """The button of that page."""
    experiments.delete(database, experiment_id, account)
    return RedirectResponse("/", 303)


@router.post("/experiments/{experiment_id}/{verb}")
def change(
    experiment_id: ExperimentId, verb: str, database: Db, configuration: ConfigurationOf, account: Account
) -> Response:
    """A button of the experiment's page."""
    if verb in VERBS:
        VERBS[verb](database, experiment_id, account)
    elif verb in ASKING:
        ASKING[verb](database, experiment_id, account, usual=configuration.quotas)
    else:
        raise Problem(404, f"nothing can be done by the name {verb[:40]}")
    return RedirectResponse(f"/experiments/{experiment_id}", 303)


@router.get("/experiments/{experiment_id}/runs")
def runs_page(request: Request, experiment_id: ExperimentId, database: Db, cursor: str | None = None) -> Response:
    """The runs of an experiment, a hundred at a time: filtered, sorted, in the columns that were chosen."""
    view = experiments.experiment(database, experiment_id)
    table = run_table(experiment_id, view.row.spec["sweep"], view.row.failed > 0, request.query_params)
    values = {"item": view, "table": table}
    try:
        asked = run_list(experiment_id, table.where, [table.order] if table.order else [])
        found = list_runs(database, asked, cursor, PAGE)
    except InvalidInput as invalid:
        return page(request, "runs.html", values | {"faults": invalid.faults}, 422)
    return page(request, "runs.html", values | {"found": found, "span": span(found)})


@router.get("/runs/{key}")
def run_page(request: Request, key: RunKey, database: Db) -> Response:
    """One run: measures, cosines, curves, trust, settings."""
    detail = runs.run(database, key)
    values = {"detail": detail, "run": detail.stored.row, "measures": MEASURES, "flags": FLAGS, "formats": FORMATS}
    values |= {"phase": phase_of(detail.stored.row.measures), "profiles": runs.profiles_of(detail)}
    return page(request, "run.html", values)


@router.get("/glossary")
def glossary_page(request: Request) -> Response:
    """Phases, readouts, methods, statistics, parameters and measures in words."""
    values = {"sections": SECTIONS, "parameters": catalogue().values(), "measures": MEASURES.values(), "flags": FLAGS}
    return page(request, "glossary.html", values)
