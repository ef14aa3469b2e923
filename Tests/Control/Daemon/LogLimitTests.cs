using Mergeflow.Control;
using Mergeflow.Control.Bridges;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What somebody on the wire causes to be logged is bounded (OVS <c>vlog_should_drop</c>).</summary>
public sealed class LogLimitTests
{
    private readonly List<string> _lines = [];
    private long _nowMs = 1000;

    [Fact]
    public void A_burst_is_logged_then_as_many_as_a_minute_may_have_and_what_is_left_out_is_counted()
    {
        LogLimit limit = new(_lines.Add, linesPerMinute: 6, burst: 3, () => _nowMs);
        for (int i = 0; i < 10; i++) limit.Write($"{i}");
        Assert.Equal(["0", "1", "2"], _lines);
        _nowMs += 9_999;
        limit.Write("too early");
        Assert.Equal(3, _lines.Count);
        _nowMs += 5_001;
        limit.Write("later");
        Assert.Equal(["Dropped 8 log messages in last 15 seconds (most recently, 5 seconds ago) due to excessive rate", "later"], _lines[3..]);
        _nowMs += 3_600_000;
        _lines.Clear();
        for (int i = 0; i < 10; i++) limit.Write($"{i}");
        Assert.Equal(["0", "1", "2"], _lines);
    }

    [Fact]
    public void Frames_of_a_looped_link_do_not_fill_the_log()
    {
        const ulong self = 0x0a;
        Lacp lacp = new("bond0", _lines.Add);
        lacp.Configure(new LacpOptions { SystemId = self, SystemPriority = 1, IsActive = true }, new Dictionary<uint, LacpMemberOptions> { [1] = new("m1", 1, 1, 0) });
        lacp.SetCarrier(1, true, _nowMs);
        for (ushort key = 1; key <= 1000; key++)
        {
            lacp.Receive(1, LacpFrame.Write(1, new LacpInfo(1, self, key, 1, 1, LacpState.Active), default), _nowMs);
            lacp.Run(_nowMs, static (_, _, _) => { });
        }

        Assert.Contains("member m1: Loopback detected. Interface is connected to its own bond", _lines);
        Assert.InRange(_lines.Count, 1, 20);
    }
}
