"""A real SMTP server on the loopback, which takes or refuses emails as a test says."""

import socket
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from queue import SimpleQueue

from aiosmtpd.controller import Controller


@dataclass
class Rules:
    """What the server answers, and what it got.

    `at_rcpt`, `at_data`: {address: reply} instead of taking it. `most`: emails per connection, after which it answers
    421. `raw`: the bytes of each email taken, with its recipient. `arrived` has the recipients, for a test that waits.
    """

    at_rcpt: dict[str, str] = field(default_factory=dict)
    at_data: dict[str, str] = field(default_factory=dict)
    most: int = 1000
    raw: list[tuple[str, bytes]] = field(default_factory=list)
    asked: Counter = field(default_factory=Counter)
    connections: int = 0
    arrived: SimpleQueue = field(default_factory=SimpleQueue)

    async def handle_EHLO(self, server, session, envelope, hostname, responses):  # noqa: N802
        self.connections += 1
        session.host_name, session.emails = hostname, 0
        return responses

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        self.asked[address] += 1
        if session.emails >= self.most:
            return "421 4.7.0 Too many emails in one connection"
        if reply := self.at_rcpt.get(address):
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        session.emails += 1
        [address] = envelope.rcpt_tos
        if reply := self.at_data.get(address):
            return reply
        self.raw.append((address, envelope.original_content))
        self.arrived.put(address)
        return "250 OK"

    @property
    def taken(self):
        """The addresses whose email was taken, in order."""
        return [address for address, _raw in self.raw]

    def messages(self):
        return [message_from_bytes(raw, policy=policy.default) for _address, raw in self.raw]


@contextmanager
def smtp_server(rules):
    """Runs the server within the context, and returns its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(rules, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()
