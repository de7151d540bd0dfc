"""Recipes that nobody should send: every case is a file and a word that the refusal must contain."""

from dataclasses import dataclass

import yaml

GOOD = {
    "name": "good",
    "equation": "u_t = -u*u_x - u_xxx",
    "grid": {"points": 16, "length": 16.0},
    "initial": {"law": "sinusoids", "terms": 2, "amplitude": 0.1, "waves": [1]},
    "times": {"first": 0.0, "last": 0.2, "count": 3},
    "splits": {"train": 2},
    "rtol": 1e-4,
    "seed": 0,
    "shard": 2,
}
"""A recipe that takes a moment; each case changes one thing in it."""


@dataclass(frozen=True)
class HostileRecipe:
    """A recipe file and what its refusal must mention, as a regular expression.

    Attributes:
        name: of the case.
        content: of the file.
        mention: the key, or the place in the file, that the refusal has to name.
    """

    name: str
    content: bytes
    mention: str


def _with(path: str, value: object) -> bytes:
    """The good recipe with one entry, at a dotted path, replaced."""
    data = {key: dict(part) if isinstance(part, dict) else part for key, part in GOOD.items()}
    section = data
    *parents, key = path.split(".")
    for parent in parents:
        section = section.setdefault(parent, {})
    section[key] = value
    return yaml.safe_dump(data, sort_keys=False).encode()


def _without(key: str) -> bytes:
    return yaml.safe_dump({name: value for name, value in GOOD.items() if name != key}, sort_keys=False).encode()


def _plus(text: str) -> bytes:
    """The good recipe with lines of YAML after it."""
    return yaml.safe_dump(GOOD, sort_keys=False).encode() + text.encode()


def _bomb(levels: int) -> bytes:
    """Nine aliases of nine aliases of ...: a few hundred bytes that stand for 9^levels words."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines).encode()


_OF_THE_WRONG_KIND = [
    HostileRecipe(f"{path} is {shown}", _with(path, value), path.split(".")[0])
    for path, value, shown in [
        ("name", 7, "a number"),
        ("name", ["a"], "a list"),
        ("equation", 3.5, "a number"),
        ("equation", {"text": "u_t = u_xx"}, "a section"),
        ("equation", [], "an empty list"),
        ("equation", "", "empty"),
        ("parameters", [1, 2], "a list"),
        ("parameters", {"nu": True}, "a parameter that is true"),
        ("parameters", {"nu": None}, "a parameter that is nothing"),
        ("grid", "16 points", "a word"),
        ("grid.points", "16", "a word of digits"),
        ("grid.points", 16.5, "half a point"),
        ("grid.points", [], "no axes"),
        ("grid.points", [8, 8, 8, 8], "four axes"),
        ("grid.length", "long", "a word"),
        ("grid.length", [1.0, 2.0], "a length too many"),
        ("initial", [1], "a list"),
        ("initial.law", 3, "a number"),
        ("initial.waves", "12", "a word"),
        ("initial.waves", [1.5], "half a wave"),
        ("times", 3, "a number"),
        ("times.count", "many", "a word"),
        ("splits", [4], "a list"),
        ("splits.train", 2.5, "half a sample"),
        ("rtol", "small", "a word"),
        ("dtype", "float128", "unknown"),
        ("seed", "zero", "a word"),
        ("seed", 0.5, "a fraction"),
        ("shard", None, "nothing"),
    ]
]

_OF_THE_WRONG_SIZE = [
    HostileRecipe(f"{path} is {shown}", _with(path, value), mention)
    for path, value, shown, mention in [
        ("grid.length", float("nan"), "nan", r"grid\.length"),
        ("grid.length", float("inf"), "inf", r"grid\.length"),
        ("grid.length", 0.0, "zero", r"length"),
        ("grid.length", 1e-320, "denormal", r"length|grid|blow"),
        ("grid.points", -16, "negative", r"points"),
        ("grid.points", 2, "too small", r"points"),
        ("grid.points", 10**12, "huge", r"points|needs up to"),
        ("grid.points", 10**30, "beyond 64 bits", r"points"),
        ("initial.amplitude", float("nan"), "nan", r"initial\.amplitude"),
        ("initial.amplitude", -1.0, "negative", r"initial\.amplitude"),
        ("initial.terms", 0, "none", r"initial\.terms"),
        ("initial.terms", 10**11, "huge", r"terms"),
        ("initial.waves", [10**9], "finer than the grid", r"waves"),
        ("initial.waves", [0], "constant", r"initial\.waves"),
        ("times.first", -1.0, "negative", r"times\.first"),
        ("times.last", -5.0, "negative", r"times"),
        ("times.last", 0.0, "not after the first", r"times"),
        ("times.last", float("inf"), "inf", r"times\.last"),
        ("times.count", 1, "too small", r"times\.count"),
        ("times.count", -3, "negative", r"times\.count"),
        ("times.count", 10**13, "huge", r"count|needs up to"),
        ("times.count", 10**40, "beyond 64 bits", r"count"),
        ("splits.train", -1, "negative", r"splits\.train"),
        ("splits.train", 0, "zero", r"splits"),
        ("splits.train", 10**14, "huge", r"splits|needs up to"),
        ("splits.train", 10**25, "beyond 64 bits", r"splits|train"),
        ("rtol", float("nan"), "nan", r"rtol"),
        ("rtol", 0.0, "zero", r"rtol"),
        ("rtol", 1e-300, "below round-off", r"rtol"),
        ("rtol", -1e-4, "negative", r"rtol"),
        ("seed", -1, "negative", r"seed"),
        ("shard", 0, "zero", r"shard"),
        ("shard", -2, "negative", r"shard"),
        ("parameters", {"c": float("inf")}, "inf", r"parameters"),
        ("parameters", {"c": {"uniform": [float("nan"), 1.0]}}, "from nan", r"parameters"),
        ("parameters", {"c": {"uniform": [2.0, 1.0]}}, "upside down", r"parameters\.c"),
        ("parameters", {"c": {"uniform": [1.0]}}, "half an interval", r"parameters\.c"),
        ("parameters", {"c": {"log_uniform": [-1.0, 1.0]}}, "the logarithm of a negative number", r"parameters\.c"),
        ("parameters", {"c": {"normal": [0.0, -1.0]}}, "a negative deviation", r"parameters\.c"),
        ("parameters", {"c": {"choice": []}}, "a choice of nothing", r"parameters\.c"),
    ]
]

_OF_EQUATIONS = [
    HostileRecipe(f"equation {name}", _with("equation", text), mention)
    for name, text, mention in [
        ("that runs a command", "u_t = __import__('os').system('touch canary')", r"equation|text|__import__|read"),
        ("that opens a file", "u_t = open('canary', 'w')", r"open|function"),
        ("that evaluates", "u_t = eval(\"open('canary','w')\")", r"eval|read|text|function"),
        ("that walks the classes", "u_t = ().__class__.__bases__[0].__subclasses__()", r"."),
        ("with a lambda", "u_t = (lambda: u)()", r"."),
        ("with an attribute", "u_t = u.__class__", r"."),
        ("with a comprehension", "u_t = sum([u for _ in range(10**9)])", r"."),
        ("with an assignment expression", "u_t = (v := u_xx)", r"."),
        ("with an f-string", "u_t = f'{u}'", r"."),
        ("with a tower of exponents", "u_t = 9**9**9**9*u_xx", r"."),
        ("with a factorial", "u_t = factorial(10**8)*u_xx", r"."),
        ("with a sum without end", "u_t = Sum(u, (n, 1, oo))", r"."),
        ("with a power that has a million terms", "u_t = (u + u_x + u_xx + u_xxx + 1)**100000", r"."),
        ("of five thousand brackets", "u_t = " + "(" * 5000 + "u" + ")" * 5000, r"."),
        ("of a hundred thousand minus signs", "u_t = " + "-" * 100000 + "u", r"."),
        ("without a right side", "u_t =", r"."),
        ("with two equal signs", "u_t = u_x = u_xx", r"."),
        ("with a zero byte", "u_t = u\0_xx", r"."),
        ("in other letters", "u_t = u_хх", r"."),
        ("that divides by zero", "u_t = u/0", r"."),
        ("that is infinite", "u_t = oo*u", r"."),
        ("that is imaginary", "u_t = I*u_xx", r"."),
        ("that runs backwards", "u_t = -u_xx", r"ill-posed"),
        ("of no catalogue", "../../etc/passwd", r"passwd"),
        ("of a derivative of order thousand", "u_t = u_" + "x" * 1000, r"."),
    ]
]

_OF_FILES = [
    HostileRecipe(name, content, mention)
    for name, content, mention in [
        ("an empty file", b"", r"keys and values"),
        ("only a comment", b"# nothing\n", r"keys and values"),
        ("a list", b"- a\n- b\n", r"keys and values"),
        ("a single word", b"kdv\n", r"keys and values"),
        ("binary", bytes(range(128, 256)), r"UTF-8"),
        ("zero bytes", bytes(1000), r"YAML|text"),
        ("UTF-16", yaml.safe_dump(GOOD).encode("utf-16"), r"UTF-8"),
        ("control characters", _plus("x: \x07\n"), r"YAML"),
        ("two documents", _plus("---\nname: other\n"), r"YAML|document"),
        ("a bracket that stays open", _plus("parameters: {nu: [1, 2\n"), r"line \d+"),
        ("a tab for indentation", _plus("parameters:\n\tnu: 1\n"), r"line \d+"),
        ("a key given twice", _plus("seed: 4\n"), r"key seed is given twice"),
        ("a key given twice within a section", _plus("parameters: {c: 1, c: 2}\n"), r"key c is given twice"),
        ("a key that is a number", _plus("1: 2\n"), r"line \d+"),
        ("a key that is a list", _plus("? [a, b]\n: 2\n"), r"line \d+"),
        ("a merge key", _plus("<<: {seed: 4}\n"), r"line \d+|<<"),
        ("an object of Python", _plus("parameters: !!python/object:os.system {}\n"), r"line \d+"),
        ("a call of Python", _plus("x: !!python/object/apply:os.system ['touch canary']\n"), r"line \d+"),
        ("a name of Python", _plus("x: !!python/name:os.system\n"), r"line \d+"),
        ("a module of Python", _plus("x: !!python/module:os\n"), r"line \d+"),
        ("an unknown tag", _plus("x: !secret 5\n"), r"line \d+"),
        ("an alias of nothing", _plus("x: *nowhere\n"), r"line \d+"),
        ("an anchor that holds itself", _plus("parameters: &p {c: *p}\n"), r"parameters|line \d+|anchor|alias"),
        ("a list that holds itself", _plus("x: &l [*l]\n"), r"x|line \d+|anchor|alias"),
        ("a bomb of anchors", _bomb(12), r"a0|alias|anchor"),
        ("a bomb of anchors in a section", _plus("parameters:\n  " + _bomb(12).decode().replace("\n", "\n  ") + "\n"),
         r"parameters|alias|anchor"),
        ("lists in lists", _plus("x: " + "[" * 20000 + "]" * 20000 + "\n"), r"YAML|deep|nest"),
        ("sections in sections", _plus("".join(f"{' ' * n}k{n}:\n" for n in range(1500))), r"YAML|deep|nest|k0"),
        ("a number of a million digits", _plus("x: " + "9" * 10**6 + "\n"), r"x|digits|YAML"),
        ("a word of ten million letters", _plus("x: " + "a" * 10**7 + "\n"), r"x|large|long"),
        ("a hundred thousand keys", _plus("".join(f"k{n}: 1\n" for n in range(100_000))), r"k0|large|long"),
        ("a date", _with("name", "2026-01-01").replace(b"'", b""), r"name"),
        ("a year beyond all dates", _plus("x: 2026-99-99\n"), r"x|line \d+|YAML"),
        ("a number to base sixty", _with("shard", 1).replace(b"shard: 1", b"shard: 1:99:99999"), r"shard|line \d+"),
        ("bytes", _plus("x: !!binary '####'\n"), r"line \d+|YAML"),
        ("a set", _plus("parameters: !!set {c, d}\n"), r"parameters"),
    ]
]  # fmt: skip

_OF_NAMES = [
    HostileRecipe(name, content, mention)
    for name, content, mention in [
        ("a name that climbs", _with("name", "../../climbs"), r"name"),
        ("a name from the root", _with("name", "/tmp/rooted"), r"name"),
        ("a name with a zero byte", _with("name", "a\0b"), r"name"),
        ("a name with a line end", _with("name", "good\n"), r"name"),
        ("a name of markup", _with("name", "<script>alert(1)</script>"), r"name"),
        ("an empty name", _with("name", ""), r"name"),
        ("a name of ten thousand letters", _with("name", "a" * 10000), r"name"),
        ("a parameter that climbs", _with("parameters", {"../c": 1.0}), r"parameters"),
        ("a parameter with the name of a field", _with("parameters", {"u": {"uniform": [0.0, 1.0]}}), r"\bu\b"),
        ("a parameter with the name of an axis", _with("parameters", {"x": 1.0}), r"\bx\b"),
        ("a parameter with the name of an array", _with("parameters", {"status": 1.0}), r"status"),
        ("a parameter with dunders", _with("parameters", {"__class__": 1.0}), r"__class__"),
        ("a parameter that is a keyword", _with("parameters", {"lambda": 1.0}), r"parameters"),
        ("a parameter that nothing uses", _with("parameters", {"unused": 1.0}), r"unused"),
        ("a typo", _with("sede", 1), r"sede .*did you mean seed"),
        ("a typo in a section", _with("grid.lenght", 1.0), r"grid\.lenght .*did you mean grid\.length"),
        ("a private key", _with("model_config", {"extra": "allow"}), r"model_config"),
        ("a dunder key", _with("__class__", "Recipe"), r"__class__"),
        ("no equation", _without("equation"), r"lacks equation"),
        ("no grid", _without("grid"), r"lacks grid"),
        ("no times", _without("times"), r"lacks times"),
        ("no splits", _without("splits"), r"lacks splits"),
        ("a step and a tolerance", _with("dt", 0.1), r"rtol .* and dt"),
        ("a split of its own", _with("splits", {"train": 2, "../../up": 3}), r"splits"),
    ]
]

CASES = [*_OF_THE_WRONG_KIND, *_OF_THE_WRONG_SIZE, *_OF_EQUATIONS, *_OF_FILES, *_OF_NAMES]

SOURCES = [
    "../../etc/passwd",
    "/etc/passwd",
    "../recipes/kdv",
    "kdv/../../kdv",
    "kdv\0",
    "~root",
    "",
    ".",
    "..",
    "kdv.yaml\0.png",
    "recipe\nkdv",
    "__init__",
    "a" * 5000,
    "a" * 5000 + ".yaml",
    "/dev/zero",
    "/dev/zero.yaml",
    "https://localhost/kdv.yaml",
    "$(touch canary)",
    "; touch canary",
]
"""What somebody may give for the name of a recipe that comes with pdesym."""

OVERRIDES = [
    "",
    "=",
    "=1",
    "seed",
    ".=1",
    "..seed=1",
    "seed.=1",
    "seed=!!python/object/apply:os.system ['touch canary']",
    "seed=[1",
    "seed=*nowhere",
    "grid.points={points: {points: 3}}",
    "__class__=1",
    "splits.__class__=4",
    "parameters.__class__.x=1",
    "equation={text: 5}",
    "seed=" + "9" * 10**5,
    "x=" + "[" * 5000 + "]" * 5000,
    "grid." + "a." * 3000 + "b=1",
    "name=\x00",
    "parameters=&p {c: *p}",
]
"""What somebody may write after --set."""
