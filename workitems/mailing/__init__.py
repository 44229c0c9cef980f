"""Mails to people who have asked for them, sent by `manage.py send_digests`.

- `tables`: what is kept of that
- `watches`: "tell me when this item is done"
- `digests`: a saved view, every day or week
- `sending`: each mail once, whoever else sends, and what is left after a crash again
"""

from ..models.subscriptions import Digest, Watch

__all__ = ["Digest", "Watch"]
