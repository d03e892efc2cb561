"""One message as HTML: nothing that was written is markup, and nothing of it is lost."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.messages import HARD
from web.text import is_long, render_text, trim_link

PIECES = st.sampled_from(
    ["`", "```", "\n", "https://a.example/", "<b>", "&amp;", "(", ")", ".", " ", "code", "'", '"', "é"]
)


class Seen(HTMLParser):
    """The text and the elements of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


@given(st.lists(PIECES | st.text(max_size=8), max_size=20).map("".join))
def test_what_a_reader_sees_is_what_was_sent_character_by_character(message: str) -> None:
    seen = Seen(render_text(message))
    assert seen.text == message
    for name, attributes in seen.elements:
        assert name in ("a", "code", "span")
        assert set(attributes) <= {"href", "target", "rel", "class"}
        assert (attributes.get("href") or "https://").startswith(("https://", "http://"))


@pytest.mark.parametrize("message", HARD)
def test_hard_messages_are_kept_exactly(message: str) -> None:
    assert Seen(render_text(message)).text == message


def test_a_link_ends_before_the_punctuation_of_its_sentence() -> None:
    links = [attributes["href"] for name, attributes in Seen(render_text(HARD[5])).elements if name == "a"]
    assert links == ["https://example.org/a?b=c&d=e#f", "https://example.org/wiki/Verbatim_(record)"]
    assert trim_link("https://a.example/b].") == "https://a.example/b"


def test_code_between_fences_is_a_block() -> None:
    assert ("code", {"class": "block"}) in Seen(render_text(HARD[11])).elements


def test_long_messages_are_folded() -> None:
    assert is_long("x" * 1201)
    assert is_long("\n" * 18)
    assert not is_long("x" * 1199 + "\n")
    assert is_long("😀" * 1201)
