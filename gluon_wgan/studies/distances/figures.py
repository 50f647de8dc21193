"""The figures of the distances behind GANs: lines, two Gaussians, pairs of known distance, a generator's gradients."""

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from gluon_wgan.report.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILLION

_NARROW = {"font.size": 13, "axes.titlesize": 13}  # read at the width of a phone
# label, colour, line and marker of each distance
_DISTANCES = {
    "em": ("EM", BLUE, "-", "o"),
    "tv": ("total variation", GREEN, "--", "s"),
    "js": ("JS", VERMILLION, "-.", "^"),
}
LOSSES = {
    "wasserstein": ("Wasserstein, clipped critic", BLUE, "-"),
    "non_saturating": ("non-saturating", ORANGE, "--"),
    "minimax": ("minimax", VERMILLION, "-."),
}


def _figure(rows=1, height=4.8):
    figure = Figure(figsize=(6.2, height), layout="constrained")
    return figure, figure.subplots(rows, 1, sharex=True)


def _finish(figure, handles=None, columns=2):
    """Put the legend below the axes, where it covers nothing, and return the figure."""
    if handles is not None:
        figure.legend(*handles, loc="outside lower center", ncols=columns, frameon=False)
    figure.draw_without_rendering()  # while the sizes of its letters are set
    return figure


def _columns(rows, *keys):
    """Return one number of every row as an array, None as nan and "inf" as infinity."""
    found = []
    for row in rows:
        for key in keys:
            row = row[key]
        found.append(np.nan if row is None else float(row))
    return np.array(found)


def _marks(axes, theta, rows, key, name):
    """Draw the mean of an estimate with bars from its smallest to its largest value."""
    label, colour, _, marker = _DISTANCES[name]
    mean, low, high = (_columns(rows, key, name, part) for part in ("mean", "low", "high"))
    bars = [np.maximum(mean - low, 0), np.maximum(high - mean, 0)]
    axes.errorbar(
        theta, mean, bars, fmt=marker, color=colour, markerfacecolor="white", capsize=3, label=f"{label}, samples"
    )


def draw_lines(data):
    """Draw the distances of two parallel lines by the place of the second."""
    rows = data["rows"]
    theta = _columns(rows, "theta")
    sides = theta < 0, theta > 0
    with matplotlib.rc_context(_NARROW):
        figure, axes = _figure(height=5.6)
        for name, (label, colour, line, _) in _DISTANCES.items():
            exact = _columns(rows, "exact", name)
            for side in sides:
                # up to 0 and not at it, where JS and TV jump
                near = np.append(theta[side], 0.0), np.append(exact[side], exact[side][np.argmin(abs(theta[side]))])
                x, y = (theta, exact) if name == "em" else (part[np.argsort(near[0])] for part in near)
                axes.plot(x, y, color=colour, linestyle=line, label=label if side is sides[0] else None)
            _marks(axes, theta, rows, "estimate", name)
        apart = theta[theta != 0]
        axes.plot(apart, np.full(len(apart), 2.25), marker=6, linestyle="", color=PURPLE, label="KL: infinite")
        axes.plot(0, 0, marker="D", markersize=6, color=BLACK, linestyle="", zorder=9, label="all four at 0")
        axes.set(xlabel="place of the second line, theta", ylabel="distance (JS and KL in nats)", ylim=(-0.1, 2.4))
        axes.grid(alpha=0.3)
        return _finish(figure, axes.get_legend_handles_labels())


def draw_line_slopes(data):
    """Draw the derivatives of EM and JS with respect to the place of the second line."""
    rows = data["rows"]
    theta = _columns(rows, "theta")
    with matplotlib.rc_context(_NARROW):
        figure, axes = _figure()
        for name in ("em", "js"):
            label, colour, line, marker = _DISTANCES[name]
            exact = _columns(rows, "slope_exact", name)
            axes.plot(theta, exact, color=colour, linestyle=line, label=label)  # a gap at 0, where there is none
            mean = _columns(rows, "slope_estimate", name, "mean")
            outside = abs(mean) > 2
            axes.plot(
                *(theta[~outside], mean[~outside]),
                **{"marker": marker, "linestyle": "", "color": colour, "markerfacecolor": "white"},
                label=f"{label}, samples",
            )
            for place, value in zip(theta[outside], mean[outside]):
                above = value > 0
                axes.plot(place, 1.9 if above else -1.9, marker=6 if above else 7, color=colour, markersize=10)
                axes.annotate(
                    f"{value:+.0f}",
                    (place, 1.85 if above else -1.85),
                    xytext=(10 if above else -10, 0),
                    textcoords="offset points",
                    ha="left" if above else "right",
                    va="center",
                    color=colour,
                )
        axes.set(xlabel="place of the second line, theta", ylabel="derivative by theta", ylim=(-2.1, 2.1))
        axes.grid(alpha=0.3)
        return _finish(figure, axes.get_legend_handles_labels())


def _densities(axes, data, share):
    """Shade the densities of the two Gaussians, from below up to a share of the height of the axes."""
    x = np.array(data["x"])
    bottom, top = axes.get_ylim()
    height = share * (top - bottom)
    for mean, label in ((data["real_mean"], "real"), (data["fake_mean"], "generated")):
        bell = np.exp(-((x - mean) ** 2) / 2)
        axes.fill_between(x, bottom, bottom + height * bell, color=GREY, alpha=0.25, linewidth=0, zorder=0)
        axes.text(mean, bottom + 0.4 * height, label, ha="center", fontsize=11)
    axes.set_ylim(bottom, top)


def draw_values(data):
    """Draw the optimal and the trained discriminators and critics of two Gaussians."""
    x = np.array(data["x"])
    with matplotlib.rc_context(_NARROW):
        figure, (above, below) = _figure(2, height=7)
        for axes, name, colour in ((above, "discriminator", VERMILLION), (below, "critic", BLUE)):
            part = data[name]
            for number, one in enumerate(part["seeds"]):
                value = np.array(one["value"])
                if name == "critic":
                    value = (value - np.interp(0, x, value)) / _mean_slope(data, one)
                label = f"trained, {len(part['seeds'])} seeds" if number == 0 else None
                axes.plot(x, value, color=colour, linewidth=1.2, label=label)
            axes.plot(x, part["optimal"]["value"], color=BLACK, linestyle=":", linewidth=2, label="optimal")
            axes.set_title(name)
            axes.grid(alpha=0.3)
            axes.legend(loc="upper right", frameon=False)
        above.set(ylabel="D(x)", ylim=(-0.03, 1.03))
        below.set(ylabel="f(x), mean slope 1 between\nthe means, f(0) = 0", xlabel="x")
        lowest, highest = below.get_ylim()
        below.set_ylim(lowest - 0.15 * (highest - lowest), highest)  # room for the densities below the critic
        for axes in (above, below):
            _densities(axes, data, 0.25)
        return _finish(figure)


def _mean_slope(data, one):
    """Return the mean size of a trained critic's gradient between the means."""
    x = np.array(data["x"])
    between = (x >= min(data["real_mean"], data["fake_mean"])) & (x <= max(data["real_mean"], data["fake_mean"]))
    return np.abs(np.array(one["gradient"])[between]).mean()


def draw_gradients(data):
    """Draw the size of the gradients that a discriminator and a critic of two Gaussians pass to the generator."""
    x = np.array(data["x"])
    shown = (x >= data["real_mean"] - 1) & (x <= data["fake_mean"] + 1)
    with matplotlib.rc_context(_NARROW):
        figure, axes = _figure()
        for name, colour, line, of_what in (
            ("critic", BLUE, "-", "critic: f'"),
            ("discriminator", VERMILLION, "-.", "discriminator: d log(1 - D) / dx"),
        ):
            for number, one in enumerate(data[name]["seeds"]):
                size = np.abs(one["gradient"]) / one["largest"]
                label = f"{of_what}, trained" if number == 0 else None
                axes.semilogy(x[shown], size[shown], color=colour, linestyle=line, linewidth=1.4, label=label)
        optimal = np.abs(data["discriminator"]["optimal"]["gradient"])
        axes.semilogy(
            x[shown], optimal[shown] / optimal.max(), color=BLACK, linestyle=":", linewidth=2, label="the same, optimal"
        )
        axes.set(xlabel="x", ylabel="size of the gradient\n(largest between the means: 1)", ylim=(1e-10, 5))
        for mean, label in ((data["real_mean"], "real mean"), (data["fake_mean"], "generated mean")):
            axes.axvline(mean, color=GREY, linewidth=1)
            axes.text(mean, 1.02, label, transform=axes.get_xaxis_transform(), ha="center", fontsize=11)
        axes.grid(alpha=0.3)
        return _finish(figure, axes.get_legend_handles_labels(), columns=1)


def draw_factors(data):
    """Draw the estimate of a clipped critic over the exact distance, for every pair and seed."""
    pairs = data["pairs"][::-1]
    middle = float(np.median([pair["factor"] for pair in pairs]))
    with matplotlib.rc_context(_NARROW):
        figure, axes = _figure(height=5)
        # the width of the criterion: the largest no more than 1.2 times the smallest
        axes.axvspan(1.2**-0.5, 1.2**0.5, color=GREY, alpha=0.2, linewidth=0, label="a range of 20 %")
        for row, pair in enumerate(pairs):
            factors = np.array(pair["factors"]) / middle
            axes.plot(factors, [row] * len(factors), "o", color=BLUE, markerfacecolor="white", label="_")
            axes.plot(pair["factor"] / middle, row, "|", color=BLACK, markersize=18, markeredgewidth=2.5, label="_")
        axes.set_yticks(range(len(pairs)), [pair["name"] for pair in pairs])
        axes.set_xscale("log")
        values = np.concatenate([pair["factors"] for pair in pairs]) / middle
        low, high = min(values.min(), 0.8) / 1.15, max(values.max(), 1.25) * 1.15
        ticks = [tick for tick in (0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.4, 2, 5, 10, 30) if low <= tick <= high]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.set(xlabel="estimate / exact EM (median pair: 1)", xlim=(low, high))
        axes.grid(axis="x", alpha=0.3)
        handles, labels = axes.get_legend_handles_labels()
        handles += [
            axes.plot([], [], "o", color=BLUE, markerfacecolor="white")[0],
            axes.plot([], [], "|", color=BLACK, markersize=14, markeredgewidth=2.5)[0],
        ]
        return _finish(figure, (handles, [*labels, "a seed", "median"]), columns=3)


def _courses(axes, data, names, key):
    """Draw the course of every seed, thin, and their median, over the updates, as a ratio to the first."""
    updates = np.array(data["probes"])
    for name in names:
        label, colour, line = LOSSES[name]
        ratios = np.array(data[name][key])
        ratios = ratios / ratios[:, :1]
        for ratio in ratios:
            axes.plot(updates, ratio, color=colour, linewidth=0.8, alpha=0.6)
        axes.plot(updates, np.median(ratios, axis=0), color=colour, linestyle=line, linewidth=2.5, label=label)
    axes.set_xscale("symlog", linthresh=10)
    axes.set_yscale("log")
    ticks = [tick for tick in (0, 10, 100, 1000, 4000) if tick <= updates[-1]]
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    axes.axhline(1, color=GREY, linewidth=1)
    axes.grid(alpha=0.3)


def draw_norms(data):
    """Draw the norm of a standing generator's gradient while its opponent is trained on."""
    with matplotlib.rc_context(_NARROW):
        figure, axes = _figure()
        _courses(axes, data, LOSSES, "norms")
        axes.set(xlabel="updates of discriminator or critic", ylabel="norm of the generator's\ngradient (first: 1)")
        return _finish(figure, axes.get_legend_handles_labels())


def draw_variance(data):
    """Draw the variance over batches of a standing generator's gradient, of the two losses that keep one."""
    with matplotlib.rc_context(_NARROW):
        figure, axes = _figure()
        _courses(axes, data, ["wasserstein", "non_saturating"], "variances")
        axes.set(xlabel="updates of discriminator or critic", ylabel="variance of the generator's\ngradient (first: 1)")
        return _finish(figure, axes.get_legend_handles_labels())


DRAWN = {
    "lines": ("parallel_lines", draw_lines),
    "line_slopes": ("parallel_lines", draw_line_slopes),
    "gaussians": ("two_gaussians", draw_values),
    "gaussian_gradients": ("two_gaussians", draw_gradients),
    "factors": ("estimate_over_exact", draw_factors),
    "generator_gradients": ("generator_gradients", draw_norms),
    "variance": ("generator_gradients", draw_variance),
}
