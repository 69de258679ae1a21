"""The pages made from the catalogue say what it says."""

import re
from pathlib import Path

import pytest
import yaml

from libs.common.events import asyncapi
from libs.common.events.catalogue import EVENTS
from libs.common.events.catalogue.employment import HouseholdEmployed
from libs.common.events.catalogue.registry import HouseholdRegistered


def test_the_generated_pages_are_true() -> None:
    asyncapi.main(["--check"])


def test_a_stale_page_fails_the_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncapi, "DOCS", tmp_path / "docs")
    with pytest.raises(SystemExit, match=r"out of date: docs/api/asyncapi.yaml, docs/events.md"):
        asyncapi.main(["--check"])
    asyncapi.main([])
    asyncapi.main(["--check"])


def test_the_document_names_who_receives() -> None:
    document = asyncapi.document({"matching": [HouseholdEmployed, HouseholdRegistered]})
    operation = document["operations"]["matching.receives.weiyuan.solar.work.v1"]
    assert operation["action"] == "receive"
    assert [m["$ref"].rsplit("/", 1)[1] for m in operation["messages"]] == ["household_employed"]
    assert len([name for name in document["operations"] if ".receives." in name]) == 4


def test_every_reference_in_the_document_leads_somewhere() -> None:
    document = yaml.safe_load((asyncapi.DOCS / "api" / "asyncapi.yaml").read_text("utf-8"))
    references = set(re.findall(r"'\$ref': '#/([^']+)'", str(document)))
    for reference in references:
        node = document
        for step in reference.split("/"):
            node = node[step]
    assert len(references) > len(EVENTS)
