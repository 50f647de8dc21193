"""Who shrinks the pictures: the answer, in sentences that follow from the table alone, and the page."""

from gluon_wgan.report.comparison import (
    answered,
    apart,
    body,
    by_other_measures,
    compared,
    does_it_matter,
    figures,
    told_apart,
)
from gluon_wgan.report.page import Page
from gluon_wgan.report.style import style
from gluon_wgan.studies.ablation_resize.question import DECIDING


def page(data, reports):
    """Return the page of reports/data/ablation_resize.json."""
    return Page(answer(data), body("ablation_resize", data, DECIDING), figures("ablation_resize", data, reports, style))


def answer(data):
    """Return the sentences that answer the question, from the differences alone."""
    parts = [
        does_it_matter(data, "Who shrinks the pictures", DECIDING),
        by_other_measures(data, DECIDING),
        _is_bicubic_the_fix(data),
    ]
    return answered(parts, [_beside_the_floors(data), _in_its_own_world(data)])


def _is_bicubic_the_fix(data):
    differences = compared(data, DECIDING)
    if not {"cv2", "cv2-bicubic"} <= differences.keys():
        return ""
    bilinear, bicubic = differences["cv2"], differences["cv2-bicubic"]
    if not bilinear["differs"]:
        told = [arms for arms in told_apart(data, DECIDING).values() if "cv2" in arms]
        if not told:
            return "there is nothing for bicubic to fix"
        counts = ", ".join(f"{arm} in {sum(arm in arms for arms in told)}" for arm in differences if arm != "cv2")
        word = "not the fix" if sum("cv2-bicubic" in arms for arms in told) > len(told) / 2 else "a fix in part"
        return f"bicubic is {word}: where cv2 is told apart, by {len(told)} measures, so are {counts}"
    if not bicubic["differs"]:
        return "bicubic is a fix"
    how = "a little nearer than" if bicubic["mean"] < bilinear["mean"] else "no nearer than"
    fixes = [arm for arm, found in differences.items() if not found["differs"]]
    what = f"what fixes it is {' or '.join(fixes)}" if fixes else "none of the arms is"
    return f"bicubic is not the fix (its samples are {how} bilinear's), {what}"


def _beside_the_floors(data):
    measure = "swd_scaled_reference"
    arms = [arm for arm, found in compared(data, measure).items() if found["differs"]]
    if not arms:
        return ""
    means = {arm: data["arms"][arm]["measures"][measure]["mean"] for arm in arms}
    each = ", ".join(f"{arm} {means[arm]:.3f} ({data['floors'][arm][measure]:.3f})" for arm in arms)
    return (
        f"For scale: in `{measure}` the samples are this far from Pillow's pictures (and real pictures that were "
        f"shrunk so, with no GAN): {each}."
    )


def _in_its_own_world(data):
    differences = compared(data, "swd_same")
    if not differences:
        return ""
    differing = apart(differences)
    which = (
        f"these differ: {', '.join(differing)}" if differing else "no arm differs: each learns what it is shown as well"
    )
    return f"Against held-out pictures that were shrunk as the arm's own, {which}."
