"""The page as a program asks it: places that are not a run's, files that are no pictures, many requests at once."""

import concurrent.futures
import http.client
import json
import random
import socket
import subprocess
import sys
import urllib.parse

import httpx
import psutil
import pytest
from conftest import ROOT, encode, make_picture
from gradio_client import Client
from gradio_client.exceptions import AppError

from gluon_wgan.tools.generate import generate

pytest_plugins = ["served_page"]

AS_ITS_SAMPLES, NEWEST = "as the run's samples", "the newest"
OUTSIDE = [
    "../runs/gan-pil",
    "/etc",
    "gan-pil/../gan-cv2",
    "..%2fgan-pil",
    "%2e%2e/gan-pil",
    "link",
    "\x00",
    "x" * 5000,
    "",
]


@pytest.fixture(scope="module")
def client(server):
    return Client(server.address, verbose=False, download_files=False)


def raw(server, path):
    """Return (status, content) of a path that is sent as it is."""
    address = urllib.parse.urlsplit(server.address)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read()


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=//etc/passwd",
        "/gradio_api/file=../../../../etc/passwd",
        "/gradio_api/file=%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/gradio_api/file={folder}/runs/gan-pil/config.json",
        "/gradio_api/file={folder}/runs/../pictures/7.png",
        "/gradio_api/file={link}",
        "/../../../../etc/passwd",
        "/assets/../../../../../../etc/passwd",
        "/static/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    ],
)
def test_no_file_is_given_away(server, folder, path):
    """Not even a run's: what the page shows is what it made."""
    link = folder / "link"
    if not link.is_symlink():
        link.symlink_to("/etc/passwd")
    status, content = raw(server, path.format(folder=folder, link=link))
    assert status in (307, 403, 404)
    assert b"root:" not in content and b"generator_steps" not in content


@pytest.mark.parametrize("name", OUTSIDE)
def test_no_name_leads_out_of_the_runs(client, folder, name):
    requests = {
        "/generate": [name, NEWEST, 0, 1, 1, AS_ITS_SAMPLES],
        "/walk": [name, NEWEST, 0, 16],
        "/walk_to": [name, NEWEST, 0, 16, 1],
        "/similar": [name, NEWEST, "pixels", 1, 0, None],
        "/compare": [[name], 1, 0],
        "/watch": [[name]],
    }
    for endpoint, values in requests.items():
        with pytest.raises(AppError, match=r"one of the runs|not in the list of choices"):
            client.predict(*values, api_name=endpoint)
    for endpoint, values in list(requests.items())[:3]:
        with pytest.raises(AppError, match="one of gan-pil: step_0000003"):
            client.predict("gan-pil", name, *values[2:], api_name=endpoint)


@pytest.mark.parametrize(
    ("endpoint", "values", "words"),
    [
        ("/generate", ["gan-pil", NEWEST, 0, 257, 1, AS_ITS_SAMPLES], ["256"]),
        ("/generate", ["gan-pil", NEWEST, 0, 1e300, 1, AS_ITS_SAMPLES], ["256"]),
        ("/generate", ["gan-pil", NEWEST, 0, 0, 1, AS_ITS_SAMPLES], ["1"]),
        ("/generate", ["gan-pil", NEWEST, -1, 1, 1, AS_ITS_SAMPLES], ["0"]),
        ("/generate", ["gan-pil", NEWEST, 2**70, 1, 1, AS_ITS_SAMPLES], [""]),
        ("/generate", ["gan-pil", NEWEST, 0, 1, -1, AS_ITS_SAMPLES], ["0"]),
        ("/generate", ["gan-pil", NEWEST, 0, 1, 1, "something"], ["something"]),
        ("/generate", ["gan-pil", NEWEST, 0, 1, 1, AS_ITS_SAMPLES, "3"], ["--label", "without --classes"]),
        ("/generate", ["labels", NEWEST, 0, 1, 1, AS_ITS_SAMPLES, "4"], ["--label", "0 to 3"]),
        ("/generate", ["labels", NEWEST, 0, 1, 1, AS_ITS_SAMPLES, "-1"], ["Label", "all in turn, or a number"]),
        ("/walk_to", ["labels", NEWEST, 0, 16, 1, "4"], ["--label", "0 to 3"]),
        ("/walk", ["text", NEWEST, 0, 16], ["one that makes pictures"]),
        ("/walk", ["gan-pil", NEWEST, 0, 100000], ["256"]),
        ("/walk_to", ["gan-pil", NEWEST, 0, 16, 17], ["16"]),
        ("/similar", ["text", NEWEST, "pixels", 1, 0, None], ["one that makes pictures"]),
        ("/similar", ["gan-pil", NEWEST, "pixels", 1000, 0, None], ["64"]),
        ("/compare", [[], 1, 0], ["1 to 8"]),
        ("/compare", [["gan-pil"] * 9, 1, 0], ["8"]),
        ("/watch", [["gan-pil"] * 7], ["6"]),
    ],
)
def test_too_much_and_nonsense_are_refused_with_a_message(client, endpoint, values, words):
    with pytest.raises(AppError) as refused:
        client.predict(*values, api_name=endpoint)
    assert [word for word in words if word not in str(refused.value)] == []
    assert "should not have happened" not in str(refused.value)


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "{folder}/pictures/7.png", "pictures/7.png", "http://127.0.0.1:1/7.png"]
)
def test_no_file_of_this_machine_passes_for_a_dropped_picture(server, folder, path):
    """Asked without a client, which would upload the file of its own accord."""
    answer = search_for(server, path.format(folder=folder))
    assert "event: error" in answer and "event: complete" not in answer


def test_a_picture_that_was_dropped_is_searched_for_by_the_same_way(server, folder):
    with open(folder / "pictures/7.png", "rb") as file:
        (place,) = httpx.post(f"{server.address}gradio_api/upload", files={"files": file}, timeout=30).json()
    answer = search_for(server, place)
    assert "event: complete" in answer and "7.png (0)" in answer


def search_for(server, path):
    """Return what the page answers to a search for the picture at a path."""
    dropped = {"path": path, "meta": {"_type": "gradio.FileData"}}
    request = {"data": ["gan-pil", NEWEST, "pixels", 1, 0, dropped]}
    asked = httpx.post(f"{server.address}gradio_api/call/similar", json=request, timeout=30)
    assert asked.status_code == 200
    return httpx.get(f"{server.address}gradio_api/call/similar/{asked.json()['event_id']}", timeout=30).text


def test_a_dropped_file_that_is_no_picture_is_a_message(client, tmp_path):
    from gradio_client import handle_file

    for name, content in {
        "a.png": b"no picture",
        "b.png": encode(make_picture(1, 20, 20))[:60],
        "c.svg": b"<svg/>",
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(AppError):
            client.predict("gan-pil", NEWEST, "pixels", 1, 0, handle_file(tmp_path / name), api_name="/similar")


def test_a_damaged_checkpoint_is_a_message(client, folder):
    file = folder / "runs/slow/checkpoints/step_0000001/generator.params"
    whole = file.read_bytes()
    file.write_bytes(whole[:-100])
    try:
        with pytest.raises(AppError, match=r"generator\.params is not as it was written"):
            client.predict("slow", NEWEST, 0, 1, 1, AS_ITS_SAMPLES, api_name="/generate")
    finally:
        file.write_bytes(whole)


def test_a_port_in_use_is_a_message(folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, ROOT / "experiments/view.py", "runs", "--port", port]
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert f"--port: given {port} (in use)" in ended.stderr and "Traceback" not in ended.stderr


def test_it_listens_on_this_machine_alone(server):
    port = urllib.parse.urlsplit(server.address).port
    listening = [each for each in psutil.Process(server.process.pid).net_connections() if each.status == "LISTEN"]
    assert {each.laddr.ip for each in listening} == {"127.0.0.1"}
    assert port in {each.laddr.port for each in listening}


def test_a_thousand_mixed_requests_at_eight_at_once(client, server, folder, tmp_path):
    """Each gets its own pictures, none an error, and the process grows by less than a twentieth after a first 200."""
    cases = [(name, seed) for name in ("gan-pil", "gan-cv2") for seed in range(5)]
    expected = {
        (name, seed): generate(folder / "runs" / name, "grid", 5, None, seed, tmp_path / name).read_bytes()
        for name, seed in cases
    }

    def ask(number):
        drawn = random.Random(number)
        name, seed = drawn.choice(cases)
        kind = drawn.choice(["generate", "generate", "walk_to", "compare", "watch", "similar"])
        if kind == "generate":
            sheet = client.predict(name, NEWEST, seed, 5, 1, AS_ITS_SAMPLES, api_name="/generate")[3]
            address = json.loads(sheet)["url"] if isinstance(sheet, str) else sheet["value"]["url"]
            assert raw(server, urllib.parse.urlsplit(address).path)[1] == expected[name, seed]
        elif kind == "walk_to":
            client.predict(name, NEWEST, seed, 16, drawn.randint(1, 16), api_name="/walk_to")
        elif kind == "compare":
            client.predict(["gan-pil", "gan-cv2"], 4, seed, api_name="/compare")
        elif kind == "watch":
            client.predict(["gan-pil", "gan-cv2"], api_name="/watch")
        else:
            client.predict(name, NEWEST, "pixels", 2, seed, None, api_name="/similar")

    memory = psutil.Process(server.process.pid)
    with concurrent.futures.ThreadPoolExecutor(8) as asking:
        list(asking.map(ask, range(200)))
        before = memory.memory_info().rss
        list(asking.map(ask, range(200, 1000)))
    assert memory.memory_info().rss < 1.05 * before
