using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

public sealed class PeerTableTests
{
    private const string Header = "scenario\tvdev\tMpps_med\tmin\tmax\tcyc_med\tcyc_min\tcyc_max\ttx/rx\n";

    [Fact]
    public void Rows_of_the_same_work_get_the_peer_beside()
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("t.tsv", $"# when and how\n{Header}S6_newconn_udp\treplay\t1.5\t1.25\t2\t1700\t1300\t2080\t1.000\n");
        ResultsFile results = SampleResults.File(SampleResults.Row("s6_udp", 400), SampleResults.Row("s1_uni", 30));
        ResultsFile beside = PeerTable.Load(path, "other").Beside(results);
        PeerResult peer = Assert.IsType<PeerResult>(beside.Scenarios[0].Peer);
        Assert.Equal("other", peer.Name);
        Assert.Equal(1_500_000, peer.PacketsPerSecond.Median);
        Assert.Equal(2_000_000, peer.PacketsPerSecond.Max);
        Assert.Equal((1700d, 1300d, 2080d), (peer.CyclesPerPacket.Median, peer.CyclesPerPacket.Min, peer.CyclesPerPacket.Max));
        Assert.Null(beside.Scenarios[1].Peer);
    }

    [Theory]
    [InlineData("S1_replay\t1\t2\n", "line 1: a row before the header")]
    [InlineData("scenario\tMpps_med\n", "line 1: no column \"min\"")]
    [InlineData(Header + "S1_replay\treplay\t1\tfast\t1\t1\t1\t1\t1\n", "line 2: column 4")]
    [InlineData(Header + "S1_replay\treplay\t1\n", "line 2: column 4")]
    public void A_table_that_is_none_is_refused_with_its_line(string text, string expected)
    {
        using TemporaryFolder folder = new();
        PerfException e = Assert.Throws<PerfException>(() => PeerTable.Load(folder.Write("t.tsv", text), "other"));
        Assert.Equal(PerfExitCode.BadInput, e.ExitCode);
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
    }
}
