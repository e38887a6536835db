"""An alphabet of 5 by 7 dots, drawn as it looks."""

import unicodedata

WIDTH, HEIGHT = 5, 7

_DRAWN = {
    "ABCDEFGHIJKLM": """
 ###  ####   ###  ####  ##### #####  ###  #   #  ###    ### #   # #     #   #
#   # #   # #   # #   # #     #     #   # #   #   #      #  #  #  #     ## ##
#   # #   # #     #   # #     #     #     #   #   #      #  # #   #     # # #
##### ####  #     #   # ####  ####  # ### #####   #      #  ##    #     # # #
#   # #   # #     #   # #     #     #   # #   #   #      #  # #   #     #   #
#   # #   # #   # #   # #     #     #   # #   #   #   #  #  #  #  #     #   #
#   # ####   ###  ####  ##### #      ###  #   #  ###   ##   #   # ##### #   #
""",
    "NOPQRSTUVWXYZ": """
#   #  ###  ####   ###  ####   #### ##### #   # #   # #   # #   # #   # #####
##  # #   # #   # #   # #   # #       #   #   # #   # #   # #   # #   #     #
# # # #   # #   # #   # #   # #       #   #   # #   # #   #  # #   # #     #
#  ## #   # ####  #   # ####   ###    #   #   # #   # # # #   #     #     #
#   # #   # #     # # # # #       #   #   #   # #   # # # #  # #    #    #
#   # #   # #     #  #  #  #      #   #   #   #  # #  ## ## #   #   #   #
#   #  ###  #      ## # #   # ####    #    ###    #   #   # #   #   #   #####
""",
    "0123456789.,!?-'": """
 ###    #    ###  #####    #  #####  ###  #####  ###   ###                #    ###          #
#   #  ##   #   #     #   ##  #     #         # #   # #   #               #   #   #         #
#  ##   #       #    #   # #  ####  #        #  #   # #   #               #       #
# # #   #      #    ##  #  #      # ####    #    ###   ####               #      #   #####
##  #   #     #       # #####     # #   #   #   #   #     #               #     #
#   #   #    #    #   #    #  #   # #   #   #   #   #     #   #     #
 ###   ###  #####  ###     #   ###   ###    #    ###   ###    #     #     #     #
""",
}


def dots(character: str) -> list[str]:
    """Return a character as 7 rows of 5 marks; an accent is left off, the unknown is a `?`."""
    plain = unicodedata.normalize("NFD", character)[0].upper()
    if plain.isspace():
        return [" " * WIDTH] * HEIGHT
    return _ALPHABET.get(plain, _ALPHABET["?"])


def _cut(characters: str, drawn: str) -> dict[str, list[str]]:
    rows = [row.ljust(len(characters) * (WIDTH + 1)) for row in drawn.split("\n")[1:-1]]
    starts = range(0, len(characters) * (WIDTH + 1), WIDTH + 1)
    return {
        character: [row[start : start + WIDTH] for row in rows]
        for character, start in zip(characters, starts, strict=True)
    }


_ALPHABET = {
    character: rows
    for characters, drawn in _DRAWN.items()
    for character, rows in _cut(characters, drawn).items()
}
