"""Any OCI registry, over HTTP: manifests, blobs and tags, read and written. No artifact's meaning is known here."""
