"""The commands and what they take; each is done by a module of its own.

A command only returns what is to be done, and `entry` does it: no error of ours passes through typer. Values come in as
text, so that every error has our own words.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, TypeAlias

import typer

from netwright.cli import benching, exporting, listing, profiling, searching, showing

__all__ = ["app"]

Action: TypeAlias = Callable[[], int]
"""What a command returns: to be called, gives the exit code."""

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,  # plain text: rich would add half to the time that --help takes
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)

_Folder = Annotated[str, typer.Argument(metavar="FOLDER", help="The run folder of a search.", show_default=False)]
_Data = typer.Argument(
    metavar="DATA",
    help="A name that `netwright list tasks` shows, a file (.npz, .csv, .parquet) or a folder of images by class.",
    show_default=False,
)
_SpaceOption = Annotated[
    str, typer.Option(metavar="SPACE", help="What is searched: a name, or file.py:name for a space of your own.")
]
_Budget = typer.Option(
    metavar="BUDGET", help="A time (90s, 10m, 1h30m), a number ('200 candidates') or '5m, 50 candidates'."
)
_Constraints = Annotated[
    list[str] | None,
    typer.Option("--constraint", metavar="LIMIT", help="A limit, such as 'params<=100k'; may be given several times."),
]
_Target = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="The target column of a table, or its key in an .npz file.")
]
_Kind = Annotated[
    str | None,
    typer.Option(metavar="KIND", help="classification or regression; found from the target if not given."),
]
_Download = Annotated[
    bool, typer.Option("--download", help="Fetch a known data set from OpenML if it isn't on this machine.")
]
_Json = Annotated[bool, typer.Option("--json", help="Print exactly one JSON object on stdout.")]
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress, only the result.")]


@app.callback(invoke_without_command=True)
def netwright(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> Action | None:
    """Neural Architecture Search for PyTorch: finds a network for your data and trains it.

    \b
    netwright search digits --budget 60s
    netwright search flowers.csv --target species --constraint "params<=20k"
    netwright show runs/digits
    """  # noqa: D301  # typer's mark for lines to be left as they are
    return listing.print_version if version else None


@app.command()
def search(
    context: typer.Context,
    data: Annotated[str, _Data],
    *,
    space: _SpaceOption = "auto",
    method: Annotated[str, typer.Option(metavar="METHOD", help="How to explore.")] = "auto",
    budget: Annotated[str, _Budget] = "10m",
    objective: Annotated[
        list[str] | None,
        typer.Option(metavar="METRIC", help="What is wanted: accuracy, min:params, …; may be given several times."),
    ] = None,
    constraint: _Constraints = None,
    workers: Annotated[str, typer.Option(metavar="N", help="Candidates that are trained at the same time.")] = "1",
    seed: Annotated[str, typer.Option(metavar="S", help="Of everything random.")] = "0",
    out: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER", help="The run folder; runs/NAME of the data, or a new one beside it, if not given."
        ),
    ] = None,
    target: _Target = None,
    kind: _Kind = None,
    stop: Annotated[
        str | None,
        typer.Option(metavar="RULE", help="Stop candidates that aren't worth going on with: extrapolation, median, …."),
    ] = None,
    inherit: Annotated[bool, typer.Option("--inherit", help="Children begin with their parents' weights.")] = False,
    device: Annotated[str, typer.Option(metavar="DEVICE", help="auto, cpu, cuda, …")] = "auto",
    download: _Download = False,
    json: _Json = False,
    quiet: _Quiet = False,
) -> Action:
    """Search for a network for your data, and train the best one.

    The run folder gets the trained network (model.py and its weights), a report and all records. The same search on the
    same folder goes on where it ended.
    """
    return partial(
        searching.search,
        data,
        space=space,
        method=method,
        budget=budget,
        objectives=objective,
        constraints=constraint,
        workers=workers,
        seed=seed,
        out=out,
        target=target,
        kind=kind,
        stop=stop,
        inherit=inherit,
        device=device,
        download=download,
        as_json=json,
        quiet=quiet,
        started=context.obj,
    )


@app.command()
def resume(
    context: typer.Context,
    folder: _Folder,
    *,
    budget: Annotated[
        str | None, typer.Option(metavar="BUDGET", help="A new budget for the whole search; what is spent counts.")
    ] = None,
    json: _Json = False,
    quiet: _Quiet = False,
) -> Action:
    """Go on with a search.

    One that was stopped, or that is to have a larger budget; its finished candidates are kept as they are.
    """
    return partial(searching.resume, folder, budget=budget, as_json=json, quiet=quiet, started=context.obj)


@app.command()
def show(
    folder: _Folder,
    *,
    top: Annotated[
        str | None, typer.Option(metavar="N", help="The N best candidates; 20 in a table, else all, if not given.")
    ] = None,
    json: _Json = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print the records as CSV.")] = False,
) -> Action:
    """Show what a search has found.

    Its candidates as a table, the best arch as text; also while it runs.
    """
    return partial(showing.show, folder, top=top, as_json=json, as_csv=csv)


@app.command()
def report(
    folder: _Folder,
    *,
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="The page to write; FOLDER/report.html if not given.")
    ] = None,
) -> Action:
    """Write the report of a search: one HTML file."""
    return partial(exporting.report, folder, out=out)


@app.command()
def export(
    folder: _Folder,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="NAME.py (plain PyTorch, weights beside it) or NAME.onnx.", show_default=False
        ),
    ],
) -> Action:
    """Write the best network as a standalone file."""
    return partial(exporting.export, folder, file)


@app.command("list")
def list_(
    group: Annotated[
        str | None,
        typer.Argument(
            metavar="spaces|methods|tasks|benchmarks|stopping|proxies",
            help="All but stopping rules and proxies if not given.",
            show_default=False,
        ),
    ] = None,
    json: _Json = False,
) -> Action:
    """List the spaces, methods, tasks and benchmarks that can be named."""
    return partial(listing.list_names, group, as_json=json)


@app.command()
def profile(
    space: Annotated[str, typer.Argument(metavar="SPACE", help="A name, or file.py:name.", show_default=False)],
    *,
    data: Annotated[
        str | None, typer.Option(metavar="DATA", help="The data set whose shapes count, as for `search`.")
    ] = None,
    input_shape: Annotated[
        str | None, typer.Option(metavar="SHAPE", help="Of one example without the batch, such as 1,28,28.")
    ] = None,
    outputs: Annotated[
        str | None, typer.Option(metavar="N", help="Classes, or numbers to predict; 10 if not given.")
    ] = None,
    constraint: _Constraints = None,
    samples: Annotated[str, typer.Option(metavar="N", help="How many random arches are looked at.")] = "200",
    target: _Target = None,
    kind: _Kind = None,
    download: _Download = False,
    json: _Json = False,
) -> Action:
    """Say what a space holds, before any training.

    Its size, its smallest and largest networks, and whether limits can be kept.
    """
    return partial(
        profiling.profile,
        space,
        data=data,
        input_shape=input_shape,
        outputs=outputs,
        constraints=constraint,
        samples=samples,
        target=target,
        kind=kind,
        download=download,
        as_json=json,
    )


@app.command()
def bench(
    benchmarks: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="BENCHMARK",
            help="Names; without any, what is there is listed. `proxies`: how well zero-cost proxies rank networks.",
            show_default=False,
        ),
    ] = None,
    *,
    methods: Annotated[
        list[str] | None,
        typer.Option(metavar="METHODS", help="all, or names with commas between them.", show_default="all"),
    ] = None,
    seeds: Annotated[str, typer.Option(metavar="N", help="Runs of each method, with the seeds 0, 1, 2 …")] = "20",
    queries: Annotated[str, typer.Option(metavar="N", help="Evaluations in each run.")] = "100",
    vs: Annotated[
        str | None, typer.Option(metavar="optuna", help="Another library whose samplers are compared, too.")
    ] = None,
    workers: Annotated[
        str, typer.Option(metavar="N", help="Simulated workers, which evaluate at the same time.")
    ] = "1",
    start: Annotated[
        str,
        typer.Option(metavar="random|default", help="Whether methods may begin with the space's default arch."),
    ] = "random",
    jobs: Annotated[str, typer.Option(metavar="N", help="Processes that do the runs.")] = "1",
    out: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER", help="For the results; runs/bench-NAME if not given. Its runs are not done again."
        ),
    ] = None,
    json: _Json = False,
    quiet: _Quiet = False,
) -> Action:
    """Compare methods on tables of arches that somebody trained before.

    Nothing is trained. The folder gets a page with figures and tables, and all results. `netwright bench proxies`
    compares zero-cost proxies instead.
    """
    return partial(
        benching.bench,
        benchmarks,
        methods=methods,
        seeds=seeds,
        queries=queries,
        workers=workers,
        start=start,
        vs=vs,
        jobs=jobs,
        out=out,
        as_json=json,
        quiet=quiet,
    )
