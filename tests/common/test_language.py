"""Accept-Language: Chinese unless English is wanted more."""

import pytest

from libs.common.language import negotiate


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        pytest.param(None, "zh", id="nothing asked"),
        pytest.param("", "zh", id="empty"),
        pytest.param("en", "en", id="English"),
        pytest.param("en-GB, en;q=0.9", "en", id="English of a region"),
        pytest.param("zh-CN,zh;q=0.9,en;q=0.8", "zh", id="a Chinese browser"),
        pytest.param("en-US,en;q=0.9,zh;q=0.8", "en", id="an English browser"),
        pytest.param("zh;q=0.2, en;q=0.7", "en", id="weights decide, not the order"),
        pytest.param("fr, en;q=0.5", "en", id="an unknown language first"),
        pytest.param("fr", "zh", id="only an unknown language"),
        pytest.param("*", "zh", id="anything"),
        pytest.param("en;q=0, *;q=0.1", "zh", id="English refused"),
        pytest.param("en;q=x, zh;q=0.1", "zh", id="a weight that is none"),
        pytest.param(";;,=,q=1", "zh", id="nonsense"),
    ],
)
def test_the_language_wanted_most_is_answered(asked: str | None, answered: str) -> None:
    assert negotiate(asked) == answered
