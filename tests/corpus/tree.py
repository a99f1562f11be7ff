"""A folder as it may be found: odd names, links, pipes, and what may not be read."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from .entries import HUGE, make_socket
from .riff import data, fmt, wave
from .wav import TONE

ODD_NAMES: tuple[bytes, ...] = (
    *(b"--help.wav", b"-m.wav", b"-.wav", b"@list.wav", b"a b.wav", b"  .wav", b"%s%n.wav"),
    *(b"new\nline.wav", b"tab\tcr\r.wav", b"esc\x1b]0;owned\x07.wav", b"bell\x07.wav"),
    *(b"'single'.wav", b'"double".wav', b"`back`.wav", b"$(touch owned).wav", b"back\\slash.wav"),
    *(b"a;b|c&d.wav", b"*.wav", b"?.wav", b"[a].wav", b"{a,b}.wav", b"=1+1.wav", b"#.wav"),
    *("é.wav".encode(), "e\u0301.wav".encode(), "音 😀.wav".encode(), "\u202eright.wav".encode()),
    *("\u2028line.wav".encode(), b"latin1-\xe9.wav", b"\xff\xfe.wav", b"cut-\xe9\x9f.wav"),
    *(b"UPPER.WAV", b"n" * 251 + b".wav", "ä".encode() * 125 + b".wav", b"con.wav", b"a.wav.wav"),
)
N_LEVELS = 60


@dataclass
class Tree:
    """What was made, by name below the root.

    Args:
        good: files that hold a sound, a link to one among them.
        bad: what has an audio file's name and no sound.
        locked: files that may not be read, by those whom the system refuses.
        linked_folders: links to folders.
    """

    root: bytes
    good: list[bytes] = field(default_factory=list)
    bad: list[bytes] = field(default_factory=list)
    locked: list[bytes] = field(default_factory=list)
    linked_folders: list[bytes] = field(default_factory=list)

    def path(self, name: bytes) -> bytes:
        return self.root + b"/" + name


def make_tree(root: bytes) -> Tree:
    """Fill a new folder; what the file system cannot hold (a name, a twin) is left out."""
    tree = Tree(root)
    os.makedirs(root)
    sound = wave(fmt(), data(TONE))
    for name in ODD_NAMES:
        _add_sound(tree, name, sound)
    deep = b"/".join(b"d%02d" % i for i in range(N_LEVELS))
    os.makedirs(tree.path(deep))
    for name in (deep + b"/deep.wav", b"d00/shallow.wav", b"d00/d01/newline\n.wav"):
        _add_sound(tree, name, sound)
    os.mkdir(tree.path(b"folder.wav"))
    os.mkdir(tree.path(b"full.wav"))
    _add_sound(tree, b"full.wav/inside.wav", sound)
    _add_links(tree)
    os.mkfifo(tree.path(b"pipe.wav"))
    make_socket(root, b"socket.wav")
    with open(tree.path(b"sparse.wav"), "wb") as stream:
        stream.truncate(HUGE)
    open(tree.path(b"empty.wav"), "wb").close()
    tree.bad += [b"pipe.wav", b"socket.wav", b"sparse.wav", b"empty.wav"]
    for name in (b"notes.txt", b".hidden.wav"):
        open(tree.path(name), "wb").close()
    os.mkdir(tree.path(b".git"))
    with open(tree.path(b".git/hidden.wav"), "wb") as stream:
        stream.write(sound)
    _lock(tree, sound)
    return tree


def _add_sound(tree: Tree, name: bytes, sound: bytes) -> None:
    try:
        with open(tree.path(name), "xb") as stream:
            stream.write(sound)
    except OSError:  # a name that this file system refuses, or takes for another one's
        return
    tree.good.append(name)


def _add_links(tree: Tree) -> None:
    for name, target in (
        (b"dangling.wav", b"nowhere.wav"),
        (b"loop.wav", b"loop.wav"),
        (b"ping.wav", b"pong.wav"),
        (b"pong.wav", b"ping.wav"),
        (b"zero.wav", b"/dev/zero"),
        (b"random.wav", b"/dev/urandom"),
    ):
        os.symlink(target, tree.path(name))
        tree.bad.append(name)
    os.symlink(b"a b.wav", tree.path(b"link.wav"))
    tree.good.append(b"link.wav")
    for name, target in ((b"d00/up", b".."), (b"d00/d01/root", tree.root), (b"self", b".")):
        os.symlink(target, tree.path(name))
        tree.linked_folders.append(name)


def _lock(tree: Tree, sound: bytes) -> None:
    os.mkdir(tree.path(b"locked"))
    for name in (b"locked.wav", b"locked/inside.wav"):
        with open(tree.path(name), "wb") as stream:
            stream.write(sound)
        tree.locked.append(name)
    os.chmod(tree.path(b"locked.wav"), 0)
    os.chmod(tree.path(b"locked"), 0)


def unlock(tree: Tree) -> None:
    """Make the tree one that can be deleted."""
    os.chmod(tree.path(b"locked"), 0o700)


# -------------------------------------------------------------------------------- permissions


def obey_permissions() -> None:
    """In a child before it starts: have root's files guarded from root as from anyone (Linux)."""
    libc = ctypes.CDLL(None, use_errno=True)
    drop_from_bounding_set = 24
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        libc.prctl(drop_from_bounding_set, capability, 0, 0, 0)


def in_child() -> Callable[[], None] | None:
    """What a child must do first, so that permissions bind it; None where they do already."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return obey_permissions if is_root and sys.platform == "linux" else None


def is_bound(tree: Tree) -> bool:
    """Whether a child is refused what is locked: not so for root on some systems."""
    code = f"open({tree.path(b'locked.wav')!r}, 'rb')"
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, preexec_fn=in_child(), capture_output=True, check=False)
    return b"PermissionError" in result.stderr
