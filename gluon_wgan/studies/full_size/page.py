"""The page of the resize ablation at full size."""

from gluon_wgan.report import decision
from gluon_wgan.report.comparison_figures import TITLES
from gluon_wgan.report.page import Page, origin, table
from gluon_wgan.report.style import style
from gluon_wgan.studies.deciding import MARGIN, REFERENCE, SAME

_NAME = "full_size"
_COMMANDS = """```
python experiments/full_size.py pack --arm pil --data path/to/lsun --out packed/pil.npz     # and --arm cv2
python tests/parity/full_size.py --packed packed/pil.npz packed/cv2.npz --seeds 20 --out runs/full-size --tf32  # a GPU
python experiments/full_size.py measure --run runs/full-size/pil-20 --data path/to/lsun     # and cv2-20
```"""
_MEASURES = {
    REFERENCE: "kernel distance to held-out pictures shrunk by Pillow",
    SAME: "kernel distance to held-out pictures shrunk as the arm's own",
}
_OTHERS = {
    "em_estimate_end": "EM estimate at the end",
    **{
        name: TITLES[name].replace("\n", " ")
        for name in ("swd_same", "swd_reference", "spectrum_same", "spectrum_reference")
    },
}


def page(data, reports):
    """Return the page of reports/data/full_size.json."""
    runs = [(arm, seed, run) for arm, seeds in data["runs"].items() for seed, run in seeds.items()]
    rows = []
    for arm, seed, run in runs:
        place = data["arms"][arm]["seeds"].index(int(seed))
        measures = data["arms"][arm]["measures"]
        shown = [f"{measures[name]['values'][place]:.4g}" for name in _OTHERS if name in measures]
        rows.append([style(arm).label, seed, *shown, f"{run['seconds'] / 60:.1f} min, {run['at_once']} at once"])
    pictures = []
    for arm, seeds in data["runs"].items():
        (seed, run), label = next(iter(seeds.items())), style(arm).label
        pictures += [
            f"![{label}, seed {seed}: samples at the end](figures/{run['name']}.png)",
            f"![{label}, seed {seed}: the same 8 latents at generator steps 500, 2,500, 10,000 and the last]"
            f"(figures/ablations/{run['name']}.png)",
        ]
    sheets = "\n\n".join(pictures)
    trained = sorted({f"{run['device']}, PyTorch {run['torch']}, TF32 {_on(run['tf32'])}" for *_, run in runs})
    commits = ", ".join(sorted({run["commit"] for *_, run in runs}))
    drawn = {
        f"{_NAME}_decided": decision.figure_of_differences(data, _MEASURES, style, MARGIN),
        f"{_NAME}_kernel": decision.figure_of_curves(data, reports, _MEASURES, style),
    }
    body = f"""Trained by **the PyTorch reference**, parity being shown: the same prepared pictures, initial weights,
latents and order of the data. On {"; ".join(trained)}; at commit {commits}. {data["held_out"]} pictures are held
out.{_alone(runs)}

## What decides

{decision.section(_NAME, data, _MEASURES, style, MARGIN)}

## What was learned

{sheets}

## Each run

None of these decides; the distances of patches (sliced Wasserstein) and of spectra are those of the
[small ablation](ablation_resize.md).

{table(["arm", "seed", *_OTHERS.values(), "trained in"], rows)}

## Commands

{_COMMANDS}

The last run was measured by `{data["command"]}`.
{origin(data["environment"])}

## Limits

One data set, of ten times as many bedrooms as are held out, where the documents had three million. The kernel distance
is to what a classifier of photographs sees in pictures of 64 pixels enlarged to 224.
"""
    answer = decision.sentence(data, REFERENCE, style, "held-out pictures by Pillow", MARGIN)
    return Page(answer, body, {name: figure for name, figure in drawn.items() if figure is not None})


def _alone(runs):
    """Say where it was not done as planned, both arms of a seed at the same time."""
    alone = [f"{style(arm).label}, seed {seed}" for arm, seed, run in runs if run["at_once"] == 1]
    return f" Not as planned: {'; '.join(alone)} was trained alone, not beside the other arm." if alone else ""


def _on(flag):
    return "on" if flag else "off"
