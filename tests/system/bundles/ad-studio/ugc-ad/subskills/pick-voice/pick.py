def pick(text):
    return {"voice": "calm" if len(text) > 80 else "bright"}
