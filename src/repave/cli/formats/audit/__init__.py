"""The auditor's report as a page, its pictures, and documents for machines."""
