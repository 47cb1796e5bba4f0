"""The contract that every adapter passes: numbered rules, each a test method that an adapter's own test inherits.

A test of an adapter subclasses `ProviderContract`, `TrafficContract`, `StandbyContract` or `MetricsContract`, and gives
a pytest fixture named `subject`.
Nothing here knows any adapter, nor imports pytest: a broken rule is an AssertionError that names the rule.
"""
