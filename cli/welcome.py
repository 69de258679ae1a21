"""`GET /` of the embedded system: what there is, where it is described, how to get a token."""

from html import escape
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from cli.first_start import Memory
from cli.paste import command_of, token_command
from cli.synthetic import villages
from cli.tour import Step
from libs.common.http.roles import Role
from libs.common.runtime import Process

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
)
_PAGE = Path(__file__).with_name("welcome.html")
_STYLE = Path(__file__).with_name("welcome.css")
_TERMS = {
    "registry": "登记库：行政区划、贫困村、户与人",
    "employment": "就业：乡村公益性岗位",
    "solar": "光伏扶贫：电站与电费结算",
    "matching": "需求对接：需求、村情卡",
}


def welcome_router(process: Process) -> APIRouter:
    """One page without scripts; it asks nothing of another host."""
    router = APIRouter(include_in_schema=False)
    settings = process.settings
    page, style = _PAGE.read_text("utf-8"), _STYLE.read_text("utf-8")
    names = [service.name for service in process.services]

    @router.get("/")
    async def welcome() -> Response:
        memory = Memory.of(settings.home)
        url = f"http://127.0.0.1:{settings.port}"
        text = page.format(
            services="\n".join(map(_service, names)),
            journey=_journey(settings.home, url, memory.steps if memory else []),
            token=escape(token_command(settings.home, Role.VILLAGE_OFFICER, villages(1)[0])),
            url=escape(url),
        )
        return HTMLResponse(text, headers={"content-security-policy": _POLICY})

    @router.get("/welcome.css")
    async def welcome_css() -> Response:
        return Response(style, media_type="text/css")

    return router


def _service(name: str) -> str:
    term = escape(_TERMS.get(name, ""))
    return (
        f'<li><a href="/{name}/docs">{name}</a> {term}'
        f' <a class="quiet" href="/{name}/v1/openapi.json">OpenAPI</a></li>'
    )


def _journey(home: Path, url: str, steps: list[Step]) -> str:
    if not steps:
        return "<p>没有样本。 No sample: <code>weiyuan sample add</code></p>"
    return "<ol>" + "\n".join(_step(home, url, step) for step in steps) + "</ol>"


def _step(home: Path, url: str, step: Step) -> str:
    links = "".join(
        f'<li><a href="{escape(link.path)}">{escape(link.path)}</a></li>'
        if link.role is None
        else f"<li><code>{escape(command_of(home, url, link))}</code></li>"
        for link in step.links
    )
    return f'<li>{escape(step.zh)}<p lang="en">{escape(step.en)}</p><ul>{links}</ul></li>'
