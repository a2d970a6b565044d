"""What a page asks for and complains about while it is looked at."""

from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Page, Request

HERE = {"", "127.0.0.1", "localhost"}
NO_REQUEST = {"data", "blob", "about"}


class Watch:
    """Faults of one page: hosts asked outside this machine, errors in the console, errors that nobody caught.

    `known` holds exact beginnings of messages that another program is known to leave and that are no fault of ours.
    """

    def __init__(self, page: Page, known: tuple[str, ...] = ()) -> None:
        self.faults: list[str] = []
        self._known = known
        page.on("request", self._asked)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self._note(f"error in the page: {error.message}", error.message))
        page.on("websocket", lambda socket: self._address(socket.url))

    def _asked(self, request: Request) -> None:
        self._address(request.url)

    def _address(self, address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in NO_REQUEST and (parts.hostname or "") not in HERE:
            self.faults.append(f"asked an outside host: {address[:200]}")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._note(f"error in the console: {message.text[:500]}", message.text)

    def _note(self, fault: str, text: str) -> None:
        if not text.startswith(self._known):
            self.faults.append(fault)
