using System.Globalization;
using Mergeflow.Cli;
using Mergeflow.Perf;
using Spectre.Console;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Numbers are not broken, whatever the width of the terminal, and no line is wider than it.</summary>
public sealed class TextTableTests
{
    public static TheoryData<int, bool> Widths => new(new[] { 200, 160, 120, 100, 80, 60 }.SelectMany(static w => new[] { (w, true), (w, false) }));

    [Theory]
    [MemberData(nameof(Widths))]
    public void Every_cell_of_the_results_stands_whole_on_a_line(int width, bool unicode)
    {
        ScenarioResult row = SampleResults.Row("s4_udp_10k_uni_emc0", 24_087, 30_439, 691_671) with
        {
            Peer = new PeerResult("peer 1.0", Spread.Of([20e6]), Spread.Of([123_456.7])),
            Reasons = [new ReasonCount("CtNotEstablished", 1_234_567, 98_765_432)],
            Datapath = null,
        };
        string[] lines = Lines(width, unicode, console => ResultsTable.Print(console, SampleResults.File(row)));
        foreach (string cell in new[] { "24,087..691,671", "123,457", "123,457..123,457", "cycles/packet", "megaflow %", "1,234,567", "98,765,432", "CtNotEstablished" })
            Assert.Contains(lines, l => l.Contains(cell, StringComparison.Ordinal));
        Assert.All(lines.Where(static l => l.Contains('|') || l.Contains('─')), l => Assert.True(l.Length <= width, l));
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Every_cell_of_a_wide_table_stands_whole_on_a_line(int width, bool unicode)
    {
        TextTable table = new(2, ["name", "how", .. Enumerable.Range(0, 14).Select(static i => string.Create(CultureInfo.InvariantCulture, $"column{i}"))]) { Title = "a title that is not broken" };
        string[] cells = [.. Enumerable.Range(0, 14).Select(static i => (1_000_000.5 * Math.Pow(7, i)).ToString("N1", CultureInfo.InvariantCulture))];
        table.AddRow(["row", "nic", .. cells]);
        string[] lines = Lines(width, unicode, table.Write);
        Assert.All(cells, c => Assert.Contains(lines, l => Words(l).Contains(c)));
        Assert.Contains(lines, static l => l.Contains("a title that is not broken", StringComparison.Ordinal));
        Assert.All(lines, l => Assert.True(l.TrimEnd().Length <= width, l));
        Assert.Equal(table.RowCount, lines.Count(l => Words(l).Contains(cells[^1])));
    }

    [Fact]
    public void Where_not_even_one_column_fits_each_row_is_a_block()
    {
        TextTable table = new(1, "name", "value") { TextHeaders = ["value"] };
        table.AddRow("a-long-name-of-a-row", "1,234,567,890");
        Assert.Equal(["a-long-name-of-a-row", "  value  1,234,567,890"], Lines(30, false, table.Write));
    }

    private static string[] Words(string line) => line.Split([' ', '|'], StringSplitOptions.RemoveEmptyEntries);

    private static string[] Lines(int width, bool unicode, Action<IAnsiConsole> write)
    {
        using StringWriter output = new();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), Ansi = AnsiSupport.No });
        console.Profile.Width = width;
        console.Profile.Capabilities.Unicode = unicode;
        write(console);
        return output.ToString().TrimEnd('\n').Split('\n');
    }
}
