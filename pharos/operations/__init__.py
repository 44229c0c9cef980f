"""What an operator needs: request IDs and logs, metrics, backups, and a command that checks the installation.

It knows requests, databases, and the other parts of `pharos`. It must not know items: what it shows about them is passed
to it by `pharos.urls`, and commands about them are called by name.
"""
