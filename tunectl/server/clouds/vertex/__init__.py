"""Vertex AI: tuning jobs, models, endpoints and inference, over REST as Google's clients send it.

May: keep one project in memory, move its jobs and operations on by the world's clock, read training
files out of the shared buckets and judge them, and answer in the form that the client asked for.
Never: check credentials, run a model, or know a message that Google's own descriptors do not.

`cloud.Vertex` is the cloud; `ledger.Behaviour` switches what is open about the real service. A
project's number is made out of its id, and an endpoint or model is named by it, as Google does.
"""
