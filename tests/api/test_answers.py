"""Answers are made of what is declared of them: JSON, tables, tags and schemas; a new one is one entry."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import jsonschema
import pyarrow.parquet as pq
import pytest
from fastapi import APIRouter

from phaselab.api.answers.experiments import EXPERIMENT, EXPERIMENTS
from phaselab.api.answers.making import json_schema, json_value
from phaselab.api.answers.runs import COSINES, RUNS, WHOLE_RUN
from phaselab.api.answers.tables import csv_chunks, parquet_chunks
from phaselab.api.app import create_app
from phaselab.api.base.plain import plain
from phaselab.api.entrance.queries import run_key
from phaselab.api.routes.answers import SERVED, Served, add
from phaselab.domain.answers.catalogue_fields import MEASURE, PARAMETER, PRESET
from phaselab.domain.answers.curve_fields import CURVES
from phaselab.domain.answers.diagram_fields import DIAGRAM
from phaselab.domain.answers.fields import Answer, Field, Many, Maybe, Record, Table, page_of
from phaselab.domain.answers.line_fields import LINES
from phaselab.domain.settings.settings import Settings
from phaselab.domain.specs.presets import parse_preset
from phaselab.service.base.configuration import Configuration
from phaselab.service.base.storage import Database
from tests.api.conftest import serving

DIAGRAM_OF = "experiment={}&x=data.k&y=network.labels&measure=coefficient_ratio"


@pytest.mark.parametrize(
    ("address", "record"),
    [
        *((f"/diagrams?{DIAGRAM_OF.format(i)}", DIAGRAM.record) for i in (1, 2)),
        *((f"/lines?experiment={i}&x=data.k&by=network.labels&measure=averaging_index", LINES.record) for i in (1, 2)),
        *((f"/curves?experiment={i}&by=network.labels&by=data.k", CURVES.record) for i in (1, 2)),
        *((f"/experiments/{i}/runs", RUNS) for i in (1, 2)),
        *((f"/runs/{{{state}}}", WHOLE_RUN) for state in ("done", "failed", "queued")),
        ("/runs/{done}/cosines", COSINES.record),
        *((f"/experiments/{i}", EXPERIMENT) for i in (1, 2)),
        ("/experiments", EXPERIMENTS),
        *((f"/{name}", page_of(entry, "")) for name, entry in (("parameters", PARAMETER), ("presets", PRESET))),
    ],
)
def test_every_answer_is_as_declared(read: httpx.Client, address: str, record: Record[Any]) -> None:
    items = [run for i in (1, 2) for run in read.get(f"/experiments/{i}/runs").json()["items"]]
    answer = read.get(address.format(**{run["state"]: run["key"] for run in items})).json()
    jsonschema.validate(answer, json_schema(record))
    assert list(answer) == list(record.names)


def test_an_entry_of_the_measures_is_as_declared(read: httpx.Client) -> None:
    for entry in read.get("/measures").json()["items"]:
        jsonschema.validate(entry, json_schema(MEASURE))


def test_claims_of_a_preset_are_told_as_they_were_written() -> None:
    claim = {"text": "it averages", "source": "Theorem 1", "measure": "averaging_index", "statistic": "mean"}
    claim |= {"where": ["data.k=10"], "expect": {"slope": {"x": "data.d", "log": True, "near": 0.5, "within": 0.1}}}
    given = {"meaning": "why?", "spec": {"seeds": 1}, "pictures": [{"kind": "curves"}], "claims": [claim]}
    told = json_value(PRESET, parse_preset("one", given))
    assert told["claims"] == [claim]
    jsonschema.validate(told, json_schema(PRESET))


def test_every_answer_is_described_to_programs(read: httpx.Client) -> None:
    paths = read.get("/openapi.json").json()["paths"]
    for served in SERVED:
        suffix = ".{suffix}" if served.pictures_only else ""
        content = paths[f"/api/v1{served.path}{suffix}"]["get"]["responses"]["200"]["content"]
        assert len(content) == len(served.formats)
        if not served.pictures_only:
            assert content["application/json"]["schema"] == json_schema(served.answer.record)


@dataclass(frozen=True)
class Word:
    """An inner value, whose names are not those of the contract."""

    spelled: str
    many: int | None
    parts: tuple[str, ...] = ()


WORD: Record[Word] = Record(
    (
        Field("word", "text", lambda word: word.spelled, "The word."),
        Field("count", Maybe("integer"), lambda word: word.many, "How often it is there."),
    )
)
PARTS: Field[Word] = Field("parts", Many("text"), lambda word: word.parts, "Its parts.")
WORDS: Answer[Word] = Answer(Record((*WORD.fields, PARTS)), lambda word: Table(WORD.fields, [word, word]))


def test_inner_names_stay_inside() -> None:
    word = Word("run", None, ("r", "un"))
    assert json_value(WORDS.record, word) == {"word": "run", "count": None, "parts": ["r", "un"]}
    assert json_value(Many(Many(WORD)), [[word]]) == [[{"word": "run", "count": None}]]
    with pytest.raises(TypeError, match="Word is not plain"):
        plain([word])
    with pytest.raises(TypeError, match="Settings is not plain"):
        plain({"a": Settings()})


@pytest.mark.parametrize("count", [0, 1, 5_000, 12_345])
def test_tables_hold_every_row_in_batches(count: int) -> None:
    seen: list[int] = []

    def rows() -> Iterator[Word]:
        for i in range(count):
            seen.append(i)
            yield Word("=run" if i else "run", i or None)

    chunks = csv_chunks(Table(WORD.fields, rows()))
    first = next(chunks)
    assert len(seen) == min(count, 5_000), "a batch at a time"
    lines = list(csv.reader(io.StringIO((first + b"".join(chunks)).decode())))
    assert lines[0] == ["word", "count"]
    assert lines[1:] == [["'=run" if i else "run", str(i or "")] for i in range(count)]
    table = pq.read_table(io.BytesIO(b"".join(parquet_chunks(Table(WORD.fields, rows(), {"of": "words"})))))
    assert table.column("count").to_pylist() == [i or None for i in range(count)]
    assert table.schema.metadata[b"of"] == b"words"


def test_a_further_answer_is_one_entry(sqlite_database: Database) -> None:
    """A new answer takes its value and fields, its verb, and this entry: no route, no table, no tag of its own."""
    made_up = Served("/words/{key}", "words", "A word.", run_key, lambda database, key: Word(key, 2), WORDS)
    app = create_app(Configuration(database_url=str(sqlite_database.url)), sqlite_database)
    router = APIRouter(prefix="/api/v1")
    add(router, made_up)
    app.include_router(router)
    with serving(Configuration(), sqlite_database, app) as url, httpx.Client(base_url=f"{url}/api/v1") as client:
        answer = client.get("/words/abc")
        assert answer.json() == {"word": "abc", "count": 2, "parts": []}
        assert client.get("/words/abc.csv").text == "word,count\r\nabc,2\r\nabc,2\r\n"
        assert client.get("/words/abc", headers={"Accept": "text/csv"}).text.startswith("word")
        assert pq.read_table(io.BytesIO(client.get("/words/abc.parquet").content)).num_rows == 2
        assert client.head("/words/abc").headers["etag"] == answer.headers["etag"]
        again = client.get("/words/abc", headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304
        refused = client.get("/words/abc.png")
        assert (refused.status_code, "there are .json, .csv, .parquet" in refused.text) == (404, True)
        assert client.get("/words/abc", params={"more": 1}).status_code == 422
