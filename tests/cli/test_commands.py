"""What a person at a terminal sees: files, exit statuses, one-line errors."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from slp_mouthing.cli.main import run
from slp_mouthing.types import FaceTrack

LINE = "WHY@0.5 PT:PRO2SG@0.2 LATE@0.6\n"


@pytest.fixture
def gloss(tmp_path: Path) -> Path:
    path = tmp_path / "why.txt"
    path.write_text(LINE, encoding="utf-8")
    return path


def one_line(text: str) -> bool:
    return text.endswith("\n") and text.count("\n") == 1 and "Traceback" not in text


def test_render_writes_track_plan_and_formats(gloss: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert run(["render", str(gloss), "-o", str(out), "--formats", "glb,livelink"]) == 0
    names = {path.name for path in out.iterdir()}
    assert names == {"why.track.npz", "why.plan.json", "why.glb", "why.livelink.csv"}
    assert set(capsys.readouterr().out.split()) == {str(out / name) for name in names}
    track = FaceTrack.load(out / "why.track.npz")
    meta = json.loads(track.meta)
    assert (track.fps, track.head, meta["voice"], len(meta["decoder"])) == (30.0, "builtin", "en-gb", 64)
    plan = json.loads((out / "why.plan.json").read_text(encoding="utf-8"))
    assert [sign["gloss"] for sign in plan["signs"]] == ["WHY", "PT:PRO2SG", "LATE"]


def test_several_utterances_are_numbered(tmp_path: Path) -> None:
    source = tmp_path / "two.txt"
    source.write_text(LINE * 2, encoding="utf-8")
    assert run(["render", str(source), "-o", str(tmp_path), "--formats", "npz"]) == 0
    assert (tmp_path / "two-001.track.npz").read_bytes()[:2] == b"PK"
    assert (tmp_path / "two-002.plan.json").exists()


def test_plan_prints_every_sign_and_why(gloss: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", str(gloss)]) == 0
    table = capsys.readouterr().out
    for word in ("WHY", "why", "w aɪ", "PT:PRO2SG", "LATE", "lexicon"):
        assert word in table


def test_plan_json_is_an_object_or_a_list(tmp_path: Path, gloss: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", str(gloss), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["actions"][0]["text"] == "why"
    two = tmp_path / "two.txt"
    two.write_text(LINE * 2, encoding="utf-8")
    assert run(["plan", str(two), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 2


def test_an_unknown_gloss_warns_and_strict_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "odd.txt"
    source.write_text("WHY XYLOGRAPHQ\n", encoding="utf-8")
    assert run(["render", str(source), "-o", str(tmp_path), "--formats", "npz"]) == 0
    assert "XYLOGRAPHQ" in capsys.readouterr().err
    assert run(["render", str(source), "-o", str(tmp_path), "--formats", "npz", "--strict"]) == 1
    error = capsys.readouterr().err
    assert one_line(error) and "odd.txt:1:5" in error and "XYLOGRAPHQ" in error


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no sign"),
        (b"# only a comment\n", "no sign"),
        (b"WHY\0\n", "NUL"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "UTF-8"),
        (b"WHY{why\n", "1:4"),
        (b"WHY@0.8-0.2\n", "1:"),
        (b"WHY@0-1 LATE@0.5-2\n", "1:"),
        (b"WHY@-1\n", "1:"),
        (b"WHY@99999\n", "1:"),
    ],
)
def test_bad_input_is_one_line_that_says_where(
    content: bytes, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "bad.txt"
    source.write_bytes(content)
    assert run(["render", str(source), "-o", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert one_line(error) and "bad.txt" in error and says in error
    assert not (tmp_path / "out").exists()


def test_a_folder_as_input_and_a_file_as_output(gloss: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["render", str(tmp_path)]) == 1
    assert "is a folder" in capsys.readouterr().err
    assert run(["render", str(gloss), "-o", str(gloss), "--formats", "npz"]) == 1
    assert one_line(capsys.readouterr().err)


def test_unknown_formats_and_options_name_what_is_allowed(gloss: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["render", str(gloss), "--formats", "glbx"]) == 1
    error = capsys.readouterr().err
    assert one_line(error) and "glb" in error
    assert run(["render", str(gloss), "--no-such-option"]) == 2
    assert one_line(capsys.readouterr().err)
    assert run(["render", str(gloss), "--fps", "0"]) == 2
    assert one_line(capsys.readouterr().err)


@pytest.mark.parametrize("gloss_text", ["../../../etc/passwd", "A/B", "..", "/", "CAFÉ", "🙂"])
def test_odd_glosses_stay_in_the_folder(gloss_text: str, tmp_path: Path) -> None:
    source, out = tmp_path / "in" / "odd name.txt", tmp_path / "out"
    source.parent.mkdir()
    source.write_text(f"{gloss_text}@0.4\n", encoding="utf-8")
    assert run(["render", str(source), "-o", str(out), "--formats", "npz"]) == 0
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {
        "odd name.txt", "odd-name.track.npz", "odd-name.plan.json",
    }  # fmt: skip


def test_the_same_input_gives_the_same_bytes(gloss: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert run(["render", str(gloss), "-o", str(tmp_path / name), "--formats", "glb"]) == 0
    for suffix in ("track.npz", "plan.json", "glb"):
        assert (tmp_path / "a" / f"why.{suffix}").read_bytes() == (tmp_path / "b" / f"why.{suffix}").read_bytes()


def test_export_turns_a_track_into_other_formats(gloss: Path, tmp_path: Path) -> None:
    assert run(["render", str(gloss), "-o", str(tmp_path), "--formats", "glb"]) == 0
    again = tmp_path / "again.glb"
    assert run(["export", str(tmp_path / "why.track.npz"), "--to", str(again)]) == 0
    assert again.stat().st_size > 100_000


def test_lexicon_shows_and_covers(gloss: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lexicon", "show", "WHY", "BECAUSE"]) == 0
    assert "because" in capsys.readouterr().out
    assert run(["lexicon", "show", "BECAUS"]) == 1
    assert "BECAUSE" in capsys.readouterr().err
    assert run(["lexicon", "coverage", str(gloss)]) == 0
    assert "lexical 2, with an entry 2 (100%)" in capsys.readouterr().out
    broken = tmp_path / "broken.yaml"
    broken.write_text("entries:\n  LATE: {mouthing: late}\n  WHY: {mouthing: [1, 2]}\n", encoding="utf-8")
    assert run(["lexicon", "check", str(broken)]) == 1
    error = capsys.readouterr().err
    assert one_line(error) and "broken.yaml:3" in error


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("entries:\n  A: a\n  FOO: /zzq%/", 3, "no British English phone"),
        ("entries:\n  A: a\n  FOO: {mouthing: foo, ipa: zzq%}", 3, "no British English phone"),
        ("lexicon:\n  voice: xx\nentries:\n  A: a", 2, "unknown voice 'xx'"),
        ("entries:\n  A: a\ngroups:\n- entries:\n    FOO: 日本", 5, "nothing to mouth in '日本'"),
        ("lexicon: {voice: fr}\nentries:\n  FOO: /waɪ/", 3, "IPA needs a voice"),
    ],
)
def test_a_lexicon_that_fails_on_use_fails_its_check(
    text: str, line: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    assert run(["lexicon", "check", str(path)]) == 1
    error = capsys.readouterr().err
    assert one_line(error) and f"mine.yaml:{line}:" in error and said in error


def test_doctor_finds_everything_a_render_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor"]) == 0
    report = capsys.readouterr().out
    assert "espeak-ng" in report and "MISSING" not in report


def test_a_reader_that_goes_and_a_disk_that_is_full_end_quietly(tmp_path: Path) -> None:
    source = tmp_path / "long.txt"
    source.write_text("WHY LATE BUS FAMILY\n" * 500, encoding="utf-8")
    mouth = f"{sys.executable} -P -c 'from slp_mouthing.cli.main import main; main()' plan {source}"
    for command, statuses in ((f"{mouth} | head -1", "0 0"), (f"{mouth} > /dev/full", "1"), (f"{mouth} 2>&- | tail -1", "0 0")):
        script = f'{command}; echo "${{PIPESTATUS[*]}}" >&3'
        shell = ["bash", "-c", f"exec 3>{tmp_path / 'status'}; {script}"]
        done = subprocess.run(shell, capture_output=True, text=True)
        assert (tmp_path / "status").read_text().strip() == statuses
        assert "Traceback" not in done.stderr


def test_names_that_are_not_utf8_are_fine(tmp_path: Path) -> None:
    source = Path(os.fsdecode(os.fsencode(tmp_path) + b"/o\xff.txt"))
    source.write_text("WHY", encoding="utf-8")
    assert run(["render", str(source), "-o", str(tmp_path / "out"), "--formats", "npz"]) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"o.track.npz", "o.plan.json"}


def test_style_and_vertices_reach_the_track(gloss: Path, tmp_path: Path) -> None:
    def opened_m(*options: str) -> float:
        assert run(["render", str(gloss), "-o", str(tmp_path), "--formats", "npz", "--driver", "rules", *options]) == 0
        return float(FaceTrack.load(tmp_path / "why.track.npz").lip_opening_m.max())

    assert opened_m("--jaw", "0.3") < opened_m("--vertices") < opened_m("--jaw", "1.5")
    opened_m("--vertices")
    offsets = FaceTrack.load(tmp_path / "why.track.npz").vertex_offsets
    assert offsets is not None and offsets.shape[2] == 3 and offsets.max() > 0.001


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--flame-shape", "100"], "--flame-shape is of FLAME, and the head is builtin"),
        (["--body-fps", "0"], "--body-fps without a body; give one with --body"),
        (["--hand-mean"], "--hand-mean without a body; give one with --body"),
    ],
)
def test_options_that_would_do_nothing_are_told(
    gloss: Path, tmp_path: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["render", str(gloss), "-o", str(tmp_path / "out"), "--formats", "npz", *options]) == 1
    told = capsys.readouterr().err
    assert message in told and one_line(told)
    assert not (tmp_path / "out").exists()


def test_people_of_the_built_in_head_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    for name, hair in (("default", "brown short hair"), ("willow", "auburn hanging hair")):
        assert run(["avatar", "info", name]) == 0
        told = capsys.readouterr().out
        assert hair in told and "triangles" in told
    assert run(["avatar", "info", "wilow"]) == 1
    told = capsys.readouterr().err
    assert "did you mean willow?" in told and one_line(told)


def test_a_render_that_is_told_to_stop_leaves_no_hidden_files(gloss: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    gloss.write_text("WHY@20\n", encoding="utf-8")
    command = [sys.executable, "-c", "from slp_mouthing.cli.main import main; main()", "render", str(gloss), "-o", str(out)]
    process = subprocess.Popen([*command, "--formats", "mp4", "--size", "128"], stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not list(out.glob(".*.mp4")):
        time.sleep(0.01)
    process.terminate()
    assert "stopped; what was finished is kept" in process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert {path.name for path in out.iterdir()} == {"why.track.npz", "why.plan.json"}


def test_what_an_earlier_run_left_of_the_same_file_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "talk.txt"
    command = ["render", str(source), "-o", str(tmp_path), "--formats", "npz", "--driver", "rules"]

    def told(text: str) -> str:
        source.write_text(text, encoding="utf-8")
        assert run(command) == 0
        return capsys.readouterr().err

    assert "not of this run" not in told("WHY\nLATE\nBUS\n") + told("WHY\nLATE\nBUS\n") + told("WHY\nWHY@\nBUS\n")
    assert "talk-003.plan.json: not of this run" in told("WHY\nLATE\n")
    assert "talk-001.plan.json, talk-002.plan.json, talk-003.plan.json: not of this run" in told("WHY\n")
    assert "talk.plan.json: not of this run" in told("WHY\nLATE\nBUS\n")


def test_groups_name_every_command_of_theirs(capsys: pytest.CaptureFixture[str]) -> None:
    for group in ("avatar", "lexicon", "corpus", "model", "evaluate"):
        with contextlib.suppress(SystemExit):
            run([group, "--help"])
        told, _, commands = capsys.readouterr().out.partition("Commands:")
        for line in commands.strip().splitlines():
            assert line.split()[0] in told, f"mouth {group}: {line}"
