"""The page of the resize ablation at full size."""

from gluon_wgan.report.page import Page, command_of, origin, table
from gluon_wgan.report.style import style

_COMMANDS = """```
python experiments/full_size.py pack --arm cv2 --data path/to/lsun --out packed/cv2.npz
python tests/parity/full_size.py --packed packed/cv2.npz --out runs/full-size/cv2     # on the GPU
python experiments/full_size.py measure --run runs/full-size/cv2 --data path/to/lsun
```"""
_SHOWN = ("swd_same", "swd_reference", "spectrum_same", "spectrum_reference", "em_estimate_end")


def page(data, reports):
    """Return the page of reports/data/full_size.json."""
    rows = [
        [
            style(arm).label,
            f"{found['trained']['generator_steps']:,}",
            *(f"{found['measures'][measure]:.4g}" for measure in _SHOWN),
            f"{found['trained']['seconds'] / 60:.1f} min, {found['trained']['device']}, "
            f"TF32 {'on' if found['trained']['tf32'] else 'off'}, PyTorch {found['trained']['torch']}",
        ]
        for arm, found in data.items()
    ]
    figures = "\n\n".join(
        f"![{style(arm).label}: the same 8 latents at generator steps 500, 2,500, 10,000 and the last]"
        f"(figures/full_size_{arm}.png)"
        for arm in data
    )
    nearest = min(data, key=lambda arm: data[arm]["measures"]["swd_reference"])
    distance = data[nearest]["measures"]["swd_reference"]
    answer = f"""Undecided: each arm was trained with one seed (n = 1), and what happened once need not happen
always. Nearest to Pillow's held-out pictures, by the sliced Wasserstein distance, are the samples of
{style(nearest).label}: {distance:.4f}."""
    first = next(iter(data.values()))
    body = f"""## Command

{_COMMANDS}

The first arm was measured by `{command_of(first)}`.
{origin(first["environment"])}

## What came out

Trained by **the PyTorch reference**, parity being shown: the same prepared pictures, initial weights, latents and order
of the data, measured by the same code as the small ablation.

{table(["arm", "steps", *_SHOWN, "trained in"], rows)}

{figures}

## Limits

One seed an arm, one data set.
"""
    return Page(answer, body, {})
