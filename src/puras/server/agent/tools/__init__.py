"""The built-in tools, one family a file."""
