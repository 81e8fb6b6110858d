"""Which training runs a chapter asks for: another policy, protocol, split or set of forgeries."""
