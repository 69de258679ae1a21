"""The forms in which a table may come, told by the name of its file."""

from enum import StrEnum

from libs.common.http.problems import Problem


class Format(StrEnum):
    CSV = "csv"
    CSV_GZ = "csv.gz"
    NDJSON = "ndjson"
    NDJSON_GZ = "ndjson.gz"
    XLSX = "xlsx"


def format_of(filename: str) -> Format:
    """By the ending; the name itself is not kept, it may be somebody's."""
    name = filename.lower().replace(".jsonl", ".ndjson")
    for form in sorted(Format, key=len, reverse=True):
        if name.endswith(f".{form}"):
            return form
    raise Problem("import_format", accepted=[f".{form}" for form in Format])
