"""The frameworks: each one's example, and the whole case table, through its own test client and through a real server.

One module for each framework says how an application in it answers a case, how dntguard is put around it as the
documentation says, and how its own test client asks. `comparing.py` is what is asked of all of them.
"""
