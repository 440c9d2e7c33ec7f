"""Tasks and pipelines as POSIX sh scripts: what the rest of Tovi calls. How it is done is in `script_*`."""

from tovi_server.core.script_pipeline import compile_pipeline
from tovi_server.core.script_setup import USUAL_SETUP_FILES, env_key, is_setup_file
from tovi_server.core.script_task import render

__all__ = ["USUAL_SETUP_FILES", "compile_pipeline", "env_key", "is_setup_file", "render"]
