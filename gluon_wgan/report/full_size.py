"""The part of the resize report that takes a GPU: the seed documents' size, trained by the PyTorch reference."""

from gluon_wgan.report.arms import style
from gluon_wgan.report.pages import table

_COMMANDS = """```
python experiments/full_size.py pack --arm cv2 --data path/to/lsun --out packed/cv2.npz
python tests/parity/full_size.py --packed packed/cv2.npz --out runs/full-size/cv2     # on the GPU
python experiments/full_size.py measure --run runs/full-size/cv2 --data path/to/lsun
```"""
_SHOWN = ("swd_same", "swd_reference", "spectrum_same", "spectrum_reference", "em_estimate_end")


def section(data):
    """Return the section, Markdown, of reports/data/full_size.json, or of none."""
    text = f"""## At full size

64x64 pixels, 64 channels, 30,000 generator steps take weeks on two cores, and MXNet's wheel has no CUDA. Parity being
shown, the PyTorch reference may stand in on a GPU, minutes an arm: the same prepared pictures, initial weights, latents
and order of the data, measured by the same code.

{_COMMANDS}

"""
    if not data:
        return text + "**Not measured yet**: no GPU was at hand.\n"
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
    return f"""{text}Trained by **the PyTorch reference**, one seed (n = 1): what happened once need not
happen always.

{table(["arm", "steps", *_SHOWN, "trained in"], rows)}

{figures}
"""
