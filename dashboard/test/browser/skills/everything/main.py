def run(**inputs):
    return {
        "words": f"**{inputs['words']}** <script>alert(1)</script>",
        "tint": inputs["tint"],
        "home": {"city": inputs["home"]["city"]},
        "said": inputs,
    }
