"""The tab Walk: from one latent to the next, as a film, and by hand."""

import functools
import io
import shlex
from pathlib import Path

import gradio
from PIL import Image, ImageSequence

from gluon_wgan import zoo
from gluon_wgan.app.parts import (
    MOST,
    ONE_AT_A_TIME,
    by_networks,
    choose_label,
    choose_run,
    folder_for_an_answer,
    label_in,
    seed_of_latents,
    whole,
    words_of_label,
)
from gluon_wgan.checkpoint import open_checkpoint
from gluon_wgan.models.sampling import require_pictures
from gluon_wgan.tools.generate import generate

_FRAMES = 64


def tab(runs):
    """Lay out the tab."""
    run, checkpoint = choose_run(runs)
    with gradio.Row():
        with gradio.Column(scale=1, min_width=260):
            seed = seed_of_latents()
            label = choose_label(runs, run)
            frames = gradio.Slider(16, MOST, value=_FRAMES, step=16, label="Pictures", info="a new latent each 16")
            button = gradio.Button("Walk", variant="primary")
        with gradio.Column(scale=3, min_width=300):
            with gradio.Row():
                film = _picture("Film", "pictures of a walk in turn", type="filepath")
                still = _picture("By hand", "one picture of the walk", format="png")
            place = gradio.Slider(1, _FRAMES, value=1, step=1, label="By hand: picture")
            command = gradio.Textbox(label="The command that makes the film", buttons=["copy"], lines=2)

    def walk(run, checkpoint, seed, frames, label=None):
        """Make a film of a walk between latents."""
        source, seed, frames = runs.checkpoint(run, checkpoint), int(seed or 0), whole(frames, "Pictures", MOST)
        label = label_in(label)
        content, pictures = _walked(source, seed, frames, label)
        words = ["gluon-wgan", "generate", zoo.shown(source), "--kind", "animation"]
        words += ["--count", str(frames), "--seed", str(seed), *words_of_label(label)]
        with folder_for_an_answer() as folder:
            file = Path(folder) / f"{source.parent.parent.name}-{source.name}-seed{seed}.webp"
            file.write_bytes(content)
            yield str(file), gradio.Slider(1, frames, value=1), pictures[0], shlex.join(words)

    def go(run, checkpoint, seed, frames, place, label=None):
        """Show one picture of a walk."""
        frames = whole(frames, "Pictures", MOST)
        pictures = _walked(runs.checkpoint(run, checkpoint), int(seed or 0), frames, label_in(label))[1]
        yield pictures[whole(place, "By hand", frames) - 1]

    inputs = [run, checkpoint, seed, frames]
    button.click(by_networks(walk), [*inputs, label], [film, place, still, command], api_name="walk", **ONE_AT_A_TIME)
    # as long as the slider moves, only its last place is answered
    place.input(
        by_networks(go),
        [*inputs, place, label],
        still,
        api_name="walk_to",
        show_progress="hidden",
        trigger_mode="always_last",
        **ONE_AT_A_TIME,
    )


def _picture(label, alt_text, **form):
    return gradio.Image(
        label=label,
        alt_text=alt_text,
        interactive=False,
        height=340,
        elem_classes=["sharp", "walk"],
        buttons=["download"],
        **form,
    )


@functools.lru_cache(maxsize=4)
def _walked(source, seed, frames, label):
    """Return the bytes of a film, and its pictures."""
    require_pictures(open_checkpoint(source)[1])
    with folder_for_an_answer() as folder:
        content = generate(source, "animation", frames, None, seed, folder, label=label).read_bytes()
    with Image.open(io.BytesIO(content)) as film:
        return content, [frame.convert("RGB") for frame in ImageSequence.Iterator(film)]
