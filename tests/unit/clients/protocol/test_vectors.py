"""The Python client passes the vectors, and their frames are those of docs/asyncapi.yaml."""

import json
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from local import asyncapi
from tests.unit.clients.protocol.vectors import FOLDER, Json, Vector, expanded, failures

pytestmark = pytest.mark.unit

FILES = sorted(path for path in FOLDER.glob("*.json") if path.name != "schema.json")
# Types that no version has, which a client must ignore.
OF_LATER = "of_later"
each_vector = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def read(path: Path) -> Vector:
    vector: Vector = json.loads(path.read_text())
    return vector


@each_vector
def test_the_python_client_does_what_the_vector_says(path: Path):
    assert failures(read(path)) == []


@each_vector
def test_a_vector_has_the_form_of_the_schema(path: Path):
    schema = json.loads((FOLDER / "schema.json").read_text())
    jsonschema_rs.Draft202012Validator(schema).validate(read(path))


@each_vector
def test_the_times_of_a_vector_do_not_go_back(path: Path):
    times = [step["at_ms"] for step in read(path)["steps"]]
    assert times == sorted(times)


@cache
def validator(sender: str, wire_type: str) -> jsonschema_rs.Draft202012Validator:
    document = yaml.safe_load(asyncapi.PATH.read_text())
    payload = document["components"]["messages"][f"{sender}_{wire_type}"]["payload"]
    return jsonschema_rs.Draft202012Validator({**payload, "components": document["components"]})


def frames(path: Path) -> Iterator[tuple[str, Json]]:
    """Yield each frame of a vector with its sender."""
    for step in read(path)["steps"]:
        yield from (("client", frame) for frame in step.get("sends", []))
        frame = step.get("receives", {})
        if frame.get("type", OF_LATER) != OF_LATER:
            yield "worker" if "epoch" in frame else "message", expanded(frame)


@each_vector
def test_every_frame_of_a_vector_has_the_form_in_the_asyncapi_document(path: Path):
    for sender, frame in frames(path):
        validator(sender, frame["type"]).validate(frame)


def test_every_message_has_a_vector():
    found = {(sender, frame["type"]) for path in FILES for sender, frame in frames(path)}
    # A client only changes its connection.
    assert {(one.sender, one.wire_type) for one in asyncapi.message_types()} - found == {
        ("message", "reconnect_soon")
    }


def test_a_wrong_vector_is_noticed():
    vector = deepcopy(read(FOLDER / "stop.json"))
    steps = vector["steps"]
    del next(step for step in steps if "user" in step)["sends"][0]
    next(step for step in steps if "receives" in step)["reports"][0]["type"] = "closed"

    assert [line.partition(":")[0] for line in failures(vector)] == ["step 2", "step 4"]
