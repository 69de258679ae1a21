"""The sample 样本: invented villages and people of 2018, entered through the import API."""

import csv
import io
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import httpx

from cli import uploads
from cli.api import Api
from cli.progress import bar
from cli.say import chosen
from cli.synthetic import Row, people, villages
from cli.tokens import Claims, token
from cli.tour import Link, Places, Step
from cli.uploads import Upload
from libs.common.contracts import VillageClass
from libs.common.http.roles import Role

SIZES = {False: (12, 2_000), True: (230, 50_000)}
"""Villages and persons: the usual sample, and one as large as a county."""

_AS_OF = "2018-12-01"
_SINCE = "2014-01-01"
_SOURCE = "样本〔2014〕1号"
_PREFECTURE = "6211"
_CLASSES: Sequence[VillageClass | None] = (
    *[VillageClass.REGISTERED_DEEP] * 3,
    *[VillageClass.REGISTERED] * 3,
    *[VillageClass.DEEP] * 2,
    *[VillageClass.OTHER] * 3,
    None,
)
"""Of every twelve villages one is not classed yet: what depends on the class asks for a ruling."""

_TERMS = {
    VillageClass.REGISTERED_DEEP: "建档立卡深度",
    VillageClass.REGISTERED: "建档立卡非深度",
    VillageClass.DEEP: "非建档立卡深度",
    VillageClass.OTHER: "其他",
    None: "尚未分类",
}
_TITLES = {
    "divisions": ("样本村", "sample villages"),
    "village-classes": ("样本村分类", "village classes"),
    "roster": ("样本名册", "sample people"),
}

_LINES = 500


@dataclass(frozen=True)
class Loaded:
    told: list[Step]
    places: Places


async def load(home: Path, http: httpx.AsyncClient, *, county: bool) -> Loaded:
    """The same people each time: loading them again changes nothing."""
    count, persons = SIZES[county]
    codes = villages(count)
    classed = {code: _CLASSES[at % len(_CLASSES)] for at, code in enumerate(codes)}
    api = Api(http, token(home, Claims(Role.PREFECTURE_OFFICER, _PREFECTURE)))
    await _import(api, "divisions", _divisions(codes))
    await _import(api, "village-classes", _classes(classed))
    entered = await _import(api, "roster", people(codes, persons))
    places = Places(village=codes[0], other=_first(classed, VillageClass.OTHER))
    return Loaded(_told(codes, classed, entered), places)


async def _import(api: Api, kind: str, rows: Iterable[Row]) -> Counter[str]:
    with bar(chosen(*_TITLES[kind])) as seen:
        upload = Upload(kind, f"sample-{kind}.csv", _written(rows), on=_AS_OF)
        job = await uploads.run(api, upload, seen)
    result = job["result"]
    if result["refused"]:
        raise uploads.Failed(f"{kind}: {result['refused']} rows of the sample were refused")
    return Counter({name: count for name, count in result.items() if isinstance(count, int)})


async def _written(rows: Iterable[Row]) -> AsyncIterator[bytes]:
    """As a CSV file, some lines at a time."""
    left, names = iter(rows), None
    while page := list(islice(left, _LINES)):
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(page[0]))
        if names is None:
            names = writer.fieldnames
            writer.writeheader()
        writer.writerows(page)
        yield text.getvalue().encode()


def _divisions(codes: Sequence[str]) -> Iterable[Row]:
    for at, town in enumerate(dict.fromkeys(code[:9] for code in codes), 1):
        yield _division(town, town[:6], "town", "样本镇" if at == 1 else f"样本{at}镇")
    for at, code in enumerate(codes, 1):
        yield _division(code, code[:9], "village", f"样本{at:03d}村")


def _division(code: str, parent: str, level: str, name: str) -> Row:
    given = {"code": code, "parent": parent, "level": level, "name": name}
    return given | {"since": _SINCE, "synthetic": "是"}


def _classes(classed: dict[str, VillageClass | None]) -> Iterable[Row]:
    for code, village_class in classed.items():
        if village_class:
            yield {
                "village": code,
                "class": village_class.value,
                "since": _SINCE,
                "source": _SOURCE,
            }


def _first(classed: dict[str, VillageClass | None], wanted: VillageClass) -> str:
    return next(code for code, village_class in classed.items() if village_class is wanted)


def _told(
    codes: Sequence[str], classed: dict[str, VillageClass | None], entered: Counter[str]
) -> list[Step]:
    numbers = Counter(classed.values())
    terms = "、".join(f"{_TERMS[each]} {number}" for each, number in numbers.items())
    words = ", ".join(f"{number} {each or 'not classed yet'}" for each, number in numbers.items())
    village, county = codes[0], codes[0][:6]
    return [
        Step(
            zh=f"导入 {len(codes)} 个样本村及其分类：{terms}。",
            en=f"{len(codes)} sample villages and their classes imported: {words}.",
            links=[
                Link(
                    path=f"/registry/v1/villages?division={village[:9]}",
                    role=Role.COUNTY_OFFICER,
                    division=county,
                )
            ],
        ),
        Step(
            zh=f"导入名册 {entered['rows']:,} 人（全部虚构），证件号码加密存放，查看时脱敏。",
            en=f"A roster of {entered['rows']:,} people imported, all invented; identity numbers "
            "are sealed, names masked when read.",
            links=[
                Link(
                    path=f"/registry/v1/households?division={village}&limit=3",
                    role=Role.VILLAGE_OFFICER,
                    division=village,
                )
            ],
        ),
    ]
