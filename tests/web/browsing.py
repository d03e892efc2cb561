"""How a Chromium is started for tests and pictures: without what it does for its maker, and as root in containers."""

FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--disable-features=LocalNetworkAccessChecks",  # a page put in the place of ours may talk to our server
]
