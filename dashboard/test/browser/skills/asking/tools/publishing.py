def publish(text):
    return {"published": len(text)}
