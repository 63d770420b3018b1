from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Riskloop = Callable[..., Any]


class Bomb:
    """A pickle of it makes a folder when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_a_pickled_model_is_refused_with_the_reason_and_the_safe_way_and_never_opened(
    riskloop: Riskloop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model.pkl").write_bytes(pickle.dumps(Bomb(tmp_path / "pwned")))
    os.utime("model.pkl", (1, 1))
    said = riskloop("init", "--from-model", "model.pkl")
    assert (said.code, said.out) == (2, "")
    assert "error: model.pkl: A project does not begin from a trained model. This is a pickle: loading it" in said.err
    assert "would run whatever code the file holds" in said.err
    assert "riskloop init --data FILE --target COLUMN" in said.err
    assert "docs/how-to/migrate-from-a-pickle.md" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["model.pkl"]
    assert Path("model.pkl").stat().st_atime == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("model.joblib", "a joblib file, which is a pickle"),
        ("net.pt", "a PyTorch file"),
        ("model.onnx", "an ONNX graph: it runs no code, but has neither contract nor calibration nor costs"),
        ("mlruns/0/model", "a model folder, such as MLflow's: its flavour may be a pickle"),
        ("model.bst", "a model made elsewhere"),
    ],
)
def test_every_kind_of_model_is_refused_in_its_own_words_whether_it_is_there_or_not(
    riskloop: Riskloop, name: str, words: str
) -> None:
    said = riskloop("init", "--data", "t.csv", "--target", "y", "--from-model", name, "--json")
    assert said.code == 2
    assert words in said.json["error"]["message"]
    assert said.json["error"]["where"] == name
