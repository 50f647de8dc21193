"""RMSprop's epsilon: the answer, in sentences that follow from the tables alone, and the page."""

from gluon_wgan.report.comparison import body, by_other_measures, compared, does_it_matter, figures, listed
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
    return Page(answer(data, denominators), body("ablation_epsilon", data, DECIDING, style, section), drawn)


def answer(data, denominators=None):
    """Return the sentences that answer the question, from the differences and the denominators alone."""
    second = "; ".join(
        part for part in (by_other_measures(data, DECIDING, style), _is_the_start_unstable(data)) if part
    )
    third = denominators_of.answer(denominators, data["baseline_arm"]) if denominators else ""
    first = does_it_matter(data, "epsilon", DECIDING, style)
    return " ".join([first, *(f"{part[0].upper()}{part[1:]}." for part in (second, third) if part)])


def _is_the_start_unstable(data):
    differences = compared(data, "early_spread")
    if not differences:
        return ""
    arms = {"less": [], "more": []}
    for arm, found in differences.items():
        if found["differs"]:
            arms["more" if found["mean"] > 0 else "less"].append(style(arm).label)
    told = [f"{word} with {listed(found)}" for word, found in arms.items() if found]
    than = f"than with {style(data['baseline_arm']).label}" if told else "alike with all"
    return f"in the first 500 steps the estimate [fluctuates](#early_spread) {' '.join([listed(told), than]).strip()}"
