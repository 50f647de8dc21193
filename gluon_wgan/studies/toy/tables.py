"""The tables of the report on the toy experiments of WGAN-GP."""

from statistics import median

from gluon_wgan.report.numbers import between, number
from gluon_wgan.report.page import table
from gluon_wgan.studies.toy.figures import ARMS, DISTRIBUTIONS, MIXTURES, NORMS, runs_of, title_of
from gluon_wgan.studies.toy.question import CONSTRAINTS


def _median_and_range(values):
    return f"{number(median(values))} ({between(values)})"


def modes(part):
    """Return what became of the modes, for every mixture and arm."""
    rows = []
    for data in MIXTURES:
        for arm, (label, _, _) in ARMS.items():
            runs, of_data = runs_of(part, data, arm), part[arm]["data"][data]
            shares = [100 * run["share_within_3_sigma"] for run in runs]
            rows.append(
                [
                    *(title_of(data), label, of_data["n"]),
                    *(_median_and_range([run[name] for run in runs]) for name in ("covered", "reached", "sharp")),
                    f"{of_data['collapsed']} of {of_data['n']}",
                    _median_and_range(shares),
                ]
            )
    header = ["data", "arm", "n", "covered", "reached", "covered within 3 sigma", "runs that miss a mode"]
    return table([*header, "% of samples within 3 sigma"], rows)


def distances(part):
    """Return the exact EM distance and how the critic's value follows it, for every mixture and arm."""
    rows = []
    for data in MIXTURES:
        for arm, (label, _, _) in ARMS.items():
            runs = runs_of(part, data, arm)
            follows = [run["value_follows_em"] for run in runs if run["value_follows_em"] is not None]
            rows.append(
                [
                    *(title_of(data), label),
                    _median_and_range([run["exact_em"] for run in runs]),
                    _median_and_range([run["course"]["exact_em"][0] for run in runs]),
                    _median_and_range([run["floor"] for run in runs]),
                    _median_and_range(follows) if follows else "none",
                ]
            )
    first = f"at step {part['runs'][0]['course']['step'][0]:,.0f}"
    return table(["data", "arm", "exact EM at the end", first, "data to data", "rank correlation with the value"], rows)


def surfaces(part):
    """Return how near the critics come to the optimal one, for every distribution and arm."""
    rows = []
    for data in DISTRIBUTIONS:
        for arm in ("clip", "penalty"):
            runs = runs_of(part, data, arm)
            settled = [run["course"]["value"][-1] / run["course"]["value"][-2] - 1 for run in runs]
            rows.append(
                [
                    *(title_of(data), arm, len(runs)),
                    _median_and_range([run["correlation"] for run in runs]),
                    _median_and_range([run["value"] for run in runs]),
                    _median_and_range([run["exact_em"] for run in runs]),
                    between([100 * change for change in settled], "{:+.2g}".format),
                    _median_and_range([run["gradient_norm"] for run in runs]),
                ]
            )
    header = ["data", "arm", "n", "correlation with the optimal critic", "critic's value", "exact EM"]
    return table([*header, "% change of the value over the last tenth", "mean norm between"], rows)


def bounds(part):
    """Return the share of clipped weights at the bound, for every distribution."""
    rows = [
        [
            title_of(data),
            *(
                _median_and_range([run[name] for run in runs_of(part, data, "clip")])
                for name in ("share_at_bound_at_start", "share_at_bound")
            ),
        ]
        for data in DISTRIBUTIONS
    ]
    return table(["data", "after the first clip alone", "after training"], rows)


def gradient_norms(part):
    """Return the norms of the first and the last hidden layer and their ratio, for every bound and the penalty."""
    rows = []
    for arm, (label, *_) in NORMS.items():
        runs = [run for run in part["runs"] if run["arm"] == arm]
        rows.append(
            [
                *(label, len(runs)),
                _median_and_range([run["norms"][0] for run in runs]),
                _median_and_range([run["norms"][-1] for run in runs]),
                _median_and_range([run["ratio"] for run in runs]),
            ]
        )
    return table(["critic", "n", "first hidden layer", "last hidden layer", "first / last"], rows)


def constraints(part):
    """Return how near the critics come to the optimal one under other constraints, for every distribution."""
    rows = []
    for arm in CONSTRAINTS:
        of_data = [[run["correlation"] for run in runs_of(part, data, arm)] for data in DISTRIBUTIONS]
        rows.append([arm, min(map(len, of_data)), *map(_median_and_range, of_data)])
    return table(["constraint", "n", *(f"correlation, {title_of(data)}" for data in DISTRIBUTIONS)], rows)


def lost(found):
    """Return what each kind of constraint loses against the penalty, with its best strength."""
    rows = [
        [
            kind,
            one["n"],
            *(f"{of['lost']:.2f} ({CONSTRAINTS[of['arm']][1]:g})" for of in one["data"].values()),
        ]
        for kind, one in found.items()
    ]
    return table(["constraint", "n", *(f"lost, {title_of(data)} (best strength)" for data in DISTRIBUTIONS)], rows)


def told(found):
    """Return what the other constraints reach: "0.85 to 0.92 (norm clipping), ..."."""
    return ", ".join(
        f"{between([of['correlation'] for of in one['data'].values()], '{:.2f}'.format)} ({kind})"
        for kind, one in found.items()
    )
