"""Chapter 08: what each flaw of the original protocol costs, and how much it flatters."""
