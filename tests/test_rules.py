"""The rules of claims.yaml: by hand, what is missing, what is refused."""

import pytest

from gluon_wgan.report.rules import BadRuleError, MissingError, check, value, waiting

DATA = {
    "arms": {"cv2-area": {"mean": 3, "low": 1.5}, "pil": {"mean": -2.0, "low": None}, "n": 7},
    "list": [{"name": "a b, c", "x": 1}, {"name": "last", "x": 4}, {"name": "last but one", "x": 4}],
    "32x32/16": {"ok": True, "nan": float("nan"), "word": "text"},
    "zero": 0,
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 + 3 * 4", 14),
        ("8 / 4 / 2", 1),
        ("1e-3 * 2.5e2", 0.25),
        ("arms['cv2-area'].mean", 3),
        ("arms['cv2-area'].mean - arms.pil.mean", 5),
        ("abs(arms.pil.mean)", 2),
        ("list[0].x", 1),
        ("list[-1].x", 4),
        ("one(list, name='a b, c').x", 1),
        ("one(list, name='last').x + figure", 14),
        ("max(every(list, 'x'))", 4),
        ("len(every(list, 'x', x=4))", 2),
        ("max(every(arms, 'mean'))", 3),
        ("len(every(arms, 'low'))", 1),
        ("data['32x32/16'].ok", 1),
        ("figure > 9.99", True),
        ("figure > 10", False),
        ("figure <= 3 or arms['cv2-area'].mean == 3", True),
        ("figure > 3 and arms['cv2-area'].mean == 2", False),
        ("figure == 10 or zero == 1 and zero == 1", True),
        ("abs(figure - 10) < 1e-9", True),
    ],
)
def test_by_hand(text, expected):
    assert value(text, DATA, 10.0) == pytest.approx(expected, abs=1e-12)


MALFORMED = ["> 3", "", "figure > 3 and", "figure 4", "import os", "zero = 1", "a; b", "1e", "list["]


@pytest.mark.parametrize("text", MALFORMED)
def test_what_is_no_expression_is_refused(text):
    check("zero == 0")
    with pytest.raises(BadRuleError):
        check(text)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "open('file')",
        "zero.__class__",
        "list.__len__()",
        "(lambda: 1)()",
        "[one for one in list]",
        "9 ** 9 ** 9 ** 9",
        "'a' * 10 ** 9",
        "every.__globals__",
    ],
)
def test_nothing_else_is_run(text):
    with pytest.raises((BadRuleError, MissingError)):
        value(text, DATA)


NO_NUMBERS = ["every(list, 'x')", "data['32x32/16'].word", "arms > 1", "list", "'text'", "figure + 1"]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_no_number_is_refused(text):
    with pytest.raises(BadRuleError):
        value(text, DATA)


@pytest.mark.parametrize(
    "text",
    [
        "gone > 1",
        "list[7].x > 1",
        "arms.pil.low > 1",
        "data['32x32/16'].nan > 1",
        "1 / zero > 1",
        "zero == 0 or gone == 1",
        "one(list, x=4).x",
        "one(list, name='none').x",
        "max(every(arms, 'none'))",
    ],
)
def test_what_is_not_there_is_missing(text):
    with pytest.raises(MissingError):
        value(text, DATA)


@pytest.mark.parametrize(
    "text", ["zero", "every(list, 'x')", "zero >= one", "zero >= 'a'", "zero >= 0 and zero", "'a'(zero) >= 3", "zero()"]
)
def test_what_a_rule_waits_for_is_compared_with_a_number(text):
    assert waiting("zero >= 0", DATA) is None and waiting("zero >= 3 and zero >= 4", DATA) == (0, 3)
    with pytest.raises(BadRuleError):
        waiting(text, DATA)
