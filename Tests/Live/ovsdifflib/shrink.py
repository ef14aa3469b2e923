"""A pipeline and its packets, made smaller as long as a difference stays."""
import re


def halves(items, stays):
    """Drops as many items as can be dropped, first many at once and then one by one."""
    size = max(1, len(items) // 2)
    while True:
        at, dropped = 0, False
        while at < len(items):
            fewer = items[:at] + items[at + size:]
            if stays(fewer):
                items, dropped = fewer, True
            else:
                at += size
        if size == 1 and not dropped:
            return items
        if size > 1:
            size = max(1, size // 2)


def split(text):
    """Parts between commas that are in no parentheses."""
    parts, depth, last = [], 0, 0
    for i, letter in enumerate(text):
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and depth == 0:
            parts.append(text[last:i])
            last = i + 1
    return parts + [text[last:]]


def smaller_lines(lines, stays):
    """Each rule and group with fewer actions and fewer fields."""
    for i in range(len(lines)):
        what, text = lines[i]
        if what == "group":
            found = re.split(r",(?=bucket=)", text)
            for b in range(len(found) - 1, 0, -1):
                fewer = found[:b] + found[b + 1:]
                if len(fewer) > 1 and stays(lines[:i] + [(what, ",".join(fewer))] + lines[i + 1:]):
                    found = fewer
            lines = lines[:i] + [(what, ",".join(found))] + lines[i + 1:]
            continue
        if "actions=" not in text:
            continue
        head, actions = text.split("actions=", 1)
        put = lambda h, a: lines[:i] + [(what, f"{','.join(h)},actions={','.join(a) or 'drop'}")] + lines[i + 1:]
        fields = split(head.rstrip(","))
        actions = halves(split(actions), lambda a: stays(put(fields, a)))
        fields = halves(fields, lambda h: stays(put(h, actions)))
        for a, action in enumerate(actions):
            found = re.fullmatch(r"(clone|ct|learn|write_actions|bundle)\((.*)\)", action)
            if found:
                inner = halves(split(found[2]), lambda p: stays(put(fields, actions[:a] + [f"{found[1]}({','.join(p)})"] + actions[a + 1:])))
                actions = actions[:a] + [f"{found[1]}({','.join(inner)})"] + actions[a + 1:]
        lines = put(fields, actions)
    return lines
