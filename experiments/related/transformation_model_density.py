"""p(η|x̂) as a mixture whose parameters a small network makes of the prototype, and tests of what it says."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

_MODES = 6


def features(prototypes: Float[Tensor, "samples 1 points"]) -> Float[Tensor, "samples feature"]:
    """Real and imaginary parts of the lowest modes, each in units of its standard deviation."""
    modes = torch.view_as_real(torch.fft.rfft(prototypes[:, 0], norm="forward")[:, : _MODES + 1]).flatten(1)
    spread = modes.std(0)
    # What is 0 by the choice of the prototypes, but for rounding, stays 0.
    return (modes - modes.mean(0)) * torch.where(spread > 1e-9 * spread.amax(), 1 / spread, 0.0)


class ConditionalMixture(nn.Module):
    """A mixture of laws on the circle (von Mises) or on the line (normal), its parameters a function of the prototype.

    On the circle a component is exp(a·(cos η, sin η)) / 2π I₀(|a|) with a ∈ R²: uniform, and smooth, at a = 0, where
    training starts.

    Args:
        inputs: features of a prototype.
        circle: whether η is an angle.
        components: of the mixture.
        hidden: units of the one hidden layer.
        seed: of the weights.
    """

    def __init__(self, inputs: int, circle: bool, components: int, hidden: int, seed: int):
        super().__init__()
        self.circle, self.components = circle, components
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self.network = nn.Sequential(
                nn.Linear(inputs, hidden), nn.Tanh(), nn.Linear(hidden, 3 * components)
            ).double()
        with torch.no_grad():
            last = self.network[-1]
            last.weight.mul_(0.01)
            last.bias.zero_()
            # Components that are all alike would stay so.
            last.bias[components : 2 * components] = torch.linspace(-1, 1, components) * (0.01 if circle else 1.0)

    def forward(
        self, prototypes: Float[Tensor, "samples feature"], elements: Float[Tensor, "*values samples"]
    ) -> Float[Tensor, "*values samples"]:
        """log p(η|x̂)."""
        weight, first, second = self.network(prototypes).unflatten(1, (3, self.components)).unbind(1)
        eta = elements.unsqueeze(-1)
        if self.circle:
            size = (first.square() + second.square() + 1e-12).sqrt()
            each = first * eta.cos() + second * eta.sin() - size - torch.special.i0e(size).log()
            each = each - math.log(2 * math.pi)
        else:
            each = -((eta - first) ** 2) * (-2 * second).exp() / 2 - second - math.log(2 * math.pi) / 2
        mixed: Tensor = (each + weight.log_softmax(-1)).logsumexp(-1)
        return mixed


def fitted(
    model: ConditionalMixture,
    prototypes: Float[Tensor, "samples feature"],
    elements: Float[Tensor, " samples"],
    training: int,
    steps: int,
    rate: float,
) -> ConditionalMixture:
    """Greatest likelihood of the first samples; the step at which that of the others is greatest is kept."""
    optimiser = torch.optim.Adam(model.parameters(), lr=rate, weight_decay=1e-3)
    best, kept = -math.inf, {}
    for step in range(steps + 1):
        if step % 10 == 0:
            with torch.no_grad():
                value = float(model(prototypes[training:], elements[training:]).mean())
            if value > best:
                best, kept = value, {name: each.clone() for name, each in model.state_dict().items()}
        optimiser.zero_grad()
        (-model(prototypes[:training], elements[:training]).mean()).backward()
        optimiser.step()
    model.load_state_dict(kept)
    return model


def divergence_from_uniform(model: ConditionalMixture, prototypes: Float[Tensor, "samples feature"]) -> float:
    """∫ p log 2πp dη in nats, the mean over prototypes, for a model on the circle."""
    points = 256
    angles = 2 * math.pi / points * torch.arange(points, dtype=torch.float64)
    with torch.no_grad():
        logarithm = model(prototypes, angles.unsqueeze(1).expand(-1, len(prototypes)))
    return float((logarithm.exp() * (logarithm + math.log(2 * math.pi))).mean() * 2 * math.pi)


def symmetry_level(
    model: ConditionalMixture,
    prototypes: Float[Tensor, "samples feature"],
    elements: Float[Tensor, " samples"],
    draws: int,
    generator: torch.Generator,
) -> float:
    """The probability, if the law is symmetric, of elements that the model finds as likely: small where it is not.

    On the circle symmetry says that η is uniform given the prototype: elements are drawn anew. On the line it says that
    η does not depend on the prototype: they are permuted. Either way the test Σ log p(ηᵢ|x̂ᵢ) of samples that the
    model has not seen, and of as many draws, is exchangeable, so that P(level ≤ α) ≤ α whatever the model is.
    """
    others = torch.rand(draws, len(elements), generator=generator, dtype=torch.float64)
    others = 2 * math.pi * others if model.circle else elements[others.argsort(1)]
    with torch.no_grad():
        value, drawn = model(prototypes, elements).sum(), model(prototypes, others).sum(1)
    return (1 + int((drawn >= value).sum())) / (1 + draws)


def rayleigh_level(elements: Float[Tensor, " samples"], draws: int, generator: torch.Generator) -> float:
    """The same by the mean direction Σ e^{iη} alone, which does not look at the prototypes."""
    others = 2 * math.pi * torch.rand(draws, len(elements), generator=generator, dtype=torch.float64)
    value, drawn = (torch.polar(torch.ones_like(each), each).sum(-1).abs() for each in (elements, others))
    return (1 + int((drawn >= value).sum())) / (1 + draws)
