"""Small runs, the page served of them as people serve it, and a browser that looks at it."""

import re
import shutil
import subprocess
import sys
import time

import pytest
from conftest import ROOT, encode, make_picture

from gluon_wgan.command import call

SMALL = "--image-size 16 --generator-channels 4 --critic-channels 4 --batch-size 8 --latent-dim 5 --hold-out"
FEW = "--n-critic 1 --n-critic-boost 1 --generator-steps 3 --checkpoint-every 1"
# 64 batches make 256 pictures: time to stop
SLOW = "--image-size 64 --generator-channels 64 --critic-channels 2 --batch-size 4 --n-critic 1 --n-critic-boost 1"


def train(folder, name, *flags):
    """Train a run on the fixture's pictures."""
    call("train", [*flags, "--out", str(folder / "runs" / name), "--cache-dir", str(folder / "cache")])
    return folder / "runs" / name


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Return a folder with pictures/ and runs/: gan-pil and gan-cv2 of 3 steps, labels, lines of text, a slow one."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "pictures").mkdir()
    for index in range(60):
        (folder / "pictures" / f"{index}.png").write_bytes(encode(make_picture(index, 20, 20)))
    data = ["--data", str(folder / "pictures")]
    for resize in ("pil", "cv2"):
        train(folder, f"gan-{resize}", *SMALL.split(), *FEW.split(), *data, "--resize", resize)
    train(folder, "slow", *SLOW.split(), "--generator-steps", "1", *data)
    records = [bytes([index % 4, *make_picture(index, 32, 32).transpose(2, 0, 1).tobytes()]) for index in range(24)]
    (folder / "cifar").mkdir()
    (folder / "cifar/data_batch_1.bin").write_bytes(b"".join(records))
    train(folder, "labels", *SMALL.split(), *FEW.split(), "--classes", "4", "--data", str(folder / "cifar"))
    text = "--preset wgan-gp-text --generator-channels 4 --critic-channels 4 --batch-size 4 --n-critic 1"
    train(folder, "text", *text.split(), "--generator-steps", "1")
    return folder


class Server:
    """`gluon-wgan view` in a process of its own.

    Parameters
    ----------
    folder : pathlib.Path
        Where it runs; it shows runs/ there, if it is there.
    """

    def __init__(self, folder):
        self.log = folder / "view.log"
        command = [sys.executable, str(ROOT / "experiments/view.py"), "--cache-dir", "cache"]
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(command, cwd=folder, stderr=log)
        while not (found := re.search(r"look at (http://127\.0\.0\.1:\d+/)", self.log.read_text())):
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.2)
        self.address = found[1]

    def close(self):
        """End it as Ctrl-C does; return its exit status and what it said.

        By SIGTERM, which means the same: shells have what they start in the background ignore SIGINT.
        """
        self.process.terminate()
        try:
            return self.process.wait(timeout=30), self.log.read_text()
        finally:
            self.process.kill()  # one that did not end


@pytest.fixture
def trained_meanwhile(folder):
    """Return the name of a run that is being trained, and that has shown samples."""
    out = folder / "runs/trained-meanwhile"
    flags = [*SMALL.split(), *FEW.split(), "--generator-steps", "100000", "--sample-every", "50"]
    places = ["--data", "pictures", "--out", str(out), "--cache-dir", "cache"]
    command = [sys.executable, ROOT / "experiments/train_lsun.py", *flags, *places]
    training = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
    try:
        while not any((out / "samples").glob("step_*")):
            assert training.poll() is None
            time.sleep(0.2)
        yield out.name
    finally:
        training.kill()
        training.wait()
        shutil.rmtree(out)


@pytest.fixture(scope="session")
def server(folder):
    """Return the page's server, which must end well, and must have told of nothing that it did not expect."""
    server = Server(folder)
    yield server
    status, said = server.close()
    assert (status, "the page failed" in said) == (0, False), said


@pytest.fixture(scope="session")
def chromium():
    """Return Chromium, driven by Playwright."""
    from playwright.sync_api import sync_playwright

    place = shutil.which("chromium")
    if place is None:
        pytest.skip("no chromium on this system")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=place, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, server):
    """Return the page as a browser of 1,200 pixels shows it, which must ask nobody else for anything."""
    yield from opened(chromium, server, 1200)


@pytest.fixture
def narrow(chromium, server):
    """Return the page as a telephone of 400 pixels shows it."""
    yield from opened(chromium, server, 400)


def opened(chromium, server, width):
    """Yield a page of the server's address, then see whom it asked, and what it complained of."""
    page = chromium.new_page(viewport={"width": width, "height": 900})
    page.set_default_timeout(15_000)
    asked, complained = set(), []
    page.on("request", lambda request: asked.add(request.url))
    page.on("pageerror", lambda error: complained.append(str(error)))
    page.goto(server.address)
    page.get_by_role("button", name="Generate").wait_for()  # then the tabs are there too
    yield page
    page.close()
    assert {url for url in asked if not url.startswith((server.address, "data:", "blob:"))} == set()
    assert complained == []
