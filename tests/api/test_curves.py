"""Robustness curves over HTTP, and published values laid over them."""

import csv
import io

import httpx
import pyarrow.parquet as pq
import pytest

QUERY = {"experiment": "1", "by": "network.labels", "where": "data.k=6"}
PUBLISHED = "dataset,network,radius_l2,robust_accuracy_percent\nsynthetic,2-class,0,100\nmnist,2-class,1,50\n"


def test_a_curve_for_every_group_readout_and_method(read: httpx.Client) -> None:
    answer = read.get("/curves", params=QUERY).json()
    curves = answer["curves"]
    assert len(curves) == 3 * 2 * 3
    assert {curve["group"]["network.labels"] for curve in curves} == {"binary", 4, "clusters"}
    for curve in curves:
        assert curve["n"] == 3
        assert curve["radii"] == [0, 2, 4, 6]
        for low, mean, high in zip(curve["ci_low"], curve["mean"], curve["ci_high"], strict=True):
            assert 0 <= low <= mean <= high <= 1
        assert (curve["mean_upper"] is None) == (curve["method"] != "exact")
        for mean, upper in zip(curve["mean"], curve["mean_upper"] or curve["mean"], strict=True):
            assert mean <= upper <= 1
        assert curve["theory"]["radius"] is None
        assert "noise is not small" in curve["theory"]["reason"]


def test_method_and_readout_choose(read: httpx.Client) -> None:
    curves = read.get("/curves", params=QUERY | {"method": ["pgd", "exact"], "readout": "max"}).json()["curves"]
    assert {(curve["method"], curve["readout"]) for curve in curves} == {("pgd", "max"), ("exact", "max")}


def test_tables_hold_one_row_a_radius(read: httpx.Client) -> None:
    curves = read.get("/curves", params=QUERY).json()["curves"]
    rows = list(csv.DictReader(io.StringIO(read.get("/curves.csv", params=QUERY).text)))
    table = pq.read_table(io.BytesIO(read.get("/curves.parquet", params=QUERY).content)).to_pylist()
    expected = [
        (str(curve["group"]["network.labels"]), curve["readout"], curve["method"], *at)
        for curve in curves
        for at in zip(curve["radii"], curve["mean"], curve["mean_upper"] or [None] * 4, strict=True)
    ]
    names = ("network.labels", "readout", "method", "radius", "mean", "mean_upper")
    assert [tuple(row[name] for name in names) for row in table] == expected
    as_text = [tuple("" if one is None else str(one) for one in row) for row in expected]
    assert [tuple(row[name] for name in names) for row in rows] == as_text


def test_pictures_and_etags(read: httpx.Client) -> None:
    picture = read.get("/curves.svg", params=QUERY)
    assert "robust accuracy" in picture.text
    assert "network.labels = clusters" in picture.text
    again = read.get("/curves.svg", params=QUERY, headers={"If-None-Match": picture.headers["ETag"]})
    assert again.status_code == 304
    assert read.get("/curves.png", params={"experiment": "2", "by": ["network.labels", "data.k"]}).status_code == 200


def test_a_varying_parameter_that_is_not_shown_is_named(read: httpx.Client) -> None:
    answer = read.get("/curves", params={"experiment": "1", "by": "network.labels"})
    assert answer.status_code == 422
    assert "data.k" in answer.json()["errors"][0]["detail"]


def test_published_values_are_laid_over_the_picture(read: httpx.Client) -> None:
    headers = {"Content-Type": "text/csv"}
    plain = read.get("/curves.svg", params=QUERY)
    answer = read.post("/curves.svg", params=QUERY, content=PUBLISHED, headers=headers)
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "published: 2-class" in answer.text
    assert "published" not in plain.text
    assert read.post("/curves.csv", params=QUERY, content=PUBLISHED, headers=headers).status_code == 404
    series = read.post("/curves.json", params=QUERY, content=PUBLISHED, headers=headers).json()["items"]
    assert "2-class" in {one["label"] for one in series}
    assert all(len(one["radii"]) == len(one["accuracy"]) and max(one["accuracy"]) <= 1 for one in series)


@pytest.mark.parametrize(
    ("text", "status", "pointer", "words"),
    [
        ("", 422, "/overlay", "no rows"),
        ("radius,accuracy\n", 422, "/overlay", "no rows"),
        ("accuracy\n1\n", 422, "/overlay", "radius"),
        ("radius\n1\n", 422, "/overlay", "accuracy"),
        ("radius,accuracy\n1,1\n2,1.5\n", 422, "/overlay/3", "0..1"),
        ("radius,accuracy\n-1,1\n", 422, "/overlay/2", "radius"),
        ("radius,accuracy\nnan,1\n", 422, "/overlay/2", "radius"),
        ("radius,accuracy\n1\n", 422, "/overlay/2", "accuracy"),
        ("radius,accuracy,dataset\n1,1,mnist\n", 422, "/overlay", "another data set"),
        ("radius,accuracy,label\n" + "".join(f"1,1,s{i}\n" for i in range(20)), 422, "/overlay", "20 series"),
        (b"\xff\xfe", 400, None, "UTF-8"),
        ("radius,accuracy\n" + '"' + "x" * 200_000, 400, None, "CSV"),
    ],
)
def test_a_csv_that_cannot_be_laid_over(
    read: httpx.Client, text: str | bytes, status: int, pointer: str | None, words: str
) -> None:
    answer = read.post("/curves.png", params=QUERY, content=text, headers={"Content-Type": "text/csv"})
    assert answer.status_code == status
    problem = answer.json()
    assert words in problem["detail"]
    assert [fault["pointer"] for fault in problem["errors"]] == ([pointer] if pointer else [])
