"""Write the small pictures of presets that their cards on the page that submits show, from `docs/pictures/`."""

from pathlib import Path

from PIL import Image

PICTURES = Path(__file__).parent / "pictures"
CARDS = Path(__file__).parent.parent / "api" / "static" / "presets"
OTHERS = {"fig2-cifar10": "fig2-cifar10-small", "fig3-cifar10": "fig3-cifar10-small", "fig3-mnist": "fig3-mnist-small"}
"""Presets whose card has the picture of another that asks the same."""
SIZE = (240, 156)
COLOURS = 24
CUT = (0.12, 0.86)
"""Which part of a picture's height is kept: not its title, nor its legend."""


def card(picture: Path) -> Image.Image:
    """A picture as small as a card shows it, on white."""
    whole = Image.open(picture).convert("RGB")
    part = whole.crop((0, int(CUT[0] * whole.height), whole.width, int(CUT[1] * whole.height)))
    part.thumbnail(SIZE, Image.Resampling.LANCZOS)
    small = Image.new("RGB", SIZE, "white")
    small.paste(part, ((SIZE[0] - part.width) // 2, (SIZE[1] - part.height) // 2))
    return small.quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)


if __name__ == "__main__":
    for preset in sorted(path.stem for path in (PICTURES.parent.parent / "presets").glob("*.yaml")):
        picture = PICTURES / f"{OTHERS.get(preset, preset)}.png"
        if picture.exists():
            card(picture).save(CARDS / f"{preset}.png", optimize=True)
