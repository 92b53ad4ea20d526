"""`/submit`: a spec as YAML and as a form, which are kept in step, from nothing, a preset or an experiment."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from phaselab.api.base.deps import ConfigurationOf, Db, Owner
from phaselab.api.base.plain import json_bytes
from phaselab.api.base.problems import Problem
from phaselab.api.base.templating import FOLDER, page
from phaselab.api.entrance.bodies import FormFields
from phaselab.api.entrance.errors import invalid_input
from phaselab.api.entrance.queries import Id
from phaselab.domain.settings.faults import Fault, InvalidInput, pointer
from phaselab.domain.settings.texts import span
from phaselab.service.base.presets import presets
from phaselab.service.base.spec_fields import COMMON, OF_ALL, form_fields, shown_in, with_field
from phaselab.service.base.yaml_edit import as_yaml
from phaselab.service.base.yaml_marks import with_lines
from phaselab.service.base.yaml_text import Unreadable, parse_yaml
from phaselab.service.verbs import experiments
from phaselab.service.verbs.estimate import Estimate, estimate
from phaselab.service.verbs.submit import submit

router = APIRouter(include_in_schema=False)
CARDS = frozenset(path.stem for path in (FOLDER / "static" / "presets").glob("*.png"))
"""The presets that have a picture on their card."""


@router.get("/submit")
def submit_page(
    request: Request,
    database: Db,
    preset: str = "granularity",
    source: Annotated[Id | None, Query(alias="from")] = None,
) -> Response:
    """A form for a spec, filled with a preset, or with the spec of an experiment that is there."""
    if source is not None:
        row = experiments.experiment(database, source).row
        return _form(request, spec_text({**row.spec, "visibility": str(row.visibility)}))  # may have been opened
    known = presets()
    if preset not in known:
        raise Problem(404, f"there is no preset {preset[:40]!r}; there are {', '.join(known)}")
    return _form(request, spec_text(known[preset].submitted))


@router.post("/submit")
def submit_form(
    request: Request, fields: FormFields, database: Db, configuration: ConfigurationOf, owner: Owner
) -> Response:
    """Submit the form's text, or with the button `try` tell what it would come to."""
    text = fields.get("spec", "")
    limits, allowed = configuration.limits, configuration.notify_allow
    try:
        spec = parse_yaml(text)
        if fields.get("do") == "try":
            return _form(request, text, (), words_of(estimate(database, spec, owner, limits, allowed)))
        done = submit(database, spec, owner, None, limits, allowed, configuration.quotas)
    except (Unreadable, InvalidInput) as wrong:
        return _form(request, text, faults_of(wrong, text))
    return RedirectResponse(f"/experiments/{done.id}", 303)


@router.post("/submit/look")
def look(fields: FormFields, database: Db, configuration: ConfigurationOf, owner: Owner) -> Response:
    """What is to be said of a text while it is typed: the fields that it holds, its faults with their lines, what it
    would come to. With `path` and `value` that field is written into the text first. Stores nothing."""
    text = fields.get("spec", "")
    shown: Mapping[str, str] = {}
    faults: tuple[Fault, ...] = ()
    told = None
    try:
        spec = parse_yaml(text)
        shown = shown_in(spec)
        if "path" in fields:
            text = _changed(text, fields["path"], fields.get("value", ""))
            spec = parse_yaml(text)
            shown = shown_in(spec)
        told = words_of(estimate(database, spec, owner, configuration.limits, configuration.notify_allow))
    except (Unreadable, InvalidInput) as wrong:
        faults = faults_of(wrong, text)
    listed = [asdict(one) for one in faults]
    content = {"text": text, "fields": shown, "faults": listed, "told": told}
    return Response(json_bytes(content), media_type="application/json", headers={"Cache-Control": "no-store"})


def _changed(text: str, path: str, given: str) -> str:
    """The text with a field as it is given. Raises InvalidInput where that is no value."""
    try:
        return with_field(text, path, given)
    except Unreadable:
        detail = "this is no value, nor several with commas between; quote a text that holds signs of YAML"
        raise InvalidInput([Fault(pointer("form", path), detail)]) from None


def faults_of(wrong: Unreadable | InvalidInput, text: str) -> tuple[Fault, ...]:
    """The faults of a spec's text, each with its line."""
    if isinstance(wrong, Unreadable):
        return (Fault("", str(wrong), wrong.line),)
    return with_lines(wrong.faults, text)


def words_of(told: Estimate) -> str:
    """What a spec would come to, in a sentence."""
    skipped = f" ({told.skipped:,} impossible left out)" if told.skipped else ""
    held = f", about {told.measured:,} of them measured" if told.measured < told.runs else ""
    counts = f"{told.points:,} points{skipped}, {told.runs:,} runs, {told.cached:,} of them cached{held}"
    return f"{counts}; about {told.stacks:,} stacks, {span(told.seconds)} on one core."


def _form(request: Request, text: str, faults: Sequence[Fault] = (), told: str | None = None) -> Response:
    fields = form_fields()
    groups = {
        "The experiment": [fields[path] for path in OF_ALL],
        "Common settings": [fields[path] for path in COMMON],
    }
    for path in fields:
        if path not in (*OF_ALL, *COMMON):
            groups.setdefault(f"More of {path.split('.')[0]}", []).append(fields[path])
    values: dict[str, Any] = {"text": text, "faults": faults, "told": told, "groups": groups, "cards": CARDS}
    values |= {"presets": presets().values(), "chosen": bool(faults or told or request.query_params)}
    return page(request, "submit.html", values, invalid_input(faults).status if faults else 200)


def spec_text(spec: Mapping[str, Any]) -> str:
    """A spec as YAML, without what is null or empty, which is what leaving it out means."""
    return as_yaml(given(spec))


def given(value: Any) -> Any:
    """A value of a spec without what is null or empty."""
    if isinstance(value, Mapping):
        inner = {name: given(one) for name, one in value.items()}
        return {name: one for name, one in inner.items() if one not in (None, {}, [], ())}
    return [given(one) for one in value] if isinstance(value, list | tuple) else value
