#!/usr/bin/env python3
"""The same random words to ovs-vswitchd and to `mergeflow vswitchd`, and where their answers differ.

ovstalk.py [--seed N] [--turns N] [--length N] [--only KIND,...] [--folder FOLDER] [--no-shrink] [--survey]
ovstalk.py --play FILE [--folder FOLDER] [--no-shrink]

Each turn starts both switches anew, without devices, each with a database of its own, and says to both what its seed draws (ovstalklib/): ovs-vsctl, ovs-ofctl with OpenFlow 1.0 to 1.5, messages of OpenFlow byte by byte, right and damaged,
commands of the control socket. Compared are output, errors and exit codes, all messages that come back, columns that are written to the database, and lines of a stack trace. The first difference that is not a known one (ovstalklib/known.py)
ends the turn; it is shrunk to the words that it takes, which are printed and written to FOLDER/SEED.json, for --play.
With --survey the turn goes on, and each difference is printed as it is.

MERGEFLOW=FILE.dll: the program. Needs root and the package openvswitch-switch.
"""
import argparse, difflib, json, os, random, sys, time

from ovstalklib import known, words
from ovstalklib.switch import Pair


def differs(pair, command):
    """The first difference that is not a known one, as text, or None; and whether the rest of the turn is worth nothing."""
    real, ours = pair.say(command)
    if real == ours:
        return None, False
    for reason in known.REASONS:
        if reason.explains(command, real, ours):
            return None, reason.ends_turn
    lines = list(difflib.unified_diff(real.splitlines(), ours.splitlines(), "real", "ours", lineterm="", n=2))
    return "\n".join(lines) + "\n", True


def play(commands, folder, survey=False):
    """How many commands were said, and the difference of the last one, or None. A survey goes on behind differences and prints them."""
    with Pair(folder) as pair:
        for n, command in enumerate(commands, 1):
            what, over = differs(pair, command)
            if what is not None and survey:
                print(f"* {say(command)}\n{what}", flush=True)
            elif what is not None or over:
                return n, what
        what = pair.trouble()
        return len(commands), what


def shrink(commands, folder):
    """The shortest list found that still ends in a difference at the same last command."""
    step = max(1, (len(commands) - 1) // 2)
    while step:
        at = 0
        while at < len(commands) - 1:
            fewer = commands[:at] + commands[min(at + step, len(commands) - 1):]
            n, what = play(fewer, folder)
            if what is not None and n == len(fewer):
                commands = fewer
            else:
                at += step
        step //= 2
    return commands


def say(command):
    """As one would type it."""
    if "raw" in command:
        return f"# to {command['raw']}, version {command['version']}: {' '.join(command['messages'])}"
    text = " ".join(w if w and not set(w) & set(" *?<>()|&;$'\"") else "'" + w.replace("'", "'\\''") + "'" for w in command["run"])
    return text + "".join(f"\n# file {name}:\n" + "".join(f"#   {line}\n" for line in lines.splitlines()) for name, lines in command.get("files", {}).items())


def report(commands, what, args, seed):
    if args.shrink and len(commands) > 1:
        commands = shrink(commands, args.folder)
        what = play(commands, args.folder)[1] or what
    print(f"=== seed {seed}: a difference after {len(commands)} commands")
    for command in commands:
        print(say(command))
    print(what, flush=True)
    with open(f"{args.folder}/{seed}.json", "w") as f:
        json.dump(commands, f, indent=1)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--turns", type=int, default=1)
    options.add_argument("--length", type=int, default=80)
    options.add_argument("--only", default="")
    options.add_argument("--folder", default="/var/tmp/ovstalk")
    options.add_argument("--survey", action="store_true")
    options.add_argument("--play")
    options.add_argument("--no-shrink", dest="shrink", action="store_false")
    args = options.parse_args()
    os.makedirs(args.folder, exist_ok=True)
    if args.play:
        with open(args.play) as f:
            commands = json.load(f)
        n, what = play(commands, args.folder)
        if what is None:
            print(f"no difference in {n} commands")
            return 0
        report(commands[:n], what, args, os.path.basename(args.play).removesuffix(".json") + "-again")
        return 1

    begin, said, found = time.monotonic(), 0, 0
    for seed in range(args.seed, args.seed + args.turns):
        chance = random.Random(seed)
        commands = words.turn(chance, args.length, [k for k in args.only.split(",") if k], args.folder)
        n, what = play(commands, args.folder, args.survey)
        said += n
        if what is not None:
            found += 1
            report(commands[:n], what, args, seed)
    print(f"{args.turns} turns, {said} commands to both, {found} turns with a difference, {time.monotonic() - begin:.0f} s")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
