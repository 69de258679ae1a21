"""Synthetic people 合成数据 for sample, tests and benchmarks: no real person can be among them.

Their identity numbers carry 621199, a county that does not exist, so that no office ever gave out
one of them; they pass every check all the same. The same seed makes the same people.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from libs.common.people.resident_id import check_digit_of

REGION = "621199"
TOWN = "621123299"
"""A town code of 渭源县 that is not given out; the sample's own villages lie under it."""

_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许"
_GIVEN = "建国秀英桂兰玉梅志强海霞春生永红文军丽娟小平福贵巧云彩霞满仓得胜翠花成林占海淑珍国栋"
_FIRST_DAY = date(1935, 1, 1)
_DAYS = (date(2018, 1, 1) - _FIRST_DAY).days
_ADULT = date(2000, 1, 1)
_GROWN_UP_DAYS = (_ADULT - _FIRST_DAY).days
_STEP = 7919
_OLD = date(1958, 1, 1)
_SIZES = (1, 2, 3, 4, 5, 6)
_SIZE_WEIGHTS = (10, 20, 24, 24, 14, 8)
_ABILITIES = ("普通劳动力", "技能劳动力", "弱劳动力或半劳动力", "丧失劳动力")
_ABILITY_WEIGHTS = (62, 8, 20, 10)

Row = dict[str, str]


def villages(count: int, town: str = TOWN) -> list[str]:
    """Codes of village committees, from 200 on as in the national table, then in further towns."""
    per_town = 200
    return [
        f"{int(town) - place // per_town:09d}{200 + place % per_town:03d}" for place in range(count)
    ]


def people(villages: Sequence[str], count: int, seed: int = 2018) -> Iterator[Row]:
    """`count` rows of a roster as the import reads it, whole households, in the order of villages.

    Somebody works in about half of the households; few receive 低保, fewer are 村干部.
    """
    chance = random.Random(seed)
    made = 0
    household = 0
    while made < count:
        size = min(chance.choices(_SIZES, _SIZE_WEIGHTS)[0], count - made)
        village = villages[min(made * len(villages) // count, len(villages) - 1)]
        yield from _household(chance, village, household, made, size)
        made += size
        household += 1


def _household(
    chance: random.Random, village: str, household: int, first: int, size: int
) -> Iterator[Row]:
    number = f"99{household:010d}"
    surname = chance.choice(_SURNAMES)
    worker = chance.randrange(size) if chance.random() < 0.75 else None
    supported = chance.random() < 0.12
    cadre = chance.random() < 0.01
    shared = {
        "village": village,
        "household_number": number,
        "members": str(size),
        "registered": "是",
        "registered_on": f"20{chance.choice((13, 14, 14, 14, 15, 17))}-12-31",
        "status": chance.choices(("未脱贫", "已脱贫", "返贫"), (80, 18, 2))[0],
        "subsistence": "是" if supported else "否",
        "synthetic": "是",
    }
    for place in range(size):
        born = _born(first + place, place)
        able = _ability(chance, born)
        works = place == worker and able in _ABILITIES[:3]
        yield {
            **shared,
            "person_number": f"{number}{place + 1:02d}",
            "name": (surname if place != 1 else chance.choice(_SURNAMES))
            + "".join(chance.choices(_GIVEN, k=chance.choice((1, 2, 2)))),
            "identity": _identity(chance, first + place, place, born),
            "relation": _relation(place, born),
            "able": able,
            "working": "是" if works else "否",
            "cadre": "是" if cadre and place == 0 else "否",
            "cadre_family": "是" if cadre else "否",
            "phone": f"199{first + place:08d}" if place == 0 or chance.random() < 0.3 else "",
        }


def _born(index: int, place: int) -> date:
    """Heads and their spouses are grown up; days follow each other in no visible order."""
    return _FIRST_DAY + timedelta(days=index * _STEP % _span(place))


def _identity(chance: random.Random, index: int, place: int, born: date) -> str:
    """No day and sequence come twice: each turn through the days has two sequences, one per sex."""
    turn = index // _span(place)
    sequence = (1 if place < 2 else 501) + 2 * turn + chance.randrange(2)
    body = f"{REGION}{born:%Y%m%d}{sequence:03d}"
    return body + check_digit_of(body)


def _span(place: int) -> int:
    return _GROWN_UP_DAYS if place < 2 else _DAYS


def _relation(place: int, born: date) -> str:
    if place < 2:
        return ("户主", "配偶")[place]
    return "父亲" if born < _OLD else "之子"


def _ability(chance: random.Random, born: date) -> str:
    if born >= _ADULT or born < _OLD - timedelta(days=3650):
        return "无劳动力"
    return chance.choices(_ABILITIES, _ABILITY_WEIGHTS)[0]
