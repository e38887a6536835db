import puras


def run(file):
    return {"bytes": len(puras.load_bytes(file))}
