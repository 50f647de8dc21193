"""The tab Generate: pictures, or lines, of a run, and the command that makes the same."""

import shlex
import zipfile
from pathlib import Path

import gradio
import numpy as np

from gluon_wgan import zoo
from gluon_wgan.app.parts import (
    ALL,
    MOST,
    ONE_AT_A_TIME,
    by_networks,
    choose_label,
    choose_run,
    folder_for_an_answer,
    gallery,
    label_in,
    seed_of_latents,
    whole,
    words_of_label,
)
from gluon_wgan.models.sampling import load_generator, read_alphabet, sample_in_batches, sample_lines
from gluon_wgan.pictures import save_picture, save_sheet, to_uint8

_STATISTICS = {"as the run's samples": None, "of these pictures": "batch", "gathered in training": "running"}


def tab(runs):
    """Lay out the tab."""
    run, checkpoint = choose_run(runs)
    with gradio.Row():
        with gradio.Column(scale=1, min_width=260):
            seed = seed_of_latents()
            label = choose_label(runs, run, ALL)
            count = gradio.Slider(1, MOST, value=64, step=1, label="How many")
            spread = gradio.Slider(0.1, 2, value=1, step=0.1, label="Spread of the latents", info="less: more alike")
            statistics = gradio.Radio(list(_STATISTICS), value=next(iter(_STATISTICS)), label="BatchNorm's statistics")
            with gradio.Row():
                button = gradio.Button("Generate", variant="primary", min_width=120)
                stop = gradio.Button("Stop", min_width=80)
        with gradio.Column(scale=3, min_width=300):
            said = gradio.Markdown("Choose a run, and press *Generate*. A click on a picture enlarges it.")
            pictures = gallery("Pictures", "many")
            lines = gradio.Textbox(label="Lines", lines=20, visible=False, buttons=["copy"])
            with gradio.Row():
                sheet = gradio.DownloadButton("One sheet (PNG)", interactive=False)
                archive = gradio.DownloadButton("Single pictures (zip)", interactive=False)
            command = gradio.Textbox(label="The command that makes the same", buttons=["copy"], lines=2)

    def generate(run, checkpoint, seed, count, spread, statistics, label=None, progress=gradio.Progress()):  # noqa: B008
        """Make pictures of a run."""
        place = runs.checkpoint(run, checkpoint)
        count, seed, bn_mode = whole(count, "How many", MOST), int(seed or 0), _STATISTICS[statistics]
        generator, settings, _ = load_generator(place)
        words = ["gluon-wgan", "generate", zoo.shown(place), "--count", str(count), "--seed", str(seed)]
        if settings.generator == "text":
            made = sample_lines(generator, settings, read_alphabet(place.parent.parent, settings), count, seed)
            text = gradio.Textbox("\n".join(made), visible=True)
            nothing = gradio.DownloadButton(interactive=False)
            yield _made(count, "lines", place), gradio.Gallery(visible=False), text, nothing, nothing, shlex.join(words)
            return
        words += ["--kind", "pictures", "--bn-mode", bn_mode or settings.bn_mode, "--spread", f"{spread:g}"]
        label = label_in(label)
        words += words_of_label(label)
        made = []
        for images in sample_in_batches(generator, settings, count, seed, bn_mode, spread, label):
            made.append(images)
            ready = sum(map(len, made))
            progress((ready, count), unit="pictures")
            yield f"{ready} of {count} pictures", *[gradio.skip()] * 4, shlex.join(words)  # here a stop takes hold
        with folder_for_an_answer() as folder:
            name = f"{place.parent.parent.name}-{place.name}-seed{seed}"
            single, one, all_of_them = _write(Path(folder), name, np.concatenate(made))
            yield (
                _made(count, "pictures", place),
                gradio.Gallery(single, visible=True),
                gradio.Textbox(visible=False),
                gradio.DownloadButton(value=one, interactive=True),
                gradio.DownloadButton(value=all_of_them, interactive=True),
                shlex.join(words),
            )

    inputs = [run, checkpoint, seed, count, spread, statistics, label]
    outputs = [said, pictures, lines, sheet, archive, command]
    event = button.click(
        by_networks(generate), inputs, outputs, api_name="generate", show_progress_on=said, **ONE_AT_A_TIME
    )
    form = {"queue": False, "api_visibility": "private"}
    stopped = stop.click(lambda: None, None, None, cancels=event, **form)
    stopped.then(lambda: "Stopped.", None, said, **form)  # after the last progress, which may be on its way


def _made(count, what, place):
    return f"{count} {what} of {place.parent.parent.name}, {place.name}"


def _write(folder, name, images):
    """Write single pictures, a sheet, and an archive of the single ones; return their paths."""
    pictures = []
    for number, pixels in enumerate(to_uint8(images)):
        pictures.append(folder / f"{number:06d}.png")
        save_picture(pictures[-1], pixels)
    sheet = save_sheet(folder / f"{name}.png", images)
    archive = folder / f"{name}.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for picture in pictures:
            file.write(picture, f"{name}/{picture.name}")
    return pictures, sheet, archive
