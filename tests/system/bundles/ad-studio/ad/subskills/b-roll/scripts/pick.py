async def pick(text, count):
    words = [word.strip(".").lower() for word in text.split()]
    return {"shots": sorted(words, key=len)[-count:]}
