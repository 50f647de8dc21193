"""The answer of an ablation, in sentences that follow from its table alone."""

from gluon_wgan.report import denominators as denominators_of

# Whose difference from the baseline arm answers the question. Fixed before any run was measured.
DECIDING = {"resize": "swd_reference", "epsilon": "swd_same"}
_MEASURES = (
    "swd_same swd_reference swd_scaled_same swd_scaled_reference spectrum_same spectrum_reference em_estimate_end"
).split()
_CAUSES = {"resize": "Who shrinks the pictures", "epsilon": "RMSprop's epsilon"}


def answer(subject, data, denominators=None):
    """Return the sentences that answer the question, from the differences (and of epsilon, the denominators) alone.

    Parameters
    ----------
    subject : str
        "resize" or "epsilon".
    data : dict
        reports/data/ablation_SUBJECT.json.
    denominators : dict, optional
        reports/data/denominators.json.
    """
    if subject == "resize":
        parts = [_does_it_matter(subject, data), _by_other_measures(subject, data), _is_bicubic_the_fix(data)]
        more = [_beside_the_floors(data), _in_its_own_world(data)]
    else:
        equal = denominators_of.answer(denominators, data["baseline_arm"]) if denominators else ""
        parts = [_does_it_matter(subject, data), _by_other_measures(subject, data), equal]
        more = [_is_the_start_unstable(data)]
    first = "; ".join(part for part in parts if part)
    return " ".join([f"{first}.", *(sentence for sentence in more if sentence)])


def _compared(data, measure):
    """Return the differences from the baseline, of the arms with two seeds and more: {arm: difference}."""
    return {
        arm: found[measure]
        for arm, found in data["differences"].items()
        if measure in found and found[measure]["differs"] is not None
    }


def _apart(compared):
    return [
        f"{arm} ({'farther' if found['mean'] > 0 else 'nearer'} by {abs(found['mean']):.4f})"
        for arm, found in compared.items()
        if found["differs"]
    ]


def _does_it_matter(subject, data):
    compared = _compared(data, DECIDING[subject])
    if not compared:
        return "Not answered yet: no arm has two seeds beside the baseline's"
    least = min(len(found["values"]) for found in compared.values())
    seeds = f"n = {least}" + ("" if least >= len(data["planned"]["seeds"]) else ", fewer seeds than planned")
    after = f"after {data['planned']['generator_steps']:,} steps ({seeds})"
    base, cause = data["baseline_arm"], _CAUSES[subject]
    apart = _apart(compared)
    if not apart:
        measure = DECIDING[subject]
        return f"{cause} does not matter by `{measure}`, which was to decide: {after}, no arm differs from {base}"
    same = [arm for arm, found in compared.items() if not found["differs"]]
    rest = f", and those of {', '.join(same)} do not" if same else ""
    return f"{cause} matters: {after}, the samples of {', '.join(apart)} differ from {base}'s{rest}"


def _told_apart(subject, data):
    """Return {measure: arms that it tells apart from the baseline} of the measures that were not to decide."""
    others = {measure: _compared(data, measure) for measure in _MEASURES if measure != DECIDING[subject]}
    found = {measure: [arm for arm in compared if compared[arm]["differs"]] for measure, compared in others.items()}
    return {measure: arms for measure, arms in found.items() if arms}


def _by_other_measures(subject, data):
    found = _told_apart(subject, data)
    if not found:
        return ""
    return "other measures tell some apart: " + ", ".join(f"`{name}` ({', '.join(found[name])})" for name in found)


def _is_bicubic_the_fix(data):
    compared = _compared(data, DECIDING["resize"])
    if not {"cv2", "cv2-bicubic"} <= compared.keys():
        return ""
    bilinear, bicubic = compared["cv2"], compared["cv2-bicubic"]
    if not bilinear["differs"]:
        apart = [arms for arms in _told_apart("resize", data).values() if "cv2" in arms]
        if not apart:
            return "there is nothing for bicubic to fix"
        counts = ", ".join(f"{arm} in {sum(arm in arms for arms in apart)}" for arm in compared if arm != "cv2")
        word = "not the fix" if sum("cv2-bicubic" in arms for arms in apart) > len(apart) / 2 else "a fix in part"
        return f"bicubic is {word}: where cv2 is told apart, by {len(apart)} measures, so are {counts}"
    if not bicubic["differs"]:
        return "bicubic is a fix"
    how = "a little nearer than" if bicubic["mean"] < bilinear["mean"] else "no nearer than"
    fixes = [arm for arm, found in compared.items() if not found["differs"]]
    what = f"what fixes it is {' or '.join(fixes)}" if fixes else "none of the arms is"
    return f"bicubic is not the fix (its samples are {how} bilinear's), {what}"


def _beside_the_floors(data):
    measure = "swd_scaled_reference"
    arms = [arm for arm, found in _compared(data, measure).items() if found["differs"]]
    if not arms:
        return ""
    means = {arm: data["arms"][arm]["measures"][measure]["mean"] for arm in arms}
    each = ", ".join(f"{arm} {means[arm]:.3f} ({data['floors'][arm][measure]:.3f})" for arm in arms)
    return (
        f"For scale: in `{measure}` the samples are this far from Pillow's pictures (and real pictures that were "
        f"shrunk so, with no GAN): {each}."
    )


def _in_its_own_world(data):
    compared = _compared(data, "swd_same")
    if not compared:
        return ""
    apart = _apart(compared)
    which = f"these differ: {', '.join(apart)}" if apart else "no arm differs: each learns what it is shown as well"
    return f"Against held-out pictures that were shrunk as the arm's own, {which}."


def _is_the_start_unstable(data):
    compared = _compared(data, "early_spread")
    if not compared:
        return ""
    apart = [
        f"{arm} ({'more' if found['mean'] < 0 else 'less'} steady)"
        for arm, found in compared.items()
        if found["differs"]
    ]
    which = f"these differ: {', '.join(apart)}" if apart else "no arm differs"
    return f"In how much the estimate fluctuates in the first 500 steps, {which}."
