"""Reads what the gateway was sent: one URL a line, by the types that Langflow's gateway has for each path.

Prints each as a line of JSON, under its path. Ends with an error where a type does not fit, or a field is not known.
"""

import json
import sys
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import AwareDatetime, BaseModel, ConfigDict, field_validator

# Characters of a URL stay below.
URL_MAX = 2048


class Ping(BaseModel):
    # A field that nobody there reads would be lost without a word.
    model_config = ConfigDict(extra="forbid")
    clientType: str
    timestamp: AwareDatetime

    @field_validator("timestamp", mode="before")
    @classmethod
    def in_utc_with_microseconds(cls, text: str) -> str:
        moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")
        assert moment.utcoffset() == timedelta(0) and text.endswith("+00:00"), text
        return text


class Common(Ping):
    langflow_version: str
    platform: str
    os: str


class Run(Common):
    runIsWebhook: bool | None = None
    runSeconds: int
    runSuccess: bool
    runErrorMessage: str
    runId: str | None = None


class Shutdown(Common):
    timeRunning: int


class Version(Ping):
    # What the page does not know of itself, or the browser does not tell, is left out: docs/formats.md. A test that
    # gives all of it asks for all of it.
    package: str | None = None
    version: str | None = None
    platform: str | None = None
    python: str | None = None
    arch: str | None = None
    autoLogin: bool | None = None
    cacheType: str | None = None
    backendOnly: bool | None = None


class Playground(Common):
    playgroundSeconds: int
    playgroundComponentCount: int | None = None
    playgroundSuccess: bool
    playgroundErrorMessage: str
    playgroundRunId: str | None = None


class Component(Common):
    componentName: str
    componentId: str | None = None
    componentSeconds: int
    componentSuccess: bool
    componentErrorMessage: str
    componentRunId: str | None = None


MODELS: dict[str, type[Ping]] = {
    "": Version,
    "run": Run,
    "shutdown": Shutdown,
    "playground": Playground,
    "component": Component,
}
FIRST: Literal["clientType"] = "clientType"


def read(url: str, base: str) -> dict:
    assert len(url) < URL_MAX, f"{len(url)} characters"
    parts = urlsplit(url)
    path = parts.path.removeprefix(base).removeprefix("/")
    pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True, errors="strict")
    names = [name for name, _ in pairs]
    assert len(set(names)) == len(names), f"twice: {names}"
    assert (names[0], names[-1]) == (FIRST, "timestamp"), names
    model = MODELS[path]
    common = list(Common.model_fields)[2:]
    # In the order of the table: the event's own, then the common ones.
    own = [name for name in model.model_fields if name not in ("clientType", "timestamp")]
    if path:
        own = [name for name in own if name not in common] + common
    assert names[1:-1] == [name for name in own if name in names], names
    return {"path": path, **model.model_validate(dict(pairs)).model_dump(mode="json")}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(read(line.rstrip("\n"), sys.argv[1])))
