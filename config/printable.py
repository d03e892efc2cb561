"""What somebody else wrote, for a terminal: nothing in it can command the terminal."""


def printable(text: str, *, keep: str = "") -> str:
    """The text with an escape for every character that is not to be seen, but for those to `keep`."""
    return "".join(each if each.isprintable() or each in keep else f"\\x{ord(each):02x}" for each in text)
