"""Who called: spies in a simulated mesh, what they guess, and what the ways to call give away."""
