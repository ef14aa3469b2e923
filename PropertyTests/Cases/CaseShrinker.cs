namespace Mergeflow.PropertyTests;

/// <summary>Smaller cases: fewer events, fewer rules, fewer actions, shorter frames, no waiting. The big steps come first.</summary>
internal static class CaseShrinker
{
    /// <summary>The smallest case found that still has <paramref name="fails"/>, within so many tries: the same on every machine.</summary>
    public static FuzzCase Shrink(FuzzCase @case, Func<FuzzCase, bool> fails, int tries)
    {
        bool progress = true;
        while (progress)
        {
            progress = false;
            foreach (FuzzCase smaller in Candidates(@case))
            {
                if (tries-- == 0) return @case;
                if (!Fails(smaller, fails)) continue;
                @case = smaller;
                progress = true;
                break;
            }
        }

        return @case;
    }

    private static bool Fails(FuzzCase @case, Func<FuzzCase, bool> fails)
    {
        try
        {
            return fails(@case);
        }
        catch (Exception e) when (e is Engine.OpenFlow.FlowModException or Engine.Text.FlowTextException or NotSupportedException)
        {
            return false;
        }
    }

    private static IEnumerable<FuzzCase> Candidates(FuzzCase c)
    {
        foreach (IReadOnlyList<FuzzEvent> events in Without(c.Events)) yield return c with { Events = events };
        foreach (IReadOnlyList<string> flows in Without(c.Flows)) yield return c with { Flows = flows };
        foreach (IReadOnlyList<string> groups in Without(c.Groups)) yield return c with { Groups = groups };
        for (int i = 0; i < c.Flows.Count; i++)
        {
            foreach (string simpler in SimplerLines(c.Flows[i])) yield return c with { Flows = Replace(c.Flows, i, simpler) };
        }

        if (c.Events.Any(e => e.TimeMs != 0)) yield return c with { Events = [.. c.Events.Select(e => e with { TimeMs = 0 })] };
        for (int i = 0; i < c.Events.Count; i++)
        {
            foreach (FuzzEvent simpler in SimplerEvents(c.Events[i])) yield return c with { Events = Replace(c.Events, i, simpler) };
        }
    }

    /// <summary>Lists without a chunk: halves, quarters, down to single items.</summary>
    private static IEnumerable<IReadOnlyList<T>> Without<T>(IReadOnlyList<T> list)
    {
        for (int chunk = (list.Count + 1) / 2; chunk >= 1; chunk = chunk == 1 ? 0 : (chunk + 1) / 2)
        {
            for (int start = ((list.Count - 1) / chunk) * chunk; start >= 0 && list.Count > 0; start -= chunk)
            {
                yield return [.. list.Take(start), .. list.Skip(start + chunk)];
            }
        }
    }

    /// <summary>A rule without one of its actions, or without one of the conditions of its match.</summary>
    private static IEnumerable<string> SimplerLines(string line)
    {
        int at = line.IndexOf(" actions=", StringComparison.Ordinal);
        if (at < 0) yield break;
        string head = line[..at], actions = line[(at + 9)..];
        List<string> parts = SplitTop(actions);
        for (int i = 0; i < parts.Count && parts.Count > 1; i++) yield return $"{head} actions={string.Join(',', parts.Where((_, k) => k != i))}";
        List<string> terms = SplitTop(head);
        for (int i = 0; i < terms.Count; i++)
        {
            if (terms[i].StartsWith("cookie=", StringComparison.Ordinal) || terms[i].StartsWith("table=", StringComparison.Ordinal)
                || terms[i].StartsWith("priority=", StringComparison.Ordinal)) continue;
            yield return $"{string.Join(',', terms.Where((_, k) => k != i))} actions={actions}";
        }
    }

    private static IEnumerable<FuzzEvent> SimplerEvents(FuzzEvent e)
    {
        for (int i = 0; i < e.Lines.Count && e.Lines.Count > 1; i++) yield return e with { Lines = [.. e.Lines.Where((_, k) => k != i)] };
    }

    /// <summary>Splits at commas outside of parentheses.</summary>
    private static List<string> SplitTop(string text)
    {
        List<string> parts = [];
        int depth = 0, start = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '(') depth++;
            else if (text[i] == ')') depth--;
            else if (text[i] == ',' && depth == 0)
            {
                parts.Add(text[start..i]);
                start = i + 1;
            }
        }

        parts.Add(text[start..]);
        return parts;
    }

    private static List<T> Replace<T>(IReadOnlyList<T> list, int index, T item)
    {
        List<T> copy = [.. list];
        copy[index] = item;
        return copy;
    }
}
