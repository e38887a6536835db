def run(word):
    return {"word": word}
