"""How far behind the primary each replica is, for operators."""

from .pool import ALIASES, FAILURES, Replica, UnusableReplica, current_position, primary_identity


def measure_lag() -> dict[str, int | None]:
    """Returns {alias: bytes of WAL that it has yet to replay}; None if it doesn't answer or isn't a replica.

    Raises one of FAILURES if the primary doesn't answer.
    """
    if not ALIASES:
        return {}
    identity, position = primary_identity(), current_position()
    return {alias: _lag(alias, identity, position) for alias in ALIASES}


def _lag(alias: str, identity: tuple[str, str], position: int) -> int | None:
    try:
        return max(0, position - Replica(alias).check_position(identity))
    except (UnusableReplica, *FAILURES):
        return None
