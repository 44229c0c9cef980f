"""What applied migrations do, as it was when they were written.

A migration has to do the same for as long as there are databases that have not run it, whatever becomes of the product's
code. So it calls nothing of ours that changes with the product: what it needs is copied here, and not touched again.
It may use `workitems.database`, which is made for migrations. tests/database/test_migrations.py checks both.
"""
