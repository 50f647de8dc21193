"""The resizes of the registry, pixel by pixel: how different the libraries are, and which fix brings them together."""

from gluon_wgan.report.page import Page, commands_of, table, wrapped
from gluon_wgan.report.style import style
from gluon_wgan.studies.compare_resize import figures

_NAME = "compare_resize"


def _measured(source, size):
    return source["sizes"][str(size)]


def _far(row, arm):
    return f"{style(arm).label} is {row['l1_median']:,.0f} away"


def _times(value, base):
    """Return how far `value` is in terms of `base`, in words."""
    if base == 0 or value == base:
        return "just as far"
    return f"{value / base:.2f} times as far" if value > base else f"{base / max(value, 1e-9):.1f} times closer"


def _share(value):
    return f"{100 * value:.0f} %"


_CLAIMED = ("cv2", "cv2-bicubic", "cv2-area")  # what MXNet does, the documented fix, the fix that ran


def _answer(data):
    """Return the sentence that answers, of the first source at the main size."""
    source, size, against = data["sources"][0], data["main_size"], data["against"]
    rows = {arm: row for arm, row in _measured(source, size).items() if arm != against}
    about = f"from {style(against).label}, the median L1 distance of {source['count']:,} pictures ({source['name']})"
    if set(_CLAIMED) <= set(rows):
        default, bicubic, area = (rows[arm]["l1_median"] for arm in _CLAIMED)
        return f"""At {size}x{size}, OpenCV's bilinear resize, MXNet's default, is {default:,.0f} away
{about}, which is {rows["cv2"]["mean_abs"]:.1f} levels
a value on average; bicubic, the fix as it was documented, is {_times(bicubic, default)} ({bicubic:,.0f}),
and area averaging, the fix as it really ran, is {_times(area, default)} ({area:,.0f})."""
    nearest, farthest = (choose(rows, key=lambda arm: rows[arm]["l1_median"]) for choose in (min, max))
    return f"""At {size}x{size}, {_far(rows[nearest], nearest)} {about}, the closest, and
{_far(rows[farthest], farthest)}, the farthest."""


def _other_answers(data):
    """Return a list of the same, shorter, of the other sources."""
    lines = []
    for source in data["sources"][1:] if data["against"] not in _CLAIMED else ():
        default, bicubic, area = (_measured(source, data["main_size"])[arm]["l1_median"] for arm in _CLAIMED)
        lines.append(
            f"- {source['name']}, {source['count']:,} pictures: {default:,.0f}; bicubic {_times(bicubic, default)}, "
            f"area {_times(area, default)}"
        )
    return "\n".join([*lines, "", ""]) if lines else ""


def _claims(data):
    """Return the paragraph on the claim under test; empty where it says nothing of this reference or size."""
    if not figures.is_claims_case(data):
        return ""
    lines = []
    for source in data["sources"]:
        rows = [_measured(source, data["main_size"])[arm] for arm in _CLAIMED]
        shares = [f"{_share(row['share_ge_60'])} / {_share(row['share_l1_above_20000'])}" for row in rows]
        lines.append([source["name"], *shares])
    return f"""The claim under test: between Pillow and OpenCV some values of a picture differ by 60 and more, and the
L1 distance is mostly above 20,000. Shares of the pictures for which the one / the other holds:

{table(["pictures", *(style(arm).label for arm in _CLAIMED)], lines)}

"""


def _main_table(data, source):
    lines, seen = [], source.get("seen", {})
    for arm, row in _measured(source, data["main_size"]).items():
        lines.append(
            [
                f"`{arm}`",
                f"{row['l1_median']:,.0f}",
                f"{row['l1_p05']:,.0f} to {row['l1_p95']:,.0f}",
                f"{row['mean_abs']:.2f}",
                f"{row['max_median']:.0f} / {row['max']:.0f}",
                _share(row["share_ge_60"]),
                _share(row["share_l1_above_20000"]),
                *([_share(seen[arm]["median"])] if arm in seen else []),
            ]
        )
    header = ["arm", "L1: median", "5 to 95 %", "mean difference", "largest: median / of all"]
    header += ["share with one >= 60", "share with L1 > 20,000", *(["pixels that look different"] if seen else [])]
    return table(header, lines)


def _seen(data):
    if not all(source.get("seen") for source in data["sources"]):
        return ""  # measured without colour-science
    size = data["main_size"]
    return f""" A pixel
*looks different* if its colours are more than one unit of CIEDE2000 apart, by convention what an eye just notices,
where it can tell the pixels apart: a picture of {size} pixels shown {size / 10:.1f} cm wide, say, half a metre away.
The column has the median of the pictures."""


def _source_section(data, source):
    left_out = f"{source['undecodable']} could not be decoded, {source['too_small']} were too small"
    return f"""### {source["name"]}: {source["count"]:,} pictures

{left_out}. All sizes and arms together took {1000 * source["cpu_seconds"] / source["count"]:.0f} ms of processor time a
picture.

{_main_table(data, source)}
"""


def _sweep(data):
    sizes = list(data["sources"][0]["sizes"])
    lines = []
    for arm in _measured(data["sources"][0], data["main_size"]):
        cells = [[f"{source['sizes'][size][arm]['mean_abs']:.2f}" for size in sizes] for source in data["sources"]]
        lines.append([f"`{arm}`", *(" / ".join(cell) for cell in cells)])
    return table(["arm", *(source["name"] for source in data["sources"])], lines)


def _response_table(data):
    sizes = list(data["response"])
    lines = []
    for arm in data["response"][sizes[0]]["summary"]:
        found = [data["response"][size]["summary"][arm] for size in sizes]
        lines.append(
            [f"`{arm}`", *(f"{one['passed']:.2f} / {one['folded']:.2f} / {one['folded_max']:.2f}" for one in found)]
        )
    return table(["arm", *(f"{data['response'][size]['width']} to {size} pixels" for size in sizes)], lines)


def _worst(data):
    if data["worst"] is None:
        return "No picture is shown: these were measured with `--no-pictures`.\n"
    worst = data["worst"]
    return f"""The picture on which {style(worst["arm"]).label} is farthest ({data["sources"][0]["name"]},
`{worst["picture"]}`, L1 {worst["l1"]:,.0f}); below each arm {figures.AMPLIFIED} times its difference from
{style(data["against"]).label}, on grey:

![Reference, arms and amplified differences](figures/{_NAME}_worst.png)
"""


def page(data, reports):
    """Return the page of data/compare_resize.json, which `gluon_wgan.studies.compare_resize.measure` wrote."""
    drawn = {
        f"{_NAME}_l1": figures.draw_l1(data),
        f"{_NAME}_spectra": figures.draw_spectra(data),
        f"{_NAME}_response": figures.draw_response(data),
    }
    return Page(_answer(data), f"{_other_answers(data)}{_claims(data)}{_body(data)}", drawn)


def _body(data):
    first, size, against = data["sources"][0], data["main_size"], style(data["against"]).label
    width = data["response"][str(size)]["width"]
    sections = "\n".join(_source_section(data, source) for source in data["sources"])
    about = f"""Every picture is decoded once, by Pillow, and shrunk by every registered resize: the short side to the
    size, then the centre square, at the reference's offset for all arms. L1 is the sum of the absolute differences from
    {against} over the {size}x{size}x3 values of a picture, 0 to 255; the mean difference is L1 / {3 * size**2:,}, in
    levels.{_seen(data)}"""
    return f"""## Results at {size}x{size}

{wrapped(about)}

{sections}
![L1 distance of every arm](figures/{_NAME}_l1.png)

The box holds the middle half of the pictures of {first["name"]}, the line in it the median, the whiskers 5 to 95 %.

{_worst(data)}
## Other sizes

Mean difference, in levels a value, at {" / ".join(data["response"])} pixels:

{_sweep(data)}

## What comes through, and what is folded

Gratings of {width} pixels across, from 0 to 0.5 cycles a source pixel, are shrunk by every arm. Below the new Nyquist
frequency (half a cycle per pixel of the result) their amplitude should *pass*; above it the result cannot hold them,
and what is left comes out *folded*, as a coarser grating that was not in the picture. Mean amplitude passed / mean
amplitude folded / largest folded; an ideal filter has 1 / 0 / 0. The largest is found just above the Nyquist frequency
where a filter falls off gently; where it is near 1, folding is hardly limited.

{_response_table(data)}

![Amplitude of gratings by frequency](figures/{_NAME}_response.png)

What is folded is seen in the power spectrum of the pictures (their green channel): arms that fold have
more power at high frequencies. Frequencies above 0.5 cycles per pixel are those of slanting gratings.

![Power spectrum of the pictures of every arm](figures/{_NAME}_spectra.png)

{commands_of({_NAME: data})}
Nothing is drawn at random.

## Limits

- Closer to {against} is not better: this says which pictures a network would see, not from which it learns best.
- `mxnet-*` are OpenCV inside MXNet's library. `gluoncv` gives numbers that are not rounded, and they are compared as
  they are; rounding moves a value by half a level at most. Its own centre crop truncates its offset and is one pixel
  off for some widths; that is left out here, since it would drown what the filters do.
- The distances depend on how much the pictures are shrunk and on how sharp they are. At exactly half the size OpenCV's
  bilinear filter is area averaging, the mean of 2x2 pixels, so there is nothing to fix. The figure of the response is
  for {width} to {size} pixels; other ratios have others.
"""
