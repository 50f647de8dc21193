"""The figures of the toy experiments of WGAN-GP."""

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from gluon_wgan.report.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILLION

_NARROW = {"font.size": 12, "axes.titlesize": 12}  # read at the width of a phone
# label, colour, line
ARMS = {
    "clip": ("WGAN, clipping", BLUE, "-"),
    "penalty": ("WGAN, penalty", GREEN, "-"),
    "minimax": ("GAN, minimax", VERMILLION, "-."),
    "non_saturating": ("GAN, non-saturating", ORANGE, "--"),
}
NORMS = {
    "clip 0.1": ("clip 0.1", VERMILLION, "-.", "^"),
    "clip 0.01": ("clip 0.01", BLUE, "--", "s"),
    "clip 0.001": ("clip 0.001", PURPLE, ":", "v"),
    "penalty": ("penalty", GREEN, "-", "o"),
}
MIXTURES = ("8 gaussians", "25 gaussians")
DISTRIBUTIONS = (*MIXTURES, "swiss roll")


def _figure(size, rows=1, columns=1, **options):
    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def _finish(figure, axes=None, columns=2):
    """Put a legend of the lines of some axes below all, where it covers nothing, and return the figure."""
    if axes is not None:
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=columns, frameon=False)
    figure.draw_without_rendering()  # while the sizes of its letters are set
    return figure


def runs_of(part, data, arm):
    """Return the runs of a distribution and an arm."""
    return [run for run in part["runs"] if run["data"] == data and run["arm"] == arm]


def title_of(data):
    """Return a distribution's name as a reader knows it: "8 Gaussians", "Swiss roll"."""
    return data.replace("g", "G").replace("sw", "Sw")


def draw_samples(part, data):
    """Draw the samples of the first seed of every arm, as training goes on."""
    centres = np.array(part["mixtures"][data]["centres"])
    with matplotlib.rc_context(_NARROW):
        figure, rows = _figure((6.2, 6.6), len(ARMS), 4, sharex=True, sharey=True)
        for row, (arm, (label, colour, _)) in zip(rows, ARMS.items()):
            samples = runs_of(part, data, arm)[0]["samples"]
            for axes, (step, points) in zip(row, samples.items()):
                axes.scatter(*centres.T, s=22, marker="x", color=BLACK, linewidths=0.8, zorder=3)
                axes.scatter(*points, s=3, color=colour, linewidths=0)
                axes.set(xlim=(-2.2, 2.2), ylim=(-2.2, 2.2), aspect="equal", xticks=(-1, 1), yticks=(-1, 1))
                if axes in rows[0]:
                    axes.set_title(f"step {int(step):,}")
            row[0].set_ylabel(label.replace(", ", ",\n"))
        return _finish(figure)


def draw_modes(part):
    """Draw how many modes are covered as training goes on, for every seed and their median."""
    with matplotlib.rc_context(_NARROW):
        figure, ((above,), (below,)) = _figure((6.2, 6.4), 2, sharex=True)
        for axes, data in ((above, MIXTURES[0]), (below, MIXTURES[1])):
            for arm, (label, colour, line) in ARMS.items():
                _seeds_and_median(axes, runs_of(part, data, arm), "covered", colour, line, label)
            modes = len(part["mixtures"][data]["centres"])
            axes.set(ylabel="modes covered", title=title_of(data), ylim=(-0.03 * modes, 1.05 * modes))
            axes.grid(alpha=0.3)
        below.set_xlabel("generator step")
        return _finish(figure, below)


def _seeds_and_median(axes, runs, name, colour, line, label, factor=1.0):
    values = factor * np.array([run["course"][name] for run in runs])
    steps = runs[0]["course"]["step"]
    for value in values:
        axes.plot(steps, value, color=colour, linestyle=line, linewidth=0.8, alpha=0.45)
    axes.plot(steps, np.median(values, axis=0), color=colour, linestyle=line, linewidth=2.4, label=label)


def draw_em(part):
    """Draw the exact EM distance, and the critic's value times the one factor that brings it nearest."""
    with matplotlib.rc_context(_NARROW):
        figure, rows = _figure((6.2, 6.4), 2, 2, sharex=True, sharey=True)
        for row, arm in zip(rows, ("clip", "penalty")):
            _, colour, _ = ARMS[arm]
            for axes, data in zip(row, MIXTURES):
                runs = runs_of(part, data, arm)
                exact, value = (
                    np.array([run["course"][name] for run in runs]) for name in ("exact_em", "critic_value")
                )
                factor = (exact * value).sum() / max((value**2).sum(), 1e-300)
                _seeds_and_median(axes, runs, "exact_em", BLACK, "-", "exact EM of samples")
                _seeds_and_median(axes, runs, "critic_value", colour, "--", "_", factor)
                floor = np.median([run["floor"] for run in runs])
                axes.axhline(floor, color=GREY, linestyle=":", label="exact EM, data to data")
                axes.set_title(f"{title_of(data)}, {arm}\nvalue times {factor:.3g}", fontsize=11)
                axes.set_ylim(0, None)
                axes.grid(alpha=0.3)
            row[0].set_ylabel("distance")
        # by the exact distances: a value that strays need not set the scale
        highest = max(max(run["course"]["exact_em"]) for arm in ("clip", "penalty") for run in _of_arm(part, arm))
        rows[0][0].set_ylim(0, 1.3 * highest)
        for axes in rows[1]:
            axes.set_xlabel("generator step")
        for arm in ("clip", "penalty"):
            rows[0][0].plot([], [], color=ARMS[arm][1], linestyle="--", label=f"critic's value, {arm}")
        return _finish(figure, rows[0][0])


def _of_arm(part, arm):
    return [run for run in part["runs"] if run["arm"] == arm]


def draw_surfaces(part):
    """Draw level sets of the optimal and the trained critics of the first seed."""
    columns = {"optimal": "optimal critic", "clip": "clipping", "penalty": "penalty"}
    with matplotlib.rc_context(_NARROW):
        figure, rows = _figure((6.2, 6.6), 3, 3, sharex=True, sharey=True)
        for row, data in zip(rows, DISTRIBUTIONS):
            shown = runs_of(part, data, "optimal")[0]["shown"]
            for axes, (arm, title) in zip(row, columns.items()):
                surface = np.array(runs_of(part, data, arm)[0]["surface"])
                side = round(len(surface) ** 0.5)
                place = np.linspace(-part["settings"]["reach"], part["settings"]["reach"], side)
                surface = surface.reshape(side, side)
                axes.contourf(place, place, surface, 10, cmap="cividis")
                axes.contour(place, place, surface, 10, colors="white", linewidths=0.5, linestyles="solid")
                axes.scatter(*shown, s=2.5, color=VERMILLION, linewidths=0)
                axes.set(aspect="equal", xticks=(-2, 0, 2), yticks=(-2, 0, 2))
                if axes in rows[0]:
                    axes.set_title(title)
            row[0].set_ylabel(title_of(data))
        return _finish(figure)


def draw_gradient_norms(part):
    """Draw the norm of the loss's gradient layer by layer, for every seed and their median."""
    with matplotlib.rc_context(_NARROW):
        figure, ((axes,),) = _figure((6.2, 5))
        for arm, (label, colour, line, marker) in NORMS.items():
            norms = np.array([run["norms"] for run in part["runs"] if run["arm"] == arm])
            # a logarithmic axis has no 0
            norms[norms == 0] = np.nan
            layers = np.arange(1, norms.shape[1] + 1)
            for one in norms:
                axes.semilogy(layers, one, color=colour, linestyle=line, linewidth=0.8, alpha=0.5)
            axes.semilogy(
                *(layers, np.median(norms, axis=0)),
                **{"color": colour, "linestyle": line, "marker": marker, "linewidth": 2.2, "label": label},
            )
        axes.set(xlabel="hidden layer of the critic", ylabel="norm of the loss's gradient\nby its activations")
        axes.set_xticks(layers)
        axes.grid(alpha=0.3)
        return _finish(figure, axes)


def draw_weights(part):
    """Draw the histograms of all weights of the first seed's critics."""
    with matplotlib.rc_context(_NARROW):
        figure, ((above,), (below,)) = _figure((6.2, 5.6), 2)
        for axes, arm, title in ((above, "clip 0.01", "clipping at 0.01"), (below, "penalty", "penalty")):
            histogram = _of_arm(part, arm)[0]["histogram"]
            shares, reach = np.array(histogram["shares"]), histogram["reach"]
            width = 2 * reach / len(shares)
            places = -reach + width * (np.arange(len(shares)) + 0.5)
            axes.bar(places, shares, width=0.9 * width, color=NORMS[arm][1])
            axes.set_yscale("log")
            axes.set(title=title, ylabel="share of the weights")
            axes.locator_params(axis="x", nbins=5)
            axes.grid(axis="y", alpha=0.3)
        below.set_xlabel("weight")
        return _finish(figure)


DRAWN = {
    "samples_8": ("modes", lambda part: draw_samples(part, MIXTURES[0])),
    "samples_25": ("modes", lambda part: draw_samples(part, MIXTURES[1])),
    "modes": ("modes", draw_modes),
    "em": ("modes", draw_em),
    "surfaces": ("surfaces", draw_surfaces),
    "gradient_norms": ("gradient_norms", draw_gradient_norms),
    "weights": ("gradient_norms", draw_weights),
}
