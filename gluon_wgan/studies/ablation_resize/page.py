"""Who shrinks the pictures: the answer, in sentences that follow from the table alone, and the page."""

from gluon_wgan.report.comparison import body, by_other_measures, compared, does_it_matter, figures, linked, told_apart
from gluon_wgan.report.page import Page, wrapped
from gluon_wgan.report.style import style
from gluon_wgan.studies.ablation_resize.question import DECIDING

_NAME = "ablation_resize"


def page(data, reports):
    """Return the page of reports/data/ablation_resize.json."""
    return Page(
        answer(data), body(_NAME, data, DECIDING, style, _beside_real(data)), figures(_NAME, data, reports, style)
    )


def answer(data):
    """Return the sentences that answer the question, from the differences alone."""
    others, fix = by_other_measures(data, DECIDING, style), _is_bicubic_the_fix(data)
    return " ".join([does_it_matter(data, "library", DECIDING, style), *(f"{one}." for one in (others, fix) if one)])


def _is_bicubic_the_fix(data):
    differences = compared(data, DECIDING)
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
    told = told_apart(data, DECIDING)
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
