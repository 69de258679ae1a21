"""The codes that registry's tables and answers use, where no event or other service knows them."""

from enum import StrEnum


class Level(StrEnum):
    """行政区划级别."""

    PROVINCE = "province"
    PREFECTURE = "prefecture"
    COUNTY = "county"
    TOWN = "town"
    VILLAGE = "village"


class Subsistence(StrEnum):
    """低保: not received, by the whole household, by some of its members."""

    NONE = "none"
    WHOLE = "whole"
    PARTIAL = "partial"


class Sex(StrEnum):
    """性别 (GB/T 2261.1)."""

    UNKNOWN = "unknown"
    MALE = "male"
    FEMALE = "female"
    UNSTATED = "unstated"


class Relation(StrEnum):
    """与户主关系."""

    HEAD = "head"
    SPOUSE = "spouse"
    CHILD = "child"
    CHILD_IN_LAW = "child_in_law"
    GRANDCHILD = "grandchild"
    PARENT = "parent"
    PARENT_IN_LAW = "parent_in_law"
    GRANDPARENT = "grandparent"
    SIBLING = "sibling"
    OTHER = "other"
