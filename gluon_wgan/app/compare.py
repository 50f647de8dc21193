"""The tab Compare: the same latents through several runs, side by side."""

from pathlib import Path

import gradio
import numpy as np

from gluon_wgan.app.parts import (
    ONE_AT_A_TIME,
    by_networks,
    dropdown_of_runs,
    folder_for_an_answer,
    gallery,
    seed_of_latents,
    whole,
)
from gluon_wgan.app.runs import NEWEST, labels_of
from gluon_wgan.errors import UserError
from gluon_wgan.files import parse_json
from gluon_wgan.models.sampling import load_generator, sample_in_batches
from gluon_wgan.pictures import save_sheet
from gluon_wgan.run_folder import measured_file

_RUNS, _PICTURES = 8, 64


def tab(runs):
    """Lay out the tab."""
    newest = runs.names()[:2]
    info = "the newest checkpoint of each is taken"
    chosen = dropdown_of_runs(runs.names, value=newest, multiselect=True, max_choices=_RUNS, label="Runs", info=info)
    with gradio.Row():
        count = gradio.Slider(1, _PICTURES, value=16, step=1, label="How many of each", scale=2)
        seed = seed_of_latents()
        button = gradio.Button("Compare", variant="primary", scale=1)
    said = gradio.Markdown("The same latents go through each run.")
    sheets = gallery("Sheets", "sheets", columns=3)

    def compare(chosen, count, seed, progress=gradio.Progress()):  # noqa: B008
        """Make the same latents' pictures by several runs."""
        if not chosen or len(chosen) > _RUNS:
            raise UserError("Runs", len(chosen or []), f"1 to {_RUNS}")
        count, seed = whole(count, "How many of each", _PICTURES), int(seed or 0)
        with folder_for_an_answer() as folder:
            made, latents, labels = [], set(), labels_of(chosen)
            for number, name in enumerate(progress.tqdm(chosen, unit="runs")):
                place = runs.checkpoint(name, NEWEST)
                generator, settings, _ = load_generator(place)
                images = np.concatenate(list(sample_in_batches(generator, settings, count, seed)))
                latents.add((settings.latent_numbers, settings.batch_size))
                sheet = save_sheet(Path(folder) / f"{number}-{Path(name).name}.png", images, columns=4)
                made.append((sheet, f"{labels[name]}, {place.name}{_distance(place)}"))
                yield f"{len(made)} of {len(chosen)} runs", gradio.skip()
            alike = "The same place in two sheets is one latent."
            if len(latents) > 1:
                alike = "These runs' latents or batches have other sizes: **the latents are not the same**."
            yield alike, made

    button.click(by_networks(compare), [chosen, count, seed], [said, sheets], api_name="compare", **ONE_AT_A_TIME)


def _distance(checkpoint):
    """Return what `gluon-wgan measure` wrote of a checkpoint, if it did."""
    try:
        found = parse_json(measured_file(checkpoint).read_bytes())["measures"]
        error = 1000 * found["kernel_distance_error"]
        return f"; KID {1000 * found['kernel_distance']:.0f} ± {error:.0f} thousandths"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
