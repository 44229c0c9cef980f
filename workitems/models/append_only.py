"""The error raised for forbidden changes to the audit trail."""


class AppendOnly(TypeError):
    """Raised by code that tries to delete an item, or to change or delete an entry of its history."""
