"""The picture of the layers, made from the code: `python docs/diagrams.py` draws it anew.

Order and neighbours come from the import contracts in pyproject.toml, and the dots from the imports of the modules. A
test fails while the picture is not what this makes of them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import NamedTuple

import grimp

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "images" / "layers.svg"
PACKAGE = "fastapi_esdb"
ASIDE = f"{PACKAGE}.embedded"
"""The part beside the layers."""
EXTERNAL = ("fastapi", "pydantic", "grpc", "google")
NAMES = {"google": "protobuf"}
THROUGH = {"grpc": f"{PACKAGE}.wire.quiet_grpc"}
"""The module that imports a package for the others."""

LEFT, WIDTH, SIDE, GAP = 16, 270, 120, 8
TOP, ROW = 112, 46
COLUMN = 26
STYLE = """\
    .ground { fill: #fff }
    .box { fill: #eef1f5; stroke: #6b7685; stroke-width: 1.5 }
    .aside { fill: #e0f2ea; stroke: #0b6b4f }
    text { fill: #22272e; font-size: 13px }
    .name { font-size: 16px; font-weight: 600 }
    .line { stroke: #c3cad4; stroke-width: 1 }
    .dot { fill: #0b6b4f }
    @media (prefers-color-scheme: dark) {
      .ground { fill: #1c1f25 }
      .box { fill: #262c35; stroke: #98a3b3 }
      .aside { fill: #16322a; stroke: #6fdcb2 }
      text { fill: #e8eaee }
      .line { stroke: #3d4552 }
      .dot { fill: #6fdcb2 }
    }"""


@dataclass(frozen=True)
class Part:
    """A package or module that the picture shows, and which others it imports."""

    module: str
    imports: frozenset[str]

    @property
    def name(self) -> str:
        return self.module.removeprefix(f"{PACKAGE}.")


class Frame(NamedTuple):
    """The place and size of a box."""

    x: int
    y: int
    width: int
    height: int


def layers() -> list[str]:
    """Return the layers of the first contract, highest first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [contract] = [contract for contract in contracts if contract["type"] == "layers"]
    modules: list[str] = contract["layers"]
    return modules


def parts() -> list[Part]:
    """Return the layers and, last, what stands beside them."""
    modules = [*layers(), ASIDE]
    graph = grimp.build_graph(PACKAGE, include_external_packages=True)
    found = []
    for module in modules:
        inside = {module, *graph.find_descendants(module)}
        others = {other for each in inside for other in graph.find_modules_directly_imported_by(each)} - inside
        others |= {external for external, through in THROUGH.items() if through in others}
        targets = {target for target in (*modules, *EXTERNAL) if any(within(other, target) for other in others)}
        found.append(Part(module, frozenset(targets)))
    return found


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def picture() -> str:
    """Return the picture as SVG."""
    *stack, aside = parts()
    columns = [*(part.module for part in stack), aside.module, *EXTERNAL]
    width, height = column(columns, columns[-1]) + 50, TOP + ROW * len(stack) + 24
    users = [row for row, part in enumerate(stack) if aside.module in part.imports]
    beside = [row for row, part in enumerate(stack) if row > max(users) and part.module not in aside.imports]
    told = " ".join(f"{part.name} imports {', '.join(imported(part, columns))}." for part in (*stack, aside))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
            ' role="img" aria-labelledby="t d" font-family="system-ui, sans-serif">',
            '  <title id="t">The layers of fastapi_esdb, and who imports whom</title>',
            f'  <desc id="d">{escape(told)}</desc>',
            f"  <style>\n{STYLE}\n  </style>",
            f'  <rect class="ground" width="{width}" height="{height}"/>',
            *headings(columns, height),
            *layer_boxes(stack, beside, columns),
            *aside_box(aside, beside, columns),
            "</svg>",
            "",
        ]
    )


def layer_boxes(stack: list[Part], beside: list[int], columns: list[str]) -> Iterator[str]:
    """A box for each layer, narrower in the rows where something stands beside it, and the dots on its right."""
    for row, part in enumerate(stack):
        width = WIDTH - SIDE - GAP if row in beside else WIDTH
        yield from box(part, Frame(LEFT, TOP + ROW * row, width, ROW - GAP), "box")
        yield from dots(part, columns, TOP + ROW * row + (ROW - GAP) // 2)


def aside_box(part: Part, beside: list[int], columns: list[str]) -> Iterator[str]:
    """The box beside the layers, and below its name what it imports."""
    frame = Frame(LEFT + WIDTH - SIDE, TOP + ROW * beside[0], SIDE, ROW * len(beside) - GAP)
    yield from box(part, frame, "box aside")
    middle, below = frame.x + frame.width // 2, frame.y + frame.height // 2 + 26
    for i, line in enumerate(("imports", *imported(part, columns))):
        yield f'  <text text-anchor="middle" x="{middle}" y="{below + 17 * i}">{line}</text>'


def imported(part: Part, columns: list[str]) -> list[str]:
    return [label(module) for module in columns if module in part.imports]


def label(module: str) -> str:
    return NAMES.get(module, module.removeprefix(f"{PACKAGE}."))


def column(columns: list[str], module: str) -> int:
    """Return the x of a module's column; those of other packages stand a little apart."""
    return LEFT + WIDTH + 2 * GAP + COLUMN * columns.index(module) + (COLUMN // 2 if module in EXTERNAL else 0)


def headings(columns: list[str], height: int) -> Iterator[str]:
    """A line for each column, with the name of what is imported above it."""
    yield f'  <text x="{LEFT}" y="32" >A dot: imports what stands above it</text>'
    for module in columns:
        x = column(columns, module)
        yield f'  <path class="line" d="M{x} {TOP - 8} V{height - 24}"/>'
        yield f'  <text transform="translate({x + 4} {TOP - 14}) rotate(-60)">{label(module)}</text>'


def box(part: Part, frame: Frame, kind: str) -> Iterator[str]:
    """The name of a part, in the middle of its box."""
    yield f'  <rect class="{kind}" x="{frame.x}" y="{frame.y}" width="{frame.width}" height="{frame.height}" rx="6"/>'
    middle, height = frame.x + frame.width // 2, frame.y + frame.height // 2 + 5
    yield f'  <text class="name" text-anchor="middle" x="{middle}" y="{height}">{part.name}</text>'


def dots(part: Part, columns: list[str], y: int) -> Iterator[str]:
    """A dot below each name that the part imports."""
    for module in columns:
        if module in part.imports:
            yield f'  <circle class="dot" cx="{column(columns, module)}" cy="{y}" r="5"/>'


if __name__ == "__main__":
    PICTURE.write_text(picture())
