"""The coefficients of the steps along a course."""

from collections import Counter, defaultdict

import torch
from torch import Tensor

from pdesym.solvers.control import Segment
from pdesym.solvers.replay import Group, Replay

Key = tuple[int, float, float]
"""Stage, step, and the time at which what is linear with coefficients of t is frozen."""


class Tables:
    """Coefficients made at their first use, for all samples that ever take that step, and dropped after the last."""

    def __init__(self, replay: Replay):
        self._replay = replay
        self._left: Counter[Key] = Counter()
        users: dict[Key, set[int]] = defaultdict(set)
        course = replay.course
        for segment, groups in zip(course.segments, course.groups, strict=True):
            for group in groups:
                key = self.key(segment, group)
                self._left[key] += 1
                users[key].update(group.rows)
        self._users = {key: tuple(sorted(rows)) for key, rows in users.items()}
        self._made: dict[Key, Tensor] = {}

    def key(self, segment: Segment, group: Group) -> Key:
        """What the coefficients of a group in a segment depend on, besides the samples."""
        explicit = self._replay.whole(group.stage).explicit_linear
        return group.stage, segment.length / group.steps, segment.start + 0.5 * segment.length if explicit else 0.0

    def make(self, segment: Segment, group: Group) -> Tensor:
        """The coefficients for all users, `(entries, users | 1, …)`."""
        key = self.key(segment, group)
        system = self._replay.system(group.stage, self._users[key], segment)
        return self._replay.course.stepper.coefficients(system.symbol, key[1], system.diagonal)

    def of(self, segment: Segment, group: Group) -> Tensor:
        """The same, from memory where they are already made."""
        key = self.key(segment, group)
        if key not in self._made:
            self._made[key] = self.make(segment, group)
        return self._made[key]

    def rows(self, table: Tensor, segment: Segment, group: Group) -> Tensor:
        """The part of a table for all users that belongs to a group."""
        users = self._users[self.key(segment, group)]
        if table.shape[1] == 1 or users == group.rows:
            return table
        places = {row: place for place, row in enumerate(users)}
        return table.index_select(1, torch.tensor([places[row] for row in group.rows], device=table.device))

    def leave(self, segment: Segment, group: Group) -> bool:
        """Says that a group is through with a segment; whether its coefficients are not needed again."""
        key = self.key(segment, group)
        self._left[key] -= 1
        if self._left[key]:
            return False
        self._made.pop(key, None)
        return True
