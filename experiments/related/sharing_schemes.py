"""Which entries of a matrix share a weight: schemes that lower the validation loss of weights fitted to training data.

The inner problem, the weights θ of a scheme A, is solved exactly: θ(A) = argmin Σ‖y − W x‖² + r‖θ‖², vec W = A θ. So
the gradient of the validation loss with respect to A is that of a linear solve, with nothing unrolled or left out.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from experiments.related.partitions import classes, compact

_RIDGE = 1e-4


@dataclass(frozen=True)
class Sums:
    """All that the loss of a matrix needs of pairs (x, y): Σ‖y − W x‖² = tr(W G Wᵀ) − 2 tr(W Bᵀ) + Σ‖y‖².

    Attributes:
        gram: G = Σ x xᵀ.
        cross: B = Σ y xᵀ.
        square: Σ‖y‖².
        count: of pairs.
    """

    gram: Float[Tensor, "n n"]
    cross: Float[Tensor, "n n"]
    square: float
    count: int

    @classmethod
    def of(cls, x: Float[Tensor, "pairs n"], y: Float[Tensor, "pairs n"]) -> "Sums":
        """The sums of pairs in rows."""
        return cls(x.mT @ x, y.mT @ x, float(y.square().sum()), len(x))

    def loss(self, matrix: Float[Tensor, "n n"]) -> Float[Tensor, ""]:
        """Mean squared error of an entry of y."""
        errors = ((matrix @ self.gram) * matrix).sum() - 2 * (matrix * self.cross).sum() + self.square
        return errors / self.cross.numel() ** 0.5 / self.count

    def dense(self) -> Float[Tensor, "n n"]:
        """The matrix without sharing."""
        n = len(self.gram)
        return torch.linalg.solve(self.gram + _RIDGE * torch.eye(n, dtype=self.gram.dtype), self.cross.mT).mT


def shared_matrix(scheme: Float[Tensor, "entries classes"], sums: Sums) -> Float[Tensor, "n n"]:
    """W = A θ(A), differentiable in A, whose rows are shares in the classes."""
    n = len(sums.gram)
    a = scheme.reshape(n, n, -1)
    normal = torch.einsum("ijk,ijm->km", torch.einsum("ijk,jl->ilk", a, sums.gram), a)
    normal = normal + _RIDGE * torch.eye(a.shape[-1], dtype=a.dtype)
    weights = torch.linalg.solve(normal, torch.einsum("ijk,ij->k", a, sums.cross))
    return a @ weights


def fitted(labels: Int[Tensor, " entries"], sums: Sums) -> Float[Tensor, "n n"]:
    """The matrix of a hard scheme."""
    return shared_matrix(one_hot(labels), sums)


def one_hot(labels: Int[Tensor, " entries"]) -> Float[Tensor, "entries classes"]:
    """A hard scheme as shares."""
    return torch.nn.functional.one_hot(compact(labels)).double()


def clustered(values: Float[Tensor, " entries"], count: int, rounds: int = 50) -> Int[Tensor, " entries"]:
    """Classes of equal values as k-means finds them, from quantiles on."""
    centres = values.quantile(torch.linspace(0, 1, count, dtype=values.dtype))
    for _ in range(rounds):
        labels = (values.unsqueeze(1) - centres).abs().argmin(1)
        sizes = torch.bincount(labels, minlength=count)
        means = torch.zeros_like(centres).index_add(0, labels, values) / sizes
        centres = torch.where(sizes > 0, means, centres)
    return compact(labels)


def by_gradient(
    start: Int[Tensor, " entries"], train: Sums, validation: Sums, steps: int, rate: float = 0.1
) -> Int[Tensor, " entries"]:
    """Soft assignments A = softmax(Z/τ) by Adam on the validation loss of W(A), then the largest share of each entry.

    τ falls from 1 to 1/10, so that shares end near 0 or 1.

    Source: Yeh et al., Equivariance Discovery by Learned Parameter-Sharing (AISTATS 2022), section 4.
    """
    labels = compact(start)
    logits = (3.0 * one_hot(labels)).requires_grad_()
    optimiser = torch.optim.Adam([logits], lr=rate)
    for step in range(steps):
        temperature = 1 - 0.9 * step / steps
        optimiser.zero_grad()
        validation.loss(shared_matrix((logits / temperature).softmax(1), train)).backward()
        optimiser.step()
    return compact(logits.detach().argmax(1))


def by_turns(
    start: Int[Tensor, " entries"], train: Sums, validation: Sums, rounds: int = 20
) -> Int[Tensor, " entries"]:
    """Weights from training data, then for each entry in turn the class of least validation loss, until none moves."""
    labels, n = compact(start), len(train.gram)
    for _ in range(rounds):
        matrix, before = fitted(labels, train), labels
        weights = torch.zeros(classes(labels), dtype=matrix.dtype).index_put((labels,), matrix.flatten())
        table = labels.reshape(n, n).clone()
        for j in range(n):
            # The loss is a parabola in each entry of column j, the rows apart from each other.
            slope = validation.cross[:, j] - matrix @ validation.gram[:, j]
            best = matrix[:, j] + slope / validation.gram[j, j]
            table[:, j] = (best.unsqueeze(1) - weights).abs().argmin(1)
            matrix[:, j] = weights[table[:, j]]
        labels = compact(table.flatten())
        if labels.equal(compact(before)):
            break
    return labels


def merged(labels: Int[Tensor, " entries"], train: Sums, validation: Sums, slack: float) -> Int[Tensor, " entries"]:
    """Unites the neighbouring classes that cost least while the validation loss is at most 1 + slack of the best."""
    labels = compact(labels)
    best = float(validation.loss(fitted(labels, train)))
    while (count := classes(labels)) > 1:
        matrix = fitted(labels, train)
        weights = torch.zeros(count, dtype=matrix.dtype).index_put((labels,), matrix.flatten())
        order = weights.argsort()
        gaps = weights[order].diff()
        tried = []
        for place in gaps.argsort()[:5]:
            first, second = order[place], order[place + 1]
            united = compact(torch.where(labels == second, first, labels))
            tried.append((float(validation.loss(fitted(united, train))), united))
        loss, united = min(tried, key=lambda each: each[0])
        if loss > (1 + slack) * best:
            break
        best, labels = min(best, loss), united
    return labels
