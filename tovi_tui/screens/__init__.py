"""The screens, a file each: what is asked of the manager, and what keys do."""
