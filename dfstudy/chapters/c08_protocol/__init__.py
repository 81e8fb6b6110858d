"""Chapter 08: what each defect of the recorded protocol costs, and by how much it flatters."""
