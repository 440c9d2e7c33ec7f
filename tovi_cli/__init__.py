"""The command language: words in, one call on `ManagerAPI`, a table or a document out.

Belongs here: verbs, their options and examples, output in all its forms, and the program `tovi`.
Never here: what a verb means (that is `manager`), SSH, Textual, or state that two commands would share.
"""
