"""What an ORU^R01 message says of its reports, read with PyPI `hl7` and from the standard (v2.5.1 and later) alone.

Written from the standard and `docs/contracts.md`, not from the Rust reader, which it is compared with. Where both leave
something open, the contract's 'What is stored' decides. A message that must not be accepted raises `Refusal`.
"""
