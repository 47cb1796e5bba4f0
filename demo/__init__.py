"""The main job, told as a story: real packages, real containers, real load, one report."""
