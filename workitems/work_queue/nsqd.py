"""nsqd's HTTP interface: a message is published by `POST /pub?topic=TOPIC`."""

from http.client import HTTPConnection, HTTPException, HTTPSConnection
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlsplit

# A queue that doesn't answer within this many seconds counts as away.
TIMEOUT = 5


class NotAccepted(Exception):
    """The queue didn't accept a message; the sentence says why. `is_away`: it accepts none at present."""

    def __init__(self, sentence: str, *, is_away: bool):
        super().__init__(sentence)
        self.is_away = is_away


class Publisher:
    """A connection to nsqd at `url`, for several messages. Connects with the first of them."""

    def __init__(self, url: str):
        address = urlsplit(url)
        connect = HTTPSConnection if address.scheme.lower() == "https" else HTTPConnection
        self._connection = connect(address.hostname or "", address.port, timeout=TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def publish(self, topic: str, body: str) -> None:
        """Returns once nsqd has accepted the message. Raises NotAccepted."""
        try:
            self._connection.request("POST", f"/pub?topic={quote(topic, safe='')}", body.encode())
            answer = self._connection.getresponse()
            said = answer.read(200).decode(errors="replace").strip()
        except (OSError, HTTPException) as error:
            self._connection.close()  # or the next request would be refused as out of turn
            raise NotAccepted(f"the queue can't be reached: {error or type(error).__name__}", is_away=True) from error
        if answer.status != 200:
            self._connection.close()
            raise NotAccepted(f"the queue answered {answer.status} {said}".rstrip(), is_away=answer.status >= 500)
        if not answer.isclosed():
            self._connection.close()  # a body longer than what was read
