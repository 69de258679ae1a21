"""Clauses of public-welfare posts: one function per clause, no I/O, no clock."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from libs.common.contracts import HouseholdFacts, MemberFacts, VillageClass
from libs.common.policy.clauses import Clause, Clauses
from libs.common.policy.decisions import ClauseSet
from libs.common.policy.findings import (
    Finding,
    Waiver,
    at_least,
    at_most,
    finding,
    one_of,
    says,
)
from services.employment.posts.cases import (
    AppointmentCase,
    Fund,
    Holdings,
    OpeningCase,
    PostContext,
)


def pw_scope_1(
    clause: Clause, village_class: VillageClass | None, *, own_village: bool = True
) -> Finding:
    """PW-SCOPE-1 全市869个建档立卡贫困村…和232个非建档立卡深度贫困村."""
    return finding(
        clause,
        one_of(clause, "village_class", village_class, clause.codes("classes")),
        says(clause, "own_village", own_village, needed=True),
    )


def pw_elig_1(clause: Clause, facts: HouseholdFacts) -> Finding:
    """PW-ELIG-1 建档立卡的零输转就业家庭, in the non-registered villages too."""
    return finding(
        clause,
        says(clause, "registered", facts.registered, needed=True),
        at_most(clause, "nobody_works", facts.working, clause.number("working")),
    )


def pw_elig_2(clause: Clause, recorded: Mapping[str, bool]) -> Finding:
    """PW-ELIG-2 主要指无法离乡、无业可扶、无力脱贫家庭: all three satisfy any reading."""
    codes = clause.codes("circumstances")
    answers = [recorded[code] for code in codes if code in recorded]
    holding = answers.count(True)
    ruled = clause.number("enough") if "enough" in clause.parameters else None
    floor = holding if ruled is None and holding == len(codes) else ruled
    return finding(
        clause,
        at_least(clause, "recorded", len(answers), len(codes)),
        at_least(clause, "enough", holding, floor),
    )


def pw_elig_3(clause: Clause, member: MemberFacts, wish_on: date | None, on: date) -> Finding:
    """PW-ELIG-3 有就业愿望和劳动能力的劳动力: a wish nobody recorded is unknown, not refused."""
    wishes = True if wish_on is not None and wish_on <= on else None
    return finding(
        clause,
        says(clause, "wish", wishes, needed=True),
        one_of(clause, "able", member.able, clause.codes("able")),
        at_least(clause, "working_age", member.age, clause.number("age")),
    )


def pw_elig_4(clause: Clause, member: MemberFacts, facts: HouseholdFacts) -> Finding:
    """PW-ELIG-4 不包括低保对象: the named recipients, or everybody of a 整户低保 household."""
    either = {member.subsistence, facts.subsistence}
    receives = True if True in either else None if None in either else False
    return finding(clause, says(clause, "recipient", receives, needed=False))


def pw_elig_5(clause: Clause, member: MemberFacts) -> Finding:
    """PW-ELIG-5 不包括…村干部家庭成员, and so not the cadre either."""
    return finding(
        clause,
        says(clause, "cadre", member.cadre, needed=False),
        says(clause, "cadre_family", member.cadre_family, needed=False),
    )


def pw_elig_6(clause: Clause, holdings: Holdings, waiver: Waiver | None = None) -> Finding:
    """PW-ELIG-6 零就业贫困户至少一人就业: a second post once all others were offered one."""
    posts, limit = holdings.household_posts + 1, clause.number("posts_per_household")
    first = at_most(clause, "first_post", posts, limit)
    if first.holds:
        return finding(clause, first)
    offered = says(clause, "others_offered", holdings.others_offered, needed=True)
    return finding(clause, offered, waiver=waiver)


def pw_one_1(clause: Clause, holdings: Holdings) -> Finding:
    """PW-ONE-1 每个岗位只能安排1人; that a person has one post only is a default."""
    persons, posts = clause.number("persons_per_post"), clause.number("posts_per_person")
    return finding(
        clause,
        at_most(clause, "one_person", holdings.holders + 1, persons),
        at_most(clause, "one_post", holdings.person_posts + 1, posts),
    )


def pw_qty_1(
    clause: Clause, village_class: VillageClass | None, post: PostContext
) -> Finding | None:
    """PW-QTY-1 557个深度贫困村…在省就业补助资金开发1671个: 3 a village, silent on city posts."""
    if post.fund is not Fund.PROVINCIAL:
        return None
    posts, limit = post.in_village.provincial + 1, clause.number("posts_per_village")
    return finding(
        clause,
        one_of(clause, "village_class", village_class, clause.codes("classes")),
        at_most(clause, "posts", posts, limit),
    )


def pw_qty_2(
    clause: Clause, village_class: VillageClass | None, post: PostContext
) -> Finding | None:
    """PW-QTY-2 深度贫困村…每个村3个增加为5个: silent on other villages and other funds."""
    return _city_posts(clause, village_class, post)


def pw_qty_3(
    clause: Clause, village_class: VillageClass | None, post: PostContext
) -> Finding | None:
    """PW-QTY-3 544个…非深度贫困村每个村开发8个岗位: silent on other villages and funds."""
    return _city_posts(clause, village_class, post)


def _city_posts(
    clause: Clause, village_class: VillageClass | None, post: PostContext
) -> Finding | None:
    """Without a class nobody can say which limit holds, so the count is not looked at."""
    speaks = one_of(clause, "village_class", village_class, clause.codes("classes"))
    if post.fund is not Fund.CITY or speaks.holds is False:
        return None
    if speaks.holds is None:
        return finding(clause, speaks)
    posts, limit = post.in_village.city + 1, clause.number("posts_per_village")
    return finding(clause, speaks, at_most(clause, "posts", posts, limit))


def pw_qty_4(clause: Clause, post: PostContext) -> Finding:
    """PW-QTY-4 共计…8808个,其中…1671个…7137个: the totals are hard, 8 a village is derived."""
    village, prefecture = post.in_village, post.in_prefecture
    return finding(
        clause,
        at_most(clause, "of_fund", prefecture.of(post.fund) + 1, clause.number(post.fund)),
        at_most(clause, "all_posts", prefecture.total + 1, clause.number("all_posts")),
        at_most(clause, "of_village", village.total + 1, clause.number("posts_per_village")),
    )


def monthly_allowance(clauses: Clauses, case: AppointmentCase) -> int | None:
    """PW-PAY-1 岗位补贴每人每月为500元, in fen; None while no clause is in force."""
    row = clauses.in_force("PW-PAY-1", case.on, case.division)
    return row.number("monthly_fen") if isinstance(row, Clause) else None


MAY_OPEN_POST = ClauseSet(
    "posts.open",
    OpeningCase,
    {
        "PW-SCOPE-1": lambda clause, case: pw_scope_1(clause, case.village_class),
        "PW-QTY-1": lambda clause, case: pw_qty_1(clause, case.village_class, case.post),
        "PW-QTY-2": lambda clause, case: pw_qty_2(clause, case.village_class, case.post),
        "PW-QTY-3": lambda clause, case: pw_qty_3(clause, case.village_class, case.post),
        "PW-QTY-4": lambda clause, case: pw_qty_4(clause, case.post),
    },
)
"""May the village have one more post of this fund?"""

MAY_APPOINT = ClauseSet(
    "posts.appoint",
    AppointmentCase,
    {
        "PW-SCOPE-1": lambda clause, case: pw_scope_1(
            clause, case.facts.village_class, own_village=case.facts.division == case.division
        ),
        "PW-ELIG-1": lambda clause, case: pw_elig_1(clause, case.facts),
        "PW-ELIG-2": lambda clause, case: pw_elig_2(clause, case.nomination.circumstances),
        "PW-ELIG-3": lambda clause, case: pw_elig_3(
            clause, case.member, case.nomination.wish_on, case.on
        ),
        "PW-ELIG-4": lambda clause, case: pw_elig_4(clause, case.member, case.facts),
        "PW-ELIG-5": lambda clause, case: pw_elig_5(clause, case.member),
        "PW-ELIG-6": lambda clause, case: pw_elig_6(
            clause, case.holdings, case.waivers.get(clause.id)
        ),
        "PW-ONE-1": lambda clause, case: pw_one_1(clause, case.holdings),
        "PW-QTY-4": lambda clause, case: pw_qty_4(clause, case.post),
    },
)
"""May the nominated member hold the post from the day of the facts?"""

CLAUSE_SETS: Mapping[str, ClauseSet[Any]] = {
    each.name: each for each in (MAY_OPEN_POST, MAY_APPOINT)
}
"""By the name that a stored decision carries."""
