"""Text that every database can keep."""


def storable(text: str) -> str:
    """The text without what a database refuses: no NUL, no half of a surrogate pair."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def comparable(text: str) -> str:
    """What somebody typed, to be looked for or to be a name: as `storable`, but a NUL only parts words."""
    return storable(text.replace("\0", " "))
