"""The roster 建档立卡名册: its columns, and every check that one row can be judged by."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from libs.common.bulk.columns import Column
from libs.common.bulk.values import YES_OR_NO, Reading, count, day, listed, plain, read, unread
from libs.common.bulk.verdicts import SHAPED, Check, required
from libs.common.people.resident_id import REASONS
from libs.common.people.resident_id_bulk import resident_id_flags
from services.registry.imports.places import Place
from services.registry.imports.terms import (
    ABILITIES,
    NO_WORK,
    PLACES_OF_WORK,
    RELATIONS,
    SEXES,
    STATUSES,
)

COLUMNS = (
    Column("village", ("行政村代码", "行政村编码", "村代码", "村编码", "行政村"), required=True),
    Column("household_number", ("户编号", "户编码"), required=True),
    Column("person_number", ("人编号", "人编码"), required=True),
    Column("name", ("姓名",), required=True),
    Column("identity", ("证件号码", "身份证号", "身份证号码", "公民身份号码"), required=True),
    Column("relation", ("与户主关系",), required=True),
    Column("status", ("脱贫属性",), required=True),
    Column("able", ("劳动技能", "劳动能力")),
    Column("working", ("务工状况", "是否务工")),
    Column("subsistence", ("低保", "是否低保", "是否低保对象", "是否享受低保")),
    Column("cadre", ("村干部", "是否村干部")),
    Column("cadre_family", ("村干部家庭成员", "是否村干部家庭成员")),
    Column("registered", ("建档立卡", "是否建档立卡")),
    Column("registered_on", ("识别时间", "首次识别时间", "建档立卡时间")),
    Column("phone", ("联系电话", "联系方式", "手机号", "手机号码")),
    Column("members", ("人数", "家庭人数", "家庭人口")),
    Column("sex", ("性别",)),
    Column("synthetic", ("合成数据",)),
)

OPTIONAL = ("able", "working", "subsistence", "cadre", "cadre_family", "registered_on", "phone")
"""What a file without the column says nothing about: the record keeps what it knows."""

_WORKING = {
    **YES_OR_NO,
    **dict.fromkeys(PLACES_OF_WORK, True),
    **dict.fromkeys(NO_WORK, False),
}
_READINGS: Sequence[tuple[str, Reading, Any]] = (
    ("relation", listed(RELATIONS), pl.String),
    ("status", listed(STATUSES), pl.String),
    ("able", listed(ABILITIES), pl.String),
    ("working", listed(_WORKING), pl.Boolean),
    ("subsistence", listed(YES_OR_NO), pl.Boolean),
    ("cadre", listed(YES_OR_NO), pl.Boolean),
    ("cadre_family", listed(YES_OR_NO), pl.Boolean),
    ("registered", listed(YES_OR_NO), pl.Boolean),
    ("registered_on", day, pl.Date),
    ("members", count, pl.Int32),
    ("sex", listed(SEXES), pl.String),
    ("synthetic", listed(YES_OR_NO), pl.Boolean),
)
_NAME = r"^[\p{L}\p{M}][\p{L}\p{M}·•‧∙・.' -]{0,49}$"
_NUMBER = r"^[0-9A-Za-z][0-9A-Za-z-]{0,39}$"
_PHONE = r"^(?:1[3-9]\d{9}|0\d{2,3}\d{7,8}|[2-9]\d{6,7})$"
_CERTIFICATE = r"^(\d{17}[\dX])\d{2}$"
_CENTURIES = ["19", "20"]


def typed(frame: pl.DataFrame, on: date, places: Mapping[str, Place]) -> pl.DataFrame:
    """The row as values beside what was written; `read_*` are null where it could not be read."""
    codes = ("identity", "village", "household_number", "person_number")
    frame = frame.with_columns(*(plain(frame.get_column(code)) for code in codes))
    frame = frame.with_columns(
        # 残疾人证号 is the identity number with type and grade of a disability: they are not kept.
        identity=pl.col("identity").str.to_uppercase().str.replace(_CERTIFICATE, "$1"),
        name=_name(),
        read_phone=_phone(plain(frame.get_column("phone"))),
    )
    readings = [
        read(frame.get_column(column), reading, kind) for column, reading, kind in _READINGS
    ]
    frame = _placed(frame.hstack(readings), places)
    return _judged_status(frame).hstack(_identity_flags(frame, on))


def checks(on: date, area: str) -> Sequence[Check]:
    """All of them are made of every row: a bad row tells all its faults at once."""
    return (
        SHAPED,
        *required("village", "household_number", "person_number", "name", "identity", "relation"),
        *_village_checks(area),
        Check("name", "not_a_name", ~pl.col("name").str.contains(_NAME)),
        *(
            check
            for column in ("household_number", "person_number")
            for check in (
                Check(column, "not_a_number", ~pl.col(column).str.contains(_NUMBER)),
                Check(column, "number_is_identity", pl.col(f"{column}_is_identity")),
            )
        ),
        *(
            Check("identity", code, pl.col(code) & pl.col("identity").is_not_null())
            for code in REASONS
        ),
        *(
            unread(column, "not_listed")
            for column in ("relation", "status", "able", "working", "sex")
        ),
        *(
            unread(column, "not_yes_or_no")
            for column in ("subsistence", "cadre", "cadre_family", "registered", "synthetic")
        ),
        Check("status", "required", pl.col("status").is_null() & pl.col("is_status").is_null()),
        Check("status", "status_differs", pl.col("status_differs")),
        unread("registered_on", "not_a_date"),
        Check("registered_on", "after_as_of", pl.col("read_registered_on") > on),
        unread("phone", "not_a_phone"),
        unread("members", "not_a_count"),
        Check("members", "not_a_count", pl.col("read_members") < 1),
    )


def staged(frame: pl.DataFrame, refused: pl.Series) -> pl.DataFrame:
    """What staging takes of each row; of a refused one only what its household is judged by."""
    kept = ~refused
    identity = pl.col("identity")
    return frame.select(
        "row",
        pl.when(refused).then(pl.lit("row")).alias("refused"),
        pl.col("current").alias("village"),
        pl.when(pl.col("household_number").str.contains(_NUMBER)).then("household_number"),
        pl.col("read_relation").alias("relation"),
        pl.col("read_members").alias("members"),
        pl.col("is_registered").alias("registered"),
        pl.col("read_registered_on").alias("registered_on"),
        pl.col("is_status").alias("status"),
        *(
            pl.when(kept).then(value).alias(name)
            for name, value in {
                "person_number": pl.col("person_number"),
                "name": pl.col("name"),
                "identity": identity,
                "phone": pl.col("read_phone"),
                "sex": pl.when(identity.str.slice(16, 1).str.contains("[13579]"))
                .then(pl.lit("male"))
                .otherwise(pl.lit("female")),
                "birth_on": identity.str.slice(6, 8).str.to_date("%Y%m%d", strict=False),
                "identity_note": pl.when(pl.col("county_unknown")).then(pl.lit("county_unknown")),
                "able": pl.col("read_able"),
                "working": pl.col("read_working"),
                "subsistence": pl.col("read_subsistence"),
                "cadre": pl.col("read_cadre"),
                "cadre_family": pl.col("read_cadre_family"),
                "synthetic": pl.col("read_synthetic"),
            }.items()
        ),
    )


def _name() -> pl.Expr:
    """Characters set apart to fill a column belong together; words of Latin letters do not."""
    name = pl.col("name")
    spaced = name.str.replace_all(r"\s+", " ")
    return (
        pl.when(spaced.str.contains("[A-Za-z]"))
        .then(spaced)
        .otherwise(spaced.str.replace_all(" ", "", literal=True))
    )


def _phone(column: pl.Series) -> pl.Expr:
    digits = pl.lit(column).str.replace_all(r"[\s()-]", "").str.replace(r"^\+?86(1\d{10})$", "$1")
    return pl.when(digits.str.contains(_PHONE)).then(digits)


def _placed(frame: pl.DataFrame, places: Mapping[str, Place]) -> pl.DataFrame:
    known = pl.DataFrame(
        {
            "village": list(places),
            "current": [place.current for place in places.values()],
            "village_fault": [place.fault for place in places.values()],
        },
        schema=dict.fromkeys(("village", "current", "village_fault"), pl.String),
    )
    return frame.join(known, on="village", how="left", maintain_order="left")


def _village_checks(area: str) -> Sequence[Check]:
    code, fault = pl.col("village"), pl.col("village_fault")
    shaped, within = code.str.contains(r"^\d{12}$"), code.str.starts_with(area)
    known = fault.is_not_null() | pl.col("current").is_not_null()
    return (
        Check("village", "not_a_village_code", ~shaped),
        Check("village", "outside_area", shaped & (~within | (fault == "outside_area"))),
        Check("village", "village_unknown", shaped & within & ~known),
        *(
            Check("village", name, fault == name)
            for name in ("village_unknown", "village_closed", "village_not_yet")
        ),
    )


def _judged_status(frame: pl.DataFrame) -> pl.DataFrame:
    """脱贫属性 and 建档立卡 say the same of a household; one of them is enough where it is `no`."""
    said, status = pl.col("read_registered"), pl.col("read_status")
    by_status = status != "unregistered"
    return frame.with_columns(
        is_registered=pl.coalesce(said, by_status),
        is_status=pl.coalesce(status, pl.when(~said).then(pl.lit("unregistered"))),
        status_differs=said != by_status,
    )


def _identity_flags(frame: pl.DataFrame, on: date) -> pl.DataFrame:
    flags = resident_id_flags(frame.get_column("identity"), on)
    misplaced = [
        _is_identity(frame.get_column(column), on)
        for column in ("household_number", "person_number")
    ]
    return flags.hstack(misplaced)


def _is_identity(column: pl.Series, on: date) -> pl.Series:
    """A number in the clear that is somebody's identity number: it passes every check of one."""
    name = f"{column.name}_is_identity"
    suspect = column.str.len_bytes().eq(18) & column.str.slice(6, 2).is_in(_CENTURIES)
    if not suspect.any():
        return pl.Series(name, [False], pl.Boolean).new_from_index(0, len(column))
    valid = resident_id_flags(column, on).get_column("valid")
    return (suspect & valid).alias(name)
