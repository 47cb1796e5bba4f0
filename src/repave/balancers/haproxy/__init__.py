"""HAProxy, started, owned and driven by repave through its runtime API. Needs 2.5 or newer on this machine."""
