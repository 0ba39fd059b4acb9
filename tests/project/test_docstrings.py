"""Every module and every public name says what it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

Documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def public(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, Documented]]:
    """Public functions and classes of a module, and the public methods of its public classes."""
    for node in body:
        if isinstance(node, Documented) and not node.name.startswith("_"):
            yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body, f"{prefix}{node.name}.")


def overrides(node: Documented) -> bool:
    """An overload, or a method that is named by a library we build on, which has said it all."""
    if node.name in ("load_dialect_impl", "process_bind_param", "process_result_value"):  # SQLAlchemy's TypeDecorator
        return True
    decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
    return any(name.split(".")[-1] in ("overload", "override", "setter") for name in decorators)


def test_every_public_name_has_a_docstring(project_files: list[Path], root: Path) -> None:
    mute = []
    for path in project_files:
        place = path.relative_to(root)
        if place.parts[:2] != ("src", "adept") or path.suffix != ".py" or "versions" in place.parts:
            continue
        tree = ast.parse(path.read_text())
        if ast.get_docstring(tree) is None and tree.body:
            mute.append(f"{place}: the module")
        mute += [
            f"{place}:{node.lineno}: {name}"
            for name, node in public(tree.body)
            if ast.get_docstring(node) is None and not overrides(node)
        ]
    assert mute == []
