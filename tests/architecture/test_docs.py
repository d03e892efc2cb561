"""The docs say what the code is."""

import re
from importlib import import_module
from pathlib import Path
from typing import Literal

import pytest

from docs.generate import PAGES, kind
from tests.architecture.source import PACKAGES, ROOT

DOCS = ROOT / "docs"
NAME = re.compile(rf"`((?:{'|'.join(PACKAGES)})(?:\.\w+)+)`")
LINK = re.compile(r"\[[^]]*\]\(([^)#:]+)(?:#[^)]*)?\)")
PROSE = [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]


@pytest.mark.parametrize("page", PAGES)
def test_what_is_generated_is_fresh(page: str) -> None:
    fresh = (DOCS / page).read_text() == PAGES[page]()
    assert fresh, f"docs/{page} is stale: run `make docs`"


def test_literals_are_written_as_json_has_them() -> None:
    assert kind(Literal[True]) == "`true`"
    assert kind(Literal["a", 1] | None) == '`"a"` or `1` or null'


def test_the_walk_of_one_message_names_functions() -> None:
    assert len(set(NAME.findall((DOCS / "one-message.md").read_text()))) >= 20


@pytest.mark.parametrize("path", PROSE, ids=lambda path: path.name)
def test_every_name_in_the_docs_is_in_the_code(path: Path) -> None:
    assert [name for name in NAME.findall(path.read_text()) if not resolves(name)] == []


@pytest.mark.parametrize("path", PROSE, ids=lambda path: path.name)
def test_every_link_in_the_docs_leads_somewhere(path: Path) -> None:
    assert [link for link in LINK.findall(path.read_text()) if not (path.parent / link).exists()] == []


def resolves(name: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        return all((found := getattr(found, part, None)) is not None for part in parts[length:])
    return False
