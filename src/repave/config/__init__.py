"""The files a person or a diff reads: `repave.yaml` and `repave.lock` to the model and back. No other I/O."""
