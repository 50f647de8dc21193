"""The site that `make docs` builds by Sphinx: README, recipes, reports, API. Its pages stay where they lie."""

import importlib
from pathlib import Path

project = "gluon_wgan"
html_title = "gluon_wgan"
root_doc = "README"
include_patterns = ["*.md", "docs/**.md", "reports/*.md"]
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 3
html_theme = "furo"
html_show_sourcelink = False
napoleon_google_docstring = False
default_role = "code"  # of `this`
suppress_warnings = ["myst.xref_missing"]  # of anchors that a page has as <a id>; tests/docs follows each link
autodoc_member_order = "bysource"

_PAGES = (
    "中文 <README.zh>",
    "docs/api",
    "reports/index",
    "docs/cluster/README",
    "docs/debian13",
    "CONTRIBUTING",
    "CHANGELOG",
)
# The rooms that README promises people who use them from their own code.
_ROOMS = ("resize", "data", "rmsprop", "lipschitz", "layers", "models", "interop", "evaluate", "zoo")


def setup(app):
    """Give the front page its table of contents, and the API's page its rooms."""
    app.connect("source-read", _add)
    app.connect("autodoc-process-docstring", _escape, priority=0)


def _escape(app, what, name, thing, options, lines):
    """Let |x| and a * b be what they are: docstrings are no reStructuredText beyond numpydoc's sections."""
    lines[:] = [line.replace("|", "\\|").replace("*", "\\*") for line in lines]


def _add(app, name, source):
    if name == "README":
        source[0] += "\n".join(["", "```{toctree}", ":hidden:", "", *_PAGES, "```"])
    if name == "docs/api":
        source[0] += "\n".join(map(_room, _ROOMS))
    if name == "reports/index":
        pages = sorted(path.stem for path in Path(app.srcdir, "reports").glob("*.md") if path.stem != "index")
        source[0] += "\n".join(["", "```{toctree}", ":hidden:", "", *pages, "```"])


def _room(name):
    module = importlib.import_module(f"gluon_wgan.{name}")
    lines = [f"\n## gluon_wgan.{name}\n", module.__doc__, "```{eval-rst}"]
    own = [each for each, found in vars(module).items() if getattr(found, "__module__", None) == module.__name__]
    for each in getattr(module, "__all__", [each for each in own if not each.startswith("_")]):
        found = getattr(module, each)
        kind = "class" if isinstance(found, type) else "function"
        lines += [f".. auto{kind}:: gluon_wgan.{name}.{each}", *(["   :members:"] if kind == "class" else [])]
    return "\n".join([*lines, "```", ""])
