"""The pipeline as a project declares it."""

from repave.model.pipeline import Pipeline, Stage
from repave.model.project import Project


def pipeline_of(project: Project) -> Pipeline:
    """The environments with their gates, in the order releases travel."""
    return tuple(Stage(environment=name, gates=project.environments[name].gates) for name in project.pipeline)
