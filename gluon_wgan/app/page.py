"""The page: its tabs, and how it is served."""

import gradio

from gluon_wgan.app import compare, generate, similar, walk, watch
from gluon_wgan.errors import UserError

_STYLE = """
.sharp img { image-rendering: pixelated; }
.walk img { width: 100%; height: 100%; object-fit: contain; }
.sharp .grid-wrap { max-height: none !important; }
.many .grid-container { grid-template-columns: repeat(auto-fill, minmax(min(100px, 22%), 1fr)) !important; gap: 4px; }
.many .thumbnail-item { width: 100%; height: auto; border: none; border-radius: 0; }
.sheets .thumbnail-item { height: auto; aspect-ratio: auto; }
.sheets .caption-label { position: static; max-width: none; white-space: normal; text-align: left; }
.runs td, .runs th { text-align: left; padding: 4px 12px !important; }
.runs td + td, .runs th + th { white-space: nowrap; }
footer { display: none !important; }
"""
_FONTS = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}  # none of the network
_UPLOAD = "8mb"
_WAITING = 64  # requests
_THREADS = 4  # each keeps some megabytes of what it once did
_CLEANED_EACH, _KEPT_FOR = 300, 1800  # seconds: the pictures of answers


def build(runs, data, cache_dir):
    """Return the page of some runs, a gradio.Blocks.

    Parameters
    ----------
    runs : gluon_wgan.app.runs.Runs
    data : str or None
        Where the training pictures lie, for the tab Similar; None for where each run found them.
    cache_dir : str
        Of the prepared pictures.
    """
    with gradio.Blocks(
        title="gluon-wgan", analytics_enabled=False, delete_cache=(_CLEANED_EACH, _KEPT_FOR), fill_width=True
    ) as page:
        gradio.Markdown("# Look at your runs")
        with gradio.Tabs() as tabs:
            with gradio.Tab("Generate"):
                generate.tab(runs)
            with gradio.Tab("Walk"):
                walk.tab(runs)
            with gradio.Tab("Similar"):
                similar.tab(runs, data, cache_dir)
            with gradio.Tab("Compare"):
                compare.tab(runs)
            with gradio.Tab("Watch"):
                timer = watch.tab(runs)

        def switch(event: gradio.SelectData):
            return gradio.Timer(active=event.value == "Watch")

        tabs.select(switch, None, timer, show_progress="hidden", api_visibility="private")
    return page.queue(max_size=_WAITING)


def serve(page, port):
    """Serve a page on this machine alone; return its address. It runs in a thread of its own until `page.close()`.

    Raises
    ------
    UserError
        If the port is taken.
    """
    try:
        _, address, _ = page.launch(
            server_name="127.0.0.1",
            server_port=port,
            share=False,
            quiet=True,
            prevent_thread_lock=True,
            max_threads=_THREADS,
            max_file_size=_UPLOAD,
            theme=gradio.themes.Default(**_FONTS),
            css=_STYLE,
            run_history=False,
            enable_monitoring=False,
            ssr_mode=False,
            mcp_server=False,
            pwa=False,
        )
    except OSError as error:
        raise UserError("--port", f"{port or '7860 to 7959'} (in use)", "a port that is free") from error
    return address
