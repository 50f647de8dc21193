"""What the pages of all ablations say: which arms differ, by which measure, and the tables of all."""

from gluon_wgan.report import decision
from gluon_wgan.report.numbers import listed
from gluon_wgan.report.page import commands_of, table

# How a sentence names a measure; a link leads to its table.
_IN_WORDS = {
    "swd_same": "distance of patches to pictures prepared alike",
    "swd_reference": "distance of patches to Pillow's pictures",
    "swd_scaled_same": "distance of patches at equal brightness and contrast, to pictures prepared alike",
    "swd_scaled_reference": "distance of patches at equal brightness and contrast, to Pillow's pictures",
    "spectrum_same": "power spectra, beside pictures prepared alike",
    "spectrum_reference": "power spectra, beside Pillow's pictures",
    "em_estimate_end": "critic's estimate at the end",
    "early_spread": "fluctuation of the estimate in the first 500 steps",
    "early_sign_changes": "changes of its sign in the first 500 steps",
}
_EXPLORED = [measure for measure in _IN_WORDS if not measure.startswith("early")]
_SHOWN = {
    "swd_same": "sliced Wasserstein distance to held-out pictures prepared the same way",
    "swd_reference": "the same, to held-out pictures prepared by Pillow",
    "swd_scaled_same": "prepared the same way, both sets scaled by the real one's mean and spread",
    "swd_scaled_reference": "prepared by Pillow, so scaled",
    "spectrum_same": "difference of log power spectra, decades, prepared the same way",
    "spectrum_reference": "the same, prepared by Pillow",
    "frechet_same": "Fréchet distance in the features of a classifier, prepared the same way",
    "frechet_reference": "the same, prepared by Pillow",
    "em_estimate_end": "EM estimate, median of the last 200 generator steps",
    "em_fall": "the EM estimate at the end, over the median of the 200 generator steps after the boost",
    "early_spread": "early instability: interquartile range of the estimate around its running median / the median, "
    "generator steps 26 to 500",
    "early_sign_changes": "sign changes of the estimate in the first 500 generator steps",
}


def _cell(found):
    if len(found["values"]) == 1:
        return f"{found['mean']:.4g}"
    return f"{found['mean']:.4g} ({found['low']:.4g} to {found['high']:.4g})"


def tables(data, prefix=""):
    """Return a table of each measure: the arms, their differences from the baseline, and their floors.

    `prefix` goes in front of the anchors' names, where a page has two such lists.
    """
    parts = []
    for measure, title in _SHOWN.items():
        if not all(measure in found["measures"] for found in data["arms"].values()):
            continue  # the Fréchet distance wants --features
        rows = []
        for arm, found in data["arms"].items():
            difference = data["differences"].get(arm, {}).get(measure)
            floor = data["floors"].get(arm, {}).get(measure)
            verdict = (
                "" if difference is None or difference["differs"] is None else "no yes".split()[difference["differs"]]
            )
            rows.append(
                [
                    arm,
                    found["n"],
                    _cell(found["measures"][measure]),
                    "" if difference is None else _cell(difference),
                    verdict,
                    "" if floor is None else f"{floor:.4g}",
                ]
            )
        header = ["arm", "n", "mean (interval)", "minus baseline", "differs", "floor: real pictures"]
        parts.append(f'<a id="{prefix}{measure}"></a>**{title}** (`{measure}`)\n\n{table(header, rows)}')
    return "\n\n".join(parts)


def compared(data, measure):
    """Return the differences from the baseline, of the arms with two seeds and more: {arm: difference}."""
    return {
        arm: found[measure]
        for arm, found in data["differences"].items()
        if measure in found and found[measure]["differs"] is not None
    }


def does_it_matter(data, kind, deciding, style):
    """Return the sentence that answers an ablation by the measure that was to decide.

    Parameters
    ----------
    data : dict
        reports/data/NAME.json.
    kind : str
        What an arm is, such as "library".
    deciding : str
        The measure.
    style : callable
        `style(arm).label` is what the sentence calls an arm.
    """
    differences = compared(data, deciding)
    if not differences:
        return "Not answered yet: no arm has two seeds beside the baseline's."
    least = min(len(found["values"]) for found in differences.values())
    seeds = f"n = {least}" + ("" if least >= len(data["planned"]["seeds"]) else ", fewer seeds than planned")
    base = style(data["baseline_arm"]).label
    differing = [
        f"{style(arm).label} ({'farther' if found['mean'] > 0 else 'nearer'} by {abs(found['mean']):.4f})"
        for arm, found in differences.items()
        if found["differs"]
    ]
    told = f"the samples of {listed(differing)}" if differing else f"no other {kind}'s samples"
    return (
        f"After {data['planned']['generator_steps']:,} generator steps the {linked(deciding)}, which was to decide, "
        f"tells {told} from those of {base} ({seeds} each)."
    )


def linked(measure):
    """Return a measure in words that lead to its table."""
    return f"[{_IN_WORDS[measure]}](#{measure})"


def told_apart(data, deciding):
    """Return {arm: measures that tell it from the baseline} of the measures that were not to decide."""
    others = {measure: compared(data, measure) for measure in _EXPLORED if measure != deciding}
    return {
        arm: [measure for measure, arms in others.items() if arm in arms and arms[arm]["differs"]]
        for arm in data["differences"]
    }


def by_other_measures(data, deciding, style):
    """Return the sentence that says what the measures tell apart that were not to decide, without its full stop."""
    asked = sum(bool(compared(data, measure)) for measure in _EXPLORED if measure != deciding)
    told = [f"{style(arm).label} in {len(found)}" for arm, found in told_apart(data, deciding).items() if found]
    return f"Of the {asked} [other measures](#measures) these differ: {listed(told)}" if told else ""


def _which_tell(data, style):
    """Return the list of all measures with the arms that each tells from the baseline, Markdown."""
    lines = []
    for measure in _IN_WORDS:
        found = compared(data, measure)
        arms = [style(arm).label for arm, one in found.items() if one["differs"]]
        if found:
            lines.append(f"- {linked(measure)}: {listed(arms) or 'none'}")
    return "\n".join(lines)


def body(name, data, measures, style, margin, section="", before=""):
    """Return the sections of an ablation's page, Markdown.

    Parameters
    ----------
    name : str
        Of the study.
    data : dict
        reports/data/NAME.json.
    measures : dict of str to str
        {measure: title} of those that decide.
    style : callable
        `style(arm).label` is what the text calls an arm.
    margin : float
        What is equal for practical purposes.
    section : str
        What the study adds behind its figures.
    before : str
        The section about the exploratory study.
    """
    planned = data["planned"]
    settings = ", ".join(f"{key} {value}" for key, value in data["settings"].items())
    done = [f"{arm}: {len(data['runs'].get(arm, {}))} of {len(planned['seeds'])}" for arm in planned["arms"]]
    unfinished = [
        f"{arm}, seed {seed}, stopped at step {run['generator_steps']:,} (a loss was not finite)"
        for arm, seeds in data["runs"].items()
        for seed, run in seeds.items()
        if not run["finished"]
    ]
    hours = sum(run["seconds"] for seeds in data["runs"].values() for run in seeds.values()) / 3600
    commits = sorted({run["commit"] for seeds in data["runs"].values() for run in seeds.values()})
    return f"""## What decides

{decision.section(name, data, measures, style, margin)}

## What was learned

![Samples of the same 8 latents, each arm, the first seed](figures/{name}_samples.png)

![EM estimates over generator steps](figures/{name}_curves.png)

![Other distances of each arm to held-out pictures](figures/{name}_distances.png)

{section}
## Other measures

None of these decides. Samples are {data["held_out"]} pictures of the same latents, batch statistics, compared with as
many held-out real pictures. Intervals: bootstrap over the seeds, 95 % in name. *minus baseline* is paired by seed;
*differs*: all differences have one sign, and their mean is more than twice the standard deviation of the baseline over
the seeds, with no correction for their number. *floor*: real pictures of the training set, prepared as the arm's, in
the place of samples; to Pillow's it holds what the two preparations of real pictures differ by, with no GAN in it.
Which arms differ from {style(data["baseline_arm"]).label}:

{_which_tell(data, style)}

{tables(data)}

{before}
{commands_of({name: data})}
Trained at commit {", ".join(commits)}: {hours:.1f} hours in all. Pictures: {data["pictures"]}; {data["held_out"]} of
them are held out. Settings beside the original's: {settings}. Seeds {", ".join(map(str, planned["seeds"]))}: the same
initial weights, latents and order of the data in every arm of a seed.

Finished runs: {"; ".join(done)}. {"Broken off: " + "; ".join(unfinished) + "." if unfinished else ""}

## Limits

Small pictures, few channels, few steps, one data set that decides: an arm that does not differ here may differ at full
size. The kernel distance is to what a classifier of photographs sees in pictures of 32 pixels enlarged to 224; its
numbers are not comparable with those of other networks. The full size is the same command with
`--image-size 64 --channels 64 --generator-steps 30000`.
"""


def exploratory(data, answer, style):
    """Return the section about the study from before the deciding measure, Markdown.

    Parameters
    ----------
    data : dict
        What it measured, as reports/data/NAME.json; empty where there was none.
    answer : str
        What it found, Markdown.
    style : callable
        As of `body`.
    """
    if not data:
        return ""
    commits = sorted({run["commit"] for seeds in data["runs"].values() for run in seeds.values()})
    told = answer.replace("](#", "](#exploratory_")  # this section has the tables that it names
    return f"""## The exploratory study

Seeds {", ".join(map(str, data["planned"]["seeds"]))}, by a distance of patches that moved less between arms than
between seeds; trained at commit {", ".join(commits)}. {told}

<a id="exploratory_measures"></a>
{tables(data, "exploratory_")}
"""
