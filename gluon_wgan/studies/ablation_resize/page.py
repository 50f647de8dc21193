"""Who shrinks the pictures: the answer, in sentences that follow from the tables alone, and the page."""

from gluon_wgan.report import decision
from gluon_wgan.report.comparison import (
    body,
    by_other_measures,
    compared,
    does_it_matter,
    exploratory,
    linked,
    told_apart,
)
from gluon_wgan.report.comparison_figures import figures
from gluon_wgan.report.page import Page, wrapped
from gluon_wgan.report.repetitions import repetitions
from gluon_wgan.report.style import style
from gluon_wgan.studies import start
from gluon_wgan.studies.ablation_resize.question import DECIDING, EXPLORED, SECOND
from gluon_wgan.studies.deciding import MARGIN
from gluon_wgan.studies.results import Results

_NAME = "ablation_resize"
_MEASURES = {
    DECIDING: "kernel distance to held-out pictures shrunk by Pillow",
    SECOND: "kernel distance to held-out pictures shrunk as the arm's own",
}


def page(data, reports):
    """Return the page of reports/data/ablation_resize.json, and of ablation_resize_exploratory.json behind it."""
    before = Results(reports, f"{_NAME}_exploratory").read()
    earlier = exploratory(before, explored(before), style) if before else ""
    drawn = figures(_NAME, data, reports, _MEASURES, style, MARGIN)
    again, more = repetitions(_NAME, reports, answer, _MEASURES, style)
    earlier = again + earlier
    told = answer(data)
    if before and not decision.complete(data):
        earlier_answer = does_it_matter(before, "library", EXPLORED, style).replace("](#", "](#exploratory_")
        told += f" The exploratory study's stands until then: {earlier_answer[0].lower()}{earlier_answer[1:]}"
    beginning, curves = start.section(_NAME, data, reports, style)
    text = body(_NAME, data, _MEASURES, style, MARGIN, _beside_real(data) + beginning, earlier)
    return Page(told, text, {**drawn, **more, **curves})


def answer(data):
    """Return the sentences that answer both questions, from the decisions alone."""
    first = decision.sentence(data, DECIDING, style, "held-out pictures by Pillow", MARGIN)
    if not decision.complete(data) or not data.get("decisions"):
        return first
    shown = decision.verdicts(data["decisions"][SECOND], style)
    told = [first, _is_the_documented_fix_one(data), f"Beside held-out pictures shrunk as their own, {shown}."]
    return " ".join(filter(None, told))


def _is_the_documented_fix_one(data):
    """Return a sentence about bicubic and about area averaging, each beside OpenCV's bilinear; of means alone."""
    means = {arm: 1000 * whole["measures"][DECIDING]["mean"] for arm, whole in data["arms"].items()}
    if not {"cv2", "cv2-bicubic", "cv2-area"} <= means.keys():
        return ""
    bicubic, area = (
        f"{'nearer' if means[arm] < means['cv2'] else 'farther'} ({means[arm]:.0f})"
        for arm in ("cv2-bicubic", "cv2-area")
    )
    return (
        f"By their means, next to OpenCV bilinear ({means['cv2']:.0f}) bicubic, the fix that was documented, ends "
        f"{bicubic} and area averaging, the fix that ran, {area}."
    )


def explored(data):
    """Return what the exploratory study found, from its differences alone."""
    others, fix = by_other_measures(data, EXPLORED, style), _is_bicubic_the_fix(data)
    return " ".join([does_it_matter(data, "library", EXPLORED, style), *(f"{one}." for one in (others, fix) if one)])


def _is_bicubic_the_fix(data):
    differences = compared(data, EXPLORED)
    if not {"cv2", "cv2-bicubic"} <= differences.keys():
        return ""
    bilinear, bicubic = differences["cv2"], differences["cv2-bicubic"]
    if bilinear["differs"]:
        if not bicubic["differs"]:
            return "Bicubic, the fix that was documented, is one"
        how = "a little nearer than" if bicubic["mean"] < bilinear["mean"] else "no nearer than"
        fixes = [style(arm).label for arm, found in differences.items() if not found["differs"]]
        what = f"what fixes it is {' or '.join(fixes)}" if fixes else "none of the others is one"
        return f"Bicubic, the fix that was documented, is none (its samples are {how} bilinear's); {what}"
    told = told_apart(data, EXPLORED)
    bad = told["cv2"]
    if not bad:
        return "There is nothing for bicubic to fix"
    left = {arm: len(set(bad) & set(found)) for arm, found in told.items() if arm != "cv2"}
    word = "none" if left["cv2-bicubic"] > len(bad) / 2 else "one in part"
    better = [style(arm).label for arm, count in left.items() if count <= len(bad) / 2]
    return (
        f"Bicubic, the fix that was documented, is {word}: of the {len(bad)} measures that tell OpenCV's bilinear, "
        f"{left['cv2-bicubic']} tell bicubic too"
        + (f", and half of them or fewer {' and '.join(better)}" if better else "")
    )


def _beside_real(data):
    """Return the section that sets the samples beside real pictures; empty where no arm differs."""
    measure = "swd_scaled_reference"
    arms = [arm for arm, found in compared(data, measure).items() if found["differs"]]
    if not arms:
        return ""
    means = {arm: data["arms"][arm]["measures"][measure]["mean"] for arm in arms}
    each = ", ".join(f"{style(arm).label} {means[arm]:.3f} ({data['floors'][arm][measure]:.3f})" for arm in arms)
    return wrapped(
        f"For scale, the {linked(measure)}, of samples, and of real pictures that were shrunk so, with no GAN: {each}."
    )
