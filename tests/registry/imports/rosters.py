"""Rows of a roster as a county office writes them, by the Chinese heads of the national export."""

from collections.abc import Sequence
from itertools import count
from typing import Any

from libs.common.people.resident_id import check_digit_of

VILLAGE = "621123299200"
_people = count(1)

Row = dict[str, Any]


def an_identity(born: str = "19800101") -> str:
    """Of a county that does not exist; no two are alike."""
    number = next(_people)
    body = f"621199{int(born) + number // 999 * 10000}{number % 999 + 1:03d}"
    return body + check_digit_of(body)


def a_person(household: str = "H1", place: int = 1, **cells: Any) -> Row:
    """The head of a poor household in which nobody works; `cells` by the import's own names."""
    row = {
        "village": VILLAGE,
        "household_number": household,
        "person_number": f"{household}-{place}",
        "name": "张小明",
        "identity": an_identity(),
        "relation": "户主" if place == 1 else "之子",
        "able": "普通劳动力",
        "working": "否",
        "subsistence": "否",
        "cadre": "否",
        "cadre_family": "否",
        "registered": "是",
        "registered_on": "2014-05-01",
        "status": "未脱贫",
        "phone": "",
        "synthetic": "是",
    } | cells
    return {_HEADS[name]: cell for name, cell in row.items()}


def a_household(number: str, size: int = 2, **cells: Any) -> list[Row]:
    return [a_person(number, place, **cells) for place in range(1, size + 1)]


def without(rows: Sequence[Row], *names: str) -> list[Row]:
    """The same table without some columns."""
    heads = {_HEADS[name] for name in names}
    return [{head: cell for head, cell in row.items() if head not in heads} for row in rows]


def changed(row: Row, **cells: Any) -> Row:
    return row | {_HEADS[name]: cell for name, cell in cells.items()}


_HEADS = {
    "village": "行政村代码",
    "household_number": "户编号",
    "person_number": "人编号",
    "name": "姓名",
    "identity": "证件号码",
    "relation": "与户主关系",
    "able": "劳动技能",
    "working": "务工状况",
    "subsistence": "低保",
    "cadre": "村干部",
    "cadre_family": "村干部家庭成员",
    "registered": "建档立卡",
    "registered_on": "识别时间",
    "status": "脱贫属性",
    "phone": "联系电话",
    "members": "人数",
    "sex": "性别",
    "synthetic": "合成数据",
}
