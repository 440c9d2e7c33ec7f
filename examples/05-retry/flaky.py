"""Stands for a program whose licence server is busy now and then: it works at the third try."""

import os
import sys
from pathlib import Path

TRY_AGAIN = 75  # what sysexits.h calls EX_TEMPFAIL

attempt = int(os.environ["TOVI_ATTEMPT"])
if attempt < 3:
    print(f"attempt {attempt}: the licence server is busy", file=sys.stderr)
    sys.exit(TRY_AGAIN)
print(f"attempt {attempt}: got a licence")
Path("answer.txt").write_text(f"42, found by attempt {attempt}\n")
