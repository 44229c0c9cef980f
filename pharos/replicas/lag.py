"""How far behind the primary each replica is, for operators."""

from .pool import ALIASES, replica_position
from .servers import FAILURES, UnusableReplica, write_position


def measure_lag() -> dict[str, int | None]:
    """Returns {alias: bytes of WAL that it has yet to replay}; None if it doesn't answer or isn't a replica.

    Raises one of FAILURES if the primary doesn't answer.
    """
    if not ALIASES:
        return {}
    position = write_position()
    return {alias: _lag(alias, position) for alias in ALIASES}


def _lag(alias: str, position: int | None) -> int | None:
    try:
        return None if position is None else max(0, position - replica_position(alias))
    except (UnusableReplica, *FAILURES):
        return None
