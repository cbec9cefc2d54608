"""Local retrieval: documents cut into passages, one index file, hybrid search in it.

May: cut texts, embed them with a small model that is installed with the package, write and read
one SQLite file, rank passages by keywords and by meaning.
Never: talks to the network, downloads a model, knows of providers, declarations, plans or
prompts, or imports numpy or an embedder before a search or a build needs one.
"""
