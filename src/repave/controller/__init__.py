"""The shell around the planners: observe, plan, check, commit, act, record, wake again."""
