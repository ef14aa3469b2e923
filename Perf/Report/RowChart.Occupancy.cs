namespace Mergeflow.Perf;

public sealed partial class RowChart
{
    private const double OccupancyBar = 5;

    /// <summary>Names, classes, use and size of the tables of the emulated NIC.</summary>
    public static IReadOnlyList<(string Name, string Css, Func<NicOccupancy, int> Used, Func<NicOccupancy, int> Capacity)> NicTables { get; } =
    [
        ("exact-match rules", "nic0", n => n.ExactMatch, n => n.ExactMatchCapacity),
        ("templates", "nic1", n => n.Templates, n => n.TemplateCapacity),
        ("wildcard rows", "nic2", n => n.Wildcard, n => n.WildcardCapacity),
    ];

    /// <summary>How full the tables of the emulated NIC were, for rows that had one.</summary>
    public static string Occupancy(IReadOnlyList<ScenarioResult> rows) => Both(rows, c => c.DrawOccupancy(), ValueRoom + 40);

    private string DrawOccupancy()
    {
        ChartAxis axis = ChartAxis.Linear(100, _left, _right);
        var canvas = new SvgCanvas(_width);
        double bottom = Grid(canvas, axis, "share of the table in use, %");
        EachRow((row, y) =>
        {
            NicOccupancy nic = row.Nic!;
            string profile = Path.GetFileNameWithoutExtension(row.NicProfile) ?? "";
            (string fullest, _, Func<NicOccupancy, int> most, Func<NicOccupancy, int> room) = NicTables.MaxBy(t => Share(t.Used(nic), t.Capacity(nic)));
            double top = Share(most(nic), room(nic));
            Labels(canvas, row, y, top == 0 ? "0 %" : $"{ResultsTable.Percent(top)} %", fullest.Split(' ')[0]);
            for (int i = 0; i < NicTables.Count; i++)
            {
                (string name, string css, Func<NicOccupancy, int> used, Func<NicOccupancy, int> capacity) = NicTables[i];
                double share = Share(used(nic), capacity(nic));
                if (used(nic) > 0) canvas.Rect(css, axis.At(0), y - 9 + (i * (OccupancyBar + 1)), Math.Max(1, axis.At(share) - axis.At(0)), OccupancyBar, $"{Label(row)}, {profile}: {used(nic)} of {capacity(nic)} {name}", 1);
            }
        });
        return canvas.Finish(Css, bottom, "share of the NIC's tables in use per scenario");
    }

    private static double Share(int used, int capacity) => capacity == 0 ? 0 : 100.0 * used / capacity;
}
