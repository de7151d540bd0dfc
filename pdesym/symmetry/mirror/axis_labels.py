"""Labels of tensor axes: which axes of parameters number the same channels."""

from math import prod

Labels = tuple[int, ...]
"""An axis as factors, the slowest first: one label, those of (heads, width) where it is read as both, () for size 1."""


class AxisLabels:
    """Labels: joined when axes meet, split when an axis is read as several, and fixed when their order matters."""

    def __init__(self) -> None:
        self._sizes: list[int] = []
        self._joined: list[int] = []
        self._parts: dict[int, Labels] = {}
        self._fixed: list[bool] = []

    def new(self, size: int, fixed: bool = False) -> Labels:
        """A label for an axis that has met no other."""
        if size == 1:
            return ()
        self._sizes.append(size)
        self._joined.append(len(self._joined))
        self._fixed.append(fixed)
        return (len(self._joined) - 1,)

    def size(self, axis: Labels) -> int:
        """How long the axis is."""
        return prod(self._sizes[label] for label in axis)

    def is_fixed(self, label: int) -> bool:
        """Whether the order along the axis matters to the function."""
        return self._fixed[self._root(label)]

    def resolve(self, axis: Labels) -> Labels:
        """The axis by labels that are joined to no others and have no parts."""
        found: list[int] = []
        for label in axis:
            root = self._root(label)
            found.extend(self.resolve(self._parts[root]) if root in self._parts else (root,))
        return tuple(found)

    def fix(self, axis: Labels) -> Labels:
        """Says that the order along the axis matters."""
        for label in self.resolve(axis):
            self._fixed[label] = True
        return axis

    def join(self, first: Labels, second: Labels) -> Labels:
        """Says that two axes of one size number the same; an axis of size 1 is stretched along the other."""
        if not first or not second:
            return first or second
        if self.size(first) != self.size(second):
            self.fix(first)
            self.fix(second)
            return first
        while True:
            a, b = self.resolve(first), self.resolve(second)
            for one, other in zip(a, b, strict=False):
                if self._sizes[one] == self._sizes[other]:
                    self._unite(one, other)
                    continue
                larger, smaller = sorted((one, other), key=lambda label: -self._sizes[label])
                if not self._split(larger, self._sizes[smaller]):
                    self.fix(first)
                    self.fix(second)
                    return first
                break
            else:
                return first

    def read_as(self, axes: list[Labels], shape: tuple[int, ...]) -> list[Labels]:
        """The axes of a tensor after a view of another shape."""
        found: list[Labels] = []
        rest = [label for axis in axes for label in self.resolve(axis)]
        for size in shape:
            taken: list[int] = []
            while self.size(tuple(taken)) < size and rest:
                missing = size // self.size(tuple(taken))
                label = rest.pop(0)
                if self._sizes[label] > missing:
                    if not self._split(label, missing):
                        self.fix((label, *rest, *taken))
                        return [self.new(each, fixed=True) for each in shape]
                    label, *left = self.resolve((label,))
                    rest[:0] = left
                taken.append(label)
            if self.size(tuple(taken)) != size:
                self.fix((*rest, *taken))
                return [self.new(each, fixed=True) for each in shape]
            found.append(tuple(taken))
        return found

    def _root(self, label: int) -> int:
        while self._joined[label] != label:
            label = self._joined[label]
        return label

    def _unite(self, one: int, other: int) -> None:
        if one != other:
            self._joined[other] = one
            self._fixed[one] = self._fixed[one] or self._fixed[other]

    def _split(self, label: int, slow: int) -> bool:
        size = self._sizes[label]
        if size % slow:
            return False
        fixed = self._fixed[label]
        self._parts[label] = (*self.new(slow, fixed), *self.new(size // slow, fixed))
        return True
