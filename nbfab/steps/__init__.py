"""The how-to, a module a step: each a pure function from what is wanted and what was seen to what has to change."""
