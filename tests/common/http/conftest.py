"""An issuer, and the sample application behind the edge."""

from pathlib import Path

import pytest
from fastapi import FastAPI

from libs.common.http.issuer import Issuer
from tests.common.http.edge import an_app, an_issuer, router


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return an_issuer(tmp_path)


@pytest.fixture
def app(issuer: Issuer) -> FastAPI:
    return an_app(router, issuer=issuer)
