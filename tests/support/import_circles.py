"""The circles in a package's imports, also those under TYPE_CHECKING and inside functions.

`python -m tests.support.import_circles [fastapi_esdb.pool …]` prints them, those alone that touch the named packages.
"""

from __future__ import annotations

import ast
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = "fastapi_esdb"

Graph = Mapping[str, set[str]]
Circle = tuple[str, ...]


def import_graph(root: Path, package: str) -> dict[str, set[str]]:
    """Return which modules each module of the package imports, in whatever part of its text."""
    files = {_module_name(path.relative_to(root)): path for path in (root / package).rglob("*.py")}
    return {name: set(_imports(path, files.keys() - {name})) for name, path in files.items()}


def _module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(path: Path, modules: set[str]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield from (name for name in [inner if inner in modules else node.module] if name in modules)


def circles(graph: Graph) -> list[Circle]:
    """Return for each import that is part of a circle the shortest one, each circle once, the shortest first."""
    found = {_turned(circle) for start in graph for target in graph[start] if (circle := _path(graph, target, start))}
    return sorted(found, key=lambda circle: (len(circle), circle))


def _path(graph: Graph, start: str, end: str) -> Circle | None:
    before: dict[str, str | None] = {start: None}
    waiting = deque([start])
    while waiting:
        module = waiting.popleft()
        if module == end:
            return tuple(_way_back(before, end))[::-1]
        for target in sorted(graph[module] - before.keys()):
            before[target] = module
            waiting.append(target)
    return None


def _way_back(before: Mapping[str, str | None], module: str | None) -> Iterator[str]:
    while module:
        yield module
        module = before[module]


def _turned(circle: Circle) -> Circle:
    """Return the circle from its first module on, in the order of the alphabet."""
    first = circle.index(min(circle))
    return circle[first:] + circle[:first]


def touches(circle: Circle, packages: tuple[str, ...]) -> bool:
    """Return whether a module of the circle is one of the packages or lies inside one."""
    return any(f"{module}.".startswith(f"{package}.") for module in circle for package in packages)


def main(*packages: str) -> None:
    """Print the circles of the package, or those that touch the given parts of it."""
    found = [one for one in circles(import_graph(ROOT, PACKAGE)) if touches(one, packages or (PACKAGE,))]
    for circle in found:
        print(" -> ".join((*circle, circle[0])).replace(f"{PACKAGE}.", ""))  # noqa: T201 - it is a command
    print(f"{len(found)} circles, {len({module for circle in found for module in circle})} modules in them")  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
