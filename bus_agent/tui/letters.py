"""Large letters, drawn by dots."""


def as_blocks(text: str, width: int) -> tuple[str, ...] | None:
    """`text` in rows of half blocks, None where a letter is unknown or it is wider than `width` cells."""
    return None
