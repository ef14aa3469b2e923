namespace Mergeflow.Control.OpenFlow;

/// <content>Tables that are nearly full, or are so no more (OpenFlow 1.4 vacancy events; OVS <c>send_table_status</c>). Of a table that takes any number all places are free.</content>
public sealed partial class OfTableSettings
{
    private volatile bool _watchesVacancy;

    /// <summary>How many flows a table has; called by any thread, never under a lock of this object.</summary>
    public Func<int, int> CountOf { get; set; } = static _ => 0;

    /// <summary>Tables have changed: those that have crossed a bound that somebody waits for, with the reason, and the percent of places that are free.</summary>
    public IReadOnlyList<(byte Table, byte Reason, byte Free)> Cross(IEnumerable<byte> changed)
    {
        if (!_watchesVacancy) return [];
        List<(byte Table, byte Reason, byte Free)> crossed = [];
        foreach (byte table in changed.Distinct())
        {
            int count = CountOf(table);
            lock (_lock)
            {
                ref Settings settings = ref _tables[table];
                byte free = FreeOf(settings, count);
                byte reason = free < settings.Down ? OfTableStatus.VacancyDown : free > settings.Up ? OfTableStatus.VacancyUp : (byte)0;
                if (!settings.HasVacancy || reason == 0 || reason != settings.Awaited) continue;
                settings.Awaited = reason == OfTableStatus.VacancyDown ? OfTableStatus.VacancyUp : OfTableStatus.VacancyDown;
                crossed.Add((table, reason, free));
            }
        }

        return crossed;
    }

    /// <summary>Which bound is waited for first, of a table for which that begins.</summary>
    private static void Await(ref Settings settings, int count)
    {
        if (!settings.HasVacancy) settings.Awaited = 0;
        else if (settings.Awaited == 0) settings.Awaited = FreeOf(settings, count) < settings.Up ? OfTableStatus.VacancyUp : OfTableStatus.VacancyDown;
    }

    private static byte FreeOf(in Settings settings, int count)
        => settings.Limit is not { MaxRules: > 0 and var most } ? (byte)100 : count >= most ? (byte)0 : (byte)((most - count) * 100.0 / most);

    private int[] Counts(byte table, bool areWanted)
    {
        int[] counts = new int[_tables.Length];
        for (int t = 0; t < counts.Length - 1 && areWanted; t++)
        {
            if (table == AllTables || table == t) counts[t] = CountOf(t);
        }

        return counts;
    }
}
