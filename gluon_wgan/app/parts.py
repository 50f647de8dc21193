"""What the tabs share: the choice of a run, files as long as an answer needs them, errors as messages on the page."""

import concurrent.futures
import contextlib
import contextvars
import functools
import logging
import tempfile

import gradio

from gluon_wgan.app.runs import NEWEST
from gluon_wgan.errors import NotFiniteError, UserError

log = logging.getLogger(__name__)

MOST = 256  # pictures at once
ALL = "all in turn"  # of the labels
# of all that networks work for
ONE_AT_A_TIME = {"concurrency_limit": 1, "concurrency_id": "networks"}


def dropdown_of_runs(names, **form):
    """Return a dropdown of runs; `names()` returns theirs, and is asked again when the page is loaded again."""
    dropdown = gradio.Dropdown(list(names()), **form)
    gradio.on(
        fn=lambda: gradio.Dropdown(list(names())),
        outputs=dropdown,
        show_progress="hidden",
        api_visibility="private",
    )
    return dropdown


def choose_run(runs):
    """Lay out a row of two dropdowns, of a run and of its checkpoints, which follow it; return them."""
    newest = runs.names()[0]
    with gradio.Row():
        run = dropdown_of_runs(runs.names, value=newest, label="Run", scale=3, min_width=280)
        checkpoint = gradio.Dropdown(
            [NEWEST, *runs.checkpoints(newest)],
            value=NEWEST,
            label="Checkpoint",
            allow_custom_value=True,
            scale=1,
            min_width=200,
        )

    def follow(name):
        return gradio.Dropdown([NEWEST, *runs.checkpoints(name)], value=NEWEST)

    run.change(told(follow), run, checkpoint, show_progress="hidden", api_visibility="private")
    return run, checkpoint


def choose_label(runs, run, *others):
    """Lay out the choice of a label, or of one of some others, for runs with labels; it follows the run; return it."""

    def fitting(name):
        classes = runs.classes(name)
        choices = [*others, *map(str, range(classes))]
        return {"choices": choices, "value": choices[0] if choices else None, "visible": classes > 0}

    label = gradio.Dropdown(**fitting(runs.names()[0]), label="Label", allow_custom_value=True)
    follow = told(lambda name: gradio.Dropdown(**fitting(name)))
    run.change(follow, run, label, show_progress="hidden", api_visibility="private")
    return label


def label_in(field):
    """Return the label in the field of `choose_label`, an int; None for all, or none."""
    if field in (None, ALL):
        return None
    if not field.isdecimal():
        raise UserError("Label", repr(field), f"{ALL}, or a number")
    return int(field)


def words_of_label(label):
    """Return the words by which `gluon-wgan generate` draws a label, or all."""
    return [] if label is None else ["--label", str(label)]


def seed_of_latents():
    """Return the field of a seed."""
    return gradio.Number(0, label="Seed", precision=0, minimum=0, maximum=2**31 - 1)


def gallery(label, kind, **form):
    """Return a gallery of pictures that stay sharp: "many" small ones, or "sheets" with what they are below them."""
    return gradio.Gallery(
        label=label,
        show_label=False,
        object_fit="contain",
        height="auto",
        elem_classes=["sharp", kind],
        format="png",
        buttons=["download", "fullscreen"],
        **form,
    )


def told(function):
    """Let what a user did wrong, or what the disk did, be a message on the page; the log has the rest."""

    @functools.wraps(function)
    def wrapped(*arguments):
        with _messages():
            return function(*arguments)

    return wrapped


def by_networks(function):
    """As `told`, of a generator function that lets networks work: it runs on one thread, the same for all.

    MXNet keeps some megabytes of every thread that it worked on when that ends, 7 of a small generator, and gradio's
    threads come and go.
    """

    @functools.wraps(function)
    def wrapped(*arguments):
        answers, context = (
            function(*arguments),
            contextvars.copy_context(),
        )  # with which gradio knows whose progress it is
        try:
            while True:
                with _messages():
                    answer = _THREAD.submit(context.run, next, answers, _END).result()
                if answer is _END:
                    return
                yield answer
        finally:
            _THREAD.submit(answers.close)  # when it is stopped too

    return wrapped


_THREAD = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="networks")
_END = object()


@contextlib.contextmanager
def _messages():
    try:
        yield
    except (UserError, NotFiniteError, OSError, MemoryError) as error:
        raise gradio.Error(str(error) or "not enough memory", print_exception=False) from error
    except Exception as error:
        log.exception("the page failed")
        said = "This should not have happened; the terminal has the details."
        raise gradio.Error(said, print_exception=False) from error


def folder_for_an_answer():
    """Return a temporary folder, a context manager; the page copies the files in it when the answer is given."""
    return tempfile.TemporaryDirectory(prefix="gluon-wgan-view-")


def whole(value, what, most):
    """Return a number from a field of the page as an int; raises UserError unless it is whole, 1 to `most`."""
    if value is None or value != int(value) or not 1 <= value <= most:
        raise UserError(what, value, f"a whole number from 1 to {most}")
    return int(value)
