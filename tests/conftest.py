"""Every test runs with the shapes and types of the public functions checked, and on one thread."""

from tests.checked_signatures import install

# Before the first import of pdesym: a module that is already loaded stays unchecked.
install()

import torch  # noqa: E402
from hypothesis import settings  # noqa: E402

# The transforms are short: on two threads they wait for each other, several times slower on a busy machine.
torch.set_num_threads(1)

# The same examples in every run, and no verdict by the clock of a busy machine.
settings.register_profile("pdesym", derandomize=True, deadline=None)
settings.load_profile("pdesym")
