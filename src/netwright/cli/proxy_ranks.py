"""`netwright bench proxies`: how well zero-cost proxies rank networks that somebody trained before."""

from __future__ import annotations

from dataclasses import asdict

from netwright.cli.output import json_text

__all__ = ["show_proxy_ranks"]


def show_proxy_ranks(*, as_json: bool = False) -> int:
    """Print rank correlations of stored scores with accuracies, proxy by proxy.

    Raises:
        DataError: if the tables aren't there.
    """
    from netwright.benchmarks.proxy_scores import ACCURACIES, proxy_table, rank_rows

    table = proxy_table()
    found = {accuracy: rank_rows(table, accuracy) for accuracy in ACCURACIES}
    if as_json:
        facts = {accuracy: [asdict(row) for row in rows] for accuracy, rows in found.items()}
        print(json_text({"arches": len(table), "accuracies": facts}))
        return 0
    print(f"zero-cost proxies of {len(table):,} networks of NAS-Bench-201: rank correlation with accuracies\n")
    by_name = {accuracy: {row.name: row for row in rows} for accuracy, rows in found.items()}
    column = max(len(row.name) for row in found["cifar10-test"])
    print(f"  {'':<{column}}{''.join(f'{accuracy:>18}' for accuracy in found)}")
    print(f"  {'proxy':<{column}}{'   Kendall Spearm.' * len(found)}  failed")
    for row in found["cifar10-test"]:
        numbers = "".join(
            f"{by_name[accuracy][row.name].kendall:>10.3f}{by_name[accuracy][row.name].spearman:>8.3f}"
            for accuracy in found
        )
        print(f"  {row.name:<{column}}{numbers}{row.failed:>8}")
    print()
    for accuracy, text in ACCURACIES.items():
        print(f"  {accuracy}: {text}")
    print("  The aggregate sees no accuracy; which proxies it is made of was known to go well together.")
    return 0
