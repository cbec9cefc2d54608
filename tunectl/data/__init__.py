"""Datasets: from files a person wrote to canonical rows, their marks and their fingerprint.

May: find and stream the files a dataset names, recognise the shape of their rows, turn each row
into the one canonical form of its method (OpenAI's objects for chat, preference and
reinforcement), assign it to a split, check it, hash it, and write it in a provider's wire format.
Never: writes a file of the user's, talks to the network (but for `remote`, which reads what a
`gs://` or `s3://` source names), knows of providers, plans or state, or keeps the text of rows in
memory: of a row that was read only its mark stays (64 bits and where it stands). Standard input is
kept on disk, nameless, while it is read.

The laws of the room
--------------------
- **A row is what it says, not how it is spelled.** Key order, white space, line ends, blank lines
  and the spelling of escapes never change a fingerprint; anything else does. Numbers count as
  64-bit values, as every reader of JSON has them.
- **A row stays in its split.** The split comes from a seeded hash of the group, or of the input
  part (everything before the last assistant message; for preference the messages of `input`, for
  reinforcement all messages): appending rows or editing an answer moves nothing.
- **All problems at once.** Reading collects diagnostics and goes on where it can. What cannot be
  read is an error; what can be read and breaks a rule is a refusal.
- **No row text in a diagnostic.** Excerpts keep the punctuation and the words of the format; every
  other word is masked, at its length.
"""
