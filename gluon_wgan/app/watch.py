"""The tab Watch: runs that are being trained, their curves, newest sheets, speed and time left."""

import html
import io

import gradio
import numpy as np
from PIL import Image

from gluon_wgan.app.followed import Followed
from gluon_wgan.app.parts import dropdown_of_runs, gallery, told
from gluon_wgan.app.runs import labels_of
from gluon_wgan.errors import UserError
from gluon_wgan.files import as_text
from gluon_wgan.pictures import MEDIAN_WINDOW

_RUNS = 6
_SECONDS = 5  # between two looks
_CURVES = (9, 4)  # inches
_DRAWN = 16  # pictures of them that are kept


def tab(runs):
    """Lay out the tab; return its timer, which looks while it is active."""
    newest = list(runs.folders())[:1]
    info = None if newest else "none yet: `make demo` trains one in some minutes; load the page again then"
    chosen = dropdown_of_runs(runs.folders, value=newest, multiselect=True, max_choices=_RUNS, label="Runs", info=info)
    table = gradio.HTML()
    with gradio.Row():
        curves = gradio.Image(
            label="Curves",
            show_label=False,
            alt_text="curves of the EM estimate over generator steps, each step's and the running median",
            format="png",
            interactive=False,
            buttons=["download", "fullscreen"],
            scale=3,
            min_width=300,
        )
        sheets = gallery("Newest sheets", "sheets", columns=2, scale=2, min_width=300)
    lines = gradio.Textbox(label="Newest lines", lines=12, visible=False)
    followed = {}  # {name: what was read of it so far}
    drawn = {}  # {what was drawn: its picture}, the last few

    def look(chosen):
        """Read how far runs are."""
        chosen = chosen or []
        if len(chosen) > _RUNS:
            raise UserError("Runs", len(chosen), f"{_RUNS} at most")
        looked_at = {name: followed.setdefault(name, Followed(runs.folder(name))) for name in chosen}
        for run in looked_at.values():
            run.look()
        labels = labels_of(chosen)
        shown = [(name, sheet) for name, run in looked_at.items() if (sheet := run.newest()) is not None]
        pictures = [
            (Image.open(sheet).convert("RGB"), f"{labels[name]}, {sheet.stem}")
            for name, sheet in shown
            if sheet.suffix == ".png"
        ]
        texts = [
            f"{labels[name]}, {sheet.stem}\n\n{sheet.read_text()}" for name, sheet in shown if sheet.suffix == ".txt"
        ]
        rows = [[labels[name], *run.row()] for name, run in looked_at.items()]
        seen = str(rows)
        if seen not in drawn:
            if len(drawn) == _DRAWN:
                drawn.clear()
            drawn[seen] = _draw({labels[name]: run.curve for name, run in looked_at.items() if len(run.curve)})
        return _table(rows), drawn[seen], pictures, gradio.Textbox("\n".join(texts), visible=bool(texts))

    timer = gradio.Timer(_SECONDS, active=False)
    outputs = [table, curves, sheets, lines]
    form = {"show_progress": "hidden", "concurrency_limit": 1, "concurrency_id": "watch"}
    timer.tick(told(look), chosen, outputs, api_name="watch", **form)
    chosen.change(told(look), chosen, outputs, api_visibility="private", **form)
    return timer


def _table(rows):
    head = ("run", "generator step", "EM estimate", "steps a second", "")
    body = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table class='runs'><tr>{''.join(f'<th>{cell}</th>' for cell in head)}</tr>{body}</table>"


def _draw(curves):
    """Return a Pillow image of the runs' EM estimates, raw and median-filtered; None of no run."""
    from matplotlib.figure import Figure  # not pyplot: no global state, no display

    if not curves:
        return None
    figure = Figure(figsize=_CURVES, layout="constrained")
    axes = figure.subplots()
    lows, highs = [], []
    for number, (name, curve) in enumerate(curves.items()):
        steps, lowest, highest, medians = curve.lines()
        colour = f"C{number}"
        axes.fill_between(steps, lowest, highest, color=colour, alpha=0.25, linewidth=0.5)
        axes.plot(steps, medians, color=colour, label=as_text(name))
        lows.append(np.percentile(lowest, 0.5))
        highs.append(np.percentile(highest, 99.5))
    axes.set(xlabel="generator step", ylabel="EM distance estimate", ylim=(min(0, *lows), 1.1 * max(highs)))
    axes.set_title(f"each step, and the median of {MEDIAN_WINDOW}", fontsize=10)
    axes.grid(alpha=0.3)
    if len(curves) > 1:
        axes.legend(fontsize=8)
    encoded = io.BytesIO()
    figure.savefig(encoded, format="png", dpi=110)
    return Image.open(encoded)
