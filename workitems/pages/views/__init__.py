"""The views. Each declares the permission that it requires; see `workitems.pages.access`."""
