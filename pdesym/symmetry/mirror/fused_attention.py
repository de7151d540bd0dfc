"""Channels of torch's own attention, which keeps queries, keys and values in one parameter."""

from collections.abc import Mapping

from torch import Tensor, nn

from pdesym.symmetry.mirror.channel_group import ChannelGroup
from pdesym.symmetry.mirror.declared import Axis


def fused_attention(module: nn.Module, parameters: Mapping[str, Tensor]) -> list[ChannelGroup]:
    """Heads, and in each head the channels of W_Qᵀ W_K and those of W_O W_V, of every `nn.MultiheadAttention` inside.

    They are proposals: kinds are to be confirmed. Attention with other sizes of keys or values keeps its matrices
    apart, and gives none here.

    Args:
        module: the network.
        parameters: its parameters.
    """
    groups = []
    shapes = {name: tuple(p.shape) for name, p in parameters.items()}
    for prefix, each in module.named_modules():
        names = tuple(f"{prefix}.{name}" if prefix else name for name in ("in_proj_weight", "in_proj_bias"))
        out = f"{prefix}.out_proj.weight" if prefix else "out_proj.weight"
        if not isinstance(each, nn.MultiheadAttention) or not {names[0], out} <= set(parameters):
            continue
        heads, width = each.num_heads, each.head_dim
        views = {names[0]: (3, heads, width, each.embed_dim), names[1]: (3, heads, width)}
        given = {name: view for name, view in views.items() if name in parameters}
        inward = [Axis(name, 1, view) for name, view in given.items()]
        if heads > 1:
            groups.append(ChannelGroup((*inward, Axis(out, 1, (each.embed_dim, heads, width))), heads, shapes))
        if width == 1:
            continue
        for h in range(heads):
            scores = [Axis(name, 2, view, {0: (0, 1), 1: (h,)}) for name, view in given.items()]
            values = [Axis(name, 2, view, {0: (2,), 1: (h,)}) for name, view in given.items()]
            values.append(Axis(out, 2, (each.embed_dim, heads, width), {1: (h,)}))
            groups += [ChannelGroup(tuple(axes), width, shapes) for axes in (scores, values)]
    return groups
