async def publish(**details):
    return {"published": sorted(details)}
