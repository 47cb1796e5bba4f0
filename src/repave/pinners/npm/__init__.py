"""npm: what an application's own ``package-lock.json`` pins, as `npm ci --omit=dev --ignore-scripts` lays it out."""
