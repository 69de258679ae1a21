"""What people write in the columns of an import, and the code that is meant 代码表."""

from libs.common.bulk.values import terms
from libs.common.contracts import LabourAbility, VillageClass
from libs.common.events.catalogue.registry import PovertyStatus
from services.registry.codes import Level, Relation, Sex

RELATIONS = terms(Relation, {
    "户主": "head", "本人": "head", "本人或户主": "head",
    **dict.fromkeys(("配偶", "之配偶", "夫", "妻", "丈夫", "妻子"), "spouse"),
    **dict.fromkeys((
        "子", "女", "之子", "之女", "儿子", "女儿", "长子", "次子", "三子", "长女", "次女", "三女",
        "独生子", "独生女", "养子", "养女", "继子", "继女",
    ), "child"),
    **dict.fromkeys((
        "之儿媳", "儿媳", "媳妇", "之女婿", "女婿",
    ), "child_in_law"),
    **dict.fromkeys((
        "之孙子", "之孙女", "孙子", "孙女", "之外孙子", "之外孙女", "外孙子", "外孙女", "外孙",
    ), "grandchild"),
    **dict.fromkeys(("之父", "之母", "父亲", "母亲", "父", "母", "继父", "继母"), "parent"),
    **dict.fromkeys((
        "之岳父", "之岳母", "岳父", "岳母", "之公公", "之婆婆", "公公", "婆婆",
    ), "parent_in_law"),
    **dict.fromkeys((
        "之祖父", "之祖母", "祖父", "祖母", "之外祖父", "之外祖母", "外祖父", "外祖母",
    ), "grandparent"),
    **dict.fromkeys((
        "之兄弟姐妹", "兄弟姐妹", "之兄", "之弟", "之姐", "之妹", "兄", "弟", "姐", "妹",
        "哥哥", "弟弟", "姐姐", "妹妹",
    ), "sibling"),
    **dict.fromkeys((
        "其他", "其它", "之侄儿", "侄子", "侄女", "之侄女", "叔伯", "叔父", "婶母", "兄媳", "弟媳",
        "之曾孙子", "之曾孙女", "曾孙", "孙媳", "之孙媳", "其他亲属", "非亲属",
    ), "other"),
})  # fmt: skip
"""与户主关系."""

ABILITIES = terms(LabourAbility, {
    "普通劳动力": "ordinary",
    "普通": "ordinary",
    "技能劳动力": "skilled",
    "技能": "skilled",
    "弱劳动力": "weak",
    "半劳动力": "weak",
    "弱或半": "weak",
    "弱劳动力或半劳动力": "weak",
    "弱/半劳动力": "weak",
    "丧失劳动力": "lost",
    "丧失": "lost",
    "无劳动力": "none",
})  # fmt: skip
"""劳动技能."""

STATUSES = terms(PovertyStatus, {
    "未脱贫": "poor",
    "预脱贫": "lifting",
    "已脱贫": "lifted",
    "脱贫": "lifted",
    "返贫": "relapsed",
    "一般农户": "unregistered",
    "非贫困户": "unregistered",
})  # fmt: skip
"""脱贫属性."""

SEXES = terms(Sex, {"男": "male", "女": "female", "1": "male", "2": "female"})
"""性别."""

PLACES_OF_WORK = (
    "乡内务工", "乡镇内务工", "乡(镇)内务工", "乡(镇)外县内务工", "乡外县内务工", "县内务工",
    "县外省内务工", "省内务工", "省外务工", "乡内", "县内", "省内", "省外", "务工", "已务工",
    "就业",
)  # fmt: skip
"""务工状况 as the national system has it: that somebody works is kept, where is not."""
NO_WORK = ("未务工", "不务工", "未就业")

VILLAGE_CLASSES = terms(VillageClass, {
    "建档立卡深度贫困村": "registered_deep",
    "建档立卡非深度贫困村": "registered",
    "非建档立卡深度贫困村": "deep",
    "其他村": "other",
    "其他": "other",
})  # fmt: skip
"""四类村."""

LEVELS = terms(Level, {
    "省": "province", "省级": "province", "自治区": "province",
    "市": "prefecture", "市级": "prefecture", "地级": "prefecture", "州": "prefecture",
    "县": "county", "县级": "county", "区县": "county", "县区": "county",
    "乡": "town", "镇": "town", "乡镇": "town", "乡级": "town", "街道": "town",
    "村": "village", "村级": "village", "行政村": "village", "社区": "village",
})  # fmt: skip
"""行政区划级别."""
