"""VEX: whose word it is that a flaw does not apply here, in OpenVEX and CycloneDX documents.

https://openvex.dev, https://cyclonedx.org/capabilities/vex/. A finding is never dropped for it; it is dismissed.
"""
