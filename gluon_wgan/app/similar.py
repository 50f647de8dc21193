"""The tab Similar: the training pictures that samples, or a picture of the user's, are most like."""

import gradio

from gluon_wgan.app.parts import ONE_AT_A_TIME, by_networks, choose_run, folder_for_an_answer, seed_of_latents, whole
from gluon_wgan.tools.similar import SimilarFlags, as_text, similar

_MOST = 64
_BY = {"pixels": "pixels", "what a trained network sees": "features"}


def tab(runs, data, cache_dir):
    """Lay out the tab."""
    run, checkpoint = choose_run(runs)
    with gradio.Row():
        with gradio.Column(scale=1, min_width=260):
            by = gradio.Radio(list(_BY), value="pixels", label="Alike by")
            count = gradio.Slider(1, _MOST, value=8, step=1, label="Samples")
            seed = seed_of_latents()
            query = gradio.Image(
                label="Or a picture of yours", type="filepath", sources=["upload", "clipboard"], height=180
            )
            button = gradio.Button("Search", variant="primary")
        with gradio.Column(scale=3, min_width=300):
            gradio.Markdown("Left, the sample or your picture; then the training pictures most like it, nearest first.")
            sheet = gradio.Image(
                label="Sheet",
                show_label=False,
                alt_text="a row for each picture that was looked for: it, and the five nearest",
                type="filepath",
                interactive=False,
                elem_classes="sharp",
                buttons=["download", "fullscreen"],
            )
            said = gradio.Textbox(label="Names and distances", lines=10, buttons=["copy"])

    def search(run, checkpoint, by, count, seed, query, progress=gradio.Progress(track_tqdm=True)):  # noqa: B008
        """Find the training pictures most like samples or a picture."""
        place, count = runs.checkpoint(run, checkpoint), whole(count, "Samples", _MOST)
        with folder_for_an_answer() as folder:
            flags = SimilarFlags(str(place), data, query, _BY[by], count, int(seed or 0), cache_dir, folder)
            found, file = similar(flags)
            yield str(file), as_text(found)

    inputs = [run, checkpoint, by, count, seed, query]
    button.click(by_networks(search), inputs, [sheet, said], api_name="similar", **ONE_AT_A_TIME)
