"""Follows the axes of parameters through one call of a network: which of them number the same channels."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from pdesym.symmetry.mirror.axis_labels import AxisLabels, Labels

_SAME = {"clone", "_to_copy", "detach", "alias", "lift_fresh", "contiguous", "_conj", "_softmax", "_log_softmax"}
_POINTWISE = {"copy_", "prelu", "_prelu_kernel"}
"""Entry by entry, beside all that torch tags so."""
_BLANK = {"zeros", "new_zeros", "zeros_like", "ones", "new_ones", "ones_like", "full", "new_full", "full_like"}
_VIEWS = {"view", "_unsafe_view", "reshape", "_reshape_alias"}
_SUMS = {"sum", "mean", "amax", "amin", "var", "logsumexp", "prod"}
_TRANSFORMS = {"_fft_r2c", "_fft_c2c", "_fft_c2r"}
_ATTENTION = {"_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_attention_math"}


class OperationNames(TorchDispatchMode):
    """The names of all operations of a call, one after the other."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names: list[str] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Runs an operation and notes its name."""
        self.names.append(func.overloadpacket.__name__)
        return func(*args, **kwargs or {})


class AxisTrace(TorchDispatchMode):
    """Labels of the axes of every tensor in a call.

    What is not known to keep channels apart, and so could depend on their order, fixes the labels that it meets. The
    labels are proposals in any case, to be confirmed by numbers.
    """

    def __init__(self, parameters: Mapping[str, Tensor]):
        super().__init__()  # type: ignore[no-untyped-call]
        self.labels = AxisLabels()
        self._axes: dict[int, tuple[Tensor, list[Labels]]] = {}
        self._names = {id(p): name for name, p in parameters.items()}
        self.products: list[tuple[str, str]] = []
        """Pairs of parameters of one shape that are multiplied entry by entry."""
        self.stopped: set[str] = set()
        """Operations that channels went through and of which it is not known what they do to them."""
        for p in parameters.values():
            self._keep(p, [self.labels.new(size) for size in p.shape])

    def axes(self, tensor: Tensor) -> list[Labels]:
        """The labels of a tensor's axes; those of a tensor that came from elsewhere are fixed."""
        if id(tensor) not in self._axes:
            self._keep(tensor, [self.labels.new(size, fixed=True) for size in tensor.shape])
        return self._axes[id(tensor)][1]

    def same(self, parameters: Mapping[str, Tensor]) -> None:
        """Says that the parameters of a further call are those of the first, by their names."""
        first = {name: self._axes[number][1] for number, name in list(self._names.items())}
        for name, p in parameters.items():
            self._names[id(p)] = name
            self._keep(p, first[name])

    def fix(self, tensor: Tensor) -> None:
        """Says that the order along all axes matters, such as those of an output."""
        for axis in self.axes(tensor):
            self.labels.fix(axis)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Runs an operation and labels what it gives."""
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        results = [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
        name = func.overloadpacket.__name__
        if not results:
            return result
        first = results[0]
        rule: Callable[..., None] | None = getattr(self, f"_rule_{name}", None)
        if name in _SAME or name in _POINTWISE or torch.Tag.pointwise in func.tags:
            if name == "mul" and len(given) == 2 and all(id(each) in self._names for each in given):
                pair = self._names[id(given[0])], self._names[id(given[1])]
                if given[0].shape == given[1].shape and pair[0] != pair[1]:
                    self.products.append(pair)
            self._pointwise(given, first)
        elif name in _BLANK:
            self._keep(first, [self.labels.new(size) for size in first.shape])
        elif name in _VIEWS:
            self._keep(first, self.labels.read_as(self.axes(given[0]), tuple(first.shape)))
        elif name in _SUMS:
            self._reduced(given[0], first, args[1] if len(args) > 1 else None)
        elif name in _TRANSFORMS:
            self._changed(given[0], first, [axis % first.ndim for axis in args[1]])
        elif name in _ATTENTION:
            self._attention(given, results)
        elif rule is not None:
            rule(args, results)
        else:
            for tensor in given:
                for axis in self.axes(tensor):
                    self._stop(axis, name)
            for tensor in results:
                self._keep(tensor, [self.labels.new(size, fixed=True) for size in tensor.shape])
        return result

    def _keep(self, tensor: Tensor, axes: Sequence[Labels]) -> None:
        self._axes[id(tensor)] = tensor, list(axes)  # the tensor too, so that no other gets its id

    def _stop(self, axis: Labels, operation: str) -> None:
        if not all(self.labels.is_fixed(label) for label in self.labels.resolve(axis)):
            self.stopped.add(operation)
        self.labels.fix(axis)

    def _pointwise(self, given: Sequence[Tensor], result: Tensor) -> None:
        axes: list[Labels] = [()] * result.ndim
        for tensor in given:
            for place, axis in enumerate(self.axes(tensor), result.ndim - tensor.ndim):
                axes[place] = self.labels.join(axes[place], axis)
        self._keep(result, axes)

    def _reduced(self, given: Tensor, result: Tensor, over: Any) -> None:
        axes = self.axes(given)
        over = range(given.ndim) if over is None else [over] if isinstance(over, int) else over
        gone = {axis % given.ndim for axis in over} or set(range(given.ndim))
        if result.ndim == given.ndim:
            self._keep(result, [() if place in gone else axis for place, axis in enumerate(axes)])
        else:
            self._keep(result, [axis for place, axis in enumerate(axes) if place not in gone])

    def _changed(self, given: Tensor, result: Tensor, places: Sequence[int]) -> None:
        """The axes of what an operation mixed in an order of its own at some places."""
        axes = list(self.axes(given))
        for place in places:
            self.labels.fix(axes[place])
            axes[place] = self.labels.new(result.shape[place], fixed=True)
        self._keep(result, axes)

    def _attention(self, given: Sequence[Tensor], results: Sequence[Tensor]) -> None:
        q, k, v = (self.axes(tensor) for tensor in given[:3])
        lead = [self.labels.join(self.labels.join(a, b), c) for a, b, c in zip(q[:-2], k[:-2], v[:-2], strict=True)]
        self.labels.join(q[-1], k[-1])
        self.labels.join(k[-2], v[-2])
        for mask in given[3:]:
            self.fix(mask)
        self._keep(results[0], [*lead, q[-2], v[-1]])

    def _product(self, a: list[Labels], b: list[Labels], result: Tensor) -> None:
        self.labels.join(a[-1], b[-2])
        lead = [self.labels.join(one, other) for one, other in zip(a[:-2], b[:-2], strict=True)]
        self._keep(result, [*lead, a[-2], b[-1]])

    def _rule_mm(self, args: Any, results: Any) -> None:
        self._product(self.axes(args[0]), self.axes(args[1]), results[0])

    _rule_bmm = _rule_mm

    def _rule_addmm(self, args: Any, results: Any) -> None:
        self._product(self.axes(args[1]), self.axes(args[2]), results[0])
        product = self.axes(results[0])
        self._pointwise([args[0]], results[0])
        self._keep(results[0], [self.labels.join(a, b) for a, b in zip(product, self.axes(results[0]), strict=True)])

    _rule_baddbmm = _rule_addmm

    def _rule_mv(self, args: Any, results: Any) -> None:
        matrix, vector = self.axes(args[0]), self.axes(args[1])
        self.labels.join(matrix[1], vector[0])
        self._keep(results[0], matrix[:1])

    def _rule_linear(self, args: Any, results: Any) -> None:
        u, weight = self.axes(args[0]), self.axes(args[1])
        self.labels.join(u[-1], weight[1])
        if len(args) > 2 and args[2] is not None:
            self.labels.join(weight[0], self.axes(args[2])[0])
        self._keep(results[0], [*u[:-1], weight[0]])

    def _rule_convolution(self, args: Any, results: Any) -> None:
        u, weight = self.axes(args[0]), self.axes(args[1])
        if args[8] == 1:
            self.labels.join(u[1], weight[1])
        else:
            for axis in (u[1], weight[0], weight[1]):
                self._stop(axis, "convolution in groups")
        for axis in (*u[2:], *weight[2:]):
            self.labels.fix(axis)
        if args[2] is not None:
            self.labels.join(weight[0], self.axes(args[2])[0])
        space = [self.labels.new(size, fixed=True) for size in results[0].shape[2:]]
        self._keep(results[0], [u[0], weight[0], *space])

    def _rule_native_layer_norm(self, args: Any, results: Any) -> None:
        axes = list(self.axes(args[0]))
        count = len(args[1])
        for factor in args[2:4]:
            if factor is not None:
                axes[-count:] = [
                    self.labels.join(one, other) for one, other in zip(axes[-count:], self.axes(factor), strict=True)
                ]
        self._keep(results[0], axes)
        for statistic in results[1:]:
            self._keep(statistic, [*axes[:-count], *[()] * count])

    def _rule_native_batch_norm(self, args: Any, results: Any) -> None:
        axes = list(self.axes(args[0]))
        for factor in args[1:3]:
            if factor is not None:
                axes[1] = self.labels.join(axes[1], self.axes(factor)[0])
        if any(each is not None and bool((each != each[0]).any()) for each in args[3:5]):
            self._stop(axes[1], "batch norm with statistics that differ by channel")
        self._keep(results[0], axes)
        for statistic in results[1:]:
            self._keep(statistic, [self.labels.new(size) for size in statistic.shape])

    _rule__native_batch_norm_legit_no_training = _rule_native_batch_norm
    _rule_cudnn_batch_norm = _rule_native_batch_norm

    def _rule_t(self, args: Any, results: Any) -> None:
        self._keep(results[0], self.axes(args[0])[::-1])

    def _rule_transpose(self, args: Any, results: Any) -> None:
        axes = list(self.axes(args[0]))
        axes[args[1]], axes[args[2]] = axes[args[2]], axes[args[1]]
        self._keep(results[0], axes)

    _rule_transpose_ = _rule_transpose

    def _rule_permute(self, args: Any, results: Any) -> None:
        axes = self.axes(args[0])
        self._keep(results[0], [axes[place] for place in args[1]])

    def _rule_unsqueeze(self, args: Any, results: Any) -> None:
        axes = list(self.axes(args[0]))
        axes.insert(args[1] % results[0].ndim, ())
        self._keep(results[0], axes)

    def _rule_squeeze(self, args: Any, results: Any) -> None:
        places = range(args[0].ndim) if len(args) < 2 else [args[1]] if isinstance(args[1], int) else args[1]
        gone = {place % args[0].ndim for place in places if args[0].shape[place] == 1}
        self._keep(results[0], [axis for place, axis in enumerate(self.axes(args[0])) if place not in gone])

    def _rule_expand(self, args: Any, results: Any) -> None:
        result = results[0]
        axes: list[Labels] = [self.labels.new(size) for size in result.shape]
        for place, axis in enumerate(self.axes(args[0]), result.ndim - args[0].ndim):
            axes[place] = axis or axes[place]
        self._keep(result, axes)

    def _rule_slice(self, args: Any, results: Any) -> None:
        place = (args[1] if len(args) > 1 else 0) % args[0].ndim
        if results[0].shape == args[0].shape:
            self._keep(results[0], self.axes(args[0]))
        else:
            self._changed(args[0], results[0], [place])

    def _rule_select(self, args: Any, results: Any) -> None:
        axes = list(self.axes(args[0]))
        self.labels.fix(axes.pop(args[1]))
        self._keep(results[0], axes)

    def _rule_split(self, args: Any, results: Any) -> None:
        place = (args[2] if len(args) > 2 else 0) % args[0].ndim
        self._stop(self.axes(args[0])[place], "split")
        for part in results:
            self._changed(args[0], part, [place])

    _rule_split_with_sizes = _rule_unsafe_split = _rule_split

    def _rule_stack(self, args: Any, results: Any) -> None:
        result = results[0]
        place = (args[1] if len(args) > 1 else 0) % result.ndim
        axes: list[Labels] = [()] * (result.ndim - 1)
        for tensor in args[0]:
            axes = [self.labels.join(one, other) for one, other in zip(axes, self.axes(tensor), strict=True)]
        axes.insert(place, self.labels.new(result.shape[place], fixed=True))
        self._keep(result, axes)

    def _rule_unbind(self, args: Any, results: Any) -> None:
        axes = list(self.axes(args[0]))
        self.labels.fix(axes.pop(args[1] if len(args) > 1 else 0))
        for part in results:
            self._keep(part, axes)

    def _rule_cat(self, args: Any, results: Any) -> None:
        result = results[0]
        place = (args[1] if len(args) > 1 else 0) % result.ndim
        axes: list[Labels] = [()] * result.ndim
        for tensor in args[0]:
            for number, axis in enumerate(self.axes(tensor)):
                if number == place:
                    self._stop(axis, "cat")
                else:
                    axes[number] = self.labels.join(axes[number], axis)
        axes[place] = self.labels.new(result.shape[place], fixed=True)
        self._keep(result, axes)

    def _rule_constant_pad_nd(self, args: Any, results: Any) -> None:
        given, widths = args[0], args[1]
        padded = [given.ndim - 1 - k // 2 for k, width in enumerate(widths) if width]
        self._changed(given, results[0], sorted(set(padded)))

    def _rule_view_as_complex(self, args: Any, results: Any) -> None:
        *axes, parts = self.axes(args[0])
        self.labels.fix(parts)
        self._keep(results[0], axes)

    def _rule_view_as_real(self, args: Any, results: Any) -> None:
        self._keep(results[0], [*self.axes(args[0]), self.labels.new(2, fixed=True)])

    def _rule__native_multi_head_attention(self, args: Any, results: Any) -> None:
        """Its own channels are found by `fused_attention`; those that it is given end here."""
        for tensor in args[:3]:
            self._stop(self.axes(tensor)[-1], "torch's own attention")
        for tensor in tree_leaves(args):
            if isinstance(tensor, Tensor):
                self.fix(tensor)
        for tensor in results:
            if isinstance(tensor, Tensor):
                self._keep(tensor, [self.labels.new(size, fixed=True) for size in tensor.shape])

    def _rule_embedding(self, args: Any, results: Any) -> None:
        rows, *rest = self.axes(args[0])
        self.labels.fix(rows)
        self._keep(results[0], [*self.axes(args[1]), *rest])
