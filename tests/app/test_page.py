"""The page as people use it, in a browser: what it shows is what the commands make."""

import io
import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image
from served_page import Server, opened

from gluon_wgan.run_folder import measured_file
from gluon_wgan.tools.generate import generate

pytest_plugins = ["served_page"]  # the fixtures: runs, their page, a browser


def choose(page, label, value):
    """Choose in the visible dropdown of a label, as with the keyboard."""
    box = page.get_by_label(label).locator("visible=true").first
    box.click()
    page.get_by_role("option", name=value, exact=True).locator("visible=true").first.click()


def open_tab(page, name):
    """Open a tab; a narrow page keeps some of them behind a button."""
    tab = page.get_by_role("tab", name=name)
    if page.viewport_size["width"] > 600 or tab.is_visible():
        tab.click()
    else:
        page.locator(".overflow-menu > button").click()
        page.locator(".overflow-dropdown button", has_text=name).click()


def press(page, name):
    page.get_by_role("button", name=name, exact=True).locator("visible=true").click()


def text_in(page, label):
    """Return what stands in the visible text field of a label."""
    return page.locator(".block", has_text=label).locator("textarea").locator("visible=true").last.input_value()


def content_of(page, image):
    """Return the bytes of a picture that the page shows."""
    image.wait_for()
    return page.request.get(image.get_attribute("src")).body()


def downloaded(page, name):
    with page.expect_download() as waiting:
        page.get_by_role("button", name=name).click()
    return waiting.value.path().read_bytes()


def test_generate_shows_what_the_command_makes(page, folder, tmp_path):
    choose(page, "Run", "gan-pil")
    page.get_by_label("Seed").first.fill("7")
    page.get_by_role("spinbutton", name="How many").fill("9")
    press(page, "Generate")
    page.get_by_text("9 pictures of gan-pil, step_0000003").wait_for()
    shown = page.locator(".many img")
    single = generate(folder / "runs/gan-pil", "pictures", 9, None, 7, tmp_path)
    assert [content_of(page, shown.nth(number)) for number in range(9)] == [
        file.read_bytes() for file in sorted(single.iterdir())
    ]
    sheet = generate(folder / "runs/gan-pil", "grid", 9, None, 7, tmp_path)
    assert downloaded(page, "One sheet") == sheet.read_bytes()
    with zipfile.ZipFile(io.BytesIO(downloaded(page, "Single pictures"))) as archive:
        assert [archive.read(name) for name in archive.namelist()] == [
            file.read_bytes() for file in sorted(single.iterdir())
        ]
    # and the command it names makes them
    words = text_in(page, "The command that makes the same").split()
    assert words[:3] == ["gluon-wgan", "generate", "runs/gan-pil/checkpoints/step_0000003"]
    command = [sys.executable, ROOT / "experiments/generate.py", *words[2:], "--out", tmp_path / "again"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
    (made,) = (tmp_path / "again").iterdir()
    assert [file.read_bytes() for file in sorted(made.iterdir())] == [
        file.read_bytes() for file in sorted(single.iterdir())
    ]
    page.screenshot(path=tmp_path / "generate.png", full_page=True)


def test_with_nothing_trained_it_shows_the_zoo(chromium, tmp_path):
    server = Server(tmp_path)
    try:
        for page in opened(chromium, server, 1200):
            choose(page, "Run", "zoo:rooms-64")
            press(page, "Generate")
            page.get_by_text("64 pictures of rooms-64").wait_for()
            assert downloaded(page, "One sheet") == generate("zoo:rooms-64", "grid", 64, None, 0, tmp_path).read_bytes()
            assert text_in(page, "The command that makes the same").startswith("gluon-wgan generate zoo:rooms-64 ")
            open_tab(page, "Watch")
            page.get_by_text("none yet").wait_for()
            page.screenshot(path=tmp_path / "zoo.png", full_page=True)
    finally:
        assert server.close()[0] == 0


def test_a_checkpoint_and_the_spread_are_chosen(page, folder, tmp_path):
    choose(page, "Run", "gan-cv2")
    page.wait_for_timeout(500)  # the checkpoints follow the run
    choose(page, "Checkpoint", "step_0000001")
    page.get_by_role("spinbutton", name="Spread of the latents").fill("0.5")
    page.get_by_label("gathered in training").check()
    press(page, "Generate")
    page.get_by_text("64 pictures of gan-cv2, step_0000001").wait_for()
    place = folder / "runs/gan-cv2/checkpoints/step_0000001"
    sheet = generate(place, "grid", 64, "running", 0, tmp_path, 0.5)
    assert downloaded(page, "One sheet") == sheet.read_bytes()


def test_a_label_is_chosen_where_a_run_has_labels(page, folder, tmp_path):
    choose(page, "Run", "gan-pil")
    page.wait_for_timeout(500)
    assert page.get_by_label("Label", exact=True).locator("visible=true").count() == 0
    choose(page, "Run", "labels")
    page.get_by_label("Label", exact=True).locator("visible=true").wait_for()
    choose(page, "Label", "3")
    press(page, "Generate")
    page.get_by_text("64 pictures of labels, step_0000003").wait_for()
    sheet = generate(folder / "runs/labels", "grid", 64, None, 0, tmp_path, label=3)
    assert downloaded(page, "One sheet") == sheet.read_bytes()
    assert text_in(page, "The command that makes the same").endswith(" --label 3")
    open_tab(page, "Walk")
    choose(page, "Run", "labels")
    page.get_by_label("Label", exact=True).locator("visible=true").wait_for()
    choose(page, "Label", "2")
    press(page, "Walk")
    made = generate(folder / "runs/labels", "animation", 64, None, 0, tmp_path, label=2)
    film = page.get_by_alt_text("pictures of a walk in turn")
    assert content_of(page, film) == made.read_bytes()


def test_a_language_model_shows_lines(page, folder, tmp_path):
    choose(page, "Run", "text")
    press(page, "Generate")
    page.get_by_text("64 lines of text, step_0000001").wait_for()
    lines = generate(folder / "runs/text", "grid", 64, None, 0, tmp_path).read_text()
    assert text_in(page, "Lines") == lines.rstrip("\n")


def test_a_slow_generator_shows_progress_and_can_be_stopped(page):
    choose(page, "Run", "slow")
    page.get_by_role("spinbutton", name="How many").fill("256")
    press(page, "Generate")
    page.get_by_text("of 256 pictures").first.wait_for()
    press(page, "Stop")
    page.get_by_text("Stopped.").wait_for()
    # and the next request is served at once
    choose(page, "Run", "gan-pil")
    press(page, "Generate")
    page.get_by_text("256 pictures of gan-pil").wait_for(timeout=10000)


def test_walk_plays_and_goes_by_hand(page, folder, tmp_path):
    open_tab(page, "Walk")
    choose(page, "Run", "gan-pil")
    page.get_by_label("Seed").locator("visible=true").fill("3")
    press(page, "Walk")
    film = page.get_by_alt_text("pictures of a walk in turn")
    made = generate(folder / "runs/gan-pil", "animation", 64, None, 3, tmp_path)
    assert content_of(page, film) == made.read_bytes()
    still = page.get_by_alt_text("one picture of the walk")

    def shown():
        with Image.open(io.BytesIO(content_of(page, still))) as picture:
            return np.asarray(picture.convert("RGB"))

    with Image.open(made) as pictures:
        frames = []
        for number in (0, 2):
            pictures.seek(number)
            frames.append(np.asarray(pictures.convert("RGB")))
    assert np.array_equal(shown(), frames[0])
    before = still.get_attribute("src")
    slider = page.get_by_role("slider", name="By hand: picture")
    slider.focus()
    slider.press("ArrowRight")
    slider.press("ArrowRight")
    page.wait_for_function("before => document.querySelector('img[alt^=one]').src != before", arg=before)
    page.wait_for_timeout(1000)
    assert np.array_equal(shown(), frames[1])


def test_similar_finds_a_dropped_training_picture(page, folder):
    open_tab(page, "Similar")
    choose(page, "Run", "gan-pil")
    page.locator("input[type=file]").set_input_files(folder / "pictures/7.png")
    page.get_by_role("button", name="Remove").or_(page.get_by_label("Remove Image")).first.wait_for()
    press(page, "Search")
    page.wait_for_function("[...document.querySelectorAll('textarea')].some(area => area.value.includes('7.png (0)'))")


def test_similar_searches_for_samples(page):
    open_tab(page, "Similar")
    choose(page, "Run", "gan-pil")
    press(page, "Search")
    sheet = page.get_by_alt_text("a row for each picture that was looked for: it, and the five nearest")
    with Image.open(io.BytesIO(content_of(page, sheet))) as picture:
        assert picture.size == ((6 * 18 - 2) * 8, (8 * 18 - 2) * 8)


def test_compare_shows_the_same_latents_and_the_kid_that_was_measured(page, folder, tmp_path):
    found = {"measures": {"kernel_distance": 0.155, "kernel_distance_error": 0.004}}
    file = measured_file(folder / "runs/gan-pil/checkpoints/step_0000003")
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(found))
    open_tab(page, "Compare")
    page.get_by_title("Clear").locator("visible=true").click()  # what is chosen at first
    for name in ("gan-pil", "gan-cv2"):
        choose(page, "Runs", name)
    page.keyboard.press("Escape")
    press(page, "Compare")
    page.get_by_text("pil, step_0000003; KID 155 ± 4 thousandths").wait_for()
    page.get_by_text("cv2, step_0000003", exact=True).wait_for()
    sheets = page.locator(".sheets img").locator("visible=true")
    for number, name in enumerate(("gan-pil", "gan-cv2")):
        expected = generate(folder / "runs" / name, "pictures", 16, None, 0, tmp_path / name)
        with Image.open(io.BytesIO(content_of(page, sheets.nth(number)))) as sheet:
            first = np.asarray(sheet)[:128:8, :128:8]
        with Image.open(expected / "000000.png") as picture:
            assert np.array_equal(first, np.asarray(picture))


def test_watch_follows_a_run_that_is_being_trained(page, trained_meanwhile):
    page.reload()
    open_tab(page, "Watch")
    clear = page.get_by_title("Clear").locator("visible=true")
    if clear.count():
        clear.click()
    choose(page, "Runs", trained_meanwhile)
    cell = page.locator("td", has_text="of 100,000")
    cell.wait_for()
    before = cell.inner_text()
    page.wait_for_function(
        "before => [...document.querySelectorAll('td')].some(cell => cell.innerText.includes('of 100,000')"
        " && cell.innerText != before)",
        arg=before,
    )
    page.locator("td", has_text="training, ").wait_for()
    page.get_by_alt_text("curves of the EM estimate over generator steps").wait_for()
    page.locator(".sheets img").locator("visible=true").first.wait_for()


def test_the_keyboard_alone_reaches_every_control(page):
    page.locator("body").focus()
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "() => { const it = document.activeElement; const label = it.closest('label');"
                " return it.getAttribute('aria-label') || (label && label.innerText) || it.innerText || '' }"
            ).strip()
        )
    wanted = [
        "Run",
        "Checkpoint",
        "Seed",
        "How many",
        "Spread of the latents",
        "as the run's samples",
        "Generate",
        "Stop",
    ]
    assert [name for name in wanted if not any(name in each for each in reached)] == []
    choose(page, "Run", "gan-pil")
    page.get_by_role("button", name="Generate", exact=True).focus()
    page.keyboard.press("Enter")
    page.get_by_text("64 pictures of").wait_for()


@pytest.mark.parametrize("name", ["Generate", "Walk", "Similar", "Compare", "Watch"])
def test_a_telephone_shows_all_of_it(narrow, name):
    open_tab(narrow, name)
    narrow.wait_for_timeout(500)
    assert narrow.evaluate("document.documentElement.scrollWidth") <= 400
    wide = narrow.evaluate(
        "() => [...document.querySelectorAll('button, input, textarea, img')].filter(it => it.offsetParent &&"
        " !(it.tabIndex < 0 && it.tagName == 'BUTTON') && it.getBoundingClientRect().right > 401)"
        ".map(it => it.outerHTML.slice(0, 120))"
    )
    assert wide == []
