"""Which module a command line names, and what is said where it cannot be had."""

import logging
import sys
from threading import Event

import pytest

from gatherq_worker import loading
from gatherq_worker.loading import import_failure, long_imports_told, module_name
from gatherq_worker.registry import load

JOBS = "from gatherq import job\n\n\n@job()\nasync def chop() -> None: ...\n"
FILES = {
    "l_kitchen.py": JOBS,
    "l_other.py": JOBS,
    "l_shop/__init__.py": "",
    "l_shop/cook.py": JOBS,
    "l_shop/card.py": "",
    "l_arqs.py": "class WorkerSettings:\n    functions = []\n\n\nLIMIT = 3\n",
    "l_none.py": "",
    "l_side/m2.py": "import l_beside\n",
    "l_side/l_beside.py": JOBS,
    "l_zero.py": "def make():\n    return 1 / 0\n\n\nx = make()\n",
    "l_via.py": "import l_zero\n",
    "l_syntax.py": "\n\ndef f(:\n",
    "l_lacks.py": "import nowhere_to_be_found\n",
    "l_exits.py": "import sys\n\nsys.exit(3)\n",
    "l_exits_silently.py": "raise SystemExit\n",
    "l_interrupted.py": "raise KeyboardInterrupt\n",
    "l_hostile.py": "class E(Exception):\n    def __str__(self):\n        1 / 0\n\n\nraise E\n",
    "l_escapes.py": 'raise ValueError("\\x1b[31m")\n',
    "l_bad_job.py": "from gatherq import job\n\njob(timeout=-1)\n",
    "l_library.py": 'import json\n\njson.loads("{")\n',
    "l_waits.py": "from tests.unit import test_loading\n\n\ntest_loading.GATE.wait(20)\n",
}
#: What a module here waits for.
GATE = Event()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Stand in a folder of modules; they are forgotten afterwards."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("l_")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("kitchen", "kitchen"),
        ("shop.cook", "shop.cook"),
        ("l_kitchen.py", "l_kitchen"),
        ("./l_kitchen.py", "l_kitchen"),
        ("./l_kitchen", "l_kitchen"),
        ("l_shop/cook.py", "l_shop.cook"),
        ("l_shop/cook", "l_shop.cook"),
        ("./l_shop/", "l_shop"),
        ("{here}/l_shop/cook.py", "l_shop.cook"),
    ],
)
def test_a_module_is_named_as_python_does_or_by_its_path(folder, word, name):
    assert module_name(word.format(here=folder)) == name


def said_of(*words):
    """Return what is said where modules cannot be loaded."""
    try:
        load(words)
    except BaseException as error:
        return str(import_failure(error))
    raise AssertionError("they were loaded")


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("", "'' names no module: gatherq worker kitchen is for kitchen.py in this folder"),
        (
            "../up.py",
            "../up.py is outside of {here}, where modules are looked for: "
            "cd {above} && gatherq worker up",
        ),
        ("./a.b.py", "./a.b.py cannot be imported: there is a dot in its path; rename it"),
        (
            "l_kichen",
            "no module named 'l_kichen' in {here}, nor installed; did you mean 'l_kitchen'?",
        ),
        (
            "l_kichen.py",
            "no module named 'l_kichen' in {here}, nor installed; did you mean 'l_kitchen'?",
        ),
        (
            "unlike.all",
            "no module named 'unlike.all' in {here}, nor installed; there are no modules here",
        ),
        ("l_kitchen:chop", "l_kitchen.chop is a job, {all}: gatherq worker l_kitchen"),
        ("l_kitchen.chop", "l_kitchen.chop is a job, {all}: gatherq worker l_kitchen"),
        (
            "l_shop.cok",
            "module 'l_shop' has neither a module nor arq's settings named 'cok'; "
            "did you mean 'l_shop.cook'?",
        ),
        (
            "l_arqs.Workersettings",
            "module 'l_arqs' has neither a module nor arq's settings named 'Workersettings'; "
            "did you mean 'l_arqs.WorkerSettings'?",
        ),
        (
            "l_arqs.Nope",
            "module 'l_arqs' has neither a module nor arq's settings named 'Nope'; "
            "it has WorkerSettings",
        ),
        ("l_arqs.LIMIT", "l_arqs.LIMIT is neither a module of jobs nor arq's settings"),
        (
            "l_arqs.WorkerSettings",
            "l_arqs.WorkerSettings is arq's settings, which run alone: "
            "gatherq worker l_arqs.WorkerSettings",
        ),
        ("l_none", "module 'l_none' has no jobs: decorate functions with @job()"),
        ("os", "module 'os' has no jobs: decorate functions with @job()"),
        (
            "l_arqs",
            "module 'l_arqs' has no jobs: decorate functions with @job(); it has arq's settings: "
            "gatherq worker l_arqs.WorkerSettings",
        ),
        (
            "l_shop",
            "module 'l_shop' has no jobs: decorate functions with @job(); there are some inside: "
            "gatherq worker l_shop.cook",
        ),
    ],
)
def test_a_slip_is_told_with_what_may_be_meant(folder, word, said):
    runs = "and a worker runs all jobs of a module"
    assert said_of(word) == said.format(here=folder, above=folder.parent, all=runs)


@pytest.mark.parametrize("decorator", ["@job", "@job()", "@gatherq.job", "@gq.job(timeout=1)"])
def test_jobs_inside_a_package_are_found_however_they_are_made(folder, decorator):
    (folder / "l_shop/cook.py").write_text(f"\n{decorator}\nasync def chop(): ...\n")
    assert said_of("l_shop").endswith("there are some inside: gatherq worker l_shop.cook")


def test_what_only_begins_like_a_job_is_none(folder):
    (folder / "l_shop/cook.py").write_text("@jobless\ndef chop(): ...\n")
    assert said_of("l_shop") == "module 'l_shop' has no jobs: decorate functions with @job()"


def test_two_jobs_of_one_name_are_told_by_their_modules(folder):
    assert said_of("l_kitchen", "l_other") == (
        "two jobs are named 'chop': l_kitchen.chop and l_other.chop; "
        "give one of them @job(name=...)"
    )


def test_what_is_here_is_listed_where_nothing_is_like_it(folder):
    here = "l_arqs, l_bad_job, l_escapes, l_exits, l_exits_silently, l_hostile, l_interrupted, "
    assert said_of("qq").endswith(f"; here are {here}l_kitchen, l_lacks, l_library and 7 more")


@pytest.mark.parametrize(
    ("word", "lines"),
    [
        (
            "l_via",
            [
                "l_zero.py, line 2: ZeroDivisionError: division by zero",
                "  l_via.py, line 1, in <module>",
                "    import l_zero",
                "  l_zero.py, line 5, in <module>",
                "    x = make()",
                "  l_zero.py, line 2, in make",
                "    return 1 / 0",
            ],
        ),
        (
            "l_syntax",
            [
                "l_syntax.py, line 3: SyntaxError: invalid syntax",
                "  l_syntax.py, line 3, in <module>",
                "    def f(:",
            ],
        ),
        (
            "l_lacks",
            [
                "l_lacks.py, line 1: ModuleNotFoundError: No module named 'nowhere_to_be_found'",
                "  l_lacks.py, line 1, in <module>",
                "    import nowhere_to_be_found",
            ],
        ),
        (
            "l_library",
            [
                "l_library.py, line 3: JSONDecodeError: Expecting property name enclosed in "
                "double quotes: line 1 column 2 (char 1)",
                "  l_library.py, line 3, in <module>",
                '    json.loads("{")',
            ],
        ),
        (
            "l_exits",
            [
                "l_exits.py, line 3: SystemExit: 3",
                "  l_exits.py, line 3, in <module>",
                "    sys.exit(3)",
                'put what ends the program under if __name__ == "__main__":',
            ],
        ),
        (
            "l_interrupted",
            [
                "l_interrupted.py, line 1: KeyboardInterrupt",
                "  l_interrupted.py, line 1, in <module>",
                "    raise KeyboardInterrupt",
            ],
        ),
        (
            "l_hostile",
            [
                "l_hostile.py, line 6: E: <unprintable: ZeroDivisionError>",
                "  l_hostile.py, line 6, in <module>",
                "    raise E",
            ],
        ),
        (
            "l_escapes",
            [
                "l_escapes.py, line 1: ValueError: \\x1b[31m",
                "  l_escapes.py, line 1, in <module>",
                '    raise ValueError("\\x1b[31m")',
            ],
        ),
    ],
)
def test_an_import_that_fails_is_told_by_the_users_own_lines(folder, word, lines):
    assert said_of(word).splitlines() == lines


def test_an_error_of_ours_in_an_import_says_where_too(folder):
    assert said_of("l_bad_job").startswith("l_bad_job.py, line 3: InvalidCall: timeout must be")


def test_a_schedule_without_a_job_is_told_and_a_bad_one_with_its_line(folder):
    half, bad = folder / "l_half.py", folder / "l_bad_cron.py"
    half.write_text("from gatherq import cron\n\n\n@cron('* * * * *')\ndef tidy() -> None: ...\n")
    bad.write_text("from gatherq import cron\n\ncron('* * *')\n")
    assert said_of("l_half") == (
        "l_half.tidy has a schedule, and is no job: write @job() beside its @cron(...)"
    )
    assert said_of("l_bad_cron").startswith(
        "l_bad_cron.py, line 3: InvalidCall: '* * *' is no cron string: wrong number of fields; "
    )


def test_an_end_without_a_code_is_no_dangling_colon(folder):
    assert said_of("l_exits_silently").startswith("l_exits_silently.py, line 1: SystemExit\n")


def test_an_import_that_lasts_is_told_once_with_its_line(folder):
    lines = []

    class Log:
        def warning(self, text, *args):
            lines.append(text % args)
            GATE.set()

    with long_imports_told(["l_waits"], Log(), after=0.05):
        loading.imported("l_waits")
    assert lines == [
        "still importing l_waits after 0.05 s: at l_waits.py, line 4 in <module>; "
        "it runs no job before"
    ]


def test_a_quick_import_is_told_to_nobody(folder, caplog):
    with long_imports_told(["l_none"], logging.getLogger("gatherq.worker")):
        loading.imported("l_none")
    assert caplog.messages == []


def test_a_module_beside_the_one_that_imports_it_is_found_by_another_folder_or_name(folder):
    first, *_ = said_of("l_side/m2.py").splitlines()
    assert first == (
        "l_side/m2.py, line 1: ModuleNotFoundError: No module named 'l_beside'; "
        f"it is beside m2.py, and modules are looked for in {folder}: "
        "cd l_side && gatherq worker m2, or import l_side.l_beside in it"
    )
