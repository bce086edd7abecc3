"""Measurements of speed as a table: tokens a second, and how many times as fast as `transformers`."""

from typing import Any


def ratios(work: str, speeds: dict[str, float]) -> str:
    """Say how many times as fast as `transformers` a piece of work is: as it comes, in float32, and in the same way."""
    way = work.partition(" ")[2]
    others = dict.fromkeys(["float32", way.split()[0], way] if work.startswith("ours") else ["float32"])
    theirs = {other: speeds[f"transformers {other}"] for other in others if f"transformers {other}" in speeds}
    return ",".join(f"{speeds[work] / speed:>6.2f} x transformers {other}" for other, speed in theirs.items())


def table(found: dict[str, Any]) -> str:
    """Write the results for reading."""
    lines = [", ".join(f"{key} {value}" for key, value in found["machine"].items())]
    peaks = found["matrix product, FLOPs a second"]
    if "bfloat16" not in peaks:
        lines.append("bfloat16 is slower than float32 on this processor and was left out")
    lines += [f"matrix product, {name}: {value / 1e9:,.0f} GFLOP/s" for name, value in peaks.items()]
    for name, row in found["shapes"].items():
        training = row["training tokens a second"]
        lines.append(f"\n{name} ({row['parameters']:,} parameters)")
        for work, value in training.items():
            side, _, way = work.partition(" ")
            share = f"{row['share of the matrix peak'][way]:8.0%} of the matrix peak" if side == "ours" else ""
            lines.append(f"  {'training':<24}{work:<32}{value:>12,.0f} tokens/s{ratios(work, training)}{share}")
        for title, key in (("sampling", ""), ("sampling, answers end", ", answers that end")):
            sampling = row[f"sampled tokens a second{key}"]
            for work, value in sampling.items():
                lines.append(f"  {title:<24}{work:<32}{value:>12,.0f} tokens/s{ratios(work, sampling)}")
        spent = ", ".join(f"{operation} {share:.0%}" for operation, share in row["where a step's time goes"].items())
        lines.append(f"  a step's time: {spent}")
    return "\n".join(lines)
