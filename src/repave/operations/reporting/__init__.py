"""The auditor's report: what was observed to run in a time, judged by rules, from the store and nothing else."""
