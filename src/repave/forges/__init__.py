"""Where people look at lock changes: branches made by git, merge requests by the APIs of GitHub and GitLab."""
