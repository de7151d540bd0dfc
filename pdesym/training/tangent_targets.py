"""Training on derivatives: what the solution map does to small differences of its input."""

import hashlib
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn


@dataclass(frozen=True)
class TangentTargets:
    """The penalty ⟨(dF[u]·w − d)²⟩/s² over random examples, F the model; zero when dF[u]·w = d.

    With d = dS[u]·w of the exact solution map S, such as `FlowMap.tangent` gives, the model learns how nearby solutions
    move apart, which its values at the examples leave open.

    Args:
        u: inputs of the model, `(example, …)`, on the device and in the precision of its training.
        w: directions, of the shape of u.
        image: d, `(example, …)`, of the shape of the output.
        batch: examples in a step, drawn with replacement.
        size: s, in units of the image: the penalty is relative to it.

    Raises:
        ValueError: for shapes that do not belong together, and a batch or size that is not positive.

    Source: Czarnecki et al., Sobolev Training for Neural Networks (NeurIPS 2017), eq. 1.
    """

    u: Float[Tensor, "example ..."] = field(repr=False)
    w: Float[Tensor, "example ..."] = field(repr=False)
    image: Float[Tensor, "example ..."] = field(repr=False)
    batch: int
    size: float = 1.0
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        if self.u.shape != self.w.shape or len(self.u) != len(self.image):
            raise ValueError(
                "Expected inputs and directions of one shape and as many images, got "
                f"{tuple(self.u.shape)}, {tuple(self.w.shape)} and {tuple(self.image.shape)}."
            )
        if self.batch < 1 or not 0 < self.size < float("inf"):
            raise ValueError(f"Expected a positive batch and size, got batch={self.batch}, size={self.size}.")
        parts = (tensor[:64].cpu().contiguous().numpy().tobytes() for tensor in (self.u, self.w, self.image))
        object.__setattr__(self, "digest", hashlib.sha256(b"".join(parts)).hexdigest()[:16])

    def __call__(self, model: nn.Module, generator: torch.Generator) -> Float[Tensor, ""]:
        """The penalty on the examples that the generator draws."""
        chosen = torch.randint(len(self.u), (self.batch,), generator=generator).to(self.u.device)
        pushed: Tensor = torch.func.jvp(model, (self.u[chosen],), (self.w[chosen],))[1]
        return (pushed - self.image[chosen]).square().mean() / self.size**2
