"""The local model's server: which file it serves."""

from pathlib import Path

import pytest

from farm.services import llama, weights
from farm.services.weights import Weights
from farm.services.weights_model import DEFAULT


def test_a_file_of_ones_own_is_served_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "own.gguf"
    path.touch()
    chosen = llama.arguments(["--model", str(path), "--port", "1"])
    assert llama.fetched(chosen.model, chosen.cache_dir) == path


def test_a_model_that_the_farm_knows_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def fetch(choice: str, *, cache_dir: Path, report: weights.Report) -> Weights:
        asked.append((choice, cache_dir))
        return Weights(path=cache_dir / "fetched.gguf", name=choice, note="")

    monkeypatch.setattr(weights, "fetch", fetch)
    chosen = llama.arguments(["--model", DEFAULT.name, "--cache-dir", str(tmp_path), "--port", "1"])
    assert llama.fetched(chosen.model, chosen.cache_dir) == tmp_path / "fetched.gguf"
    assert asked == [(DEFAULT.name, tmp_path)]


def test_what_is_neither_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        llama.arguments(["--model", "nonesuch", "--port", "1"])
    assert "no model at nonesuch" in capsys.readouterr().err
