"""Networks: built by name, frozen by stage, placed on a device, kept with a description of themselves."""
