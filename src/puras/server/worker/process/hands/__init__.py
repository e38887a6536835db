"""The hands of an agent: the program in the isolation that does what its tools ask for.

Standard library only, as all that runs in a skill's interpreter.
"""
