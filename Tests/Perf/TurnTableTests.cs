using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

public sealed class TurnTableTests
{
    private const string Header = "scenario\tvdev\tMpps_med\tmin\tmax\tcyc_med\tother_cpu%_max\tpeer_Mpps\tpeer_min\tpeer_max\tpeer_cyc\n";

    [Fact]
    public void Both_figures_and_their_ratio_stand_in_a_row()
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("t.tsv", "# made up\n" + Header + "S1_replay\treplay\t20.0\t19.0\t21.0\t122\t0.4\t80.0\t79.0\t82.5\t31\nS6\treplay\t1\t1\t1\t2400\t0\n");
        using var text = new StringWriter();
        TurnTable.Print(path, text);
        string row = Assert.Single(text.ToString().Split('\n'), l => l.Contains("S1_replay", StringComparison.Ordinal));
        Assert.Equal(["S1_replay", "20.00", "19.00..21.00", "122", "80.00", "79.00..82.50", "31", "4.0", "0.4"], row.Split('|', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        Assert.DoesNotContain("S6", text.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("S1\t1\n", "line 1")]
    [InlineData("scenario\tMpps_med\n", "no column \"min\"")]
    [InlineData(Header + "S1\tx\tfast\t1\t1\t1\t1\t1\t1\t1\t1\n", "line 2: column 3 is not a number")]
    public void What_is_no_table_is_refused(string content, string message)
    {
        using TemporaryFolder folder = new();
        PerfException e = Assert.Throws<PerfException>(() => TurnTable.Print(folder.Write("t.tsv", content), TextWriter.Null));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }
}
