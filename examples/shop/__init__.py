"""Kettle & Moss: a small tea shop with the trackers a real shop carries, in Starlette and in Flask."""
