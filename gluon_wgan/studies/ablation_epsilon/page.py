"""RMSprop's epsilon: the answer, in sentences that follow from the tables alone, and the page."""

from gluon_wgan.report import decision
from gluon_wgan.report.comparison import body, by_other_measures, compared, does_it_matter, exploratory
from gluon_wgan.report.comparison_figures import figures
from gluon_wgan.report.numbers import listed
from gluon_wgan.report.page import Page
from gluon_wgan.report.repetitions import repetitions
from gluon_wgan.studies import start
from gluon_wgan.studies.ablation_epsilon import denominators_page as denominators_of
from gluon_wgan.studies.ablation_epsilon.question import DECIDING, EXPLORED
from gluon_wgan.studies.ablation_epsilon.styles import style
from gluon_wgan.studies.deciding import MARGIN
from gluon_wgan.studies.results import Results

_NAME = "ablation_epsilon"
_MEASURES = {DECIDING: "kernel distance to held-out pictures"}


def page(data, reports):
    """Return the page of reports/data/ablation_epsilon.json; denominators.json and the exploratory study behind it."""
    denominators = Results(reports, "denominators").read()
    before = Results(reports, f"{_NAME}_exploratory").read()
    drawn = figures(_NAME, data, reports, _MEASURES, style, MARGIN)
    section = ""
    if denominators:
        section = denominators_of.section(denominators, data["baseline_arm"])
        drawn |= denominators_of.figures(denominators)
    earlier = exploratory(before, explored(before), style) if before else ""
    again, more = repetitions(_NAME, reports, answer, _MEASURES, style)
    earlier = again + earlier
    told = answer(data, denominators)
    if before and not decision.complete(data):
        earlier_answer = does_it_matter(before, "epsilon", EXPLORED, style).replace("](#", "](#exploratory_")
        told += f" The exploratory study's stands until then: {earlier_answer[0].lower()}{earlier_answer[1:]}"
    # the exploratory study's, as long as the confirmation has no seed to compare
    compares = any(len(seeds) > 1 for seeds in data["runs"].values())
    beginning, curves = start.section(_NAME, data if compares or not before else before, reports, style)
    text = body(_NAME, data, _MEASURES, style, MARGIN, section + beginning, earlier)
    return Page(told, text, {**drawn, **more, **curves})


def answer(data, denominators=None):
    """Return the sentences that answer the question, from the decisions and the denominators alone."""
    first = decision.sentence(data, DECIDING, style, "held-out pictures", MARGIN)
    second = denominators_of.answer(denominators, data["baseline_arm"]) if denominators else ""
    return f"{first} {second[0].upper()}{second[1:]}." if second else first


def explored(data):
    """Return what the exploratory study found, from its differences alone."""
    others = "; ".join(
        part for part in (by_other_measures(data, EXPLORED, style), _is_the_start_unstable(data)) if part
    )
    first = does_it_matter(data, "epsilon", EXPLORED, style)
    return f"{first} {others[0].upper()}{others[1:]}." if others else first


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
