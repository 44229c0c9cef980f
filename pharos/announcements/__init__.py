"""What admins announce on every page or on the sign-in page, for a time: maintenance, trouble with storage.

It stands on `pharos.accounts`, and must not know what items are.
"""
