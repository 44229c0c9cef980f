"""What the product is measured beside: the systems that did its job before, Django's own admin, and the floor."""
