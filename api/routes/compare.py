"""`/compare`: two or more experiments beside each other."""

from typing import Annotated

import yaml
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from phaselab.api.base.deps import Db
from phaselab.api.base.problems import Problem
from phaselab.api.base.templating import page
from phaselab.api.entrance.queries import Id
from phaselab.api.routes.answers import FORMATS
from phaselab.api.routes.comparison import compare
from phaselab.api.routes.submit_page import given
from phaselab.api.routes.views import axes_of
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.settings.texts import shortened
from phaselab.domain.specs.differing import differing
from phaselab.service.verbs import experiments

MOST = 8
"""Most experiments beside each other."""
_LONGEST = 300

router = APIRouter(include_in_schema=False)


@router.get("/compare")
def compare_page(
    request: Request, database: Db, experiment: Annotated[list[Id], Query(max_length=100, default_factory=list)]
) -> Response:
    """Experiments over each other: their lines and curves, differences on shared cells, what differs in their specs."""
    numbers = list(dict.fromkeys(experiment))
    if not 2 <= len(numbers) <= MOST:
        detail = f"choose from 2 to {MOST} experiments in the list of experiments; these are {len(numbers)}"
        raise Problem(422, detail)
    items = [experiments.experiment(database, number) for number in numbers]
    specs = [item.row.spec for item in items]
    axes, misfits = zip(*map(axes_of, specs), strict=True)
    values = {"items": items, "view": compare(numbers, axes, specs, request.query_params), "measures": MEASURES}
    told = [(one.path, [_short(value) for value in one.values]) for one in differing(specs)]
    values |= {"differing": told, "formats": FORMATS, "misfits": [one for one in misfits if one is not None]}
    return page(request, "compare.html", values)


def _short(value: object) -> str:
    """A value of a spec as one line of YAML, shortened."""
    text = yaml.safe_dump(given(value), default_flow_style=True, allow_unicode=True, width=10_000, sort_keys=False)
    return shortened(" ".join(text.removesuffix("\n...\n").split()), _LONGEST) if value is not None else "—"
