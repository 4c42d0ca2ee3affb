"""The report questions of the demonstration, each with a gold query made by hand."""

import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Literal

Level = Literal["easy", "medium", "hard"]
LEVELS: tuple[Level, ...] = ("easy", "medium", "hard")


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """`gold` answers `text` on the shop; `ordered`: the order of its rows is part of what is asked."""

    id: str
    level: Level
    text: str
    gold: str
    ordered: bool


def questions() -> tuple[Question, ...]:
    """All questions, easy ones first; their order and their ids never change within a version of the shop."""
    text = (resources.files("farm.demo") / "questions.toml").read_text(encoding="utf-8")
    return tuple(
        Question(
            id=entry["id"],
            level=entry["level"],
            text=" ".join(entry["text"].split()),
            gold=entry["gold"].strip(),
            ordered=entry["ordered"],
        )
        for entry in tomllib.loads(text)["question"]
    )
