"""Chapter 06: forgeries, networks and folders that training has not seen."""
