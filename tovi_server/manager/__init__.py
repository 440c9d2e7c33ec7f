"""The use cases: what happens when somebody asks for something.

Here belong access checks, the checks of a submission, and the making of views out of records, with every foreign
text made safe for a terminal. Never here: SQL, paths of files, SSH, printing. Each verb of `ManagerAPI` is a short
function in the module of its subject; `manager.Session` only leads to it.
"""
