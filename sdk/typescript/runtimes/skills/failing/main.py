import puras


def run():
    raise puras.UserError("the kiln is cold")
