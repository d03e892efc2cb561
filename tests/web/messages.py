"""Messages that are hard to set: each must look the same from server and browser, and be kept exactly."""

LONG = ("The year after beans was the best one by far, even the wet summer when half of it went to the snails. " * 100)[
    :10_000
]

HARD = [
    "plain",
    "  leading and trailing  ",
    "two\nlines, and\n\na gap",
    "<b>bold</b> & <img src=x onerror=alert(1)> &amp; \"quoted\" 'single'",
    "javascript:alert(1) data:text/html,x",
    "see https://example.org/a?b=c&d=e#f, and (https://example.org/wiki/Verbatim_(record)).",
    "https://example.org/<script>alert(1)</script>",
    'https://example.org/"onmouseover="alert(1)',
    "https://example.org/\u202egpj.exe https://例え.jp/パス。 http://[::1]:8000/",
    "http:// https://. https://) nothing",
    "`code` and `<b>` and ``empty`` and `unclosed",
    "```python\nfor x in y:\n\tprint(x)\n```\nafter",
    "before ```one line``` after",
    "```\n\nwith blank lines\n\n```",
    "``` ``` `````` ```a```b```c```",
    "صباح الخير! هل نحتاج إلى بذور جديدة؟",
    "תודה! see https://example.org/ עד יום שלישי",
    "👩‍👩‍👧‍👦 🏳️‍🌈 é é 你好 \u200b\u2028 \u0085 end",
    "x" * 400,
    "\n".join(f"line {number}" for number in range(30)),
    LONG,
    "\t tab and \r carriage and \x07 bell",
    "{{ template }} {% load static %} ${expression} \\n",
]
