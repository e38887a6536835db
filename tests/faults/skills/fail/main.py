def run(n: int) -> None:
    print("about to break")
    raise ValueError(f"{n} is broken")
