"""One suite of calls, made to three stand-ins for AWS: the wire face, MiniStack and moto."""
