using System.Globalization;

namespace Mergeflow.Cli;

/// <summary>What became of the packets received, as both programs print it: a row per fate, shares that add up to 100.0.</summary>
public static class ShareTable
{
    /// <summary>Row name of the packets that a merged rule took.</summary>
    public const string Offloaded = "took a merged rule";

    /// <summary>Row name of the packets whose rule was on the way.</summary>
    public const string Waiting = "came before that rule was there";

    /// <summary>The rows: what, packets and bytes; the rows add up to what was received.</summary>
    public static IReadOnlyList<(string What, BookTotals Part)> Rows(OffloadShares shares)
    {
        List<(string, BookTotals)> rows = [(Offloaded, shares.Offloaded), ("made the rule of their flow", shares.MadeRule), (Waiting, shares.Waiting)];
        rows.AddRange(shares.Refused.Select(static r => (r.Reason.ToString(), r.Lost)));
        rows.Add(("not known", shares.Unknown));
        return [.. rows.Where(static r => r.Item2.Packets != 0 || r.Item1 == Offloaded)];
    }

    /// <summary>The table.</summary>
    /// <param name="rows">As <see cref="Rows"/> gives them.</param>
    /// <param name="title">Stands above it, or null.</param>
    public static TextTable Table(IReadOnlyList<(string What, BookTotals Part)> rows, string? title = null)
    {
        TextTable table = new(1, "packets that", "packets", "% of packets", "bytes", "% of bytes") { Title = title };
        string[] packets = Percent([.. rows.Select(static r => r.Part.Packets)]), bytes = Percent([.. rows.Select(static r => r.Part.Bytes)]);
        for (int i = 0; i < rows.Count; i++) table.AddRow(rows[i].What, Number(rows[i].Part.Packets), packets[i], Number(rows[i].Part.Bytes), bytes[i]);
        BookTotals all = rows.Aggregate(default(BookTotals), static (sum, r) => sum + r.Part);
        table.AddRow("all", Number(all.Packets), all.Packets == 0 ? "0.0" : "100.0", Number(all.Bytes), all.Bytes == 0 ? "0.0" : "100.0");
        return table;
    }

    /// <summary>One line: the share that was offloaded, and the reason that cost most.</summary>
    public static string Summary(OffloadShares shares)
    {
        ArgumentNullException.ThrowIfNull(shares);
        string loss = "";
        if (shares.Refused.Count > 0)
        {
            (OffloadReason reason, _) = shares.Refused[0];
            (string lostPackets, string lostBytes) = PercentOf(shares, reason.ToString());
            loss = $"; largest loss: {reason}, {lostBytes} % of bytes and {lostPackets} % of packets";
        }

        (string packets, string bytes) = PercentOf(shares, Offloaded);
        return $"{bytes} % of bytes and {packets} % of packets offloaded{loss}";
    }

    /// <summary>The shares of a row of the table, rounded as they are there.</summary>
    public static (string Packets, string Bytes) PercentOf(OffloadShares shares, string what)
    {
        IReadOnlyList<(string What, BookTotals Part)> rows = Rows(shares);
        int i = rows.ToList().FindIndex(r => r.What == what);
        return i < 0 ? ("0.0", "0.0") : (Percent([.. rows.Select(static r => r.Part.Packets)])[i], Percent([.. rows.Select(static r => r.Part.Bytes)])[i]);
    }

    /// <summary>A share with one decimal.</summary>
    public static string Share(ulong part, ulong whole) => (whole == 0 ? 0 : 100.0 * part / whole).ToString("F1", CultureInfo.InvariantCulture);

    /// <summary>Shares in tenths of a percent that add up to 100.0: what rounding down leaves goes to those that lost most by it. What is less than nothing has no share: counters of a switch that runs are of several moments.</summary>
    public static string[] Percent(IReadOnlyList<ulong> counts)
    {
        ulong[] parts = [.. counts.Select(static c => (long)c < 0 ? 0 : c)];
        ulong whole = parts.Aggregate(0UL, static (a, b) => a + b);
        if (whole == 0) return [.. parts.Select(static _ => "0.0")];
        int[] tenths = [.. parts.Select(p => (int)((UInt128)p * 1000 / whole))];
        foreach (int i in Enumerable.Range(0, parts.Length).OrderByDescending(i => (UInt128)parts[i] * 1000 % whole).Take(1000 - tenths.Sum()).ToArray()) tenths[i]++;
        return [.. tenths.Select(static t => (t / 10.0).ToString("F1", CultureInfo.InvariantCulture))];
    }

    private static string Number(ulong value) => ((long)value).ToString("N0", CultureInfo.InvariantCulture);
}
