"""Which training runs a chapter asks for: the study with another policy, protocol, split or set of forgeries."""
