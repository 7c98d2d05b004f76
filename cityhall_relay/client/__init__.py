"""The clerk's side of `cityhall-relay`: a client of the clerk listener. Of the relay itself it knows settings and errors only."""
