"""Every test runs with the shapes and types of the public functions checked, and on one thread."""

from jaxtyping import install_import_hook

# Before the first import of pdesym: a module that is already loaded stays unchecked.
install_import_hook("pdesym", "beartype.beartype")

import torch  # noqa: E402

# The transforms are short: on two threads they wait for each other, several times slower on a busy machine.
torch.set_num_threads(1)
