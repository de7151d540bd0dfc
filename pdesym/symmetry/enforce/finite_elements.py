"""All elements of a finite group."""

import torch

from pdesym.symmetry.enforce.group import MatrixGroup, Word

_LIMIT = 1000
_EQUAL = 1e-6


def finite_elements(group: MatrixGroup) -> list[Word]:
    """Every product of discrete elements, once, as a word; the identity, the empty word, first.

    Raises:
        ValueError: when there are more than 1000.
    """
    words: list[Word] = [()]
    matrices = torch.eye(group.dimension).to(group.discrete)[None]
    done = 0
    while done < len(words):
        for j, generator in enumerate(group.discrete):
            product = generator @ matrices[done]
            if bool(((matrices - product).abs().amax((1, 2)) > _EQUAL).all()):
                words.append((j, *words[done]))
                matrices = torch.cat([matrices, product[None]])
        done += 1
        if len(words) > _LIMIT:
            raise ValueError(
                f"Expected discrete elements that generate a finite group, got more than {_LIMIT} elements of "
                f"{group.name}: give elements of finite order."
            )
    return words
