"""The picture of ``repave compare``: a bar for each way, a dot for each start."""

from html import escape

from repave.operations.booting import BootComparison, BootTimes

LEFT, WIDTH, ROW = 110.0, 620.0, 46.0
COLOURS = ("#2f7d5b", "#b5651d")


def picture(found: BootComparison) -> str:
    """The text of an SVG file."""
    ways = (found.golden, found.bootstrap)
    longest = max(max(way.seconds) for way in ways) or 1.0
    height = ROW * len(ways) + 74
    same = "the same packages" if found.same_packages else "their packages are not known to be the same"
    title = f"{found.image}: from its start until it serves; {same}"
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {LEFT + WIDTH + 90:g} {height:g}">',
            "<style>text { font: 13px sans-serif; fill: #495057; } .name { fill: #212529; font-weight: 600; }</style>",
            '<rect width="100%" height="100%" fill="#fff"/>',
            f'<text x="12" y="24" class="name">{escape(title)}</text>',
            *(
                _bar(way, colour, 40 + ROW * number, WIDTH / longest)
                for number, (way, colour) in enumerate(zip(ways, COLOURS, strict=True))
            ),
            f'<text x="{LEFT:g}" y="{height - 14:g}">bars are medians, dots are single starts</text>',
            "</svg>\n",
        )
    )


def _bar(way: BootTimes, colour: str, y: float, scale: float) -> str:
    """One way; ``scale`` is in units of the picture for each second."""
    width = max(1.0, way.median_seconds * scale)
    dots = "".join(
        f'<circle cx="{LEFT + seconds * scale:.1f}" cy="{y + 14:g}" r="3.5" fill="#212529" fill-opacity=".55"/>'
        for seconds in way.seconds
    )
    end = LEFT + max(way.seconds) * scale + 10
    return (
        f'<text x="12" y="{y + 18:g}">{way.boot}</text>'
        f'<rect x="{LEFT:g}" y="{y:g}" width="{width:.1f}" height="28" rx="3" fill="{colour}"/>{dots}'
        f'<text x="{end:.1f}" y="{y + 18:g}">{way.median_seconds:.1f} s</text>'
    )
