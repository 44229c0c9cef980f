"""What operators need: whether this process can serve, when each command last ran, metrics, request IDs and logs, backups,
and a command that checks the whole installation.

It knows requests, databases, and the other parts of `pharos`. It must not know what items are: `pharos.urls` passes it
their numbers, and commands about them are called by name.
"""
