"""What Pharos is compared with: the earlier systems, Django's own admin, minimal views, and the floor."""
