"""What is part of the audit trail stays: how the ORM says so."""


class AppendOnly(TypeError):
    """Raised where code tries to delete an item, or to change or delete an entry of its history."""
