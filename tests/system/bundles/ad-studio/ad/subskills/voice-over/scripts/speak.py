import studio_voice

import puras


def speak(text):
    path = "voice.wav"
    puras.drive.write(path, studio_voice.NAME.encode() + text.encode())
    return {"audio": path}
