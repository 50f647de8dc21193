"""Reports are rendered from data: a page that the data would not give again is stale."""

import base64
import json
import re
import shutil
from pathlib import Path

import compare
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from gluon_wgan.command import call
from gluon_wgan.errors import UserError
from gluon_wgan.pictures import save_picture
from gluon_wgan.report import index
from gluon_wgan.report.page import Page, as_png, commands_of, table, to_html, write_page
from gluon_wgan.studies import find_studies

REPORTS = Path(__file__).parent.parent / "reports"


def test_a_page_names_each_command_that_measured_once():
    start = json.loads((REPORTS / "data/toy.json").read_text())["constraints"]["starts"][0]
    one, two = ({**start, "command": f"python a.py --part {part}", "started": part} for part in ("one", "two"))
    found = commands_of({"x": {"starts": [two, one]}, "y": {"starts": [one]}})
    assert found.startswith("## Commands\n\n```\npython a.py --part two\npython a.py --part one\n```\n")
    assert found.count("Commit ") == 1  # all of the same code and machine
    assert commands_of({"x": {"starts": [one]}}).startswith("## Command\n\n```\npython a.py --part one\n```\n")
    older = {name: value for name, value in one.items() if name != "command"}
    told = commands_of({"x": {"starts": [older, one]}}, "python a.py")
    assert told.startswith("## Commands\n\n```\npython a.py\npython a.py --part one\n```\n")


def test_results_stand_before_the_command_that_made_them():
    """On every page that has such a section: nothing but the limits comes after it."""
    pages = {file.name: re.findall("^## (.*)", file.read_text(), re.M) for file in REPORTS.glob("*.md")}
    with_commands = {name: heads for name, heads in pages.items() if {"Command", "Commands"} & {*heads}}
    assert len(with_commands) > 12
    for name, (*results, command, last) in with_commands.items():
        assert results and command.startswith("Command") and last == "Limits", name


def test_what_parity_publishes_is_what_the_tests_assert():
    data = json.loads((REPORTS / "data/parity.json").read_text())
    assert data["lockstep_tolerances"] == compare.LOCKSTEP_TOLERANCES
    assert {row["stage"] for row in data["stages"]} == set(compare.TOLERANCES)
    for row in data["stages"]:
        assert row["tolerance"] == compare.TOLERANCES[row["stage"]][row["dtype"]]
        assert 0 <= row["max_rel"] <= row["tolerance"], row
    for name in ("ours hybridized", "ours not hybridized", "ours, epochs cut"):
        rows = data["trajectories"][f"float64, {name}"]
        assert len(rows) == 100
        for measure, allowed in compare.LOCKSTEP_TOLERANCES.items():
            assert 0 <= max(row[measure] for row in rows) <= allowed
    assert [entry["number"] for entry in data["departures"]] == list(range(1, len(data["departures"]) + 1))


def test_html_is_one_page_with_the_text_in_it(tmp_path):
    page = to_html("# A <title>\n\n" + table(["a", "b"], [(1, "x")]), tmp_path)
    assert page.startswith("<!DOCTYPE html>")
    assert "<title>A &lt;title&gt;</title>" in page
    assert "<td>1</td>" in page
    assert "http" not in page  # nothing is fetched
    assert "showModal" in page  # a click shows a figure large


def test_html_holds_its_figures(tmp_path):
    (tmp_path / "figures").mkdir()
    save_picture(tmp_path / "figures/one.png", np.zeros((2, 2, 3), np.uint8))
    page = to_html("# Title\n\n![what it shows](figures/one.png)\n", tmp_path)
    code = base64.b64encode((tmp_path / "figures/one.png").read_bytes()).decode()
    assert f'alt="what it shows" src="data:image/png;base64,{code}"' in page
    with pytest.raises(UserError, match=r"figure: given .*two.png"):
        to_html("# Title\n\n![not drawn](figures/two.png)\n", tmp_path)


def test_nothing_is_stale():
    assert index.stale(find_studies(), REPORTS) == [], "run `make reports`: new data may have changed a verdict"


def test_no_published_data_are_of_a_commit_that_nobody_can_check_out():
    published = list((REPORTS / "data").rglob("*.json"))
    assert len(published) > 100
    assert [file.name for file in published if "-dirty" in file.read_text()] == []


def test_a_page_that_was_changed_is_stale(tmp_path):
    folder = tmp_path / "reports"
    shutil.copytree(REPORTS, folder)
    for file in (folder / "data").glob("*.json"):
        if file.stem not in ("parity", "first_light"):
            file.unlink()  # what was not measured has no page
    call("make_reports", ["--reports", str(folder)])
    (folder / "parity.md").write_text("# By hand\n")
    (folder / "index.md").unlink()
    save_picture(folder / "figures/parity_stages.png", np.zeros((2, 2, 3), np.uint8))
    wrong = ["parity.md", "index.md", "figures/parity_stages.png"]
    before = sorted(folder.rglob("*"))
    with pytest.raises(UserError, match=f"--check: given stale: {', '.join(wrong)}"):
        call("make_reports", ["--check", "--reports", str(folder)])
    assert sorted(folder.rglob("*")) == before
    call("make_reports", ["--reports", str(folder)])
    assert index.stale(find_studies(), folder) == []
    # another matplotlib draws otherwise: then the size counts, and that a figure is there
    (folder / "figures/drawn_by.txt").write_text("matplotlib 1.0\n")
    with Image.open(folder / "figures/parity_stages.png") as figure:
        size = figure.size
    save_picture(folder / "figures/parity_stages.png", np.zeros((size[1] - 2, size[0], 3), np.uint8))
    assert index.stale(find_studies(), folder) == []
    save_picture(folder / "figures/parity_stages.png", np.zeros((size[1] - 3, size[0], 3), np.uint8))
    assert index.stale(find_studies(), folder) == ["figures/parity_stages.png"]
    # the web pages link to each other, and the Markdown pages too
    assert 'href="parity.html"' in (folder / "index.html").read_text()
    assert "](parity.md)" in (folder / "index.md").read_text()


def test_the_readmes_speeds_are_rendered_and_stale_too(tmp_path):
    (tmp_path / "reports/data").mkdir(parents=True)
    shutil.copy(REPORTS / "data/benchmark.json", tmp_path / "reports/data")
    speeds = (REPORTS.parent / "README.md").read_text().partition("<!-- speeds")[2]
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n<!-- speeds{speeds}".replace("seconds a step", "a row by hand"))
    with pytest.raises(UserError, match=r"--check: given stale: index.md, README.md"):
        call("make_reports", ["--check", "--reports", str(tmp_path / "reports")])
    call("make_reports", ["--reports", str(tmp_path / "reports")])
    assert readme.read_text() == f"before\n<!-- speeds{speeds}"


def test_a_folder_without_data_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"--reports: given .*no data/ in it"):
        call("make_reports", ["--reports", str(tmp_path)])


def test_a_figure_is_small_and_has_its_colours(tmp_path):
    figure = Figure(figsize=(4, 3))
    figure.subplots().plot([0, 1], [0, 1], color="#D55E00", linewidth=5)
    write_page(tmp_path, "page", "# Title\n\n![line](figures/line.png)\n", Page("", "", {"line": figure}))
    with Image.open(tmp_path / "figures/line.png") as image:
        assert image.mode == "P"
        pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
    assert (np.abs(pixels - [0xD5, 0x5E, 0x00]).max(axis=1) <= 4).sum() > 500  # the line itself
    assert as_png(figure) == (tmp_path / "figures/line.png").read_bytes()


def test_committed_figures_are_small():
    kept = [file for file in (REPORTS / "figures").rglob("*.png") if file.stat().st_size > 300_000]
    assert kept == []
