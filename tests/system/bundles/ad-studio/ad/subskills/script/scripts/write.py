def write(product, guide):
    return {"text": f"{product}. {guide.strip()}"}
