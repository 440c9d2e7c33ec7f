"""The screen of files: the tree, previews, what to type, and what is deleted or renamed."""

from __future__ import annotations

import asyncio
import io
import zipfile
from dataclasses import dataclass, field
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.fakes_manager import DATASET, FakeManager
from tests.tui.house import LONG_REST_S, opened, rested, settled, shown
from tests.tui.lab import Lab
from tests.unit.test_tui_previews import a_png
from tovi_server.core import views
from tovi_server.core.errors import DeniedError
from tovi_tui import folder
from tovi_tui.places import DataPlace
from tovi_tui.screens import preview_pane
from tovi_tui.screens.data import DataScreen
from tovi_tui.widgets.row_table import RowTable
from tovi_tui.widgets.text_lines import TextLines

FILES = {
    "authorized_keys": b"ssh-ed25519 AAAA\n",
    "datasets/scans/a.txt": b"first file\n",
    "datasets/scans/b.csv": b"name,size\ngalaxy,12\n",
    "datasets/scans/c c.bin": bytes(range(256)),
    "datasets/scans/deep/x.txt": b"deep\n",
    "home/notes.txt": b"mine\n",
}
SCP = "scp -P 2222 -r"


@dataclass
class Tree(FakeManager):
    files: dict[str, bytes] = field(default_factory=lambda: dict(FILES))


async def on_data(pilot: Pilot[None], path: str = "datasets/scans") -> None:
    pilot.app.open(DataPlace(path))  # type: ignore[attr-defined]  # it is ours
    await rested(pilot)


async def press(pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    await settled(pilot)


def names(pilot: Pilot[None]) -> list[str]:
    return [row.path for row in table(pilot).rows]


def table(pilot: Pilot[None]) -> RowTable[views.FileView]:
    return pilot.app.screen.query_one("#main", RowTable)


def current(pilot: Pilot[None]) -> str:
    row = table(pilot).current
    return "" if row is None else row.path


def preview(pilot: Pilot[None]) -> str:
    text = pilot.app.screen.query_one("#preview", TextLines)
    return "\n".join("".join(span.text for span in text.line_at(at)) for at in range(text.line_count()))


def screen_text(pilot: Pilot[None]) -> str:
    return "\n".join(shown(pilot))


def asked(manager: FakeManager, verb: str) -> list[Any]:
    return [arguments for one, arguments in manager.asked if one == verb]


async def test_3_opens_the_top_of_the_tree() -> None:
    async with opened(Tree()) as pilot:
        await press(pilot, "3")
        assert "data /" in shown(pilot)[0]
        assert names(pilot) == ["authorized_keys", "datasets/", "home/"]


async def test_names_have_their_sizes_and_times() -> None:
    async with opened(Tree()) as pilot:
        await on_data(pilot)
        row = next(row for row in shown(pilot) if "c c.bin" in row)
        assert "256 B" in row
        assert "ago" in row or "now" in row or ":" in row


@pytest.mark.parametrize("key", ["enter", "right"])
async def test_a_folder_is_opened(key: str) -> None:
    async with opened(Tree()) as pilot:
        await on_data(pilot)
        await press(pilot, "G", key)
        assert "data /datasets/scans/deep" in shown(pilot)[0]
        assert names(pilot) == ["x.txt"]


@pytest.mark.parametrize("key", ["left", "backspace", "escape", "q"])
async def test_the_folder_above_is_shown_with_the_cursor_where_one_was(key: str) -> None:
    async with opened(Tree()) as pilot:
        await on_data(pilot, "datasets/scans/deep")
        await press(pilot, key)
        assert "data /datasets/scans" in shown(pilot)[0]
        assert current(pilot) == "deep/"


async def test_back_from_the_top_leaves_and_above_the_top_is_nothing() -> None:
    async with opened(Tree()) as pilot:
        await on_data(pilot, "")
        await press(pilot, "left")
        assert isinstance(pilot.app.screen, DataScreen)
        await press(pilot, "q")
        assert not isinstance(pilot.app.screen, DataScreen)


async def test_a_large_folder_is_read_as_the_cursor_comes_near_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = Tree(files={f"home/{number:04}": b"x" for number in range(3500)})
    async with opened(manager) as pilot:
        await on_data(pilot, "home")
        assert len(names(pilot)) == 1000
        await press(pilot, "G")
        assert len(names(pilot)) == 2000
        assert current(pilot) == "0999"
        await press(pilot, "G")
        assert (len(names(pilot)), current(pilot)) == (3000, "1999")
        pilot.app.screen.reload()  # type: ignore[attr-defined]  # it is ours
        await settled(pilot)
        assert (len(names(pilot)), current(pilot)) == (3000, "1999"), "what was there stays there"


async def test_from_a_folder_behind_the_first_page_one_comes_back_to_it() -> None:
    manager = Tree(files={f"home/{number:04}/a": b"x" for number in range(2500)})
    async with opened(manager) as pilot:
        await on_data(pilot, "home/2100")
        await press(pilot, "left")
        assert current(pilot) == "2100/"
        assert len(names(pilot)) == 2500


async def test_more_than_can_be_listed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MOST", 1500)
    manager = Tree(files={f"home/{number:04}": b"x" for number in range(3500)})
    async with opened(manager) as pilot:
        await on_data(pilot, "home")
        await press(pilot, "G")
        assert len(names(pilot)) == 2000
        assert "the first 20,000" in shown(pilot)[0]
        await press(pilot, "G")
        assert len(asked(manager, "list_files")) == 2


async def test_datasets_tell_how_many_files_they_hold_and_their_size() -> None:
    manager = Tree()
    async with opened(manager) as pilot:
        await on_data(pilot, "datasets")
        assert "FILES" in screen_text(pilot)
        row = next(row for row in shown(pilot) if "scans/" in row)
        assert row.split()[2:5] == [str(DATASET.files_total), "1.5", "KiB"]
        await press(pilot, "enter")
        assert "FILES" not in screen_text(pilot)
        assert asked(manager, "datasets") == [None]


async def test_datasets_of_another_project_are_told_too() -> None:
    manager = Tree(files={"projects/other/datasets/scans/a": b"x"})
    async with opened(manager) as pilot:
        await on_data(pilot, "projects/other/datasets")
        assert asked(manager, "datasets") == ["other"]


async def test_the_file_under_the_cursor_has_a_preview_once_the_cursor_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = Tree()
    async with opened(manager) as pilot:
        await on_data(pilot)
        assert preview(pilot) == "first file"
        monkeypatch.setattr(preview_pane, "REST_S", LONG_REST_S)
        await pilot.press("down")
        await pilot.pause()
        assert preview(pilot) == ""
        await rested(pilot, LONG_REST_S)
        assert preview(pilot).split() == ["name", "size", "galaxy", "12"]


async def test_what_the_cursor_only_passes_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = Tree()
    async with opened(manager) as pilot:
        await on_data(pilot)
        manager.asked.clear()
        monkeypatch.setattr(preview_pane, "REST_S", LONG_REST_S)
        await pilot.press("down", "down")
        await rested(pilot, LONG_REST_S)
        assert asked(manager, "read_file") == [("datasets/scans/c c.bin", 0, 65536)]


async def test_a_preview_stays_while_the_folder_is_read_again() -> None:
    manager = Tree()
    async with opened(manager) as pilot:
        await on_data(pilot)
        manager.asked.clear()
        pilot.app.screen.reload()  # type: ignore[attr-defined]  # it is ours
        await rested(pilot)
        assert preview(pilot) == "first file"
        assert asked(manager, "read_file") == []


async def test_an_image_is_read_whole_and_drawn() -> None:
    data = a_png(40, 40, b"".join(b"\x00" + bytes((x * y) & 255 for x in range(120)) for y in range(40)))
    data = data[:33] + b"\x00\x01\x86\xa0tEXt" + bytes(100_004) + data[33:]
    manager = Tree(files={"home/a.png": data})
    async with opened(manager) as pilot:
        await on_data(pilot, "home")
        assert [one for one in preview(pilot).splitlines() if "▀" * 40 in one]
        assert asked(manager, "read_file")[-1] == ("home/a.png", 65536, len(data) - 65536)


async def test_a_zip_is_read_from_its_end() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("large", bytes(500_000))
        archive.writestr("last", b"x")
    manager = Tree(files={"home/a.zip": buffer.getvalue()})
    async with opened(manager) as pilot:
        await on_data(pilot, "home")
        assert [one.split()[-1] for one in preview(pilot).splitlines()] == ["large", "last", "files"]
        assert sum(length for _, _, length in asked(manager, "read_file")) < 140_000


@pytest.mark.parametrize("key", ["enter", "w", "right"])
async def test_a_file_is_shown_over_the_whole_screen(key: str) -> None:
    async with opened(Tree(), size=(60, 20)) as pilot:
        await on_data(pilot)
        await press(pilot, key)
        assert "datasets/scans/a.txt" in screen_text(pilot)
        assert "first file" in screen_text(pilot)
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, DataScreen)


async def test_slash_shows_only_names_with_a_part() -> None:
    async with opened(Tree()) as pilot:
        await on_data(pilot)
        await press(pilot, "slash", *"C", "enter")
        assert names(pilot) == ["b.csv", "c c.bin"]
        assert "filter: C" in shown(pilot)[0]
        await press(pilot, "slash", *"xyz")
        assert 'nothing here has "Cxyz" in its name' in screen_text(pilot)
        await press(pilot, "escape")
        assert len(names(pilot)) == 4
        assert "data /datasets/scans" in shown(pilot)[0]
        assert "filter" not in shown(pilot)[0]


async def test_a_filter_looks_through_all_of_a_large_folder() -> None:
    manager = Tree(files={f"home/{number:04}": b"x" for number in range(3500)})
    async with opened(manager) as pilot:
        await on_data(pilot, "home")
        await press(pilot, "slash", *"333")
        assert names(pilot) == ["0333", "1333", "2333", "3330", *[f"333{last}" for last in range(1, 10)]]


async def test_u_shows_what_uploads_here() -> None:
    async with opened(Tree()) as pilot:
        await on_data(pilot)
        await press(pilot, "u")
        assert f"upload here:  {SCP} MY-FILES tovi.cluster:datasets/scans/" in screen_text(pilot)
        await press(pilot, "y")
        assert pilot.app.clipboard == f"{SCP} MY-FILES tovi.cluster:datasets/scans/"


async def test_u_where_nothing_can_be_uploaded_shows_where_it_can() -> None:
    async with opened(Tree(files_writable=False)) as pilot:
        await on_data(pilot, "")
        await press(pilot, "u")
        assert f"not here, but as a dataset:  {SCP} MY-FILES tovi.cluster:datasets/NAME/" in screen_text(pilot)


async def test_an_empty_folder_says_what_fills_it_and_y_copies_what_u_says() -> None:
    async with opened(Tree(files={})) as pilot:
        await on_data(pilot, "home")
        assert "nothing is here; upload with" in screen_text(pilot)
        assert f"  {SCP} MY-FILES tovi.cluster:home/" in screen_text(pilot)
        await press(pilot, "y", "enter", "w", "f", "d", "R")
        assert pilot.app.clipboard == ""
        await press(pilot, "u", "y")
        assert pilot.app.clipboard == f"{SCP} MY-FILES tovi.cluster:home/"


async def test_f_shows_what_fetches_the_file_under_the_cursor_and_y_copies_it() -> None:
    async with opened(Tree()) as pilot:
        await on_data(pilot)
        await press(pilot, "down", "down", "f")
        line = f"{SCP} 'tovi.cluster:datasets/scans/c c.bin' ."
        assert f"fetch it:  {line}" in screen_text(pilot)
        await press(pilot, "y")
        assert pilot.app.clipboard == line


async def test_what_was_offered_is_gone_when_the_cursor_moves() -> None:
    async with opened(Tree()) as pilot:
        await on_data(pilot)
        await press(pilot, "u", "down")
        assert "upload here" not in screen_text(pilot)
        await press(pilot, "y")
        assert pilot.app.clipboard == f"{SCP} tovi.cluster:datasets/scans/b.csv ."


async def test_marked_files_are_fetched_together() -> None:
    async with opened(Tree()) as pilot:
        await on_data(pilot)
        await press(pilot, "space", "space", "y")
        assert pilot.app.clipboard == (f"{SCP} tovi.cluster:datasets/scans/a.txt tovi.cluster:datasets/scans/b.csv .")


async def test_d_asks_with_the_path_and_deletes_on_y_alone() -> None:
    manager = Tree()
    async with opened(manager) as pilot:
        await on_data(pilot)
        await press(pilot, "d")
        for told in ("Delete /datasets/scans/a.txt?", "11 B", "this cannot be taken back"):
            assert told in screen_text(pilot)
        await press(pilot, "enter")
        await press(pilot, "escape")
        assert asked(manager, "remove_file") == []
        await press(pilot, "d", "y")
        assert asked(manager, "remove_file") == ["datasets/scans/a.txt"]
        assert names(pilot) == ["b.csv", "c c.bin", "deep/"]


async def test_a_folder_is_deleted_with_all_that_is_in_it_and_says_so() -> None:
    manager = Tree()
    async with opened(manager) as pilot:
        await on_data(pilot)
        await press(pilot, "G", "d")
        assert "with all that is in it" in screen_text(pilot)
        await press(pilot, "y")
        assert asked(manager, "remove_file") == ["datasets/scans/deep"]


async def test_marked_files_are_named_and_deleted_together() -> None:
    manager = Tree(files={f"home/{letter}": b"x" for letter in "abcdefghijkl"})
    async with opened(manager) as pilot:
        await on_data(pilot, "home")
        await press(pilot, *["space"] * 10, "d")
        for told in ("Delete 10 files and folders of /home?", "  a  1 B", "  h  1 B", "… and 2 more"):
            assert told in screen_text(pilot)
        await press(pilot, "y")
        assert asked(manager, "remove_file") == [f"home/{letter}" for letter in "abcdefghij"]
        assert names(pilot) == ["k", "l"]


async def test_what_was_deleted_before_one_failed_is_gone_from_the_list() -> None:
    @dataclass
    class Refusing(Tree):
        async def remove_file(self, path: str) -> None:
            await asyncio.sleep(0.05)  # longer than it takes to list the folder again when the question is gone
            if path.endswith("b.csv"):
                raise DeniedError("b.csv is held")
            await super().remove_file(path)

    async with opened(Refusing()) as pilot:
        await on_data(pilot)
        await press(pilot, "space", "space", "d", "y")
        await rested(pilot)
        assert names(pilot) == ["b.csv", "c c.bin", "deep/"]
        assert "b.csv is held" in screen_text(pilot)


async def test_R_asks_for_the_new_name_and_the_cursor_stays_on_it() -> None:  # noqa: N802  # the key's name
    manager = Tree()
    async with opened(manager) as pilot:
        await on_data(pilot)
        await press(pilot, "R")
        assert "Rename /datasets/scans/a.txt to" in screen_text(pilot)
        await press(pilot, *["backspace"] * 5, *"z.txt", "enter")
        assert asked(manager, "rename_file") == [("datasets/scans/a.txt", "datasets/scans/z.txt")]
        assert current(pilot) == "z.txt"


async def test_a_folder_is_renamed_too() -> None:
    manager = Tree()
    async with opened(manager) as pilot:
        await on_data(pilot)
        await press(pilot, "G", "R", *"er", "enter")
        assert asked(manager, "rename_file") == [("datasets/scans/deep", "datasets/scans/deeper")]
        assert current(pilot) == "deeper/"


@pytest.mark.parametrize(
    "keys", [["enter"], ["escape"], ["slash", "enter"], [*["backspace"] * 5, "full_stop", "enter"]]
)
async def test_what_is_no_new_name_renames_nothing(keys: list[str]) -> None:
    manager = Tree()
    async with opened(manager) as pilot:
        await on_data(pilot)
        await press(pilot, "R", *keys)
        assert asked(manager, "rename_file") == []
        assert ("is no name" in screen_text(pilot)) is (len(keys) > 1)


@pytest.mark.parametrize("key", ["d", "R"])
async def test_nothing_is_asked_where_nothing_may_be_changed(key: str) -> None:
    manager = Tree(files_writable=False)
    async with opened(manager) as pilot:
        await on_data(pilot)
        await press(pilot, key, "y")
        assert isinstance(pilot.app.screen, DataScreen)
        assert asked(manager, "remove_file") + asked(manager, "rename_file") == []
        assert next(told.message for told in pilot.app._notifications) == (  # private: toasts fade in
            "what is in /datasets/scans is not yours to change"
        )


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (140, 40)])
async def test_the_essential_has_room_everywhere(size: tuple[int, int]) -> None:
    async with opened(Lab(), size=size) as pilot:
        await on_data(pilot, "datasets/cifar-10")
        await press(pilot, "down")
        await rested(pilot)
        for told in ("labels.csv", "train/", "0001.png  truck", "data /datasets/cifar-10"):
            assert told in screen_text(pilot)
