"""Other tools, called as their documentation says, at their best."""
