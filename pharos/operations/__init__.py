"""What operators need to know: whether this process can serve, and when each command last ran.

It must not know what items are.
"""
