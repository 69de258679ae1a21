"""Who may do what: the one table of role × action."""

from enum import StrEnum


class Role(StrEnum):
    SYSTEM = "system"
    HOUSEHOLD = "household"
    PERSON = "person"
    DONOR = "donor"
    ENTERPRISE = "enterprise"
    VILLAGE_OFFICER = "village_officer"
    TOWN_OFFICER = "town_officer"
    COUNTY_OFFICER = "county_officer"
    PREFECTURE_OFFICER = "prefecture_officer"
    FINANCE_OFFICER = "finance_officer"
    AUDITOR = "auditor"
    OPERATOR = "operator"
    PUBLIC = "public"
    """Anybody without a token; no token holds it."""


_SYSTEM = frozenset({Role.SYSTEM})
_VILLAGE = frozenset({Role.VILLAGE_OFFICER})
_TOWN = frozenset({Role.TOWN_OFFICER})
_COUNTY = frozenset({Role.COUNTY_OFFICER})
_PREFECTURE = frozenset({Role.PREFECTURE_OFFICER})
_FINANCE = frozenset({Role.FINANCE_OFFICER})
_AUDITOR = frozenset({Role.AUDITOR})
_OPERATOR = frozenset({Role.OPERATOR})
_OWN = frozenset({Role.HOUSEHOLD, Role.PERSON})
_HELPERS = frozenset({Role.DONOR, Role.ENTERPRISE})
_OFFICERS = _VILLAGE | _TOWN | _COUNTY | _PREFECTURE
_EVERYBODY = frozenset(Role)

_TABLE: dict[str, tuple[str, frozenset[Role]]] = {
    "import_divisions": ("导入行政区划", _PREFECTURE | _OPERATOR),
    "import_village_classes": ("导入贫困村分类", _COUNTY | _PREFECTURE),
    "import_roster": ("导入建档立卡名册", _COUNTY | _PREFECTURE),
    "read_job": ("查看后台任务", _COUNTY | _PREFECTURE | _AUDITOR | _OPERATOR),
    "read_divisions": ("查看行政区划", _EVERYBODY),
    "read_villages": ("查看贫困村", _OFFICERS | _FINANCE | _AUDITOR | _OPERATOR | _SYSTEM),
    "read_village_card": ("查看村情卡", _EVERYBODY),
    "read_household": ("查看贫困户", _OFFICERS | _AUDITOR | _OWN),
    "read_person_unmasked": ("查阅未脱敏个人信息", _OFFICERS),
    "read_facts": ("查询认定事实", _OFFICERS | _SYSTEM),
    "read_data_usage": ("查看个人信息查阅记录", frozenset({Role.PERSON}) | _AUDITOR),
    "check_identifiers": ("校验证件号码", _OFFICERS | _FINANCE | _OPERATOR | _SYSTEM),
    "capture_need": ("登记需求", _VILLAGE | _TOWN),
    "verify_need": ("核实需求", _VILLAGE | _TOWN),
    "publish_need": ("发布需求", _TOWN | _COUNTY),
    "withdraw_need": ("撤回需求", _VILLAGE | _TOWN | _COUNTY | _OWN),
    "read_needs": ("查看需求", _OFFICERS | _AUDITOR | _OWN | _HELPERS | frozenset({Role.PUBLIC})),
    "read_need_history": ("查看需求沿革", _OFFICERS | _AUDITOR | _OWN),
    "undo_automatic_change": ("撤销自动变更", _TOWN | _COUNTY),
    "open_post": ("设置公益性岗位", _COUNTY),
    "nominate": ("推荐公益性岗位人选", _VILLAGE | _TOWN),
    "appoint": ("聘用公益性岗位人员", _COUNTY),
    "end_appointment": ("解聘公益性岗位人员", _COUNTY),
    "read_posts": ("查看公益性岗位", _OFFICERS | _FINANCE | _AUDITOR | _OWN),
    "read_decision": ("查看认定决定", _OFFICERS | _AUDITOR | _OWN),
    "register_station": ("登记光伏电站", _COUNTY | _PREFECTURE),
    "enter_settlement": ("录入电费结算", _COUNTY),
    "confirm_settlement": ("确认电费结算", _COUNTY | _FINANCE),
    "read_stations": ("查看光伏电站", _OFFICERS | _FINANCE | _AUDITOR),
    "export_audit": ("导出审计记录", _AUDITOR),
    "read_seals": ("查看封存记录", _AUDITOR | _OPERATOR),
}

ACTIONS: dict[str, frozenset[Role]] = {action: roles for action, (_, roles) in _TABLE.items()}
TERMS: dict[str, str] = {action: term for action, (term, _) in _TABLE.items()}
"""The Chinese term of each action, for the messages."""
