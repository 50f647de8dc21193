"""RMSprop's epsilon: the answer, in sentences that follow from the tables alone, and the page."""

from gluon_wgan.report.comparison import answered, body, by_other_measures, compared, does_it_matter, figures
from gluon_wgan.report.page import Page
from gluon_wgan.studies.ablation_epsilon import denominators_page as denominators_of
from gluon_wgan.studies.ablation_epsilon.question import DECIDING
from gluon_wgan.studies.ablation_epsilon.styles import style
from gluon_wgan.studies.results import Results


def page(data, reports):
    """Return the page of reports/data/ablation_epsilon.json, and of denominators.json where it is there."""
    denominators = Results(reports, "denominators").read()
    drawn = figures("ablation_epsilon", data, reports, style)
    section = ""
    if denominators:
        section = denominators_of.section(denominators, data["baseline_arm"])
        drawn |= denominators_of.figures(denominators)
    return Page(answer(data, denominators), body("ablation_epsilon", data, DECIDING, section), drawn)


def answer(data, denominators=None):
    """Return the sentences that answer the question, from the differences and the denominators alone."""
    equal = denominators_of.answer(denominators, data["baseline_arm"]) if denominators else ""
    parts = [does_it_matter(data, "RMSprop's epsilon", DECIDING), by_other_measures(data, DECIDING), equal]
    return answered(parts, [_is_the_start_unstable(data)])


def _is_the_start_unstable(data):
    differences = compared(data, "early_spread")
    if not differences:
        return ""
    differing = [
        f"{arm} ({'more' if found['mean'] < 0 else 'less'} steady)"
        for arm, found in differences.items()
        if found["differs"]
    ]
    which = f"these differ: {', '.join(differing)}" if differing else "no arm differs"
    return f"In how much the estimate fluctuates in the first 500 steps, {which}."
