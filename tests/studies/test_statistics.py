"""What paired differences decide: by hand, against SciPy, and by drawing studies whose truth is known."""

import numpy as np
import pytest
from scipy import stats

from gluon_wgan.studies.statistics import decide

VALUES = [3.0, 5.0, 4.0, 6.0, 2.0, 4.0]  # mean 4, standard deviation sqrt(2), standard error sqrt(1 / 3)


def test_one_arm_has_students_interval():
    (found,) = decide({"arm": VALUES}, margin=1.0).values()
    # the 97.5th percentile of t with 5 degrees of freedom is 2.5706
    assert (found["low"], found["high"]) == pytest.approx((4 - 2.5706 / 3**0.5, 4 + 2.5706 / 3**0.5), rel=1e-4)
    assert found["p"] == pytest.approx(stats.ttest_1samp(VALUES, 0).pvalue)
    assert (found["answer"], found["n"], found["seeds_needed"]) == ("differs", 6, None)
    # 80 % of t with 5 degrees lies below 0.9195
    assert found["detectable"] == pytest.approx((2.5706 + 0.9195) / 3**0.5, rel=1e-4)


def test_the_answers_are_three():
    close = [0.01, -0.02, 0.0, 0.02, -0.01, 0.0]
    wide = [4.0, -5.0, 3.0, -2.0, 6.0, -4.0]
    found = decide({"far": VALUES, "close": close, "wide": wide}, margin=0.1)
    assert {arm: one["answer"] for arm, one in found.items()} == {
        "far": "differs", "close": "equal", "wide": "undecided"
    }  # fmt: skip
    assert list(found) == ["far", "close", "wide"]
    assert found["close"]["seeds_needed"] is None
    # the mean of `wide` is 1/3: as many seeds as make its interval's half narrower than that
    many = found["wide"]["seeds_needed"]
    half = [stats.t.isf(0.05 / 2 / 2, n - 1) * np.std(wide, ddof=1) / n**0.5 for n in (many - 1, many)]
    assert half[1] < 1 / 3 <= half[0]


def test_holm_holds_the_later_arms_to_less_until_one_fails():
    # p values by Holm: smallest against .05 / 3, next against .05 / 2, last against .05
    def with_p(p):
        t = stats.t.isf(p / 2, 5)
        return (np.array(VALUES) - 4 + t * (1 / 3) ** 0.5).tolist()

    passed = decide({"b": with_p(0.024), "a": with_p(0.016), "c": with_p(0.049)}, margin=1e-9)
    assert [passed[arm]["answer"] for arm in "abc"] == ["differs"] * 3
    failed = decide({"a": with_p(0.016), "b": with_p(0.026), "c": with_p(0.049)}, margin=1e-9)
    # c would pass alone, but b before it has not
    assert [failed[arm]["answer"] for arm in "abc"] == ["differs", "undecided", "undecided"]
    assert failed["c"]["p"] == pytest.approx(0.049)


def test_of_studies_in_which_nothing_differs_five_in_a_hundred_say_otherwise():
    generator = np.random.default_rng(0)
    wrong = 0
    for _ in range(1000):
        studies = {arm: generator.normal(0, 1, 6) for arm in "abcd"}
        wrong += any(found["answer"] == "differs" for found in decide(studies, margin=0.1).values())
    assert 30 <= wrong <= 70  # 50 expected, less a little for Holm; 3 standard deviations are 21


def test_the_detectable_difference_is_seen_four_times_in_five():
    generator = np.random.default_rng(1)
    told, said = 0, []
    for _ in range(1000):
        (found,) = decide({"arm": generator.normal(1.5, 1, 6)}, margin=0.1).values()
        told += found["answer"] == "differs"
        said.append(found["detectable"])
    # the textbook's power of 6 pairs, by the noncentral t
    power = stats.nct.sf(stats.t.isf(0.025, 5), 5, 1.5 * 6**0.5)
    assert told / 1000 == pytest.approx(power, abs=0.04)  # three standard errors
    # the approximation by a shifted t: within a fifth of the difference that has a power of 80 % exactly
    exact = next(d for d in np.arange(0.5, 3, 0.01) if stats.nct.sf(stats.t.isf(0.025, 5), 5, d * 6**0.5) > 0.8)
    assert np.median(said) == pytest.approx(exact, rel=0.2)


def test_no_spread_at_all():
    found = decide({"same": [0.0, 0.0], "off": [1.0, 1.0]}, margin=0.5)
    assert found["same"]["answer"] == "equal" and found["off"]["answer"] == "differs"


def test_one_seed_is_refused():
    with pytest.raises(ValueError, match="fewer than two seeds: arm"):
        decide({"arm": [1.0]}, margin=1.0)
