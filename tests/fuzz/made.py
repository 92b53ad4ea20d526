"""Hostile inputs, made from a seed: right ones with something wrong in them, and pieces that have broken things."""

import json
import random
from collections.abc import Mapping
from typing import Any

from phaselab.domain.settings.parameters import parameters
from phaselab.service.base.presets import presets

TEXTS = (
    "", " ", "a", "data.k", "network.labels", "averaging_index", "null", "nan", "inf", "-0.0", "0x1f", "010", "1:10",
    "1_000", "yes", "1e400", "9" * 20, "9" * 400, "9" * 5000, "-", ".", "..", "/", "//", "\\", "%", "%00", "$", "$x^2$",
    "[/y]", "{}", "[", "]", "<b>", "&", "'", '"', "\0", "\n", "\r\n", "\t", "\x1b[2J", "\x7f", "\u0085", "\u2028",
    "\u202e", "\ufeff", "\uffff", "\ud800", "é", "σ₀", "中文", "👩\u200d🔬", "١", "１", "\u3164", "x" * 201, "x" * 5000,
    "!!int", "&a", "*a", "%TAG", "---", "...", "? ", ": ", "- ", "|", ">", "#", "2001-01-01", "preset:fig3", "=", "!=",
    "<=", "where", "experiment", "http://[", "http://", "javascript:", "../../etc/passwd", "__proto__", "constructor",
)  # fmt: skip
NUMBERS = (
    0, 1, -1, 2, 10, 2**31 - 1, 2**31, 2**63, 10**17, 10**18, 10**400, 0.0, -0.0, 0.1, 0.1 + 0.2, 1e-5, 1e-320, 5e-324,
    1e15, 1e16, 1e308, -1e308, float("inf"), float("nan"), 1.5, 3.0, 1e-12, 4e10, 6.02e23, True, False,
)  # fmt: skip
KEYS = (
    "name", "data", "network", "training", "attack", "features", "sweep", "seeds", "impossible", "priority", "notify",
    "claims", "refine", "tags", "note", "linspace", "logspace", "start", "stop", "num", "radii", "methods",
)  # fmt: skip


class Made:
    """Inputs, each drawn from what has been drawn before it and a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._paths = list(parameters())
        self._specs = [json.loads(json.dumps(preset.spec)) for preset in presets().values()]

    def chance(self, share: float) -> bool:
        """True that often."""
        return self.random.random() < share

    def text(self) -> str:
        """A text that has broken something somewhere, or several of them, or any letters."""
        draw = self.random.random()
        if draw < 0.6:
            return self.random.choice(TEXTS)
        if draw < 0.85:
            return "".join(self.random.choice(TEXTS)[:50] for _ in range(self.random.randint(1, 4)))
        return "".join(
            chr(self.random.choice((127, 256, 0x3000, 0x110000)) - 1 - i) for i in range(self.random.randint(0, 9))
        )

    def number(self) -> Any:
        """A number that has broken something, or any."""
        return self.random.choice(NUMBERS) if self.chance(0.8) else self.random.uniform(-10, 10)

    def value(self, depth: int = 0) -> Any:
        """Anything that JSON holds."""
        draw = self.random.random()
        if depth > 3 or draw < 0.35:
            return self.number()
        if draw < 0.65:
            return self.text()
        if draw < 0.75:
            return None
        many = range(self.random.choice((0, 1, 2, 3, 30)))
        if draw < 0.9:
            return [self.value(depth + 1) for _ in many]
        return {self.key(): self.value(depth + 1) for _ in many}

    def key(self) -> str:
        """A key of a spec, a parameter's path, or any text."""
        return self.random.choice((self.random.choice(KEYS), self.random.choice(self._paths), self.text()))

    def spec(self) -> Any:
        """A preset's spec with a few places changed, or a small one made up."""
        if self.chance(0.05):
            return self.value()
        spec = json.loads(json.dumps(self.random.choice(self._specs)))
        for _ in range(self.random.randint(0, 4)):
            self._change(spec)
        return spec

    def _change(self, spec: dict[str, Any]) -> None:
        """Set one place of a spec, so that it often stays one."""
        draw = self.random.random()
        path = self.random.choice(self._paths)
        group, name = path.split(".")
        if draw < 0.3:
            inner = spec.setdefault(group, {})
            if isinstance(inner, dict):
                inner[name] = self.setting(path)
        elif draw < 0.7:
            sweep = spec.setdefault("sweep", {})
            if isinstance(sweep, dict):
                sweep[path if self.chance(0.9) else self.key()] = self.axis(path)
        elif draw < 0.85:
            spec[self.random.choice(KEYS)] = self.value()
        else:
            spec["name"] = self.text()
            spec["seeds"] = self.random.choice((1, 2, [0, 5], self.value()))

    def setting(self, path: str) -> Any:
        """A value for a parameter: often one that it takes."""
        entry = parameters()[path]
        return self.random.choice((entry.default, *entry.choices, *entry.limits.values(), 3, 0.5, self.value()))

    def axis(self, path: str) -> Any:
        """The values of an axis, in each of the forms."""
        draw = self.random.random()
        if draw < 0.4:
            return [self.setting(path) for _ in range(self.random.randint(1, 4))]
        ends = [self.number() if self.chance(0.5) else self.random.uniform(0.1, 4) for _ in range(2)]
        count = self.random.choice((1, 2, 3, 11, self.number()))
        return {self.random.choice(("linspace", "logspace")): [*ends, count]} if draw < 0.9 else self.value()

    def broken(self, text: str) -> str:
        """A text with pieces put in, cut out or doubled."""
        for _ in range(self.random.choice((0, 0, 0, 1, 1, 2, 5))):
            at, end = sorted(self.random.randint(0, len(text)) for _ in range(2))
            end = min(end, at + 20)
            text = self.random.choice(
                (text[:at] + self.text() + text[at:], text[:at] + text[end:], text[:end] + text[at:])
            )
        return text

    def json_text(self) -> str:
        """A JSON text, perhaps a broken one."""
        return self.broken(json.dumps(self.spec() if self.chance(0.6) else self.value()))

    def yaml_text(self) -> str:
        """A YAML text: JSON is some, and blocks of keys and dashes."""
        if self.chance(0.4):
            return self.json_text()
        lines = [
            f"{' ' * self.random.choice((0, 0, 2, 4))}{self._yaml_line()}" for _ in range(self.random.randint(1, 8))
        ]
        return self.broken("\n".join(lines))

    def _yaml_line(self) -> str:
        shown = self.text() if self.chance(0.5) else json.dumps(self.value(2))
        return self.random.choice((f"{self.key()}: {shown}", f"- {shown}", f"? {shown}", f"{shown}", f"{self.key()}:"))

    def condition(self) -> str:
        """A condition, perhaps a broken one."""
        sign = self.random.choice(("=", "!=", "<", "<=", ">", ">=", "=="))
        value = self.text() if self.chance(0.5) else str(self.random.choice((4, 0.3, "binary", -0.0, 1e-5)))
        return self.broken(f"{self.random.choice(self._paths)}{sign}{value}")

    def csv_text(self) -> str:
        """A CSV of published values."""
        columns = self.random.sample(
            ["radius", "radius_l2", "accuracy", "robust_accuracy_percent", "label", "dataset"], 4
        )
        rows = [
            [str(self.random.choice((0, 0.5, 1, 50, self.number(), self.text()))) for _ in columns] for _ in range(3)
        ]
        return self.broken("\n".join(",".join(row) for row in [columns, *rows]))

    def changed(self, right: Any) -> Any:
        """A right value of JSON with one place changed."""
        if self.chance(0.2):
            return right
        if self.chance(0.2) or not isinstance(right, dict | list) or not right:
            return self.value(2)
        if isinstance(right, Mapping):
            key = self.random.choice(list(right))
            return (
                {**right, key: self.changed(right[key])}
                if self.chance(0.8)
                else {k: v for k, v in right.items() if k != key}
            )
        at = self.random.randrange(len(right))
        return [*right[:at], self.changed(right[at]), *right[at + 1 :]]
