"""The outbox: every email is a row, stored in the transaction that causes it and sent after that.

No request waits for a mail server, and none fails because of one. It must not know what emails are about: `about` is a
text by which whoever queued an email finds it again.
"""
