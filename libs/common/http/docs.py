"""The API documents: a page for each service from files of our own, and the JSON under docs/api."""

import argparse
import importlib
import json
import sys
from functools import cache
from pathlib import Path

import orjson
from fastapi import APIRouter
from starlette.responses import FileResponse, HTMLResponse, Response

from libs.common.http.openapi import openapi_of
from libs.common.http.problems import Problem
from libs.common.service import Service

_ROOT = Path(__file__).parents[3]
_STATIC = Path(__file__).parent / "static"
_ASSETS = {
    "swagger-ui.css": ("swagger-ui/swagger-ui.css", "text/css"),
    "swagger-ui-bundle.js": ("swagger-ui/swagger-ui-bundle.js", "text/javascript"),
    "docs.js": ("docs.js", "text/javascript"),
}
_POLICY = "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"
_PAGE = """<!doctype html>
<html lang="zh">
<head>
<meta charset="utf-8">
<title>Weiyuan {service}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui" data-document="v1/openapi.json"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/docs.js"></script>
</body>
</html>
"""


def docs_router(service: Service) -> APIRouter:
    """`/{service}/docs` and `/{service}/v1/openapi.json`; nothing is asked of another host."""
    router = APIRouter(prefix=f"/{service.name}", include_in_schema=False)

    @cache
    def document() -> bytes:
        return orjson.dumps(openapi_of(service))

    @router.get("/docs")
    async def page() -> Response:
        headers = {"Content-Security-Policy": _POLICY}
        return HTMLResponse(_PAGE.format(service=service.name), headers=headers)

    @router.get("/docs/{asset}")
    async def asset(asset: str) -> Response:
        if asset not in _ASSETS:
            raise Problem("not_found")
        path, media_type = _ASSETS[asset]
        headers = {"Cache-Control": "public, max-age=86400"}
        return FileResponse(_STATIC / path, media_type=media_type, headers=headers)

    @router.get("/v1/openapi.json")
    async def openapi() -> Response:
        return Response(document(), media_type="application/json")

    return router


def pages() -> dict[Path, str]:
    """The generated documents and what they should say."""
    return {
        _ROOT / "docs" / "api" / f"{service.name}.openapi.json": _printed(service)
        for service in _services()
    }


def _printed(service: Service) -> str:
    return json.dumps(openapi_of(service), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _services() -> list[Service]:
    """Found by name, since `libs` imports no service."""
    folders = sorted(path.parent.name for path in (_ROOT / "services").glob("*/main.py"))
    return [importlib.import_module(f"services.{name}.main").service for name in folders]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m libs.common.http.docs")
    parser.add_argument("--check", action="store_true", help="fail if a document is out of date")
    check = parser.parse_args(arguments).check
    stale = {
        page: text
        for page, text in pages().items()
        if not page.exists() or page.read_text("utf-8") != text
    }
    if check and stale:
        names = ", ".join(str(page.relative_to(_ROOT)) for page in stale)
        sys.exit(f"out of date: {names}; run python -m libs.common.http.docs")
    for page, text in stale.items():
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
