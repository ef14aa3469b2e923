using Mergeflow.Control.Ovsdb;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>When a server is tried again, and which names of servers there are.</summary>
public sealed class OvsdbBackoffTests
{
    [Fact]
    public void Waits_double_up_to_eight_seconds()
    {
        OvsdbBackoff backoff = new();
        Assert.Equal([0, 1000, 2000, 4000, 8000, 8000], Enumerable.Range(0, 6).Select(_ => backoff.Disconnected(0)));
    }

    [Fact]
    public void A_connection_that_has_lasted_begins_from_the_beginning()
    {
        OvsdbBackoff backoff = new();
        for (int i = 0; i < 3; i++) backoff.Disconnected(0);
        backoff.Connected(10_000);
        Assert.Equal(4000, backoff.Disconnected(10_500));
        backoff.Connected(20_000);
        Assert.Equal(0, backoff.Disconnected(40_000));
    }

    [Theory]
    [InlineData("unix:/run/openvswitch/db.sock", false)]
    [InlineData("tcp:127.0.0.1:6640", true)]
    [InlineData("tcp:127.0.0.1", true)]
    [InlineData("tcp:[::1]:6640", true)]
    [InlineData("tcp:[::1]", true)]
    public void A_server_has_a_name(string text, bool needsProbes) => Assert.Equal(needsProbes, OvsdbRemote.Parse(text).NeedsProbes);

    [Theory]
    [InlineData("")]
    [InlineData("unix:")]
    [InlineData("tcp:nowhere:1")]
    [InlineData("tcp:127.0.0.1:0")]
    [InlineData("tcp:127.0.0.1:66000")]
    [InlineData("ssl:127.0.0.1:6640")]
    [InlineData("ptcp:6640")]
    public void What_is_no_name_of_a_server_is_refused(string text) => Assert.Throws<FormatException>(() => OvsdbRemote.Parse(text));
}
